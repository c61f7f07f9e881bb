/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_span.c -- see otlp_span.h.  A singular field that stands twice: the later one wins, but for
 * Status, a message, whose fields are merged as protobuf merges them. */
#include "wire/otlp_span.h"

static enum status wrong_type(const struct pb_field *field, const char *message, struct error *err)
{
    return error_set(err, ST_CORRUPT, "field %u of a %s has wire type %d", field->number, message,
                     (int)field->type);
}

static enum status take_id(const struct pb_field *field, size_t size, struct slice *ret,
                           struct error *err)
{
    if (field->type != WIRE_BYTES || (field->bytes.size != 0 && field->bytes.size != size))
        return error_set(err, ST_CORRUPT, "field %u of a span is no id of %zu bytes", field->number,
                         size);
    *ret = field->bytes;
    return ST_OK;
}

static enum status take_status(const struct pb_field *status, struct span_view *span,
                               struct error *err)
{
    if (status->type != WIRE_BYTES)
        return wrong_type(status, "span", err);
    struct pb_walk walk = pb_walk_start(status->bytes);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == SPAN_STATUS_CODE) {
            if (field.type != WIRE_VARINT)
                return wrong_type(&field, "span's status", err);
            span->status_code = (uint32_t)field.value;
        } else if (field.number == SPAN_STATUS_MESSAGE) {
            if (field.type != WIRE_BYTES)
                return wrong_type(&field, "span's status", err);
            span->status_message = field.bytes;
        }
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "the status of a span is cut");
}

/* Takes a field that is neither id nor message.  false: it has the wrong wire type. */
static bool take_scalar(const struct pb_field *field, struct span_view *span)
{
    switch (field->number) {
    case SPAN_TRACE_STATE:
        span->trace_state = field->bytes;
        return field->type == WIRE_BYTES;
    case SPAN_NAME:
        span->name = field->bytes;
        return field->type == WIRE_BYTES;
    case SPAN_KIND:
        span->kind = (uint32_t)field->value;
        return field->type == WIRE_VARINT;
    case SPAN_START_TIME_UNIX_NANO:
        span->start_time_unix_nano = field->value;
        return field->type == WIRE_FIXED64;
    case SPAN_END_TIME_UNIX_NANO:
        span->end_time_unix_nano = field->value;
        return field->type == WIRE_FIXED64;
    case SPAN_FLAGS:
        span->flags = (uint32_t)field->value;
        return field->type == WIRE_FIXED32;
    case SPAN_DROPPED_ATTRIBUTES_COUNT:
    case SPAN_DROPPED_EVENTS_COUNT:
    case SPAN_DROPPED_LINKS_COUNT:
        return field->type == WIRE_VARINT;
    case SPAN_EVENTS:
        span->event_count++;
        return field->type == WIRE_BYTES;
    case SPAN_LINKS:
        return field->type == WIRE_BYTES;
    default:
        return true;
    }
}

static enum status take_head_field(const struct pb_field *field, struct span_view *span,
                                   struct error *err)
{
    switch (field->number) {
    case SPAN_TRACE_ID:
        return take_id(field, TRACE_ID_SIZE, &span->trace_id, err);
    case SPAN_SPAN_ID:
        return take_id(field, SPAN_ID_SIZE, &span->span_id, err);
    case SPAN_PARENT_SPAN_ID:
        return take_id(field, SPAN_ID_SIZE, &span->parent_span_id, err);
    case SPAN_STATUS:
        return take_status(field, span, err);
    default:
        return take_scalar(field, span) ? ST_OK : wrong_type(field, "span", err);
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum status otlp_read_span(struct slice span, const struct otlp_limits *limits,
                           struct attribute_view *attributes, size_t attribute_max,
                           struct span_view *ret, struct error *err)
{
    if (span.size > limits->record_size_max)
        return error_set(err, ST_LIMIT, "a span of %zu bytes is over the limit of %zu", span.size,
                         limits->record_size_max);
    attribute_max = smaller(attribute_max, limits->attribute_count_max);
    struct span_view view = {.attributes = attributes, .encoded = span};
    struct pb_walk walk = pb_walk_start(span);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        enum status st = field.number == SPAN_ATTRIBUTES
                             ? otlp_take_attribute(&field, limits, attribute_max, attributes,
                                                   &view.attribute_count, err)
                             : take_head_field(&field, &view, err);
        if (st != ST_OK)
            return st;
    }
    if (step != PB_END)
        return error_set(err, ST_CORRUPT, "the span breaks off at byte %zu",
                         span.size - walk.rest.size);
    *ret = view;
    return ST_OK;
}

static enum status take_event_field(const struct pb_field *field, struct span_event_view *event,
                                    struct error *err)
{
    bool good = true;
    if (field->number == SPAN_EVENT_TIME_UNIX_NANO) {
        good = field->type == WIRE_FIXED64;
        event->time_unix_nano = field->value;
    } else if (field->number == SPAN_EVENT_NAME) {
        good = field->type == WIRE_BYTES;
        event->name = field->bytes;
    } else if (field->number == SPAN_EVENT_DROPPED_ATTRIBUTES_COUNT) {
        good = field->type == WIRE_VARINT;
    }
    return good ? ST_OK : wrong_type(field, "span's event", err);
}

static enum status read_event(struct slice event, const struct otlp_limits *limits,
                              struct attribute_view *attributes, size_t attribute_max,
                              struct span_event_view *ret, struct error *err)
{
    struct span_event_view view = {.attributes = attributes};
    struct pb_walk walk = pb_walk_start(event);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        enum status st = field.number == SPAN_EVENT_ATTRIBUTES
                             ? otlp_take_attribute(&field, limits, attribute_max, attributes,
                                                   &view.attribute_count, err)
                             : take_event_field(&field, &view, err);
        if (st != ST_OK)
            return st;
    }
    if (step != PB_END)
        return error_set(err, ST_CORRUPT, "an event of a span is cut");
    *ret = view;
    return ST_OK;
}

enum status span_event_next(struct span_event_walk *walk, const struct otlp_limits *limits,
                            struct attribute_view *attributes, size_t attribute_max,
                            struct span_event_view *ret, bool *ret_found, struct error *err)
{
    struct pb_field field;
    while (pb_next(&walk->fields, &field) == PB_FIELD) {
        if (field.number != SPAN_EVENTS || field.type != WIRE_BYTES)
            continue;
        *ret_found = true;
        return read_event(field.bytes, limits, attributes,
                          smaller(attribute_max, limits->attribute_count_max), ret, err);
    }
    *ret_found = false;
    return ST_OK;
}
