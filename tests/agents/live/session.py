# SPDX-License-Identifier: Apache-2.0
"""One agent plays one scenario, and what Telltale has recorded is judged."""

import json
import os
import subprocess
import time

import pytest
from live import judge
from live.models import ModelServer
from live.place import Place
from live.way import START, Way
from live.web import Outside
from support.daemon import BIN, Daemon, quiet_port, wait_until

DELIVERY_TIMEOUT_S = 60
LINGER_S = 8  # of agents that do not end by themselves, when something went wrong on the way
ALL = bool(os.environ.get("TELLTALE_AGENTS_ALL"))
TRANSPORT_WORDS = {
    "http-protobuf": "otlp_http_protobuf",
    "http-json": "otlp_http_json",
    "grpc": "otlp_grpc",
}


def cases(default, scenarios, transports):
    """The (scenario, transport) pairs to run: of `default` unless everything is asked for."""
    chosen = [(s, t) for t in transports for s in scenarios] if ALL else default
    return [pytest.param(s, t, id=f"{s}-{t}") for s, t in chosen]


class Telltale(Daemon):
    """A daemon that takes one transport, and its store."""

    def __init__(self, home, transport):
        self.transport = transport
        self.grpc_port = quiet_port()
        super().__init__(home, exporters="file/forensic: {}",
                         grpc_listen=[f"127.0.0.1:{self.grpc_port}"])

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.grpc_port}" if self.transport == "grpc" else self.http_url

    def records(self):
        """Everything in the store, as `telltale query` gives it to anybody."""
        done = subprocess.run([BIN / "telltale", "--state-dir", self.state, "query", "--format",
                               "json", "--limit", "0"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def play(home, play_agent, script_of, transport, expectations_of):
    """`play_agent(place, script, model_url, telltale, delivered)` runs the agent; `delivered()` is
    for agents that do not end by themselves: it waits until all that is expected is stored.
    Gives back the requests that reached the outside."""
    with Place() as place, Outside() as outside, ModelServer(script_of(place)) as model, \
            Telltale(home, transport) as telltale:
        expectations = expectations_of(place)
        play_agent(place, model.script, model.url, telltale,
                   lambda: wait_complete(telltale, expectations))
        assert not model.errors, model.errors
        wait_stored(telltale)
        check(telltale.records(), expectations, transport, place)
        return outside.reached


def play_badly(home, play_agent, script_of, transport, fault, expectations_of):
    """The same with a fault on the way to Telltale.  Gives back (way, records, expectations)."""
    with Place() as place, Telltale(home, transport) as telltale, \
            Way(telltale, fault) as way, ModelServer(script_of(place), way.on_step) as model:
        expectations = expectations_of(place)
        way.on_step(START)
        play_agent(place, model.script, model.url, way,
                   lambda: wait_complete(telltale, expectations, LINGER_S))
        assert not model.errors, model.errors
        way.close()
        wait_stored(telltale)
        return way, telltale.records(), expectations


def wait_complete(telltale, expectations, timeout_s=DELIVERY_TIMEOUT_S):
    """Not that it is: the verdict afterwards says what is missing."""
    try:
        wait_until(lambda: not judge.pair(telltale.records(), expectations)[0], timeout_s,
                   "everything in the store")
    except AssertionError:
        pass


def wait_stored(telltale):
    """All that was acknowledged is in the files, by a report of the daemon that is later."""
    ended = time.time()

    def stored():
        status = telltale.status()
        (exporter,) = status["exporters"]
        return status["report_time"] > ended and exporter["lag_records"] == 0

    wait_until(stored, DELIVERY_TIMEOUT_S, "an empty backlog")


def check(records, expectations, transport, place):
    complaints = judge.judge(records, expectations)
    assert not complaints, "\n".join([*complaints, "--- the agent said:", place.log()])
    assert {judge.value(record, "agent.transport") for record in records
            if judge.value(record, "agent.event.kind") != "agent.pipeline"} == {
                TRANSPORT_WORDS[transport]}
    # The verdict is worth something: without any one of these records it is another.
    expectations = [dict(row) for row in expectations if not isinstance(row, judge.Maybe)
                    or any(judge.answers(record, row) for record in records)]
    for n, record in enumerate(records):
        if judge.value(record, "agent.event.kind") in judge.JUDGED_KINDS:
            assert judge.judge(records[:n] + records[n + 1:], expectations), record
