/* SPDX-License-Identifier: Apache-2.0 */
/* safe_text_test.c -- nothing that acts reaches a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/safe_text.h"

static const char *shown(struct slice text, size_t columns, enum safe_text_newlines newlines)
{
    static char result[1024];
    struct error err;
    struct buf out;

    buf_init(&out, sizeof(result) - 1);
    assert_int_equal(safe_text_append(&out, text, columns, newlines, &err), ST_OK);
    snprintf(result, sizeof(result), "%.*s", SLICE_ARG(buf_slice(&out)));
    buf_fini(&out);
    return result;
}

static const char *on_one_line(struct slice text)
{
    return shown(text, 0, NEWLINES_ESCAPED);
}

static void test_plain_text_stays_as_it_is(void **state)
{
    (void)state;
    assert_string_equal(on_one_line(SLICE("na\xc3\xafve \xe6\x9d\xb1\xe4\xba\xac \\ \"")),
                        "na\xc3\xafve \xe6\x9d\xb1\xe4\xba\xac \\ \"");
}

static void test_escape_sequences_become_visible(void **state)
{
    (void)state;
    assert_string_equal(on_one_line(SLICE("\x1b]52;c;aGk=\x07")), "\\x1b]52;c;aGk=\\x07");
    assert_string_equal(on_one_line(SLICE("a\rb\x7f")), "a\\x0db\\x7f");
    assert_string_equal(on_one_line(SLICE("\xc2\x9b"
                                          "31m")),
                        "\\x9b31m");
}

static void test_direction_and_invisible_characters_become_visible(void **state)
{
    (void)state;
    assert_string_equal(on_one_line(SLICE("\xe2\x80\xae"
                                          "evil")),
                        "\\u{202e}evil");
    assert_string_equal(on_one_line(SLICE("\xe2\x80\x8b")), "\\u{200b}");
    assert_string_equal(on_one_line(SLICE("\xf3\xa0\x81\x81")), "\\u{e0041}");
}

static void test_broken_utf8_becomes_escaped_bytes(void **state)
{
    (void)state;
    assert_string_equal(on_one_line(SLICE("\xff\xc0\x80")), "\\xff\\xc0\\x80");
    assert_string_equal(on_one_line(SLICE("\xed\xa0\x80")), "\\xed\\xa0\\x80");
    assert_string_equal(on_one_line(SLICE("x\xe2\x82")), "x\\xe2\\x82");
}

static void test_newlines_are_kept_only_where_asked(void **state)
{
    (void)state;
    assert_string_equal(on_one_line(SLICE("a\nb\tc")), "a\\nb c");
    assert_string_equal(shown(SLICE("a\nb\tc"), 0, NEWLINES_KEPT), "a\nb    c");
}

static void test_a_cut_is_shown_and_never_splits_an_escape(void **state)
{
    (void)state;
    assert_string_equal(shown(SLICE("abcdef"), 6, NEWLINES_ESCAPED), "abcdef");
    assert_string_equal(shown(SLICE("abcdef"), 5, NEWLINES_ESCAPED), "abcd\xe2\x80\xa6");
    assert_string_equal(shown(SLICE("ab\x1b"), 4, NEWLINES_ESCAPED), "ab\xe2\x80\xa6");
    assert_int_equal(safe_text_columns(SLICE("a\x1b\xc3\xa9")), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text_stays_as_it_is),
        cmocka_unit_test(test_escape_sequences_become_visible),
        cmocka_unit_test(test_direction_and_invisible_characters_become_visible),
        cmocka_unit_test(test_broken_utf8_becomes_escaped_bytes),
        cmocka_unit_test(test_newlines_are_kept_only_where_asked),
        cmocka_unit_test(test_a_cut_is_shown_and_never_splits_an_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
