/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_sessions.h -- the records of a batch, put together by the session that they belong to.
 *
 * Sessions stand in the order of their first record, the records of one in the order of the batch.
 * Records without a session are one more, whose key is empty.
 *
 * Threads: one owner.
 */
#pragma once

#include <stdbool.h>

#include "telltale/batch.h"
#include "telltale/error.h"

struct kafka_session {
    struct slice key; /* borrowed from the batch */
    uint64_t hash;
    uint32_t first, count; /* in kafka_sessions.order */
};

struct kafka_sessions {
    struct kafka_session *items; /* owned, as the rest */
    size_t count;
    uint32_t *order;      /* indexes of records, session by session */
    uint32_t *session_of; /* by record */
    uint32_t *slots;      /* a hash table of session indexes plus one; 0: empty */
    size_t slot_count;    /* a power of two */
    size_t capacity;      /* records that fit */
    uint64_t seed;        /* of the hash: senders choose the names */
};

void kafka_sessions_init(struct kafka_sessions *sessions);
void kafka_sessions_fini(struct kafka_sessions *sessions);

/* Fills `sessions` with those of `batch`, of which it borrows until the next call.  `by_session`
 * false: all records are of one without a key.  ST_NO_MEMORY. */
MUST_CHECK enum status kafka_sessions_find(struct kafka_sessions *sessions,
                                           const struct batch *batch, bool by_session,
                                           struct error *err);
