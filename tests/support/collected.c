/* SPDX-License-Identifier: Apache-2.0 */
/* collected.c -- see collected.h. */
#include "support/collected.h"

#include <stdlib.h>

#include "wire/otlp.h"

/* `items` with room for one more than `count`. */
static void *grown(void *items, size_t count, size_t item_size)
{
    if ((count & (count - 1)) == 0) /* 0 and the powers of two */
        items = realloc(items, (count > 0 ? count * 2 : 1) * item_size);
    ASSERT(items != NULL);
    return items;
}

static struct slice copied(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    ASSERT(copy != NULL);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return slice_of(copy, bytes.size);
}

static enum status on_group(void *context, const struct record_group *group, struct error *err)
{
    (void)err;
    struct collected *self = context;
    self->groups = grown(self->groups, self->group_count, sizeof(*self->groups));
    self->groups[self->group_count++] =
        (struct record_group){.request_fields = copied(group->request_fields),
                              .resource_logs_fields = copied(group->resource_logs_fields),
                              .scope_logs_fields = copied(group->scope_logs_fields)};
    return ST_OK;
}

static enum status on_record(void *context, struct slice record, struct error *err)
{
    (void)err;
    struct collected *self = context;
    ASSERT(self->group_count > 0);
    self->records = grown(self->records, self->record_count, sizeof(*self->records));
    self->records[self->record_count] =
        (struct record){.sequence = self->record_count + 1,
                        .bytes = record,
                        .group_index = (uint32_t)self->group_count - 1};
    self->record_count++;
    return ST_OK;
}

enum status collected_read(struct collected *collected, struct slice request, struct error *err)
{
    *collected = (struct collected){.records = NULL};
    const struct otlp_request_visitor visitor = {
        .context = collected, .on_group = on_group, .on_record = on_record};
    return otlp_walk_request(request, &visitor, err);
}

void collected_fini(struct collected *collected)
{
    for (size_t i = 0; i < collected->group_count; i++) {
        free((void *)collected->groups[i].request_fields.data);
        free((void *)collected->groups[i].resource_logs_fields.data);
        free((void *)collected->groups[i].scope_logs_fields.data);
    }
    free(collected->groups);
    free(collected->records);
}

struct batch collected_batch(const struct collected *collected)
{
    return (struct batch){.records = collected->records,
                          .record_count = collected->record_count,
                          .groups = collected->groups,
                          .group_count = collected->group_count};
}
