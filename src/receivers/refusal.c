/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.c -- see refusal.h. */
#include "receivers/refusal.h"

#include <stdio.h>

static const char *const codes[REFUSAL_COUNT] = {
    [REFUSAL_TOO_LARGE] = "too_large",
    [REFUSAL_INVALID] = "invalid_json",
    [REFUSAL_LIMIT_EXCEEDED] = "limit_exceeded",
    [REFUSAL_JOURNAL_FULL] = "journal_full",
    [REFUSAL_OVERLOADED] = "overloaded",
    [REFUSAL_STOPPING] = "stopping",
    [REFUSAL_INTERNAL] = "internal",
    [REFUSAL_SHED] = "shed",
};

const char *refusal_code(enum refusal refusal)
{
    ASSERT(refusal < REFUSAL_COUNT);
    return codes[refusal];
}

const char *refusal_pipeline_reason(enum refusal refusal)
{
    switch (refusal) {
    case REFUSAL_TOO_LARGE:
    case REFUSAL_LIMIT_EXCEEDED:
        return "oversize";
    case REFUSAL_INVALID:
        return "parse_error";
    default:
        return "overflow";
    }
}

enum refusal refusal_of_event(enum status status)
{
    switch (status) {
    case ST_INVALID:
    case ST_CORRUPT:
        return REFUSAL_INVALID;
    case ST_LIMIT:
        return REFUSAL_LIMIT_EXCEEDED;
    case ST_NO_MEMORY:
        return REFUSAL_OVERLOADED;
    case ST_AGAIN:
        return REFUSAL_SHED;
    default:
        return REFUSAL_INTERNAL;
    }
}

enum refusal refusal_of_journal(enum status status)
{
    switch (status) {
    case ST_AGAIN:
        return REFUSAL_OVERLOADED;
    case ST_LIMIT:
        return REFUSAL_JOURNAL_FULL;
    case ST_STOPPING:
        return REFUSAL_STOPPING;
    default:
        return REFUSAL_INTERNAL;
    }
}

void receiver_metrics_register(struct receiver_metrics *metrics, const char *labels)
{
    metrics->accepted_records =
        metric_register(METRIC_COUNTER, "telltale_receiver_accepted_records_total",
                        "Records that were acknowledged: the disk has them.", labels);
    metrics->passed_records = metric_register(
        METRIC_COUNTER, "telltale_receiver_passed_records_total",
        "Of them, log records that a trusted upstream had normalized: kept as they came.", labels);
    metrics->accepted_bytes =
        metric_register(METRIC_COUNTER, "telltale_receiver_accepted_bytes_total",
                        "Bytes that arrived, before they are decompressed.", labels);
    metrics->connections = metric_register(METRIC_COUNTER, "telltale_receiver_connections_total",
                                           "Connections that were accepted.", labels);
    metrics->open_connections = metric_register(METRIC_GAUGE, "telltale_receiver_open_connections",
                                                "Connections that are open now.", labels);
    metrics->requests = metric_register(METRIC_COUNTER, "telltale_receiver_requests_total",
                                        "Requests that were answered.", labels);
    metrics->failed_requests =
        metric_register(METRIC_COUNTER, "telltale_receiver_failed_requests_total",
                        "Requests that were answered with an error.", labels);
    for (int i = 0; i < REFUSAL_COUNT; i++) {
        char all_labels[160];
        snprintf(all_labels, sizeof(all_labels), "%s,reason=\"%s\"", labels, codes[i]);
        metrics->refused_records[i] =
            metric_register(METRIC_COUNTER, "telltale_receiver_refused_records_total",
                            "Records that were refused, and their sender told so.", all_labels);
    }
}
