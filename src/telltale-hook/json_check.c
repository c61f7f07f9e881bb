/* SPDX-License-Identifier: Apache-2.0 */
/* json_check.c -- see json_check.h.  Each function gives the position behind what it has read, NULL
 * when that is not as it must be. */
#include "telltale-hook/json_check.h"

#include "util/utf8.h"

enum { DIGITS_MAX = 100, EXPONENT_DIGITS_MAX = 2 };

struct text {
    const uint8_t *end;
};

static const uint8_t *skip_space(const struct text *text, const uint8_t *at)
{
    while (at < text->end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The unit of "uXXXX" at `at`; -1 when it is none. */
static int read_unit(const struct text *text, const uint8_t *at)
{
    int unit = 0;
    if (text->end - at < 5 || *at != 'u')
        return -1;
    for (int i = 1; i <= 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* `at` is behind the backslash. */
static const uint8_t *skip_escape(const struct text *text, const uint8_t *at)
{
    if (at == text->end)
        return NULL;
    if (*at != 'u')
        return *at != 0 && strchr("\"\\/bfnrt", *at) != NULL ? at + 1 : NULL;
    int unit = read_unit(text, at);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
        return NULL;
    at += 5;
    if (unit < 0xD800 || unit > 0xDBFF)
        return at;
    int low = at < text->end && *at == '\\' ? read_unit(text, at + 1) : -1;
    return low >= 0xDC00 && low <= 0xDFFF ? at + 6 : NULL;
}

static const uint8_t *skip_string(const struct text *text, const uint8_t *at)
{
    if (at == text->end || *at != '"')
        return NULL;
    at++;
    while (at != NULL && at < text->end && *at != '"') {
        if (*at < 0x20)
            return NULL;
        if (*at == '\\') {
            at = skip_escape(text, at + 1);
        } else if (*at < 0x80) {
            at++;
        } else {
            size_t size = utf8_size(at, text->end);
            at = size > 0 ? at + size : NULL;
        }
    }
    return at != NULL && at < text->end ? at + 1 : NULL;
}

/* One digit at least. */
static const uint8_t *skip_digits(const struct text *text, const uint8_t *at, int digits_max)
{
    int count = 0;
    while (at < text->end && *at >= '0' && *at <= '9') {
        at++;
        count++;
    }
    return count > 0 && count <= digits_max ? at : NULL;
}

static const uint8_t *skip_number(const struct text *text, const uint8_t *at)
{
    if (at < text->end && *at == '-')
        at++;
    const uint8_t *first = at;
    at = skip_digits(text, at, DIGITS_MAX);
    if (at == NULL || (*first == '0' && at - first > 1))
        return NULL;
    if (at < text->end && *at == '.')
        at = skip_digits(text, at + 1, DIGITS_MAX);
    if (at != NULL && at < text->end && (*at | 0x20) == 'e') {
        at++;
        if (at < text->end && (*at == '+' || *at == '-'))
            at++;
        at = skip_digits(text, at, EXPONENT_DIGITS_MAX);
    }
    return at;
}

static const uint8_t *skip_word(const struct text *text, const uint8_t *at, const char *word)
{
    size_t size = strlen(word);
    bool is_there = (size_t)(text->end - at) >= size && memcmp(at, word, size) == 0;
    return is_there ? at + size : NULL;
}

static const uint8_t *skip_value(const struct text *text, const uint8_t *at, int depth);

static const uint8_t *skip_member(const struct text *text, const uint8_t *at, int depth)
{
    at = skip_string(text, skip_space(text, at));
    if (at == NULL)
        return NULL;
    at = skip_space(text, at);
    return at < text->end && *at == ':' ? skip_value(text, at + 1, depth) : NULL;
}

/* An object or an array; `at` is behind its bracket. */
static const uint8_t *skip_inside(const struct text *text, const uint8_t *at, uint8_t close,
                                  int depth)
{
    if (depth > JSON_CHECK_DEPTH_MAX)
        return NULL;
    at = skip_space(text, at);
    if (at < text->end && *at == close)
        return at + 1;
    for (;;) {
        at = close == '}' ? skip_member(text, at, depth) : skip_value(text, at, depth);
        if (at == NULL)
            return NULL;
        at = skip_space(text, at);
        if (at == text->end || (*at != ',' && *at != close))
            return NULL;
        if (*at++ == close)
            return at;
    }
}

static const uint8_t *skip_value(const struct text *text, const uint8_t *at, int depth)
{
    at = skip_space(text, at);
    if (at == text->end)
        return NULL;
    switch (*at) {
    case '{':
        return skip_inside(text, at + 1, '}', depth + 1);
    case '[':
        return skip_inside(text, at + 1, ']', depth + 1);
    case '"':
        return skip_string(text, at);
    case 't':
        return skip_word(text, at, "true");
    case 'f':
        return skip_word(text, at, "false");
    case 'n':
        return skip_word(text, at, "null");
    default:
        return skip_number(text, at);
    }
}

bool json_is_plain_object(struct slice bytes)
{
    struct text text = {.end = bytes.data + bytes.size};
    return bytes.size > 0 && bytes.data[0] == '{' && skip_value(&text, bytes.data, 0) == text.end;
}
