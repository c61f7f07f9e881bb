/* SPDX-License-Identifier: Apache-2.0 */
/* write_off_test.c -- a worker passes no record that was not delivered before the ledger has it. */
#include <errno.h>
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

#include "deliver/loss_count.h"
#include "deliver/loss_ledger.h"
#include "deliver/worker.h"
#include "support/fake_exporter.h"
#include "support/faulty_disk.h"
#include "support/journal_fixture.h"
#include "util/clock.h"
#include "util/le.h"

enum { RECORDS = 40, SEEN_MAX = 64 };

struct desk {
    struct journal_fixture fixture;
    struct fake_exporter fake;
    struct loss_ledger *ledger;
    struct loss_ledger_settings ledger_settings;
    struct worker_settings settings;
    struct worker *worker;
    struct error err;
    struct loss seen[SEEN_MAX];
    size_t seen_count;
};

static void open_ledger(struct desk *desk)
{
    loss_ledger_close(desk->ledger);
    desk->ledger = NULL;
    assert_int_equal(loss_ledger_open(&desk->ledger_settings, &desk->ledger, &desk->err), ST_OK);
    desk->settings.ledger = desk->ledger;
}

static int make_desk(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    journal_fixture_init(&desk->fixture);
    fake_exporter_init(&desk->fake);
    desk->ledger_settings.dir = desk->fixture.temp.path;
    desk->settings = (struct worker_settings){
        .name = "fake/test",
        .cursor_dir = desk->fixture.temp.path,
        .dead_letter_dir = desk->fixture.temp.path,
        .ops = &fake_exporter_ops,
        .config = &desk->fake,
        .state_dir = desk->fixture.temp.path,
        .batch_size_max = 1 << 20,
        .batch_count_max = 8,
        .lanes_max = 1,
        .timeout_ns = 60 * NS_PER_S,
        .retry_initial_ns = NS_PER_MS,
        .retry_max_ns = 4 * NS_PER_MS,
    };
    open_ledger(desk);
    *state = desk;
    return 0;
}

static int drop_desk(void **state)
{
    struct desk *desk = *state;

    worker_stop(desk->worker, 0);
    loss_ledger_close(desk->ledger);
    journal_fixture_fini(&desk->fixture);
    fake_exporter_fini(&desk->fake);
    free(desk);
    return 0;
}

static void start(struct desk *desk)
{
    assert_int_equal(
        worker_start(&desk->settings, desk->fixture.journal, &desk->worker, &desk->err), ST_OK);
}

static void stop(struct desk *desk)
{
    worker_stop(desk->worker, clock_monotonic_ns() + 60 * NS_PER_S);
    desk->worker = NULL;
}

static void append(struct desk *desk, unsigned count)
{
    assert_int_equal(journal_fixture_append(&desk->fixture, count, 100), ST_OK);
}

static enum status see_totals(void *context, const struct loss_totals *totals, struct error *err)
{
    (void)context;
    (void)totals;
    (void)err;
    return ST_OK;
}

static enum status see_loss(void *context, const struct loss *loss, struct error *err)
{
    struct desk *desk = context;

    (void)err;
    assert_true(desk->seen_count < SEEN_MAX);
    desk->seen[desk->seen_count++] = *loss;
    return ST_OK;
}

/* Adds up the ledger's records of this reason. */
static uint64_t read_ledger(struct desk *desk, enum loss_reason reason)
{
    const struct loss_visitor visitor = {desk, see_totals, see_loss};
    uint64_t bad_lines;
    uint64_t records = 0;

    desk->seen_count = 0;
    assert_int_equal(loss_ledger_read(desk->fixture.temp.path, &visitor, &bad_lines, &desk->err),
                     ST_OK);
    for (size_t i = 0; i < desk->seen_count; i++)
        records += desk->seen[i].reason == reason ? desk->seen[i].records : 0;
    return records;
}

static bool is_written(const struct desk *desk, uint64_t sequence)
{
    for (size_t i = 0; i < desk->seen_count; i++) {
        if (sequence >= desk->seen[i].first && sequence <= desk->seen[i].last)
            return true;
    }
    return false;
}

/* Each record is delivered or in the ledger, and none is both. */
static void check_each_record_has_one_end(struct desk *desk, uint64_t last)
{
    (void)read_ledger(desk, LOSS_JOURNAL_FULL);
    for (uint64_t sequence = 1; sequence <= last; sequence++)
        assert_int_equal((desk->fake.delivered[sequence] > 0) + is_written(desk, sequence), 1);
}

static void wait_cursor(struct desk *desk, uint64_t sequence)
{
    uint64_t deadline_ns = clock_monotonic_ns() + 60 * NS_PER_S;

    while (worker_durable_sequence(desk->worker) < sequence) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        (void)usleep(1000);
    }
}

/* --- Giving up -------------------------------------------------------------------------------- */

static void test_what_is_given_up_is_in_the_ledger_and_nothing_else(void **state)
{
    struct desk *desk = *state;

    append(desk, RECORDS);
    fake_exporter_always_retry(&desk->fake, true);
    start(desk);
    fake_exporter_wait_calls(&desk->fake, 2);
    worker_skip_to(desk->worker, 21);
    wait_cursor(desk, 21);
    assert_int_equal(read_ledger(desk, LOSS_JOURNAL_FULL), 20);
    fake_exporter_always_retry(&desk->fake, false);
    wait_cursor(desk, RECORDS + 1);
    check_each_record_has_one_end(desk, RECORDS);
    assert_int_equal(read_ledger(desk, LOSS_JOURNAL_FULL), 20);
    struct worker_status status;
    worker_read_status(desk->worker, &status);
    assert_int_equal(status.skipped_records, 20);
    assert_int_equal(status.delivered_records, RECORDS - 20);
}

static void test_a_request_that_was_accepted_meanwhile_is_not_in_the_ledger(void **state)
{
    struct desk *desk = *state;

    append(desk, RECORDS);
    fake_exporter_close_gate(&desk->fake);
    start(desk);
    fake_exporter_wait_inside(&desk->fake); /* records 1 to 8 */
    worker_skip_to(desk->worker, 21);
    fake_exporter_open_gate(&desk->fake);
    wait_cursor(desk, RECORDS + 1);
    check_each_record_has_one_end(desk, RECORDS);
    assert_int_equal(read_ledger(desk, LOSS_JOURNAL_FULL), 12);
}

static void test_the_cursor_stays_while_the_ledger_cannot_be_written(void **state)
{
    struct desk *desk = *state;

    append(desk, RECORDS);
    desk->ledger_settings.io = &faulty_disk_io;
    faulty_disk_reset(desk->fixture.temp.fd);
    open_ledger(desk);
    faulty_disk_break(DISK_FAULT_ERROR, ENOSPC, 1, 1000000);
    fake_exporter_always_retry(&desk->fake, true);
    start(desk);
    fake_exporter_wait_calls(&desk->fake, 2);
    worker_skip_to(desk->worker, 21);
    struct worker_status status;
    do {
        worker_read_status(desk->worker, &status);
    } while (strstr(status.last_error, "loss ledger") == NULL);
    assert_int_equal(worker_durable_sequence(desk->worker), 1);
    assert_int_equal(status.skipped_records, 0);
    (void)faulty_disk_repair();
    wait_cursor(desk, 21);
    assert_int_equal(read_ledger(desk, LOSS_JOURNAL_FULL), 20);
    faulty_disk_reset(desk->fixture.temp.fd);
}

/* --- Crashes ---------------------------------------------------------------------------------- */

static void write_loss(struct desk *desk, enum loss_reason reason, uint64_t first, uint64_t last)
{
    struct loss loss;
    bool is_new;

    loss_init(&loss, "fake/test", reason, journal_id(desk->fixture.journal), 1);
    loss.first = first;
    loss.last = last;
    loss.records = last - first + 1;
    assert_int_equal(loss_ledger_write(desk->ledger, &loss, &is_new, &desk->err), ST_OK);
    assert_true(is_new);
}

static void test_what_was_written_down_before_a_crash_is_given_up_after_it(void **state)
{
    struct desk *desk = *state;

    append(desk, RECORDS);
    write_loss(desk, LOSS_JOURNAL_FULL, 1, 20); /* and the cursor has not moved */
    open_ledger(desk);
    start(desk);
    fake_exporter_wait_delivered(&desk->fake, RECORDS - 20);
    wait_cursor(desk, RECORDS + 1);
    check_each_record_has_one_end(desk, RECORDS);
}

static void test_a_ledger_of_another_journal_holds_nothing_up(void **state)
{
    struct desk *desk = *state;
    const uint8_t other[JOURNAL_ID_SIZE] = {9};
    struct loss loss;
    bool is_new;

    append(desk, RECORDS);
    loss_init(&loss, "fake/test", LOSS_JOURNAL_FULL, other, 1);
    loss.first = 1;
    loss.last = loss.records = 20;
    assert_int_equal(loss_ledger_write(desk->ledger, &loss, &is_new, &desk->err), ST_OK);
    start(desk);
    fake_exporter_wait_delivered(&desk->fake, RECORDS);
}

/* --- Damage ----------------------------------------------------------------------------------- */

/* Spoils record `number` of the only segment. */
static void damage_record(struct desk *desk, unsigned number)
{
    char path[256];
    static uint8_t bytes[1 << 20];
    uint8_t wanted[8];

    journal_fixture_segment(&desk->fixture, 1, path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    ssize_t size = pread(fd, bytes, sizeof(bytes), 0);
    assert_true(size > 0);
    le64_put(wanted, number); /* what it begins with */
    uint8_t *at = memmem(bytes, (size_t)size, wanted, sizeof(wanted));
    while (at != NULL && at[8] == 0) /* a header has the number too */
        at = memmem(at + 1, (size_t)(bytes + size - at - 1), wanted, sizeof(wanted));
    assert_non_null(at);
    assert_int_equal(pwrite(fd, "\xa5\xa5", 2, at - bytes + 10), 2);
    (void)close(fd);
}

static void test_damage_is_in_the_ledger_once(void **state)
{
    struct desk *desk = *state;
    struct worker_status status;

    append(desk, RECORDS);
    append(desk, 1); /* so that the damage is no torn end */
    damage_record(desk, 20);
    start(desk);
    wait_cursor(desk, RECORDS + 2);
    worker_read_status(desk->worker, &status);
    assert_true(status.missing_records > 0);
    assert_int_equal(read_ledger(desk, LOSS_DAMAGE), status.missing_records);
    for (uint64_t sequence = 1; sequence <= RECORDS + 1; sequence++)
        assert_int_equal((desk->fake.delivered[sequence] > 0) + is_written(desk, sequence), 1);
    stop(desk);
    assert_int_equal(unlinkat(desk->fixture.temp.fd, "fake.test", 0), 0); /* its cursor */
    open_ledger(desk);
    start(desk);
    wait_cursor(desk, RECORDS + 2);
    assert_int_equal(read_ledger(desk, LOSS_DAMAGE), status.missing_records);
}

/* --- Counting --------------------------------------------------------------------------------- */

static void test_a_record_is_counted_by_kind_outcome_and_time(void **state)
{
    static const uint8_t bytes[] = "\x09\x02\0\0\0\0\0\0\0"
                                   "\x32\x1f\x0a\x10"
                                   "agent.event.kind"
                                   "\x12\x0b\x0a\x09"
                                   "agent.net"
                                   "\x32\x1a\x0a\x0d"
                                   "agent.outcome"
                                   "\x12\x09\x0a\x07"
                                   "failure";
    const struct record record = {.sequence = 7, .bytes = slice_of(bytes, sizeof(bytes) - 1)};
    const struct record broken = {.sequence = 9, .bytes = SLICE("\xff\xff\xff")};
    const uint8_t journal[JOURNAL_ID_SIZE] = {0};
    struct loss loss;

    (void)state;
    loss_init(&loss, "x", LOSS_JOURNAL_FULL, journal, 1);
    loss_add_record(&loss, SIGNAL_LOGS, &record);
    loss_add_record(&loss, SIGNAL_LOGS, &broken);
    assert_int_equal(loss.records, 2);
    assert_int_equal(loss.bytes, sizeof(bytes) - 1 + 3);
    assert_int_equal(loss.first, 7);
    assert_int_equal(loss.last, 9);
    assert_int_equal(loss.first_event_ns, 2);
    assert_int_equal(loss.kinds.count, 2);
    assert_string_equal(loss.kinds.items[0].text, "agent.net");
    assert_string_equal(loss.kinds.items[1].text, "unknown");
    assert_int_equal(loss.outcomes.count, 1);
    assert_string_equal(loss.outcomes.items[0].text, "failure");
}

int main(void)
{
#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, make_desk, drop_desk)
    const struct CMUnitTest tests[] = {
        WITH_DESK(test_what_is_given_up_is_in_the_ledger_and_nothing_else),
        WITH_DESK(test_a_request_that_was_accepted_meanwhile_is_not_in_the_ledger),
        WITH_DESK(test_the_cursor_stays_while_the_ledger_cannot_be_written),
        WITH_DESK(test_what_was_written_down_before_a_crash_is_given_up_after_it),
        WITH_DESK(test_a_ledger_of_another_journal_holds_nothing_up),
        WITH_DESK(test_damage_is_in_the_ledger_once),
        cmocka_unit_test(test_a_record_is_counted_by_kind_outcome_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
