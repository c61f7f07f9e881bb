/* SPDX-License-Identifier: Apache-2.0 */
/* damage_fault_test.c -- a journal with damaged records on a disk that fails at another call each
 * time: recovery, quarantine, readers and the check from outside lose none of the others. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/journal_check.h"
#include "support/fault_points.h"
#include "support/journal_fixture.h"
#include "util/le.h"

enum {
    RECORDS = 24,
    RECORD_SIZE = 150,
    SEGMENT_SIZE = 1500,
    EARLY_DAMAGE = 5,          /* record numbers */
    LATE_DAMAGE = RECORDS - 1, /* in the last segment, with a record behind */
    FILE_MAX = 1 << 20,
    READ_TRIES = 6,
    POINTS_MIN = 40,
    SYNC_POINTS_MIN = 4,
};

static bool is_damaged(uint64_t number)
{
    return number == EARLY_DAMAGE || number == LATE_DAMAGE;
}

/* Where the bytes of record `number` stand in the file; -1: they do not. */
static ssize_t find_record(int fd, uint64_t number)
{
    static uint8_t content[FILE_MAX];
    uint8_t head[12];

    ssize_t size = pread(fd, content, sizeof(content), 0);
    assert_true(size >= 0 && size < FILE_MAX);
    le64_put(head, number);
    for (size_t i = 8; i < sizeof(head); i++)
        head[i] = (uint8_t)(number * 31 + i);
    const uint8_t *found = memmem(content, (size_t)size, head, sizeof(head));
    return found != NULL ? found - content : -1;
}

static void damage(const struct journal_fixture *fixture, uint64_t number)
{
    unsigned found = 0;

    DIR *stream = opendir(fixture->path);
    assert_non_null(stream);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        int fd = openat(dirfd(stream), entry->d_name, O_RDWR | O_CLOEXEC);
        ssize_t at = fd >= 0 ? find_record(fd, number) : -1;
        if (at >= 0)
            assert_int_equal(pwrite(fd, "damaged", 7, at + 60), 7);
        found += at >= 0;
        if (fd >= 0)
            (void)close(fd); /* a directory cannot be opened so */
    }
    (void)closedir(stream); /* was only read */
    assert_int_equal(found, 1);
}

static void prepare(struct journal_fixture *fixture)
{
    journal_fixture_init(fixture);
    journal_fixture_close(fixture);
    fixture->settings.segment_size = SEGMENT_SIZE;
    fixture->group_count = 2;
    journal_fixture_open(fixture);
    for (unsigned i = 0; i < RECORDS; i++)
        assert_int_equal(journal_fixture_append(fixture, 1, RECORD_SIZE), ST_OK);
    journal_fixture_close(fixture);
    damage(fixture, EARLY_DAMAGE);
    damage(fixture, LATE_DAMAGE);
    fixture->settings.io = &faulty_disk_io;
    faulty_disk_reset(fixture->temp.fd);
}

struct found {
    unsigned times[RECORDS + 8];
    uint64_t records;
};

static enum status note_record(void *context, uint64_t sequence, const struct record_group *group,
                               struct slice record, struct error *err)
{
    struct found *found = context;

    (void)sequence;
    (void)group;
    (void)err;
    uint64_t number = journal_record_number(record); /* is whole */
    assert_in_range(number, 1, RECORDS + 7);
    found->times[number]++;
    found->records++;
    return ST_OK;
}

/* As a worker reads: what fails is tried again. */
static bool read_all(struct journal *journal, struct found *found)
{
    const struct batch_limits limits = {.size_max = 1 << 20, .count_max = 3};
    struct journal_reader *reader;
    struct batch batch = {.record_count = 1};
    uint64_t next;
    uint64_t missing = 1;
    struct error err;
    int tries = 0;

    if (journal_reader_open(journal, 0, &reader, &err) != ST_OK)
        return false;
    while (tries < READ_TRIES && batch.record_count + missing > 0) {
        if (journal_reader_next(reader, &limits, &batch, &next, &missing, &err) != ST_OK) {
            tries++;
            batch.record_count = 1;
            continue;
        }
        for (size_t i = 0; i < batch.record_count; i++)
            (void)note_record(found, 0, NULL, batch.records[i].bytes, &err); /* cannot fail */
    }
    journal_reader_close(reader);
    return tries < READ_TRIES;
}

static enum status check_outside(const struct journal_fixture *fixture, const struct disk_io *io,
                                 struct found *found, struct journal_check_report *ret)
{
    const struct journal_check_options options = {.to = UINT64_MAX, .io = io};
    const struct journal_check_handler handler = {.context = found, .on_record = note_record};
    struct journal_check *check;
    struct error err;

    int fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    enum status st = journal_check_open(fd, &options, &check, &err);
    if (st == ST_OK) {
        st = journal_check_run(check, &handler, ret, &err);
        journal_check_close(check);
    }
    (void)close(fd); /* was only read */
    return st;
}

static void expect(const struct found *found, bool may_miss, const struct fault_point *point,
                   const char *when)
{
    for (uint64_t i = 1; i <= RECORDS; i++) {
        unsigned expected = is_damaged(i) ? 0 : 1;
        if (found->times[i] > expected || (!may_miss && found->times[i] < expected))
            fail_msg("%s at call %u, %s: record %u comes %u times", point->plan->name, point->at,
                     when, (unsigned)i, found->times[i]);
    }
}

static void work(struct journal_fixture *fixture, const struct fault_point *point)
{
    struct found live = {.records = 0};
    struct found outside = {.records = 0};
    struct journal_check_report report;
    struct error err;

    (void)(check_outside(fixture, &faulty_disk_io, &outside, &report) == ST_OK); /* may fail */
    expect(&outside, true, point, "checked");
    if (journal_open(&fixture->settings, &fixture->journal, &fixture->recovery, &err) != ST_OK)
        return;
    bool is_read = read_all(fixture->journal, &live);
    bool is_brief = point->plan->length < 4; /* a sector that fails for longer counts as damaged */
    expect(&live, !is_read || !is_brief, point, "live");
}

static bool run_damaged(void *context, const struct fault_point *point)
{
    struct journal_fixture fixture;
    struct found found = {.records = 0};
    struct found outside = {.records = 0};
    struct journal_check_report report;

    (void)context;
    prepare(&fixture);
    fault_point_arm(point);
    work(&fixture, point);
    journal_fixture_close(&fixture);
    bool was_hit = fault_point_end(point);

    assert_int_equal(check_outside(&fixture, NULL, &outside, &report), ST_OK);
    expect(&outside, false, point, "checked afterwards");
    assert_true(report.damages > 0);
    journal_fixture_open(&fixture);
    assert_true(read_all(fixture.journal, &found));
    expect(&found, false, point, "reopened");
    assert_int_equal(journal_fixture_append(&fixture, 1, RECORD_SIZE), ST_OK);
    faulty_disk_reset(fixture.temp.fd);
    journal_fixture_fini(&fixture);
    return was_hit;
}

static void test_damage_and_a_failing_disk_take_no_other_records(void **state)
{
    (void)state;
    fault_points_try_all("damaged journal: check, recover, quarantine, read", run_damaged, NULL,
                         POINTS_MIN, SYNC_POINTS_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_and_a_failing_disk_take_no_other_records),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
