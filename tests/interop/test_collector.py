# SPDX-License-Identifier: Apache-2.0
"""Through the daemon into a real OpenTelemetry Collector: everything arrives, once, unchanged.

The judge is support/facts.py, which shares no code with the daemon.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import corpus, home  # noqa: E402,F401
from support import facts, messages, store  # noqa: E402
from support.agent import Agent  # noqa: E402
from support.collector import Collector  # noqa: E402
from support.daemon import BIN, Daemon, wait_until  # noqa: E402
from support.http import post  # noqa: E402
from support.protobuf import field  # noqa: E402

ARRIVAL_TIMEOUT_S = 60


def received(collector):
    return [record for document in collector.documents() for record in facts.of_json(document)]


def wait_for(collector, count):
    wait_until(lambda: len(received(collector)) >= count, ARRIVAL_TIMEOUT_S,
               f"{count} records at the Collector, {len(received(collector))} are there")
    return received(collector)


def check_same(sent, got):
    missing, extra, wrong = facts.unmatched(sent, got)
    assert not wrong, wrong[0]
    assert not missing, f"{len(missing)} missing, first: {missing[0]}"
    assert not extra, f"{len(extra)} that nobody sent, first: {extra[0]}"


def sent_facts(content_type, body):
    return list(facts.of_json(json.loads(body)) if content_type.endswith("json")
                else facts.of_protobuf(body))


@pytest.mark.parametrize("encoding,chunked", [(None, False), ("gzip", True), ("zstd", False)])
def test_every_codex_payload_arrives_unchanged(home, corpus, encoding, chunked):
    sent = []
    with Collector(home) as collector:
        with Daemon(home, exporters=f"""
file/forensic: {{}}
otlp_grpc/collector: {{ endpoint: '127.0.0.1:{collector.grpc_port}' }}
""") as daemon:
            for path, content_type, body in facts.corpus_bodies(corpus, "codex*"):
                status, _, answer = post(daemon.http_port, "/v1/logs", body, content_type,
                                         encoding, chunked=chunked)
                assert status == 200, (path, answer)
                sent += sent_facts(content_type, body)
            got = wait_for(collector, len(sent))
        check_same(sent, got)
        assert all(facts.attribute(r, "agent.event.kind") for r in got)
        in_files = [r for line in store.lines(daemon.state / "store")
                    for r in facts.of_json(json.loads(line))]
        check_same(sent, in_files)


NATIVE_EVENTS = [
    {"kind": "agent.prompt", "session": "s-1", "body": "Delete the staging database",
     "time": "2026-11-20T10:00:00.123456789Z", "attributes": {"agent.content.state": "present"}},
    {"kind": "agent.tool", "session": "s-1", "severity": 17, "attributes": {
        "gen_ai.tool.name": "shell", "agent.tool.category": "shell", "agent.outcome": "failure",
        "process": {"exit": {"code": 3}, "command_line": "rm -rf /srv/staging"},
        "ratio": 0.25, "big": 9007199254740993, "ok": False,
        "list": [1, "two", None, {"three": 3.5}], "text": "naïve ☕ \u0000 \U0001f600"}},
    {"kind": "agent.network", "session": "s-1", "resource": {"service.name": "proxy"},
     "attributes": {"server.address": "example.net", "server.port": 443,
                    "agent.decision.outcome": "deny", "agent.decision.source": "network_proxy"}},
    {"kind": "no.such.kind", "unplanned": {"deep": {"er": "kept"}}},
]


def native_attributes(event):
    """What docs/PROTOCOL.md says becomes of an event's values, as facts."""
    found = []

    def value_of(value):
        if isinstance(value, bool):
            return ("bool", value)
        if isinstance(value, int):
            return ("int", value)
        if isinstance(value, float):
            return ("double", value)
        if isinstance(value, str):
            return ("string", value)
        if isinstance(value, list):
            return ("array", tuple(value_of(v) for v in value))
        if isinstance(value, dict):
            return ("kvlist", tuple((k, value_of(v)) for k, v in value.items()))
        return None

    def flatten(prefix, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                flatten(f"{prefix}.{key}" if prefix else key, inner)
        elif value is not None:
            found.append((prefix, value_of(value)))

    for key, value in event.items():
        if key == "attributes":
            flatten("", value)
        elif key == "session":
            found.append(("session.id", ("string", value)))
        elif key not in ("kind", "time", "body", "resource", "severity", "event", "dialect"):
            flatten(key, value)
    return found


def test_native_events_arrive_with_every_value_and_the_kernels_word(home):
    with Collector(home) as collector:
        with Daemon(home, exporters=f"""
otlp_grpc/collector: {{ endpoint: '127.0.0.1:{collector.grpc_port}', compression: none }}
""") as daemon:
            with Agent(daemon.socket_path) as agent:
                agent.send(*NATIVE_EVENTS)
                agent.wait_acked()
                assert agent.errors == []
            got = wait_for(collector, len(NATIVE_EVENTS))
    assert len(got) == len(NATIVE_EVENTS)
    by_kind = {facts.attribute(record, "agent.event.kind"): record for record in got}
    assert set(by_kind) == {"agent.prompt", "agent.tool", "agent.network", "agent.other"}
    for event in NATIVE_EVENTS:
        record = by_kind.get(event["kind"], by_kind["agent.other"])
        for key, value in native_attributes(event):
            assert (key, value) in record.attributes, (key, value, record.attributes)
        assert facts.attribute(record, "agent.peer.pid") == os.getpid()
        assert facts.attribute(record, "agent.peer.uid") == os.getuid()
        assert facts.attribute(record, "agent.peer.gid") == os.getgid()
        if "body" in event:
            assert record.body == ("string", event["body"])
        for key, value in event.get("resource", {}).items():
            assert (key, ("string", value)) in record.resource.attributes
    assert by_kind["agent.prompt"].time == 1795168800123456789
    assert by_kind["agent.tool"].severity == 17


def test_the_collector_reads_the_closed_files(home, corpus):
    sent = []
    with Daemon(home, exporters="file/forensic: { rotate: { size: 256KiB } }") as daemon:
        for _, content_type, body in facts.corpus_bodies(corpus, "codex*"):
            status, _, _ = post(daemon.http_port, "/v1/logs", body, content_type)
            assert status == 200
            sent += sent_facts(content_type, body)
        directory = daemon.state / "store"
        wait_until(lambda: len(list(store.lines(directory))) == len(sent), ARRIVAL_TIMEOUT_S,
                   "all records in the files")
    plain = home / "plain"
    plain.mkdir()
    closed = list(directory.glob("*.jsonl.zst"))
    assert len(closed) >= 3, sorted(directory.iterdir())
    for path in sorted(directory.glob("*.jsonl*")):
        if path.suffix == ".zst":
            target = plain / path.stem
            with open(target, "wb") as out:
                subprocess.run(["zstd", "-dcq", str(path)], stdout=out, check=True)
        elif path.suffix == ".jsonl" and not path.with_name(path.name + ".zst").exists():
            (plain / path.name).write_bytes(path.read_bytes())
    with Collector(home, watch=f"{plain}/*.jsonl") as collector:
        got = wait_for(collector, len(sent))
    check_same(sent, got)
    asked = home / "asked"
    asked.mkdir()
    with open(asked / "query.jsonl", "wb") as out:
        subprocess.run([str(BIN / "telltale"), "query", "--format", "otlp-json", "--store",
                        str(directory)], stdout=out, check=True, timeout=120)
    (home / "again").mkdir()
    with Collector(home / "again", watch=f"{asked}/*.jsonl") as collector:
        got = wait_for(collector, len(sent))
    check_same(sent, got)


def text(key, value):
    return field(1, key.encode()) + field(2, field(1, value))


def nested(depth):
    value = field(1, b"inmost")
    for _ in range(depth):
        value = field(6, field(1, field(1, b"k") + field(2, value)))
    return value


REFUSED = {"trace-id-15", "span-id-7"}  # at our own door: no store and no receiver can hold them
STRANGE = {  # what OTLP forbids, or what strict receivers do not take
    "trace-id-15": field(9, b"t" * 15),
    "span-id-7": field(10, b"s" * 7),
    "value-not-utf-8": field(6, text("value", b"\xff\xfe")),
    "body-not-utf-8": field(5, field(1, b"\xc3\x28")),
    "severity-text-not-utf-8": field(3, b"\x80"),
    "nested-60": field(6, field(1, b"deep") + field(2, nested(60))),
}


def test_strange_records_cost_no_good_neighbour(home):
    names = [f"good-{n}" for n in range(40)]
    for position, name in enumerate(STRANGE):
        names.insert(3 + 6 * position, name)
    scope_logs = b"".join(field(2, field(6, text("test.id", name.encode()))
                                + STRANGE.get(name, b"")) for name in names)
    bad_resource = field(1, field(1, text("name", b"\xff")))
    body = (field(1, field(2, scope_logs))
            + field(1, bad_resource + field(2, field(2, field(6, text("test.id", b"bad-resource")))))
            + field(1, field(2, field(2, field(6, text("test.id", b"good-last"))))))
    all_names = (set(names) | {"bad-resource", "good-last"}) - REFUSED
    with Collector(home) as collector:
        with Daemon(home, exporters=f"""
otlp_grpc/collector: {{ endpoint: '127.0.0.1:{collector.grpc_port}' }}
""") as daemon:
            status, _, answer = post(daemon.http_port, "/v1/logs", body, "application/x-protobuf")
            assert status == 200, answer
            partial = messages.logs_response().FromString(answer).partial_success
            assert partial.rejected_log_records == len(REFUSED), partial

            def letters():
                path = daemon.state / "dead-letters" / "otlp_grpc.collector.jsonl"
                return [json.loads(line) for line in path.read_text(errors="replace").splitlines()
                        ] if path.exists() else []

            def ids():
                # The daemon's own record of the refusals has no id.
                found = [facts.attribute(record, "test.id") for record in received(collector)]
                return [identity for identity in found if identity is not None]

            wait_until(lambda: len(ids()) + len(letters()) >= len(all_names),
                       ARRIVAL_TIMEOUT_S, "all records somewhere; last log:\n" + daemon.log())
            got = ids()
            dead = [facts.attribute(record, "test.id") for letter in letters()
                    for record in facts.of_json(letter["otlp"])]
    assert sorted(got + dead) == sorted(all_names), "each once, at the Collector or kept aside"
    assert set(dead) <= set(STRANGE) | {"bad-resource"}, "a good neighbour was given up"
