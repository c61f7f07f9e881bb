# SPDX-License-Identifier: Apache-2.0
"""What the daemon acknowledged is there after power cuts: the disk forgets what was not synced.

Run by run.py, which looks first whether such a disk can be mounted.  POWER_CUTS: how many.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from cutting import Machine
from support import store
from support.daemon import wait_until

CUTS = int(os.environ.get("POWER_CUTS", "30"))
SEED = int(os.environ.get("POWER_SEED", "1"))
FIRST_STARTS = max(6, CUTS // 10)
LIES_MAX = 8
ACKS = (1, 100, 2000)
ACK_TIMEOUT_S = 60


@pytest.fixture
def home():
    path = pathlib.Path(tempfile.mkdtemp(prefix="tt-power-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def machine_in(home):
    made = []

    def make(name, seed, *disk_options):
        (home / name).mkdir()
        made.append(Machine(home / name, seed, disk_options))
        return made[-1]

    yield make
    for machine in made:
        machine.close()


def nothing_is_missing(machine):
    missing = machine.finish()
    assert not any(missing.values()), {k: (len(v), v[:5]) for k, v in missing.items()}
    # Positions fail only while the power is off; none was found damaged or ahead of the journal.
    # (export.missing may stand there: holes of a write that nobody was promised count as such.)
    trouble = [line for line in machine.daemon.log().splitlines() if " export.cursor " in line]
    assert all("Input/output error" in line for line in trouble), trouble[-3:]


@pytest.mark.parametrize("options", [(), ("--sector=4096", "--ext4-names")],
                         ids=["posix", "ext4"])
def test_what_was_acknowledged_survives_every_power_cut(machine_in, options):
    machine = machine_in("m", SEED, *options)
    machine.cut_many(CUTS if not options else CUTS // 3)
    nothing_is_missing(machine)
    assert len(machine.acked()) > CUTS and machine.refused()
    # The method is worth something only if cuts did lose what was not promised.
    assert machine.losses["sectors_lost"] > 0 and machine.losses["sizes_lost"] > 0
    assert machine.losses["names_lost"] > 0 or options
    print(f"{len(machine.acked())} acked, {len(machine.refused())} dead letters, "
          f"{dict(machine.losses)}")


def cut_soon_after_first_acks(machine, acks):
    for producer in machine.producers:
        producer.start()
    machine.disk.mount(machine.seed())
    machine.daemon.start(wait=False)
    wait_until(lambda: len(machine.acked()) >= acks, ACK_TIMEOUT_S, "acks")
    machine.power_cut()


def test_what_the_very_first_start_acknowledged_survives(machine_in):
    for n in range(FIRST_STARTS):
        machine = machine_in(str(n), SEED + n)
        cut_soon_after_first_acks(machine, machine.chance.choice(ACKS))
        machine.check_cursors()
        nothing_is_missing(machine)
        machine.close()


def test_a_disk_whose_syncs_are_lies_is_found_out(machine_in):
    """So the tests above can fail."""
    noticed = set()
    for n in range(LIES_MAX):
        machine = machine_in(f"liar{n}", SEED + n, "--lie")
        cut_soon_after_first_acks(machine, max(ACKS))
        try:
            noticed |= {what for what, ids in machine.finish().items() if ids}
        except (subprocess.CalledProcessError, store.Unreadable):
            noticed.add("files")  # a command of ours, zstd or JSON cannot read one
        machine.close()
        if {"sink", "files"} <= noticed:
            return
    pytest.fail(f"events that were acknowledged and never on the disk are missed only by {noticed}")
