# SPDX-License-Identifier: Apache-2.0
"""A raw OTLP/gRPC sink: keeps the request bytes as they came over the wire.

Run as a program it serves until its standard input ends and appends every record's
`test.id` attribute, one a line, to a ledger file, synced before it answers:

    grpc_sink.py PORT LEDGER
"""

import concurrent.futures
import os
import pathlib
import sys
import threading

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import messages, signals  # noqa: E402

MESSAGE_MAX = 64 << 20


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, sink):
        self.sink = sink

    def service(self, details):
        if details.method == signals.METHODS["logs"]:
            return grpc.unary_unary_rpc_method_handler(self.sink.answer)
        for signal in ("traces", "metrics"):
            if details.method == signals.METHODS[signal]:
                return grpc.unary_unary_rpc_method_handler(
                    lambda request, context: self.sink.keep(signal, request, context))
        return None


class GrpcSink:
    """`behave(request_bytes, context)` may abort or give back response bytes; None: accept."""

    def __init__(self, port=0, behave=None, on_request=None):
        self.requests = []
        self.metadata = []
        self.refuse_others = False
        self.other_requests = {"traces": [], "metrics": []}
        self.lock = threading.Lock()
        self.behave = behave
        self.on_request = on_request
        self.server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(4),
            handlers=(_Handler(self),),
            options=[("grpc.max_receive_message_length", MESSAGE_MAX),
                     ("grpc.so_reuseport", 0)],
        )
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        assert self.port != 0
        self.server.start()

    def answer(self, request, context):
        if self.behave is not None:
            response = self.behave(request, context)
            if response is not None:
                return response
        if self.on_request is not None:
            self.on_request(request)
        with self.lock:
            self.requests.append(request)
            self.metadata.append(dict(context.invocation_metadata()))
        return b""

    def keep(self, signal, request, context):
        """Traces and metrics: behave() and on_request() are of logs only."""
        if self.refuse_others:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not today")
        with self.lock:
            self.other_requests[signal].append(request)
        return b""

    def requests_of(self, signal):
        """The requests of traces or metrics so far."""
        with self.lock:
            return list(self.other_requests[signal])

    def records(self):
        """(resource_logs, scope_logs, record) of everything received so far."""
        with self.lock:
            requests = list(self.requests)
        return [r for request in requests for r in messages.records(messages.logs_request(request))]

    def record_count(self):
        return len(self.records())

    def stop(self):
        self.server.stop(grace=0).wait()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


def _serve_ledger(port, path):
    ledger = open(path, "a", buffering=1 << 16)
    ledger.write("\n")  # ends a line that was torn when the process before was killed
    lock = threading.Lock()

    def keep(request):
        ids = [messages.text_attribute(record, "test.id")
               for _, _, record in messages.records(messages.logs_request(request))]
        with lock:
            ledger.write("".join(f"{i}\n" for i in ids))
            ledger.flush()
            os.fsync(ledger.fileno())

    sink = GrpcSink(port, on_request=keep)
    sink.requests = _Forget()
    sink.metadata = _Forget()
    print(sink.port, flush=True)
    sys.stdin.read()
    sink.stop()


class _Forget(list):
    """The ledger has what matters."""

    def append(self, item):
        pass


if __name__ == "__main__":
    _serve_ledger(int(sys.argv[1]), sys.argv[2])
