# SPDX-License-Identifier: Apache-2.0
"""A store that proves itself: what it says goes the way of all records, to every destination."""

import json

from support import store
from support.daemon import Daemon, wait_until

FAST = "file/forensic: { integrity: { checkpoint_interval: 1s, heartbeat: 2s } }"


def said(home, action):
    """The store's records about itself, of one action, as their attributes."""
    found = []
    for line in store.lines(home / "state" / "store", with_own=True):
        for record in store.records_of(line):
            attributes = {item["key"]: next(iter(item["value"].values()))
                          for item in record["attributes"]}
            if attributes.get("agent.integrity.action") == action:
                found.append(attributes)
    return found


def emit(daemon, count):
    for number in range(count):
        daemon.command("emit", "--kind", "agent.error", "--attribute", f"error.type=e{number}")


def test_checkpoints_are_records_and_the_last_word_comes_after_the_next_start(home):
    with Daemon(home, FAST, proofs=True) as daemon:
        emit(daemon, 3)
        wait_until(lambda: said(home, "checkpoint"), 30, "a checkpoint")
        wait_until(lambda: said(home, "heartbeat"), 30, "a heartbeat")
        daemon.stop()
        before = store.lines(home / "state" / "store", with_own=True)
        daemon.start()
        wait_until(lambda: any(item["agent.integrity.reason"] == "stop"
                               for item in said(home, "checkpoint")), 30, "the last word")
        stop = [item for item in said(home, "checkpoint")
                if item["agent.integrity.reason"] == "stop"][0]
        assert int(stop["agent.integrity.size"]) == len(before)
        assert stop["agent.transport"] == "internal"
        note = stop["agent.integrity.note"].split("\n")
        assert note[:3] == [stop["agent.integrity.origin"], stop["agent.integrity.size"],
                            stop["agent.integrity.root"]]
        kept = (home / "state" / "store" / "checkpoints.jsonl").read_text().splitlines()
        assert stop["agent.integrity.note"] in [json.loads(line)["checkpoint"] for line in kept]
        for key in ("journal", "sequence", "boot", "monotonic_ns", "time", "destination"):
            assert stop[f"agent.integrity.{key}"]
        assert f"root={stop['agent.integrity.root']}" in daemon.log()


def test_a_killed_daemon_leaves_nothing_unproved(home):
    with Daemon(home, FAST, proofs=True) as daemon:
        for _ in range(3):
            emit(daemon, 2)
            daemon.kill()
            daemon.start()
        emit(daemon, 1)
        wait_until(lambda: len(store.lines(home / "state" / "store")) == 7, 30, "all events")
        daemon.stop()
    assert not said(home, "unproved")
