/* SPDX-License-Identifier: Apache-2.0 */
/* recover.h -- what journal_open() does with the files that it finds.
 *
 * Of closed segments only the headers are read, so that a large backlog starts fast; readers
 * check their frames.  The last one is read whole, for it may end in a write that was cut.
 *
 * Threads: the one that opens the journal, before there are others.
 */
#pragma once

#include "journal/journal.h"
#include "journal/journal_dir.h"
#include "journal/segment_list.h"

/* Fills `dir->id`, `list` (empty before) and the sequence number that comes next.  Damage is
 * moved to the quarantine and counted.  On return everything that is listed is durable. */
MUST_CHECK enum status recover(struct journal_dir *dir, struct segment_list *list,
                               uint64_t *ret_next, struct journal_recovery *ret, struct error *err);
