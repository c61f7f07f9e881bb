/* SPDX-License-Identifier: Apache-2.0 */
/* file_io.h -- lines of a file, read from its ends.
 *
 * Threads: none of its own.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/disk_io.h"
#include "telltale/slice.h"

/* Writes all of `data` at `offset`. */
MUST_CHECK enum status file_write_at(const struct disk_io *io, int fd, struct slice data,
                                     uint64_t offset, struct error *err);

/* Where the last whole line of the first `size` bytes ends: the offset behind its '\n', 0 when
 * there is none. */
MUST_CHECK enum status file_find_line_end(const struct disk_io *io, int fd, uint64_t size,
                                          uint64_t *ret, struct error *err);

/* Puts the line that ends at offset `end` (behind its '\n') into `line`, with its '\n'.
 * ST_LIMIT: it does not fit. */
MUST_CHECK enum status file_read_last_line(const struct disk_io *io, int fd, uint64_t end,
                                           struct buf *line, struct error *err);

/* Puts the first line of the file, with its '\n', into `line`.  ST_NOT_FOUND: there is none. */
MUST_CHECK enum status file_read_first_line(const struct disk_io *io, int fd, struct buf *line,
                                            struct error *err);
