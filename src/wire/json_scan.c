/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.c -- the grammar of RFC 8259, strictly.
 *
 * Strings go in runs: text_plain_end() steps over what needs no look, and only quotes, escapes,
 * bytes above ASCII and control characters are seen one by one.  Decoding never makes a text
 * longer (the six bytes of \uXXXX become at most three), hence size <= raw_size.
 *
 * Numbers of up to 15 digits and a power of ten of up to 22 are exact as doubles, and so is
 * one multiplication or division of them, rounded once.  All others go to strtod(), which rounds
 * correctly, in the form DIGITS e EXPONENT: without a decimal point it does not depend on the
 * locale.
 */
#include "wire/json_scan.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/text_scan.h"
#include "util/utf8.h"

enum {
    ESCAPE_UNICODE_SIZE = 6,
    FAST_DIGITS_MAX = 15,
    FAST_POWER_MAX = 22,
    INTEGER_DIGITS_MAX = 19,
    EXPONENT_MAX = 100000, /* beyond it everything is 0 or infinite */
};

bool json_scan_fail(struct json_scan *scan, enum status status, const uint8_t *place,
                    const char *reason)
{
    if (scan->reason == NULL) {
        scan->status = status;
        scan->place = place;
        scan->reason = reason;
    }
    return false;
}

enum status json_report(const struct json_scan *scan, struct error *err)
{
    ASSERT(scan->reason != NULL);
    return error_set(err, scan->status, "byte %zu: %s", (size_t)(scan->place - scan->start),
                     scan->reason);
}

uint8_t json_peek_behind_space(struct json_scan *scan)
{
    for (; scan->at < scan->end; scan->at++) {
        uint8_t byte = *scan->at;
        if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t')
            return byte;
    }
    return 0;
}

/* --- Strings ------------------------------------------------------------------------------ */

/* The code unit of \uXXXX at `at`, or -1. */
static int32_t read_code_unit(const uint8_t *at, const uint8_t *end)
{
    if (end - at < ESCAPE_UNICODE_SIZE || at[0] != '\\' || at[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (size_t i = 2; i < ESCAPE_UNICODE_SIZE; i++) {
        int digit = text_hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The character of the \u escape at `at`, which may be a pair; -1 when it is none.  *ret_raw is
 * what it takes in the text. */
static int32_t read_character(const uint8_t *at, const uint8_t *end, size_t *ret_raw)
{
    int32_t unit = read_code_unit(at, end);
    if (unit < 0xD800 || unit > 0xDFFF) {
        *ret_raw = ESCAPE_UNICODE_SIZE;
        return unit;
    }
    int32_t low = unit < 0xDC00 ? read_code_unit(at + ESCAPE_UNICODE_SIZE, end) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return -1;
    *ret_raw = 2 * (size_t)ESCAPE_UNICODE_SIZE;
    return 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
}

/* What a backslash and this byte stand for; 0: no such escape. */
static const uint8_t short_escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* Steps over the escape at `at`; adds to *saved how much shorter it gets.  NULL: not an escape. */
static const uint8_t *check_escape(const uint8_t *at, const uint8_t *end, size_t *saved)
{
    if (end - at >= 2 && short_escapes[at[1]] != 0) {
        *saved += 1;
        return at + 2;
    }
    size_t raw;
    int32_t character = read_character(at, end, &raw);
    if (character < 0)
        return NULL;
    *saved += raw - utf8_size_of((uint32_t)character);
    return at + raw;
}

/* Steps over the characters above ASCII at `at`; NULL: not UTF-8. */
static const uint8_t *check_utf8(const uint8_t *at, const uint8_t *end)
{
    do {
        size_t size = utf8_size(at, end);
        if (size == 0)
            return NULL;
        at += size;
    } while (at < end && *at >= 0x80);
    return at;
}

bool json_read_special_text(struct json_scan *scan, const uint8_t *raw, const uint8_t *special,
                            struct json_text *ret)
{
    const uint8_t *end = scan->end;
    const uint8_t *at = special;
    size_t saved = 0;

    for (;;) {
        at = text_plain_end(scan->start, at, end);
        if (at == end)
            return json_scan_fail(scan, ST_INVALID, end, "the text ends within a string");
        if (*at == '"')
            break;
        const uint8_t *next;
        if (*at == '\\')
            next = check_escape(at, end, &saved);
        else
            next = *at >= 0x80 ? check_utf8(at, end) : NULL;
        if (next == NULL) {
            return json_scan_fail(scan, ST_INVALID, at,
                                  *at == '\\'   ? "not an escape"
                                  : *at >= 0x80 ? "not UTF-8"
                                                : "a control character must be escaped");
        }
        at = next;
    }
    size_t raw_size = (size_t)(at - raw);
    *ret = (struct json_text){
        .raw = raw, .raw_size = raw_size, .size = raw_size - saved, .behind = (size_t)(end - raw)};
    scan->at = at + 1;
    return true;
}

/* The text was checked, so every backslash begins a whole escape. */
uint8_t *json_text_decode_escaped(const struct json_text *text, uint8_t *out)
{
    const uint8_t *at = text->raw;
    const uint8_t *end = at + text->raw_size;
    const uint8_t *readable = at + text->behind;

    while ((at = text_copy_to_backslash(&out, at, end, readable)) < end) {
        size_t raw = 2;
        if (at[1] == 'u')
            out = utf8_put(out, (uint32_t)read_character(at, end, &raw));
        else
            *out++ = short_escapes[at[1]];
        at += raw;
    }
    return out;
}

bool json_text_equal(const struct json_text *text, struct slice other)
{
    if (text->size != other.size)
        return false;
    if (text->size == text->raw_size)
        return memcmp(text->raw, other.data, other.size) == 0;
    uint8_t decoded[64 + JSON_TEXT_SLACK];
    if (text->size > sizeof(decoded) - JSON_TEXT_SLACK)
        return false;
    json_text_decode_escaped(text, decoded);
    return memcmp(decoded, other.data, other.size) == 0;
}

/* --- Numbers ------------------------------------------------------------------------------ */

/* The parts of a number: [minus] integral [. fraction] [e exponent]. */
struct number_parts {
    struct slice integral;
    struct slice fraction;
    int exponent;
    bool negative;
    bool is_plain; /* neither fraction nor exponent */
};

static struct slice take_digits(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *start = *at;
    while (*at < end && (unsigned)(**at - '0') < 10)
        (*at)++;
    return slice_of(start, (size_t)(*at - start));
}

/* At the 'e'.  False: no digit follows. */
static bool take_exponent(const uint8_t **at, const uint8_t *end, int *ret)
{
    bool negative = false;
    int exponent = 0;

    (*at)++;
    if (*at < end && (**at == '+' || **at == '-')) {
        negative = **at == '-';
        (*at)++;
    }
    struct slice digits = take_digits(at, end);
    for (size_t i = 0; i < digits.size; i++) {
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (digits.data[i] - '0');
    }
    *ret = negative ? -exponent : exponent;
    return digits.size > 0;
}

/* *ret_at is where it ends, or where it goes wrong. */
static bool take_number(const uint8_t **ret_at, const uint8_t *end, struct number_parts *ret)
{
    *ret = (struct number_parts){.is_plain = true};
    if (*ret_at < end && **ret_at == '-') {
        ret->negative = true;
        (*ret_at)++;
    }
    ret->integral = take_digits(ret_at, end);
    if (ret->integral.size == 0 || (ret->integral.size > 1 && ret->integral.data[0] == '0'))
        return false;
    if (*ret_at < end && **ret_at == '.') {
        ret->is_plain = false;
        (*ret_at)++;
        ret->fraction = take_digits(ret_at, end);
        if (ret->fraction.size == 0)
            return false;
    }
    if (*ret_at < end && (**ret_at | 0x20) == 'e') {
        ret->is_plain = false;
        return take_exponent(ret_at, end, &ret->exponent);
    }
    return true;
}

static uint64_t add_digits(uint64_t value, struct slice digits)
{
    for (size_t i = 0; i < digits.size; i++)
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
    return value;
}

static bool to_integer(const struct number_parts *parts, int64_t *ret)
{
    if (!parts->is_plain || parts->integral.size > INTEGER_DIGITS_MAX)
        return false;
    uint64_t magnitude = add_digits(0, parts->integral);
    if (magnitude > (uint64_t)INT64_MAX + parts->negative)
        return false;
    *ret = (int64_t)(parts->negative ? 0 - magnitude : magnitude);
    return true;
}

static double to_real_slowly(const struct number_parts *parts)
{
    char text[JSON_NUMBER_SIZE_MAX + 16];
    size_t size = 0;

    memcpy(text, parts->integral.data, parts->integral.size);
    size += parts->integral.size;
    if (parts->fraction.size > 0)
        memcpy(text + size, parts->fraction.data, parts->fraction.size);
    size += parts->fraction.size;
    snprintf(text + size, sizeof(text) - size, "e%d", parts->exponent - (int)parts->fraction.size);
    return strtod(text, NULL);
}

static const double powers_of_ten[FAST_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static double to_real(const struct number_parts *parts)
{
    int power = parts->exponent - (int)parts->fraction.size;
    double real;

    if (FLT_EVAL_METHOD == 0 && parts->integral.size + parts->fraction.size <= FAST_DIGITS_MAX &&
        power >= -FAST_POWER_MAX && power <= FAST_POWER_MAX) {
        real = (double)add_digits(add_digits(0, parts->integral), parts->fraction);
        real = power < 0 ? real / powers_of_ten[-power] : real * powers_of_ten[power];
    } else {
        real = to_real_slowly(parts);
    }
    return parts->negative ? -real : real;
}

/* Most numbers: a few digits, perhaps with a fraction.  False: it is none of these, and
 * nothing was read. */
static bool read_short_number(struct json_scan *scan, struct json_number *ret)
{
    const uint8_t *end = scan->end;
    bool negative = scan->at < end && *scan->at == '-';
    const uint8_t *first = scan->at + negative;
    const uint8_t *at = first;
    uint64_t digits = 0; /* may wrap, but then there are too many and it is not used */

    for (; at < end && (unsigned)(*at - '0') < 10; at++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    ptrdiff_t count = at - first;
    ptrdiff_t fraction = 0;
    if (count == 0 || (*first == '0' && count > 1) || at == end)
        return false;
    if (*at == '.') {
        const uint8_t *point = at++;
        for (; at < end && (unsigned)(*at - '0') < 10; at++)
            digits = digits * 10 + (uint64_t)(*at - '0');
        fraction = at - point - 1;
        count += fraction;
        if (fraction == 0 || at == end)
            return false;
    }
    bool is_minus_zero = negative && digits == 0;
    if (count > FAST_DIGITS_MAX || (*at | 0x20) == 'e' || is_minus_zero)
        return false;
    ret->is_integer = fraction == 0;
    ret->integer = negative ? -(int64_t)digits : (int64_t)digits;
    ret->real = (double)ret->integer;
    if (!ret->is_integer)
        ret->real /= powers_of_ten[fraction];
    ret->text = slice_of(scan->at, (size_t)(at - scan->at));
    scan->at = at;
    return true;
}

bool json_read_number(struct json_scan *scan, struct json_number *ret)
{
    struct number_parts parts;
    const uint8_t *start = scan->at;
    const uint8_t *at = start;

    if (read_short_number(scan, ret))
        return true;
    if (!take_number(&at, scan->end, &parts))
        return json_scan_fail(scan, ST_INVALID, at, at == start ? "not a value" : "not a number");
    size_t size = (size_t)(at - start);
    if (size > JSON_NUMBER_SIZE_MAX)
        return json_scan_fail(scan, ST_LIMIT, start, "a number of more than 512 bytes");
    struct json_number number = {.text = slice_of(start, size)};
    number.is_integer = to_integer(&parts, &number.integer);
    /* "-0" is the integer 0, but as a double it keeps its sign. */
    bool is_exact = number.is_integer && number.integer != 0;
    number.real = is_exact ? (double)number.integer : to_real(&parts);
    if (isinf(number.real))
        return json_scan_fail(scan, ST_INVALID, start, "a number beyond the range of doubles");
    *ret = number;
    scan->at = at;
    return true;
}

/* --- Structure ---------------------------------------------------------------------------- */

bool json_read_word(struct json_scan *scan, struct slice word)
{
    struct slice rest = slice_of(scan->at, (size_t)(scan->end - scan->at));
    if (!slice_starts_with(rest, word))
        return json_scan_fail(scan, ST_INVALID, scan->at, "not a value");
    scan->at += word.size;
    return true;
}

/* A value without values in it. */
static bool skip_leaf(struct json_scan *scan, uint8_t first)
{
    struct json_text text;
    struct json_number number;

    switch (first) {
    case '"':
        return json_read_text(scan, &text);
    case 't':
        return json_read_word(scan, SLICE("true"));
    case 'f':
        return json_read_word(scan, SLICE("false"));
    case 'n':
        return json_read_word(scan, SLICE("null"));
    default:
        return json_read_number(scan, &number);
    }
}

/* Closes what ends here.  *ret_depth is how many levels are still open; when there are some, the
 * scanner stands before the next value. */
static bool skip_ends(struct json_scan *scan, const uint8_t *closers, size_t *ret_depth)
{
    struct json_text key;
    bool more = false;

    while (*ret_depth > 0 && !more) {
        uint8_t close = closers[*ret_depth - 1];
        if (!json_read_separator(scan, close, &more))
            return false;
        if (!more)
            (*ret_depth)--;
        else if (close == '}' && !json_read_key(scan, &key))
            return false;
    }
    return true;
}

/* A loop and not recursion: what is skipped is what nobody knows the shape of. */
bool json_skip_value(struct json_scan *scan)
{
    uint8_t closers[JSON_SKIP_DEPTH_MAX];
    size_t depth = 0;
    struct json_text key;

    do {
        uint8_t first = json_peek(scan);
        if (first != '{' && first != '[') {
            if (!skip_leaf(scan, first) || !skip_ends(scan, closers, &depth))
                return false;
            continue;
        }
        uint8_t close = first == '{' ? '}' : ']';
        bool any;
        if (depth == JSON_SKIP_DEPTH_MAX)
            return json_scan_fail(scan, ST_LIMIT, scan->at, "nested too deep");
        if (!json_open(scan, first, close, &any))
            return false;
        if (!any) {
            if (!skip_ends(scan, closers, &depth))
                return false;
            continue;
        }
        closers[depth++] = close;
        if (close == '}' && !json_read_key(scan, &key))
            return false;
    } while (depth > 0);
    return true;
}

bool json_read_end(struct json_scan *scan)
{
    (void)json_peek(scan);
    if (scan->at != scan->end)
        return json_scan_fail(scan, ST_INVALID, scan->at, "nothing may follow the value");
    return true;
}
