/* SPDX-License-Identifier: Apache-2.0 */
/* shape_fuzz.c -- any bytes as a record, and as the fields of its group, in every shape.  What is
 * taken must be one line of JSON, with keys that stand once, of a size that the bytes bound. */
#include <cjson/cJSON.h>

#include "telltale/shape.h"

enum {
    INPUT_MAX = 1 << 16,
    OUT_MAX = 1 << 26,
    CJSON_DEPTH = 100,
    /* JSON within a text: each byte may be an escape of six, and its backslash one more. */
    GROWTH_MAX = 32,
    SIZE_OF_NAMES = 1 << 14,
};

static void check_keys(const cJSON *node, int depth)
{
    ASSERT(depth < CJSON_DEPTH);
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        for (const cJSON *other = child->next; cJSON_IsObject(node) && other != NULL;
             other = other->next)
            ASSERT(strcmp(child->string, other->string) != 0);
        check_keys(child, depth + 1);
    }
}

static void check_document(const struct buf *document, size_t input_size)
{
    const char *end = NULL;
    ASSERT(memchr(document->data, '\n', document->size) == NULL);
    ASSERT(document->size <= SIZE_OF_NAMES + GROWTH_MAX * input_size);
    cJSON *tree = cJSON_ParseWithLengthOpts((const char *)document->data, document->size, &end, 0);
    ASSERT(tree != NULL);
    ASSERT(end == (const char *)document->data + document->size);
    if (memmem(document->data, document->size, "\\u0000", 6) == NULL) /* it ends a key to cJSON */
        check_keys(tree, 0);
    cJSON_Delete(tree);
}

static void check(struct shaper *shaper, struct slice record, const struct record_group *group)
{
    struct record_facts facts;
    struct buf document;
    struct error err;

    if (shaper_set_group(shaper, group, &err) != ST_OK ||
        shaper_read(shaper, record, &facts, &err) != ST_OK)
        return;
    ASSERT(facts.time_unix_ns <= INT64_MAX);
    buf_init(&document, OUT_MAX);
    ASSERT(shaper_append(shaper, &document, &err) == ST_OK);
    check_document(&document,
                   record.size + group->resource_logs_fields.size + group->scope_logs_fields.size);
    buf_fini(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct shaper *shapers[SHAPE_COUNT];
    struct error err;

    if (size > INPUT_MAX)
        return -1;
    const struct record_group none = {.signal = SIGNAL_LOGS};
    const struct record_group all = {.resource_logs_fields = slice_of(data, size),
                                     .scope_logs_fields = slice_of(data, size),
                                     .signal = SIGNAL_LOGS};
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        const struct shape_options options = {.dataset = "agents", .data_namespace = "default"};
        if (shapers[shape] == NULL)
            ASSERT(shaper_create((enum shape)shape, &options, &shapers[shape], &err) == ST_OK);
        check(shapers[shape], slice_of(data, size), &none);
        check(shapers[shape], SLICE_EMPTY, &all);
    }
    return 0;
}
