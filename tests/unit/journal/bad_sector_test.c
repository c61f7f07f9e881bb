/* SPDX-License-Identifier: Apache-2.0 */
/* bad_sector_test.c -- a disk that cannot read some bytes, for ever or for a while. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/journal_fixture.h"
#include "telltale/disk_io.h"

enum {
    BAD_START = 12288,
    BAD_END = 16384,
    RECORDS = 100,
    RECORD_SIZE = 500,
    CALLS_MAX = 50,
};

static ino_t bad_file; /* 0: none */

static ssize_t pread_around_the_sector(int fd, void *data, size_t size, off_t offset)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && st.st_ino == bad_file && offset < BAD_END &&
        offset + (off_t)size > BAD_START) {
        errno = EIO;
        return -1;
    }
    return pread(fd, data, size, offset);
}

static struct disk_io io;

/* A journal with 100 records in one segment. */
static void prepare(struct journal_fixture *fixture)
{
    io = disk_io_system;
    io.pread = pread_around_the_sector;
    bad_file = 0;
    journal_fixture_init(fixture);
    journal_fixture_close(fixture);
    fixture->settings.io = &io;
    journal_fixture_open(fixture);
    assert_int_equal(journal_fixture_append(fixture, RECORDS, RECORD_SIZE), ST_OK);
}

static void break_sector(const struct journal_fixture *fixture)
{
    char path[256];
    struct stat st;

    journal_fixture_segment(fixture, 1, path);
    assert_int_equal(stat(path, &st), 0);
    bad_file = st.st_ino;
}

/* The records that the sector holds at least a part of, at most. */
static const uint64_t hit_max = (BAD_END - BAD_START) / RECORD_SIZE + 2;

static void test_reader_passes_a_bad_sector_in_the_end(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct batch_limits limits = {.size_max = 1 << 20, .count_max = 1000};
    struct journal_reader *reader;
    struct error err;
    uint64_t next = 1;
    uint64_t records = 0;
    uint64_t missing_total = 0;
    unsigned failures = 0;

    prepare(&fixture);
    break_sector(&fixture);
    assert_int_equal(journal_reader_open(fixture.journal, 1, &reader, &err), ST_OK);
    for (int i = 0; i < CALLS_MAX && next <= RECORDS; i++) {
        struct batch batch;
        uint64_t missing;
        enum status st = journal_reader_next(reader, &limits, &batch, &next, &missing, &err);
        if (st == ST_IO) {
            failures++;
            continue;
        }
        assert_int_equal(st, ST_OK);
        records += batch.record_count;
        missing_total += missing;
    }
    assert_int_equal(next, RECORDS + 1);
    assert_true(failures >= 8);
    assert_int_equal(records + missing_total, RECORDS);
    assert_in_range(missing_total, 1, hit_max);
    journal_reader_close(reader);
    journal_fixture_fini(&fixture);
}

static void test_error_that_passes_loses_nothing_for_a_reader(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct batch_limits limits = {.size_max = 1 << 20, .count_max = 1000};
    struct journal_reader *reader;
    struct error err;
    struct batch batch;
    uint64_t next;
    uint64_t missing;

    prepare(&fixture);
    break_sector(&fixture);
    assert_int_equal(journal_reader_open(fixture.journal, 1, &reader, &err), ST_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err),
                         ST_IO);
    bad_file = 0;
    assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err), ST_OK);
    assert_int_equal(batch.record_count, RECORDS);
    assert_int_equal(missing, 0);
    journal_reader_close(reader);
    journal_fixture_fini(&fixture);
}

/* The journal starts; and when the disk has recovered, what it could not read is still there. */
static void test_start_with_a_bad_sector_gives_nothing_up(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct journal_seen seen;

    prepare(&fixture);
    journal_fixture_close(&fixture);
    break_sector(&fixture);
    journal_fixture_open(&fixture);
    assert_in_range(fixture.recovery.records, RECORDS - hit_max, RECORDS - 1);
    assert_int_equal(fixture.recovery.torn_bytes, 0);
    assert_true(journal_committed(fixture.journal) > RECORDS);
    assert_int_equal(journal_fixture_append(&fixture, 1, RECORD_SIZE), ST_OK);
    bad_file = 0;
    journal_fixture_read(&fixture, 1, NULL, &seen);
    for (uint64_t number = 1; number < fixture.next_record; number++)
        assert_int_equal(seen.times[number], 1);
    journal_seen_fini(&seen);
    journal_fixture_fini(&fixture);
}

/* The same when the sector is where the journal ends: the next number is beyond what it hides. */
static void test_start_with_a_bad_last_sector_supersedes_nothing(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct journal_seen seen;
    char path[256];

    prepare(&fixture);
    journal_fixture_close(&fixture);
    journal_fixture_segment(&fixture, 1, path);
    assert_int_equal(truncate(path, BAD_END), 0);
    journal_fixture_open(&fixture);
    uint64_t whole = fixture.recovery.records; /* that the shorter file holds */
    assert_true(whole < RECORDS);
    journal_fixture_close(&fixture);
    break_sector(&fixture);
    journal_fixture_open(&fixture);
    assert_true(fixture.recovery.records < whole);
    assert_true(journal_committed(fixture.journal) > whole);
    fixture.next_record = RECORDS + 1;
    assert_int_equal(journal_fixture_append(&fixture, 1, RECORD_SIZE), ST_OK);
    bad_file = 0;
    journal_fixture_close(&fixture);
    journal_fixture_open(&fixture);
    journal_fixture_read(&fixture, 1, NULL, &seen);
    assert_int_equal(seen.records, whole + 1);
    for (uint64_t number = 1; number <= whole; number++)
        assert_int_equal(seen.times[number], 1);
    journal_seen_fini(&seen);
    journal_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_passes_a_bad_sector_in_the_end),
        cmocka_unit_test(test_error_that_passes_loses_nothing_for_a_reader),
        cmocka_unit_test(test_start_with_a_bad_sector_gives_nothing_up),
        cmocka_unit_test(test_start_with_a_bad_last_sector_supersedes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
