/* SPDX-License-Identifier: Apache-2.0 */
/* record_text.c -- see record_text.h. */
#include "support/record_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_SHOWN_MAX = 76, LINE_MAX_SIZE = 1024 };

static void put(struct buf *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void put(struct buf *out, const char *fmt, ...)
{
    char line[LINE_MAX_SIZE];
    struct error err;
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    ASSERT(size >= 0 && (size_t)size < sizeof(line));
    ASSERT(buf_append(out, line, (size_t)size, &err) == ST_OK);
}

static void put_text(struct slice text, struct buf *out)
{
    size_t shown = text.size < TEXT_SHOWN_MAX ? text.size : TEXT_SHOWN_MAX;
    put(out, "\"");
    for (size_t i = 0; i < shown; i++) {
        uint8_t c = text.data[i];
        if (c == '\n')
            put(out, "\\n");
        else if (c < ' ' || c == 0x7f)
            put(out, "\\x%02x", c);
        else
            put(out, "%c", c);
    }
    put(out, text.size > shown ? "\" and %zu more bytes" : "\"", text.size - shown);
}

static void put_elements(struct slice array, struct buf *out)
{
    struct pb_walk walk = pb_walk_start(array);
    struct pb_field field;
    const char *between = "";
    put(out, "[");
    while (pb_next(&walk, &field) == PB_FIELD) {
        struct any_view element;
        struct error err;
        put(out, "%s", between);
        between = ", ";
        if (otlp_read_any(field.bytes, &element, &err) == ST_OK)
            record_text_value(&element, out);
    }
    put(out, "]");
}

void record_text_value(const struct any_view *value, struct buf *out)
{
    switch (value->type) {
    case ANY_TYPE_STRING:
        put_text(value->bytes, out);
        break;
    case ANY_TYPE_BOOL:
        put(out, value->integer != 0 ? "true" : "false");
        break;
    case ANY_TYPE_INT:
        put(out, "%lld", (long long)value->integer);
        break;
    case ANY_TYPE_DOUBLE:
        put(out, "%.17g (double)", value->number);
        break;
    case ANY_TYPE_ARRAY:
        put_elements(value->bytes, out);
        break;
    case ANY_TYPE_NONE:
        put(out, "nothing");
        break;
    case ANY_TYPE_KVLIST:
    case ANY_TYPE_BYTES:
        put(out, "%zu bytes", value->bytes.size);
        break;
    }
}

static int compare_keys(const void *a, const void *b)
{
    const struct attribute_view *left = a, *right = b;
    size_t shared = left->key.size < right->key.size ? left->key.size : right->key.size;
    int order = memcmp(left->key.data, right->key.data, shared);
    return order != 0 ? order
                      : (left->key.size > right->key.size) - (left->key.size < right->key.size);
}

static bool is_among(const char *const *keys, struct slice key)
{
    for (; *keys != NULL; keys++) {
        if (slice_equal(slice_of_text(*keys), key))
            return true;
    }
    return false;
}

void record_text_attributes(const struct record_view *record, const char *const *hidden,
                            struct buf *out)
{
    size_t size = record->attribute_count * sizeof(*record->attributes);
    struct attribute_view *sorted = malloc(size + 1);
    ASSERT(sorted != NULL);
    memcpy(sorted, record->attributes, size);
    qsort(sorted, record->attribute_count, sizeof(*sorted), compare_keys);
    for (size_t i = 0; i < record->attribute_count; i++) {
        if (is_among(hidden, sorted[i].key))
            continue;
        put(out, "    %.*s = ", SLICE_ARG(sorted[i].key));
        record_text_value(&sorted[i].value, out);
        put(out, "\n");
    }
    free(sorted);
}

const struct any_view *record_text_find(const struct record_view *record, const char *key)
{
    const struct any_view *found = NULL;
    for (size_t i = 0; i < record->attribute_count; i++) {
        if (slice_equal(record->attributes[i].key, slice_of_text(key)))
            found = &record->attributes[i].value;
    }
    return found;
}
