/* SPDX-License-Identifier: Apache-2.0 */
/* taken.c -- see taken.h. */
#include "support/taken.h"

#include "journal/append_layout.h"
#include "journal/frame.h"
#include "support/stored_line.h"
#include "telltale/encode.h"
#include "telltale/store_file.h"

enum { ATTRIBUTES_MAX = 2048 };

void taken_check(const struct append_batch *batch, size_t index, struct slice sent,
                 struct store_record *reader)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct otlp_limits wide = otlp_limits_default;
    struct record_group group;
    struct record_view view;
    struct error err;
    struct buf line;

    ASSERT(index < batch->record_count);
    const struct append_record *taken = &batch->records[index];
    struct slice bytes =
        slice_of(batch->frames.data + taken->offset + FRAME_HEADER_SIZE, taken->size);
    ASSERT(bytes.size > sent.size && slice_starts_with(bytes, sent));
    wide.attribute_count_max = ATTRIBUTES_MAX;
    wide.record_size_max = RECORD_SIZE_MAX;
    ASSERT(otlp_read_record(bytes, &wide, attributes, ATTRIBUTES_MAX, &view, &err) == ST_OK);
    ASSERT(view.time_unix_nano != 0);
    ASSERT(group_get(group_table_get(&batch->groups, taken->group), &group));
    buf_init(&line, STORE_LINE_SIZE_MAX);
    ASSERT(encode_otlp_json_line(&group, bytes, SLICE_EMPTY, &line, &err) == ST_OK);
    ASSERT(stored_line_is_stable(reader, buf_slice(&line)));
    buf_fini(&line);
}
