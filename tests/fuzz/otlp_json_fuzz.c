/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_fuzz.c -- any bytes as a log request in OTLP JSON.  What is accepted must be a request
 * to our own reader and to protobuf-c, with records that can be read, and must say what cJSON
 * reads; what is refused must leave the output alone and give a reason.
 */
#include "support/collected.h"
#include "support/otlp_oracle.h"
#include "wire/otlp_json.h"

enum {
    INPUT_MAX = 1 << 16,
    OUT_MAX = 1 << 26,
    ATTRIBUTES_MAX = INPUT_MAX / 3, /* "{}," is one */
};

#define ANY_CASE(name) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##name

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No less than how deep the text nests. */
static size_t depth_of(struct slice text)
{
    size_t depth = 0;
    size_t deepest = 0;
    for (size_t i = 0; i < text.size; i++) {
        bool opens = text.data[i] == '[' || text.data[i] == '{';
        bool closes = text.data[i] == ']' || text.data[i] == '}';
        depth = depth + opens - (closes && depth > 0);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

/* A record may be refused for its nesting; other limits are the business of others. */
static void check_record(struct slice record, struct slice text)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    static const struct otlp_limits wide = {
        .record_size_max = OUT_MAX,
        .attribute_count_max = ATTRIBUTES_MAX,
        .key_size_max = OUT_MAX,
        .depth_max = OTLP_DEPTH_MAX,
    };
    struct record_view view;
    struct error err;
    enum status st = otlp_read_record(record, &wide, attributes, ATTRIBUTES_MAX, &view, &err);
    ASSERT(st == ST_OK || (st == ST_LIMIT && depth_of(text) > 2 * (size_t)OTLP_DEPTH_MAX));
}

/* --- What cJSON reads --------------------------------------------------------------------------
 */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void compare_text(const cJSON *json, const char *text)
{
    ASSERT(strcmp(cJSON_IsString(json) ? json->valuestring : "", text) == 0);
}

static void compare_attributes(const cJSON *list, size_t count, oracle_attribute **attributes);

/* Texts and the shape; numbers are compared by the tests of the reader. */
static void compare_any(const cJSON *json, const oracle_any *any)
{
    const cJSON *values = member(member(json, "arrayValue"), "values");
    const cJSON *members = member(member(json, "kvlistValue"), "values");
    const cJSON *text = member(json, "stringValue");
    if (cJSON_IsString(text)) {
        ASSERT(any->value_case == ANY_CASE(STRING_VALUE));
        compare_text(text, any->string_value);
    } else if (cJSON_IsArray(values)) {
        const cJSON *element = values->child;
        ASSERT(any->value_case == ANY_CASE(ARRAY_VALUE));
        ASSERT((size_t)cJSON_GetArraySize(values) == any->array_value->n_values);
        for (size_t i = 0; element != NULL; element = element->next)
            compare_any(element, any->array_value->values[i++]);
    } else if (cJSON_IsArray(members)) {
        ASSERT(any->value_case == ANY_CASE(KVLIST_VALUE));
        compare_attributes(members, any->kvlist_value->n_values, any->kvlist_value->values);
    }
}

static void compare_attributes(const cJSON *list, size_t count, oracle_attribute **attributes)
{
    ASSERT((size_t)cJSON_GetArraySize(list) == count);
    const cJSON *element = list != NULL ? list->child : NULL;
    for (size_t i = 0; element != NULL; element = element->next, i++) {
        compare_text(member(element, "key"), attributes[i]->key);
        compare_any(member(element, "value"), attributes[i]->value);
    }
}

static void compare_records(const cJSON *list, const oracle_scope_logs *scope_logs)
{
    ASSERT((size_t)cJSON_GetArraySize(list) == scope_logs->n_log_records);
    const cJSON *element = list != NULL ? list->child : NULL;
    for (size_t i = 0; element != NULL; element = element->next, i++) {
        const oracle_record *record = scope_logs->log_records[i];
        compare_text(member(element, "severityText"), record->severity_text);
        compare_text(member(element, "eventName"), record->event_name);
        compare_any(member(element, "body"), record->body);
        compare_attributes(member(element, "attributes"), record->n_attributes, record->attributes);
    }
}

static void compare_scopes(const cJSON *list, const oracle_resource_logs *resource_logs)
{
    ASSERT((size_t)cJSON_GetArraySize(list) == resource_logs->n_scope_logs);
    const cJSON *element = list != NULL ? list->child : NULL;
    for (size_t i = 0; element != NULL; element = element->next, i++) {
        compare_text(member(element, "schemaUrl"), resource_logs->scope_logs[i]->schema_url);
        compare_records(member(element, "logRecords"), resource_logs->scope_logs[i]);
    }
}

/* cJSON refuses some texts that we take: what nests deeper than it likes. */
static void compare_with_cjson(struct slice text, const oracle_request *request)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)text.data, text.size);
    const cJSON *list = member(tree, "resourceLogs");
    const cJSON *element = list != NULL ? list->child : NULL;
    ASSERT(tree == NULL || (size_t)cJSON_GetArraySize(list) == request->n_resource_logs);
    for (size_t i = 0; element != NULL; element = element->next, i++) {
        const oracle_resource_logs *resource_logs = request->resource_logs[i];
        const cJSON *resource = member(element, "resource");
        if (cJSON_IsObject(resource))
            compare_attributes(member(resource, "attributes"),
                               resource_logs->resource->n_attributes,
                               resource_logs->resource->attributes);
        compare_scopes(member(element, "scopeLogs"), resource_logs);
    }
    cJSON_Delete(tree);
}

static void check_request(struct slice request, struct slice text)
{
    struct collected collected;
    struct error err;

    ASSERT(collected_read(&collected, request, &err) == ST_OK);
    for (size_t i = 0; i < collected.record_count; i++)
        check_record(collected.records[i].bytes, text);
    collected_fini(&collected);
    oracle_request *oracle = oracle_read_request(request);
    ASSERT(oracle != NULL);
    if (depth_of(text) <= OTLP_DEPTH_MAX) /* what nests deeper may be cut off */
        compare_with_cjson(text, oracle);
    oracle_free(oracle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    struct buf out;

    if (size > INPUT_MAX)
        return -1;
    buf_init(&out, OUT_MAX);
    ASSERT(buf_append(&out, "before", 6, &err) == ST_OK);
    err.text[0] = 0;
    enum status st =
        otlp_json_read_request(slice_of(data, size), SIGNAL_LOGS, &otlp_limits_default, &out, &err);
    if (st == ST_OK) {
        /* Nothing is written longer than it stood in the text. */
        ASSERT(out.size - 6 <= size);
        check_request(slice_from(buf_slice(&out), 6), slice_of(data, size));
    } else {
        ASSERT((st == ST_INVALID || st == ST_LIMIT) && err.text[0] != 0);
        ASSERT(out.size == 6);
    }
    buf_fini(&out);
    return 0;
}
