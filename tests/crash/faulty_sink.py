#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An OTLP/gRPC sink that can misbehave in every way that a destination may.

    faulty_sink.py PORT LEDGER

It is a process of its own.  The daemon connects to PORT, where a proxy (cutting_proxy.py) stands
before the server, so that connections can be cut anywhere.  Each line of standard input is a
JSON object, the behaviour from now on; an empty one is good behaviour, and what is left out is
good:

    {"delay": 2.0}                    answers take up to so many seconds
    {"chance": 0.5}                   of the following for a request; 1 when absent
    {"code": 14, "message": "", "retry_s": 0.1}   a status, with RetryInfo unless retry_s is null
    {"partial": "lie"}                keeps all and says that it refused some
    {"partial": "true"}               keeps some, and says so
    {"half": "code"}                  keeps half of a request, then UNAVAILABLE
    {"half": "cut"}                   keeps half of a request, then cuts every connection
    {"cut_up": N, "cut_down": N}      connections end after so many bytes of either direction
    {"closed": true}                  nobody listens
    {"report": true}                  prints how many records were refused inside requests, by life

What it keeps stands in the ledger (ledger.py says how), synced before it answers.
"""

import collections
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time

import grpc

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import cutting_proxy  # noqa: E402
from ledger import to_runs  # noqa: E402
from support import messages  # noqa: E402
from support.grpc_sink import GrpcSink  # noqa: E402
from support.protobuf import field, varint  # noqa: E402

CODES = {code.value[0]: code for code in grpc.StatusCode}
# docs/DELIVERY.md: what the daemon takes as a judgement of the records.  Written down here, and not
# taken from the daemon.
REJECTING = {2, 3, 6, 9, 13}
TRANSPORT_WORDS = "Stream removed"  # such an UNKNOWN or INTERNAL came from no receiver
SIZE_WORDS = "message too large"  # such a RESOURCE_EXHAUSTED is about the size of the request
TIME_TO_SPARE_S = 0.3  # an answer with less left may come too late


def may_reject(behaviour):
    """Whether records may become dead letters for this answer."""
    code, words = behaviour["code"], behaviour.get("message", "")
    if code == 8:
        return behaviour.get("retry_s") is None and SIZE_WORDS in words
    return code in REJECTING and not (code in (2, 13) and TRANSPORT_WORDS in words)


def status_details(code, message, retry_s):
    """google.rpc.Status with a RetryInfo."""
    duration = b"\x08" + varint(int(retry_s)) + b"\x10" + varint(int(retry_s % 1 * 1e9))
    info = field(1, b"type.googleapis.com/google.rpc.RetryInfo") + field(2, field(1, duration))
    return b"\x08" + varint(code) + field(2, message.encode()) + field(3, info)


class Ledger:
    def __init__(self, path):
        self.file = open(path, "a", buffering=1 << 16)
        self.lock = threading.Lock()
        self.write("\nB", sync=True)  # ends a line that was torn when the process before was killed

    def write(self, kind, number=None, words=(), sync=False):
        with self.lock:
            parts = [kind, *([] if number is None else [str(number)]), f"{time.monotonic():.4f}",
                     *words, "."]
            self.file.write(" ".join(parts) + "\n")
            self.file.flush()
            if sync:
                os.fdatasync(self.file.fileno())


class FaultySink:
    def __init__(self, port, ledger_path):
        self.ledger = Ledger(ledger_path)
        self.random = random.Random(port)
        self.behaviour = {}
        self.lock = threading.Lock()
        self.count = 0
        self.refused = collections.Counter()  # by life: said and heard inside accepted requests
        self.server = GrpcSink(behave=self.answer)
        self.proxy = cutting_proxy.CuttingProxy(port, self.server.port, self.on_cut)

    def on_cut(self):
        self.ledger.write("F", words=["cut"])
        self.ledger.write("X")

    def on_continued(self):
        self.ledger.write("F", words=["stopped"])
        self.ledger.write("X")

    # --- One request ----------------------------------------------------------------------------

    def answer(self, request, context):
        with self.lock:
            self.count += 1
            number = self.count
        behaviour = self.behaviour
        life = dict(context.invocation_metadata()).get("life", "0")
        found = [messages.text_attribute(record, "test.id")
                 for _, _, record in messages.records(messages.logs_request(request))]
        ids = [i for i in found if i is not None]  # the daemon's own records have none
        if self.random.random() >= behaviour.get("chance", 1):
            behaviour = {}
        if "delay" in behaviour:
            delay = self.random.uniform(0, behaviour["delay"])
            self.ledger.write("F", words=["late" if delay > context.time_remaining() else "slow"])
            time.sleep(delay)
        if "code" in behaviour:
            self.refuse(behaviour, number, life, ids, context)
        if "half" in behaviour:
            return self.take_half(behaviour, number, life, ids, context)
        response = b""
        if "partial" in behaviour and ids:
            some = len(ids) < len(found)
            ids, response = self.refuse_some(behaviour["partial"], number, life, ids, some)
        self.keep(number, life, ids)
        context.add_callback(lambda: self.confirm(number, context.time_remaining()))
        return response

    def keep(self, number, life, ids):
        self.ledger.write("Q", number, [life, *to_runs(ids)], sync=True)

    def confirm(self, number, left_s):
        """The answer has gone out, or the caller has gone."""
        if left_s is not None and left_s > TIME_TO_SPARE_S:
            self.ledger.write("A", number)

    def refuse(self, behaviour, number, life, ids, context):
        code, message = behaviour["code"], behaviour.get("message", "")
        self.ledger.write("F", words=[f"code_{code}"])
        self.ledger.write("U", number, [life])
        if may_reject(behaviour):
            self.ledger.write("R", number, [life, *to_runs(ids)])
        if behaviour.get("retry_s") is not None:
            context.set_trailing_metadata((
                ("grpc-status-details-bin", status_details(code, message, behaviour["retry_s"])),))
        context.abort(CODES[code], message)

    def take_half(self, behaviour, number, life, ids, context):
        self.ledger.write("F", words=["half"])
        self.keep(number, life, ids[: len(ids) // 2])
        if behaviour["half"] == "cut":
            self.proxy.cut_all()
        context.abort(grpc.StatusCode.UNAVAILABLE, "half of it is kept")

    def refuse_some(self, how, number, life, ids, has_others):
        """Gives back the ids that are kept, and the answer."""
        count = self.random.randint(1, len(ids))
        refused = set(self.random.sample(range(len(ids)), count))
        all_of_them = count == len(ids) and not has_others  # then they become dead letters
        self.ledger.write("F", words=["partial"])
        if all_of_them or how == "true":
            gone = to_runs(i for n, i in enumerate(ids) if n in refused)
            self.ledger.write("R" if all_of_them else "P", number, [life, *gone], sync=True)
        if how == "true":
            ids = [i for n, i in enumerate(ids) if n not in refused]
        if not all_of_them:
            with self.lock:
                self.refused[life] += count
        return ids, messages.logs_response(count, "some").SerializeToString()

    # --- Commands -------------------------------------------------------------------------------

    def obey(self, command):
        if command.get("report"):
            print(json.dumps(self.refused), flush=True)
            return
        self.behaviour = command
        self.proxy.plan(command.get("cut_up"), command.get("cut_down"))
        self.proxy.set_open(not command.get("closed"))


def main():
    messages.logs_request()  # makes the classes, which takes a moment
    sink = FaultySink(int(sys.argv[1]), sys.argv[2])
    # Stopped and continued: what was waiting in between may have been given up.
    signal.signal(signal.SIGCONT, lambda *_: sink.on_continued())
    print("ready", flush=True)
    for line in sys.stdin:
        sink.obey(json.loads(line))
    os._exit(0)  # threads in the middle of an answer need not end


if __name__ == "__main__":
    main()
