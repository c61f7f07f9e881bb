# SPDX-License-Identifier: Apache-2.0
"""Each record says who sent it, by the kernel's word; an agent that forges the words of another is
shown for what it is."""

import json
import os
import sys

import pytest

from support.agent import Agent
from support.as_user import OTHER_UID, run_as, start_as
from support.daemon import Daemon, wait_until

STORE = "file/store: { poll_interval: 50ms }"
TIMEOUT_S = 60

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")


def executable():
    return os.path.realpath(sys.executable)


def start(home):
    """A daemon that others may reach, with OTLP/HTTP on a Unix socket too."""
    daemon = Daemon(home, http_sockets=["otlp-http.sock"],
                    receivers="unix: { mode: '0666' }", http=", mode: '0666'")
    for path in (home, daemon.run):
        path.chmod(0o755)
    return daemon.start()


def records(daemon, *arguments):
    text = daemon.command("query", "--format", "json", *arguments)
    return [json.loads(line) for line in text.splitlines()]


def wait_for_records(daemon, count, *arguments):
    wait_until(lambda: len(records(daemon, *arguments)) >= count, TIMEOUT_S, f"{count} records")
    return records(daemon, *arguments)


def otlp(session, text, attributes=()):
    values = [{"key": "session.id", "value": {"stringValue": session}},
              {"key": "test.text", "value": {"stringValue": text}}, *attributes]
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": "1795213460000000000", "attributes": values}]}]}]})


def test_each_way_in_says_how_its_sender_is_known(home):
    daemon = start(home)
    try:
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.prompt", "session": "s", "attributes": {"test.text": "u"}})
            agent.wait_acked()
        run_as(os.geteuid(), "assert b' 200 ' in post(s(sys.argv[1]), sys.argv[2].encode())",
               daemon.run / "otlp-http.sock", otlp("s", "h"))
        run_as(os.geteuid(), "assert b' 200 ' in post(t(sys.argv[1]), sys.argv[2].encode())",
               daemon.http_port, otlp("s", "t"))
        found = {r["test.text"]: r for r in wait_for_records(daemon, 3, "--session", "s")}
    finally:
        daemon.stop()
    for name in "uh":
        assert found[name]["agent.peer.attestation"] == "kernel"
        assert found[name]["agent.peer.executable.path"] == executable()
        assert found[name]["agent.peer.creation.time"].endswith("Z")
        assert found[name]["agent.peer.pid"] > 0
        assert "agent.peer.gid" in found[name]
    assert found["u"]["agent.peer.pid"] == os.getpid()
    assert found["t"]["agent.peer.attestation"] == "uid"
    assert "agent.peer.pid" not in found["t"]
    assert all(found[name]["agent.peer.uid"] == os.geteuid() for name in "uht")


FORGED = {"agent.peer.pid": 1, "agent.peer.uid": 0, "agent.peer.attestation": "kernel",
          "agent.peer.executable.path": "/usr/bin/codex", "agent.event.kind": "agent.session",
          "agent.norm.agent.peer.container.id": "f" * 64}


@only_root
def test_a_forger_of_another_session_is_shown_for_what_it_is(home):
    daemon = start(home)
    try:
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.prompt", "session": "victim", "body": "mine"})
            agent.wait_acked()
        run_as(OTHER_UID, """
c = s(sys.argv[1])
c.sendall(b'{"telltale":1,"ack":true}\\n' + sys.argv[2].encode() + b'\\n')
while b'"ack":1' not in c.recv(65536): pass
""", daemon.socket_path, json.dumps({"kind": "agent.approval", "session": "victim",
                                     "time": "2020-01-01T00:00:00Z", "attributes": {
                                         **FORGED, "agent.decision.outcome": "allow",
                                         "agent.decision.source": "user"}}))
        forged = [{"key": "agent.peer.uid", "value": {"intValue": "0"}},
                  {"key": "agent.decision.outcome", "value": {"stringValue": "allow"}}]
        run_as(OTHER_UID, "assert b' 200 ' in post(t(sys.argv[1]), sys.argv[2].encode())",
               daemon.http_port, otlp("victim", "t", forged))
        found = wait_for_records(daemon, 3, "--session", "victim")
        timeline = daemon.command("timeline", "victim", "--all")
        table = daemon.command("query", "--session", "victim")
    finally:
        daemon.stop()
    native = next(r for r in found if r["agent.transport"] == "unix_socket"
                  and r.get("body") != "mine")
    deep = "agent.norm.agent.norm."  # one chain further than the forger's longest
    assert native[deep + "agent.peer.uid"] == OTHER_UID
    assert native[deep + "agent.peer.attestation"] == "kernel"
    assert native[deep + "agent.peer.pid"] > 1
    assert native["agent.peer.uid"] == 0, "what the sender wrote stays"
    # The head names who came first, however the others are dated.
    head = timeline.split("\n\n")[0]
    assert f"sender   uid 0, pid {os.getpid()}" in head
    assert timeline.count(f"ANOTHER PROCESS: uid {OTHER_UID}") == 2
    assert timeline.count("FORGED") == 2
    assert "2 events were sent by another process" in timeline
    assert "2 events carry forged keys" in timeline
    assert "codex" not in timeline.replace("agent.peer", "")
    assert table.count(f"!{OTHER_UID}") == 2


SILENCE = {"kind": "agent.pipeline", "session": "victim", "resource": {"service.name": "telltale"},
           "attributes": {"agent.transport": "internal", "agent.pipeline.reason": "source_silent",
                          "agent.pipeline.code": "source_silent", "process.pid": 1,
                          "agent.pipeline.from": "2026-01-01T00:00:00Z",
                          "agent.pipeline.to": "2026-01-01T01:00:00Z"}}


@only_root
def test_no_way_in_lets_a_sender_speak_for_another_or_for_us(home):
    daemon = start(home)
    send = """
c = s(sys.argv[1])
c.sendall(b'{"telltale":1,"ack":true}\\n' + sys.argv[2].encode() + b'\\n')
while b'"ack":1' not in c.recv(65536): pass
"""
    hook = {"dialect": "codex_hook", "id": "1", "hook": {
        "hook_event_name": "UserPromptSubmit", "session_id": "victim", "turn_id": "1",
        "prompt": "forged", "agent.peer.uid": 0, "agent.decision.outcome": "allow"}}
    # More keys than agent.norm.errors lists, and one more behind them.
    many = [{"key": f"agent.norm.k{n}", "value": {"stringValue": "x"}} for n in range(1000)]
    many += [{"key": "agent.decision.outcome", "value": {"stringValue": "allow"}},
             {"key": "agent.review.risk_level", "value": {"stringValue": "low"}},
             {"key": "agent.norm.agent.peer.uid", "value": {"intValue": "0"}}]
    try:
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.prompt", "session": "victim", "body": "mine"})
            agent.wait_acked()
        run_as(OTHER_UID, send, daemon.socket_path, json.dumps(hook))
        run_as(OTHER_UID, send, daemon.socket_path, json.dumps(SILENCE))
        run_as(OTHER_UID, "assert b' 200 ' in post(t(sys.argv[1]), sys.argv[2].encode())",
               daemon.http_port, otlp("victim", "many", many))
        found = wait_for_records(daemon, 4, "--session", "victim")
        timeline = daemon.command("timeline", "victim", "--all")
        table = daemon.command("query", "--session", "victim")
        daemon.wait_metric("normalize_forging_records_total", "", 1)
    finally:
        daemon.stop()
    flood = next(r for r in found if r.get("test.text") == "many")
    assert "agent.*" in flood["agent.norm.errors"]
    assert flood["agent.norm.k999"] == "x", "what the sender wrote stays"
    assert timeline.count(f"ANOTHER PROCESS: uid {OTHER_UID}") == 3
    assert timeline.count("FORGED") == 2  # the flood, and the transport of the silence
    assert "SAID BY THE SENDER: " in timeline
    assert "SILENT" not in timeline
    assert table.count(f"!{OTHER_UID}") == 2


@only_root
def test_one_user_cannot_hold_all_connections_of_http(home):
    daemon = start(home)
    try:
        code = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
held = []
for i in range(1100):
    try: held.append(t(sys.argv[1]))
    except OSError: pass
print("held", flush=True)
sys.stdin.read()
"""
        holder = start_as(OTHER_UID, code, daemon.http_port)
        assert holder.stdout.readline() == b"held\n"
        run_as(os.geteuid(), "assert b' 200 ' in post(t(sys.argv[1]), sys.argv[2].encode())",
               daemon.http_port, otlp("s", "through"))
        wait_until(lambda: daemon.metric("receiver_refused_connections_total",
                                         'receiver="otlp_http",reason="per_uid"') == 1100 - 256,
                   TIMEOUT_S, "refusals counted")
        holder.communicate(timeout=60)
    finally:
        daemon.stop()
