# SPDX-License-Identifier: Apache-2.0
"""telltale(1) against a real daemon and its store."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from support import facts, store
from support.agent import Agent
from support.daemon import BIN, Daemon, wait_until
from support.http import post

ARRIVAL_TIMEOUT_S = 60
STORE = "file/forensic: {}"
SESSIONS = ("exfil", "approvals-appserver", "netproxy")
HOSTILE = "\x1b[2J\x1b]52;c;AAAA\x07\x00\x08\x0d\x7f\x9b31m\u202e\u2028 end"


def run(*arguments, stdin=None, env=None):
    return subprocess.run([str(BIN / "telltale"), *map(str, arguments)], input=stdin,
                          capture_output=True, timeout=120, check=False,
                          env={**os.environ, "TZ": "UTC", **(env or {})})


def kept(daemon):
    return len(list(store.records(daemon.state / "store")))


def wait_kept(daemon, count):
    wait_until(lambda: kept(daemon) >= count, ARRIVAL_TIMEOUT_S, f"{count} records kept")
    assert kept(daemon) == count


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A daemon whose store has three recorded sessions of Codex."""
    home = tmp_path_factory.mktemp("recorded")
    corpus = BIN.parents[2] / "tests" / "corpus"
    corpus = corpus if corpus.is_dir() else facts.pathlib.Path(__file__).parents[1] / "corpus"
    count = 0
    # The sockets need a short path.
    daemon = Daemon(home, STORE)
    daemon.run = facts.pathlib.Path(f"/tmp/tt-{os.getpid()}-run")
    daemon.run.mkdir(mode=0o700)
    with daemon:
        for path, content_type, body in facts.corpus_bodies(corpus, "codex-0.169.0"):
            if path.parts[-4] == "http-protobuf" and path.parts[-3] in SESSIONS:
                assert post(daemon.http_port, "/v1/logs", body, content_type)[0] == 200
                count += len(list(facts.of_protobuf(body)))
        wait_kept(daemon, count)
        daemon.count = count
        yield daemon
    daemon.run.rmdir()


def query(daemon, *arguments):
    """What `telltale query` finds, as flat objects."""
    done = run("query", "--format", "json", *arguments, "--state-dir", daemon.state)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def session_of(daemon, word):
    """The id of the recorded session whose prompt has `word`."""
    (found,) = {r["session.id"] for r in query(daemon, "--kind", "prompt", "--text", word)}
    return found


# --- status ------------------------------------------------------------------------------------


def test_status_shows_what_happened(recorded):
    wait_until(lambda: recorded.metric("journal_committed_sequence") == recorded.count + 1
               and recorded.status()["exporters"][0]["lag_records"] == 0,
               ARRIVAL_TIMEOUT_S, "the report, which is made twice a second")
    text = recorded.command("status")
    assert f"process {recorded.process.pid}" in text
    assert re.search(rf'accepted_records_total{{receiver="otlp_http"}} +{recorded.count}\n', text)
    assert re.search(rf"file/forensic +idle +{recorded.count} delivered +0 behind", text)
    report = recorded.status()
    assert report["pid"] == recorded.process.pid
    assert report["journal"]["committed_sequence"] == recorded.count + 1
    (exporter,) = report["exporters"]
    assert exporter["delivered_records"] == recorded.count
    assert report["metrics"]['telltale_receiver_accepted_records_total{receiver="otlp_http"}'] == (
        recorded.count)


def test_status_without_a_daemon_says_where_it_looked(home):
    done = run("status", "--run-dir", home)
    assert done.returncode == 1
    assert done.stdout == b""
    assert f"{home}/control.sock" in done.stderr.decode() and b"telltaled running" in done.stderr


def test_status_says_in_the_words_of_the_system_why_nobody_answers(home):
    path = home / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    assert b"Connection refused" in run("status", "--run-dir", home).stderr
    path.unlink()
    assert b"No such file" in run("status", "--run-dir", home).stderr
    path.symlink_to(path.name)
    assert b"Too many levels of symbolic links" in run("status", "--run-dir", home).stderr


def test_status_refuses_an_answer_that_is_none(home):
    for answer, words in ((b"", "not HTTP"), (b"HTTP/1.1 200", "not HTTP"),
                          (b"SSH-2.0-x\r\n\r\n{}", "not HTTP"),
                          (b"HTTP/1.1 404 Not Found\r\n\r\n{}", "it is not ready"),
                          (b"HTTP/1.1 200 OK\r\n\r\n{\"pid\":", "is not JSON")):
        (home / "control.sock").unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(home / "control.sock"))
            listener.listen()
            asking = subprocess.Popen([BIN / "telltale", "status", "--run-dir", home],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            with listener.accept()[0] as peer:
                peer.recv(1024)
                peer.sendall(answer)
            out, complaint = asking.communicate(timeout=60)
        assert (asking.returncode, out) == (1, "") and words in complaint, answer


def test_status_of_a_daemon_that_heard_nothing_says_so(home):
    daemon = Daemon(home, STORE)
    daemon.start(wait=False)  # waiting would connect, and a connection is something
    try:
        wait_until(lambda: daemon.command("status", check=False).returncode == 0, 30, "a daemon")
        assert re.search(r"received since then\n  nothing yet\n", daemon.command("status"))
    finally:
        daemon.stop()


def test_status_shows_a_destination_that_fails(home):
    with Daemon(home, "otlp_grpc/sink: { endpoint: '127.0.0.1:1', retry: { initial: 50ms } }") as d:
        with Agent(d.socket_path) as agent:
            agent.send({"kind": "agent.error", "attributes": {"error.type": "x"}})
            agent.wait_acked()
        shown = re.compile(r"otlp_grpc/sink +(waiting_to_retry|sending) +0 delivered +1 behind\n"
                           r" +last error: .*127\.0\.0\.1:1")
        wait_until(lambda: shown.search(d.command("status")), ARRIVAL_TIMEOUT_S, "the error")


# --- emit --------------------------------------------------------------------------------------


def test_emit_makes_an_event_of_its_options(home):
    with Daemon(home, STORE) as daemon:
        daemon.command("emit", "--kind", "agent.mode", "--session", "s-1", "--body", "a \"body\"",
                       "--time", "2026-11-20T22:24:20.5Z", "--severity", "warn",
                       "--attribute", "agent.mode.to=plan", "-a", "test.number=5", "-a",
                       "test.flag=true", "-a", "test.list=[1,\"x\"]", "-a", "test.text=a=b",
                       "-a", "test.empty=")
        (record,) = query_until(daemon, 1)
    assert record["agent.event.kind"] == "agent.mode"
    assert record["session.id"] == "s-1"
    assert record["body"] == 'a "body"'
    assert record["time"] == "2026-11-20T22:24:20.500000000Z"
    assert record["severity_number"] == 13
    assert record["agent.mode.to"] == "plan"
    assert (record["test.number"], record["test.flag"]) == (5, True)
    assert (record["test.list"], record["test.text"]) == ([1, "x"], "a=b")
    assert record["test.empty"] == ""
    assert record["agent.peer.pid"] > 0


def query_until(daemon, count, *arguments):
    wait_until(lambda: len(query(daemon, *arguments)) >= count, ARRIVAL_TIMEOUT_S, "found")
    found = query(daemon, *arguments)
    assert len(found) == count
    return found


def test_emit_takes_events_from_standard_input(home):
    lines = "".join(json.dumps({"kind": "agent.error", "attributes": {
        "error.type": "x", "test.id": str(n)}}) + "\n" for n in range(5000))
    with Daemon(home, STORE) as daemon:
        daemon.command("emit", stdin=lines + "\n\n")
        daemon.kill()
        daemon.start()
        assert daemon.status()["journal"]["committed_sequence"] == 5001, "durable when it returned"
        wait_until(lambda: store.test_ids(daemon.state / "store") == [str(n) for n in range(5000)],
                   ARRIVAL_TIMEOUT_S, "all, in order")
        daemon.command("emit", stdin='{"kind":"agent.error","attributes":{"test.id":"end"}}')
        wait_until(lambda: "end" in store.test_ids(daemon.state / "store"), ARRIVAL_TIMEOUT_S,
                   "a last line without its end")


def test_emit_says_what_was_refused(home):
    good = json.dumps({"kind": "agent.error", "attributes": {"error.type": "x", "test.id": "good"}})
    with Daemon(home, STORE) as daemon:
        done = daemon.command("emit", stdin=f"{good}\nrubbish\n{good}\n", check=False)
        assert done.returncode == 1
        assert done.stdout == ""
        assert "invalid_json" in done.stderr or "byte 0" in done.stderr
        assert "3 sent, 2 durable, 1 refused" in done.stderr
        wait_until(lambda: store.test_ids(daemon.state / "store").count("good") == 2,
                   ARRIVAL_TIMEOUT_S, "both good ones")


def test_emit_without_a_daemon_fails_with_words(home):
    done = run("emit", "--kind", "agent.error", "--run-dir", home)
    assert done.returncode == 1
    assert f"{home}/agent.sock" in done.stderr.decode()
    assert b"No such file" in done.stderr
    done = run("emit", "--kind", "agent.error", "--socket", home / "other.sock")
    assert done.returncode == 1 and b"other.sock" in done.stderr


def test_emit_does_not_take_what_makes_no_sense(home):
    for wrong in (["--session", "x"], ["--kind", "x", "extra"], ["--kind"], ["--timeout", "0"],
                  ["--timeout", "x"], ["--unknown"], ["-a", "x=1"]):
        done = run("emit", *wrong, "--run-dir", home)
        assert done.returncode == 2, wrong
        assert b"usage: telltale emit" in done.stderr
    with Daemon(home, STORE) as daemon:
        done = daemon.command("emit", "--kind", "agent.error", "-a", "novalue", check=False)
        assert done.returncode == 2 and "'novalue' is not KEY=VALUE" in done.stderr
        assert "refused" not in done.stderr, "nothing was tried"
        many = [word for n in range(65) for word in ("-a", f"k{n}={n}")]
        done = daemon.command("emit", "--kind", "agent.error", *many, check=False)
        assert done.returncode == 2 and "64" in done.stderr


# --- query -------------------------------------------------------------------------------------


def test_query_finds_by_every_filter(recorded):
    everything = query(recorded)
    assert len(everything) == recorded.count

    def picks(arguments, wanted):
        found = query(recorded, *arguments)
        assert found == [r for r in everything if wanted(r)], arguments
        assert 0 < len(found) < recorded.count, arguments

    picks(["--kind", "tool"], lambda r: r["agent.event.kind"] == "agent.tool")
    picks(["--kind", "agent.tool,network"],
          lambda r: r["agent.event.kind"] in ("agent.tool", "agent.network"))
    picks(["-k", "approval"], lambda r: r["agent.event.kind"] == "agent.approval")
    picks(["--outcome", "denied"], lambda r: r["agent.outcome"] == "denied")
    picks(["--outcome", "denied,failure"], lambda r: r["agent.outcome"] in ("denied", "failure"))
    picks(["--tool", "apply_patch"], lambda r: r.get("gen_ai.tool.name") == "apply_patch")
    picks(["--text", "AUTHORIZED_note"], lambda r: "authorized_note" in json.dumps(r).lower())
    session = session_of(recorded, "hosts")
    for name in (session, session[:12], session[-9:]):
        picks(["--session", name],
              lambda r: session in (r.get("session.id"), r.get("gen_ai.conversation.id")))
    picks(["--session", session, "--kind", "network", "--outcome", "denied"],
          lambda r: r.get("session.id") == session and r["agent.event.kind"] == "agent.network"
          and r["agent.outcome"] == "denied")
    times = sorted(r.get("time") or r["observed_time"] for r in everything)
    middle = times[len(times) // 2]
    picks(["--since", middle], lambda r: (r.get("time") or r["observed_time"]) >= middle)
    picks(["--until", middle], lambda r: (r.get("time") or r["observed_time"]) < middle)
    assert query(recorded, "--limit", "3") == everything[:3]
    assert query(recorded, "--kind", "pipeline") == []
    assert query(recorded, "--outcome", "timeout") == []
    assert query(recorded, "--session", "abc") == []
    assert query(recorded, "--since", "2026-11-20", "--until", "2026-11-21") == [
        r for r in everything if (r.get("time") or r["observed_time"])[:10] == "2026-11-20"]


def test_query_in_otlp_json_is_what_was_recorded(recorded):
    done = run("query", "--format", "otlp-json", "--state-dir", recorded.state)
    assert done.returncode == 0
    got = [r for line in done.stdout.splitlines() for r in facts.of_json(json.loads(line))]
    wanted = [r for line in store.lines(recorded.state / "store")
              for r in facts.of_json(json.loads(line))]
    assert got == wanted and len(got) == recorded.count


def test_query_by_table_is_a_line_a_record(recorded):
    done = run("query", "--kind", "tool", "--state-dir", recorded.state)
    head, *rows = done.stdout.decode().splitlines()
    assert head.split() == ["TIME", "SESSION", "SENDER", "KIND", "OUTCOME", "WHAT"]
    assert len(rows) == len(query(recorded, "--kind", "tool"))
    assert all(re.match(r"2026-11-20 \d\d:\d\d:\d\d\.\d{3}  \S{9} %d +tool " % os.getuid(), row) for row in rows)
    assert any("exec_command cat config/sample.env" in row for row in rows)
    session = re.split(r"\s+", rows[0])[2]
    assert query(recorded, "--session", session), "what the table shows can be asked for"


def test_query_refuses_what_makes_no_sense(recorded):
    for wrong, words in ((["--since", "yesterdayish"], "yesterdayish"), (["--format", "xml"], "xml"),
                         (["--limit", "-1"], "-1"), (["--limit", "many"], "many"),
                         (["extra"], "'extra' belongs to no option"), (["--follow"], "usage"),
                         (["--wat"], "telltale: unrecognized option '--wat'"),
                         (["--kind", "tols"], "no kind 'tols'; there are session, turn,"),
                         (["--kind", "tool,agent.tols"], "no kind 'agent.tols'"),
                         (["--kind", "tool,"], "no kind ''"), (["--kind", ""], "no kind ''"),
                         (["--kind", "agent."], "no kind 'agent.'"),
                         (["--outcome", "deny"], "no outcome 'deny'; there are success, failure,"),
                         (["--outcome", "denied,block"], "no outcome 'block'")):
        done = run("query", *wrong, "--state-dir", recorded.state)
        assert done.returncode == 2, wrong
        assert words in done.stderr.decode(), wrong
        assert done.stdout == b""


def test_query_without_a_store_says_where_it_looked(home):
    done = run("query", "--state-dir", home / "nowhere")
    assert done.returncode == 1
    assert f"{home}/nowhere/store" in done.stderr.decode()


def test_a_reader_that_has_enough_is_no_failure(recorded):
    with subprocess.Popen([str(BIN / "telltale"), "query", "--format", "otlp-json", "--state-dir",
                           str(recorded.state)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        words = process.stderr.read()
        process.wait(60)
    assert b"Sanitizer" not in words
    assert process.returncode in (0, 1, -signal.SIGPIPE)


def test_the_store_is_readable_without_a_daemon_and_by_its_path(home):
    daemon = Daemon(home, STORE)
    with daemon:
        daemon.command("emit", "--kind", "agent.error", "-a", "error.type=x", "--session", "s-1")
        wait_kept(daemon, 1)
    for arguments in (["--state-dir", daemon.state], ["--store", daemon.state / "store"]):
        assert run("query", *arguments).stdout.count(b"\n") == 2
        assert run("tail", *arguments).stdout.count(b"\n") == 2
        assert b"s-1" in run("timeline", *arguments).stdout


# --- Where the directories are named -------------------------------------------------------------


def test_directories_may_be_named_before_and_behind_the_verb(recorded):
    dirs = ["--state-dir", recorded.state, "--run-dir", recorded.run]
    joined = [f"--state-dir={recorded.state}", f"--run-dir={recorded.run}"]
    for before, behind in ((dirs, []), ([], dirs), (joined, []), ([], joined),
                           (dirs[:2], dirs[2:]), (dirs[2:], dirs[:2])):
        assert run(*before, "status", *behind).returncode == 0
        found = run(*before, "query", "--limit", "1", *behind)
        assert found.returncode == 0 and found.stdout.count(b"\n") == 2
    done = run("query", "--state-dir")
    assert done.returncode == 2


def test_help_and_unknown_verbs():
    done = run("--help")
    assert done.returncode == 0
    for verb in ("status", "emit", "tail", "query", "timeline", "check"):
        assert f"  {verb} ".encode() in done.stdout
    assert run("--version").stdout.startswith(b"telltale ")
    assert run().returncode == 2
    done = run("frobnicate")
    assert done.returncode == 2 and b"frobnicate" in done.stderr


# --- tail --------------------------------------------------------------------------------------


def test_tail_shows_the_last(recorded):
    everything = run("query", "--state-dir", recorded.state).stdout.splitlines()
    for count in (1, 5, 20, len(everything) - 1, 90_000):
        done = run("tail", "-n", count, "--state-dir", recorded.state)
        assert done.stdout.splitlines() == everything[:1] + everything[1:][-count:]
    assert run("tail", "--state-dir", recorded.state).stdout.splitlines() == (
        everything[:1] + everything[-20:])
    assert run("tail", "-n", 0, "--state-dir", recorded.state).stdout.splitlines() == everything[:1]
    denied = run("query", "--outcome", "denied", "--state-dir", recorded.state).stdout.splitlines()
    assert run("tail", "-n", 2, "--outcome", "denied", "--state-dir",
               recorded.state).stdout.splitlines() == denied[:1] + denied[-2:]
    done = run("tail", "-n", "100001", "--state-dir", recorded.state)
    assert done.returncode == 2


@pytest.mark.parametrize("before", [0, 3])
def test_tail_follows_until_interrupted(home, before):
    def emit(daemon, name):
        daemon.command("emit", "--kind", "agent.error", "-a", "error.type=x", "-a",
                       f"test.id={name}")

    rotate = "file/forensic: { rotate: { size: 64KiB } }"
    with Daemon(home, rotate) as daemon:
        for name in ("old-1", "old-2", "old-3"):
            emit(daemon, name)
        wait_kept(daemon, 3)
        with subprocess.Popen([str(BIN / "telltale"), "tail", "-f", "-n", str(before), "--format",
                               "json", *daemon.arguments()], stdout=subprocess.PIPE) as process:
            seen = [json.loads(process.stdout.readline())["test.id"] for _ in range(before)]
            assert seen == ["old-1", "old-2", "old-3"][:before]
            if before == 0:
                wait_until(lambda: is_waiting(process), ARRIVAL_TIMEOUT_S, "it waits for more")
            for name in ("new-1", "new-2"):
                emit(daemon, name)
                assert json.loads(process.stdout.readline())["test.id"] == name
            daemon.command("emit", stdin="".join(json.dumps(
                {"kind": "agent.error", "body": "x" * 1000, "attributes": {
                    "error.type": "x", "test.id": f"many-{n}"}}) + "\n" for n in range(300)))
            for n in range(300):
                assert json.loads(process.stdout.readline())["test.id"] == f"many-{n}"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            assert process.stdout.read() == b""
        assert len(list((daemon.state / "store").glob("*.jsonl*"))) > 1, "files were changed"


def is_waiting(process):
    """It sleeps between two looks at the end of the store."""
    with open(f"/proc/{process.pid}/wchan", encoding="ascii") as wchan:
        return "nanosleep" in wchan.read()


# --- timeline ----------------------------------------------------------------------------------


def timeline(daemon, *arguments):
    done = run("timeline", *arguments, "--state-dir", daemon.state)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def calls(text):
    """{what a tool call asked for: the lines below it}."""
    found, lines = {}, []
    for line in text.splitlines():
        match = re.match(r"\d\d:\d\d:\d\d\.\d{3}  (\S+) +(.*)", line)
        if match:
            lines = found.setdefault(match[2], [])
        elif line.startswith(" " * 16):
            lines.append(line.strip())
    return found


def call(text, word):
    (found,) = [lines for asked, lines in calls(text).items() if word in asked]
    return [re.sub(r" +", " ", line) for line in found]


def test_timeline_of_approvals_tells_who_decided(recorded):
    text = timeline(recorded, session_of(recorded, "marker"))
    assert "agent    codex 0.169.0" in text and "asks     ask" in text
    assert "prompt    Create two marker files outside the workspace" in text
    assert call(text, "outside-1")[:2] == ["decision approved by the user",
                                           "result ok, exit code 0, 42 ms"]
    denied = call(text, "outside-2")
    assert denied[0] == "decision DENIED by the user"
    assert denied[1].startswith("result NOT RUN")
    assert "rejected by user" in denied[2]
    assert call(text, "outside-3")[0] == "decision approved by the user for the session"
    assert call(text, "broken_tool of MCP server ticketdesk")[:2] == [
        "decision none was reported", "result FAILED, 2 ms"]
    assert "1 prompts, 5 tool calls (1 failed, 0 blocked, 1 not run)" in text


def test_timeline_of_an_exfiltration_tells_what_was_rejected(recorded):
    text = timeline(recorded, session_of(recorded, "sample.env"))
    assert call(text, "cat config/sample.env") == [
        "decision approved by configuration", "result ok, exit code 0, 69 ms",
        "API_TOKEN=dummy-token-not-a-secret"]
    lines = next(lines for asked, lines in calls(text).items() if "rm -rf" in asked)
    assert [re.sub(r" +", " ", line) for line in lines[:2]] == ["decision DENIED by policy",
                                                                "result NOT RUN, 0 ms"]
    assert "approval policy is Never; reject command" in text
    assert "patch rejected: writing is blocked by read-only sandbox" in text
    assert "(1 failed, 0 blocked, 3 not run)" in text


def test_timeline_of_a_proxy_tells_what_was_blocked_and_why(recorded):
    text = timeline(recorded, session_of(recorded, "hosts"))
    blocked = call(text, "http://blocked.example.net/")
    assert blocked[1] == ("network GET blocked.example.net:80 (http) BLOCKED by policy: denied "
                          "[joined by time]")
    assert blocked[2].startswith("result BLOCKED"), "it had been started"
    assert "not_allowed [joined" in call(text, "unlisted.example.org")[1]
    assert "not_allowed_local" in call(text, "-X POST --data hi")[1]
    allowed = call(text, "http://allowed.example.com/")
    assert "allowed.example.com:80 (http) allowed by policy: allow" in allowed[1]
    assert allowed[2].startswith("result ok, exit code 0") and allowed[3] == "reached"
    assert "CONNECT tls.allowed.example.com:443 (https_connect)  allowed" in text
    direct = call(text, "--noproxy")
    assert not any(line.startswith("network") for line in direct)
    assert "network 2 allowed and 3 blocked" in text
    assert "(2 failed, 3 blocked, 0 not run)" in text


def test_timeline_without_a_session_is_of_the_last(recorded):
    assert timeline(recorded) == timeline(recorded, session_of(recorded, "hosts"))
    assert timeline(recorded, session_of(recorded, "hosts")[-9:]) == timeline(recorded)
    done = run("timeline", "no-such-session", "--state-dir", recorded.state)
    assert done.returncode == 1 and b"no event of that session" in done.stderr
    everything = timeline(recorded, "--all", "--full")
    assert len(everything.splitlines()) > len(timeline(recorded).splitlines()) + 10
    assert "\u2026" not in everything, "--full cuts nothing"


def test_timeline_counts_calls_that_have_no_id(home):
    attributes = {"gen_ai.tool.name": "Bash", "agent.tool.category": "shell"}
    with Daemon(home, STORE) as daemon:
        with Agent(daemon.socket_path) as agent:
            for exit_code in (0, 3):
                agent.send({"kind": "agent.tool", "session": "s-1",
                            "attributes": {**attributes, "process.exit.code": exit_code}})
            agent.wait_acked()
        wait_kept(daemon, 2)
        text = timeline(daemon, "s-1")
    assert "0 prompts, 2 tool calls (1 failed, 0 blocked, 0 not run)" in text
    assert "missing" not in text


def test_timeline_shows_what_is_missing(home):
    with Daemon(home, STORE) as daemon:
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.tool", "session": "s-missing", "attributes": {
                "agent.event.phase": "start", "gen_ai.tool.name": "bash",
                "gen_ai.tool.call.id": "c-1", "gen_ai.tool.call.arguments": "rm -rf /"}})
            agent.wait_acked()
        wait_kept(daemon, 1)
        text = timeline(daemon, "s-missing")
    assert call(text, "rm -rf /") == ["decision none was reported", "result none was reported"]
    assert "missing: the results of 1 calls" in text


# --- Text that acts ------------------------------------------------------------------------------


def hostile_events():
    """Every kind that timeline treats apart, as far as the model takes what it says."""
    call = {"gen_ai.tool.call.id": "c" + HOSTILE, "gen_ai.tool.name": "bash" + HOSTILE,
            "agent.mcp.server.name": HOSTILE, "gen_ai.conversation.id": HOSTILE}
    decision = {"agent.decision.outcome": "deny", "agent.decision.source": "user",
                "agent.decision.reason": HOSTILE, "agent.decision.scope": HOSTILE}
    yield "prompt", {"agent.content.state": "present", "prompt": HOSTILE}
    yield "prompt", {"agent.content.state": "redacted_by_source", "agent.prompt.length": 1e308}
    yield "tool", {**call, "agent.tool.category": "shell", "process.command_line": HOSTILE,
                   "gen_ai.tool.call.result": f"{HOSTILE}\n{HOSTILE}", "agent.outcome": "failure",
                   "agent.duration_ms": 1e308, "process.exit.code": 1e308}
    yield "tool", {**call, "agent.tool.category": "shell", "agent.outcome": HOSTILE,
                   "gen_ai.tool.call.arguments": HOSTILE, "output": HOSTILE,
                   "agent.duration_ms": float(2**53)}
    yield "approval", {**call, **decision}
    yield "review", {**call, **decision, "agent.review.risk_level": HOSTILE,
                     "agent.review.rationale": HOSTILE}
    yield "sandbox", {**call, "agent.sandbox.outcome": "denied", "agent.sandbox.mode": HOSTILE}
    yield "network", {**decision, "server.address": HOSTILE, "http.request.method": HOSTILE,
                      "server.port": 1e308, "agent.network.mechanism": HOSTILE}
    yield "model", {"gen_ai.operation.name": HOSTILE, "gen_ai.provider.name": HOSTILE,
                    "gen_ai.request.model": HOSTILE, "gen_ai.usage.input_tokens": 1e308,
                    "gen_ai.usage.output_tokens": 1e308, "agent.outcome": "failure",
                    "agent.error.message": HOSTILE, "agent.permission.mode": HOSTILE,
                    "user.email": HOSTILE, "agent.product": HOSTILE}
    yield "file", {"agent.file.operation": "create", "file.path": HOSTILE}
    yield "error", {"error.type": HOSTILE, "agent.error.message": HOSTILE}
    yield "x" + HOSTILE, {}
    yield "error", {"agent.event.kind": HOSTILE, "agent.norm.agent.event.kind": HOSTILE,
                    "error.type": HOSTILE}


def acts_on_a_terminal(text):
    return [hex(ord(c)) for c in text if (ord(c) < 0x20 and c != "\n") or ord(c) == 0x7F
            or 0x80 <= ord(c) < 0xA0 or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2028"]


def test_nothing_from_agents_acts_on_a_terminal(home):
    events = list(hostile_events())
    resource = {"host.name": HOSTILE, "service.name": HOSTILE}
    with Daemon(home, STORE) as daemon:
        with Agent(daemon.socket_path) as agent:
            for kind, attributes in events:
                agent.send({"kind": f"agent.{kind}", "body": HOSTILE, "session": "s-hostile",
                            "resource": resource, "attributes": attributes})
            agent.wait_acked()
            assert agent.errors == []
        wait_kept(daemon, len(events))
        for kind, _ in events[:-2]:
            assert query(daemon, "--kind", kind), f"{kind} is one"
        for arguments in (["query"], ["query", "--format", "json"], ["query", "--format",
                          "otlp-json"], ["tail"], ["timeline", "s-hostile"],
                          ["timeline", "s-hostile", "--all"], ["status"],
                          ["timeline", "s-hostile", "--all", "--full"]):
            done = run(*arguments, *daemon.arguments())
            assert done.returncode == 0, (arguments, done.stderr)
            text = done.stdout.decode("utf-8")
            assert acts_on_a_terminal(text) == [], arguments
            if arguments[0] in ("query", "tail"):
                assert text.count("\n") == len(events) + ("json" not in " ".join(arguments))
        assert acts_on_a_terminal(daemon.log()) == []


def test_what_an_agent_writes_does_not_hide_what_the_daemon_says(home):
    """The store's readers take the value that normalization put behind the sender's own."""
    forged = {"agent.norm.agent.event.kind": "agent.tool", "agent.event.kind": "agent.tool",
              "agent.norm.agent.outcome": "success", "agent.outcome": "nonsense",
              "error.type": "x"}
    with Daemon(home, STORE) as daemon:
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.error", "session": "s-forged", "attributes": forged})
            agent.wait_acked()
        wait_kept(daemon, 1)
        assert len(query(daemon, "--kind", "error")) == 1
        assert query(daemon, "--kind", "tool") == []
        assert query(daemon, "--outcome", "success") == []


# --- check -------------------------------------------------------------------------------------


def test_check_shows_every_mistake_and_prints_what_takes_effect(home):
    good, bad = home / "good.yaml", home / "bad.yaml"
    good.write_text("exporters: { file/forensic: { rotate: { size: 1MiB } } }\n")
    bad.write_text("exporters:\n  file/forensic: { rotat: {} }\njurnal: {}\n")
    done = run("check", good)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    done = run("check", "--print", good)
    assert done.returncode == 0
    assert b"1MiB" in done.stdout and b"max_event_size: 16MiB" in done.stdout
    done = run("check", bad)
    assert done.returncode == 1
    words = done.stderr.decode()
    assert f"{bad}:2:20: exporters.file/forensic: unknown option 'rotat'" in words
    assert f"{bad}:3:1: unknown section 'jurnal'" in words or "jurnal" in words
    assert "2 errors" in words
    assert run("check").returncode == 2
    assert run("check", good, bad).returncode == 2
    assert run("check", home / "none.yaml").returncode == 1


def test_the_daemon_checks_what_it_would_use(home):
    def check(*arguments):
        return subprocess.run([BIN / "telltaled", *arguments], capture_output=True, text=True,
                              check=False, timeout=60)
    bad = home / "bad.yaml"
    bad.write_text("jurnal: {}\n")
    done = check("--check", "--config", bad)
    assert done.returncode == 1 and "unknown option 'jurnal'" in done.stderr
    assert "\ntelltaled: " in done.stderr
    assert "\ntelltale: " in run("check", bad).stderr.decode()
    done = check("--check", "--print", "--state-dir", home / "here")
    assert done.returncode == 0 and f"{home}/here" in done.stdout
    done = run("check", "--print", "--state-dir", home / "there", "/dev/null")
    assert done.returncode == 0 and f"{home}/there".encode() in done.stdout
    assert check("--print").returncode == 2
    assert not (home / "here").exists()


def test_the_command_needs_nothing_that_only_exporters_need(home):
    needed = subprocess.run(["ldd", BIN / "telltale"], capture_output=True, text=True,
                            check=True).stdout
    assert "libc.so" in needed
    assert not re.findall("lib(?:grpc|rdkafka|curl|ssl)[^ ]*", needed)
    alone = shutil.copy(BIN / "telltale", home)
    done = subprocess.run([alone, "check", "/dev/null"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"'{home}/telltaled', which checks" in done.stderr


# --- The manual --------------------------------------------------------------------------------


def test_the_manual_has_the_options_that_the_verbs_take():
    root = facts.pathlib.Path(__file__).resolve().parents[2]
    taken = {"run-dir", "state-dir", "help", "version"}
    for path in (root / "src" / "telltale").glob("*.[ch]"):
        taken |= set(re.findall(r'\{"([a-z-]+)", (?:no|required)_argument', path.read_text()))
    manual = (root / "docs" / "man" / "telltale.1").read_text()
    assert set(re.findall(r"Fl -([a-z-]+)", manual)) == taken
