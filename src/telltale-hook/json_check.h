/* SPDX-License-Identifier: Apache-2.0 */
/* json_check.h -- whether bytes can stand within a line of the Unix protocol as they are.
 *
 * Stricter than JSON, so that what passes here is never refused by the daemon: one line, one
 * object and nothing around it, UTF-8, whole surrogate pairs, numbers of an ordinary size, nested
 * no deeper than the daemon follows.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "telltale/slice.h"

/* Below the daemon's JSON_SKIP_DEPTH_MAX by what the line puts around it. */
enum { JSON_CHECK_DEPTH_MAX = 500 };

bool json_is_plain_object(struct slice bytes);
