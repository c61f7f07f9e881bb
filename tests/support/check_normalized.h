/* SPDX-License-Identifier: Apache-2.0 */
/* check_normalized.h -- what a test expects of a normalized record, as a reader finds it.  To be
 * included behind cmocka.h. */
#pragma once

#include "support/normalized.h"

static inline void check_text(const struct normalized *normalized, const char *key,
                              const char *expected)
{
    struct slice text = normalized_text(normalized, key);
    if (!slice_equal(text, slice_of_text(expected)))
        fail_msg("%s is '%.*s', not '%s'", key, SLICE_ARG(text), expected);
}

static inline void check_int(const struct normalized *normalized, const char *key, int64_t expected)
{
    const struct any_view *value = normalized_value(normalized, key);
    assert_non_null(value);
    assert_int_equal(value->type, ANY_TYPE_INT);
    assert_int_equal(value->integer, expected);
}

static inline void check_bool(const struct normalized *normalized, const char *key, bool expected)
{
    const struct any_view *value = normalized_value(normalized, key);
    assert_non_null(value);
    assert_int_equal(value->type, ANY_TYPE_BOOL);
    assert_int_equal(value->integer, expected);
}

static inline void check_absent(const struct normalized *normalized, const char *key)
{
    if (normalized_value(normalized, key) != NULL)
        fail_msg("there is a %s", key);
}
