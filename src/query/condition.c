/* SPDX-License-Identifier: Apache-2.0 */
/* condition.c -- see condition.h. */
#include "query/condition.h"

#include <stdlib.h>
#include <string.h>

/* --- Reading --------------------------------------------------------------------------------- */

static const struct {
    const char *sign; /* those that begin with another stand before it */
    enum condition_test test;
    bool is_negated;
} signs[] = {
    {"!=", TEST_EQUAL, true},          {"!~", TEST_GLOB, true},
    {"<=", TEST_LESS_OR_EQUAL, false}, {">=", TEST_GREATER_OR_EQUAL, false},
    {"=", TEST_EQUAL, false},          {"~", TEST_GLOB, false},
    {"<", TEST_LESS, false},           {">", TEST_GREATER, false},
};

/* Decimal digits as people write them; false: it is another text.  strtod() also takes "inf", "nan"
 * and hexadecimal digits. */
static bool read_number(struct slice text, double *ret)
{
    char digits[CONDITION_NUMBER_MAX];
    char *end = NULL;

    if (text.size == 0 || text.size >= sizeof(digits))
        return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = 0;
    if (strspn(digits, "0123456789+-.eE") != text.size)
        return false;
    *ret = strtod(digits, &end);
    return end == digits + text.size;
}

static size_t find_sign(struct slice text, size_t *ret_sign)
{
    for (size_t at = 0; at < text.size; at++) {
        struct slice rest = slice_from(text, at);
        for (size_t i = 0; i < COUNT_OF(signs); i++) {
            if (slice_starts_with(rest, slice_of_text(signs[i].sign))) {
                *ret_sign = i;
                return at;
            }
        }
    }
    *ret_sign = COUNT_OF(signs);
    return text.size;
}

enum status condition_read(struct slice text, struct condition *ret, struct error *err)
{
    size_t sign = 0;

    if (text.size > CONDITION_SIZE_MAX)
        return error_set(err, ST_LIMIT, "a condition of %zu bytes, limit %d", text.size,
                         CONDITION_SIZE_MAX);
    size_t key_size = find_sign(text, &sign);
    struct slice key = slice_of(text.data, key_size);
    ret->value = SLICE_EMPTY;
    ret->has_number = false;
    if (sign == COUNT_OF(signs)) {
        ret->test = TEST_EXISTS;
        ret->is_negated = slice_starts_with(key, SLICE("!"));
        key = slice_from(key, ret->is_negated);
    } else {
        ret->test = signs[sign].test;
        ret->is_negated = signs[sign].is_negated;
        ret->value = slice_from(text, key_size + strlen(signs[sign].sign));
        ret->has_number = read_number(ret->value, &ret->number);
    }
    enum status st = field_init(&ret->field, key, err);
    if (st != ST_OK)
        error_context(err,
                      "a condition is KEY, !KEY, KEY=VALUE, !=, <, <=, >, >=, ~GLOB or !~GLOB");
    return st;
}

/* --- Holding --------------------------------------------------------------------------------- */

bool condition_glob_matches(struct slice glob, struct slice text)
{
    size_t in_glob = 0;
    size_t in_text = 0;
    size_t star = SIZE_MAX; /* where to go on when nothing fits: behind the last star */
    size_t tried = 0;

    while (in_text < text.size) {
        bool is_quoted = in_glob + 1 < glob.size && glob.data[in_glob] == '\\';
        if (!is_quoted && in_glob < glob.size && glob.data[in_glob] == '*') {
            star = ++in_glob;
            tried = in_text;
            continue;
        }
        bool is_any = !is_quoted && in_glob < glob.size && glob.data[in_glob] == '?';
        if (in_glob < glob.size &&
            (is_any || glob.data[in_glob + is_quoted] == text.data[in_text])) {
            in_glob += 1 + (size_t)is_quoted;
            in_text++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        in_glob = star;
        in_text = ++tried;
    }
    while (in_glob < glob.size && glob.data[in_glob] == '*')
        in_glob++;
    return in_glob == glob.size;
}

static int order_of_texts(struct slice a, struct slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool passes(enum condition_test test, int order)
{
    switch (test) {
    case TEST_EQUAL:
        return order == 0;
    case TEST_LESS:
        return order < 0;
    case TEST_LESS_OR_EQUAL:
        return order <= 0;
    case TEST_GREATER:
        return order > 0;
    case TEST_GREATER_OR_EQUAL:
        return order >= 0;
    default:
        return false;
    }
}

static bool number_passes(const struct condition *condition, double number)
{
    /* A NaN is in no order with anything. */
    if (!condition->has_number || number != number)
        return false;
    return passes(condition->test, (number > condition->number) - (number < condition->number));
}

/* For field_each_text(), whose context is not const. */
struct asked {
    const struct condition *condition;
};

static bool text_passes(void *context, struct slice text)
{
    const struct condition *condition = ((struct asked *)context)->condition;
    double number;

    if (condition->test == TEST_GLOB)
        return condition_glob_matches(condition->value, text);
    if (condition->test != TEST_EQUAL && condition->has_number && read_number(text, &number))
        return number_passes(condition, number);
    return passes(condition->test, order_of_texts(text, condition->value));
}

static bool value_passes(const struct condition *condition, const struct any_view *value)
{
    struct asked asked = {.condition = condition};

    switch (value->type) {
    case ANY_TYPE_BOOL:
        return text_passes(&asked, value->integer != 0 ? SLICE("true") : SLICE("false"));
    case ANY_TYPE_INT:
        return number_passes(condition, (double)value->integer);
    case ANY_TYPE_DOUBLE:
        return number_passes(condition, value->number);
    default:
        return field_each_text(value, text_passes, &asked);
    }
}

bool condition_holds(const struct condition *condition, const struct field_record *record,
                     struct buf *scratch)
{
    struct any_view value;

    bool found = field_read(&condition->field, record, scratch, &value);
    if (found && condition->test != TEST_EXISTS)
        found = value_passes(condition, &value);
    return found != condition->is_negated;
}
