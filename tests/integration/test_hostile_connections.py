# SPDX-License-Identifier: Apache-2.0
"""Another user who opens thousands of connections, begins and never ends, or never reads: others are
served meanwhile, memory keeps within its bound, and each connection is taken or counted."""

import json
import os
import pathlib
import re

import pytest

from support.agent import Agent
from support.as_user import OTHER_UID, run_as, start_as
from support.daemon import BIN, Daemon, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")

TIMEOUT_S = 120
WAYS = ["unix", "http_tcp", "http_unix"]
CONNECTIONS = 10_000

# h(): one connection of the way that the arguments name.  g(c): begins what it never ends.
HOSTILE = """
import resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
way, address = sys.argv[1:3]
def h():
    return t(address) if way == "http_tcp" else s(address)
def head(size):
    return (b"POST /v1/logs HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\n"
            b"Content-Length: %d\\r\\n\\r\\n" % size)
def g(c):
    c.setblocking(False)
    try:
        if way == "unix":
            c.send(b'{"kind":"agent.prompt","body":"' + b"x" * 100000)
        else:
            c.send(head(1 << 20) + b"x" * 100000)
    except OSError:
        pass
    return c
"""

ABANDONED = HOSTILE + """
for wave in range(int(sys.argv[3]) // 1000):
    held = []
    while len(held) < 1000:
        held.append(h())
    for c in held:
        c.close()
"""

HALF_SENT = HOSTILE + """
held = [g(h()) for i in range(1000)]
print("held", flush=True)
sys.stdin.read()
"""

# Sends what is answered, until nothing more is taken, and reads nothing.
NEVER_READ = HOSTILE + """
bad = (b'{"telltale":1,"ack":true}\\n' + (b"x" * 50 + b"\\n") * 5000 if way == "unix" else
       (head(2) + b"{}") * 2000)
held = []
for i in range(100):
    c = h()
    c.setblocking(False)
    try:
        while c.send(bad) > 0: pass
    except OSError:
        pass
    held.append(c)
print("held", flush=True)
sys.stdin.read()
"""


def memory_limit():
    """Bytes: of a build for users, or with what a sanitizer needs."""
    data = (pathlib.Path(BIN) / "telltaled").read_bytes()
    sanitized = b"__asan_init" in data or b"__tsan_init" in data
    return (768 if sanitized else 96) << 20


def peak_memory(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) << 10


@pytest.fixture
def daemon(home):
    daemon = Daemon(home, "null/none: {}", http_sockets=["otlp-http.sock"],
                    receivers="unix: { mode: '0666' }", http=", mode: '0666'")
    for path in (home, daemon.run):
        path.chmod(0o755)
    with daemon:
        yield daemon
        assert peak_memory(daemon) < memory_limit()
        assert "ERROR" not in daemon.log()


def address_of(daemon, way):
    return {"unix": daemon.socket_path, "http_tcp": daemon.http_port,
            "http_unix": daemon.run / "otlp-http.sock"}[way]


def receiver(way):
    return "unix" if way == "unix" else "otlp_http"


def serve_others(daemon):
    """Everybody else gets in, and is answered."""
    with Agent(daemon.socket_path) as agent:
        for n in range(20):
            agent.send({"kind": "agent.prompt", "attributes": {"test.id": str(n)}})
            agent.wait_acked()
        assert agent.errors == []
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]})
    for connect, where in (("t", daemon.http_port), ("s", daemon.run / "otlp-http.sock")):
        run_as(os.geteuid(), f"""
c = {connect}(sys.argv[1])
for n in range(20):
    assert post(c, sys.argv[2].encode()).startswith(b"HTTP/1.1 200 ")
""", where, body)


def seen(daemon, way):
    """Connections that were taken, and those that were refused."""
    labels = f'receiver="{receiver(way)}"'
    return (daemon.metric("receiver_connections_total", labels),
            daemon.metric("receiver_refused_connections_total", labels))


@pytest.mark.parametrize("way", WAYS)
def test_connections_that_are_opened_and_abandoned_are_taken_or_counted(daemon, way):
    serve_others(daemon)
    daemon.wait_metric("receiver_accepted_records_total", "", 60)  # a report behind all before it
    before = sum(seen(daemon, way))
    attacker = start_as(OTHER_UID, ABANDONED, way, address_of(daemon, way), CONNECTIONS)
    rounds = 0
    while attacker.poll() is None:
        serve_others(daemon)
        rounds += 1
    assert attacker.returncode == 0
    own = rounds * (1 if way == "unix" else 2)
    wait_until(lambda: sum(seen(daemon, way)) == before + CONNECTIONS + own, TIMEOUT_S,
               "each is counted once")
    serve_others(daemon)


@pytest.mark.parametrize("program", [HALF_SENT, NEVER_READ], ids=["half_sent", "never_read"])
@pytest.mark.parametrize("way", WAYS)
def test_who_holds_connections_keeps_no_other_out(daemon, way, program):
    attacker = start_as(OTHER_UID, program, way, address_of(daemon, way))
    assert attacker.stdout.readline() == b"held\n"
    serve_others(daemon)
    if program is HALF_SENT:
        daemon.wait_metric("receiver_refused_connections_total",
                           f'receiver="{receiver(way)}",reason="per_uid"', 1000 - 256)
    attacker.communicate(timeout=TIMEOUT_S)
    assert attacker.returncode == 0
    # Nobody else's place is taken any more, and none of the memory.
    wait_until(lambda: daemon.metric("receiver_open_connections", receiver(way)) == 0, TIMEOUT_S,
               "its connections closed")
    serve_others(daemon)
