#!/bin/sh
# clang-tidy has nothing to say about the sources, as configured in .clang-tidy.
# Usage: tidy.sh ROOT BUILD, where BUILD holds compile_commands.json and the generated headers.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$1"
tidy=$(command -v clang-tidy-14 || command -v clang-tidy)
# What it counts in headers that are not ours goes to stderr, with the rest that is no finding.
find src exporters -name '*.c' | sort |
    xargs -P "$(nproc)" -n 8 "$tidy" --quiet -p "$2" --warnings-as-errors='*' 2>"$2/tidy.log" || {
    grep -v 'warnings\? generated\|treated as error' "$2/tidy.log" >&2
    exit 1
}
