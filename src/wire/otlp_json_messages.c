/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_messages.c -- see otlp_json_messages.h.  The keys that are met most stand first.
 *
 * stringValueStrindex and keyStrindex are of profiles only, and are left to be ignored like unknown
 * keys.
 */
#include "wire/otlp_json_messages.h"

#include "telltale/base.h"
#include "wire/otlp.h"

/* clang-format off */
#define NAME(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
#define MESSAGE_OF(table) {.fields = (table), .field_count = COUNT_OF(table)}
/* clang-format on */

static const struct json_message any_value;

static const struct json_field array_fields[] = {
    {.name = NAME("values"),
     .number = 1,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &any_value},
};
static const struct json_message array_value = MESSAGE_OF(array_fields);

static const struct json_field list_fields[] = {
    {.name = NAME("values"),
     .number = 1,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &json_key_value},
};
static const struct json_message key_value_list = MESSAGE_OF(list_fields);

static const struct json_field any_fields[] = {
    {.name = NAME("stringValue"), .number = ANY_STRING, .kind = KIND_TEXT, .is_member = true},
    {.name = NAME("intValue"), .number = ANY_INT, .kind = KIND_INT64, .is_member = true},
    {.name = NAME("boolValue"), .number = ANY_BOOL, .kind = KIND_BOOL, .is_member = true},
    {.name = NAME("doubleValue"), .number = ANY_DOUBLE, .kind = KIND_DOUBLE, .is_member = true},
    {.name = NAME("arrayValue"),
     .number = ANY_ARRAY,
     .kind = KIND_MESSAGE,
     .message = &array_value},
    {.name = NAME("kvlistValue"),
     .number = ANY_KVLIST,
     .kind = KIND_MESSAGE,
     .message = &key_value_list},
    {.name = NAME("bytesValue"), .number = ANY_BYTES, .kind = KIND_BASE64, .is_member = true},
};
static const struct json_message any_value = {any_fields, COUNT_OF(any_fields), true};

static const struct json_field key_value_fields[] = {
    {.name = NAME("key"), .number = KEY_VALUE_KEY, .kind = KIND_TEXT},
    {.name = NAME("value"), .number = KEY_VALUE_VALUE, .kind = KIND_MESSAGE, .message = &any_value},
};
const struct json_message json_key_value = MESSAGE_OF(key_value_fields);

static const struct json_field record_fields[] = {
    {.name = NAME("timeUnixNano"), .number = RECORD_TIME_UNIX_NANO, .kind = KIND_FIXED64},
    {.name = NAME("observedTimeUnixNano"),
     .number = RECORD_OBSERVED_TIME_UNIX_NANO,
     .kind = KIND_FIXED64},
    {.name = NAME("severityNumber"), .number = RECORD_SEVERITY_NUMBER, .kind = KIND_ENUM},
    {.name = NAME("severityText"), .number = RECORD_SEVERITY_TEXT, .kind = KIND_TEXT},
    {.name = NAME("body"), .number = RECORD_BODY, .kind = KIND_MESSAGE, .message = &any_value},
    {.name = NAME("attributes"),
     .number = RECORD_ATTRIBUTES,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &json_key_value},
    {.name = NAME("droppedAttributesCount"),
     .number = RECORD_DROPPED_ATTRIBUTES_COUNT,
     .kind = KIND_UINT32},
    {.name = NAME("flags"), .number = RECORD_FLAGS, .kind = KIND_FIXED32},
    {.name = NAME("traceId"), .number = RECORD_TRACE_ID, .kind = KIND_ID, .id_size = TRACE_ID_SIZE},
    {.name = NAME("spanId"), .number = RECORD_SPAN_ID, .kind = KIND_ID, .id_size = SPAN_ID_SIZE},
    {.name = NAME("eventName"), .number = RECORD_EVENT_NAME, .kind = KIND_TEXT},
};
static const struct json_message log_record = MESSAGE_OF(record_fields);

static const struct json_field scope_fields[] = {
    {.name = NAME("name"), .number = SCOPE_NAME, .kind = KIND_TEXT},
    {.name = NAME("version"), .number = SCOPE_VERSION, .kind = KIND_TEXT},
    {.name = NAME("attributes"),
     .number = SCOPE_ATTRIBUTES,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &json_key_value},
    {.name = NAME("droppedAttributesCount"), .number = 4, .kind = KIND_UINT32},
};
const struct json_message json_scope = MESSAGE_OF(scope_fields);

static const struct json_field scope_logs_fields[] = {
    {.name = NAME("scope"),
     .number = SCOPE_LOGS_SCOPE,
     .kind = KIND_MESSAGE,
     .message = &json_scope},
    {.name = NAME("logRecords"),
     .number = SCOPE_LOGS_LOG_RECORDS,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &log_record},
    {.name = NAME("schemaUrl"), .number = SCOPE_LOGS_SCHEMA_URL, .kind = KIND_TEXT},
};
static const struct json_message scope_logs = MESSAGE_OF(scope_logs_fields);

static const struct json_field entity_fields[] = {
    {.name = NAME("schemaUrl"), .number = 1, .kind = KIND_TEXT},
    {.name = NAME("type"), .number = 2, .kind = KIND_TEXT},
    {.name = NAME("idKeys"), .number = 3, .kind = KIND_TEXT, .is_list = true},
    {.name = NAME("descriptionKeys"), .number = 4, .kind = KIND_TEXT, .is_list = true},
};
static const struct json_message entity_ref = MESSAGE_OF(entity_fields);

static const struct json_field resource_fields[] = {
    {.name = NAME("attributes"),
     .number = RESOURCE_ATTRIBUTES,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &json_key_value},
    {.name = NAME("droppedAttributesCount"), .number = 2, .kind = KIND_UINT32},
    {.name = NAME("entityRefs"),
     .number = 3,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &entity_ref},
};
const struct json_message json_resource = MESSAGE_OF(resource_fields);

static const struct json_field resource_logs_fields[] = {
    {.name = NAME("resource"),
     .number = RESOURCE_LOGS_RESOURCE,
     .kind = KIND_MESSAGE,
     .message = &json_resource},
    {.name = NAME("scopeLogs"),
     .number = RESOURCE_LOGS_SCOPE_LOGS,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &scope_logs},
    {.name = NAME("schemaUrl"), .number = RESOURCE_LOGS_SCHEMA_URL, .kind = KIND_TEXT},
};
static const struct json_message resource_logs = MESSAGE_OF(resource_logs_fields);

static const struct json_field request_fields[] = {
    {.name = NAME("resourceLogs"),
     .number = REQUEST_RESOURCE_LOGS,
     .kind = KIND_MESSAGE,
     .is_list = true,
     .message = &resource_logs},
};
static const struct json_message logs_request = MESSAGE_OF(request_fields);

const struct json_message *json_request_message(enum signal signal)
{
    return signal == SIGNAL_TRACES    ? &json_traces_request
           : signal == SIGNAL_METRICS ? &json_metrics_request
                                      : &logs_request;
}

const struct json_message *json_record_message(enum signal signal)
{
    return signal == SIGNAL_TRACES    ? &json_span
           : signal == SIGNAL_METRICS ? &json_metric
                                      : &log_record;
}
