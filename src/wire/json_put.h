/* SPDX-License-Identifier: Apache-2.0 */
/* json_put.h -- writing JSON into a buffer, without a check behind every call.
 *
 * A failure is remembered and what follows does nothing of use; json_finish() gives it back.
 * The pieces write text only: commas and braces are the caller's.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"
#include "util/short_copy.h"

struct json_put {
    uint8_t *at;  /* where the next byte goes, within out->data */
    uint8_t *end; /* of the room in `out` */
    struct buf *out;
    size_t start; /* out->size to go back to */
    enum status status;
    struct error *err;
};

/* Borrows `out` and `err` until json_finish(); `out` may not be used in between. */
void json_start(struct json_put *json, struct buf *out, struct error *err);

/* The first failure, or ST_OK.  On failure `out` is as it was. */
MUST_CHECK enum status json_finish(struct json_put *json);

static inline bool json_good(const struct json_put *json)
{
    return json->status == ST_OK;
}

/* Takes the status of a call that was given `err`, made while json_good(); false: it failed. */
static inline bool json_note(struct json_put *json, enum status status)
{
    json->status = status;
    return status == ST_OK;
}

/* Records a failure that the caller found; only the first one counts. */
void json_put_fail(struct json_put *json, enum status status, const char *text);

/* Makes room behind `at`; false: it failed. */
bool json_grow(struct json_put *json, size_t more);

static inline bool json_room(struct json_put *json, size_t more)
{
    return more <= (size_t)(json->end - json->at) || json_grow(json, more);
}

/* JSON as it is: json_put(json, SLICE("{\"key\":")).  Nothing for an empty slice. */
static inline void json_put(struct json_put *json, struct slice raw)
{
    if (raw.size > 0 && json_room(json, raw.size)) {
        short_copy(json->at, raw.data, raw.size);
        json->at += raw.size;
    }
}

/* A string with its quotes.  Control characters, U+2028 and U+2029 are escaped, so that a line
 * stays one line for every reader; each byte that is not UTF-8 becomes U+FFFD. */
void json_put_text(struct json_put *json, struct slice text);

void json_put_uint(struct json_put *json, uint64_t value);
void json_put_int(struct json_put *json, int64_t value);

/* The shortest digits that read back as `value`, always with a point or an exponent; "NaN",
 * "Infinity" and "-Infinity" as strings.  Expects the C locale. */
void json_put_double(struct json_put *json, double value);

/* Strings, with their quotes. */
void json_put_base64(struct json_put *json, struct slice bytes);
void json_put_hex(struct json_put *json, struct slice bytes);

/* A time as RFC 3339 in UTC, with nine digits behind the point; with its quotes. */
void json_put_time(struct json_put *json, uint64_t unix_ns);
