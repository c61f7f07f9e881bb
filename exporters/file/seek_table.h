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

/* One frame as a table tells of it. */
struct seek_table_frame {
    uint32_t compressed_size;
    uint32_t size;
};

enum { SEEK_TABLE_SIZE_MAX = 64 << 20 };

/* Puts the table of the compressed file `fd` of `size` bytes, the whole skippable frame, into
 * `table`.  ST_CORRUPT: there is none; ST_LIMIT: it is too large. */
MUST_CHECK enum status seek_table_read(const struct disk_io *io, int fd, uint64_t size,
                                       struct buf *table, size_t *ret_frame_count,
                                       struct error *err);

/* Frame `number`, from 0, of a whole table. */
struct seek_table_frame seek_table_frame(const struct buf *table, size_t number);

/* Puts the last line of the compressed file `fd` of `size` bytes, with its '\n', into `line`,
 * reading one frame.  ST_CORRUPT: no seek table, or not the frame it tells of. */
MUST_CHECK enum status seek_table_read_last_line(const struct disk_io *io, int fd, uint64_t size,
                                                 struct buf *line, struct error *err);
