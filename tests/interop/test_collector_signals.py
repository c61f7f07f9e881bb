# SPDX-License-Identifier: Apache-2.0
"""Traces and metrics through the daemon into a real OpenTelemetry Collector: everything arrives,
once, unchanged.  The judge is support/signals.py, which shares no code with the daemon."""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import corpus, home  # noqa: E402,F401
from support import signals  # noqa: E402
from support.collector import Collector  # noqa: E402
from support.daemon import Daemon, wait_until  # noqa: E402
from support.http import post  # noqa: E402

ARRIVAL_TIMEOUT_S = 60
KEYS = {"traces": "resourceSpans", "metrics": "resourceMetrics"}


def received(collector, signal):
    return sorted(fact for document in collector.documents() if KEYS[signal] in document
                  for fact in signals.facts(signal, signals.request(
                      signal, json.dumps(document), "application/json")))


@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_every_recorded_payload_arrives_unchanged(home, corpus, signal):
    sent = []
    with Collector(home) as collector:
        with Daemon(home, exporters=f"""
file/forensic: {{}}
otlp_grpc/collector: {{ endpoint: '127.0.0.1:{collector.grpc_port}' }}
""") as daemon:
            for path, content_type, body in signals.recordings(corpus, signal):
                status, _, answer = post(daemon.http_port, f"/v1/{signal}", body, content_type)
                assert status == 200, (path, answer)
                sent += signals.facts(signal, signals.request(signal, body, content_type))
            wait_until(lambda: len(received(collector, signal)) >= len(sent), ARRIVAL_TIMEOUT_S,
                       "all records at the Collector; last log:\n" + daemon.log())
            assert not (daemon.state / "dead-letters" / "otlp_grpc.collector.jsonl").exists()
        assert received(collector, signal) == sorted(sent)
