/* SPDX-License-Identifier: Apache-2.0 */
/* encode_json_signal.c -- see encode_json_signal.h.  Driven by the tables of otlp_json_messages.h,
 * from which otlp_json_read.c reads the same JSON.  A message is walked once for each of its
 * fields: this is for people and dead letters, not for the hot path.
 *
 * A field may stand more than once, and singular messages then are one, laid end to end; here the
 * last one counts, but for what stands around a record, where nothing may be lost. */
#include "wire/encode_json_signal.h"

#include "wire/json_put.h"
#include "wire/otlp_json_messages.h"
#include "wire/otlp_metric.h"
#include "wire/otlp_span.h"

enum { DEPTH_MAX = 10 + 3 * OTLP_DEPTH_MAX }; /* as otlp_json_read.c has it */

struct extra {
    uint32_t number;         /* of the list that they are added to */
    struct slice attributes; /* LogRecord.attributes fields */
};

static const struct extra no_extra = {0};

static void put_message(struct json_put *json, struct slice bytes,
                        const struct json_message *message, const struct extra *extra,
                        uint32_t depth_left);

static void put_quoted(struct json_put *json, uint64_t value, bool is_signed)
{
    json_put(json, SLICE("\""));
    if (is_signed)
        json_put_int(json, (int64_t)value);
    else
        json_put_uint(json, value);
    json_put(json, SLICE("\""));
}

static void put_double(struct json_put *json, uint64_t bits)
{
    double number;

    memcpy(&number, &bits, sizeof(number));
    json_put_double(json, number);
}

static void put_number(struct json_put *json, uint64_t value, enum json_kind kind)
{
    if (kind == KIND_FIXED64 || kind == KIND_UINT64)
        put_quoted(json, value, false);
    else if (kind == KIND_SFIXED64 || kind == KIND_INT64)
        put_quoted(json, value, true);
    else if (kind == KIND_DOUBLE)
        put_double(json, value);
    else if (kind == KIND_BOOL)
        json_put(json, value != 0 ? SLICE("true") : SLICE("false"));
    else if (kind == KIND_SINT32)
        json_put_int(json, (int32_t)((uint32_t)value >> 1 ^ (0 - ((uint32_t)value & 1))));
    else if (kind == KIND_ENUM)
        json_put_int(json, (int32_t)value);
    else
        json_put_uint(json, (uint32_t)value);
}

/* One value that is not packed. */
static void put_value(struct json_put *json, const struct pb_field *field,
                      const struct json_field *known, uint32_t depth_left)
{
    if (known->kind == KIND_TEXT)
        json_put_text(json, field->bytes);
    else if (known->kind == KIND_BASE64)
        json_put_base64(json, field->bytes);
    else if (known->kind == KIND_ID)
        json_put_hex(json, field->bytes);
    else if (known->kind == KIND_MESSAGE)
        put_message(json, field->bytes, known->message, &no_extra, depth_left);
    else
        put_number(json, field->value, known->kind);
}

static bool is_number(enum json_kind kind)
{
    return kind != KIND_TEXT && kind != KIND_BASE64 && kind != KIND_ID && kind != KIND_MESSAGE;
}

static void put_comma(struct json_put *json, size_t *count)
{
    if ((*count)++ > 0)
        json_put(json, SLICE(","));
}

/* Numbers laid end to end: read as fields without their tags. */
static void put_packed(struct json_put *json, struct slice bytes, enum json_kind kind,
                       size_t *count)
{
    size_t at = 0;

    while (json_good(json) && at < bytes.size) {
        uint64_t value = 0;
        if (kind == KIND_UINT64) {
            unsigned shift = 0;
            do {
                value |= shift < 64 ? (uint64_t)(bytes.data[at] & 0x7f) << shift : 0;
                shift += 7;
            } while (bytes.data[at++] >= 0x80 && at < bytes.size);
        } else if (bytes.size - at >= sizeof(value)) {
            memcpy(&value, bytes.data + at, sizeof(value)); /* x86-64 and ARM: little endian */
            at += sizeof(value);
        } else {
            json_put_fail(json, ST_CORRUPT, "a list of numbers is cut");
            return;
        }
        put_comma(json, count);
        put_number(json, value, kind);
    }
}

/* Writes the elements of a list; *count of them are there already. */
static void put_elements(struct json_put *json, struct slice bytes, uint32_t number,
                         const struct json_field *known, size_t *count, uint32_t depth_left)
{
    struct pb_walk walk = pb_walk_start(bytes);
    struct pb_field field;
    enum pb_step step = PB_END;

    while (json_good(json) && (step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number != number)
            continue;
        if (is_number(known->kind) && field.type == WIRE_BYTES) {
            put_packed(json, field.bytes, known->kind, count);
            continue;
        }
        put_comma(json, count);
        put_value(json, &field, known, depth_left);
    }
    if (step == PB_BROKEN)
        json_put_fail(json, ST_CORRUPT, "a message in the record or around it is broken");
}

/* The last field `number`; false: there is none. */
static bool find_last(struct json_put *json, struct slice bytes, uint32_t number,
                      struct pb_field *ret)
{
    struct pb_walk walk = pb_walk_start(bytes);
    struct pb_field field;
    bool found = false;
    enum pb_step step = PB_END;

    while (json_good(json) && (step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == number) {
            *ret = field;
            found = true;
        }
    }
    if (step == PB_BROKEN)
        json_put_fail(json, ST_CORRUPT, "a message in the record or around it is broken");
    return found;
}

/* Whether a field says what an absent one means, so that the reader would leave it out. */
static bool is_absence(const struct pb_field *field, const struct json_field *known)
{
    switch (known->kind) {
    case KIND_TEXT:
    case KIND_ID:
        return !known->is_member && field->bytes.size == 0;
    case KIND_FIXED64:
    case KIND_SFIXED64:
    case KIND_UINT64:
    case KIND_INT64:
        return !known->is_member && field->value == 0;
    case KIND_FIXED32:
    case KIND_UINT32:
    case KIND_ENUM:
    case KIND_SINT32:
        return !known->is_member && (uint32_t)field->value == 0;
    case KIND_BASE64:
    case KIND_BOOL:
    case KIND_DOUBLE:
    case KIND_MESSAGE:
        break;
    }
    return false;
}

static bool has_field(struct slice bytes, uint32_t number)
{
    struct pb_walk walk = pb_walk_start(bytes);
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == number)
            return true;
    }
    return false;
}

static void put_name(struct json_put *json, const struct json_field *field, size_t *count)
{
    put_comma(json, count);
    json_put_text(json, field->name);
    json_put(json, SLICE(":"));
}

static void put_list(struct json_put *json, struct slice bytes, const struct json_field *field,
                     const struct extra *extra, uint32_t depth_left)
{
    size_t count = 0;

    json_put(json, SLICE("["));
    put_elements(json, bytes, field->number, field, &count, depth_left);
    if (extra->number == field->number)
        put_elements(json, extra->attributes, RECORD_ATTRIBUTES, field, &count, depth_left);
    json_put(json, SLICE("]"));
}

static void put_message(struct json_put *json, struct slice bytes,
                        const struct json_message *message, const struct extra *extra,
                        uint32_t depth_left)
{
    struct pb_field last;
    size_t count = 0;

    if (depth_left == 0) {
        json_put_fail(json, ST_CORRUPT, "values are nested too deep");
        return;
    }
    json_put(json, SLICE("{"));
    for (size_t i = 0; i < message->field_count && json_good(json); i++) {
        const struct json_field *field = &message->fields[i];
        bool has_extra = extra->number == field->number && extra->attributes.size > 0;
        if (field->is_list && (has_extra || has_field(bytes, field->number))) {
            put_name(json, field, &count);
            put_list(json, bytes, field, extra, depth_left - 1);
        } else if (!field->is_list && find_last(json, bytes, field->number, &last) &&
                   !is_absence(&last, field)) {
            put_name(json, field, &count);
            put_value(json, &last, field, depth_left - 1);
        }
    }
    json_put(json, SLICE("}"));
}

/* The messages of the owner, resource or scope, laid end to end: one message. */
static enum status join_owners(struct slice fields, struct buf *out, struct error *err)
{
    struct pb_walk walk = pb_walk_start(fields);
    struct pb_field field;
    enum status st = ST_OK;

    while (st == ST_OK && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RESOURCE_LOGS_RESOURCE && field.type == WIRE_BYTES)
            st = buf_append(out, field.bytes.data, field.bytes.size, err);
    }
    return st;
}

/* "name":{...} and the schema's address, if they are there, with a comma behind each. */
static void put_around(struct json_put *json, struct slice fields, struct slice name,
                       const struct json_message *message)
{
    struct pb_field schema_url;
    struct buf owner;

    buf_init(&owner, fields.size);
    if (has_field(fields, RESOURCE_LOGS_RESOURCE) && json_good(json) &&
        json_note(json, join_owners(fields, &owner, json->err))) {
        json_put(json, name);
        put_message(json, buf_slice(&owner), message, &no_extra, DEPTH_MAX);
        json_put(json, SLICE(","));
    }
    buf_fini(&owner);
    if (find_last(json, fields, RESOURCE_LOGS_SCHEMA_URL, &schema_url)) {
        json_put(json, SLICE("\"schemaUrl\":"));
        json_put_text(json, schema_url.bytes);
        json_put(json, SLICE(","));
    }
}

void json_signal_put_group_start(struct json_put *json, const struct record_group *group)
{
    bool is_span = group->signal == SIGNAL_TRACES;

    json_put(json, SLICE("{"));
    put_around(json, group->resource_logs_fields, SLICE("\"resource\":"), &json_resource);
    json_put(json, is_span ? SLICE("\"scopeSpans\":[{") : SLICE("\"scopeMetrics\":[{"));
    put_around(json, group->scope_logs_fields, SLICE("\"scope\":"), &json_scope);
    json_put(json, is_span ? SLICE("\"spans\":[") : SLICE("\"metrics\":["));
}

void json_signal_put_record(struct json_put *json, enum signal signal, struct slice record,
                            struct slice extra_attributes)
{
    const struct extra extra = {signal == SIGNAL_TRACES ? SPAN_ATTRIBUTES : METRIC_METADATA,
                                extra_attributes};

    put_message(json, record, json_record_message(signal), &extra, DEPTH_MAX);
}
