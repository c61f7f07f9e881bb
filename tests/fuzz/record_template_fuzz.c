/* SPDX-License-Identifier: Apache-2.0 */
/* record_template_fuzz.c -- any text as a template, and any bytes as a record in it: what is taken
 * must make valid JSON on one line.  The template ends at the first NUL, the record is the rest. */
#include <cjson/cJSON.h>

#include "telltale/record_template.h"

enum { INPUT_MAX = 1 << 14, OUT_MAX = 1 << 26 };

static void check(const struct buf *document)
{
    const char *end = NULL;
    ASSERT(memchr(document->data, '\n', document->size) == NULL);
    cJSON *tree = cJSON_ParseWithLengthOpts((const char *)document->data, document->size, &end, 0);
    ASSERT(tree != NULL);
    ASSERT(end == (const char *)document->data + document->size);
    cJSON_Delete(tree);
}

static void write_record(struct record_templates *set, struct slice record,
                         const struct record_group *group)
{
    struct record_facts facts;
    struct buf out;
    struct error err;

    if (record_templates_set_group(set, group, &err) != ST_OK ||
        record_templates_read(set, record, 1, &facts, &err) != ST_OK)
        return;
    buf_init(&out, OUT_MAX);
    enum status st = record_templates_append(set, 0, &out, &err);
    ASSERT(st == ST_OK || (st == ST_LIMIT && out.size == 0)); /* many documents in one template */
    if (st == ST_OK)
        check(&out);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slice every = SLICE(
        "{\"a\":{{attrs:flat}},\"n\":{{attrs:nested}},\"b\":{{body?}},\"s\":\"{{body}}{{kind}}\","
        "\"t\":{{time:unix_dec9?}},\"h\":{{host!}},\"x\":{{body:b64}},\"o\":{{shape:otel:str}},"
        "\"k\":{{attr:a}},\"l\":\"{{attr:a}}{{attrs:flat}}{{attrs:nested}}\",\"v\":{{severity?}}}");
    struct record_templates *set;
    struct error err;

    if (size > INPUT_MAX)
        return -1;
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    struct slice text = slice_of(data, nul != NULL ? (size_t)(nul - data) : size);
    struct slice record =
        nul != NULL ? slice_from(slice_of(data, size), text.size + 1) : SLICE_EMPTY;
    const struct record_group group = {.resource_logs_fields = record, .signal = SIGNAL_LOGS};
    const struct record_group none = {.signal = SIGNAL_LOGS};

    ASSERT(record_templates_create(&set, &err) == ST_OK);
    if (record_templates_add(set, text, &err) == ST_OK) {
        write_record(set, record, &none);
        write_record(set, SLICE_EMPTY, &group);
    }
    record_templates_destroy(set);
    ASSERT(record_templates_create(&set, &err) == ST_OK);
    ASSERT(record_templates_add(set, every, &err) == ST_OK);
    write_record(set, slice_of(data, size), &none);
    record_templates_destroy(set);
    return 0;
}
