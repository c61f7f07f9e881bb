/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_exchange.c -- see otlp_exchange.h. */
#include "receivers/otlp_exchange.h"

enum status otlp_exchange_take(struct otlp_exchange *exchange, struct otlp_intake *intake,
                               const struct otlp_intake_input *input, size_t size_max,
                               struct error *err)
{
    enum status st = append_batch_create(size_max, &exchange->flow.batch, err);

    if (st == ST_OK)
        st = otlp_intake_add(intake, input, exchange->flow.batch, &exchange->result, err);
    if (st == ST_OK && otlp_refusals_is_invalid(&exchange->result))
        st = error_set(err, ST_INVALID, "%s", exchange->result.message);
    return st;
}

void otlp_exchange_settle_refusals(struct otlp_exchange *exchange,
                                   struct refusal_recorder *recorder,
                                   const struct receiver_metrics *metrics, enum refusal whole,
                                   bool failed, size_t size_max)
{
    otlp_refusals_note(recorder, metrics, &exchange->result, whole);
    if (failed && exchange->flow.batch != NULL) {
        append_batch_destroy(exchange->flow.batch);
        exchange->flow.batch = NULL;
        exchange->result.accepted = 0;
    }
    exchange->carries_refusals = otlp_refusals_record(recorder, size_max, &exchange->flow.batch);
    exchange->flow.journal_status = ST_AGAIN; /* until it is known */
}
