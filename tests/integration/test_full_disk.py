# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up, a small one of the daemon's own: events are refused with the right words,
what was acknowledged stays, and when there is space again it goes on by itself."""

import pathlib
import subprocess

import pytest

from support import messages, store
from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.grpc_sink import GrpcSink
from support.http import post

ARRIVAL_TIMEOUT_S = 60
MIB = 1 << 20
DISK = 24 * MIB
MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$0" && shift && exec "$@"'
NOWHERE = "otlp_grpc/sink: { endpoint: '127.0.0.1:1', retry: { initial: 50ms, max: 100ms } }"
JOURNAL = "max_size: 1GiB\nsegment_size: 1MiB"


def can_mount():
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return done.returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="no mount namespace of our own: unshare -m "
                                                        "is not permitted here")


class Disk:
    """A daemon with its state on a file system of its own, which only it sees."""

    def __init__(self, home, exporters):
        self.daemon = Daemon(home, exporters, journal=JOURNAL,
                             receivers="unix: { max_event_size: 512KiB }")
        self.daemon.wrapper = ("unshare", "-m", "--propagation", "private", "sh", "-c", MOUNT,
                               str(self.daemon.state), str(DISK))

    @property
    def state(self):
        """The same directory as the daemon sees it."""
        return pathlib.Path(f"/proc/{self.daemon.process.pid}/root{self.daemon.state}")

    def fill(self, size):
        """A file of somebody else."""
        with open(self.state / "filler", "wb") as filler:
            try:
                while size > 0:
                    filler.write(bytes(min(size, 65536)))
                    filler.flush()
                    size -= 65536
            except OSError:
                pass

    def free(self):
        (self.state / "filler").unlink()

    def __enter__(self):
        self.daemon.start()
        return self

    def __exit__(self, *exc):
        self.daemon.__exit__(*exc)


def event(test_id, size=20_000):
    return {"kind": "agent.error", "body": "x" * size,
            "attributes": {"error.type": "x", "test.id": test_id}}


def send_until_refused(agent, first, count=5000):
    """Numbers of the events that were taken; the last ones sent were refused."""
    taken, refused = [], 0
    for n in range(first, first + count):
        before = len(agent.errors)
        agent.send(event(str(n)))
        agent.wait_acked()
        if len(agent.errors) == before:
            taken.append(n)
        else:
            refused += 1
        if refused == 5:
            return taken
    raise AssertionError("the disk never became full")


def ids_of(sink):
    return [messages.text_attribute(r, "test.id") for _, _, r in sink.records()]


def can_send(daemon, test_id):
    with Agent(daemon.socket_path) as agent:
        agent.send(event(test_id))
        agent.wait_acked()
        return agent.errors == []


def request(test_id):
    made = messages.logs_request()
    record = made.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    record.body.string_value = "x" * 20_000
    record.attributes.add(key="test.id").value.string_value = test_id
    return made.SerializeToString()


def test_a_full_disk_refuses_with_words_and_goes_on_when_there_is_space(home):
    with GrpcSink() as sink, Disk(home, NOWHERE) as disk:
        daemon = disk.daemon
        with Agent(daemon.socket_path) as agent:
            agent.send(event("first"))
            agent.wait_acked()
            disk.fill(DISK // 2)
            taken = send_until_refused(agent, 0)
            assert len(taken) > 20, "some did fit"
            assert {error["code"] for error in agent.errors} == {"journal_full"}
            assert all(error["message"] for error in agent.errors)
            refused = len(agent.errors)

            status, headers, answer = post(daemon.http_port, "/v1/logs", request("over http"),
                                           "application/x-protobuf")
            assert status == 503
            assert int(headers["Retry-After"]) > 0
            code, message = messages.rpc_status(answer, "application/x-protobuf")
            assert code == 14 and message
            daemon.wait_metric("receiver_refused_records_total", 'receiver="unix",'
                               'reason="journal_full"', refused)
            daemon.wait_metric("receiver_refused_records_total", 'receiver="otlp_http",'
                               'reason="journal_full"', 1)
            assert daemon.log().count("error journal.refuses") == 1

            disk.free()
            wait_until(lambda: can_send(daemon, "again"), ARRIVAL_TIMEOUT_S, "space is used again")
            agent.send(event("same connection"))
            agent.wait_acked()
            assert len(agent.errors) == refused
        wait_until(lambda: f"journal.accepts_again refused_records={refused + 1}" in daemon.log(),
                   ARRIVAL_TIMEOUT_S, "the end of it in the log")
        assert post(daemon.http_port, "/v1/logs", request("over http too"),
                    "application/x-protobuf")[0] == 200
        daemon.write_config(f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}', "
                            "requests_in_flight_max: 1 }", JOURNAL)
        daemon.process.send_signal(1)
        wanted = ["first", *map(str, taken), "again", "same connection", "over http too"]
        wait_until(lambda: set(ids_of(sink)) >= set(wanted), ARRIVAL_TIMEOUT_S, "all that was acked")
        got = [i for i in ids_of(sink) if i]
        assert got == wanted, "in order, once, and nothing that was refused"


def test_a_disk_that_somebody_fills_to_the_last_byte_refuses_with_the_same_words(home):
    with Disk(home, NOWHERE) as disk:
        daemon = disk.daemon
        disk.fill(DISK)
        with Agent(daemon.socket_path) as agent:
            taken = send_until_refused(agent, 0)
            assert {error["code"] for error in agent.errors} == {"journal_full"}
        disk.free()
        wait_until(lambda: can_send(daemon, "again"), ARRIVAL_TIMEOUT_S, "space is used again")
        with GrpcSink() as sink:
            daemon.write_config(f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' }}", JOURNAL)
            daemon.process.send_signal(1)
            wanted = {*map(str, taken), "again"}
            wait_until(lambda: set(ids_of(sink)) >= wanted, ARRIVAL_TIMEOUT_S, "all that was acked")


def test_refusals_are_recorded_when_there_is_space_again(home):
    with GrpcSink() as sink, Disk(home, NOWHERE) as disk:
        daemon = disk.daemon
        disk.fill(DISK)
        with Agent(daemon.socket_path) as agent:
            send_until_refused(agent, 0)
            refused = len(agent.errors)
        disk.free()
        wait_until(lambda: can_send(daemon, "again"), ARRIVAL_TIMEOUT_S, "space is used again")
        daemon.write_config(f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}' }}", JOURNAL)
        daemon.process.send_signal(1)

        def told():
            return sum(item.value.int_value for _, _, record in sink.records()
                       for item in record.attributes
                       if item.key == "agent.pipeline.count")

        wait_until(lambda: told() >= refused, ARRIVAL_TIMEOUT_S, "what was refused is told")


def test_a_store_on_a_full_disk_waits_and_loses_nothing(home):
    with Disk(home, "file/forensic: { retry: { initial: 50ms, max: 100ms } }") as disk:
        daemon = disk.daemon
        with Agent(daemon.socket_path) as agent:
            disk.fill(DISK // 2)
            taken = send_until_refused(agent, 0)
        disk.free()
        wait_until(lambda: can_send(daemon, "again"), ARRIVAL_TIMEOUT_S, "space is used again")
        wanted = {*map(str, taken), "again"}
        wait_until(lambda: set(store.test_ids(disk.state / "store")) >= wanted, ARRIVAL_TIMEOUT_S,
                   "all that was acked is in the store")
        got = [i for i in store.test_ids(disk.state / "store") if i]
        assert sorted(got) == sorted(wanted)


def test_a_disk_that_is_full_at_the_start_is_said(home):
    disk = Disk(home, NOWHERE)
    fill = MOUNT.replace("&& exec", '&& { head -c 30000000 /dev/zero > "$0"/filler 2>/dev/null; '
                                    'exec').replace('"$@"', '"$@"; }')
    disk.daemon.wrapper = tuple(fill if word == MOUNT else word for word in disk.daemon.wrapper)
    disk.daemon.start(wait=False)
    wait_until(lambda: disk.daemon.process.poll() is not None or
               disk.daemon.socket_path.exists(), ARRIVAL_TIMEOUT_S, "it starts or says why not")
    if disk.daemon.process.poll() is not None:
        code, log = disk.daemon.ends()
        assert code == 1 and "No space left on device" in log
        assert str(disk.daemon.state) in log
        return
    with Agent(disk.daemon.socket_path) as agent:
        agent.send(event("x"))
        agent.wait_acked()
        assert [error["code"] for error in agent.errors] == ["journal_full"]
    disk.free()
    wait_until(lambda: can_send(disk.daemon, "again"), ARRIVAL_TIMEOUT_S, "space is used again")
    disk.daemon.stop()
