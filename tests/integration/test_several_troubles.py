# SPDX-License-Identifier: Apache-2.0
"""What must hold when several things go wrong at once."""

import http.client
import json
import resource
import signal
import socket
import threading

from support import messages, store
from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.grpc_sink import GrpcSink
from support.http import post
from support.protobuf import field

ARRIVAL_TIMEOUT_S = 60


def send_ids(daemon, *ids):
    with Agent(daemon.socket_path) as agent:
        agent.send(*({"kind": "agent.tool", "attributes": {"test.id": i}} for i in ids))
        agent.wait_acked()
        assert agent.errors == []


def wait_for_ids(daemon, ids):
    wait_until(lambda: set(ids) <= set(store.test_ids(daemon.state / "store")), ARRIVAL_TIMEOUT_S,
               f"{ids} in the store; log:\n{daemon.log()}")


def test_events_after_a_damaged_journal_and_lost_cursors_reach_the_store(home):
    daemon = Daemon(home, exporters="file/forensic: {}")
    with daemon:
        send_ids(daemon, *(f"old-{n}" for n in range(20)))
        wait_for_ids(daemon, ["old-19"])
        daemon.kill()
        for cursor in (daemon.state / "cursors").iterdir():
            cursor.unlink()
        (segment,) = (daemon.state / "journal").glob("*.seg")
        with segment.open("r+b") as file:
            file.truncate(segment.stat().st_size // 2)
        daemon.start()
        send_ids(daemon, *(f"new-{n}" for n in range(5)))
        wait_for_ids(daemon, [f"new-{n}" for n in range(5)])
        seen = list(store.test_ids(daemon.state / "store"))
        assert len(seen) == len(set(seen)), "nothing is there twice"
        assert sum(i.startswith("old-") for i in seen) == 20


def test_a_record_that_becomes_a_huge_line_holds_nobody_up(home):
    """Its JSON has eleven times its size: too large for the store and for a dead letter."""
    def attribute(count):
        return field(1, b"k") + field(2, field(6, b"\x0a\x00" * count))

    resource = field(1, field(1, attribute(2090000)))
    record = field(2, field(6, attribute(8380000)))
    with Daemon(home, exporters="file/forensic: {}") as daemon:
        status, _, _ = post(daemon.http_port, "/v1/logs", field(1, resource + field(2, record)),
                            "application/x-protobuf")
        assert status == 200
        send_ids(daemon, "behind it")
        wait_for_ids(daemon, ["behind it"])
        wait_until(lambda: daemon.status()["exporters"][0]["dead_letter_records"] == 1,
                   ARRIVAL_TIMEOUT_S, "the huge record among the dead letters")


def health(daemon):
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(30)
        control.connect(str(daemon.run / "control.sock"))
        control.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = http.client.HTTPResponse(control)
        answer.begin()
        return answer.status, answer.read().decode()


def test_health_shows_a_disk_that_takes_nothing(home):
    with Daemon(home, exporters="file/forensic: {}") as daemon:
        send_ids(daemon, "before")
        assert health(daemon) == (200, "ok\n")
        _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, hard))
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.tool"})
            while not agent.errors:
                assert agent.read_answers()
        status, why = health(daemon)
        assert status == 503 and "journal" in why, why
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        send_ids(daemon, "after")
        assert health(daemon) == (200, "ok\n")
        wait_for_ids(daemon, ["before", "after"])


def never_ending_request(daemon, size):
    hog = socket.create_connection(("127.0.0.1", daemon.http_port))
    hog.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % size + b" " * (size - 1000))
    return hog


def test_requests_that_never_end_do_not_keep_the_memory_of_all(home):
    one = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"attributes": [{"key": "test.id", "value": {"stringValue": "one"}}]}]}]}]}).encode()
    with Daemon(home, exporters="file/forensic: {}") as daemon:
        hogs = [never_ending_request(daemon, 32 << 20) for _ in range(2)]

        def is_refused():
            for hog in hogs:
                hog.sendall(b" ")  # so that they are never idle
            body = one + b" " * 10000
            return post(daemon.http_port, "/v1/logs", body, "application/json")[0] == 503

        wait_until(is_refused, ARRIVAL_TIMEOUT_S, "all memory taken")
        wait_until(lambda: not is_refused(), 15, "memory for another sender")
        assert post(daemon.http_port, "/v1/logs", one, "application/json")[0] == 200
        wait_for_ids(daemon, ["one"])
        for hog in hogs:
            hog.close()


def test_reload_with_a_sink_that_hangs_holds_no_sender_up(home):
    called, release = threading.Event(), threading.Event()

    def hang(_request, _context):
        called.set()
        release.wait(120)

    with GrpcSink(behave=hang) as sink:
        exporters = f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}', timeout: 100s }}"
        with Daemon(home, exporters=exporters) as daemon:
            try:
                send_ids(daemon, "first")
                assert called.wait(60)
                daemon.write_config(exporters + "\nfile/forensic: {}")
                daemon.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "config.reloading" in daemon.log(), 20, "a reload")
                send_ids(daemon, "second")
            finally:
                release.set()
            wait_for_ids(daemon, ["first", "second"])
            assert daemon.stop() == 0


def test_a_large_resource_is_not_repeated_without_end(home):
    """Its bytes stand in each line of the local files."""
    def request(resource_size, count):
        resource = field(1, field(1, field(1, b"k") + field(2, field(1, b"r" * resource_size))))
        records = b"".join(field(2, field(6, field(1, b"test.id") + field(2, field(1, b"%d" % n))))
                           for n in range(count))
        return field(1, resource + field(2, records))

    with Daemon(home, exporters="file/forensic: {}") as daemon:
        status, _, answer = post(daemon.http_port, "/v1/logs", request(3 << 20, 100),
                                 "application/x-protobuf")
        assert status == 200
        assert messages.logs_response().FromString(answer).partial_success.rejected_log_records == 79
        status, _, answer = post(daemon.http_port, "/v1/logs", request(8 << 10, 5000),
                                 "application/x-protobuf")
        assert (status, answer) == (200, b""), "what agents send is far from the limit"


def test_a_request_of_rubbish_is_not_read_to_its_end(home):
    """A few kilobytes, compressed, can hold millions of records, each of which costs time."""
    good = field(2, field(6, field(1, b"test.id") + field(2, field(1, b"good"))))
    broken = field(2, b"\x0a")
    body = field(1, field(2, good + broken * 65536 + good))
    with Daemon(home, exporters="file/forensic: {}") as daemon:
        status, _, answer = post(daemon.http_port, "/v1/logs", body, "application/x-protobuf",
                                 "gzip")
        assert status == 200
        answer = messages.logs_response().FromString(answer)
        assert answer.partial_success.rejected_log_records == 65537
        wait_for_ids(daemon, ["good"])
