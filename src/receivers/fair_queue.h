/* SPDX-License-Identifier: Apache-2.0 */
/* fair_queue.h -- whose turn it is to be read: users first, then the connections of a user, each
 * for its share of bytes, and those that say little before those that say much.
 *
 * Deficit round robin on both levels.  Whoever took less than FAIR_QUANTUM bytes in this period of
 * FAIR_PERIOD_NS and the one before it is light and comes first; who took more is heavy and has its
 * turn among the heavy.  The caller may ask for the light alone, when there is room for little.
 *
 * A flow is queued while there is something to read from it, as far as is known.  Its owner holds
 * the struct.
 *
 * Threads: one owner at a time.  Time is an argument: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "telltale/error.h"

enum { FAIR_QUANTUM = 32 * 1024 }; /* bytes */
#define FAIR_PERIOD_NS UINT64_C(10000000)

enum fair_place { FAIR_OUT, FAIR_LIGHT, FAIR_HEAVY };

/* A user or a connection.  Zeroes are a new one. */
struct fair_flow {
    struct fair_flow *next;
    int64_t credit;             /* bytes that it may take in this round */
    uint64_t period_ns;         /* when the present period began */
    size_t taken, taken_before; /* bytes in the present period, and in the one before it */
    enum fair_place place;
};

struct fair_list {
    struct fair_flow *first, *last;
};

struct fair_ring {
    struct fair_list light, heavy;
};

struct fair_user {
    struct fair_flow flow;
    struct fair_ring connections;
    uid_t uid;
    unsigned int connection_count; /* 0: the place is free */
    size_t held_bytes;             /* the caller's: memory that its connections hold */
};

struct fair_queue {
    struct fair_ring users;
    struct fair_user *places; /* owned */
    size_t place_count;
};

MUST_CHECK enum status fair_queue_init(struct fair_queue *queue, size_t connections_max,
                                       struct error *err);
void fair_queue_fini(struct fair_queue *queue); /* zeroes are allowed */

/* A connection of this user has come: whose flows it is to be queued with, until it leaves.  No
 * more than `connections_max` may be there at a time. */
struct fair_user *fair_queue_join(struct fair_queue *queue, uid_t uid);
void fair_queue_leave(struct fair_user *user);

/* There is something to read.  Queued already: nothing changes. */
void fair_queue_add(struct fair_queue *queue, struct fair_user *user, struct fair_flow *flow,
                    uint64_t now_ns);

/* Not queued: nothing changes. */
void fair_queue_remove(struct fair_queue *queue, struct fair_user *user, struct fair_flow *flow);

/* Who may be read. */
enum fair_gate {
    FAIR_GATE_OPEN,   /* all */
    FAIR_GATE_NARROW, /* light connections, of heavy users too */
    FAIR_GATE_LIGHT,  /* light connections of light users */
};

/* The next one; NULL: there is none.  It stays in the queue. */
struct fair_flow *fair_queue_next(struct fair_queue *queue, enum fair_gate gate);

/* `bytes` were read from a queued flow. */
void fair_queue_charge(struct fair_user *user, struct fair_flow *flow, size_t bytes,
                       uint64_t now_ns);

bool fair_queue_is_empty(const struct fair_queue *queue);
