/* SPDX-License-Identifier: Apache-2.0 */
/* recycling_test.c -- what becomes of the files of retired segments, and that nobody notices. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/journal_fixture.h"
#include "telltale/disk_io.h"

enum { SEGMENT_SIZE = 64 << 10, RECORD_SIZE = 1000 };

static atomic_uint_fast64_t free_bytes;
static atomic_uint made; /* files that were made, not reused */

static int tell_free_bytes(int dir_fd, uint64_t *ret)
{
    (void)dir_fd;
    *ret = free_bytes;
    return 0;
}

static int counted_open(int dir_fd, const char *name, int flags, mode_t mode)
{
    made += (flags & O_CREAT) != 0;
    return openat(dir_fd, name, flags, mode);
}

static struct disk_io io;

static void prepare(struct journal_fixture *fixture)
{
    temp_dir_prefer_memory();
    io = disk_io_system;
    io.free_bytes = tell_free_bytes;
    io.open_at = counted_open;
    free_bytes = UINT64_C(1) << 40;
    journal_fixture_init(fixture);
    journal_fixture_close(fixture);
    fixture->settings.io = &io;
    fixture->settings.segment_size = SEGMENT_SIZE;
    fixture->settings.size_max = 8 * SEGMENT_SIZE;
    journal_fixture_open(fixture);
}

static void append(struct journal_fixture *fixture, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(journal_fixture_append(fixture, 1, RECORD_SIZE), ST_OK);
}

static void retire_all(struct journal_fixture *fixture)
{
    journal_retire(fixture->journal, journal_committed(fixture->journal));
}

static unsigned spares(const struct journal_fixture *fixture)
{
    return journal_fixture_count_files(fixture, "", ".tmp");
}

/* What the directory takes on the disk, as its files say. */
static uint64_t bytes_on_disk(const struct journal_fixture *fixture)
{
    uint64_t total = 0;
    DIR *stream = opendir(fixture->path);

    assert_non_null(stream);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        struct stat info;
        if (fstatat(dirfd(stream), entry->d_name, &info, 0) < 0)
            continue; /* the journal's thread has just renamed it */
        total += S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    }
    (void)closedir(stream);
    return total;
}

/* Everything from `first` on comes once, and nothing else. */
static void expect_all_from(struct journal_fixture *fixture, uint64_t first)
{
    struct journal_seen seen;

    journal_fixture_read(fixture, 0, NULL, &seen);
    assert_int_equal(seen.missing, 0);
    assert_int_equal(seen.lost_groups, 0);
    assert_int_equal(seen.records, fixture->next_record - first);
    for (uint64_t number = first; number < fixture->next_record; number++)
        assert_int_equal(seen.times[number], 1);
    journal_seen_fini(&seen);
}

static void test_files_go_round_and_no_new_one_is_made(void **state)
{
    (void)state;
    struct journal_fixture fixture;

    prepare(&fixture);
    append(&fixture, 150);
    retire_all(&fixture);
    assert_int_equal(spares(&fixture), 2);
    made = 0;
    for (int i = 0; i < 1000; i++) {
        append(&fixture, 1);
        retire_all(&fixture);
    }
    assert_int_equal(made, 0);
    assert_true(bytes_on_disk(&fixture) <= 3 * SEGMENT_SIZE + 100);
    expect_all_from(&fixture, journal_oldest(fixture.journal));
    journal_fixture_close(&fixture);
    journal_fixture_open(&fixture);
    assert_int_equal(spares(&fixture), 0);
    assert_int_equal(fixture.recovery.quarantined_ranges, 0);
    assert_int_equal(fixture.recovery.torn_bytes, 0);
    expect_all_from(&fixture, journal_oldest(fixture.journal));
    journal_fixture_fini(&fixture);
}

static void test_spares_count_against_the_size_of_the_journal(void **state)
{
    (void)state;
    struct journal_fixture fixture;

    prepare(&fixture);
    for (unsigned round = 0; round < 4; round++) {
        struct error err;
        enum status st = ST_OK;
        while (st == ST_OK) {
            struct append_batch *batch =
                journal_fixture_batch(&fixture, fixture.next_record, 1, RECORD_SIZE + round * 37);
            st = journal_commit(fixture.journal, batch, &err);
            fixture.next_record += st == ST_OK;
            assert_true(bytes_on_disk(&fixture) <= fixture.settings.size_max + 100);
        }
        assert_int_equal(st, ST_LIMIT);
        assert_true(journal_size(fixture.journal) > fixture.settings.size_max * 3 / 4);
        retire_all(&fixture);
        assert_int_equal(spares(&fixture), 2);
    }
    journal_fixture_fini(&fixture);
}

/* A batch that is larger than a segment needs the room that spares hold. */
static void test_spares_give_way_to_a_large_batch(void **state)
{
    (void)state;
    struct journal_fixture fixture;

    prepare(&fixture);
    append(&fixture, 150);
    retire_all(&fixture);
    assert_int_equal(spares(&fixture), 2);
    assert_int_equal(journal_fixture_append(&fixture, 400, RECORD_SIZE), ST_OK);
    assert_true(bytes_on_disk(&fixture) <= fixture.settings.size_max + 100);
    assert_true(spares(&fixture) < 2);
    expect_all_from(&fixture, journal_oldest(fixture.journal));
    journal_fixture_fini(&fixture);
}

static void test_spares_go_first_when_the_disk_is_low(void **state)
{
    (void)state;
    struct journal_fixture fixture;

    prepare(&fixture);
    journal_fixture_close(&fixture);
    fixture.settings.disk_reserve = 1000;
    journal_fixture_open(&fixture);
    append(&fixture, 150);
    retire_all(&fixture);
    assert_int_equal(spares(&fixture), 2);
    append(&fixture, 40);
    free_bytes = 999;
    enum status st = ST_OK;
    for (int i = 0; i < 100 && st == ST_OK; i++)
        st = journal_fixture_append(&fixture, 1, RECORD_SIZE);
    assert_int_equal(st, ST_LIMIT); /* the next segment looks at the disk */
    assert_int_equal(spares(&fixture), 0);
    retire_all(&fixture);
    assert_int_equal(spares(&fixture), 0);
    free_bytes = 1 << 20;
    append(&fixture, 100);
    journal_fixture_fini(&fixture);
}

/* A reader that was overtaken by retirement has the file open: what it goes on to read is not
 * taken for damage, and the file is not written over meanwhile. */
static void test_file_that_a_reader_has_open_is_not_written_over(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct batch_limits limits = {.size_max = 1 << 20, .count_max = 3};
    struct journal_reader *reader;
    struct error err;
    struct batch batch;
    uint64_t next;
    uint64_t missing;

    prepare(&fixture);
    append(&fixture, 200);
    assert_int_equal(journal_reader_open(fixture.journal, 1, &reader, &err), ST_OK);
    assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err), ST_OK);
    assert_int_equal(next, 4);
    retire_all(&fixture);
    assert_int_equal(spares(&fixture), 2);
    append(&fixture, 200);
    assert_int_equal(spares(&fixture), 1); /* the other one was taken */
    assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err), ST_OK);
    assert_int_equal(missing, journal_oldest(fixture.journal) - 4);
    assert_int_equal(batch.record_count, 3);
    assert_int_equal(journal_fixture_count_files(&fixture, "quarantine", ""), 0);
    append(&fixture, 60);
    assert_int_equal(spares(&fixture), 0); /* the reader has left it */
    journal_reader_close(reader);
    expect_all_from(&fixture, journal_oldest(fixture.journal));
    journal_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_go_round_and_no_new_one_is_made),
        cmocka_unit_test(test_spares_count_against_the_size_of_the_journal),
        cmocka_unit_test(test_spares_give_way_to_a_large_batch),
        cmocka_unit_test(test_spares_go_first_when_the_disk_is_low),
        cmocka_unit_test(test_file_that_a_reader_has_open_is_not_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
