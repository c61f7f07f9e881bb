# SPDX-License-Identifier: Apache-2.0
"""query, around and report against a real daemon whose store has recorded sessions."""

import csv
import datetime
import io
import json
import os
import pathlib
import pty
import re
import subprocess

import pytest

from support import facts, store
from support.agent import Agent
from support.daemon import BIN, Daemon, wait_until
from support.http import post

ARRIVAL_TIMEOUT_S = 60
STORE = "file/forensic: { rotate: { size: 64KiB } }"
CORPUS = pathlib.Path(__file__).parents[1] / "corpus"
SESSIONS = ("exfil", "approvals-appserver", "netproxy")
HOSTILE = "\x1b[2J=cmd|'/c calc'!A1\r\n\u202e\x9b"


def run(*arguments, env=None):
    return subprocess.run([str(BIN / "telltale"), *map(str, arguments)], capture_output=True,
                          timeout=120, check=False, env={**os.environ, "TZ": "UTC", **(env or {})})


def out(*arguments, **options):
    done = run(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def kept(daemon):
    return len(list(store.records(daemon.state / "store")))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    home = tmp_path_factory.mktemp("recorded")
    count = 0
    # The sockets need a short path.
    daemon = Daemon(home, STORE)
    daemon.run = pathlib.Path(f"/tmp/tq-{os.getpid()}-run")
    daemon.run.mkdir(mode=0o700)
    with daemon:
        for path, content_type, body in facts.corpus_bodies(CORPUS, "codex-0.169.0"):
            if path.parts[-4] == "http-protobuf" and path.parts[-3] in SESSIONS:
                assert post(daemon.http_port, "/v1/logs", body, content_type)[0] == 200
                count += len(list(facts.of_protobuf(body)))
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.tool", "session": HOSTILE, "body": "=1+1",
                        "attributes": {"gen_ai.tool.name": "bash", "agent.tool.category": "shell",
                                       "process.command_line": HOSTILE, "message": "mine",
                                       "__ts_timeline_id": "7", "user.name": "@SUM(A1)",
                                       "agent.duration_ms": -5, "test.list": ["a", {"b": 1}]}})
            agent.wait_acked()
        count += 1
        wait_until(lambda: kept(daemon) == count, ARRIVAL_TIMEOUT_S, f"{count} records kept")
        daemon.count = count
        yield daemon
    daemon.run.rmdir()


def ask(daemon, *arguments, **options):
    return out("query", *arguments, "--state-dir", daemon.state, **options)


def flat(daemon, *arguments):
    return [json.loads(line) for line in ask(daemon, "--format", "ndjson", *arguments).splitlines()]


# --- Filters -----------------------------------------------------------------------------------


def test_conditions_agree_with_the_flat_records(recorded):
    everything = flat(recorded)
    assert len(everything) == recorded.count
    cases = {
        "gen_ai.tool.name=exec_command": lambda r: r.get("gen_ai.tool.name") == "exec_command",
        "gen_ai.tool.name!=exec_command": lambda r: r.get("gen_ai.tool.name") != "exec_command",
        "agent.duration_ms>50": lambda r: (v := r.get("agent.duration_ms")) is not None and v > 50,
        "agent.duration_ms<=50": lambda r: (v := r.get("agent.duration_ms")) is not None
        and v <= 50,
        "process.command_line~*rm *": lambda r: "rm " in r.get("process.command_line", ""),
        "server.address": lambda r: "server.address" in r,
        "!server.address": lambda r: "server.address" not in r,
        "resource.service.name~*codex*": lambda r: "codex" in r.get("resource.service.name", ""),
    }
    for condition, says in cases.items():
        expected = [r for r in everything if says(r)]
        assert 0 < len(expected) < recorded.count, condition
        assert flat(recorded, "--where", condition) == expected, condition
    both = flat(recorded, "-w", "agent.decision.outcome=deny", "-w", "server.address")
    assert both == [r for r in everything
                    if r.get("agent.decision.outcome") == "deny" and "server.address" in r]


def test_agents_users_and_hosts(recorded):
    everything = flat(recorded)
    codex = [r for r in everything if r["agent.product"] == "codex"]
    assert flat(recorded, "--agent", "codex") == codex
    assert len(codex) == recorded.count - 1
    mine = flat(recorded, "--user", os.getuid())
    assert mine and all(r["agent.peer.uid"] == os.getuid() for r in mine)
    assert flat(recorded, "--user", os.getuid() + 1) == []
    assert len(flat(recorded, "--user", "nobody,@SUM(A1)")) == 1
    assert flat(recorded, "--host", "no-such-host") == []


def test_patterns_are_found_in_texts(recorded):
    found = flat(recorded, "--grep", r"^cat .*\.env")
    assert found and all("cat " in json.dumps(r) for r in found)
    assert flat(recorded, "--grep", "(?i)API_TOKEN=dummy") != []
    assert flat(recorded, "--grep", "no such thing at all") == []


@pytest.mark.parametrize("arguments, word", [
    (["--grep", "(a"], b"not closed"), (["--grep", "(((a{99}){99}){99})"], b"too large"),
    (["--where", "=x"], b"KEY=VALUE"), (["--format", "xml"], b"timesketch"),
    (["--order", "size"], b"-time"), (["--order", "time", "--limit", "0"], b"--limit"),
    (["--fields", "a", "--format", "ecs"], b"whole"), (["--fields", ",,"], b"without a name"),
    (["--since", "gestern"], b"is no time")])
def test_what_makes_no_sense_is_refused_with_the_reason(recorded, arguments, word):
    done = run("query", *arguments, "--state-dir", recorded.state)
    assert done.returncode == 2 and word in done.stderr


# --- Order -------------------------------------------------------------------------------------


def test_order_of_time_with_a_limit(recorded):
    times = sorted(r["time"] for r in flat(recorded))
    for limit in (1, 7, recorded.count, 100_000):
        got = [r["time"] for r in flat(recorded, "--order", "time", "--limit", limit)]
        assert got == times[:limit]
        got = [r["time"] for r in flat(recorded, "--order", "-time", "--limit", limit)]
        assert got == times[::-1][:limit]


# --- Formats -----------------------------------------------------------------------------------


def test_chosen_fields(recorded):
    names = ["time", "agent.event.kind", "agent.peer.uid", "no.such.key", "resource.service.name"]
    chosen = flat(recorded, "--fields", ",".join(names))
    for whole, part in zip(flat(recorded), chosen, strict=True):
        assert part == {name: whole[name] for name in names if name in whole}
    text = ask(recorded, "--fields", "agent.event.kind,summary", "--limit", 1)
    assert text.splitlines()[0].split() == ["agent.event.kind", "summary"]


def test_csv_is_read_back_and_calculates_nothing(recorded):
    text = ask(recorded, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == recorded.count
    assert text.count("\r\n") == recorded.count + 1 and text.count("\n") == recorded.count + 1
    for row, record in zip(rows, flat(recorded), strict=True):
        assert row["agent.event.kind"] == record["agent.event.kind"]
        assert all(not re.match(r"\s*[=+@\-\t\r]", value) for value in row.values())
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", "".join(row.values()))
    assert rows[-1]["user.name"] == "'@SUM(A1)"
    fields = "body,agent.duration_ms,test.list"
    row = list(csv.reader(io.StringIO(ask(recorded, "--format", "csv", "--fields", fields))))[-1]
    assert row == ["'=1+1", "-5", '["a",{"b":1}]'], "a number is not a formula"


def test_timesketch(recorded):
    lines = [json.loads(line) for line in ask(recorded, "--format", "timesketch").splitlines()]
    for event, record in zip(lines, flat(recorded), strict=True):
        moment = datetime.datetime.fromisoformat(event["datetime"])
        assert moment.utcoffset() == datetime.timedelta(0) and "+00:00" in event["datetime"]
        assert isinstance(event["timestamp"], int)
        assert event["timestamp"] == round(moment.timestamp() * 1_000_000)
        assert event["message"].startswith(record["agent.event.kind"])
        assert event["timestamp_desc"] == "Event Time"
        assert event["agent.event.kind"] == record["agent.event.kind"]
        assert not any(key.startswith("_") for key in event)
    assert lines[-1]["attributes.message"] == "mine"
    assert lines[-1]["attributes.__ts_timeline_id"] == "7"


def test_otlp_json_is_what_was_stored(recorded):
    assert ask(recorded, "--format", "otlp-json").encode() == b"".join(
        line + b"\n" for line in store.lines(recorded.state / "store"))


def test_shapes_are_those_of_the_exporters(recorded):
    for shape, key in (("ecs", "@timestamp"), ("otel", "@timestamp"), ("cim", "vendor_product"), ("ocsf", "class_uid")):
        lines = ask(recorded, "--format", shape).splitlines()
        assert len(lines) == recorded.count
        assert key in json.loads(lines[0]), shape


# --- The daemon is at work ---------------------------------------------------------------------


def test_what_was_written_a_moment_ago_is_found(home):
    with Daemon(home, "file/forensic: {}") as daemon:
        for n in range(3):
            daemon.command("emit", "--kind", "agent.error", "-a", "error.type=x", "-a",
                           f"test.n={n}")
            wait_until(lambda: [r["test.n"] for r in flat(daemon, "--since", "1m")]
                       == list(range(n + 1)), ARRIVAL_TIMEOUT_S, "it is in the active file")
        assert flat(daemon, "--until", "1m") == []


def test_progress_is_shown_on_a_terminal_only(recorded):
    done = run("query", "--state-dir", recorded.state)
    assert done.stderr == b""
    ours, theirs = pty.openpty()
    subprocess.run([str(BIN / "telltale"), "query", "--state-dir", str(recorded.state)],
                   stdout=subprocess.DEVNULL, stderr=theirs, timeout=120, check=True)
    os.close(theirs)
    try:
        shown = os.read(ours, 65536)
    except OSError:
        shown = b""  # nothing was written: it was over soon
    os.close(ours)
    assert shown == b"" or shown.endswith(b"\r\x1b[K")


# --- around ------------------------------------------------------------------------------------


def around(daemon, *arguments):
    return out("around", *arguments, "--state-dir", daemon.state)


def test_around_finds_the_session_of_a_command_and_its_request(recorded):
    (call,) = flat(recorded, "--where", "process.command_line~*cat config/sample.env*", "--kind",
                   "tool", "--limit", 1)
    (prompt,) = flat(recorded, "--session", call["session.id"], "--kind", "prompt", "--limit", 1)
    text = around(recorded, "--time", call["time"], "--window", "1m", "--command",
                  "cat config/sample.env")
    first = text.split("\nsession ")[1]
    assert first.startswith(call["session.id"])
    assert "codex, sent by uid" in first
    assert " ".join(prompt["prompt"].split())[:60] in first
    marked = [line for line in first.splitlines() if "<- command" in line]
    assert marked and all("** " in line or "*  " in line for line in marked)
    assert any("cat config/sample.env" in line for line in marked)


def test_around_finds_an_address_and_a_pid(recorded):
    (denied, *_) = flat(recorded, "--kind", "network", "-w", "agent.decision.outcome=deny")
    text = around(recorded, "--time", denied["time"], "--address", denied["server.address"])
    assert "<- address" in text and denied["session.id"] in text.split("\nsession ")[1]
    text = around(recorded, "--time", denied["time"], "--pid", denied["agent.peer.pid"]
                  if "agent.peer.pid" in denied else 1)
    assert ("<- pid" in text) == ("agent.peer.pid" in denied)
    text = around(recorded, "--time", "2020-01-01")
    assert "0 events, 0 fit" in text


def test_around_tells_the_same_as_json(recorded):
    (call,) = flat(recorded, "--where", "process.command_line~*cat config/sample.env*", "--kind",
                   "tool", "--limit", 1)
    question = ("--time", call["time"], "--window", "1m", "--command", "cat config/sample.env")
    events = [json.loads(line) for line in
              around(recorded, *question, "--format", "ndjson").splitlines()]
    assert events[0]["session"] == call["session.id"]
    assert any(event["uid"] == call["log.record.uid"] and event["fits"]["command"] and
               event["kind"] == "tool" and event["request"] for event in events)
    assert f"{sum(event['score'] > 0 for event in events)} fit" in around(recorded, *question)


def test_around_shows_hostile_texts_safely(recorded):
    (record,) = flat(recorded, "--where", "body==1+1")
    text = around(recorded, "--time", record["time"], "--command", "calc", "--window", "30s")
    assert "\\x1b[2J" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_around_needs_a_time_that_is_one(recorded):
    for arguments in ([], ["--time", "gestern"], ["--time", "now", "--window", "2d"],
                      ["--time", "now", "--pid", "x"]):
        assert run("around", *arguments, "--state-dir", recorded.state).returncode == 2


# --- report ------------------------------------------------------------------------------------


def test_report_agrees_with_the_records(recorded):
    report = json.loads(out("report", "--format", "json", "--top", "2000", "--state-dir",
                            recorded.state))
    everything = flat(recorded)
    assert report["records"] == recorded.count
    models = [r for r in everything if r["agent.event.kind"] == "agent.model"
              and not r.get("agent.usage.duplicate")]
    (codex,) = [row for row in report["agents"] if row["name"] == "codex"]
    assert codex["events"] == sum(r["agent.product"] == "codex" for r in everything)
    assert codex["input"] == sum(r.get("gen_ai.usage.input_tokens", 0) for r in models)
    assert codex["output"] == sum(r.get("gen_ai.usage.output_tokens", 0) for r in models)
    denied = [r for r in everything if r["agent.event.kind"] == "agent.network"
              and r.get("agent.decision.outcome") == "deny"]
    assert sum(row["denied"] for row in report["denied_destinations"]) == len(denied) > 0
    calls = {r["gen_ai.tool.call.id"] for r in everything if r["agent.event.kind"] == "agent.tool"
             and "gen_ai.tool.call.id" in r}
    assert sum(row["calls"] for row in report["tools"]) == len(calls) + 1
    names = [row["name"] for row in report["approvals"]]
    assert "user: deny" in names and "user: allow" in names


def test_report_as_a_page(recorded):
    arguments = ("report", "--state-dir", recorded.state)
    text = out(*arguments, env={"LC_ALL": "C.UTF-8"})
    assert "usage by agent" in text and "\u2588" in text and "\x1b" not in text
    text = out(*arguments, env={"LC_ALL": "C"})
    assert "##" in text and "\u2588" not in text
    assert "nothing was recorded" in out(*arguments, "--until", "2020-01-01")
