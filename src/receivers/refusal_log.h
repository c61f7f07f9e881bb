/* SPDX-License-Identifier: Apache-2.0 */
/* refusal_log.h -- refused events that the journal does not know of yet.  They become
 * agent.pipeline records: one for each reason and period, with a count, so that a sender of
 * rubbish cannot fill the journal with records about it.
 *
 * A count leaves only when its record is durable; what the journal did not take is added to the
 * next record.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdbool.h>

#include "receivers/refusal.h"

struct refusal_log {
    uint64_t counts[REFUSAL_COUNT];
    uint64_t in_flight[REFUSAL_COUNT]; /* of them, in records that have not landed */
    unsigned int pending;              /* landings that are waited for */
    bool failed;                       /* one of them */
};

static inline void refusal_log_add(struct refusal_log *log, enum refusal refusal, uint64_t count)
{
    log->counts[refusal] += count;
}

/* Something is to be recorded, or under way. */
bool refusal_log_is_open(const struct refusal_log *log);

/* Begins a round, unless one is under way: then false.  Each reason that has a count is to be
 * taken, and each landing that will be told is to be announced. */
MUST_CHECK bool refusal_log_begin(struct refusal_log *log);

static inline void refusal_log_take(struct refusal_log *log, enum refusal refusal)
{
    log->in_flight[refusal] = log->counts[refusal];
}

static inline void refusal_log_expect_landing(struct refusal_log *log)
{
    log->pending++;
}

void refusal_log_landed(struct refusal_log *log, enum status status);
