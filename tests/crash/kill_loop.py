#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the daemon again and again under load, and asks afterwards for what it acknowledged.

Producers keep an account of every acknowledged id outside the daemon.  An OTLP/gRPC sink in a
process of its own keeps a ledger of every id that it got, synced before it answers.  In between
everything else goes wrong (modes.py).  After the last start nothing that was acknowledged may be
missing, at the sink or in the local files; the files hold everything once; and what the sink got
twice must be what a crash may repeat (ledger.py).

    kill_loop.py --kills 200 [--seed 1] [--mode NAME]... [--home DIR] [--keep] [--summary FILE]

Each life has a mode, and one in five another one besides, chosen at random from those named with
--mode, or from all.  Exit code 0 only if every promise held.  The seed makes the choices the same
again; the moments of a crash are the machine's.  Set TELLTALE_BIN to the folder of the binaries.
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import ledger  # noqa: E402
import modes  # noqa: E402
import producers  # noqa: E402
import sinks  # noqa: E402
from support.daemon import BIN, Daemon, quiet_port, wait_until  # noqa: E402

READY_TIMEOUT_S = 120
STALL_TIMEOUT_S = 60
COUNT_TIMEOUT_S = 10
PROGRESS_EVERY = 50
MODE_SEEN_LIVES = 15  # a mode of so many lives must have had its effect
JOURNAL = "segment_size: 1MiB\nmax_size: 512MiB\n"
RECEIVERS = "unix: { max_event_size: 512KiB }"
EXTRA = "shutdown: { drain_timeout: 1s }\n"


class Loop:
    """One run; modes reach for its `daemon`, `sink`, `files`, `clock_file` and `chance`."""

    def __init__(self, home, seed, wanted):
        self.chance = random.Random(seed)
        self.seed = seed
        self.wanted = [modes.MODES[name] for name in wanted]
        self.lives = []
        self.senders = []
        self.findings = ledger.Findings()
        self.mode_lives = collections.Counter()
        self.refused_compared = collections.Counter()
        self.destinations = sinks.make_all(home, self.lives)
        self.sink, self.files = self.destinations[:2]
        self.clock_file = home / "clock"
        self.clock_file.write_bytes(bytes(8))
        wrapper = ("env", f"LD_PRELOAD={BIN.resolve() / 'shifted_clock.so'}",
                   f"SHIFTED_CLOCK={self.clock_file}", "ASAN_OPTIONS=verify_asan_link_order=0")
        self.daemon = Daemon(home, http_port=quiet_port(), receivers=RECEIVERS, wrapper=wrapper)

    def write_config(self):
        life = len(self.lives) - 1
        self.daemon.write_config("".join(d.config(life) for d in self.destinations), JOURNAL,
                                 EXTRA)

    # --- One life -------------------------------------------------------------------------------

    def begin_life(self):
        self.lives.append(ledger.Life())
        self.write_config()

    def choose_modes(self):
        count = 2 if self.chance.random() < 0.2 else 1
        chosen = self.chance.sample(self.wanted, min(count, len(self.wanted)))
        self.mode_lives.update(mode.name for mode in chosen)
        return chosen

    def live(self):
        chosen = self.choose_modes()
        self.begin_life()
        self.lives[-1].may_save = all(mode.may_save for mode in chosen)
        if self.sink.behaviour:
            self.sink.behave({})
        for sender in self.senders:
            sender.pause_s = producers.PAUSE_S
        for mode in chosen:
            mode.prepare(self)
        self.daemon.start(wait=False)
        if self.chance.random() < 0.2:  # it may not even be ready
            time.sleep(self.chance.uniform(0.005, 0.3))
            self.end(cleanly=False)
            return
        wait_until(self.daemon.is_ready, READY_TIMEOUT_S, "ready")
        seconds = self.chance.uniform(0.1, 0.5)
        for mode in chosen:
            mode.during(self, seconds / len(chosen))
        self.end(any(mode.ends_cleanly for mode in chosen))

    def end(self, cleanly):
        assert self.daemon.process.poll() is None, f"ended by itself:\n{self.daemon.log()[-3000:]}"
        life = self.lives[-1]
        if cleanly:
            code = self.daemon.stop()
            life.clean = code == 0
            if code != 0:
                self.findings.add("a stop that failed", f"life {len(self.lives) - 1}: code {code}")
        life.end = time.monotonic()
        if not cleanly:
            self.daemon.kill()

    def compare_refused(self):
        """The daemon's figure of this life against what the sink has said; an answer that was
        not heard comes again and is said twice."""
        number = len(self.lives) - 1
        if self.sink.started_in_life == number:
            return  # it does not know what it had said before
        labels = 'exporter="otlp_grpc/sink"'
        deadline = time.monotonic() + COUNT_TIMEOUT_S
        said, counted, retries = 1, 0, 0
        while counted < said and retries == 0 and time.monotonic() < deadline:
            said = self.sink.refused_within(number)
            counted = self.daemon.metric("exporter_rejected_records_total", labels)
            retries = self.daemon.metric("exporter_retries_total", labels)
        self.refused_compared["lives"] += 1
        self.refused_compared["records"] += said
        if counted > said or (counted < said and retries == 0):
            self.findings.add("records refused inside requests were miscounted",
                              f"life {number}: {counted} counted, {said} said")

    # --- The whole ------------------------------------------------------------------------------

    def settle(self):
        """Waits until no destination has anything left to do, or for a while nothing moves."""
        least, since = float("inf"), time.monotonic()
        time.sleep(2 * modes.REPORT_S)  # a report that knows of the last event
        while (lag := self.daemon.metric("exporter_lag_records")) > 0:
            if lag < least:
                least, since = lag, time.monotonic()
            if time.monotonic() > since + STALL_TIMEOUT_S:
                self.findings.add("delivery stands still", f"{lag} records left")
                return
            assert self.daemon.process.poll() is None, self.daemon.log()[-3000:]
            time.sleep(0.5)

    def run(self, kills):
        for destination in self.destinations:
            destination.start(life=0)
        self.senders = producers.start_all(self.daemon, self.seed)
        try:
            for n in range(1, kills + 1):
                self.live()
                if n % PROGRESS_EVERY == 0:
                    print(f"  {n} kills, {sum(p.sent for p in self.senders)} events sent",
                          file=sys.stderr, flush=True)
            for sender in self.senders:
                sender.stopping.set()
            self.begin_life()
            self.sink.behave({})
            self.daemon.start()
            for sender in self.senders:
                sender.join(60)
            self.settle()
            self.end(cleanly=True)
        finally:
            if self.daemon.process is not None and self.daemon.process.poll() is None:
                self.daemon.kill()
            for destination in self.destinations:
                destination.stop()
        return self.report(kills)

    def check_modes(self):
        """A mode that did nothing proves nothing."""
        for mode in self.wanted:
            if self.mode_lives[mode.name] >= MODE_SEEN_LIVES and not mode.has_shown(self):
                self.findings.add("a mode without effect", mode.name)

    def report(self, kills):
        acked = {sender.name: sender.acked for sender in self.senders}
        sent = {sender.name: sender.sent for sender in self.senders}
        for destination in self.destinations:
            destination.check(acked, sent)
        self.check_modes()
        for sender in self.senders:
            for wrong in sender.wrong:
                self.findings.add("an answer that is wrong", f"{sender.name}: {wrong}")
        acknowledged = sum(sum(numbers) for numbers in acked.values())
        if acknowledged < kills:
            self.findings.add("nothing to look for", f"{acknowledged} acknowledged")
        found, examples = collections.Counter(), {}
        for findings in (self.findings, *(d.findings for d in self.destinations)):
            found.update(findings)
            examples.update(findings.examples)
        return {
            "passed": not found,
            "kills": kills - sum(life.clean for life in self.lives[:kills]),
            "clean_stops": sum(life.clean for life in self.lives),
            "seed": self.seed,
            "modes": dict(self.mode_lives),
            "sent": sum(sent.values()),
            "acknowledged": acknowledged,
            "refused": sum(sender.refused for sender in self.senders),
            "findings": dict(found),
            "examples": examples,
            "refused_within_compared": dict(self.refused_compared),
            **{d.name: d.summary() for d in self.destinations},
        }


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", action="append", choices=[*modes.MODES, "all"],
                        help="may be repeated; all of them when absent")
    parser.add_argument("--home", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="leave the directory for a look")
    parser.add_argument("--summary", type=pathlib.Path, help="appends the report, as one line")
    return parser.parse_args()


def main():
    options = read_options()
    wanted = options.mode or ["all"]
    wanted = list(modes.MODES) if "all" in wanted else wanted
    home = options.home or pathlib.Path(tempfile.mkdtemp(prefix="telltale-kill-"))
    home.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    try:
        result = Loop(home, options.seed, wanted).run(options.kills)
    except BaseException:
        print(f"left for a look: {home}", file=sys.stderr)
        raise
    result["seconds"] = round(time.monotonic() - start)
    print(json.dumps(result, indent=2))
    if options.summary:
        with open(options.summary, "a") as summary:
            summary.write(json.dumps(result) + "\n")
    if options.keep or not result["passed"]:
        print(f"kept: {home}", file=sys.stderr)
    else:
        shutil.rmtree(home)
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
