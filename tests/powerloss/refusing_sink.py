# SPDX-License-Identifier: Apache-2.0
"""An OTLP/gRPC sink that refuses each request in which a record has the attribute test.refuse.

    refusing_sink.py PORT LEDGER

It appends the test.id of every other record to the ledger, one a line, synced before it answers,
and serves until its standard input ends.
"""

import os
import pathlib
import sys
import threading

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from support import messages  # noqa: E402
from support.grpc_sink import GrpcSink  # noqa: E402


def main(port, path):
    ledger = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    lock = threading.Lock()

    def behave(request, context):
        records = [record for _, _, record in messages.records(messages.logs_request(request))]
        if any(messages.text_attribute(record, "test.refuse") for record in records):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "refused for the test")
        ids = [messages.text_attribute(record, "test.id") for record in records]
        with lock:
            os.write(ledger, "".join(f"{i}\n" for i in ids).encode())
            os.fsync(ledger)
        return b""

    sink = GrpcSink(port, behave=behave)
    print(sink.port, flush=True)
    sys.stdin.read()
    sink.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
