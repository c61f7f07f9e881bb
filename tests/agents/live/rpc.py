# SPDX-License-Identifier: Apache-2.0
"""Plays the program in front of an agent, an editor for example: gives it one prompt over JSON-RPC
on its standard input and output, and answers when it asks whether it may."""

import json
import queue
import subprocess
import threading

ANSWER_TIMEOUT_S = 60


class Peer:
    """One agent that speaks JSON-RPC, a message a line."""

    def __init__(self, command, decide, log, **popen):
        """`decide(method, params)` gives back the result of a request of the agent's."""
        self.decide = decide
        self.last_id = 0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log, text=True, **popen)
        self.incoming = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                self.incoming.put(json.loads(line))
        self.incoming.put(None)

    def send(self, **message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def next(self):
        """The next message that is no request; requests are answered on the way."""
        while True:
            message = self.incoming.get(timeout=ANSWER_TIMEOUT_S)
            assert message is not None, "the agent has ended"
            if "method" not in message or "id" not in message:
                return message
            self.send(id=message["id"], result=self.decide(message["method"], message["params"]))

    def call(self, method, **params):
        self.last_id += 1
        self.send(id=self.last_id, method=method, params=params)
        while True:
            message = self.next()
            if message.get("id") == self.last_id:
                assert "error" not in message, message
                return message["result"]

    def wait_for(self, method):
        while self.next().get("method") != method:
            pass

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Decisions:
    """Answers in turn, and counts."""

    def __init__(self, *decisions):
        self.left = list(decisions)

    def take(self):
        assert self.left, "the agent asked more often than was expected"
        return self.left.pop(0)


def app_server(command, prompt, work, decisions, delivered, log, **popen):
    """`codex app-server`: one thread, one turn.  It lives until `delivered()` comes back."""

    def decide(method, params):
        if method.endswith("/requestApproval"):
            return {"decision": decisions.take()}
        if "elicitation" in method:
            return {"action": "accept", "content": {}}
        return {}

    peer = Peer([*command, "app-server"], decide, log, **popen)
    peer.call("initialize", clientInfo={"name": "test", "title": "Test", "version": "1"},
              capabilities={"experimentalApi": True})
    peer.send(method="initialized")
    thread = peer.call("thread/start", cwd=str(work), approvalPolicy="on-request",
                       sandbox="workspace-write")["thread"]["id"]
    peer.call("turn/start", threadId=thread, input=[{"type": "text", "text": prompt}])
    peer.wait_for("turn/completed")
    assert not decisions.left, "the agent asked less often than was expected"
    delivered()
    peer.close()


def acp(command, prompt, work, decisions, delivered, log, **popen):
    """The Agent Client Protocol of Gemini CLI and Qwen Code: one session, one prompt."""

    def decide(method, params):
        if method != "session/request_permission":
            return {}
        wanted = decisions.take()
        option = next(o["optionId"] for o in params["options"] if o["kind"] == wanted)
        return {"outcome": {"outcome": "selected", "optionId": option}}

    peer = Peer(command, decide, log, **popen)
    peer.call("initialize", protocolVersion=1, clientInfo={"name": "test", "version": "1"},
              clientCapabilities={"fs": {"readTextFile": False, "writeTextFile": False}})
    session = peer.call("session/new", cwd=str(work), mcpServers=[])["sessionId"]
    peer.call("session/prompt", sessionId=session, prompt=[{"type": "text", "text": prompt}])
    assert not decisions.left, "the agent asked less often than was expected"
    delivered()
    peer.close()
