/* SPDX-License-Identifier: Apache-2.0 */
/* signals_test.c -- records of several signals in one journal. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/frame.h"
#include "journal/journal_check.h"
#include "support/journal_fixture.h"

#define WITH_JOURNAL(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, journal_fixture_set_up, journal_fixture_tear_down)

enum { RECORD_SIZE = 40, ALL = 1000 };

static enum signal signal_of(uint64_t sequence)
{
    return (enum signal)(sequence % SIGNAL_COUNT); /* as the fixture makes them */
}

static void append_mixed(struct journal_fixture *fixture, unsigned count)
{
    fixture->group_count = 2 * SIGNAL_COUNT;
    assert_int_equal(journal_fixture_append(fixture, count, RECORD_SIZE), ST_OK);
}

static struct journal_reader *open_reader(struct journal_fixture *fixture)
{
    struct journal_reader *reader;
    struct error err;

    assert_int_equal(journal_reader_open(fixture->journal, 1, &reader, &err), ST_OK);
    return reader;
}

struct step {
    struct batch batch;
    uint64_t next, missing;
    struct reader_passage passage;
};

static struct step step(struct journal_reader *reader, const struct batch_limits *limits)
{
    struct step step;
    struct error err;

    assert_int_equal(
        journal_reader_next(reader, limits, &step.batch, &step.next, &step.missing, &err), ST_OK);
    step.passage = journal_reader_passage(reader);
    return step;
}

static void append_one(struct append_batch *batch, struct slice bytes)
{
    struct error err;
    struct buf *buf;

    assert_int_equal(append_batch_begin(batch, &buf, &err), ST_OK);
    assert_int_equal(buf_append(buf, bytes.data, bytes.size, &err), ST_OK);
    append_batch_end(batch);
}

static void test_signals_that_share_a_group_keep_their_records_apart(void **state)
{
    struct journal_fixture *fixture = *state;
    const struct batch_limits limits = {.size_max = 1 << 20, .count_max = ALL};
    const struct record_group group = {.resource_logs_fields = SLICE("shared"),
                                       .signal = SIGNAL_TRACES};
    static const enum signal expected[] = {SIGNAL_TRACES, SIGNAL_LOGS, SIGNAL_TRACES,
                                           SIGNAL_METRICS};
    struct append_batch *batch;
    struct error err;

    assert_int_equal(append_batch_create(1 << 20, &batch, &err), ST_OK);
    assert_int_equal(append_batch_set_group(batch, &group, &err), ST_OK);
    append_one(batch, SLICE("span"));
    append_batch_set_signal(batch, SIGNAL_LOGS);
    append_one(batch, SLICE("log"));
    assert_int_equal(append_batch_set_group(batch, &group, &err), ST_OK);
    append_one(batch, SLICE("span"));
    append_batch_set_signal(batch, SIGNAL_METRICS);
    append_one(batch, SLICE("metric"));
    assert_int_equal(journal_commit(fixture->journal, batch, &err), ST_OK);

    struct journal_reader *reader = open_reader(fixture);
    struct step all = step(reader, &limits);
    assert_int_equal(all.batch.record_count, COUNT_OF(expected));
    assert_int_equal(all.batch.group_count, SIGNAL_COUNT);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        const struct record_group *got = &all.batch.groups[all.batch.records[i].group_index];
        assert_int_equal(got->signal, expected[i]);
        assert_true(slice_equal(got->resource_logs_fields, group.resource_logs_fields));
    }
    journal_reader_close(reader);
}

static bool wants_odd_numbers(const void *context, enum signal signal, struct slice record)
{
    assert_ptr_equal(context, &wants_odd_numbers);
    (void)signal;
    return journal_record_number(record) % 2 == 1;
}

static void test_records_that_a_reader_does_not_want_are_told_apart(void **state)
{
    struct journal_fixture *fixture = *state;
    const struct batch_limits limits = {.size_max = 1 << 20,
                                        .count_max = 7,
                                        .signals = SIGNALS_ALL & ~SIGNALS_TRACES,
                                        .wants = wants_odd_numbers,
                                        .context = &wants_odd_numbers};
    uint64_t records = 0;
    uint64_t passed = 0;
    uint64_t filtered = 0;

    append_mixed(fixture, 90);
    struct journal_reader *reader = open_reader(fixture);
    for (uint64_t at = 1; at < 91;) {
        struct step now = step(reader, &limits);
        assert_true(now.next > at);
        assert_int_equal(now.missing, 0);
        for (size_t i = 0; i < now.batch.record_count; i++) {
            uint64_t sequence = now.batch.records[i].sequence;
            assert_int_equal(journal_record_number(now.batch.records[i].bytes), sequence);
            assert_int_equal(sequence % 2, 1);
            assert_int_not_equal(signal_of(sequence), SIGNAL_TRACES);
        }
        records += now.batch.record_count;
        passed += now.passage.passed;
        filtered += now.passage.filtered;
        at = now.next;
    }
    assert_int_equal(records, 30);
    assert_int_equal(passed, 30);
    assert_int_equal(filtered, 30);
    journal_reader_close(reader);
}

static bool wants_nothing(const void *context, enum signal signal, struct slice record)
{
    (void)context;
    (void)signal;
    (void)record;
    return false;
}

static void test_batches_fill_up_over_what_is_not_wanted(void **state)
{
    struct journal_fixture *fixture = *state;
    struct batch_limits limits = {.size_max = 1 << 20,
                                  .count_max = 20,
                                  .wants = wants_odd_numbers,
                                  .context = &wants_odd_numbers};

    fixture->group_count = 1;
    assert_int_equal(journal_fixture_append(fixture, 60, RECORD_SIZE), ST_OK);
    struct journal_reader *reader = open_reader(fixture);
    struct step first = step(reader, &limits);
    assert_int_equal(first.batch.record_count, 20);
    assert_int_equal(first.next, 40);
    limits.wants = wants_nothing;
    struct step rest = step(reader, &limits);
    assert_int_equal(rest.batch.record_count, 0);
    assert_int_equal(rest.next, 61);
    assert_int_equal(rest.passage.filtered, 21);
    journal_reader_close(reader);
}

static void test_a_reader_is_given_what_it_wants_and_told_of_the_rest(void **state)
{
    struct journal_fixture *fixture = *state;

    append_mixed(fixture, 90);
    for (unsigned wanted = 1; wanted <= SIGNALS_ALL; wanted++) {
        const struct batch_limits limits = {
            .size_max = 1 << 20, .count_max = ALL, .signals = wanted};
        struct journal_reader *reader = open_reader(fixture);
        uint64_t records = 0;
        uint64_t passed = 0;
        uint64_t at = 1;
        while (at < 91) {
            struct step now = step(reader, &limits);
            assert_true(now.next > at);
            assert_int_equal(now.missing, 0);
            assert_int_equal(now.passage.present, at);
            assert_int_equal(now.next - at, now.batch.record_count + now.passage.passed);
            for (size_t i = 0; i < now.batch.record_count; i++) {
                const struct record *record = &now.batch.records[i];
                assert_int_equal(journal_record_number(record->bytes), record->sequence);
                assert_int_equal(signal_of(record->sequence), batch_signal(&now.batch));
                assert_true((wanted & 1U << batch_signal(&now.batch)) != 0);
            }
            records += now.batch.record_count;
            passed += now.passage.passed;
            at = now.next;
        }
        assert_int_equal(records, 30 * __builtin_popcount(wanted));
        assert_int_equal(passed, 90 - records);
        journal_reader_close(reader);
    }
}

/* What is passed over must not make the reader hold on to more than a batch. */
static void test_a_batch_ends_when_it_has_passed_much(void **state)
{
    struct journal_fixture *fixture = *state;
    const struct batch_limits limits = {.size_max = 500, .count_max = ALL, .signals = SIGNALS_LOGS};

    fixture->group_count = 300;
    fixture->has_only_logs = false;
    append_mixed(fixture, 300);
    struct journal_reader *reader = open_reader(fixture);
    struct step first = step(reader, &limits);
    assert_in_range(first.batch.record_count, 1, 8);
    assert_true(first.next < 40);
    journal_reader_close(reader);
}

/* Changes a byte of the frame of record `sequence`, or of the first group if that is 0. */
static void damage(struct journal_fixture *fixture, uint64_t sequence, bool is_payload)
{
    uint8_t bytes[1 << 16];
    uint8_t wanted_type = sequence > 0 ? frame_type_of(signal_of(sequence)) : FRAME_GROUP;
    struct frame_header header = {0};
    struct segment_header segment;
    uint64_t at = SEGMENT_HEADER_SIZE;
    char path[512];

    journal_fixture_segment(fixture, 1, path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(pread(fd, bytes, sizeof(bytes), 0) > SEGMENT_HEADER_SIZE);
    assert_true(segment_header_get(bytes, &segment));
    for (;;) {
        assert_true(frame_header_get(bytes + at, segment.salt, &header));
        assert_true(header.type != FRAME_END);
        if (header.type == wanted_type && (sequence == 0 || header.sequence == sequence))
            break;
        at += frame_size(header.payload_size);
    }
    at += is_payload ? FRAME_HEADER_SIZE + 3 : 8;
    bytes[at] ^= 0x55;
    assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
    (void)close(fd);
}

static void test_damage_among_records_that_are_passed_is_told_from_them(void **state)
{
    struct journal_fixture *fixture = *state;
    const struct batch_limits limits = {
        .size_max = 1 << 20, .count_max = ALL, .signals = SIGNALS_LOGS};
    uint64_t records = 0;
    uint64_t missing = 0;
    uint64_t passed = 0;
    uint64_t at = 1;

    append_mixed(fixture, 60);
    journal_fixture_close(fixture);
    damage(fixture, 10, true);  /* a span */
    damage(fixture, 30, true);  /* a log record */
    damage(fixture, 11, false); /* a metric, its header: nothing is found behind it by walking */
    journal_fixture_open(fixture);
    struct journal_reader *reader = open_reader(fixture);
    while (at < 61) {
        struct step now = step(reader, &limits);
        assert_true(now.next > at);
        assert_int_equal(now.passage.present - at, now.missing);
        assert_int_equal(now.next - now.passage.present,
                         now.batch.record_count + now.passage.passed);
        records += now.batch.record_count;
        missing += now.missing;
        passed += now.passage.passed;
        at = now.next;
    }
    assert_int_equal(missing, 3);
    assert_int_equal(records, 19);
    assert_int_equal(passed, 38);
    journal_reader_close(reader);
}

static void test_a_record_without_its_group_still_has_its_signal(void **state)
{
    struct journal_fixture *fixture = *state;
    const struct batch_limits limits = {
        .size_max = 1 << 20, .count_max = ALL, .signals = SIGNALS_TRACES};

    fixture->group_count = 1;
    struct append_batch *batch;
    struct error err;
    const struct record_group group = {.resource_logs_fields = SLICE("resource"),
                                       .signal = SIGNAL_TRACES};
    assert_int_equal(append_batch_create(1 << 20, &batch, &err), ST_OK);
    assert_int_equal(append_batch_set_group(batch, &group, &err), ST_OK);
    append_one(batch, SLICE("span"));
    assert_int_equal(journal_commit(fixture->journal, batch, &err), ST_OK);
    journal_fixture_close(fixture);
    damage(fixture, 0, true);
    journal_fixture_open(fixture);
    struct journal_reader *reader = open_reader(fixture);
    struct step now = step(reader, &limits);
    assert_int_equal(now.batch.record_count, 1);
    assert_int_equal(batch_signal(&now.batch), SIGNAL_TRACES);
    assert_int_equal(now.batch.groups[0].resource_logs_fields.size, 0);
    journal_reader_close(reader);
}

static enum status note_signal(void *context, uint64_t sequence, const struct record_group *group,
                               struct slice record, struct error *err)
{
    uint64_t *counts = context;

    (void)record;
    (void)err;
    assert_int_equal(group->signal, signal_of(sequence));
    counts[group->signal]++;
    return ST_OK;
}

static void test_a_check_counts_and_shows_each_signal(void **state)
{
    struct journal_fixture *fixture = *state;
    uint64_t counts[SIGNAL_COUNT] = {0};
    const struct journal_check_options options = {.to = UINT64_MAX};
    const struct journal_check_handler handler = {.context = counts, .on_record = note_signal};
    struct journal_check_report report;
    struct journal_check *check;
    struct error err;

    append_mixed(fixture, 31);
    journal_fixture_close(fixture);
    int fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(journal_check_open(fd, &options, &check, &err), ST_OK);
    assert_int_equal(journal_check_run(check, &handler, &report, &err), ST_OK);
    journal_check_close(check);
    (void)close(fd);
    assert_int_equal(report.damages, 0);
    assert_int_equal(report.records, 31);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        assert_int_equal(report.of_signal[i], counts[i]);
    assert_int_equal(counts[SIGNAL_LOGS], 10);
    assert_int_equal(counts[SIGNAL_TRACES], 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_JOURNAL(test_signals_that_share_a_group_keep_their_records_apart),
        WITH_JOURNAL(test_a_reader_is_given_what_it_wants_and_told_of_the_rest),
        WITH_JOURNAL(test_records_that_a_reader_does_not_want_are_told_apart),
        WITH_JOURNAL(test_batches_fill_up_over_what_is_not_wanted),
        WITH_JOURNAL(test_a_batch_ends_when_it_has_passed_much),
        WITH_JOURNAL(test_damage_among_records_that_are_passed_is_told_from_them),
        WITH_JOURNAL(test_a_record_without_its_group_still_has_its_signal),
        WITH_JOURNAL(test_a_check_counts_and_shows_each_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
