/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_log.h -- one log and its time stamps, kept across crashes.
 *
 *     newest ─asked─► stamped, told ─its record comes by─► done
 *
 * A checkpoint is durable here before the worker forgets its record, when it was last asked for a
 * stamp before the request goes out, and a stamp from the moment it came until its own record is
 * seen among the others: then the journal has it.  So no crash makes an authority be asked more
 * often, and none loses what it said.
 *
 * Threads: belongs to the exporter that opened it.
 */
#pragma once

#include "telltale/integrity_records.h"
#include "telltale/log_files.h"
#include "telltale/timestamp.h"

enum { TIMESTAMP_TOKEN_TEXT_MAX = (TIMESTAMP_TOKEN_MAX + 2) / 3 * 4 }; /* base64 */

struct timestamp_log {
    char origin[NOTE_NAME_SIZE];
    struct buf newest; /* a checkpoint that waits for a stamp; empty: none */
    uint64_t newest_size;
    uint64_t stamped_size;     /* the largest with a stamp */
    uint64_t asked_unix_s;     /* 0: never */
    bool is_answered;          /* what was asked then */
    struct buf stamped, token; /* a checkpoint and its stamp in base64, until its record is seen */
    uint64_t token_unix_s;
    char signer[TIMESTAMP_SIGNER_SIZE];
    /* Since the start: */
    bool is_told;         /* the token */
    uint64_t tell_due_ns; /* when it is, unless its record is seen before */
    unsigned failures;    /* in a row */
};

void timestamp_log_init(struct timestamp_log *log);
void timestamp_log_fini(struct timestamp_log *log);

/* Reads what is known of the log; a file that is damaged or not there: nothing is.  ST_IO,
 * ST_NO_MEMORY. */
MUST_CHECK enum status timestamp_log_open(struct timestamp_log *log, const struct log_files *files,
                                          const char *origin, struct error *err);

/* Makes it durable. */
MUST_CHECK enum status timestamp_log_save(const struct timestamp_log *log,
                                          const struct log_files *files, struct error *err);

/* Takes a checkpoint, unless it is not newer than what is known: *ret_is_news. */
MUST_CHECK enum status timestamp_log_take(struct timestamp_log *log, uint64_t size,
                                          struct slice note, bool *ret_is_news, struct error *err);

/* The newest checkpoint has this stamp, in DER. */
MUST_CHECK enum status timestamp_log_settle(struct timestamp_log *log, struct slice token,
                                            const struct timestamp_info *info, struct error *err);

/* Whether this is the stamp that was told; then it is forgotten. */
bool timestamp_log_saw(struct timestamp_log *log, struct slice token);
