# SPDX-License-Identifier: Apache-2.0
"""A HEC of few words that keeps what a Splunk would: events up to the first that it cannot index,
and, where it acknowledges, only what it has said "true" of."""

import gzip
import http.server
import json
import threading
import urllib.parse

EVENT = "/services/collector/event"
ACK = "/services/collector/ack"


def objects(text):
    """The concatenated objects of a body."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value
        while at < len(text) and text[at] in " \r\n":
            at += 1


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        channel = self.headers["X-Splunk-Request-Channel"]
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        path = urllib.parse.urlsplit(self.path).path
        with self.server.sink.lock:
            if path == ACK:
                self.answer(*self.server.sink.answer_acks(channel, json.loads(body)["acks"]))
            else:
                assert path == EVENT and self.headers["Authorization"] == "Splunk " + "t" * 8
                self.answer(*self.server.sink.take(channel, list(objects(body.decode()))))


class HecSink:
    """`is_bad(event)`: cannot be indexed.  `acks`: acknowledges at the second question.  `say`: what
    it answers instead, (status, code), until it is None."""

    def __init__(self, acks=False, is_bad=lambda event: False, say=None):
        self.lock = threading.Lock()
        self.acks, self.is_bad, self.say = acks, is_bad, say
        self.kept, self.requests, self.channels = [], 0, {}
        self.forgets = 0  # so many requests are taken and lost
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.sink = self
        self.port = self.server.server_address[1]

    def take(self, channel, events):
        self.requests += 1
        if self.say is not None:
            return self.say[0], {"text": "as told", "code": self.say[1]}
        bad = next((i for i, event in enumerate(events) if self.is_bad(event)), None)
        taken = events[:bad]
        answer = {"text": "Success", "code": 0}
        if bad is not None:
            answer = {"text": "Invalid data format", "code": 6, "invalid-event-number": bad}
        if self.acks and taken:
            pending = self.channels.setdefault(channel, {})
            answer["ackId"] = len(pending)
            lost = self.forgets > 0
            self.forgets -= lost
            pending[len(pending)] = None if lost else [0, taken]
        elif taken:
            self.kept += taken
        return (200 if bad is None else 400), answer

    def answer_acks(self, channel, ids):
        if not self.acks:
            return 400, {"text": "ACK is disabled", "code": 14}
        found = {}
        for ack_id in ids:
            entry = self.channels.get(channel, {}).get(ack_id)
            found[str(ack_id)] = False
            if entry is not None:
                entry[0] += 1
                if entry[0] == 2:
                    self.kept += entry[1]
                    self.channels[channel][ack_id] = None  # "true" is said once
                    found[str(ack_id)] = True
        return 200, {"acks": found}

    def ids(self):
        with self.lock:
            return [event["event"]["attributes"]["test.id"] for event in self.kept]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
