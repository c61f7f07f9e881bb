# SPDX-License-Identifier: Apache-2.0
"""Checkpoints are stamped by a time authority, and its time stamps come back on record: with `openssl
ts` for the authority, and once more for who checks without Telltale."""

import base64
import datetime
import json
import pathlib
import subprocess

import pytest
from support.daemon import Daemon, wait_until
from support.tsa import Tsa, openssl

FILE = "file/forensic: { integrity: { checkpoint_interval: 1s, heartbeat: 2s } }"


@pytest.fixture
def tsa(tmp_path):
    server = Tsa(tmp_path)
    yield server
    server.shutdown()


def exporter(tsa, more=""):
    return f"{FILE}\ntimestamp/t1: {{ endpoint: '{tsa.endpoint}', every: 1s, {more} }}"


def stamped(daemon):
    """The records of time stamps, as `telltale query` gives them."""
    lines = daemon.command("query", "--kind", "agent.integrity", "--format", "ndjson").splitlines()
    return [line for line in lines if '"agent.integrity.token"' in line]


def attributes(line):
    """The attributes of a record, in whatever shape they stand."""
    record = json.loads(line)
    found = record.get("attributes", record)
    return {key: value for key, value in found.items() if key.startswith("agent.integrity.")}


def emit(daemon):
    daemon.command("emit", "--kind", "agent.error", "--attribute", "error.type=e")


def grow(daemon, tsa):
    before = len(tsa.requests)
    emit(daemon)
    wait_until(lambda: len(tsa.requests) > before, 30, "a request for a time stamp")


def verify(daemon, kept, *options):
    done = daemon.command("verify", *options, "--checkpoint", kept, "--format", "json", check=False)
    report = json.loads(done.stdout)
    return [finding for finding in report["findings"]
            if finding["question"] == "attested"], report


def keep(path, lines):
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_time_stamps_come_back_on_record_and_verification_finds_them(home, tmp_path, tsa):
    with Daemon(home, exporter(tsa, f"ca_file: {tsa.ca}"), proofs=True) as daemon:
        for _ in range(3):
            grow(daemon, tsa)
        wait_until(lambda: len(stamped(daemon)) >= 3, 30, "the records")
        lines = stamped(daemon)
        daemon.stop()
        last = attributes(lines[-1])
        assert last["agent.integrity.action"] == "timestamp"
        assert last["agent.integrity.actor"] == "tsa"
        time = datetime.datetime.fromisoformat(last["agent.integrity.token_time"])
        assert abs(time - datetime.datetime.now(datetime.timezone.utc)).total_seconds() < 600

        found, _ = verify(daemon, keep(tmp_path / "kept", lines), "--timestamp-ca", tsa.ca)
        said = [item["text"] for item in found]
        size = last["agent.integrity.size"]
        assert any(f"stamped up to size {size}, which was there at {time:%Y-%m-%dT%H:%M:%S}" in text
                   for text in said), said


def test_what_was_stored_satisfies_openssl(home, tmp_path, tsa):
    """The commands of docs/INTEGRITY.md."""
    with Daemon(home, exporter(tsa), proofs=True) as daemon:
        grow(daemon, tsa)
        wait_until(lambda: stamped(daemon), 30, "the record")
        kept = keep(tmp_path / "kept", stamped(daemon)[:1])
    steps = pathlib.Path(__file__).parents[2] / "docs" / "INTEGRITY.md"
    commands = steps.read_text().split("Without Telltale:\n\n", 1)[1].split("\n\n", 1)[0]
    script = commands.replace("FILE", str(kept)).replace("CA.pem", str(tsa.ca))
    done = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Verification: OK" in done.stdout, done
    (tmp_path / "note").write_bytes((tmp_path / "note").read_bytes() + b"\n")
    with pytest.raises(subprocess.CalledProcessError):
        openssl("ts", "-verify", "-data", tmp_path / "note", "-in", tmp_path / "token", "-token_in",
                "-CAfile", tsa.ca)


def checkpoint_sizes(daemon):
    lines = daemon.command("query", "--kind", "agent.integrity", "--format", "ndjson").splitlines()
    found = [attributes(line) for line in lines]
    return [item["agent.integrity.size"] for item in found
            if item["agent.integrity.action"] in ("checkpoint", "heartbeat")]


def grow_by_a_checkpoint(daemon):
    before = len(checkpoint_sizes(daemon))
    emit(daemon)
    wait_until(lambda: len(checkpoint_sizes(daemon)) > before + 1, 30, "later checkpoints")


def test_a_kill_makes_nobody_stamp_again_and_loses_no_stamp(home, tsa):
    """The daemon is killed as soon as it has the answer, when its journal may not know yet."""
    exporters = f"{FILE}\ntimestamp/t1: {{ endpoint: '{tsa.endpoint}', every: 1h }}"
    kept = home / "state" / "timestamp" / "timestamp.t1"

    def has_stamp():
        return any(b"MII" in path.read_bytes() for path in kept.glob("*.log"))

    with Daemon(home, exporters, proofs=True) as daemon:
        wait_until(has_stamp, 30, "an answer")
        for _ in range(3):
            daemon.kill()
            daemon.start()
            grow_by_a_checkpoint(daemon)
        wait_until(lambda: stamped(daemon) and not has_stamp(), 60, "the record of the stamp")
        tokens = {attributes(line)["agent.integrity.token"] for line in stamped(daemon)}
        assert len(tsa.requests) == len(tokens) == 1


def test_an_authority_that_is_away_holds_nothing_back(home):
    exporters = f"{FILE}\ntimestamp/t1: {{ endpoint: 'http://127.0.0.1:9/tsr', every: 1h }}"
    with Daemon(home, exporters, proofs=True) as daemon:
        grow_by_a_checkpoint(daemon)
        wait_until(lambda: daemon.metric("exporter_lag_records", "timestamp/t1") == 0, 30, "no lag")
        assert "the time stamp authority gives no stamps" in daemon.log()
        assert daemon.metric("exporter_upkeep_failures_total", "timestamp/t1") >= 1
        assert "127.0.0.1 port 9" in daemon.log()


def test_a_refusal_is_on_record(home, tsa):
    exporters = f"{FILE}\ntimestamp/t1: {{ endpoint: '{tsa.endpoint}', policy: '1.2.3.4.9' }}"
    with Daemon(home, exporters, proofs=True) as daemon:
        def reasons():
            lines = daemon.command("query", "--kind", "agent.integrity", "--format",
                                   "ndjson").splitlines()
            found = [attributes(line) for line in lines]
            return [item["agent.integrity.reason"] for item in found
                    if item["agent.integrity.action"] == "timestamp"]

        wait_until(reasons, 30, "the record of the refusal")
        assert "set 'policy' to one of its own" in reasons()[0], reasons()
        grow_by_a_checkpoint(daemon)
        assert len(reasons()) == 1
