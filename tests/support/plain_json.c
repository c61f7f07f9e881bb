/* SPDX-License-Identifier: Apache-2.0 */
/* plain_json.c -- see plain_json.h. */
#include "support/plain_json.h"

#include <stdio.h>

enum { PATH_MAX_SIZE = 8192 };

static void put_text(struct buf *out, const char *text)
{
    struct error err;
    ASSERT(buf_append(out, text, strlen(text), &err) == ST_OK);
}

static void put_slice(struct buf *out, struct slice text)
{
    struct error err;
    size_t size = text.size > 0 ? strnlen((const char *)text.data, text.size) : 0;
    ASSERT(buf_append(out, text.data, size, &err) == ST_OK);
}

static void put_number(struct buf *out, double number)
{
    char text[64];
    /* -0 and 0 are the same integer. */
    (void)snprintf(text, sizeof(text), "%.17g", number == 0 ? 0.0 : number);
    put_text(out, text);
}

/* --- Our side -------------------------------------------------------------------------------- */

static void put_elements(const struct any_view *value, struct buf *out)
{
    bool is_list = value->type == ANY_TYPE_KVLIST;
    struct pb_walk walk = pb_walk_start(value->bytes);
    struct pb_field field;
    struct error err;

    put_text(out, is_list ? "{" : "[");
    while (pb_next(&walk, &field) == PB_FIELD) {
        struct attribute_view member;
        if (is_list) {
            ASSERT(otlp_read_attribute(field.bytes, &member, &err) == ST_OK);
            put_slice(out, member.key);
            put_text(out, ":");
        } else {
            ASSERT(otlp_read_any(field.bytes, &member.value, &err) == ST_OK);
        }
        plain_of_any(&member.value, out);
        put_text(out, ",");
    }
    put_text(out, is_list ? "}" : "]");
}

void plain_of_any(const struct any_view *value, struct buf *out)
{
    switch (value->type) {
    case ANY_TYPE_NONE:
        put_text(out, "null");
        break;
    case ANY_TYPE_STRING:
    case ANY_TYPE_BYTES:
        put_text(out, "\"");
        put_slice(out, value->bytes);
        put_text(out, "\"");
        break;
    case ANY_TYPE_BOOL:
        put_text(out, value->integer != 0 ? "true" : "false");
        break;
    case ANY_TYPE_INT:
        put_number(out, (double)value->integer);
        break;
    case ANY_TYPE_DOUBLE:
        put_number(out, value->number);
        break;
    case ANY_TYPE_ARRAY:
    case ANY_TYPE_KVLIST:
        put_elements(value, out);
        break;
    }
}

void plain_of_attributes(const struct record_view *record, struct buf *out)
{
    for (size_t i = 0; i < record->attribute_count; i++) {
        put_slice(out, record->attributes[i].key);
        put_text(out, " ");
        plain_of_any(&record->attributes[i].value, out);
        put_text(out, "\n");
    }
}

/* --- cJSON's side ---------------------------------------------------------------------------- */

static void put_children(const cJSON *value, struct buf *out)
{
    bool is_object = cJSON_IsObject(value);
    const cJSON *item;

    put_text(out, is_object ? "{" : "[");
    cJSON_ArrayForEach(item, value)
    {
        if (is_object && cJSON_IsNull(item))
            continue;
        if (is_object) {
            put_text(out, item->string);
            put_text(out, ":");
        }
        plain_of_cjson(item, out);
        put_text(out, ",");
    }
    put_text(out, is_object ? "}" : "]");
}

void plain_of_cjson(const cJSON *value, struct buf *out)
{
    if (cJSON_IsObject(value) || cJSON_IsArray(value)) {
        put_children(value, out);
    } else if (cJSON_IsString(value)) {
        put_text(out, "\"");
        put_text(out, value->valuestring);
        put_text(out, "\"");
    } else if (cJSON_IsNumber(value)) {
        put_number(out, value->valuedouble);
    } else {
        put_text(out, cJSON_IsNull(value) ? "null" : cJSON_IsTrue(value) ? "true" : "false");
    }
}

static void put_flat(const char *prefix, const cJSON *item, struct buf *out)
{
    char key[PATH_MAX_SIZE];
    (void)snprintf(key, sizeof(key), "%s%s", prefix, item->string);
    if (cJSON_IsObject(item) && item->child != NULL) {
        const cJSON *child;
        size_t size = strlen(key);
        ASSERT(size + 2 < sizeof(key));
        strcpy(key + size, ".");
        cJSON_ArrayForEach(child, item) put_flat(key, child, out);
    } else if (!cJSON_IsNull(item)) {
        put_text(out, key);
        put_text(out, " ");
        plain_of_cjson(item, out);
        put_text(out, "\n");
    }
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

void plain_of_members(const cJSON *line, const char *const *but, struct buf *out)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, line)
    {
        if (!is_one_of(item->string, but))
            put_flat("", item, out);
    }
}
