/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_oracle.c -- see otlp_json_oracle.h.  Everything is allocated with malloc, as protobuf-c
 * frees it. */
#include "support/otlp_json_oracle.h"

#include <stdlib.h>

#define ANY_CASE(name) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##name

static void *make(const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = malloc(descriptor->sizeof_message);
    ASSERT(message != NULL);
    protobuf_c_message_init(descriptor, message);
    return message;
}

/* NULL when absent or null. */
static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(item) ? NULL : item;
}

static void set_text(const cJSON *object, const char *name, char **ret)
{
    const cJSON *item = member(object, name);
    if (item == NULL)
        return;
    ASSERT(cJSON_IsString(item));
    *ret = strdup(item->valuestring);
}

/* Unsigned ones too: the bits are the same. */
static int64_t integer(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);
    if (cJSON_IsString(item)) {
        const char *text = item->valuestring;
        return text[0] == '-' ? strtoll(text, NULL, 10) : (int64_t)strtoull(text, NULL, 10);
    }
    return item != NULL ? (int64_t)item->valuedouble : 0;
}

static void set_id(const cJSON *object, const char *name, ProtobufCBinaryData *ret)
{
    const cJSON *item = member(object, name);
    if (item == NULL || item->valuestring[0] == 0)
        return;
    ret->len = strlen(item->valuestring) / 2;
    ret->data = malloc(ret->len);
    for (size_t i = 0; i < ret->len; i++) {
        char digits[3] = {item->valuestring[2 * i], item->valuestring[2 * i + 1], 0};
        ret->data[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

/* The elements of a list, each made by `read`. */
static size_t read_all(const cJSON *object, const char *name, void *(*read)(const cJSON *),
                       void *ret_messages)
{
    const cJSON *list = member(object, name);
    size_t count = list != NULL ? (size_t)cJSON_GetArraySize(list) : 0;
    if (count == 0)
        return 0;
    void **messages = calloc(count, sizeof(*messages));
    ASSERT(messages != NULL);
    const cJSON *item;
    size_t index = 0;
    cJSON_ArrayForEach(item, list) messages[index++] = read(item);
    memcpy(ret_messages, &messages, sizeof(messages));
    return count;
}

static void *read_attribute(const cJSON *json);

static void *read_any(const cJSON *json)
{
    oracle_any *any = make(&opentelemetry__proto__common__v1__any_value__descriptor);
    if (member(json, "stringValue") != NULL) {
        any->value_case = ANY_CASE(STRING_VALUE);
        set_text(json, "stringValue", &any->string_value);
    } else if (member(json, "boolValue") != NULL) {
        any->value_case = ANY_CASE(BOOL_VALUE);
        any->bool_value = cJSON_IsTrue(member(json, "boolValue"));
    } else if (member(json, "intValue") != NULL) {
        any->value_case = ANY_CASE(INT_VALUE);
        any->int_value = integer(json, "intValue");
    } else if (member(json, "doubleValue") != NULL) {
        any->value_case = ANY_CASE(DOUBLE_VALUE);
        any->double_value = member(json, "doubleValue")->valuedouble;
    } else if (member(json, "arrayValue") != NULL) {
        any->value_case = ANY_CASE(ARRAY_VALUE);
        any->array_value = make(&opentelemetry__proto__common__v1__array_value__descriptor);
        any->array_value->n_values =
            read_all(member(json, "arrayValue"), "values", read_any, &any->array_value->values);
    } else if (member(json, "kvlistValue") != NULL) {
        any->value_case = ANY_CASE(KVLIST_VALUE);
        any->kvlist_value = make(&opentelemetry__proto__common__v1__key_value_list__descriptor);
        any->kvlist_value->n_values = read_all(member(json, "kvlistValue"), "values",
                                               read_attribute, &any->kvlist_value->values);
    }
    return any;
}

static void *read_attribute(const cJSON *json)
{
    oracle_attribute *attribute = make(&opentelemetry__proto__common__v1__key_value__descriptor);
    set_text(json, "key", &attribute->key);
    if (member(json, "value") != NULL)
        attribute->value = read_any(member(json, "value"));
    return attribute;
}

static void *read_record(const cJSON *json)
{
    oracle_record *record = make(&opentelemetry__proto__logs__v1__log_record__descriptor);
    record->time_unix_nano = (uint64_t)integer(json, "timeUnixNano");
    record->observed_time_unix_nano = (uint64_t)integer(json, "observedTimeUnixNano");
    record->severity_number =
        (Opentelemetry__Proto__Logs__V1__SeverityNumber)integer(json, "severityNumber");
    set_text(json, "severityText", &record->severity_text);
    if (member(json, "body") != NULL)
        record->body = read_any(member(json, "body"));
    record->n_attributes = read_all(json, "attributes", read_attribute, &record->attributes);
    record->dropped_attributes_count = (uint32_t)integer(json, "droppedAttributesCount");
    record->flags = (uint32_t)integer(json, "flags");
    set_id(json, "traceId", &record->trace_id);
    set_id(json, "spanId", &record->span_id);
    set_text(json, "eventName", &record->event_name);
    return record;
}

static Opentelemetry__Proto__Common__V1__InstrumentationScope *read_scope(const cJSON *json)
{
    Opentelemetry__Proto__Common__V1__InstrumentationScope *scope =
        make(&opentelemetry__proto__common__v1__instrumentation_scope__descriptor);
    set_text(json, "name", &scope->name);
    set_text(json, "version", &scope->version);
    scope->n_attributes = read_all(json, "attributes", read_attribute, &scope->attributes);
    scope->dropped_attributes_count = (uint32_t)integer(json, "droppedAttributesCount");
    return scope;
}

static void *read_scope_logs(const cJSON *json)
{
    oracle_scope_logs *logs = make(&opentelemetry__proto__logs__v1__scope_logs__descriptor);
    if (member(json, "scope") != NULL)
        logs->scope = read_scope(member(json, "scope"));
    logs->n_log_records = read_all(json, "logRecords", read_record, &logs->log_records);
    set_text(json, "schemaUrl", &logs->schema_url);
    return logs;
}

static Opentelemetry__Proto__Resource__V1__Resource *read_resource(const cJSON *json)
{
    Opentelemetry__Proto__Resource__V1__Resource *resource =
        make(&opentelemetry__proto__resource__v1__resource__descriptor);
    resource->n_attributes = read_all(json, "attributes", read_attribute, &resource->attributes);
    resource->dropped_attributes_count = (uint32_t)integer(json, "droppedAttributesCount");
    return resource;
}

static void *read_resource_logs(const cJSON *json)
{
    oracle_resource_logs *logs = make(&opentelemetry__proto__logs__v1__resource_logs__descriptor);
    if (member(json, "resource") != NULL)
        logs->resource = read_resource(member(json, "resource"));
    logs->n_scope_logs = read_all(json, "scopeLogs", read_scope_logs, &logs->scope_logs);
    set_text(json, "schemaUrl", &logs->schema_url);
    return logs;
}

oracle_request *oracle_request_of_json(struct slice json)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)json.data, json.size);
    ASSERT(tree != NULL);
    oracle_request *request =
        make(&opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor);
    request->n_resource_logs =
        read_all(tree, "resourceLogs", read_resource_logs, &request->resource_logs);
    cJSON_Delete(tree);
    return request;
}
