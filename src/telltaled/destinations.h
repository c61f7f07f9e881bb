/* SPDX-License-Identifier: Apache-2.0 */
/* destinations.h -- all workers of the daemon: started, watched, restarted and stopped together,
 * and what none of them needs any more is retired from the journal.
 *
 * Threads: the daemon's main thread.
 */
#pragma once

#include "config/config.h"
#include "deliver/worker.h"

struct destinations;

/* What the workers share. */
struct destinations_hooks {
    struct loss_ledger *ledger;     /* borrowed until destinations_stop(), as the others */
    void *context;                  /* for: */
    void (*on_room)(void *context); /* any thread: something may be retired, or was deleted */
    struct exporter_notes notes;    /* what exporters have to put on record */
};

/* The largest durable cursor below `state_dir`, 0 if there is none: the journal gives no smaller
 * number to a new record (journal.h says why).  A cursor that cannot be read is passed over: its
 * worker starts from the oldest record and says so. */
uint64_t destinations_largest_cursor(const char *state_dir);

/* Starts a worker for each exporter of `config`, which is borrowed until destinations_stop().
 * Cursors are kept in `state_dir`/cursors, dead letters in `state_dir`/dead-letters.  If one
 * cannot be started, none runs. */
MUST_CHECK enum status destinations_start(const struct config *config, struct journal *journal,
                                          const struct destinations_hooks *hooks,
                                          struct destinations **ret, struct error *err);

/* Asks all workers to finish until `deadline_ns` (monotonic), and returns at once. */
void destinations_ask_to_stop(struct destinations *destinations, uint64_t deadline_ns);

/* They have: destinations_stop() would not wait. */
bool destinations_have_ended(const struct destinations *destinations);

/* Lets the workers finish until `deadline_ns` (monotonic).  NULL is allowed. */
void destinations_stop(struct destinations *destinations, uint64_t deadline_ns);

/* Removes from the journal what every destination is done with. */
void destinations_retire(struct destinations *destinations);

/* Every destination that still needs a record below `sequence` may drop its oldest ones. */
bool destinations_may_drop(const struct destinations *destinations, uint64_t sequence);

/* Every destination that still needs one may drop it, or is delivering just now. */
bool destinations_make_room(const struct destinations *destinations, uint64_t sequence,
                            uint64_t now_ns);

/* Has them give up what is below `sequence`; returns at once. */
void destinations_drop(struct destinations *destinations, uint64_t sequence);

/* Has stores on the journal's disk delete old files, up to so many bytes each, that every other
 * destination has all records of; returns at once. */
void destinations_ask_for_room(struct destinations *destinations, uint64_t wanted_bytes);

size_t destinations_count(const struct destinations *destinations);
struct worker *destinations_worker(const struct destinations *destinations, size_t index);
