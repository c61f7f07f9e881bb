/* SPDX-License-Identifier: Apache-2.0 */
/* ordered.h -- lines in order of time, while only the first ones are kept: memory depends on how
 * many are asked for, not on how many are read.
 *
 * Threads: one owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/error.h"
#include "telltale/slice.h"

enum { ORDERED_COUNT_MAX = 1000000 };
#define ORDERED_SIZE_MAX ((size_t)256 << 20)

struct ordered;

/* Keeps `count_max` lines, the earliest or the latest.  ST_NO_MEMORY. */
MUST_CHECK enum status ordered_create(size_t count_max, bool latest_first, struct ordered **ret,
                                      struct error *err);
void ordered_destroy(struct ordered *ordered); /* accepts NULL */

/* Copies the line, unless all that are kept come before it.  Of one time, what was added first is
 * earlier.  ST_NO_MEMORY: also when all lines together are over ORDERED_SIZE_MAX. */
MUST_CHECK enum status ordered_add(struct ordered *ordered, uint64_t unix_ns, struct slice line,
                                   struct error *err);

/* How many were added. */
uint64_t ordered_seen(const struct ordered *ordered);

/* Puts those that are kept in order; nothing can be added any more.  Returns how many. */
size_t ordered_finish(struct ordered *ordered);
/* Borrowed from `ordered`. */
struct slice ordered_line(const struct ordered *ordered, size_t index);
