/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_messages.h -- the messages of a request as their JSON mapping sees them: a table of
 * keys for each, with the field number and how the value is written.  The same tables say which
 * wire type a field must have (otlp_check.c).
 *
 * Threads: constants.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/batch.h"

enum json_kind {
    KIND_TEXT,    /* string */
    KIND_BASE64,  /* bytes */
    KIND_ID,      /* bytes, as hex of a fixed size */
    KIND_FIXED64, /* unsigned */
    KIND_SFIXED64,
    KIND_FIXED32,
    KIND_UINT64,
    KIND_UINT32,
    KIND_ENUM,
    KIND_INT64,
    KIND_SINT32, /* zigzag */
    KIND_BOOL,
    KIND_DOUBLE,
    KIND_MESSAGE,
};

struct json_message;

struct json_field {
    struct slice name;
    uint32_t number; /* below 16 if it is a message */
    enum json_kind kind;
    bool is_list;
    bool is_member; /* of AnyValue or another oneof: written also when it is 0 or empty */
    size_t id_size; /* KIND_ID: in bytes */
    const struct json_message *message; /* KIND_MESSAGE */
};

struct json_message {
    const struct json_field *fields;
    size_t field_count;
    bool is_value; /* AnyValue: what the limit of depth counts */
};

/* ExportLogsServiceRequest and so on; LogsData and its like have the same fields. */
const struct json_message *json_request_message(enum signal signal);
/* LogRecord, Span, Metric. */
const struct json_message *json_record_message(enum signal signal);

/* What the messages of all signals have within. */
extern const struct json_message json_key_value, json_resource, json_scope;
/* Of otlp_json_signals.c. */
extern const struct json_message json_traces_request, json_metrics_request, json_span, json_metric;
