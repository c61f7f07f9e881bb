/* SPDX-License-Identifier: Apache-2.0 */
/* uuid.h -- identifiers for records: UUID version 7, so that they sort by time. */
#pragma once

#include <stdint.h>

#include "telltale/error.h"

enum { UUID_TEXT_SIZE = 36 };

/* A source of UUIDs for one thread. */
struct uuid_source {
    uint64_t state[4]; /* xoshiro256++ */
};

/* Seeds from the kernel.  ST_IO when it gives no random bytes. */
MUST_CHECK enum status uuid_source_init(struct uuid_source *source, struct error *err);

/* Writes 36 characters, no NUL.  `unix_ns` gives the time part. */
void uuid_source_next(struct uuid_source *source, uint64_t unix_ns, char out[UUID_TEXT_SIZE]);
