/* SPDX-License-Identifier: Apache-2.0 */
/* otlp.c -- see otlp.h.
 *
 * A field that we know must have its published wire type.  Protobuf would let us take another
 * type as an unknown field, but common receivers refuse the whole request over it, and with it
 * the records of others in the same batch; so we refuse it at the door, and by the same reason
 * look through the attributes of resources and scopes.  The same holds for a trace or span id of
 * another size than the published one, which the JSON mapping cannot say either.
 *
 * A singular field that stands twice: the later one wins.  Values are messages, which protobuf
 * would merge; but receivers differ about what is left of the first one, and some read beyond
 * their memory.  So a second value is refused, as is anything behind an array or a list within
 * one value; nobody writes that to be understood.
 */
#include "wire/otlp.h"

const struct otlp_limits otlp_limits_default = {
    .record_size_max = (size_t)16 << 20,
    .attribute_count_max = 1024,
    .key_size_max = 1024,
    .depth_max = 64,
};

/* --- Values ---------------------------------------------------------------------------- */

static bool is_nesting(const struct any_view *any)
{
    return any->type == ANY_TYPE_ARRAY || any->type == ANY_TYPE_KVLIST;
}

static bool take_any_field(const struct pb_field *field, struct any_view *any)
{
    static const struct {
        enum any_type type;
        enum wire_type wire;
    } known[] = {
        [ANY_STRING] = {ANY_TYPE_STRING, WIRE_BYTES},
        [ANY_BOOL] = {ANY_TYPE_BOOL, WIRE_VARINT},
        [ANY_INT] = {ANY_TYPE_INT, WIRE_VARINT},
        [ANY_DOUBLE] = {ANY_TYPE_DOUBLE, WIRE_FIXED64},
        [ANY_ARRAY] = {ANY_TYPE_ARRAY, WIRE_BYTES},
        [ANY_KVLIST] = {ANY_TYPE_KVLIST, WIRE_BYTES},
        [ANY_BYTES] = {ANY_TYPE_BYTES, WIRE_BYTES},
        [ANY_STRING_STRINDEX] = {ANY_TYPE_NONE, WIRE_VARINT},
    };
    if (field->number >= COUNT_OF(known))
        return true;
    if (field->type != known[field->number].wire || is_nesting(any))
        return false;
    any->type = known[field->number].type;
    any->bytes = field->bytes;
    any->integer = 0;
    any->number = 0;
    if (any->type == ANY_TYPE_INT)
        any->integer = (int64_t)field->value;
    else if (any->type == ANY_TYPE_BOOL)
        any->integer = field->value != 0;
    else if (any->type == ANY_TYPE_DOUBLE)
        memcpy(&any->number, &field->value, sizeof(any->number));
    return true;
}

static bool read_any(struct slice message, struct any_view *any)
{
    *any = (struct any_view){.encoded = message};
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (!take_any_field(&field, any))
            return false;
    }
    return step == PB_END;
}

/* Reads the value of a body or of an attribute, which may stand once. */
static bool read_only_any(const struct pb_field *field, struct any_view *any)
{
    return field->type == WIRE_BYTES && any->encoded.data == NULL && read_any(field->bytes, any);
}

/* The fields of a KeyValue and its AnyValue, in any order and number. */
static bool read_attribute_fields(struct slice key_value, struct attribute_view *attribute)
{
    *attribute = (struct attribute_view){.key = SLICE_EMPTY};
    struct pb_walk walk = pb_walk_start(key_value);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == KEY_VALUE_KEY) {
            if (field.type != WIRE_BYTES)
                return false;
            attribute->key = field.bytes;
        } else if (field.number == KEY_VALUE_VALUE) {
            if (!read_only_any(&field, &attribute->value))
                return false;
        } else if (field.number == KEY_VALUE_KEY_STRINDEX && field.type != WIRE_VARINT) {
            return false;
        }
    }
    return step == PB_END;
}

/* Reads a length of one or two bytes; NULL: it is longer, or there are less than `size_min`
 * bytes behind it.  Three bytes can be read at `at`. */
static inline const uint8_t *read_short_length(const uint8_t *at, const uint8_t *end,
                                               size_t *ret_length)
{
    size_t length = *at++;
    if (length >= 0x80) {
        if (*at >= 0x80)
            return NULL;
        length = (length & 0x7f) | (size_t)*at++ << 7;
    }
    *ret_length = length;
    return length <= (size_t)(end - at) ? at : NULL;
}

/* What nearly every attribute is: a key, then a text or a number, and nothing else.  false: it
 * is something else, or broken; read_attribute_fields() will tell. */
static inline bool read_usual_attribute(struct slice key_value, struct attribute_view *attribute)
{
    enum { TAG_KEY = 0x0a, TAG_VALUE = 0x12, TAG_STRING = 0x0a, TAG_BOOL = 0x10, TAG_INT = 0x18 };
    enum { SIZE_MIN = 6 }; /* what can be looked at before a length is known */
    const uint8_t *at = key_value.data;
    const uint8_t *end = at + key_value.size;
    size_t size;
    if (key_value.size < SIZE_MIN || *at++ != TAG_KEY)
        return false;
    const uint8_t *key = read_short_length(at, end, &size);
    if (key == NULL || (size_t)(end - key) < size + SIZE_MIN - 2 || key[size] != TAG_VALUE)
        return false;
    attribute->key = slice_of(key, size);
    const uint8_t *any = read_short_length(key + size + 1, end, &size);
    if (any == NULL || any + size != end || size < 2)
        return false;
    struct any_view *value = &attribute->value;
    value->encoded = slice_of(any, size);
    value->integer = 0;
    value->number = 0;
    if (*any == TAG_STRING && size >= 4) {
        const uint8_t *text = read_short_length(any + 1, end, &size);
        value->type = ANY_TYPE_STRING;
        value->bytes = slice_of(text, size);
        return text != NULL && text + size == end;
    }
    uint64_t integer = 0;
    unsigned shift = 0;
    for (at = any + 1; at < end - 1 && *at >= 0x80 && shift < 56; shift += 7)
        integer |= (uint64_t)(*at++ & 0x7f) << shift;
    integer |= (uint64_t)*at << shift;
    value->type = *any == TAG_INT ? ANY_TYPE_INT : ANY_TYPE_BOOL;
    value->bytes = SLICE_EMPTY;
    value->integer = *any == TAG_INT ? (int64_t)integer : integer != 0;
    return at == end - 1 && *at < 0x80 && (*any == TAG_INT || *any == TAG_BOOL);
}

static inline bool read_attribute(struct slice key_value, struct attribute_view *attribute)
{
    return read_usual_attribute(key_value, attribute) ||
           read_attribute_fields(key_value, attribute);
}

enum status otlp_read_any(struct slice any_value, struct any_view *ret, struct error *err)
{
    if (!read_any(any_value, ret))
        return error_set(err, ST_CORRUPT, "not an AnyValue");
    return ST_OK;
}

enum status otlp_read_attribute(struct slice key_value, struct attribute_view *ret,
                                struct error *err)
{
    if (!read_attribute(key_value, ret))
        return error_set(err, ST_CORRUPT, "not a KeyValue");
    return ST_OK;
}

/* Looks through the values within an array or a list, `depth_left` levels of them. */
static enum status check_inner(const struct any_view *any, uint32_t depth_left, struct error *err)
{
    struct pb_walk walk = pb_walk_start(any->bytes);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number != LIST_VALUES)
            continue;
        struct attribute_view inner;
        bool good = field.type == WIRE_BYTES &&
                    (any->type == ANY_TYPE_ARRAY ? read_any(field.bytes, &inner.value)
                                                 : read_attribute(field.bytes, &inner));
        if (!good)
            return error_set(err, ST_CORRUPT, "a value within a value is broken");
        if (depth_left == 0)
            return error_set(err, ST_LIMIT, "values are nested too deep");
        enum status st = ST_OK;
        if (is_nesting(&inner.value))
            st = check_inner(&inner.value, depth_left - 1, err);
        if (st != ST_OK)
            return st;
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "a list of values is broken");
}

/* Checks a value whose own fields have been read. */
static inline enum status check_nesting(const struct any_view *any, uint32_t depth_max,
                                        struct error *err)
{
    if (!is_nesting(any))
        return ST_OK;
    /* The stack must hold the recursion whatever the configuration says. */
    uint32_t depth = depth_max < OTLP_DEPTH_MAX ? depth_max : OTLP_DEPTH_MAX;
    return check_inner(any, depth > 0 ? depth - 1 : 0, err);
}

/* --- Records --------------------------------------------------------------------------- */

/* How much of a key is shown in a message. */
static int shown_size(struct slice key)
{
    return key.size < 64 ? (int)key.size : 64;
}

enum status otlp_take_attribute(const struct pb_field *field, const struct otlp_limits *limits,
                                size_t attribute_max, struct attribute_view *attributes,
                                size_t *count, struct error *err)
{
    if (field->type != WIRE_BYTES)
        return error_set(err, ST_CORRUPT, "attribute %zu is no message", *count);
    if (*count >= attribute_max)
        return error_set(err, ST_LIMIT, "more than %zu attributes", attribute_max);
    struct attribute_view *attribute = &attributes[*count];
    if (!read_attribute(field->bytes, attribute))
        return error_set(err, ST_CORRUPT, "attribute %zu is broken", *count);
    if (attribute->key.size > limits->key_size_max) {
        return error_set(err, ST_LIMIT, "the key '%.*s...' of %zu bytes is over the limit of %zu",
                         shown_size(attribute->key), (const char *)attribute->key.data,
                         attribute->key.size, limits->key_size_max);
    }
    enum status st = check_nesting(&attribute->value, limits->depth_max, err);
    if (st != ST_OK)
        return error_context(err, "attribute '%.*s'", shown_size(attribute->key),
                             (const char *)attribute->key.data);
    ++*count;
    return ST_OK;
}

/* Takes a field that is neither body nor attribute nor id.  false: it has the wrong wire type. */
static bool take_scalar(const struct pb_field *field, struct record_view *record)
{
    switch (field->number) {
    case RECORD_TIME_UNIX_NANO:
        record->time_unix_nano = field->value;
        return field->type == WIRE_FIXED64;
    case RECORD_OBSERVED_TIME_UNIX_NANO:
        record->observed_time_unix_nano = field->value;
        return field->type == WIRE_FIXED64;
    case RECORD_SEVERITY_NUMBER:
        record->severity_number = (uint32_t)field->value;
        return field->type == WIRE_VARINT;
    case RECORD_DROPPED_ATTRIBUTES_COUNT:
        record->dropped_attributes_count = (uint32_t)field->value;
        return field->type == WIRE_VARINT;
    case RECORD_FLAGS:
        record->flags = (uint32_t)field->value;
        return field->type == WIRE_FIXED32;
    case RECORD_SEVERITY_TEXT:
        record->severity_text = field->bytes;
        return field->type == WIRE_BYTES;
    case RECORD_EVENT_NAME:
        record->event_name = field->bytes;
        return field->type == WIRE_BYTES;
    default:
        return true;
    }
}

/* An id is empty, or of its size. */
static enum status take_id(const struct pb_field *field, size_t size, struct slice *ret,
                           struct error *err)
{
    if (field->type != WIRE_BYTES || (field->bytes.size != 0 && field->bytes.size != size))
        return error_set(err, ST_CORRUPT, "field %u of a log record is no id of %zu bytes",
                         field->number, size);
    *ret = field->bytes;
    return ST_OK;
}

/* Takes any field but an attribute. */
static enum status take_head_field(const struct pb_field *field, struct record_view *record,
                                   struct error *err)
{
    if (field->number == RECORD_TRACE_ID)
        return take_id(field, TRACE_ID_SIZE, &record->trace_id, err);
    if (field->number == RECORD_SPAN_ID)
        return take_id(field, SPAN_ID_SIZE, &record->span_id, err);
    if (field->number == RECORD_BODY) {
        if (!read_only_any(field, &record->body))
            return error_set(err, ST_CORRUPT, "the body is broken");
    } else if (!take_scalar(field, record)) {
        return error_set(err, ST_CORRUPT, "field %u of a log record has wire type %d",
                         field->number, (int)field->type);
    }
    return ST_OK;
}

static enum status broken_record(struct slice record, struct pb_walk walk, struct error *err)
{
    return error_set(err, ST_CORRUPT, "the log record breaks off at byte %zu",
                     record.size - walk.rest.size);
}

enum status otlp_read_record(struct slice record, const struct otlp_limits *limits,
                             struct attribute_view *attributes, size_t attribute_max,
                             struct record_view *ret, struct error *err)
{
    if (record.size > limits->record_size_max)
        return error_set(err, ST_LIMIT, "a record of %zu bytes is over the limit of %zu",
                         record.size, limits->record_size_max);
    if (attribute_max > limits->attribute_count_max)
        attribute_max = limits->attribute_count_max;
    struct record_view view = {.attributes = attributes};
    struct pb_walk walk = pb_walk_start(record);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        enum status st = field.number == RECORD_ATTRIBUTES
                             ? otlp_take_attribute(&field, limits, attribute_max, attributes,
                                                   &view.attribute_count, err)
                             : take_head_field(&field, &view, err);
        if (st != ST_OK)
            return st;
    }
    if (step != PB_END)
        return broken_record(record, walk, err);
    enum status st = check_nesting(&view.body, limits->depth_max, err);
    if (st != ST_OK)
        return error_context(err, "body");
    *ret = view;
    return ST_OK;
}

enum status otlp_read_record_head(struct slice record, struct record_view *ret, struct error *err)
{
    struct record_view view = {.attributes = NULL};
    struct pb_walk walk = pb_walk_start(record);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == RECORD_ATTRIBUTES) {
            view.attribute_count++;
            continue;
        }
        enum status st = take_head_field(&field, &view, err);
        if (st != ST_OK)
            return st;
    }
    if (step != PB_END)
        return broken_record(record, walk, err);
    *ret = view;
    return ST_OK;
}

/* --- Requests -------------------------------------------------------------------------- */

/* Fields picked from a message.  While they stand side by side, they are a slice of it; the
 * first gap moves them to a buffer. */
struct gathered {
    struct slice fields;
    struct buf copy;
};

struct request_walk {
    const struct otlp_request_visitor *visitor;
    struct gathered request, resource_logs, scope_logs;
};

static void gather_start(struct gathered *gathered)
{
    gathered->fields = SLICE_EMPTY;
    buf_clear(&gathered->copy);
}

static enum status gather(struct gathered *gathered, struct slice whole, struct error *err)
{
    struct slice *fields = &gathered->fields;
    if (fields->size == 0) {
        *fields = whole;
        return ST_OK;
    }
    if (gathered->copy.size == 0) {
        if (fields->data + fields->size == whole.data) {
            fields->size += whole.size;
            return ST_OK;
        }
        enum status st = buf_append(&gathered->copy, fields->data, fields->size, err);
        if (st != ST_OK)
            return st;
    }
    enum status st = buf_append(&gathered->copy, whole.data, whole.size, err);
    if (st == ST_OK)
        *fields = buf_slice(&gathered->copy);
    return st;
}

/* What stands around the children of ResourceLogs and ScopeLogs. */
struct shape {
    const char *name;
    const char *owner_name;
    uint32_t child;         /* the field that is repeated and not gathered */
    uint32_t attributes;    /* within the owner, which is field 1 */
    uint32_t entity_refs;   /* ditto; 0: there are none */
    enum wire_type wire[5]; /* of the owner's fields by number, from 1 */
    uint32_t wire_count;
};

enum { OWNER = 1, SCHEMA_URL = 3 }; /* of ResourceLogs and of ScopeLogs */

static const struct shape resource_logs_shape = {
    .name = "ResourceLogs",
    .owner_name = "resource",
    .child = RESOURCE_LOGS_SCOPE_LOGS,
    .attributes = RESOURCE_ATTRIBUTES,
    .entity_refs = RESOURCE_ENTITY_REFS,
    .wire = {0, WIRE_BYTES, WIRE_VARINT, WIRE_BYTES},
    .wire_count = 4,
};

static const struct shape scope_logs_shape = {
    .name = "ScopeLogs",
    .owner_name = "scope",
    .child = SCOPE_LOGS_LOG_RECORDS,
    .attributes = SCOPE_ATTRIBUTES,
    .wire = {0, WIRE_BYTES, WIRE_BYTES, WIRE_BYTES, WIRE_VARINT},
    .wire_count = 5,
};

static enum status check_owner_attribute(struct slice key_value, struct error *err)
{
    struct attribute_view attribute;
    if (!read_attribute(key_value, &attribute))
        return error_set(err, ST_CORRUPT, "an attribute is broken");
    return check_nesting(&attribute.value, otlp_limits_default.depth_max, err);
}

/* Texts and lists of texts only. */
static enum status check_entity_ref(struct slice entity_ref, struct error *err)
{
    struct pb_walk walk = pb_walk_start(entity_ref);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number <= ENTITY_DESCRIPTION_KEYS && field.type != WIRE_BYTES)
            step = PB_BROKEN;
        if (step == PB_BROKEN)
            break;
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "an entity reference is broken");
}

static enum status check_owner(struct slice owner, const struct shape *shape, struct error *err)
{
    struct pb_walk walk = pb_walk_start(owner);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        enum status st = ST_OK;
        if (field.number < shape->wire_count && field.type != shape->wire[field.number])
            st = error_set(err, ST_CORRUPT, "field %u has wire type %d", field.number,
                           (int)field.type);
        else if (field.number == shape->attributes)
            st = check_owner_attribute(field.bytes, err);
        else if (field.number == shape->entity_refs)
            st = check_entity_ref(field.bytes, err);
        if (st != ST_OK)
            return error_context(err, "%s", shape->owner_name);
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "the %s is cut", shape->owner_name);
}

static enum status gather_field(struct gathered *gathered, const struct pb_field *field,
                                const struct shape *shape, struct error *err)
{
    bool is_known = field->number <= SCHEMA_URL; /* all of BYTES */
    if (is_known && field->type != WIRE_BYTES)
        return error_set(err, ST_CORRUPT, "field %u has wire type %d", field->number,
                         (int)field->type);
    if (field->number == shape->child)
        return ST_OK;
    if (field->number == OWNER) {
        enum status st = check_owner(field->bytes, shape, err);
        if (st != ST_OK)
            return st;
    }
    return gather(gathered, field->whole, err);
}

/* Gathers every field of `message` but the children. */
static enum status gather_around(struct gathered *gathered, struct slice message,
                                 const struct shape *shape, struct error *err)
{
    gather_start(gathered);
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        enum status st = gather_field(gathered, &field, shape, err);
        if (st != ST_OK)
            return error_context(err, "%s", shape->name);
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "the %s are cut", shape->name);
}

static enum status visit_scope_logs(struct request_walk *self, struct slice message,
                                    struct error *err)
{
    enum status st = gather_around(&self->scope_logs, message, &scope_logs_shape, err);
    if (st != ST_OK)
        return st;
    const struct otlp_request_visitor *visitor = self->visitor;
    struct record_group group = {.request_fields = self->request.fields,
                                 .resource_logs_fields = self->resource_logs.fields,
                                 .scope_logs_fields = self->scope_logs.fields};
    st = visitor->on_group(visitor->context, &group, err);
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    while (st == ST_OK && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == SCOPE_LOGS_LOG_RECORDS)
            st = visitor->on_record(visitor->context, field.bytes, err);
    }
    return st;
}

static enum status visit_resource_logs(struct request_walk *self, struct slice message,
                                       struct error *err)
{
    enum status st = gather_around(&self->resource_logs, message, &resource_logs_shape, err);
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    while (st == ST_OK && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RESOURCE_LOGS_SCOPE_LOGS)
            st = visit_scope_logs(self, field.bytes, err);
    }
    return st;
}

static enum status gather_request(struct request_walk *self, struct slice request,
                                  struct error *err)
{
    struct pb_walk walk = pb_walk_start(request);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == REQUEST_RESOURCE_LOGS) {
            if (field.type != WIRE_BYTES)
                return error_set(err, ST_CORRUPT, "resource_logs has wire type %d",
                                 (int)field.type);
            continue;
        }
        enum status st = gather(&self->request, field.whole, err);
        if (st != ST_OK)
            return st;
    }
    return step == PB_END ? ST_OK
                          : error_set(err, ST_CORRUPT, "the request breaks off at byte %zu",
                                      request.size - walk.rest.size);
}

enum status otlp_walk_request(struct slice request, const struct otlp_request_visitor *visitor,
                              struct error *err)
{
    struct request_walk self = {.visitor = visitor};
    buf_init(&self.request.copy, request.size);
    buf_init(&self.resource_logs.copy, request.size);
    buf_init(&self.scope_logs.copy, request.size);
    enum status st = gather_request(&self, request, err);
    struct pb_walk walk = pb_walk_start(request);
    struct pb_field field;
    while (st == ST_OK && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == REQUEST_RESOURCE_LOGS)
            st = visit_resource_logs(&self, field.bytes, err);
    }
    buf_fini(&self.request.copy);
    buf_fini(&self.resource_logs.copy);
    buf_fini(&self.scope_logs.copy);
    return st;
}
