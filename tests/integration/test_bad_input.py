# SPDX-License-Identifier: Apache-2.0
"""What may arrive on the Unix socket and is no event: each is answered and counted, and what
stands before, between and after it is kept."""

import json
import os
import pathlib
import socket

import pytest

from support import store
from support.agent import Agent
from support.daemon import Daemon, wait_until

ARRIVAL_TIMEOUT_S = 60
STORE = "file/forensic: {}"
MIB = 1 << 20


def event(test_id, **more):
    return {"kind": "agent.error", "attributes": {"error.type": "x", "test.id": test_id, **more}}


def line(test_id, **more):
    return json.dumps(event(test_id, **more)).encode()


def wait_kept(daemon, ids):
    """All of `ids` are in the store, once, and no other event that has an id."""
    wanted = sorted(ids)
    wait_until(lambda: len(kept(daemon)) >= len(wanted), ARRIVAL_TIMEOUT_S, f"{len(wanted)} kept")
    assert kept(daemon) == wanted


def kept(daemon):
    return sorted(i for i in store.test_ids(daemon.state / "store") if i)


@pytest.fixture
def small_quarantine(monkeypatch):
    """AddressSanitizer keeps what was freed; the daemon's memory is to be measured."""
    options = os.environ.get("ASAN_OPTIONS", "")
    monkeypatch.setenv("ASAN_OPTIONS", f"{options}:quarantine_size_mb=1:thread_local_quarantine_"
                                       "size_kb=64".lstrip(":"))


def resident_bytes(daemon):
    """Of a daemon with the thread sanitizer, whose shadow is several times what it uses, nothing."""
    if "TSAN_OPTIONS" in os.environ:
        return 0
    pages = int(pathlib.Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def refused(daemon, reason, count):
    daemon.wait_metric("receiver_refused_records_total", f'receiver="unix",reason="{reason}"', count)


def errors_of(agent):
    """{event number: code}; every event is named once."""
    codes = {error["event"]: error["code"] for error in agent.errors}
    assert len(codes) == len(agent.errors)
    return codes


def test_half_an_event_is_refused_and_its_neighbours_are_kept(home):
    with Daemon(home, STORE) as daemon:
        for n in range(20):
            with Agent(daemon.socket_path) as agent:
                whole = line(f"cut-{n}")
                agent.send(event(f"good-{n}"))
                agent.socket.sendall(whole[: len(whole) * (n + 1) // 22])
                agent.socket.shutdown(socket.SHUT_WR)
                while agent.read_answers():
                    pass
                assert agent.acked == 2, "a refused event is handled too"
                assert errors_of(agent) == {2: "invalid_json"}
        refused(daemon, "invalid_json", 20)
        wait_kept(daemon, [f"good-{n}" for n in range(20)])


def test_half_an_event_and_a_reset_leave_no_trace_but_the_good(home):
    with Daemon(home, STORE) as daemon:
        for n in range(20):
            with Agent(daemon.socket_path) as agent:
                agent.send(event(f"good-{n}"))
                agent.socket.sendall(line(f"cut-{n}")[:30])
                agent.wait_acked(1)
        wait_kept(daemon, [f"good-{n}" for n in range(20)])
        refused(daemon, "invalid_json", 20)


def test_json_cut_at_every_byte_is_refused_between_good_events(home):
    whole = json.dumps({"kind": "agent.tool", "time": "2026-11-20T22:24:20.5Z", "session": "s",
                        "severity": "warn", "resource": {"host.name": "h"},
                        "body": "an \"escape\" \u00e9", "attributes": {
                            "a": [1, -2.5e3, True, None, {"b": "c"}]}}, ensure_ascii=False).encode()
    with Daemon(home, STORE) as daemon, Agent(daemon.socket_path) as agent:
        for cut in range(1, len(whole)):
            agent.send_lines(line(f"{cut}"), whole[:cut])
        agent.send(event("last"))
        agent.wait_acked()
        wanted = {2 * cut: "invalid_json" for cut in range(1, len(whole))}
        assert errors_of(agent) == wanted
        refused(daemon, "invalid_json", len(whole) - 1)
        wait_kept(daemon, [str(cut) for cut in range(1, len(whole))] + ["last"])


def test_invalid_utf8_is_refused(home):
    bad = [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"]
    with Daemon(home, STORE) as daemon, Agent(daemon.socket_path) as agent:
        for n, text in enumerate(bad):
            agent.send_lines(line(f"good-{n}"), line("XX").replace(b"XX", b"a" + text + b"b"))
        agent.wait_acked()
        assert errors_of(agent) == {2 * n + 2: "invalid_json" for n in range(len(bad))}
        refused(daemon, "invalid_json", len(bad))
        wait_kept(daemon, [f"good-{n}" for n in range(len(bad))])


def test_control_characters_are_refused_raw_and_kept_escaped(home):
    raw = [b"\x00", b"\x1b[2J", b"\x01", b"\t"]
    text = "\x00 \x1b[2J \x7f \x9b \u202e \x07"
    with Daemon(home, STORE) as daemon, Agent(daemon.socket_path) as agent:
        for n, bad in enumerate(raw):
            agent.send_lines(line("XX").replace(b"XX", b"a" + bad + b"b"), line(f"good-{n}"))
        agent.send(event("escaped", note=text))
        agent.wait_acked()
        assert errors_of(agent) == {2 * n + 1: "invalid_json" for n in range(len(raw))}
        wait_kept(daemon, [f"good-{n}" for n in range(len(raw))] + ["escaped"])
        notes = [store.text_attribute(r, "note") for r in store.records(daemon.state / "store")]
        assert [note for note in notes if note] == [text]


def test_an_event_that_is_too_large_costs_no_memory_and_no_neighbour(home, small_quarantine):
    count = 12
    body = b"x" * (17 * MIB)
    with Daemon(home, STORE) as daemon, Agent(daemon.socket_path) as agent:
        before = resident_bytes(daemon)
        for n in range(count):
            agent.send_lines(line(f"good-{n}"), line("XX").replace(b"XX", body))
        agent.wait_acked()
        assert errors_of(agent) == {2 * n + 2: "too_large" for n in range(count)}
        assert all("16777216" in error["message"] for error in agent.errors)
        assert resident_bytes(daemon) - before < count * len(body) // 2
        refused(daemon, "too_large", count)
        wait_kept(daemon, [f"good-{n}" for n in range(count)])


def test_limits_within_an_event_are_answered_as_such(home):
    deep = b"[" * 10000 + b"]" * 10000
    many = {f"k{n}": n for n in range(100_000)}
    with Daemon(home, STORE) as daemon, Agent(daemon.socket_path) as agent:
        agent.send_lines(
            line("good-1"),
            json.dumps({"kind": "agent.error", "attributes": many}).encode(),
            line("good-2"),
            b'{"kind":"agent.error","attributes":{"deep":' + deep + b"}}",
            line("good-3"),
            b'{"kind":"agent.error","unknown":' + deep + b"}",
            line("good-4"),
            json.dumps({"kind": "agent.error", "attributes": {"k" * 5000: 1}}).encode(),
            line("good-5"))
        agent.wait_acked()
        assert errors_of(agent) == {n: "limit_exceeded" for n in (2, 4, 6, 8)}
        refused(daemon, "limit_exceeded", 4)
        wait_kept(daemon, [f"good-{n}" for n in range(1, 6)])


def test_a_version_from_the_future_is_named_and_the_connection_closed(home):
    with Daemon(home, STORE) as daemon:
        with Agent(daemon.socket_path, ack=False) as agent:
            agent.socket.sendall(b'{"telltale":2,"ack":true}\n' + line("lost") + b"\n")
            while agent.read_answers():
                pass
            (error,) = agent.errors
            assert error["code"] == "unsupported_version" and "event" not in error
        with Agent(daemon.socket_path) as agent:
            agent.send(event("good"))
            agent.wait_acked()
        wait_kept(daemon, ["good"])


def test_who_never_reads_is_served_and_hurts_nobody(home):
    count = 40_000
    with Daemon(home, STORE) as daemon, Agent(daemon.socket_path) as deaf:
        for n in range(0, count, 100):
            deaf.send_lines(*([b"{rubbish"] * 99), line(f"deaf-{n}"))
        with Agent(daemon.socket_path) as other:
            other.send(event("other"))
            other.wait_acked()
        wait_kept(daemon, ["other"] + [f"deaf-{n}" for n in range(0, count, 100)])
        deaf.wait_acked()
        lost = [error for error in deaf.errors if error["code"] == "errors_lost"]
        told = len(deaf.errors) - len(lost)
        dropped = sum(int(error["message"].split()[0]) for error in lost)
        assert dropped > 0
        assert told + dropped == count * 99 // 100
        daemon.wait_metric("receiver_dropped_answers_total", "", dropped)


def test_half_sent_events_on_many_connections_do_not_stop_the_others(home, small_quarantine):
    half = line("half")[:-2] + b"x" * (512 * 1024)
    limits = "limits: { in_flight: 4MiB }\n"
    with Daemon(home, STORE, extra=limits, receivers="unix: { max_event_size: 4MiB }",
                http=", max_request_size: 4MiB, max_compressed_size: 4MiB",
                grpc=", max_request_size: 4MiB") as daemon:
        before = resident_bytes(daemon)
        holders = []
        for _ in range(100):
            holder = socket.socket(socket.AF_UNIX)
            holder.connect(str(daemon.socket_path))
            holder.setblocking(False)
            try:
                holder.send(half)
            except BlockingIOError:
                pass
            holders.append(holder)
        with Agent(daemon.socket_path) as agent:
            for n in range(10):
                agent.send(event(f"good-{n}"))
                agent.wait_acked()
        assert resident_bytes(daemon) - before < 40 * MIB
        for holder in holders:
            holder.close()
        with Agent(daemon.socket_path) as agent:
            agent.send(event("after", note="y" * (3 * MIB)))
            agent.wait_acked()
            assert agent.errors == []
        wait_kept(daemon, [f"good-{n}" for n in range(10)] + ["after"])


def test_connections_over_the_limit_hear_why_and_leave_room_again(home):
    limits = "unix: { connections_max: 4, connections_per_uid_max: 4 }"
    with Daemon(home, STORE, receivers=limits) as daemon:
        # The probe of the start may not have been noticed as closed yet.
        wait_until(lambda: daemon.metric("receiver_open_connections", 'receiver="unix"') == 0,
                   ARRIVAL_TIMEOUT_S, "no connections")
        agents = [Agent(daemon.socket_path) for _ in range(4)]
        for n, agent in enumerate(agents):
            agent.send(event(f"good-{n}"))
            agent.wait_acked()
        for _ in range(3):
            with Agent(daemon.socket_path, ack=False) as extra:
                while extra.read_answers():
                    pass
                assert [error["code"] for error in extra.errors] == ["too_many_connections"]
        daemon.wait_metric("receiver_refused_connections_total", 'reason="total"', 3)
        agents.pop().close()
        wait_until(lambda: can_send(daemon, "again"), ARRIVAL_TIMEOUT_S, "room for one again")
        for n, agent in enumerate(agents):
            agent.send(event(f"more-{n}"))
            agent.wait_acked()
            agent.close()
        wait_kept(daemon, [f"good-{n}" for n in range(4)] + ["again"] +
                  [f"more-{n}" for n in range(3)])


def can_send(daemon, test_id):
    """False when the connection was refused."""
    with Agent(daemon.socket_path) as agent:
        try:
            agent.send(event(test_id))
            while agent.acked < 1 and agent.read_answers():
                pass
        except OSError:
            return False
        return agent.acked == 1


def test_one_user_cannot_shut_out_another(home):
    limits = "unix: { connections_max: 8, connections_per_uid_max: 3, mode: '0666' }"
    home.chmod(0o755)
    with Daemon(home, STORE, receivers=limits) as daemon:
        wait_until(lambda: daemon.metric("receiver_open_connections", 'receiver="unix"') == 0,
                   ARRIVAL_TIMEOUT_S, "no connections")
        held = [Agent(daemon.socket_path) for _ in range(3)]
        with Agent(daemon.socket_path, ack=False) as extra:
            while extra.read_answers():
                pass
            assert [error["code"] for error in extra.errors] == ["too_many_connections"]
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setuid(65534)
                code = 0 if can_send(daemon, "other user") else 1
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        daemon.wait_metric("receiver_refused_connections_total", 'reason="per_uid"', 1)
        wait_kept(daemon, ["other user"])
        for agent in held:
            agent.close()


def test_refused_events_leave_records_that_say_so(home):
    with Daemon(home, STORE) as daemon, Agent(daemon.socket_path) as agent:
        agent.send_lines(*([b"rubbish"] * 50), line("good"))
        agent.wait_acked()

        def told():
            return sum(int(value["value"]["intValue"])
                       for record in store.records(daemon.state / "store")
                       for value in record["attributes"]
                       if store.text_attribute(record, "agent.event.kind") == "agent.pipeline"
                       and value["key"] == "agent.pipeline.count")

        wait_until(lambda: told() >= 50, ARRIVAL_TIMEOUT_S, "the refusals in the store")
        assert told() == 50
