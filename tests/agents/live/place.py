# SPDX-License-Identifier: Apache-2.0
"""Where an agent works: a home of its own with a small repository, and the settings that make
Telltale its only collector and our server its model."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MCP_COMMAND = [sys.executable, str(pathlib.Path(__file__).with_name("mcp_server.py"))]
RUN_TIMEOUT_S = 120
FILES = {
    "src/greet.js": "function greet(n) { return 'Helo ' + n; }\nmodule.exports = { greet };\n",
    "config/sample.env": "API_TOKEN=dummy-token-not-a-secret\n",
    "README.md": "# greeter\n",
}


class Place:
    """Not below /tmp, where Codex's sandbox lets everybody write."""

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="tt-agent-", dir="/var/tmp"))
        self.work = self.home / "work" / "greeter"
        self.log_path = self.home / "agent.log"
        for name, content in FILES.items():
            self.write(self.work / name, content)
        identity = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
        for arguments in (["init", "-q", "-b", "main"], ["add", "-A"],
                          [*identity, "commit", "-q", "-m", "init"],
                          ["remote", "add", "origin", "https://git.example.com/acme/greeter.git"]):
            subprocess.run(["git", *arguments], cwd=self.work, check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.home, ignore_errors=True)

    def write(self, path, content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def write_json(self, name, document):
        self.write(self.home / name, json.dumps(document, indent=1))

    def environment(self, more):
        """Nothing of ours but the path of node."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8",
                "TERM": "xterm-256color", "USER": "dev", "SHELL": "/bin/bash", **more}

    def popen(self, environment):
        return {"cwd": self.work, "env": self.environment(environment)}

    def run(self, command, environment):
        """Runs an agent to its end; its output is for whoever reads of a failure."""
        with open(self.log_path, "wb") as log:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                           timeout=RUN_TIMEOUT_S, check=False, **self.popen(environment))

    def log(self):
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return text[-3000:]
