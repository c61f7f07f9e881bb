/* SPDX-License-Identifier: Apache-2.0 */
/* native_batch.h -- a batch of native events (agent_events.h), normalized, for benchmarks. */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"

struct native_batch {
    struct batch batch;
    struct record *records; /* owned */
    struct record_group group;
    struct buf bytes;  /* owned; of all records */
    size_t sent_bytes; /* of the lines that agents sent */
};

/* What cannot be done ends the program.  Free with native_batch_fini(). */
void native_batch_init(struct native_batch *self, size_t count);
void native_batch_fini(struct native_batch *self);
