/* SPDX-License-Identifier: Apache-2.0 */
/* json_value.c -- see json_value.h.
 *
 * The scanner measures a string before it is copied, so the lengths around it are known when the
 * first byte of them is written.  Nearly all attributes are shorter than 128 bytes, and have three
 * lengths of one byte: they take the path that is spelled out and inlined below.  Only arrays, and
 * the objects within them, go through nest.h.
 *
 * Long keys over many leaves make the output longer than the input; so the room is checked for
 * each attribute, and the limit of the message with it.
 */
#include "wire/json_value.h"

#include "util/le.h"
#include "util/utf8.h"

enum {
    SHOWN_KEY_MAX = 64,
    ONE_BYTE_MAX = 127,
    /* Tag and length of a field, three of them, as they are in nearly all attributes. */
    SHORT_HEADERS_SIZE = 6,
};

void json_values_init(struct json_values *values, struct slice text,
                      const struct otlp_limits *limits, struct error *err)
{
    /* Field by field: the path is large, and none of it is read before it is written. */
    values->scan = json_scan_start(text);
    values->limits = limits;
    values->err = err;
    values->depth_max = limits->depth_max < OTLP_DEPTH_MAX ? limits->depth_max : OTLP_DEPTH_MAX;
    values->attribute_count = 0;
    values->path_depth = 0;
    values->path_size = 0;
    memset(values->path, 0, JSON_TEXT_SLACK); /* an empty path is copied as that many bytes */
}

void json_target_init(struct json_target *target, struct buf *out, uint32_t number, size_t size_max,
                      const char *name)
{
    ASSERT(number > 0 && number < 16);
    *target = (struct json_target){.number = number,
                                   .start = out->size,
                                   .size_max = size_max,
                                   .room_end = out->size,
                                   .name = name};
    nest_init(&target->nest, out);
}

void json_target_fini(struct json_target *target)
{
    if (target->nest.gaps != NULL)
        nest_fini(&target->nest);
}

/* --- Failures ----------------------------------------------------------------------------- */

static size_t byte_offset(const struct json_values *values)
{
    return (size_t)(values->scan.at - values->scan.start);
}

static enum status scan_failed(struct json_values *values)
{
    return json_report(&values->scan, values->err);
}

enum status json_values_fail(struct json_values *values, enum status status, const char *reason)
{
    return error_set(values->err, status, "byte %zu: %s", byte_offset(values), reason);
}

/* A key as a message shows it: as much as fits, whole characters; and since messages come to
 * terminals, each character that acts there stands as a question mark. */
struct shown_key {
    char text[SHOWN_KEY_MAX + 1];
};

static struct shown_key show_key(const struct json_text *key)
{
    const uint8_t *end = key->raw + key->raw_size;
    struct shown_key shown;
    size_t used = 0;

    for (const uint8_t *at = key->raw; at < end;) {
        size_t size = utf8_size(at, end);
        bool is_safe = size > 0 && !utf8_acts(utf8_code_point(at, size));
        size_t shown_size = is_safe ? size : 1;
        if (used + shown_size > SHOWN_KEY_MAX)
            break;
        memcpy(shown.text + used, is_safe ? at : (const uint8_t *)"?", shown_size);
        used += shown_size;
        at += size > 0 ? size : 1;
    }
    shown.text[used] = '\0';
    return shown;
}

enum status json_key_fail(struct json_values *values, enum status status,
                          const struct json_text *key, const char *reason)
{
    return error_set(values->err, status, "byte %zu: '%s' %s", byte_offset(values),
                     show_key(key).text, reason);
}

enum status json_key_over_limit(struct json_values *values, const struct json_text *key,
                                const char *what, size_t limit)
{
    return error_set(values->err, ST_LIMIT, "byte %zu: '%s': %s, the limit is %zu",
                     byte_offset(values), show_key(key).text, what, limit);
}

/* --- Room --------------------------------------------------------------------------------- */

/* Moves room_end, or says which limit is in the way. */
static __attribute__((noinline)) enum status make_room(struct json_target *target, size_t size,
                                                       struct error *err)
{
    struct buf *out = target->nest.out;
    size_t used = nest_size(&target->nest) - target->start;

    if (used > target->size_max || size > target->size_max - used)
        return error_set(err, ST_LIMIT, "the %s is over the limit of %zu bytes", target->name,
                         target->size_max);
    enum status st = buf_reserve(out, size + JSON_TEXT_SLACK, err);
    if (st != ST_OK)
        return st;
    /* What is still to come may fill the buffer, or what is left of the limit. */
    size_t left = target->size_max - used;
    size_t room = buf_room(out) - JSON_TEXT_SLACK;
    target->room_end = out->size + (left < room ? left : room);
    return ST_OK;
}

HOT_INLINE bool has_room(const struct json_target *target, size_t size)
{
    size_t at = target->nest.out->size;
    return at <= target->room_end && size <= target->room_end - at;
}

enum status json_target_reserve(struct json_target *target, size_t size, struct error *err)
{
    return has_room(target, size) ? ST_OK : make_room(target, size, err);
}

enum status json_target_finish(struct json_target *target, struct error *err)
{
    size_t size = nest_size(&target->nest) - target->start;
    if (size > target->size_max)
        return make_room(target, 0, err);
    return nest_finish(&target->nest, err);
}

/* --- Values without values in them -------------------------------------------------------- */

enum scalar_type {
    SCALAR_NULL,
    SCALAR_TEXT,
    SCALAR_BOOL,
    SCALAR_INT,
    SCALAR_DOUBLE,
    SCALAR_EMPTY_LIST
};

struct scalar {
    enum scalar_type type;
    size_t size; /* of the AnyValue; 0 for null */
    struct json_text text;
    uint64_t bits; /* BOOL, INT, DOUBLE: as they are encoded */
};

HOT_INLINE size_t length_size(size_t length)
{
    return length <= ONE_BYTE_MAX ? 1 : pb_varint_size(length);
}

HOT_INLINE uint8_t *put_length(uint8_t *out, uint64_t length)
{
    if (length > ONE_BYTE_MAX)
        return pb_put_varint(out, length);
    *out = (uint8_t)length;
    return out + 1;
}

/* Fields below 16 have a tag of one byte. */
HOT_INLINE uint8_t *put_tag(uint8_t *out, uint32_t number, enum wire_type type)
{
    *out = (uint8_t)(number << 3 | type);
    return out + 1;
}

static bool read_number(struct json_scan *scan, struct scalar *ret)
{
    struct json_number number;
    uint64_t small;

    if (json_read_small_integer(scan, &small)) {
        ret->type = SCALAR_INT;
        ret->bits = small;
        ret->size = 1 + length_size(small);
        return true;
    }
    if (!json_read_number(scan, &number))
        return false;
    if (number.is_integer) {
        ret->type = SCALAR_INT;
        ret->bits = (uint64_t)number.integer;
        ret->size = 1 + length_size(ret->bits);
    } else {
        ret->type = SCALAR_DOUBLE;
        memcpy(&ret->bits, &number.real, sizeof(ret->bits));
        ret->size = 1 + sizeof(ret->bits);
    }
    return true;
}

static bool read_bool(struct json_scan *scan, bool value, struct scalar *ret)
{
    ret->type = SCALAR_BOOL;
    ret->bits = value;
    ret->size = 2;
    return json_read_word(scan, value ? SLICE("true") : SLICE("false"));
}

/* Reads a value that is neither object nor array; `first` is its first byte. */
HOT_INLINE bool read_scalar(struct json_scan *scan, uint8_t first, struct scalar *ret)
{
    switch (first) {
    case '"':
        ret->type = SCALAR_TEXT;
        if (!json_read_text(scan, &ret->text))
            return false;
        ret->size = 1 + length_size(ret->text.size) + ret->text.size;
        return true;
    case 't':
    case 'f':
        return read_bool(scan, first == 't', ret);
    case 'n':
        ret->type = SCALAR_NULL;
        ret->size = 0;
        return json_read_word(scan, SLICE("null"));
    default:
        return read_number(scan, ret);
    }
}

HOT_INLINE uint8_t *put_scalar(uint8_t *out, const struct scalar *scalar)
{
    switch (scalar->type) {
    case SCALAR_NULL:
        return out;
    case SCALAR_TEXT:
        out = put_length(put_tag(out, ANY_STRING, WIRE_BYTES), scalar->text.size);
        return json_text_decode(&scalar->text, out);
    case SCALAR_BOOL:
        return put_length(put_tag(out, ANY_BOOL, WIRE_VARINT), scalar->bits);
    case SCALAR_INT:
        return put_length(put_tag(out, ANY_INT, WIRE_VARINT), scalar->bits);
    case SCALAR_DOUBLE:
        out = put_tag(out, ANY_DOUBLE, WIRE_FIXED64);
        le64_put(out, scalar->bits);
        return out + sizeof(scalar->bits);
    case SCALAR_EMPTY_LIST:
        return put_length(put_tag(out, ANY_KVLIST, WIRE_BYTES), 0);
    }
    return out;
}

/* --- Values within values ----------------------------------------------------------------- */

static enum status append_value(struct json_values *values, struct json_target *target,
                                uint32_t number, uint32_t depth);

/* One member of an object that is a value, as a KeyValue. */
static enum status append_member(struct json_values *values, struct json_target *target,
                                 uint32_t depth)
{
    enum { MEMBERS = 1 }; /* in KeyValueList */
    struct json_text key;
    struct nest_mark member;

    if (!json_read_key(&values->scan, &key))
        return scan_failed(values);
    if (key.size > values->limits->key_size_max)
        return json_key_over_limit(values, &key, "the key is too long",
                                   values->limits->key_size_max);
    if (json_peek(&values->scan) == 'n')
        return json_read_word(&values->scan, SLICE("null")) ? ST_OK : scan_failed(values);
    enum status st = nest_open(&target->nest, MEMBERS, &member, values->err);
    if (st == ST_OK)
        st = json_target_reserve(target, 1 + length_size(key.size) + key.size, values->err);
    if (st != ST_OK)
        return st;
    uint8_t *out = put_tag(json_target_at(target), KEY_VALUE_KEY, WIRE_BYTES);
    json_target_set_end(target, json_text_decode(&key, put_length(out, key.size)));
    st = append_value(values, target, KEY_VALUE_VALUE, depth);
    return st == ST_OK ? nest_close(&target->nest, member, values->err) : st;
}

/* What is in an array or object that is a value; `depth` is that of its elements. */
static enum status append_elements(struct json_values *values, struct json_target *target,
                                   uint8_t open, uint32_t depth)
{
    enum { ELEMENTS = 1 }; /* in ArrayValue */
    uint8_t close = open == '{' ? '}' : ']';
    bool more;

    if (!json_open(&values->scan, open, close, &more))
        return scan_failed(values);
    while (more) {
        enum status st = open == '{' ? append_member(values, target, depth)
                                     : append_value(values, target, ELEMENTS, depth);
        if (st != ST_OK)
            return st;
        if (!json_read_separator(&values->scan, close, &more))
            return scan_failed(values);
    }
    return ST_OK;
}

static enum status append_scalar(struct json_values *values, struct json_target *target,
                                 uint32_t number, uint8_t first)
{
    struct scalar scalar;

    if (!read_scalar(&values->scan, first, &scalar))
        return scan_failed(values);
    size_t size = 1 + length_size(scalar.size) + scalar.size;
    enum status st = json_target_reserve(target, size, values->err);
    if (st != ST_OK)
        return st;
    uint8_t *out = put_tag(json_target_at(target), number, WIRE_BYTES);
    json_target_set_end(target, put_scalar(put_length(out, scalar.size), &scalar));
    return ST_OK;
}

/* `depth` is 1 for the outermost value. */
static enum status append_value(struct json_values *values, struct json_target *target,
                                uint32_t number, uint32_t depth)
{
    uint8_t first = json_peek(&values->scan);
    if (depth > values->depth_max)
        return json_values_fail(values, ST_LIMIT, "nested too deep");
    if (first != '{' && first != '[')
        return append_scalar(values, target, number, first);
    struct nest_mark value;
    struct nest_mark list;
    uint32_t list_number = first == '{' ? ANY_KVLIST : ANY_ARRAY;
    enum status st = nest_open(&target->nest, number, &value, values->err);
    if (st == ST_OK)
        st = nest_open(&target->nest, list_number, &list, values->err);
    if (st == ST_OK)
        st = append_elements(values, target, first, depth + 1);
    if (st == ST_OK)
        st = nest_close(&target->nest, list, values->err);
    if (st == ST_OK)
        st = nest_close(&target->nest, value, values->err);
    return st;
}

enum status json_append_value(struct json_values *values, struct json_target *target,
                              uint32_t number)
{
    return append_value(values, target, number, 1);
}

/* --- Attributes --------------------------------------------------------------------------- */

static __attribute__((noinline)) enum status attribute_over_limit(struct json_values *values,
                                                                  const struct json_text *key)
{
    const struct otlp_limits *limits = values->limits;

    if (values->attribute_count >= limits->attribute_count_max)
        return json_key_over_limit(values, key, "too many attributes", limits->attribute_count_max);
    return json_key_over_limit(values, key, "the key is too long", limits->key_size_max);
}

HOT_INLINE enum status count_attribute(struct json_values *values, const struct json_text *key)
{
    const struct otlp_limits *limits = values->limits;

    if (values->attribute_count >= limits->attribute_count_max ||
        values->path_size + key->size > limits->key_size_max)
        return attribute_over_limit(values, key);
    values->attribute_count++;
    return ST_OK;
}

enum status json_count_attribute(struct json_values *values, const struct json_text *key)
{
    return count_attribute(values, key);
}

/* The path and the key's own text. */
HOT_INLINE uint8_t *put_key_text(const struct json_values *values, const struct json_text *key,
                                 uint8_t *out)
{
    if (values->path_size <= JSON_TEXT_SLACK)
        memcpy(out, values->path, JSON_TEXT_SLACK);
    else
        memcpy(out, values->path, values->path_size);
    return json_text_decode(key, out + values->path_size);
}

/* An attribute of any size. */
static enum status append_long_attribute(struct json_values *values, struct json_target *target,
                                         const struct json_text *key, const struct scalar *scalar)
{
    size_t key_size = values->path_size + key->size;
    size_t size =
        1 + length_size(key_size) + key_size + 1 + length_size(scalar->size) + scalar->size;

    enum status st = json_target_reserve(target, 1 + length_size(size) + size, values->err);
    if (st != ST_OK)
        return st;
    uint8_t *out = put_tag(json_target_at(target), target->number, WIRE_BYTES);
    out = put_tag(put_length(out, size), KEY_VALUE_KEY, WIRE_BYTES);
    out = put_key_text(values, key, put_length(out, key_size));
    out = put_length(put_tag(out, KEY_VALUE_VALUE, WIRE_BYTES), scalar->size);
    json_target_set_end(target, put_scalar(out, scalar));
    return ST_OK;
}

/* The head of an attribute that takes `size` bytes in all, at most 129; the value follows. */
HOT_INLINE uint8_t *put_short_key(const struct json_values *values,
                                  const struct json_target *target, const struct json_text *key,
                                  size_t size)
{
    uint8_t *out = json_target_at(target);
    out[0] = (uint8_t)(target->number << 3 | WIRE_BYTES);
    out[1] = (uint8_t)(size - 2);
    out[2] = KEY_VALUE_KEY << 3 | WIRE_BYTES;
    out[3] = (uint8_t)(values->path_size + key->size);
    return put_key_text(values, key, out + 4);
}

HOT_INLINE enum status append_scalar_attribute(struct json_values *values,
                                               struct json_target *target,
                                               const struct json_text *key,
                                               const struct scalar *scalar)
{
    enum status st = count_attribute(values, key);
    if (st != ST_OK)
        return st;
    size_t key_size = values->path_size + key->size;
    size_t size = key_size + scalar->size + SHORT_HEADERS_SIZE;
    if (size - 2 > ONE_BYTE_MAX || !has_room(target, size))
        return append_long_attribute(values, target, key, scalar);
    uint8_t *out = put_short_key(values, target, key, size);
    out[0] = KEY_VALUE_VALUE << 3 | WIRE_BYTES;
    out[1] = (uint8_t)scalar->size;
    json_target_set_end(target, put_scalar(out + 2, scalar));
    return ST_OK;
}

static enum status append_array_attribute(struct json_values *values, struct json_target *target,
                                          const struct json_text *key)
{
    size_t key_size = values->path_size + key->size;
    struct nest_mark attribute;

    enum status st = count_attribute(values, key);
    if (st == ST_OK)
        st = nest_open(&target->nest, target->number, &attribute, values->err);
    if (st == ST_OK)
        st = json_target_reserve(target, 1 + length_size(key_size) + key_size, values->err);
    if (st != ST_OK)
        return st;
    uint8_t *out = put_tag(json_target_at(target), KEY_VALUE_KEY, WIRE_BYTES);
    json_target_set_end(target, put_key_text(values, key, put_length(out, key_size)));
    st = append_value(values, target, KEY_VALUE_VALUE, 1);
    return st == ST_OK ? nest_close(&target->nest, attribute, values->err) : st;
}

/* The same for a text, which most are. */
HOT_INLINE enum status append_text_attribute(struct json_values *values, struct json_target *target,
                                             const struct json_text *key)
{
    struct scalar scalar = {.type = SCALAR_TEXT};

    if (!json_read_text(&values->scan, &scalar.text))
        return scan_failed(values);
    enum status st = count_attribute(values, key);
    if (st != ST_OK)
        return st;
    size_t key_size = values->path_size + key->size;
    size_t text_size = scalar.text.size;
    size_t size = key_size + text_size + SHORT_HEADERS_SIZE + 2;
    if (size - 2 > ONE_BYTE_MAX || !has_room(target, size)) {
        scalar.size = 1 + length_size(text_size) + text_size;
        return append_long_attribute(values, target, key, &scalar);
    }
    uint8_t *out = put_short_key(values, target, key, size);
    out[0] = KEY_VALUE_VALUE << 3 | WIRE_BYTES;
    out[1] = (uint8_t)(text_size + 2);
    out[2] = ANY_STRING << 3 | WIRE_BYTES;
    out[3] = (uint8_t)text_size;
    json_target_set_end(target, json_text_decode(&scalar.text, out + 4));
    return ST_OK;
}

static enum status flatten(struct json_values *values, struct json_target *target,
                           const struct json_text *key);

HOT_INLINE enum status append_attribute(struct json_values *values, struct json_target *target,
                                        const struct json_text *key)
{
    uint8_t first = json_peek(&values->scan);
    if (first == '"')
        return append_text_attribute(values, target, key);
    if (first == '{')
        return flatten(values, target, key);
    if (first == '[')
        return append_array_attribute(values, target, key);
    struct scalar scalar;
    if (!read_scalar(&values->scan, first, &scalar))
        return scan_failed(values);
    if (scalar.type == SCALAR_NULL)
        return ST_OK;
    return append_scalar_attribute(values, target, key, &scalar);
}

enum status json_append_attribute(struct json_values *values, struct json_target *target,
                                  const struct json_text *key)
{
    return append_attribute(values, target, key);
}

/* The members of an object that has some; its brace has been read. */
static enum status append_members(struct json_values *values, struct json_target *target)
{
    bool more = true;

    while (more) {
        struct json_text key;
        if (!json_read_key(&values->scan, &key))
            return scan_failed(values);
        enum status st = append_attribute(values, target, &key);
        if (st != ST_OK)
            return st;
        if (!json_read_separator(&values->scan, '}', &more))
            return scan_failed(values);
    }
    return ST_OK;
}

/* Puts `key` and a dot behind the path. */
static enum status enter(struct json_values *values, const struct json_text *key)
{
    size_t key_size_max = values->limits->key_size_max;
    size_t path_max = key_size_max < JSON_PATH_MAX ? key_size_max : JSON_PATH_MAX;

    if (values->path_depth + 1 >= values->depth_max)
        return json_key_over_limit(values, key, "nested too deep", values->depth_max);
    if (values->path_size + key->size + 1 > path_max)
        return json_key_over_limit(values, key, "the key is too long", path_max);
    uint8_t *end = json_text_decode(key, values->path + values->path_size);
    *end = '.';
    values->path_size += key->size + 1;
    values->path_depth++;
    return ST_OK;
}

static enum status flatten(struct json_values *values, struct json_target *target,
                           const struct json_text *key)
{
    bool any;

    if (!json_open(&values->scan, '{', '}', &any))
        return scan_failed(values);
    if (!any) {
        struct scalar empty = {.type = SCALAR_EMPTY_LIST, .size = 2};
        return append_scalar_attribute(values, target, key, &empty);
    }
    size_t path_size = values->path_size;
    enum status st = enter(values, key);
    if (st == ST_OK)
        st = append_members(values, target);
    if (st != ST_OK)
        return st; /* nothing more is read, so the path may stay as it is */
    values->path_size = path_size;
    values->path_depth--;
    return ST_OK;
}

enum status json_append_attributes(struct json_values *values, struct json_target *target)
{
    bool any;

    if (!json_open(&values->scan, '{', '}', &any))
        return scan_failed(values);
    return any ? append_members(values, target) : ST_OK;
}
