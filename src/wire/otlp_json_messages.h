/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_messages.h -- the messages of a log request as their JSON mapping sees them: a table
 * of keys for each, with the field number and how the value is written.
 *
 * Threads: constants.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/slice.h"

enum json_kind {
    KIND_TEXT,    /* string */
    KIND_BASE64,  /* bytes */
    KIND_ID,      /* bytes, as hex of a fixed size */
    KIND_FIXED64, /* unsigned */
    KIND_FIXED32,
    KIND_UINT32,
    KIND_ENUM,
    KIND_INT64,
    KIND_BOOL,
    KIND_DOUBLE,
    KIND_MESSAGE,
};

struct json_message;

struct json_field {
    struct slice name;
    uint32_t number; /* below 16 */
    enum json_kind kind;
    bool is_list;
    bool is_member;                     /* of AnyValue: written also when it is 0 or empty */
    size_t id_size;                     /* KIND_ID: in bytes */
    const struct json_message *message; /* KIND_MESSAGE */
};

struct json_message {
    const struct json_field *fields;
    size_t field_count;
    bool is_value; /* AnyValue: what the limit of depth counts */
};

/* ExportLogsServiceRequest; LogsData has the same fields. */
extern const struct json_message json_request_message;
