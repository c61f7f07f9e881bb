/* SPDX-License-Identifier: Apache-2.0 */
/* refusal_recorder.h -- agent.pipeline records for a receiver whose batches are its requests:
 * what was refused lately travels with the next batch, at most once in a second.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "receivers/native_intake.h"
#include "receivers/refusal_log.h"

struct refusal_recorder {
    struct native_intake *intake; /* owned */
    struct refusal_log log;
    uint64_t next_ns; /* when the next record may be made; monotonic */
};

MUST_CHECK enum status refusal_recorder_init(struct refusal_recorder *recorder,
                                             const struct otlp_limits *limits, struct error *err);
/* Zeroes are allowed. */
void refusal_recorder_fini(struct refusal_recorder *recorder);

/* There is something to record, and it is time. */
bool refusal_recorder_is_due(const struct refusal_recorder *recorder, uint64_t now_ns);

/* Adds the records to `batch`.  True: there are some, and refusal_log_landed() is to be called
 * when their fate is known. */
MUST_CHECK bool refusal_recorder_add(struct refusal_recorder *recorder, struct append_batch *batch,
                                     uint64_t now_ns);
