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

#include "util/text_scan.h"

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
HOT_INLINE const uint8_t *read_short_length(const uint8_t *at, const uint8_t *end,
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
HOT_INLINE bool read_usual_attribute(struct slice key_value, struct attribute_view *attribute)
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

enum status otlp_check_attribute(struct slice key_value, struct error *err)
{
    struct attribute_view attribute;
    if (!read_attribute(key_value, &attribute))
        return error_set(err, ST_CORRUPT, "an attribute is broken");
    return check_nesting(&attribute.value, otlp_limits_default.depth_max, err);
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

/* Takes attributes behind the first `count` as long as they are usual, without making fields of
 * them first; returns how many there are then.  What it leaves is read with more care. */
static inline size_t take_usual_attributes(struct pb_walk *walk, size_t key_size_max,
                                           struct attribute_view *attributes, size_t count,
                                           size_t attribute_max)
{
    enum { TAG_ATTRIBUTE = RECORD_ATTRIBUTES << 3 | WIRE_BYTES, SIZE_MIN = 3 };
    size_t size;

    if (walk->rest.size < SIZE_MIN)
        return count; /* there may be no bytes to point to */
    const uint8_t *at = walk->rest.data;
    const uint8_t *end = at + walk->rest.size;
    while (count < attribute_max && end - at >= SIZE_MIN && *at == TAG_ATTRIBUTE) {
        const uint8_t *key_value = read_short_length(at + 1, end, &size);
        if (key_value == NULL ||
            !read_usual_attribute(slice_of(key_value, size), &attributes[count]) ||
            attributes[count].key.size > key_size_max)
            break;
        count++;
        at = key_value + size;
    }
    walk->rest = slice_of(at, (size_t)(end - at));
    return count;
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
    for (;;) {
        view.attribute_count = take_usual_attributes(&walk, limits->key_size_max, attributes,
                                                     view.attribute_count, attribute_max);
        step = pb_next(&walk, &field);
        if (step != PB_FIELD)
            break;
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
