/* SPDX-License-Identifier: Apache-2.0 */
/* segment_writer.h -- the segment that is being written.
 *
 * Frames batches in place and writes them without copying.  What it has written is no promise
 * before segment_writer_sync(); after any failure the segment must be closed, and the records
 * that were not committed go to another one.
 *
 * The file is a new one, or a spare: that of a retired segment, whose blocks are there and are
 * written over.
 *
 * Threads: the journal's.
 */
#pragma once

#include "journal/append_layout.h"
#include "journal/frame.h"
#include "journal/journal_dir.h"

enum {
    WRITE_BATCHES_MAX = 256,       /* one system call */
    SEGMENT_GROUPS_MAX = 64 << 10, /* then the segment is closed; bounds readers */
    /* Groups; records and padding of each batch; filler, end mark, and zeros behind it. */
    WRITE_PARTS_MAX = 1 + WRITE_BATCHES_MAX * 2 + 3,
};

struct segment_writer {
    struct journal_dir *dir; /* borrowed */
    int fd;                  /* -1: no segment is open */
    uint64_t first_sequence;
    uint32_t salt;
    uint64_t position;                   /* of the end mark, where the next frame goes */
    uint64_t committed;                  /* synced up to here */
    uint64_t file_size;                  /* at least; what is behind the end mark is room */
    struct group_table known;            /* groups that the segment holds, or the last of them */
    uint32_t known_base;                 /* the number of known's first */
    uint32_t numbers[APPEND_GROUPS_MAX]; /* of the groups of the batch at hand */
    struct buf group_frames;             /* new groups of the write at hand */
    uint8_t filler[FRAME_HEADER_SIZE];
    uint8_t mark[FRAME_HEADER_SIZE];
    struct iovec parts[WRITE_PARTS_MAX];
};

/* A file that may be written over. */
struct spare_file {
    const char *name;
    uint64_t size;
    uint32_t salt; /* of the segment that it was */
};

void segment_writer_init(struct segment_writer *writer, struct journal_dir *dir);
void segment_writer_fini(struct segment_writer *writer);

static inline bool segment_writer_is_open(const struct segment_writer *writer)
{
    return writer->fd >= 0;
}

/* Makes the segment that begins with `first_sequence`, replacing one of that name, which then
 * holds no committed record.  On ST_OK it is durable under its name.  It is made of `spare`, which
 * must be dropped if that fails; NULL: of a new file, and `preallocate` bytes are asked for; not
 * getting them is no failure. */
MUST_CHECK enum status segment_writer_create(struct segment_writer *writer, uint64_t first_sequence,
                                             uint64_t previous_sequence,
                                             const struct spare_file *spare, uint64_t preallocate,
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

/* The end of the file as the segment needs it. */
static inline uint64_t segment_writer_used(const struct segment_writer *writer)
{
    return writer->position + FRAME_HEADER_SIZE;
}

/* Closes, for a good segment and for one that failed alike; `cut` gives unused room back.  None may
 * be open.  file_size is then the size of the file. */
void segment_writer_close(struct segment_writer *writer, bool cut);
