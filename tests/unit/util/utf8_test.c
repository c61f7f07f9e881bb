/* SPDX-License-Identifier: Apache-2.0 */
/* utf8_test.c -- every character there is, and the bytes that look like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "telltale/base.h"
#include "telltale/slice.h"
#include "util/utf8.h"

static void test_every_character_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (uint32_t character = 0; character <= 0x10FFFF; character++) {
        uint8_t bytes[4];
        const uint8_t *end = utf8_put(bytes, character);
        size_t size = (size_t)(end - bytes);
        bool surrogate = character >= 0xD800 && character <= 0xDFFF;
        if (size != utf8_size_of(character) || utf8_code_point(bytes, size) != character ||
            utf8_size(bytes, end) != (surrogate ? 0 : size))
            fail_msg("U+%04X", character);
    }
}

static void test_a_character_cut_short_is_none(void **state)
{
    (void)state;
    static const uint32_t characters[] = {0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < COUNT_OF(characters); i++) {
        uint8_t bytes[4];
        const uint8_t *end = utf8_put(bytes, characters[i]);
        while (--end > bytes)
            assert_int_equal(utf8_size(bytes, end), 0);
    }
}

static void test_what_is_no_character_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",             /* a tail without a lead */
        "\xC0\x80",         /* overlong */
        "\xC1\xBF",         /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xED\xA0\x80",     /* a surrogate */
        "\xED\xBF\xBF",     /* a surrogate */
        "\xF4\x90\x80\x80", /* beyond U+10FFFF */
        "\xF5\x80\x80\x80", /* beyond U+10FFFF */
        "\xFF\xBF\xBF\xBF", /* not even a lead */
        "\xC3(",            /* a lead without a tail */
        "\xE2\x82(",        /* a lead with one tail of two */
        "\xE2(\xAC",        /* a lead with the other */
        "\xF0\x9F\x98(",    /* a lead with two tails of three */
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct slice bytes = slice_of_text(bad[i]);
        if (utf8_size(bytes.data, bytes.data + bytes.size) != 0)
            fail_msg("sequence %zu", i);
    }
}

static void test_a_text_is_characters_from_end_to_end(void **state)
{
    (void)state;
    assert_true(utf8_is_text(SLICE_EMPTY));
    assert_true(utf8_is_text(SLICE("plain, \xC3\xA9, \xE2\x82\xAC and \xF0\x9F\x98\x80")));
    assert_false(utf8_is_text(SLICE("\xC3\xA9\x80 behind a character")));
    assert_false(utf8_is_text(SLICE("cut at the end \xE2\x82")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character_is_read_as_it_was_written),
        cmocka_unit_test(test_a_character_cut_short_is_none),
        cmocka_unit_test(test_what_is_no_character_is_none),
        cmocka_unit_test(test_a_text_is_characters_from_end_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
