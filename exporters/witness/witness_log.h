/* SPDX-License-Identifier: Apache-2.0 */
/* witness_log.h -- one log as its witness knows it, kept across crashes.
 *
 *     | witnessed | sent | since |
 *     0           m      t       newest checkpoint
 *
 * The witness has cosigned size m; it was shown size t, or is about to be, and its answer did not
 * come yet; `since` is what came behind that.  So whatever became of the request, the witness has m
 * or t, and from both a proof can be made.  The state is a small file that is replaced whole,
 * before the worker forgets the record and before a request goes out.
 *
 * Threads: belongs to the exporter that opened it.
 */
#pragma once

#include "telltale/integrity_records.h"
#include "telltale/log_files.h"
#include "telltale/tree_growth.h"

struct witness_log {
    char origin[NOTE_NAME_SIZE];
    struct merkle_range witnessed, sent, since;
    struct buf sent_note, newest_note; /* signed checkpoints; empty: none */
    struct tree_growth growth;         /* that of the newest checkpoint; count 0: not known */
};

void witness_log_init(struct witness_log *log);
void witness_log_fini(struct witness_log *log);

/* Reads what is known of the log; a file that is damaged or not there: nothing is.  ST_IO,
 * ST_NO_MEMORY. */
MUST_CHECK enum status witness_log_open(struct witness_log *log, const struct log_files *files,
                                        const char *origin, struct error *err);

/* Makes it durable. */
MUST_CHECK enum status witness_log_save(const struct witness_log *log,
                                        const struct log_files *files, struct error *err);

/* Takes a checkpoint, unless it is not newer than what is known: *ret_is_news.  `growth` has the
 * size and the root of the checkpoint.  Where nothing leads from the sizes that are known to this
 * one, everything before it is shown as one, which a witness takes that does not know the log. */
MUST_CHECK enum status witness_log_take(struct witness_log *log, const struct tree_growth *growth,
                                        struct slice note, bool *ret_is_news, struct error *err);

/* Whether there is something to show. */
static inline bool witness_log_waits(const struct witness_log *log)
{
    return log->sent_note.size > 0 || log->newest_note.size > 0;
}

/* The newest checkpoint is the one to be shown, unless one is already. */
MUST_CHECK enum status witness_log_choose(struct witness_log *log, struct error *err);

/* The witness has cosigned what was sent. */
void witness_log_settle(struct witness_log *log);

/* The witness has another size than was thought.  ST_NOT_FOUND: nothing leads from there on. */
MUST_CHECK enum status witness_log_go_to(struct witness_log *log, uint64_t size, struct error *err);
