/* SPDX-License-Identifier: Apache-2.0 */
/* record_filter.h -- which log records a destination is to have.
 *
 * A record passes if all that is set agrees: its kind or one of its facets is among `kinds`, its
 * kind is not among `exclude_kinds`, its outcome is among `outcomes`, and it is grave enough.
 * agent.pipeline, which tells of losses, and agent.integrity, which attests a store, are held
 * back by `exclude_kinds` alone: nobody must be without them who did not say so.  Spans and metrics
 * are not looked at.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/config_field.h"

struct record_filter {
    /* The lists are borrowed.  An empty one lets everything pass. */
    struct config_text_list kinds, exclude_kinds, outcomes;
    uint64_t severity_min; /* of agent.severity, 1 to 24; a record without one passes.  0: any */
};

/* Nothing is set: every record passes. */
bool record_filter_is_open(const struct record_filter *filter);

/* `record` is one LogRecord, Span or Metric. */
bool record_filter_passes(const struct record_filter *filter, enum signal signal,
                          struct slice record);
