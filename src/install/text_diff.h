/* SPDX-License-Identifier: Apache-2.0 */
/* text_diff.h -- how two texts differ, line by line, as a unified diff without numbers.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

/* Appends lines that begin with ' ', '-' or '+': the changed ones with three around them, "..."
 * where some are left out.  Texts of very many lines are compared as one piece between their equal
 * beginnings and ends. */
MUST_CHECK enum status text_diff_append(struct slice before, struct slice after, struct buf *out,
                                        struct error *err);
