/* SPDX-License-Identifier: Apache-2.0 */
/* hook_line.c -- see hook_line.h.  The members of the line are skipped but for ours, so that a
 * hook may nest as deep and be as long as the line may. */
#include "wire/hook_line.h"

#include "util/utf8.h"
#include "wire/base64.h"
#include "wire/json_scan.h"
#include "wire/otlp.h"

enum member {
    MEMBER_DIALECT,
    MEMBER_ID,
    MEMBER_EVENT,
    MEMBER_TIME,
    MEMBER_HOOK,
    MEMBER_BASE64,
    MEMBER_CUT,
    MEMBER_EVENT_NAME,
    MEMBER_TYPE,
    MEMBER_COUNT
};

_Static_assert((int)HOOK_WORD_ROOM >= (int)HOOK_WORD_MAX + (int)JSON_TEXT_SLACK, "room for words");

struct line_reader {
    struct json_scan scan;
    struct buf *decoded;
    struct hook_line *ret;
    struct error *err;
    struct slice words[MEMBER_COUNT]; /* the values as they stand in the line */
};

static enum member find_member(const struct json_text *key)
{
    static const char *const names[MEMBER_COUNT] = {
        [MEMBER_DIALECT] = "dialect", [MEMBER_ID] = "id",
        [MEMBER_EVENT] = "event",     [MEMBER_TIME] = "time",
        [MEMBER_HOOK] = "hook",       [MEMBER_BASE64] = "hook_base64",
        [MEMBER_CUT] = "hook_cut",    [MEMBER_EVENT_NAME] = "hook_event_name",
        [MEMBER_TYPE] = "type"};
    for (int i = 0; i < MEMBER_COUNT; i++) {
        if (json_text_equal(key, slice_of_text(names[i])))
            return (enum member)i;
    }
    return MEMBER_COUNT;
}

/* Finds the values; of two members of a name the last counts, as in the hook's own JSON. */
static enum status find_members(struct line_reader *reader)
{
    struct json_scan *scan = &reader->scan;
    struct json_text key;
    bool more;
    if (!json_open(scan, '{', '}', &more))
        return json_report(scan, reader->err);
    while (more) {
        if (!json_read_key(scan, &key))
            return json_report(scan, reader->err);
        (void)json_peek(scan); /* steps over white space */
        const uint8_t *start = scan->at;
        if (!json_skip_value(scan))
            return json_report(scan, reader->err);
        enum member member = find_member(&key);
        if (member != MEMBER_COUNT)
            reader->words[member] = slice_of(start, (size_t)(scan->at - start));
        if (!json_read_separator(scan, '}', &more))
            return json_report(scan, reader->err);
    }
    return json_read_end(scan) ? ST_OK : json_report(scan, reader->err);
}

/* A string of a few bytes into `room`; false: it is none. */
static bool read_word(struct slice value, uint8_t *room, struct slice *ret)
{
    struct json_scan scan = json_scan_start(value);
    struct json_text text;
    if (value.size == 0 || value.data[0] != '"' || !json_read_text(&scan, &text) ||
        text.size > HOOK_WORD_MAX)
        return false;
    json_text_decode(&text, room);
    *ret = slice_of(room, text.size);
    return true;
}

static bool read_time(struct slice value, uint64_t *ret)
{
    uint8_t room[HOOK_WORD_ROOM];
    struct slice text = value;
    uint64_t time = 0;
    if (value.size > 0 && value.data[0] == '"' && !read_word(value, room, &text))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(time, 10, &time) ||
            __builtin_add_overflow(time, digit, &time))
            return false;
    }
    *ret = time;
    return text.size > 0;
}

static enum status decode_hook(struct line_reader *reader)
{
    struct json_scan scan = json_scan_start(reader->words[MEMBER_BASE64]);
    struct json_text text;
    size_t size = 0;
    if (reader->words[MEMBER_BASE64].data[0] != '"' || !json_read_text(&scan, &text))
        return error_set(reader->err, ST_INVALID, "'hook_base64' must be a string");
    buf_clear(reader->decoded);
    enum status st = buf_reserve(reader->decoded, text.size + JSON_TEXT_SLACK, reader->err);
    if (st != ST_OK)
        return st;
    json_text_decode(&text, reader->decoded->data);
    if (!base64_decode(reader->decoded->data, text.size, &size))
        return error_set(reader->err, ST_INVALID, "'hook_base64' is not base64");
    reader->decoded->size = size;
    reader->ret->hook = buf_slice(reader->decoded);
    return ST_OK;
}

static bool is_object(struct slice bytes)
{
    struct json_scan scan = json_scan_start(bytes);
    return json_peek(&scan) == '{' && json_skip_value(&scan) && json_read_end(&scan);
}

/* What stands around a hook is ours, and must be in order. */
static enum status read_wrapper(struct line_reader *reader)
{
    struct hook_line *ret = reader->ret;
    const struct slice *words = reader->words;
    static const char wrong[] = "'%s' must be a string of up to 128 bytes";
    ret->is_wrapped = true;
    if (words[MEMBER_DIALECT].size > 0 &&
        !read_word(words[MEMBER_DIALECT], ret->room[0], &ret->dialect))
        return error_set(reader->err, ST_INVALID, wrong, "dialect");
    if (words[MEMBER_ID].size > 0 && !read_word(words[MEMBER_ID], ret->room[1], &ret->id))
        return error_set(reader->err, ST_INVALID, wrong, "id");
    if (words[MEMBER_EVENT].size > 0 && !read_word(words[MEMBER_EVENT], ret->room[2], &ret->event))
        return error_set(reader->err, ST_INVALID, wrong, "event");
    if (words[MEMBER_TIME].size > 0 && !read_time(words[MEMBER_TIME], &ret->time_unix_nano))
        return error_set(reader->err, ST_INVALID, "'time' must be nanoseconds since 1970");
    ret->is_cut = slice_equal(words[MEMBER_CUT], SLICE("true"));
    ret->is_text = ret->is_json = true;
    ret->hook = words[MEMBER_HOOK];
    if (words[MEMBER_BASE64].size > 0) {
        enum status st = decode_hook(reader);
        if (st != ST_OK)
            return st;
        ret->is_text = utf8_is_text(ret->hook);
    }
    ret->is_json = ret->is_text && is_object(ret->hook);
    return ST_OK;
}

enum status hook_line_read(struct slice line, struct buf *decoded, struct hook_line *ret,
                           struct error *err)
{
    struct line_reader reader = {
        .scan = json_scan_start(line), .decoded = decoded, .ret = ret, .err = err};
    *ret = (struct hook_line){.hook = line, .is_json = true, .is_text = true};
    enum status st = find_members(&reader);
    if (st != ST_OK)
        return st;
    if (reader.words[MEMBER_HOOK].size > 0 || reader.words[MEMBER_BASE64].size > 0)
        return read_wrapper(&reader);
    /* The other members are the hook's own, whatever they are. */
    if (read_word(reader.words[MEMBER_DIALECT], ret->room[0], &ret->dialect) &&
        ret->dialect.size > 0)
        return slice_equal(ret->dialect, SLICE("native"))
                   ? error_set(err, ST_NOT_FOUND, "a native event")
                   : ST_OK;
    if (reader.words[MEMBER_EVENT_NAME].size > 0 ||
        slice_equal(reader.words[MEMBER_TYPE], SLICE("\"agent-turn-complete\"")))
        return ST_OK;
    return error_set(err, ST_NOT_FOUND, "no hook");
}

enum status hook_line_append_record(const struct hook_line *hook, struct buf *out,
                                    struct error *err)
{
    const struct slice key = SLICE("log.record.original");
    if (hook->is_text)
        return pb_append_text(out, RECORD_ATTRIBUTES, key, hook->hook, err);
    size_t any_size = 1 + pb_varint_size(hook->hook.size) + hook->hook.size;
    size_t key_size = 1 + pb_varint_size(key.size) + key.size;
    size_t size = key_size + 1 + pb_varint_size(any_size) + any_size;
    enum status st = buf_reserve(out, size + PB_TAG_MAX + PB_VARINT_MAX, err);
    if (st != ST_OK)
        return st;
    uint8_t *at = pb_put_header(out->data + out->size, RECORD_ATTRIBUTES, size);
    at = pb_put_bytes(at, KEY_VALUE_KEY, key);
    at = pb_put_header(at, KEY_VALUE_VALUE, any_size);
    at = pb_put_bytes(at, ANY_BYTES, hook->hook);
    out->size = (size_t)(at - out->data);
    return ST_OK;
}
