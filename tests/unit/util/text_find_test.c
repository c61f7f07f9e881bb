/* SPDX-License-Identifier: Apache-2.0 */
/* text_find_test.c -- finding a short text in a long one, against the obvious way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/text_find.h"

static const uint8_t *find_slowly(struct slice text, bool any_case, struct slice haystack)
{
    for (size_t at = 0; at + text.size <= haystack.size; at++) {
        size_t same = 0;
        while (same < text.size) {
            uint8_t byte = haystack.data[at + same];
            if ((any_case ? text_lower(byte) : byte) != text.data[same])
                break;
            same++;
        }
        if (same == text.size)
            return haystack.data + at;
    }
    return NULL;
}

/* Of few letters, so that nearly everything nearly fits. */
static void fill(uint8_t *at, size_t size, const char *letters, uint64_t *state)
{
    for (size_t i = 0; i < size; i++) {
        *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        at[i] = (uint8_t)letters[(*state >> 40) % strlen(letters)];
    }
}

static void test_it_finds_what_the_obvious_way_finds(void **state)
{
    (void)state;
    uint64_t random = 1;

    for (int round = 0; round < 20000; round++) {
        /* In memory of its own, so that a read behind the end is seen. */
        size_t size = (random >> 33) % 90, needle_size = (random >> 45) % 6;
        uint8_t *haystack = malloc(size + 1), *needle = malloc(needle_size + 1);
        assert_non_null(haystack);
        assert_non_null(needle);
        bool any_case = round % 2 == 0;
        fill(haystack, size, "aAbB@`\"_", &random);
        fill(needle, needle_size, any_case ? "ab@`\"_" : "aAbB@`\"_", &random);
        haystack = realloc(haystack, size > 0 ? size : 1);
        struct slice text = slice_of(needle, needle_size), there = slice_of(haystack, size);
        struct text_needle wanted = text_needle_of(text, any_case);
        assert_ptr_equal(text_find(&wanted, there), find_slowly(text, any_case, there));
        free(haystack);
        free(needle);
    }
}

static void test_bytes_that_differ_in_the_bit_of_case_are_no_letters(void **state)
{
    (void)state;
    struct text_needle wanted = text_needle_of(SLICE("[x]"), true);

    assert_null(text_find(&wanted, SLICE("................{X}................")));
    assert_non_null(text_find(&wanted, SLICE("................[X]................")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_finds_what_the_obvious_way_finds),
        cmocka_unit_test(test_bytes_that_differ_in_the_bit_of_case_are_no_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
