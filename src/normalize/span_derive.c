/* SPDX-License-Identifier: Apache-2.0 */
/* span_derive.c -- see span_derive.h.
 *
 * Three steps, each for fewer spans: the group chooses the product; a walk over the fields looks
 * for a name or a key that the product's table knows; only then is the span read, made into a
 * LogRecord of the attributes that the table reads, and normalized like one.
 *
 * The normalizer sees every such attribute whole, so that a path is found in the arguments of a
 * call that writes a long file.  Into the record go those that would be copied in any other record
 * too (MAPPING_COPY_MAX); longer ones stay in the span and are listed in agent.norm.errors.
 */
#include "normalize/span_derive.h"

#include <stdlib.h>

#include "normalize/mapping.h"
#include "normalize/span_dialects.h"
#include "normalize/span_family.h"

enum {
    SOURCES_MAX = 16,       /* of span_sources[] */
    EVENTS_LOOKED_MAX = 32, /* of one span, for its exception */
    EVENT_ATTRIBUTES_MAX = 64,
    HEAD_ROOM = 128, /* for the fields of a record that are not attributes */
};

/* --- Whose spans ------------------------------------------------------------------------- */

static const char *const codex_marks[] = {"aborted", NULL};
static const char *const genai_marks[] = {"gen_ai.operation.name", "mcp.method.name", NULL};

const struct span_source span_sources[] = {
    {"codex", NULL, &span_dialect_codex, codex_marks,
     "All calls of tools, denials included, are log records; only a call that was cancelled before "
     "it had a result is not."},
    {"opencode", "opencode", &span_dialect_opencode, NULL,
     "Log records tell the decisions of rules and that a person is asked; calls of tools, what "
     "they "
     "were given, how they ended and what the model used are only in spans. The answer of a person "
     "is in neither; it shows in how the call ended."},
    {"gemini-cli", "gemini-cli", NULL, NULL, "Every call of a tool is a log record."},
    {"qwen-code", "qwen-code", NULL, NULL, "Every call of a tool is a log record."},
    {"com.anthropic.claude_code", "claude-code", NULL, NULL, "Its log records say it all."},
    {NULL, "copilot-chat", NULL, NULL, "Its log records say it all."},
    {NULL, "github-copilot", &span_dialect_copilot, genai_marks, "It sends no log records."},
    {"cursor.", "cursor", NULL, NULL, "Its log records say it all."},
    {NULL, NULL, &span_dialect_genai, genai_marks,
     "Any other product. A span whose request or call a log record with the same span id has told "
     "before, to the same thread of the daemon, yields nothing."},
};
const size_t span_source_count = COUNT_OF(span_sources);

const struct dialect *const span_dialect_list[] = {
    &span_dialect_codex,
    &span_dialect_opencode,
    &span_dialect_copilot,
    &span_dialect_genai,
};
const size_t span_dialect_count = COUNT_OF(span_dialect_list);

/* A table made ready. */
struct ready {
    struct text_table names; /* owned: of its events */
    struct text_table keys;  /* owned: those that it reads */
    size_t dialect;          /* index into span_dialect_list */
};

struct span_deriver {
    struct normalizer *normalizer; /* borrowed */
    struct otlp_limits limits;
    struct ready ready[SOURCES_MAX];
    struct span_family *family;        /* owned */
    const struct span_source *source;  /* of the group; NULL: its spans yield nothing */
    struct attribute_view *attributes; /* owned; of a span */
    struct attribute_view event_attributes[EVENT_ATTRIBUTES_MAX];
    struct buf record; /* owned; what the normalizer reads */
};

/* --- Setting up ------------------------------------------------------------------------------ */

static void add(struct text_table *table, const char *text)
{
    text_table_add(table, slice_of_text(text), (uint16_t)table->count);
}

static enum status prepare(struct ready *ready, const struct dialect *dialect, struct error *err)
{
    ASSERT(dialect->source_count <= DIALECT_SOURCES_MAX);
    while (span_dialect_list[ready->dialect] != dialect)
        ready->dialect++;
    enum status st = text_table_init(&ready->names, dialect->event_count + 1, err);
    for (size_t i = 0; st == ST_OK && i < dialect->event_count; i++)
        add(&ready->names, dialect->events[i].name);
    if (st == ST_OK)
        st = text_table_init(&ready->keys, dialect->source_count + 1, err);
    for (size_t i = 0; st == ST_OK && i < dialect->source_count; i++)
        add(&ready->keys, dialect->sources[i]);
    return st;
}

enum status span_deriver_create(struct normalizer *normalizer, const struct otlp_limits *limits,
                                struct span_deriver **ret, struct error *err)
{
    ASSERT(span_source_count <= SOURCES_MAX);
    struct span_deriver *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "a span deriver");
    self->normalizer = normalizer;
    self->limits = *limits;
    buf_init(&self->record, limits->record_size_max);
    enum status st = span_family_create(&self->family, err);
    self->attributes = calloc((size_t)limits->attribute_count_max + 1, sizeof(*self->attributes));
    if (st == ST_OK && self->attributes == NULL)
        st = error_set(err, ST_NO_MEMORY, "room for %u attributes", limits->attribute_count_max);
    for (size_t i = 0; st == ST_OK && i < span_source_count; i++) {
        if (span_sources[i].dialect != NULL)
            st = prepare(&self->ready[i], span_sources[i].dialect, err);
    }
    if (st != ST_OK) {
        span_deriver_destroy(self);
        return st;
    }
    *ret = self;
    return ST_OK;
}

void span_deriver_destroy(struct span_deriver *deriver)
{
    if (deriver == NULL)
        return;
    for (size_t i = 0; i < SOURCES_MAX; i++) {
        text_table_fini(&deriver->ready[i].names);
        text_table_fini(&deriver->ready[i].keys);
    }
    span_family_destroy(deriver->family);
    buf_fini(&deriver->record);
    free(deriver->attributes);
    free(deriver);
}

/* --- The group --------------------------------------------------------------------------- */

/* Finds the last field `number` of bytes in `message`; empty when there is none. */
static enum status find_bytes(struct slice message, uint32_t number, struct slice *ret,
                              struct error *err)
{
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    enum pb_step step;
    *ret = SLICE_EMPTY;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == number && field.type == WIRE_BYTES)
            *ret = field.bytes;
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "a group of spans is not protobuf");
}

/* service.name; empty when there is none, or the resource is not to be read. */
static struct slice find_service(struct slice resource)
{
    struct pb_walk walk = pb_walk_start(resource);
    struct pb_field field;
    struct slice service = SLICE_EMPTY;
    while (pb_next(&walk, &field) == PB_FIELD) {
        struct attribute_view attribute;
        struct error ignored;
        if (field.number != RESOURCE_ATTRIBUTES || field.type != WIRE_BYTES ||
            otlp_read_attribute(field.bytes, &attribute, &ignored) != ST_OK)
            continue;
        if (slice_equal(attribute.key, SLICE("service.name")) &&
            attribute.value.type == ANY_TYPE_STRING)
            service = attribute.value.bytes;
    }
    return service;
}

enum status span_deriver_set_group(struct span_deriver *deriver, const struct record_group *group,
                                   struct error *err)
{
    struct slice scope, resource, name;
    deriver->source = NULL;
    enum status st = find_bytes(group->scope_logs_fields, SCOPE_LOGS_SCOPE, &scope, err);
    if (st == ST_OK)
        st = find_bytes(scope, SCOPE_NAME, &name, err);
    if (st == ST_OK)
        st = find_bytes(group->resource_logs_fields, RESOURCE_LOGS_RESOURCE, &resource, err);
    if (st != ST_OK)
        return st;
    struct slice service = find_service(resource);
    const struct span_source *source = span_sources;
    for (; source->scope_prefix != NULL || source->service != NULL; source++) {
        if ((source->scope_prefix != NULL &&
             slice_starts_with(name, slice_of_text(source->scope_prefix))) ||
            (source->service != NULL && slice_equal(service, slice_of_text(source->service))))
            break;
    }
    deriver->source = source->dialect != NULL ? source : NULL;
    return ST_OK;
}

void span_deriver_set_family(struct span_deriver *deriver, const struct slice *spans, size_t count)
{
    span_family_set(deriver->family, spans, count);
}

/* --- One span ---------------------------------------------------------------------------- */

static bool has_mark(struct slice key_value, const char *const *marks)
{
    struct pb_walk walk = pb_walk_start(key_value);
    struct pb_field field;
    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != KEY_VALUE_KEY || field.type != WIRE_BYTES)
            continue;
        for (const char *const *mark = marks; *mark != NULL; mark++) {
            if (slice_equal(field.bytes, slice_of_text(*mark)))
                return true;
        }
        return false;
    }
    return false;
}

/* Whether it is worth to read the span. */
static bool may_tell(const struct ready *ready, const char *const *marks, struct slice span)
{
    struct pb_walk walk = pb_walk_start(span);
    struct pb_field field;
    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.type != WIRE_BYTES)
            continue;
        if (field.number == SPAN_NAME) {
            if (text_table_find(&ready->names, field.bytes) != TEXT_TABLE_NONE)
                return true;
            if (marks == NULL)
                return false;
        } else if (field.number == SPAN_ATTRIBUTES && marks != NULL &&
                   has_mark(field.bytes, marks)) {
            return true;
        }
    }
    return false;
}

static void find_exception(struct span_deriver *self, struct span_facts *facts)
{
    struct span_event_walk walk = span_event_walk_start(facts->span);
    for (int i = 0; i < EVENTS_LOOKED_MAX; i++) {
        struct span_event_view event;
        struct error ignored;
        bool found = false;
        enum status st = span_event_next(&walk, &self->limits, self->event_attributes,
                                         EVENT_ATTRIBUTES_MAX, &event, &found, &ignored);
        if (st == ST_OK && !found)
            return;
        if (st != ST_OK || !slice_equal(event.name, SLICE("exception")))
            continue;
        for (size_t at = 0; at < event.attribute_count; at++) {
            const struct attribute_view *attribute = &event.attributes[at];
            if (attribute->value.type != ANY_TYPE_STRING)
                continue;
            if (slice_equal(attribute->key, SLICE("exception.type")))
                facts->exception_type = attribute->value.bytes;
            else if (slice_equal(attribute->key, SLICE("exception.message")))
                facts->exception_message = attribute->value.bytes;
        }
        return;
    }
}

/* Appends the LogRecord before it is normalized; values longer than `value_max` are left out.  Some
 * tracing libraries append an attribute anew when it changes: of a key that stands twice the last
 * counts. */
static enum status put_record(const struct ready *ready, const struct span_view *span,
                              size_t value_max, struct buf *out, struct error *err)
{
    enum status st = buf_reserve(out, HEAD_ROOM, err);
    if (st != ST_OK)
        return st;
    uint8_t *at = out->data + out->size;
    if (span->end_time_unix_nano != 0)
        at = pb_put_fixed64(at, RECORD_TIME_UNIX_NANO, span->end_time_unix_nano);
    if (span->flags != 0)
        at = pb_put_fixed32(at, RECORD_FLAGS, span->flags & 0xff);
    if (span->trace_id.size > 0)
        at = pb_put_bytes(at, RECORD_TRACE_ID, span->trace_id);
    if (span->span_id.size > 0)
        at = pb_put_bytes(at, RECORD_SPAN_ID, span->span_id);
    out->size = (size_t)(at - out->data);
    size_t last[DIALECT_SOURCES_MAX] = {0}; /* 1 + index of the last attribute with the key */
    for (size_t i = 0; i < span->attribute_count; i++) {
        uint16_t key = text_table_find(&ready->keys, span->attributes[i].key);
        if (key != TEXT_TABLE_NONE)
            last[key] = i + 1;
    }
    for (size_t key = 0; st == ST_OK && key < ready->keys.count; key++) {
        if (last[key] == 0)
            continue;
        const struct attribute_view *attribute = &span->attributes[last[key] - 1];
        if (attribute->value.encoded.size <= value_max)
            st = pb_append_any(out, RECORD_ATTRIBUTES, attribute->key, attribute->value.encoded,
                               err);
    }
    return st;
}

static enum status derive(struct span_deriver *self, const struct ready *ready,
                          const struct span_input *input, struct buf *out, bool *ret_made,
                          struct error *err)
{
    struct span_view span;
    struct span_facts facts = {.span = &span};
    enum status st = otlp_read_span(input->span, &self->limits, self->attributes,
                                    self->limits.attribute_count_max, &span, err);
    if (st != ST_OK)
        return st;
    find_exception(self, &facts);
    facts.parent_call_id = span_family_parent_call(self->family, &span);
    buf_clear(&self->record);
    st = put_record(ready, &span, SIZE_MAX, &self->record, err);
    if (st == ST_OK)
        st = put_record(ready, &span, MAPPING_COPY_MAX, out, err);
    if (st != ST_OK)
        return st;
    const struct normalize_input record = {.record = buf_slice(&self->record),
                                           .transport = input->transport,
                                           .sender_fields = input->sender_fields,
                                           .received_unix_nano = input->received_unix_nano};
    return normalize_derived(self->normalizer, &record, &facts, ready->dialect, out, ret_made, err);
}

enum status span_derive(struct span_deriver *deriver, const struct span_input *input,
                        struct buf *out, bool *ret_made, struct error *err)
{
    const struct span_source *source = deriver->source;
    bool made = false;
    if (source != NULL) {
        const struct ready *ready = &deriver->ready[source - span_sources];
        size_t start = out->size;
        if (may_tell(ready, source->marks, input->span)) {
            enum status st = derive(deriver, ready, input, out, &made, err);
            if (st != ST_OK || !made)
                out->size = start;
            if (st != ST_OK)
                return st;
        }
    }
    *ret_made = made;
    return ST_OK;
}

/* --- For the tables ---------------------------------------------------------------------- */

bool span_failed(const struct mapping *m)
{
    return m->span != NULL && m->span->span->status_code == SPAN_STATUS_ERROR;
}

void span_put_failure(struct mapping *m)
{
    const struct span_facts *facts = m->span;
    struct slice type = facts->exception_type;
    struct slice message = facts->span->status_message;
    if (message.size == 0)
        message = facts->exception_message;
    m->outcome = OUTCOME_FAILURE;
    if (m->at[KEY_ERROR_TYPE] == 0)
        mapping_put_text(m, KEY_ERROR_TYPE, type.size > 0 ? type : SLICE("_OTHER"));
    if (message.size > 0)
        mapping_put_text(m, KEY_AGENT_ERROR_MESSAGE, message);
}

void span_put_parent_call(struct mapping *m)
{
    if (m->span != NULL && m->span->parent_call_id.size > 0)
        mapping_put_text(m, KEY_AGENT_TOOL_PARENT_CALL_ID, m->span->parent_call_id);
}
