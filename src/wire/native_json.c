/* SPDX-License-Identifier: Apache-2.0 */
/* native_json.c -- see native_json.h.
 *
 * One pass over the line, no tree.  Fields come in the order of the line.  Keys with a meaning of
 * their own are handled here, all others are attributes and go to json_value.h.
 *
 * What the header leaves open, decided here:
 * - of the same attribute twice both are kept, but "kind" or another key with a meaning of its own
 *   twice is refused: a sender must not be able to show two readers two different events;
 * - a severity given as a number has no text.
 */
#include "wire/native_json.h"

#include "wire/json_value.h"
#include "wire/rfc3339.h"

enum {
    EVENT_NAME_MAX = 256,
    SEVERITY_TEXT_MAX = 16,
    TIME_TEXT_MAX = 128,
    KNOWN_KEY_MAX = 10, /* "attributes" */
};

_Static_assert((int)NATIVE_SLACK >= (int)JSON_TEXT_SLACK, "texts are written into the scratch");

struct reader {
    struct json_values values;
    struct json_target record;
    struct json_target resource;
    struct native_scratch *scratch; /* borrowed */
    struct native_event event;
    unsigned seen; /* a bit for each known key */
};

static enum status scan_failed(struct reader *reader)
{
    return json_report(&reader->values.scan, reader->values.err);
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

/* As few comparisons as can be: most keys are none of these. */
static enum known_key find_plain_key(struct slice key)
{
    switch (key.size) {
    case 4:
        if (memcmp(key.data, "kind", 4) == 0)
            return KEY_KIND;
        if (memcmp(key.data, "time", 4) == 0)
            return KEY_TIME;
        return memcmp(key.data, "body", 4) == 0 ? KEY_BODY : KEY_COUNT;
    case 5:
        return memcmp(key.data, "event", 5) == 0 ? KEY_EVENT : KEY_COUNT;
    case 7:
        if (memcmp(key.data, "session", 7) == 0)
            return KEY_SESSION;
        return memcmp(key.data, "dialect", 7) == 0 ? KEY_DIALECT : KEY_COUNT;
    case 8:
        if (memcmp(key.data, "severity", 8) == 0)
            return KEY_SEVERITY;
        return memcmp(key.data, "resource", 8) == 0 ? KEY_RESOURCE : KEY_COUNT;
    case KNOWN_KEY_MAX:
        return memcmp(key.data, "attributes", KNOWN_KEY_MAX) == 0 ? KEY_ATTRIBUTES : KEY_COUNT;
    default:
        return KEY_COUNT;
    }
}

static enum known_key find_key(const struct json_text *key)
{
    uint8_t decoded[KNOWN_KEY_MAX + JSON_TEXT_SLACK];

    if (key->size > KNOWN_KEY_MAX)
        return KEY_COUNT;
    if (key->size == key->raw_size)
        return find_plain_key(slice_of(key->raw, key->size));
    json_text_decode(key, decoded);
    return find_plain_key(slice_of(decoded, key->size));
}

/* Reads a string of at most `size_max` bytes into `room`, which holds JSON_TEXT_SLACK more. */
static enum status read_short(struct reader *reader, const struct json_text *key, uint8_t *room,
                              size_t size_max, struct slice *ret)
{
    struct json_text text;

    if (json_peek(&reader->values.scan) != '"')
        return json_key_fail(&reader->values, ST_INVALID, key, "must be a string");
    const uint8_t *place = reader->values.scan.at;
    if (!json_read_text(&reader->values.scan, &text))
        return scan_failed(reader);
    if (text.size > size_max) {
        reader->values.scan.at = place;
        return json_key_over_limit(&reader->values, key, "the text is too long", size_max);
    }
    json_text_decode(&text, room);
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

static enum status read_time(struct reader *reader, const struct json_text *key)
{
    static const char reason[] = "must be a time, as in 2026-01-31T23:59:59.123Z, or nanoseconds "
                                 "since 1970";
    const uint8_t *place = reader->values.scan.at;
    uint64_t *time = &reader->event.time_unix_nano;
    bool good = false;

    if (*place == '"') {
        uint8_t room[TIME_TEXT_MAX + JSON_TEXT_SLACK];
        struct slice text;
        enum status st = read_short(reader, key, room, TIME_TEXT_MAX, &text);
        if (st != ST_OK)
            return st;
        good = rfc3339_read(text, time) || read_nanoseconds(text, time);
    } else if (*place == '-' || (*place >= '0' && *place <= '9')) {
        struct json_number number;
        if (!json_read_number(&reader->values.scan, &number))
            return scan_failed(reader);
        good = read_nanoseconds(number.text, time);
    }
    if (!good) {
        reader->values.scan.at = place;
        return json_key_fail(&reader->values, ST_INVALID, key, reason);
    }
    return ST_OK;
}

/* Whether `text` is `name`, which is in small letters, in letters of any case. */
static bool is_name(struct slice text, struct slice name)
{
    if (text.size != name.size)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if ((text.data[i] | 0x20) != name.data[i])
            return false;
    }
    return true;
}

/* "info", "WARN", "error2": the number of the name's range and how far into it. */
static uint32_t severity_of_name(struct slice name)
{
    static const struct {
        struct slice name;
        uint32_t number;
    } names[] = {
        {{(const uint8_t *)"info", 4}, 9},     {{(const uint8_t *)"warn", 4}, 13},
        {{(const uint8_t *)"error", 5}, 17},   {{(const uint8_t *)"debug", 5}, 5},
        {{(const uint8_t *)"trace", 5}, 1},    {{(const uint8_t *)"fatal", 5}, 21},
        {{(const uint8_t *)"warning", 7}, 13},
    };
    uint32_t further = 0;

    if (name.size > 0 && name.data[name.size - 1] >= '2' && name.data[name.size - 1] <= '4')
        further = name.data[--name.size] - (uint32_t)'1';
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (is_name(name, names[i].name))
            return names[i].number + further;
    }
    return 0;
}

static enum status append_severity(struct reader *reader, struct slice text)
{
    struct json_target *record = &reader->record;

    enum status st = json_target_reserve(record, 2 + 2 + text.size, reader->values.err);
    if (st != ST_OK)
        return st;
    uint8_t *out =
        pb_put_uint(json_target_at(record), RECORD_SEVERITY_NUMBER, reader->event.severity_number);
    if (text.size > 0)
        out = pb_put_bytes(out, RECORD_SEVERITY_TEXT, text);
    json_target_set_end(record, out);
    return ST_OK;
}

static enum status read_severity(struct reader *reader, const struct json_text *key)
{
    static const char reason[] = "must be a number from 1 to 24, or trace, debug, info, warn, "
                                 "error or fatal";
    const uint8_t *place = reader->values.scan.at;
    uint8_t room[SEVERITY_TEXT_MAX + JSON_TEXT_SLACK];
    struct slice text = SLICE_EMPTY;
    uint32_t *severity = &reader->event.severity_number;

    if (*place == '"') {
        struct json_text name;
        if (!json_read_text(&reader->values.scan, &name))
            return scan_failed(reader);
        if (name.size <= SEVERITY_TEXT_MAX) {
            json_text_decode(&name, room);
            text = slice_of(room, name.size);
        }
        *severity = severity_of_name(text);
    } else if (*place == '-' || (*place >= '0' && *place <= '9')) {
        struct json_number number;
        if (!json_read_number(&reader->values.scan, &number))
            return scan_failed(reader);
        if (number.is_integer && number.integer >= 1 && number.integer <= 24)
            *severity = (uint32_t)number.integer;
    }
    if (*severity == 0) {
        reader->values.scan.at = place;
        return json_key_fail(&reader->values, ST_INVALID, key, reason);
    }
    return append_severity(reader, text);
}

/* The size of a field of bytes whose number is below 16. */
static size_t field_size(size_t size)
{
    return 1 + pb_varint_size(size) + size;
}

/* A whole field of the record that is a text. */
static enum status append_record_text(struct reader *reader, uint32_t number, struct slice text)
{
    struct json_target *record = &reader->record;

    enum status st = json_target_reserve(record, field_size(text.size), reader->values.err);
    if (st == ST_OK)
        json_target_set_end(record, pb_put_bytes(json_target_at(record), number, text));
    return st;
}

static enum status append_record_time(struct reader *reader, uint32_t number, uint64_t unix_nano)
{
    struct json_target *record = &reader->record;

    enum status st = unix_nano > 0
                         ? json_target_reserve(record, 1 + sizeof(unix_nano), reader->values.err)
                         : ST_OK;
    if (st == ST_OK && unix_nano > 0)
        json_target_set_end(record, pb_put_fixed64(json_target_at(record), number, unix_nano));
    return st;
}

/* Also an attribute, under the name that everyone else uses. */
static enum status read_session(struct reader *reader, const struct json_text *key)
{
    const struct slice name = SLICE("session.id");
    struct slice *session = &reader->event.session;

    enum status st = read_short(reader, key, reader->scratch->session, NATIVE_SESSION_MAX, session);
    if (st != ST_OK || session->size == 0)
        return st;
    st = json_count_attribute(&reader->values, key);
    size_t size = field_size(field_size(name.size) + field_size(field_size(session->size)));
    if (st == ST_OK)
        st = json_target_reserve(&reader->record, size, reader->values.err);
    if (st != ST_OK)
        return st;
    return pb_append_text(reader->record.nest.out, reader->record.number, name, *session,
                          reader->values.err);
}

static enum status read_event_name(struct reader *reader, const struct json_text *key)
{
    uint8_t room[EVENT_NAME_MAX + JSON_TEXT_SLACK];
    struct slice name;

    enum status st = read_short(reader, key, room, EVENT_NAME_MAX, &name);
    if (st != ST_OK || name.size == 0)
        return st;
    return append_record_text(reader, RECORD_EVENT_NAME, name);
}

static enum status read_known(struct reader *reader, enum known_key known,
                              const struct json_text *key)
{
    struct native_event *event = &reader->event;
    enum status st;

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
        return json_append_value(&reader->values, &reader->record, RECORD_BODY);
    case KEY_SEVERITY:
        return read_severity(reader, key);
    case KEY_EVENT:
        return read_event_name(reader, key);
    case KEY_ATTRIBUTES:
    case KEY_RESOURCE:
        if (json_peek(&reader->values.scan) != '{')
            return json_key_fail(&reader->values, ST_INVALID, key, "must be an object");
        return json_append_attributes(&reader->values,
                                      known == KEY_RESOURCE ? &reader->resource : &reader->record);
    case KEY_COUNT:
        break;
    }
    return json_append_attribute(&reader->values, &reader->record, key);
}

static enum status read_top_member(struct reader *reader)
{
    struct json_text key;

    if (!json_read_key(&reader->values.scan, &key))
        return scan_failed(reader);
    uint8_t first = json_peek(&reader->values.scan);
    enum known_key known = find_key(&key);
    if (known == KEY_COUNT)
        return json_append_attribute(&reader->values, &reader->record, &key);
    if (first == 0)
        return json_values_fail(&reader->values, ST_INVALID, "not a value");
    if (first == 'n')
        return json_read_word(&reader->values.scan, SLICE("null")) ? ST_OK : scan_failed(reader);
    bool may_repeat = known == KEY_ATTRIBUTES || known == KEY_RESOURCE;
    if ((reader->seen & 1U << known) != 0 && !may_repeat)
        return json_key_fail(&reader->values, ST_INVALID, &key, "stands twice");
    reader->seen |= 1U << known;
    return read_known(reader, known, &key);
}

static enum status read_event(struct reader *reader, uint64_t observed_unix_ns)
{
    bool more;

    if (!json_open(&reader->values.scan, '{', '}', &more))
        return scan_failed(reader);
    while (more) {
        enum status st = read_top_member(reader);
        if (st != ST_OK)
            return st;
        if (!json_read_separator(&reader->values.scan, '}', &more))
            return scan_failed(reader);
    }
    if (!json_read_end(&reader->values.scan))
        return scan_failed(reader);
    enum status st = append_record_time(reader, RECORD_OBSERVED_TIME_UNIX_NANO, observed_unix_ns);
    if (st == ST_OK)
        st = nest_finish(&reader->record.nest, reader->values.err);
    if (st == ST_OK)
        st = nest_finish(&reader->resource.nest, reader->values.err);
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

    json_values_init(&reader.values, line, limits, err);
    json_target_init(&reader.record, out, RECORD_ATTRIBUTES, limits->record_size_max, "record");
    json_target_init(&reader.resource, &resource, RESOURCE_ATTRIBUTES, NATIVE_RESOURCE_MAX,
                     "resource");
    reader.scratch = scratch;
    reader.event = (struct native_event){.record_offset = start};
    reader.seen = 0;
    enum status st = read_event(&reader, observed_unix_ns);
    json_target_fini(&reader.record);
    json_target_fini(&reader.resource);
    if (st != ST_OK) {
        out->size = start;
        return st;
    }
    reader.event.record_size = out->size - start;
    reader.event.resource_fields = buf_slice(&resource);
    *ret = reader.event;
    return ST_OK;
}
