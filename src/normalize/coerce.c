/* SPDX-License-Identifier: Apache-2.0 */
/* coerce.c -- see coerce.h.  Numbers are read without the C locale: an agent's "1.5" must not
 * depend on the environment of the daemon. */
#include "normalize/coerce.h"

#include <math.h>
#include <stdlib.h>

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
