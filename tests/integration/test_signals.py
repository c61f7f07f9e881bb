# SPDX-License-Identifier: Apache-2.0
"""Traces and metrics: what agents send over OTLP/HTTP comes out at a gRPC destination, once."""

import json

import pytest

from support import signals, store
from support.daemon import Daemon, wait_until
from support.grpc_sink import GrpcSink
from support.http import post
from support.protobuf import field, varint

ARRIVAL_TIMEOUT_S = 60


def exporters(sink, more=""):
    return f"""
file/forensic: {{}}
otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' {more} }}
"""


def records_of(sink, signal):
    return [record for request in sink.requests_of(signal)
            for record in signals.raw_records(request)]


def wait_for(sink, signal, count):
    wait_until(lambda: len(records_of(sink, signal)) >= count, ARRIVAL_TIMEOUT_S,
               f"{count} records of {signal}")


def send_recordings(daemon, corpus, signal):
    """Gives back the facts of all that was sent, and the records' bytes of what was protobuf."""
    facts, raw = [], []
    for path, content_type, body in signals.recordings(corpus, signal):
        status, _, answer = post(daemon.http_port, f"/v1/{signal}", body, content_type)
        assert status == 200, (path, answer)
        assert answer == (b'{"partialSuccess":{}}' if content_type.endswith("json") else b"")
        facts += signals.facts(signal, signals.request(signal, body, content_type))
        if not content_type.endswith("json"):
            raw += signals.raw_records(body)
    assert facts and raw
    return facts, raw


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_every_recorded_span_and_metric_comes_out_once(home, corpus, compression):
    with GrpcSink() as sink, \
            Daemon(home, exporters(sink, f", compression: {compression}")) as daemon:
        sent = {signal: send_recordings(daemon, corpus, signal)
                for signal in ("traces", "metrics")}
        for signal, (facts, _) in sent.items():
            wait_for(sink, signal, len(facts))
        status = daemon.status()
        assert daemon.stop() == 0
        for signal, (facts, raw) in sent.items():
            got = [fact for request in sink.requests_of(signal)
                   for fact in signals.facts(signal, signals.request(signal, request))]
            assert sorted(got) == sorted(facts)
            left = records_of(sink, signal)
            for record in raw:
                left.remove(record)  # its very bytes, once
        for record in store.records(daemon.state / "store"):
            assert store.text_attribute(record, "agent.derived.from").startswith("span:")
    forensic = next(e for e in status["exporters"] if e["name"] == "file/forensic")
    assert forensic["missing_records"] == forensic["dropped_records"] == 0


def test_unknown_fields_of_a_span_arrive_byte_for_byte(home):
    unknown = field(1999, b"from a future version") + varint(1998 << 3) + varint(300)
    old_scopes = field(1000, field(2, field(5, b"of the first drafts")))
    event = field(2, b"event") + unknown
    span = unknown + field(5, b"name") + field(11, event) + field(15, unknown + b"\x18\x02")
    scope_spans = unknown + field(1, field(1, b"scope") + unknown) + field(2, span)
    resource_spans = field(1, unknown) + field(2, scope_spans) + old_scopes + unknown
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        status, _, _ = post(daemon.http_port, "/v1/traces", field(1, resource_spans) + unknown,
                            "application/x-protobuf")
        assert status == 200
        wait_for(sink, "traces", 1)
    (request,) = sink.requests_of("traces")
    assert span in request
    assert request.count(old_scopes) == 1
    assert request.count(unknown) == 8


def test_spans_survive_a_kill(home):
    with GrpcSink() as sink:
        daemon = Daemon(home, "otlp_grpc/sink: { endpoint: '127.0.0.1:1' }")
        with daemon:
            for n in range(50):
                span = field(5, f"span {n}".encode())
                body = field(1, field(2, field(2, span)))
                assert post(daemon.http_port, "/v1/traces", body, "application/x-protobuf")[0] == 200
                metric = field(1, f"metric {n}".encode())
                body = field(1, field(2, field(2, metric)))
                assert post(daemon.http_port, "/v1/metrics", body,
                            "application/x-protobuf")[0] == 200
            daemon.kill()
            inspected = json.loads(daemon.command("journal", "inspect", "--json"))
            assert inspected["total"]["spans"] == inspected["total"]["metrics"] == 50
            exported = [json.loads(line)
                        for line in daemon.command("journal", "export").splitlines()]
            assert sum("resourceSpans" in line for line in exported) == 50
            assert sum("resourceMetrics" in line for line in exported) == 50
            daemon.command("journal", "verify")
            daemon.write_config(exporters(sink))
            daemon.start()
            wait_for(sink, "traces", 50)
            wait_for(sink, "metrics", 50)
            assert daemon.stop() == 0
    assert sorted(records_of(sink, "traces")) == sorted(
        field(5, f"span {n}".encode()) for n in range(50))
    assert len(records_of(sink, "metrics")) == 50


def test_a_destination_gets_only_the_signals_that_it_is_to_have(home):
    with GrpcSink() as all_signals, GrpcSink() as only_logs:
        with Daemon(home, f"""
otlp_grpc/all: {{ endpoint: '127.0.0.1:{all_signals.port}' }}
otlp_grpc/logs: {{ endpoint: '127.0.0.1:{only_logs.port}', signals: [logs] }}
""", http=", signals: [logs, traces]") as daemon:
            for n in range(20):
                for path, record in (("traces", field(5, b"span")), ("metrics", field(1, b"m")),
                                     ("logs", field(12, b"event"))):
                    body = field(1, field(2, field(2, record)))
                    status, _, _ = post(daemon.http_port, f"/v1/{path}", body,
                                        "application/x-protobuf")
                    assert status == 200
            wait_for(all_signals, "traces", 20)
            wait_until(lambda: only_logs.record_count() >= 20 and all_signals.record_count() >= 20,
                       ARRIVAL_TIMEOUT_S, "the log records")

            def passed():
                return {e["name"]: e["passed_records"] for e in daemon.status()["exporters"]}

            wait_until(lambda: passed() == {"otlp_grpc/all": 0, "otlp_grpc/logs": 20},
                       ARRIVAL_TIMEOUT_S, "what passed by is counted")
            assert daemon.stop() == 0
    assert records_of(only_logs, "traces") == []
    assert only_logs.record_count() == all_signals.record_count() == 20
    assert records_of(all_signals, "metrics") == [], "the receiver was not to keep them"


def test_a_refused_span_becomes_a_letter_and_can_be_replayed(home):
    span = field(1, b"t" * 16) + field(2, b"s" * 8) + field(5, b"refused")
    resource = field(1, field(1, field(1, b"k") + field(2, field(1, b"v"))))
    body = field(1, resource + field(2, field(2, span)))
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        sink.refuse_others = True
        assert post(daemon.http_port, "/v1/traces", body, "application/x-protobuf")[0] == 200
        wait_until(lambda: daemon.command("dead-letter", "list", "--all", "--json"),
                   ARRIVAL_TIMEOUT_S, "the letter")
        letter = json.loads(daemon.command("dead-letter", "list", "--all", "--json"))
        assert letter["signal"] == "traces"
        for form in ("json", "otlp-json"):
            shown = json.loads(daemon.command("dead-letter", "show", letter["id"], "--format", form))
            record = shown["record"] if form == "json" else shown
            found = record["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
            assert found == {"traceId": "74" * 16, "spanId": "73" * 8, "name": "refused"}
        sink.refuse_others = False
        daemon.command("dead-letter", "replay", "--all")
        wait_for(sink, "traces", 1)
        assert records_of(sink, "traces") == [span]
        assert resource in sink.requests_of("traces")[0]
