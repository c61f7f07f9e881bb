/* SPDX-License-Identifier: Apache-2.0 */
/* segment_list.h -- the segments of a journal, oldest first.
 *
 * The records of a segment end where the next one begins, whatever else its file holds: a
 * segment that was given up after a failed write has its tail superseded by its successor
 * (docs/JOURNAL_FORMAT.md, "Failures").  The last segment is never removed, because it alone
 * remembers the sequence number.
 *
 * Threads: none of its own; the journal keeps it under its lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/error.h"

struct segment {
    uint64_t first;   /* sequence number of its first record */
    uint32_t salt;    /* together with `first`: which file this is */
    uint64_t end;     /* bytes that readers may read */
    uint64_t size;    /* bytes of its file; while it is written to: `end` */
    bool is_reusable; /* its file is whole, of full size, and no write to it has failed */
};

struct segment_list {
    struct segment *items; /* owned */
    size_t count;
    size_t capacity;
    uint64_t size; /* the sum of all sizes */
};

void segment_list_fini(struct segment_list *list);

/* Makes room for one more, so that the next add cannot fail. */
MUST_CHECK enum status segment_list_reserve(struct segment_list *list, struct error *err);

/* Adds the newest segment.  One with the same first sequence number held no committed record
 * and is replaced, as its file was. */
void segment_list_add(struct segment_list *list, const struct segment *segment);

/* The newest segment can be read up to `end`. */
void segment_list_extend(struct segment_list *list, uint64_t end);

/* The segment that begins with `first`, if it is there, is not written to any more: its file has
 * `size` bytes. */
void segment_list_close(struct segment_list *list, uint64_t first, uint64_t size, bool is_reusable);

/* The segment with record `sequence`, or the one where the next present record is.  The list
 * is not empty. */
size_t segment_list_find(const struct segment_list *list, uint64_t sequence);

/* Whether all records of the oldest segment are below `sequence` and it is not the last one. */
bool segment_list_may_retire(const struct segment_list *list, uint64_t sequence);

/* Takes the oldest segment off if it begins with `first`. */
void segment_list_retire(struct segment_list *list, uint64_t first);
