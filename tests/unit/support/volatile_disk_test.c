/* SPDX-License-Identifier: Apache-2.0 */
/* volatile_disk_test.c -- what the forgetful disk keeps for sure, and what it may lose; over many
 * seeds, so that both outcomes of what may be lost are seen. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/temp_dir.h"
#include "support/volatile_disk.h"

enum { SEEDS = 64, SECTOR = 512 };

struct fixture {
    struct temp_dir dir;
    struct volatile_disk_options options;
    struct volatile_disk *disk;
    int root;
};

static void start(struct fixture *fixture, uint64_t seed)
{
    fixture->options.sector_size = SECTOR;
    fixture->options.seed = seed;
    temp_dir_prefer_memory();
    temp_dir_make(&fixture->dir);
    assert_int_equal(volatile_disk_open(fixture->dir.path, &fixture->options, &fixture->disk), 0);
    fixture->root = volatile_disk_root(fixture->disk);
}

static void end(struct fixture *fixture)
{
    volatile_disk_close(fixture->disk);
    temp_dir_remove(&fixture->dir);
}

static struct volatile_disk_losses cut(struct fixture *fixture, uint64_t seed)
{
    struct volatile_disk_losses losses;
    volatile_disk_power_cut(fixture->disk, seed, &losses);
    return losses;
}

static int make_file(struct fixture *fixture, const char *name, const char *text)
{
    int fd = volatile_disk_create(fixture->disk, fixture->root, name, 0600);
    assert_true(fd >= 0);
    size_t size = strlen(text);
    assert_int_equal(volatile_disk_write(fixture->disk, fd, text, size, 0), (ssize_t)size);
    return fd;
}

static void sync_all(struct fixture *fixture, int fd)
{
    assert_int_equal(volatile_disk_sync(fixture->disk, fd), 0);
    assert_int_equal(volatile_disk_sync_dir(fixture->disk, fixture->root), 0);
}

static bool is_there(const struct fixture *fixture, const char *name)
{
    return faccessat(fixture->root, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Gives its size; -1: it is not there. */
static ssize_t read_file(const struct fixture *fixture, const char *name, char *out, size_t size)
{
    memset(out, 0, size);
    int fd = openat(fixture->root, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, out, size - 1);
    assert_int_equal(close(fd), 0);
    return got;
}

static void test_what_was_synced_is_kept(void **state)
{
    char text[64];

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {0};
        start(&fixture, seed);
        int fd = make_file(&fixture, "a", "hello");
        sync_all(&fixture, fd);
        assert_int_equal(close(fd), 0);
        struct volatile_disk_losses losses = cut(&fixture, seed);
        assert_int_equal(losses.sectors_unsynced + losses.names_unsynced, 0);
        assert_int_equal(read_file(&fixture, "a", text, sizeof(text)), 5);
        assert_string_equal(text, "hello");
        end(&fixture);
    }
}

static void test_each_sector_that_was_not_synced_may_be_lost_on_its_own(void **state)
{
    unsigned torn = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {0};
        char bytes[4 * SECTOR];
        char found[4 * SECTOR + 1];
        unsigned kept = 0;
        start(&fixture, seed);
        memset(bytes, 'o', sizeof(bytes));
        int fd = make_file(&fixture, "a", "");
        assert_int_equal(volatile_disk_write(fixture.disk, fd, bytes, sizeof(bytes), 0),
                         sizeof(bytes));
        sync_all(&fixture, fd);
        memset(bytes, 'n', sizeof(bytes));
        assert_int_equal(volatile_disk_write(fixture.disk, fd, bytes, sizeof(bytes), 0),
                         sizeof(bytes));
        assert_int_equal(close(fd), 0);
        struct volatile_disk_losses losses = cut(&fixture, seed);
        assert_int_equal(losses.sectors_unsynced, 4);
        assert_int_equal(losses.sizes_unsynced, 0);
        assert_int_equal(read_file(&fixture, "a", found, sizeof(found)), 4 * SECTOR);
        for (size_t i = 0; i < 4; i++) {
            const char *sector = found + i * SECTOR;
            assert_true(sector[0] == 'o' || sector[0] == 'n');
            assert_memory_equal(sector, sector + 1, SECTOR - 1); /* never torn inside */
            kept += sector[0] == 'n';
        }
        assert_int_equal(4 - kept, losses.sectors_lost);
        torn += kept > 0 && kept < 4;
        end(&fixture);
    }
    assert_true(torn > SEEDS / 8);
}

static void test_a_size_that_was_not_synced_is_the_old_or_the_new_or_between(void **state)
{
    unsigned old = 0;
    unsigned new = 0;
    unsigned between = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {0};
        char found[3 * SECTOR];
        start(&fixture, seed);
        int fd = make_file(&fixture, "a", "0123456789");
        sync_all(&fixture, fd);
        assert_int_equal(volatile_disk_truncate(fixture.disk, fd, 2 * SECTOR), 0);
        assert_int_equal(close(fd), 0);
        (void)cut(&fixture, seed);
        ssize_t size = read_file(&fixture, "a", found, sizeof(found));
        assert_in_range(size, 10, 2 * SECTOR);
        assert_memory_equal(found, "0123456789", 10);
        old += size == 10;
        new += size == 2 * SECTOR;
        between += size > 10 && size < 2 * SECTOR;
        end(&fixture);
    }
    assert_true(old > 0 && new > 0 && between > 0);
}

static void test_a_cut_off_end_may_come_back(void **state)
{
    unsigned back = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {0};
        char found[64];
        start(&fixture, seed);
        int fd = make_file(&fixture, "a", "0123456789");
        sync_all(&fixture, fd);
        assert_int_equal(volatile_disk_truncate(fixture.disk, fd, 3), 0);
        assert_int_equal(close(fd), 0);
        (void)cut(&fixture, seed);
        ssize_t size = read_file(&fixture, "a", found, sizeof(found));
        assert_in_range(size, 3, 10);
        back += size == 10 && strcmp(found, "0123456789") == 0;
        end(&fixture);
    }
    assert_true(back > 0 && back < SEEDS);
}

static void test_syncing_a_file_does_not_keep_its_name(void **state)
{
    unsigned lost = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {.options.file_sync_keeps_names = seed % 2 == 1};
        start(&fixture, seed);
        int fd = make_file(&fixture, "a", "x");
        assert_int_equal(volatile_disk_sync(fixture.disk, fd), 0);
        assert_int_equal(close(fd), 0);
        (void)cut(&fixture, seed);
        assert_true(seed % 2 == 0 || is_there(&fixture, "a"));
        lost += !is_there(&fixture, "a");
        end(&fixture);
    }
    assert_true(lost > 0);
}

static void test_a_rename_over_a_file_leaves_the_old_one_or_the_new_one(void **state)
{
    unsigned old = 0;
    unsigned new = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {0};
        char text[64];
        start(&fixture, seed);
        int fd = make_file(&fixture, "a", "old");
        sync_all(&fixture, fd);
        assert_int_equal(close(fd), 0);
        fd = make_file(&fixture, "a.tmp", "new");
        assert_int_equal(volatile_disk_sync(fixture.disk, fd), 0);
        assert_int_equal(close(fd), 0);
        assert_int_equal(
            volatile_disk_rename(fixture.disk, fixture.root, "a.tmp", fixture.root, "a", 0), 0);
        if (seed % 4 == 0)
            assert_int_equal(volatile_disk_sync_dir(fixture.disk, fixture.root), 0);
        (void)cut(&fixture, seed);
        assert_int_equal(read_file(&fixture, "a", text, sizeof(text)), 3);
        bool is_new = strcmp(text, "new") == 0;
        assert_true(is_new || strcmp(text, "old") == 0);
        assert_true(is_new || seed % 4 != 0);
        assert_false(is_new && is_there(&fixture, "a.tmp"));
        old += !is_new;
        new += is_new;
        end(&fixture);
    }
    assert_true(old > 0 && new > 0);
}

static void test_a_removed_file_works_on_and_may_come_back(void **state)
{
    unsigned back = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {0};
        char text[64];
        start(&fixture, seed);
        int fd = make_file(&fixture, "a", "hello");
        sync_all(&fixture, fd);
        assert_int_equal(volatile_disk_remove(fixture.disk, fixture.root, "a"), 0);
        assert_false(is_there(&fixture, "a"));
        assert_int_equal(pread(fd, text, 5, 0), 5);
        assert_int_equal(volatile_disk_sync(fixture.disk, fd), 0);
        if (seed % 4 == 0)
            assert_int_equal(volatile_disk_sync_dir(fixture.disk, fixture.root), 0);
        assert_int_equal(close(fd), 0);
        (void)cut(&fixture, seed);
        if (read_file(&fixture, "a", text, sizeof(text)) >= 0) {
            assert_string_equal(text, "hello");
            assert_true(seed % 4 != 0);
            back++;
        }
        end(&fixture);
    }
    assert_true(back > 0 && back < SEEDS);
}

static void test_a_new_directory_that_is_lost_takes_what_is_in_it(void **state)
{
    unsigned lost = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {0};
        start(&fixture, seed);
        assert_int_equal(volatile_disk_make_dir(fixture.disk, fixture.root, "d", 0700), 0);
        int dir = openat(fixture.root, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int fd = volatile_disk_create(fixture.disk, dir, "a", 0600);
        assert_true(fd >= 0);
        assert_int_equal(volatile_disk_sync(fixture.disk, fd), 0);
        assert_int_equal(volatile_disk_sync_dir(fixture.disk, dir), 0);
        assert_int_equal(close(fd) + close(dir), 0);
        (void)cut(&fixture, seed);
        assert_int_equal(is_there(&fixture, "d"), is_there(&fixture, "d/a"));
        lost += !is_there(&fixture, "d");
        end(&fixture);
    }
    assert_true(lost > 0 && lost < SEEDS);
}

static void test_a_disk_that_lies_keeps_nothing_for_sure(void **state)
{
    unsigned lost = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fixture = {.options.syncs_are_lies = true};
        start(&fixture, seed);
        int fd = make_file(&fixture, "a", "hello");
        sync_all(&fixture, fd);
        assert_int_equal(close(fd), 0);
        (void)cut(&fixture, seed);
        lost += !is_there(&fixture, "a");
        end(&fixture);
    }
    assert_true(lost > 0);
}

static void test_everything_fails_after_the_cut(void **state)
{
    struct fixture fixture = {0};

    (void)state;
    start(&fixture, 1);
    int fd = make_file(&fixture, "a", "x");
    sync_all(&fixture, fd);
    (void)cut(&fixture, 1);
    struct volatile_disk *disk = fixture.disk;
    int root = fixture.root;
    assert_true(volatile_disk_is_off(disk));
    assert_int_equal(volatile_disk_write(disk, fd, "y", 1, 0), -EIO);
    assert_int_equal(volatile_disk_truncate(disk, fd, 0), -EIO);
    assert_int_equal(volatile_disk_allocate(disk, fd, 0, 0, 10), -EIO);
    assert_int_equal(volatile_disk_sync(disk, fd), -EIO);
    assert_int_equal(volatile_disk_sync_dir(disk, root), -EIO);
    assert_int_equal(volatile_disk_create(disk, root, "b", 0600), -EIO);
    assert_int_equal(volatile_disk_make_dir(disk, root, "b", 0700), -EIO);
    assert_int_equal(volatile_disk_link(disk, fd, root, "b"), -EIO);
    assert_int_equal(volatile_disk_remove(disk, root, "a"), -EIO);
    assert_int_equal(volatile_disk_rename(disk, root, "a", root, "b", 0), -EIO);
    assert_int_equal(close(fd), 0);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_synced_is_kept),
        cmocka_unit_test(test_each_sector_that_was_not_synced_may_be_lost_on_its_own),
        cmocka_unit_test(test_a_size_that_was_not_synced_is_the_old_or_the_new_or_between),
        cmocka_unit_test(test_a_cut_off_end_may_come_back),
        cmocka_unit_test(test_syncing_a_file_does_not_keep_its_name),
        cmocka_unit_test(test_a_rename_over_a_file_leaves_the_old_one_or_the_new_one),
        cmocka_unit_test(test_a_removed_file_works_on_and_may_come_back),
        cmocka_unit_test(test_a_new_directory_that_is_lost_takes_what_is_in_it),
        cmocka_unit_test(test_a_disk_that_lies_keeps_nothing_for_sure),
        cmocka_unit_test(test_everything_fails_after_the_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
