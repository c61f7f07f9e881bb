/* SPDX-License-Identifier: Apache-2.0 */
/* native_json_fuzz.c -- any bytes as a line of the Unix protocol.  What is accepted must be a
 * record to our own reader and to protobuf-c, and must say what cJSON reads; what is refused must
 * leave the output alone and give a reason.
 */
#include <stdlib.h>

#include "support/otlp_oracle.h"
#include "support/plain_json.h"
#include "wire/native_json.h"

enum { OUT_MAX = 1 << 26, ATTRIBUTES_MAX = 1024, CJSON_NUMBER_MAX = 60 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const known_keys[] = {"kind",     "time",     "session", "body",    "attributes",
                                         "resource", "severity", "event",   "dialect", NULL};

/* cJSON ends texts at a NUL and refuses long numbers. */
static bool is_comparable(struct slice line)
{
    size_t run = 0;
    if (memmem(line.data, line.size, "\\u0000", 6) != NULL)
        return false;
    for (size_t i = 0; i < line.size && run < CJSON_NUMBER_MAX; i++)
        run = memchr("0123456789+-.eE", line.data[i], 15) != NULL ? run + 1 : 0;
    return run < CJSON_NUMBER_MAX;
}

static void compare_with_cjson(struct slice line, const struct record_view *record)
{
    struct buf ours, theirs;
    cJSON *tree = cJSON_ParseWithLength((const char *)line.data, line.size);

    ASSERT(tree != NULL);
    /* These two are attributes that stand among the others. */
    if (cJSON_GetObjectItemCaseSensitive(tree, "attributes") == NULL &&
        cJSON_GetObjectItemCaseSensitive(tree, "session") == NULL) {
        buf_init(&ours, OUT_MAX);
        buf_init(&theirs, OUT_MAX);
        plain_of_attributes(record, &ours);
        plain_of_members(tree, known_keys, &theirs);
        ASSERT(slice_equal(buf_slice(&ours), buf_slice(&theirs)));
        buf_fini(&ours);
        buf_fini(&theirs);
    }
    cJSON_Delete(tree);
}

static void check_record(struct slice line, struct slice record)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct record_view view;
    struct error err;

    ASSERT(otlp_read_record(record, &otlp_limits_default, attributes, ATTRIBUTES_MAX, &view,
                            &err) == ST_OK);
    oracle_record *oracle = oracle_read_record(record);
    ASSERT(oracle != NULL);
    oracle_free(oracle);
    if (is_comparable(line))
        compare_with_cjson(line, &view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct native_scratch scratch;
    struct native_event event;
    struct error err;
    struct buf out;
    struct slice line = slice_of(data, size);

    buf_init(&out, OUT_MAX);
    ASSERT(buf_append(&out, "before", 6, &err) == ST_OK);
    err.text[0] = 0;
    enum status st = native_json_read(line, 1, &otlp_limits_default, &scratch, &out, &event, &err);
    if (st == ST_OK) {
        ASSERT(event.record_offset == 6 && out.size == 6 + event.record_size);
        check_record(line, slice_of(out.data + event.record_offset, event.record_size));
        struct pb_walk walk = pb_walk_start(event.resource_fields);
        struct pb_field field;
        enum pb_step step;
        while ((step = pb_next(&walk, &field)) == PB_FIELD)
            ASSERT(field.number == RESOURCE_ATTRIBUTES && field.type == WIRE_BYTES);
        ASSERT(step == PB_END);
    } else {
        ASSERT((st == ST_INVALID || st == ST_LIMIT) && err.text[0] != 0);
        ASSERT(out.size == 6);
    }
    buf_fini(&out);
    return 0;
}
