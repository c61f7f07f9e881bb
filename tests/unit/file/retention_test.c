/* SPDX-License-Identifier: Apache-2.0 */
/* retention_test.c -- whole closed files go, the oldest first, and store.log says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file_store.h"

static void test_the_oldest_files_over_the_count_go(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_set(&store, "retention.max_files", 3);
    file_store_start(&store);
    for (uint64_t i = 1; i <= 50; i += 5)
        file_store_send(&store, i, i + 4);
    assert_int_equal(file_store_count(&store, ".jsonl"), 4);
    file_store_expect(&store, 36, 50);
    assert_int_equal(file_store_run_number(&store, "grep -c 'deleted .*max_files' store.log"), 7);
    file_store_fini(&store);
}

static void test_the_oldest_files_over_the_size_go(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 10000;
    file_store_set(&store, "rotate.size", 40000);
    file_store_set(&store, "retention.max_size", 100000);
    file_store_start(&store);
    for (uint64_t i = 1; i <= 40; i++)
        file_store_send(&store, i, i);
    assert_in_range(file_store_run_number(&store, "cat *.jsonl | wc -c"), 60000, 100000);
    file_store_expect(&store, 33, 40);
    file_store_fini(&store);
}

static void test_files_over_the_age_go(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_set(&store, "retention.max_age", UINT64_C(86400) * 1000000000);
    file_store_start(&store);
    file_store_send(&store, 1, 5);
    file_store_stop(&store);
    file_store_run_number(&store, "touch -d '20 hours ago' *Z-*.jsonl");
    file_store_start(&store);
    file_store_send(&store, 6, 9);
    file_store_tick(&store, 3600);
    file_store_expect(&store, 1, 9);
    file_store_tick(&store, 5 * 3600);
    file_store_expect(&store, 6, 9);
    file_store_fini(&store);
}

static void test_the_active_file_always_stays(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "retention.max_age", 1000000000);
    file_store_set(&store, "retention.max_size", 1);
    file_store_set(&store, "retention.max_files", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 5);
    file_store_tick(&store, 1000);
    file_store_expect(&store, 1, 5);
    file_store_fini(&store);
}

/* The file that goes may be the one that is being compressed. */
static void test_a_file_may_go_while_it_is_compressed(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 200000;
    file_store_set(&store, "compression", 1);
    file_store_set(&store, "retention.max_files", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 9);
    store.padding_bytes = 10;
    file_store_set(&store, "rotate.size", 1);
    file_store_send(&store, 10, 10);
    assert_int_equal(file_store_count(&store, ".tmp"), 1);
    file_store_send(&store, 11, 20);
    assert_int_equal(file_store_run_number(&store, "ls | grep -c 10.jsonl || true"), 0);
    file_store_compress_all(&store);
    file_store_expect(&store, 11, 20);
    file_store_fini(&store);
}

static void test_the_notes_do_not_grow_without_end(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_set(&store, "retention.max_files", 1);
    file_store_start(&store);
    file_store_run_number(&store, "head -c 1048500 /dev/zero > store.log");
    file_store_send(&store, 1, 1);
    file_store_send(&store, 2, 2);
    file_store_send(&store, 3, 3);
    assert_int_equal(file_store_run_number(&store, "wc -c < store.log.1"), 1048500);
    assert_int_equal(file_store_run_number(&store, "wc -l < store.log"), 2);
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_files_over_the_count_go),
        cmocka_unit_test(test_the_oldest_files_over_the_size_go),
        cmocka_unit_test(test_files_over_the_age_go),
        cmocka_unit_test(test_the_active_file_always_stays),
        cmocka_unit_test(test_a_file_may_go_while_it_is_compressed),
        cmocka_unit_test(test_the_notes_do_not_grow_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
