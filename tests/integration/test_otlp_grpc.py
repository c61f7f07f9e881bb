# SPDX-License-Identifier: Apache-2.0
"""OTLP/gRPC from Google's client, and from clients that are none."""

import gzip
import os
import pathlib
import time

import grpc

from support import facts, messages, signals, store
from support.certs import Authority
from support.daemon import Daemon, quiet_port, wait_until
from support.grpc_client import DEFLATE, GZIP, METRICS, TRACES, GrpcClient
from support.grpc_sink import GrpcSink
from support.http2 import Http2
from support.protobuf import field, varint

ARRIVAL_TIMEOUT_S = 60
LABEL = 'receiver="otlp_grpc"'
NOWHERE = "otlp_grpc/sink: { endpoint: '127.0.0.1:1', retry: { initial: 50ms, max: 100ms } }"
SMALL_JOURNAL = "max_size: 4MiB\nsegment_size: 1MiB"
SMALL_EVENTS = "unix: { max_event_size: 512KiB }"


def request(*bodies):
    records = b"".join(field(2, field(5, field(1, body))) for body in bodies)
    return field(1, field(2, records))


def retry_info(seconds):
    delay = field(1, varint(1 << 3) + varint(seconds))
    return field(3, field(1, b"type.googleapis.com/google.rpc.RetryInfo") + field(2, delay))


def exporters(sink):
    return f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' }}"


def bodies_of(sink):
    return [record.body.string_value for _, _, record in sink.records()]


def attributes_of(sink):
    return [{a.key: a.value.string_value or a.value.int_value for a in record.attributes}
            for _, _, record in sink.records()]


def wait_for_status(daemon):
    """The first report is made a moment after the start."""
    wait_until(lambda: daemon.command("status", check=False).returncode == 0, 30, "a report")


def wait_for_records(sink, count):
    wait_until(lambda: sink.record_count() >= count, ARRIVAL_TIMEOUT_S, f"{count} records")


def recordings(corpus):
    """Each recorded gRPC log request: its name, whether it was gzip, and its message."""
    for path in sorted(corpus.glob("*/grpc/*/logs/*.bin")):
        data = path.read_bytes()
        yield path.relative_to(corpus), data[0] == 1, (gzip.decompress(data[5:]) if data[0] == 1
                                                       else data[5:])


def test_sender_is_named_by_the_kernel_as_far_as_it_knows(home):
    port = quiet_port()
    with GrpcSink() as sink, Daemon(home, exporters(sink),
                                    grpc_listen=[f"127.0.0.1:{port}"]) as daemon:
        with GrpcClient(daemon.grpc_socket) as client:
            assert client.export(request(b"over unix")) == b""
            assert client.export(request(b"gzip"), compression=GZIP) == b""
            assert client.export(request(b"deflate"), compression=DEFLATE) == b""
        with GrpcClient(f"127.0.0.1:{port}") as client:
            assert client.export(request(b"over tcp")) == b""
        wait_for_records(sink, 4)
        assert sorted(bodies_of(sink)) == ["deflate", "gzip", "over tcp", "over unix"]
        for body, attributes in zip(bodies_of(sink), attributes_of(sink)):
            assert attributes["agent.transport"] == "otlp_grpc"
            if body == "over tcp":
                assert "agent.peer.pid" not in attributes
                assert attributes["agent.peer.attestation"] in ("uid", "none")
                continue
            assert attributes["agent.peer.attestation"] == "kernel"
            assert attributes["agent.peer.pid"] == os.getpid()
            # An int of 0 reads as "": the tests may be run by root.
            assert int(attributes["agent.peer.uid"] or 0) == os.getuid()


def test_recorded_requests_come_out_byte_for_byte(home, corpus):
    sent = []
    records = []
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        with GrpcClient(daemon.grpc_socket) as client:
            for name, was_gzip, body in recordings(corpus):
                answer = client.export(body, compression=GZIP if was_gzip else None)
                assert answer == b"", name
                sent += facts.of_protobuf(body)
                for group in messages.logs_request(body).resource_logs:
                    for scope in group.scope_logs:
                        records += [r.SerializeToString() for r in scope.log_records]
        assert records
        wait_for_records(sink, len(sent))
        daemon.stop()
        got = [record for body in sink.requests for record in facts.of_protobuf(body)]
        everything = b"".join(sink.requests)
    missing, extra, wrong = facts.unmatched(sent, got)
    assert not wrong and not missing and not extra, (wrong[:1], missing[:1], extra[:1])
    # Google's encoder writes a record as those agents' do where this holds; it is most of them.
    same = sum(record in everything for record in records)
    assert same > len(records) // 2


def test_what_cannot_be_read_is_refused_for_good(home):
    with Daemon(home) as daemon, GrpcClient(daemon.grpc_socket) as client:
        code, message, details = client.refused(b"\xff\xff")
        assert code == "INVALID_ARGUMENT" and message
        assert messages.rpc_status(details, "application/x-protobuf") == (3, message)
        assert b"RetryInfo" not in details
        code, message, _ = client.refused(b"", method="/some.Service/Method")
        assert code == "UNIMPLEMENTED" and message
        assert client.export(b"") == b"", "an empty request is a request"
        daemon.wait_metric("receiver_refused_records_total", LABEL + ',reason="invalid', 1)
        daemon.wait_metric("receiver_failed_requests_total", LABEL, 2)


def test_broken_record_is_refused_alone(home):
    deep = field(1, b"leaf")
    for _ in range(100):
        deep = field(5, field(1, deep))
    body = field(1, field(2, field(2, field(5, field(1, b"good"))) + field(2, field(5, deep))))
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        with GrpcClient(daemon.grpc_socket) as client:
            answer = client.export(body)
            assert messages.response_rejected(answer) == 1
        wait_for_records(sink, 1)
        assert "good" in bodies_of(sink)


def test_signals_that_are_not_wanted_are_answered_and_counted(home):
    with Daemon(home, grpc=", signals: [logs]") as daemon, \
            GrpcClient(daemon.grpc_socket) as client:
        assert client.export(b"spans", method=TRACES) == b""
        assert client.export(b"points", method=METRICS) == b""
        daemon.wait_metric("receiver_ignored_requests_total", 'signal="traces"', 1)
        daemon.wait_metric("receiver_ignored_requests_total", 'signal="metrics"', 1)


def test_recorded_spans_and_metrics_come_out_byte_for_byte(home, corpus):
    exporter = "otlp_grpc/sink: {{ endpoint: '127.0.0.1:{}' }}"
    for signal, method in (("traces", TRACES), ("metrics", METRICS)):
        bodies = [body for _, kind, body in signals.recordings(corpus, signal)
                  if kind == "application/x-protobuf"]
        sent = [record for body in bodies for record in signals.raw_records(body)]
        assert sent
        with GrpcSink() as sink, \
                Daemon(home / signal, exporter.format(sink.port)) as daemon, \
                GrpcClient(daemon.grpc_socket) as client:
            for body in bodies:
                assert client.export(body, method=method) == b""
            wait_until(lambda: sum(len(signals.raw_records(r))
                                   for r in sink.requests_of(signal)) >= len(sent),
                       60, "all delivered")
            got = [record for r in sink.requests_of(signal) for record in signals.raw_records(r)]
        assert sorted(got) == sorted(sent)


def test_bomb_and_giant_are_refused_within_bounds(home):
    with Daemon(home, grpc=", max_request_size: 1MiB", extra="limits: { in_flight: 64MiB }\n") as daemon:
        with GrpcClient(daemon.grpc_socket) as client:
            before = peak_memory(daemon)
            bomb = request(bytes(512 << 20))
            code, message, details = client.refused(bomb, compression=GZIP)
            assert code == "RESOURCE_EXHAUSTED" and "1048576" in message
            assert b"RetryInfo" not in details
            code, message, details = client.refused(request(bytes(2 << 20)))
            assert code == "RESOURCE_EXHAUSTED" and b"RetryInfo" not in details
            assert peak_memory(daemon) - before < 64 << 20
        daemon.wait_metric("receiver_refused_records_total", LABEL + ',reason="too_large"', 2)


def peak_memory(daemon):
    """Bytes; the sanitizers keep some more."""
    text = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    (line,) = [line for line in text.split("\n") if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def test_message_without_an_end_does_not_fill_the_memory(home):
    limit = 64 << 20
    with Daemon(home, grpc=", max_request_size: 4MiB", extra="limits: { in_flight: 64MiB }\n") as daemon:
        before = peak_memory(daemon)
        with Http2(daemon.grpc_socket).hello() as client:
            client.begin()
            client.message(1, 0xffffff00)
            assert client.send_all_that_goes(1, 16 * limit) < 2 * limit
        assert peak_memory(daemon) - before < 4 * limit
        with GrpcClient(daemon.grpc_socket) as client:
            assert client.export(request(b"others go on")) == b""


def test_half_a_message_is_given_up_and_idle_connections_are_closed(home):
    with Daemon(home, grpc=", request_timeout: 1s, keepalive: { max_connection_idle: 1s }") as daemon:
        with Http2(daemon.grpc_socket).hello() as client, Http2(daemon.grpc_socket) as silent:
            client.begin()
            client.message(1, 1000, b"half")
            client.wait_closed()
            silent.wait_closed()
        daemon.wait_metric("receiver_unfinished_calls_total", LABEL, 1)
        daemon.wait_metric("receiver_idle_connections_total", LABEL, 2)
        wait_until(lambda: daemon.metric("receiver_open_connections", LABEL) == 0, 30, "all closed")


def test_sender_who_never_reads_holds_nobody_up(home):
    with Daemon(home) as daemon:
        wait_for_status(daemon)
        with Http2(daemon.grpc_socket).hello() as deaf:
            body = request(b"deaf")
            for stream in range(1, 65, 2):
                deaf.begin(stream)
                deaf.message(stream, len(body), body, end=True)
            daemon.wait_metric("receiver_accepted_records_total", LABEL, 32)
            with GrpcClient(daemon.grpc_socket) as client:
                assert client.export(request(b"others go on")) == b""


def test_connections_are_limited_and_leave_no_trace(home):
    with Daemon(home, grpc=", connections_max: 8, connections_per_uid_max: 4") as daemon:
        wait_for_status(daemon)
        wait_until(lambda: daemon.metric("receiver_connections_total", LABEL) > 0
                   and daemon.metric("receiver_open_connections", LABEL) == 0, 30, "a quiet start")
        held = [Http2(daemon.grpc_socket).hello() for _ in range(4)]
        for _ in range(3):
            Http2(daemon.grpc_socket).wait_closed()
        daemon.wait_metric("receiver_refused_connections_total", LABEL + ',reason="per_uid"', 3)
        for client in held:
            client.close()
        wait_until(lambda: daemon.metric("receiver_open_connections", LABEL) == 0, 30, "all closed")
        descriptors = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        for n in range(40):
            with Http2(daemon.grpc_socket) as client:
                if n % 3:
                    client.hello()
                if n % 3 == 2:
                    client.begin()
            wait_until(lambda: daemon.metric("receiver_open_connections", LABEL) < 4, 30, "room")
        wait_until(lambda: daemon.metric("receiver_open_connections", LABEL) == 0, 30, "all closed")
        wait_until(lambda: len(os.listdir(f"/proc/{daemon.process.pid}/fd")) <= descriptors, 30,
                   "no descriptor is left open")
        with GrpcClient(daemon.grpc_socket) as client:
            assert client.export(request(b"there is room again")) == b""


def test_full_journal_says_when_to_come_again(home):
    with Daemon(home, NOWHERE, journal=SMALL_JOURNAL, receivers=SMALL_EVENTS) as daemon:
        with GrpcClient(daemon.grpc_socket) as client:
            body = request(bytes(200_000))
            taken = 0
            while True:
                call = client.begin(body)
                try:
                    assert call.result() == b""
                except grpc.RpcError:
                    break
                taken += 1
                assert taken < 100
            details = dict(call.trailing_metadata())["grpc-status-details-bin"]
            assert call.code().name == "UNAVAILABLE" and call.details()
            assert details.endswith(retry_info(30))
        assert taken > 3, "some did fit"
        daemon.wait_metric("receiver_refused_records_total", LABEL + ',reason="journal_full"', 1)


def test_stop_in_the_middle_loses_nothing_that_was_acknowledged(home):
    acknowledged = []
    with GrpcSink() as sink:
        daemon = Daemon(home, exporters(sink))
        with daemon, GrpcClient(daemon.grpc_socket) as client:
            names = [b"%d" % n for n in range(600)]
            calls = [(name, client.begin(request(name))) for name in names]
            wait_until(lambda: any(call.done() for _, call in calls), 30, "the first answer")
            assert daemon.stop() == 0
            for name, call in calls:
                try:
                    call.result()
                    acknowledged.append(name.decode())
                except (grpc.RpcError, grpc.FutureCancelledError):
                    assert call.code().name in ("UNAVAILABLE", "CANCELLED"), call.code()
        assert acknowledged
        with Daemon(home, exporters(sink)):
            wait_until(lambda: set(acknowledged) <= set(bodies_of(sink)), ARRIVAL_TIMEOUT_S,
                       "all that was acknowledged")


def test_tls_and_who_may_send(home):
    authority = Authority(home, "authority")
    stranger = Authority(home, "stranger")
    cert, key = authority.sign("server")
    client_cert, client_key = authority.sign("client")
    other_cert, other_key = stranger.sign("other")
    root = authority.cert.read_bytes()
    port = quiet_port()
    tls = f"cert_file: {cert}, key_file: {key}, client_ca_file: {authority.cert}"
    known = grpc.ssl_channel_credentials(root, client_key.read_bytes(), client_cert.read_bytes())
    with GrpcSink() as sink, Daemon(home, exporters(sink), grpc_listen=[f"127.0.0.1:{port}"],
                                    grpc=f", tls: {{ {tls} }}") as daemon:
        with GrpcClient(f"127.0.0.1:{port}", known) as client:
            assert client.export(request(b"secret"), compression=GZIP) == b""
        for pair in ((), (other_key.read_bytes(), other_cert.read_bytes())):
            unknown = grpc.ssl_channel_credentials(root, *pair)
            with GrpcClient(f"127.0.0.1:{port}", unknown) as client:
                assert client.refused(request(b"no"))[0] == "UNAVAILABLE"
        with GrpcClient(f"127.0.0.1:{port}") as client:
            assert client.refused(request(b"no"))[0] == "UNAVAILABLE"
        with GrpcClient(daemon.grpc_socket) as client:
            assert client.export(request(b"plain, on this machine")) == b""
        wait_for_records(sink, 2)
        assert sorted(bodies_of(sink)) == ["plain, on this machine", "secret"]


def test_tls_without_certificates_of_senders(home):
    authority = Authority(home, "authority")
    cert, key = authority.sign("server")
    port = quiet_port()
    with Daemon(home, grpc_listen=[f"127.0.0.1:{port}"],
                grpc=f", tls: {{ cert_file: {cert}, key_file: {key} }}"):
        credentials = grpc.ssl_channel_credentials(authority.cert.read_bytes())
        with GrpcClient(f"127.0.0.1:{port}", credentials) as client:
            assert client.export(request(b"secret")) == b""


def test_addresses_that_others_reach_need_tls_or_a_word(home):
    daemon = Daemon(home, grpc_listen=["0.0.0.0:4317"])
    code, log = daemon.start(wait=False).ends()
    assert code != 0 and "receivers.otlp_grpc.listen" in log and "allow_remote_plaintext" in log


def test_port_that_is_taken_stops_the_start(home):
    port = quiet_port()
    authority = Authority(home, "authority")
    cert, key = authority.sign("server")
    with Http2Listener(port):
        for grpc_options in ("", f", tls: {{ cert_file: {cert}, key_file: {key} }}"):
            daemon = Daemon(home, grpc_listen=[f"127.0.0.1:{port}"], grpc=grpc_options)
            code, log = daemon.start(wait=False).ends()
            assert code != 0 and "receivers.otlp_grpc" in log and "another process" in log


class Http2Listener:
    """Somebody else's port."""

    def __init__(self, port):
        import socket

        self.socket = socket.create_server(("127.0.0.1", port))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()
