/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h -- dead letters that are given to their destination once more.
 *
 * A command asks by leaving a file among the dead letters, NAME.replay; the worker of that
 * destination, to which the letters belong, does the rest.  A request is text, one line each:
 *
 *     all                  every letter there is
 *     42                   the letters of the record with this sequence number
 *
 * The worker sends each letter alone, so that the answer is about it and no other.  A letter leaves
 * its file when its record has an outcome: delivered, or refused again, and then it is a new
 * letter that is durable.  A crash before that repeats the letters of one file; nothing is lost.
 * Lines that are no letters stay where they are.
 *
 * Threads: a replay has one owner, the worker.  replay_ask() and replay_is_asked() are for any
 * process.
 */
#pragma once

#include <stdbool.h>

#include "deliver/dead_letter.h"

/* --- Asking ----------------------------------------------------------------------------------- */

enum { REPLAY_SEQUENCES_MAX = 1000000 };

/* Asks for the letters of `name` (of the files) in directory `dir` with these sequence numbers;
 * with a `count` of 0 for all.  `io` NULL: the system's.  The request is durable, and its owner
 * that of the directory. ST_AGAIN: an earlier request is not finished. */
MUST_CHECK enum status replay_ask(const struct disk_io *io, const char *dir, const char *name,
                                  const uint64_t *sequences, size_t count, struct error *err);

/* There is a request that is not finished. */
bool replay_is_asked(const char *dir, const char *name);

/* --- Answering: the worker -------------------------------------------------------------------- */

struct replay;

struct replay_settings {
    const char *dir;             /* must exist; borrowed during open */
    const char *name;            /* of the files; copied */
    const char *exporter;        /* "type/name"; copied */
    struct dead_letter *letters; /* borrowed until replay_close() */
    const struct disk_io *io;    /* likewise; NULL: the system's */
};

MUST_CHECK enum status replay_open(const struct replay_settings *settings, struct replay **ret,
                                   struct error *err);
/* Forgets what was not saved: it is sent again.  NULL is allowed. */
void replay_close(struct replay *replay);

/* Something may be to do: a request is being answered, or it is time to look for one.  NULL:
 * never. */
bool replay_is_due(const struct replay *replay, uint64_t now_ns);

/* The next letter as a batch of one record, borrowed until the next call; of no record when there
 * is none for now.  A failure is worth a line of the log; delivery goes on, and so does the
 * replay when replay_is_due() says so. */
MUST_CHECK enum status replay_next(struct replay *replay, uint64_t now_ns, struct batch *ret,
                                   struct error *err);

/* The record that replay_next() gave has its outcome. */
void replay_settle(struct replay *replay);

/* Takes the letters that are settled out of their file.  Done by replay_next() at the end of a
 * file, so it is for stopping in the middle.  NULL is allowed. */
MUST_CHECK enum status replay_save(struct replay *replay, struct error *err);
