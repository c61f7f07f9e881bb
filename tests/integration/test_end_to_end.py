# SPDX-License-Identifier: Apache-2.0
"""The main job: what goes in over any receiver comes out at a gRPC sink and in the files."""

import json
import signal

from support import facts, messages, store
from support.agent import Agent
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


def wait_for_records(sink, count):
    wait_until(lambda: sink.record_count() >= count, ARRIVAL_TIMEOUT_S, f"{count} records")


def test_unknown_fields_arrive_byte_for_byte(home):
    unknown = field(1999, b"from a future version") + varint(1998 << 3) + varint(300)
    attribute = field(6, field(1, b"test.id") + field(2, field(1, b"one")) + unknown)
    record = unknown + attribute + field(5, field(1, b"body") + unknown)
    scope_logs = unknown + field(1, field(1, b"scope") + unknown) + field(2, record)
    resource_logs = field(1, unknown) + field(2, scope_logs) + unknown
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        status, _, _ = post(daemon.http_port, "/v1/logs", field(1, resource_logs) + unknown,
                            "application/x-protobuf")
        assert status == 200
        wait_for_records(sink, 1)
    (request,) = sink.requests
    assert record in request, "the record's own bytes stand together, unchanged"
    assert unknown + field(1, field(1, b"scope") + unknown) in request
    assert request.count(unknown) == 8, "each level's unknown fields came along, once"


def test_every_payload_of_the_corpus_comes_out_once(home, corpus):
    sent = []
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        for path, content_type, body in facts.corpus_bodies(corpus):
            status, _, answer = post(daemon.http_port, "/v1/logs", body, content_type)
            assert status == 200, (path, answer)
            sent += (facts.of_json(json.loads(body)) if content_type.endswith("json")
                     else facts.of_protobuf(body))
        wait_for_records(sink, len(sent))
        daemon.stop()
        got = [record for request in sink.requests for record in facts.of_protobuf(request)]
        in_files = [record for line in store.lines(daemon.state / "store")
                    for record in facts.of_json(json.loads(line))]
    for where in (got, in_files):
        missing, extra, wrong = facts.unmatched(sent, where)
        assert not wrong and not missing and not extra, (wrong[:1], missing[:1], extra[:1])


def test_stop_under_load_loses_nothing(home):
    with GrpcSink() as sink:
        daemon = Daemon(home, exporters(sink))
        with daemon, Agent(daemon.socket_path) as agent:
            for n in range(200):
                agent.send(*({"kind": "agent.error", "attributes": {
                    "error.type": "x", "test.id": f"{n}-{k}"}} for k in range(20)))
            agent.wait_acked(1000)
            assert daemon.stop() == 0
            acked = agent.acked
            try:
                while agent.read_answers():
                    pass
            except OSError:
                pass
            acked = agent.acked
        ids = [messages.text_attribute(r, "test.id") for _, _, r in sink.records()]
        assert len(set(ids)) >= acked >= 1000
        with daemon:
            wait_until(lambda: len(set(store.test_ids(daemon.state / "store"))) >= acked,
                       ARRIVAL_TIMEOUT_S, "all acknowledged events in the files")
        assert len(ids) == len(set(ids)), "a clean stop repeats nothing"


def test_reload_adds_a_destination_and_keeps_the_rest(home):
    with GrpcSink() as first, GrpcSink() as second:
        with Daemon(home, exporters(first)) as daemon:
            with Agent(daemon.socket_path) as agent:
                agent.send({"kind": "agent.error", "attributes": {"error.type": "a"}})
                agent.wait_acked()
                wait_for_records(first, 1)
                daemon.write_config(exporters(first) +
                                    f"otlp_grpc/second: {{ endpoint: '127.0.0.1:{second.port}' }}")
                daemon.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "otlp_grpc/second" in json.dumps(daemon.status()),
                           ARRIVAL_TIMEOUT_S, "the new destination in status")
                agent.send({"kind": "agent.error", "attributes": {"error.type": "b"}})
                agent.wait_acked()
            wait_for_records(second, 1)
            wait_for_records(first, 2)


def test_a_broken_configuration_does_not_disturb_a_running_daemon(home):
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        daemon.config.write_text("exporters: { otlp_grpc/sink: { endpiont: 'x' } }\n")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "did you mean 'endpoint'" in daemon.log(), ARRIVAL_TIMEOUT_S,
                   "the error in the log")
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.error", "attributes": {"error.type": "a"}})
            agent.wait_acked()
        wait_for_records(sink, 1)


def test_a_second_daemon_names_the_first(home):
    with GrpcSink() as sink, Daemon(home, exporters(sink)) as daemon:
        other = Daemon(home, exporters(sink), http_port=daemon.http_port)
        other.log_path = home / "other.log"
        other.start(wait=False)
        assert other.process.wait(30) == 1
        assert str(daemon.process.pid) in other.log()
        other.process = None


def test_an_outage_of_the_destination_costs_nothing(home):
    with Daemon(home, "otlp_grpc/sink: { endpoint: '127.0.0.1:1', retry: { initial: 50ms } }") as d:
        with Agent(d.socket_path) as agent:
            agent.send(*({"kind": "agent.error", "attributes": {
                "error.type": "x", "test.id": str(n)}} for n in range(500)))
            agent.wait_acked()
        with GrpcSink() as sink:
            d.write_config(f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' }}")
            d.process.send_signal(signal.SIGHUP)
            wait_for_records(sink, 500)
            ids = [messages.text_attribute(r, "test.id") for _, _, r in sink.records()]
            assert sorted(ids, key=int) == [str(n) for n in range(500)]
            assert ids == sorted(ids, key=int), "in the order of the journal"
