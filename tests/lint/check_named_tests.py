#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every promise of docs/GUARANTEES.md, or trap of tests/TRAPS.md, names a test, and it is there.

Usage: check_named_tests.py ROOT PAGE.  A promise is a row of a table whose last column is "Test".
Its tests are code spans: a path below tests/, then the functions in it that are meant.  Prints each
that is missing; exit code 1 if any is.
"""

import pathlib
import re
import sys

SPAN = re.compile(r"`([^`]+)`")


def rows(text):
    """(line number, last cell) of each row of a table about tests."""
    is_about_tests = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            is_about_tests = False
            continue
        last = line.strip().strip("|").split("|")[-1].strip()
        if last == "Test":
            is_about_tests = True
        elif is_about_tests and set(last) - set("-: "):
            yield number, last


def problems(root, page):
    text = (root / page).read_text()
    count = 0
    for number, cell in rows(text):
        source = None
        for span in SPAN.findall(cell):
            if "/" in span:
                path = root / "tests" / span
                source = path.read_text() if path.is_file() else None
                count += source is not None
                if source is None:
                    yield f"{page}:{number}: no file tests/{span}"
            elif source is not None and not re.search(rf"\b{re.escape(span)}\(", source):
                yield f"{page}:{number}: no {span} in that file"
        if not SPAN.search(cell):
            yield f"{page}:{number}: a promise without a test"
    if count == 0:
        yield f"{page}: no promise was found at all"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]), sys.argv[2]))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
