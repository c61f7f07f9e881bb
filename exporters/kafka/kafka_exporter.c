/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_exporter.c -- the exporter for Kafka: one message per session and batch, an OTLP export
 * request each.
 *
 *     batch -> sessions -> messages -> producer -> a report for each message
 *
 * A send() ends when every message has its outcome; the records of a message have that of their
 * message.  What a broker refuses is one MessageSet, of which every message is then refused: who is
 * to blame is found out by sending less and less of it, which is the worker's to do.  So a refused
 * message comes again (ITEM_AGAIN) as long as others of its batch were settled; a batch of which
 * nothing was is refused as a whole, and the worker halves it.
 *
 * What an error means stands in kafka_outcome.h.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka_config.h"
#include "kafka_link.h"
#include "kafka_messages.h"
#include "kafka_outcome.h"
#include "telltale/exporter.h"
#include "telltale/signals.h"

enum {
    IDLE_KEEP_SIZE = 64 * 1024, /* of buffers, when nothing is to be sent */
    REPAIR_RETRY_MS = 60000,    /* until we look again whether somebody has repaired it */
    ORIGIN_SIZE = 2 * JOURNAL_ID_SIZE + 1,
};

struct kafka_exporter {
    const struct kafka_config *config; /* borrowed */
    struct kafka_link *link;           /* owned */
    struct kafka_messages messages;
};

/* How many records have come to what. */
struct tally {
    size_t done;
    size_t settled; /* dead letters that need no second look */
    size_t again;
    size_t retry;
    size_t refused;
    bool repair;    /* some of `retry` wait for somebody's hand */
    bool too_large; /* some of `refused` are */
    rd_kafka_resp_err_t first_error;
};

static enum status kafka_check(const void *config, struct error *err)
{
    return kafka_config_check(config, err);
}

static void kafka_destroy(void *self_pointer)
{
    struct kafka_exporter *self = self_pointer;

    if (self == NULL)
        return;
    kafka_link_close(self->link);
    kafka_messages_fini(&self->messages);
    free(self);
}

static enum status kafka_create(const void *config, const struct exporter_context *context,
                                void **ret_self, struct error *err)
{
    (void)context;
    struct kafka_exporter *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create a Kafka exporter");
    self->config = config;
    kafka_messages_init(&self->messages, self->config);
    enum status st = kafka_link_open(self->config, &self->link, err);
    if (st != ST_OK) {
        kafka_destroy(self);
        return st;
    }
    *ret_self = self;
    return ST_OK;
}

/* --- Sending -------------------------------------------------------------------------------- */

static void put_origin(const uint8_t id[JOURNAL_ID_SIZE], char origin[ORIGIN_SIZE])
{
    for (size_t i = 0; i < JOURNAL_ID_SIZE; i++)
        snprintf(origin + 2 * i, 3, "%02x", id[i]);
}

/* What all messages of the batch have in common; to be freed with rd_kafka_headers_destroy(). */
static rd_kafka_headers_t *make_headers(const struct kafka_config *config,
                                        const struct batch *batch)
{
    static const char *const schemas[SIGNAL_COUNT] = {"otlp.logs.v1", "otlp.traces.v1",
                                                      "otlp.metrics.v1"};
    rd_kafka_headers_t *headers = rd_kafka_headers_new(config->headers.count + 4);
    char origin[ORIGIN_SIZE];

    put_origin(batch->journal_id, origin);
    rd_kafka_header_add(
        headers, "content-type", -1,
        config->encoding == KAFKA_OTLP_JSON ? "application/json" : "application/x-protobuf", -1);
    rd_kafka_header_add(headers, "schema", -1, schemas[batch_signal(batch)], -1);
    rd_kafka_header_add(headers, "log-origin", -1, origin, -1);
    for (size_t i = 0; i < config->headers.count; i++) {
        const struct config_text_pair *pair = &config->headers.pairs[i];
        rd_kafka_header_add(headers, pair->key, -1, pair->value, -1);
    }
    return headers;
}

static enum item_outcome judge_message(const struct kafka_message *message, uint32_t records,
                                       struct tally *tally)
{
    enum kafka_verdict verdict = kafka_verdict_of(message->error);

    if (verdict != KAFKA_DONE && tally->first_error == RD_KAFKA_RESP_ERR_NO_ERROR)
        tally->first_error = message->error;
    switch (verdict) {
    case KAFKA_DONE:
        tally->done += records;
        return ITEM_DONE;
    case KAFKA_REFUSED:
    case KAFKA_TOO_LARGE:
        tally->refused += records;
        tally->too_large = tally->too_large || verdict == KAFKA_TOO_LARGE;
        return ITEM_AGAIN;
    case KAFKA_REPAIR:
        tally->repair = true;
        break;
    case KAFKA_RETRY:
        break;
    }
    tally->retry += records;
    return ITEM_RETRY;
}

static void judge_messages(const struct kafka_messages *messages, struct tally *tally,
                           struct export_report *report)
{
    for (size_t i = 0; i < messages->count; i++) {
        const struct kafka_message *message = &messages->items[i];
        const uint32_t *order = messages->order + message->first;
        uint32_t records = 0;
        for (uint32_t k = 0; k < message->count; k++)
            records += messages->fates[order[k]] == KAFKA_IN_MESSAGE;
        enum item_outcome outcome = judge_message(message, records, tally);
        for (uint32_t k = 0; k < message->count; k++) {
            if (messages->fates[order[k]] == KAFKA_IN_MESSAGE)
                report->tell(report, order[k], outcome, NULL);
        }
        report->sent_bytes += message->size;
    }
}

static void judge_left_out(const struct kafka_exporter *self, size_t record_count,
                           struct tally *tally, struct export_report *report)
{
    for (size_t i = 0; i < record_count; i++) {
        switch ((enum kafka_fate)self->messages.fates[i]) {
        case KAFKA_IN_MESSAGE:
            break;
        case KAFKA_OVERSIZED:
            tally->settled++;
            report->tell(report, i, ITEM_TOO_LARGE, "larger than max_message_size");
            break;
        case KAFKA_BROKEN:
            tally->settled++;
            report->tell(report, i, ITEM_REJECTED, "cannot be written as OTLP JSON");
            break;
        case KAFKA_LATER:
            tally->again++;
            report->tell(report, i, ITEM_AGAIN, NULL);
            break;
        }
    }
}

/* The words of the first failure: a broker's about a message, or what keeps the producer from
 * reaching one. */
static void say_why(const struct kafka_exporter *self, const char *topic, struct tally *tally,
                    struct export_report *report, struct error *err)
{
    rd_kafka_resp_err_t trouble = kafka_link_trouble(self->link);
    rd_kafka_resp_err_t error = tally->first_error;
    bool no_word = error == RD_KAFKA_RESP_ERR__TIMED_OUT ||
                   error == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                   error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;

    if (no_word && trouble != RD_KAFKA_RESP_ERR_NO_ERROR) {
        tally->repair = tally->repair || kafka_verdict_of(trouble) == KAFKA_REPAIR;
        snprintf(report->message, sizeof(report->message), "%s",
                 kafka_link_trouble_words(self->link));
        (void)error_set(err, ST_IO, "%s", kafka_link_trouble_words(self->link));
        return;
    }
    if (no_word) {
        (void)error_set(err, ST_IO, "topic '%s': not delivered in time", topic);
        return;
    }
    snprintf(report->message, sizeof(report->message), "%s", rd_kafka_err2str(error));
    (void)error_set(err, ST_IO, "topic '%s': %s (%s)", topic, rd_kafka_err2str(error),
                    rd_kafka_err2name(error));
}

static enum export_result conclude(const struct tally *tally, struct export_report *report)
{
    if (tally->retry > 0 && tally->repair)
        report->retry_after_ms = REPAIR_RETRY_MS;
    if (tally->settled + tally->again + tally->retry + tally->refused == 0)
        return EXPORT_DONE;
    if (tally->done + tally->settled > 0)
        return EXPORT_MIXED;
    if (tally->retry > 0)
        return EXPORT_RETRY;
    return tally->too_large ? EXPORT_TOO_LARGE : EXPORT_REJECTED;
}

static enum export_result kafka_send(void *self_pointer, const struct batch *batch,
                                     uint64_t deadline_ns, struct export_report *report,
                                     struct error *err)
{
    struct kafka_exporter *self = self_pointer;
    struct tally tally = {.first_error = RD_KAFKA_RESP_ERR_NO_ERROR};
    const char *topic = kafka_config_topic(self->config, batch_signal(batch));

    if (kafka_link_renew(self->link, err) != ST_OK) {
        report->retry_after_ms = REPAIR_RETRY_MS;
        return EXPORT_RETRY;
    }
    enum status st = kafka_messages_make(&self->messages, batch, err);
    if (st != ST_OK)
        return st == ST_LIMIT ? EXPORT_TOO_LARGE : EXPORT_RETRY;

    rd_kafka_headers_t *headers = make_headers(self->config, batch);
    const struct kafka_envelope envelope = {topic, headers};
    kafka_link_send(self->link, &envelope, &self->messages, batch, deadline_ns);
    rd_kafka_headers_destroy(headers);

    judge_messages(&self->messages, &tally, report);
    judge_left_out(self, batch->record_count, &tally, report);
    if (tally.first_error != RD_KAFKA_RESP_ERR_NO_ERROR)
        say_why(self, topic, &tally, report, err);
    else if (tally.settled > 0)
        (void)error_set(err, ST_LIMIT, "%zu records that make no message", tally.settled);
    else if (tally.again > 0)
        (void)error_set(err, ST_LIMIT, "the buffer is full");
    return conclude(&tally, report);
}

static void kafka_cancel(void *self_pointer)
{
    kafka_link_cancel(((struct kafka_exporter *)self_pointer)->link);
}

/* Nothing to send: a burst's buffers need not stay. */
static enum status kafka_tick(void *self_pointer, uint64_t now_unix_ns, struct error *err)
{
    struct kafka_exporter *self = self_pointer;

    (void)now_unix_ns;
    (void)err;
    kafka_messages_trim(&self->messages, IDLE_KEEP_SIZE);
    kafka_link_serve(self->link);
    return ST_OK;
}

static unsigned kafka_signals(const void *config)
{
    return signals_named(&((const struct kafka_config *)config)->signals, NULL);
}

extern const struct exporter_ops exporter_kafka;
const struct exporter_ops exporter_kafka = {
    .name = "kafka",
    .fields = kafka_fields,
    .signals = SIGNALS_ALL,
    .choose_signals = kafka_signals,
    .config_size = sizeof(struct kafka_config),
    .one_lane = true,
    .check = kafka_check,
    .create = kafka_create,
    .send = kafka_send,
    .tick = kafka_tick,
    .cancel = kafka_cancel,
    .destroy = kafka_destroy,
};
