/* SPDX-License-Identifier: Apache-2.0 */
/* seek_table.h -- the index at the end of a file in the zstd seekable format: where its frames,
 * which are independent of each other, begin.
 *
 * Threads: none of its own.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/disk_io.h"

/* Appends the entry of one frame to the table under construction. */
MUST_CHECK enum status seek_table_add(struct buf *table, uint64_t compressed_size, uint64_t size,
                                      struct error *err);

/* Turns the entries that were added into the whole skippable frame. */
MUST_CHECK enum status seek_table_finish(struct buf *table, struct error *err);

/* Puts the last line of the compressed file `fd` of `size` bytes, with its '\n', into `line`,
 * reading one frame.  ST_CORRUPT: no seek table, or not the frame it tells of. */
MUST_CHECK enum status seek_table_read_last_line(const struct disk_io *io, int fd, uint64_t size,
                                                 struct buf *line, struct error *err);
