/* SPDX-License-Identifier: Apache-2.0 */
/* native_json.c -- see native_json.h.
 *
 * One pass, no tree.  The scanner measures a string before it is copied, so an attribute's three
 * lengths are known when its first byte is written; only arrays and the objects within them go
 * through nest.h.  Fields come in the order of the line.
 *
 * A flattened key is never put together: the objects around it stand on `path`, and their keys are
 * copied straight into the record.  So a long key over many leaves costs output, not memory, and
 * output is checked against the record's limit before each attribute.
 *
 * What the header leaves open, decided here:
 * - an empty object among the attributes is an attribute with an empty list, so that it is seen;
 * - null within an array is an empty value, so that the others keep their places; null within an
 *   object within an array is left out, as among the attributes;
 * - of the same attribute twice both are kept, but "kind" or another key with a meaning of its own
 *   twice is refused: a sender must not be able to show two readers two different events;
 * - a severity given as a number has no text.
 */
#include "wire/native_json.h"

#include "util/le.h"
#include "util/text_scan.h"
#include "wire/json_scan.h"
#include "wire/nest.h"
#include "wire/rfc3339.h"

enum {
    EVENT_NAME_MAX = 256,
    SEVERITY_TEXT_MAX = 16,
    TIME_TEXT_MAX = 128,
    SHOWN_KEY_MAX = 64,
};

/* Where attributes go: into the record or into the resource. */
struct target {
    struct nest nest;
    uint32_t number; /* of the attributes field */
    size_t start;    /* of the message in the buffer */
    size_t size_max;
    const char *name;
};

struct reader {
    struct json_scan scan;
    const struct otlp_limits *limits;
    uint32_t depth_max;
    struct target record;
    struct target resource;
    struct native_scratch *scratch;
    struct native_event event;
    unsigned seen; /* a bit for each known key */
    uint32_t attribute_count;
    struct json_text path[OTLP_DEPTH_MAX]; /* keys of the objects around an attribute */
    uint32_t path_depth;
    size_t path_size; /* with a dot behind each */
    struct error *err;
};

/* --- Failures ----------------------------------------------------------------------------- */

static enum status scan_failed(struct reader *reader)
{
    return json_report(&reader->scan, reader->err);
}

/* How much of a key is shown: never half a character. */
static int shown_size(struct json_text key)
{
    if (key.raw_size <= SHOWN_KEY_MAX)
        return (int)key.raw_size;
    size_t size = SHOWN_KEY_MAX;
    while (size > 0 && (key.raw[size] & 0xC0) == 0x80)
        size--;
    return (int)size;
}

/* "byte N: 'key' REASON", N being where the reader stands. */
static enum status key_failed(struct reader *reader, enum status status, struct json_text key,
                              const char *reason)
{
    return error_set(reader->err, status, "byte %zu: '%.*s' %s",
                     (size_t)(reader->scan.at - reader->scan.start), shown_size(key),
                     (const char *)key.raw, reason);
}

static enum status key_over_limit(struct reader *reader, struct json_text key, const char *what,
                                  size_t limit)
{
    return error_set(reader->err, ST_LIMIT, "byte %zu: '%.*s': %s, the limit is %zu",
                     (size_t)(reader->scan.at - reader->scan.start), shown_size(key),
                     (const char *)key.raw, what, limit);
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
    struct json_text text;
    uint64_t bits; /* BOOL, INT, DOUBLE: as they are encoded */
    size_t size;   /* of the AnyValue; 0 for null */
};

/* Lengths below 128 are nearly all there are. */
static inline size_t length_size(size_t length)
{
    return length < 0x80 ? 1 : pb_varint_size(length);
}

static inline uint8_t *put_length(uint8_t *out, size_t length)
{
    if (length >= 0x80)
        return pb_put_varint(out, length);
    *out = (uint8_t)length;
    return out + 1;
}

/* Fields below 16 have a tag of one byte. */
static inline uint8_t *put_tag(uint8_t *out, uint32_t number, enum wire_type type)
{
    *out = (uint8_t)(number << 3 | type);
    return out + 1;
}

static struct scalar scalar_of_number(const struct json_number *number)
{
    if (number->is_integer) {
        uint64_t bits = (uint64_t)number->integer;
        return (struct scalar){.type = SCALAR_INT, .bits = bits, .size = 1 + length_size(bits)};
    }
    struct scalar scalar = {.type = SCALAR_DOUBLE, .size = 1 + sizeof(scalar.bits)};
    memcpy(&scalar.bits, &number->real, sizeof(scalar.bits));
    return scalar;
}

/* Reads a value that is neither object nor array; `first` is its first byte. */
static bool read_scalar(struct json_scan *scan, uint8_t first, struct scalar *ret)
{
    struct json_number number;

    switch (first) {
    case '"':
        ret->type = SCALAR_TEXT;
        if (!json_read_text(scan, &ret->text))
            return false;
        ret->size = 1 + length_size(ret->text.size) + ret->text.size;
        return true;
    case 't':
        *ret = (struct scalar){.type = SCALAR_BOOL, .bits = 1, .size = 2};
        return json_read_word(scan, SLICE("true"));
    case 'f':
        *ret = (struct scalar){.type = SCALAR_BOOL, .bits = 0, .size = 2};
        return json_read_word(scan, SLICE("false"));
    case 'n':
        *ret = (struct scalar){.type = SCALAR_NULL};
        return json_read_word(scan, SLICE("null"));
    default:
        if (!json_read_number(scan, &number))
            return false;
        *ret = scalar_of_number(&number);
        return true;
    }
}

static uint8_t *put_scalar(uint8_t *out, const struct scalar *scalar)
{
    switch (scalar->type) {
    case SCALAR_NULL:
        return out;
    case SCALAR_TEXT:
        out = put_length(put_tag(out, ANY_STRING, WIRE_BYTES), scalar->text.size);
        return json_put_text(scalar->text, out);
    case SCALAR_BOOL:
        return put_length(put_tag(out, ANY_BOOL, WIRE_VARINT), (size_t)scalar->bits);
    case SCALAR_INT:
        return pb_put_varint(put_tag(out, ANY_INT, WIRE_VARINT), scalar->bits);
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

static enum status reserve(struct target *target, size_t size, struct error *err)
{
    struct buf *out = target->nest.out;
    size_t used = nest_size(&target->nest) - target->start;

    if (used > target->size_max || size > target->size_max - used)
        return error_set(err, ST_LIMIT, "the %s is over the limit of %zu bytes", target->name,
                         target->size_max);
    return buf_room(out) >= size ? ST_OK : buf_reserve(out, size, err);
}

static void set_end(struct target *target, const uint8_t *end)
{
    target->nest.out->size = (size_t)(end - target->nest.out->data);
}

static uint8_t *write_at(const struct target *target)
{
    return target->nest.out->data + target->nest.out->size;
}

/* Appends field `number` with the scalar as an AnyValue. */
static enum status append_scalar(struct target *target, uint32_t number,
                                 const struct scalar *scalar, struct error *err)
{
    enum status st = reserve(target, 1 + length_size(scalar->size) + scalar->size, err);
    if (st != ST_OK)
        return st;
    uint8_t *out = put_length(put_tag(write_at(target), number, WIRE_BYTES), scalar->size);
    set_end(target, put_scalar(out, scalar));
    return ST_OK;
}

static enum status append_value(struct reader *reader, struct target *target, uint32_t number,
                                uint32_t depth);

/* One member of an object that is a value, as a KeyValue. */
static enum status append_member(struct reader *reader, struct target *target, uint32_t depth)
{
    struct json_text key;
    struct nest_mark member;

    if (!json_read_key(&reader->scan, &key))
        return scan_failed(reader);
    if (key.size > reader->limits->key_size_max)
        return key_over_limit(reader, key, "the key is too long", reader->limits->key_size_max);
    if (json_peek(&reader->scan) == 'n')
        return json_read_word(&reader->scan, SLICE("null")) ? ST_OK : scan_failed(reader);
    enum status st = nest_open(&target->nest, 1, &member, reader->err);
    if (st == ST_OK)
        st = reserve(target, 1 + length_size(key.size) + key.size, reader->err);
    if (st != ST_OK)
        return st;
    uint8_t *out = put_tag(write_at(target), KEY_VALUE_KEY, WIRE_BYTES);
    set_end(target, json_put_text(key, put_length(out, key.size)));
    st = append_value(reader, target, KEY_VALUE_VALUE, depth);
    return st == ST_OK ? nest_close(&target->nest, member, reader->err) : st;
}

/* What is in an array or object that is a value; `depth` is that of its elements. */
static enum status append_elements(struct reader *reader, struct target *target, uint8_t open,
                                   uint32_t depth)
{
    enum { ELEMENTS = 1 }; /* in ArrayValue and KeyValueList */
    uint8_t close = open == '{' ? '}' : ']';
    bool more;

    if (!json_open(&reader->scan, open, close, &more))
        return scan_failed(reader);
    while (more) {
        enum status st = open == '{' ? append_member(reader, target, depth)
                                     : append_value(reader, target, ELEMENTS, depth);
        if (st != ST_OK)
            return st;
        if (!json_read_separator(&reader->scan, close, &more))
            return scan_failed(reader);
    }
    return ST_OK;
}

/* Appends field `number` with any value as an AnyValue; `depth` is 1 for the outermost. */
static enum status append_value(struct reader *reader, struct target *target, uint32_t number,
                                uint32_t depth)
{
    uint8_t first = json_peek(&reader->scan);
    if (depth > reader->depth_max)
        return json_fail(&reader->scan, ST_LIMIT, reader->scan.at, "nested too deep"),
               scan_failed(reader);
    if (first != '{' && first != '[') {
        struct scalar scalar;
        if (!read_scalar(&reader->scan, first, &scalar))
            return scan_failed(reader);
        return append_scalar(target, number, &scalar, reader->err);
    }
    struct nest_mark value;
    struct nest_mark list;
    enum status st = nest_open(&target->nest, number, &value, reader->err);
    if (st == ST_OK)
        st = nest_open(&target->nest, first == '{' ? ANY_KVLIST : ANY_ARRAY, &list, reader->err);
    if (st == ST_OK)
        st = append_elements(reader, target, first, depth + 1);
    if (st == ST_OK)
        st = nest_close(&target->nest, list, reader->err);
    if (st == ST_OK)
        st = nest_close(&target->nest, value, reader->err);
    return st == ST_OK ? reserve(target, 0, reader->err) : st;
}

/* --- Attributes ---------------------------------------------------------------------------- */

/* The key of an attribute: the path, dots, and its own. */
static uint8_t *put_key(const struct reader *reader, struct json_text key, uint8_t *out)
{
    out = put_tag(out, KEY_VALUE_KEY, WIRE_BYTES);
    out = put_length(out, reader->path_size + key.size);
    for (uint32_t i = 0; i < reader->path_depth; i++) {
        out = json_put_text(reader->path[i], out);
        *out++ = '.';
    }
    return json_put_text(key, out);
}

static enum status count_attribute(struct reader *reader, struct json_text key)
{
    const struct otlp_limits *limits = reader->limits;

    if (reader->attribute_count >= limits->attribute_count_max)
        return key_over_limit(reader, key, "too many attributes", limits->attribute_count_max);
    if (reader->path_size > limits->key_size_max ||
        key.size > limits->key_size_max - reader->path_size)
        return key_over_limit(reader, key, "the key is too long", limits->key_size_max);
    reader->attribute_count++;
    return ST_OK;
}

/* The hot path: everything is known, so room is taken once. */
static enum status append_attribute(struct reader *reader, struct target *target,
                                    struct json_text key, const struct scalar *scalar)
{
    enum status st = count_attribute(reader, key);
    if (st != ST_OK)
        return st;
    size_t key_size = reader->path_size + key.size;
    size_t size =
        1 + length_size(key_size) + key_size + 1 + length_size(scalar->size) + scalar->size;
    st = reserve(target, 1 + length_size(size) + size, reader->err);
    if (st != ST_OK)
        return st;
    uint8_t *out = put_length(put_tag(write_at(target), target->number, WIRE_BYTES), size);
    out = put_key(reader, key, out);
    out = put_length(put_tag(out, KEY_VALUE_VALUE, WIRE_BYTES), scalar->size);
    set_end(target, put_scalar(out, scalar));
    return ST_OK;
}

static enum status append_array(struct reader *reader, struct target *target, struct json_text key)
{
    struct nest_mark attribute;

    enum status st = count_attribute(reader, key);
    if (st != ST_OK)
        return st;
    st = nest_open(&target->nest, target->number, &attribute, reader->err);
    size_t key_size = reader->path_size + key.size;
    if (st == ST_OK)
        st = reserve(target, 1 + length_size(key_size) + key_size, reader->err);
    if (st != ST_OK)
        return st;
    set_end(target, put_key(reader, key, write_at(target)));
    st = append_value(reader, target, KEY_VALUE_VALUE, 1);
    return st == ST_OK ? nest_close(&target->nest, attribute, reader->err) : st;
}

static enum status read_attribute(struct reader *reader, struct target *target,
                                  struct json_text key);

/* The members of an object are attributes. */
static enum status read_members(struct reader *reader, struct target *target, bool *ret_any)
{
    bool more;

    if (!json_open(&reader->scan, '{', '}', &more))
        return scan_failed(reader);
    *ret_any = more;
    while (more) {
        struct json_text key;
        if (!json_read_key(&reader->scan, &key))
            return scan_failed(reader);
        enum status st = read_attribute(reader, target, key);
        if (st != ST_OK)
            return st;
        if (!json_read_separator(&reader->scan, '}', &more))
            return scan_failed(reader);
    }
    return ST_OK;
}

static enum status flatten(struct reader *reader, struct target *target, struct json_text key)
{
    if (reader->path_depth + 1 >= reader->depth_max)
        return key_over_limit(reader, key, "nested too deep", reader->depth_max);
    if (reader->path_size + key.size >= reader->limits->key_size_max)
        return key_over_limit(reader, key, "the key is too long", reader->limits->key_size_max);
    reader->path[reader->path_depth++] = key;
    reader->path_size += key.size + 1;
    bool any;
    enum status st = read_members(reader, target, &any);
    if (st != ST_OK)
        return st;
    reader->path_depth--;
    reader->path_size -= key.size + 1;
    if (any)
        return ST_OK;
    struct scalar empty = {.type = SCALAR_EMPTY_LIST, .size = 2};
    return append_attribute(reader, target, key, &empty);
}

static enum status read_attribute(struct reader *reader, struct target *target,
                                  struct json_text key)
{
    uint8_t first = json_peek(&reader->scan);
    if (first == '{')
        return flatten(reader, target, key);
    if (first == '[')
        return append_array(reader, target, key);
    struct scalar scalar;
    if (!read_scalar(&reader->scan, first, &scalar))
        return scan_failed(reader);
    return scalar.type == SCALAR_NULL ? ST_OK : append_attribute(reader, target, key, &scalar);
}

/* --- Keys with a meaning ------------------------------------------------------------------ */

enum known_key {
    KEY_KIND,
    KEY_TIME,
    KEY_SESSION,
    KEY_BODY,
    KEY_ATTRIBUTES,
    KEY_RESOURCE,
    KEY_SEVERITY,
    KEY_EVENT,
    KEY_DIALECT,
    KEY_COUNT /* none of them */
};

static enum known_key find_key(struct json_text key)
{
    static const struct slice names[KEY_COUNT] = {
        [KEY_KIND] = {(const uint8_t *)"kind", 4},
        [KEY_TIME] = {(const uint8_t *)"time", 4},
        [KEY_SESSION] = {(const uint8_t *)"session", 7},
        [KEY_BODY] = {(const uint8_t *)"body", 4},
        [KEY_ATTRIBUTES] = {(const uint8_t *)"attributes", 10},
        [KEY_RESOURCE] = {(const uint8_t *)"resource", 8},
        [KEY_SEVERITY] = {(const uint8_t *)"severity", 8},
        [KEY_EVENT] = {(const uint8_t *)"event", 5},
        [KEY_DIALECT] = {(const uint8_t *)"dialect", 7},
    };
    for (int i = 0; i < KEY_COUNT; i++) {
        if (json_text_equal(key, names[i]))
            return (enum known_key)i;
    }
    return KEY_COUNT;
}

/* Reads a string of at most `size_max` bytes into `room`. */
static enum status read_short(struct reader *reader, struct json_text key, uint8_t *room,
                              size_t size_max, struct slice *ret)
{
    struct json_text text;

    if (json_peek(&reader->scan) != '"')
        return key_failed(reader, ST_INVALID, key, "must be a string");
    const uint8_t *place = reader->scan.at;
    if (!json_read_text(&reader->scan, &text))
        return scan_failed(reader);
    if (text.size > size_max) {
        reader->scan.at = place;
        return key_over_limit(reader, key, "the text is too long", size_max);
    }
    json_put_text(text, room);
    *ret = slice_of(room, text.size);
    return ST_OK;
}

/* A number of nanoseconds in decimal digits. */
static bool read_nanoseconds(struct slice text, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret = value;
    return text.size > 0;
}

static enum status read_time(struct reader *reader, struct json_text key)
{
    static const char reason[] = "must be a time, as in 2026-01-31T23:59:59.123Z, or nanoseconds "
                                 "since 1970";
    const uint8_t *place = reader->scan.at;
    uint64_t *time = &reader->event.time_unix_nano;
    bool good = false;

    if (*place == '"') {
        uint8_t room[TIME_TEXT_MAX];
        struct slice text;
        enum status st = read_short(reader, key, room, sizeof(room), &text);
        if (st != ST_OK)
            return st;
        good = read_nanoseconds(text, time) || rfc3339_read(text, time);
    } else if (*place == '-' || (*place >= '0' && *place <= '9')) {
        struct json_number number;
        if (!json_read_number(&reader->scan, &number))
            return scan_failed(reader);
        good = read_nanoseconds(number.text, time);
    }
    if (!good) {
        reader->scan.at = place;
        return key_failed(reader, ST_INVALID, key, reason);
    }
    return ST_OK;
}

/* "info", "WARN", "error2": the number of the name's range and how far into it. */
static uint32_t severity_of_name(struct slice name)
{
    static const struct {
        const char *name;
        uint32_t number;
    } names[] = {
        {"info", 9},  {"warn", 13}, {"warning", 13}, {"error", 17},
        {"debug", 5}, {"trace", 1}, {"fatal", 21},
    };
    uint32_t further = 0;
    size_t size = name.size;

    if (size > 0 && name.data[size - 1] >= '2' && name.data[size - 1] <= '4')
        further = name.data[--size] - (uint32_t)'1';
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (size == strlen(names[i].name) &&
            strncasecmp((const char *)name.data, names[i].name, size) == 0)
            return names[i].number + further;
    }
    return 0;
}

static enum status append_severity(struct reader *reader, struct slice text)
{
    struct target *record = &reader->record;

    enum status st = reserve(record, 2 + 2 + text.size, reader->err);
    if (st != ST_OK)
        return st;
    uint8_t *out = put_tag(write_at(record), RECORD_SEVERITY_NUMBER, WIRE_VARINT);
    out = put_length(out, reader->event.severity_number);
    if (text.size > 0)
        out = pb_put_bytes(out, RECORD_SEVERITY_TEXT, text);
    set_end(record, out);
    return ST_OK;
}

static enum status read_severity(struct reader *reader, struct json_text key)
{
    static const char reason[] = "must be a number from 1 to 24, or trace, debug, info, warn, "
                                 "error or fatal";
    const uint8_t *place = reader->scan.at;
    uint8_t room[SEVERITY_TEXT_MAX];
    struct slice text = SLICE_EMPTY;
    uint32_t *severity = &reader->event.severity_number;

    if (*place == '"') {
        struct json_text name;
        if (!json_read_text(&reader->scan, &name))
            return scan_failed(reader);
        if (name.size <= sizeof(room)) {
            json_put_text(name, room);
            text = slice_of(room, name.size);
        }
        *severity = severity_of_name(text);
    } else if (*place == '-' || (*place >= '0' && *place <= '9')) {
        struct json_number number;
        if (!json_read_number(&reader->scan, &number))
            return scan_failed(reader);
        if (number.is_integer && number.integer >= 1 && number.integer <= 24)
            *severity = (uint32_t)number.integer;
    }
    if (*severity == 0) {
        reader->scan.at = place;
        return key_failed(reader, ST_INVALID, key, reason);
    }
    return append_severity(reader, text);
}

/* A whole field of the record that is a text. */
static enum status append_record_text(struct reader *reader, uint32_t number, struct slice text)
{
    struct target *record = &reader->record;

    enum status st = reserve(record, 1 + length_size(text.size) + text.size, reader->err);
    if (st == ST_OK)
        set_end(record, pb_put_bytes(write_at(record), number, text));
    return st;
}

static enum status append_record_time(struct reader *reader, uint32_t number, uint64_t unix_nano)
{
    struct target *record = &reader->record;

    enum status st = unix_nano > 0 ? reserve(record, 1 + sizeof(unix_nano), reader->err) : ST_OK;
    if (st == ST_OK && unix_nano > 0)
        set_end(record, pb_put_fixed64(write_at(record), number, unix_nano));
    return st;
}

/* Also an attribute, under the name that everyone else uses. */
static enum status read_session(struct reader *reader, struct json_text key)
{
    struct slice *session = &reader->event.session;

    enum status st = read_short(reader, key, reader->scratch->session, NATIVE_SESSION_MAX, session);
    if (st != ST_OK || session->size == 0)
        return st;
    st = count_attribute(reader, key);
    size_t size = session->size + sizeof("session.id") + 4 * PB_VARINT_MAX;
    if (st == ST_OK)
        st = reserve(&reader->record, size, reader->err);
    if (st == ST_OK)
        st = pb_append_text(reader->record.nest.out, reader->record.number, SLICE("session.id"),
                            *session, reader->err);
    return st;
}

static enum status read_event_name(struct reader *reader, struct json_text key)
{
    uint8_t room[EVENT_NAME_MAX];
    struct slice name;

    enum status st = read_short(reader, key, room, sizeof(room), &name);
    if (st != ST_OK || name.size == 0)
        return st;
    return append_record_text(reader, RECORD_EVENT_NAME, name);
}

static enum status read_known(struct reader *reader, enum known_key known, struct json_text key)
{
    struct native_event *event = &reader->event;
    enum status st;
    bool any;

    switch (known) {
    case KEY_KIND:
        return read_short(reader, key, reader->scratch->kind, NATIVE_KIND_MAX, &event->kind);
    case KEY_DIALECT:
        return read_short(reader, key, reader->scratch->dialect, NATIVE_KIND_MAX, &event->dialect);
    case KEY_SESSION:
        return read_session(reader, key);
    case KEY_TIME:
        st = read_time(reader, key);
        if (st != ST_OK)
            return st;
        return append_record_time(reader, RECORD_TIME_UNIX_NANO, event->time_unix_nano);
    case KEY_BODY:
        return append_value(reader, &reader->record, RECORD_BODY, 1);
    case KEY_SEVERITY:
        return read_severity(reader, key);
    case KEY_EVENT:
        return read_event_name(reader, key);
    case KEY_ATTRIBUTES:
    case KEY_RESOURCE:
        if (json_peek(&reader->scan) != '{')
            return key_failed(reader, ST_INVALID, key, "must be an object");
        return read_members(reader, known == KEY_RESOURCE ? &reader->resource : &reader->record,
                            &any);
    case KEY_COUNT:
        break;
    }
    return read_attribute(reader, &reader->record, key);
}

static enum status read_top_member(struct reader *reader)
{
    struct json_text key;

    if (!json_read_key(&reader->scan, &key))
        return scan_failed(reader);
    uint8_t first = json_peek(&reader->scan);
    enum known_key known = find_key(key);
    if (known == KEY_COUNT)
        return read_attribute(reader, &reader->record, key);
    if (first == 0)
        return json_fail(&reader->scan, ST_INVALID, reader->scan.at, "not a value"),
               scan_failed(reader);
    if (first == 'n')
        return json_read_word(&reader->scan, SLICE("null")) ? ST_OK : scan_failed(reader);
    bool may_repeat = known == KEY_ATTRIBUTES || known == KEY_RESOURCE;
    if ((reader->seen & 1U << known) != 0 && !may_repeat)
        return key_failed(reader, ST_INVALID, key, "stands twice");
    reader->seen |= 1U << known;
    return read_known(reader, known, key);
}

static enum status read_event(struct reader *reader, uint64_t observed_unix_ns)
{
    bool more;

    if (!json_open(&reader->scan, '{', '}', &more)) {
        return scan_failed(reader);
    }
    while (more) {
        enum status st = read_top_member(reader);
        if (st != ST_OK)
            return st;
        if (!json_read_separator(&reader->scan, '}', &more))
            return scan_failed(reader);
    }
    if (!json_read_end(&reader->scan))
        return scan_failed(reader);
    enum status st = append_record_time(reader, RECORD_OBSERVED_TIME_UNIX_NANO, observed_unix_ns);
    if (st == ST_OK)
        st = nest_finish(&reader->record.nest, reader->err);
    if (st == ST_OK)
        st = nest_finish(&reader->resource.nest, reader->err);
    return st;
}

enum status native_json_read(struct slice line, uint64_t observed_unix_ns,
                             const struct otlp_limits *limits, struct native_scratch *scratch,
                             struct buf *out, struct native_event *ret, struct error *err)
{
    size_t start = out->size;
    /* Never grows, as its capacity is its limit. */
    struct buf resource = {
        .data = scratch->resource,
        .capacity = sizeof(scratch->resource),
        .limit = sizeof(scratch->resource),
    };
    struct reader reader;

    /* Field by field: the path is large, and none of it is read before it is written. */
    reader.scan = json_scan_start(line);
    reader.limits = limits;
    reader.depth_max = limits->depth_max < OTLP_DEPTH_MAX ? limits->depth_max : OTLP_DEPTH_MAX;
    reader.record = (struct target){.number = RECORD_ATTRIBUTES,
                                    .start = start,
                                    .size_max = limits->record_size_max,
                                    .name = "record"};
    reader.resource = (struct target){
        .number = RESOURCE_ATTRIBUTES, .size_max = sizeof(scratch->resource), .name = "resource"};
    nest_init(&reader.record.nest, out);
    nest_init(&reader.resource.nest, &resource);
    reader.scratch = scratch;
    reader.event = (struct native_event){.record_offset = start};
    reader.seen = 0;
    reader.attribute_count = 0;
    reader.path_depth = 0;
    reader.path_size = 0;
    reader.err = err;

    enum status st = read_event(&reader, observed_unix_ns);
    nest_fini(&reader.record.nest);
    nest_fini(&reader.resource.nest);
    if (st != ST_OK) {
        out->size = start;
        return st;
    }
    reader.event.record_size = out->size - start;
    reader.event.resource_fields = buf_slice(&resource);
    *ret = reader.event;
    return ST_OK;
}
