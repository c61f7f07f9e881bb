/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.h -- how far one consumer has read the journal, kept across crashes.
 *
 * The position is a small file that is replaced whole, never edited, so a crash leaves
 * the old position or the new one.  Resuming at the old one sends some records twice;
 * delivery is at least once (docs/ARCHITECTURE.md, invariant 2).
 *
 * Threads: a cursor belongs to the worker thread that opened it.
 */
#pragma once

#include <stdint.h>

#include "telltale/disk_io.h"

struct cursor;

/* Opens cursor `name` in directory `dir_fd`, at record 0 if there is none yet.
 * `io` (NULL: the system's) and `dir_fd` are borrowed until cursor_close(); `name` is copied.  On
 * ST_OK the caller owns *ret.  ST_CORRUPT: the file exists but its checksum is wrong. */
MUST_CHECK enum status cursor_open(const struct disk_io *io, int dir_fd, const char *name,
                                   struct cursor **ret, struct error *err);

/* Sequence number of the next record to deliver; everything below it is done. */
uint64_t cursor_next(const struct cursor *cursor);

/* Makes `next_seq`, never smaller than before, the durable position.  Blocks for two
 * fsyncs: call it per batch, not per record.  On failure the cursor does not move, and
 * after a crash either position may be found. */
MUST_CHECK enum status cursor_advance(struct cursor *cursor, uint64_t next_seq, struct error *err);

/* Frees the cursor without writing.  NULL is allowed. */
void cursor_close(struct cursor *cursor);
