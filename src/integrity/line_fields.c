/* SPDX-License-Identifier: Apache-2.0 */
/* line_fields.c -- see line_fields.h. */
#include "integrity/line_fields.h"

#include <stdlib.h>

#include "integrity/strict_base64.h"
#include "wire/json_put.h"
#include "wire/json_scan.h"
#include "wire/rfc3339.h"

enum { SHORT_TEXT_MAX = 1024 }; /* of a LINE_TEXT or a time */

/* --- Writing -----------------------------------------------------------------------------------
 */

static void put_list(struct json_put *json, const struct line_field *field)
{
    const uint8_t *item = field->value;

    ASSERT(*field->count <= field->max);
    json_put(json, SLICE("["));
    for (size_t i = 0; i < *field->count; i++) {
        if (i > 0)
            json_put(json, SLICE(","));
        json_put_base64(json, slice_of(item + i * field->size, field->size));
    }
    json_put(json, SLICE("]"));
}

static void put_value(struct json_put *json, const struct line_field *field)
{
    switch (field->type) {
    case LINE_TEXT:
        json_put_text(json, slice_of_text(field->value));
        break;
    case LINE_NOTE:
        json_put_text(json, buf_slice(field->value));
        break;
    case LINE_UINT:
        json_put_uint(json, *(const uint64_t *)field->value);
        break;
    case LINE_TIME:
        json_put_time(json, *(const uint64_t *)field->value);
        break;
    case LINE_HEX:
        json_put_hex(json, slice_of(field->value, field->size));
        break;
    case LINE_BASE64:
        json_put_base64(json, slice_of(field->value, field->size));
        break;
    case LINE_LIST:
        put_list(json, field);
        break;
    }
}

enum status line_fields_put(const struct line_field *fields, size_t count, uint32_t mask,
                            struct buf *out, struct error *err)
{
    struct json_put json;
    bool any = false;

    ASSERT(count <= LINE_FIELDS_MAX && mask >> count == 0);
    json_start(&json, out, err);
    for (size_t i = 0; i < count; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        json_put(&json, any ? SLICE(",\"") : SLICE("{\""));
        json_put(&json, slice_of_text(fields[i].name));
        json_put(&json, SLICE("\":"));
        put_value(&json, &fields[i]);
        any = true;
    }
    json_put(&json, SLICE("}\n"));
    return json_finish(&json);
}

/* --- Reading -----------------------------------------------------------------------------------
 */

/* A text without escapes, as it stands there. */
static bool read_raw(struct json_scan *scan, struct slice *ret)
{
    struct json_text text;

    if (!json_read_text(scan, &text))
        return false;
    *ret = slice_of(text.raw, text.raw_size);
    return text.size == text.raw_size ||
           json_scan_fail(scan, ST_INVALID, text.raw, "must be without escapes");
}

static bool read_text(struct json_scan *scan, char *out, size_t size)
{
    uint8_t room[SHORT_TEXT_MAX + JSON_TEXT_SLACK];
    struct json_text text;

    ASSERT(size <= SHORT_TEXT_MAX);
    if (!json_read_text(scan, &text))
        return false;
    if (text.size >= size)
        return json_scan_fail(scan, ST_INVALID, text.raw, "too long");
    (void)json_text_decode(&text, room);
    if (text.size > 0 && memchr(room, 0, text.size) != NULL)
        return json_scan_fail(scan, ST_INVALID, text.raw, "must be without NUL");
    memset(out, 0, size);
    memcpy(out, room, text.size);
    return true;
}

static bool read_note(struct json_scan *scan, struct buf *out)
{
    struct json_text text;
    struct error ignored;

    if (!json_read_text(scan, &text))
        return false;
    buf_clear(out);
    if (buf_reserve(out, text.size + JSON_TEXT_SLACK, &ignored) != ST_OK)
        return json_scan_fail(scan, ST_INVALID, text.raw, "too long");
    out->size = (size_t)(json_text_decode(&text, out->data) - out->data);
    return true;
}

static bool read_uint(struct json_scan *scan, uint64_t *ret)
{
    struct json_number number;

    if (!json_read_number(scan, &number))
        return false;
    if (!number.is_integer || number.integer < 0 || number.text.data[0] == '-')
        return json_scan_fail(scan, ST_INVALID, number.text.data, "must be a count");
    *ret = (uint64_t)number.integer;
    return true;
}

static bool read_hex(struct json_scan *scan, uint8_t *out, size_t size)
{
    struct slice text;

    if (!read_raw(scan, &text))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
        if (!is_digit || text.size != 2 * size)
            return json_scan_fail(scan, ST_INVALID, text.data, "must be hexadecimal, of its size");
        uint8_t value = (uint8_t)(byte <= '9' ? byte - '0' : byte - 'a' + 10);
        out[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : out[i / 2] | value);
    }
    return text.size == 2 * size || json_scan_fail(scan, ST_INVALID, text.data, "is empty");
}

static bool read_base64(struct json_scan *scan, uint8_t *out, size_t size)
{
    struct slice text;

    if (!read_raw(scan, &text))
        return false;
    return base64_take(text, out, size) ||
           json_scan_fail(scan, ST_INVALID, text.data, "must be base64, of its size");
}

static bool read_list(struct json_scan *scan, const struct line_field *field)
{
    uint8_t *item = field->value;
    bool more;

    *field->count = 0;
    if (!json_open(scan, '[', ']', &more))
        return false;
    while (more) {
        if (*field->count == field->max)
            return json_scan_fail(scan, ST_INVALID, scan->at, "too many of them");
        if (!read_base64(scan, item + *field->count * field->size, field->size) ||
            !json_read_separator(scan, ']', &more))
            return false;
        *field->count += 1;
    }
    return true;
}

static bool read_time(struct json_scan *scan, uint64_t *ret)
{
    struct slice text;

    if (!read_raw(scan, &text))
        return false;
    return rfc3339_read(text, ret) || json_scan_fail(scan, ST_INVALID, text.data, "must be a time");
}

static bool read_value(struct json_scan *scan, const struct line_field *field)
{
    switch (field->type) {
    case LINE_TEXT:
        return read_text(scan, field->value, field->size);
    case LINE_NOTE:
        return read_note(scan, field->value);
    case LINE_UINT:
        return read_uint(scan, field->value);
    case LINE_TIME:
        return read_time(scan, field->value);
    case LINE_HEX:
        return read_hex(scan, field->value, field->size);
    case LINE_BASE64:
        return read_base64(scan, field->value, field->size);
    case LINE_LIST:
        return read_list(scan, field);
    }
    return false;
}

static bool read_member(struct json_scan *scan, const struct line_field *fields, size_t count,
                        uint32_t *mask)
{
    struct json_text key;

    if (!json_read_key(scan, &key))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!json_text_equal(&key, slice_of_text(fields[i].name)))
            continue;
        if ((*mask >> i & 1) != 0)
            return json_scan_fail(scan, ST_INVALID, key.raw, "a member stands there twice");
        *mask |= UINT32_C(1) << i;
        return read_value(scan, &fields[i]);
    }
    return json_scan_fail(scan, ST_INVALID, key.raw, "a member that is not known here");
}

enum status line_fields_read(struct slice line, const struct line_field *fields, size_t count,
                             uint32_t *ret_mask, struct error *err)
{
    struct json_scan scan = json_scan_start(line);
    uint32_t mask = 0;
    bool more;

    ASSERT(count <= LINE_FIELDS_MAX);
    bool good = json_open(&scan, '{', '}', &more);
    while (good && more)
        good = read_member(&scan, fields, count, &mask) && json_read_separator(&scan, '}', &more);
    if (!good || !json_read_end(&scan)) {
        (void)json_report(&scan, err);
        err->status = ST_INVALID; /* depth and length too: no line of ours has that much */
        return ST_INVALID;
    }
    *ret_mask = mask;
    return ST_OK;
}
