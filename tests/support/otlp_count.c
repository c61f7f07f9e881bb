/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_count.c -- see otlp_count.h. */
#include "support/otlp_count.h"

#include <stddef.h>

#include "wire/otlp.h"

typedef uint64_t (*field_counter)(const struct record_visitor *visitor, struct slice field);

/* Calls `count` for each field `number` of a message; what it gives back is summed. */
static uint64_t sum_fields(const struct record_visitor *visitor, struct slice message,
                           uint32_t number, field_counter count)
{
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    enum pb_step step;
    uint64_t sum = 0;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == number && field.type == WIRE_BYTES)
            sum += count(visitor, field.bytes);
    }
    ASSERT(step == PB_END);
    return sum;
}

static uint64_t count_one(const struct record_visitor *visitor, struct slice record)
{
    if (visitor != NULL && visitor->visit != NULL)
        visitor->visit(visitor->context, record);
    return 1;
}

static uint64_t count_scope(const struct record_visitor *visitor, struct slice scope_logs)
{
    return sum_fields(visitor, scope_logs, SCOPE_LOGS_LOG_RECORDS, count_one);
}

static uint64_t count_resource(const struct record_visitor *visitor, struct slice resource_logs)
{
    return sum_fields(visitor, resource_logs, RESOURCE_LOGS_SCOPE_LOGS, count_scope);
}

uint64_t otlp_count_records(struct slice request, const struct record_visitor *visitor)
{
    return sum_fields(visitor, request, REQUEST_RESOURCE_LOGS, count_resource);
}
