/* SPDX-License-Identifier: Apache-2.0 */
/* field.h -- anything of a record that a question can name.
 *
 * Names are those of the flat JSON (record_output.h): "time", "observed_time", "severity_number",
 * "severity_text", "event_name", "trace_id", "span_id", "body", "scope.name", "resource.KEY"; the
 * key of an attribute, or "attributes.KEY" for one that has the name of something else; and
 * "summary", the record in a few words.
 *
 * Attributes are found by lookup.h, and agent.peer.* by attested.h: what a sender wrote never
 * stands for what the daemon says.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "wire/otlp.h"

enum { FIELD_NAME_MAX = 256 };

enum field_place {
    FIELD_TIME,
    FIELD_OBSERVED_TIME,
    FIELD_SEVERITY_NUMBER,
    FIELD_SEVERITY_TEXT,
    FIELD_EVENT_NAME,
    FIELD_TRACE_ID,
    FIELD_SPAN_ID,
    FIELD_BODY,
    FIELD_SCOPE_NAME,
    FIELD_SUMMARY,
    FIELD_RESOURCE,
    FIELD_PEER_UID,
    FIELD_PEER_PID,
    FIELD_PEER_EXECUTABLE,
    FIELD_PEER_CONTAINER,
    FIELD_PEER_ATTESTATION,
    FIELD_ATTRIBUTE,
};

struct field {
    enum field_place place;
    char name[FIELD_NAME_MAX]; /* as it was given */
    const char *key;           /* of FIELD_RESOURCE and FIELD_ATTRIBUTE: within `name` */
};

/* ST_INVALID: the name is empty; ST_LIMIT: it is too long.  `ret` must not be copied after. */
MUST_CHECK enum status field_init(struct field *ret, struct slice name, struct error *err);

/* A record as fields see it. */
struct field_record {
    const struct record_group *group;
    const struct record_view *view;
};

/* The value; false: there is none.  Texts are borrowed from the record or stand in `scratch`, whose
 * content is replaced.  ST_NO_MEMORY and ST_LIMIT of that make it absent. */
bool field_read(const struct field *field, const struct field_record *record, struct buf *scratch,
                struct any_view *ret);

/* Calls `on_text` for every text in the value, those within lists and maps too, until it returns
 * true, which is given back. */
bool field_each_text(const struct any_view *value,
                     bool (*on_text)(void *context, struct slice text), void *context);

/* The same, and for every key within a map. */
bool field_each_text_or_key(const struct any_view *value,
                            bool (*on_text)(void *context, struct slice text), void *context);
