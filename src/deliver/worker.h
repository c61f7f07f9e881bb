/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h -- one destination: reads the journal from its cursor, hands batches to its exporter,
 * several at a time, and moves the cursor when, and only when, an outcome is known.
 *
 * What is confirmed is made durable within PROGRESS_DELAY_MS or PROGRESS_SIZE (progress.h); a
 * crash repeats no more than that and what was confirmed out of order, which is less than two
 * batches for each lane.  A batch is sent again for as long as the destination may still take it;
 * records that it never will go to the dead letters one by one, and their neighbours are
 * delivered.  An unusable cursor means that everything the journal still has is delivered again,
 * loudly: twice rather than never.
 *
 * Threads: a worker has threads of its own, one for each lane.  The functions below are for the
 * thread that started it; worker_read_status() and worker_skip_to() are for any thread.
 */
#pragma once

#include "deliver/omission.h"
#include "deliver/record_filter.h"
#include "journal/journal.h"
#include "telltale/exporter.h"

struct worker;
struct loss_ledger; /* loss_ledger.h */

enum { WORKER_LANES_MAX = 64 };

struct worker_settings {
    const char *name;               /* "type/name"; copied */
    const char *cursor_dir;         /* borrowed during start */
    const char *dead_letter_dir;    /* copied */
    const struct exporter_ops *ops; /* static */
    const void *config;             /* borrowed until worker_stop() */
    const char *state_dir;          /* borrowed until worker_stop() */
    struct record_filter filter;    /* its lists are borrowed until worker_stop() */
    omission_rule *is_content;      /* what is not to be sent; NULL: everything is */
    size_t batch_size_max;          /* bytes of one request, content included */
    size_t batch_count_max;
    size_t lanes_max;        /* requests under way at one time, 1 to WORKER_LANES_MAX; an exporter
                                that takes records in order has one */
    uint64_t helper_wait_ns; /* a lane is added when requests wait this long for an answer */
    uint64_t helper_idle_ns; /* and goes when it had nothing to do for so long */
    uint64_t batch_delay_ns; /* how long records may wait for company */
    uint64_t timeout_ns;     /* of one send() */
    uint64_t retry_initial_ns, retry_max_ns; /* backoff, full jitter */
    uint64_t dead_letter_size_max;           /* bytes of all files; 0: 1 GiB */
    bool dead_letters_drop_oldest;           /* the oldest file goes then */
    struct loss_ledger *ledger; /* borrowed until worker_stop(); NULL: losses are only counted */
    void *context;              /* borrowed; for: */
    void (*on_room)(void *context); /* any thread: what was skipped may be retired, or what was
                                       asked for was tried; NULL: not needed */
    /* Told of records first .. end - 1 that worker_skip_to() gives up, before the cursor passes
     * them and exactly once in a life.  Called by any lane, which waits for it; ranges do not
     * overlap but may come in any order.  NULL: nobody wants to know. */
    void (*note_skipped)(void *context, uint64_t first, uint64_t end);
    void *note_context;          /* borrowed until worker_stop() */
    const struct disk_io *io;    /* of the durable files; borrowed until worker_stop(); NULL: the
                                    system's */
    struct exporter_notes notes; /* for the exporters */
};

enum worker_state {
    WORKER_IDLE,
    WORKER_SENDING,
    WORKER_WAITING_TO_RETRY,
    WORKER_FAILED, /* cannot read the journal; tries again */
};

enum { WORKER_STATE_COUNT = WORKER_FAILED + 1 };

struct worker_status {
    enum worker_state state;
    uint64_t next_sequence; /* the durable cursor */
    uint64_t delivered_records;
    uint64_t rejected_records;  /* refused inside an accepted batch */
    uint64_t put_aside_records; /* delivered, but not where they should be */
    uint64_t dead_letter_records;
    uint64_t replayed_records; /* dead letters that were sent again, whatever came of it */
    uint64_t missing_records;  /* damage in the journal */
    uint64_t skipped_records;  /* passed over because of worker_skip_to() */
    uint64_t passed_records;   /* of signals that the destination does not take */
    uint64_t filtered_records; /* that its filter holds back */
    uint64_t retries;
    char last_error[256]; /* empty when the last send went well */
    uint64_t last_error_unix_ns;
};

MUST_CHECK enum status worker_start(const struct worker_settings *settings, struct journal *journal,
                                    struct worker **ret, struct error *err);

/* Asks the worker to finish and returns at once; with several workers, ask all before the first
 * worker_stop().  What is committed is still sent, until `deadline_ns` (monotonic), or until the
 * destination fails once more; then the lanes end.  What was not confirmed is sent at the next
 * start.  NULL is allowed. */
void worker_ask_to_stop(struct worker *worker, uint64_t deadline_ns);

/* The same if that was not done, then waits for the lanes and frees the worker.  At the deadline
 * sends that are under way are cancelled, if the exporter can do that; otherwise they have until
 * their timeout.  NULL is allowed. */
void worker_stop(struct worker *worker, uint64_t deadline_ns);

/* Its lanes have come to their end, so worker_stop() would not wait. */
bool worker_has_ended(const struct worker *worker);

/* The first record that would be delivered after a crash.  The smallest of all workers is what
 * the journal may retire up to. */
uint64_t worker_durable_sequence(const struct worker *worker);

/* Gives up everything below `sequence` that has no outcome yet; what is not committed cannot be
 * given up.  Returns at once.  The cursor gets there when the requests that are under way are
 * answered or have failed once, after one timeout at the latest; records that wait for another
 * attempt do not get it.  Each is counted as skipped and told to note_skipped(), unless it had its
 * outcome. */
void worker_skip_to(struct worker *worker, uint64_t sequence);

/* Room on a disk is asked for; the rest of exporter_room is the worker's to know. */
struct worker_room {
    uint64_t wanted_bytes;
    uint64_t device;
    uint64_t delivered_below;
};

/* Has the exporter make room, soon and on its own thread; then on_room() is called.  Every file
 * that goes is in the ledger before.  Does nothing when the exporter keeps nothing here or the
 * request before is not answered. */
void worker_ask_for_room(struct worker *worker, const struct worker_room *room);

void worker_read_status(struct worker *worker, struct worker_status *ret);
const char *worker_name(const struct worker *worker);
