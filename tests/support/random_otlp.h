/* SPDX-License-Identifier: Apache-2.0 */
/* random_otlp.h -- requests that no agent has sent yet, always the same ones for a seed. */
#pragma once

#include "telltale/buf.h"

struct random {
    uint64_t state; /* not 0 */
};

uint64_t random_next(struct random *random);

/* Below `bound`, which is not 0. */
uint32_t random_below(struct random *random, uint32_t bound);

/* Appends an ExportLogsServiceRequest: every type of value, nesting, unknown fields, empty
 * messages and texts of any valid UTF-8 but NUL.  Fields stand in the published order. */
void random_request(struct random *random, struct buf *out);

/* Moves fields to other places within their messages (request, ResourceLogs, ScopeLogs,
 * LogRecord) without changing what the request says. */
void random_reorder(struct random *random, struct buf *request);
