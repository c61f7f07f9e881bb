/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_exchange.h -- what OTLP/HTTP and OTLP/gRPC do alike with a whole request: whether it came
 * before, its records into a batch, what of it is refused.
 *
 * Threads: that of the receiver that owns the exchange.
 */
#pragma once

#include "receivers/otlp_intake.h"
#include "receivers/otlp_refusals.h"
#include "receivers/request_flow.h"

/* Part of a request. */
struct otlp_exchange {
    struct flow_request flow; /* with the batch */
    struct otlp_intake_result result;
    bool carries_refusals; /* agent.pipeline records are in the batch */
};

enum otlp_taking {
    OTLP_TAKEN,    /* its records are in the batch, or are refused */
    OTLP_REPEATED, /* it is durable already: there is no batch, and nothing refused */
    OTLP_COPY,     /* of one that is under way: request_flow_wait_as_copy(), and then this again */
};

/* `address` tells senders apart of whom nothing else is known.  The batch has room for `size_max`
 * bytes.  ST_INVALID, ST_CORRUPT and ST_LIMIT: the request is bad, and always will be. */
MUST_CHECK enum status otlp_exchange_take(struct otlp_exchange *exchange,
                                          struct otlp_intake *intake,
                                          const struct otlp_intake_input *input,
                                          struct slice address, size_t size_max,
                                          enum otlp_taking *ret, struct error *err);

/* Notes what was refused: `whole` is as for otlp_refusals_note().  Of a request that `failed`
 * nothing is kept, even if some of it could be read; but what was refused lately goes into the
 * journal with the next batch, of this one if need be. */
void otlp_exchange_settle_refusals(struct otlp_exchange *exchange,
                                   struct refusal_recorder *recorder,
                                   const struct receiver_metrics *metrics, enum refusal whole,
                                   bool failed, size_t size_max);

/* The journal has it; any thread. */
static inline void otlp_exchange_count_accepted(const struct otlp_exchange *exchange,
                                                const struct receiver_metrics *metrics)
{
    metric_add(metrics->accepted_records, exchange->result.accepted);
    metric_add(metrics->passed_records, exchange->result.passed);
}

/* There is something for the journal. */
static inline bool otlp_exchange_has_batch(const struct otlp_exchange *exchange)
{
    return exchange->flow.batch != NULL && append_batch_count(exchange->flow.batch) > 0;
}
