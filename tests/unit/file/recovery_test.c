/* SPDX-License-Identifier: Apache-2.0 */
/* recovery_test.c -- what a crash leaves in the active file, and records that come again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file_store.h"

static uint64_t active_size(const struct file_store *store)
{
    char path[256];
    struct stat info;

    snprintf(path, sizeof(path), "%s/active.jsonl", store->path);
    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}

static void truncate_active(const struct file_store *store, uint64_t size)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/active.jsonl", store->path);
    assert_int_equal(truncate(path, (off_t)size), 0);
}

static void test_a_line_torn_at_any_byte_is_written_again_once(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 10;
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    uint64_t good = active_size(&store);
    file_store_send(&store, 4, 4);
    uint64_t whole = active_size(&store);
    assert_true(whole - good > 200);
    for (uint64_t size = good; size < whole; size++) {
        file_store_stop(&store);
        truncate_active(&store, size);
        file_store_start(&store);
        assert_int_equal(active_size(&store), good);
        file_store_send(&store, 3, 4); /* the first of them is there */
        assert_int_equal(active_size(&store), whole);
    }
    file_store_expect(&store, 1, 4);
    file_store_fini(&store);
}

/* Damage has taken records 8 to 10 from the journal, and their numbers are given out again. */
static void test_records_that_reuse_the_numbers_of_lost_ones_are_kept(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 10);
    file_store_stop(&store);
    store.first_new_sequence = 8;
    file_store_start(&store);
    file_store_send(&store, 6, 8); /* 6 and 7 are there, this 8 is not */
    file_store_send(&store, 9, 9);
    file_store_stop(&store);
    store.first_new_sequence = 10;
    file_store_start(&store);
    file_store_send(&store, 8, 10);
    assert_int_equal(file_store_run_number(&store, "cat *.jsonl | wc -l"), 13);
    assert_int_equal(file_store_run_number(&store, "cat active.jsonl | wc -l"), 3);
    assert_int_equal(file_store_count(&store, "-00000000000000000010.jsonl"), 1);
    file_store_fini(&store);
}

static unsigned sync_count;

int fdatasync(int fd)
{
    sync_count++;
    return (int)syscall(SYS_fdatasync, fd);
}

/* The process before may have been killed between a write and its sync. */
static void test_lines_that_are_found_are_synced_before_they_count(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    file_store_stop(&store);
    sync_count = 0;
    file_store_start(&store);
    file_store_send(&store, 1, 3); /* they are there */
    assert_int_equal(sync_count, 1);
    file_store_fini(&store);
}

static void test_a_file_that_is_one_torn_line_is_emptied(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 300000; /* longer than one step of the search for its start */
    file_store_start(&store);
    file_store_send(&store, 1, 1);
    file_store_stop(&store);
    truncate_active(&store, 250000);
    file_store_start(&store);
    assert_int_equal(active_size(&store), 0);
    file_store_send(&store, 1, 2);
    file_store_expect(&store, 1, 2);
    file_store_fini(&store);
}

/* Blocks that never reached the disk read as zeros, also before blocks that did. */
static void test_lines_behind_a_hole_do_not_count(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 5000;
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    file_store_send(&store, 4, 9);
    file_store_stop(&store);
    file_store_run_number(&store, "dd if=/dev/zero of=active.jsonl bs=4096 seek=5 count=1 "
                                  "conv=notrunc status=none");
    file_store_start(&store);
    assert_int_equal(file_store_run_number(&store, "jq -c . active.jsonl | wc -l"), 3);
    assert_int_equal(file_store_run_number(&store, "cat cut-*.bin | tail -n 1 | jq . | wc -l") > 1,
                     1); /* what was cut off is kept */
    file_store_send(&store, 2, 9);
    file_store_expect(&store, 1, 9);
    file_store_fini(&store);
}

static void test_records_that_come_again_are_skipped(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 20);
    file_store_send(&store, 1, 20);
    file_store_stop(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 10);
    assert_int_equal(store.report.sent_bytes, 0);
    file_store_send(&store, 11, 25);
    file_store_expect(&store, 1, 25);
    file_store_fini(&store);
}

static void test_the_newest_closed_file_tells_what_is_there(void **state)
{
    (void)state;

    for (uint64_t compression = 0; compression < 2; compression++) {
        struct file_store store;
        file_store_init(&store);
        store.padding_bytes = 20000;
        file_store_set(&store, "rotate.size", 1);
        file_store_set(&store, "compression", compression);
        file_store_start(&store);
        file_store_send(&store, 1, 10);
        file_store_send(&store, 11, 30);
        if (compression == 1)
            file_store_compress_all(&store);
        file_store_stop(&store);
        file_store_start(&store);
        assert_int_equal(active_size(&store), 0);
        file_store_send(&store, 5, 33);
        file_store_expect(&store, 1, 33);
        file_store_fini(&store);
    }
}

static void test_another_journal_is_never_skipped(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 20);
    file_store_stop(&store);
    file_store_start(&store);
    store.journal_id = 0x77;
    file_store_send(&store, 1, 5);
    assert_int_equal(file_store_run_number(&store, "grep -c '\"7777' active.jsonl"), 5);
    file_store_fini(&store);
}

static void test_a_damaged_closed_file_does_not_stop_the_store(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 10);
    file_store_compress_all(&store);
    file_store_stop(&store);
    file_store_run_number(&store, "for f in *.zst; do truncate -s -1 $f; done");
    file_store_start(&store);
    file_store_send(&store, 11, 12);
    assert_int_equal(file_store_run_number(&store, "grep -c 'no seek table' store.log"), 1);
    file_store_fini(&store);
}

static void test_an_active_file_of_somebody_else_is_set_aside(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_stop(&store);
    file_store_run_number(&store, "echo '{\"hello\":1}' > active.jsonl");
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    file_store_expect(&store, 1, 3);
    assert_int_equal(file_store_run_number(&store, "jq .hello foreign-*.jsonl"), 1);
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_torn_at_any_byte_is_written_again_once),
        cmocka_unit_test(test_records_that_reuse_the_numbers_of_lost_ones_are_kept),
        cmocka_unit_test(test_lines_that_are_found_are_synced_before_they_count),
        cmocka_unit_test(test_a_file_that_is_one_torn_line_is_emptied),
        cmocka_unit_test(test_lines_behind_a_hole_do_not_count),
        cmocka_unit_test(test_records_that_come_again_are_skipped),
        cmocka_unit_test(test_the_newest_closed_file_tells_what_is_there),
        cmocka_unit_test(test_another_journal_is_never_skipped),
        cmocka_unit_test(test_a_damaged_closed_file_does_not_stop_the_store),
        cmocka_unit_test(test_an_active_file_of_somebody_else_is_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
