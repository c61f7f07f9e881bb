/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan_test.c -- the grammar of JSON, token by token, and times in texts.
 *
 * Every text is read from a heap block of exactly its size, so that the address sanitizer sees
 * a byte read too much; so are texts written with exactly the room they are promised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/json_scan.h"
#include "wire/rfc3339.h"

static struct slice copy_exactly(struct slice text)
{
    uint8_t *copy = malloc(text.size > 0 ? text.size : 1);
    assert_non_null(copy);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    return slice_of(copy, text.size);
}

static void free_copy(struct slice copy)
{
    free((void *)copy.data);
}

/* --- Strings ------------------------------------------------------------------------------- */

/* `json` with its quotes; NULL as `expected`: it is to be refused. */
static void check_text(struct slice json, const struct slice *expected)
{
    struct slice copy = copy_exactly(json);
    struct json_scan scan = json_scan_start(copy);
    struct json_text text;
    bool good = json_read_text(&scan, &text) && json_read_end(&scan);

    if (good != (expected != NULL))
        fail_msg("%.*s: %s", SLICE_ARG(json), good ? "accepted" : scan.reason);
    if (good) {
        assert_int_equal(text.size, expected->size);
        assert_true(json_text_equal(&text, *expected) || text.size > 64);
        uint8_t *decoded = malloc(text.size + JSON_TEXT_SLACK);
        assert_non_null(decoded);
        assert_ptr_equal(json_text_decode(&text, decoded), decoded + text.size);
        assert_true(slice_equal(slice_of(decoded, text.size), *expected));
        free(decoded);
    }
    free_copy(copy);
}

static void test_texts_are_decoded(void **state)
{
    (void)state;
    static const struct {
        struct slice json;
        struct slice text;
    } good[] = {
        {SLICE("\"\""), SLICE("")},
        {SLICE("\"a\""), SLICE("a")},
        {SLICE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SLICE("\"\\/\b\f\n\r\t")},
        {SLICE("\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\""),
         SLICE("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")},
        {SLICE("\"a\\u0000b\""), SLICE("a\0b")},
        {SLICE("\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
         SLICE("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {SLICE("\"\\uffff\\ue000\\ud7ff\""), SLICE("\xef\xbf\xbf\xee\x80\x80\xed\x9f\xbf")},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++)
        check_text(good[i].json, &good[i].text);
}

static void test_bad_texts_are_refused(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE("\""),
        SLICE("\"\\\""),
        SLICE("\"\\"),
        SLICE("\"\\x\""),
        SLICE("\"\\u12\""),
        SLICE("\"\\u12G4\""),
        SLICE("\"\\U0041\""),
        SLICE("\"\\ud800\""),
        SLICE("\"\\ud800x\""),
        SLICE("\"\\ud800\\n\""),
        SLICE("\"\\ud800\\u0041\""),
        SLICE("\"\\ud800\\ud800\""),
        SLICE("\"\\udc00\""),
        SLICE("\"\\udc00\\ud800\""),
        SLICE("\"\n\""),
        SLICE("\"\0\""),
        SLICE("\"\x1f\""),
        SLICE("\"\x80\""),
        SLICE("\"\xc0\x80\""),
        SLICE("\"\xc1\xbf\""),
        SLICE("\"\xc3\""),
        SLICE("\"\xc3(\""),
        SLICE("\"\xe0\x9f\xbf\""),
        SLICE("\"\xed\xa0\x80\""),
        SLICE("\"\xe2\x82\""),
        SLICE("\"\xf0\x8f\xbf\xbf\""),
        SLICE("\"\xf4\x90\x80\x80\""),
        SLICE("\"\xf5\x80\x80\x80\""),
        SLICE("\"\xf0\x9f\x98\""),
        SLICE("\"\xff\""),
        SLICE("'a'"),
        SLICE("a"),
        SLICE(""),
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check_text(bad[i], NULL);
}

/* The special character at each place of texts around the width of a vector, with each number of
 * bytes behind the text. */
static void test_specials_are_found_wherever_they_stand(void **state)
{
    (void)state;
    static const struct {
        struct slice json;
        struct slice text;
        bool good;
    } specials[] = {
        {SLICE("\\n"), SLICE("\n"), true},
        {SLICE("\\ud83d\\ude00"), SLICE("\xf0\x9f\x98\x80"), true},
        {SLICE("\xe2\x82\xac"), SLICE("\xe2\x82\xac"), true},
        {SLICE("z"), SLICE("z"), true},
        {SLICE("\x01"), SLICE_EMPTY, false},
        {SLICE("\xff"), SLICE_EMPTY, false},
    };
    for (size_t kind = 0; kind < COUNT_OF(specials); kind++) {
        for (size_t size = 0; size < 70; size++) {
            for (size_t place = 0; place <= size; place++) {
                char json[128];
                char text[128];
                char plain[70];
                memset(plain, 'x', sizeof(plain));
                int json_size =
                    snprintf(json, sizeof(json), "\"%.*s%.*s%.*s\"", (int)place, plain,
                             SLICE_ARG(specials[kind].json), (int)(size - place), plain);
                int text_size =
                    snprintf(text, sizeof(text), "%.*s%.*s%.*s", (int)place, plain,
                             SLICE_ARG(specials[kind].text), (int)(size - place), plain);
                struct slice expected = slice_of(text, (size_t)text_size);
                check_text(slice_of(json, (size_t)json_size),
                           specials[kind].good ? &expected : NULL);
            }
        }
    }
}

/* --- Numbers ------------------------------------------------------------------------------- */

static bool read_number(const char *json, struct json_number *ret)
{
    struct slice copy = copy_exactly(slice_of_text(json));
    struct json_scan scan = json_scan_start(copy);
    bool good = json_read_number(&scan, ret) && json_read_end(&scan);
    assert_true(good || scan.reason != NULL);
    free_copy(copy);
    return good;
}

static void test_integers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"7", 7},
        {"-7", -7},
        {"123456789012345", 123456789012345},
        {"1234567890123456", 1234567890123456},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"-9223372036854775807", -INT64_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct json_number number;
        char list[64];
        assert_true(read_number(good[i].json, &number));
        assert_true(number.is_integer);
        assert_int_equal(number.integer, good[i].value);
        (void)snprintf(list, sizeof(list), "%s,                ", good[i].json);
        struct json_scan scan = json_scan_start(slice_of_text(list));
        assert_true(json_read_number(&scan, &number));
        assert_int_equal(*scan.at, ',');
        assert_int_equal(number.integer, good[i].value);
    }
}

static void test_other_numbers_are_the_nearest_double(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0.1",
        "-0.5",
        "-0.0",
        "1.0",
        "1E2",
        "1e+2",
        "1e-2",
        "123.456e7",
        "0e5",
        "0.0e-9",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "123456789012345.6",
        "0.000001",
        "3.14159265358979",
        "2.2250738585072011e-308",
        "4.9e-324",
        "1.7976931348623157e308",
        "1e-400",
        "9007199254740993e0",
        "9007199254740993.00000000000000000001",
        "8.5e-1",
        "0.3333333333333333333333333333333333333333333",
        "100000000000000000000000e-23",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct json_number number;
        char list[256];
        double expected = strtod(good[i], NULL);
        assert_true(read_number(good[i], &number));
        assert_false(number.is_integer);
        assert_memory_equal(&number.real, &expected, sizeof(expected));
        (void)snprintf(list, sizeof(list), "%s]                ", good[i]);
        struct json_scan scan = json_scan_start(slice_of_text(list));
        assert_true(json_read_number(&scan, &number));
        assert_int_equal(*scan.at, ']');
        assert_memory_equal(&number.real, &expected, sizeof(expected));
    }
}

static void test_bad_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "-",    "+1",  "01",    "-01",    "00",  "1.",        ".5",    "1.e5", "1e",
        "1e+", "0x10", "1 2", "1e400", "-1e400", "NaN", "-Infinity", "1_000", "--1",  "1e5.5"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct json_number number;
        if (read_number(bad[i], &number))
            fail_msg("'%s' was accepted", bad[i]);
    }
}

static void test_numbers_have_a_longest_size(void **state)
{
    (void)state;
    struct json_number number;
    char digits[JSON_NUMBER_SIZE_MAX + 2];

    memset(digits, '1', sizeof(digits));
    memcpy(digits, "0.", 2);
    digits[JSON_NUMBER_SIZE_MAX] = 0;
    assert_true(read_number(digits, &number));
    assert_true(number.real == strtod(digits, NULL));
    digits[JSON_NUMBER_SIZE_MAX] = '1';
    digits[JSON_NUMBER_SIZE_MAX + 1] = 0;
    struct json_scan scan = json_scan_start(slice_of_text(digits));
    assert_false(json_read_number(&scan, &number));
    assert_int_equal(scan.status, ST_LIMIT);
}

/* --- Structure ----------------------------------------------------------------------------- */

static void test_values_can_be_skipped(void **state)
{
    (void)state;
    static const char *const good[] = {
        "null",
        " true ",
        "\tfalse\r\n",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[1,2]",
        "[[],[]]",
        "{\"a\":1}",
        "{\"a\":{\"b\":[1,{},\"x\",{\"c\":null}]},\"d\":[]}",
        "[[[[1]],2],3]",
        " [ 1 , { \"a\" : [ ] } ] ",
    };
    static const char *const bad[] = {
        "",
        "[",
        "]",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "[}",
        "{]",
        "{\"a\":[}",
        "tru",
        "True",
        "nulll",
        "{\"a\":1]",
        "[1}",
        "1 1",
        "[1]]",
        "{\"a\" 1}",
        "[1:2]",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct slice copy = copy_exactly(slice_of_text(good[i]));
        struct json_scan scan = json_scan_start(copy);
        if (!json_skip_value(&scan) || !json_read_end(&scan))
            fail_msg("'%s': %s", good[i], scan.reason);
        free_copy(copy);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct slice copy = copy_exactly(slice_of_text(bad[i]));
        struct json_scan scan = json_scan_start(copy);
        if (json_skip_value(&scan) && json_read_end(&scan))
            fail_msg("'%s' was accepted", bad[i]);
        free_copy(copy);
    }
}

static void test_skipping_stops_at_its_depth(void **state)
{
    (void)state;
    char json[2 * JSON_SKIP_DEPTH_MAX + 2];
    memset(json, '[', JSON_SKIP_DEPTH_MAX);
    memset(json + JSON_SKIP_DEPTH_MAX, ']', JSON_SKIP_DEPTH_MAX);
    struct json_scan scan = json_scan_start(slice_of(json, 2 * (size_t)JSON_SKIP_DEPTH_MAX));
    assert_true(json_skip_value(&scan));
    assert_true(json_read_end(&scan));
    memset(json, '[', JSON_SKIP_DEPTH_MAX + 1);
    scan = json_scan_start(slice_of(json, sizeof(json)));
    assert_false(json_skip_value(&scan));
    assert_int_equal(scan.status, ST_LIMIT);
}

static void test_first_failure_stands(void **state)
{
    (void)state;
    struct error err;
    struct json_scan scan = json_scan_start(SLICE("  x"));
    assert_false(json_skip_value(&scan));
    assert_false(json_take(&scan, '}', "something else"));
    assert_int_equal(json_report(&scan, &err), ST_INVALID);
    assert_string_equal(err.text, "byte 2: not a value");
}

/* --- Times --------------------------------------------------------------------------------- */

static void test_times_of_rfc_3339_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t unix_ns;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.000000001Z", 1},
        {"2000-02-29T23:59:59.5Z", 951868799500000000},
        {"2026-11-20T17:46:40Z", 1795196800000000000},
        {"2026-11-20 17:46:40z", 1795196800000000000},
        {"2026-11-20t18:46:40.25+01:00", 1795196800250000000},
        {"2026-11-20T12:16:40.1234567899999-05:30", 1795196800123456789},
        {"2016-12-31T23:59:60Z", 1483228800000000000},
        {"2554-07-21T23:34:32.999999999Z", 18446744072999999999U},
    };
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-20",
        "2026-11-20T17:46:40",
        "2026-11-20T17:46:40.Z",
        "2026-11-20T17:46:40+0100",
        "2026-11-20T17:46:40+01:0",
        "2026-11-20T17:46:40 Z",
        "2026-11-20T17:46:40ZZ",
        "2026-13-20T17:46:40Z",
        "2026-00-20T17:46:40Z",
        "2026-11-31T17:46:40Z",
        "2026-02-29T17:46:40Z",
        "1900-02-29T17:46:40Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T17:60:40Z",
        "2026-11-20T17:46:61Z",
        "2026-11-20T17:46:40+24:00",
        "2026-11-20T17:46:40+01:60",
        "2026/11/20T17:46:40Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "2554-07-21T23:34:33Z",
        "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "2026-11-20T17:46:4OZ",
        "-026-11-20T17:46:40Z",
        "2026-11-20X17:46:40Z",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        uint64_t unix_ns = 0;
        struct slice copy = copy_exactly(slice_of_text(good[i].text));
        if (!rfc3339_read(copy, &unix_ns) || unix_ns != good[i].unix_ns)
            fail_msg("%s: %llu", good[i].text, (unsigned long long)unix_ns);
        free_copy(copy);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint64_t unix_ns;
        struct slice copy = copy_exactly(slice_of_text(bad[i]));
        if (rfc3339_read(copy, &unix_ns))
            fail_msg("%s was accepted", bad[i]);
        free_copy(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_decoded),
        cmocka_unit_test(test_bad_texts_are_refused),
        cmocka_unit_test(test_specials_are_found_wherever_they_stand),
        cmocka_unit_test(test_integers_are_exact),
        cmocka_unit_test(test_other_numbers_are_the_nearest_double),
        cmocka_unit_test(test_bad_numbers_are_refused),
        cmocka_unit_test(test_numbers_have_a_longest_size),
        cmocka_unit_test(test_values_can_be_skipped),
        cmocka_unit_test(test_skipping_stops_at_its_depth),
        cmocka_unit_test(test_first_failure_stands),
        cmocka_unit_test(test_times_of_rfc_3339_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
