/* SPDX-License-Identifier: Apache-2.0 */
/* time_text_test.c -- times as people write and read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "query/time_text.h"
#include "util/clock.h"

/* 2026-11-20T22:24:20.206123456Z */
#define MOMENT UINT64_C(1795213460206123456)
#define SECOND (MOMENT / NS_PER_S)

static uint64_t parsed(const char *text)
{
    struct error err = {.text = ""};
    uint64_t time = 0;

    if (time_parse(text, MOMENT, &time, &err) != ST_OK)
        fail_msg("'%s': %s", text, err.text);
    return time;
}

static void assert_refused(const char *text)
{
    struct error err = {.text = ""};
    uint64_t time = 42;

    if (time_parse(text, MOMENT, &time, &err) != ST_INVALID)
        fail_msg("'%s' was taken as %llu", text, (unsigned long long)time);
    assert_int_equal(time, 42);
    assert_non_null(strstr(err.text, "is no time: write"));
}

static void set_zone(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static void test_utc_has_as_many_digits_as_asked_for(void **state)
{
    char text[TIME_TEXT_SIZE];

    (void)state;
    time_format_utc(MOMENT, 9, text);
    assert_string_equal(text, "2026-11-20T22:24:20.206123456Z");
    time_format_utc(MOMENT, 3, text);
    assert_string_equal(text, "2026-11-20T22:24:20.206Z");
    time_format_utc(MOMENT, 0, text);
    assert_string_equal(text, "2026-11-20T22:24:20Z");
    time_format_utc(0, 0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void test_local_time_is_that_of_the_zone(void **state)
{
    char text[TIME_TEXT_SIZE];

    (void)state;
    set_zone("CET-1");
    time_format_local(MOMENT, text);
    assert_string_equal(text, "2026-11-20 23:24:20.206");
    time_format_clock(MOMENT, text);
    assert_string_equal(text, "23:24:20.206");
    set_zone("UTC");
    time_format_clock(MOMENT, text);
    assert_string_equal(text, "22:24:20.206");
}

static void test_the_last_moment_has_a_text(void **state)
{
    char text[TIME_TEXT_SIZE];

    (void)state;
    time_format_utc(UINT64_MAX, 9, text);
    assert_string_equal(text, "2554-07-21T23:34:33.709551615Z");
}

static void assert_duration(double ms, const char *expected)
{
    char text[TIME_TEXT_SIZE];

    time_format_duration(ms, text);
    assert_string_equal(text, expected);
}

static void test_durations_have_the_unit_that_fits(void **state)
{
    (void)state;
    assert_duration(0, "0 ms");
    assert_duration(133.4, "133 ms");
    assert_duration(999.4, "999 ms");
    assert_duration(999.6, "1.0 s");
    assert_duration(1700, "1.7 s");
    assert_duration(60000, "1 min 0 s");
    assert_duration(119999, "1 min 59 s");
    assert_duration(250000, "4 min 10 s");
    assert_duration(36000000, "600 min 0 s");
}

static void test_durations_that_nobody_has_are_short_too(void **state)
{
    (void)state;
    assert_duration(1e308, "1e+308 ms");
    assert_duration(1e15, "1e+15 ms");
    assert_duration(1e308 * 10, "inf ms");
    assert_duration(-5, "-5 ms");
}

static void test_moments_are_read_with_fraction_and_offset(void **state)
{
    (void)state;
    assert_int_equal(parsed("2026-11-20T22:24:20Z"), SECOND * NS_PER_S);
    assert_int_equal(parsed("2026-11-20T22:24:20.206123456Z"), MOMENT);
    assert_int_equal(parsed("2026-11-20T22:24:20.2061234569999Z"), MOMENT);
    assert_int_equal(parsed("2026-11-20T23:54:20+01:30"), SECOND * NS_PER_S);
    assert_int_equal(parsed("2026-11-20T12:24:20-10:00"), SECOND * NS_PER_S);
    assert_int_equal(parsed("now"), MOMENT);
}

static void test_dates_without_a_zone_are_local(void **state)
{
    (void)state;
    set_zone("CET-1");
    assert_int_equal(parsed("2026-11-20 23:24:20"), SECOND * NS_PER_S);
    assert_int_equal(parsed("2026-11-20 23:24"), (SECOND - 20) * NS_PER_S);
    assert_int_equal(parsed("2026-11-20"), (SECOND - 20 - 24 * 60 - 23 * 3600) * NS_PER_S);
    assert_int_equal(parsed("23:24"), (SECOND - 20) * NS_PER_S);
    assert_int_equal(parsed("23:24:20"), SECOND * NS_PER_S);
    set_zone("UTC");
    assert_int_equal(parsed("22:24"), (SECOND - 20) * NS_PER_S);
}

static void test_how_long_ago_is_counted_from_now(void **state)
{
    (void)state;
    assert_int_equal(parsed("0s"), MOMENT);
    assert_int_equal(parsed("90s"), MOMENT - 90 * NS_PER_S);
    assert_int_equal(parsed("10m"), MOMENT - 600 * NS_PER_S);
    assert_int_equal(parsed("2h"), MOMENT - 7200 * NS_PER_S);
    assert_int_equal(parsed("7d"), MOMENT - 7 * 86400 * NS_PER_S);
    assert_int_equal(parsed("1w"), parsed("7d"));
    assert_int_equal(parsed("99999999999d"), 0);
    assert_int_equal(parsed("99999999999999999999999s"), 0);
}

static void test_other_texts_are_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "yesterday",
                                        "-5m",
                                        "5",
                                        "5 m",
                                        "5x",
                                        "5mm",
                                        "Now",
                                        "2026-11",
                                        "2026-13-01",
                                        "25:00",
                                        "22:24x",
                                        "1969-12-31T00:00:00Z",
                                        "2026-11-20T22:24:20+25:00",
                                        "2026-11-20T22:24:20Zx",
                                        "2026-11-20T22:24:20+01",
                                        "\x1b[2J"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_refused(texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utc_has_as_many_digits_as_asked_for),
        cmocka_unit_test(test_local_time_is_that_of_the_zone),
        cmocka_unit_test(test_the_last_moment_has_a_text),
        cmocka_unit_test(test_durations_have_the_unit_that_fits),
        cmocka_unit_test(test_durations_that_nobody_has_are_short_too),
        cmocka_unit_test(test_moments_are_read_with_fraction_and_offset),
        cmocka_unit_test(test_dates_without_a_zone_are_local),
        cmocka_unit_test(test_how_long_ago_is_counted_from_now),
        cmocka_unit_test(test_other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
