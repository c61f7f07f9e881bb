/* SPDX-License-Identifier: Apache-2.0 */
/* json_put.c -- see json_put.h.
 *
 * Texts are the bulk of what agents send, and nearly all of it needs no escape.  So eight or
 * sixteen bytes are looked at together, copied, and counted up to the first one that needs a
 * closer look.  While a text is written there is always room for the rest of it, unescaped, and its
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

/* Copies eight bytes and returns how many of them stand before the first special one. */
static size_t copy_word(uint8_t *out, const uint8_t *in)
{
    uint64_t word;

    memcpy(&word, in, sizeof(word));
    memcpy(out, &word, sizeof(word));
    uint64_t special = mark_special(le64toh(word));
    return special == 0 ? sizeof(word) : (unsigned)__builtin_ctzll(special) / 8;
}

enum { BLOCK_SIZE = 16 };

/* The same with BLOCK_SIZE bytes. */
static size_t copy_block(uint8_t *out, const uint8_t *in)
{
#ifdef __SSE2__
    __m128i bytes = _mm_loadu_si128((const __m128i *)in);
    __m128i delete = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    unsigned mask = text_special_mask(in) | (unsigned)_mm_movemask_epi8(delete);

    _mm_storeu_si128((__m128i *)out, bytes);
    return (size_t)__builtin_ctz(mask | 1U << BLOCK_SIZE);
#else
    size_t plain = copy_word(out, in);
    return plain < sizeof(uint64_t)
               ? plain
               : plain + copy_word(out + sizeof(uint64_t), in + sizeof(uint64_t));
#endif
}

/* Copies plain bytes up to the first special one and returns their number.  The last bytes of a
 * text are copied once more with some before them, which are plain: no byte by itself. */
static size_t copy_plain(uint8_t *out, const uint8_t *in, size_t size)
{
    size_t done = 0;

    if (size >= BLOCK_SIZE) {
        for (; size - done >= BLOCK_SIZE; done += BLOCK_SIZE) {
            size_t plain = copy_block(out + done, in + done);
            if (plain < BLOCK_SIZE)
                return done + plain;
        }
        return done == size ? size
                            : size - BLOCK_SIZE +
                                  copy_block(out + size - BLOCK_SIZE, in + size - BLOCK_SIZE);
    }
    if (size >= sizeof(uint64_t)) {
        size_t plain = copy_word(out, in), rest = size - sizeof(uint64_t);
        return plain < sizeof(uint64_t) ? plain : rest + copy_word(out + rest, in + rest);
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
    static const uint8_t short_escapes[0x80] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

    if (character < COUNT_OF(short_escapes) && short_escapes[character] != 0) {
        out[0] = '\\';
        out[1] = short_escapes[character];
        return 2;
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

/* Writes what is left of a text from its first special byte on. */
static __attribute__((noinline)) void put_rest(struct json_put *json, struct slice text)
{
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

void json_put_text(struct json_put *json, struct slice text)
{
    if (!json_room(json, text.size + 2))
        return;
    uint8_t *at = json->at; /* bytes that are written may be anything, `json` too, for a compiler */
    *at++ = '"';
    size_t plain = copy_plain(at, text.data, text.size);
    at += plain;
    if (plain < text.size) {
        json->at = at;
        put_rest(json, slice_from(text, plain));
        return;
    }
    *at++ = '"';
    json->at = at;
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

/* Writes two digits and returns what is behind them. */
static uint8_t *put_two(uint8_t *out, unsigned value)
{
    out[0] = (uint8_t)('0' + value / 10);
    out[1] = (uint8_t)('0' + value % 10);
    return out + 2;
}

/* Nine digits, two at a time: none of them waits for all that are behind it. */
static uint8_t *put_nanoseconds(uint8_t *out, uint32_t value)
{
    uint32_t high = value / 100000, low = value % 100000; /* four digits and five */

    out = put_two(out, high / 100);
    out = put_two(out, high % 100);
    *out++ = (uint8_t)('0' + low / 10000);
    out = put_two(out, low / 100 % 100);
    return put_two(out, low % 100);
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
    at = put_two(at, year / 100);
    at = put_two(at, year % 100);
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    at = put_two(at, day);
    *at++ = 'T';
    at = put_two(at, in_day / 3600);
    *at++ = ':';
    at = put_two(at, in_day / 60 % 60);
    *at++ = ':';
    at = put_two(at, in_day % 60);
    *at++ = '.';
    at = put_nanoseconds(at, (uint32_t)(unix_ns % NS_PER_S));
    *at++ = 'Z';
    *at++ = '"';
    json->at = at;
}
