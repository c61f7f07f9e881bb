/* SPDX-License-Identifier: Apache-2.0 */
/* encode.c -- encode_otlp_request() of include/telltale/encode.h.
 *
 * A plan is made first (request_plan.h), with the size of what each group has.  With the
 * sizes known, every length is written once and nothing moves afterwards.
 */
#include "telltale/encode.h"

#include "wire/otlp.h"
#include "wire/request_plan.h"

static size_t scope_logs_size(const struct record_group *group, size_t records_size)
{
    return group->scope_logs_fields.size + records_size;
}

static size_t resource_logs_size(const struct record_group *group, size_t records_size)
{
    return group->resource_logs_fields.size +
           request_field_size(scope_logs_size(group, records_size));
}

/* What a group adds to the request. */
static size_t group_size(const struct record_group *group, size_t records_size)
{
    return group->request_fields.size + request_field_size(resource_logs_size(group, records_size));
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
                sums[record->group_index - first] += request_field_size(record->bytes.size);
        }
        for (size_t i = 0; i < GROUPS_AT_ONCE; i++) {
            if (sums[i] > 0)
                total += group_size(&batch->groups[first + i], sums[i]);
        }
    }
    return total;
}

/* The size of the request. */
static size_t plan_size(const struct request_plan *plan, const struct batch *batch)
{
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

static uint8_t *put_group(uint8_t *at, const struct request_plan *plan, const struct batch *batch,
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
    struct request_plan plan;
    enum status st = request_plan_init(&plan, batch, err);
    if (st != ST_OK)
        return st;
    size_t size = plan_size(&plan, batch);
    st = buf_reserve(out, size, err);
    if (st == ST_OK) {
        uint8_t *at = out->data + out->size;
        for (size_t i = 0; i < plan.order_count; i++)
            at = put_group(at, &plan, batch, plan.order[i]);
        ASSERT(at == out->data + out->size + size);
        out->size += size;
    }
    request_plan_fini(&plan);
    return st;
}
