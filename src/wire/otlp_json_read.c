/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_read.c -- OTLP JSON to protobuf, driven by the tables of otlp_json_messages.h; one
 * recursive reader serves all messages.  Fields come in the order of the text, as protobuf allows.
 * Numbers, texts and flags that are what an absent field means are left out, as protobuf-c leaves
 * them out; a member of AnyValue is written whatever it is, for there it says which one is set.
 * The lengths of messages go through nest.h.
 *
 * A known key twice in one object is refused, as by protobuf's own readers: laid out one after the
 * other the two would be merged, and not every receiver merges alike.
 *
 * What protobuf's own JSON mapping allows is allowed: integers as text, also with an exponent when
 * they are whole; null for an absent field; both alphabets of base64, padded or not.
 */
#include <math.h>
#include <stdio.h>

#include "util/le.h"
#include "wire/base64.h"
#include "wire/foreign_json.h"
#include "wire/json_scan.h"
#include "wire/nest.h"
#include "wire/otlp_json.h"
#include "wire/otlp_json_messages.h"

enum {
    /* ResourceMetrics, ScopeMetrics, Metric, Gauge, NumberDataPoint, Exemplar and KeyValue; all
     * others are less deep. */
    OUTER_DEPTH_MAX = 10,
    /* An AnyValue within another takes three messages: KeyValueList, KeyValue, AnyValue. */
    DEPTH_MAX = OUTER_DEPTH_MAX + 3 * OTLP_DEPTH_MAX,
    NUMBER_TEXT_MAX = 64,
};

/* --- Reading ------------------------------------------------------------------------------ */

struct frame {
    const struct json_field *field;
    size_t index; /* in a list */
};

struct reader {
    struct json_scan scan;
    struct nest nest;
    struct buf *out; /* borrowed */
    uint32_t value_depth;
    uint32_t value_depth_max;
    size_t frame_count;
    struct frame frames[DEPTH_MAX]; /* the fields around what is being read, for messages */
    struct error *err;
};

/* "resourceLogs[0].scopeLogs[0].", cut off when it is too long to be of use. */
static void print_path(const struct reader *reader, char *out, size_t room)
{
    size_t size = 0;

    out[0] = 0;
    for (size_t i = 0; i < reader->frame_count; i++) {
        const struct frame *frame = &reader->frames[i];
        char index[32] = "";
        if (frame->field->is_list)
            snprintf(index, sizeof(index), "[%zu]", frame->index);
        int more = snprintf(out + size, room - size, "%s%.*s%s", i > 0 ? "." : "",
                            SLICE_ARG(frame->field->name), index);
        if (more < 0 || (size_t)more >= room - size) {
            snprintf(out + room - sizeof("..."), sizeof("..."), "...");
            return;
        }
        size += (size_t)more;
    }
}

/* "byte N: PATH: REASON" */
static enum status fail_at(struct reader *reader, enum status status, const uint8_t *place,
                           const char *reason)
{
    char path[160];
    size_t offset = (size_t)(place - reader->scan.start);

    print_path(reader, path, sizeof(path));
    return error_set(reader->err, status, "byte %zu: %s%s%s", offset, path,
                     path[0] != 0 ? ": " : "", reason);
}

static enum status scan_failed(struct reader *reader)
{
    return fail_at(reader, reader->scan.status, reader->scan.place, reader->scan.reason);
}

static enum status reserve(struct reader *reader, size_t payload_size)
{
    size_t size = PB_TAG_MAX + PB_VARINT_MAX + payload_size + JSON_TEXT_SLACK;
    enum status st = buf_reserve(reader->out, size, reader->err);
    if (st != ST_OK)
        return error_context(reader->err, "byte %zu",
                             (size_t)(reader->scan.at - reader->scan.start));
    return ST_OK;
}

static uint8_t *write_at(const struct reader *reader)
{
    return reader->out->data + reader->out->size;
}

static void set_end(struct reader *reader, const uint8_t *end)
{
    reader->out->size = (size_t)(end - reader->out->data);
}

/* --- Texts, bytes, ids -------------------------------------------------------------------- */

static enum status read_string(struct reader *reader, struct json_text *ret)
{
    if (json_peek(&reader->scan) != '"')
        return fail_at(reader, ST_INVALID, reader->scan.at, "must be a string");
    return json_read_text(&reader->scan, ret) ? ST_OK : scan_failed(reader);
}

static enum status read_text(struct reader *reader, const struct json_field *field)
{
    struct json_text text = {.size = 0};

    enum status st = read_string(reader, &text);
    if (st != ST_OK)
        return st;
    bool is_written = text.size > 0 || field->is_member || field->is_list;
    if (!is_written)
        return ST_OK;
    st = reserve(reader, text.size);
    if (st == ST_OK)
        set_end(reader,
                json_text_decode(&text, pb_put_header(write_at(reader), field->number, text.size)));
    return st;
}

static enum status read_base64(struct reader *reader, const struct json_field *field)
{
    struct json_text text = {.size = 0};

    enum status st = read_string(reader, &text);
    if (st == ST_OK)
        st = reserve(reader, text.size);
    if (st != ST_OK)
        return st;
    uint8_t *room = write_at(reader) + PB_TAG_MAX + PB_VARINT_MAX;
    size_t size;
    json_text_decode(&text, room);
    if (!base64_decode(room, text.size, &size))
        return fail_at(reader, ST_INVALID, text.raw, "must be base64");
    uint8_t *out = pb_put_header(write_at(reader), field->number, size);
    memmove(out, room, size);
    set_end(reader, out + size);
    return ST_OK;
}

static enum status read_id(struct reader *reader, const struct json_field *field)
{
    enum { ID_SIZE_MAX = 16 };
    uint8_t hex[2 * ID_SIZE_MAX + JSON_TEXT_SLACK];
    uint8_t id[ID_SIZE_MAX];
    struct json_text text = {.size = 0};

    enum status st = read_string(reader, &text);
    if (st != ST_OK || text.size == 0)
        return st;
    ASSERT(field->id_size <= ID_SIZE_MAX);
    if (text.size != 2 * field->id_size)
        return fail_at(reader, ST_INVALID, text.raw,
                       field->id_size == 16 ? "must have 32 hex digits"
                                            : "must have 16 hex digits");
    json_text_decode(&text, hex);
    for (size_t i = 0; i < field->id_size; i++) {
        int high = text_hex_digit(hex[2 * i]);
        int low = text_hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return fail_at(reader, ST_INVALID, text.raw, "must be hex digits");
        id[i] = (uint8_t)(high << 4 | low);
    }
    st = reserve(reader, field->id_size);
    if (st == ST_OK)
        set_end(reader,
                pb_put_bytes(write_at(reader), field->number, slice_of(id, field->id_size)));
    return st;
}

/* --- Numbers ------------------------------------------------------------------------------ */

/* A number, or one within quotes; `text` has the room for what is within. */
static bool read_number(struct reader *reader, uint8_t text[NUMBER_TEXT_MAX + JSON_TEXT_SLACK],
                        struct json_number *ret)
{
    struct json_text quoted;

    if (json_peek(&reader->scan) != '"')
        return json_read_number(&reader->scan, ret);
    if (!json_read_text(&reader->scan, &quoted) || quoted.size > NUMBER_TEXT_MAX)
        return false;
    json_text_decode(&quoted, text);
    struct json_scan inner = json_scan_start(slice_of(text, quoted.size));
    return json_read_number(&inner, ret) && inner.at == inner.end;
}

struct whole {
    uint64_t magnitude;
    bool negative;
};

/* The digits of a number as if it had no point; *ret_power is the power of ten to multiply
 * them with.  False: more than 64 bits. */
static bool read_digits(struct slice number, uint64_t *ret, int *ret_power)
{
    bool behind_point = false;
    uint64_t digits = 0;
    int power = 0;
    size_t i = number.data[0] == '-';

    for (; i < number.size && (number.data[i] | 0x20) != 'e'; i++) {
        if (number.data[i] == '.') {
            behind_point = true;
            continue;
        }
        if (__builtin_mul_overflow(digits, 10, &digits) ||
            __builtin_add_overflow(digits, (uint64_t)(number.data[i] - '0'), &digits))
            return false;
        power -= behind_point;
    }
    if (i < number.size) {
        bool negative = number.data[i + 1] == '-';
        int exponent = 0;
        for (i += 1; i < number.size; i++) {
            bool is_digit = number.data[i] >= '0' && number.data[i] <= '9';
            if (is_digit && exponent < 10000)
                exponent = exponent * 10 + (number.data[i] - '0');
        }
        power += negative ? -exponent : exponent;
    }
    *ret = digits;
    *ret_power = power;
    return true;
}

/* The whole number that `number`, which was checked, is exactly: "5", "5.0", "1.7e18". */
static bool to_whole(struct slice number, struct whole *ret)
{
    uint64_t digits;
    int power;

    if (!read_digits(number, &digits, &power))
        return false;
    for (; digits != 0 && power > 0; power--) {
        if (__builtin_mul_overflow(digits, 10, &digits))
            return false;
    }
    for (; digits != 0 && power < 0; power++) {
        if (digits % 10 != 0)
            return false;
        digits /= 10;
    }
    *ret = (struct whole){.magnitude = digits, .negative = digits != 0 && number.data[0] == '-'};
    return true;
}

/* False: `whole` is out of the range of the field.  *ret is what stands on the wire. */
static bool to_wire(const struct whole *whole, enum json_kind kind, uint64_t *ret)
{
    bool is_signed = true;
    uint64_t max = INT64_MAX;

    if (kind == KIND_ENUM || kind == KIND_SINT32) {
        max = INT32_MAX;
    } else if (kind != KIND_INT64 && kind != KIND_SFIXED64) {
        max = kind == KIND_FIXED64 || kind == KIND_UINT64 ? UINT64_MAX : UINT32_MAX;
        is_signed = false;
    }

    if (whole->negative ? !is_signed || whole->magnitude > max + 1 : whole->magnitude > max)
        return false;
    *ret = whole->negative ? 0 - whole->magnitude : whole->magnitude;
    if (kind == KIND_SINT32)
        *ret = whole->negative ? 2 * whole->magnitude - 1 : 2 * whole->magnitude;
    return true;
}

static enum status read_integer(struct reader *reader, const struct json_field *field)
{
    uint8_t text[NUMBER_TEXT_MAX + JSON_TEXT_SLACK];
    struct json_number number;
    struct whole whole;
    uint64_t value;

    bool is_text = json_peek(&reader->scan) == '"';
    const uint8_t *place = reader->scan.at;
    if (is_text && field->kind == KIND_ENUM)
        return fail_at(reader, ST_INVALID, place, "must be the number of the enum, not its name");
    if (!read_number(reader, text, &number)) {
        if (reader->scan.reason != NULL)
            return scan_failed(reader);
        return fail_at(reader, ST_INVALID, place, "must be a whole number");
    }
    if (!to_whole(number.text, &whole))
        return fail_at(reader, ST_INVALID, place, "must be a whole number");
    if (!to_wire(&whole, field->kind, &value))
        return fail_at(reader, ST_INVALID, place, "is out of range");
    if (value == 0 && !field->is_member && !field->is_list)
        return ST_OK;
    enum status st = reserve(reader, sizeof(value));
    if (st != ST_OK)
        return st;
    uint8_t *out = write_at(reader);
    if (field->kind == KIND_FIXED64 || field->kind == KIND_SFIXED64)
        out = pb_put_fixed64(out, field->number, value);
    else if (field->kind == KIND_FIXED32)
        out = pb_put_fixed32(out, field->number, (uint32_t)value);
    else
        out = pb_put_uint(out, field->number, value);
    set_end(reader, out);
    return ST_OK;
}

/* The three doubles that JSON numbers cannot say. */
static bool read_special_double(struct reader *reader, double *ret)
{
    static const struct {
        struct slice name;
        double value;
    } specials[] = {
        {{(const uint8_t *)"NaN", 3}, NAN},
        {{(const uint8_t *)"Infinity", 8}, INFINITY},
        {{(const uint8_t *)"-Infinity", 9}, -INFINITY},
    };
    struct json_scan ahead = reader->scan;
    struct json_text text;

    if (json_peek(&ahead) != '"' || !json_read_text(&ahead, &text))
        return false;
    for (size_t i = 0; i < COUNT_OF(specials); i++) {
        if (json_text_equal(&text, specials[i].name)) {
            *ret = specials[i].value;
            reader->scan = ahead;
            return true;
        }
    }
    return false;
}

static enum status read_double(struct reader *reader, const struct json_field *field)
{
    uint8_t text[NUMBER_TEXT_MAX + JSON_TEXT_SLACK];
    struct json_number number;
    uint64_t bits;

    (void)json_peek(&reader->scan); /* for the place */
    const uint8_t *place = reader->scan.at;
    if (!read_special_double(reader, &number.real) && !read_number(reader, text, &number)) {
        if (reader->scan.reason != NULL)
            return scan_failed(reader);
        return fail_at(reader, ST_INVALID, place, "must be a number");
    }
    enum status st = reserve(reader, sizeof(bits));
    if (st != ST_OK)
        return st;
    memcpy(&bits, &number.real, sizeof(bits));
    set_end(reader, pb_put_fixed64(write_at(reader), field->number, bits));
    return ST_OK;
}

static enum status read_bool(struct reader *reader, const struct json_field *field)
{
    uint8_t first = json_peek(&reader->scan);

    if (first != 't' && first != 'f')
        return fail_at(reader, ST_INVALID, reader->scan.at, "must be true or false");
    if (!json_read_word(&reader->scan, first == 't' ? SLICE("true") : SLICE("false")))
        return scan_failed(reader);
    enum status st = reserve(reader, 1);
    if (st == ST_OK)
        set_end(reader, pb_put_uint(write_at(reader), field->number, first == 't'));
    return st;
}

/* --- Messages ----------------------------------------------------------------------------- */

/* One record must not cost the others: where a value of it nests too deep, an empty value is
 * written, one level deeper than allowed, so that whoever reads the record refuses it alone. */
static bool is_in_record(const struct reader *reader)
{
    enum { RECORD_FRAMES = 3 }; /* resourceLogs, scopeLogs, logRecords */

    return reader->frame_count > RECORD_FRAMES &&
           reader->frames[RECORD_FRAMES - 1].field->number == SCOPE_LOGS_LOG_RECORDS;
}

static enum status read_message(struct reader *reader, const struct json_message *message);

static enum status read_inner_message(struct reader *reader, const struct json_field *field)
{
    const struct json_message *message = field->message;
    struct nest_mark mark;

    bool is_too_deep = message->is_value && reader->value_depth == reader->value_depth_max;
    if (is_too_deep && !is_in_record(reader))
        return fail_at(reader, ST_LIMIT, reader->scan.at, "nested too deep");
    enum status st = nest_open(&reader->nest, field->number, &mark, reader->err);
    if (st != ST_OK)
        return st;
    reader->value_depth += message->is_value;
    if (is_too_deep)
        st = json_skip_value(&reader->scan) ? ST_OK : scan_failed(reader);
    else
        st = read_message(reader, message);
    reader->value_depth -= message->is_value;
    return st == ST_OK ? nest_close(&reader->nest, mark, reader->err) : st;
}

/* One value of a field, or of a list of them. */
static enum status read_value(struct reader *reader, const struct json_field *field)
{
    switch (field->kind) {
    case KIND_TEXT:
        return read_text(reader, field);
    case KIND_BASE64:
        return read_base64(reader, field);
    case KIND_ID:
        return read_id(reader, field);
    case KIND_FIXED64:
    case KIND_SFIXED64:
    case KIND_FIXED32:
    case KIND_UINT64:
    case KIND_SINT32:
    case KIND_UINT32:
    case KIND_ENUM:
    case KIND_INT64:
        return read_integer(reader, field);
    case KIND_BOOL:
        return read_bool(reader, field);
    case KIND_DOUBLE:
        return read_double(reader, field);
    case KIND_MESSAGE:
        break;
    }
    return read_inner_message(reader, field);
}

/* A null in a list of values is a value with nothing set, so that the others keep their places;
 * in all other lists it has no meaning. */
static enum status read_null_element(struct reader *reader, const struct json_field *field)
{
    struct nest_mark mark;

    if (!(field->kind == KIND_MESSAGE && field->message->is_value))
        return fail_at(reader, ST_INVALID, reader->scan.at, "must not be null");
    if (!json_read_word(&reader->scan, SLICE("null")))
        return scan_failed(reader);
    enum status st = nest_open(&reader->nest, field->number, &mark, reader->err);
    return st == ST_OK ? nest_close(&reader->nest, mark, reader->err) : st;
}

static enum status read_list(struct reader *reader, const struct json_field *field,
                             struct frame *frame)
{
    bool more;

    if (json_peek(&reader->scan) != '[')
        return fail_at(reader, ST_INVALID, reader->scan.at, "must be an array");
    if (!json_open(&reader->scan, '[', ']', &more))
        return scan_failed(reader);
    while (more) {
        enum status st = json_peek(&reader->scan) == 'n' ? read_null_element(reader, field)
                                                         : read_value(reader, field);
        if (st != ST_OK)
            return st;
        if (!json_read_separator(&reader->scan, ']', &more))
            return scan_failed(reader);
        frame->index++;
    }
    return ST_OK;
}

static enum status read_field(struct reader *reader, const struct json_field *field)
{
    ASSERT(reader->frame_count < DEPTH_MAX);
    struct frame *frame = &reader->frames[reader->frame_count++];
    *frame = (struct frame){.field = field};
    enum status st;

    if (json_peek(&reader->scan) == 'n')
        st = json_read_word(&reader->scan, SLICE("null")) ? ST_OK : scan_failed(reader);
    else
        st = field->is_list ? read_list(reader, field, frame) : read_value(reader, field);
    reader->frame_count--;
    return st;
}

static const struct json_field *find_field(const struct json_message *message,
                                           const struct json_text *key)
{
    for (size_t i = 0; i < message->field_count; i++) {
        if (json_text_equal(key, message->fields[i].name))
            return &message->fields[i];
    }
    return NULL;
}

/* One member; `seen` has a bit for each field that was met in this object. */
static enum status read_member(struct reader *reader, const struct json_message *message,
                               uint32_t *seen)
{
    struct json_text key;

    if (!json_read_key(&reader->scan, &key))
        return scan_failed(reader);
    const struct json_field *field = find_field(message, &key);
    if (field == NULL)
        return json_skip_value(&reader->scan) ? ST_OK : scan_failed(reader);
    uint32_t bit = 1U << (field - message->fields);
    if ((*seen & bit) != 0)
        return fail_at(reader, ST_INVALID, key.raw, "a key stands twice in one object");
    *seen |= bit;
    return read_field(reader, field);
}

static enum status read_message(struct reader *reader, const struct json_message *message)
{
    uint32_t seen = 0;
    bool more;

    if (json_peek(&reader->scan) != '{')
        return fail_at(reader, ST_INVALID, reader->scan.at, "must be an object");
    if (!json_open(&reader->scan, '{', '}', &more))
        return scan_failed(reader);
    while (more) {
        enum status st = read_member(reader, message, &seen);
        if (st != ST_OK)
            return st;
        if (!json_read_separator(&reader->scan, '}', &more))
            return scan_failed(reader);
    }
    return ST_OK;
}

enum status otlp_json_read_request(struct slice json, enum signal signal,
                                   const struct otlp_limits *limits, struct buf *out,
                                   struct error *err)
{
    size_t start = out->size;
    struct reader reader = {
        .scan = json_scan_start(json),
        .out = out,
        .value_depth_max = limits->depth_max < OTLP_DEPTH_MAX ? limits->depth_max : OTLP_DEPTH_MAX,
        .err = err,
    };

    nest_init(&reader.nest, out);
    enum status st = read_message(&reader, json_request_message(signal));
    if (st == ST_OK && !json_read_end(&reader.scan))
        st = scan_failed(&reader);
    if (st == ST_OK)
        st = nest_finish(&reader.nest, err);
    nest_fini(&reader.nest);
    /* Its keys are unknown ones, and one object alone would be an empty request. */
    bool is_nothing = st == ST_INVALID || (st == ST_OK && out->size == start);
    if (is_nothing && foreign_json_find(json) == FOREIGN_JSON_SDK)
        st = error_set(err, ST_INVALID, "%s", foreign_json_words(FOREIGN_JSON_SDK));
    if (st != ST_OK)
        out->size = start;
    return st;
}
