/* SPDX-License-Identifier: Apache-2.0 */
/* omission.c -- see omission.h.
 *
 * A message is looked through first; one without content, the usual case of groups, is passed on as
 * it is.  The others are copied field by field.  What is left out is noted on the way and told at
 * the end of the message that has attributes for it: the record, the resource or the scope.
 *
 * A message within a message is written behind the room that its header may need at most, and then
 * moved up to it. */
#include "deliver/omission.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/otlp_span.h"

enum { HEADER_MAX = PB_TAG_MAX + PB_VARINT_MAX, PARTS_MAX = 3, BYTES_KEEP = 1 << 20 };

static const char state_key[] = "agent.content.state";
static const char keys_key[] = "agent.content.omitted";
static const char bytes_key[] = "agent.content.omitted_bytes";

struct shape;

struct part {
    uint32_t number; /* of the field; 0: none */
    const struct shape *shape;
};

/* Where a message has content. */
struct shape {
    uint32_t attributes;      /* number of the field; 0: none */
    uint32_t content;         /* a field that is content; 0: none */
    const char *content_name; /* as it is told */
    const char *prefix;       /* in front of the keys of its attributes, as they are told */
    bool tells;               /* in its attributes, what was left out of it and its parts */
    struct part parts[PARTS_MAX];
};

static const struct shape event_shape = {.attributes = SPAN_EVENT_ATTRIBUTES, .prefix = "events."};
static const struct shape link_shape = {.attributes = SPAN_LINK_ATTRIBUTES, .prefix = "links."};
static const struct shape status_shape = {
    .content = SPAN_STATUS_MESSAGE, .content_name = "status.message", .prefix = ""};
static const struct shape resource_shape = {
    .attributes = RESOURCE_ATTRIBUTES, .prefix = "", .tells = true};
static const struct shape scope_shape = {
    .attributes = SCOPE_ATTRIBUTES, .prefix = "", .tells = true};

static const struct shape log_shape = {.attributes = RECORD_ATTRIBUTES,
                                       .content = RECORD_BODY,
                                       .content_name = "body",
                                       .prefix = "",
                                       .tells = true};
static const struct shape span_shape = {.attributes = SPAN_ATTRIBUTES,
                                        .prefix = "",
                                        .tells = true,
                                        .parts = {{SPAN_EVENTS, &event_shape},
                                                  {SPAN_LINKS, &link_shape},
                                                  {SPAN_STATUS, &status_shape}}};
/* The fields around records have the same numbers for all signals. */
static const struct shape around_resource = {.prefix = "",
                                             .parts = {{RESOURCE_LOGS_RESOURCE, &resource_shape}}};
static const struct shape around_scope = {.prefix = "",
                                          .parts = {{SCOPE_LOGS_SCOPE, &scope_shape}}};

static const struct shape *part_of(const struct shape *shape, const struct pb_field *field)
{
    for (size_t i = 0; i < PARTS_MAX && shape->parts[i].number != 0; i++) {
        if (field->type == WIRE_BYTES && shape->parts[i].number == field->number)
            return shape->parts[i].shape;
    }
    return NULL;
}

/* --- Looking ---------------------------------------------------------------------------------- */

/* Behind any number of agent.norm. */
static struct slice plain_key(struct slice key)
{
    const struct slice prefix = SLICE("agent.norm.");

    while (slice_starts_with(key, prefix))
        key = slice_from(key, prefix.size);
    return key;
}

struct attribute {
    struct slice key, value; /* the last of each, as readers take them */
    bool is_content;         /* by a key of it, or one within its value */
};

static bool has_content_within(const struct omission *self, struct slice any, unsigned depth);

static struct attribute read_attribute(const struct omission *self, struct slice bytes,
                                       unsigned depth)
{
    struct attribute attribute = {.is_content = depth > OTLP_DEPTH_MAX};
    struct pb_walk walk = pb_walk_start(bytes);
    struct pb_field field;
    enum pb_step step;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == KEY_VALUE_KEY && field.type == WIRE_BYTES) {
            attribute.key = field.bytes;
            attribute.is_content = attribute.is_content || self->is_content(field.bytes);
        } else if (field.number == KEY_VALUE_VALUE && field.type == WIRE_BYTES) {
            attribute.value = field.bytes;
            attribute.is_content =
                attribute.is_content || has_content_within(self, field.bytes, depth);
        } else if (field.number == KEY_VALUE_KEY_STRINDEX) {
            attribute.is_content = true; /* nobody knows its key */
        }
    }
    attribute.is_content = attribute.is_content || step == PB_BROKEN;
    return attribute;
}

/* A list of keys and values that has one of content, anywhere in it. */
static bool has_content_within(const struct omission *self, struct slice any, unsigned depth)
{
    struct pb_walk walk = pb_walk_start(any);
    struct pb_field field;
    struct pb_field item;

    if (depth > OTLP_DEPTH_MAX)
        return true;
    while (pb_next(&walk, &field) == PB_FIELD) {
        bool is_list = field.number == ANY_ARRAY || field.number == ANY_KVLIST;
        if (!is_list || field.type != WIRE_BYTES)
            continue;
        struct pb_walk items = pb_walk_start(field.bytes);
        while (pb_next(&items, &item) == PB_FIELD) {
            if (item.number != LIST_VALUES || item.type != WIRE_BYTES)
                continue;
            bool found = field.number == ANY_KVLIST
                             ? read_attribute(self, item.bytes, depth + 1).is_content
                             : has_content_within(self, item.bytes, depth + 1);
            if (found)
                return true;
        }
    }
    return false;
}

/* The text of an AnyValue, if it is one. */
static bool read_text(struct slice any, struct slice *ret)
{
    struct pb_walk walk = pb_walk_start(any);
    struct pb_field field;
    bool found = false;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == ANY_STRING && field.type == WIRE_BYTES) {
            *ret = field.bytes;
            found = true;
        }
    }
    return found;
}

/* It says that the content is there. */
static bool is_stale_state(const struct attribute *attribute)
{
    struct slice text = SLICE_EMPTY;

    return slice_equal(plain_key(attribute->key), slice_of_text(state_key)) &&
           read_text(attribute->value, &text) &&
           (slice_equal(text, SLICE("present")) || slice_equal(text, SLICE("truncated")));
}

static bool has_content(const struct omission *self, const struct shape *shape,
                        struct slice message)
{
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    enum pb_step step;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        const struct shape *part = part_of(shape, &field);
        if (shape->content != 0 && field.number == shape->content)
            return true;
        if (part != NULL && has_content(self, part, field.bytes))
            return true;
        if (shape->attributes == 0 || field.number != shape->attributes || field.type != WIRE_BYTES)
            continue;
        struct attribute attribute = read_attribute(self, field.bytes, 0);
        if (attribute.is_content || is_stale_state(&attribute))
            return true;
    }
    return step == PB_BROKEN;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void note(struct omission *self, const char *prefix, struct slice key, uint64_t size)
{
    self->omitted_bytes += size;
    if (self->note_count == OMISSION_KEYS_MAX)
        return;
    if (key.size > OMISSION_KEY_SIZE_MAX)
        key.size = OMISSION_KEY_SIZE_MAX;
    self->notes[self->note_count++] = (struct omission_note){prefix, key, size};
}

/* Says at the end of a message what is no longer in it. */
static enum status tell(struct omission *self, uint32_t number, struct error *err)
{
    enum { TEXT_MAX = OMISSION_KEY_SIZE_MAX + 48 };
    char texts[OMISSION_KEYS_MAX][TEXT_MAX];
    struct slice values[OMISSION_KEYS_MAX];

    if (self->note_count == 0)
        return ST_OK;
    for (size_t i = 0; i < self->note_count; i++) {
        const struct omission_note *one = &self->notes[i];
        int size = snprintf(texts[i], TEXT_MAX, "%s%.*s=%llu", one->prefix, SLICE_ARG(one->key),
                            (unsigned long long)one->size);
        values[i] = slice_of(texts[i], size < TEXT_MAX ? (size_t)size : TEXT_MAX - 1);
    }
    enum status st = pb_append_texts(&self->bytes, number, slice_of_text(keys_key), values,
                                     self->note_count, err);
    if (st == ST_OK)
        st = pb_append_int(&self->bytes, number, slice_of_text(bytes_key),
                           (int64_t)self->omitted_bytes, err);
    return st;
}

static uint64_t size_of_value(struct slice any)
{
    struct slice text = SLICE_EMPTY;

    return read_text(any, &text) ? text.size : any.size;
}

static enum status copy_attribute(struct omission *self, const struct shape *shape,
                                  const struct pb_field *field, struct error *err)
{
    struct attribute attribute = read_attribute(self, field->bytes, 0);
    struct slice plain = plain_key(attribute.key);

    if (attribute.is_content) {
        note(self, shape->prefix, attribute.key, size_of_value(attribute.value));
        return ST_OK;
    }
    if (is_stale_state(&attribute))
        return pb_append_text(&self->bytes, field->number, attribute.key,
                              SLICE("redacted_by_collector"), err);
    if (slice_equal(plain, slice_of_text(keys_key)) || slice_equal(plain, slice_of_text(bytes_key)))
        return ST_OK; /* of an earlier hop, or forged: ours is about what goes out */
    return buf_append(&self->bytes, field->whole.data, field->whole.size, err);
}

static enum status copy_message(struct omission *self, const struct shape *shape,
                                struct slice message, struct error *err);

/* Writes a message as a field: behind its header, whose size is known afterwards. */
static enum status copy_part(struct omission *self, const struct shape *shape,
                             const struct pb_field *field, struct error *err)
{
    size_t start = self->bytes.size;
    uint8_t header[HEADER_MAX];

    enum status st = copy_message(self, shape, field->bytes, err);
    if (st != ST_OK)
        return st;
    size_t size = self->bytes.size - start;
    size_t header_size = (size_t)(pb_put_header(header, field->number, size) - header);
    st = buf_reserve(&self->bytes, header_size, err);
    if (st != ST_OK)
        return st;
    uint8_t *at = self->bytes.data + start;
    memmove(at + header_size, at, size);
    memcpy(at, header, header_size);
    self->bytes.size += header_size;
    return ST_OK;
}

static enum status copy_field(struct omission *self, const struct shape *shape,
                              const struct pb_field *field, struct error *err)
{
    const struct shape *part = part_of(shape, field);

    if (shape->content != 0 && field->number == shape->content) {
        note(self, "", slice_of_text(shape->content_name),
             shape->content == RECORD_BODY ? size_of_value(field->bytes) : field->bytes.size);
        return ST_OK;
    }
    if (part != NULL && has_content(self, part, field->bytes))
        return copy_part(self, part, field, err);
    if (shape->attributes != 0 && field->number == shape->attributes && field->type == WIRE_BYTES)
        return copy_attribute(self, shape, field, err);
    return buf_append(&self->bytes, field->whole.data, field->whole.size, err);
}

static enum status copy_message(struct omission *self, const struct shape *shape,
                                struct slice message, struct error *err)
{
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    enum pb_step step;
    enum status st = ST_OK;

    if (shape->tells) {
        self->note_count = 0;
        self->omitted_bytes = 0;
    }
    while (st == ST_OK && (step = pb_next(&walk, &field)) != PB_END) {
        if (step == PB_BROKEN) {
            note(self, "", SLICE("undecodable"), walk.rest.size);
            break;
        }
        st = copy_field(self, shape, &field, err);
    }
    if (st == ST_OK && shape->tells)
        st = tell(self, shape->attributes, err);
    return st;
}

/* --- A batch ---------------------------------------------------------------------------------- */

void omission_init(struct omission *self)
{
    *self = (struct omission){.is_content = NULL};
    buf_init(&self->bytes, SIZE_MAX / 2); /* bounded by the batch and what is told of it */
}

void omission_fini(struct omission *self)
{
    buf_fini(&self->bytes);
    free(self->records);
    free(self->groups);
    *self = (struct omission){.is_content = NULL};
}

static enum status reserve(struct omission *self, const struct batch *batch, struct error *err)
{
    if (batch->record_count > self->record_capacity) {
        free(self->records);
        self->records = calloc(batch->record_count, sizeof(*self->records));
        self->record_capacity = self->records != NULL ? batch->record_count : 0;
    }
    if (batch->group_count > self->group_capacity) {
        free(self->groups);
        self->groups = calloc(batch->group_count, sizeof(*self->groups));
        self->group_capacity = self->groups != NULL ? batch->group_count : 0;
    }
    if (self->record_capacity < batch->record_count || self->group_capacity < batch->group_count)
        return error_set(err, ST_NO_MEMORY, "leave the content of %zu records out",
                         batch->record_count);
    return ST_OK;
}

/* Gives the message without content: itself, or, with data NULL, that many bytes more of ours. */
static enum status clean(struct omission *self, const struct shape *shape, struct slice message,
                         struct slice *ret, struct error *err)
{
    size_t start = self->bytes.size;

    *ret = message;
    if (shape == NULL || !has_content(self, shape, message))
        return ST_OK;
    enum status st = copy_message(self, shape, message, err);
    *ret = slice_of(NULL, self->bytes.size - start);
    return st;
}

static void place(struct omission *self, struct slice *slice, size_t *offset)
{
    if (slice->data != NULL)
        return;
    slice->data = self->bytes.data != NULL ? self->bytes.data + *offset : (const uint8_t *)"";
    *offset += slice->size;
}

static enum status clean_all(struct omission *self, const struct batch *batch, struct error *err)
{
    static const struct shape *const shapes[SIGNAL_COUNT] = {
        [SIGNAL_LOGS] = &log_shape, [SIGNAL_TRACES] = &span_shape};
    enum status st = ST_OK;

    for (size_t i = 0; i < batch->group_count && st == ST_OK; i++) {
        const struct record_group *from = &batch->groups[i];
        self->groups[i] = *from;
        st = clean(self, &around_resource, from->resource_logs_fields,
                   &self->groups[i].resource_logs_fields, err);
        if (st == ST_OK)
            st = clean(self, &around_scope, from->scope_logs_fields,
                       &self->groups[i].scope_logs_fields, err);
    }
    for (size_t i = 0; i < batch->record_count && st == ST_OK; i++) {
        const struct record *from = &batch->records[i];
        self->records[i] = *from;
        st = clean(self, shapes[batch->groups[from->group_index].signal], from->bytes,
                   &self->records[i].bytes, err);
    }
    return st;
}

enum status omission_apply(struct omission *self, omission_rule *is_content,
                           const struct batch *batch, struct batch *ret, struct error *err)
{
    size_t offset = 0;

    self->is_content = is_content;
    buf_trim(&self->bytes, BYTES_KEEP);
    enum status st = reserve(self, batch, err);
    if (st == ST_OK)
        st = clean_all(self, batch, err);
    if (st != ST_OK)
        return st;
    *ret = *batch;
    ret->records = self->records;
    ret->groups = self->groups;
    ret->size_bytes = 0;
    for (size_t i = 0; i < batch->group_count; i++) {
        struct record_group *group = &self->groups[i];
        place(self, &group->resource_logs_fields, &offset);
        place(self, &group->scope_logs_fields, &offset);
        ret->size_bytes += group->request_fields.size + group->resource_logs_fields.size +
                           group->scope_logs_fields.size;
    }
    for (size_t i = 0; i < batch->record_count; i++) {
        place(self, &self->records[i].bytes, &offset);
        ret->size_bytes += self->records[i].bytes.size;
    }
    return ST_OK;
}
