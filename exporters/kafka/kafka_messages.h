/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_messages.h -- a batch as messages: each has records of one session and is a whole OTLP
 * export request.
 *
 * A session with more than fits is cut between records, and its messages stand in order.  All bytes
 * lie in one buffer, which the producer borrows until it has reported on each message.
 *
 * Threads: one owner.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "kafka_config.h"
#include "kafka_sessions.h"
#include "telltale/buf.h"

struct kafka_message {
    struct slice key; /* borrowed from the batch; may be empty */
    size_t offset;    /* in kafka_messages.bytes */
    size_t size;
    uint32_t first, count; /* its records, in kafka_messages.order */
    /* The producer's: */
    bool settled;
    rd_kafka_resp_err_t error;
};

/* Why a record is in no message. */
enum kafka_fate {
    KAFKA_IN_MESSAGE,
    KAFKA_OVERSIZED, /* alone it is over the limit */
    KAFKA_BROKEN,    /* it cannot be encoded */
    KAFKA_LATER,     /* the buffer was full: it may come again at once */
};

struct kafka_messages {
    enum kafka_encoding encoding;
    bool by_session;
    size_t size_max; /* of a message's value */
    struct buf bytes;
    struct buf line; /* one record in JSON */
    struct kafka_sessions sessions;
    const uint32_t *order;       /* indexes of records; of `sessions` */
    struct kafka_message *items; /* owned */
    size_t count;
    uint8_t *fates; /* enum kafka_fate, by record; owned */
    size_t capacity;
    /* Scratch of one message, owned: its records and groups, where each group of the batch is in
     * that, and for which message. */
    struct record *records;
    struct record_group *groups;
    uint32_t *group_place;
    uint32_t *group_stamp;
    size_t group_capacity;
    uint32_t stamp;
};

enum { KAFKA_MESSAGE_OVERHEAD = 512 }; /* key, our headers and the framing, as librdkafka counts */

void kafka_messages_init(struct kafka_messages *messages, const struct kafka_config *config);
void kafka_messages_fini(struct kafka_messages *messages);

/* Fills `messages` with `batch`, which is borrowed until the next call.  ST_NO_MEMORY; ST_LIMIT:
 * not one record fits into the buffer. */
MUST_CHECK enum status kafka_messages_make(struct kafka_messages *messages,
                                           const struct batch *batch, struct error *err);

/* Gives memory over `keep` bytes of each buffer back. */
void kafka_messages_trim(struct kafka_messages *messages, size_t keep);
