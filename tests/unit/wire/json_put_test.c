/* SPDX-License-Identifier: Apache-2.0 */
/* json_put_test.c -- times, numbers and texts, against what libc and a byte-by-byte writer say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "support/random_otlp.h"
#include "util/clock.h"
#include "wire/json_put.h"

enum { OUT_MAX = 1 << 16 };

static struct error err;

/* What `put` writes, with a NUL behind it; good until the next call. */
static const char *written_time(uint64_t unix_ns)
{
    static struct buf out;
    struct json_put json;
    if (out.limit == 0)
        buf_init(&out, OUT_MAX);
    buf_clear(&out);
    json_start(&json, &out, &err);
    json_put_time(&json, unix_ns);
    assert_int_equal(json_finish(&json), ST_OK);
    assert_int_equal(buf_append(&out, "", 1, &err), ST_OK);
    return (const char *)out.data;
}

static void check_time(uint64_t unix_ns)
{
    char expected[64];
    struct tm utc;
    time_t seconds = (time_t)(unix_ns / NS_PER_S);
    assert_non_null(gmtime_r(&seconds, &utc));
    size_t used = strftime(expected, sizeof(expected), "\"%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(expected + used, sizeof(expected) - used, ".%09lluZ\"",
                   (unsigned long long)(unix_ns % NS_PER_S));
    assert_string_equal(written_time(unix_ns), expected);
}

static void test_times_are_those_of_libc(void **state)
{
    const uint64_t day_ns = 86400 * NS_PER_S;
    struct random random = {.state = 3};
    (void)state;
    for (uint64_t day = 0; day < UINT64_MAX / day_ns; day += 13)
        check_time(day * day_ns + random_next(&random) % day_ns);
    for (uint64_t day = 0; day < 366 * 9; day++) { /* 1970 to 1978, and 1996 to 2004 */
        check_time(day * day_ns);
        check_time((day + 26 * 365 + 6) * day_ns + day_ns - 1);
    }
    check_time(UINT64_MAX);
}

static const char *written_double(double value)
{
    static struct buf out;
    struct json_put json;
    if (out.limit == 0)
        buf_init(&out, OUT_MAX);
    buf_clear(&out);
    json_start(&json, &out, &err);
    json_put_double(&json, value);
    assert_int_equal(json_finish(&json), ST_OK);
    assert_int_equal(buf_append(&out, "", 1, &err), ST_OK);
    return (const char *)out.data;
}

static void test_doubles_have_the_shortest_digits_that_read_back(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{12.5, "12.5"},       {-0.25, "-0.25"},
                 {0.001, "0.001"},     {0.1, "0.1"},
                 {1500.25, "1500.25"}, {999999999.999999, "999999999.999999"},
                 {3, "3.0"},           {0.0009, "0.0009"},
                 {0.00001, "1e-05"},   {1.0 / 3, "0.3333333333333333"},
                 {1e300, "1e+300"},    {123456.789012, "123456.789012"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(written_double(cases[i].value), cases[i].text);
}

static void test_random_doubles_read_back(void **state)
{
    struct random random = {.state = 5};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double decimal = (double)(random_next(&random) % 1000000000000) / 1e6;
        double any = (double)random_next(&random) / (double)(random_next(&random) | 1);
        assert_true(strtod(written_double(decimal), NULL) == decimal);
        assert_true(strtod(written_double(-any), NULL) == -any);
    }
}

/* Each byte of a text of each length, that one byte needs an escape or none does. */
static void test_a_special_byte_is_found_at_every_place(void **state)
{
    enum { SIZE_MAX_TRIED = 40 };
    struct buf out;
    (void)state;
    buf_init(&out, OUT_MAX);
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        for (size_t place = 0; place <= size; place++) {
            char text[SIZE_MAX_TRIED + 1], expected[SIZE_MAX_TRIED + 8];
            struct json_put json;
            memset(text, 'a', sizeof(text));
            text[place] = '"'; /* behind the end when place is size */
            buf_clear(&out);
            json_start(&json, &out, &err);
            json_put_text(&json, slice_of(text, size));
            assert_int_equal(json_finish(&json), ST_OK);
            size_t expected_size = 0;
            expected[expected_size++] = '"';
            for (size_t i = 0; i < size; i++) {
                if (text[i] == '"')
                    expected[expected_size++] = '\\';
                expected[expected_size++] = text[i];
            }
            expected[expected_size++] = '"';
            assert_int_equal(out.size, expected_size);
            assert_memory_equal(out.data, expected, expected_size);
        }
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_those_of_libc),
        cmocka_unit_test(test_doubles_have_the_shortest_digits_that_read_back),
        cmocka_unit_test(test_random_doubles_read_back),
        cmocka_unit_test(test_a_special_byte_is_found_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
