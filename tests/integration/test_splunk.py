# SPDX-License-Identifier: Apache-2.0
"""The Splunk exporter in a real daemon: acknowledgement and the cursor, bad events, a token that
does not work, and a daemon that is killed."""

import collections
import json

import pytest

from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.hec_sink import HecSink

TIMEOUT_S = 60
NAME = "splunk_hec/soc"


@pytest.fixture
def token(home):
    path = home / "token"
    path.write_text("t" * 8 + "\n")
    return path


def exporters(sink, token, options=""):
    return (f"{NAME}: {{ endpoint: 'http://127.0.0.1:{sink.port}', token_file: {token}, "
            f"retry: {{ initial: 50ms, max: 200ms }}, {options} }}\n")


def send(daemon, ids):
    with Agent(daemon.socket_path) as agent:
        for i in ids:
            agent.send({"kind": "agent.error", "session": "s",
                        "attributes": {"error.type": "x", "test.id": str(i)}})
        agent.wait_acked()


def exporter(daemon):
    return next(e for e in daemon.status()["exporters"] if e["name"] == NAME)


def wait_settled(daemon):
    wait_until(lambda: daemon.metric("exporter_lag_records", NAME) == 0, TIMEOUT_S, "all settled")


def letters(daemon):
    out = daemon.command("dead-letter", "list", "--all", "--json")
    return [json.loads(line) for line in out.splitlines()]


def wait_for(sink, ids):
    wanted = {str(i) for i in ids}
    wait_until(lambda: wanted <= set(sink.ids()), TIMEOUT_S, f"{len(wanted)} events")


@pytest.mark.parametrize("options", ["", "compression: none", "ack: on"])
def test_events_count_as_delivered_when_they_are_acknowledged(home, token, options):
    with HecSink(acks=True) as sink, Daemon(home, exporters(
            sink, token, "ack_poll_interval: 100ms, " + options)) as daemon:
        send(daemon, range(100))
        wait_for(sink, range(100))
        daemon.wait_metric("exporter_sent_records_total", NAME, 100)
        assert exporter(daemon)["retries"] == 0
        assert "export.notice" not in daemon.log()
    assert sorted(sink.ids(), key=int) == [str(i) for i in range(100)]
    assert {e["sourcetype"] for e in sink.kept} == {"telltale:agent:error"}


def test_what_splunk_took_and_lost_is_sent_again(home, token):
    with HecSink(acks=True) as sink:
        sink.forgets = 2
        with Daemon(home, exporters(sink, token,
                                    "ack_poll_interval: 100ms, ack_timeout: 1s")) as daemon:
            send(daemon, range(20))
            wait_for(sink, range(20))
            daemon.wait_metric("exporter_sent_records_total", NAME, 20)
            assert exporter(daemon)["retries"] >= 1
            assert "not acknowledged within 1 s" in daemon.log()


def test_the_cursor_waits_for_the_acknowledgement(home, token):
    with HecSink(acks=True) as sink:
        sink.forgets = 1_000_000
        with Daemon(home, exporters(sink, token, "ack_poll_interval: 100ms")) as daemon:
            send(daemon, range(20))
            wait_until(lambda: sink.requests >= 1, TIMEOUT_S, "a request")
            assert daemon.metric("exporter_sent_records_total", NAME) == 0
            daemon.kill()  # nothing was acknowledged: all of it comes again
            sink.forgets = 0
            daemon.start()
            wait_for(sink, range(20))
            daemon.wait_metric("exporter_sent_records_total", NAME, 20)
    assert sorted(sink.ids(), key=int) == [str(i) for i in range(20)]


def test_a_stop_does_not_wait_for_an_acknowledgement_that_never_comes(home, token):
    with HecSink(acks=True) as sink:
        sink.forgets = 1_000_000
        with Daemon(home, exporters(sink, token, "ack_timeout: 1h"),
                    extra="shutdown: { drain_timeout: 1s }\n") as daemon:
            send(daemon, range(20))
            wait_until(lambda: sink.requests >= 1, TIMEOUT_S, "a request")
            assert daemon.stop() == 0


@pytest.mark.parametrize("acks", [False, True])
def test_bad_events_become_dead_letters_and_their_neighbours_arrive(home, token, acks):
    bad = {"0", "13", "14", "49"}

    def is_bad(event):
        return event["event"]["attributes"]["test.id"] in bad

    with HecSink(acks=acks, is_bad=is_bad) as sink:
        with Daemon(home, exporters(sink, token, "ack_poll_interval: 100ms")) as daemon:
            send(daemon, range(50))
            good = [i for i in range(50) if str(i) not in bad]
            wait_for(sink, good)
            wait_until(lambda: len(letters(daemon)) == len(bad), TIMEOUT_S, "the dead letters")
            daemon.wait_metric("exporter_sent_records_total", NAME, len(good))
            wait_settled(daemon)
            assert {letter["reason"] for letter in letters(daemon)} == {"rejected"}
            assert all("Invalid data format" in letter["message"] for letter in letters(daemon))
    assert collections.Counter(sink.ids()) == {str(i): 1 for i in good}


def test_several_lanes_and_a_kill_lose_nothing_of_what_was_lost_or_bad_meanwhile(home, token):
    def is_bad(event):
        return int(event["event"]["attributes"]["test.id"]) % 500 == 250

    with HecSink(acks=True, is_bad=is_bad) as sink:
        sink.forgets = 5
        with Daemon(home, exporters(sink, token, "ack_poll_interval: 100ms, ack_timeout: 1s, "
                                    "batch: { max_size: 32KiB }")) as daemon:
            send(daemon, range(2000))
            wait_until(lambda: len(set(sink.ids())) >= 300, TIMEOUT_S, "some of them")
            daemon.kill()
            daemon.start()
            good = [i for i in range(2000) if i % 500 != 250]
            wait_for(sink, good)
            wait_settled(daemon)
            names = {letter["sequence"] for letter in letters(daemon)}
            assert len(names) == 4
    assert set(sink.ids()) == {str(i) for i in good}
    assert len(sink.channels) > 2  # one a lane and life


def test_a_token_that_does_not_work_holds_everything(home, token):
    with HecSink(say=(403, 4)) as sink:
        with Daemon(home, exporters(sink, token)) as daemon:
            send(daemon, range(10))
            wait_until(lambda: "check the token" in daemon.log(), TIMEOUT_S, "the reason")
            assert letters(daemon) == [] and sink.requests == 1
            assert "t" * 8 not in daemon.log()
            sink.say = None
            daemon.stop()  # it would look again in a minute; who stops tries once more
        assert sorted(sink.ids(), key=int) == [str(i) for i in range(10)]


def test_a_token_without_acknowledgement_is_said_once(home, token):
    with HecSink() as sink, Daemon(home, exporters(sink, token)) as daemon:
        for i in range(5):
            send(daemon, [i])
            wait_for(sink, [i])
        daemon.wait_metric("exporter_sent_records_total", NAME, 5)
        assert daemon.log().count("export.notice") == 1
