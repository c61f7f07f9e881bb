/* SPDX-License-Identifier: Apache-2.0 */
/* batch_copy.c -- see batch_copy.h.  The memory grows to the largest batch and no further; what was
 * in it is of no use when it grows, so nothing is moved. */
#include "deliver/batch_copy.h"

#include <stdlib.h>
#include <string.h>

void batch_copy_clear(struct batch_copy *copy)
{
    free(copy->memory);
    *copy = (struct batch_copy){.memory = NULL};
}

static size_t size_of(const struct batch *batch)
{
    size_t size = batch->record_count * sizeof(struct record) +
                  batch->group_count * sizeof(struct record_group);

    /* It all is in memory already, so the sum does not overflow. */
    for (size_t i = 0; i < batch->record_count; i++)
        size += batch->records[i].bytes.size;
    for (size_t i = 0; i < batch->group_count; i++) {
        const struct record_group *group = &batch->groups[i];
        size += group->request_fields.size + group->resource_logs_fields.size +
                group->scope_logs_fields.size;
    }
    return size;
}

static enum status reserve(struct batch_copy *copy, size_t size, struct error *err)
{
    if (size <= copy->capacity)
        return ST_OK;
    batch_copy_clear(copy);
    copy->memory = malloc(size);
    if (copy->memory == NULL)
        return error_set(err, ST_NO_MEMORY, "copy a batch of %zu bytes", size);
    copy->capacity = size;
    return ST_OK;
}

/* Puts the bytes of `slice` at `*at`, which moves on. */
static struct slice move_slice(struct slice slice, uint8_t **at)
{
    struct slice moved = slice_of(*at, slice.size);

    if (slice.size > 0)
        memcpy(*at, slice.data, slice.size);
    *at += slice.size;
    return moved;
}

enum status batch_copy_fill(struct batch_copy *copy, const struct batch *batch, struct batch *ret,
                            struct error *err)
{
    enum status st = reserve(copy, size_of(batch), err);
    if (st != ST_OK)
        return st;
    /* Both structs hold pointers, so the second array is aligned behind the first. */
    struct record *records = (struct record *)(void *)copy->memory;
    struct record_group *groups = (struct record_group *)(void *)(records + batch->record_count);
    uint8_t *at = (uint8_t *)(groups + batch->group_count);

    for (size_t i = 0; i < batch->record_count; i++) {
        records[i] = batch->records[i];
        records[i].bytes = move_slice(batch->records[i].bytes, &at);
    }
    for (size_t i = 0; i < batch->group_count; i++) {
        const struct record_group *group = &batch->groups[i];
        groups[i].signal = group->signal;
        groups[i].request_fields = move_slice(group->request_fields, &at);
        groups[i].resource_logs_fields = move_slice(group->resource_logs_fields, &at);
        groups[i].scope_logs_fields = move_slice(group->scope_logs_fields, &at);
    }
    *ret = *batch;
    ret->records = records;
    ret->groups = groups;
    return ST_OK;
}
