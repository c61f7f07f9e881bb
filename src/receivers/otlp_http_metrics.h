/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_metrics.h -- what the OTLP/HTTP receiver counts.
 *
 * Threads: any; counters are relaxed.
 */
#pragma once

#include "receivers/http_request.h"
#include "receivers/otlp_intake.h"
#include "receivers/refusal.h"
#include "receivers/refusal_log.h"

struct otlp_http_metrics {
    struct receiver_metrics receiver;
    struct metric *waited_requests;
    struct metric *ignored_requests[SIGNAL_METRICS + 1];
    struct metric *ignored_bytes[SIGNAL_METRICS + 1];
};

void otlp_http_metrics_register(struct otlp_http_metrics *metrics);

/* A whole request of traces or metrics, answered with success and not kept. */
void otlp_http_metrics_add_ignored(const struct otlp_http_metrics *metrics,
                                   const struct http_request *request);

/* What of a request was refused is counted, and noted for the next agent.pipeline record. */
void otlp_http_metrics_add_refusals(const struct otlp_http_metrics *metrics,
                                    const struct http_request *request,
                                    const struct otlp_intake_result *result,
                                    struct refusal_log *log);
