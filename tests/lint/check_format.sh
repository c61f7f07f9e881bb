#!/bin/sh
# Every C file is as clang-format would write it, and says its licence on its first line.
# Usage: check_format.sh ROOT
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$1"
files=$(find src include exporters tests -name '*.[ch]' | sort)
failed=0
for file in $files; do
    head -1 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || {
        echo "$file: its first line names no licence"
        failed=1
    }
done
# shellcheck disable=SC2086
clang-format --dry-run --Werror $files || failed=1
exit $failed
