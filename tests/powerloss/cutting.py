# SPDX-License-Identifier: Apache-2.0
"""A daemon whose disk loses power again and again under load, and the ledgers that tell afterwards
what it had promised.

The ledgers of the senders and of the destination, and the daemon's configuration and log, are
outside of the disk: only the state directory is on it.
"""

import collections
import json
import random
import signal
import struct
import subprocess
import threading
import time

from forgetful import Disk
from support import store
from support.agent import Agent
from support.daemon import ROOT, Daemon, free_port

STALL_TIMEOUT_S = 60
PRODUCERS = 3
REFUSED_ONE_IN = 1000
REFUSED_FIRST = 10  # so that the shortest run has some
TEXTS = ["short", "a line of text " * 20, "x" * 3000]
STATE = "var/lib/telltale"  # on the disk; the daemon makes all of it
SINK = "otlp_grpc/sink"


class Producer(threading.Thread):
    """Sends bursts over the Unix socket until told to stop, and keeps the ids that were acked."""

    def __init__(self, name, socket_path, seed):
        super().__init__(name=name, daemon=True)
        self.socket_path = socket_path
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.sent = 0
        self.acked = []
        self.refused = []  # those of them that the destination refuses

    def run(self):
        while not self.stopping.is_set():
            try:
                with Agent(self.socket_path, timeout_s=10) as agent:
                    self.talk(agent)
            except (OSError, AssertionError):
                time.sleep(0.01)  # the daemon is dead or dying; what was not acked is nobody's

    def talk(self, agent):
        waiting = collections.deque()
        noted = 0
        while not self.stopping.is_set():
            burst = [self.event() for _ in range(self.random.randint(1, 30))]
            waiting.extend(burst)
            try:
                agent.send(*burst)
                agent.wait_acked()
            finally:
                assert not agent.errors, f"no event of this test is wrong: {agent.errors[:3]}"
                while noted < agent.acked:
                    self.note(waiting.popleft())
                    noted += 1

    def event(self):
        self.sent += 1
        refuse = {"test.refuse": "yes"} if self.sent % REFUSED_ONE_IN == REFUSED_FIRST else {}
        return {"kind": "agent.tool", "session": self.name, "attributes": {
            "test.id": f"{self.name}-{self.sent}", "gen_ai.tool.name": "shell",
            "agent.tool.category": "shell", "text": self.random.choice(TEXTS), **refuse}}

    def note(self, event):
        identity = event["attributes"]["test.id"]
        (self.refused if "test.refuse" in event["attributes"] else self.acked).append(identity)


class Sink:
    """The destination's process; it outlives the power cuts."""

    def __init__(self, home):
        self.port = free_port()
        self.ledger = home / "sink.ledger"
        self.ledger.touch()
        self.process = subprocess.Popen(
            ["/usr/bin/python3", ROOT / "tests/powerloss/refusing_sink.py", str(self.port),
             self.ledger], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline(), "the sink serves"

    def ids(self):
        return self.ledger.read_text().split()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Machine:
    """The disk, the daemon on it, and those that talk with it."""

    def __init__(self, home, seed, disk_options=()):
        self.chance = random.Random(seed)
        self.disk = Disk(home, *disk_options)
        self.sink = Sink(home)
        self.daemon = Daemon(
            home, journal="segment_size: 1MiB", receivers="unix: { max_event_size: 256KiB }",
            exporters="file/forensic: { rotate: { size: 256KiB } }\n"
                      f"{SINK}: {{ endpoint: '127.0.0.1:{self.sink.port}',"
                      " retry: { initial: 50ms, max: 500ms },"
                      # A batch that is halved must be done before the next cut, or none ever is.
                      " batch: { max_count: 500 } }\n")
        self.daemon.state = self.disk.mount_point / STATE
        self.kept = self.disk.files / STATE
        self.losses = collections.Counter()
        self.producers = [Producer(f"p{n}", self.daemon.socket_path, seed + n)
                          for n in range(PRODUCERS)]

    def seed(self):
        return self.chance.getrandbits(32)

    def acked(self):
        return [i for producer in self.producers for i in list(producer.acked)]

    def refused(self):
        return [i for producer in self.producers for i in list(producer.refused)]

    def power_cut(self):
        """The daemon sees errors for a moment, or is gone with the power."""
        stopped = self.chance.random() < 0.5
        if stopped:
            self.daemon.process.send_signal(signal.SIGSTOP)
        self.losses.update(self.disk.cut(self.seed()))
        if not stopped:
            time.sleep(self.chance.uniform(0, 0.1))
        self.daemon.kill()
        self.disk.unmount()

    def run_until_cut(self, seconds):
        self.disk.mount(self.seed())
        self.daemon.start(wait=False)
        time.sleep(seconds)
        assert self.daemon.process.poll() is None, f"ended by itself:\n{self.daemon.log()[-3000:]}"
        self.power_cut()

    def check_cursors(self):
        """No destination's position is ahead of what the journal has kept."""
        done = self.daemon.command("journal", "verify", "--json", "--journal",
                                   str(self.kept / "journal"), check=False)
        next_sequence = json.loads(done.stdout)["total"]["next_sequence"] if done.stdout else 1
        for path in (self.kept / "cursors").glob("*"):
            if path.suffix == ".new":
                continue
            magic, position, _ = struct.unpack("<8sQI", path.read_bytes())
            assert magic == b"CURSOR1\n"
            assert position <= next_sequence, f"{path.name} at {position}: {done.stdout}"

    def cut_many(self, cuts):
        for producer in self.producers:
            producer.start()
        for n in range(cuts):
            short = n % 4 == 3  # while it recovers, or compresses what is left
            self.run_until_cut(self.chance.uniform(0.01, 0.4) if short
                               else self.chance.uniform(0.5, 1.5))
            self.check_cursors()

    def letters(self):
        """The ids of the dead letters of the sink."""
        lines = [line for path in (self.daemon.state / "dead-letters").glob("*.jsonl")
                 for line in path.read_bytes().split(b"\n")]
        found = set()
        for line in lines:
            try:
                record = json.loads(line)["otlp"]
            except ValueError:
                continue  # torn by a cut; the record came again
            found |= {store.text_attribute(r, "test.id") for resource in record["resourceLogs"]
                      for scope in resource["scopeLogs"] for r in scope["logRecords"]}
        return found

    def missing(self):
        """What was promised and is nowhere to be found, and how often a record is twice in the files."""
        acked, refused = self.acked(), self.refused()
        in_files = collections.Counter(store.test_ids(self.daemon.state / "store"))
        at_sink, letters = set(self.sink.ids()), self.letters()
        return {
            "sink": [i for i in acked if i not in at_sink],
            "files": [i for i in acked + refused if i not in in_files],
            "letters": [i for i in refused if i not in letters],
            "twice": [i for i, count in in_files.items() if count > 1],
        }

    def finish(self):
        """The last start: waits until everything has arrived, or nothing more comes; stops the
        daemon and gives back what is missing."""
        self.disk.mount(self.seed())
        self.daemon.start()
        for producer in self.producers:
            producer.stopping.set()
        for producer in self.producers:
            if producer.is_alive():
                producer.join(60)
        self.wait_idle()
        missing = self.missing()
        assert self.daemon.stop() == 0, self.daemon.log()[-3000:]
        return missing

    def wait_idle(self):
        """Both destinations have an outcome for every record; or nothing has moved for
        STALL_TIMEOUT_S, and then that is the failure."""
        # The report is made twice a second: what is committed now is in the second one from now.
        time.sleep(1.1)
        lags, moved_at = None, time.monotonic()
        while True:
            metrics = self.daemon.status()["metrics"]
            before, lags = lags, {key: value for key, value in metrics.items()
                                  if key.startswith("telltale_exporter_lag_records")}
            if len(lags) == 2 and not any(lags.values()):
                return
            if lags != before:
                moved_at = time.monotonic()
            assert time.monotonic() < moved_at + STALL_TIMEOUT_S, \
                f"delivery stands still: {lags}\n{self.daemon.log()[-2000:]}"
            time.sleep(0.2)

    def close(self):
        for producer in self.producers:
            producer.stopping.set()
        if self.daemon.process is not None:
            self.daemon.kill()
        self.disk.abandon()
        self.sink.stop()
