/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_line.h -- the lines of checkpoints.jsonl: when a checkpoint was made, and the note.
 * Implemented in src/integrity/; line_file.h reads and appends them.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

#define STORE_CHECKPOINTS_NAME "checkpoints.jsonl"

/* Appends a line with its '\n'. */
MUST_CHECK enum status checkpoint_line_put(uint64_t unix_ns, struct slice note, struct buf *out,
                                           struct error *err);

/* Reads a line without its '\n'; the note's bytes are put into `note`, which is cleared first.
 * ST_INVALID: it is none.  Says nothing of the note's signatures. */
MUST_CHECK enum status checkpoint_line_read(struct slice line, uint64_t *ret_unix_ns,
                                            struct buf *note, struct error *err);
