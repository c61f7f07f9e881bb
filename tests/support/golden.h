/* SPDX-License-Identifier: Apache-2.0 */
/* golden.h -- output that is compared with a file of the tree.
 *
 * UPDATE_GOLDEN=1 in the environment writes the file instead; `git diff` then shows what
 * changed. */
#pragma once

#include "telltale/slice.h"

/* Fails the test, and says where they part, when `path` is not exactly `actual`. */
void golden_check(const char *path, struct slice actual);

/* The whole file, in memory that the caller frees; fails the test when it cannot be read. */
struct slice golden_read(const char *path);
