# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a life of the daemon, besides its end.

A mode has a name, a method that prepares the life before the daemon starts, one that runs while
the daemon does, and one that says at the end whether it has had an effect.  `loop` is
kill_loop.Loop.  A further mode joins with a class and a line in MODES.
"""

import os
import re
import resource
import signal
import struct
import time

CLOCK_JUMP_MAX_S = 6 * 3600
REPORT_S = 0.6  # the daemon's figures are made anew twice a second


class Mode:
    name = "plain"
    ends_cleanly = False
    may_save = True  # the disk takes what the daemon writes
    faults = ()  # of the sink's ledger

    def prepare(self, loop):
        """Before the daemon starts; the sink behaves well unless told otherwise."""

    def during(self, loop, seconds):
        """The daemon is ready; it is to live for about so long."""
        time.sleep(seconds)

    def has_shown(self, loop):
        """Asked after a run with several such lives: a mode without effect proves nothing."""
        return not self.faults or any(loop.sink.tally.faults[fault] for fault in self.faults)


class Busy(Mode):
    """More comes than the sink can take, so the cursor is saved by its clock and not for want of
    work; long enough for what a crash may not repeat."""

    name = "busy"
    faults = ("slow",)

    def prepare(self, loop):
        loop.sink.behave({"delay": 0.1})
        for sender in loop.senders:
            sender.pause_s = 0.01

    def during(self, loop, seconds):
        time.sleep(loop.chance.uniform(1.2, 2.5))


class Latency(Mode):
    """Answers of 0 to 2 s, some beyond the timeout of a request."""

    name = "latency"
    faults = ("late",)

    def prepare(self, loop):
        loop.sink.behave({"delay": 2.0, "chance": loop.chance.choice([0.2, 1])})

    def during(self, loop, seconds):
        time.sleep(seconds + loop.chance.choice([0, 0, 1.2]))


class Resets(Mode):
    """Connections end in the middle of a request or of an answer."""

    name = "resets"
    faults = ("cut",)

    def prepare(self, loop):
        loop.sink.behave(loop.chance.choice([{"cut_up": 40_000}, {"cut_down": 1_000},
                                             {"cut_up": 200_000, "cut_down": 3_000}]))


class Outage(Mode):
    """The sink is killed, closes its port or stops in its tracks, and comes back."""

    name = "outage"
    faults = ("cut", "stopped")

    def during(self, loop, seconds):
        time.sleep(seconds / 2)
        away = loop.chance.uniform(0, seconds)
        how = loop.chance.choice(["killed", "closed", "stopped"])
        if how == "killed":
            loop.sink.kill()
            time.sleep(away)
            loop.sink.start(len(loop.lives) - 1)
        elif how == "closed":
            loop.sink.behave({"closed": True})
            time.sleep(away)
            loop.sink.behave({})
        else:
            loop.sink.process.send_signal(signal.SIGSTOP)
            time.sleep(away * 3)
            loop.sink.process.send_signal(signal.SIGCONT)
        if loop.chance.random() < 0.5:
            time.sleep(seconds / 2)


class Refusals(Mode):
    """Every status that gRPC knows, with and without a RetryInfo."""

    name = "refusals"
    faults = tuple(f"code_{code}" for code in range(1, 17))
    words = {2: "Stream removed", 13: "Stream removed", 8: "message too large"}

    def prepare(self, loop):
        code = loop.chance.randint(1, 16)
        loop.sink.behave({
            "code": code,
            "message": loop.chance.choice(["no", self.words.get(code, "not now")]),
            "retry_s": loop.chance.choice([None, 0, 0.02, 0.3, 30]),
            "chance": loop.chance.choice([0.1, 0.5, 1]),
        })


class Partial(Mode):
    """An accepted request of which some records were refused, or are said to have been."""

    name = "partial"
    faults = ("partial",)

    def prepare(self, loop):
        loop.sink.behave({"partial": loop.chance.choice(["lie", "true"]), "chance": 0.7})

    def during(self, loop, seconds):
        time.sleep(seconds)
        if loop.chance.random() < 0.3:
            loop.sink.behave({})
            time.sleep(REPORT_S + 0.2)  # requests under way, then the next report
            loop.compare_refused()


class Half(Mode):
    """The sink keeps half of a request, then fails."""

    name = "half"
    faults = ("half",)

    def prepare(self, loop):
        loop.sink.behave({"half": loop.chance.choice(["code", "cut"]), "chance": 0.4})


class Clock(Mode):
    """CLOCK_REALTIME jumps by hours, forwards and backwards, in a life and between lives.

    It stays where it is for the lives after that.
    """

    name = "clock"

    def jump(self, loop):
        seconds = loop.chance.randint(-CLOCK_JUMP_MAX_S, CLOCK_JUMP_MAX_S)
        with open(loop.clock_file, "r+b") as file:
            file.write(struct.pack("q", seconds * 10**9))

    def prepare(self, loop):
        self.jump(loop)

    def during(self, loop, seconds):
        for _ in range(3):
            time.sleep(seconds / 3)
            self.jump(loop)

    def has_shown(self, loop):
        """The daemon's log is dated in many hours."""
        hours = re.findall(r"^(\d{4}-\d\d-\d\dT\d\d):", loop.daemon.log(), re.M)
        return len(set(hours)) > 4


class FullDisk(Mode):
    """For a while no file takes another byte."""

    name = "disk"
    may_save = False

    def during(self, loop, seconds):
        pid = loop.daemon.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        time.sleep(seconds / 2)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        time.sleep(loop.chance.uniform(0, seconds))
        if loop.chance.random() < 0.7:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
            time.sleep(seconds / 2)

    def has_shown(self, loop):
        return any(sender.refused for sender in loop.senders)


class Stop(Mode):
    """A clean stop."""

    name = "stop"
    ends_cleanly = True

    def has_shown(self, loop):
        return any(life.clean for life in loop.lives[:-1])


class Reload(Mode):
    """SIGHUP with another configuration, under load."""

    name = "reload"

    def during(self, loop, seconds):
        for _ in range(2):
            time.sleep(seconds / 3)
            loop.files.rotate_mib = loop.chance.choice([1, 2, 4])
            loop.write_config()
            os.kill(loop.daemon.process.pid, signal.SIGHUP)
        time.sleep(loop.chance.uniform(0, seconds / 3))

    def has_shown(self, loop):
        return "config.reloaded" in loop.daemon.log()


MODES = {mode.name: mode for mode in (
    Mode(), Busy(), Outage(), Latency(), Resets(), Refusals(), Partial(), Half(), Clock(),
    FullDisk(), Stop(), Reload())}
