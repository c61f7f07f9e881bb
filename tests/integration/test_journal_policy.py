# SPDX-License-Identifier: Apache-2.0
"""A journal that reaches its bound: what the written policy says happens, and the loss ledger
says exactly what a destination never got."""

import collections
import json
import random
import signal
import time

from support import messages, store
from support.agent import Agent
from support.daemon import Daemon, free_port, wait_until
from support.grpc_sink import GrpcSink

ARRIVAL_TIMEOUT_S = 90
JOURNAL = "max_size: 4MiB\nsegment_size: 1MiB"
STORE = "file/forensic: { retry: { initial: 20ms, max: 50ms } }"
SINK = "otlp_grpc/sink"


def exporters(port, policy):
    return (f"{STORE}\n{SINK}: {{ endpoint: '127.0.0.1:{port}', on_journal_full: {policy}, "
            "retry: { initial: 20ms, max: 50ms } }")


def daemon_for(home, port, policy):
    return Daemon(home, exporters(port, policy), journal=JOURNAL,
                  receivers="unix: { max_event_size: 512KiB }")


def event(test_id, size=4000):
    return {"kind": "agent.error", "body": "x" * size,
            "attributes": {"error.type": "x", "test.id": test_id}}


def send(agent, first, count, group=25):
    """Events first..first+count-1; gives back the ids that were taken."""
    taken = []
    for start in range(first, first + count, group):
        numbers = range(start, min(start + group, first + count))
        before = len(agent.errors)
        sent_before = agent.sent
        agent.send(*(event(str(n)) for n in numbers))
        agent.wait_acked()
        refused = {error["event"] - sent_before - 1 for error in agent.errors[before:]}
        taken += [str(n) for i, n in enumerate(numbers) if i not in refused]
    return taken


def losses(daemon, destination=None, reason=None):
    path = daemon.state / "loss-ledger.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if "reason" in line
            and destination in (None, line["destination"]) and reason in (None, line["reason"])]


def sequences(daemon):
    """test.id of each sequence number, as the store has it; None: the daemon's own record."""
    found = {}
    for record in store.records(daemon.state / "store"):
        place = [int(item["value"]["intValue"]) for item in record["attributes"]
                 if item["key"] == "agent.journal.sequence"]
        found[place[-1]] = store.text_attribute(record, "test.id")
    return found


def kind_of(record):
    return messages.text_attribute(record, "agent.event.kind")


def ids_of(sink):
    return [i for i in (messages.text_attribute(r, "test.id") for _, _, r in sink.records()) if i]


def lost_ids(daemon, lines):
    """The ids in the ranges of the ledger's lines."""
    of_sequence = sequences(daemon)
    return [of_sequence[n] for line in lines for n in range(line["first"], line["last"] + 1)
            if of_sequence[n] is not None]


def wait_store(daemon, wanted):
    wait_until(lambda: set(store.test_ids(daemon.state / "store")) >= set(wanted),
               ARRIVAL_TIMEOUT_S, "everything acknowledged is in the store")


def wait_caught_up(daemon):
    def caught_up():
        report = daemon.status()
        committed = report["journal"]["committed_sequence"]
        return all(exporter["next_sequence"] == committed for exporter in report["exporters"])

    wait_until(caught_up, ARRIVAL_TIMEOUT_S, "all destinations are at the end")


def check_exact(daemon, sink, taken):
    """Received and given up are all that was acknowledged, and nothing is both."""
    lines = losses(daemon, SINK, "journal_full")
    lost = lost_ids(daemon, lines)
    got = ids_of(sink)
    assert len(set(lost)) == len(lost), "nothing is written off twice"
    assert set(lost).isdisjoint(got)
    assert set(lost) | set(got) == set(taken)
    return lines, lost


def test_a_dead_destination_that_may_drop_never_stops_the_others(home):
    port = free_port()
    with daemon_for(home, port, "drop_oldest") as daemon:
        with Agent(daemon.socket_path) as agent:
            taken = send(agent, 0, 4000)
            assert agent.errors == [], "nothing was refused"
        assert len(taken) == 4000
        wait_store(daemon, taken)
        report = daemon.status()
        assert report["losses"]["records"] > 0
        assert report["journal"]["size_bytes"] <= 4 << 20
        with GrpcSink(port) as sink:
            wait_caught_up(daemon)
            lines, lost = check_exact(daemon, sink, taken)
            assert len(lost) > 1000
            assert sum(line["records"] for line in lines) == \
                daemon.metric("exporter_dropped_records_total", SINK)
            for line in lines:
                assert line["records"] == line["last"] - line["first"] + 1
                assert sum(line["kinds"].values()) == line["records"]
                assert line["first_event"] <= line["last_event"]
                assert line["bytes"] > 4000 * (line["records"] - 20)
            kinds = collections.Counter()
            for line in lines:
                kinds.update(line["kinds"])
            assert kinds["agent.error"] == len(lost)

            def told():
                return sum(item.value.int_value for _, _, record in sink.records()
                           if kind_of(record) == "agent.pipeline"
                           and messages.text_attribute(record, "agent.pipeline.code") ==
                           "journal_full" for item in record.attributes
                           if item.key == "agent.pipeline.count")

            in_store = sum(int(item["value"]["intValue"])
                           for record in store.records(daemon.state / "store")
                           if store.text_attribute(record, "agent.pipeline.code") == "journal_full"
                           for item in record["attributes"] if item["key"] == "agent.pipeline.count")
            wait_until(lambda: told() > 0, ARRIVAL_TIMEOUT_S, "an event tells of it")
            assert in_store <= sum(line["records"] for line in lines)
        assert "pipeline.note code=journal_full" in daemon.log()


def test_a_destination_that_holds_makes_the_journal_refuse(home):
    port = free_port()
    with daemon_for(home, port, "hold") as daemon:
        with Agent(daemon.socket_path) as agent:
            taken = send(agent, 0, 2000)
            assert len(taken) < 2000
            assert {error["code"] for error in agent.errors} == {"journal_full"}
            assert all("bring its destinations back" in error["message"]
                       for error in agent.errors)
        assert losses(daemon) == []
        with GrpcSink(port) as sink:
            wait_until(lambda: set(ids_of(sink)) >= set(taken), ARRIVAL_TIMEOUT_S,
                       "all that was acknowledged")
            assert sorted(set(ids_of(sink))) == sorted(taken)
            wait_caught_up(daemon)
            with Agent(daemon.socket_path) as agent:
                wait_until(lambda: len(send(agent, 5000, 10)) == 10, ARRIVAL_TIMEOUT_S,
                           "events are taken again")


def test_nothing_is_dropped_while_one_that_holds_needs_it(home):
    dead = free_port()
    other = f"otlp_grpc/other: {{ endpoint: '127.0.0.1:{free_port()}', " \
            "retry: { initial: 20ms, max: 50ms } }"
    with Daemon(home, exporters(dead, "drop_oldest") + "\n" + other, journal=JOURNAL,
                receivers="unix: { max_event_size: 512KiB }") as daemon:
        with Agent(daemon.socket_path) as agent:
            taken = send(agent, 0, 2000)
            assert {error["code"] for error in agent.errors} <= {"journal_full", "overloaded"}
            assert agent.errors
        assert losses(daemon) == []
        with GrpcSink(dead) as sink:
            wait_until(lambda: set(ids_of(sink)) >= set(taken), ARRIVAL_TIMEOUT_S,
                       "the destination that may drop had to drop nothing")


def test_kills_in_the_middle_of_dropping_lose_nothing_that_is_not_written_down(home):
    port = free_port()
    choose = random.Random(7)
    daemon = daemon_for(home, port, "drop_oldest")
    taken = []
    next_id = 0
    for _ in range(8):
        daemon.start()
        with Agent(daemon.socket_path) as agent:
            for _ in range(choose.randrange(6, 14)):
                taken += send(agent, next_id, 100)
                next_id += 100
            # Now something is being dropped at almost any time.
            agent.send(*(event(f"unanswered {next_id} {i}") for i in range(300)))
            time.sleep(choose.random() / 20)
            daemon.kill()
    daemon.start()
    try:
        wait_store(daemon, taken)
        with GrpcSink(port) as sink:
            wait_caught_up(daemon)
            lines = losses(daemon, SINK, "journal_full")
            lost = lost_ids(daemon, lines)
            assert len(set(lost)) == len(lost), "nothing is written off twice"
            assert lost, "something was dropped at all"
            got = ids_of(sink)
            assert set(lost).isdisjoint(got)
            everything = [i for i in sequences(daemon).values() if i]
            assert set(lost) | set(got) == set(everything) >= set(taken)
    finally:
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(60)
