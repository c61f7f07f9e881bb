#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the daemon again and again under load, and asks afterwards for what it acknowledged.

Producers keep a ledger of every acknowledged id outside the daemon.  An OTLP/gRPC sink in a
process of its own keeps a ledger of every id that it got, synced before it answers.  After the
last start nothing that was acknowledged may be missing, at the sink or in the local files.

    kill_loop.py --kills 200 [--seed 1] [--mixed] [--home DIR] [--keep]

With --mixed a part of the deaths are clean stops, the configuration is reloaded under load, and
the sink is killed and comes back.  Exit code 0 only if nothing is missing, and nothing stands twice in the local files.  Set TELLTALE_BIN to the folder of the binaries.
"""

import argparse
import collections
import json
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "integration"))
from support import store  # noqa: E402
from support.agent import Agent  # noqa: E402
from support.daemon import Daemon, free_port, wait_until  # noqa: E402

READY_TIMEOUT_S = 120
STALL_TIMEOUT_S = 60
TEXTS = ["short", "a line of text " * 20, "x" * 3000]


class Producer(threading.Thread):
    """Sends events over one transport until told to stop; survives the daemon's deaths."""

    def __init__(self, name, daemon, seed):
        super().__init__(name=name, daemon=True)
        self.target = daemon
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.acked = []
        self.sent = 0

    def next_id(self):
        self.sent += 1
        return f"{self.name}-{self.sent}"

    def run(self):
        while not self.stopping.is_set():
            try:
                self.one_connection()
            except (OSError, AssertionError, urllib.error.URLError, ValueError):
                time.sleep(0.01)  # the daemon is dead or dying; what was not acked is nobody's


class UnixProducer(Producer):
    def one_connection(self):
        with Agent(self.target.socket_path, timeout_s=10) as agent:
            ids = []
            while not self.stopping.is_set():
                burst = [self.next_id() for _ in range(self.random.randint(1, 50))]
                ids += burst
                try:
                    agent.send(*({"kind": "agent.tool", "session": self.name,
                                  "attributes": {"test.id": i, "gen_ai.tool.name": "shell",
                                                 "agent.tool.category": "shell",
                                                 "text": self.random.choice(TEXTS)}}
                                 for i in burst))
                    while agent.sent - agent.acked > 200 and agent.read_answers():
                        pass
                finally:
                    self.note(agent, ids)
            agent.wait_acked()
            self.note(agent, ids)

    def note(self, agent, ids):
        assert not agent.errors, f"no event of this loop is wrong: {agent.errors[:3]}"
        done = agent.acked - getattr(agent, "noted", 0)
        agent.noted = agent.acked
        self.acked += ids[:done]
        del ids[:done]


class HttpProducer(Producer):
    def one_connection(self):
        ids = [self.next_id() for _ in range(self.random.randint(1, 20))]
        body = json.dumps({"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": [
            {"attributes": [{"key": "test.id", "value": {"stringValue": i}}]} for i in ids]}]}]})
        request = urllib.request.Request(
            self.target.http_url + "/v1/logs", body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            if answer.status == 200 and not json.load(answer).get("partialSuccess"):
                self.acked += ids


class Sink:
    """The sink's process, which may be killed and started again at the same port."""

    def __init__(self, home):
        self.port = free_port()
        self.ledger = home / "sink.ledger"
        self.ledger.touch()
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", str(TESTS / "integration/support/grpc_sink.py"), str(self.port),
             str(self.ledger)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


FILE = "file/forensic: { rotate: { size: 4MiB } }\n"


def with_sink(sink):
    return FILE + f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' }}\n"


def disturb(daemon, sink, chance):
    """Something that may happen while the daemon runs."""
    choice = chance.random()
    if choice < 0.3:
        daemon.write_config(with_sink(sink))
        daemon.process.send_signal(signal.SIGHUP)
    elif choice < 0.5:
        daemon.write_config(FILE.replace("4MiB", "2MiB") + with_sink(sink).split("\n")[1] + "\n")
        daemon.process.send_signal(signal.SIGHUP)
    elif choice < 0.7:
        sink.kill()
        time.sleep(chance.uniform(0, 0.5))
        sink.start()
    elif choice < 0.85:  # no file takes another byte
        _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, hard))
        time.sleep(chance.uniform(0, 0.5))
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def kill_many(daemon, sink, kills, chance, mixed):
    for n in range(kills):
        daemon.start(wait=False)
        time.sleep(chance.uniform(0.02, 0.6) if n % 10 else chance.uniform(0.6, 2.0))
        if mixed and chance.random() < 0.6:
            wait_until(daemon.is_ready, READY_TIMEOUT_S, "ready")
            disturb(daemon, sink, chance)
            time.sleep(chance.uniform(0.0, 0.6))
        assert daemon.process.poll() is None, f"ended by itself:\n{daemon.log()[-3000:]}"
        if mixed and chance.random() < 0.3:
            wait_until(daemon.is_ready, READY_TIMEOUT_S, "ready")
            assert daemon.stop() == 0, daemon.log()[-3000:]
        else:
            daemon.kill()
        if (n + 1) % 20 == 0:
            print(f"  {n + 1} kills", file=sys.stderr, flush=True)


def missing_of(acked, seen):
    return [i for i in acked if i not in seen]


def settle(daemon, acked, ledger, store_dir):
    """Waits until both destinations have everything, or for STALL_TIMEOUT_S nothing has come."""
    newest, seen_at = -1, time.monotonic()
    while True:
        at_sink = collections.Counter(ledger.read_text().split())
        in_files = collections.Counter(store.test_ids(store_dir))
        missing = missing_of(acked, at_sink), missing_of(acked, in_files)
        arrived = sum(at_sink.values()) + sum(in_files.values())
        if arrived != newest:
            newest, seen_at = arrived, time.monotonic()
        if not any(missing) or time.monotonic() > seen_at + STALL_TIMEOUT_S:
            return at_sink, in_files, missing
        assert daemon.process.poll() is None, daemon.log()[-3000:]
        time.sleep(1)


def twice_in_files(store_dir, in_files):
    """Where the records stand that the files hold more than once: their places and uids."""
    twice = {i for i, count in in_files.items() if count > 1}
    found = []
    for record in store.records(store_dir) if twice else ():
        if store.text_attribute(record, "test.id") in twice:
            found.append({item["key"]: next(iter(item["value"].values()))
                          for item in record["attributes"]
                          if item["key"] in ("test.id", "log.record.uid", "agent.journal.id",
                                             "agent.journal.sequence")})
    return found[:20]


def run(home, kills, seed, mixed):
    chance = random.Random(seed)
    sink = Sink(home)
    daemon = Daemon(home, exporters=with_sink(sink))
    producers = [UnixProducer(f"unix{n}", daemon, seed + n) for n in range(3)]
    producers += [HttpProducer(f"http{n}", daemon, seed + n) for n in range(2)]
    for producer in producers:
        producer.start()
    try:
        kill_many(daemon, sink, kills, chance, mixed)
        daemon.start()
        for producer in producers:
            producer.stopping.set()
        for producer in producers:
            producer.join(60)
        acked = [i for producer in producers for i in producer.acked]
        at_sink, in_files, missing = settle(daemon, acked, sink.ledger, daemon.state / "store")
        code = daemon.stop()
    finally:
        sink.stop()
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.kill()
    return {
        "kills": kills,
        "seed": seed,
        "sent": sum(producer.sent for producer in producers),
        "acknowledged": len(acked),
        "missing_at_sink": len(missing[0]),
        "missing_in_files": len(missing[1]),
        "duplicates_at_sink": sum(at_sink.values()) - len(at_sink),
        "duplicates_in_files": sum(in_files.values()) - len(in_files),
        "examples": missing[0][:5] + missing[1][:5],
        "twice_in_files": twice_in_files(daemon.state / "store", in_files),
        "stop_code": code,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mixed", action="store_true", help="not only kills")
    parser.add_argument("--home", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="leave the directory for a look")
    options = parser.parse_args()
    home = options.home or pathlib.Path(tempfile.mkdtemp(prefix="telltale-kill-"))
    home.mkdir(parents=True, exist_ok=True)
    result = run(home, options.kills, options.seed, options.mixed)
    print(json.dumps(result, indent=2))
    if options.keep:
        print(f"kept: {home}")
    else:
        shutil.rmtree(home)
    passed = (result["acknowledged"] > options.kills and result["missing_at_sink"] == 0
              and result["missing_in_files"] == 0 and result["duplicates_in_files"] == 0
              and result["stop_code"] == 0)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
