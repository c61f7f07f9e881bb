/* SPDX-License-Identifier: Apache-2.0 */
/* append_batch.h -- records that arrived together and will be made durable together.
 *
 * A receiver fills one, submits it to the journal, and hears back once, when the disk has it or
 * when it never will.  Records are laid out as the journal writes them, with their frame
 * headers left blank, so that appending copies nothing.
 *
 * Ownership: journal_submit() takes the batch; `done` gives it back to be destroyed or reused.
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"

struct append_batch;

/* Called on the journal's thread, exactly once for every batch that was submitted.  ST_OK: every
 * record is durable.  Otherwise none is promised, and `err` says why.  The callee owns `batch`
 * again; it must be quick and must not block. */
typedef void append_done_function(void *context, struct append_batch *batch, enum status status,
                                  const struct error *err);

MUST_CHECK enum status append_batch_create(size_t size_limit, struct append_batch **ret,
                                           struct error *err);
void append_batch_destroy(struct append_batch *batch); /* accepts NULL */

/* Forgets the content, keeps the memory (up to 1 MiB of it). */
void append_batch_reset(struct append_batch *batch);

/* Says to which group, and so to which signal, the next records belong.  The bytes are copied; a
 * group that the batch has already is found again.  ST_LIMIT: more than APPEND_GROUPS_MAX groups,
 * or too large. */
MUST_CHECK enum status append_batch_set_group(struct append_batch *batch,
                                              const struct record_group *group, struct error *err);
enum { APPEND_GROUPS_MAX = 4096 };

/* The next records are of another signal, in the present group. */
void append_batch_set_signal(struct append_batch *batch, enum signal signal);

/* Opens a record in the present group: its bytes are to be appended to the buffer given back,
 * then it is either ended or cancelled.  ST_LIMIT: the batch is full. */
MUST_CHECK enum status append_batch_begin(struct append_batch *batch, struct buf **ret_buf,
                                          struct error *err);
void append_batch_end(struct append_batch *batch);
void append_batch_cancel(struct append_batch *batch);

/* Somebody who says little waits for it: its commit waits for no company of those who say much.
 * Until the next reset. */
void append_batch_set_urgent(struct append_batch *batch);
bool append_batch_is_urgent(const struct append_batch *batch);

size_t append_batch_count(const struct append_batch *batch);
size_t append_batch_size(const struct append_batch *batch); /* bytes, frames included */

/* After ST_OK: the sequence number of its first record; the others follow without gaps. */
uint64_t append_batch_first_sequence(const struct append_batch *batch);

/* In `done`: the commit that it was in. */
struct commit_facts {
    uint64_t begun_ns; /* monotonic */
    size_t bytes;      /* of all batches in it */
};
struct commit_facts append_batch_commit(const struct append_batch *batch);
