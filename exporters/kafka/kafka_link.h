/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_link.h -- a producer of librdkafka, and messages that are handed to it and waited for.
 *
 * The producer connects by itself, in threads of its own.  One that could not deliver a message, or
 * had some taken back (at a deadline, by a cancel), is spent: the numbers that make it idempotent
 * have a gap.  It is destroyed, and the next send makes another.
 *
 * Threads: one owner; kafka_link_cancel() is for any thread.
 */
#pragma once

#include "kafka_messages.h"

struct kafka_link;

/* `config` is borrowed until close.  Does not wait for a connection. */
MUST_CHECK enum status kafka_link_open(const struct kafka_config *config, struct kafka_link **ret,
                                       struct error *err);
/* Waits for the producer's threads.  Accepts NULL. */
void kafka_link_close(struct kafka_link *link);

/* What goes with every message of a send. */
struct kafka_envelope {
    const char *topic;
    const rd_kafka_headers_t *headers; /* borrowed; each message gets a copy */
};

/* Makes a producer if there is none, or if a file with a secret has changed since. */
MUST_CHECK enum status kafka_link_renew(struct kafka_link *link, struct error *err);

/* Hands all messages over and waits until each is settled, `deadline_ns` (monotonic) is near, or
 * the link is cancelled; sets `error` of each.  Nothing is under way when it returns.  `batch` is
 * what the messages were made of.  To be called when kafka_link_renew() has returned ST_OK. */
void kafka_link_send(struct kafka_link *link, const struct kafka_envelope *envelope,
                     struct kafka_messages *messages, const struct batch *batch,
                     uint64_t deadline_ns);

/* What the producer complained about last, since something was delivered; NO_ERROR: nothing. */
rd_kafka_resp_err_t kafka_link_trouble(const struct kafka_link *link);
const char *kafka_link_trouble_words(const struct kafka_link *link);

/* Lets the producer say what has happened to its connections while there is nothing to send. */
void kafka_link_serve(struct kafka_link *link);

/* The send under way, and every later one, ends soon: what is not delivered is taken back. */
void kafka_link_cancel(struct kafka_link *link);
