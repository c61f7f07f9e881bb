# SPDX-License-Identifier: Apache-2.0
"""The Kafka exporter in a daemon that is killed and stopped, with brokers that go away and refuse.

A real broker is for tests/interop/test_kafka.py.
"""

import collections
import json

import pytest

from support import facts
from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.kafka_mock import KafkaMock

ARRIVAL_TIMEOUT_S = 90
SESSIONS = 5


@pytest.fixture
def kafka():
    with KafkaMock("otlp_logs") as kafka:
        yield kafka


def make_daemon(home, kafka, options=""):
    return Daemon(home, exporters=f"""
kafka/soc: {{ brokers: ['{kafka.brokers}'], retry: {{ initial: 100ms, max: 500ms }} {options} }}
""")


def send(daemon, first, count):
    with Agent(daemon.socket_path) as agent:
        agent.send(*({"kind": "agent.tool", "session": f"s-{n % SESSIONS}", "test.id": str(n)}
                     for n in range(first, first + count)))
        agent.wait_acked()
        assert agent.errors == []


def first_copies(kafka):
    """The ids in the order of each session, and how many copies there are; each session is in one
    partition, and its first copies are in order."""
    last = collections.defaultdict(lambda: -1)
    partitions = collections.defaultdict(set)
    copies = collections.Counter()
    for message in kafka.messages():
        for record in facts.of_protobuf(message.value):
            identity = facts.attribute(record, "test.id")
            if identity is None:
                continue  # the daemon's own
            session = facts.attribute(record, "session.id")
            assert message.key.decode() == session
            partitions[session].add(message.partition)
            copies[identity] += 1
            if copies[identity] == 1:
                assert int(identity) > last[session]
                last[session] = int(identity)
    assert all(len(found) == 1 for found in partitions.values())
    return copies


def wait_for(kafka, count):
    expected = {str(n) for n in range(count)}
    wait_until(lambda: set(first_copies(kafka)) >= expected, ARRIVAL_TIMEOUT_S, f"{count} events")
    assert set(first_copies(kafka)) == expected
    return first_copies(kafka)


def test_a_daemon_that_is_killed_loses_nothing(home, kafka):
    daemon = make_daemon(home, kafka)
    for turn in range(6):
        daemon.start()
        send(daemon, turn * 200, 200)
        if turn < 5:
            daemon.kill()
    copies = wait_for(kafka, 1200)
    assert daemon.stop() == 0
    assert max(copies.values()) <= 6
    uids = collections.defaultdict(set)
    for record in kafka.records():
        uids[facts.attribute(record, "test.id")].add(facts.attribute(record, "log.record.uid"))
    assert all(len(uids[str(n)]) == 1 for n in range(1200)), "copies have one uid"


def test_brokers_that_go_away_get_everything_when_they_are_back(home, kafka):
    with make_daemon(home, kafka, ", timeout: 2s") as daemon:
        send(daemon, 0, 100)
        wait_for(kafka, 100)
        kafka.tell("down")
        send(daemon, 100, 500)
        wait_until(lambda: "export.retry" in daemon.log(), ARRIVAL_TIMEOUT_S, "a word in the log")
        kafka.tell("up")
        wait_for(kafka, 600)


def test_a_stop_while_brokers_are_away_ends_and_loses_nothing(home, kafka):
    kafka.tell("down")
    with Daemon(home, exporters=f"kafka/soc: {{ brokers: ['{kafka.brokers}'], timeout: 1h }}",
                extra="shutdown: { drain_timeout: 1s }\n") as daemon:
        send(daemon, 0, 50)
        assert daemon.stop() == 0
        kafka.tell("up")
        daemon.start()
        assert max(wait_for(kafka, 50).values()) == 1


def test_what_a_broker_refuses_is_a_dead_letter_that_can_be_sent_again(home, kafka):
    with make_daemon(home, kafka) as daemon:
        kafka.tell("error 87")  # INVALID_RECORD
        send(daemon, 0, 1)
        path = daemon.state / "dead-letters" / "kafka.soc.jsonl"
        wait_until(lambda: path.exists() and path.read_text(), ARRIVAL_TIMEOUT_S, "a dead letter")
        letter = json.loads(path.read_text())
        assert "INVALID_RECORD" in json.dumps(letter) or "validate record" in json.dumps(letter)
        assert "0" not in first_copies(kafka)
        daemon.command("dead-letter", "replay", "--exporter", "kafka/soc", "--all")
        wait_for(kafka, 1)
