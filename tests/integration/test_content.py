# SPDX-License-Identifier: Apache-2.0
"""`content: omit`: nothing that was said or done leaves, whoever said it; all else does.

A mark is put into every text that holds content in the recordings.  Which those are is written down
here once more, and does not come from the daemon.
"""

import json

from support import facts, messages, signals, store
from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.grpc_sink import GrpcSink
from support.http import post

ARRIVAL_TIMEOUT_S = 60
MARK = "qZx7"

CONTENT = {"process.command_args", "prompt", "request_text", "response_text", "arguments", "output",
           "tool_input", "tool_parameters", "body", "function_args", "metadata",
           "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
           "gen_ai.tool.definitions", "rationale", "response", "hook_input", "hook_output", "stdout",
           "stderr", "error", "error.message", "error_message", "exception.message",
           "exception.stacktrace", "reasoning", "ai.prompt", "ai.prompt.messages", "ai.prompt.tools",
           "ai.response.text", "ai.response.toolCalls", "ai.toolCall.args", "ai.toolCall.result",
           "message", "query", "db.query.text"}
# Inside arguments: paths, hosts, names and flags go where content does not.
NO_CONTENT = {"file_path", "filePath", "path", "absolute_path", "dir_path", "notebook_path",
              "workdir", "cwd", "url", "tool", "name", "type", "server", "subagent_type", "role",
              "task_name", "agent_type", "id", "toolName", "toolCallId", "target", "mode", "status",
              "kind", "pattern", "model", "finish_reason", "language", "agent", "permission", "action", "patterns",
              "filepath", "files", "file", "skill", "skill_name"}


def lace(value):
    """Marks the texts within a JSON value."""
    if isinstance(value, dict):
        return {key: inner if key in NO_CONTENT or key.lower().endswith("id") else lace(inner)
                for key, inner in value.items()}
    if isinstance(value, list):
        return [lace(inner) for inner in value]
    return f"{value} {MARK}" if isinstance(value, str) else value


def laced_text(text):
    try:
        value = json.loads(text)
    except ValueError:
        return f"{text} {MARK}"
    return json.dumps(lace(value)) if isinstance(value, (dict, list)) else f"{text} {MARK}"


def lace_any(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "string_value":
        any_value.string_value = laced_text(any_value.string_value)
    elif kind == "array_value":
        for inner in any_value.array_value.values:
            lace_any(inner)
    elif kind == "kvlist_value":
        for item in any_value.kvlist_value.values:
            if item.key not in NO_CONTENT:
                lace_any(item.value)


def lace_attributes(holder):
    for item in holder.attributes:
        if item.key in CONTENT:
            lace_any(item.value)


def lace_body(record, is_opencode):
    """The first text of opencode's bodies is the only name that its events have, and goes."""
    kind = record.body.WhichOneof("value")
    if kind == "array_value":
        for inner in record.body.array_value.values[1:]:
            lace_any(inner)
    elif kind == "string_value" and not is_opencode:
        record.body.string_value += f" {MARK}"
    elif kind == "kvlist_value":
        lace_any(record.body)


def lace_logs(request):
    for resource_logs in request.resource_logs:
        names = [item.value.string_value for item in resource_logs.resource.attributes
                 if item.key == "service.name"]
        is_opencode = "opencode" in names
        lace_attributes(resource_logs.resource)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                lace_attributes(record)
                lace_body(record, is_opencode)
    return request


def lace_traces(request):
    for resource_spans in request.resource_spans:
        lace_attributes(resource_spans.resource)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                lace_attributes(span)
                for event in span.events:
                    lace_attributes(event)
                if span.status.message:
                    span.status.message += MARK
    return request


def exporters(whole, bare):
    return f"""
file/forensic: {{}}
otlp_grpc/whole: {{ endpoint: '127.0.0.1:{whole.port}' }}
otlp_grpc/bare: {{ endpoint: '127.0.0.1:{bare.port}', content: omit }}
"""


def settled(daemon):
    """Every destination has as many as the others, and more do not come."""
    def is_so():
        by_name = [e["delivered_records"] for e in daemon.status()["exporters"]
                   if e["name"] != "file/forensic"]
        return len(set(by_name)) == 1 and by_name[0] == daemon.status()["journal"][
            "committed_sequence"] - 1
    wait_until(is_so, ARRIVAL_TIMEOUT_S, "every record at both destinations")


def requests_of(sink, signal):
    return sink.requests if signal == "logs" else sink.requests_of(signal)


def expect_no_mark(whole, bare, signal, least):
    assert sum(r.count(MARK.encode()) for r in requests_of(whole, signal)) >= least
    for request in requests_of(bare, signal):
        at = request.find(MARK.encode())
        assert at < 0, request[max(0, at - 300):at + 40]


def by_uid(sink):
    return {messages.text_attribute(r, "log.record.uid"): r for _, _, r in sink.records()}


def is_ours(key):
    return key in ("agent.content.omitted", "agent.content.omitted_bytes")


def expect_the_rest(whole, bare):
    """Each record is the same but for what agent.content.omitted names."""
    records, bares = by_uid(whole), by_uid(bare)
    assert records.keys() == bares.keys()
    for uid, record in records.items():
        left = bares[uid]
        said = dict(messages.attributes(left))
        omitted = [text.rsplit("=", 1) for _, text in said.get("agent.content.omitted", ["array"])[1:]]
        keys = {key for key, _ in omitted}
        assert record.HasField("body") == ("body" in keys) and not left.HasField("body")
        expected = [(key, value) for key, value in messages.attributes(record) if key not in keys]
        got = [(key, value) for key, value in messages.attributes(left) if not is_ours(key)]
        assert [key for key, _ in expected] == [key for key, _ in got]
        for (key, before), (_, after) in zip(expected, got):
            assert before == after or (key.endswith("agent.content.state") and
                                       after[1] == "redacted_by_collector")
        for key, size in omitted:
            values = [value for k, value in messages.attributes(record) if k == key]
            if key != "body" and values and values[0] and values[0][0] == "string_value":
                assert int(size) in [len(value[1].encode()) for value in values]
        for name in ("time_unix_nano", "severity_number", "event_name", "trace_id"):
            assert getattr(record, name) == getattr(left, name)


def test_no_content_of_the_recorded_logs_leaves(home, corpus):
    with GrpcSink() as whole, GrpcSink() as bare:
        with Daemon(home, exporters(whole, bare)) as daemon:
            bodies = [(path, kind, body) for path, kind, body in facts.corpus_bodies(corpus)]
            bodies += [(path, "application/json", path.read_bytes())
                       for path in sorted((corpus / "documented").glob("*/*.json"))]
            for path, kind, body in bodies:
                if kind.endswith("json"):
                    request = signals.request("logs", body, kind)
                else:
                    request = messages.logs_request(body)
                assert post(daemon.http_port, "/v1/logs",
                            lace_logs(request).SerializeToString(),
                            "application/x-protobuf")[0] == 200, path
            settled(daemon)
            assert daemon.stop() == 0
    expect_no_mark(whole, bare, "logs", 1000)
    expect_the_rest(whole, bare)


def test_no_content_of_the_recorded_spans_leaves(home, corpus):
    with GrpcSink() as whole, GrpcSink() as bare:
        with Daemon(home, exporters(whole, bare), http=", signals: [logs, traces]") as daemon:
            for path, kind, body in signals.recordings(corpus, "traces"):
                request = lace_traces(signals.request("traces", body, kind))
                assert post(daemon.http_port, "/v1/traces", request.SerializeToString(),
                            "application/x-protobuf")[0] == 200, path
            settled(daemon)
            assert daemon.stop() == 0
    expect_no_mark(whole, bare, "traces", 20)
    expect_no_mark(whole, bare, "logs", 1)  # what the spans yield
    assert len(bare.requests_of("traces")) > 0
    spans = [record for request in bare.requests_of("traces")
             for record in signals.raw_records(request)]
    assert len(spans) == sum(len(signals.raw_records(r)) for r in whole.requests_of("traces"))
    assert any(b"agent.content.omitted" in span for span in spans)


def test_no_content_of_hooks_and_native_events_leaves(home, corpus):
    lines = [(path.stem, json.loads(line))
             for path in sorted((corpus / "documented" / "hooks").glob("*.jsonl"))
             for line in path.read_text().splitlines()]
    content = {"prompt", "tool_input", "tool_output", "tool_response", "args", "output", "text",
               "input-messages", "last-assistant-message", "last_assistant_message", "command",
               "messages", "llm_response"}
    with GrpcSink() as whole, GrpcSink() as bare:
        with Daemon(home, exporters(whole, bare)) as daemon, Agent(daemon.socket_path) as agent:
            for dialect, hook in lines:
                hook = {key: lace(value) if key in content else value
                        for key, value in hook.items()}
                agent.send({"dialect": dialect, "hook": hook})
            agent.send({"kind": "agent.command", "body": f"said {MARK}", "attributes": {
                "process.command_line": f"cat {MARK}", "process.exit.code": 0}})
            agent.wait_acked()
            assert agent.errors == []
            settled(daemon)
            assert daemon.stop() == 0
    expect_no_mark(whole, bare, "logs", 20)
    expect_the_rest(whole, bare)


def test_the_store_keeps_what_a_destination_is_not_sent(home):
    with GrpcSink() as whole, GrpcSink() as bare:
        with Daemon(home, exporters(whole, bare)) as daemon:
            with Agent(daemon.socket_path) as agent:
                agent.send({"kind": "agent.prompt", "attributes": {
                    "gen_ai.input.messages": f"[{MARK}]", "agent.content.state": "present"}})
                agent.wait_acked()
            settled(daemon)
            assert daemon.stop() == 0
    (record,) = by_uid(bare).values()
    assert messages.text_attribute(record, "agent.content.state") == "redacted_by_collector"
    assert MARK.encode() in b"".join(store.lines(daemon.state / "store"))
    expect_no_mark(whole, bare, "logs", 1)
