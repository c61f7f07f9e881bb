/* SPDX-License-Identifier: Apache-2.0 */
/* worker_internal.h -- what a worker and its lanes share; for worker.c, lane.c, lane_claim.c and
 * lane_send.c alone.
 *
 * Two locks.  `lock` is held for moments and never across I/O.  `disk` is there for I/O: it guards
 * the cursor file and the dead letters, and whoever holds it may take `lock` too, never the other
 * way round.  The reader of the journal has a token instead, since whoever has it may sleep.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "deliver/account.h"
#include "deliver/batch_copy.h"
#include "deliver/dead_letter.h"
#include "deliver/gate.h"
#include "deliver/item_report.h"
#include "deliver/progress.h"
#include "deliver/replay.h"
#include "deliver/request_size.h"
#include "deliver/stop.h"
#include "deliver/window.h"
#include "deliver/worker.h"
#include "journal/reader.h"

enum lane_life {
    LANE_NONE,
    LANE_BEGINNING, /* its exporter is being created */
    LANE_RUNNING,
    LANE_ENDED, /* its thread is to be joined */
};

struct lane {
    struct worker *worker; /* borrowed */
    unsigned index;
    pthread_t thread;
    /* the lane's thread */
    void *exporter;           /* owned; destroyed under lock, or by the worker's owner */
    struct batch_copy copy;   /* what it sends, unless that is the reader's */
    struct omission omission; /* what it sends instead, if content is not to be sent */
    struct item_report items; /* what the destination said to the last send() */
    struct record *left;      /* owned; what is left of the claim, when answers were mixed: room for
                                 settings.batch_count_max; NULL: there was none yet */
    enum worker_state state;  /* as the account knows it */
    uint64_t last_tick_ns;    /* monotonic */
    /* shared, under lock */
    enum lane_life life;
    bool created; /* `exporter` may be NULL and yet be there */
};

struct worker {
    struct worker_settings settings; /* its pointers: as worker.h says; not the directories */
    struct journal *journal;         /* borrowed */
    struct lane *lanes;              /* owned; settings.lanes_max of them; the first always runs */
    unsigned signals;                /* that the destination takes */
    uint64_t first_new_sequence;     /* for exporters: see exporter.h */
    struct replay *replay; /* owned; the first lane's; NULL: letters stay where they are */

    /* shared, under disk */
    pthread_mutex_t disk;
    struct progress *progress;   /* owned */
    struct dead_letter *letters; /* owned; replay uses them too */

    /* whoever has set `reading` */
    struct journal_reader *reader; /* owned */
    uint64_t reader_at;            /* where it stands */

    /* shared, under lock */
    pthread_mutex_t lock;
    pthread_cond_t turn;     /* something may be claimed, or no longer */
    pthread_cond_t moved;    /* the gate has changed */
    bool reading;            /* a lane has the reader */
    bool given_up;           /* the worker is stopping and the destination has failed */
    unsigned running;        /* lanes that have a thread or are about to */
    unsigned idle_helpers;   /* of these, waiting to be called */
    struct worker_room room; /* what was asked for, while: */
    bool wants_room;
    uint64_t skip_to; /* records below have no claim on delivery any more; 0: all have */
    uint64_t helper_not_before_ns; /* monotonic: when a lane may be tried that could not be made */
    size_t full_count;             /* about as many records fill a request */
    uint64_t wait_ns;              /* for the destination in one request, smoothed */
    uint64_t unsaved_size;         /* bytes settled since progress was told */
    struct window window;
    struct gate gate;
    struct request_size request_size;

    struct account account; /* has its own rule */
    struct stop stop;       /* shared; likewise */
    atomic_bool has_ended;  /* shared, atomic */
};

static inline void worker_lock(struct worker *worker)
{
    (void)pthread_mutex_lock(&worker->lock); /* fails only if we hold it */
}

static inline void worker_unlock(struct worker *worker)
{
    (void)pthread_mutex_unlock(&worker->lock); /* fails only if we do not hold it */
}

/* Waits, with `lock` held, for `condition`, until `until_ns` (monotonic) or the deadline of a
 * request to stop.  It may wake for nothing. */
void worker_await(struct worker *worker, pthread_cond_t *condition, uint64_t until_ns);

/* With `lock` held: the worker is to stop, and there is no time or no hope left. */
bool worker_must_end(const struct worker *worker);

/* Makes the cursor durable as far as everything is settled; the dead letters before that. */
void worker_save(struct worker *worker);
/* The same when something was skipped, for which somebody waits. */
void worker_save_skipped(struct worker *worker);
/* The same when it is time and no other lane is at it. */
void worker_save_if_due(struct worker *worker);

/* --- lane.c: the thread ----------------------------------------------------------------------- */

/* Creates the lane's exporter; on success the lane may run. */
MUST_CHECK enum status lane_create_exporter(struct lane *lane, struct error *err);
MUST_CHECK enum status lane_start(struct lane *lane, struct error *err);

void lane_set_state(struct lane *lane, enum worker_state state);

/* Does what worker_ask_for_room() asked for, if that is this lane's to do.  Without a lock. */
void lane_make_room(struct lane *lane);

/* --- lane_claim.c: taking from the journal ---------------------------------------------------- */

struct claim {
    struct batch batch;
    uint64_t next;     /* behind the batch and behind damage that follows it */
    uint64_t ticket;   /* in the window */
    uint64_t passed;   /* records of the range that are of signals it does not take, */
    uint64_t filtered; /* and others that its filter holds back */
    bool is_borrowed;  /* the batch is the reader's, which nobody else has until it is settled */
    bool wants_help;   /* a full request more waits, and it is worth a lane */
};

enum claim_result {
    CLAIM_NOTHING, /* to be asked again when there is something */
    CLAIM_TAKEN,
    CLAIM_END, /* the lane is to end */
};

/* Takes a range that begins where the last claim ended, if at least `least` records wait. */
enum claim_result lane_claim(struct lane *lane, uint64_t least, struct claim *ret);

/* Everything of the claim below `next` has its outcome; `size` bytes of it are new. */
void lane_settle(struct lane *lane, const struct claim *claim, uint64_t next, size_t size);

/* The lane is done with the claim, settled or not. */
void lane_release(struct lane *lane, struct claim *claim);

/* Lets the cursor pass what is to be skipped and nobody has claimed, if the reader is free; a claim
 * does the same. */
void lane_skip(struct lane *lane);

/* Committed records that no lane has claimed; `lock` is held. */
uint64_t worker_backlog(const struct worker *worker);

/* --- lane_send.c: the destination ------------------------------------------------------------- */

enum fate {
    FATE_SETTLED,
    FATE_PARTLY, /* some records have their outcome; lane.items knows which, lane.left has room */
    FATE_AGAIN,
    FATE_HALVE,
    FATE_SKIPPED, /* nobody wants it delivered any more */
    FATE_STOPPED, /* the worker is stopping, and it has none */
};

/* Gives the memory back that sending takes. */
void lane_trim(struct lane *lane);

/* Sends a part of a batch until it has its fate, which is not FATE_AGAIN.  `is_new`: it comes from
 * the journal, so that it may be skipped; otherwise it is a dead letter. */
enum fate lane_send(struct lane *lane, const struct batch *part, bool is_new);
