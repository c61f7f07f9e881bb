# SPDX-License-Identifier: Apache-2.0
"""A mounted disk that forgets at a power cut what was not synced (forgetful_fs.c)."""

import json
import os
import pathlib
import subprocess
import time

from support.daemon import BIN, wait_until

PROGRAM = BIN / "forgetful_fs"
MOUNT_TIMEOUT_S = 20


class Disk:
    """`base` outlives the mounts; what a cut has kept can be looked at in `files`."""

    def __init__(self, home, *options):
        self.base = pathlib.Path(home) / "disk"
        self.files = self.base / "files"
        self.mount_point = pathlib.Path(home) / "mnt"
        self.options = options
        self.log_path = pathlib.Path(home) / "forgetful_fs.log"
        self.process = None
        self.base.mkdir()
        self.mount_point.mkdir()

    def mount(self, seed):
        assert self.process is None
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, self.base, self.mount_point, f"--seed={seed}", *self.options],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        wait_until(lambda: os.path.ismount(self.mount_point) or self.process.poll() is not None,
                   MOUNT_TIMEOUT_S, "mounted")
        assert self.process.poll() is None, self.log_path.read_text()

    def cut(self, seed):
        """The power fails.  Gives back what the disk says about it."""
        fd = os.open(self.mount_point / ".power_cut", os.O_WRONLY)
        try:
            os.write(fd, str(seed).encode())
        finally:
            os.close(fd)
        return json.loads(self.process.stdout.readline())

    def unmount(self):
        """Everybody who used it must have ended."""
        if self.process is None:
            return
        deadline = time.monotonic() + MOUNT_TIMEOUT_S
        while self.process.poll() is None:
            done = subprocess.run(["fusermount3", "-u", self.mount_point], capture_output=True,
                                  text=True)
            if done.returncode == 0:
                break
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.05)
        self.process.stdout.close()
        code = self.process.wait(MOUNT_TIMEOUT_S)
        self.process = None
        assert code == 0, self.log_path.read_text()

    def abandon(self):
        """The end of a failed test: leaves no mount behind, whoever is using it."""
        if self.process is None:
            return
        subprocess.run(["fusermount3", "-u", "-z", self.mount_point], check=False)
        self.process.kill()
        self.process.wait(MOUNT_TIMEOUT_S)
        self.process = None


def why_not(home):
    """Why no such disk can be mounted here; None if it can."""
    if not PROGRAM.exists():
        return f"{PROGRAM} was not built: libfuse3-dev is missing"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be used"
    disk = Disk(home)
    try:
        disk.mount(1)
        disk.unmount()
    except (AssertionError, OSError) as error:
        return f"mounting fails: {error}"
    finally:
        disk.abandon()
    return None
