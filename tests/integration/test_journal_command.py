# SPDX-License-Identifier: Apache-2.0
"""telltale journal: looks into a journal that is at work, that was left by kill -9, and that is
damaged."""

import json
import shutil

from support import facts, store
from support.agent import Agent
from support.daemon import Daemon, wait_until

ARRIVAL_TIMEOUT_S = 60
STORE = "file/forensic: {}"
COUNT = 500
HOSTILE = "\x1b[2Jhostile"


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


def send(daemon, count=COUNT):
    with Agent(daemon.socket_path) as agent:
        agent.send(*({"kind": "agent.error", "session": f"s-{n % 3}", "attributes": {
            "error.type": "x", "test.id": str(n)}} for n in range(count)))
        agent.wait_acked()


def wait_kept(daemon, count):
    wait_until(lambda: len(store.lines(daemon.state / "store")) >= count, ARRIVAL_TIMEOUT_S, "kept")


def verify(daemon, *arguments):
    done = daemon.command("journal", "verify", "--json", *arguments, check=False)
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["sound"] else 1), done.stderr
    return report


def inspect(daemon):
    return json.loads(daemon.command("journal", "inspect", "--json"))


def segments(daemon):
    return sorted((daemon.state / "journal").glob("*.seg"))


def state_of(directory):
    """Every file's content and time: what must not change."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(directory.rglob("*")) if path.is_file()}


def test_a_journal_at_work_and_one_that_was_killed_are_sound(home):
    with Daemon(home, STORE) as daemon:
        send(daemon)
        report = verify(daemon)
        assert (report["sound"], report["total"]["records"]) == (True, COUNT)
        assert report["total"]["next_sequence"] == COUNT + 1
        wait_kept(daemon, COUNT)
        daemon.kill()
        before = state_of(daemon.state)
        report = verify(daemon)
        assert (report["sound"], report["total"]["records"]) == (True, COUNT)
        assert daemon.command("journal", "verify").splitlines()[-1].startswith("sound: ")
        inspect(daemon)
        daemon.command("journal", "inspect")
        daemon.command("journal", "export")
        assert state_of(daemon.state) == before, "nothing is written"


def test_inspect_shows_segments_and_how_far_cursors_are(home):
    with Daemon(home, STORE + "\notlp_grpc/sink: { endpoint: '127.0.0.1:1' }") as daemon:
        send(daemon)
        wait_kept(daemon, COUNT)

        def behind():
            return {cursor["name"]: cursor.get("behind_records") for cursor in
                    inspect(daemon)["cursors"]}

        wait_until(lambda: 0 in behind().values(), ARRIVAL_TIMEOUT_S, "the cursor of the store")
        daemon.kill()
        report = inspect(daemon)
        assert len(report["journal_id"]) == 32
        (segment,) = report["segments"]
        assert segment["file"] == segments(daemon)[0].name
        assert (segment["first_sequence"], segment["last_sequence"]) == (1, COUNT)
        assert (segment["newest"], segment["records"]) == (True, COUNT)
        assert segment["size_bytes"] == segments(daemon)[0].stat().st_size
        assert segment["format_version"] == 3 and segment["created"].endswith("Z")
        assert segment["groups"] >= 1
        assert report["quarantine"] == []
        text = daemon.command("journal", "inspect")
        assert segment["file"] in text and f"next {COUNT + 1}, 0 behind" in text


def test_export_has_the_records_of_the_store(home):
    with Daemon(home, STORE) as daemon:
        send(daemon)
        wait_kept(daemon, COUNT)
        exported = daemon.command("journal", "export").encode().splitlines()
        assert exported == store.lines(daemon.state / "store")
        daemon.kill()
        assert daemon.command("journal", "export").encode().splitlines() == exported
        part = daemon.command("journal", "export", "--from", "7", "--to", "9")
        assert part.encode().splitlines() == exported[6:9]
        found = [r for line in exported for r in facts.of_json(json.loads(line))]
        assert len(found) == COUNT


def test_damage_is_named_and_the_rest_is_exported(home):
    with Daemon(home, STORE) as daemon:
        send(daemon)
        daemon.kill()
        path = segments(daemon)[0]
        data = bytearray(path.read_bytes())
        at = data.index(b"test.id", len(data.rstrip(b"\0")) // 2)
        data[at] ^= 0x20
        path.write_bytes(data)
        report = verify(daemon)
        (finding,) = report["findings"]
        assert report["sound"] is False and report["total"]["missing_records"] == 1
        assert finding["kind"] == "damaged_range" and finding["file"] == path.name
        assert finding["offset"] <= at < finding["offset"] + finding["size_bytes"]
        done = daemon.command("journal", "export", check=False)
        assert done.returncode == 1 and "missing records: 1;" in done.stderr
        sequences = [int(next(a["value"]["intValue"] for a in record["attributes"]
                              if a["key"] == "agent.journal.sequence"))
                     for line in done.stdout.splitlines()
                     for record in json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]]
        missing = finding["first_missing"]
        assert sequences == [n for n in range(1, COUNT + 1) if n != missing]
        text = daemon.command("journal", "verify", check=False)
        assert f"record {missing} is missing" in text.stdout
        assert text.stdout.splitlines()[-1].startswith("DAMAGED: ")


def test_names_are_safe_for_terminals_and_a_copy_can_be_read(home):
    with Daemon(home, STORE) as daemon:
        send(daemon, 3)
        daemon.kill()
        (daemon.state / "cursors" / HOSTILE).write_bytes(b"no cursor")
        (daemon.state / "journal" / "quarantine" / HOSTILE).write_bytes(b"evidence")
        for verb in ("inspect", "verify"):
            shown = daemon.command("journal", verb, check=False).stdout
            assert "\x1b" not in shown and "hostile" in shown
        assert verify(daemon)["sound"] is False, "a cursor is damaged"
        copy = home / "evidence" / "journal"
        shutil.copytree(daemon.state / "journal", copy)
        report = verify(daemon, "--journal", str(copy))
        assert (report["sound"], report["cursors"]) == (True, [])


def test_mistakes_are_told(home):
    daemon = Daemon(home)
    for arguments in (["mend"], [], ["verify", "--from", "1"], ["verify", "--dry-run"],
                      ["repair", "--json"], ["export", "--from", "x"]):
        done = daemon.command("journal", *arguments, check=False)
        assert done.returncode == 2 and done.stdout == ""
        assert "journal repair [--dry-run]" in done.stderr
    for verb in ("verify", "repair"):
        done = daemon.command("journal", verb, check=False)
        assert done.returncode == 1 and str(daemon.state / "journal") in done.stderr
    assert not (daemon.state / "journal").exists()


def test_repair_leaves_a_sound_journal_sound_and_refuses_one_that_is_open(home):
    with Daemon(home, STORE) as daemon:
        send(daemon)
        wait_kept(daemon, COUNT)
        done = daemon.command("journal", "repair", check=False)
        assert done.returncode == 1 and done.stdout == ""
        assert f"process {daemon.process.pid} is using it" in done.stderr
        daemon.kill()
        before = state_of(daemon.state)
        shown = daemon.command("journal", "repair", "--dry-run")
        assert shown.splitlines()[-1] == "nothing was changed"
        assert state_of(daemon.state) == before
        shown = daemon.command("journal", "repair")
        assert "missing records: 0\n" in shown and f"{COUNT} records in 1 segments" in shown
        assert shown.splitlines()[-1].startswith("sound: ")
        assert verify(daemon)["total"]["records"] == COUNT
    with Daemon(home, STORE) as daemon:
        send(daemon, 3)
        wait_kept(daemon, COUNT + 3)


def test_repair_puts_aside_what_is_torn_and_says_so(home):
    with Daemon(home, STORE) as daemon:
        send(daemon)
        daemon.kill()
    path = segments(daemon)[0]
    data = bytearray(path.read_bytes())
    at = data.rindex(b"test.id") + 100
    torn = data.index(bytes(4096), at)  # what was never written begins here
    data[at:torn + 4096] = b"\xa5" * (torn + 4096 - at)
    path.write_bytes(data)
    assert verify(daemon)["findings"][-1]["kind"] == "damaged_end"
    before = state_of(daemon.state)
    done = daemon.command("journal", "repair", "--dry-run", check=False)
    assert done.returncode == 1 and "DAMAGED: " in done.stdout
    assert done.stdout.splitlines()[-1] == "nothing was changed"
    assert state_of(daemon.state) == before
    shown = daemon.command("journal", "repair")
    assert f"Segment {path.name}, bytes " in shown and "torn tail" in shown
    kept = [p for p in (daemon.state / "journal" / "quarantine").iterdir() if p.suffix != ".txt"]
    assert f"cut at the end:  {kept[0].stat().st_size} bytes" in shown
    assert b"\xa5" * 4096 in kept[0].read_bytes()
    with Daemon(home, STORE) as daemon:
        send(daemon, 3)
        report = verify(daemon)
        assert report["sound"] is True
        assert COUNT <= report["total"]["records"] <= COUNT + 3


def test_repair_of_damage_in_the_middle_leaves_it_to_readers(home):
    with Daemon(home, STORE) as daemon:
        send(daemon)
        daemon.kill()
    path = segments(daemon)[0]
    data = bytearray(path.read_bytes())
    data[data.index(b"test.id", 2000)] ^= 0x20
    path.write_bytes(data)
    shown = daemon.command("journal", "repair")
    assert "missing records: 1\n" in shown and "found damaged at start" in shown
    assert shown.splitlines()[-1] == "what is damaged stays where it is; readers step over it"


def test_a_newer_format_is_left_alone(home):
    with Daemon(home, STORE) as daemon:
        send(daemon, 3)
        daemon.kill()
    path = segments(daemon)[0]
    data = bytearray(path.read_bytes())
    data[8] = 4
    data[60:64] = crc32c(data[:60]).to_bytes(4, "little")
    path.write_bytes(data)
    before = state_of(daemon.state / "journal")
    done = daemon.command("journal", "repair", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert path.name in done.stderr and "version 4" in done.stderr
    assert "start the newer program again" in done.stderr
    after = state_of(daemon.state / "journal")
    assert {p: s for p, s in after.items() if p.name != "lock"} == {
        p: s for p, s in before.items() if p.name != "lock"}
