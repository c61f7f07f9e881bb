/* SPDX-License-Identifier: Apache-2.0 */
/* shedding.h -- kinds of events that are refused first when room is short (limits.shed), so that
 * what is left is kept for the others.
 *
 * Room is short when memory for events in flight is used to three quarters, or the journal holds
 * nine tenths of what it may and no destination gives up old records for it.  A record with a
 * decision, or about something that was denied, is never shed, whatever its kind; nor are the kinds
 * that config_shed.h rules out.
 *
 * Threads: init and fini by one owner; the rest, any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "journal/journal.h"
#include "metrics/metrics.h"
#include "normalize/normalize.h"
#include "receivers/admission.h"

struct shedding {
    uint32_t kinds;                    /* 1 << enum event_kind each; 0: nothing is ever shed */
    const struct admission *admission; /* borrowed */
    const struct journal *journal;     /* borrowed */
    uint64_t journal_size_max;
    struct metric *shed[KIND_COUNT];
    /* shared, atomic */
    _Atomic bool is_short;
};

struct shedding_settings {
    const char *const *kinds; /* names; borrowed during the call */
    size_t kind_count;
    const struct admission *admission; /* these are borrowed for good */
    const struct journal *journal;
    uint64_t journal_size_max;
};

/* ST_INVALID: a name is of no kind, or of one that is never shed. */
MUST_CHECK enum status shedding_init(struct shedding *shedding,
                                     const struct shedding_settings *settings, struct error *err);

/* Looks whether room is short.  To be called now and then: before a turn, before a request. */
void shedding_update(struct shedding *shedding);

/* Pure: what shedding_update() decides by. */
bool shedding_is_short(uint64_t memory_used, uint64_t memory_limit, uint64_t journal_size,
                       uint64_t journal_size_max);

/* A record of this kind may be shed when room is short. */
static inline bool shedding_may(const struct shedding *shedding,
                                const struct normalized_kind *record)
{
    return (shedding->kinds >> record->kind & 1) != 0 && !record->is_decision;
}

/* This record is to be refused now.  Nearly always that is known after one relaxed read. */
static inline bool shedding_wants(const struct shedding *shedding,
                                  const struct normalized_kind *record)
{
    return atomic_load_explicit(&shedding->is_short, memory_order_relaxed) &&
           shedding_may(shedding, record);
}

/* One was refused for it. */
static inline void shedding_count(const struct shedding *shedding, enum event_kind kind)
{
    metric_add(shedding->shed[kind], 1);
}
