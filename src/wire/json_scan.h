/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h -- JSON text, token by token, for the two readers that turn it into protobuf.
 *
 * A scanner borrows its text, allocates nothing and never reads behind the end of it.  Strings
 * are first measured and checked, then copied: so their decoded size is known before a byte of
 * them is written, and the length in front of it needs no second thought.
 *
 * A function that fails returns false and leaves status, place and reason in the scanner, for
 * json_report().  The first failure stands.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdbool.h>

#include "telltale/error.h"
#include "telltale/slice.h"
#include "util/text_scan.h"

/* Values within values that json_skip_value() follows. */
enum { JSON_SKIP_DEPTH_MAX = 512 };

/* Longest number: far more than a double can tell apart. */
enum { JSON_NUMBER_SIZE_MAX = 512 };

struct json_scan {
    const uint8_t *start; /* borrowed */
    const uint8_t *at;    /* the next byte to read */
    const uint8_t *end;
    const uint8_t *place; /* of the failure */
    const char *reason;   /* NULL: no failure yet; static text */
    enum status status;
};

/* json_text_decode() may write this much behind the text, which is of no meaning. */
enum { JSON_TEXT_SLACK = TEXT_STEP, JSON_TEXT_SHORT_MAX = 64 };

/* A string that was checked: valid UTF-8 and valid escapes.  Passed by pointer: on the hot path a
 * copy of what was just written costs more than the string itself. */
struct json_text {
    const uint8_t *raw; /* between the quotes; borrowed from the scanner's text */
    size_t raw_size;
    size_t size;   /* once decoded; equals raw_size exactly when there is no escape */
    size_t behind; /* bytes that can be read from `raw` on */
};

struct json_number {
    bool is_integer; /* no fraction, no exponent, and it fits */
    int64_t integer;
    double real;       /* nearest to what is written, also for integers */
    struct slice text; /* as written */
};

static inline struct json_scan json_scan_start(struct slice text)
{
    const uint8_t *data = text.size > 0 ? text.data : (const uint8_t *)"";
    return (struct json_scan){.start = data, .at = data, .end = data + text.size};
}

/* Notes a failure unless there is one; always false. */
bool json_scan_fail(struct json_scan *scan, enum status status, const uint8_t *place,
                    const char *reason);

/* Steps over white space.  Returns the byte there, 0 at the end; it is not consumed. */
uint8_t json_peek_behind_space(struct json_scan *scan);

HOT_INLINE uint8_t json_peek(struct json_scan *scan)
{
    if (__builtin_expect(scan->at<scan->end && * scan->at> ' ', 1))
        return *scan->at;
    return json_peek_behind_space(scan);
}

/* Steps over white space and `byte`, which is not 0, or fails with `reason`. */
HOT_INLINE bool json_take(struct json_scan *scan, uint8_t byte, const char *reason)
{
    if (__builtin_expect(json_peek(scan) != byte, 0))
        return json_scan_fail(scan, ST_INVALID, scan->at, reason);
    scan->at++;
    return true;
}

/* The rest of json_read_text() and json_text_decode(): for texts with escapes or more than ASCII.
 */
bool json_read_special_text(struct json_scan *scan, const uint8_t *raw, const uint8_t *special,
                            struct json_text *ret);
uint8_t *json_text_decode_escaped(const struct json_text *text, uint8_t *out);

/* A string; white space may stand before it. */
HOT_INLINE bool json_read_text(struct json_scan *scan, struct json_text *ret)
{
    if (!json_take(scan, '"', "a string must begin here"))
        return false;
    const uint8_t *raw = scan->at;
    const uint8_t *at = text_plain_end(scan->start, raw, scan->end);
    if (at == scan->end || *at != '"')
        return json_read_special_text(scan, raw, at, ret);
    ret->raw = raw;
    ret->raw_size = (size_t)(at - raw);
    ret->size = ret->raw_size;
    ret->behind = (size_t)(scan->end - raw);
    scan->at = at + 1;
    return true;
}

/* Writes the text's `size` bytes to `out`, which has room for JSON_TEXT_SLACK more, and returns
 * the end of them. */
HOT_INLINE uint8_t *json_text_decode(const struct json_text *text, uint8_t *out)
{
    if (text->size != text->raw_size)
        return json_text_decode_escaped(text, out);
    /* In whole steps where the text's neighbours allow it: most are short, and a call of memcpy
     * would cost more. */
    if (text->size > JSON_TEXT_SHORT_MAX || text->size + JSON_TEXT_SLACK > text->behind) {
        memcpy(out, text->raw, text->size);
        return out + text->size;
    }
    for (size_t at = 0; at < text->size; at += TEXT_STEP)
        memcpy(out + at, text->raw + at, TEXT_STEP);
    return out + text->size;
}

bool json_text_equal(const struct json_text *text, struct slice other);

/* A number.  Beyond the range of doubles is ST_INVALID. */
bool json_read_number(struct json_scan *scan, struct json_number *ret);

/* The numbers that are met most, quickly: up to 15 digits and nothing else.  False: it is another
 * one, and nothing was read. */
HOT_INLINE bool json_read_small_integer(struct json_scan *scan, uint64_t *ret)
{
    enum { DIGITS_MAX = 15 };
    const uint8_t *at = scan->at;
    uint64_t value = 0;

    for (; at < scan->end && (unsigned)(*at - '0') < 10; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    size_t size = (size_t)(at - scan->at);
    if (at == scan->end || (*at != ',' && *at != '}' && *at != ']'))
        return false;
    if (size == 0 || size > DIGITS_MAX || (size > 1 && *scan->at == '0'))
        return false;
    *ret = value;
    scan->at = at;
    return true;
}

/* "true", "false" or "null": the scanner stands at the first letter of it. */
bool json_read_word(struct json_scan *scan, struct slice word);

/* A key and its colon. */
HOT_INLINE bool json_read_key(struct json_scan *scan, struct json_text *ret)
{
    return json_read_text(scan, ret) && json_take(scan, ':', "':' must follow a key");
}

/* Behind a member or element: true and *ret_more when a comma follows (stepped over), true and
 * not *ret_more at `close` (stepped over as well). */
HOT_INLINE bool json_read_separator(struct json_scan *scan, uint8_t close, bool *ret_more)
{
    uint8_t byte = json_peek(scan);
    if (byte != ',' && byte != close) {
        return json_scan_fail(scan, ST_INVALID, scan->at,
                              close == '}' ? "',' or '}' must follow" : "',' or ']' must follow");
    }
    scan->at++;
    *ret_more = byte == ',';
    return true;
}

/* Opens an object or array and tells whether anything is in it; when there is not, its end was
 * stepped over too. */
HOT_INLINE bool json_open(struct json_scan *scan, uint8_t open, uint8_t close, bool *ret_any)
{
    if (!json_take(scan, open, open == '{' ? "must be an object" : "must be an array"))
        return false;
    *ret_any = json_peek(scan) != close;
    if (!*ret_any)
        scan->at++;
    return true;
}

/* Any value, checked and forgotten.  ST_LIMIT: nested deeper than JSON_SKIP_DEPTH_MAX. */
bool json_skip_value(struct json_scan *scan);

/* Nothing but white space may follow. */
bool json_read_end(struct json_scan *scan);

/* The recorded failure as "byte N: reason". */
enum status json_report(const struct json_scan *scan, struct error *err);
