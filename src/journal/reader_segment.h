/* SPDX-License-Identifier: Apache-2.0 */
/* reader_segment.h -- the segment that a reader has open: its walker, where its groups stand, and
 * places to begin at.
 *
 * Threads: the reader's.
 */
#pragma once

#include "journal/journal_dir.h"
#include "journal/segment_list.h"
#include "journal/segment_scan.h"
#include "telltale/buf.h"

/* A group of the segment. */
struct reader_group {
    uint64_t frame;               /* where it stands; 0: not seen */
    uint64_t batch[SIGNAL_COUNT]; /* for the reader: the last batch that used it, by signal ... */
    uint32_t in_batch[SIGNAL_COUNT]; /* ... and its index there */
};

struct reader_segment {
    struct journal_dir *dir; /* borrowed */
    int fd;                  /* -1: none is open */
    struct segment segment;
    struct segment_scan scan;
    uint64_t released;           /* pages before this offset were let go of */
    struct reader_group *groups; /* owned; by group number; all of them are zero at first */
    size_t group_capacity;
    struct segment_place *places; /* owned; rising */
    size_t place_count;
    size_t place_capacity;
};

/* None is open. */
void reader_segment_init(struct reader_segment *self, struct journal_dir *dir);
void reader_segment_fini(struct reader_segment *self);

bool reader_segment_is_open(const struct reader_segment *self);
/* Whether `segment` is the one that is open. */
bool reader_segment_is(const struct reader_segment *self, const struct segment *segment);

/* Opens `segment` in place of the one before.  *ret_present is false when the file is gone. */
MUST_CHECK enum status reader_segment_enter(struct reader_segment *self,
                                            const struct segment *segment, bool *ret_present,
                                            struct error *err);

/* Moves the walker to the last noted place at or before record `sequence`. */
void reader_segment_move(struct reader_segment *self, uint64_t sequence);

/* To be called for each frame of a record, and of a group, that the walker meets. */
MUST_CHECK enum status reader_segment_note_record(struct reader_segment *self,
                                                  const struct scan_frame *frame,
                                                  struct error *err);
MUST_CHECK enum status reader_segment_note_group(struct reader_segment *self,
                                                 const struct scan_frame *frame, struct error *err);

/* Appends the group whose frame stands at `offset` to `out`.  *ret_size is 0 for a damaged one, and
 * for offset 0. */
MUST_CHECK enum status reader_segment_read_group(struct reader_segment *self, uint64_t offset,
                                                 struct buf *out, size_t *ret_size,
                                                 struct error *err);

/* Copies bytes that are damaged into the quarantine.  A lack of evidence stops nobody: the bytes
 * stay in the segment. */
void reader_segment_keep_aside(struct reader_segment *self, uint64_t start, uint64_t end);

/* Lets go of the pages before the walker's place, in large pieces; `is_left`: of all of them. */
void reader_segment_release(struct reader_segment *self, bool is_left);
