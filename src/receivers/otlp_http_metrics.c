/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_metrics.c -- see otlp_http_metrics.h. */
#include "receivers/otlp_http_metrics.h"

void otlp_http_metrics_register(struct otlp_http_metrics *metrics)
{
    static const char *const labels[] = {"signal=\"logs\"", "signal=\"traces\"",
                                         "signal=\"metrics\""};

    receiver_metrics_register(&metrics->receiver, "receiver=\"otlp_http\"");
    metrics->waited_requests =
        metric_register(METRIC_COUNTER, "telltale_receiver_waited_requests_total",
                        "Times that a request waited because the journal's queue was full.",
                        "receiver=\"otlp_http\"");
    for (int i = SIGNAL_TRACES; i <= SIGNAL_METRICS; i++) {
        metrics->ignored_requests[i] = metric_register(
            METRIC_COUNTER, "telltale_receiver_ignored_requests_total",
            "Requests of a signal that is not kept; they are answered with success.", labels[i]);
        metrics->ignored_bytes[i] =
            metric_register(METRIC_COUNTER, "telltale_receiver_ignored_bytes_total",
                            "Bytes of requests of a signal that is not kept.", labels[i]);
    }
}

void otlp_http_metrics_add_ignored(const struct otlp_http_metrics *metrics,
                                   const struct http_request *request)
{
    metric_add(metrics->ignored_requests[request->signal], 1);
    metric_add(metrics->ignored_bytes[request->signal], request->received_bytes);
}

static void add_shed(const struct otlp_http_metrics *metrics,
                     const struct otlp_intake_result *result, struct refusal_log *log)
{
    if (result->shed_count == 0)
        return;
    metric_add(metrics->receiver.refused_records[REFUSAL_SHED], result->shed_count);
    for (enum event_kind kind = 0; kind < KIND_COUNT; kind++) {
        if (result->shed[kind] > 0)
            refusal_log_add_shed(log, kind, result->shed[kind], clock_unix_ns());
    }
}

void otlp_http_metrics_add_refusals(const struct otlp_http_metrics *metrics,
                                    const struct http_request *request,
                                    const struct otlp_intake_result *result,
                                    struct refusal_log *log)
{
    enum refusal refusal = result->reason;
    uint64_t count = result->rejected - result->shed_count;

    add_shed(metrics, result, log);
    if (count == 0 && request->verdict.http_status == MHD_HTTP_BAD_REQUEST) {
        refusal = REFUSAL_INVALID; /* a request that holds nobody knows how many */
        count = 1;
    } else if (count == 0 && request->verdict.http_status == MHD_HTTP_CONTENT_TOO_LARGE) {
        refusal = REFUSAL_TOO_LARGE;
        count = 1;
    }
    if (count == 0)
        return;
    metric_add(metrics->receiver.refused_records[refusal], count);
    refusal_log_add(log, refusal, count, clock_unix_ns());
}
