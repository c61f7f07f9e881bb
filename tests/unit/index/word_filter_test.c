/* SPDX-License-Identifier: Apache-2.0 */
/* word_filter_test.c -- a filter has all its words, and few others, however many they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "index/word_filter.h"

enum { WORDS_MAX = 200000, OTHERS = 20000 };

static struct error err;
static uint32_t words[WORDS_MAX];

static void try_count(uint32_t count)
{
    struct buf out;
    size_t others = 0;

    buf_init(&out, 1 << 20);
    for (uint32_t i = 0; i < count; i++)
        words[i] = i * UINT32_C(2654435761); /* an odd factor: each once */
    assert_int_equal(word_filter_append(words, count, &out, &err), ST_OK);
    for (uint32_t i = 0; i < count; i++)
        assert_true(word_filter_has(buf_slice(&out), words[i]));
    for (uint32_t i = 0; i < OTHERS; i++)
        others += word_filter_has(buf_slice(&out), (WORDS_MAX + i) * UINT32_C(2654435761));
    assert_in_range(others, 0, OTHERS / 100); /* 1 in 200 is usual */
    if (count > 5000)
        assert_true(out.size * 8 < (size_t)count * 13);
    buf_fini(&out);
}

static void test_filters_of_all_sizes_have_their_words(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1000, 3000, 10000, 50000, WORDS_MAX};

    for (uint32_t count = 1; count <= 300; count++)
        try_count(count);
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        try_count(counts[i]);
}

static void test_words_may_come_more_than_once(void **state)
{
    (void)state;
    const uint32_t twice[] = {7, 7, UINT32_MAX, 0, 7, UINT32_MAX};
    struct buf out;

    buf_init(&out, 1 << 10);
    assert_int_equal(word_filter_append(twice, COUNT_OF(twice), &out, &err), ST_OK);
    for (size_t i = 0; i < COUNT_OF(twice); i++)
        assert_true(word_filter_has(buf_slice(&out), twice[i]));
    buf_fini(&out);
}

static void test_bytes_that_are_no_filter_have_everything(void **state)
{
    (void)state;
    struct buf out;

    buf_init(&out, 1 << 20);
    words[0] = 7;
    assert_int_equal(word_filter_append(words, 1, &out, &err), ST_OK);
    assert_false(word_filter_has(buf_slice(&out), 8));
    for (size_t size = 0; size < out.size; size++)
        assert_true(word_filter_has(slice_of(out.data, size), 8));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_of_all_sizes_have_their_words),
        cmocka_unit_test(test_words_may_come_more_than_once),
        cmocka_unit_test(test_bytes_that_are_no_filter_have_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
