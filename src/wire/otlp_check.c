/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_check.c -- see otlp_check.h.  Driven by the tables of otlp_json_messages.h, which nest as
 * deep as they are written down; only values nest at will, and otlp.c bounds those. */
#include "wire/otlp_check.h"

#include "telltale/encode.h"
#include "wire/otlp_json_messages.h"
#include "wire/otlp_metric.h"
#include "wire/otlp_span.h"

static enum wire_type wire_of(enum json_kind kind)
{
    switch (kind) {
    case KIND_FIXED64:
    case KIND_SFIXED64:
    case KIND_DOUBLE:
        return WIRE_FIXED64;
    case KIND_FIXED32:
        return WIRE_FIXED32;
    case KIND_UINT32:
    case KIND_UINT64:
    case KIND_ENUM:
    case KIND_INT64:
    case KIND_SINT32:
    case KIND_BOOL:
        return WIRE_VARINT;
    case KIND_TEXT:
    case KIND_BASE64:
    case KIND_ID:
    case KIND_MESSAGE:
        break;
    }
    return WIRE_BYTES;
}

static const struct json_field *find_field(const struct json_message *message, uint32_t number)
{
    for (size_t i = 0; i < message->field_count; i++) {
        if (message->fields[i].number == number)
            return &message->fields[i];
    }
    return NULL;
}

/* Numbers laid end to end in one field, as repeated numbers usually are. */
static bool is_packed(struct slice bytes, enum wire_type wire)
{
    size_t length = 0;

    if (wire != WIRE_VARINT)
        return bytes.size % (wire == WIRE_FIXED64 ? 8 : 4) == 0;
    for (size_t i = 0; i < bytes.size; i++) {
        if (++length > PB_VARINT_MAX)
            return false;
        if (bytes.data[i] < 0x80)
            length = 0;
    }
    return length == 0;
}

static bool has_its_type(const struct pb_field *field, const struct json_field *known)
{
    enum wire_type wire = wire_of(known->kind);

    if (field->type == wire)
        return known->kind != KIND_ID || field->bytes.size == 0 ||
               field->bytes.size == known->id_size;
    return known->is_list && field->type == WIRE_BYTES && is_packed(field->bytes, wire);
}

static enum status check_attribute(const struct pb_field *field, const struct otlp_limits *limits,
                                   size_t *count, struct error *err)
{
    struct attribute_view attribute;
    size_t one = 0;

    if ((*count)++ >= limits->attribute_count_max)
        return error_set(err, ST_LIMIT, "more than %u attributes", limits->attribute_count_max);
    return otlp_take_attribute(field, limits, 1, &attribute, &one, err);
}

static enum status check_message(struct slice bytes, const struct json_message *message,
                                 const struct otlp_limits *limits, struct error *err)
{
    struct pb_walk walk = pb_walk_start(bytes);
    size_t attributes = 0;
    struct pb_field field;
    enum pb_step step;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        const struct json_field *known = find_field(message, field.number);
        enum status st = ST_OK;
        if (known == NULL)
            continue;
        if (!has_its_type(&field, known))
            st = error_set(err, ST_CORRUPT, "it has another wire type, or size");
        else if (known->message == &json_key_value)
            st = check_attribute(&field, limits, &attributes, err);
        else if (known->kind == KIND_MESSAGE)
            st = check_message(field.bytes, known->message, limits, err);
        if (st != ST_OK)
            return error_context(err, "%.*s", SLICE_ARG(known->name));
    }
    return step == PB_END ? ST_OK
                          : error_set(err, ST_CORRUPT, "it breaks off at byte %zu",
                                      bytes.size - walk.rest.size);
}

enum status otlp_check_record(enum signal signal, struct slice record,
                              const struct otlp_limits *limits, struct error *err)
{
    const char *name = signal == SIGNAL_TRACES ? "span" : "metric";

    ASSERT(signal != SIGNAL_LOGS);
    if (record.size > limits->record_size_max)
        return error_set(err, ST_LIMIT, "a %s of %zu bytes is over the limit of %zu", name,
                         record.size, limits->record_size_max);
    enum status st = check_message(record, json_record_message(signal), limits, err);
    return st == ST_OK ? ST_OK : error_context(err, "a %s", name);
}

static bool has_points(uint32_t number)
{
    return number == METRIC_GAUGE || number == METRIC_SUM || number == METRIC_HISTOGRAM ||
           number == METRIC_EXPONENTIAL_HISTOGRAM || number == METRIC_SUMMARY;
}

/* The data points of one field of a metric, and how many of them have a time. */
static void count_points(struct slice data, uint64_t *points, uint64_t *timed)
{
    struct pb_walk walk = pb_walk_start(data);
    struct pb_field point, field;

    while (pb_next(&walk, &point) == PB_FIELD) {
        if (point.number != METRIC_DATA_POINTS || point.type != WIRE_BYTES)
            continue;
        struct pb_walk inner = pb_walk_start(point.bytes);
        bool has_time = false;
        while (timed != NULL && pb_next(&inner, &field) == PB_FIELD)
            has_time |= field.number == DATA_POINT_TIME_UNIX_NANO && field.type == WIRE_FIXED64 &&
                        field.value != 0;
        ++*points;
        if (timed != NULL)
            *timed += has_time;
    }
}

static uint64_t count_all_points(struct slice metric, uint64_t *timed)
{
    struct pb_walk walk = pb_walk_start(metric);
    struct pb_field field;
    uint64_t count = 0;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (has_points(field.number) && field.type == WIRE_BYTES)
            count_points(field.bytes, &count, timed);
    }
    return count;
}

uint64_t otlp_metric_point_count(struct slice metric)
{
    return count_all_points(metric, NULL);
}

static bool has_id(struct slice span)
{
    struct pb_walk walk = pb_walk_start(span);
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == SPAN_SPAN_ID)
            return field.bytes.size > 0;
    }
    return false;
}

bool otlp_is_told_apart(enum signal signal, struct slice record)
{
    uint64_t timed = 0;

    if (signal == SIGNAL_TRACES)
        return has_id(record);
    uint64_t count = count_all_points(record, &timed);
    return count > 0 && timed == count;
}
