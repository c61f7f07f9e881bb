# SPDX-License-Identifier: Apache-2.0
"""Filters: of the same events each destination gets those that its configuration names."""

from support import facts, messages, store
from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.grpc_sink import GrpcSink
from support.http import post

ARRIVAL_TIMEOUT_S = 60


def exporters(everything, filtered, options):
    return f"""
file/forensic: {{}}
otlp_grpc/all: {{ endpoint: '127.0.0.1:{everything.port}' }}
otlp_grpc/some: {{ endpoint: '127.0.0.1:{filtered.port}', filter: {{ {options} }} }}
"""


def exporter(daemon, name):
    return next(e for e in daemon.status()["exporters"] if e["name"] == name)


def summary(record):
    return (messages.text_attribute(record, "agent.event.kind"),
            messages.text_attribute(record, "agent.outcome"))


def test_each_destination_gets_what_its_filter_lets_pass(home):
    events = [{"kind": "agent.error", "attributes": {"error.type": "x"}},
              {"kind": "agent.approval", "attributes": {"agent.decision.outcome": "deny",
                                                        "agent.decision.source": "user"}},
              {"kind": "agent.approval", "attributes": {"agent.decision.outcome": "allow",
                                                        "agent.decision.source": "user"}}]
    with GrpcSink() as everything, GrpcSink() as some:
        with Daemon(home, exporters(everything, some,
                                    "kinds: [agent.approval], outcomes: [denied]")) as daemon:
            with Agent(daemon.socket_path) as agent:
                for _ in range(10):
                    agent.send(*events)
                agent.wait_acked()
            wait_until(lambda: everything.record_count() >= 30, ARRIVAL_TIMEOUT_S, "all records")
            wait_until(lambda: exporter(daemon, "otlp_grpc/some")["filtered_records"] == 20,
                       ARRIVAL_TIMEOUT_S, "what passed by is counted")
            daemon.wait_metric("exporter_filtered_records_total",
                               'exporter="otlp_grpc/some"', 20)
            wait_until(lambda: some.record_count() >= 10, ARRIVAL_TIMEOUT_S, "the denials")
            for name in ("otlp_grpc/some", "otlp_grpc/all", "file/forensic"):
                status = exporter(daemon, name)
                assert status["missing_records"] == status["dropped_records"] == 0
                assert status["filtered_records"] == (20 if name == "otlp_grpc/some" else 0)
            assert daemon.stop() == 0
    assert {summary(r) for _, _, r in some.records()} == {("agent.approval", "denied")}
    assert some.record_count() == 10 and everything.record_count() == 30
    assert len(list(store.records(daemon.state / "store"))) == 30


def test_a_filter_over_the_corpus_agrees_with_the_store(home, corpus):
    with GrpcSink() as everything, GrpcSink() as some:
        with Daemon(home, exporters(everything, some,
                                    "kinds: [agent.command, agent.file], min_severity: info, "
                                    "exclude_kinds: [agent.resource]")) as daemon:
            for path, content_type, body in facts.corpus_bodies(corpus):
                assert post(daemon.http_port, "/v1/logs", body, content_type)[0] == 200, path

            def is_settled():
                by_name = {e["name"]: e["delivered_records"] + e["filtered_records"]
                           for e in daemon.status()["exporters"]}
                return 100 < everything.record_count() == min(by_name.values()) \
                    == max(by_name.values())

            wait_until(is_settled, ARRIVAL_TIMEOUT_S, "every record delivered or counted")
            assert daemon.stop() == 0

    def wanted(record):
        said = dict(messages.attributes(record))
        kinds = {said["agent.event.kind"], *said.get("agent.event.facets", [])}
        return bool(kinds & {("string_value", f"agent.{kind}")
                             for kind in ("command", "file", "pipeline")})

    uids = [messages.text_attribute(r, "log.record.uid") for _, _, r in some.records()]
    expected = [messages.text_attribute(r, "log.record.uid")
                for _, _, r in everything.records() if wanted(r)]
    assert sorted(uids) == sorted(expected)
    assert 10 < len(uids) < everything.record_count()


def test_a_filter_with_an_unknown_kind_starts_nothing(home):
    with GrpcSink() as sink:
        daemon = Daemon(home, exporters(sink, sink, "kinds: [agent.aproval], outcomes: [deneid]"))
        code, log = daemon.start(wait=False).ends()
    assert code != 0
    assert "did you mean 'agent.approval'" in log
    assert "did you mean 'denied'" in log
