/* SPDX-License-Identifier: Apache-2.0 */
/* normalize.c -- the engine: finds the dialect of a record, lets its tables speak, and writes
 * what every record has.
 *
 * The attributes that depend on nothing but dialect, transport and kind are encoded once for
 * each of these and copied as one piece, unless the sender wrote one of their keys.
 *
 * log.record.uid is ours alone: a sender's own stays at its key, and ours, by which records are
 * found again, is then at agent.norm.log.record.uid.
 */
#include "normalize/normalize.h"

#include <stdlib.h>

#include "metrics/metrics.h"
#include "normalize/coerce.h"
#include "normalize/dialect.h"
#include "normalize/hook_fields.h"
#include "normalize/told_source.h"
#include "util/utf8.h"
#include "util/uuid.h"
#include "wire/rfc3339.h"

enum {
    DIALECTS_MAX = 16,
    SPAN_DIALECTS_MAX = 8,
    NAME_SIZE_MAX = 256, /* of agent.dialect.event and a repaired event_name */
    VERSION_SIZE_MAX = 64,
    FIXED_SIZE_MAX = 1 << 20,
    FIELD_ROOM = 32, /* for a field with a number */
};

/* A dialect made ready. */
struct spoken {
    const struct dialect *dialect;
    uint16_t source_ids[DIALECT_SOURCES_MAX];
    struct text_table events; /* owned: name to row */
    size_t fixed_offset[KIND_COUNT][TRANSPORT_COUNT];
    size_t fixed_size[KIND_COUNT][TRANSPORT_COUNT];
};

struct normalizer {
    struct mapping mapping;
    struct uuid_source uuids;
    uint16_t event_name_id, event_timestamp_id;
    struct buf fixed; /* the encoded pieces of all dialects */
    struct spoken native, unknown, listed[DIALECTS_MAX];
    struct spoken spans[SPAN_DIALECTS_MAX]; /* what spans become, by span_dialect_list */
    struct normalized_kind last;
    struct spoken *of_scope;           /* by the scope of the group; NULL: it says nothing */
    uint8_t version[VERSION_SIZE_MAX]; /* service.version of the group, copied */
    size_t version_size;               /* 0: it says nothing, or too much */
    struct spoken *of_service; /* by its service.name, when the scope says nothing; or NULL */
    struct normalized_source *source; /* borrowed; NULL: nobody asks */
    struct metric *forging;           /* registered; lives on */
};

/* --- Setting up ------------------------------------------------------------------------------ */

static void put_fixed(struct mapping *m, const struct dialect *dialect, enum transport transport,
                      enum event_kind kind)
{
    mapping_put_text(m, KEY_AGENT_SCHEMA_VERSION, SLICE(SCHEMA_VERSION));
    mapping_put_word(m, KEY_AGENT_EVENT_KIND, kind);
    mapping_put_text(m, KEY_AGENT_DIALECT, slice_of_text(dialect->name));
    mapping_put_word(m, KEY_AGENT_TRANSPORT, transport);
    const char *product = dialect->product;
    if (product == NULL)
        product = transport == TRANSPORT_INTERNAL ? "other" : "unknown";
    mapping_put_text(m, KEY_AGENT_PRODUCT, slice_of_text(product));
}

static enum status prepare(struct normalizer *self, const struct dialect *dialect,
                           struct spoken *spoken, struct error *err)
{
    ASSERT(dialect->source_count <= DIALECT_SOURCES_MAX);
    spoken->dialect = dialect;
    for (size_t i = 0; i < dialect->source_count; i++)
        spoken->source_ids[i] = mapping_key_id(&self->mapping, slice_of_text(dialect->sources[i]));
    enum status st = text_table_init(&spoken->events, dialect->event_count, err);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < dialect->event_count; i++)
        text_table_add(&spoken->events, slice_of_text(dialect->events[i].name), (uint16_t)i);
    return ST_OK;
}

enum status normalizer_create(const struct otlp_limits *limits, struct normalizer **ret,
                              struct error *err)
{
    ASSERT(dialect_count <= DIALECTS_MAX && span_dialect_count <= SPAN_DIALECTS_MAX);
    struct normalizer *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "a normalizer");
    buf_init(&self->fixed, FIXED_SIZE_MAX);
    enum status st = mapping_init(&self->mapping, limits, err);
    if (st != ST_OK)
        goto out;
    self->mapping.out = &self->fixed;
    self->mapping.err = err;
    self->forging = metric_register(METRIC_COUNTER, "telltale_normalize_forging_records_total",
                                    "Records whose senders wrote more keys of ours than can be "
                                    "listed in agent.norm.errors.",
                                    "");
    self->event_name_id = mapping_key_id(&self->mapping, SLICE("event.name"));
    self->event_timestamp_id = mapping_key_id(&self->mapping, SLICE("event.timestamp"));
    st = uuid_source_init(&self->uuids, err);
    if (st == ST_OK)
        st = prepare(self, &dialect_native, &self->native, err);
    if (st == ST_OK)
        st = prepare(self, &dialect_unknown, &self->unknown, err);
    for (size_t i = 0; st == ST_OK && i < dialect_count; i++)
        st = prepare(self, dialect_list[i], &self->listed[i], err);
    for (size_t i = 0; st == ST_OK && i < span_dialect_count; i++)
        st = prepare(self, span_dialect_list[i], &self->spans[i], err);
out:
    if (st != ST_OK) {
        normalizer_destroy(self);
        return st;
    }
    *ret = self;
    return ST_OK;
}

void normalizer_destroy(struct normalizer *normalizer)
{
    if (normalizer == NULL)
        return;
    for (size_t i = 0; i < DIALECTS_MAX; i++)
        text_table_fini(&normalizer->listed[i].events);
    for (size_t i = 0; i < SPAN_DIALECTS_MAX; i++)
        text_table_fini(&normalizer->spans[i].events);
    text_table_fini(&normalizer->native.events);
    text_table_fini(&normalizer->unknown.events);
    buf_fini(&normalizer->fixed);
    mapping_fini(&normalizer->mapping);
    free(normalizer);
}

/* --- Finding the dialect --------------------------------------------------------------------- */

/* The name of the scope of a group; empty when it has none. */
static enum status read_scope_name(struct slice scope_logs_fields, struct slice *ret,
                                   struct error *err)
{
    struct pb_walk walk = pb_walk_start(scope_logs_fields);
    struct pb_field field;
    enum pb_step step;
    *ret = SLICE_EMPTY;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number != SCOPE_LOGS_SCOPE || field.type != WIRE_BYTES)
            continue;
        struct pb_walk scope = pb_walk_start(field.bytes);
        struct pb_field inner;
        while ((step = pb_next(&scope, &inner)) == PB_FIELD) {
            if (inner.number == SCOPE_NAME && inner.type == WIRE_BYTES)
                *ret = inner.bytes;
        }
        if (step == PB_BROKEN)
            break;
    }
    return step == PB_BROKEN ? error_set(err, ST_CORRUPT, "the scope of a group is not protobuf")
                             : ST_OK;
}

/* The attribute of the group's resource; empty when it is absent or no text. */
static struct slice find_resource_text(struct slice resource_logs_fields, struct slice key)
{
    struct pb_walk walk = pb_walk_start(resource_logs_fields);
    struct pb_field field, inner;
    struct slice found = SLICE_EMPTY;
    struct error ignored;
    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != RESOURCE_LOGS_RESOURCE || field.type != WIRE_BYTES)
            continue;
        struct pb_walk resource = pb_walk_start(field.bytes);
        while (pb_next(&resource, &inner) == PB_FIELD) {
            struct attribute_view attribute;
            if (inner.number == RESOURCE_ATTRIBUTES && inner.type == WIRE_BYTES &&
                otlp_read_attribute(inner.bytes, &attribute, &ignored) == ST_OK &&
                slice_equal(attribute.key, key) && attribute.value.type == ANY_TYPE_STRING)
                found = attribute.value.bytes;
        }
    }
    return found;
}

/* Only where it can be wanted: most groups are of dialects whose records tell it. */
static void learn_version(struct normalizer *self, const struct record_group *group)
{
    self->version_size = 0;
    if (self->of_scope != NULL && !self->of_scope->dialect->has_service_version)
        return;
    struct slice version =
        find_resource_text(group->resource_logs_fields, SLICE("service.version"));
    if (version.size == 0 || version.size > VERSION_SIZE_MAX || text_is_sentinel(version))
        return;
    memcpy(self->version, version.data, version.size);
    self->version_size = version.size;
}

static bool is_service(const struct dialect *dialect, struct slice name)
{
    for (const char *const *service = dialect->services; service != NULL && *service != NULL;
         service++) {
        if (slice_equal(name, slice_of_text(*service)))
            return true;
    }
    return false;
}

static bool has_prefix(struct slice text, const char *prefix)
{
    return prefix != NULL && slice_starts_with(text, slice_of_text(prefix));
}

enum status normalizer_set_group(struct normalizer *normalizer, const struct record_group *group,
                                 struct error *err)
{
    struct slice name;
    normalizer->of_scope = NULL;
    normalizer->of_service = NULL;
    enum status st = read_scope_name(group->scope_logs_fields, &name, err);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < dialect_count && normalizer->of_scope == NULL; i++) {
        if (has_prefix(name, dialect_list[i]->scope_prefix))
            normalizer->of_scope = &normalizer->listed[i];
    }
    learn_version(normalizer, group);
    if (normalizer->of_scope != NULL)
        return ST_OK;
    name = find_resource_text(group->resource_logs_fields, SLICE("service.name"));
    for (size_t i = 0; i < dialect_count && normalizer->of_service == NULL; i++) {
        if (is_service(dialect_list[i], name))
            normalizer->of_service = &normalizer->listed[i];
    }
    return ST_OK;
}

static struct slice text_of(const struct mapping *m, uint16_t id)
{
    const struct any_view *value = mapping_value(m, id);
    return value != NULL && value->type == ANY_TYPE_STRING ? value->bytes : SLICE_EMPTY;
}

static bool has_key_of(const struct mapping *m, const char *const *prefixes)
{
    for (size_t i = 0; prefixes != NULL && i < m->record.attribute_count; i++) {
        for (const char *const *prefix = prefixes; *prefix != NULL; prefix++) {
            if (has_prefix(m->record.attributes[i].key, *prefix))
                return true;
        }
    }
    return false;
}

/* By the name of the dialect, which the hook says or its fields show. */
static struct spoken *find_hook_dialect(struct normalizer *self)
{
    struct slice name = hook_fields_dialect(&self->mapping, self->mapping.input->hook);
    for (size_t i = 0; i < dialect_count; i++) {
        if (slice_equal(name, slice_of_text(dialect_list[i]->name)))
            return &self->listed[i];
    }
    return &self->unknown;
}

static struct spoken *find_dialect(struct normalizer *self)
{
    const struct record_view *record = &self->mapping.record;
    if (self->mapping.input->hook != NULL)
        return find_hook_dialect(self);
    if (self->mapping.trusts_sender)
        return &self->native;
    if (self->of_scope != NULL)
        return self->of_scope;
    struct slice name = text_of(&self->mapping, self->event_name_id);
    struct slice body = record->body.type == ANY_TYPE_STRING ? record->body.bytes : SLICE_EMPTY;
    for (size_t i = 0; i < dialect_count; i++) {
        const struct dialect *dialect = dialect_list[i];
        if (has_prefix(name, dialect->event_prefix) ||
            has_prefix(record->event_name, dialect->event_prefix) ||
            (dialect->prefix_in_body && has_prefix(body, dialect->event_prefix)))
            return &self->listed[i];
    }
    if (self->of_service != NULL)
        return self->of_service;
    for (size_t i = 0; i < dialect_count; i++) {
        if (has_key_of(&self->mapping, dialect_list[i]->key_prefixes))
            return &self->listed[i];
    }
    return &self->unknown;
}

/* Some tracing libraries name an event by the place in their source that made it. */
static bool is_call_site(struct slice event_name)
{
    return slice_starts_with(event_name, SLICE("event ")) &&
           memchr(event_name.data, '/', event_name.size) != NULL;
}

static struct slice cut_name(struct slice name)
{
    if (name.size <= NAME_SIZE_MAX)
        return name;
    name.size = NAME_SIZE_MAX;
    while (name.size > 0 && utf8_is_tail(name.data[name.size]))
        name.size--; /* not within a character */
    return name;
}

static bool is_event(const struct spoken *spoken, struct slice name)
{
    return spoken->dialect->event_count > 0 && name.size > 0 &&
           text_table_find(&spoken->events, name) != TEXT_TABLE_NONE;
}

/* The sender's name of the event, empty when there is none.  A body names the event only where
 * nothing else does: it may be what a person typed. */
static struct slice find_event_name(struct normalizer *self, const struct spoken *spoken)
{
    struct mapping *m = &self->mapping;
    const struct any_view *body = &m->record.body;
    struct slice name = text_of(m, self->event_name_id);
    if (m->input->hook != NULL)
        return cut_name(hook_fields_event_name(m, m->input->hook));
    if (m->trusts_sender && m->input->native_kind.size > 0)
        name = m->input->native_kind;
    if (name.size == 0 && is_event(spoken, m->record.event_name))
        name = m->record.event_name;
    if (name.size == 0 && body->type == ANY_TYPE_STRING && is_event(spoken, body->bytes))
        name = body->bytes;
    if (name.size == 0 && !is_call_site(m->record.event_name))
        name = m->record.event_name;
    if (spoken->dialect->full_name != NULL)
        name = spoken->dialect->full_name(m, cut_name(name));
    return cut_name(name);
}

/* --- What every record has ---------------------------------------------------------------------
 */

/* Returns false when there is no row for it, which is so for spans only. */
static bool apply_dialect(struct mapping *m, const struct spoken *spoken, struct slice name)
{
    const struct dialect *dialect = spoken->dialect;
    const struct dialect_event *event = dialect->otherwise;
    uint16_t row = dialect->event_count > 0 ? text_table_find(&spoken->events, name)
                                            : (uint16_t)TEXT_TABLE_NONE;
    if (row != TEXT_TABLE_NONE)
        event = &dialect->events[row];
    if (dialect->refine != NULL)
        event = dialect->refine(m, event);
    if (event == NULL)
        return false;
    m->kind = event->kind;
    m->phase = event->phase;
    m->outcome = event->outcome;
    m->classification = event->classification;
    m->role = ROLE_UNKNOWN;
    m->severity = 0;
    m->has_note = false;
    m->has_decision = false;
    dialect_apply_rules(m, dialect->rules, dialect->rule_count);
    dialect_apply_rules(m, event->rules, event->rule_count);
    if (dialect->finish != NULL)
        dialect->finish(m);
    if (event->finish != NULL)
        event->finish(m);
    return true;
}

static void put_number_field(struct mapping *m, uint32_t number, uint64_t value, bool fixed)
{
    uint8_t field[FIELD_ROOM];
    const uint8_t *end =
        fixed ? pb_put_fixed64(field, number, value) : pb_put_uint(field, number, value);
    mapping_put_raw(m, slice_of(field, (size_t)(end - field)));
}

static void put_time_source(struct normalizer *self, enum time_source source, uint64_t time)
{
    mapping_put_word(&self->mapping, KEY_AGENT_TIME_SOURCE, source);
    self->last.has_time = source != TIME_RECEIPT;
    self->last.has_coarse_time = time % UINT64_C(1000000000) == 0;
}

static void put_hook_time(struct normalizer *self)
{
    struct mapping *m = &self->mapping;
    const struct normalize_hook *hook = m->input->hook;
    uint64_t time = 0;
    enum time_source source = TIME_HOOK;
    struct slice stamp = hook_fields_timestamp(m);
    if (stamp.size > 0 && !rfc3339_read(stamp, &time))
        mapping_error(m, SLICE("timestamp"));
    if (time == 0) {
        source = hook->unix_nano != 0 ? TIME_RECORD : TIME_RECEIPT;
        time = hook->unix_nano != 0 ? hook->unix_nano : m->input->received_unix_nano;
    }
    put_number_field(m, RECORD_TIME_UNIX_NANO, time, true);
    put_number_field(m, RECORD_OBSERVED_TIME_UNIX_NANO, m->input->received_unix_nano, true);
    put_time_source(self, source, time);
}

static void put_time(struct normalizer *self)
{
    struct mapping *m = &self->mapping;
    if (m->input->hook != NULL) {
        put_hook_time(self);
        return;
    }
    struct slice stamp = text_of(m, self->event_timestamp_id);
    uint64_t received = m->input->received_unix_nano;
    uint64_t time = m->record.time_unix_nano;
    enum time_source source = TIME_RECORD;
    if (time == 0) {
        source = TIME_ATTRIBUTE;
        if (stamp.size > 0 && !rfc3339_read(stamp, &time))
            mapping_error(m, SLICE("event.timestamp"));
        if (time == 0) {
            source = m->record.observed_time_unix_nano != 0 ? TIME_OBSERVED : TIME_RECEIPT;
            time = source == TIME_OBSERVED ? m->record.observed_time_unix_nano : received;
        }
        put_number_field(m, RECORD_TIME_UNIX_NANO, time, true);
    }
    if (m->record.observed_time_unix_nano == 0)
        put_number_field(m, RECORD_OBSERVED_TIME_UNIX_NANO, received, true);
    put_time_source(self, source, time);
}

static void put_severity(struct mapping *m)
{
    static const uint8_t of_outcome[] = {
        [OUTCOME_SUCCESS] = 9,    [OUTCOME_FAILURE] = 17, [OUTCOME_DENIED] = 13,
        [OUTCOME_CANCELLED] = 13, [OUTCOME_TIMEOUT] = 13, [OUTCOME_PENDING] = 9,
        [OUTCOME_UNKNOWN] = 9,
    };
    uint32_t severity = m->severity != 0 ? m->severity : of_outcome[m->outcome];
    mapping_put_int(m, KEY_AGENT_SEVERITY, severity);
    if (m->record.severity_number == 0)
        put_number_field(m, RECORD_SEVERITY_NUMBER, severity, false);
}

static size_t put_hex(char *out, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        *out++ = digits[bytes.data[i] >> 4];
        *out++ = digits[bytes.data[i] & 15];
    }
    return 2 * bytes.size;
}

static void put_name(struct mapping *m, struct slice name)
{
    struct slice present = m->record.event_name;
    mapping_put_text(m, KEY_AGENT_DIALECT_EVENT, name.size > 0 ? name : SLICE("unknown"));
    if (name.size == 0 || (present.size > 0 && !is_call_site(present)))
        return;
    if (present.size > 0)
        mapping_put_text(m, KEY_AGENT_ORIGINAL_EVENT_NAME, present);
    uint8_t field[NAME_SIZE_MAX + FIELD_ROOM];
    const uint8_t *end = pb_put_bytes(field, RECORD_EVENT_NAME, name);
    mapping_put_raw(m, slice_of(field, (size_t)(end - field)));
}

/* What was made from a span is named after what it is, and says which span. */
static void put_derived(struct mapping *m, struct slice name)
{
    enum {
        PREFIX_SIZE = 5,
        FROM_SIZE = PREFIX_SIZE + 2 * TRACE_ID_SIZE + 1 + 2 * SPAN_ID_SIZE + 1
    };
    const struct span_view *span = m->span->span;
    char event[PREFIX_SIZE + NAME_SIZE_MAX] = "span:", from[FROM_SIZE] = "span:";
    if (name.size > 0)
        memcpy(event + PREFIX_SIZE, name.data, name.size);
    mapping_put_text(m, KEY_AGENT_DIALECT_EVENT, slice_of(event, PREFIX_SIZE + name.size));

    size_t size = PREFIX_SIZE;
    size += put_hex(from + size, span->trace_id);
    from[size++] = '/';
    size += put_hex(from + size, span->span_id);
    mapping_put_bool(m, KEY_AGENT_DERIVED, true);
    mapping_put_text(m, KEY_AGENT_DERIVED_FROM, slice_of(from, size));
    if (span->start_time_unix_nano != 0 && span->end_time_unix_nano >= span->start_time_unix_nano)
        mapping_put_double(m, KEY_AGENT_DURATION_MS,
                           (double)(span->end_time_unix_nano - span->start_time_unix_nano) / 1e6);
    uint8_t field[FIELD_ROOM + NAME_SIZE_MAX];
    const uint8_t *end =
        pb_put_bytes(field, RECORD_EVENT_NAME, slice_of_text(schema_kinds[m->kind].name));
    mapping_put_raw(m, slice_of(field, (size_t)(end - field)));
}

static void put_uid(struct normalizer *self)
{
    char uid[UUID_TEXT_SIZE];
    uuid_source_next(&self->uuids, self->mapping.input->received_unix_nano, uid);
    mapping_put_text(&self->mapping, KEY_LOG_RECORD_UID, slice_of(uid, sizeof(uid)));
}

/* A sender that wrote more keys of ours than can be listed is to be believed in none of them: its
 * id is then the first thing that we write, so that readers see what stands before it. */
static void mark_ours(struct normalizer *self)
{
    if (self->mapping.forges_all)
        put_uid(self);
}

/* The piece that a record of this dialect, transport and kind gets; encoded when the first one
 * comes, for most never come. */
static struct slice fixed_piece(struct normalizer *self, struct spoken *spoken)
{
    struct mapping *m = &self->mapping;
    enum transport transport = m->input->transport;
    size_t *offset = &spoken->fixed_offset[m->kind][transport];
    size_t *size = &spoken->fixed_size[m->kind][transport];

    if (*size == 0 && m->status == ST_OK) {
        struct buf *out = m->out;
        *offset = self->fixed.size;
        m->out = &self->fixed;
        put_fixed(m, spoken->dialect, transport, m->kind);
        m->out = out;
        if (m->status == ST_OK)
            *size = self->fixed.size - *offset;
        else
            self->fixed.size = *offset;
    }
    return slice_of(self->fixed.data + *offset, *size);
}

static void put_common(struct normalizer *self, struct spoken *spoken, struct slice name)
{
    struct mapping *m = &self->mapping;
    enum transport transport = m->input->transport;
    if (spoken->dialect->has_service_version && self->version_size > 0)
        mapping_put_text(m, KEY_AGENT_PRODUCT_VERSION, slice_of(self->version, self->version_size));
    if (m->has_fixed || m->is_odd) {
        put_fixed(m, spoken->dialect, transport, m->kind);
    } else {
        mapping_put_raw(m, fixed_piece(self, spoken));
    }
    mapping_put_word(m, KEY_AGENT_EVENT_PHASE, m->phase);
    mapping_put_word(m, KEY_AGENT_OUTCOME, m->outcome);
    mapping_put_word(m, KEY_AGENT_CLASSIFICATION, m->classification);
    mapping_put_word(m, KEY_AGENT_ROLE, m->role);
    if (m->span != NULL)
        put_derived(m, name);
    else
        put_name(m, name);
    put_severity(m);
    put_time(self);
    if (!m->forges_all)
        put_uid(self);
    mapping_put_sender(m);
    mapping_put_errors(m);
}

/* Reads the record and looks up its keys; after ST_OK end() must follow. */
static enum status begin(struct normalizer *self, const struct normalize_input *input,
                         struct buf *out, struct error *err)
{
    struct mapping *m = &self->mapping;
    enum status st = otlp_read_record(input->record, &m->limits, m->attributes,
                                      m->limits.attribute_count_max, &m->record, err);
    if (st != ST_OK)
        return st;
    m->input = input;
    m->span = NULL;
    m->out = out;
    m->err = err;
    m->status = ST_OK;
    m->trusts_sender =
        input->hook == NULL && (input->transport == TRANSPORT_UNIX_SOCKET ||
                                input->transport == TRANSPORT_INTERNAL || input->is_native);
    buf_clear(&m->scratch);
    if (input->hook != NULL)
        hook_fields_read(m, input->hook);
    mapping_index(m);
    return ST_OK;
}

static enum status end(struct normalizer *self, size_t start, bool made)
{
    struct mapping *m = &self->mapping;
    if (made && m->status == ST_OK && self->source != NULL)
        told_source_fill(self->source, m, start);
    if (made) {
        self->last.kind = m->kind;
        self->last.is_decision = m->outcome == OUTCOME_DENIED || m->has_decision ||
                                 (m->trusts_sender && m->at[KEY_AGENT_DECISION_OUTCOME] != 0);
        if (m->forges_all && m->status == ST_OK)
            metric_add(self->forging, 1);
    }
    mapping_forget(m);
    if (m->status != ST_OK || !made)
        m->out->size = start;
    return m->status;
}

enum status normalize_record(struct normalizer *normalizer, const struct normalize_input *input,
                             struct buf *out, struct error *err)
{
    struct mapping *m = &normalizer->mapping;
    size_t start = out->size;
    enum status st = begin(normalizer, input, out, err);
    if (st != ST_OK)
        return st;
    struct spoken *spoken = find_dialect(normalizer);
    m->source_ids = spoken->source_ids;
    struct slice name = find_event_name(normalizer, spoken);
    mark_ours(normalizer);
    bool made = apply_dialect(m, spoken, name);
    ASSERT(made);
    put_common(normalizer, spoken, name);
    return end(normalizer, start, true);
}

/* What is too long to be written once more stays in the span alone. */
static void list_long_values(struct mapping *m)
{
    for (size_t i = 0; i < m->record.attribute_count; i++) {
        if (m->record.attributes[i].value.encoded.size > MAPPING_COPY_MAX)
            mapping_error(m, m->record.attributes[i].key);
    }
}

enum status normalize_derived(struct normalizer *normalizer, const struct normalize_input *input,
                              const struct span_facts *facts, size_t dialect, struct buf *out,
                              bool *ret_made, struct error *err)
{
    ASSERT(dialect < span_dialect_count);
    struct mapping *m = &normalizer->mapping;
    struct spoken *spoken = &normalizer->spans[dialect];
    size_t start = out->size;
    enum status st = begin(normalizer, input, out, err);
    if (st != ST_OK)
        return st;
    m->span = facts;
    m->trusts_sender = false;
    m->source_ids = spoken->source_ids;
    list_long_values(m);
    struct slice name = cut_name(facts->span->name);
    mark_ours(normalizer);
    bool made = apply_dialect(m, spoken, name);
    if (made)
        put_common(normalizer, spoken, name);
    st = end(normalizer, start, made);
    if (st == ST_OK)
        *ret_made = made;
    return st;
}

struct normalized_kind normalizer_last(const struct normalizer *normalizer)
{
    return normalizer->last;
}

const struct sequence_note *normalizer_last_note(const struct normalizer *normalizer)
{
    return normalizer->mapping.has_note ? &normalizer->mapping.note : NULL;
}

void normalizer_tell_source(struct normalizer *normalizer, struct normalized_source *source)
{
    normalizer->source = source;
}
