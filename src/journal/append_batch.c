/* SPDX-License-Identifier: Apache-2.0 */
/* append_batch.c -- see append_layout.h for the layout.
 *
 * Whatever can fail does so in begin(): it reserves the slot in the table of records, and while
 * the record is open the buffer seems to end RECORD_SIZE_MAX behind its start.  So a record that
 * grows too large is refused where it grows, and end() only notes what is there. */
#include "journal/append_layout.h"

#include <stdlib.h>
#include <string.h>

#include "journal/frame.h"

enum {
    KEEP_BYTES = 1 << 20,
    FIRST_RECORDS = 64,
    SIZE_LIMIT_MAX = 1 << 30, /* offsets are 32 bits wide */
};

static size_t aligned(size_t size)
{
    return (size + FRAME_ALIGNMENT - 1) & ~(size_t)(FRAME_ALIGNMENT - 1);
}

enum status append_batch_create(size_t size_limit, struct append_batch **ret, struct error *err)
{
    ASSERT(size_limit <= SIZE_LIMIT_MAX);
    struct append_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        return error_set(err, ST_NO_MEMORY, "create a batch");
    batch->size_limit = size_limit;
    buf_init(&batch->frames, size_limit);
    group_table_init(&batch->groups, size_limit, APPEND_GROUPS_MAX);
    *ret = batch;
    return ST_OK;
}

void append_batch_destroy(struct append_batch *batch)
{
    if (batch == NULL)
        return;
    buf_fini(&batch->frames);
    group_table_fini(&batch->groups);
    free(batch->records);
    free(batch);
}

void append_batch_reset(struct append_batch *batch)
{
    if (batch->record_is_open)
        append_batch_cancel(batch);
    buf_trim(&batch->frames, KEEP_BYTES);
    group_table_clear(&batch->groups, KEEP_BYTES);
    if (batch->record_capacity * sizeof(*batch->records) > KEEP_BYTES) {
        free(batch->records);
        batch->records = NULL;
        batch->record_capacity = 0;
    }
    batch->record_count = 0;
    batch->group_is_set = false;
    batch->first_sequence = 0;
    batch->is_urgent = false;
}

void append_batch_set_urgent(struct append_batch *batch)
{
    batch->is_urgent = true;
}

bool append_batch_is_urgent(const struct append_batch *batch)
{
    return batch->is_urgent;
}

enum status append_batch_set_group(struct append_batch *batch, const struct record_group *group,
                                   struct error *err)
{
    ASSERT(!batch->record_is_open);
    ASSERT((unsigned)group->signal < SIGNAL_COUNT);

    struct record_group present;
    if (batch->group_is_set && group_get(group_table_get(&batch->groups, batch->group), &present) &&
        slice_equal(present.request_fields, group->request_fields) &&
        slice_equal(present.resource_logs_fields, group->resource_logs_fields) &&
        slice_equal(present.scope_logs_fields, group->scope_logs_fields)) {
        batch->signal = group->signal;
        return ST_OK;
    }

    bool is_new;
    enum status st = group_table_put(&batch->groups, group, &batch->group, &is_new, err);
    if (st == ST_OK) {
        batch->group_is_set = true;
        batch->signal = group->signal;
    }
    return st;
}

void append_batch_set_signal(struct append_batch *batch, enum signal signal)
{
    ASSERT(!batch->record_is_open && batch->group_is_set);
    batch->signal = signal;
}

static enum status grow_records(struct append_batch *batch, struct error *err)
{
    if (batch->record_count < batch->record_capacity)
        return ST_OK;
    size_t capacity = batch->record_capacity > 0 ? batch->record_capacity * 2 : FIRST_RECORDS;
    struct append_record *records = realloc(batch->records, capacity * sizeof(*records));
    if (records == NULL)
        return error_set(err, ST_NO_MEMORY, "grow a batch to %zu records", capacity);
    batch->records = records;
    batch->record_capacity = capacity;
    return ST_OK;
}

static void narrow(struct append_batch *batch)
{
    struct buf *frames = &batch->frames;

    batch->capacity = frames->capacity;
    if (batch->size_limit - frames->size > RECORD_SIZE_MAX)
        frames->limit = frames->size + RECORD_SIZE_MAX;
    if (frames->capacity > frames->limit)
        frames->capacity = frames->limit;
}

static void widen(struct append_batch *batch)
{
    if (batch->frames.capacity < batch->capacity)
        batch->frames.capacity = batch->capacity;
    batch->frames.limit = batch->size_limit;
    batch->record_is_open = false;
}

enum status append_batch_begin(struct append_batch *batch, struct buf **ret_buf, struct error *err)
{
    ASSERT(!batch->record_is_open);
    ASSERT(batch->group_is_set);

    struct buf *frames = &batch->frames;
    size_t start = aligned(frames->size);
    size_t blank = start + FRAME_HEADER_SIZE - frames->size;
    enum status st = grow_records(batch, err);
    if (st == ST_OK)
        st = buf_reserve(frames, blank, err);
    if (st != ST_OK)
        return error_context(err, "batch of %zu records", batch->record_count);

    batch->size_before = frames->size;
    batch->open_offset = start;
    batch->record_is_open = true;
    memset(frames->data + frames->size, 0, blank);
    frames->size += blank;
    narrow(batch);
    *ret_buf = frames;
    return ST_OK;
}

void append_batch_end(struct append_batch *batch)
{
    ASSERT(batch->record_is_open);
    ASSERT(batch->frames.size >= batch->open_offset + FRAME_HEADER_SIZE);

    batch->records[batch->record_count++] = (struct append_record){
        .offset = (uint32_t)batch->open_offset,
        .size = (uint32_t)(batch->frames.size - batch->open_offset - FRAME_HEADER_SIZE),
        .group = batch->group,
        .signal = batch->signal,
    };
    widen(batch);
}

void append_batch_cancel(struct append_batch *batch)
{
    ASSERT(batch->record_is_open);
    batch->frames.size = batch->size_before;
    widen(batch);
}

size_t append_batch_count(const struct append_batch *batch)
{
    return batch->record_count;
}

size_t append_batch_size(const struct append_batch *batch)
{
    return aligned(batch->frames.size) + aligned(batch->groups.bytes.size) +
           batch->groups.count * (FRAME_HEADER_SIZE + FRAME_ALIGNMENT);
}

uint64_t append_batch_first_sequence(const struct append_batch *batch)
{
    return batch->first_sequence;
}

struct commit_facts append_batch_commit(const struct append_batch *batch)
{
    return batch->commit;
}
