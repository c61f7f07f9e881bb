/* SPDX-License-Identifier: Apache-2.0 */
/* request_plan.c -- see request_plan.h. */
#include "wire/request_plan.h"

#include <stdlib.h>

static enum status make_lists(struct request_plan *plan, const struct batch *batch,
                              struct error *err)
{
    *plan = (struct request_plan){
        .groups = calloc(batch->group_count, sizeof(*plan->groups)),
        .order = calloc(batch->group_count, sizeof(*plan->order)),
        .next_record = calloc(batch->record_count, sizeof(*plan->next_record)),
    };
    if (plan->groups != NULL && plan->order != NULL && plan->next_record != NULL)
        return ST_OK;
    request_plan_fini(plan);
    return error_set(err, ST_NO_MEMORY, "plan a request of %zu records", batch->record_count);
}

/* Chains the records. */
static void chain(struct request_plan *plan, const struct batch *batch)
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
        group->records_size += request_field_size(record->bytes.size);
    }
}

enum status request_plan_init(struct request_plan *plan, const struct batch *batch,
                              struct error *err)
{
    ASSERT(batch->record_count > 0 && batch->record_count < NO_RECORD);
    enum status st = make_lists(plan, batch, err);
    if (st == ST_OK)
        chain(plan, batch);
    return st;
}

void request_plan_fini(struct request_plan *plan)
{
    free(plan->groups);
    free(plan->order);
    free(plan->next_record);
}
