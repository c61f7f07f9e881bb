/* SPDX-License-Identifier: Apache-2.0 */
/* journal_test.c -- committing, reading back, segments, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/journal_fixture.h"
#include "telltale/disk_io.h"

/* Reads everything and expects each record from 1 on exactly once. */
static void expect_all(struct journal_fixture *fixture)
{
    struct journal_seen seen;

    journal_fixture_read(fixture, 1, NULL, &seen);
    assert_int_equal(seen.records, fixture->next_record - 1);
    assert_int_equal(seen.missing, 0);
    assert_int_equal(seen.lost_groups, 0);
    for (uint64_t number = 1; number < fixture->next_record; number++)
        assert_int_equal(seen.times[number], 1);
    journal_seen_fini(&seen);
}

static void reopen(struct journal_fixture *fixture)
{
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
}

static void set_segment_size(struct journal_fixture *fixture, uint64_t size)
{
    journal_fixture_close(fixture);
    fixture->settings.segment_size = size;
    journal_fixture_open(fixture);
}

static void test_first_start_finds_nothing(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal_recovery nothing = {0};

    assert_memory_equal(&fixture->recovery, &nothing, sizeof(nothing));
    assert_int_equal(journal_committed(fixture->journal), 1);
    assert_int_equal(journal_oldest(fixture->journal), 1);
    assert_int_equal(journal_size(fixture->journal), 0);
    expect_all(fixture);
}

static void test_committed_records_are_read_back(void **state)
{
    struct journal_fixture *fixture = *state;

    assert_int_equal(journal_fixture_append(fixture, 3, 100), ST_OK);
    assert_int_equal(journal_committed(fixture->journal), 4);
    assert_int_equal(journal_fixture_append(fixture, 1, 8), ST_OK);
    assert_int_equal(journal_fixture_append(fixture, 200, 801), ST_OK);
    assert_int_equal(journal_committed(fixture->journal), 205);
    expect_all(fixture);
}

static void note_first(void *context, struct append_batch *batch, enum status status,
                       const struct error *err)
{
    (void)err;
    *(uint64_t *)context = status == ST_OK ? append_batch_first_sequence(batch) : 0;
    append_batch_destroy(batch);
}

static void test_batch_learns_its_sequence_numbers(void **state)
{
    struct journal_fixture *fixture = *state;
    struct error err;
    uint64_t first[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        struct append_batch *batch = journal_fixture_batch(fixture, 1 + 5 * i, 5, 10);
        assert_int_equal(journal_submit(fixture->journal, &batch, note_first, &first[i], &err),
                         ST_OK);
        assert_null(batch);
    }
    journal_fixture_close(fixture); /* commits what was submitted */
    assert_int_equal(first[0], 1);
    assert_int_equal(first[1], 6);
}

static void test_records_survive_reopening(void **state)
{
    struct journal_fixture *fixture = *state;
    uint8_t id[JOURNAL_ID_SIZE];

    memcpy(id, journal_id(fixture->journal), sizeof(id));
    for (int round = 0; round < 5; round++) {
        assert_int_equal(journal_fixture_append(fixture, 7, 50), ST_OK);
        reopen(fixture);
        assert_int_equal(fixture->recovery.records, fixture->next_record - 1);
        assert_int_equal(fixture->recovery.torn_bytes, 0);
        assert_int_equal(fixture->recovery.quarantined_ranges, 0);
        assert_int_equal(journal_committed(fixture->journal), fixture->next_record);
    }
    assert_memory_equal(id, journal_id(fixture->journal), sizeof(id));
    expect_all(fixture);
}

static void test_reopening_without_records_keeps_the_number(void **state)
{
    struct journal_fixture *fixture = *state;

    assert_int_equal(journal_fixture_append(fixture, 7, 50), ST_OK);
    for (int round = 0; round < 3; round++)
        reopen(fixture);
    assert_int_equal(journal_committed(fixture->journal), 8);
    assert_int_equal(journal_fixture_count_files(fixture, "", ".seg"), 1);
    expect_all(fixture);
}

static void test_many_groups_are_told_apart(void **state)
{
    struct journal_fixture *fixture = *state;

    fixture->group_count = 997;
    for (int i = 0; i < 10; i++)
        assert_int_equal(journal_fixture_append(fixture, 500, 20), ST_OK);
    expect_all(fixture);
    reopen(fixture);
    expect_all(fixture);
}

/* More groups than the writer remembers: they are written again, and still right. */
static void test_more_groups_than_are_remembered(void **state)
{
    struct journal_fixture *fixture = *state;

    fixture->group_count = 9001;
    for (int i = 0; i < 10; i++)
        assert_int_equal(journal_fixture_append(fixture, 3000, 8), ST_OK);
    expect_all(fixture);
}

/* Readers keep a table of a segment's groups; its size has a limit. */
static void test_segment_with_very_many_groups_is_closed(void **state)
{
    struct journal_fixture *fixture = *state;

    fixture->group_count = 70000;
    for (int i = 0; i < 35; i++)
        assert_int_equal(journal_fixture_append(fixture, 2000, 8), ST_OK);
    assert_int_equal(journal_fixture_count_files(fixture, "", ".seg"), 2);
    expect_all(fixture);
}

/* Each segment stands alone: its groups are in it. */
static void test_segments_roll_and_each_has_its_groups(void **state)
{
    struct journal_fixture *fixture = *state;

    set_segment_size(fixture, 4096);
    fixture->group_count = 3;
    for (int i = 0; i < 50; i++)
        assert_int_equal(journal_fixture_append(fixture, 7, 100), ST_OK);
    assert_true(journal_fixture_count_files(fixture, "", ".seg") > 10);
    expect_all(fixture);
    reopen(fixture);
    assert_int_equal(fixture->recovery.records, 350);
    expect_all(fixture);
}

static void test_batch_larger_than_a_segment_is_written(void **state)
{
    struct journal_fixture *fixture = *state;

    set_segment_size(fixture, 4096);
    assert_int_equal(journal_fixture_append(fixture, 1, 8), ST_OK);
    assert_int_equal(journal_fixture_append(fixture, 100, 1000), ST_OK);
    assert_int_equal(journal_fixture_append(fixture, 1, 8), ST_OK);
    expect_all(fixture);
}

static void test_large_records_pass_small_limits(void **state)
{
    struct journal_fixture *fixture = *state;
    struct batch_limits limits = {.size_max = 100, .count_max = 10};
    struct journal_seen seen;

    assert_int_equal(journal_fixture_append(fixture, 2, 3 << 20), ST_OK);
    assert_int_equal(journal_fixture_append(fixture, 2, 20), ST_OK);
    journal_fixture_read(fixture, 1, &limits, &seen);
    assert_int_equal(seen.records, 4);
    assert_int_equal(seen.batches, 3);
    journal_seen_fini(&seen);
}

static void test_batches_keep_to_their_limits(void **state)
{
    struct journal_fixture *fixture = *state;
    struct batch_limits limits = {.size_max = 2000, .count_max = 7};
    struct journal_reader *reader;
    struct error err;
    struct batch batch;
    uint64_t next;
    uint64_t missing;
    uint64_t records = 0;

    fixture->group_count = 3;
    assert_int_equal(journal_fixture_append(fixture, 100, 200), ST_OK);
    assert_int_equal(journal_fixture_append(fixture, 100, 500), ST_OK);
    assert_int_equal(journal_reader_open(fixture->journal, 1, &reader, &err), ST_OK);
    do {
        assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err),
                         ST_OK);
        assert_true(batch.size_bytes <= limits.size_max);
        assert_true(batch.record_count <= limits.count_max);
        assert_true(batch.group_count <= 3);
        records += batch.record_count;
        assert_int_equal(next, records + 1);
    } while (batch.record_count > 0);
    assert_int_equal(records, 200);
    journal_reader_close(reader);
}

static void test_reader_begins_anywhere(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal_seen seen;

    set_segment_size(fixture, 4096);
    fixture->group_count = 5;
    for (int i = 0; i < 20; i++)
        assert_int_equal(journal_fixture_append(fixture, 5, 200), ST_OK);
    for (uint64_t first = 1; first <= 101; first++) {
        journal_fixture_read(fixture, first, NULL, &seen);
        assert_int_equal(seen.records, 101 - first);
        assert_int_equal(seen.missing, 0);
        journal_seen_fini(&seen);
    }
}

static void test_reader_goes_back(void **state)
{
    struct journal_fixture *fixture = *state;
    struct batch_limits limits = {.size_max = 1 << 20, .count_max = 10};
    struct journal_reader *reader;
    struct error err;
    struct batch batch;
    uint64_t next;
    uint64_t missing;

    journal_fixture_close(fixture);
    fixture->settings.segment_size = 4 << 20;
    journal_fixture_open(fixture);
    for (int i = 0; i < 100; i++)
        assert_int_equal(journal_fixture_append(fixture, 10, 10000), ST_OK);
    assert_int_equal(journal_reader_open(fixture->journal, 1, &reader, &err), ST_OK);
    const uint64_t places[] = {1, 500, 999, 250, 251, 1, 777, 777, 992};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        journal_reader_seek(reader, places[i]);
        assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err),
                         ST_OK);
        assert_true(batch.record_count > 0);
        assert_int_equal(batch.records[0].sequence, places[i]);
        assert_int_equal(journal_record_number(batch.records[0].bytes), places[i]);
        assert_int_equal(missing, 0);
    }
    journal_reader_close(reader);
}

static void test_reader_ahead_of_the_journal_is_refused(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal_reader *reader;
    struct error err;

    assert_int_equal(journal_fixture_append(fixture, 5, 100), ST_OK);
    assert_int_equal(journal_reader_open(fixture->journal, 7, &reader, &err), ST_INVALID);
    assert_int_equal(journal_reader_open(fixture->journal, 6, &reader, &err), ST_OK);
    journal_reader_close(reader);
}

/* A cursor may be ahead when damage has shortened the journal: what comes must not fall below
 * it. */
static void test_sequence_floor_keeps_new_records_in_front_of_cursors(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal_seen seen;

    assert_int_equal(journal_fixture_append(fixture, 5, 100), ST_OK);
    journal_fixture_close(fixture);
    fixture->settings.sequence_floor = 50;
    journal_fixture_open(fixture);
    assert_int_equal(journal_committed(fixture->journal), 50);
    assert_int_equal(journal_fixture_append(fixture, 5, 100), ST_OK);
    assert_int_equal(journal_committed(fixture->journal), 55);
    journal_fixture_read(fixture, 50, NULL, &seen);
    assert_int_equal(seen.records, 5);
    assert_int_equal(seen.missing, 0);
    journal_seen_fini(&seen);
    reopen(fixture);
    journal_fixture_read(fixture, 1, NULL, &seen);
    assert_int_equal(seen.records, 10);
    assert_int_equal(seen.missing, 44);
    journal_seen_fini(&seen);
}

static void test_retirement_removes_whole_segments_only(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal_seen seen;

    set_segment_size(fixture, 4096);
    for (int i = 0; i < 50; i++)
        assert_int_equal(journal_fixture_append(fixture, 5, 200), ST_OK);
    uint64_t size = journal_size(fixture->journal);
    journal_retire(fixture->journal, 100);
    uint64_t oldest = journal_oldest(fixture->journal);
    assert_true(oldest > 1 && oldest <= 100);
    assert_true(journal_size(fixture->journal) < size);
    journal_fixture_read(fixture, 0, NULL, &seen); /* a new consumer misses nothing */
    assert_int_equal(seen.records, 251 - oldest);
    assert_int_equal(seen.missing, 0);
    journal_seen_fini(&seen);
    journal_fixture_read(fixture, 1, NULL, &seen); /* one that was here before does */
    assert_int_equal(seen.missing, oldest - 1);
    journal_seen_fini(&seen);
    reopen(fixture);
    assert_int_equal(journal_oldest(fixture->journal), oldest);
    assert_int_equal(fixture->recovery.missing_records, 0);
}

/* A policy may retire what a slow consumer has not read: it is told how much it lost. */
static void test_retirement_under_a_reader_is_counted(void **state)
{
    struct journal_fixture *fixture = *state;
    struct batch_limits limits = {.size_max = 1 << 20, .count_max = 3};
    struct journal_reader *reader;
    struct error err;
    struct batch batch;
    uint64_t next;
    uint64_t missing;

    set_segment_size(fixture, 4096);
    for (int i = 0; i < 50; i++)
        assert_int_equal(journal_fixture_append(fixture, 5, 200), ST_OK);
    assert_int_equal(journal_reader_open(fixture->journal, 1, &reader, &err), ST_OK);
    assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err), ST_OK);
    assert_int_equal(next, 4);
    journal_retire(fixture->journal, 200);
    assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err), ST_OK);
    uint64_t oldest = journal_oldest(fixture->journal);
    assert_int_equal(missing, oldest - 4);
    assert_int_equal(batch.records[0].sequence, oldest);
    assert_int_equal(journal_record_number(batch.records[0].bytes), oldest);
    journal_reader_close(reader);
}

/* The numbers go on even when everything has been delivered and retired. */
static void test_retiring_everything_keeps_the_sequence(void **state)
{
    struct journal_fixture *fixture = *state;

    assert_int_equal(journal_fixture_append(fixture, 5, 200), ST_OK);
    reopen(fixture);
    journal_retire(fixture->journal, 6);
    reopen(fixture);
    assert_int_equal(journal_committed(fixture->journal), 6);
    assert_int_equal(journal_fixture_append(fixture, 5, 200), ST_OK);
    journal_retire(fixture->journal, 11);
    assert_int_equal(journal_oldest(fixture->journal), 6);
    reopen(fixture);
    assert_int_equal(journal_committed(fixture->journal), 11);
}

static void test_full_journal_refuses_until_something_is_retired(void **state)
{
    struct journal_fixture *fixture = *state;
    struct error err;

    journal_fixture_close(fixture);
    fixture->settings.size_max = 100000;
    journal_fixture_open(fixture);
    enum status st = ST_OK;
    for (int i = 0; i < 200 && st == ST_OK; i++)
        st = journal_fixture_append(fixture, 1, 1000);
    assert_int_equal(st, ST_LIMIT);
    assert_true(journal_size(fixture->journal) <= 100000);
    assert_true(journal_committed(fixture->journal) > 90);
    struct append_batch *batch = journal_fixture_batch(fixture, 1, 1, 1000);
    assert_int_equal(journal_submit(fixture->journal, &batch, note_first, NULL, &err), ST_LIMIT);
    assert_non_null(batch); /* a refused batch stays with the caller */
    assert_non_null(strstr(err.text, "journal.max_size"));
    append_batch_destroy(batch);

    journal_retire(fixture->journal, journal_committed(fixture->journal));
    assert_true(journal_size(fixture->journal) <= 100000 / 4 + 1100);
    assert_int_equal(journal_fixture_append(fixture, 1, 1000), ST_OK);
}

/* One batch that fills the journal must not lock it up for ever. */
static void test_journal_full_of_one_batch_finds_room_again(void **state)
{
    struct journal_fixture *fixture = *state;

    journal_fixture_close(fixture);
    fixture->settings.size_max = 100000;
    journal_fixture_open(fixture);
    assert_int_equal(journal_fixture_append(fixture, 95, 1000), ST_OK);
    journal_fixture_close(fixture); /* the thread has closed the large segment by then */
    journal_fixture_open(fixture);
    assert_int_equal(journal_fixture_append(fixture, 95, 1000), ST_LIMIT);
    journal_retire(fixture->journal, 96);
    assert_int_equal(journal_fixture_append(fixture, 60, 1000), ST_OK);
}

/* An empty segment is replaced by another of its name; a reader may have opened it. */
static void test_reader_follows_a_segment_that_is_replaced(void **state)
{
    struct journal_fixture *fixture = *state;
    struct batch_limits limits = {.size_max = 1 << 20, .count_max = 100};
    struct journal_reader *reader;
    struct error err;
    struct batch batch;
    uint64_t next;
    uint64_t missing;

    set_segment_size(fixture, 4096);
    assert_int_equal(journal_fixture_append(fixture, 10, 1000), ST_OK);
    reopen(fixture); /* by now the thread has made the next segment, which is empty */
    assert_int_equal(journal_fixture_count_files(fixture, "", ".seg"), 2);
    journal_retire(fixture->journal, 11);
    assert_int_equal(journal_reader_open(fixture->journal, 1, &reader, &err), ST_OK);
    assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err), ST_OK);
    assert_int_equal(missing, 10);
    assert_int_equal(journal_fixture_append(fixture, 2, 100), ST_OK);
    assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err), ST_OK);
    assert_int_equal(batch.record_count, 2);
    assert_int_equal(missing, 0);
    journal_reader_close(reader);
}

static uint64_t fake_free_bytes;

static int report_fake_free_bytes(int dir_fd, uint64_t *ret)
{
    (void)dir_fd;
    *ret = fake_free_bytes;
    return 0;
}

static void test_disk_reserve_is_left_free(void **state)
{
    struct journal_fixture *fixture = *state;
    struct disk_io io = disk_io_system;
    struct error err;

    journal_fixture_close(fixture);
    io.free_bytes = report_fake_free_bytes;
    fixture->settings.io = &io;
    fixture->settings.disk_reserve = 1000;
    fake_free_bytes = 999;
    journal_fixture_open(fixture);
    struct append_batch *batch = journal_fixture_batch(fixture, 1, 1, 8);
    assert_int_equal(journal_commit(fixture->journal, batch, &err), ST_LIMIT);
    assert_non_null(strstr(err.text, "journal.disk_reserve"));
    assert_int_equal(journal_check_health(fixture->journal, &err), ST_LIMIT);
    fake_free_bytes = 1000;
    assert_int_equal(journal_check_health(fixture->journal, &err), ST_OK);
    assert_int_equal(journal_fixture_append(fixture, 1, 8), ST_OK);
    journal_fixture_close(fixture);
}

static void test_second_process_is_told_who_has_the_lock(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal *second;
    struct error err;
    char pid[32];

    assert_int_equal(journal_open(&fixture->settings, &second, NULL, &err), ST_AGAIN);
    snprintf(pid, sizeof(pid), "process %ld ", (long)getpid());
    assert_non_null(strstr(err.text, pid));
}

#define WITH_JOURNAL(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, journal_fixture_set_up, journal_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_JOURNAL(test_first_start_finds_nothing),
        WITH_JOURNAL(test_committed_records_are_read_back),
        WITH_JOURNAL(test_batch_learns_its_sequence_numbers),
        WITH_JOURNAL(test_records_survive_reopening),
        WITH_JOURNAL(test_reopening_without_records_keeps_the_number),
        WITH_JOURNAL(test_many_groups_are_told_apart),
        WITH_JOURNAL(test_more_groups_than_are_remembered),
        WITH_JOURNAL(test_segment_with_very_many_groups_is_closed),
        WITH_JOURNAL(test_segments_roll_and_each_has_its_groups),
        WITH_JOURNAL(test_batch_larger_than_a_segment_is_written),
        WITH_JOURNAL(test_large_records_pass_small_limits),
        WITH_JOURNAL(test_batches_keep_to_their_limits),
        WITH_JOURNAL(test_reader_begins_anywhere),
        WITH_JOURNAL(test_reader_goes_back),
        WITH_JOURNAL(test_reader_ahead_of_the_journal_is_refused),
        WITH_JOURNAL(test_sequence_floor_keeps_new_records_in_front_of_cursors),
        WITH_JOURNAL(test_retirement_removes_whole_segments_only),
        WITH_JOURNAL(test_retirement_under_a_reader_is_counted),
        WITH_JOURNAL(test_retiring_everything_keeps_the_sequence),
        WITH_JOURNAL(test_full_journal_refuses_until_something_is_retired),
        WITH_JOURNAL(test_journal_full_of_one_batch_finds_room_again),
        WITH_JOURNAL(test_reader_follows_a_segment_that_is_replaced),
        WITH_JOURNAL(test_disk_reserve_is_left_free),
        WITH_JOURNAL(test_second_process_is_told_who_has_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
