# SPDX-License-Identifier: Apache-2.0
"""A real C2SP witness, litewitness, whose key an ssh-agent of its own holds, on loopback.

The logs that it knows stand in its SQLite database, where its command `witnessctl` puts them; that
is built of more modules than the witness, so the rows are written here.  TELLTALE_LITEWITNESS names
what tests/interop/build-witness has built.
"""

import base64
import os
import pathlib
import re
import socket
import sqlite3
import subprocess

from support.daemon import quiet_port, wait_until

PROGRAM = pathlib.Path(os.environ.get("TELLTALE_LITEWITNESS", "")) / "litewitness"
START_TIMEOUT_S = 30
ROOT_OF_NOTHING = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="  # SHA-256 of no bytes


class LiteWitness:
    def __init__(self, home, name="witness.example/lite"):
        self.home = pathlib.Path(home) / "witness"
        self.home.mkdir()
        self.name, self.port = name, quiet_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.database, self.socket = self.home / "litewitness.db", self.home / "agent"
        self.log_path = self.home / "litewitness.log"
        self.agent = self.process = None

    def run(self, *command):
        return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True,
                              env={**os.environ, "SSH_AUTH_SOCK": str(self.socket)}).stdout

    def start_agent(self):
        key = self.home / "key"
        self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", key)
        self.agent = subprocess.Popen(["ssh-agent", "-D", "-a", self.socket], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.socket.exists, START_TIMEOUT_S, "ssh-agent")
        self.run("ssh-add", "-q", key)
        self.fingerprint = self.run("ssh-keygen", "-l", "-f", key).split()[1]

    def start(self):
        if self.agent is None:
            self.start_agent()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "-name", self.name, "-db", self.database, "-ssh-agent", self.socket,
                 "-key", self.fingerprint, "-listen", f"127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.is_ready, START_TIMEOUT_S, "litewitness")
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        """As the interrupt key does."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(START_TIMEOUT_S)
        self.process = None

    def log(self):
        return self.log_path.read_text()

    @property
    def vkey(self):
        """It says it when it starts."""
        return re.findall(r'vkey=(\S+)', self.log())[-1]

    def execute(self, text, *values):
        connection = sqlite3.connect(self.database, timeout=30)
        with connection:
            rows = connection.execute(text, values).fetchall()
        connection.close()
        return rows

    def add_log(self, origin):
        self.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", origin,
                     ROOT_OF_NOTHING)

    def add_key(self, origin, key):
        self.execute("INSERT INTO key (origin, key) VALUES (?, ?)", origin, key)

    def drop_keys(self, origin):
        self.execute("DELETE FROM key WHERE origin = ?", origin)

    def set_root(self, origin, root):
        """It has seen another tree of the size that it knows."""
        self.execute("UPDATE log SET tree_hash = ? WHERE origin = ?",
                     base64.b64encode(root).decode(), origin)

    def size(self, origin):
        rows = self.execute("SELECT tree_size FROM log WHERE origin = ?", origin)
        return rows[0][0] if rows else None

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exc):
        self.stop()
        if self.agent is not None:
            self.agent.terminate()
            self.agent.wait(START_TIMEOUT_S)
