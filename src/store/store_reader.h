/* SPDX-License-Identifier: Apache-2.0 */
/* store_reader.h -- the lines of a forensic store, in the order of writing, while its writer goes
 * on (include/telltale/store_file.h says what stands in a store).
 *
 * Files may be closed, compressed and deleted between being listed, opened and read; no line is
 * missed or given twice for that.  Only lines that retention deleted before they were reached are
 * gone.  Memory does not depend on the size of files, only on that of the longest line.
 *
 * Threads: a reader belongs to the thread that opened it.  It locks no file and writes nothing.
 * Where an index tells frames apart, threads of its own decompress them (frame_pool.h).
 */
#pragma once

#include "store/store_plan.h"
#include "telltale/error.h"
#include "telltale/slice.h"

struct store_reader;

struct store_reader_options {
    uint64_t not_before_unix_s; /* closed files without an index that were last written before
                                   are passed over */
    size_t line_size_max;       /* 0: STORE_LINE_SIZE_MAX */
    size_t last_files;          /* only so many closed files, the last ones, and the active one; 0:
                                   all */
    const struct store_plan *plan; /* borrowed; lines that it does not take are passed over; NULL */
    unsigned thread_count;         /* that take frames apart; 0: as many as there are processors, 1:
                                      only the reader's own */
    /* Called after each part of a file that was read, however few lines of it are given; false ends
     * the reading.  May be NULL. */
    bool (*on_step)(void *context, struct store_reader *reader);
    /* Called for a closed file that has an index, and of which the plan takes every record.  ST_OK:
     * the file is passed over; ST_NOT_FOUND: it is read.  May be NULL. */
    enum status (*on_index)(void *context, const struct store_index *index, struct error *err);
    void *context;
};

struct store_line {
    struct slice text; /* without its '\n'; borrowed until the next call */
    const char *file;  /* name within the store; borrowed until the next call */
    uint64_t number;   /* of the line in that file, from 1 */
};

/* Opens the store in directory `path`; `options` may be NULL.  ST_NOT_FOUND: no such directory. */
MUST_CHECK enum status store_reader_open(const char *path,
                                         const struct store_reader_options *options,
                                         struct store_reader **ret, struct error *err);

/* Gives the next line.
 *
 *   ST_AGAIN    that was all, for now: what is written later comes with later calls
 *   ST_LIMIT    a line is too long; the next call goes on behind it
 *   ST_CORRUPT  a file is damaged; the next call goes on with its next whole frame, if it is
 *               compressed (line numbers count what could be read), or with the next file
 *   ST_IO       the next call tries again where this one failed
 *   ST_STOPPING on_step wants no more
 *
 * The message names file and line.  A torn last line of the active file is no damage: it is not
 * given until it is whole. */
MUST_CHECK enum status store_reader_next(struct store_reader *reader, struct store_line *ret,
                                         struct error *err);

/* How far it is, in bytes on the disk. */
struct store_progress {
    uint64_t done_bytes;    /* read, or passed over */
    uint64_t skipped_bytes; /* of these passed over unread */
    uint64_t total_bytes;   /* of what the store had at the first call */
    const char *file;       /* that is open, or was last; borrowed until the next line */
};

/* The first call looks at each file of the store. */
void store_reader_progress(struct store_reader *reader, struct store_progress *ret);

/* Whether there were more files than options.last_files. */
bool store_reader_is_partial(const struct store_reader *reader);

/* NULL is allowed. */
void store_reader_close(struct store_reader *reader);
