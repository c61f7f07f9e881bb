/* SPDX-License-Identifier: Apache-2.0 */
/* closed_lines.h -- the lines of one closed file of a store, compressed or not, one after another.
 * Implemented in src/store/.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/error.h"
#include "telltale/slice.h"

struct closed_lines;

/* Opens file `name` of directory `dir_fd`.  ST_NOT_FOUND: it is not there. */
MUST_CHECK enum status closed_lines_open(int dir_fd, const char *name, bool is_compressed,
                                         struct closed_lines **ret, struct error *err);
void closed_lines_close(struct closed_lines *lines); /* accepts NULL */

/* The next line, with its '\n', good until the next call.  ST_NOT_FOUND: that was the last one.
 * ST_CORRUPT, ST_LIMIT: the rest cannot be read. */
MUST_CHECK enum status closed_lines_next(struct closed_lines *lines, struct slice *ret,
                                         struct error *err);
