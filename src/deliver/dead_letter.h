/* SPDX-License-Identifier: Apache-2.0 */
/* dead_letter.h -- records that a destination will never take, kept so that people can read them
 * and a command can send them again.
 *
 * One JSON object a line, in DIR/NAME.jsonl:
 *
 *     {"time":"2026-11-20T22:23:31.123456789Z",   when it was given up
 *      "exporter":"otlp_grpc/soc",
 *      "reason":"rejected",                       or "too_large"
 *      "message":"INVALID_ARGUMENT: ...",         the destination's words
 *      "attempts":1,                              sends of the request that ended it
 *      "journal":"00112233445566778899aabbccddeeff", "sequence":42,
 *      "otlp":{"resourceLogs":[...]}}             a LogsData object
 *
 * A record that is not protobuf, or whose JSON would be too large, has "record_base64" instead of
 * "otlp".  A file that has reached
 * its size becomes NAME.N.jsonl, N rising from 1.  When all files
 * together have reached their size, nothing more is taken, and the worker waits for somebody to
 * make room; or, if the policy says so, the oldest one is deleted, when the loss ledger has it.
 *
 * Threads: one at a time.
 */
#pragma once

#include <stdbool.h>

#include "telltale/batch.h"
#include "telltale/disk_io.h"

struct dead_letter;
struct loss_ledger; /* loss_ledger.h */

enum { DEAD_LETTER_NAME_SIZE = 128 };

/* The name of an exporter's files: "otlp_grpc/soc" gives "otlp_grpc.soc".  ST_LIMIT: too long. */
MUST_CHECK enum status dead_letter_file_name(const char *exporter, char out[DEAD_LETTER_NAME_SIZE],
                                             struct error *err);

struct dead_letter_settings {
    const char *dir;          /* must exist; copied */
    const char *name;         /* of the files; no '/'; copied */
    const char *exporter;     /* "type/name"; copied */
    uint64_t file_size;       /* bytes, when a new file is begun */
    uint64_t total_size;      /* bytes of all files together */
    const struct disk_io *io; /* borrowed until dead_letter_close(); NULL: the system's */
    bool drop_oldest; /* what happens then: the oldest file goes, or nothing more is taken */
    struct loss_ledger *ledger; /* borrowed until close; NULL: none is kept */
};

/* Nothing is made before the first record.  ST_IO: the directory cannot be used. */
MUST_CHECK enum status dead_letter_open(const struct dead_letter_settings *settings,
                                        struct dead_letter **ret, struct error *err);
void dead_letter_close(struct dead_letter *letters); /* accepts NULL */

struct dead_letter_reason {
    const char *reason;  /* "rejected", "too_large" */
    const char *message; /* the destination's words; any bytes */
    uint64_t attempts;
    uint64_t unix_ns;
};

/* Appends the record; it is durable after dead_letter_sync().  ST_LIMIT: total_size is reached;
 * ST_IO.  On failure the file is as it was. */
MUST_CHECK enum status dead_letter_put(struct dead_letter *letters, const struct batch *batch,
                                       size_t index, const struct dead_letter_reason *reason,
                                       struct error *err);

/* Makes durable what was put.  Cheap when there is nothing. */
MUST_CHECK enum status dead_letter_sync(struct dead_letter *letters, struct error *err);

/* The oldest file may go when there are too many, but not this one, which somebody reads: its name
 * is borrowed until the next call.  NULL: none is read. */
void dead_letter_keep(struct dead_letter *letters, const char *file_name);

/* Numbers the present file, if anything is in it, so that nothing more is appended to it.  What
 * was put is durable then. */
MUST_CHECK enum status dead_letter_set_aside(struct dead_letter *letters, struct error *err);
