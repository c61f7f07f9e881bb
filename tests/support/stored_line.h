/* SPDX-License-Identifier: Apache-2.0 */
/* stored_line.h -- lines of a store that are read and written again. */
#pragma once

#include "store/store_record.h"
#include "telltale/buf.h"

/* Reads `line` and appends to `out` each of its records as a line of its own.  *ret_count: how
 * many there were. */
MUST_CHECK enum status stored_line_again(struct store_record *reader, struct slice line,
                                         struct buf *out, size_t *ret_count, struct error *err);

/* Whether `line` reads as one record that encodes to the same bytes. */
bool stored_line_is_stable(struct store_record *reader, struct slice line);
