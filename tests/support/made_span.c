/* SPDX-License-Identifier: Apache-2.0 */
/* made_span.c -- see made_span.h. */
#include "support/made_span.h"

#include "support/made_record.h"

enum { SPAN_MAX = 1 << 26, SMALL_MAX = 4096 };

static struct error err;

static void put(struct made_span *made, uint32_t number, struct slice bytes)
{
    ASSERT(buf_reserve(&made->bytes, bytes.size + PB_TAG_MAX + PB_VARINT_MAX, &err) == ST_OK);
    const uint8_t *end = pb_put_bytes(made->bytes.data + made->bytes.size, number, bytes);
    made->bytes.size = (size_t)(end - made->bytes.data);
}

static void put_time(struct made_span *made, uint32_t number, uint64_t time)
{
    uint8_t field[PB_TAG_MAX + 8];
    const uint8_t *end = pb_put_fixed64(field, number, time);
    ASSERT(buf_append(&made->bytes, field, (size_t)(end - field), &err) == ST_OK);
}

void made_span_init(struct made_span *made, const char *name)
{
    uint8_t trace_id[TRACE_ID_SIZE], span_id[SPAN_ID_SIZE];
    memset(trace_id, 1, sizeof(trace_id));
    memset(span_id, 2, sizeof(span_id));
    buf_init(&made->bytes, SPAN_MAX);
    put(made, SPAN_TRACE_ID, slice_of(trace_id, sizeof(trace_id)));
    put(made, SPAN_SPAN_ID, slice_of(span_id, sizeof(span_id)));
    put(made, SPAN_NAME, slice_of_text(name));
    put_time(made, SPAN_START_TIME_UNIX_NANO, MADE_SPAN_END - 1000000000);
    put_time(made, SPAN_END_TIME_UNIX_NANO, MADE_SPAN_END);
}

void made_span_fini(struct made_span *made)
{
    buf_fini(&made->bytes);
}

void made_span_ids(struct made_span *made, uint8_t id, uint8_t parent)
{
    uint8_t bytes[SPAN_ID_SIZE];

    memset(bytes, id, sizeof(bytes));
    put(made, SPAN_SPAN_ID, slice_of(bytes, sizeof(bytes)));
    memset(bytes, parent, sizeof(bytes));
    if (parent != 0)
        put(made, SPAN_PARENT_SPAN_ID, slice_of(bytes, sizeof(bytes)));
}

void made_span_text(struct made_span *made, const char *key, const char *value)
{
    ASSERT(pb_append_text(&made->bytes, SPAN_ATTRIBUTES, slice_of_text(key), slice_of_text(value),
                          &err) == ST_OK);
}

void made_span_bool(struct made_span *made, const char *key, bool value)
{
    ASSERT(pb_append_bool(&made->bytes, SPAN_ATTRIBUTES, slice_of_text(key), value, &err) == ST_OK);
}

void made_span_status(struct made_span *made, enum span_status code, const char *message)
{
    uint8_t status[SMALL_MAX];
    uint8_t *end = pb_put_bytes(status, SPAN_STATUS_MESSAGE, slice_of_text(message));
    end = pb_put_uint(end, SPAN_STATUS_CODE, code);
    put(made, SPAN_STATUS, slice_of(status, (size_t)(end - status)));
}

void made_span_exception(struct made_span *made, const char *type, const char *message)
{
    struct made_span event;
    buf_init(&event.bytes, SMALL_MAX);
    put(&event, SPAN_EVENT_NAME, SLICE("exception"));
    ASSERT(pb_append_text(&event.bytes, SPAN_EVENT_ATTRIBUTES, SLICE("exception.type"),
                          slice_of_text(type), &err) == ST_OK);
    ASSERT(pb_append_text(&event.bytes, SPAN_EVENT_ATTRIBUTES, SLICE("exception.message"),
                          slice_of_text(message), &err) == ST_OK);
    put(made, SPAN_EVENTS, buf_slice(&event.bytes));
    buf_fini(&event.bytes);
}

enum status made_span_set_group(struct span_deriver *deriver, const char *scope,
                                const char *service)
{
    uint8_t scope_name[SMALL_MAX], scope_fields[SMALL_MAX], resource_fields[SMALL_MAX];
    uint8_t *scope_end = scope_fields, *resource_end = resource_fields;
    struct buf resource;
    buf_init(&resource, SMALL_MAX);
    if (scope != NULL) {
        const uint8_t *end = pb_put_bytes(scope_name, SCOPE_NAME, slice_of_text(scope));
        scope_end = pb_put_bytes(scope_fields, SCOPE_LOGS_SCOPE,
                                 slice_of(scope_name, (size_t)(end - scope_name)));
    }
    if (service != NULL) {
        ASSERT(pb_append_text(&resource, RESOURCE_ATTRIBUTES, SLICE("service.name"),
                              slice_of_text(service), &err) == ST_OK);
        resource_end = pb_put_bytes(resource_fields, RESOURCE_LOGS_RESOURCE, buf_slice(&resource));
    }
    const struct record_group group = {
        .resource_logs_fields = slice_of(resource_fields, (size_t)(resource_end - resource_fields)),
        .scope_logs_fields = slice_of(scope_fields, (size_t)(scope_end - scope_fields))};
    enum status st = span_deriver_set_group(deriver, &group, &err);
    buf_fini(&resource);
    return st;
}

struct normalized *made_span_derive(struct span_deriver *deriver, const struct made_span *made)
{
    const struct span_input input = {.span = buf_slice(&made->bytes),
                                     .transport = TRANSPORT_OTLP_GRPC,
                                     .sender_fields = made_peer(),
                                     .received_unix_nano = MADE_SPAN_END + 5};
    struct buf out;
    struct normalized *normalized = NULL;
    bool was_made = false;
    buf_init(&out, SPAN_MAX);
    ASSERT(span_derive(deriver, &input, &out, &was_made, &err) == ST_OK);
    ASSERT(was_made == (out.size > 0));
    if (was_made)
        normalized = normalized_read(buf_slice(&out), 0);
    buf_fini(&out);
    return normalized;
}
