/* SPDX-License-Identifier: Apache-2.0 */
/* full_disk_test.c -- no room: nothing half-written stays, and the batch comes again.
 *
 * A limit on the size of files stands for the full disk everywhere; where the test may mount, a
 * tiny file system really is full. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file_store.h"
#include "util/clock.h"

extern const struct exporter_ops exporter_file;

static void limit_file_size(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_batch_that_does_not_fit_is_taken_back(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 100000;
    file_store_start(&store);
    file_store_send(&store, 1, 10);
    uint64_t size = file_store_run_number(&store, "wc -c < active.jsonl");
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    limit_file_size(size + 1500000); /* room for one write of lines, not for two */
    assert_int_equal(file_store_try(&store, 11, 40), EXPORT_RETRY);
    limit_file_size(RLIM_INFINITY);
    signal(SIGXFSZ, old);
    assert_non_null(strstr(store.err.text, "active.jsonl"));
    assert_non_null(strstr(store.err.text, "File too large"));
    assert_int_equal(file_store_run_number(&store, "wc -c < active.jsonl"), size);
    file_store_expect(&store, 1, 10);
    file_store_send(&store, 11, 40);
    file_store_expect(&store, 1, 40);
    file_store_fini(&store);
}

/* False: this process may not mount. */
static bool mount_tiny(const char *path)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", path, "tmpfs", 0, "size=2m,mode=0700") == 0;
}

/* A store of records 1 and 2 in a closed file on a file system of 2 MB that `filler` shrinks.
 * False: this process may not mount. */
static bool start_on_tiny_disk(struct file_store *store)
{
    file_store_init(store);
    store->padding_bytes = 10000;
    assert_int_equal(mkdir(store->path, 0700), 0);
    if (!mount_tiny(store->path)) {
        file_store_fini(store);
        return false;
    }
    file_store_start(store);
    file_store_run_number(store, "head -c 1000000 /dev/zero > filler");
    file_store_set(store, "rotate.size", 1);
    file_store_send(store, 1, 2);
    file_store_set(store, "rotate.size", UINT64_MAX);
    return true;
}

/* Sends until the disk is full; gives the number of the first record that was not taken. */
static uint64_t fill_disk(struct file_store *store)
{
    uint64_t next = 3;

    while (next < 1000 && file_store_try(store, next, next + 4) == EXPORT_DONE)
        next += 5;
    assert_in_range(next, 50, 150);
    return next;
}

static void stop_on_tiny_disk(struct file_store *store)
{
    file_store_stop(store);
    assert_int_equal(umount(store->path), 0);
    file_store_fini(store);
}

static void test_a_full_disk_asks_for_a_retry_until_there_is_room(void **state)
{
    (void)state;
    struct file_store store;

    if (!start_on_tiny_disk(&store))
        skip();
    uint64_t next = fill_disk(&store);
    assert_int_equal(store.err.status, ST_IO);
    assert_int_equal(store.err.os_errno, ENOSPC);
    assert_non_null(strstr(store.err.text, "No space left on device"));
    assert_int_equal(store.report.sent_bytes, 0);
    file_store_expect(&store, 1, next - 1);
    assert_int_equal(file_store_try(&store, next, next + 4), EXPORT_RETRY);
    file_store_expect(&store, 1, next - 1);
    file_store_run_number(&store, "rm filler");
    file_store_send(&store, next, next + 4);
    file_store_expect(&store, 1, next + 4);
    stop_on_tiny_disk(&store);
}

static void test_retention_goes_on_while_the_disk_is_full(void **state)
{
    (void)state;
    struct file_store store;

    if (!start_on_tiny_disk(&store))
        skip();
    file_store_stop(&store); /* and start: retention looks at once */
    file_store_run_number(&store, "touch -d @1700000000 *Z-*.jsonl");
    file_store_start(&store);
    file_store_run_number(&store, "head -c 3000000 /dev/zero > more 2>/dev/null || true");
    file_store_set(&store, "retention.max_age", UINT64_C(86400) * 1000000000);
    assert_int_equal(file_store_try(&store, 3, 3), EXPORT_RETRY);
    assert_int_equal(file_store_count(&store, "2.jsonl"), 0); /* this makes the room */
    file_store_send(&store, 3, 3);
    file_store_expect(&store, 3, 3);
    stop_on_tiny_disk(&store);
}

/* The compressed form does not fit: deliveries and plain files go on, and nothing stays. */
static void test_a_compression_that_does_not_fit_is_put_off(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 10000;
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 100);
    file_store_set(&store, "rotate.size", 1);
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    limit_file_size(200000); /* less than the compressed file */
    assert_int_equal(exporter_file.tick(store.exporter, clock_unix_ns(), &store.err), ST_IO);
    assert_non_null(strstr(store.err.text, "compress: write"));
    assert_int_equal(file_store_count(&store, ".tmp"), 0);
    assert_int_equal(file_store_count(&store, ".zst"), 0);
    file_store_send(&store, 101, 102);
    file_store_expect(&store, 1, 102);
    limit_file_size(RLIM_INFINITY);
    signal(SIGXFSZ, old);
    file_store_tick(&store, 0); /* too early for another try */
    assert_int_equal(file_store_count(&store, ".zst"), 0);
    for (int i = 0; i < 5; i++)
        file_store_tick(&store, 61);
    assert_int_equal(file_store_count(&store, ".zst"), 2);
    file_store_expect(&store, 1, 102);
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_that_does_not_fit_is_taken_back),
        cmocka_unit_test(test_a_compression_that_does_not_fit_is_put_off),
        cmocka_unit_test(test_a_full_disk_asks_for_a_retry_until_there_is_room),
        cmocka_unit_test(test_retention_goes_on_while_the_disk_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
