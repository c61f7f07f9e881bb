/* SPDX-License-Identifier: Apache-2.0 */
/* field.c -- see field.h. */
#include "query/field.h"

#include <stdio.h>
#include <string.h>

#include "query/attested.h"
#include "query/lookup.h"
#include "query/summary.h"
#include "query/time_text.h"

enum { SUMMARY_COLUMNS = 400, TIME_DIGITS = 9 };

static const struct {
    const char *name;
    enum field_place place;
} names[] = {
    {"time", FIELD_TIME},
    {"observed_time", FIELD_OBSERVED_TIME},
    {"severity_number", FIELD_SEVERITY_NUMBER},
    {"severity_text", FIELD_SEVERITY_TEXT},
    {"event_name", FIELD_EVENT_NAME},
    {"trace_id", FIELD_TRACE_ID},
    {"span_id", FIELD_SPAN_ID},
    {"body", FIELD_BODY},
    {"scope.name", FIELD_SCOPE_NAME},
    {"summary", FIELD_SUMMARY},
    {"agent.peer.uid", FIELD_PEER_UID},
    {"agent.peer.pid", FIELD_PEER_PID},
    {"agent.peer.executable.path", FIELD_PEER_EXECUTABLE},
    {"agent.peer.container.id", FIELD_PEER_CONTAINER},
    {"agent.peer.attestation", FIELD_PEER_ATTESTATION},
};

static const char resource_prefix[] = "resource.";
static const char attributes_prefix[] = "attributes.";

enum status field_init(struct field *ret, struct slice name, struct error *err)
{
    if (name.size == 0)
        return error_set(err, ST_INVALID, "a field without a name");
    if (name.size >= sizeof(ret->name))
        return error_set(err, ST_LIMIT, "a name of %zu bytes, limit %zu", name.size,
                         sizeof(ret->name) - 1);
    memcpy(ret->name, name.data, name.size);
    ret->name[name.size] = 0;
    ret->place = FIELD_ATTRIBUTE;
    ret->key = ret->name;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(names[i].name, ret->name) == 0)
            ret->place = names[i].place;
    }
    if (strncmp(ret->name, resource_prefix, sizeof(resource_prefix) - 1) == 0) {
        ret->place = FIELD_RESOURCE;
        ret->key = ret->name + sizeof(resource_prefix) - 1;
    } else if (strncmp(ret->name, attributes_prefix, sizeof(attributes_prefix) - 1) == 0) {
        ret->key = ret->name + sizeof(attributes_prefix) - 1;
    }
    return ST_OK;
}

/* --- Reading --------------------------------------------------------------------------------- */

static bool give_text(struct slice text, struct any_view *ret)
{
    *ret = (struct any_view){.type = ANY_TYPE_STRING, .bytes = text};
    return text.size > 0;
}

static bool give_int(double number, struct any_view *ret)
{
    *ret = (struct any_view){.type = ANY_TYPE_INT, .integer = (int64_t)number};
    return number >= 0;
}

static bool give_made(struct buf *scratch, const char *text, size_t size, struct any_view *ret)
{
    struct error ignored;

    buf_clear(scratch);
    return buf_append(scratch, text, size, &ignored) == ST_OK && give_text(buf_slice(scratch), ret);
}

static bool give_time(uint64_t unix_ns, struct buf *scratch, struct any_view *ret)
{
    char text[TIME_TEXT_SIZE];

    if (unix_ns == 0)
        return false;
    time_format_utc(unix_ns, TIME_DIGITS, text);
    return give_made(scratch, text, strlen(text), ret);
}

static bool give_hex(struct slice id, struct buf *scratch, struct any_view *ret)
{
    char text[2 * TRACE_ID_SIZE + 1];

    if (id.size == 0 || id.size > TRACE_ID_SIZE)
        return false;
    for (size_t i = 0; i < id.size; i++)
        snprintf(text + 2 * i, 3, "%02x", id.data[i]);
    return give_made(scratch, text, 2 * id.size, ret);
}

static bool give_summary(const struct record_view *view, struct buf *scratch, struct any_view *ret)
{
    struct error ignored;

    buf_clear(scratch);
    return summary_append(scratch, view, SUMMARY_COLUMNS, &ignored) == ST_OK &&
           give_text(buf_slice(scratch), ret);
}

static bool give_peer(enum field_place place, const struct record_view *view, struct any_view *ret)
{
    struct attested_peer peer;

    attested_read(view, &peer);
    switch (place) {
    case FIELD_PEER_UID:
        return give_int(peer.uid, ret);
    case FIELD_PEER_PID:
        return give_int(peer.pid, ret);
    case FIELD_PEER_EXECUTABLE:
        return give_text(peer.executable, ret);
    case FIELD_PEER_CONTAINER:
        return give_text(peer.container_id, ret);
    default:
        return give_text(peer.attestation, ret);
    }
}

bool field_read(const struct field *field, const struct field_record *record, struct buf *scratch,
                struct any_view *ret)
{
    const struct record_view *view = record->view;
    const struct any_view *found = NULL;

    switch (field->place) {
    case FIELD_TIME:
        return give_time(lookup_time(view), scratch, ret);
    case FIELD_OBSERVED_TIME:
        return give_time(view->observed_time_unix_nano, scratch, ret);
    case FIELD_SEVERITY_NUMBER:
        return view->severity_number != 0 && give_int(view->severity_number, ret);
    case FIELD_SEVERITY_TEXT:
        return give_text(view->severity_text, ret);
    case FIELD_EVENT_NAME:
        return give_text(view->event_name, ret);
    case FIELD_TRACE_ID:
        return give_hex(view->trace_id, scratch, ret);
    case FIELD_SPAN_ID:
        return give_hex(view->span_id, scratch, ret);
    case FIELD_BODY:
        *ret = view->body;
        return view->body.type != ANY_TYPE_NONE;
    case FIELD_SCOPE_NAME:
        return give_text(lookup_scope_name(record->group), ret);
    case FIELD_SUMMARY:
        return give_summary(view, scratch, ret);
    case FIELD_RESOURCE:
        return lookup_resource(record->group, field->key, ret);
    case FIELD_ATTRIBUTE:
        found = lookup_attribute(view, field->key);
        if (found != NULL)
            *ret = *found;
        return found != NULL;
    default:
        return give_peer(field->place, view, ret);
    }
}

/* --- Texts within ---------------------------------------------------------------------------- */

struct text_walk {
    bool (*on_text)(void *context, struct slice text);
    void *context;
    bool with_keys;
};

/* Recursion is bounded: otlp_read_record() refuses what nests deeper than OTLP_DEPTH_MAX. */
static bool each_text_at(const struct any_view *value, const struct text_walk *texts,
                         unsigned depth)
{
    struct pb_walk walk = pb_walk_start(value->bytes);
    struct attribute_view member = {.key = SLICE_EMPTY};
    struct pb_field field;
    struct error ignored;

    if (value->type == ANY_TYPE_STRING || value->type == ANY_TYPE_BYTES)
        return texts->on_text(texts->context, value->bytes);
    if ((value->type != ANY_TYPE_ARRAY && value->type != ANY_TYPE_KVLIST) || depth > OTLP_DEPTH_MAX)
        return false;
    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != LIST_VALUES || field.type != WIRE_BYTES)
            continue;
        enum status st = value->type == ANY_TYPE_ARRAY
                             ? otlp_read_any(field.bytes, &member.value, &ignored)
                             : otlp_read_attribute(field.bytes, &member, &ignored);
        if (st != ST_OK)
            continue;
        if (texts->with_keys && member.key.size > 0 && texts->on_text(texts->context, member.key))
            return true;
        if (each_text_at(&member.value, texts, depth + 1))
            return true;
    }
    return false;
}

bool field_each_text(const struct any_view *value,
                     bool (*on_text)(void *context, struct slice text), void *context)
{
    const struct text_walk texts = {.on_text = on_text, .context = context};

    return each_text_at(value, &texts, 0);
}

bool field_each_text_or_key(const struct any_view *value,
                            bool (*on_text)(void *context, struct slice text), void *context)
{
    const struct text_walk texts = {.on_text = on_text, .context = context, .with_keys = true};

    return each_text_at(value, &texts, 0);
}
