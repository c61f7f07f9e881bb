/* SPDX-License-Identifier: Apache-2.0 */
/* request_plan.h -- which records of a batch stand together in a request: those of one group,
 * groups in order of their first record, records of a group in batch order.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/error.h"
#include "wire/protobuf.h"

enum { NO_RECORD = UINT32_MAX };

struct group_plan {
    size_t records_size; /* of the records as fields: tags and lengths included */
    uint32_t first_record, last_record;
};

struct request_plan {
    struct group_plan *groups; /* owned; one for each of the batch */
    uint32_t *order;           /* owned; groups that have records, by their first one */
    uint32_t *next_record;     /* owned; by record: the next one of its group */
    size_t order_count;
};

/* ST_NO_MEMORY.  The batch has a record at least. */
MUST_CHECK enum status request_plan_init(struct request_plan *plan, const struct batch *batch,
                                         struct error *err);
void request_plan_fini(struct request_plan *plan);

/* The size of a BYTES field; all numbers of the enclosing messages are below 16. */
static inline size_t request_field_size(size_t payload_size)
{
    return 1 + pb_varint_size(payload_size) + payload_size;
}
