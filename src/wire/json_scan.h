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

/* A string that was checked: valid UTF-8 and valid escapes. */
struct json_text {
    const uint8_t *raw; /* between the quotes; borrowed from the scanner's text */
    size_t raw_size;
    size_t size; /* once decoded; equals raw_size exactly when there is no escape */
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
bool json_fail(struct json_scan *scan, enum status status, const uint8_t *place,
               const char *reason);

/* Steps over white space. Returns the byte there, 0 at the end; it is not consumed. */
static inline uint8_t json_peek(struct json_scan *scan)
{
    while (scan->at < scan->end) {
        uint8_t byte = *scan->at;
        if (byte > ' ' || (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t'))
            return byte;
        scan->at++;
    }
    return 0;
}

/* Steps over white space and `byte`, or fails with `reason`. */
static inline bool json_take(struct json_scan *scan, uint8_t byte, const char *reason)
{
    if (json_peek(scan) != byte || scan->at == scan->end)
        return json_fail(scan, ST_INVALID, scan->at, reason);
    scan->at++;
    return true;
}

/* A string; white space may stand before it. */
bool json_read_text(struct json_scan *scan, struct json_text *ret);

/* Writes the text's `size` bytes to `out` and returns the end of them. */
uint8_t *json_put_text(struct json_text text, uint8_t *out);

bool json_text_equal(struct json_text text, struct slice other);

/* A number.  Beyond the range of doubles is ST_INVALID. */
bool json_read_number(struct json_scan *scan, struct json_number *ret);

/* "true", "false" or "null": the scanner stands at the first letter of it. */
bool json_read_word(struct json_scan *scan, struct slice word);

/* A key and its colon. */
bool json_read_key(struct json_scan *scan, struct json_text *ret);

/* Behind a member or element: true and *ret_more when a comma follows (stepped over), true and
 * not *ret_more at `close` (stepped over as well). */
bool json_read_separator(struct json_scan *scan, uint8_t close, bool *ret_more);

/* Opens an object or array and tells whether anything is in it; when there is not, its end was
 * stepped over too. */
bool json_open(struct json_scan *scan, uint8_t open, uint8_t close, bool *ret_any);

/* Any value, checked and forgotten.  ST_LIMIT: nested deeper than JSON_SKIP_DEPTH_MAX. */
bool json_skip_value(struct json_scan *scan);

/* Nothing but white space may follow. */
bool json_read_end(struct json_scan *scan);

/* The recorded failure as "byte N: reason". */
enum status json_report(const struct json_scan *scan, struct error *err);
