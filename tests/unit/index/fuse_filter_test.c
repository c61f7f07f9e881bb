/* SPDX-License-Identifier: Apache-2.0 */
/* fuse_filter_test.c -- a filter has all its keys, and few others, however many they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "index/fuse_filter.h"

enum { KEYS_MAX = 200000, OTHERS = 20000 };

static struct error err;
static uint32_t keys[KEYS_MAX];

static void try_count(struct fuse_maker *maker, uint32_t count)
{
    struct buf out;
    size_t others = 0;

    buf_init(&out, 1 << 20);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = i * UINT32_C(2654435761); /* an odd factor: each once */
    assert_int_equal(fuse_filter_append(maker, keys, count, &out, &err), ST_OK);
    for (uint32_t i = 0; i < count; i++)
        assert_true(fuse_filter_has(buf_slice(&out), keys[i]));
    for (uint32_t i = 0; i < OTHERS; i++)
        others += fuse_filter_has(buf_slice(&out), (KEYS_MAX + i) * UINT32_C(2654435761));
    assert_in_range(others, 0, OTHERS / 128); /* 1 in 256 is usual */
    if (count > 5000)
        assert_true(out.size * 8 < (size_t)count * 11);
    buf_fini(&out);
}

static void test_filters_of_all_sizes_have_their_keys(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1000, 3000, 10000, 50000, KEYS_MAX};
    struct fuse_maker maker;

    fuse_maker_init(&maker);
    for (uint32_t count = 1; count <= 300; count++)
        try_count(&maker, count);
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        try_count(&maker, counts[i]);
    fuse_maker_fini(&maker);
}

static void test_bytes_that_are_no_filter_have_everything(void **state)
{
    (void)state;
    struct fuse_maker maker;
    struct buf out;

    fuse_maker_init(&maker);
    buf_init(&out, 1 << 20);
    keys[0] = 7;
    assert_int_equal(fuse_filter_append(&maker, keys, 1, &out, &err), ST_OK);
    assert_true(fuse_filter_has(SLICE_EMPTY, 8));
    for (size_t size = 0; size < out.size; size++)
        assert_true(fuse_filter_has(slice_of(out.data, size), 8));
    for (size_t at = 8; at < FUSE_HEAD_SIZE; at++) {
        out.data[at] ^= 0x80;
        assert_true(fuse_filter_has(buf_slice(&out), 8));
        out.data[at] ^= 0x80;
    }
    buf_fini(&out);
    fuse_maker_fini(&maker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_of_all_sizes_have_their_keys),
        cmocka_unit_test(test_bytes_that_are_no_filter_have_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
