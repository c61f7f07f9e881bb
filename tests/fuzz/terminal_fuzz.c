/* SPDX-License-Identifier: Apache-2.0 */
/* terminal_fuzz.c -- any bytes as an OTLP request, all the way to a person's terminal: nothing in
 * the rows and the timeline of its records acts on the terminal, and each record is one line of
 * JSON with everything that it has.
 *
 * The first byte chooses the timeline's style. */
#include <cjson/cJSON.h>

#include "query/record_output.h"
#include "query/timeline.h"
#include "receivers/otlp_intake.h"
#include "support/made_record.h"
#include "support/taken.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    EVERYTHING = 1,
    WHOLE_TEXTS = 2,
    NARROW = 4,
    SIZE_MAX_OF_REQUEST = 32 << 10,
    BATCH_SIZE = 64 << 20,
    OUT_MAX = 64 << 20,
    RECORDS_MAX = 32,
    ATTRIBUTES_MAX = 2048,
    COLUMNS_MAX = 200,
};

static struct otlp_intake *intake;

/* Lines of characters that are seen; escapes are written out, in ASCII. */
static void check_safe(struct slice text)
{
    ASSERT(text.size == 0 || text.data[text.size - 1] == '\n');
    for (size_t at = 0; at < text.size;) {
        size_t size = utf8_size(text.data + at, text.data + text.size);
        ASSERT(size > 0);
        uint32_t value = utf8_code_point(text.data + at, size);
        bool is_control = value < 0x20 || (value >= 0x7f && value < 0xa0);
        bool is_override = (value >= 0x200b && value <= 0x200f) ||
                           (value >= 0x202a && value <= 0x202e) ||
                           (value >= 0x2066 && value <= 0x2069);
        ASSERT(value == '\n' || !(is_control || is_override));
        at += size;
    }
}

static size_t lines_of(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == '\n';
    return count;
}

typedef enum status (*json_fn)(struct buf *out, const struct record_group *group,
                               const struct record_view *view, struct error *err);

static void check_json(json_fn write, const struct record_group *group,
                       const struct record_view *view, struct buf *out)
{
    struct error err;

    buf_clear(out);
    ASSERT(write(out, group, view, &err) == ST_OK);
    ASSERT(lines_of(buf_slice(out)) == 1);
    check_safe(buf_slice(out));
    cJSON *json = cJSON_ParseWithLength((const char *)out->data, out->size);
    ASSERT(json != NULL);
    ASSERT((size_t)cJSON_GetArraySize(json) >= view->attribute_count);
    cJSON_Delete(json);
}

static void check_record(const struct append_batch *batch, size_t index, struct story *story,
                         struct buf *out)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct otlp_limits wide = otlp_limits_default;
    struct record_group group = taken_group(batch, index);
    struct slice bytes = taken_bytes(batch, index);
    struct record_view view;
    struct error err;

    wide.attribute_count_max = ATTRIBUTES_MAX;
    ASSERT(otlp_read_record(bytes, &wide, attributes, ATTRIBUTES_MAX, &view, &err) == ST_OK);
    buf_clear(out);
    ASSERT(output_table_row(out, &view, COLUMNS_MAX, &err) == ST_OK);
    ASSERT(lines_of(buf_slice(out)) == 1);
    check_safe(buf_slice(out));
    check_json(output_flat_json, &group, &view, out);
    check_json(output_timesketch, &group, &view, out);
    ASSERT(story_add(story, &group, bytes, &err) == ST_OK);
}

static void check_records(const struct append_batch *batch, const struct timeline_style *style)
{
    struct story story;
    struct error err;
    struct buf out;

    story_init(&story);
    buf_init(&out, OUT_MAX);
    for (size_t i = 0; i < append_batch_count(batch) && i < RECORDS_MAX; i++)
        check_record(batch, i, &story, &out);
    ASSERT(story_join(&story, &err) == ST_OK);
    buf_clear(&out);
    enum status st = timeline_write(&story, style, &out, &err);
    ASSERT(st == (append_batch_count(batch) > 0 ? ST_OK : ST_NOT_FOUND));
    check_safe(buf_slice(&out));
    buf_fini(&out);
    story_fini(&story);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_intake_result result;
    struct append_batch *batch;
    struct error err;

    if (size < 1 || size > SIZE_MAX_OF_REQUEST)
        return -1;
    if (intake == NULL)
        ASSERT(otlp_intake_create(&otlp_limits_default, &intake, &err) == ST_OK);
    const struct otlp_intake_input input = {
        .request = slice_of(data + 1, size - 1),
        .sender_fields = made_peer(),
        .transport = TRANSPORT_OTLP_GRPC,
        .now_unix_ns = 1795209900000000000,
    };
    const struct timeline_style style = {
        .everything = (data[0] & EVERYTHING) != 0,
        .whole_texts = (data[0] & WHOLE_TEXTS) != 0,
        .columns = (data[0] & NARROW) != 0 ? 20 : COLUMNS_MAX,
    };
    ASSERT(append_batch_create(BATCH_SIZE, &batch, &err) == ST_OK);
    if (otlp_intake_add(intake, &input, batch, &result, &err) == ST_OK)
        check_records(batch, &style);
    append_batch_destroy(batch);
    return 0;
}
