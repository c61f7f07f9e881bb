#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No block of twelve lines stands in two places.

Comments, blank lines, includes and lone punctuation do not count, white space is folded.
Usage: check_duplicates.py [ROOT].  Exit code 1 if a block stands twice.
"""

import pathlib
import re
import sys

BLOCK_LINES = 12
FOLDERS = ("src", "include", "exporters", "tests/support")


def significant_lines(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)
    for number, line in enumerate(text.split("\n"), 1):
        line = re.sub(r"//.*", "", line)
        line = " ".join(line.split())
        if line.startswith("#include") or not re.search(r"\w", line):
            continue
        yield number, line


def duplicates(root):
    seen = {}
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            lines = list(significant_lines(path.read_text()))
            quiet_until = 0
            for i in range(len(lines) - BLOCK_LINES + 1):
                block = tuple(text for _, text in lines[i : i + BLOCK_LINES])
                first = seen.setdefault(block, (path, lines[i][0]))
                if first != (path, lines[i][0]) and i >= quiet_until:
                    found.append(f"{path}:{lines[i][0]} repeats {first[0]}:{first[1]}")
                    quiet_until = i + BLOCK_LINES
    return found


def main():
    found = duplicates(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
