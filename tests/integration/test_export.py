# SPDX-License-Identifier: Apache-2.0
"""An evidence bundle: what leaves with it, that it can be checked without Telltale, and that nothing
of it can be changed."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from support import store
from support.agent import Agent
from support.daemon import Daemon, wait_until

FAST = "file/forensic: { rotate: { size: 256KiB }, integrity: { checkpoint_interval: 1s } }"
SCRIPTS = ("sh", "py")
TOOLS = ("awk", "base64", "cat", "cut", "dirname", "head", "ls", "mkdir", "mktemp", "od", "openssl",
         "rm", "sha256sum", "sort", "tail", "tr", "wc")
HOSTILE = "\x1b]0;pwned\x07\x1b[31m </script>../../etc/passwd $(id) `id` %s %n '\" \u202e\r\n\t\x00 end"
NAME = "case-7"


def event(session, number):
    return {"kind": "agent.tool", "session": session, "body": f"{HOSTILE} of {session} {number}",
            "attributes": {"gen_ai.tool.name": f"../{session}-tool\x1b[2J"}}


def covered(home):
    path = home / "state" / "store" / "checkpoints.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return max((int(json.loads(line)["checkpoint"].split("\n")[1]) for line in lines), default=0)


def is_covered(home):
    """Whether a checkpoint covers all but what the store says of itself."""
    lines = store.lines(home / "state" / "store", with_own=True)
    last = max(i for i, line in enumerate(lines) if b'"agent.integrity"' not in line)
    return covered(home) > last


def first_key(home):
    for line in (home / "state" / "store" / "keys.jsonl").read_text().splitlines():
        if "epoch" in json.loads(line):
            return json.loads(line)["epoch"].split("\n")[3]
    raise AssertionError("no epoch")


def unpack(archive, place):
    tar = subprocess.run(["zstd", "-dcq", str(archive)], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(place)], input=tar, check=True)
    return tar, place / NAME


def export(daemon, home, *arguments, check=True):
    return daemon.command("export", "--bundle", str(home / f"{NAME}.tar.zst"), *arguments, check=check)


def verify(script, bundle, key, path=None):
    """Runs a verifier of ours, not of the bundle, with nothing but the tools it says it needs."""
    source = pathlib.Path(__file__).resolve().parents[2] / "src" / "bundle" / f"verify.{script}"
    shell = ["/bin/sh"] if script == "sh" else [sys.executable]
    environment = {"PATH": str(path) if path else os.environ["PATH"]}
    return subprocess.run([*shell, str(source), key, str(bundle)], capture_output=True, text=True,
                          timeout=300, env=environment, cwd="/")


def resum(bundle):
    """What a forger would do: a manifest that fits."""
    names = sorted(path.name for path in bundle.iterdir() if path.name != "manifest-sha256.txt")
    sums = subprocess.run(["sha256sum", *names], cwd=bundle, capture_output=True, check=True).stdout
    (bundle / "manifest-sha256.txt").write_bytes(sums)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two sessions side by side, one of them exported."""
    home = pathlib.Path(tmp_path_factory.mktemp("e"))
    daemon = Daemon(home, FAST, proofs=True).start()
    try:
        with Agent(daemon.socket_path) as agent:
            for number in range(300):
                agent.send(event("guest-session", number), event("other-session", number))
                if number % 3 == 0:
                    agent.send(event("other-session", number + 1000))
                if number % 75 == 74:  # a file is only closed between deliveries
                    agent.wait_acked()
                    wait_until(lambda: len(store.lines(home / "state" / "store")) == agent.sent, 60,
                               "all records")
        wait_until(lambda: is_covered(home), 60, "a checkpoint over them")
        key = first_key(home)
        said = export(daemon, home, "--session", "guest-session", "--by", "A. Auditor", "--reason",
                      HOSTILE.replace("\x00", ""), "--case", NAME, "--key", key)
    finally:
        daemon.stop()
    tar, bundle = unpack(home / f"{NAME}.tar.zst", home)
    return {"home": home, "key": key, "said": said, "tar": tar, "bundle": bundle}


def test_the_session_leaves_whole_and_nothing_of_another_does(made):
    lines = (made["bundle"] / "records.jsonl").read_bytes().splitlines()
    kept = store.lines(made["home"] / "state" / "store")
    assert lines == [line for line in kept if b"guest-session" in line]
    assert len(lines) == 300
    assert b"other-session" not in made["tar"]
    assert (made["bundle"] / "uncovered.jsonl").read_bytes() == b""


def test_files_without_such_records_are_passed_by_and_proved_all_the_same(made, tmp_path):
    """A session of one record in one of several files that have an index."""
    assert len(list((made["home"] / "state" / "store").glob("2*.idx"))) >= 2
    daemon = Daemon(made["home"], FAST, proofs=True)
    out = tmp_path / f"{NAME}.tar.zst"
    daemon.command("export", "--bundle", str(out), "--text", "other-session 150")
    _, bundle = unpack(out, tmp_path)
    found = (bundle / "records.jsonl").read_bytes().splitlines()
    assert len(found) == 1 and b"other-session 150" in found[0]
    for script in SCRIPTS:
        assert verify(script, bundle, made["key"]).returncode == 0


def test_custody_says_who_when_and_what(made):
    custody = json.loads((made["bundle"] / "custody.json").read_text())
    assert custody["by"] == "A. Auditor" and custody["case"] == NAME
    assert custody["reason"] == HOSTILE.replace("\x00", "")
    assert custody["host"] == os.uname().nodename
    assert custody["uid"] == os.getuid()
    assert custody["boot_id"] == pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert custody["records"] == 300 and custody["uncovered_records"] == 0
    assert custody["is_key_trusted"] is True
    assert custody["question"][2:4] == ["--session", "guest-session"]
    assert len(custody["program_sha256"]) == 64
    manifest = subprocess.run(["sha256sum", str(made["bundle"] / "manifest-sha256.txt")],
                              capture_output=True, text=True, check=True).stdout.split()[0]
    assert manifest in made["said"]


def test_nothing_hostile_becomes_a_name_or_reaches_a_terminal(made):
    names = subprocess.run(["tar", "-t"], input=made["tar"], capture_output=True, check=True).stdout
    assert {name.split("/")[0] for name in names.decode().split()} == {NAME}
    for path in made["bundle"].iterdir():
        assert not set(path.read_bytes()) & (set(range(32)) - {10}), path
    assert "\x1b" not in made["said"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_is_right_on_a_machine_without_telltale(made, tmp_path, script):
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(pathlib.Path(shutil.which(tool)).resolve())
    done = verify(script, made["bundle"], made["key"], path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is right" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith("ok ")]) == 4
    assert "\x1b" not in done.stdout


def flip(name, find, replacement, is_last=False):
    def change(bundle):
        data = (bundle / name).read_bytes()
        at = data.rindex(find) if is_last else data.index(find)
        (bundle / name).write_bytes(data[:at] + replacement + data[at + len(find):])
    return change


def swap_digit(name, word, field, is_last=False):
    """Another hexadecimal digit in the first, or last, line of proof.txt with this word."""
    def change(bundle):
        lines = (bundle / name).read_text().split("\n")
        chosen = [i for i, line in enumerate(lines) if line.startswith(word)][-1 if is_last else 0]
        words = lines[chosen].split(" ")
        words[field] = ("1" if words[field][0] != "1" else "2") + words[field][1:]
        lines[chosen] = " ".join(words)
        (bundle / name).write_text("\n".join(lines))
    return change


def drop(name, number):
    def change(bundle):
        lines = (bundle / name).read_bytes().split(b"\n")
        del lines[number]
        (bundle / name).write_bytes(b"\n".join(lines))
    return change


def both(*changes):
    def change(bundle):
        for one in changes:
            one(bundle)
    return change


def sign_of_epoch(bundle):
    """One character in the middle of the checkpoint's signature of the epoch's key."""
    text = (bundle / "checkpoint.txt").read_text()
    line = [line for line in text.split("\n") if "/epoch/" in line][0]
    other = "A" if line[-30] != "A" else "B"
    (bundle / "checkpoint.txt").write_text(text.replace(line, line[:-30] + other + line[-29:]))


CHANGES = {
    "a byte of a record": flip("records.jsonl", b"guest-session 7", b"guest-session 8"),
    "something behind a record": flip("records.jsonl", b"\n", b"\0 more\n"),
    "something in a certificate": flip("keys.jsonl", b'{"epoch":"', b'{"epoch":["'),
    "a record that is gone": drop("records.jsonl", 5),
    "a record that is gone with its proof": both(drop("records.jsonl", 5), drop("proof.txt", 6)),
    "the last record gone with its proof": both(drop("records.jsonl", 299), drop("proof.txt", 300)),
    "a salt": swap_digit("proof.txt", "record", 3),
    "a number of the journal": swap_digit("proof.txt", "record", 2),
    "a place": swap_digit("proof.txt", "record", 1, is_last=True),
    "the first node": swap_digit("proof.txt", "node", 1),
    "the last node": swap_digit("proof.txt", "node", 1, is_last=True),
    "a node too few": drop("proof.txt", 301),
    "a node too many": flip("proof.txt", b"\nnode", b"\nnode " + b"0" * 64 + b"\nnode"),
    "the size of the checkpoint": flip("checkpoint.txt", b"\n7", b"\n8"),
    "the signature of the checkpoint": sign_of_epoch,
    "a checkpoint without signatures": flip("checkpoint.txt", "\u2014".encode(), b"-", True),
    "the key": flip("keys.jsonl", b"+A", b"+B", True),
    "the first certificate": flip("keys.jsonl", b"telltale.dev/epoch/v1", b"telltale.dev/epoch/v2"),
    "no chain": both(*[drop("keys.jsonl", 0)] * 2),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_goes_unnoticed_even_with_a_manifest_that_fits(made, tmp_path, change):
    bundle = tmp_path / NAME
    shutil.copytree(made["bundle"], bundle)
    CHANGES[change](bundle)
    for script in SCRIPTS:
        done = verify(script, bundle, made["key"])
        assert done.returncode == 1 and "NO " in done.stdout, f"{script}: {done.stdout}{done.stderr}"
    resum(bundle)
    for script in SCRIPTS:
        done = verify(script, bundle, made["key"])
        assert done.returncode == 1 and "NO " in done.stdout, f"{script}: {done.stdout}{done.stderr}"
        assert "ok   all files are" in done.stdout, "the manifest fits"


UNSEALED = {
    "a line of the manifest gone": drop("manifest-sha256.txt", 3),
    "the first line of the manifest": flip("manifest-sha256.txt", b"README", b"REAdME"),
    "a hash of the manifest": swap_digit("manifest-sha256.txt", "", 0),
    "the custody": flip("custody.json", b"A. Auditor", b"B. Auditor"),
    "the verifier": flip("verify.sh", b"exit 1", b"exit 0"),
    "a file more": lambda bundle: (bundle / "more.txt").write_text("more"),
    "a hidden file": lambda bundle: (bundle / ".more").write_text("more"),
    "a file less": lambda bundle: (bundle / "uncovered.txt").unlink(),
}


@pytest.mark.parametrize("change", UNSEALED)
def test_what_only_the_manifest_covers_is_compared_with_it(made, tmp_path, change):
    bundle = tmp_path / NAME
    shutil.copytree(made["bundle"], bundle)
    UNSEALED[change](bundle)
    for script in SCRIPTS:
        done = verify(script, bundle, made["key"])
        assert done.returncode == 1 and "NO " in done.stdout, f"{script}: {done.stdout}{done.stderr}"


def test_another_key_is_not_trusted(made, tmp_path):
    daemon = Daemon(tmp_path / "h", FAST, proofs=True).start()
    try:
        wait_until((tmp_path / "h" / "state" / "store" / "keys.jsonl").exists, 30, "keys")
        wait_until(lambda: "epoch" in (tmp_path / "h" / "state" / "store" / "keys.jsonl").read_text(),
                   30, "an epoch")
        other = first_key(tmp_path / "h")
    finally:
        daemon.stop()
    name, _, rest = made["key"].partition("+")
    for key in (other, name + "+00000000+" + rest.split("+")[1], "no key"):
        for script in SCRIPTS:
            done = verify(script, made["bundle"], key)
            assert done.returncode == 2 and "cannot check" in done.stderr, f"{script}: {done.stdout}"
    keys = tmp_path / "keys"
    keys.write_text(f"# kept since the first day\n\n{made['key']}\n")
    for script in SCRIPTS:
        assert verify(script, made["bundle"], str(keys)).returncode == 0


def test_what_is_not_proved_is_said(home):
    """Lines from before there were proofs, and lines behind the last checkpoint."""
    with Daemon(home, "file/forensic: { }") as daemon:
        with Agent(daemon.socket_path) as agent:
            agent.send(event("s", 1))
            agent.wait_acked()
        wait_until(lambda: len(store.lines(home / "state" / "store")) == 1, 30, "a record")
        daemon.stop()
        daemon.proofs = True
        daemon.write_config("file/forensic: { integrity: { checkpoint_interval: 1s } }")
        daemon.start()
        with Agent(daemon.socket_path) as agent:
            agent.send(event("s", 2))
            agent.wait_acked()
        wait_until(lambda: len(store.lines(home / "state" / "store")) == 2 and covered(home) >= 1, 30,
                   "a checkpoint")
        daemon.stop()
        daemon.write_config("file/forensic: { integrity: { checkpoint_interval: 1h } }")
        daemon.start()
        with Agent(daemon.socket_path) as agent:
            agent.send(event("s", 3))
            agent.wait_acked()
        wait_until(lambda: len(store.lines(home / "state" / "store")) == 3, 30, "all records")
        done = export(daemon, home, "--session", "s", check=False)
    assert done.returncode == 3, done.stderr
    assert "2 records that are not proved" in done.stdout
    _, bundle = unpack(home / f"{NAME}.tar.zst", home)
    reasons = (bundle / "uncovered.txt").read_text().splitlines()
    assert "before there were any" in reasons[0] and "no checkpoint covers it yet" in reasons[1]
    assert len((bundle / "records.jsonl").read_text().splitlines()) == 1
    for script in SCRIPTS:
        done = verify(script, bundle, first_key(home))
        assert done.returncode == 0 and "2 records in uncovered.jsonl" in done.stdout, done.stdout


def test_a_store_that_was_changed_proves_nothing_and_says_so(made, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(made["home"] / "state" / "store", copy)
    active = copy / "active.jsonl"
    closed = sorted(copy.glob("2*.jsonl.zst"))
    target = active if b"guest-session 29" in active.read_bytes() else None
    if target is None:  # all of them are in closed files
        text = subprocess.run(["zstd", "-dcq", str(closed[-1])], capture_output=True, check=True).stdout
        closed[-1].unlink()
        target = closed[-1].with_suffix("")
        target.write_bytes(text)
    target.write_bytes(target.read_bytes().replace(b"guest-session 29", b"guest-session!29", 1))
    out = tmp_path / f"{NAME}.tar.zst"
    done = subprocess.run([str(Daemon(tmp_path / "d").program.parent / "telltale"), "export",
                           "--session", "guest-session", "--store", str(copy), "--bundle", str(out)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert "not proved" in done.stdout
    _, bundle = unpack(out, tmp_path)
    assert b"guest-session!29" in (bundle / "uncovered.jsonl").read_bytes()
    assert b"guest-session!29" not in (bundle / "records.jsonl").read_bytes()


def test_a_bundle_is_never_written_over_nor_under_another_name(made):
    daemon = Daemon(made["home"], FAST, proofs=True)
    before = (made["home"] / f"{NAME}.tar.zst").read_bytes()
    done = export(daemon, made["home"], "--session", "guest-session", check=False)
    assert done.returncode == 1 and "File exists" in done.stderr
    assert (made["home"] / f"{NAME}.tar.zst").read_bytes() == before
    for name in ("x.tar", "../x\x1b.tar.zst", "-x.tar.zst", ".tar.zst", "a" * 60 + ".tar.zst"):
        done = daemon.command("export", f"--bundle={made['home']}/{name}", check=False)
        assert done.returncode == 2, name
    done = daemon.command("export", "--bundle", str(made["home"] / "none.tar.zst"), "--session",
                          "nobody-was-here", check=False)
    assert done.returncode == 1 and not (made["home"] / "none.tar.zst").exists()


def exports_on_record(daemon):
    found = daemon.command("query", "--where", "agent.integrity.action=export", "--format", "ndjson")
    records = [json.loads(line) for line in found.splitlines()]
    return [record.get("attributes", record) for record in records]


def test_an_export_is_put_on_record_where_a_daemon_runs(home, tmp_path):
    with Daemon(home, FAST, proofs=True) as daemon:
        with Agent(daemon.socket_path) as agent:
            agent.send(*(event("guest-session", number) for number in range(5)))
            agent.wait_acked()
        wait_until(lambda: len(store.lines(home / "state" / "store")) == 5, 60, "all records")
        wait_until(lambda: is_covered(home), 60, "a checkpoint over them")
        said = export(daemon, home, "--session", "guest-session", "--by", "A. Auditor", "--reason",
                      "inquiry", "--case", NAME)
        assert "on record in the log of the daemon" in said
        wait_until(lambda: exports_on_record(daemon), 60, "the record is in the store")
        [record] = exports_on_record(daemon)
        digest = subprocess.run(["sha256sum", str(home / f"{NAME}.tar.zst")], capture_output=True,
                                text=True, check=True).stdout.split()[0]
        expected = {"sha256": digest, "file": f"{NAME}.tar.zst", "actor": "A. Auditor",
                    "reason": "inquiry", "case": NAME}
        assert expected.items() <= {key.removeprefix("agent.integrity."): value
                                    for key, value in record.items()}.items(), record
        assert int(record["agent.integrity.count"]) == 5
        assert "guest-session" in record["agent.integrity.question"]
        assert record["agent.integrity.version"]
        assert int(record["agent.peer.uid"]) == os.getuid()
        assert record["agent.transport"] == "unix_socket"
        out = tmp_path / f"{NAME}.tar.zst"
        done = daemon.command("export", "--bundle", str(out), "--session", "guest-session",
                              "--no-record", check=False)
        assert done.returncode == 0 and "on record" not in done.stdout + done.stderr
        assert len(exports_on_record(daemon)) == 1
    out.unlink()
    done = daemon.command("export", "--bundle", str(out), "--session", "guest-session", check=False)
    assert done.returncode == 0 and out.exists()
    assert "this export is not on record" in done.stderr
    assert "on record" not in done.stdout
