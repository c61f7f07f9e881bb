/* SPDX-License-Identifier: Apache-2.0 */
/* json_put.c -- see json_put.h.
 *
 * Texts are the bulk of what agents send, and nearly all of it needs no escape.  So eight
 * bytes are looked at together, copied, and counted up to the first one that needs a closer
 * look.  While a text is written there is always room for the rest of it, unescaped, and its
 * closing quote; only what is escaped asks for more.
 */
#include "wire/json_put.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/text_scan.h"
#include "util/utf8.h"

#define EACH_BYTE(b) (0x0101010101010101ULL * (b))

enum {
    UNIT_ESCAPE_SIZE = 6,                    /* \u001f */
    ESCAPED_SIZE_MAX = 2 * UNIT_ESCAPE_SIZE, /* a surrogate pair */
};

void json_start(struct json_put *json, struct buf *out, struct error *err)
{
    *json = (struct json_put){.out = out, .start = out->size, .err = err};
    if (out->capacity > 0) {
        json->at = out->data + out->size;
        json->end = out->data + out->capacity;
    }
}

enum status json_finish(struct json_put *json)
{
    bool failed = json->status != ST_OK;
    if (failed || json->at == NULL)
        json->out->size = json->start;
    else
        json->out->size = (size_t)(json->at - json->out->data);
    return json->status;
}

void json_put_fail(struct json_put *json, enum status status, const char *text)
{
    if (json->status == ST_OK)
        json->status = error_set(json->err, status, "%s", text);
}

bool json_grow(struct json_put *json, size_t more)
{
    if (json->status != ST_OK)
        return false;
    struct buf *out = json->out;
    if (json->at != NULL)
        out->size = (size_t)(json->at - out->data);
    json->status = buf_reserve(out, more, json->err);
    if (json->status != ST_OK)
        return false;
    json->at = out->data + out->size;
    json->end = out->data + out->capacity;
    return true;
}

/* --- Texts --------------------------------------------------------------------------------- */

/* Plain is what is written as it is, but for characters above ASCII. */
static bool is_plain(uint8_t byte)
{
    return text_byte_is_plain(byte) && byte != 0x7f;
}

/* Has the top bit of each byte set that is not plain: below 0x20, '"', '\\' or 0x7f and above.
 * Bytes above the lowest such byte may be marked wrongly, the lowest itself is exact. */
static uint64_t mark_special(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');
    uint64_t below = (word - EACH_BYTE(0x20)) & ~word;
    uint64_t delete = word ^ EACH_BYTE(0x7f);
    uint64_t equal = ((quote - EACH_BYTE(1)) & ~quote) | ((backslash - EACH_BYTE(1)) & ~backslash) |
                     ((delete - EACH_BYTE(1)) & ~delete);
    return (word | below | equal) & EACH_BYTE(0x80);
}

/* Copies plain bytes up to the first special one and returns their number. */
static size_t copy_plain(uint8_t *out, const uint8_t *in, size_t size)
{
    size_t done = 0;
    while (size - done >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, in + done, sizeof(word));
        memcpy(out + done, &word, sizeof(word));
        uint64_t special = mark_special(le64toh(word));
        if (special != 0)
            return done + (unsigned)__builtin_ctzll(special) / 8;
        done += sizeof(word);
    }
    if (done < size && size >= sizeof(uint64_t)) {
        /* The rest once more with bytes before it, which are plain: no byte by itself. */
        uint64_t word;
        memcpy(&word, in + size - sizeof(word), sizeof(word));
        memcpy(out + size - sizeof(word), &word, sizeof(word));
        uint64_t special = mark_special(le64toh(word)) >> (8 * (sizeof(word) - (size - done)));
        return special == 0 ? size : done + (unsigned)__builtin_ctzll(special) / 8;
    }
    while (done < size && is_plain(in[done])) {
        out[done] = in[done];
        done++;
    }
    return done;
}

/* Writes \uXXXX. */
static size_t put_unit(uint8_t *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";

    out[0] = '\\';
    out[1] = 'u';
    for (int i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)digits[unit >> (12 - 4 * i) & 15];
    return UNIT_ESCAPE_SIZE;
}

/* Writes one character as an escape; returns its size. */
static size_t put_escape(uint8_t *out, uint32_t character)
{
    static const char short_escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (const char *pair = short_escapes; *pair != '\0'; pair += 2) {
        if (character == (uint8_t)pair[0]) {
            out[0] = '\\';
            out[1] = (uint8_t)pair[1];
            return 2;
        }
    }
    if (character < 0x10000)
        return put_unit(out, character);
    uint32_t above = character - 0x10000;
    size_t size = put_unit(out, 0xd800 | above >> 10);
    return size + put_unit(out + size, 0xdc00 | (above & 0x3ff));
}

/* Writes what stands at `in`, a byte that is not plain; returns how many bytes of `in` that
 * were.  There is room for ESCAPED_SIZE_MAX. */
static size_t put_special(struct json_put *json, const uint8_t *in, size_t size)
{
    if (in[0] < 0x80) {
        json->at += put_escape(json->at, in[0]);
        return 1;
    }
    size_t taken = utf8_size(in, in + size);
    struct slice shown = slice_of(in, taken);
    if (taken == 0) {
        shown = SLICE("\xef\xbf\xbd");
        taken = 1;
    } else if (utf8_acts(utf8_code_point(in, taken))) {
        json->at += put_escape(json->at, utf8_code_point(in, taken));
        return taken;
    }
    memcpy(json->at, shown.data, shown.size);
    json->at += shown.size;
    return taken;
}

void json_put_text(struct json_put *json, struct slice text)
{
    if (!json_room(json, text.size + 2))
        return;
    *json->at++ = '"';
    size_t done = 0;
    while (done < text.size) {
        const uint8_t *in = text.data + done;
        size_t left = text.size - done;
        if (is_plain(in[0])) {
            size_t plain = copy_plain(json->at, in, left);
            json->at += plain;
            done += plain;
        } else {
            if (!json_room(json, ESCAPED_SIZE_MAX + left + 1))
                return;
            done += put_special(json, in, left);
        }
    }
    *json->at++ = '"';
}

/* --- Numbers and bytes --------------------------------------------------------------------- */

enum { DIGITS_MAX = 20 };

void json_put_uint(struct json_put *json, uint64_t value)
{
    uint8_t digits[DIGITS_MAX];
    size_t first = DIGITS_MAX;
    do {
        digits[--first] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    json_put(json, slice_of(digits + first, DIGITS_MAX - first));
}

void json_put_int(struct json_put *json, int64_t value)
{
    if (value < 0) {
        json_put(json, SLICE("-"));
        json_put_uint(json, 0 - (uint64_t)value);
    } else {
        json_put_uint(json, (uint64_t)value);
    }
}

/* Above this, an integral double may have digits that it does not mean. */
static const double EXACT_INTEGER_MAX = 1e15;

/* Writes a number of up to six digits behind the point, which most durations and costs are: when
 * the digits divided by a million give the value again, they are it.  False: it is another one. */
static bool put_short_decimal(struct json_put *json, double value)
{
    enum { FRACTION_DIGITS = 6, SCALE = 1000000 };
    double size = fabs(value);

    if (size >= 1e9 || size < 1e-3)
        return false;
    uint64_t scaled = (uint64_t)(size * SCALE + 0.5);
    if ((double)scaled / SCALE != size)
        return false;
    uint64_t fraction = scaled % SCALE;
    uint8_t digits[FRACTION_DIGITS];
    size_t count = FRACTION_DIGITS;
    for (size_t i = FRACTION_DIGITS; i > 0; i--) {
        digits[i - 1] = (uint8_t)('0' + fraction % 10);
        fraction /= 10;
    }
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (value < 0)
        json_put(json, SLICE("-"));
    json_put_uint(json, scaled / SCALE);
    json_put(json, SLICE("."));
    json_put(json, slice_of(digits, count));
    return true;
}

void json_put_double(struct json_put *json, double value)
{
    if (isnan(value)) {
        json_put(json, SLICE("\"NaN\""));
        return;
    }
    if (isinf(value)) {
        json_put(json, value > 0 ? SLICE("\"Infinity\"") : SLICE("\"-Infinity\""));
        return;
    }
    bool is_minus_zero = value == 0 && signbit(value);
    if (fabs(value) < EXACT_INTEGER_MAX && value == (double)(int64_t)value && !is_minus_zero) {
        json_put_int(json, (int64_t)value);
        json_put(json, SLICE(".0"));
        return;
    }
    if (put_short_decimal(json, value))
        return;
    char text[32];
    int precision = 15; /* always survives; 17 is always enough */
    do {
        (void)snprintf(text, sizeof(text), "%.*g", precision, value); /* fits: 24 at most */
    } while (precision++ < 17 && strtod(text, NULL) != value);
    json_put(json, slice_of_text(text));
    if (strpbrk(text, ".e") == NULL)
        json_put(json, SLICE(".0"));
}

void json_put_base64(struct json_put *json, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!json_room(json, bytes.size / 3 * 4 + 4 + 2))
        return;
    uint8_t *at = json->at;
    *at++ = '"';
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        if (left > 1)
            group |= (uint32_t)bytes.data[i + 1] << 8;
        if (left > 2)
            group |= bytes.data[i + 2];
        *at++ = (uint8_t)digits[group >> 18];
        *at++ = (uint8_t)digits[group >> 12 & 63];
        *at++ = left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=';
        *at++ = left > 2 ? (uint8_t)digits[group & 63] : '=';
    }
    *at++ = '"';
    json->at = at;
}

void json_put_hex(struct json_put *json, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (!json_room(json, bytes.size * 2 + 2))
        return;
    uint8_t *at = json->at;
    *at++ = '"';
    for (size_t i = 0; i < bytes.size; i++) {
        *at++ = (uint8_t)digits[bytes.data[i] >> 4];
        *at++ = (uint8_t)digits[bytes.data[i] & 15];
    }
    *at++ = '"';
    json->at = at;
}

/* --- Times --------------------------------------------------------------------------------- */

/* Writes `count` digits of `value` and returns what is behind them. */
static uint8_t *put_digits(uint8_t *out, uint64_t value, unsigned count)
{
    for (unsigned i = count; i > 0; i--) {
        out[i - 1] = (uint8_t)('0' + value % 10);
        value /= 10;
    }
    return out + count;
}

/* The date of a day since 1970, in the calendar that repeats every 400 years; these begin in March,
 * so that the day that only some years have is their last.  By hand: strftime() costs more than the
 * rest of a record. */
static void find_date(uint64_t day, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    enum { DAYS_TO_1970 = 719468, DAYS_400 = 146097, DAYS_100 = 36524, DAYS_4 = 1460 };
    unsigned since = (unsigned)day + DAYS_TO_1970; /* since March of the year 0 */
    unsigned in_era = since % DAYS_400;
    unsigned year = (in_era - in_era / DAYS_4 + in_era / DAYS_100 - in_era / (DAYS_400 - 1)) / 365;
    unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * in_year + 2) / 153; /* from March; 153 days are five months */

    *ret_day = in_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = year + since / DAYS_400 * 400 + (*ret_month <= 2);
}

void json_put_time(struct json_put *json, uint64_t unix_ns)
{
    enum { TIME_SIZE = sizeof("\"1970-01-01T00:00:00.000000000Z\"") - 1, S_PER_DAY = 86400 };
    unsigned year, month, day;
    uint64_t seconds = unix_ns / NS_PER_S;
    unsigned in_day = (unsigned)(seconds % S_PER_DAY);

    if (!json_room(json, TIME_SIZE))
        return;
    find_date(seconds / S_PER_DAY, &year, &month, &day);
    uint8_t *at = json->at;
    *at++ = '"';
    at = put_digits(at, year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, in_day / 3600, 2);
    *at++ = ':';
    at = put_digits(at, in_day / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, in_day % 60, 2);
    *at++ = '.';
    at = put_digits(at, unix_ns % NS_PER_S, 9);
    *at++ = 'Z';
    *at++ = '"';
    json->at = at;
}
