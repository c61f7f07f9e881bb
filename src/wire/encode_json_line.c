/* SPDX-License-Identifier: Apache-2.0 */
/* encode_json_line.c -- the JSON of include/telltale/encode.h: a line for one record, a request for
 * a batch.
 *
 * Messages are walked and written at once, no tree in between.  A field may stand anywhere
 * and, merged by concatenation, more than once, while a JSON key must stand once: so each
 * message is walked for its single fields (the last one counts), then for each list.
 * Fields that we do not know have no name in JSON and are left out.
 */
#include "telltale/encode.h"
#include "wire/encode_json_signal.h"
#include "wire/json_put.h"
#include "wire/otlp.h"
#include "wire/request_plan.h"

/* Writes one element of a list; what it needs beside the element is in `depth_left`. */
typedef void (*put_element_fn)(struct json_put *json, struct slice element, uint32_t depth_left);

/* The next field `number` of BYTES; false at the end, or when the bytes are broken. */
static bool next_element(struct json_put *json, struct pb_walk *walk, uint32_t number,
                         struct slice *ret_element)
{
    struct pb_field field;
    enum pb_step step;
    while (json_good(json) && (step = pb_next(walk, &field)) != PB_END) {
        if (step == PB_BROKEN) {
            json_put_fail(json, ST_CORRUPT, "a message in the record or around it is broken");
            return false;
        }
        if (field.number == number && field.type == WIRE_BYTES) {
            *ret_element = field.bytes;
            return true;
        }
    }
    return false;
}

/* Writes the elements with commas between them; `count` of them are already written. */
static size_t put_elements(struct json_put *json, struct slice message, uint32_t number,
                           size_t count, put_element_fn put_element, uint32_t depth_left)
{
    struct pb_walk walk = pb_walk_start(message);
    struct slice element;
    while (next_element(json, &walk, number, &element)) {
        if (count++ > 0)
            json_put(json, SLICE(","));
        put_element(json, element, depth_left);
    }
    return count;
}

/* The last BYTES field `number`, empty when there is none. */
static struct slice last_bytes(struct json_put *json, struct slice message, uint32_t number)
{
    struct pb_walk walk = pb_walk_start(message);
    struct slice last = SLICE_EMPTY;
    while (next_element(json, &walk, number, &last))
        ;
    return last;
}

/* --- Values and attributes ------------------------------------------------------------- */

static void put_any(struct json_put *json, const struct any_view *any, uint32_t depth_left);

static void put_array_element(struct json_put *json, struct slice message, uint32_t depth_left)
{
    struct any_view any;
    if (json_good(json) && json_note(json, otlp_read_any(message, &any, json->err)))
        put_any(json, &any, depth_left);
}

static void put_attribute(struct json_put *json, struct slice message, uint32_t depth_left)
{
    struct attribute_view attribute;
    if (!json_good(json) || !json_note(json, otlp_read_attribute(message, &attribute, json->err)))
        return;
    json_put(json, SLICE("{\"key\":"));
    json_put_text(json, attribute.key);
    json_put(json, SLICE(",\"value\":"));
    put_any(json, &attribute.value, depth_left);
    json_put(json, SLICE("}"));
}

static void put_values(struct json_put *json, struct slice list, put_element_fn put_element,
                       uint32_t depth_left)
{
    if (depth_left == 0) {
        json_put_fail(json, ST_CORRUPT, "values are nested too deep");
        return;
    }
    json_put(json, SLICE("{\"values\":["));
    put_elements(json, list, LIST_VALUES, 0, put_element, depth_left - 1);
    json_put(json, SLICE("]}"));
}

static void put_any(struct json_put *json, const struct any_view *any, uint32_t depth_left)
{
    switch (any->type) {
    case ANY_TYPE_NONE:
        json_put(json, SLICE("{"));
        break;
    case ANY_TYPE_STRING:
        json_put(json, SLICE("{\"stringValue\":"));
        json_put_text(json, any->bytes);
        break;
    case ANY_TYPE_BOOL:
        json_put(json,
                 any->integer != 0 ? SLICE("{\"boolValue\":true") : SLICE("{\"boolValue\":false"));
        break;
    case ANY_TYPE_INT:
        json_put(json, SLICE("{\"intValue\":\""));
        json_put_int(json, any->integer);
        json_put(json, SLICE("\""));
        break;
    case ANY_TYPE_DOUBLE:
        json_put(json, SLICE("{\"doubleValue\":"));
        json_put_double(json, any->number);
        break;
    case ANY_TYPE_ARRAY:
        json_put(json, SLICE("{\"arrayValue\":"));
        put_values(json, any->bytes, put_array_element, depth_left);
        break;
    case ANY_TYPE_KVLIST:
        json_put(json, SLICE("{\"kvlistValue\":"));
        put_values(json, any->bytes, put_attribute, depth_left);
        break;
    case ANY_TYPE_BYTES:
        json_put(json, SLICE("{\"bytesValue\":"));
        json_put_base64(json, any->bytes);
        break;
    }
    json_put(json, SLICE("}"));
}

/* --- Members of an object ---------------------------------------------------------------- *
 * Every object ends with a member that is always there, so that each of these can end with a
 * comma. */

static void put_text_member(struct json_put *json, struct slice name, struct slice text)
{
    if (text.size == 0)
        return;
    json_put(json, name);
    json_put_text(json, text);
    json_put(json, SLICE(","));
}

static void put_uint_member(struct json_put *json, struct slice name, uint32_t value)
{
    if (value == 0)
        return;
    json_put(json, name);
    json_put_uint(json, value);
    json_put(json, SLICE(","));
}

static void put_time_member(struct json_put *json, struct slice name, uint64_t unix_nano)
{
    if (unix_nano == 0)
        return;
    json_put(json, name);
    json_put_uint(json, unix_nano);
    json_put(json, SLICE("\","));
}

static void put_id_member(struct json_put *json, struct slice name, struct slice id)
{
    if (id.size == 0)
        return;
    json_put(json, name);
    json_put_hex(json, id);
    json_put(json, SLICE(","));
}

/* --- What stands around a record ----------------------------------------------------------- */

static void put_text_element(struct json_put *json, struct slice text, uint32_t depth_left)
{
    (void)depth_left; /* texts do not nest */
    json_put_text(json, text);
}

static void put_entity(struct json_put *json, struct slice entity, uint32_t depth_left)
{
    (void)depth_left;
    json_put(json, SLICE("{"));
    put_text_member(json, SLICE("\"schemaUrl\":"), last_bytes(json, entity, ENTITY_SCHEMA_URL));
    put_text_member(json, SLICE("\"type\":"), last_bytes(json, entity, ENTITY_TYPE));
    json_put(json, SLICE("\"idKeys\":["));
    put_elements(json, entity, ENTITY_ID_KEYS, 0, put_text_element, 0);
    json_put(json, SLICE("],\"descriptionKeys\":["));
    put_elements(json, entity, ENTITY_DESCRIPTION_KEYS, 0, put_text_element, 0);
    json_put(json, SLICE("]}"));
}

/* Writes the elements `number` of all messages `owner_number` in `fields`: laid end to end,
 * these are one message. */
static void put_owned(struct json_put *json, struct slice fields, uint32_t owner_number,
                      uint32_t number, put_element_fn put_element)
{
    struct pb_walk walk = pb_walk_start(fields);
    struct slice owner;
    size_t count = 0;
    while (next_element(json, &walk, owner_number, &owner))
        count = put_elements(json, owner, number, count, put_element, OTLP_DEPTH_MAX);
}

/* The single fields of a resource or a scope. */
struct owner_singles {
    struct slice bytes[4]; /* by field number: the last BYTES field; no data: there is none */
    uint32_t dropped_attributes_count;
};

static struct owner_singles read_owner(struct json_put *json, struct slice fields,
                                       uint32_t owner_number, uint32_t dropped_number)
{
    struct owner_singles ret = {.dropped_attributes_count = 0};
    struct pb_walk owners = pb_walk_start(fields);
    struct slice owner;
    while (next_element(json, &owners, owner_number, &owner)) {
        struct pb_walk walk = pb_walk_start(owner);
        struct pb_field field;
        while (pb_next(&walk, &field) == PB_FIELD) {
            if (field.number == dropped_number && field.type == WIRE_VARINT)
                ret.dropped_attributes_count = (uint32_t)field.value;
            else if (field.number < COUNT_OF(ret.bytes) && field.type == WIRE_BYTES)
                ret.bytes[field.number] = field.bytes;
        }
    }
    return ret;
}

static void put_resource(struct json_put *json, struct slice fields)
{
    struct owner_singles singles =
        read_owner(json, fields, RESOURCE_LOGS_RESOURCE, RESOURCE_DROPPED_ATTRIBUTES_COUNT);
    json_put(json, SLICE("{"));
    put_uint_member(json, SLICE("\"droppedAttributesCount\":"), singles.dropped_attributes_count);
    if (singles.bytes[RESOURCE_ENTITY_REFS].data != NULL) {
        json_put(json, SLICE("\"entityRefs\":["));
        put_owned(json, fields, RESOURCE_LOGS_RESOURCE, RESOURCE_ENTITY_REFS, put_entity);
        json_put(json, SLICE("],"));
    }
    json_put(json, SLICE("\"attributes\":["));
    put_owned(json, fields, RESOURCE_LOGS_RESOURCE, RESOURCE_ATTRIBUTES, put_attribute);
    json_put(json, SLICE("]}"));
}

static void put_scope(struct json_put *json, struct slice fields)
{
    struct owner_singles singles =
        read_owner(json, fields, SCOPE_LOGS_SCOPE, SCOPE_DROPPED_ATTRIBUTES_COUNT);
    json_put(json, SLICE("{"));
    put_text_member(json, SLICE("\"name\":"), singles.bytes[SCOPE_NAME]);
    put_text_member(json, SLICE("\"version\":"), singles.bytes[SCOPE_VERSION]);
    put_uint_member(json, SLICE("\"droppedAttributesCount\":"), singles.dropped_attributes_count);
    json_put(json, SLICE("\"attributes\":["));
    put_owned(json, fields, SCOPE_LOGS_SCOPE, SCOPE_ATTRIBUTES, put_attribute);
    json_put(json, SLICE("]}"));
}

/* --- The record ------------------------------------------------------------------------------ */

static void put_record(struct json_put *json, struct slice record, struct slice extra_attributes)
{
    struct record_view view;
    if (!json_good(json) || !json_note(json, otlp_read_record_head(record, &view, json->err)))
        return;
    json_put(json, SLICE("{"));
    put_time_member(json, SLICE("\"timeUnixNano\":\""), view.time_unix_nano);
    put_time_member(json, SLICE("\"observedTimeUnixNano\":\""), view.observed_time_unix_nano);
    if (view.severity_number != 0) {
        json_put(json, SLICE("\"severityNumber\":"));
        json_put_int(json, (int32_t)view.severity_number);
        json_put(json, SLICE(","));
    }
    put_text_member(json, SLICE("\"severityText\":"), view.severity_text);
    put_text_member(json, SLICE("\"eventName\":"), view.event_name);
    if (view.body.encoded.data != NULL) {
        json_put(json, SLICE("\"body\":"));
        put_any(json, &view.body, OTLP_DEPTH_MAX);
        json_put(json, SLICE(","));
    }
    put_uint_member(json, SLICE("\"droppedAttributesCount\":"), view.dropped_attributes_count);
    put_uint_member(json, SLICE("\"flags\":"), view.flags);
    put_id_member(json, SLICE("\"traceId\":"), view.trace_id);
    put_id_member(json, SLICE("\"spanId\":"), view.span_id);
    json_put(json, SLICE("\"attributes\":["));
    size_t count = put_elements(json, record, RECORD_ATTRIBUTES, 0, put_attribute, OTLP_DEPTH_MAX);
    put_elements(json, extra_attributes, RECORD_ATTRIBUTES, count, put_attribute, OTLP_DEPTH_MAX);
    json_put(json, SLICE("]}"));
}

/* --- Requests ------------------------------------------------------------------------------ */

static void put_group_start(struct json_put *json, const struct record_group *group)
{
    if (group->signal != SIGNAL_LOGS) {
        json_signal_put_group_start(json, group);
        return;
    }
    json_put(json, SLICE("{\"resource\":"));
    put_resource(json, group->resource_logs_fields);
    json_put(json, SLICE(","));
    put_text_member(json, SLICE("\"schemaUrl\":"),
                    last_bytes(json, group->resource_logs_fields, RESOURCE_LOGS_SCHEMA_URL));
    json_put(json, SLICE("\"scopeLogs\":[{\"scope\":"));
    put_scope(json, group->scope_logs_fields);
    json_put(json, SLICE(","));
    put_text_member(json, SLICE("\"schemaUrl\":"),
                    last_bytes(json, group->scope_logs_fields, SCOPE_LOGS_SCHEMA_URL));
    json_put(json, SLICE("\"logRecords\":["));
}

static void put_any_record(struct json_put *json, enum signal signal, struct slice record,
                           struct slice extra_attributes)
{
    if (signal != SIGNAL_LOGS)
        json_signal_put_record(json, signal, record, extra_attributes);
    else
        put_record(json, record, extra_attributes);
}

static void put_request_start(struct json_put *json, enum signal signal)
{
    static const struct slice starts[SIGNAL_COUNT] = {
        [SIGNAL_LOGS] = SLICE("{\"resourceLogs\":["),
        [SIGNAL_TRACES] = SLICE("{\"resourceSpans\":["),
        [SIGNAL_METRICS] = SLICE("{\"resourceMetrics\":["),
    };
    json_put(json, starts[signal]);
}

enum status encode_otlp_json_line(const struct record_group *group, struct slice record,
                                  struct slice extra_attributes, struct buf *out, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    put_request_start(&json, group->signal);
    put_group_start(&json, group);
    put_any_record(&json, group->signal, record, extra_attributes);
    json_put(&json, SLICE("]}]}]}\n"));
    return json_finish(&json);
}

static void put_group(struct json_put *json, const struct request_plan *plan,
                      const struct batch *batch, uint32_t index)
{
    const struct record_group *group = &batch->groups[index];
    uint32_t i = plan->groups[index].first_record;

    put_group_start(json, group);
    for (; i != NO_RECORD && json_good(json); i = plan->next_record[i]) {
        if (i != plan->groups[index].first_record)
            json_put(json, SLICE(","));
        put_any_record(json, group->signal, batch->records[i].bytes, SLICE_EMPTY);
    }
    json_put(json, SLICE("]}]}"));
}

enum status encode_otlp_json_request(const struct batch *batch, struct buf *out, struct error *err)
{
    struct request_plan plan;
    struct json_put json;

    if (batch->record_count == 0)
        return buf_append(out, "{}", 2, err);
    enum status st = request_plan_init(&plan, batch, err);
    if (st != ST_OK)
        return st;
    json_start(&json, out, err);
    put_request_start(&json, batch_signal(batch));
    for (size_t i = 0; i < plan.order_count && json_good(&json); i++) {
        if (i > 0)
            json_put(&json, SLICE(","));
        put_group(&json, &plan, batch, plan.order[i]);
    }
    json_put(&json, SLICE("]}"));
    st = json_finish(&json);
    request_plan_fini(&plan);
    return st;
}
