# SPDX-License-Identifier: Apache-2.0
"""What must hold when several things go wrong at once."""

from support import store
from support.agent import Agent
from support.daemon import Daemon, wait_until

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
