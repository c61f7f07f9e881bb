#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The power loss tests, where a disk that forgets can be mounted; elsewhere exit code 75.

    run.py [--cuts N] [--seed N] [pytest's options]

Set TELLTALE_BIN to the folder of the binaries.
"""

import argparse
import os
import pathlib
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SKIP_CODE = 75
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

import forgetful  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cuts", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="tt-power-") as home:
        reason = forgetful.why_not(home)
    if reason is not None:
        print(f"skipped: {reason}")
        return SKIP_CODE
    os.environ["POWER_CUTS"] = str(options.cuts)
    os.environ["POWER_SEED"] = str(options.seed)
    return pytest.main(["-q", "-p", "no:cacheprovider", *rest, str(HERE)])


if __name__ == "__main__":
    sys.exit(main())
