# SPDX-License-Identifier: Apache-2.0
"""A clock that is set while the daemon runs: only what a record says of its time may change."""

import os
import signal
import socket
import struct

import pytest

from support import store
from support.agent import Agent
from support.daemon import BIN, Daemon, wait_until
from support.http import post

HOUR_NS = 3600 * 10**9
TIMEOUT_S = 30


class Clock:
    """What the daemon takes for the time: crash/shifted_clock.c."""

    def __init__(self, home):
        self.path = home / "clock"
        self.path.write_bytes(bytes(8))
        self.wrapper = ("env", f"LD_PRELOAD={BIN.resolve() / 'shifted_clock.so'}",
                        f"SHIFTED_CLOCK={self.path}", "ASAN_OPTIONS=verify_asan_link_order=0")

    def shift(self, hours):
        with open(self.path, "r+b") as file:
            file.write(struct.pack("q", hours * HOUR_NS))


@pytest.fixture
def clock(home):
    return Clock(home)


@pytest.mark.parametrize("hours", [-6, 6])
def test_a_clock_that_is_set_while_it_stops_does_not_hold_it_up(home, clock, hours):
    daemon = Daemon(home, wrapper=clock.wrapper).start()
    with socket.create_connection(("127.0.0.1", daemon.http_port)) as sender:
        sender.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       b"Content-Length: 1000\r\n\r\n{")
        post(daemon.http_port, "/v1/logs", b"{}", "application/json")  # it has come behind it
        os.kill(daemon.process.pid, signal.SIGTERM)
        wait_until(lambda: "daemon.stopping" in daemon.log(), TIMEOUT_S, "it stops")
        clock.shift(hours)
        assert daemon.ends(TIMEOUT_S)[0] == 0


def test_events_are_kept_once_while_the_clock_jumps(home, clock):
    files = "file/forensic: { rotate: { size: 64KiB } }\n"
    with Daemon(home, files, wrapper=clock.wrapper) as daemon:
        with Agent(daemon.socket_path) as agent:
            for hours in (0, 6, -6, 3, -3):
                clock.shift(hours)
                agent.send(*({"kind": "agent.prompt", "session": "s", "body": "x" * 500,
                              "attributes": {"test.id": f"id-{agent.sent + n:03}"}}
                             for n in range(200)))
                agent.wait_acked()
        wait_until(lambda: len(store.test_ids(daemon.state / "store")) >= 1000, TIMEOUT_S, "all")
        found = sorted(store.test_ids(daemon.state / "store"))
        assert found == [f"id-{n:03}" for n in range(1000)]
        times = sorted({int(record["observedTimeUnixNano"]) // HOUR_NS
                        for record in store.records(daemon.state / "store")})
        assert times[-1] - times[0] >= 11, "the clock did jump"
