/* SPDX-License-Identifier: Apache-2.0 */
/* taken.c -- see taken.h. */
#include "support/taken.h"

#include "journal/append_layout.h"
#include "journal/frame.h"
#include "support/stored_line.h"
#include "telltale/encode.h"
#include "telltale/store_file.h"

enum { ATTRIBUTES_MAX = 2048 };

struct slice taken_bytes(const struct append_batch *batch, size_t index)
{
    ASSERT(index < batch->record_count);
    const struct append_record *taken = &batch->records[index];
    return slice_of(batch->frames.data + taken->offset + FRAME_HEADER_SIZE, taken->size);
}

struct record_group taken_group(const struct append_batch *batch, size_t index)
{
    struct record_group group;
    ASSERT(index < batch->record_count);
    ASSERT(group_get(group_table_get(&batch->groups, batch->records[index].group), &group));
    group.signal = batch->records[index].signal;
    return group;
}

void taken_check(const struct append_batch *batch, size_t index, struct slice sent,
                 struct store_record *reader)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct otlp_limits wide = otlp_limits_default;
    struct record_group group = taken_group(batch, index);
    struct slice bytes = taken_bytes(batch, index);
    struct record_view view;
    struct error err;
    struct buf line;

    ASSERT(bytes.size > sent.size && slice_starts_with(bytes, sent));
    wide.attribute_count_max = ATTRIBUTES_MAX;
    wide.record_size_max = RECORD_SIZE_MAX;
    ASSERT(otlp_read_record(bytes, &wide, attributes, ATTRIBUTES_MAX, &view, &err) == ST_OK);
    ASSERT(view.time_unix_nano != 0);
    buf_init(&line, STORE_LINE_SIZE_MAX);
    ASSERT(encode_otlp_json_line(&group, bytes, SLICE_EMPTY, &line, &err) == ST_OK);
    ASSERT(stored_line_is_stable(reader, buf_slice(&line)));
    buf_fini(&line);
}
