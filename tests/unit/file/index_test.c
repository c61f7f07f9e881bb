/* SPDX-License-Identifier: Apache-2.0 */
/* index_test.c -- the indexes beside compressed files: made with them, made for those that have
 * none, and gone with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/file_store.h"
#include "support/store_indexes.h"

enum { FILES = 5, RECORDS = 200, TICKS = 40 };

/* FILES compressed files of RECORDS records each. */
static void fill(struct file_store *store)
{
    file_store_set(store, "compression", 1);
    file_store_set(store, "rotate.size", 1);
    store->padding_bytes = 2000;
    file_store_start(store);
    for (uint64_t i = 0; i < FILES; i++)
        file_store_send(store, i * RECORDS + 1, (i + 1) * RECORDS);
    file_store_compress_all(store);
}

static void tick_often(struct file_store *store)
{
    for (uint64_t i = 0; i < TICKS; i++)
        file_store_tick(store, 0);
}

static void expect(const struct file_store *store, size_t compressed, size_t good)
{
    struct store_indexes found = store_indexes_look(store->path);

    assert_int_equal(found.compressed, compressed);
    assert_int_equal(found.good, good);
    assert_int_equal(found.refused, 0);
    assert_int_equal(found.left_over, 0);
}

static void test_each_compressed_file_has_an_index(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "index", 1);
    fill(&store);
    expect(&store, FILES, FILES);
    assert_int_equal(file_store_count(&store, ".tmp"), 0);
    file_store_expect(&store, 1, FILES * RECORDS);
    file_store_fini(&store);
}

static void test_without_the_option_there_is_none(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    fill(&store);
    tick_often(&store);
    expect(&store, FILES, 0);
    file_store_fini(&store);
}

/* Stores from before there were indexes, one that somebody deleted, and one that is damaged. */
static void test_files_without_a_good_index_get_one(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    fill(&store);
    file_store_stop(&store);
    file_store_set(&store, "index", 1);
    file_store_start(&store);
    tick_often(&store);
    expect(&store, FILES, FILES);
    file_store_stop(&store);
    file_store_run_number(&store,
                          "set -- *.idx; rm $1; printf x | dd of=$2 bs=1 seek=20 conv=notrunc "
                          "2>/dev/null; cp $3 $4; : > $5");
    assert_int_equal(store_indexes_look(store.path).good, 1);
    file_store_start(&store);
    tick_often(&store);
    expect(&store, FILES, FILES);
    assert_int_equal(file_store_count(&store, ".tmp"), 0);
    file_store_fini(&store);
}

static void test_making_an_index_is_done_in_slices(void **state)
{
    (void)state;
    struct file_store store;
    size_t ticks = 0;

    file_store_init(&store);
    store.padding_bytes = 3000000;
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 12);
    file_store_set(&store, "rotate.size", 1);
    file_store_compress_all(&store);
    file_store_stop(&store);
    file_store_set(&store, "index", 1);
    file_store_start(&store);
    while (store_indexes_look(store.path).good == 0 && ticks < TICKS) {
        file_store_tick(&store, 0);
        ticks++;
    }
    assert_in_range(ticks, 4, 10); /* 36 MB, 8 MiB a tick */
    file_store_fini(&store);
}

static void test_a_damaged_file_gets_no_index_and_holds_up_no_other(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    fill(&store);
    file_store_stop(&store);
    file_store_run_number(&store, "set -- *.zst; printf xxxxxxxx | dd of=$5 bs=1 seek=5000 "
                                  "conv=notrunc 2>/dev/null; : > $4");
    file_store_set(&store, "index", 1);
    file_store_start(&store);
    for (uint64_t i = 0; i < TICKS; i++)
        (void)(file_store_try_tick(&store, i * 61) == ST_OK); /* it says that it failed */
    expect(&store, FILES, FILES - 2);
    file_store_fini(&store);
}

static void test_an_index_goes_with_its_file(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "index", 1);
    fill(&store);
    file_store_set(&store, "retention.max_files", 2);
    file_store_tick(&store, 61);
    expect(&store, 2, 2);
    assert_int_equal(file_store_count(&store, ".idx"), 2);
    file_store_fini(&store);
}

static void test_indexes_that_a_crash_left_are_removed_and_others_stay(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "index", 1);
    fill(&store);
    file_store_stop(&store);
    file_store_run_number(&store, "set -- *.zst; rm $1; : > x.idx.tmp; : > mine.idx");
    assert_int_equal(store_indexes_look(store.path).left_over, 2);
    file_store_start(&store);
    assert_int_equal(file_store_count(&store, ".idx"), FILES); /* with mine.idx */
    assert_int_equal(file_store_count(&store, ".tmp"), 0);
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_compressed_file_has_an_index),
        cmocka_unit_test(test_without_the_option_there_is_none),
        cmocka_unit_test(test_files_without_a_good_index_get_one),
        cmocka_unit_test(test_making_an_index_is_done_in_slices),
        cmocka_unit_test(test_a_damaged_file_gets_no_index_and_holds_up_no_other),
        cmocka_unit_test(test_an_index_goes_with_its_file),
        cmocka_unit_test(test_indexes_that_a_crash_left_are_removed_and_others_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
