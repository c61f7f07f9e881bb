/* SPDX-License-Identifier: Apache-2.0 */
/* unix_reading.h -- the inner half of the Unix receiver: connections to lines, lines to batches,
 * landed batches to acks.  unix_receiver.c is its only user and owns the struct.
 *
 * Threads: the loop's.
 */
#pragma once

#include "receivers/flights.h"
#include "receivers/native_intake.h"
#include "receivers/refusal_log.h"
#include "receivers/unix_connection.h"
#include "receivers/unix_receiver.h"

struct unix_receiver {
    struct unix_receiver_settings settings;
    struct loop *loop; /* borrowed, as are the next two */
    struct journal *journal;
    struct admission *admission;
    struct flights *flights;
    struct native_intake *intake;
    struct receiver_metrics metrics;
    struct acceptor *acceptor;

    struct unix_connection **connections; /* connections_max places; NULL: free */
    uint32_t *generations;                /* of each place */
    unsigned int connection_count;
    struct fair_queue queue; /* who has something to be read */

    uint8_t *input; /* UNIX_INPUT_SIZE */
    struct slice rest;
    struct unix_connection *rest_owner; /* NULL: there is no rest */
    struct normalized_source said;      /* in what is being taken */
    uint64_t now_unix_ns;               /* of the present turn */
    uint64_t journal_room;              /* at its beginning; UINT64_MAX: it is not shared */

    struct refusal_log refusals;
    uint64_t memory_short_since_ns; /* 0: nobody is parked for it */
    struct loop_message end_of_turn;
    struct loop_timer sweep;
};

enum { UNIX_INPUT_SIZE = FLIGHTS_READ_MAX };
#define UNIX_SWEEP_NS UINT64_C(1000000000)

/* For the flights. */
void unix_reading_on_span(void *context, const struct flight_span *span, enum status status,
                          const struct error *err);
void unix_reading_on_landed(void *context, uint64_t records);

/* For a connection's watch; `context` is the connection. */
void unix_reading_on_ready(void *context, uint32_t events);

/* For the receiver's end_of_turn: goes on with what had to wait, submits the batch. */
void unix_reading_on_end_of_turn(void *context);

/* Makes sure that there is a batch with room for an event.  False: none is free. */
bool unix_reading_find_batch(struct unix_receiver *receiver);

/* The line that the connection is sending was given up: it counts as a refused event. */
void unix_reading_refuse_line(struct unix_connection *connection, enum refusal refusal);

/* As much is in flight as may be. */
bool unix_reading_memory_is_short(const struct unix_receiver *receiver);

/* Lets those read on that waited for memory, unless they still have to. */
void unix_reading_unpark_for_memory(struct unix_receiver *receiver);

/* Writes what is to be said, and closes the connection when that was the last. */
void unix_reading_settle(struct unix_connection *connection);
void unix_reading_close(struct unix_connection *connection);

/* There is something to look after within a second. */
void unix_reading_need_sweep(struct unix_receiver *receiver);
