/* SPDX-License-Identifier: Apache-2.0 */
/* shown_log.h -- a log "log.example" whose checkpoints come by an exporter as records.
 *
 * Threads: one.
 */
#pragma once

#include "telltale/checkpoint.h"
#include "telltale/exporter.h"
#include "telltale/tree_growth.h"

struct shown_log {
    struct note_signer signer;
    struct tree_growth growth;
    struct buf note; /* of the last checkpoint */
    struct checkpoint checkpoint;
    uint64_t sequence;
    const char *transport; /* of the records: "internal" are our own */
    bool without_growth;   /* in the records */
};

void shown_log_init(struct shown_log *log);
void shown_log_fini(struct shown_log *log);

/* The tree gets some more leaves, and the log a checkpoint of them. */
void shown_log_grow(struct shown_log *log, unsigned leaves);

/* The record of the last checkpoint comes by; it must be taken. */
void shown_log_send(struct shown_log *log, const struct exporter_ops *ops, void *exporter,
                    struct export_report *ret_report);

/* A record with the last checkpoint and a time stamp of it comes by. */
void shown_log_send_stamp(struct shown_log *log, const struct exporter_ops *ops, void *exporter,
                          struct slice token);
