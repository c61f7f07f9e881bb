/* SPDX-License-Identifier: Apache-2.0 */
/* rfc3339.h -- times as people and agents write them: 2026-11-20T17:46:40.123456789+01:00.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "telltale/slice.h"

/* Nanoseconds since 1970.  The fraction may have any number of digits, those behind the ninth
 * are cut off; 'T' and 'Z' may be small, a space may stand for 'T'; second 60 is the one after
 * 59.  False: not such a time, or outside of what 64 bits hold (1970 to 2554). */
bool rfc3339_read(struct slice text, uint64_t *ret_unix_ns);
