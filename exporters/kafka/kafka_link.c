/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_link.c -- see kafka_link.h.
 *
 * librdkafka keeps messages until they are delivered or their time is up, and its own retries make
 * use of that.  A send() has a deadline that the producer does not know; so what is not delivered
 * shortly before it is purged, and the producer with it.  What was on its way to a broker then may
 * be there all the same: delivery is at least once.
 *
 * While brokers are away a producer that has delivered waits for them, since it alone can send
 * again without doubles.  A new one has nothing to lose: when it finds no broker at all it gives up
 * soon, so that the reason is seen and the worker's backoff counts.  Not at once: a name may have
 * several addresses, of which it tries one after the other.
 */
#include "kafka_link.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kafka_outcome.h"
#include "kafka_properties.h"
#include "telltale/clocks.h"
#include "telltale/secret_file.h"

enum {
    SLICE_MS = 50,        /* how long a cancel may go unnoticed */
    TAKE_BACK_MS = 100,   /* kept of a deadline for taking messages back */
    PURGE_WAIT_MS = 1000, /* for reports that are due at once */
    NOBODY_MS = 3000,     /* a new producer looks for a broker */
    WATCHED_FILES = 4,
    REASON_SIZE = 512,
};

struct kafka_link {
    const struct kafka_config *config; /* borrowed */
    rd_kafka_t *producer;              /* owned; NULL: to be made */
    bool has_delivered;                /* this producer, anything */
    uint64_t all_down_ns;              /* since when it knows no broker that is up; 0: it does */
    struct stat seen[WATCHED_FILES];   /* the files when it was made */
    rd_kafka_resp_err_t trouble;
    char trouble_words[REASON_SIZE];
    /* during a send */
    struct kafka_messages *messages; /* NULL outside */
    size_t waiting;                  /* messages that the producer has */
    /* any thread */
    atomic_bool cancelled;
};

/* --- What the producer says ----------------------------------------------------------------- */

static void on_delivered(rd_kafka_t *producer, const rd_kafka_message_t *report, void *self)
{
    struct kafka_link *link = self;
    size_t index = (size_t)(uintptr_t)report->_private;

    (void)producer;
    ASSERT(link->messages != NULL && index < link->messages->count && link->waiting > 0);
    struct kafka_message *message = &link->messages->items[index];
    ASSERT(!message->settled);
    message->settled = true;
    message->error = report->err;
    link->waiting--;
    if (report->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    link->has_delivered = true;
    link->all_down_ns = 0;
    link->trouble = RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* A reason that somebody can mend is kept until something is delivered: what follows from it, like
 * a broker that is counted as down, says less. */
static void on_error(rd_kafka_t *producer, int error, const char *reason, void *self)
{
    struct kafka_link *link = self;
    rd_kafka_resp_err_t code = (rd_kafka_resp_err_t)error;

    (void)producer;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        link->all_down_ns = clock_monotonic_ns();
    if (link->trouble != RD_KAFKA_RESP_ERR_NO_ERROR &&
        (kafka_verdict_of(link->trouble) == KAFKA_REPAIR ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN))
        return;
    link->trouble = code;
    snprintf(link->trouble_words, sizeof(link->trouble_words), "%s", reason);
}

static void swallow_log(const rd_kafka_t *producer, int level, const char *facility,
                        const char *line)
{
    (void)producer;
    (void)level;
    (void)facility;
    (void)line;
}

/* --- The producer --------------------------------------------------------------------------- */

/* A file that is not there at the moment has not changed. */
static bool files_changed(const struct kafka_link *link, struct stat ret_seen[WATCHED_FILES])
{
    const char *const paths[WATCHED_FILES] = {
        link->config->tls.ca_file, link->config->tls.cert_file, link->config->tls.key_file,
        link->config->sasl.password_file};
    bool changed = false;

    for (size_t i = 0; i < WATCHED_FILES; i++) {
        ret_seen[i] = link->seen[i];
        if (paths[i] == NULL || stat(paths[i], &ret_seen[i]) != 0)
            continue;
        changed = changed || !secret_file_is_same(&ret_seen[i], &link->seen[i]);
    }
    return changed;
}

static void drop_producer(struct kafka_link *link)
{
    if (link->producer != NULL)
        rd_kafka_destroy(link->producer);
    link->producer = NULL;
}

enum status kafka_link_renew(struct kafka_link *link, struct error *err)
{
    struct stat seen[WATCHED_FILES];
    char reason[REASON_SIZE] = "";
    rd_kafka_conf_t *conf = NULL;

    bool changed = files_changed(link, seen);
    bool lost = link->all_down_ns > 0 && !link->has_delivered; /* it says so only once */
    if (link->producer != NULL && !changed && !lost)
        return ST_OK;
    enum status st = kafka_properties_make(link->config, &conf, err);
    if (st != ST_OK)
        return st;
    rd_kafka_conf_set_opaque(conf, link);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, swallow_log);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (producer == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ST_INVALID, "make a producer: %s", reason);
    }
    drop_producer(link);
    link->producer = producer;
    link->has_delivered = false;
    link->all_down_ns = 0;
    link->trouble = RD_KAFKA_RESP_ERR_NO_ERROR;
    memcpy(link->seen, seen, sizeof(seen));
    return ST_OK;
}

enum status kafka_link_open(const struct kafka_config *config, struct kafka_link **ret,
                            struct error *err)
{
    struct kafka_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return error_set(err, ST_NO_MEMORY, "open a Kafka producer");
    link->config = config;
    atomic_init(&link->cancelled, false);
    enum status st = kafka_link_renew(link, err);
    if (st != ST_OK) {
        free(link);
        return st;
    }
    *ret = link;
    return ST_OK;
}

void kafka_link_close(struct kafka_link *link)
{
    if (link == NULL)
        return;
    drop_producer(link);
    free(link);
}

rd_kafka_resp_err_t kafka_link_trouble(const struct kafka_link *link)
{
    return link->trouble;
}

const char *kafka_link_trouble_words(const struct kafka_link *link)
{
    return link->trouble_words;
}

void kafka_link_serve(struct kafka_link *link)
{
    if (link->producer != NULL)
        (void)rd_kafka_poll(link->producer,
                            0); /* nothing is under way: only on_error() is called */
}

void kafka_link_cancel(struct kafka_link *link)
{
    atomic_store(&link->cancelled, true);
}

/* --- Sending -------------------------------------------------------------------------------- */

static bool is_over(const struct kafka_link *link, uint64_t end_ns)
{
    uint64_t now = clock_monotonic_ns();
    bool nobody = !link->has_delivered && link->all_down_ns > 0 &&
                  now >= link->all_down_ns + NOBODY_MS * NS_PER_MS;

    return atomic_load(&link->cancelled) || now >= end_ns || nobody;
}

static rd_kafka_headers_t *headers_of(const struct kafka_envelope *envelope,
                                      uint64_t first_sequence)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_copy(envelope->headers);
    char text[24];

    int size = snprintf(text, sizeof(text), "%" PRIu64, first_sequence);
    rd_kafka_header_add(headers, "first-index", -1, text, size);
    return headers;
}

static rd_kafka_resp_err_t hand_over(struct kafka_link *link, const struct kafka_envelope *envelope,
                                     size_t index, uint64_t first_sequence)
{
    struct kafka_message *message = &link->messages->items[index];
    rd_kafka_headers_t *headers = headers_of(envelope, first_sequence);
    void *value = link->messages->bytes.data + message->offset;

    /* librdkafka copies keys, and takes no pointer to const for them. */
    void *key = message->key.size > 0 ? (void *)(uintptr_t)message->key.data : NULL;
    rd_kafka_resp_err_t error = rd_kafka_producev(
        link->producer, RD_KAFKA_V_TOPIC(envelope->topic), RD_KAFKA_V_KEY(key, message->key.size),
        RD_KAFKA_V_VALUE(value, message->size), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_OPAQUE((void *)(uintptr_t)index), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers); /* otherwise they are the message's */
    return error;
}

/* The producer's queue is larger than all messages of a send; should it be full all the same, room
 * is waited for. */
static void hand_over_all(struct kafka_link *link, const struct kafka_envelope *envelope,
                          const struct batch *batch, uint64_t end_ns)
{
    struct kafka_messages *messages = link->messages;
    size_t index = 0;

    while (index < messages->count && !is_over(link, end_ns)) {
        struct kafka_message *message = &messages->items[index];
        uint64_t first = batch->records[messages->order[message->first]].sequence;
        link->waiting++;
        rd_kafka_resp_err_t error = hand_over(link, envelope, index, first);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            index++;
            continue;
        }
        link->waiting--;
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && link->waiting > 0) {
            (void)rd_kafka_flush(link->producer, SLICE_MS); /* what it did is in `waiting` */
            continue;
        }
        message->settled = true;
        message->error = error;
        index++;
    }
}

/* A little before the deadline. */
static uint64_t end_of_waiting(uint64_t deadline_ns)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
    uint64_t kept = TAKE_BACK_MS * NS_PER_MS;

    return now + left - (kept < left / 4 ? kept : left / 4);
}

static void take_back(struct kafka_link *link)
{
    uint64_t end_ns = clock_monotonic_ns() + PURGE_WAIT_MS * NS_PER_MS;

    (void)rd_kafka_purge(link->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (link->waiting > 0 && clock_monotonic_ns() < end_ns)
        (void)rd_kafka_poll(link->producer, SLICE_MS); /* what it did is in `waiting` */
}

/* Whether the producer failed with a message for another reason than the message itself.  What it
 * then keeps in mind, the numbers of what it gave up or a topic that it may not write to for five
 * minutes, is in the way of the next try. */
static bool is_spent(const struct kafka_link *link)
{
    char reason[REASON_SIZE];

    for (size_t i = 0; i < link->messages->count; i++) {
        enum kafka_verdict verdict = kafka_verdict_of(link->messages->items[i].error);
        if (verdict == KAFKA_RETRY || verdict == KAFKA_REPAIR)
            return true;
    }
    return rd_kafka_fatal_error(link->producer, reason, sizeof(reason)) !=
           RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kafka_link_send(struct kafka_link *link, const struct kafka_envelope *envelope,
                     struct kafka_messages *messages, const struct batch *batch,
                     uint64_t deadline_ns)
{
    uint64_t end_ns = end_of_waiting(deadline_ns);

    ASSERT(link->producer != NULL);
    for (size_t i = 0; i < messages->count; i++) {
        messages->items[i].settled = false;
        messages->items[i].error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    link->messages = messages;
    link->waiting = 0;
    hand_over_all(link, envelope, batch, end_ns);
    while (link->waiting > 0 && !is_over(link, end_ns))
        (void)rd_kafka_flush(link->producer, SLICE_MS); /* what it did is in `waiting` */

    if (link->waiting > 0)
        take_back(link);
    if (is_spent(link))
        drop_producer(link); /* after which nothing borrows the messages */
    link->messages = NULL;
}
