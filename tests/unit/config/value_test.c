/* SPDX-License-Identifier: Apache-2.0 */
/* value_test.c -- single values: what is taken, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config_suggest.h"
#include "config/config_value.h"

#define S UINT64_C(1000000000)

static void test_sizes_carry_binary_and_decimal_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"1KiB", 1024},
        {"16MiB", 16777216},
        {"16 MiB", 16777216},
        {"2GiB", UINT64_C(2147483648)},
        {"1TiB", UINT64_C(1099511627776)},
        {"1kB", 1000},
        {"1KB", 1000},
        {"5MB", 5000000},
        {"1GB", 1000000000},
        {"3TB", UINT64_C(3000000000000)},
        {"18446744073709551615", UINT64_MAX},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        uint64_t value = 1;
        assert_int_equal(config_read_size(good[i].text, &value, &err), ST_OK);
        assert_int_equal(value, good[i].bytes);
    }
}

static void test_bad_sizes_are_refused_and_leave_the_value_alone(void **state)
{
    static const char *const bad[] = {
        "",
        "MiB",
        "-1",
        "+1",
        "1.5GiB",
        "1mib",
        "1M",
        "1 M iB",
        "0x10",
        "1MiB ",
        " 1MiB",
        "18446744073709551616",
        "16777216TiB",
        "one",
        "1MiBB",
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint64_t value = 77;
        assert_int_equal(config_read_size(bad[i], &value, &err), ST_INVALID);
        assert_int_equal(value, 77);
    }
    uint64_t value;
    assert_int_equal(config_read_size("5 MB2", &value, &err), ST_INVALID);
    assert_string_equal(err.text, "'5 MB2' has the unknown unit 'MB2'; known are B, KiB, MiB, "
                                  "GiB, TiB, kB, MB, GB, TB");
}

static void test_durations_need_a_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t nanoseconds;
    } good[] = {
        {"0", 0},
        {"0s", 0},
        {"7ns", 7},
        {"3us", 3000},
        {"2ms", 2000000},
        {"5s", 5 * S},
        {"10m", 600 * S},
        {"1h", 3600 * S},
        {"1d", 86400 * S},
        {"180d", 180 * 86400 * S},
        {"2w", 14 * 86400 * S},
    };
    static const char *const bad[] = {
        "5", "", "s", "5sec", "1h30m", "-5s", "1.5s", "5S", "99999999999d", "0x5s",
    };
    struct error err;
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        value = 1;
        assert_int_equal(config_read_duration(good[i].text, &value, &err), ST_OK);
        assert_int_equal(value, good[i].nanoseconds);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(config_read_duration(bad[i], &value, &err), ST_INVALID);
    assert_int_equal(config_read_duration("5", &value, &err), ST_INVALID);
    assert_string_equal(err.text, "'5' has no unit; a duration is written as in '5s'");
}

static void test_bools_are_two_words_only(void **state)
{
    static const char *const bad[] = {"yes", "no", "on", "off", "True", "1", "0", "", "truee"};
    struct error err;
    bool value = false;

    (void)state;
    assert_int_equal(config_read_bool("true", &value, &err), ST_OK);
    assert_true(value);
    assert_int_equal(config_read_bool("false", &value, &err), ST_OK);
    assert_false(value);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(config_read_bool(bad[i], &value, &err), ST_INVALID);
    assert_int_equal(config_read_bool("off", &value, &err), ST_INVALID);
    assert_string_equal(err.text, "'off' is neither true nor false; did you mean 'false'?");
}

static void test_integers_are_digits_that_fit(void **state)
{
    static const char *const bad[] = {
        "", "-1", "1e3", "1_000", "0x1", " 1", "1 ", "12a", "18446744073709551616"};
    struct error err;
    uint64_t value;

    (void)state;
    assert_int_equal(config_read_integer("18446744073709551615", &value, &err), ST_OK);
    assert_int_equal(value, UINT64_MAX);
    assert_int_equal(config_read_integer("007", &value, &err), ST_OK);
    assert_int_equal(value, 7);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(config_read_integer(bad[i], &value, &err), ST_INVALID);
}

static void test_modes_are_octal(void **state)
{
    static const char *const bad[] = {"", "66", "0980", "06600", "1777", "rw-", "-660", "0o66"};
    struct error err;
    uint32_t value;

    (void)state;
    assert_int_equal(config_read_mode("0660", &value, &err), ST_OK);
    assert_int_equal(value, 0660);
    assert_int_equal(config_read_mode("600", &value, &err), ST_OK);
    assert_int_equal(value, 0600);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(config_read_mode(bad[i], &value, &err), ST_INVALID);
}

static void test_what_is_written_reads_back(void **state)
{
    static const uint64_t values[] = {
        0,
        1,
        999,
        1000,
        1024,
        1536,
        60000000000,
        86400 * S,
        90061 * S,
        UINT64_C(1) << 40,
        UINT64_MAX - 1,
        UINT64_MAX,
        250000000,
    };
    char text[CONFIG_VALUE_TEXT_MAX];
    struct error err;
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        config_write_size(values[i], text);
        assert_int_equal(config_read_size(text, &value, &err), ST_OK);
        assert_int_equal(value, values[i]);
        config_write_duration(values[i], text);
        assert_int_equal(config_read_duration(text, &value, &err), ST_OK);
        assert_int_equal(value, values[i]);
    }
    assert_string_equal(config_write_size(16777216, text), "16MiB");
    assert_string_equal(config_write_size(1000, text), "1000B");
    assert_string_equal(config_write_duration(86400 * S, text), "1d");
    assert_string_equal(config_write_duration(1500000, text), "1500us");
    assert_string_equal(config_write_mode(0600, text), "0600");
}

static void test_addresses_know_whether_they_leave_the_machine(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        bool loopback;
    } good[] = {
        {"127.0.0.1:4318", "127.0.0.1", 4318, true},
        {"127.8.9.1:1", "127.8.9.1", 1, true},
        {"localhost:4318", "127.0.0.1", 4318, true},
        {"[::1]:65535", "::1", 65535, true},
        {"0.0.0.0:4318", "0.0.0.0", 4318, false},
        {"[::]:4318", "::", 4318, false},
        {"10.1.2.3:80", "10.1.2.3", 80, false},
        {"[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, false},
    };
    struct config_address address;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(config_read_address(good[i].text, &address, &err), ST_OK);
        assert_null(address.unix_path);
        assert_string_equal(address.host, good[i].host);
        assert_int_equal(address.port, good[i].port);
        assert_int_equal(address.loopback, good[i].loopback);
    }
    assert_int_equal(config_read_address("unix:/run/x.sock", &address, &err), ST_OK);
    assert_string_equal(address.unix_path, "/run/x.sock");
    assert_true(address.loopback);
}

static void test_bad_addresses_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "4318",
        ":4318",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "::1:4318",
        "[::1]4318",
        "[::1]",
        "[]:1",
        "[127.0.0.1]:1",
        "example.com:4318",
        "127.0.0.1:43x",
        "unix:relative",
        "unix:",
        "http://127.0.0.1:1",
        "256.0.0.1:1",
    };
    char long_path[128] = "unix:/";
    struct config_address address;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(config_read_address(bad[i], &address, &err), ST_INVALID);
    memset(long_path + 6, 'x', 107); /* 108 bytes with the slash: one more than fits */
    assert_int_equal(config_read_address(long_path, &address, &err), ST_INVALID);
    long_path[5 + 107] = 0;
    assert_int_equal(config_read_address(long_path, &address, &err), ST_OK);
}

static const char *suggest(const char *wrong)
{
    static const char *const known[] = {"timeout", "max_size", "max_delay", "listen", "dir"};
    struct config_suggestion suggestion = {.wrong = wrong};

    for (size_t i = 0; i < COUNT_OF(known); i++)
        config_suggest(&suggestion, known[i]);
    return suggestion.best;
}

static void test_suggestions_are_near_or_absent(void **state)
{
    char long_word[4096];

    (void)state;
    assert_string_equal(suggest("timout"), "timeout");
    assert_string_equal(suggest("timeuot"), "timeout");
    assert_string_equal(suggest("maxsize"), "max_size");
    assert_string_equal(suggest("max-delay"), "max_delay");
    assert_string_equal(suggest("listne"), "listen");
    assert_string_equal(suggest("dri"), "dir");
    assert_null(suggest("colour"));
    assert_null(suggest(""));
    memset(long_word, 'a', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = 0;
    assert_null(suggest(long_word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_carry_binary_and_decimal_units),
        cmocka_unit_test(test_bad_sizes_are_refused_and_leave_the_value_alone),
        cmocka_unit_test(test_durations_need_a_unit),
        cmocka_unit_test(test_bools_are_two_words_only),
        cmocka_unit_test(test_integers_are_digits_that_fit),
        cmocka_unit_test(test_modes_are_octal),
        cmocka_unit_test(test_what_is_written_reads_back),
        cmocka_unit_test(test_addresses_know_whether_they_leave_the_machine),
        cmocka_unit_test(test_bad_addresses_are_refused),
        cmocka_unit_test(test_suggestions_are_near_or_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
