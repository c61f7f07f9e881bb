# SPDX-License-Identifier: Apache-2.0
"""A process of another user at the other end: runs a few lines of Python as that user."""

import subprocess
import sys

OTHER_UID = 12345

# What every such process may use: s(path) connects to a Unix socket, t(port) over loopback.
_PREFIX = """
import json, os, socket, sys
def s(path):
    c = socket.socket(socket.AF_UNIX); c.connect(path); c.settimeout(30); return c
def t(port):
    return socket.create_connection(("127.0.0.1", int(port)), timeout=30)
def post(c, body):
    c.sendall(b"POST /v1/logs HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\n"
              b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
    return c.recv(65536)
"""


def start_as(uid, code, *arguments):
    """Popen with pipes for standard input and output; standard error goes to ours."""
    return subprocess.Popen([sys.executable, "-c", _PREFIX + code, *map(str, arguments)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=uid, group=uid,
                            extra_groups=[])


def run_as(uid, code, *arguments):
    """Waits for its end; gives back its standard output."""
    process = start_as(uid, code, *arguments)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.decode()
