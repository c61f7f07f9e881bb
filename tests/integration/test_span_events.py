# SPDX-License-Identifier: Apache-2.0
"""What agents say in spans alone: the spans are forwarded as they came, the events are in the store."""

import json
import pathlib
import subprocess
import time

from support import signals
from support.daemon import BIN, Daemon, wait_until
from support.grpc_sink import GrpcSink
from support.http import post

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "corpus"
TIMEOUT_S = 60


def query(daemon, *arguments):
    done = subprocess.run([str(BIN / "telltale"), "query", "--format", "json", *arguments,
                           "--state-dir", str(daemon.state)],
                          capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def exporters(sink):
    return f'file/forensic: {{}}\notlp_grpc/sink: {{ endpoint: "127.0.0.1:{sink.port}" }}'


def spans_of(path):
    (found,) = CORPUS.glob(path)
    return found.read_bytes()


def is_settled(daemon, since):
    """By a report that was made after what was sent."""
    status = daemon.status()
    return status["report_time"] > since and \
        all(e["lag_records"] == 0 for e in status["exporters"])


def test_refusals_and_cancelled_calls_of_spans_are_events(tmp_path):
    opencode = spans_of("opencode-1.18.33/*/exfil-denied/spans.bin")
    codex = spans_of("codex-0.169.0/*/approvals-tui/spans.bin")
    with GrpcSink() as sink, Daemon(tmp_path, exporters(sink)) as daemon:
        for body in (opencode, codex):
            assert post(daemon.http_port, "/v1/traces", body, "application/x-protobuf")[0] == 200
        since = time.time()
        wait_until(lambda: is_settled(daemon, since), TIMEOUT_S, "all delivered")
        events = query(daemon)
        spans = [s for request in sink.requests_of("traces") for s in signals.raw_records(request)]
    assert sorted(spans) == sorted(s for b in (opencode, codex) for s in signals.raw_records(b))
    assert events and all(e["agent.derived"] is True for e in events)
    assert all(e["agent.derived.from"].startswith("span:") for e in events)
    denied = [e for e in events if e["agent.outcome"] == "denied"]
    cancelled = [e for e in events if e["agent.outcome"] == "cancelled"]
    assert {e["agent.product"] for e in denied} == {"opencode"}
    assert {e["agent.product"] for e in cancelled} == {"codex"}
    assert any(e["agent.event.kind"] == "agent.tool" for e in denied)
    assert all(e.get("gen_ai.tool.call.id") for e in cancelled)


def test_call_made_for_another_names_it(tmp_path):
    def span(number, parent, operation, call=None):
        attributes = {"gen_ai.operation.name": operation, "gen_ai.tool.name": "t"}
        if call:
            attributes["gen_ai.tool.call.id"] = call
        return {"traceId": "01" * 16, "spanId": f"{number:016x}", "parentSpanId": f"{parent:016x}",
                "name": operation, "endTimeUnixNano": "1795213460000000000",
                "attributes": [{"key": key, "value": {"stringValue": value}}
                               for key, value in attributes.items()]}

    spans = [span(1, 2, "execute_tool", "child"), span(2, 3, "invoke_agent"),
             span(3, 4, "execute_tool", "parent")]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    with Daemon(tmp_path, "file/forensic: {}") as daemon:
        assert post(daemon.http_port, "/v1/traces", body, "application/json")[0] == 200
        wait_until(lambda: len(query(daemon)) == 3, TIMEOUT_S, "three events")
        parents = {event.get("gen_ai.tool.call.id"): event.get("agent.tool.parent_call_id")
                   for event in query(daemon)}
    assert parents == {"child": "parent", None: None, "parent": None}
