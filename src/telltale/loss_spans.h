/* SPDX-License-Identifier: Apache-2.0 */
/* loss_spans.h -- which records of which journal the loss ledger has as lost, as far as it concerns
 * the store: those that the file exporter never got.
 *
 * Threads: the main thread.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/error.h"

struct loss_span {
    uint8_t journal_id[JOURNAL_ID_SIZE];
    uint64_t first, last, records;
};

struct loss_spans {
    struct loss_span *items; /* owned */
    size_t count, capacity;
};

/* Reads the ledger of the state directory; none is as good as an empty one. */
MUST_CHECK enum status loss_spans_read(struct loss_spans *spans, const char *state_dir,
                                       struct error *err);
void loss_spans_fini(struct loss_spans *spans); /* accepts a zeroed one */

/* How many of the records `first` to `last` are lost by the ledger. */
uint64_t loss_spans_count(const struct loss_spans *spans, const uint8_t journal_id[JOURNAL_ID_SIZE],
                          uint64_t first, uint64_t last);
