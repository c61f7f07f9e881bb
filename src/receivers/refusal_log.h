/* SPDX-License-Identifier: Apache-2.0 */
/* refusal_log.h -- refused events that the journal does not know of yet.  They become
 * agent.pipeline records: one for each reason and period, with a count, so that a sender of
 * rubbish cannot fill the journal with records about it.  What was shed has one for each kind.
 *
 * A count leaves only when its record is durable; what the journal did not take is added to the
 * next record.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "normalize/schema.h"
#include "receivers/refusal.h"

/* A refusal, or, from REFUSAL_COUNT on, a kind that was shed. */
enum { REFUSAL_SLOTS = (int)REFUSAL_COUNT + (int)KIND_COUNT };

struct refusal_count {
    uint64_t count;
    uint64_t first_unix_ns, last_unix_ns; /* when these were refused */
};

struct refusal_log {
    struct refusal_count counts[REFUSAL_SLOTS];
    uint64_t in_flight[REFUSAL_SLOTS]; /* of them, in records that have not landed */
    unsigned int pending;              /* landings that are waited for */
    bool failed;                       /* one of them */
};

/* Not for REFUSAL_SHED. */
void refusal_log_add(struct refusal_log *log, enum refusal refusal, uint64_t count,
                     uint64_t now_unix_ns);
void refusal_log_add_shed(struct refusal_log *log, enum event_kind kind, uint64_t count,
                          uint64_t now_unix_ns);

/* Something is to be recorded, or under way. */
bool refusal_log_is_open(const struct refusal_log *log);

/* Begins a round, unless one is under way: then false.  Each slot that has a count is to be
 * taken, and each landing that will be told is to be announced. */
MUST_CHECK bool refusal_log_begin(struct refusal_log *log);

static inline void refusal_log_take(struct refusal_log *log, size_t slot)
{
    log->in_flight[slot] = log->counts[slot].count;
}

static inline void refusal_log_expect_landing(struct refusal_log *log)
{
    log->pending++;
}

void refusal_log_landed(struct refusal_log *log, enum status status);
