/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h -- the one log that all receivers write and all destinations read.
 *
 * Segments of framed records in one directory (docs/JOURNAL_FORMAT.md).  A thread of its own
 * takes every batch that waits, writes them together, syncs once, and only then says so.
 * Readers see what is committed and nothing else.
 *
 * Threads: any thread may submit, wait and ask; the journal's own thread writes; a reader
 * (reader.h) belongs to its thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "journal/append_batch.h"
#include "telltale/error.h"

struct journal;
struct disk_io; /* disk_io.h */

struct journal_settings {
    const char *dir;            /* made if missing, mode 0700; borrowed during open */
    uint64_t size_max;          /* bytes of all segments together */
    uint64_t segment_size;      /* a segment is closed when it is this large */
    uint64_t disk_reserve;      /* bytes that are left free on the file system */
    uint64_t group_delay_ns;    /* the most that a commit waits for others to join; it waits when
                                   the one before it took more than a quarter of the time since
                                   it began */
    uint64_t pending_bytes_max; /* batches submitted and not yet durable */
    uint64_t sequence_floor;    /* new records get no number below this: the largest cursor, so
                                 * that a consumer never passes over records that come after
                                 * damage has shortened the journal; 0 if there is none */
    const struct disk_io *io;   /* borrowed; NULL: the system's.  Tests put faults here */
    /* A batch came that leaves less than a segment's room, or has been refused because the journal
     * or the disk is full.  Called by the submitting thread, without a lock.  NULL: not needed. */
    void (*on_pressure)(void *context);
    void *context; /* borrowed */
};

/* What recovery found; all zero on a first start.  It looks into the last segment only; damage
 * in the others is found, kept aside and counted by readers. */
struct journal_recovery {
    uint64_t segments;
    uint64_t records;    /* in segments before the last: as many as their numbers say */
    uint64_t torn_bytes; /* cut from the end of the last segment */
    uint64_t quarantined_ranges;
    uint64_t quarantined_bytes;
    uint64_t missing_records; /* sequence numbers that damage has taken */
};

/* Recovers what is there and starts the thread, which inherits the caller's signal mask.  Damage
 * never fails the start: it is moved to DIR/quarantine and reported.  ST_IO: the directory cannot
 * be used; ST_AGAIN: another process holds its lock (the message names the pid). */
MUST_CHECK enum status journal_open(const struct journal_settings *settings, struct journal **ret,
                                    struct journal_recovery *ret_recovery, struct error *err);

/* Commits what was submitted, stops the thread, closes the files.  NULL is allowed.  Readers
 * must be closed before. */
void journal_close(struct journal *journal);

/* Takes `*batch` (sets it to NULL) and calls `done` later.  Refusals leave it with the caller:
 * ST_AGAIN: pending_bytes_max is reached, try again when something was committed; ST_LIMIT: the
 * journal or the disk is full, and the message says what to do; ST_STOPPING.  A disk that fails is
 * told to `done`: ST_LIMIT when it lacks room, otherwise ST_IO. */
MUST_CHECK enum status journal_submit(struct journal *journal, struct append_batch **batch,
                                      append_done_function *done, void *context, struct error *err);

/* Whether it takes records, as far as is known without writing one.  ST_IO: the last write failed,
 * and `err` says how; ST_LIMIT: the disk is nearly full, or the write found no room.  A journal
 * that is full is in order: its readers are behind. */
MUST_CHECK enum status journal_check_health(struct journal *journal, struct error *err);

/* Every sequence number below this is durable. */
uint64_t journal_committed(const struct journal *journal);

/* The oldest sequence number that is still kept. */
uint64_t journal_oldest(const struct journal *journal);

/* Waits until journal_committed() > `sequence`, `deadline_ns` (monotonic) has passed or
 * journal_wake() is called. */
void journal_wait(struct journal *journal, uint64_t sequence, uint64_t deadline_ns);
void journal_wake(struct journal *journal);

/* No reader needs what is below `sequence`: whole segments below it are removed.  The caller
 * has made the cursors that allow it durable first.  Blocks for a sync for each. */
void journal_retire(struct journal *journal, uint64_t sequence);

/* How much room there is, and where the next would come from. */
struct journal_room {
    uint64_t held; /* bytes of all segments and of what waits for the disk */
    uint64_t size_max, segment_size;
    uint64_t oldest;                  /* sequence number: the oldest segment begins here and */
    uint64_t second;                  /* ends here; 0: it is the only one, and does not go */
    uint64_t disk_free, disk_reserve; /* bytes; disk_free UINT64_MAX: not known */
};
void journal_read_room(struct journal *journal, struct journal_room *ret);

/* Until `deadline_ns` (monotonic) a journal that has reached size_max says ST_AGAIN instead of
 * ST_LIMIT: room is being made.  0 takes that back. */
void journal_promise_room(struct journal *journal, uint64_t deadline_ns);

/* Until then destinations give up their oldest records when room is needed, so that a journal near
 * its bound is nothing to act on.  0 takes that back. */
void journal_promise_drops(struct journal *journal, uint64_t deadline_ns);
bool journal_drops_for_room(const struct journal *journal);

/* What the disk with the journal on it is called: to tell what else lies there. */
dev_t journal_device(const struct journal *journal);

const uint8_t *journal_id(const struct journal *journal); /* JOURNAL_ID_SIZE bytes */
uint64_t journal_size(const struct journal *journal);     /* bytes on disk */
