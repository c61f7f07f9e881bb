# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP sink that keeps the requests, inflated, and answers as a test says."""

import contextlib
import gzip
import http.server
import json
import socket
import subprocess
import threading

from support import facts


class HttpSink:
    """`behave(sink, path, headers, body)` may give back (status, headers, body); None: accept."""

    def __init__(self, port=0, behave=None):
        self.requests = []  # (path, headers, inflated body) of what was accepted
        self.attempts = 0
        self.lock = threading.Lock()
        self.connections = set()
        self.behave = behave
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def take(self, path, headers, body):
        with self.lock:
            self.attempts += 1
        answer = self.behave(self, path, headers, body) if self.behave else None
        if answer is None:
            with self.lock:
                self.requests.append((path, headers, body))
        return answer or (200, {}, b"")

    def records(self, signal="logs"):
        with self.lock:
            requests = list(self.requests)
        return [record for path, headers, body in requests if path.endswith(f"/v1/{signal}")
                for record in records_of(headers, body)]

    def ids(self):
        return [facts.attribute(record, "test.id") for record in self.records()]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):  # the peer may have gone
                    connection.shutdown(socket.SHUT_RDWR)
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


def records_of(headers, body):
    if headers["Content-Type"] == "application/json":
        return list(facts.of_json(json.loads(body)))
    return list(facts.of_protobuf(body))


def inflate(encoding, body):
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "zstd":
        return subprocess.run(["zstd", "-dqc"], input=body, capture_output=True, check=True).stdout
    assert encoding is None, encoding
    return body


def _handler(sink):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            with sink.lock:
                sink.connections.add(self.connection)

        def finish(self):
            with sink.lock:
                sink.connections.discard(self.connection)
            super().finish()

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = inflate(self.headers["Content-Encoding"], body)
            status, headers, answer = sink.take(self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST

        def log_message(self, *arguments):
            pass

    return Handler
