/* SPDX-License-Identifier: Apache-2.0 */
/* loss_count.h -- counting what is given up: how many records, of which kinds, from when to when.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "deliver/loss.h"
#include "deliver/record_filter.h"
#include "journal/journal.h"

/* Adds one record.  A span and a metric have no kind but this, and no outcome.  What cannot be read
 * of it is left out; it is counted all the same. */
void loss_add_record(struct loss *loss, enum signal signal, const struct record *record);

/* What of a range is lost to a destination. */
struct loss_range {
    uint64_t first, next; /* `next` is committed */
    unsigned signals;     /* that it takes, a set */
    const struct record_filter *filter;
};

/* Adds to `lost` every record of the range that the destination should have had.  Reads them
 * through, a part at a time.  *ret_passed counts the others.  ST_IO. */
MUST_CHECK enum status loss_count_range(struct journal *journal, const struct loss_range *range,
                                        struct loss *lost, uint64_t *ret_passed, struct error *err);
