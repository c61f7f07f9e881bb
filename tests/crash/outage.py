#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A destination is down while gibibytes are journaled, then it comes up.

All must be delivered, in order, and once; the daemon's memory must stay small in both phases; the
local files beside it must keep up, and have everything once too; and the journal's space must be
given back.

    outage.py [--mib 5120] [--rate 40] [--home DIR] [--keep]

The rate is in MiB a second, one that the files can follow; 0 is as fast as the daemon takes them.
Prints a report as JSON.  Exit code 0 only if all of it held.  The directory is on the disk of
TMPDIR and takes twice the size.  Set TELLTALE_BIN to the folder of the binaries.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
from support import store  # noqa: E402
from support.daemon import BIN, ROOT, Daemon, quiet_port  # noqa: E402

MEMORY_MAX_KIB = 64 * 1024
MEMORY_SANITIZED_MAX_KIB = 512 * 1024  # the sanitizers' own needs are most of it
SAMPLE_S = 0.1
REPORT_S = 0.6  # the daemon's figures are made anew twice a second
STALL_TIMEOUT_S = 60
FILES_BEHIND_MAX_S = 10  # how long the local files may need when the load has ended
SEGMENTS_LEFT_MAX = 4  # of the journal, when all is delivered
NUMBER_IN_JSON = re.compile(rb'"test\.sequence","value":\{"intValue":"?([0-9]+)')
FILES, SINK = "file/forensic", "otlp_grpc/sink"


def config(port):
    # In the journal's order only with one request at a time, if there may be more.
    known = (ROOT / "docs" / "CONFIGURATION.md").read_text()
    in_order = "requests_in_flight_max: 1, " if "`requests_in_flight_max`" in known else ""
    return (f"{FILES}: {{}}\n"
            f"{SINK}: {{ endpoint: '127.0.0.1:{port}', compression: none, {in_order}"
            f"retry: {{ initial: 50ms, max: 1s }} }}\n")


class MemorySampler(threading.Thread):
    """The largest resident size since it was last asked, and the kernel's own peak."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path = pathlib.Path(f"/proc/{pid}/status")
        self.largest = 0
        self.peak = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(SAMPLE_S):
            values = dict(line.split(":", 1) for line in self.path.read_text().splitlines())
            self.largest = max(self.largest, int(values["VmRSS"].split()[0]))
            self.peak = int(values["VmHWM"].split()[0])

    def take(self):
        largest, self.largest = self.largest, 0
        return largest


class OrderedSink:
    """ordered_load receive, in a process of its own."""

    def __init__(self, port):
        self.process = subprocess.Popen(
            [str(BIN / "ordered_load"), "receive", f"127.0.0.1:{port}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def look(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def lag(daemon, name):
    return daemon.metric("exporter_lag_records", f'exporter="{name}"')


def disk_bytes(directory):
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


def send(daemon, mib, rate):
    """Gives back how many were acknowledged, and the most that the files were behind."""
    load = subprocess.Popen(
        [str(BIN / "ordered_load"), "send", str(daemon.socket_path), str(mib), str(rate)],
        stdout=subprocess.PIPE, text=True)
    most = 0
    while load.poll() is None:
        time.sleep(1)
        most = max(most, lag(daemon, FILES))
    acknowledged = int(load.stdout.read())
    assert load.returncode == 0, f"the load failed after {acknowledged} events"
    return acknowledged, most


def wait_for_files(daemon):
    """Seconds until the files have everything."""
    start = time.monotonic()
    time.sleep(REPORT_S)
    while lag(daemon, FILES) > 0 and time.monotonic() < start + STALL_TIMEOUT_S:
        time.sleep(0.1)
    return time.monotonic() - start


def receive(daemon, sink, wanted):
    """Gives back what the sink has when it has all, or when for a while nothing has come."""
    newest, since = -1, time.monotonic()
    while True:
        seen = sink.look()
        if seen["count"] != newest:
            newest, since = seen["count"], time.monotonic()
        if newest >= wanted or time.monotonic() > since + STALL_TIMEOUT_S:
            return seen
        assert daemon.process.poll() is None, daemon.log()[-3000:]
        time.sleep(0.1)


def read_files(directory):
    """What the files hold, in the words of the sink."""
    seen = {"count": 0, "last": 0, "skipped": 0, "out_of_order": 0}
    for line in store.stream_lines(directory):
        match = NUMBER_IN_JSON.search(line)
        if match is None:
            continue  # one of the daemon's own records
        number = int(match.group(1))
        seen["count"] += 1
        if number <= seen["last"]:
            seen["out_of_order"] += 1
            continue
        seen["skipped"] += number - seen["last"] - 1
        seen["last"] = number
    return seen


def wait_small(journal, size):
    """Space is given back by whole segments, shortly after the last delivery."""
    deadline = time.monotonic() + STALL_TIMEOUT_S
    while disk_bytes(journal) > size and time.monotonic() < deadline:
        time.sleep(0.1)
    return disk_bytes(journal)


def run(home, mib, rate):
    port = quiet_port()
    segment_mib = 64 if mib >= 1024 else 4
    daemon = Daemon(home, config(port), receivers="unix: { max_event_size: 1MiB }",
                    journal=f"max_size: {mib * 2}MiB\nsegment_size: {segment_mib}MiB")
    journal = daemon.state / "journal"
    report = {"mib": mib, "journal_segment_mib": segment_mib}
    with daemon:
        memory = MemorySampler(daemon.process.pid)
        memory.start()
        start = time.monotonic()
        report["acknowledged"], report["files_behind_records_max"] = send(daemon, mib, rate)
        report["down_s"] = round(time.monotonic() - start, 1)
        report["files_behind_s"] = round(wait_for_files(daemon), 1)
        report["down_resident_max_kib"] = memory.take()
        report["sink_behind_records"] = lag(daemon, SINK)
        report["journal_full_mib"] = disk_bytes(journal) >> 20
        sink = OrderedSink(port)
        try:
            start = time.monotonic()
            report["sink"] = receive(daemon, sink, report["acknowledged"])
            report["up_s"] = round(time.monotonic() - start, 1)
            report["up_resident_max_kib"] = memory.take()
            left = wait_small(journal, SEGMENTS_LEFT_MAX * segment_mib << 20)
            report["journal_left_mib"] = round(left / (1 << 20), 1)
            memory.stopping.set()
            memory.join()
            report["peak_resident_kib"] = memory.peak
            report["stop_code"] = daemon.stop()
        finally:
            sink.stop()
    report["files"] = read_files(daemon.state / "store")
    return report


def broken(report):
    """The promises that did not hold."""
    wanted = report["acknowledged"]
    program = (BIN / "telltaled").read_bytes()
    is_sanitized = any(mark in program for mark in (b"__asan_init", b"__tsan_init"))
    memory = MEMORY_SANITIZED_MAX_KIB if is_sanitized else MEMORY_MAX_KIB
    checks = {
        # What the daemon says of itself is up to half a second old.
        "the sink was not away": report["sink_behind_records"] < 0.9 * wanted,
        "too much memory": report["peak_resident_kib"] > memory,
        "the files did not keep up": report["files_behind_s"] > FILES_BEHIND_MAX_S,
        "the journal keeps its space":
            report["journal_left_mib"] > SEGMENTS_LEFT_MAX * report["journal_segment_mib"],
        "it did not stop cleanly": report["stop_code"] != 0,
    }
    for place in ("sink", "files"):
        seen = report[place]
        checks[f"lost: {place}"] = seen["last"] != wanted or seen["skipped"] > 0
        checks[f"twice or out of order: {place}"] = seen["out_of_order"] > 0
    return [what for what, is_broken in checks.items() if is_broken]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mib", type=int, default=5120)
    parser.add_argument("--rate", type=int, default=40, help="MiB a second; 0: as fast as it goes")
    parser.add_argument("--home", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="leave the directory for a look")
    options = parser.parse_args()
    home = options.home or pathlib.Path(tempfile.mkdtemp(prefix="telltale-outage-"))
    home.mkdir(parents=True, exist_ok=True)
    try:
        report = run(home, options.mib, options.rate)
    finally:
        if not options.keep:
            shutil.rmtree(home)
    report["broken"] = broken(report)
    print(json.dumps(report, indent=2))
    return 1 if report["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
