/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h -- reading committed records in order, from any position.
 *
 * Threads: a reader belongs to the thread that opened it.
 */
#pragma once

#include "journal/journal.h"
#include "telltale/batch.h"

struct journal_reader;

struct batch_limits {
    size_t size_max; /* bytes; a single record may be larger than this */
    size_t count_max;
    /* A set of signals: records of others are passed over, and a batch has records of one signal.
     * 0: it has whatever comes. */
    unsigned signals;
    /* Records that it does not want are passed over too.  `record` is borrowed during the call.
     * NULL: it wants all. */
    bool (*wants)(const void *context, enum signal signal, struct slice record);
    const void *context; /* borrowed */
};

/* Begins at `sequence` (1 is the first record ever).  If retirement or damage has taken it, the
 * reader begins at the next one that is there and counts what is missing.  0 begins at the oldest
 * record and counts nothing: a new consumer.  ST_INVALID: the journal ends before `sequence`
 * (journal_settings.sequence_floor prevents it). */
MUST_CHECK enum status journal_reader_open(struct journal *journal, uint64_t sequence,
                                           struct journal_reader **ret, struct error *err);
void journal_reader_close(struct journal_reader *reader); /* accepts NULL */

/* Reads what is committed, up to `limits`, into `ret`, which borrows from the reader until the
 * next call.  Zero records: nothing new yet.  `*ret_next` is the position behind the batch, for
 * the cursor; it also moves over damage, whose records are counted in `*ret_missing`, once even
 * if the reader goes back.  What is missing stands in front of everything that was read.  ST_IO:
 * the disk failed; the position has not changed.  Call again later: what cannot be read in several
 * calls is treated as damage. */
MUST_CHECK enum status journal_reader_next(struct journal_reader *reader,
                                           const struct batch_limits *limits, struct batch *ret,
                                           uint64_t *ret_next, uint64_t *ret_missing,
                                           struct error *err);

/* What else became of the range that the last journal_reader_next() has read. */
struct reader_passage {
    uint64_t
        present;     /* everything below this was missing: no record of the range stands in front */
    uint64_t passed; /* records of signals that were not wanted */
    uint64_t filtered; /* other records that wants() did not want */
};
struct reader_passage journal_reader_passage(const struct journal_reader *reader);

/* Goes back to `sequence`, for instance to send a batch again in halves. */
void journal_reader_seek(struct journal_reader *reader, uint64_t sequence);
