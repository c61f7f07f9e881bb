/* SPDX-License-Identifier: Apache-2.0 */
/* flights.h -- the batches of the Unix receiver between its sockets and the journal: one that is
 * being filled, and up to FLIGHTS_MAX - 1 that the journal has.
 *
 * Each remembers which events of which connection it carries (spans), so that the right acks
 * follow.  Outcomes are told in the order in which the batches were filled, whatever the order
 * in which the journal is done with them.
 *
 * Threads: belongs to the loop's thread; the journal's thread only posts a message to it.
 */
#pragma once

#include "journal/journal.h"
#include "loop/loop.h"
#include "receivers/admission.h"
#include "telltale/error.h"

enum { FLIGHTS_MAX = 8 };

/* Events `first` to `last` of one connection, without a hole. */
struct flight_span {
    uint32_t connection; /* index; FLIGHT_NOBODY: the daemon's own record */
    uint32_t generation;
    uint64_t first, last;
};
#define FLIGHT_NOBODY UINT32_MAX

struct flights;

struct flights_settings {
    struct loop *loop; /* borrowed, as are the next two */
    struct journal *journal;
    struct admission *admission; /* what is in flight is counted here */
    size_t batch_size_target;    /* bytes: a batch is submitted when it is this large */
    size_t event_size_max;
    void *context;
    /* Both are called from the loop, never from within the functions below.
     * One span's fate: `err` is set unless `status` is ST_OK. */
    void (*on_span)(void *context, const struct flight_span *span, enum status status,
                    const struct error *err);
    /* After the spans of one or more batches: `records` are durable, and a place is free. */
    void (*on_landed)(void *context, uint64_t records);
};

MUST_CHECK enum status flights_create(const struct flights_settings *settings, struct flights **ret,
                                      struct error *err);

/* Nothing may be in the journal any more (flights_idle()).  NULL is allowed. */
void flights_destroy(struct flights *flights);

/* The batch to fill, with room for one more event at least; NULL when all are under way: stop
 * reading until on_landed().  `want_next`: the present one is full for a reason of the caller's.
 * `*ret_is_new` tells that it is another one than the last time. */
struct append_batch *flights_current(struct flights *flights, bool want_next, bool *ret_is_new);

/* The record that was just ended in the current batch is this event.  `*ret_is_new_span` tells
 * whether on_span() will be called once more for this connection. */
void flights_note(struct flights *flights, uint32_t connection, uint32_t generation, uint64_t event,
                  bool *ret_is_new_span);

/* Gives the current batch to the journal, unless it is empty.  When it would be the last free
 * one, it goes on filling until another lands: so there is always one to fill, and batches grow
 * with the load.  When the journal cannot take it now, that is tried again by itself. */
void flights_flush(struct flights *flights);

/* Who sent what was noted last must not wait for the company of those who say much. */
void flights_hurry(struct flights *flights);

/* Whether more may be read now, when those who are read may bring the bytes in flight up to
 * `percent` of what the disk takes in its time (flight_limit.h).  A no is remembered as the wish
 * for more.  Who is let in commonly finds a place for FLIGHTS_READ_MAX bytes without having to stop
 * within them. */
MUST_CHECK bool flights_let_in(struct flights *flights, unsigned int percent);
enum { FLIGHTS_READ_MAX = 128 * 1024 };

/* Nothing is being filled, and the journal has nothing of ours. */
bool flights_idle(const struct flights *flights);

/* From now on nothing waits for the journal's queue: what it does not take at once has failed. */
void flights_give_up(struct flights *flights);
