/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_oracle.c -- see otlp_oracle.h. */
#include "support/otlp_oracle.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ANY_CASE(name) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##name

oracle_request *oracle_read_request(struct slice bytes)
{
    return (oracle_request *)protobuf_c_message_unpack(
        &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor, NULL,
        bytes.size, bytes.data);
}

oracle_record *oracle_read_record(struct slice bytes)
{
    return (oracle_record *)protobuf_c_message_unpack(
        &opentelemetry__proto__logs__v1__log_record__descriptor, NULL, bytes.size, bytes.data);
}

void oracle_free(void *message)
{
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, NULL);
}

/* --- Our views ------------------------------------------------------------------------------- */

static bool same_text(struct slice ours, const char *theirs)
{
    size_t size = ours.size > 0 ? strnlen((const char *)ours.data, ours.size) : 0;
    return slice_equal(slice_of(ours.data, size), slice_of_text(theirs));
}

static bool same_bytes(struct slice ours, ProtobufCBinaryData theirs)
{
    return slice_equal(ours, slice_of(theirs.data, theirs.len));
}

static bool same_double(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static bool same_any(const struct any_view *ours, const oracle_any *theirs);

static bool same_attribute(const struct attribute_view *ours, const oracle_attribute *theirs)
{
    return same_text(ours->key, theirs->key) && same_any(&ours->value, theirs->value);
}

static bool same_array(struct slice array,
                       const Opentelemetry__Proto__Common__V1__ArrayValue *their)
{
    struct pb_walk walk = pb_walk_start(array);
    struct pb_field field;
    struct any_view any;
    struct error err;
    size_t count = 0;
    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != 1)
            continue;
        if (count >= their->n_values || otlp_read_any(field.bytes, &any, &err) != ST_OK ||
            !same_any(&any, their->values[count]))
            return false;
        count++;
    }
    return count == their->n_values;
}

static bool same_list(struct slice list,
                      const Opentelemetry__Proto__Common__V1__KeyValueList *their)
{
    struct pb_walk walk = pb_walk_start(list);
    struct pb_field field;
    struct attribute_view member;
    struct error err;
    size_t count = 0;
    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != 1)
            continue;
        if (count >= their->n_values || otlp_read_attribute(field.bytes, &member, &err) != ST_OK ||
            !same_attribute(&member, their->values[count]))
            return false;
        count++;
    }
    return count == their->n_values;
}

static bool same_any(const struct any_view *ours, const oracle_any *theirs)
{
    if (theirs == NULL)
        return ours->type == ANY_TYPE_NONE;
    switch (theirs->value_case) {
    case ANY_CASE(STRING_VALUE):
        return ours->type == ANY_TYPE_STRING && same_text(ours->bytes, theirs->string_value);
    case ANY_CASE(BOOL_VALUE):
        return ours->type == ANY_TYPE_BOOL && (ours->integer != 0) == (theirs->bool_value != 0);
    case ANY_CASE(INT_VALUE):
        return ours->type == ANY_TYPE_INT && ours->integer == theirs->int_value;
    case ANY_CASE(DOUBLE_VALUE):
        return ours->type == ANY_TYPE_DOUBLE && same_double(ours->number, theirs->double_value);
    case ANY_CASE(ARRAY_VALUE):
        return ours->type == ANY_TYPE_ARRAY && same_array(ours->bytes, theirs->array_value);
    case ANY_CASE(KVLIST_VALUE):
        return ours->type == ANY_TYPE_KVLIST && same_list(ours->bytes, theirs->kvlist_value);
    case ANY_CASE(BYTES_VALUE):
        return ours->type == ANY_TYPE_BYTES && same_bytes(ours->bytes, theirs->bytes_value);
    default: /* unset, or string_value_strindex, which means nothing in logs */
        return ours->type == ANY_TYPE_NONE;
    }
}

bool oracle_same_record(const struct record_view *ours, const oracle_record *theirs)
{
    bool same = ours->time_unix_nano == theirs->time_unix_nano &&
                ours->observed_time_unix_nano == theirs->observed_time_unix_nano &&
                ours->severity_number == (uint32_t)theirs->severity_number &&
                ours->flags == theirs->flags &&
                ours->dropped_attributes_count == theirs->dropped_attributes_count &&
                same_text(ours->severity_text, theirs->severity_text) &&
                same_text(ours->event_name, theirs->event_name) &&
                same_bytes(ours->trace_id, theirs->trace_id) &&
                same_bytes(ours->span_id, theirs->span_id) && same_any(&ours->body, theirs->body) &&
                ours->attribute_count == theirs->n_attributes;
    for (size_t i = 0; same && i < theirs->n_attributes; i++)
        same = same_attribute(&ours->attributes[i], theirs->attributes[i]);
    return same;
}

/* --- JSON ----------------------------------------------------------------------------------------
 */

/* A text member; absent is the same as empty. */
static bool same_json_text(const cJSON *object, const char *name, const char *text)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    if (member == NULL)
        return text[0] == '\0';
    return cJSON_IsString(member) && strcmp(member->valuestring, text) == 0;
}

static bool same_json_uint(const cJSON *object, const char *name, double value)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return member == NULL ? value == 0 : cJSON_IsNumber(member) && member->valuedouble == value;
}

static bool same_json_time(const cJSON *object, const char *name, uint64_t value)
{
    char text[24] = "";
    if (value != 0)
        (void)snprintf(text, sizeof(text), "%" PRIu64, value); /* fits */
    return same_json_text(object, name, text);
}

static bool same_json_hex(const cJSON *object, const char *name, ProtobufCBinaryData bytes)
{
    char *text = calloc(bytes.len + 1, 2);
    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes.data[i]); /* fits */
    bool same = same_json_text(object, name, text);
    free(text);
    return same;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, c);
    return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

static bool same_base64(const char *text, ProtobufCBinaryData bytes)
{
    size_t size = 0;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t digits = 0;
    for (; base64_digit(text[digits]) >= 0; digits++) {
        bits = bits << 6 | (uint32_t)base64_digit(text[digits]);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            if (size >= bytes.len || bytes.data[size] != (uint8_t)(bits >> bit_count))
                return false;
            size++;
        }
    }
    size_t padding = strlen(text + digits);
    bool padded = (digits + padding) % 4 == 0 && strspn(text + digits, "=") == padding;
    return size == bytes.len && padded && padding < 3;
}

static bool same_json_attributes(const cJSON *array, size_t count, oracle_attribute **attributes);

static bool same_json_double(const cJSON *member, double value)
{
    if (isnan(value))
        return cJSON_IsString(member) && strcmp(member->valuestring, "NaN") == 0;
    if (isinf(value))
        return cJSON_IsString(member) &&
               strcmp(member->valuestring, value > 0 ? "Infinity" : "-Infinity") == 0;
    return cJSON_IsNumber(member) && same_double(member->valuedouble, value);
}

static bool same_json_any(const cJSON *object, const oracle_any *any);

static bool same_json_values(const cJSON *array,
                             const Opentelemetry__Proto__Common__V1__ArrayValue *values)
{
    bool same = cJSON_IsArray(array) && (size_t)cJSON_GetArraySize(array) == values->n_values;
    const cJSON *element = same ? array->child : NULL;
    for (size_t i = 0; same && i < values->n_values; i++, element = element->next)
        same = same_json_any(element, values->values[i]);
    return same;
}

static bool same_json_any(const cJSON *object, const oracle_any *any)
{
    static const char *const names[] = {
        [ANY_CASE(STRING_VALUE)] = "stringValue", [ANY_CASE(BOOL_VALUE)] = "boolValue",
        [ANY_CASE(INT_VALUE)] = "intValue",       [ANY_CASE(DOUBLE_VALUE)] = "doubleValue",
        [ANY_CASE(ARRAY_VALUE)] = "arrayValue",   [ANY_CASE(KVLIST_VALUE)] = "kvlistValue",
        [ANY_CASE(BYTES_VALUE)] = "bytesValue",   [ANY_CASE(STRING_VALUE_STRINDEX)] = NULL,
    };
    const char *name = any == NULL ? NULL : names[any->value_case];
    if (name == NULL)
        return cJSON_IsObject(object) && object->child == NULL;
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    if (member == NULL || cJSON_GetArraySize(object) != 1)
        return false;
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(member, "values");
    char text[24];
    switch (any->value_case) {
    case ANY_CASE(STRING_VALUE):
        return cJSON_IsString(member) && strcmp(member->valuestring, any->string_value) == 0;
    case ANY_CASE(BOOL_VALUE):
        return cJSON_IsBool(member) && cJSON_IsTrue(member) == (any->bool_value != 0);
    case ANY_CASE(INT_VALUE):
        (void)snprintf(text, sizeof(text), "%" PRId64, any->int_value); /* fits */
        return cJSON_IsString(member) && strcmp(member->valuestring, text) == 0;
    case ANY_CASE(DOUBLE_VALUE):
        return same_json_double(member, any->double_value);
    case ANY_CASE(ARRAY_VALUE):
        return same_json_values(values, any->array_value);
    case ANY_CASE(KVLIST_VALUE):
        return same_json_attributes(values, any->kvlist_value->n_values, any->kvlist_value->values);
    case ANY_CASE(BYTES_VALUE):
        return cJSON_IsString(member) && same_base64(member->valuestring, any->bytes_value);
    default:
        return false;
    }
}

static bool same_json_attributes(const cJSON *array, size_t count, oracle_attribute **attributes)
{
    bool same = cJSON_IsArray(array) && (size_t)cJSON_GetArraySize(array) == count;
    const cJSON *element = same ? array->child : NULL;
    for (size_t i = 0; same && i < count; i++, element = element->next) {
        same =
            same_json_text(element, "key", attributes[i]->key) &&
            same_json_any(cJSON_GetObjectItemCaseSensitive(element, "value"), attributes[i]->value);
    }
    return same;
}

static const cJSON *member_of(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool same_json_texts(const cJSON *array, size_t count, char **texts)
{
    bool same = cJSON_IsArray(array) && (size_t)cJSON_GetArraySize(array) == count;
    const cJSON *element = same ? array->child : NULL;
    for (size_t i = 0; same && i < count; i++, element = element->next)
        same = cJSON_IsString(element) && strcmp(element->valuestring, texts[i]) == 0;
    return same;
}

static bool same_json_resource(const cJSON *json,
                               const Opentelemetry__Proto__Resource__V1__Resource *resource)
{
    if (resource == NULL)
        return cJSON_GetArraySize(member_of(json, "attributes")) == 0;
    const cJSON *entity = member_of(json, "entityRefs");
    bool same =
        same_json_attributes(member_of(json, "attributes"), resource->n_attributes,
                             resource->attributes) &&
        same_json_uint(json, "droppedAttributesCount", resource->dropped_attributes_count) &&
        (size_t)cJSON_GetArraySize(entity) == resource->n_entity_refs;
    entity = entity != NULL ? entity->child : NULL;
    for (size_t i = 0; same && i < resource->n_entity_refs; i++, entity = entity->next) {
        const Opentelemetry__Proto__Common__V1__EntityRef *ref = resource->entity_refs[i];
        same = same_json_text(entity, "schemaUrl", ref->schema_url) &&
               same_json_text(entity, "type", ref->type) &&
               same_json_texts(member_of(entity, "idKeys"), ref->n_id_keys, ref->id_keys) &&
               same_json_texts(member_of(entity, "descriptionKeys"), ref->n_description_keys,
                               ref->description_keys);
    }
    return same;
}

static bool same_json_scope(const cJSON *json,
                            const Opentelemetry__Proto__Common__V1__InstrumentationScope *scope)
{
    if (scope == NULL)
        return cJSON_GetArraySize(member_of(json, "attributes")) == 0;
    return same_json_text(json, "name", scope->name) &&
           same_json_text(json, "version", scope->version) &&
           same_json_uint(json, "droppedAttributesCount", scope->dropped_attributes_count) &&
           same_json_attributes(member_of(json, "attributes"), scope->n_attributes,
                                scope->attributes);
}

static bool same_json_record(const cJSON *json, const oracle_record *record)
{
    const cJSON *body = member_of(json, "body");
    return same_json_time(json, "timeUnixNano", record->time_unix_nano) &&
           same_json_time(json, "observedTimeUnixNano", record->observed_time_unix_nano) &&
           same_json_uint(json, "severityNumber", (int32_t)record->severity_number) &&
           same_json_text(json, "severityText", record->severity_text) &&
           same_json_text(json, "eventName", record->event_name) &&
           same_json_uint(json, "droppedAttributesCount", record->dropped_attributes_count) &&
           same_json_uint(json, "flags", record->flags) &&
           same_json_hex(json, "traceId", record->trace_id) &&
           same_json_hex(json, "spanId", record->span_id) &&
           (body != NULL) == (record->body != NULL) &&
           (body == NULL || same_json_any(body, record->body)) &&
           same_json_attributes(member_of(json, "attributes"), record->n_attributes,
                                record->attributes);
}

/* The only element of the array `name`; NULL: there is not exactly one. */
static const cJSON *only_element(const cJSON *object, const char *name)
{
    const cJSON *array = member_of(object, name);
    return cJSON_IsArray(array) && cJSON_GetArraySize(array) == 1 ? array->child : NULL;
}

bool oracle_same_json(const cJSON *line, const oracle_resource_logs *resource_logs,
                      const oracle_scope_logs *scope_logs, const oracle_record *record)
{
    const cJSON *outer = only_element(line, "resourceLogs");
    const cJSON *inner = only_element(outer, "scopeLogs");
    const cJSON *json = only_element(inner, "logRecords");
    return json != NULL && same_json_text(outer, "schemaUrl", resource_logs->schema_url) &&
           same_json_resource(member_of(outer, "resource"), resource_logs->resource) &&
           same_json_text(inner, "schemaUrl", scope_logs->schema_url) &&
           same_json_scope(member_of(inner, "scope"), scope_logs->scope) &&
           same_json_record(json, record);
}

/* --- A request as flat bytes ---------------------------------------------------------------------
 */

static void append_packed(struct buf *out, const void *message)
{
    struct error err;
    size_t size = message != NULL ? protobuf_c_message_get_packed_size(message) : 0;
    ASSERT(buf_reserve(out, size + 1, &err) == ST_OK);
    out->data[out->size++] = message != NULL;
    if (message != NULL)
        out->size += protobuf_c_message_pack(message, out->data + out->size);
}

/* Packs a message without its children: `count` of them are hidden for the moment. */
static void append_packed_without(struct buf *out, void *message, size_t *count)
{
    size_t hidden = *count;
    *count = 0;
    append_packed(out, message);
    *count = hidden;
}

void oracle_flatten(const oracle_request *request, struct buf *out)
{
    for (size_t i = 0; i < request->n_resource_logs; i++) {
        oracle_resource_logs *resource_logs = request->resource_logs[i];
        for (size_t j = 0; j < resource_logs->n_scope_logs; j++) {
            oracle_scope_logs *scope_logs = resource_logs->scope_logs[j];
            if (scope_logs->n_log_records == 0)
                continue;
            append_packed_without(out, resource_logs, &resource_logs->n_scope_logs);
            append_packed_without(out, scope_logs, &scope_logs->n_log_records);
            for (size_t k = 0; k < scope_logs->n_log_records; k++)
                append_packed(out, scope_logs->log_records[k]);
        }
    }
}
