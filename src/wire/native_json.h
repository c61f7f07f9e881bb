/* SPDX-License-Identifier: Apache-2.0 */
/* native_json.h -- one line of the Unix protocol (docs/PROTOCOL.md) to LogRecord bytes, in one
 * pass.
 *
 * The line is {"kind":..., "time":..., "session":..., "body":..., "attributes":{...},
 * "resource":{...}, "severity":..., "event":...}; any other top-level key becomes an attribute
 * too, so that nothing is dropped.  Objects among the attributes are flattened with dots
 * ("a":{"b":1} is a.b = 1), arrays become arrays, null is left out.  Numbers without fraction
 * and exponent that fit are ints, others doubles.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"
#include "wire/otlp.h"

struct native_event {
    struct slice kind;                 /* as sent, decoded; empty when absent */
    struct slice session;              /* ditto */
    struct slice dialect;              /* "dialect" beside a hook's own JSON; ditto */
    struct slice resource_fields;      /* encoded Resource.attributes fields; empty when absent */
    uint64_t time_unix_nano;           /* 0 when absent */
    uint32_t severity_number;          /* 0 when absent */
    size_t record_offset, record_size; /* of the record within `out` */
};

/* Longest texts for the fields above; longer ones are ST_LIMIT. */
enum { NATIVE_KIND_MAX = 128, NATIVE_SESSION_MAX = 1024, NATIVE_RESOURCE_MAX = 65536 };

/* Texts are copied in steps of so many bytes, hence the room behind each. */
enum { NATIVE_SLACK = 16 };

/* Room for what native_json_read() gives as slices. */
struct native_scratch {
    uint8_t kind[NATIVE_KIND_MAX + NATIVE_SLACK];
    uint8_t session[NATIVE_SESSION_MAX + NATIVE_SLACK];
    uint8_t dialect[NATIVE_KIND_MAX + NATIVE_SLACK];
    uint8_t resource[NATIVE_RESOURCE_MAX + NATIVE_SLACK];
};

/* Appends the LogRecord to `out`: time (1), severity (2, 3), body (5), attributes (6), observed
 * time (11), event name (12).  `session` is also the attribute session.id.  Slices in `ret`
 * point into `scratch`.  ST_INVALID with byte offset and reason; ST_LIMIT names the limit. On
 * failure `out` is as it was. */
MUST_CHECK enum status native_json_read(struct slice line, uint64_t observed_unix_ns,
                                        const struct otlp_limits *limits,
                                        struct native_scratch *scratch, struct buf *out,
                                        struct native_event *ret, struct error *err);
