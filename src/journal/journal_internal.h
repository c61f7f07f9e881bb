/* SPDX-License-Identifier: Apache-2.0 */
/* journal_internal.h -- what readers ask of the journal and nobody else may.
 *
 * Threads: any.
 */
#pragma once

#include "journal/journal.h"
#include "journal/journal_dir.h"
#include "journal/segment_list.h"

/* What a reader may see of one segment at this moment. */
struct segment_view {
    struct segment segment;
    uint64_t limit_sequence; /* its records end here; then `end` bytes hold nothing more */
    uint64_t committed;      /* of the journal */
};

/* The segment that holds `sequence`, or the next one that is there.  false: the journal has
 * none at all. */
bool journal_view(struct journal *journal, uint64_t sequence, struct segment_view *ret);

struct journal_dir *journal_directory(struct journal *journal);
