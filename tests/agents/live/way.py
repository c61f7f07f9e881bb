# SPDX-License-Identifier: Apache-2.0
"""The way from an agent to Telltale, on which things go wrong as they are told to: an export is
refused or its connection is dropped, the collector is not there and comes back, or is killed.

It keeps a book of what Telltale acknowledged and what it never got.  All that is seen of an agent
goes through here, so that its exports are decided upon one after the other."""

import concurrent.futures
import dataclasses
import gzip
import http.client
import http.server
import json
import socket
import threading
import time

import grpc
from support import messages
from support.daemon import quiet_port, wait_until

FORWARD_TIMEOUT_S = 20
DELIVERY_TIMEOUT_S = 20
AWAY_S = 1.5  # longer than Codex gathers records: what it had when the collector left is lost
REFUSED = 503
START, NEVER = -1, -2  # instead of a step: before the agent starts, not at all


@dataclasses.dataclass
class Fault:
    """What goes wrong.  Steps are those of the script, counted from 0."""

    refuses: object = None  # the first export of logs that contains this pattern is refused ...
    drops: bool = False  # ... or rather its connection is closed without an answer ...
    is_late: bool = False  # ... though Telltale has acknowledged it
    leaves_at: int = NEVER  # the collector is gone before this step is told ...
    leaves_after: bytes = b""  # ... and an export was acknowledged that contains this ...
    returns_at: int = NEVER  # ... and is there again before this one
    kills: bool = False  # Telltale is killed when it leaves


@dataclasses.dataclass
class Export:
    signal: str
    body: bytes  # not compressed
    is_json: bool
    life: int  # of Telltale: one more with each start
    is_accepted: bool
    is_heard: bool  # the agent was told so

    def records(self):
        """Each log record as a dictionary of its attributes, numbers as texts."""
        if self.signal != "logs":
            return []
        if not self.is_json:
            return [{key: told(value) for key, value in messages.attributes(record)}
                    for _, _, record in messages.records(messages.logs_request(self.body))]
        return [{item["key"]: told(next(iter(item["value"].items()), None))
                 for item in record.get("attributes", [])}
                for resource in json.loads(self.body)["resourceLogs"]
                for scope in resource["scopeLogs"] for record in scope["logRecords"]]


def told(value):
    return None if value is None else str(value[1])


def signal_of(path):
    return next(signal for word, signal in (("logs", "logs"), ("trace", "traces"),
                                            ("metrics", "metrics")) if word in path.lower())


class Way:
    def __init__(self, telltale, fault):
        self.telltale = telltale
        self.transport = telltale.transport
        self.fault = fault
        self.exports = []
        self.life = 0
        self.lock = threading.RLock()  # one export at a time; none while the collector goes
        self.is_faulted = False
        self.port = quiet_port()
        self.server = None
        self.channel = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.close()

    def open(self):
        if self.transport == "grpc":
            self.channel = grpc.insecure_channel(
                f"127.0.0.1:{self.telltale.grpc_port}", [("grpc.use_local_subchannel_pool", 1)])
            self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
            self.server.add_generic_rpc_handlers([Calls(self)])
            assert self.server.add_insecure_port(f"127.0.0.1:{self.port}") == self.port
            self.server.start()
        else:
            self.server = Posts(self)
            threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        """Nobody listens any more and no connection is left."""
        if self.server is None:
            return
        if self.transport == "grpc":
            self.server.stop(None).wait()
            self.channel.close()
        else:
            self.server.end()
        self.server = None

    def on_step(self, index):
        """Called by the model before it says what comes next."""
        if index == self.fault.leaves_at:
            wait_until(self.may_leave, DELIVERY_TIMEOUT_S, "an export before the collector leaves")
            with self.lock:
                if self.server is not None and not self.is_faulted:
                    self.is_faulted = True
                    self.close()
                    if self.fault.kills:
                        self.telltale.kill()
        if index == self.fault.returns_at:
            with self.lock:
                if self.server is None:
                    time.sleep(AWAY_S)
                    if self.fault.kills:
                        self.telltale.start()
                        self.life += 1
                    self.open()

    def may_leave(self):
        """Spans tell of the same as log records, at other times."""
        return self.is_faulted or not self.fault.leaves_after or any(
            export.signal == "logs" and self.fault.leaves_after in export.body
            for export in list(self.exports))

    # --- One export -----------------------------------------------------------------------------

    def take(self, signal, body, is_json, forward):
        """`forward()` gives back (was accepted, answer).  None: it is refused here."""
        with self.lock:
            marker = self.fault.refuses
            if marker and not self.is_faulted and signal == "logs" and marker.search(body):
                self.is_faulted = True
                is_accepted = self.fault.is_late and forward()[0]
                self.exports.append(Export(signal, body, is_json, self.life, is_accepted, False))
                return None
            is_accepted, answer = forward()
            self.exports.append(Export(signal, body, is_json, self.life, is_accepted, is_accepted))
            return answer

    # --- The book -------------------------------------------------------------------------------

    def accepted(self):
        """(life, record) of each log record that was acknowledged, in that order; of exports that
        are the same those of the first."""
        exports = {}
        for export in self.exports:
            if export.is_accepted:
                exports.setdefault(export.body, export)
        return [(export.life, record) for export in exports.values() for record in export.records()]

    def refused(self):
        return [export for export in self.exports if not export.is_accepted]

    def was_sent_again(self):
        """Every export whose success was not heard came again, byte for byte the same."""
        return all(any(later.is_heard and later.body == export.body for later in self.exports[n:])
                   for n, export in enumerate(self.exports) if not export.is_heard)


class Calls(grpc.GenericRpcHandler):
    def __init__(self, way):
        self.way = way

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(
            lambda body, context: self.export(details.method, body, context))

    def export(self, method, body, context):
        def forward():
            try:
                return True, self.way.channel.unary_unary(method)(body, timeout=FORWARD_TIMEOUT_S)
            except grpc.RpcError:
                return False, None

        answer = self.way.take(signal_of(method), body, False, forward)
        if answer is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        return answer


class Posts(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, way):
        self.connections = set()
        posts = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                posts.connections.add(self.connection)

            def finish(self):
                posts.connections.discard(self.connection)
                super().finish()

            def do_POST(self):
                body = read_body(self)
                answer = way.take(signal_of(self.path), inflated(self.headers, body),
                                  "json" in self.headers["Content-Type"],
                                  lambda: forward_post(way.telltale.http_port, self, body))
                if answer is None and way.fault.drops:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, answer_body = answer or (REFUSED, b"")
                self.send_response(status)
                self.send_header("Content-Type", self.headers["Content-Type"])
                self.send_header("Content-Length", str(len(answer_body)))
                if status == REFUSED:
                    self.send_header("Retry-After", "1")
                self.end_headers()
                self.wfile.write(answer_body)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", way.port), Handler)

    def end(self):
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its other end was faster

    def handle_error(self, request, client_address):
        pass  # an agent that has ended, or a connection that we closed


def read_body(handler):
    if "chunked" not in handler.headers.get("Transfer-Encoding", ""):
        return handler.rfile.read(int(handler.headers["Content-Length"]))
    body = b""
    while size := int(handler.rfile.readline(), 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


def inflated(headers, body):
    return gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body


def forward_post(port, handler, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=FORWARD_TIMEOUT_S)
    kept = {name: value for name, value in handler.headers.items()
            if name.lower() in ("content-type", "content-encoding")}
    connection.request("POST", handler.path, body, kept)
    answer = connection.getresponse()
    result = answer.status, answer.read()
    connection.close()
    return result[0] == 200, result
