/* SPDX-License-Identifier: Apache-2.0 */
/* journal_state.h -- what the files of the journal share: its state, and who may touch what.
 *
 *     journal.c     opening, submitting, asking, waiting; what readers see
 *     commit.c      the thread that writes
 *     retirement.c  limits, removal of what nobody needs, spare files
 *
 * Threads: as the groups of fields say.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "journal/journal.h"
#include "journal/journal_internal.h"
#include "journal/segment_writer.h"

enum {
    SPARES_MAX = 2,
    SPARE_NAME_SIZE = 16,
    GROUP_BYTES_ENOUGH = 1 << 20, /* a commit waits for no more company than this */
};

enum spare_state {
    SPARE_NONE,
    SPARE_AT_WORK, /* somebody makes, takes or drops it */
    SPARE_READY,   /* its name is durable: the segment that it was cannot come back */
};

/* A retired segment's file, kept to be written over. */
struct spare {
    enum spare_state state;
    struct segment was;
};

struct journal {
    struct journal_settings settings; /* `dir` is not kept */
    struct journal_dir dir;
    pthread_t thread;

    /* shared, under lock */
    pthread_mutex_t lock;
    pthread_cond_t submitted; /* the thread waits for batches */
    pthread_cond_t progress;  /* readers wait for records */
    struct segment_list segments;
    struct spare spares[SPARES_MAX];
    struct reader_place *readers;
    struct append_batch *queue; /* oldest first */
    struct append_batch **queue_end;
    uint64_t queue_bytes;
    bool queue_is_urgent;   /* a batch of it is */
    uint64_t pending_bytes; /* queued, or being written */
    uint64_t wakes;         /* calls of journal_wake() */
    uint64_t awaited;       /* the lowest number that a waiting thread wants to see committed */
    uint64_t retire_below;  /* by whoever is retiring now */
    bool is_retiring;
    bool is_stopping;
    struct error failure; /* of the last commit; its status is ST_OK when there was none */

    /* shared, atomic; written under the lock or by the journal thread */
    atomic_uint_fast64_t committed;
    atomic_bool disk_is_low;
    atomic_uint_fast64_t promised_until_ns; /* monotonic; any thread: journal_promise_room() */
    atomic_uint_fast64_t drops_until_ns;    /* the same: journal_promise_drops() */

    /* journal thread */
    struct segment_writer writer;
    uint64_t next_sequence;
    uint64_t next_start_ns;   /* of a commit that may wait for company */
    uint64_t next_urgent_ns;  /* of one that somebody waits for who says little */
    uint64_t unchecked_bytes; /* written since the disk's free room was looked at */
};

/* --- commit.c ----------------------------------------------------------------------------- */

/* The journal's thread: its context is the journal. */
void *journal_run(void *context);

/* Waits on `cond`, whose clock is monotonic, until `deadline_ns` or a signal. */
void journal_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ns);

/* --- retirement.c ------------------------------------------------------------------------- */

bool journal_disk_is_low(const struct journal *journal);

/* Journal thread: looks at the disk's free room; spares go first. */
void journal_check_disk(struct journal *journal);

/* Journal thread: whether the files may grow by `growth` bytes within size_max; drops spares to
 * make it so. */
bool journal_make_room(struct journal *journal, uint64_t growth);

/* Journal thread: what to ask for in advance for a new segment: within every limit, or nothing. */
uint64_t journal_preallocation(struct journal *journal);

/* Journal thread: a spare that no reader has open; NULL: there is none.  It is given back. */
struct spare *journal_take_spare(struct journal *journal, char ret_name[SPARE_NAME_SIZE]);

/* The file is a segment now. */
void journal_forget_spare(struct journal *journal, struct spare *spare);
/* The file is of no use. */
void journal_drop_spare(struct journal *journal, struct spare *spare);
