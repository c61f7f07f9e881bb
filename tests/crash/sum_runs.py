#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up the reports that runs of kill_loop.py have written with --summary.

    sum_runs.py FILE...

Exit code 0 only if there was a run, and every run passed.
"""

import collections
import json
import sys


def add(total, report, prefix=""):
    """Sums every number of nested objects."""
    for key, value in report.items():
        if isinstance(value, dict):
            add(total, value, f"{prefix}{key}.")
        elif isinstance(value, (int, float)) and key not in ("seed", "passed"):
            total[prefix + key] += value


def main():
    reports = [json.loads(line) for path in sys.argv[1:] for line in open(path)]
    total = collections.Counter()
    for report in reports:
        add(total, report)
    failed = [report["seed"] for report in reports if not report["passed"]]
    print(json.dumps({"runs": len(reports), "failed_seeds": failed, **total}, indent=2))
    return 0 if reports and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
