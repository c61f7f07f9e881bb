# SPDX-License-Identifier: Apache-2.0
"""Where events go: what each destination has, and whether it has what it must.

A further exporter joins with a class like these, and a line in make_all():

    config(life)         its lines of the section `exporters`
    start(life), stop()  of what it needs around the daemon
    check(acked, sent)   at the end, when the daemon has stopped: adds to its findings
    summary()            figures for the report
"""

import json
import pathlib
import re
import subprocess

import ledger
from support import store
from support.daemon import quiet_port

HERE = pathlib.Path(__file__).resolve().parent
REQUEST_TIMEOUT_S = 1
PARSE_EVERY = 50  # each so many lines are read as JSON, the others by the pattern alone
ID_IN_JSON = re.compile(rb'"test\.id","value":\{"stringValue":"([^"]+)"')


class GrpcSink:
    """OTLP over gRPC to faulty_sink.py, in a process that may be killed and started again.

    Allowed: what stands in the dead letters for a reason, what was refused inside an accepted
    request, and repetitions of what was not confirmed before the last save of the cursor.
    """

    name = "otlp_grpc/sink"

    def __init__(self, home, lives):
        self.state = home / "state"
        self.path = home / "sink.ledger"
        self.port = quiet_port()
        self.findings = ledger.Findings()
        self.tally = ledger.SinkTally(lives, self.findings)
        self.letters = 0
        self.process = None
        self.started_in_life = None
        self.behaviour = {}

    def config(self, life):
        return (f"{self.name}: {{ endpoint: '127.0.0.1:{self.port}', timeout: {REQUEST_TIMEOUT_S}s,"
                f" headers: {{ life: '{life}' }}, batch: {{ max_delay: 20ms, max_count: 100 }},"
                f" retry: {{ initial: 10ms, max: 100ms }} }}\n")

    def start(self, life):
        self.started_in_life = life
        self.process = subprocess.Popen(
            ["/usr/bin/python3", str(HERE / "faulty_sink.py"), str(self.port), str(self.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", "the sink does not start"
        self.behave(self.behaviour)

    def behave(self, behaviour):
        self.behaviour = behaviour
        self._tell(behaviour)

    def _tell(self, command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def refused_within(self, life):
        """How many records it has said to have refused inside accepted requests of a life."""
        self._tell({"report": True})
        return json.loads(self.process.stdout.readline()).get(str(life), 0)

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(30)

    def check(self, acked, sent):
        with open(self.path) as lines:
            self.tally.read(lines)
        self._read_letters()
        for text in self.tally.missing(acked):
            self.findings.add("missing at the sink", text)
        for text in self.tally.made_up(sent):
            self.findings.add("made up", text)

    def _read_letters(self):
        for path in (self.state / "dead-letters").glob("otlp_grpc.sink*.jsonl"):
            for line in open(path, "rb"):
                match = ID_IN_JSON.search(line)
                if match is None:
                    continue  # one of the daemon's own records
                self.letters += 1
                text = match.group(1).decode()
                json.loads(line)
                before = self.tally.mark(*ledger.split_id(text), ledger.LETTER)
                if not before & ledger.REJECTED:
                    self.findings.add("a dead letter that nobody rejected", text)

    def summary(self):
        return {"arrivals": self.tally.arrivals, "repeats": self.tally.repeats,
                "dead_letters": self.letters,
                "safe_as_dead_letters_only": sum(
                    value & ledger.SAFE == ledger.LETTER
                    for flags in self.tally.flags.values() for value in flags),
                "refused_within": self.tally.count(ledger.REFUSED),
                "requests": len(self.tally.requests), "faults": dict(self.tally.faults)}


class Files:
    """The local files.  Allowed: nothing; each record stands there once."""

    name = "file/forensic"

    def __init__(self, home, lives):
        self.directory = home / "state" / "store"
        self.findings = ledger.Findings()
        self.tally = ledger.FileTally(self.findings)
        self.rotate_mib = 1

    def config(self, life):
        return f"{self.name}: {{ rotate: {{ size: {self.rotate_mib}MiB }} }}\n"

    def start(self, life):
        pass

    def stop(self):
        pass

    def check(self, acked, sent):
        for n, line in enumerate(store.stream_lines(self.directory)):
            if n % PARSE_EVERY == 0:
                json.loads(line)
            match = ID_IN_JSON.search(line)
            if match is not None:
                self.tally.add(match.group(1).decode())
        for text in self.tally.missing(acked):
            self.findings.add("missing in the files", text)
        for text in self.tally.made_up(sent):
            self.findings.add("made up", text)

    def summary(self):
        return {"records": self.tally.count(ledger.SEEN)}


def make_all(home, lives):
    return [GrpcSink(home, lives), Files(home, lives)]
