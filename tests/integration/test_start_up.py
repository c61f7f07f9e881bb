# SPDX-License-Identifier: Apache-2.0
"""A daemon that cannot start ends with 1, and its words name the place and what to do; what was
left behind by one that was killed does not keep the next from starting."""

import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from support import store
from support.agent import Agent
from support.daemon import BIN, Daemon, free_port, wait_until
from support.http import post

ARRIVAL_TIMEOUT_S = 60
NOBODY = 65534
STORE = "file/forensic: {}"


def fails(daemon):
    """Starts a daemon that is to fail; gives back its words."""
    code, log = daemon.start(wait=False).ends()
    assert code == 1, log
    return log


def send_one(daemon, test_id):
    with Agent(daemon.socket_path) as agent:
        agent.send({"kind": "agent.error", "attributes": {"error.type": "x", "test.id": test_id}})
        agent.wait_acked()
        assert agent.errors == []


def test_a_port_that_is_taken_is_named(home):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        words = fails(Daemon(home, STORE, http_port=port))
        assert f"127.0.0.1:{port}" in words
        assert "receivers.otlp_http" in words
        assert "another process has this port" in words and "configure another port" in words
    with Daemon(home, STORE, http_port=free_port()) as daemon:
        send_one(daemon, "after")


def test_a_socket_of_a_live_daemon_is_not_taken_over(home):
    with Daemon(home / "first", STORE) as first:
        second = Daemon(home / "second", STORE)
        second.run = first.run
        words = fails(second)
        assert str(first.run) in words
        send_one(first, "still here")


def test_a_file_in_the_place_of_the_socket_is_left_alone(home):
    daemon = Daemon(home, STORE)
    daemon.socket_path.write_text("precious")
    words = fails(daemon)
    assert str(daemon.socket_path) in words
    assert "receivers.unix" in words
    assert daemon.socket_path.read_text() == "precious"


def test_a_socket_that_nobody_listens_on_is_replaced(home):
    daemon = Daemon(home, STORE)
    daemon.start()
    send_one(daemon, "before")
    daemon.kill()
    assert daemon.socket_path.is_socket()
    with daemon:
        send_one(daemon, "after")
        wait_until(lambda: len(store.test_ids(daemon.state / "store")) == 2, ARRIVAL_TIMEOUT_S,
                   "both in the store")
    assert not daemon.socket_path.exists(), "a clean stop takes its socket away"
    assert daemon.log().count(" daemon.stopped ") == 1


def test_two_exporters_of_one_store_are_named_once(home):
    words = fails(Daemon(home, "file/one: {}\nfile/two: {}"))
    assert "another exporter writes to the store" in words
    assert words.count("start exporter 'file/two'") == 1 and "start the exporter" not in words


def test_a_socket_path_that_is_too_long_is_named(home):
    path = home / ("d" * 60) / ("e" * 60) / "agent.sock"
    path.parent.mkdir(parents=True)
    words = fails(Daemon(home, STORE, receivers=f"unix: {{ path: '{path}' }}"))
    assert "can have 107" in words and "receivers.unix.path" in words


@pytest.fixture
def as_nobody(home):
    """A command that runs the daemon as a user without rights, and a copy of it that he may
    read."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    home.chmod(0o755)
    programs = home / "bin"
    programs.mkdir(mode=0o755)
    shutil.copy(BIN / "telltaled", programs)

    def make(daemon):
        os.chown(daemon.run, NOBODY, NOBODY)
        daemon.config.chmod(0o644)
        daemon.program = programs / "telltaled"
        daemon.wrapper = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        return daemon

    return make


def test_a_state_directory_without_rights_is_named(home, as_nobody):
    daemon = as_nobody(Daemon(home, STORE))
    words = fails(daemon)
    assert str(daemon.state) in words
    assert "Permission denied" in words
    daemon.state.rmdir()
    home.chmod(0o755)
    words = fails(daemon)
    assert str(daemon.state) in words and "--state-dir" in words
    assert "Permission denied" in words


def test_a_run_directory_without_rights_is_named(home, as_nobody):
    daemon = as_nobody(Daemon(home, STORE))
    os.chown(daemon.state, NOBODY, NOBODY)
    os.chown(daemon.run, 0, 0)
    words = fails(daemon)
    assert str(daemon.run) in words
    assert "Permission denied" in words


def test_a_user_without_rights_can_run_it_in_his_own_directories(home, as_nobody):
    daemon = as_nobody(Daemon(home, STORE))
    os.chown(daemon.state, NOBODY, NOBODY)
    with daemon:
        send_one(daemon, "mine")
        assert pathlib.Path(f"/proc/{daemon.process.pid}").stat().st_uid == NOBODY


def test_a_destination_that_cannot_be_opened_is_named(home, as_nobody):
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    daemon = as_nobody(Daemon(home, f"file/forensic: {{ dir: '{closed}' }}"))
    os.chown(daemon.state, NOBODY, NOBODY)
    words = fails(daemon)
    assert "file/forensic" in words and str(closed) in words and "Permission denied" in words


def test_every_mistake_of_a_configuration_is_shown(home):
    daemon = Daemon(home, "file/forensic: { dirr: /x }\nsplonk/x: {}",
                    extra="jurnal: {}\nlimits: { depth: 1000 }\n")
    words = fails(daemon)
    for mistake in ("unknown option 'dirr'; did you mean 'dir'?", "splonk", "jurnal", "depth"):
        assert mistake in words
    assert f"{daemon.config}:" in words
    assert "4 errors" in words
    assert not (daemon.state / "journal").exists(), "nothing is opened before the file is right"


@pytest.mark.parametrize("text", ["receivers: [", "\tx: 1", "a: b: c", "- 1", "x: &a [*a]",
                                  "\xff", "receivers:\n  unix: { mode: '9999' }\n"])
def test_a_file_that_is_no_configuration_is_named(home, text):
    daemon = Daemon(home, STORE)
    daemon.config.write_bytes(text.encode("latin-1"))
    words = fails(daemon)
    assert f"{daemon.config}:1" in words or f"{daemon.config}:2" in words or "UTF-8" in words


def test_a_configuration_that_is_not_there_is_named(home):
    daemon = Daemon(home, STORE)
    daemon.config.unlink()
    words = fails(daemon)
    assert str(daemon.config) in words and "No such file" in words
    daemon.config.mkdir()
    assert str(daemon.config) in fails(daemon)


def test_a_command_line_that_makes_no_sense_ends_with_2(home):
    for arguments in (["--confg", "x"], ["extra"], ["--config"]):
        done = subprocess.run([str(BIN / "telltaled"), *arguments], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 2
        assert "usage: telltaled" in done.stderr


def test_an_address_that_others_reach_needs_permission(home):
    daemon = Daemon(home, STORE)
    daemon.config.write_text(daemon.config.read_text().replace("127.0.0.1", "0.0.0.0"))
    words = fails(daemon)
    assert "allow_remote_plaintext" in words


def test_a_first_start_makes_what_it_needs(home):
    daemon = Daemon(home, STORE)
    shutil.rmtree(daemon.state)
    shutil.rmtree(daemon.run)
    daemon.state = home / "a" / "b" / "state"
    daemon.run = home / "c" / "run"
    with daemon:
        send_one(daemon, "first")
        assert post(daemon.http_port, "/v1/logs", b"", "application/x-protobuf")[0] == 200
        # Others pass through it to the spool, and see nothing else.
        assert daemon.state.stat().st_mode & 0o777 == 0o711
        assert {p.name for p in daemon.state.iterdir() if p.stat().st_mode & 0o077} == {"spool"}
