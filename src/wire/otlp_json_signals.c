/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_signals.c -- the tables of otlp_json_messages.h for traces and metrics.  The deprecated
 * repeated fields of the first drafts (InstrumentationLibrarySpans, labels, IntGauge and the like)
 * are not there: like every field that we do not know, they pass in protobuf and are ignored in
 * JSON. */
#include "telltale/base.h"
#include "wire/otlp_json_messages.h"
#include "wire/otlp_metric.h"
#include "wire/otlp_span.h"

/* clang-format off */
#define NAME(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
#define MESSAGE_OF(table) {.fields = (table), .field_count = COUNT_OF(table)}

#define ONE(key, field_number, field_kind) {.name = NAME(key), .number = (field_number), .kind = (field_kind)}
#define CHOICE(key, field_number, field_kind) {.name = NAME(key), .number = (field_number), .kind = (field_kind), .is_member = true}
#define LIST(key, field_number, field_kind) {.name = NAME(key), .number = (field_number), .kind = (field_kind), .is_list = true}
#define ID(key, field_number, size) {.name = NAME(key), .number = (field_number), .kind = KIND_ID, .id_size = (size)}
#define INNER(key, field_number, table) {.name = NAME(key), .number = (field_number), .kind = KIND_MESSAGE, .message = &(table)}
#define INNERS(key, field_number, table) {.name = NAME(key), .number = (field_number), .kind = KIND_MESSAGE, .is_list = true, .message = &(table)}

/* --- Traces --- */

static const struct json_field span_event_fields[] = {
    ONE("timeUnixNano", SPAN_EVENT_TIME_UNIX_NANO, KIND_FIXED64),
    ONE("name", SPAN_EVENT_NAME, KIND_TEXT),
    INNERS("attributes", SPAN_EVENT_ATTRIBUTES, json_key_value),
    ONE("droppedAttributesCount", SPAN_EVENT_DROPPED_ATTRIBUTES_COUNT, KIND_UINT32),
};
static const struct json_message span_event = MESSAGE_OF(span_event_fields);

static const struct json_field span_link_fields[] = {
    ID("traceId", SPAN_LINK_TRACE_ID, TRACE_ID_SIZE),
    ID("spanId", SPAN_LINK_SPAN_ID, SPAN_ID_SIZE),
    ONE("traceState", SPAN_LINK_TRACE_STATE, KIND_TEXT),
    INNERS("attributes", SPAN_LINK_ATTRIBUTES, json_key_value),
    ONE("droppedAttributesCount", SPAN_LINK_DROPPED_ATTRIBUTES_COUNT, KIND_UINT32),
    ONE("flags", SPAN_LINK_FLAGS, KIND_FIXED32),
};
static const struct json_message span_link = MESSAGE_OF(span_link_fields);

static const struct json_field span_status_fields[] = {
    ONE("message", SPAN_STATUS_MESSAGE, KIND_TEXT),
    ONE("code", SPAN_STATUS_CODE, KIND_ENUM),
};
static const struct json_message span_status = MESSAGE_OF(span_status_fields);

static const struct json_field span_fields[] = {
    ID("traceId", SPAN_TRACE_ID, TRACE_ID_SIZE),
    ID("spanId", SPAN_SPAN_ID, SPAN_ID_SIZE),
    ONE("traceState", SPAN_TRACE_STATE, KIND_TEXT),
    ID("parentSpanId", SPAN_PARENT_SPAN_ID, SPAN_ID_SIZE),
    ONE("flags", SPAN_FLAGS, KIND_FIXED32),
    ONE("name", SPAN_NAME, KIND_TEXT),
    ONE("kind", SPAN_KIND, KIND_ENUM),
    ONE("startTimeUnixNano", SPAN_START_TIME_UNIX_NANO, KIND_FIXED64),
    ONE("endTimeUnixNano", SPAN_END_TIME_UNIX_NANO, KIND_FIXED64),
    INNERS("attributes", SPAN_ATTRIBUTES, json_key_value),
    ONE("droppedAttributesCount", SPAN_DROPPED_ATTRIBUTES_COUNT, KIND_UINT32),
    INNERS("events", SPAN_EVENTS, span_event),
    ONE("droppedEventsCount", SPAN_DROPPED_EVENTS_COUNT, KIND_UINT32),
    INNERS("links", SPAN_LINKS, span_link),
    ONE("droppedLinksCount", SPAN_DROPPED_LINKS_COUNT, KIND_UINT32),
    INNER("status", SPAN_STATUS, span_status),
};
const struct json_message json_span = MESSAGE_OF(span_fields);

static const struct json_field scope_spans_fields[] = {
    INNER("scope", SCOPE_LOGS_SCOPE, json_scope),
    INNERS("spans", SCOPE_LOGS_LOG_RECORDS, json_span),
    ONE("schemaUrl", SCOPE_LOGS_SCHEMA_URL, KIND_TEXT),
};
static const struct json_message scope_spans = MESSAGE_OF(scope_spans_fields);

static const struct json_field resource_spans_fields[] = {
    INNER("resource", RESOURCE_LOGS_RESOURCE, json_resource),
    INNERS("scopeSpans", RESOURCE_LOGS_SCOPE_LOGS, scope_spans),
    ONE("schemaUrl", RESOURCE_LOGS_SCHEMA_URL, KIND_TEXT),
};
static const struct json_message resource_spans = MESSAGE_OF(resource_spans_fields);

static const struct json_field traces_request_fields[] = {
    INNERS("resourceSpans", REQUEST_RESOURCE_LOGS, resource_spans),
};
const struct json_message json_traces_request = MESSAGE_OF(traces_request_fields);

/* --- Metrics --- */

static const struct json_field exemplar_fields[] = {
    INNERS("filteredAttributes", 7, json_key_value),
    ONE("timeUnixNano", 2, KIND_FIXED64),
    CHOICE("asDouble", 3, KIND_DOUBLE),
    CHOICE("asInt", 6, KIND_SFIXED64),
    ID("spanId", 4, SPAN_ID_SIZE),
    ID("traceId", 5, TRACE_ID_SIZE),
};
static const struct json_message exemplar = MESSAGE_OF(exemplar_fields);

static const struct json_field number_point_fields[] = {
    INNERS("attributes", 7, json_key_value),
    ONE("startTimeUnixNano", 2, KIND_FIXED64),
    ONE("timeUnixNano", 3, KIND_FIXED64),
    CHOICE("asDouble", 4, KIND_DOUBLE),
    CHOICE("asInt", 6, KIND_SFIXED64),
    INNERS("exemplars", 5, exemplar),
    ONE("flags", 8, KIND_UINT32),
};
static const struct json_message number_point = MESSAGE_OF(number_point_fields);

static const struct json_field histogram_point_fields[] = {
    INNERS("attributes", 9, json_key_value),
    ONE("startTimeUnixNano", 2, KIND_FIXED64),
    ONE("timeUnixNano", 3, KIND_FIXED64),
    ONE("count", 4, KIND_FIXED64),
    CHOICE("sum", 5, KIND_DOUBLE),
    LIST("bucketCounts", 6, KIND_FIXED64),
    LIST("explicitBounds", 7, KIND_DOUBLE),
    INNERS("exemplars", 8, exemplar),
    ONE("flags", 10, KIND_UINT32),
    CHOICE("min", 11, KIND_DOUBLE),
    CHOICE("max", 12, KIND_DOUBLE),
};
static const struct json_message histogram_point = MESSAGE_OF(histogram_point_fields);

static const struct json_field buckets_fields[] = {
    ONE("offset", 1, KIND_SINT32),
    LIST("bucketCounts", 2, KIND_UINT64),
};
static const struct json_message buckets = MESSAGE_OF(buckets_fields);

static const struct json_field exponential_point_fields[] = {
    INNERS("attributes", 1, json_key_value),
    ONE("startTimeUnixNano", 2, KIND_FIXED64),
    ONE("timeUnixNano", 3, KIND_FIXED64),
    ONE("count", 4, KIND_FIXED64),
    CHOICE("sum", 5, KIND_DOUBLE),
    ONE("scale", 6, KIND_SINT32),
    ONE("zeroCount", 7, KIND_FIXED64),
    INNER("positive", 8, buckets),
    INNER("negative", 9, buckets),
    ONE("flags", 10, KIND_UINT32),
    INNERS("exemplars", 11, exemplar),
    CHOICE("min", 12, KIND_DOUBLE),
    CHOICE("max", 13, KIND_DOUBLE),
    ONE("zeroThreshold", 14, KIND_DOUBLE),
};
static const struct json_message exponential_point = MESSAGE_OF(exponential_point_fields);

static const struct json_field quantile_fields[] = {
    ONE("quantile", 1, KIND_DOUBLE),
    ONE("value", 2, KIND_DOUBLE),
};
static const struct json_message quantile = MESSAGE_OF(quantile_fields);

static const struct json_field summary_point_fields[] = {
    INNERS("attributes", 7, json_key_value),
    ONE("startTimeUnixNano", 2, KIND_FIXED64),
    ONE("timeUnixNano", 3, KIND_FIXED64),
    ONE("count", 4, KIND_FIXED64),
    ONE("sum", 5, KIND_DOUBLE),
    INNERS("quantileValues", 6, quantile),
    ONE("flags", 8, KIND_UINT32),
};
static const struct json_message summary_point = MESSAGE_OF(summary_point_fields);

static const struct json_field gauge_fields[] = {
    INNERS("dataPoints", 1, number_point),
};
static const struct json_message gauge = MESSAGE_OF(gauge_fields);

static const struct json_field sum_fields[] = {
    INNERS("dataPoints", 1, number_point),
    ONE("aggregationTemporality", 2, KIND_ENUM),
    ONE("isMonotonic", 3, KIND_BOOL),
};
static const struct json_message sum = MESSAGE_OF(sum_fields);

static const struct json_field histogram_fields[] = {
    INNERS("dataPoints", 1, histogram_point),
    ONE("aggregationTemporality", 2, KIND_ENUM),
};
static const struct json_message histogram = MESSAGE_OF(histogram_fields);

static const struct json_field exponential_histogram_fields[] = {
    INNERS("dataPoints", 1, exponential_point),
    ONE("aggregationTemporality", 2, KIND_ENUM),
};
static const struct json_message exponential_histogram = MESSAGE_OF(exponential_histogram_fields);

static const struct json_field summary_fields[] = {
    INNERS("dataPoints", 1, summary_point),
};
static const struct json_message summary = MESSAGE_OF(summary_fields);

static const struct json_field metric_fields[] = {
    ONE("name", 1, KIND_TEXT),
    ONE("description", 2, KIND_TEXT),
    ONE("unit", 3, KIND_TEXT),
    INNER("gauge", METRIC_GAUGE, gauge),
    INNER("sum", METRIC_SUM, sum),
    INNER("histogram", METRIC_HISTOGRAM, histogram),
    INNER("exponentialHistogram", METRIC_EXPONENTIAL_HISTOGRAM, exponential_histogram),
    INNER("summary", METRIC_SUMMARY, summary),
    INNERS("metadata", METRIC_METADATA, json_key_value),
};
const struct json_message json_metric = MESSAGE_OF(metric_fields);

static const struct json_field scope_metrics_fields[] = {
    INNER("scope", SCOPE_LOGS_SCOPE, json_scope),
    INNERS("metrics", SCOPE_LOGS_LOG_RECORDS, json_metric),
    ONE("schemaUrl", SCOPE_LOGS_SCHEMA_URL, KIND_TEXT),
};
static const struct json_message scope_metrics = MESSAGE_OF(scope_metrics_fields);

static const struct json_field resource_metrics_fields[] = {
    INNER("resource", RESOURCE_LOGS_RESOURCE, json_resource),
    INNERS("scopeMetrics", RESOURCE_LOGS_SCOPE_LOGS, scope_metrics),
    ONE("schemaUrl", RESOURCE_LOGS_SCHEMA_URL, KIND_TEXT),
};
static const struct json_message resource_metrics = MESSAGE_OF(resource_metrics_fields);

static const struct json_field metrics_request_fields[] = {
    INNERS("resourceMetrics", REQUEST_RESOURCE_LOGS, resource_metrics),
};
const struct json_message json_metrics_request = MESSAGE_OF(metrics_request_fields);

/* clang-format on */
