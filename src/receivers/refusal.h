/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.h -- why an event or a connection was not taken: the closed list of codes that
 * senders see (docs/PROTOCOL.md), that the metrics count and that agent.pipeline records name.
 *
 * Threads: pure functions; metrics are registered while the daemon starts.
 */
#pragma once

#include <stddef.h>

#include "metrics/metrics.h"
#include "telltale/error.h"

enum refusal {
    REFUSAL_TOO_LARGE,      /* over the size of one event or request */
    REFUSAL_INVALID,        /* cannot be read */
    REFUSAL_LIMIT_EXCEEDED, /* can be read, but breaks a limit within */
    REFUSAL_JOURNAL_FULL,
    REFUSAL_OVERLOADED, /* memory or the journal's queue is short */
    REFUSAL_STOPPING,
    REFUSAL_INTERNAL,
    REFUSAL_SHED, /* room is short, and its kind may be shed */
    REFUSAL_COUNT
};

/* "too_large", "invalid_json", ...: literals. */
const char *refusal_code(enum refusal refusal);

/* What agent.pipeline.reason says: "oversize", "parse_error" or "overflow". */
const char *refusal_pipeline_reason(enum refusal refusal);

/* Of an event that was not understood, or of a batch that the journal did not keep. */
enum refusal refusal_of_event(enum status status);
enum refusal refusal_of_journal(enum status status);

/* The counters that every receiver has. */
struct receiver_metrics {
    struct metric *accepted_records, *passed_records, *accepted_bytes;
    struct metric *refused_records[REFUSAL_COUNT];
    struct metric *connections, *open_connections;
    struct metric *requests, *failed_requests;
};

/* `labels` as in receiver="unix". */
void receiver_metrics_register(struct receiver_metrics *metrics, const char *labels);
