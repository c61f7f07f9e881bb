/* SPDX-License-Identifier: Apache-2.0 */
/* line_cutter_test.c -- lines that come in pieces, and lines that are too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/line_cutter.h"

enum { SIZE_MAX_OF_LINE = 8, PIECE_MAX = 20 };

static void add(struct line_cutter *cutter, struct slice piece)
{
    struct error err;

    assert_true(piece.size <= PIECE_MAX);
    assert_int_equal(line_cutter_make_room(cutter, &err), ST_OK);
    buf_append_reserved(&cutter->text, piece.data, piece.size);
}

static void expect_line(struct line_cutter *cutter, struct slice line)
{
    struct error err;
    struct slice got;

    assert_int_equal(line_cutter_next(cutter, &got, &err), ST_OK);
    assert_true(slice_equal(got, line));
}

static enum status next(struct line_cutter *cutter)
{
    struct error err;
    struct slice got;

    return line_cutter_next(cutter, &got, &err);
}

static void test_lines_are_whole_however_they_come(void **state)
{
    static const char text[] = "one\n\nthree\nis four\n";
    struct line_cutter cutter;

    (void)state;
    for (size_t step = 1; step <= PIECE_MAX; step++) {
        struct slice rest = SLICE(text), lines[4];
        size_t count = 0;
        uint64_t offset = 0;
        line_cutter_init(&cutter, SIZE_MAX_OF_LINE, PIECE_MAX);
        while (rest.size > 0) {
            size_t size = step < rest.size ? step : rest.size;
            add(&cutter, slice_of(rest.data, size));
            rest = slice_from(rest, size);
            struct error err;
            while (line_cutter_next(&cutter, &lines[count % 4], &err) == ST_OK) {
                offset += lines[count % 4].size + 1;
                count++;
                assert_int_equal(cutter.number, count);
                assert_int_equal(cutter.offset, offset);
                assert_memory_equal(lines[(count - 1) % 4].data,
                                    text + offset - lines[(count - 1) % 4].size - 1,
                                    lines[(count - 1) % 4].size);
            }
        }
        assert_int_equal(count, 4);
        assert_false(line_cutter_is_torn(&cutter));
        line_cutter_fini(&cutter);
    }
}

static void test_a_line_that_is_too_long_is_told_once_and_counted(void **state)
{
    struct line_cutter cutter;

    (void)state;
    line_cutter_init(&cutter, SIZE_MAX_OF_LINE, PIECE_MAX);
    add(&cutter, SLICE("12345678\n12345678"));
    expect_line(&cutter, SLICE("12345678"));
    assert_int_equal(next(&cutter), ST_NOT_FOUND);
    add(&cutter, SLICE("9"));
    assert_int_equal(next(&cutter), ST_LIMIT);
    add(&cutter, SLICE("more of it"));
    assert_int_equal(next(&cutter), ST_NOT_FOUND);
    assert_true(line_cutter_is_torn(&cutter));
    add(&cutter, SLICE("end\nshort\n"));
    expect_line(&cutter, SLICE("short"));
    assert_int_equal(cutter.number, 3);
    assert_int_equal(cutter.offset, 9 + 9 + 10 + 4 + 6);
    add(&cutter, SLICE("123456789\nx\n"));
    assert_int_equal(next(&cutter), ST_LIMIT); /* one that is there whole */
    expect_line(&cutter, SLICE("x"));
    assert_int_equal(cutter.number, 5);
    line_cutter_fini(&cutter);
}

static void test_what_is_forgotten_is_no_part_of_the_next_line(void **state)
{
    struct line_cutter cutter;

    (void)state;
    line_cutter_init(&cutter, SIZE_MAX_OF_LINE, PIECE_MAX);
    add(&cutter, SLICE("a\nhalf"));
    expect_line(&cutter, SLICE("a"));
    assert_int_equal(next(&cutter), ST_NOT_FOUND);
    assert_true(line_cutter_is_torn(&cutter));
    line_cutter_forget(&cutter);
    assert_false(line_cutter_is_torn(&cutter));
    add(&cutter, SLICE("b\n"));
    expect_line(&cutter, SLICE("b"));
    line_cutter_fini(&cutter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_whole_however_they_come),
        cmocka_unit_test(test_a_line_that_is_too_long_is_told_once_and_counted),
        cmocka_unit_test(test_what_is_forgotten_is_no_part_of_the_next_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
