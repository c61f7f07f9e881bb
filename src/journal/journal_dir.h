/* SPDX-License-Identifier: Apache-2.0 */
/* journal_dir.h -- the journal's directory: its lock, its names, its quarantine.
 *
 *     lock               held (flock) by the process that writes; its pid within
 *     journal.id         which journal this is
 *     <20 digits>.seg    a segment, named after its first sequence number
 *     *.tmp              a file that was being written when the process died
 *     quarantine/        damaged bytes, kept as evidence
 *
 * Threads: open and close belong to one thread; names are pure; quarantine is for any thread.
 */
#pragma once

#include <stdatomic.h>

#include "telltale/batch.h"
#include "telltale/disk_io.h"

enum { SEGMENT_NAME_SIZE = 32 };

struct journal_dir {
    const struct disk_io *io;
    int fd;
    int lock_fd;
    int quarantine_fd;
    uint8_t id[JOURNAL_ID_SIZE];
    atomic_uint_fast64_t quarantine_bytes; /* held there, for its limit */
};

/* Makes the directory if it is missing and takes its lock.  ST_AGAIN: another process has it;
 * the message names its pid.  The id is left for recovery. */
MUST_CHECK enum status journal_dir_open(struct journal_dir *dir, const char *path,
                                        const struct disk_io *io, struct error *err);
void journal_dir_close(struct journal_dir *dir);

void segment_name(char out[SEGMENT_NAME_SIZE], uint64_t first_sequence);

/* false: `name` is not the name of a segment. */
bool segment_name_parse(const char *name, uint64_t *ret_first_sequence);

/* Copies the bytes [start, end) of a segment to quarantine/ with a note, once: the same range
 * again is ST_OK.  ST_LIMIT: the quarantine is full; the note is written all the same. */
MUST_CHECK enum status quarantine_range(struct journal_dir *dir, int segment_fd,
                                        uint64_t first_sequence, uint64_t start, uint64_t end,
                                        const char *reason, struct error *err);

/* Moves a whole file there, with a note. */
MUST_CHECK enum status quarantine_file(struct journal_dir *dir, const char *name,
                                       const char *reason, struct error *err);
