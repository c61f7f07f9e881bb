# SPDX-License-Identifier: Apache-2.0
"""An agent that lives and says nothing is told, by what is known of it; one that has ended is not."""

import json
import os
import pathlib
import sys

from support import messages
from support.as_user import start_as
from support.daemon import Daemon, wait_until

STORE = "file/forensic: {}"
TIMEOUT_S = 60
HERE = pathlib.Path(__file__).resolve().parent

# An agent that says one thing for each line of its standard input, and ends with it.
UNIX_AGENT = """
c = s(sys.argv[1])
c.sendall(b'{"telltale":1,"ack":true}\\n')
for line in sys.stdin:
    c.sendall(json.dumps({"kind": "agent.prompt", "session": "of-unix",
                          "attributes": {"agent.product": "opencode"}}).encode() + b"\\n")
    c.recv(4096)
    print("said", flush=True)
"""
HTTP_AGENT = """
texts = lambda **pairs: [{"key": k.replace("_", "."), "value": {"stringValue": v}}
                         for k, v in pairs.items()]
body = lambda: json.dumps({"resourceLogs": [{
    "resource": {"attributes": [{"key": "process.pid", "value": {"intValue": str(os.getpid())}},
                                *texts(service_name="gemini-cli")]},
    "scopeLogs": [{"logRecords": [{"timeUnixNano": "1795213460000000000", "attributes":
        texts(event_name="gemini_cli.user_prompt", session_id=sys.argv[2])}]}]}]}).encode()
for line in sys.stdin:
    c = t(sys.argv[1]) if sys.argv[1].isdigit() else s(sys.argv[1])
    assert b" 200 " in post(c, body())
    c.close()
    print("said", flush=True)
"""
GRPC_AGENT = """
sys.path.insert(0, sys.argv[2])
from support.grpc_client import GrpcClient
client = GrpcClient(sys.argv[1])
for line in sys.stdin:
    client.export(bytes.fromhex(sys.argv[3]))
    print("said", flush=True)
"""


def grpc_body():
    request = messages.logs_request()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    for key, value in (("event.name", "codex.user_prompt"), ("conversation.id", "of-grpc")):
        attribute = record.attributes.add()
        attribute.key, attribute.value.string_value = key, value
    return request.SerializeToString().hex()


class Agent:
    def __init__(self, code, *arguments):
        self.process = start_as(os.geteuid(), code, *arguments)

    def speak(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"said\n"

    def end(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT_S)
        self.process.stdout.close()


def start(home, silent_after="1s"):
    return Daemon(home, STORE, http_sockets=["otlp-http.sock"],
                  receivers=f"silent_after: {silent_after}").start()


def agents(daemon):
    return {
        "of-unix": ("opencode", Agent(UNIX_AGENT, daemon.socket_path)),
        "of-http": ("gemini_cli", Agent(HTTP_AGENT, daemon.run / "otlp-http.sock", "of-http")),
        "of-grpc": ("codex", Agent(GRPC_AGENT, daemon.grpc_socket, HERE, grpc_body())),
        "of-tcp": ("gemini_cli", Agent(HTTP_AGENT, daemon.http_port, "of-tcp")),
    }


def found(daemon, code):
    text = daemon.command("query", "--format", "json", "--kind", "agent.pipeline")
    records = [json.loads(line) for line in text.splitlines()]
    return [record for record in records if record["agent.pipeline.code"] == code]


def wait_for(daemon, code, count):
    wait_until(lambda: len(found(daemon, code)) >= count, TIMEOUT_S, f"{count} {code}")
    return found(daemon, code)


def test_silence_of_each_agent_is_told_once_and_so_is_its_end(home):
    daemon = start(home)
    living = agents(daemon)
    try:
        for _, agent in living.values():
            agent.speak()
        silent = {record["session.id"]: record for record in wait_for(daemon, "source_silent", 4)}
        assert set(silent) == set(living)
        for session, (product, agent) in living.items():
            record = silent[session]
            assert record["process.pid"] == agent.process.pid
            assert record["process.executable.path"] == os.path.realpath(sys.executable)
            assert record["agent.product"] == product
            assert record["agent.pipeline.reason"] == "source_silent"
            assert record["agent.pipeline.from"] < record["agent.pipeline.to"]
        timeline = daemon.command("timeline", "of-tcp")
        assert "the agent has been SILENT for " in timeline
        assert f"process {living['of-tcp'][1].process.pid} " in timeline

        assert found(daemon, "source_resumed") == []
        for _, agent in living.values():
            agent.speak()
        resumed = wait_for(daemon, "source_resumed", 4)
        assert {record["session.id"] for record in resumed} == set(living)
        assert "the agent spoke again after " in daemon.command("timeline", "of-unix")
        assert len(wait_for(daemon, "source_silent", 8)) == 8  # and silent again
        daemon.wait_metric("sources_silent_total", "", 8)
    finally:
        for _, agent in living.values():
            agent.end()
        assert daemon.stop() == 0


def test_agent_that_ends_is_forgotten_without_a_word(home):
    daemon = start(home, silent_after="4s")  # longer than it takes to end
    try:
        ended = agents(daemon)
        for _, agent in ended.values():
            agent.speak()
            agent.end()
        living = Agent(UNIX_AGENT, daemon.socket_path)
        living.speak()
        silent = wait_for(daemon, "source_silent", 1)  # who spoke last is told, and none before
        assert [record["process.pid"] for record in silent] == [living.process.pid]
        daemon.wait_metric("sources", "", 1)
        living.end()
    finally:
        assert daemon.stop() == 0


def test_nobody_is_watched_by_default(home):
    daemon = Daemon(home, STORE).start()
    try:
        agent = Agent(UNIX_AGENT, daemon.socket_path)
        agent.speak()
        assert "telltale_sources" not in daemon.status()["metrics"]
        agent.end()
    finally:
        assert daemon.stop() == 0
