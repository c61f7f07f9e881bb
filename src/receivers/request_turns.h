/* SPDX-License-Identifier: Apache-2.0 */
/* request_turns.h -- in which order requests go into the journal, and how many bytes of them it has
 * at a time: as many as it makes durable in a few milliseconds (flight_limit.h).
 *
 * Each connection has one request at a time, so who came first goes first, and a connection that
 * sends much is behind all others again after each of its requests.  A request alone always goes.
 *
 * Threads: all under one lock of the caller's, which `resume` is called under too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/append_batch.h"
#include "receivers/flight_limit.h"
#include "telltale/base.h"

/* Part of a request.  Zeroes, but for `bytes`, before the first call. */
struct request_turn {
    struct request_turn *next; /* of those that wait */
    size_t bytes;              /* of its batch */
    bool is_counted;           /* among those in the journal; a resumed one is already */
};

struct request_turns {
    struct flight_limit limit;
    bool is_shared;      /* somebody who says little waits for the same disk: the caller says so */
    size_t count, bytes; /* in the journal */
    struct request_turn *waiting, **waiting_end;
    bool stopping;
    /* It is this one's turn: request_turns_enter() will let it in. */
    void (*resume)(struct request_turn *turn);
};

void request_turns_init(struct request_turns *turns, void (*resume)(struct request_turn *turn));

/* True: it goes, and leaves later.  False: it waits, and is resumed. */
MUST_CHECK bool request_turns_enter(struct request_turns *turns, struct request_turn *turn);

/* It is done, or gave up, or has gone since it was resumed.  Nothing happens when it is not
 * counted. */
void request_turns_leave(struct request_turns *turns, struct request_turn *turn);

/* The journal is done with one, which has not left yet.  `is_shared`: somebody who says little
 * waits for the same disk.  `now_ns`: monotonic. */
void request_turns_landed(struct request_turns *turns, struct commit_facts commit, bool is_shared,
                          uint64_t now_ns);

/* The journal could not take it.  True: it waits for another to leave. */
MUST_CHECK bool request_turns_wait(struct request_turns *turns, struct request_turn *turn);

/* From now on nobody waits. */
void request_turns_stop(struct request_turns *turns);
