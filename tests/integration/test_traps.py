# SPDX-License-Identifier: Apache-2.0
"""What collectors of agents' events fall into (tests/TRAPS.md), through the whole daemon."""

import bisect
import json
import struct
import time

import pytest

from support import facts, messages, signals, store
from support.daemon import Daemon, wait_until
from support.grpc_client import GZIP, GrpcClient
from support.grpc_sink import GrpcSink
from support.http import post
from support.protobuf import field, varint

ARRIVAL_TIMEOUT_S = 60
PROTOBUF, JSON = "application/x-protobuf", "application/json"
UNKNOWN = field(1999, b"from a future version") + varint(1998 << 3) + varint(300) + \
    varint(1997 << 3 | 5) + b"\xff\0\0\x01" + varint(1996 << 3 | 3) + field(1, b"in a group") + \
    varint(1996 << 3 | 4)


def exporters(sink):
    return f"file/forensic: {{}}\notlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' }}\n"


def text(value):
    return field(1, value)


def attribute(key, value, behind=b""):
    return field(6, field(1, key) + field(2, value) + behind)


def nested(depth):
    """Lists of keys within lists of keys."""
    value = text(b"the innermost")
    for n in range(depth):
        value = field(6, field(1, field(1, b"level %d" % n) + field(2, value)))
    return value


def strange_records():
    strindex = varint(8 << 3) + varint(7)
    yield "a key twice", attribute(b"k", text(b"first")) + attribute(b"k", text(b"second")) + \
        attribute(b"k", varint(3 << 3) + varint(3))
    yield "3 MB", attribute(b"large", text(b"x" * 3_000_000))
    yield "nested", attribute(b"kvlist", nested(12)) + field(5, nested(12))
    yield "bytes", attribute(b"bytes", field(7, bytes(range(256)))) + field(5, field(7, b"\xff\x00"))
    yield "empty", attribute(b"nothing", b"") + field(6, field(1, b"no value")) + field(5, b"")
    yield "strindex", attribute(b"value", strindex) + attribute(b"", text(b"x"), varint(3 << 3) + b"\x05")
    yield "unknown", UNKNOWN + attribute(b"k", text(b"v") + UNKNOWN, UNKNOWN) + field(5, text(b"b") + UNKNOWN)
    yield "double", attribute(b"d", varint(4 << 3 | 1) + struct.pack("<d", 0.1))


def request_around(record):
    scope_logs = UNKNOWN + field(1, field(1, b"scope") + UNKNOWN) + field(2, record)
    return field(1, field(1, UNKNOWN) + field(2, scope_logs) + UNKNOWN) + UNKNOWN


def send(daemon, way, body):
    if way.startswith("http"):
        status, _, answer = post(daemon.http_port, "/v1/logs", body, PROTOBUF,
                                 encoding="gzip" if way == "http gzip" else None)
        assert (status, answer) == (200, b"")
        return
    with GrpcClient(daemon.grpc_socket) as client:
        assert client.export(body, compression=GZIP if way == "grpc gzip" else None) == b""


@pytest.mark.parametrize("way", ["http", "http gzip", "grpc", "grpc gzip"])
def test_strange_records_come_out_byte_for_byte(home, way):
    sent = {name: record for name, record in strange_records()}
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        for name, record in sent.items():
            send(daemon, way, request_around(record + attribute(b"test.id", text(name.encode()))))
        wait_until(lambda: sink.record_count() >= len(sent), ARRIVAL_TIMEOUT_S, "all delivered")
        daemon.stop()
        assert sorted(store.test_ids(daemon.state / "store")) == sorted(sent)
    got = [raw for request in sink.requests for raw in signals.raw_records(request)]
    assert len(got) == len(sent)
    for name, record in sent.items():
        whole = record + attribute(b"test.id", text(name.encode()))
        assert sum(raw.startswith(whole) for raw in got) == 1, name
    for request in sink.requests:
        assert request.count(field(1, field(1, b"scope") + UNKNOWN)) >= 1


def test_ids_in_capitals_are_ids_and_keys_in_snake_case_are_unknown(home):
    record = {"traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "B7Ad6b7169203331",
              "timeUnixNano": "1700000000000000001", "body": {"stringValue": "capitals"}}
    snake = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331",
             "time_unix_nano": "1700000000000000001", "severity_number": 17,
             "event_name": "x", "body": {"string_value": "lost", "stringValue": "snake"}}
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record, snake]}]}],
            "resource_logs": [{"scope_logs": [{"log_records": [record]}]}]}
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        status, _, answer = post(daemon.http_port, "/v1/logs", json.dumps(body).encode(), JSON)
        assert (status, answer) == (200, b'{"partialSuccess":{}}')
        wait_until(lambda: sink.record_count() >= 2, ARRIVAL_TIMEOUT_S, "both")
        got = {r.body.string_value: r for _, _, r in sink.records()}
    assert sorted(got) == ["capitals", "snake"]
    assert got["capitals"].trace_id.hex() == record["traceId"].lower()
    assert got["capitals"].span_id.hex() == record["spanId"].lower()
    assert (got["snake"].trace_id, got["snake"].span_id) == (b"", b"")
    assert got["snake"].time_unix_nano > 1700000000000000001  # that of receipt
    assert got["snake"].event_name != "x"


def has_delivered_all(daemon, since):
    """By a report that was made after `since`."""
    status = daemon.status()
    return status["report_time"] > since and all(e["lag_records"] == 0 for e in status["exporters"])


def test_a_second_daemon_changes_nothing_that_the_first_wrote(home, corpus):
    """It trusts nobody: what it has to say itself stands behind what came."""
    (home / "1").mkdir()
    (home / "2").mkdir()
    sent = 0
    with GrpcSink() as one, GrpcSink() as two, Daemon(home / "2", exporters(two)) as second:
        both = f"{exporters(one)}otlp_grpc/next: {{ endpoint: 'unix:{second.grpc_socket}' }}\n"
        with Daemon(home / "1", both) as first:
            for path, content_type, body in facts.corpus_bodies(corpus):
                status, _, answer = post(first.http_port, "/v1/logs", body, content_type)
                assert status == 200, (path, answer)
                sent += len(list(facts.of_json(json.loads(body)) if content_type == JSON
                                 else facts.of_protobuf(body)))
            for sink in (one, two):
                wait_until(lambda: sink.record_count() >= sent, ARRIVAL_TIMEOUT_S, "all delivered")
            for daemon in (first, second):
                since = time.time()
                wait_until(lambda: has_delivered_all(daemon, since), ARRIVAL_TIMEOUT_S, "no lag")
    once, twice = ([raw for request in sink.requests for raw in signals.raw_records(request)]
                   for sink in (one, two))
    left = sorted(twice)
    for raw in once:
        at = bisect.bisect_left(left, raw)  # each ends with an id of its own
        assert left[at].startswith(raw)
        del left[at]


def outfile(corpus):
    return (corpus / "gemini-cli-0.61.0/outfile/telemetry.log").read_bytes()


def objects_of(data):
    """A log record, a span, and metrics."""
    objects = [part + b"\n}\n" for part in data.split(b"\n}\n")[:-1]]
    assert len(objects) == 3
    return objects


def test_what_gemini_writes_to_its_outfile_is_named(home, corpus):
    data = outfile(corpus)
    with Daemon(home, "file/forensic: {}") as daemon:
        for body in (data, *objects_of(data)):
            for path in ("/v1/logs", "/v1/traces", "/v1/metrics"):
                status, _, answer = post(daemon.http_port, path, body, JSON)
                assert status == 400
                assert "telemetry.outfile" in messages.rpc_status(answer, JSON)[1]
            for given in (body.decode(), json.dumps(json.loads(objects_of(data)[0]))):
                done = daemon.command("emit", stdin=given, check=False)
                assert done.returncode == 1
                assert "telemetry.outfile" in done.stderr and "0 sent" in done.stderr
    kinds = {store.text_attribute(record, "agent.event.kind")
             for record in store.records(daemon.state / "store")}
    assert kinds <= {"agent.pipeline"}, "notes of refusals and nothing else"


def test_otlp_in_json_lines_is_told_from_events(home, corpus):
    recorded = (corpus / "gemini-cli-0.61.0/http-json/refactor/logs/001.json").read_text()
    line = json.dumps(json.loads(recorded))
    event = json.dumps({"kind": "agent.error", "attributes": {"error.type": "x", "test.id": "good"}})
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        for given in (line, json.dumps(json.loads(recorded), indent=2), f"{event}\n{line}"):
            done = daemon.command("emit", stdin=given, check=False)
            assert done.returncode == 1 and "POST http://127.0.0.1:4318/v1/logs" in done.stderr
        done = daemon.command("emit", stdin=json.dumps(json.loads(event), indent=2), check=False)
        assert done.returncode == 1 and "an event is one line" in done.stderr
        assert post(daemon.http_port, "/v1/logs", line.encode(), JSON)[0] == 200
        records = len(list(facts.of_json(json.loads(line))))
        wait_until(lambda: sink.record_count() >= records + 1, ARRIVAL_TIMEOUT_S, "all delivered")
