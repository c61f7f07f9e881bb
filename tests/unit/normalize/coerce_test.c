/* SPDX-License-Identifier: Apache-2.0 */
/* coerce_test.c -- numbers, booleans and words for nothing, as senders write them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "normalize/coerce.h"

static struct any_view text(const char *value)
{
    return (struct any_view){.type = ANY_TYPE_STRING, .bytes = slice_of_text(value)};
}

static void test_decimal_text_becomes_int(void **state)
{
    (void)state;
    int64_t value = 0;
    struct any_view number = text("9223372036854775807");
    assert_true(coerce_int(&number, &value));
    assert_int_equal(value, INT64_MAX);
    number = text("-12");
    assert_true(coerce_int(&number, &value));
    assert_int_equal(value, -12);
}

static void test_text_that_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "-",
                                        "1 ",
                                        "0x10",
                                        "1e3",
                                        "1.5",
                                        "many",
                                        "9223372036854775808",
                                        "99999999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int64_t value = 0;
        struct any_view number = text(texts[i]);
        assert_false(coerce_int(&number, &value));
    }
}

static void test_double_is_an_int_only_when_whole(void **state)
{
    (void)state;
    int64_t value = 0;
    struct any_view number = {.type = ANY_TYPE_DOUBLE, .number = 4000.0};
    assert_true(coerce_int(&number, &value));
    assert_int_equal(value, 4000);
    static const double others[] = {0.5, 1e300, -1e300, NAN, INFINITY};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        number.number = others[i];
        assert_false(coerce_int(&number, &value));
    }
}

static void test_int_and_text_become_double(void **state)
{
    (void)state;
    double value = 0;
    struct any_view number = {.type = ANY_TYPE_INT, .integer = 118};
    assert_true(coerce_double(&number, &value));
    assert_true(value == 118.0);
    number = text("0.25");
    assert_true(coerce_double(&number, &value));
    assert_true(value == 0.25);
    static const char *const texts[] = {"", "nan", "inf", "1e999", "1.5x", "0x1p3", "1,5"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        number = text(texts[i]);
        assert_false(coerce_double(&number, &value));
    }
}

static void test_bool_is_read_from_text_of_any_case(void **state)
{
    (void)state;
    bool value = false;
    struct any_view truth = text("True");
    assert_true(coerce_bool(&truth, &value));
    assert_true(value);
    truth = text("false");
    assert_true(coerce_bool(&truth, &value));
    assert_false(value);
    truth = text("yes");
    assert_false(coerce_bool(&truth, &value));
    truth = (struct any_view){.type = ANY_TYPE_INT, .integer = 1};
    assert_false(coerce_bool(&truth, &value));
}

static void test_sentinels_are_no_values(void **state)
{
    (void)state;
    static const char *const sentinels[] = {"",           "none",      "unknown", "unix-socket",
                                            "[REDACTED]", "<REDACTED>"};
    static const char *const values[] = {"None of it", "a", "unknow", "[redacted?]",
                                         "unix-sockets"};
    for (size_t i = 0; i < COUNT_OF(sentinels); i++)
        assert_true(text_is_sentinel(slice_of_text(sentinels[i])));
    for (size_t i = 0; i < COUNT_OF(values); i++)
        assert_false(text_is_sentinel(slice_of_text(values[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_text_becomes_int),
        cmocka_unit_test(test_text_that_is_no_number_is_refused),
        cmocka_unit_test(test_double_is_an_int_only_when_whole),
        cmocka_unit_test(test_int_and_text_become_double),
        cmocka_unit_test(test_bool_is_read_from_text_of_any_case),
        cmocka_unit_test(test_sentinels_are_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
