/* SPDX-License-Identifier: Apache-2.0 */
/* otlp.h -- the shape of OTLP messages: field numbers, and readers for requests, groups and
 * records that give slices into the bytes they read.
 *
 * Everything here checks what it reads: bytes that are not protobuf, or nest deeper than the
 * limits, are refused; fields that we do not know are accepted and passed on.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/error.h"
#include "telltale/slice.h"
#include "wire/protobuf.h"

/* Field numbers of the published OTLP messages. */
enum {
    REQUEST_RESOURCE_LOGS = 1,
    RESOURCE_LOGS_RESOURCE = 1,
    RESOURCE_LOGS_SCOPE_LOGS = 2,
    RESOURCE_LOGS_SCHEMA_URL = 3,
    SCOPE_LOGS_SCOPE = 1,
    SCOPE_LOGS_LOG_RECORDS = 2,
    SCOPE_LOGS_SCHEMA_URL = 3,
    RESOURCE_ATTRIBUTES = 1,
    RESOURCE_DROPPED_ATTRIBUTES_COUNT = 2,
    RESOURCE_ENTITY_REFS = 3,
    ENTITY_SCHEMA_URL = 1,
    ENTITY_TYPE = 2,
    ENTITY_ID_KEYS = 3,
    ENTITY_DESCRIPTION_KEYS = 4,
    SCOPE_NAME = 1,
    SCOPE_VERSION = 2,
    SCOPE_ATTRIBUTES = 3,
    SCOPE_DROPPED_ATTRIBUTES_COUNT = 4,
    RECORD_TIME_UNIX_NANO = 1,
    RECORD_SEVERITY_NUMBER = 2,
    RECORD_SEVERITY_TEXT = 3,
    RECORD_BODY = 5,
    RECORD_ATTRIBUTES = 6,
    RECORD_DROPPED_ATTRIBUTES_COUNT = 7,
    RECORD_FLAGS = 8,
    RECORD_TRACE_ID = 9,
    RECORD_SPAN_ID = 10,
    RECORD_OBSERVED_TIME_UNIX_NANO = 11,
    RECORD_EVENT_NAME = 12,
    KEY_VALUE_KEY = 1,
    KEY_VALUE_VALUE = 2,
    KEY_VALUE_KEY_STRINDEX = 3,
    ANY_STRING = 1,
    ANY_BOOL = 2,
    ANY_INT = 3,
    ANY_DOUBLE = 4,
    ANY_ARRAY = 5,
    ANY_KVLIST = 6,
    ANY_BYTES = 7,
    ANY_STRING_STRINDEX = 8,
    LIST_VALUES = 1, /* of ArrayValue and KeyValueList */
};

/* In bytes; an empty one is absent. */
enum { TRACE_ID_SIZE = 16, SPAN_ID_SIZE = 8 };

struct otlp_limits {
    size_t record_size_max;       /* bytes of one LogRecord */
    uint32_t attribute_count_max; /* of one record */
    size_t key_size_max;          /* bytes of one attribute key */
    uint32_t depth_max;           /* AnyValue within AnyValue; OTLP_DEPTH_MAX whatever it says */
};

/* No limit allows more: readers recurse this deep. */
enum { OTLP_DEPTH_MAX = 64 };

/* What OTLP_LIMITS_DEFAULT is, docs/ARCHITECTURE.md says why: 16 MiB, 1024, 1 KiB, 64. */
extern const struct otlp_limits otlp_limits_default;

/* --- A value ------------------------------------------------------------------------ */

enum any_type {
    ANY_TYPE_NONE,
    ANY_TYPE_STRING,
    ANY_TYPE_BOOL,
    ANY_TYPE_INT,
    ANY_TYPE_DOUBLE,
    ANY_TYPE_ARRAY,
    ANY_TYPE_KVLIST,
    ANY_TYPE_BYTES
};

struct any_view {
    enum any_type type;
    struct slice bytes;   /* STRING, BYTES: the content; ARRAY, KVLIST: the encoded message */
    int64_t integer;      /* INT; BOOL as 0 or 1 */
    double number;        /* DOUBLE */
    struct slice encoded; /* the AnyValue message itself */
};

struct attribute_view {
    struct slice key;
    struct any_view value;
};

/* Reads one KeyValue message.  ST_CORRUPT: it is none; *ret then means nothing. */
MUST_CHECK enum status otlp_read_attribute(struct slice key_value, struct attribute_view *ret,
                                           struct error *err);
MUST_CHECK enum status otlp_read_any(struct slice any_value, struct any_view *ret,
                                     struct error *err);

/* Reads a KeyValue message for no other purpose.  ST_CORRUPT: it is none; ST_LIMIT: its value nests
 * too deep. */
MUST_CHECK enum status otlp_check_attribute(struct slice key_value, struct error *err);

/* Reads a field that is one of a repeated KeyValue to attributes[*count], and counts it.
 * ST_CORRUPT; ST_LIMIT: it would be more than `attribute_max`, the key is too long, the value nests
 * too deep. */
MUST_CHECK enum status otlp_take_attribute(const struct pb_field *field,
                                           const struct otlp_limits *limits, size_t attribute_max,
                                           struct attribute_view *attributes, size_t *count,
                                           struct error *err);

/* --- A record ------------------------------------------------------------------------ */

struct record_view {
    uint64_t time_unix_nano;
    uint64_t observed_time_unix_nano;
    uint32_t severity_number;
    uint32_t flags;
    uint32_t dropped_attributes_count;
    struct slice severity_text;
    struct slice event_name;
    struct slice trace_id; /* empty when absent */
    struct slice span_id;
    struct any_view body;
    struct attribute_view *attributes; /* the caller's array, filled */
    size_t attribute_count;
};

/* Reads `record` into `ret`; attributes go to `attributes`, in their order (duplicates kept).
 * ST_CORRUPT: not a LogRecord; ST_LIMIT: more than `attribute_max` attributes, a key too long,
 * nesting too deep (the message names the attribute). */
MUST_CHECK enum status otlp_read_record(struct slice record, const struct otlp_limits *limits,
                                        struct attribute_view *attributes, size_t attribute_max,
                                        struct record_view *ret, struct error *err);

/* The same but for the attributes, which are counted only, and without limits on size, count
 * and nesting: for those who walk the attributes themselves.  ST_CORRUPT. */
MUST_CHECK enum status otlp_read_record_head(struct slice record, struct record_view *ret,
                                             struct error *err);

/* --- A request ----------------------------------------------------------------------- */

/* Calls `on_group` for each ScopeLogs (with the fields around it already gathered), then
 * `on_record` for each of its records.  The slices of the group are good until the next
 * on_group; those of records point into `request`.  A callback's failure ends the walk and is
 * given back.  ST_CORRUPT: the bytes are no ExportLogsServiceRequest; ST_LIMIT: a value of a
 * resource or a scope nests too deep; nothing is promised about which callbacks were made
 * before.  Records are not looked into: otlp_read_record() does that. */
struct otlp_request_visitor {
    void *context;
    enum status (*on_group)(void *context, const struct record_group *group, struct error *err);
    enum status (*on_record)(void *context, struct slice record, struct error *err);
};

MUST_CHECK enum status otlp_walk_request(struct slice request,
                                         const struct otlp_request_visitor *visitor,
                                         struct error *err);
