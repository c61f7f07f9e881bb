# SPDX-License-Identifier: Apache-2.0
"""OTLP over HTTP out of a real daemon: every event arrives, whatever the destination does."""

import json
import signal
import ssl
import threading
import time

import pytest

from support import facts
from support.agent import Agent
from support.certs import Authority
from support.daemon import Daemon, quiet_port, wait_until
from support.http_sink import HttpSink, records_of

TIMEOUT_S = 60
NAME = "otlp_http/sink"
STATUS_JSON = {"Content-Type": "application/json"}


def exporters(port, more=""):
    return (f"{NAME}: {{ endpoint: 'http://127.0.0.1:{port}', "
            f"retry: {{ initial: 50ms, max: 200ms }} {more} }}")


def send(daemon, ids):
    with Agent(daemon.socket_path) as agent:
        agent.send(*({"kind": "agent.prompt", "session": "s", "body": "naïve ☕ \u0000",
                      "attributes": {"test.id": i}} for i in ids))
        agent.wait_acked()
        assert agent.errors == []


def names(count, prefix="id"):
    return [f"{prefix}-{n}" for n in range(count)]


def wait_for(sink, ids):
    wait_until(lambda: set(ids) <= set(sink.ids()), TIMEOUT_S, f"{len(ids)} records")


def assert_each_once(sink, ids):
    assert sorted(sink.ids()) == sorted(ids)


def letters(daemon):
    out = daemon.command("dead-letter", "list", "--all", "--json")
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_events_arrive_in_every_form(home, encoding, compression):
    with HttpSink() as sink, Daemon(home, exporters(
            sink.port, f", encoding: {encoding}, compression: {compression}")) as daemon:
        send(daemon, names(50))
        wait_for(sink, names(50))
        assert_each_once(sink, names(50))
        path, headers, _ = sink.requests[0]
        assert path == "/v1/logs" and headers["User-Agent"].startswith("telltale/")
        assert {record.body for record in sink.records()} == {("string", "naïve ☕ \u0000")}
        daemon.wait_metric("exporter_sent_records_total", NAME, 50)


def test_an_outage_costs_nothing(home):
    port = quiet_port()
    with Daemon(home, exporters(port)) as daemon:
        send(daemon, names(100, "before"))
        wait_until(lambda: "Connection refused" in daemon.log(), TIMEOUT_S, "an attempt at nobody")
        with HttpSink(port) as sink:
            wait_for(sink, names(100, "before"))
            assert_each_once(sink, names(100, "before"))
        send(daemon, names(100, "between"))
        with HttpSink(port) as sink:
            wait_for(sink, names(100, "between"))
            send(daemon, names(100, "after"))
            wait_for(sink, names(100, "after"))
            assert_each_once(sink, names(100, "between") + names(100, "after"))
        assert letters(daemon) == []


def test_a_busy_destination_is_waited_for(home):
    times = []

    def busy(sink, path, headers, body):
        times.append(time.monotonic())
        if len(times) <= 2:
            return 503 if len(times) == 1 else 429, {"Retry-After": "1"}, b""
        return None

    with HttpSink(behave=busy) as sink, Daemon(home, exporters(sink.port)) as daemon:
        send(daemon, names(10))
        wait_for(sink, names(10))
        assert_each_once(sink, names(10))
        assert all(later - earlier >= 1 for earlier, later in zip(times, times[1:3]))


def test_a_reload_leads_elsewhere_and_repeats_nothing(home):
    with HttpSink() as first, HttpSink() as second:
        with Daemon(home, exporters(first.port)) as daemon:
            send(daemon, names(50, "first"))
            wait_for(first, names(50, "first"))
            daemon.write_config(exporters(second.port, ", encoding: json"))
            daemon.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "config.reloading" in daemon.log(), TIMEOUT_S, "the reload")
            send(daemon, names(50, "second"))
            wait_until(lambda: len(first.ids()) + len(second.ids()) >= 100, TIMEOUT_S, "all")
            assert sorted(first.ids() + second.ids()) == sorted(
                names(50, "first") + names(50, "second"))
            assert set(names(50, "second")) & set(second.ids())


def test_a_daemon_that_is_killed_in_a_request_sends_it_again(home):
    held = threading.Event()
    go_on = threading.Event()

    def hold(sink, path, headers, body):
        held.set()
        go_on.wait(TIMEOUT_S)
        return 503, {}, b""

    with HttpSink(behave=hold) as sink:
        daemon = Daemon(home, exporters(sink.port))
        with daemon:
            send(daemon, names(200))
            assert held.wait(TIMEOUT_S)
            daemon.kill()
            go_on.set()
            sink.behave = None
            daemon.start()
            wait_for(sink, names(200))
            assert_each_once(sink, names(200))


POISON = 5


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("position", range(POISON))
@pytest.mark.parametrize("status", [400, 500])
def test_a_poison_record_costs_no_neighbour(home, position, encoding, status):
    poison = f"id-{position}"

    def refuse(sink, path, headers, body):
        if any(facts.attribute(r, "test.id") == poison for r in records_of(headers, body)):
            return status, STATUS_JSON, b'{"code":3,"message":"never \xe2\x98\x95"}'
        return None

    port = quiet_port()
    with Daemon(home, exporters(port, f", encoding: {encoding}")) as daemon:
        send(daemon, names(POISON))  # nobody is there: so they make one batch
        with HttpSink(port, refuse) as sink:
            wait_until(lambda: len(letters(daemon)) == 1, TIMEOUT_S, "a dead letter")
            good = [i for i in names(POISON) if i != poison]
            wait_for(sink, good)
            assert_each_once(sink, good)
        (letter,) = letters(daemon)
        assert letter["exporter"] == NAME and letter["reason"] == "rejected"
        assert "never ☕" in letter["message"] and f"HTTP {status}" in letter["message"]
        whole = daemon.command("dead-letter", "show", letter["id"], "--format", "json")
        assert json.loads(whole)["record"]["test.id"] == poison


def test_a_destination_that_takes_little_is_given_little(home):
    def small(sink, path, headers, body):
        if len(records_of(headers, body)) > 3:
            return 400, STATUS_JSON, b'{"code":3,"message":"http: request body too large"}'
        return None

    with HttpSink(behave=small) as sink, Daemon(home, exporters(sink.port)) as daemon:
        send(daemon, names(40))
        wait_for(sink, names(40))
        assert_each_once(sink, names(40))
        assert letters(daemon) == []


def test_partial_success_is_counted_and_not_repeated(home):
    def partly(sink, path, headers, body):
        with sink.lock:
            sink.requests.append((path, headers, body))
        return 200, STATUS_JSON, (b'{"partialSuccess":{"rejectedLogRecords":"1",'
                                  b'"errorMessage":"one was stale"}}')

    port = quiet_port()
    with Daemon(home, exporters(port)) as daemon:
        send(daemon, names(5))
        with HttpSink(port, partly) as sink:
            daemon.wait_metric("exporter_rejected_records_total", NAME, sink.attempts or 1)
            wait_for(sink, names(5))
            assert_each_once(sink, names(5))


def test_trust_that_is_given_up_is_said_in_the_log(home):
    authority = Authority(home, "ca")
    cert, key = authority.sign("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    sink = HttpSink()
    sink.server.socket = context.wrap_socket(sink.server.socket, server_side=True)
    with sink, Daemon(home, f"""
{NAME}: {{ endpoint: 'https://localhost:{sink.port}', retry: {{ initial: 50ms, max: 100ms }} }}
""") as daemon:
        send(daemon, names(3))
        wait_until(lambda: "set tls.ca_file" in daemon.log(), TIMEOUT_S, "words of distrust")
        assert sink.ids() == [] and "export.caution" not in daemon.log()
        daemon.write_config(f"""
{NAME}: {{ endpoint: 'https://localhost:{sink.port}', tls: {{ insecure_skip_verify: true }} }}
""")
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(sink, names(3))
        assert "export.caution" in daemon.log() and "insecure_skip_verify" in daemon.log()
        daemon.write_config(f"""
{NAME}: {{ endpoint: 'https://localhost:{sink.port}', tls: {{ ca_file: {authority.cert} }} }}
""")
        daemon.process.send_signal(signal.SIGHUP)
        send(daemon, names(3, "trusted"))
        wait_for(sink, names(3, "trusted"))
        assert_each_once(sink, names(3) + names(3, "trusted"))
