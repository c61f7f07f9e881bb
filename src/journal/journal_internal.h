/* SPDX-License-Identifier: Apache-2.0 */
/* journal_internal.h -- what readers ask of the journal and nobody else may.
 *
 * Threads: any.
 */
#pragma once

#include "journal/journal.h"
#include "journal/journal_dir.h"
#include "journal/segment_list.h"

/* How far a reader has come, as the journal keeps it. */
struct reader_place {
    uint64_t position; /* shared, under the journal's lock: this and all the rest */
    uint64_t first;    /* the segment that it may have open ... */
    uint32_t salt;     /* ... both; 0: none */
    struct reader_place *next;
};

/* What a reader may see of one segment at this moment. */
struct segment_view {
    struct segment segment;
    uint64_t limit_sequence; /* its records end here; then `end` bytes hold nothing more */
    uint64_t committed;      /* of the journal */
    bool is_last_reader;     /* no other one has still to read what is below this position */
};

/* A reader's place is known to the journal between these two. */
void journal_enter(struct journal *journal, struct reader_place *place);
void journal_leave(struct journal *journal, struct reader_place *place);

/* The segment that holds `sequence`, where the reader of `place` is now, or the next one that is
 * there.  false: the journal has none at all. */
bool journal_view(struct journal *journal, struct reader_place *place, uint64_t sequence,
                  struct segment_view *ret);

struct journal_dir *journal_directory(struct journal *journal);
