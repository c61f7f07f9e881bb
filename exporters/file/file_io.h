/* SPDX-License-Identifier: Apache-2.0 */
/* file_io.h -- reading and writing at positions, and lines of a file from its ends.
 *
 * Threads: none of its own.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

/* Writes all of `data` at `offset`, retrying after EINTR and short writes. */
MUST_CHECK enum status file_write_at(int fd, struct slice data, uint64_t offset, struct error *err);

/* Reads until `size` bytes or the end of the file; *ret_got says how many. */
MUST_CHECK enum status file_read_at(int fd, void *data, size_t size, uint64_t offset,
                                    size_t *ret_got, struct error *err);

/* Where the last whole line of the first `size` bytes ends: the offset behind its '\n', 0 when
 * there is none. */
MUST_CHECK enum status file_find_line_end(int fd, uint64_t size, uint64_t *ret, struct error *err);

/* Puts the line that ends at offset `end` (behind its '\n') into `line`, with its '\n'.
 * ST_LIMIT: it does not fit. */
MUST_CHECK enum status file_read_last_line(int fd, uint64_t end, struct buf *line,
                                           struct error *err);

/* Puts the first line of the file, with its '\n', into `line`.  ST_NOT_FOUND: there is none. */
MUST_CHECK enum status file_read_first_line(int fd, struct buf *line, struct error *err);
