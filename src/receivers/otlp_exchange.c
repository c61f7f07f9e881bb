/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_exchange.c -- see otlp_exchange.h. */
#include "receivers/otlp_exchange.h"

static enum request_meeting meet(struct otlp_exchange *exchange,
                                 const struct otlp_intake_input *input, struct slice address)
{
    const uint8_t kind[] = {(uint8_t)input->signal, (uint8_t)input->transport, input->is_trusted};
    const struct slice parts[] = {slice_of(kind, sizeof(kind)), input->sender_fields, address,
                                  input->request};

    return request_flow_meet(&exchange->flow, parts, COUNT_OF(parts));
}

static enum status fill_batch(struct otlp_exchange *exchange, struct otlp_intake *intake,
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

enum status otlp_exchange_take(struct otlp_exchange *exchange, struct otlp_intake *intake,
                               const struct otlp_intake_input *input, struct slice address,
                               size_t size_max, enum otlp_taking *ret, struct error *err)
{
    struct otlp_intake_input with_past = *input;

    *ret = OTLP_TAKEN;
    switch (meet(exchange, input, address)) {
    case MEETING_DURABLE:
        *ret = OTLP_REPEATED;
        return ST_OK;
    case MEETING_COPY:
        *ret = OTLP_COPY;
        return ST_OK;
    case MEETING_REFUSED:
        with_past.is_again = true;
        break;
    case MEETING_FIRST:
        break;
    }
    enum status st = fill_batch(exchange, intake, &with_past, size_max, err);
    request_flow_note_converted(&exchange->flow,
                                st == ST_OK && otlp_intake_tells_copies(&exchange->result));
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
