/* SPDX-License-Identifier: Apache-2.0 */
/* segment_writer.h -- the segment that is being written.
 *
 * Frames batches in place and writes them without copying.  What it has written is no promise
 * before segment_writer_sync(); after any failure the segment must be closed, and the records
 * that were not committed go to another one.
 *
 * Threads: the journal's.
 */
#pragma once

#include "journal/append_layout.h"
#include "journal/frame.h"
#include "journal/journal_dir.h"

enum {
    WRITE_BATCHES_MAX = 256,                     /* one system call */
    SEGMENT_GROUPS_MAX = 64 << 10,               /* then the segment is closed; bounds readers */
    WRITE_PARTS_MAX = 1 + WRITE_BATCHES_MAX * 2, /* groups; records and padding of each */
};

struct segment_writer {
    struct journal_dir *dir; /* borrowed */
    int fd;                  /* -1: no segment is open */
    uint64_t first_sequence;
    uint32_t salt;
    uint64_t position;                   /* where the next frame goes */
    uint64_t committed;                  /* synced up to here */
    struct group_table known;            /* groups that the segment holds, or the last of them */
    uint32_t known_base;                 /* the number of known's first */
    uint32_t numbers[APPEND_GROUPS_MAX]; /* of the groups of the batch at hand */
    struct buf group_frames;             /* new groups of the write at hand */
    struct iovec parts[WRITE_PARTS_MAX];
};

void segment_writer_init(struct segment_writer *writer, struct journal_dir *dir);
void segment_writer_fini(struct segment_writer *writer);

static inline bool segment_writer_is_open(const struct segment_writer *writer)
{
    return writer->fd >= 0;
}

/* Makes the segment that begins with `first_sequence`, replacing one of that name, which then
 * holds no committed record.  On ST_OK it is durable under its name.  `preallocate` bytes are
 * asked for; not getting them is no failure. */
MUST_CHECK enum status segment_writer_create(struct segment_writer *writer, uint64_t first_sequence,
                                             uint64_t previous_sequence, uint64_t preallocate,
                                             struct error *err);

/* Writes the batches from `first` up to, not including, `stop`; their records are numbered
 * from `sequence` on.  *ret_next: the number that follows. */
MUST_CHECK enum status segment_writer_write(struct segment_writer *writer,
                                            struct append_batch *first,
                                            const struct append_batch *stop, uint64_t sequence,
                                            uint64_t *ret_next, struct error *err);

MUST_CHECK enum status segment_writer_sync(struct segment_writer *writer, struct error *err);

/* Group numbers that were given out; at SEGMENT_GROUPS_MAX it is time for another segment. */
uint32_t segment_writer_groups(const struct segment_writer *writer);

/* Cuts off what is not committed, gives unused room back and closes: for a good segment and for
 * one that failed alike.  None may be open. */
void segment_writer_close(struct segment_writer *writer);
