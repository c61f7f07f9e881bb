/* SPDX-License-Identifier: Apache-2.0 */
/* safe_path.h -- a path of somebody else's as a text that may be shown and sent.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/slice.h"

/* Writes `path` as UTF-8 that ends with 0: characters that act on a terminal, bytes that are no
 * UTF-8, and backslashes are \xHH, byte by byte.  What does not fit into `size` bytes (at least
 * 8) is cut between characters, and "..." says so. */
void safe_path_write(struct slice path, char *out, size_t size);
