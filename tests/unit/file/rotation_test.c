/* SPDX-License-Identifier: Apache-2.0 */
/* rotation_test.c -- when the active file is closed, what it is called then, and what a crash
 * during a rotation or a compression leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file_store.h"
#include "telltale/store_file.h"

static void test_a_file_is_closed_at_its_size(void **state)
{
    (void)state;
    struct file_store store;
    struct file_store_names list;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 20000);
    file_store_start(&store);
    for (uint64_t i = 1; i <= 200; i += 10)
        file_store_send(&store, i, i + 9);
    file_store_expect(&store, 1, 200);
    file_store_list(&store, &list);
    assert_true(list.count > 3);
    for (size_t i = 0; i + 1 < list.count; i++) {
        struct store_file_name name;
        struct store_file_name next;
        assert_true(store_file_name_parse(list.names[i], &name));
        assert_true(name.last_sequence > name.first_sequence);
        if (store_file_name_parse(list.names[i + 1], &next))
            assert_int_equal(next.first_sequence, name.last_sequence + 1);
    }
    assert_string_equal(list.names[list.count - 1], "active.jsonl");
    file_store_fini(&store);
}

static void test_a_file_is_closed_at_its_age(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.age", UINT64_C(3600) * 1000000000);
    file_store_start(&store);
    file_store_tick(&store, 7200);
    assert_int_equal(file_store_count(&store, "jsonl"), 1); /* an empty one does not age */
    file_store_send(&store, 1, 3);
    file_store_tick(&store, 3500);
    assert_int_equal(file_store_count(&store, "jsonl"), 1);
    file_store_tick(&store, 3700);
    assert_int_equal(file_store_count(&store, "00000000000000000001-00000000000000000003.jsonl"),
                     1);
    file_store_send(&store, 4, 4);
    file_store_expect(&store, 1, 4);
    file_store_fini(&store);
}

static void test_age_counts_on_after_a_restart(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.age", UINT64_C(3600) * 1000000000);
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    file_store_stop(&store);
    file_store_start(&store);
    file_store_tick(&store, 3500);
    assert_int_equal(file_store_count(&store, "jsonl"), 1);
    file_store_tick(&store, 3700);
    assert_int_equal(file_store_count(&store, "jsonl"), 2);
    file_store_expect(&store, 1, 3);
    file_store_fini(&store);
}

/* The newest closed file is from the future: the clock went back since. */
static void test_names_sort_in_order_of_writing_when_the_clock_goes_back(void **state)
{
    (void)state;
    struct file_store store;
    struct file_store_names list;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 2);
    file_store_stop(&store);
    file_store_run_number(&store, "mv active.jsonl 29991231T235959Z-00000000000000000001-"
                                  "00000000000000000002.jsonl");
    file_store_set(&store, "rotate.size", 1);
    file_store_start(&store);
    file_store_send(&store, 3, 4);
    store.journal_id = 0x2b; /* counts from 1 again */
    file_store_send(&store, 1, 1);
    file_store_list(&store, &list);
    assert_string_equal(list.names[1],
                        "29991231T235959Z-00000000000000000003-00000000000000000004.jsonl");
    assert_string_equal(list.names[2],
                        "30000101T000000Z-00000000000000000001-00000000000000000001.jsonl");
    file_store_fini(&store);
}

static void test_each_file_holds_one_journal(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 5);
    store.journal_id = 0x2b;
    file_store_send(&store, 1, 3);
    assert_int_equal(file_store_count(&store, "00000000000000000001-00000000000000000005.jsonl"),
                     1);
    assert_int_equal(file_store_run_number(&store, "wc -l < active.jsonl"), 3);
    assert_int_equal(file_store_run_number(&store, "grep -c '\"2b2b2b2b' active.jsonl"), 3);
    file_store_fini(&store);
}

/* The states that a crash can leave, one after the other; each must end as the same store. */

static void test_crash_after_the_rename_of_the_active_file(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 9);
    file_store_stop(&store);
    file_store_run_number(&store, "mv active.jsonl 20261120T223820Z-00000000000000000001-"
                                  "00000000000000000009.jsonl");
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 12); /* the cursor was lost too */
    file_store_expect(&store, 1, 12);
    file_store_compress_all(&store);
    file_store_expect(&store, 1, 12);
    file_store_fini(&store);
}

static void test_crash_while_a_file_is_compressed(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 9);
    file_store_stop(&store);
    file_store_run_number(&store,
                          "for f in *Z-*.jsonl; do zstd -qc $f | head -c 100 > $f.zst.tmp; done");
    assert_int_equal(file_store_count(&store, ".tmp"), 1);
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    assert_int_equal(file_store_count(&store, ".tmp"), 0);
    file_store_compress_all(&store);
    assert_int_equal(file_store_count(&store, "9.jsonl.zst"), 1);
    assert_int_equal(file_store_count(&store, "9.jsonl"), 0);
    file_store_expect(&store, 1, 9);
    file_store_fini(&store);
}

static void test_crash_before_the_plain_file_is_deleted(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 9);
    file_store_compress_all(&store);
    file_store_stop(&store);
    file_store_run_number(&store, "for f in *.zst; do zstd -dq $f; done");
    assert_int_equal(file_store_count(&store, "9.jsonl"), 1);
    file_store_start(&store);
    assert_int_equal(file_store_count(&store, "9.jsonl"), 0);
    file_store_send(&store, 5, 10);
    file_store_expect(&store, 1, 10);
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_closed_at_its_size),
        cmocka_unit_test(test_a_file_is_closed_at_its_age),
        cmocka_unit_test(test_age_counts_on_after_a_restart),
        cmocka_unit_test(test_names_sort_in_order_of_writing_when_the_clock_goes_back),
        cmocka_unit_test(test_each_file_holds_one_journal),
        cmocka_unit_test(test_crash_after_the_rename_of_the_active_file),
        cmocka_unit_test(test_crash_while_a_file_is_compressed),
        cmocka_unit_test(test_crash_before_the_plain_file_is_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
