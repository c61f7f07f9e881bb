/* SPDX-License-Identifier: Apache-2.0 */
/* frame_writer.h -- writes lines into a new closed file, plain or as independent zstd frames with
 * the seek table behind them (seek_table.h).
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <zstd.h>

#include "telltale/buf.h"
#include "telltale/disk_io.h"
#include "telltale/hash.h"

struct frame_writer {
    const struct disk_io *io; /* borrowed */
    int fd;                   /* -1: not open */
    ZSTD_CCtx *context;       /* owned; NULL: plain */
    uint64_t offset;          /* written */
    uint64_t frame_offset;    /* where the present frame begins */
    uint64_t frame_size;      /* its lines, uncompressed */
    struct buf table;
    struct buf output;
    struct hasher hasher; /* of all that was written */
};

/* Makes file `name` in directory `dir_fd`, in place of one that is there.  `level` 0: plain. */
MUST_CHECK enum status frame_writer_open(struct frame_writer *writer, const struct disk_io *io,
                                         int dir_fd, const char *name, int level,
                                         struct error *err);
void frame_writer_close(struct frame_writer *writer); /* accepts one that was never open */

/* Adds a line, with its '\n'. */
MUST_CHECK enum status frame_writer_add(struct frame_writer *writer, struct slice line,
                                        struct error *err);

/* Ends the file, which has a line at least, and makes it durable with `written_unix_s` as its time.
 * *ret_sha256 is that of its bytes, writer->offset their number. */
MUST_CHECK enum status frame_writer_finish(struct frame_writer *writer, uint64_t written_unix_s,
                                           struct hash *ret_sha256, struct error *err);
