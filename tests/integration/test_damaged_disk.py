# SPDX-License-Identifier: Apache-2.0
"""What may be wrong on the disk when the daemon starts: it starts all the same, says what it
found, and delivers the rest."""

import os
import random
import re

import pytest

from support import messages, store
from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.grpc_sink import GrpcSink

ARRIVAL_TIMEOUT_S = 60
COUNT = 400
NOWHERE = "otlp_grpc/sink: { endpoint: '127.0.0.1:1', retry: { initial: 50ms } }"


def to_sink(sink):
    return f"otlp_grpc/sink: {{ endpoint: '127.0.0.1:{sink.port}', requests_in_flight_max: 1 }}"


def ids_of(sink):
    return [messages.text_attribute(record, "test.id") for _, _, record in sink.records()]


def send(daemon, names):
    with Agent(daemon.socket_path) as agent:
        for name in names:
            agent.send({"kind": "agent.error", "body": "x" * 200,
                        "attributes": {"error.type": "x", "test.id": name}})
            agent.wait_acked()
        assert agent.errors == []


def names(prefix="old", count=COUNT):
    return [f"{prefix}-{n}" for n in range(count)]


@pytest.fixture
def full(home):
    """A daemon that was killed with COUNT records that no destination has."""
    daemon = Daemon(home, NOWHERE)
    daemon.start()
    send(daemon, names())
    daemon.kill()
    return daemon


def segments(daemon):
    return sorted(p for p in (daemon.state / "journal").iterdir()
                  if p.is_file() and re.fullmatch(r"[0-9a-f]{16}\..*|\d+\..*", p.name))


def reported(daemon, delivered):
    """The destinations in the status report, once it counts what was delivered."""
    wait_until(lambda: daemon.status()["exporters"][0]["delivered_records"] >= delivered,
               ARRIVAL_TIMEOUT_S, f"{delivered} delivered, by the report")
    return daemon.status()["exporters"]


def restart(daemon, wanted):
    """Starts it with a sink; sends more; gives back what arrived, once `wanted` has, and what
    the report says of the destination."""
    with GrpcSink() as sink:
        daemon.write_config(to_sink(sink))
        daemon.log_path.unlink()
        with daemon:
            send(daemon, ["new"])
            wait_until(lambda: set(ids_of(sink)) >= set(wanted) | {"new"}, ARRIVAL_TIMEOUT_S,
                       f"{len(wanted)} records and the new one")
            (exporter,) = reported(daemon, len(ids_of(sink)))
        # The daemon's own record of the damage has no id.
        return [name for name in ids_of(sink) if name is not None], exporter


def frame_at(data, index):
    """The offset of frame `index`, or of the next that holds an event of ours, for some are fillers,
    and its size, by the tables of the journal's format."""
    at = 64
    while True:
        size = 24 + int.from_bytes(data[at + 8 : at + 12], "little")
        if index <= 0 and b"old-" in data[at : at + size]:
            return at, size
        at += (size + 7) // 8 * 8
        index -= 1
        assert at < len(data)


def record_id(data, at, size):
    return re.search(rb"old-\d+", data[at : at + size]).group().decode()


def test_a_record_with_a_wrong_checksum_costs_only_itself(full):
    (segment,) = segments(full)
    data = bytearray(segment.read_bytes())
    at, size = frame_at(data, COUNT // 2)
    lost = record_id(data, at, size)
    data[at + 60] ^= 1
    segment.write_bytes(data)
    wanted = [name for name in names() if name != lost]
    got, exporter = restart(full, wanted)
    assert got == wanted + ["new"]
    assert "quarantined_ranges=1" in full.log() and "warn journal.open" in full.log()
    assert exporter["missing_records"] == 1


def test_a_damaged_frame_header_costs_little(full):
    (segment,) = segments(full)
    data = bytearray(segment.read_bytes())
    at, size = frame_at(data, COUNT // 3)
    lost = record_id(data, at, size)
    data[at + 8 : at + 12] = b"\xff\xff\xff\x7f"
    segment.write_bytes(data)
    wanted = [name for name in names() if name != lost]
    got, _ = restart(full, wanted)
    assert got == wanted + ["new"]
    assert "warn journal.open" in full.log()


@pytest.mark.parametrize("cut", [1, 10, 100, 1000])
def test_a_truncated_tail_costs_only_the_tail(full, cut):
    (segment,) = segments(full)
    data = segment.read_bytes().rstrip(b"\0")
    segment.write_bytes(data[:-cut])
    kept = set(re.findall(rb"old-\d+", data[:-cut]))
    wanted = names(count=len(kept) - 4)
    got, _ = restart(full, wanted)
    old = [name for name in got if name != "new"]
    assert old == names(count=len(old)), "a prefix, in order, without repetition"
    assert "warn journal.open" in full.log() and "torn_bytes=0" not in full.log()


def test_garbage_behind_the_tail_is_cut_off(full):
    (segment,) = segments(full)
    data = segment.read_bytes().rstrip(b"\0")
    segment.write_bytes(data + random.Random(1).randbytes(5000))
    got, _ = restart(full, names())
    assert got == names() + ["new"]
    assert "warn journal.open" in full.log()


def test_a_destroyed_segment_header_costs_no_record(full):
    (segment,) = segments(full)
    data = bytearray(segment.read_bytes())
    data[0:4] = b"ruin"
    segment.write_bytes(data)
    got, _ = restart(full, ["new"])
    assert "warn journal.open" in full.log()
    assert got == names() + ["new"]


def test_a_segment_of_rubbish_is_put_aside(full):
    (segment,) = segments(full)
    rubbish = random.Random(1).randbytes(100_000)
    segment.write_bytes(rubbish)
    got, _ = restart(full, [])
    assert got == ["new"]
    assert "warn journal.open" in full.log()
    kept = [p for p in (full.state / "journal").rglob("*") if p.is_file()
            and p.read_bytes() == rubbish]
    assert kept, "what could not be read is kept for whoever can"


def test_other_files_in_the_journal_are_left_alone(full):
    directory = full.state / "journal"
    (directory / "README").write_text("not yours")
    (directory / "ffffffffffffffff.segment.bak").write_bytes(b"\0" * 1000)
    (directory / "core").mkdir()
    got, _ = restart(full, names())
    assert got == names() + ["new"]
    assert (directory / "README").read_text() == "not yours"


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "long", "directory"])
def test_a_damaged_cursor_repeats_but_never_loses(home, damage):
    with GrpcSink() as sink:
        daemon = Daemon(home, to_sink(sink))
        with daemon:
            send(daemon, names(count=50))
            wait_until(lambda: len(ids_of(sink)) == 50, ARRIVAL_TIMEOUT_S, "the first 50")
    daemon.write_config(NOWHERE)
    daemon.start()
    send(daemon, names("more", 50))
    daemon.kill()
    (cursor,) = [p for p in (daemon.state / "cursors").iterdir() if p.is_file()]
    data = cursor.read_bytes()
    cursor.unlink()
    if damage == "directory":
        cursor.mkdir()
        code, log = daemon.start(wait=False).ends()
        assert code == 1 and cursor.name in log
        return
    cursor.write_bytes({"empty": b"", "short": data[:-1], "long": data + b"x",
                        "flipped": bytes([data[0]]) + bytes(b ^ 1 for b in data[1:])}[damage])
    got, _ = restart(daemon, names("more", 50))
    assert set(names("more", 50)) <= set(got)
    assert "cursor" in daemon.log()


@pytest.mark.parametrize("tail", [b'{"resourceLogs":[{"resource":{', b"\0" * 4096, b"\xff\xfe rubbish",
                                  b"{}" * 3])
def test_a_damaged_tail_of_the_store_is_repaired(home, tail):
    daemon = Daemon(home, "file/forensic: {}")
    with daemon:
        send(daemon, names(count=50))
        wait_until(lambda: len(store.test_ids(daemon.state / "store")) == 50, ARRIVAL_TIMEOUT_S,
                   "50 lines")
    active = daemon.state / "store" / "active.jsonl"
    with open(active, "ab") as file:
        file.write(tail)
    daemon.log_path.unlink()
    with daemon:
        send(daemon, ["new"])
        wait_until(lambda: "new" in store.test_ids(daemon.state / "store"), ARRIVAL_TIMEOUT_S,
                   "the new one")
        assert store.test_ids(daemon.state / "store") == names(count=50) + ["new"]
        shown = daemon.command("query", "--format", "json")
    assert shown.count("\n") == 51
    assert f"cut {len(tail)} bytes" in (daemon.state / "store" / "store.log").read_text()


def test_a_cut_line_of_the_store_is_written_down(home):
    daemon = Daemon(home, "file/forensic: {}")
    daemon.start()
    send(daemon, names(count=50))
    wait_until(lambda: len(store.test_ids(daemon.state / "store")) == 50, ARRIVAL_TIMEOUT_S,
               "50 lines")
    daemon.kill()
    active = daemon.state / "store" / "active.jsonl"
    os.truncate(active, active.stat().st_size - 20)
    with daemon:
        send(daemon, ["new"])
        wait_until(lambda: "new" in store.test_ids(daemon.state / "store"), ARRIVAL_TIMEOUT_S,
                   "the new one")
        assert store.test_ids(daemon.state / "store")[:49] == names(count=49)
    assert "cut" in (daemon.state / "store" / "store.log").read_text()
