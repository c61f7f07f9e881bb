# SPDX-License-Identifier: Apache-2.0
"""Who sends: threads that keep an account of what was acknowledged to them.

A further receiver joins with a class that has one_connection(), and a line in PRODUCERS.
"""

import json
import random
import select
import threading
import time
import urllib.error
import urllib.request

import grpc

from support import messages
from support.agent import Agent
from support.grpc_client import GrpcClient
from support.protobuf import field

TEXTS = ["short"] * 12 + ["a line of text " * 20] * 3 + ["x" * 3000]
PAUSE_S = 0.03  # between bursts: some hundred events a second from each
ANSWER_TIMEOUT_S = 10
UNANSWERED_MAX = 200
# What the daemon may say to events that are in order; they count as not acknowledged.
REFUSALS = {"journal_full", "overloaded", "internal", "stopping", "too_many_connections"}


class Producer(threading.Thread):
    """Sends events over one transport until told to stop; survives the daemon's deaths."""

    def __init__(self, name, daemon, seed):
        super().__init__(name=name, daemon=True)
        self.target = daemon
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.acked = bytearray()  # by number: 1 is acknowledged
        self.sent = 0
        self.pause_s = PAUSE_S  # a mode may change it for a life
        self.refused = 0
        self.wrong = []  # answers that should not have come

    def next_numbers(self, most):
        count = self.random.randint(1, most)
        self.acked.extend(bytes(self.sent + count + 1 - len(self.acked)))
        self.sent += count
        return list(range(self.sent - count + 1, self.sent + 1))

    def note_acked(self, numbers):
        for number in numbers:
            self.acked[number] = 1

    def run(self):
        while not self.stopping.is_set():
            try:
                self.one_connection()
            except (OSError, AssertionError, urllib.error.URLError, ValueError):
                pass  # the daemon is dead or dying; what was not acked is nobody's
            time.sleep(0.01)


class UnixProducer(Producer):
    BURST_MAX = 20

    def one_connection(self):
        with Agent(self.target.socket_path, timeout_s=ANSWER_TIMEOUT_S) as agent:
            numbers = []  # of this connection's events, in their order
            try:
                while not self.stopping.is_set():
                    burst = self.next_numbers(self.BURST_MAX)
                    numbers += burst
                    agent.send(*map(self.event, burst))
                    while agent.sent - agent.acked > UNANSWERED_MAX and agent.read_answers():
                        pass
                    time.sleep(self.pause_s)
                    self.read_what_is_there(agent)
                agent.wait_acked()
            finally:
                self.read_what_is_there(agent)
                self.note(agent, numbers)

    def event(self, number):
        return {"kind": "agent.tool", "session": self.name,
                "attributes": {"test.id": f"{self.name}-{number}", "gen_ai.tool.name": "shell",
                               "agent.tool.category": "shell", "text": self.random.choice(TEXTS)}}

    @staticmethod
    def read_what_is_there(agent):
        while select.select([agent.socket], [], [], 0)[0] and agent.read_answers():
            pass

    def note(self, agent, numbers):
        """Errors stand before the ack that covers their event."""
        refused = {error["event"] for error in agent.errors if "event" in error}
        self.refused += len(refused)
        self.wrong += [error for error in agent.errors if error["code"] not in REFUSALS]
        self.note_acked(n for i, n in enumerate(numbers[: agent.acked], 1) if i not in refused)


class HttpProducer(Producer):
    BURST_MAX = 20

    def one_connection(self):
        numbers = self.next_numbers(self.BURST_MAX)
        body = json.dumps({"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": [
            {"attributes": [{"key": "test.id", "value": {"stringValue": f"{self.name}-{n}"}}]}
            for n in numbers]}]}]})
        request = urllib.request.Request(
            self.target.http_url + "/v1/logs", body.encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:
                said = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:
                self.wrong.append(f"HTTP {error.code}")
            self.refused += len(numbers)
            raise
        if said.get("partialSuccess"):
            self.wrong.append(said)
        else:
            self.note_acked(numbers)
        time.sleep(self.pause_s)


class GrpcProducer(Producer):
    BURST_MAX = 20

    def one_connection(self):
        with GrpcClient(self.target.grpc_socket) as client:
            while not self.stopping.is_set():
                numbers = self.next_numbers(self.BURST_MAX)
                call = client.begin(self.body(numbers), timeout=ANSWER_TIMEOUT_S)
                try:
                    said = call.result()
                except grpc.RpcError:
                    if call.code().name not in ("UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED"):
                        self.wrong.append(f"gRPC {call.code().name}: {call.details()}")
                    self.refused += len(numbers)
                    return
                if messages.response_rejected(said):
                    self.wrong.append(said)
                else:
                    self.note_acked(numbers)
                time.sleep(self.pause_s)

    def body(self, numbers):
        return field(1, field(2, b"".join(field(2, field(6, field(1, b"test.id") + field(
            2, field(1, f"{self.name}-{n}".encode())))) for n in numbers)))


# Name, class: one thread each.
PRODUCERS = [
    ("u0", UnixProducer),
    ("u1", UnixProducer),
    ("u2", UnixProducer),
    ("h0", HttpProducer),
    ("h1", HttpProducer),
    ("g0", GrpcProducer),
]


def start_all(daemon, seed):
    producers = [make(name, daemon, f"{seed} {name}") for name, make in PRODUCERS]
    for producer in producers:
        producer.start()
    return producers
