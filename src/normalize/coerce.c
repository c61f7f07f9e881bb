/* SPDX-License-Identifier: Apache-2.0 */
/* coerce.c -- see coerce.h.  Numbers are read without the C locale: an agent's "1.5" must not
 * depend on the environment of the daemon. */
#include "normalize/coerce.h"

#include <math.h>
#include <stdlib.h>

#include "util/clock.h"

enum { NUMBER_TEXT_MAX = 40 };

bool text_is_redacted(struct slice text)
{
    return slice_equal(text, SLICE("[REDACTED]")) || slice_equal(text, SLICE("<REDACTED>"));
}

bool text_is_sentinel(struct slice text)
{
    switch (text.size) {
    case 0:
        return true;
    case 4:
        return memcmp(text.data, "none", 4) == 0;
    case 7:
        return memcmp(text.data, "unknown", 7) == 0;
    case 10:
        return text_is_redacted(text);
    case 11:
        return memcmp(text.data, "unix-socket", 11) == 0;
    default:
        return false;
    }
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool text_equal_nocase(struct slice text, const char *word)
{
    for (size_t i = 0; i < text.size; i++) {
        if (word[i] == '\0' || lower(text.data[i]) != lower((uint8_t)word[i]))
            return false;
    }
    return word[text.size] == '\0';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool parse_int(struct slice text, int64_t *ret)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t at = negative;
    if (at == text.size || text.size - at > 19)
        return false;
    uint64_t value = 0; /* 19 digits fit */
    for (; at < text.size; at++) {
        if (!is_digit(text.data[at]))
            return false;
        value = value * 10 + (uint64_t)(text.data[at] - '0');
    }
    if (value > INT64_MAX)
        return false;
    *ret = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* Digits, one point, an exponent: what strtod() reads the same in every locale that we meet once
 * the point is the locale's own, which for a daemon that never calls setlocale() is '.'. */
static bool parse_double(struct slice text, double *ret)
{
    char copy[NUMBER_TEXT_MAX + 1];
    if (text.size == 0 || text.size > NUMBER_TEXT_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i]) && strchr("+-.eE", text.data[i]) == NULL)
            return false;
        copy[i] = (char)text.data[i];
    }
    copy[text.size] = '\0';
    char *end = NULL;
    double value = strtod(copy, &end);
    if (end != copy + text.size || !isfinite(value))
        return false;
    *ret = value;
    return true;
}

bool coerce_int(const struct any_view *value, int64_t *ret)
{
    switch (value->type) {
    case ANY_TYPE_INT:
        *ret = value->integer;
        return true;
    case ANY_TYPE_DOUBLE:
        if (!(value->number > -9e18 && value->number < 9e18) ||
            value->number != (double)(int64_t)value->number)
            return false;
        *ret = (int64_t)value->number;
        return true;
    case ANY_TYPE_STRING:
        return parse_int(value->bytes, ret);
    default:
        return false;
    }
}

bool coerce_double(const struct any_view *value, double *ret)
{
    int64_t integer = 0;
    switch (value->type) {
    case ANY_TYPE_INT:
        *ret = (double)value->integer;
        return true;
    case ANY_TYPE_DOUBLE:
        *ret = value->number;
        return isfinite(value->number);
    case ANY_TYPE_STRING:
        if (!parse_int(value->bytes, &integer))
            return parse_double(value->bytes, ret);
        *ret = (double)integer;
        return true;
    default:
        return false;
    }
}

bool coerce_bool(const struct any_view *value, bool *ret)
{
    bool is_true = value->type == ANY_TYPE_STRING && text_equal_nocase(value->bytes, "true");
    bool is_false = value->type == ANY_TYPE_STRING && text_equal_nocase(value->bytes, "false");
    if (value->type == ANY_TYPE_BOOL)
        is_true = value->integer != 0;
    else if (!is_true && !is_false)
        return false;
    *ret = is_true;
    return true;
}

/* --- Time ------------------------------------------------------------------------------ */

/* Reads `count` digits at `at`; -1 when they are not there. */
static int digits(struct slice text, size_t at, size_t count)
{
    int value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= text.size || !is_digit(text.data[i]))
            return -1;
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

static bool has(struct slice text, size_t at, char either, char other)
{
    return at < text.size && (text.data[at] == (uint8_t)either || text.data[at] == (uint8_t)other);
}

/* Days since the epoch; a year is taken to begin in March, so that the leap day ends it. */
static int64_t days_of(int year, int month, int day)
{
    static const int before_month[] = {306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275};
    int64_t y = month <= 2 ? year - 1 : year;
    return y * 365 + y / 4 - y / 100 + y / 400 + before_month[month - 1] + day - 1 - 719468;
}

static bool read_date(struct slice text, int64_t *ret_days)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    if (!has(text, 4, '-', '-') || !has(text, 7, '-', '-') || year < 1970 || year > 2261)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1])
        return false;
    *ret_days = days_of(year, month, day);
    return true;
}

/* Reads ".936" if it is there; returns the position behind it. */
static size_t read_fraction(struct slice text, size_t at, uint64_t *ret_ns)
{
    *ret_ns = 0;
    if (!has(text, at, '.', '.'))
        return at;
    uint64_t unit = NS_PER_S;
    for (at++; at < text.size && is_digit(text.data[at]); at++) {
        unit /= 10;
        *ret_ns += unit * (uint64_t)(text.data[at] - '0');
    }
    return at;
}

static bool read_offset(struct slice text, size_t at, int *ret_minutes)
{
    *ret_minutes = 0;
    if (has(text, at, 'Z', 'z'))
        return at + 1 == text.size;
    int hours = digits(text, at + 1, 2), minutes = digits(text, at + 4, 2);
    if (!has(text, at, '+', '-') || !has(text, at + 3, ':', ':') || at + 6 != text.size)
        return false;
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ret_minutes = (text.data[at] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

bool parse_rfc3339(struct slice text, uint64_t *ret_unix_ns)
{
    int64_t days = 0;
    uint64_t fraction_ns = 0;
    int offset_minutes = 0;
    int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
    if (!read_date(text, &days) || !has(text, 10, 'T', 't') || !has(text, 13, ':', ':') ||
        !has(text, 16, ':', ':'))
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    size_t at = read_fraction(text, 19, &fraction_ns);
    if (!read_offset(text, at, &offset_minutes))
        return false;
    int64_t minutes = (days * 24 + hour) * 60 + minute - offset_minutes;
    int64_t seconds = minutes * 60 + second;
    if (seconds < 0)
        return false;
    *ret_unix_ns = (uint64_t)seconds * NS_PER_S + fraction_ns;
    return true;
}
