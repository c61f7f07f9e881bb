/* SPDX-License-Identifier: Apache-2.0 */
/* loss_count.h -- counting what is given up: how many records, of which kinds, from when to when.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "deliver/loss.h"
#include "journal/journal.h"

/* Adds one record.  A span and a metric have no kind but this, and no outcome.  What cannot be read
 * of it is left out; it is counted all the same. */
void loss_add_record(struct loss *loss, enum signal signal, const struct record *record);

/* Adds to `lost` every record of `signals` from `first` on and below `next`, which is committed.
 * Reads them through, a part at a time.  *ret_passed counts those of other signals.  ST_IO. */
MUST_CHECK enum status loss_count_range(struct journal *journal, uint64_t first, uint64_t next,
                                        unsigned signals, struct loss *lost, uint64_t *ret_passed,
                                        struct error *err);
