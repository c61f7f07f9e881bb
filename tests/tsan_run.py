#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command, and fails if any program below it had a report of the thread sanitizer.

    tsan_run.py COMMAND ...

The exit code of a daemon that is killed says nothing, and some tests expect it to fail; so the
sanitizer writes its reports to files, and one file is enough.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

SUPPRESSIONS = pathlib.Path(__file__).resolve().parent / "tsan.supp"
RACE_CODE = 66


def main():
    with tempfile.TemporaryDirectory(prefix="tt-tsan-") as home:
        # No color, no wait at the exit: the sanitizer's own threads would have a second to spare.
        options = (f"suppressions={SUPPRESSIONS}:log_path={home}/report:exitcode={RACE_CODE}:"
                   "atexit_sleep_ms=0:second_deadlock_stack=1:detect_deadlocks=1")
        code = subprocess.run(sys.argv[1:], env=os.environ | {"TSAN_OPTIONS": options},
                              check=False).returncode
        reports = [path.read_text(errors="replace") for path in pathlib.Path(home).iterdir()]
    for report in reports:
        print(report)
    if reports:
        print(f"the thread sanitizer reported in {len(reports)} processes", file=sys.stderr)
        return RACE_CODE
    return code


if __name__ == "__main__":
    sys.exit(main())
