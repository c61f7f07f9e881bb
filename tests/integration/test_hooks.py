# SPDX-License-Identifier: Apache-2.0
"""telltale-hook and the spool: an event ends in the store, once, whatever state the daemon is in,
and the agent is never kept waiting beyond the limit."""

import base64
import json
import os
import resource
import signal
import stat
import subprocess
import time

import pytest

from support import store
from support.agent import Agent
from support.daemon import BIN, Daemon, wait_until

ARRIVAL_TIMEOUT_S = 60
STORE = "file/forensic: {}"
HOOK = BIN / "telltale-hook"
SIZE_MAX = 200 * 1024
# Over the limit that telltale-hook is given, by what starting a process takes on a busy machine.
START_SLACK_S = 5


def stop_event(test_id, **more):
    return {"session_id": "s", "hook_event_name": "Stop", "turn_id": test_id, **more}


def run_hook(daemon, payload, agent="codex", *more, limit_ms=10000, stdin=subprocess.PIPE):
    """Runs the hook as an agent would; it must never speak or fail."""
    if isinstance(payload, dict):
        payload = json.dumps(payload).encode()
    done = subprocess.run(
        [str(HOOK), agent, "--socket", str(daemon.socket_path), "--spool", str(spool_of(daemon)),
         "--timeout", str(limit_ms), *more],
        input=payload, capture_output=True, timeout=limit_ms / 1000 + START_SLACK_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def spool_of(daemon):
    return daemon.state / "spool"


def spooled(daemon):
    path = spool_of(daemon)
    return sorted(p.name for p in path.iterdir()) if path.exists() else []


def turns(daemon):
    """agent.turn.id of each record in the store that has one."""
    found = [store.text_attribute(r, "agent.turn.id") for r in store.records(daemon.state / "store")]
    return sorted(t for t in found if t)


def wait_turns(daemon, wanted):
    wait_until(lambda: len(turns(daemon)) >= len(wanted), ARRIVAL_TIMEOUT_S, f"{wanted} in the store")
    assert turns(daemon) == sorted(wanted)


def wait_spool_empty(daemon):
    wait_until(lambda: not spooled(daemon), ARRIVAL_TIMEOUT_S, "the spool to be empty")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


def originals(daemon):
    """The bytes that hooks were given, as the store has them."""
    for record in store.records(daemon.state / "store"):
        for item in record["attributes"]:
            if item["key"] == "log.record.original":
                value = item["value"]
                yield (value["stringValue"].encode() if "stringValue" in value
                       else base64.b64decode(value["bytesValue"]))


def test_program_is_small_and_needs_no_library():
    assert HOOK.stat().st_size <= SIZE_MAX
    headers = subprocess.run(["readelf", "-Wl", "-d", str(HOOK)], capture_output=True, text=True,
                             check=True).stdout
    assert "NEEDED" not in headers and "INTERP" not in headers


def test_hook_is_durable_when_it_ends_and_stands_in_the_model(home):
    with Daemon(home, STORE) as daemon:
        event = {**stop_event("t1"), "hook_event_name": "PreToolUse", "tool_name": "Bash",
                 "tool_input": {"command": "ls"}, "transcript_path": None}
        run_hook(daemon, event)
        daemon.kill()  # what the hook was told is durable survives this
        daemon.start()
        wait_turns(daemon, ["t1"])
        record, = (r for r in store.records(daemon.state / "store")
                   if store.text_attribute(r, "agent.turn.id") == "t1")
        assert store.text_attribute(record, "agent.event.kind") == "agent.tool"
        assert store.text_attribute(record, "agent.dialect") == "codex_hook"
        assert store.text_attribute(record, "agent.transport") == "hook_stdin"
        assert store.text_attribute(record, "process.command_line") == "ls"
        assert store.text_attribute(record, "agent.peer.attestation") == "kernel"
        assert spooled(daemon) == []


def test_every_payload_is_carried_byte_for_byte(home):
    payloads = [
        json.dumps(stop_event("1"), indent=2).encode() + b"\r\n",
        b'{"turn_id":"2","cwd":"\xff\xfe"}',
        b"no json, with a \x00 and a\nline",
        b'{"turn_id":"\\ud83d"}',
        b'{"a":' + b"[" * 600 + b"]" * 600 + b"}",
        b'{"time":{"no":"time"},"event":[1],"body":7,"dialect":5,"kind":null,"n":1e999}',
        b"",
    ]
    with Daemon(home, STORE) as daemon:
        for payload in payloads:
            run_hook(daemon, payload, "claude-code")
        wait_until(lambda: len(list(originals(daemon))) >= len(payloads), ARRIVAL_TIMEOUT_S, "all")
        assert sorted(originals(daemon)) == sorted(payloads)


def test_ten_megabytes_are_carried(home):
    payload = json.dumps(stop_event("big", tool_response="x\"" * 5_000_000)).encode()
    with Daemon(home, STORE) as daemon:
        run_hook(daemon, payload, limit_ms=30000)
        wait_turns(daemon, ["big"])
        assert next(iter(originals(daemon))) == payload


def test_more_than_can_be_carried_is_cut_and_marked(home):
    payload = b'{"session_id":"s","turn_id":"cut","tool_response":"' + b"x" * (20 << 20)
    with Daemon(home, STORE) as daemon:
        run_hook(daemon, payload, limit_ms=30000)
        wait_turns(daemon, ["cut"])
        kept = next(iter(originals(daemon)))
        assert payload.startswith(kept) and len(kept) > 10 << 20


def test_notify_takes_its_json_from_the_command_line(home):
    with Daemon(home, STORE) as daemon:
        run_hook(daemon, b"", "codex-notify",
                 '{"type":"agent-turn-complete","thread-id":"th","turn-id":"n1"}')
        wait_turns(daemon, ["n1"])
        record, = store.records(daemon.state / "store")
        assert store.text_attribute(record, "agent.transport") == "notify_argv"
        assert store.text_attribute(record, "agent.event.kind") == "agent.turn"


def test_standard_input_that_never_ends_keeps_nobody_waiting(home):
    with Daemon(home, STORE) as daemon:
        read_end, write_end = os.pipe()
        os.write(write_end, json.dumps(stop_event("open")).encode())
        done = subprocess.run([str(HOOK), "codex", "--socket", str(daemon.socket_path),
                               "--timeout", "2000"], stdin=read_end, capture_output=True,
                              timeout=2 + START_SLACK_S)
        os.close(write_end)
        os.close(read_end)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        wait_turns(daemon, ["open"])


def test_hooks_of_a_stopped_daemon_wait_in_the_spool(home):
    daemon = Daemon(home, STORE)
    with daemon:
        run_hook(daemon, stop_event("0"))
    ids = [str(n) for n in range(1, 6)]
    for test_id in ids:
        run_hook(daemon, stop_event(test_id))
    assert len(spooled(daemon)) == len(ids)
    with daemon:
        wait_turns(daemon, ["0", *ids])
        wait_spool_empty(daemon)
        kinds = {store.text_attribute(r, "agent.peer.attestation")
                 for r in store.records(daemon.state / "store")}
        assert kinds == {"kernel", "file"}
    with daemon:  # nothing comes a second time
        wait_turns(daemon, ["0", *ids])


def can_mount():
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


# What follows the spool's path runs with the spool on a disk of its own.
ON_A_DISK = ('mount -t tmpfs -o "$1" tmpfs "$0" && "$2" codex --socket /nonexistent --spool "$0" '
             '--timeout 10000 && ls -A "$0"')


@pytest.mark.skipif(not can_mount(), reason="no mount namespace of our own")
@pytest.mark.parametrize("disk, is_kept", [
    ("size=200m,mode=0700", True),               # a good one, to know that the test can fail
    ("size=200m,mode=0700,nr_inodes=1", False),  # no file can be made
    ("size=32m,mode=0700", False),               # what is left is for others
    ("size=200m,mode=0700,ro", False),
])
def test_hook_on_a_full_disk_ends_well_and_leaves_nothing(tmp_path, disk, is_kept):
    spool = tmp_path / "spool"
    spool.mkdir()
    done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", ON_A_DISK,
                           str(spool), disk, str(HOOK)],
                          input=json.dumps(stop_event("x", text="x" * 100_000)).encode(),
                          capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    names = done.stdout.decode().split()
    assert len(names) == is_kept and all(name.endswith(".event") for name in names)


def test_event_that_is_written_by_half_is_never_taken_up(home):
    daemon = Daemon(home, STORE)
    with daemon:
        run_hook(daemon, stop_event("0"))
    big = json.dumps(stop_event("half", text="x" * 300_000)).encode()
    for signals in (True, False):  # a write that is cut short, which kills or does not
        done = subprocess.run(
            [str(HOOK), "codex", "--socket", str(daemon.socket_path), "--spool",
             str(spool_of(daemon)), "--timeout", "10000"],
            input=big, capture_output=True, timeout=60, restore_signals=signals,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert spooled(daemon) == []
    # Its writer was killed in the middle: the draft is not an event, however much it looks like it.
    draft = spool_of(daemon) / f".{1:032x}"
    draft.write_bytes(b'{"dialect":"codex_hook","id":"1","hook":{"hook_event_name":"Stop",'
                      b'"turn_id":"draft"}}\n')
    run_hook(daemon, stop_event("whole"))
    with daemon:
        wait_turns(daemon, ["0", "whole"])
        wait_until(lambda: spooled(daemon) == [draft.name], ARRIVAL_TIMEOUT_S, "the draft alone")
    assert turns(daemon) == ["0", "whole"]


def test_event_of_a_hung_daemon_is_kept_once(home):
    with Daemon(home, STORE) as daemon:
        run_hook(daemon, stop_event("before"))
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            for test_id in ("a", "b", "c"):
                run_hook(daemon, stop_event(test_id), limit_ms=400)
            wait_until(lambda: len(spooled(daemon)) == 3, ARRIVAL_TIMEOUT_S, "three spooled")
            time.sleep(3.5)  # longer than a gap of the daemon's (src/receivers/spool.c)
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        wait_spool_empty(daemon)
        wait_turns(daemon, ["before", "a", "b", "c"])
        daemon.wait_metric("receiver_duplicate_events_total", "", 3)


def test_event_that_is_sent_again_is_acknowledged_and_kept_once(home):
    line = '{"dialect":"codex_hook","id":"%s","hook":{"hook_event_name":"Stop","turn_id":"%s"}}'
    with Daemon(home, STORE) as daemon:
        for test_id in ("x", "x", "y"):
            with Agent(daemon.socket_path) as agent:
                agent.send_lines((line % (test_id, test_id)).encode())
                agent.wait_acked(1)
                assert agent.errors == []
        wait_turns(daemon, ["x", "y"])


def test_hostile_files_in_the_spool_are_removed_unread(home):
    secret = home / "secret"
    good = b'{"dialect":"codex_hook","id":"1","hook":{"hook_event_name":"Stop","turn_id":"%s"}}\n'
    secret.write_bytes(good % b"stolen")
    daemon = Daemon(home, STORE)
    with daemon:
        run_hook(daemon, stop_event("0"))
    spool = spool_of(daemon)
    name = iter(f"{n:032x}.event" for n in range(10000))
    os.symlink(secret, spool / next(name))
    os.link(secret, spool / next(name))
    os.mkfifo(spool / next(name))
    (spool / next(name)).mkdir()
    (spool / next(name)).write_bytes(b"")
    (spool / next(name)).write_bytes(b"not json\n")
    (spool / next(name)).write_bytes(good % b"two" + good % b"lines")
    with open(spool / next(name), "wb") as huge:
        huge.truncate(1 << 40)
    (spool / "stranger").write_bytes(good % b"stranger")
    stuck = spool / next(name)
    stuck.mkdir()
    (stuck / "inside").write_bytes(b"x")
    for n in range(1000):
        (spool / next(name)).write_bytes(b"rubbish\n")
    (spool / next(name)).write_bytes(good % b"good")
    with daemon:
        wait_until(lambda: spooled(daemon) == [stuck.name], ARRIVAL_TIMEOUT_S, "a clean spool")
        wait_turns(daemon, ["0", "good"])
        run_hook(daemon, stop_event("alive"))
        wait_turns(daemon, ["0", "alive", "good"])
    assert secret.read_bytes() == good % b"stolen"


def test_rejected_files_of_the_spool_are_on_record(home):
    daemon = Daemon(home, STORE, receivers="unix: { max_event_size: 4KiB }")
    with daemon:
        run_hook(daemon, stop_event("0"))
    for n in range(5):
        (spool_of(daemon) / f"{n:032x}.event").write_bytes(b"rubbish\n")
    (spool_of(daemon) / f"{5:032x}.event").write_bytes(b"x" * 5000)

    def refused():
        counts = {}
        for record in store.records(daemon.state / "store"):
            values = {item["key"]: item["value"] for item in record["attributes"]}
            if "agent.pipeline.code" in values:
                assert values["agent.event.kind"] == {"stringValue": "agent.pipeline"}
                code = values["agent.pipeline.code"]["stringValue"]
                counts[code] = counts.get(code, 0) + int(values["agent.pipeline.count"]["intValue"])
        return counts

    with daemon:
        wait_until(lambda: refused() == {"invalid_json": 5, "too_large": 1}, ARRIVAL_TIMEOUT_S,
                   "records of what was refused")
        daemon.wait_metric("spool_rejected_files_total", 'reason="content"', 5)
        run_hook(daemon, stop_event("1"))
        wait_turns(daemon, ["0", "1"])
    assert refused() == {"invalid_json": 5, "too_large": 1}


def test_spool_is_as_open_as_the_socket_and_cannot_be_listed(home):
    daemon = Daemon(home, STORE)
    for socket_mode, spool_mode in ((0o666, 0o1733), (0o660, 0o1730), (0o600, 0o700)):
        daemon.receivers = f"unix: {{ mode: '0{socket_mode:o}' }}"
        daemon.write_config(STORE)
        with daemon:
            wait_until(lambda: mode_of(spool_of(daemon)) == spool_mode, ARRIVAL_TIMEOUT_S,
                       f"a spool of mode {spool_mode:o}")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_hook_of_another_user_is_attested_by_the_owner_of_its_file(home):
    daemon = Daemon(home, STORE, receivers="unix: { mode: '0666' }")
    home.chmod(0o755)
    with daemon:
        run_hook(daemon, stop_event("0"))
    nobody = 65534
    done = subprocess.run([str(HOOK), "codex", "--socket", "/nonexistent", "--spool",
                           str(spool_of(daemon))], input=json.dumps(stop_event("theirs")).encode(),
                          capture_output=True, user=nobody, group=nobody, extra_groups=[])
    assert done.returncode == 0
    with daemon:
        wait_turns(daemon, ["0", "theirs"])
        record, = (r for r in store.records(daemon.state / "store")
                   if store.text_attribute(r, "agent.turn.id") == "theirs")
        values = {item["key"]: item["value"] for item in record["attributes"]}
        assert values["agent.peer.uid"] == {"intValue": str(nobody)}
        assert values["agent.peer.attestation"] == {"stringValue": "file"}
        assert "agent.peer.pid" not in values
        assert mode_of(daemon.state) == 0o711


def test_hook_without_daemon_and_spool_still_ends_well(home):
    for arguments in ([], ["codex"], ["no-such-agent"], ["codex", "--timeout"], ["--bogus"]):
        done = subprocess.run([str(HOOK), *arguments, "--socket", str(home / "no.sock"), "--spool",
                               str(home / "none")], input=b"{}", capture_output=True, timeout=20)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    done = subprocess.run([str(HOOK), "codex", "--verbose", "--socket", str(home / "no.sock"),
                           "--spool", str(home / "none")], input=b"{}", capture_output=True)
    assert done.returncode == 0 and done.stdout == b"" and b"telltale-hook: " in done.stderr
