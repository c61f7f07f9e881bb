/* SPDX-License-Identifier: Apache-2.0 */
/* split.c -- see split.h.  The stack holds the ends of the parts that are still open, each
 * beginning at `first`; ends fall towards the top. */
#include "deliver/split.h"

#include "telltale/base.h"

void split_init(struct split *split, size_t count)
{
    ASSERT(count > 0);
    split->first = 0;
    split->ends[0] = count;
    split->depth = 1;
}

bool split_next(const struct split *split, size_t *ret_first, size_t *ret_count)
{
    if (split->depth == 0)
        return false;
    *ret_first = split->first;
    *ret_count = split->ends[split->depth - 1] - split->first;
    return true;
}

void split_settle(struct split *split, size_t count)
{
    ASSERT(split->depth > 0);
    ASSERT(count <= split->ends[split->depth - 1] - split->first);
    split->first += count;
    while (split->depth > 0 && split->ends[split->depth - 1] == split->first)
        split->depth--;
}

void split_halve(struct split *split)
{
    ASSERT(split->depth > 0 && split->depth < SPLIT_DEPTH_MAX);
    size_t count = split->ends[split->depth - 1] - split->first;
    ASSERT(count > 1);
    split->ends[split->depth++] = split->first + count / 2;
}

/* Groups stay as they are, since records name them by their index. */
struct batch split_cut(const struct batch *batch, size_t first, size_t count)
{
    struct batch part = *batch;

    ASSERT(first + count <= batch->record_count);
    if (count == batch->record_count)
        return part;
    part.records = batch->records + first;
    part.record_count = count;
    part.size_bytes = 0;
    for (size_t i = 0; i < count; i++)
        part.size_bytes += part.records[i].bytes.size;
    for (size_t i = 0; i < batch->group_count; i++) {
        const struct record_group *group = &batch->groups[i];
        part.size_bytes += group->request_fields.size + group->resource_logs_fields.size +
                           group->scope_logs_fields.size;
    }
    return part;
}
