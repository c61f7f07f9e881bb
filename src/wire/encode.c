/* SPDX-License-Identifier: Apache-2.0 */
/* encode.c -- encode_otlp_request() of include/telltale/encode.h.
 *
 * A plan is made first: for each group the chain of its records and their size.  With the
 * sizes known, every length is written once and nothing moves afterwards.
 */
#include "telltale/encode.h"

#include <stdlib.h>

#include "wire/otlp.h"

enum { NO_RECORD = UINT32_MAX };

struct group_plan {
    size_t records_size; /* of the records as fields: tags and lengths included */
    uint32_t first_record, last_record;
};

struct plan {
    struct group_plan *groups; /* owned; one for each of the batch */
    uint32_t *order;           /* owned; groups that have records, by their first one */
    uint32_t *next_record;     /* owned; by record: the next one of its group */
    size_t order_count;
};

/* The size of a BYTES field; all numbers of the enclosing messages are below 16. */
static size_t field_size(size_t payload_size)
{
    return 1 + pb_varint_size(payload_size) + payload_size;
}

static size_t scope_logs_size(const struct record_group *group, size_t records_size)
{
    return group->scope_logs_fields.size + records_size;
}

static size_t resource_logs_size(const struct record_group *group, size_t records_size)
{
    return group->resource_logs_fields.size + field_size(scope_logs_size(group, records_size));
}

/* What a group adds to the request. */
static size_t group_size(const struct record_group *group, size_t records_size)
{
    return group->request_fields.size + field_size(resource_logs_size(group, records_size));
}

size_t encode_otlp_request_size(const struct batch *batch)
{
    /* This one cannot fail, so it may not allocate: it sums a bounded number of groups at a
     * time.  A record, as a field, has at least two bytes; a group without records is not
     * sent. */
    enum { GROUPS_AT_ONCE = 64 };
    size_t total = 0;
    for (size_t first = 0; first < batch->group_count; first += GROUPS_AT_ONCE) {
        size_t sums[GROUPS_AT_ONCE] = {0};
        for (size_t i = 0; i < batch->record_count; i++) {
            const struct record *record = &batch->records[i];
            if (record->group_index - first < GROUPS_AT_ONCE)
                sums[record->group_index - first] += field_size(record->bytes.size);
        }
        for (size_t i = 0; i < GROUPS_AT_ONCE; i++) {
            if (sums[i] > 0)
                total += group_size(&batch->groups[first + i], sums[i]);
        }
    }
    return total;
}

static void plan_fini(struct plan *plan)
{
    free(plan->groups);
    free(plan->order);
    free(plan->next_record);
}

static enum status plan_init(struct plan *plan, const struct batch *batch, struct error *err)
{
    *plan = (struct plan){
        .groups = calloc(batch->group_count, sizeof(*plan->groups)),
        .order = calloc(batch->group_count, sizeof(*plan->order)),
        .next_record = calloc(batch->record_count, sizeof(*plan->next_record)),
    };
    if (plan->groups != NULL && plan->order != NULL && plan->next_record != NULL)
        return ST_OK;
    plan_fini(plan);
    return error_set(err, ST_NO_MEMORY, "plan a request of %zu records", batch->record_count);
}

/* Chains the records; returns the size of the request. */
static size_t plan_records(struct plan *plan, const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->record_count; i++) {
        const struct record *record = &batch->records[i];
        ASSERT(record->group_index < batch->group_count);
        struct group_plan *group = &plan->groups[record->group_index];
        if (group->records_size == 0) {
            group->first_record = i;
            plan->order[plan->order_count++] = record->group_index;
        } else {
            plan->next_record[group->last_record] = i;
        }
        plan->next_record[i] = NO_RECORD;
        group->last_record = i;
        group->records_size += field_size(record->bytes.size);
    }
    size_t total = 0;
    for (size_t i = 0; i < plan->order_count; i++) {
        uint32_t group = plan->order[i];
        total += group_size(&batch->groups[group], plan->groups[group].records_size);
    }
    return total;
}

static uint8_t *put_raw(uint8_t *at, struct slice bytes)
{
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

static uint8_t *put_group(uint8_t *at, const struct plan *plan, const struct batch *batch,
                          uint32_t index)
{
    const struct record_group *group = &batch->groups[index];
    size_t records_size = plan->groups[index].records_size;
    at = put_raw(at, group->request_fields);
    at = pb_put_header(at, REQUEST_RESOURCE_LOGS, resource_logs_size(group, records_size));
    at = put_raw(at, group->resource_logs_fields);
    at = pb_put_header(at, RESOURCE_LOGS_SCOPE_LOGS, scope_logs_size(group, records_size));
    at = put_raw(at, group->scope_logs_fields);
    uint32_t i = plan->groups[index].first_record;
    for (; i != NO_RECORD; i = plan->next_record[i])
        at = pb_put_bytes(at, SCOPE_LOGS_LOG_RECORDS, batch->records[i].bytes);
    return at;
}

enum status encode_otlp_request(const struct batch *batch, struct buf *out, struct error *err)
{
    if (batch->record_count == 0)
        return ST_OK; /* the empty request has no bytes */
    ASSERT(batch->record_count < NO_RECORD);
    struct plan plan;
    enum status st = plan_init(&plan, batch, err);
    if (st != ST_OK)
        return st;
    size_t size = plan_records(&plan, batch);
    st = buf_reserve(out, size, err);
    if (st == ST_OK) {
        uint8_t *at = out->data + out->size;
        for (size_t i = 0; i < plan.order_count; i++)
            at = put_group(at, &plan, batch, plan.order[i]);
        ASSERT(at == out->data + out->size + size);
        out->size += size;
    }
    plan_fini(&plan);
    return st;
}
