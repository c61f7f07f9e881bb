/* SPDX-License-Identifier: Apache-2.0 */
/* collected.h -- a request taken apart by otlp_walk_request(), as a batch. */
#pragma once

#include "telltale/batch.h"
#include "telltale/error.h"

struct collected {
    struct record *records;      /* owned; their bytes stay in the request */
    struct record_group *groups; /* owned, and so are their fields; one for each ScopeLogs */
    size_t record_count, group_count;
};

/* What the walk says; free with collected_fini() in any case. */
MUST_CHECK enum status collected_read(struct collected *collected, struct slice request,
                                      struct error *err);

void collected_fini(struct collected *collected);

/* Borrows `collected`. */
struct batch collected_batch(const struct collected *collected);
