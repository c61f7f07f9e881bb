# SPDX-License-Identifier: Apache-2.0
"""journal.on_disk_full, on a small file system of the daemon's own: what goes, what is closed, and
that everything goes on without a restart when there is room."""

import json
import pathlib
import socket
import subprocess

import pytest

from support import messages, store
from support.agent import Agent
from support.daemon import Daemon, free_port, wait_until
from support.grpc_sink import GrpcSink

TIMEOUT_S = 90
MIB = 1 << 20
DISK = 32 * MIB
MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$0" && shift && exec "$@"'
JOURNAL = "max_size: 8MiB\nsegment_size: 1MiB\non_disk_full: "
STORE = ("file/forensic: { compression: none, rotate: { size: 1MiB }, "
         "retry: { initial: 20ms, max: 50ms } }")


def can_mount():
    return subprocess.run(["unshare", "-m", "true"], capture_output=True,
                          check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="no mount namespace of our own: unshare -m "
                                                        "is not permitted here")


class SmallDisk:
    """A daemon whose state lies on a file system that only it sees."""

    def __init__(self, home, exporters, policy):
        self.daemon = Daemon(home, exporters, journal=JOURNAL + policy,
                             receivers="unix: { max_event_size: 512KiB }")
        self.daemon.wrapper = ("unshare", "-m", "--propagation", "private", "sh", "-c", MOUNT,
                               str(self.daemon.state), str(DISK))

    @property
    def state(self):
        return pathlib.Path(f"/proc/{self.daemon.process.pid}/root{self.daemon.state}")

    def fill(self, leave):
        """A file of somebody else that leaves so many bytes free."""
        while True:
            done = subprocess.run(["stat", "-f", "-c", "%a %S", str(self.state)], text=True,
                                  capture_output=True, check=True).stdout.split()
            size = int(done[0]) * int(done[1]) - leave
            if size <= 0:
                return
            try:
                with open(self.state / "filler", "ab", buffering=0) as filler:
                    filler.write(bytes(size))
            except OSError:
                pass  # the daemon was faster: look again

    def free(self):
        (self.state / "filler").unlink()

    def ledger(self):
        text = (self.state / "loss-ledger.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines() if '"reason"' in line
                and not line.startswith('{"totals"')]

    def __enter__(self):
        self.daemon.start()
        return self

    def __exit__(self, *exc):
        self.daemon.__exit__(*exc)


def event(test_id, size=4000):
    return {"kind": "agent.error", "body": "x" * size,
            "attributes": {"error.type": "x", "test.id": test_id}}


def send(agent, first, count):
    """The ids that were taken."""
    taken = []
    for start in range(first, first + count, 25):
        before, sent = len(agent.errors), agent.sent
        agent.send(*(event(str(n)) for n in range(start, start + 25)))
        agent.wait_acked()
        refused = {error["event"] - sent - 1 for error in agent.errors[before:]
                   if "event" in error}
        taken += [str(start + i) for i in range(25) if i not in refused]
    return taken


def names(disk):
    return sorted(path.name for path in (disk.state / "store").glob("*-*.jsonl"))


def connects(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
            return True
        except OSError:
            return False


def connects_http(daemon):
    try:
        with socket.create_connection(("127.0.0.1", daemon.http_port), timeout=1):
            return True
    except OSError:
        return False


def caught_up(daemon):
    report = daemon.status()
    return all(exporter["next_sequence"] == report["journal"]["committed_sequence"]
               for exporter in report["exporters"])


def test_old_files_of_the_store_go_when_everybody_else_has_their_records(home):
    with GrpcSink() as sink, SmallDisk(
            home, f"{STORE}\notlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' }}",
            "drop_oldest_delivered") as disk:
        daemon = disk.daemon
        with Agent(daemon.socket_path) as agent:
            taken = send(agent, 0, 2000)
            wait_until(lambda: caught_up(daemon), TIMEOUT_S, "all is delivered")
            before = names(disk)
            assert len(before) >= 4

            def files_go():
                disk.fill(leave=MIB // 2)  # what the journal gives back is used up too
                return len(names(disk)) < len(before)

            wait_until(files_go, TIMEOUT_S, "files go")
            wait_until(lambda: "deleted" in (disk.state / "store" / "store.log").read_text(),
                       TIMEOUT_S, "the store's own log says so")

            def takes():
                return send(agent, 10000, 25) != []

            wait_until(takes, TIMEOUT_S, "events are taken again, without a restart")
        after = names(disk)
        gone = [name for name in before if name not in after]
        assert gone == before[:len(gone)], "oldest first"
        assert len(gone) < len(before), "no more than needed"
        lines = disk.ledger()
        assert [line["file"] for line in lines] == gone
        assert {(line["destination"], line["reason"]) for line in lines} == \
            {("file/forensic", "disk_full")}
        for line in lines:
            assert f"{line['first']:020d}-{line['last']:020d}" in line["file"]
            assert line["bytes"] > MIB // 2
        kept = set(store.test_ids(disk.state / "store"))
        assert set(taken) - kept, "something went"

        def told():
            return any(store.text_attribute(record, "agent.pipeline.code") == "disk_full"
                       for record in store.records(disk.state / "store"))

        wait_until(told, TIMEOUT_S, "an event tells of it")


def test_no_file_goes_whose_records_another_destination_lacks(home):
    dead = f"otlp_grpc/dead: {{ endpoint: '127.0.0.1:{free_port()}' }}"
    with SmallDisk(home, f"{STORE}\n{dead}", "drop_oldest_delivered") as disk:
        daemon = disk.daemon
        with Agent(daemon.socket_path) as agent:
            taken = send(agent, 0, 1000)
            wait_until(lambda: set(store.test_ids(disk.state / "store")) >= set(taken), TIMEOUT_S,
                       "all is in the store")
            before = names(disk)
            assert len(before) >= 3

            def refuses():
                disk.fill(leave=MIB // 2)
                return send(agent, 10000, 25) == []

            wait_until(refuses, TIMEOUT_S, "events are refused")
            # A write may find out before anybody has looked at the disk.
            codes = {error["code"] for error in agent.errors}
            assert "journal_full" in codes and codes <= {"journal_full", "internal"}
            assert names(disk)[:len(before)] == before
            assert disk.ledger() == []
            disk.free()
            wait_until(lambda: send(agent, 20000, 25) != [], TIMEOUT_S, "there is room again")
        # A file may be closed while it is read: look until it is not.
        wait_until(lambda: set(store.test_ids(disk.state / "store")) >= set(taken), TIMEOUT_S,
                   "nothing has gone")
        assert set(names(disk)) >= set(before)
        assert disk.ledger() == []


def test_the_sockets_close_on_a_full_disk_and_open_by_themselves(home):
    with SmallDisk(home, STORE, "stop_agent_socket") as disk:
        daemon = disk.daemon
        with Agent(daemon.socket_path) as agent:
            taken = send(agent, 0, 100)

            def is_closed():
                disk.fill(leave=MIB // 2)
                return not connects(daemon.socket_path)

            wait_until(is_closed, TIMEOUT_S, "the socket is closed")
            wait_until(lambda: not connects_http(daemon), TIMEOUT_S, "so is the port")
            while agent.read_answers():
                pass  # until it is closed; the answers come before
        assert "receivers.closed" in daemon.log()
        wait_until(lambda: daemon.status()["receivers_open"] is False, TIMEOUT_S, "status says so")
        assert daemon.metric("receivers_open") == 0
        assert "RECEIVERS ARE CLOSED" in daemon.command("status")
        disk.free()
        wait_until(daemon.is_ready, TIMEOUT_S, "both are open again, without a restart")
        with Agent(daemon.socket_path) as agent:
            taken += send(agent, 1000, 25)
        assert len(taken) == 125
        wait_until(lambda: set(store.test_ids(disk.state / "store")) >= set(taken), TIMEOUT_S,
                   "what was acknowledged is there")
        assert "receivers.opened" in daemon.log()
        assert daemon.log().count("error receivers.closed") == 1
        wait_until(lambda: daemon.status()["receivers_open"] is True, TIMEOUT_S, "status too")

        def told():
            codes = [store.text_attribute(record, "agent.pipeline.code")
                     for record in store.records(disk.state / "store")]
            return {"sockets_closed", "sockets_opened"} <= set(codes)

        wait_until(told, TIMEOUT_S, "events tell of both")


def test_the_sockets_close_when_the_journal_is_full(home):
    port = free_port()
    with SmallDisk(home, f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{port}', "
                         "retry: { initial: 20ms, max: 50ms } }", "stop_agent_socket") as disk:
        daemon = disk.daemon
        taken = []
        with Agent(daemon.socket_path) as agent:
            try:
                for first in range(0, 10000, 25):
                    taken += send(agent, first, 25)
            except (AssertionError, OSError):
                pass  # closed
        assert len(taken) > 1000
        wait_until(lambda: not connects(daemon.socket_path), TIMEOUT_S, "the socket is closed")
        with GrpcSink(port) as sink:
            wait_until(daemon.is_ready, TIMEOUT_S, "it opens when the destination is back")
            wait_until(lambda: caught_up(daemon), TIMEOUT_S, "everything is delivered")
            got = {messages.text_attribute(r, "test.id") for _, _, r in sink.records()}
            assert got >= set(taken)


def losses(daemon):
    return [json.loads(line) for line in daemon.command("losses", "--json").splitlines()]


def test_losses_are_listed(home):
    port = free_port()
    with Daemon(home, f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{port}', on_journal_full: "
                      "drop_oldest, retry: { initial: 20ms, max: 50ms } }",
                journal="max_size: 2MiB\nsegment_size: 1MiB",
                receivers="unix: { max_event_size: 512KiB }") as daemon:
        assert daemon.command("losses").strip() == "no losses"
        assert daemon.command("losses", "--json") == ""
        with Agent(daemon.socket_path) as agent:
            assert len(send(agent, 0, 1000)) == 1000
        lines = losses(daemon)
        assert lines and all(line["reason"] == "journal_full" for line in lines)
        text = daemon.command("losses")
        assert "otlp_grpc/sink" in text and "agent.error" in text and "in all" in text
        # Notes of what was lost may be lost in their turn.
        wait_until(lambda: f"{sum(line['records'] for line in losses(daemon))} records given up"
                   in daemon.command("status"), TIMEOUT_S, "status tells of it")
    ledger = daemon.state / "loss-ledger.jsonl"
    ledger.write_text(ledger.read_text() + '{"time":"2026-01-01T00:00:00Z","destination":'
                      '"\\u001b[31mred\\u009b","reason":"damage","journal":"'
                      + "0" * 32 + '","first":1,"last":1,"records":1,"bytes":1}\nrubbish\n')
    done = daemon.command("losses", check=False)
    assert done.returncode == 0 and "red" in done.stdout
    assert "\x1b" not in done.stdout and "\x9b" not in done.stdout
    assert "1 lines of the loss ledger cannot be read" in done.stderr
    assert "\x1b" not in daemon.command("losses", "--json")
