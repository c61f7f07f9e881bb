# SPDX-License-Identifier: Apache-2.0
"""Requests that come again because their sender heard no answer, as Gemini CLI's do after 503, 429
and connections that end: each is kept once, and a request of another process is another one."""

import gzip
import http.client
import json
import pathlib
import signal
import socket
import subprocess
import sys

import grpc

from support.agent import Agent
from support.certs import Authority
from support.daemon import Daemon, quiet_port, wait_until
from support.grpc_client import METRICS, TRACES, GrpcClient
from support.grpc_sink import GrpcSink
from support.http import post
from support.signals import raw_records

ARRIVAL_TIMEOUT_S = 60
GEMINI = pathlib.Path(__file__).resolve().parents[1] / "corpus" / "gemini-cli-0.61.0"
LOGS = (GEMINI / "http-json" / "refactor" / "logs" / "001.json").read_bytes()
CODEX = GEMINI.parent / "codex-0.169.0"
COUNTED = (CODEX / "http-json" / "refactor" / "logs" / "001.json").read_bytes()
SMALL_JOURNAL = "max_size: 4MiB\nsegment_size: 1MiB"
SMALL_EVENTS = "unix: { max_event_size: 512KiB }"
NOWHERE = "otlp_grpc/sink: { endpoint: '127.0.0.1:1', retry: { initial: 50ms, max: 100ms } }"
JSON = "application/json"

# Another process that posts a file: its path and those of sockets or numbers of ports.
POST = """
import http.client, socket, sys
for target in sys.argv[2:]:
    connection = http.client.HTTPConnection("127.0.0.1", int(target) if target.isdigit() else 80)
    if not target.isdigit():
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(target)
    connection.request("POST", "/v1/logs", open(sys.argv[1], "rb").read(),
                       {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
"""


def exporters(sink):
    return f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' }}"


def count_of(body=LOGS):
    return sum(len(scope["logRecords"]) for resource in json.loads(body)["resourceLogs"]
               for scope in resource["scopeLogs"])


def send(daemon, body=LOGS):
    status, _, answer = post(daemon.http_port, "/v1/logs", body, JSON)
    assert "rejected" not in answer.decode()
    return status


def unix_connection(path):
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(60)
    connection.sock.connect(str(path))
    return connection


def ask(connection, body=LOGS):
    connection.request("POST", "/v1/logs", body, {"Content-Type": JSON})
    answer = connection.getresponse()
    assert answer.read() == b'{"partialSuccess":{}}'
    return answer.status


def first_time(body):
    record = json.loads(body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    return int(record["observedTimeUnixNano"])


def times(sink):
    return [record.observed_time_unix_nano for _, _, record in sink.records()]


def reasons(sink):
    return [attribute.value.string_value for _, _, record in sink.records()
            for attribute in record.attributes if attribute.key == "agent.pipeline.reason"]


def repeated(daemon, receiver="otlp_http"):
    return daemon.metric("receiver_repeated_requests_total", f'receiver="{receiver}"')


def wait_repeated(daemon, count, receiver="otlp_http"):
    daemon.wait_metric("receiver_repeated_requests_total", f'receiver="{receiver}"', count)


def arrived(daemon, sink, count):
    """Once all that was acknowledged is there; the end is marked by a record of our own."""
    with Agent(daemon.socket_path) as agent:
        agent.send({"kind": "agent.prompt", "body": "end"})
        agent.wait_acked()
    wait_until(lambda: any(r.body.string_value == "end" for _, _, r in sink.records()),
               ARRIVAL_TIMEOUT_S, "the last record")
    assert sink.record_count() == count + 1


def test_same_connection_and_others_of_the_same_process(home):
    with GrpcSink() as sink, Daemon(home, exporters(sink), http_sockets=["h.sock"]) as daemon:
        connection = unix_connection(daemon.run / "h.sock")
        for _ in range(3):
            assert ask(connection) == 200
        assert ask(unix_connection(daemon.run / "h.sock")) == 200
        wait_repeated(daemon, 3)
        assert send(daemon) == 200, "over TCP it is another sender: only its user is known"
        assert send(daemon) == 200
        wait_repeated(daemon, 4)
        arrived(daemon, sink, 2 * count_of())


def test_after_a_reply_that_nobody_heard(home):
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        gone = socket.create_connection(("127.0.0.1", daemon.http_port))
        gone.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(LOGS) + LOGS)
        daemon.wait_metric("receiver_accepted_records_total", 'receiver="otlp_http"', count_of())
        gone.close()
        assert send(daemon) == 200
        wait_repeated(daemon, 1)
        arrived(daemon, sink, count_of())


def fill(daemon):
    """Until nothing more is taken, however small."""
    time = 1795209990000000001
    for size in (200_000, 20_000, 1_000):
        status = 200
        while status == 200:
            time += 1
            body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [
                {"timeUnixNano": f"{time}", "body": {"stringValue": "x" * size}}]}]}]}
            status = send(daemon, json.dumps(body).encode())
        assert status == 503


def test_what_was_refused_while_full_is_kept_once_when_it_comes_again(home):
    """One counts, so that what comes again could be taken for an agent that began anew."""
    with GrpcSink() as sink, Daemon(home, NOWHERE, journal=SMALL_JOURNAL,
                                    receivers=SMALL_EVENTS) as daemon:
        fill(daemon)
        for body in (LOGS, LOGS, COUNTED):
            assert send(daemon, body) == 503
        assert repeated(daemon) == 0
        daemon.write_config(exporters(sink), SMALL_JOURNAL)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: send(daemon) == 200, ARRIVAL_TIMEOUT_S, "room again")
        assert send(daemon) == 200
        assert send(daemon, COUNTED) == 200
        assert send(daemon, COUNTED) == 200
        wait_repeated(daemon, 2)
        wait_until(lambda: times(sink).count(first_time(COUNTED)) > 0, ARRIVAL_TIMEOUT_S, "the last")
        assert daemon.stop() == 0
        assert times(sink).count(first_time(LOGS)) == times(sink).count(first_time(COUNTED)) == 1
        assert "restart" not in reasons(sink)


def test_another_process_is_another_sender(home):
    path = home / "body.json"
    path.write_bytes(LOGS)
    with GrpcSink() as sink, Daemon(home, exporters(sink), http_sockets=["h.sock"]) as daemon:
        for _ in range(2):
            subprocess.run([sys.executable, "-c", POST, path, daemon.run / "h.sock",
                            daemon.run / "h.sock"], check=True, timeout=60)
        wait_repeated(daemon, 2)
        arrived(daemon, sink, 2 * count_of())


def message_of(recording):
    """Without the five bytes before it."""
    return gzip.decompress(recording[5:]) if recording[0] else recording[5:]


def received(sink, name):
    return sum(len(raw_records(request)) for request in sink.requests_of(name))


def test_over_grpc(home):
    messages = [message_of(path.read_bytes()) for path in sorted(GEMINI.glob("grpc/*/logs/*.bin"))]
    sent = sum(len(raw_records(message)) for message in messages)
    assert messages
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        with GrpcClient(daemon.grpc_socket) as client, GrpcClient(daemon.grpc_socket) as other:
            for message in messages:
                calls = [client.begin(message), other.begin(message), client.begin(message)]
                assert [call.result() for call in calls] == [b"", b"", b""]
        wait_repeated(daemon, 2 * len(messages), "otlp_grpc")
        assert repeated(daemon) == 0
        arrived(daemon, sink, sent)


def test_over_tls_the_address_is_the_sender(home):
    (recording, *_) = sorted(GEMINI.glob("grpc/*/logs/*.bin"))
    message = message_of(recording.read_bytes())
    authority = Authority(home, "authority")
    cert, key = authority.sign("server")
    port = quiet_port()
    credentials = grpc.ssl_channel_credentials(authority.cert.read_bytes())
    with GrpcSink() as sink, Daemon(home, exporters(sink), grpc_listen=[f"127.0.0.1:{port}"],
                                    grpc=f", tls: {{ cert_file: {cert}, key_file: {key} }}") as daemon:
        for _ in range(2):
            with GrpcClient(f"127.0.0.1:{port}", credentials) as client:
                assert client.export(message) == b""
        wait_repeated(daemon, 1, "otlp_grpc")
        with GrpcClient(daemon.grpc_socket) as client:
            assert client.export(message) == b""
        arrived(daemon, sink, 2 * len(raw_records(message)))


def test_spans_and_metrics(home):
    recorded = [(name, method, path.read_bytes()) for name, method in
                (("traces", TRACES), ("metrics", METRICS))
                for path in sorted(GEMINI.glob(f"grpc/*/{name}/*.bin"))]
    assert len({name for name, _, _ in recorded}) == 2
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon, \
            GrpcClient(daemon.grpc_socket) as client:
        for _, method, data in recorded:
            message = message_of(data)
            assert client.export(message, method=method) == b""
            assert client.export(message, method=method) == b""
        wait_repeated(daemon, len(recorded), "otlp_grpc")
        counts = {name: sum(len(raw_records(message_of(data))) for other, _, data in recorded
                            if other == name) for name in ("traces", "metrics")}
        for name, count in counts.items():
            wait_until(lambda n=name, c=count: received(sink, n) >= c, ARRIVAL_TIMEOUT_S, name)
        assert daemon.stop() == 0
        assert {name: received(sink, name) for name in counts} == counts


def test_a_daemon_that_starts_anew_has_forgotten(home):
    with GrpcSink() as sink:
        with Daemon(home, exporters(sink)) as daemon:
            assert send(daemon) == 200
            assert send(daemon) == 200
            wait_repeated(daemon, 1)
        with Daemon(home, exporters(sink)) as daemon:
            assert send(daemon) == 200
            assert send(daemon) == 200
            wait_repeated(daemon, 1)
            arrived(daemon, sink, 2 * count_of())


def test_events_without_times_are_never_copies(home):
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"tick"}}]}]}]}'
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        for _ in range(3):
            assert send(daemon, body) == 200
        arrived(daemon, sink, 3)
        assert repeated(daemon) == 0
