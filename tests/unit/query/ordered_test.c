/* SPDX-License-Identifier: Apache-2.0 */
/* ordered_test.c -- lines in order of time of which only some are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/ordered.h"
#include "support/random_otlp.h"

static struct error err;

enum { LINES = 500 };

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static void check(size_t count_max, bool latest_first)
{
    struct random random = {.state = 7};
    struct ordered *ordered = NULL;
    uint64_t expected[LINES];

    assert_int_equal(ordered_create(count_max, latest_first, &ordered, &err), ST_OK);
    for (uint64_t i = 0; i < LINES; i++) {
        uint64_t time = random_below(&random, 50); /* many are of one time */
        expected[i] = time * LINES + i;
        assert_int_equal(
            ordered_add(ordered, time, slice_of(&expected[i], sizeof(expected[i])), &err), ST_OK);
    }
    qsort(expected, LINES, sizeof(expected[0]), by_value);
    assert_int_equal(ordered_seen(ordered), LINES);
    size_t count = ordered_finish(ordered);
    assert_int_equal(count, count_max < LINES ? count_max : LINES);
    for (size_t i = 0; i < count; i++) {
        size_t place = latest_first ? LINES - 1 - i : i;
        assert_true(slice_equal(ordered_line(ordered, i),
                                slice_of(&expected[place], sizeof(expected[place]))));
    }
    ordered_destroy(ordered);
}

static void test_the_first_ones_are_kept_in_order(void **state)
{
    (void)state;
    for (size_t count = 1; count < LINES + 20; count += 37) {
        check(count, false);
        check(count, true);
    }
}

static void test_lines_that_are_too_large_together_are_refused(void **state)
{
    enum { SIZE = 32 << 20 };
    struct ordered *ordered = NULL;
    uint8_t *line = calloc(1, SIZE);

    (void)state;
    assert_non_null(line);
    assert_int_equal(ordered_create(100, false, &ordered, &err), ST_OK);
    for (size_t i = 0; i < ORDERED_SIZE_MAX / SIZE; i++)
        assert_int_equal(ordered_add(ordered, i, slice_of(line, SIZE), &err), ST_OK);
    assert_int_equal(ordered_add(ordered, 99, slice_of(line, SIZE), &err), ST_NO_MEMORY);
    assert_non_null(strstr(err.text, "ask for fewer"));
    ordered_destroy(ordered);
    free(line);
}

static void test_nothing_is_nothing(void **state)
{
    struct ordered *ordered = NULL;

    (void)state;
    assert_int_equal(ordered_create(1, true, &ordered, &err), ST_OK);
    assert_int_equal(ordered_finish(ordered), 0);
    ordered_destroy(ordered);
    ordered_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_ones_are_kept_in_order),
        cmocka_unit_test(test_lines_that_are_too_large_together_are_refused),
        cmocka_unit_test(test_nothing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
