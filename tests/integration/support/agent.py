# SPDX-License-Identifier: Apache-2.0
"""A client of the Unix protocol, for the tests: it knows docs/PROTOCOL.md and nothing else."""

import json
import socket
import time


class Agent:
    """Sends events and hears acks."""

    def __init__(self, path, ack=True, timeout_s=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout_s)
        self._connect(str(path), time.monotonic() + timeout_s)
        self.sent = 0
        self.acked = 0
        self.errors = []
        self.pending = b""
        if ack:
            self.socket.sendall(b'{"telltale":1,"ack":true}\n')

    def _connect(self, path, deadline):
        """As a client without a timeout of its own, who waits while the backlog is full."""
        while True:
            try:
                return self.socket.connect(path)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)

    def send(self, *events):
        self.send_lines(*(json.dumps(event).encode() for event in events))

    def send_lines(self, *lines):
        self.sent += len(lines)
        self.socket.sendall(b"".join(line + b"\n" for line in lines))

    def read_answers(self):
        """Reads once; False when the daemon has closed."""
        data = self.socket.recv(65536)
        if not data:
            return False
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            answer = json.loads(line)
            if "ack" in answer:
                assert answer["ack"] >= self.acked, "acks never go back"
                self.acked = answer["ack"]
            else:
                self.errors.append(answer["error"])
        return True

    def wait_acked(self, count=None):
        wanted = self.sent if count is None else count
        while self.acked < wanted:
            assert self.read_answers(), f"closed after {self.acked} of {wanted} acks"

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
