# SPDX-License-Identifier: Apache-2.0
"""More than the destination takes, from some who flood and some who do not: nothing acknowledged is
missing, refusals are counted exactly, memory keeps within its bound, and what may be shed is."""

import os
import pathlib
import re
import subprocess

import pytest

from support import messages
from support.agent import Agent
from support.daemon import BIN, Daemon, free_port, wait_until
from support.grpc_sink import GrpcSink
from support.http import post

TIMEOUT_S = 60
LISTED = ("agent.tool", "agent.model", "agent.session", "agent.prompt", "agent.turn",
          "agent.resource")
CODEX = "codex-0.169.0/http-protobuf/refactor/logs/001.bin"
RELEASE = pathlib.Path(BIN).resolve().parents[1] / "release" / "bin"


def flood(variant, *more, settings="journal: { max_size: 128MiB, segment_size: 16MiB }",
          programs=pathlib.Path(BIN)):
    """A short form of the benchmark: what it must show whatever the machine."""
    bench = programs / "overload_bench"
    if not bench.exists():
        pytest.skip("overload_bench is not built here")
    if variant == "users" and os.geteuid() != 0:
        pytest.skip("only root can be two users")
    done = subprocess.run(
        [bench, "--telltaled", programs / "telltaled", "--idle", "1", "--flood", "3",
         "--pace", "2000", "--settings", settings,
         *more, variant],
        capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("variant", ["acks", "silent", "http", "users"])
def test_flood_loses_nothing_and_keeps_within_memory(variant):
    # Sanitizers have memory of their own: then the bound is that of a build for users, and theirs.
    limit = "98304" if not sanitized() else "786432"
    text = flood(variant, "--memory", limit)
    check_flood(text)


@pytest.mark.skipif(not (RELEASE / "overload_bench").exists(), reason="no release build here")
def test_flood_is_kept_within_96_mib_by_the_build_for_users():
    check_flood(flood("silent", "--memory", "98304", programs=RELEASE))


def check_flood(text):
    assert "quiet, flooded" in text
    assert int(re.search(r"missing (\d+)", text).group(1)) == 0


@pytest.mark.parametrize("variant", ["acks", "http"])
def test_quiet_ones_are_not_refused_when_a_flood_fills_the_journal(variant):
    # Small and long enough to be filled under any sanitizer.
    text = flood(variant, "--memory", "0", "--flood", "6",
                 settings="journal: { max_size: 32MiB, segment_size: 16MiB }")
    assert int(re.search(r"flood: .* refused (\d+)", text).group(1)) > 0
    assert int(re.search(r"quiet events sent \d+, refused (\d+)", text).group(1)) == 0


def sanitized():
    with open(pathlib.Path(BIN) / "telltaled", "rb") as program:
        data = program.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def tool(test_id, outcome=None, size=20_000):
    attributes = {"gen_ai.tool.name": "Bash", "agent.tool.category": "shell", "test.id": test_id}
    if outcome:
        attributes["agent.outcome"] = outcome
    return {"kind": "agent.tool", "body": "x" * size, "attributes": attributes}


def approval(test_id):
    return {"kind": "agent.approval",
            "attributes": {"agent.decision.outcome": "allow", "agent.decision.source": "user",
                           "test.id": test_id}}


def fill(daemon):
    """Sends what may be shed until some is; each connection a little, for one that sends much is
    refused before.  The errors."""
    for n in range(500):
        with Agent(daemon.socket_path) as agent:
            for i in range(10):
                agent.send(tool(f"fill-{n}-{i}"))
            agent.wait_acked()
            if agent.errors:
                return agent.errors
    raise AssertionError("nothing was shed")


def pipeline_reports(sink):
    """Attributes of each agent.pipeline record, as plain values."""
    for _, _, record in sink.records():
        if messages.text_attribute(record, "agent.event.kind") == "agent.pipeline":
            yield {key: value[1] for key, value in messages.attributes(record)}


def test_listed_kinds_are_shed_when_the_journal_is_nearly_full(home, corpus):
    port = free_port()
    exporters = f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{port}', retry: {{ initial: 50ms, max: 100ms }} }}"
    with Daemon(home, exporters, journal="max_size: 16MiB\nsegment_size: 1MiB",
                receivers="unix: { max_event_size: 512KiB }",
                http=", max_request_size: 4MiB",
                extra=f"limits: {{ shed: [{', '.join(LISTED)}] }}\n") as daemon:
        errors = fill(daemon)
        shed = len(errors)
        for error in errors:
            assert error["code"] == "shed" and "agent.tool" in error["message"]
            assert error["event"] > 0
        daemon.wait_metric("receiver_shed_records_total", 'kind="agent.tool"', shed)
        # What was denied, and what is of another kind, goes on being taken.
        with Agent(daemon.socket_path) as agent:
            agent.send(tool("denied", "denied", size=10), approval("approval"))
            agent.wait_acked()
            assert agent.errors == []
        # Over OTLP they are rejected in part, and the rest is taken.
        accepted = daemon.metric("receiver_accepted_records_total", "otlp_http")
        body = (corpus / CODEX).read_bytes()
        sent = len(list(messages.records(messages.logs_request(body))))
        status, _, answer = post(daemon.http_port, "/v1/logs", body, "application/x-protobuf")
        rejected = messages.response_rejected(answer)
        assert status == 200 and rejected > 0
        daemon.wait_metric("receiver_shed_records_total", "", shed + rejected)
        daemon.wait_metric("receiver_accepted_records_total", "otlp_http",
                           accepted + sent - rejected)
        wait_until(lambda: "receivers.shed" in daemon.log(), TIMEOUT_S, "a line in the log")
        assert daemon.log().count("receivers.shed") == 1
        # It is on record, by kind and time, when there is room again.
        with GrpcSink(port=port) as sink:
            wait_until(lambda: shed_on_record(sink, "agent.tool") >= shed, TIMEOUT_S,
                       "a record about what was shed")
            ids = {messages.text_attribute(r, "test.id") for _, _, r in sink.records()}
            assert {"denied", "approval"} <= ids


def shed_on_record(sink, kind):
    count = 0
    for report in pipeline_reports(sink):
        if report.get("agent.pipeline.kind") == kind:
            assert report["agent.pipeline.code"] == "shed"
            assert report["agent.pipeline.from"] <= report["agent.pipeline.to"]
            count += report["agent.pipeline.count"]
    return count


def test_check_names_what_may_never_be_shed(home):
    config = home / "telltale.yaml"
    config.write_text("limits:\n  shed: [agent.resource, agent.approval, agent.resorce]\n")
    done = subprocess.run([BIN / "telltale", "check", config], capture_output=True,
                          text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert ":2:26:" in said and "'agent.approval' is never shed" in said
    assert ":2:42:" in said and "'agent.resorce' is no kind of events" in said
    assert "agent.resource'" not in said
