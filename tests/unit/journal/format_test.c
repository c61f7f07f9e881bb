/* SPDX-License-Identifier: Apache-2.0 */
/* format_test.c -- journals of earlier format versions: tests/corpus/journal-v1 holds records 1 to
 * 22 of the fixture, of 60 to 160 bytes in 3 groups, as version 1 wrote them, in four segments;
 * tests/corpus/journal-v2 the same as version 2 wrote them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/frame.h"
#include "journal/journal_check.h"
#include "support/journal_fixture.h"
#include "util/fd.h"

enum { RECORDS = 22, NEWEST = 19, FILE_MAX = 64 << 10 };

static const uint64_t segments[] = {1, 10, 16, NEWEST};

static size_t load(unsigned version, const char *name, uint8_t bytes[FILE_MAX])
{
    char path[512];
    struct error err;
    size_t size;

    snprintf(path, sizeof(path), "%s/journal-v%u/%s", TEST_CORPUS_DIR, version, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fd_read_up_to(fd, bytes, FILE_MAX, &size, &err), ST_OK);
    (void)close(fd);
    return size;
}

static void store(const char *path, const uint8_t *bytes, size_t size)
{
    struct error err;

    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, bytes, size, &err), ST_OK);
    (void)close(fd);
}

/* The recorded journal, closed, in a directory of its own. */
static void prepare(struct journal_fixture *fixture, unsigned version)
{
    uint8_t *bytes = malloc(FILE_MAX);
    char path[512];

    assert_non_null(bytes);
    temp_dir_prefer_memory();
    journal_fixture_init(fixture);
    journal_fixture_close(fixture);
    fixture->settings.segment_size = FILE_MAX;
    fixture->group_count = 3;
    fixture->has_only_logs = true; /* of earlier versions nothing else is known */
    fixture->next_record = RECORDS + 1;
    snprintf(path, sizeof(path), "%s/journal.id", fixture->path);
    store(path, bytes, load(version, "journal.id", bytes));
    for (size_t i = 0; i < COUNT_OF(segments); i++) {
        journal_fixture_segment(fixture, segments[i], path);
        store(path, bytes, load(version, strrchr(path, '/') + 1, bytes));
    }
    free(bytes);
}

static uint32_t version_of(const struct journal_fixture *fixture, uint64_t first)
{
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct segment_header header;
    char path[512];

    journal_fixture_segment(fixture, first, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    (void)close(fd);
    assert_true(segment_header_get(bytes, &header));
    return header.version;
}

static void check(const struct journal_fixture *fixture, struct journal_check_report *ret)
{
    const struct journal_check_options options = {.to = UINT64_MAX};
    const struct journal_check_handler handler = {0};
    struct journal_check *check;
    struct error err;

    int fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(journal_check_open(fd, &options, &check, &err), ST_OK);
    assert_int_equal(journal_check_run(check, &handler, ret, &err), ST_OK);
    journal_check_close(check);
    (void)close(fd);
}

static void expect_records(struct journal_fixture *fixture, uint64_t count)
{
    struct journal_seen seen;

    journal_fixture_read(fixture, 1, NULL, &seen);
    assert_int_equal(seen.records, count);
    assert_int_equal(seen.missing, 0);
    assert_int_equal(seen.lost_groups, 0);
    for (uint64_t number = 1; number <= count; number++)
        assert_int_equal(seen.times[number], 1);
    journal_seen_fini(&seen);
}

static void expect_delivery(unsigned version)
{
    struct journal_fixture fixture;
    struct journal_check_report report;

    prepare(&fixture, version);
    for (size_t i = 0; i < COUNT_OF(segments); i++)
        assert_int_equal(version_of(&fixture, segments[i]), version);
    check(&fixture, &report);
    assert_int_equal(report.damages, 0);
    assert_int_equal(report.records, RECORDS);

    journal_fixture_open(&fixture);
    assert_int_equal(fixture.recovery.segments, COUNT_OF(segments));
    assert_int_equal(fixture.recovery.records, RECORDS);
    assert_int_equal(fixture.recovery.quarantined_ranges + fixture.recovery.torn_bytes, 0);
    assert_int_equal(journal_committed(fixture.journal), RECORDS + 1);
    expect_records(&fixture, RECORDS);
    assert_int_equal(journal_fixture_append(&fixture, 8, 100), ST_OK);
    expect_records(&fixture, RECORDS + 8);
    journal_fixture_close(&fixture);
    assert_int_equal(version_of(&fixture, NEWEST), version);
    assert_int_equal(version_of(&fixture, RECORDS + 1), SEGMENT_FORMAT_VERSION);
    check(&fixture, &report);
    assert_int_equal(report.damages, 0);
    assert_int_equal(report.records, RECORDS + 8);

    journal_fixture_open(&fixture);
    expect_records(&fixture, RECORDS + 8);
    journal_retire(fixture.journal, RECORDS + 9);
    assert_int_equal(journal_oldest(fixture.journal), RECORDS + 1);
    journal_fixture_fini(&fixture);
}

static void test_version_1_is_delivered_and_the_present_one_goes_behind_it(void **state)
{
    (void)state;
    expect_delivery(1);
}

static void test_version_2_is_delivered_and_the_present_one_goes_behind_it(void **state)
{
    (void)state;
    expect_delivery(2);
}

/* Version 1 has no end marks: the end of the file ends it, wherever a process was killed. */
static void test_version_1_may_end_anywhere(void **state)
{
    (void)state;
    uint8_t *bytes = malloc(FILE_MAX);
    char name[SEGMENT_NAME_SIZE];
    uint64_t fewest = RECORDS;

    assert_non_null(bytes);
    segment_name(name, NEWEST);
    size_t whole = load(1, name, bytes);
    for (size_t size = SEGMENT_HEADER_SIZE; size < whole; size += 5) {
        struct journal_fixture fixture;
        struct journal_check_report report;
        char path[512];
        prepare(&fixture, 1);
        journal_fixture_segment(&fixture, NEWEST, path);
        assert_int_equal(truncate(path, (off_t)size), 0);
        check(&fixture, &report);
        assert_int_equal(report.damages, 0);
        journal_fixture_open(&fixture);
        assert_int_equal(fixture.recovery.records, report.records);
        assert_int_equal(fixture.recovery.missing_records, 0);
        fewest = report.records < fewest ? report.records : fewest;
        fixture.next_record = report.records + 1;
        assert_int_equal(journal_fixture_append(&fixture, 1, 100), ST_OK);
        expect_records(&fixture, report.records + 1);
        journal_fixture_fini(&fixture);
    }
    assert_int_equal(fewest, NEWEST - 1);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1_is_delivered_and_the_present_one_goes_behind_it),
        cmocka_unit_test(test_version_2_is_delivered_and_the_present_one_goes_behind_it),
        cmocka_unit_test(test_version_1_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
