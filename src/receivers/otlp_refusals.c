/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_refusals.c -- see otlp_refusals.h. */
#include "receivers/otlp_refusals.h"

#include "util/clock.h"

enum {
    BATCH_FACTOR = 2,         /* of the decoded size: what normalization adds */
    BATCH_SIZE_MAX = 1 << 30, /* what a batch can address */
};

static void note_shed(struct refusal_recorder *recorder, const struct receiver_metrics *metrics,
                      const struct otlp_intake_result *result)
{
    if (result->shed_count == 0)
        return;
    metric_add(metrics->refused_records[REFUSAL_SHED], result->shed_count);
    for (enum event_kind kind = 0; kind < KIND_COUNT; kind++) {
        if (result->shed[kind] > 0)
            refusal_log_add_shed(&recorder->log, kind, result->shed[kind], clock_unix_ns());
    }
}

void otlp_refusals_note(struct refusal_recorder *recorder, const struct receiver_metrics *metrics,
                        const struct otlp_intake_result *result, enum refusal whole)
{
    enum refusal refusal = result->reason;
    uint64_t count = result->rejected - result->shed_count;

    note_shed(recorder, metrics, result);
    if (count == 0 && whole != REFUSAL_COUNT) {
        refusal = whole;
        count = 1;
    }
    if (count == 0)
        return;
    metric_add(metrics->refused_records[refusal], count);
    refusal_log_add(&recorder->log, refusal, count, clock_unix_ns());
}

bool otlp_refusals_record(struct refusal_recorder *recorder, size_t size_max,
                          struct append_batch **batch)
{
    uint64_t now_ns = clock_monotonic_ns();
    struct error ignored;

    if (!refusal_recorder_is_due(recorder, now_ns))
        return false;
    if (*batch == NULL && append_batch_create(size_max, batch, &ignored) != ST_OK)
        return false;
    return refusal_recorder_add(recorder, *batch, now_ns);
}

bool otlp_refusals_is_invalid(const struct otlp_intake_result *result)
{
    return result->accepted == 0 && result->rejected > result->shed_count &&
           result->reason == REFUSAL_INVALID;
}

size_t otlp_batch_size_max(size_t decoded_size_max, size_t record_size_max)
{
    size_t size_max = BATCH_FACTOR * decoded_size_max + record_size_max;

    return size_max < BATCH_SIZE_MAX ? size_max : BATCH_SIZE_MAX;
}

void ignored_metrics_register(struct ignored_metrics *metrics, const char *labels)
{
    metrics->requests = metric_register(
        METRIC_COUNTER, "telltale_receiver_ignored_requests_total",
        "Requests of a signal that is not kept; they are answered with success.", labels);
    metrics->bytes = metric_register(METRIC_COUNTER, "telltale_receiver_ignored_bytes_total",
                                     "Bytes of requests of a signal that is not kept.", labels);
}

void ignored_metrics_count(const struct ignored_metrics *metrics, uint64_t bytes)
{
    metric_add(metrics->requests, 1);
    metric_add(metrics->bytes, bytes);
}
