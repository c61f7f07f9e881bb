# SPDX-License-Identifier: Apache-2.0
"""OTLP over HTTP into a real OpenTelemetry Collector, in every encoding and compression: logs,
traces and metrics arrive, once, unchanged.

The judges are support/facts.py and support/signals.py, which share no code with the daemon.
"""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import corpus, home  # noqa: E402,F401
from support import facts, signals  # noqa: E402
from support.agent import Agent  # noqa: E402
from support.collector import Collector  # noqa: E402
from support.daemon import Daemon, wait_until  # noqa: E402
from support.http import post  # noqa: E402

ARRIVAL_TIMEOUT_S = 60
KEYS = {"traces": "resourceSpans", "metrics": "resourceMetrics"}
FORMS = [(encoding, compression) for encoding in ("protobuf", "json")
         for compression in ("none", "gzip", "zstd")]


def exporters(collector, encoding="protobuf", compression="gzip", more=""):
    return (f"otlp_http/collector: {{ endpoint: 'http://127.0.0.1:{collector.http_port}', "
            f"encoding: {encoding}, compression: {compression}, retry: {{ initial: 50ms }} {more} }}")


def received_logs(collector):
    return [record for document in collector.documents() for record in facts.of_json(document)]


def received(collector, signal):
    return sorted(fact for document in collector.documents() if KEYS[signal] in document
                  for fact in signals.facts(signal, signals.request(
                      signal, json.dumps(document), "application/json")))


def assert_no_letters(daemon):
    assert not list((daemon.state / "dead-letters").glob("*.jsonl")), daemon.log()


@pytest.mark.parametrize("encoding,compression", FORMS)
def test_every_codex_log_arrives_unchanged(home, corpus, encoding, compression):
    sent = []
    with Collector(home) as collector:
        with Daemon(home, exporters(collector, encoding, compression)) as daemon:
            for path, content_type, body in facts.corpus_bodies(corpus, "codex*"):
                status, _, answer = post(daemon.http_port, "/v1/logs", body, content_type)
                assert status == 200, (path, answer)
                sent += (facts.of_json(json.loads(body)) if content_type.endswith("json")
                         else facts.of_protobuf(body))
            wait_until(lambda: len(received_logs(collector)) >= len(sent), ARRIVAL_TIMEOUT_S,
                       "all records at the Collector; last log:\n" + daemon.log())
            assert_no_letters(daemon)
        missing, extra, wrong = facts.unmatched(sent, received_logs(collector))
        assert not (missing or extra or wrong), (missing[:1], extra[:1], wrong[:1])


@pytest.mark.parametrize("encoding,compression", [("protobuf", "zstd"), ("json", "gzip")])
@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_every_recorded_span_and_metric_arrives_unchanged(home, corpus, signal, encoding,
                                                          compression):
    sent = []
    with Collector(home) as collector:
        with Daemon(home, exporters(collector, encoding, compression)) as daemon:
            for path, content_type, body in signals.recordings(corpus, signal):
                status, _, answer = post(daemon.http_port, f"/v1/{signal}", body, content_type)
                assert status == 200, (path, answer)
                sent += signals.facts(signal, signals.request(signal, body, content_type))
            wait_until(lambda: len(received(collector, signal)) >= len(sent), ARRIVAL_TIMEOUT_S,
                       "all records at the Collector; last log:\n" + daemon.log())
            assert_no_letters(daemon)
        assert received(collector, signal) == sorted(sent)


@pytest.mark.parametrize("encoding,compression", FORMS)
def test_a_collector_that_takes_little_gets_all_in_small_requests(home, encoding, compression):
    """How a Collector says that a request is too large, in whatever form it was sent."""
    names = [f"id-{n}" for n in range(60)]
    with Collector(home, http_size_max=64 << 10) as collector:
        with Daemon(home, exporters(collector, encoding, compression)) as daemon:
            with Agent(daemon.socket_path) as agent:
                agent.send(*({"kind": "agent.prompt", "body": f"{i} " * 2000,
                              "attributes": {"test.id": i}} for i in names))
                agent.wait_acked()
                assert agent.errors == []
            wait_until(lambda: len(received_logs(collector)) >= len(names), ARRIVAL_TIMEOUT_S,
                       "all records at the Collector; last log:\n" + daemon.log())
            assert_no_letters(daemon)
        assert sorted(facts.attribute(record, "test.id")
                      for record in received_logs(collector)) == sorted(names)
