/* SPDX-License-Identifier: Apache-2.0 */
/* worker_test.c -- a worker between a real journal and a destination that follows a script.  What
 * does not depend on the order of requests is tested with one lane and with four. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/worker_bench.h"
#include "util/clock.h"

/* --- Delivery --------------------------------------------------------------------------------- */

static void test_records_arrive_in_order_and_once(void **state)
{
    struct bench *bench = *state;
    uint64_t expected = 1;

    bench_start(bench);
    for (size_t i = 1; i <= 10; i++)
        bench_append(bench, i);
    fake_exporter_wait_delivered(&bench->fake, 55);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 55);
    for (size_t i = 0; i < bench->fake.call_count; i++) {
        assert_int_equal(bench->fake.calls[i].first_sequence, expected);
        assert_true(bench->fake.calls[i].record_count <= 8);
        expected = bench->fake.calls[i].last_sequence + 1;
    }
}

static void test_a_restart_resumes_behind_what_was_confirmed(void **state)
{
    struct bench *bench = *state;

    bench_append(bench, 20);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 20);
    bench_stop(bench);
    bench_append(bench, 5);
    bench_start(bench);
    assert_true(worker_durable_sequence(bench->worker) >= 21);
    fake_exporter_wait_delivered(&bench->fake, 25);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 25);
}

static void test_a_failing_batch_is_sent_until_it_is_taken(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_RETRY},
                                          {.result = EXPORT_RETRY},
                                          {.result = EXPORT_RETRY, .retry_after_ms = 2}};

    fake_exporter_script(&bench->fake, answers, 3);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    struct worker_status status = bench_status(bench);
    assert_int_equal(status.retries, 3);
    bench_stop(bench);
    assert_int_equal(bench->fake.call_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bench->fake.calls[i].first_sequence, 1);
        assert_int_equal(bench->fake.calls[i].record_count, 8);
    }
    bench_assert_each_delivered_once(bench, 8);
}

static void test_the_cursor_stays_until_there_is_an_outcome(void **state)
{
    struct bench *bench = *state;

    fake_exporter_always_retry(&bench->fake, true);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 5);
    assert_int_equal(worker_durable_sequence(bench->worker), 1);
    assert_int_equal(bench_status(bench).next_sequence, 1);
    assert_non_null(strstr(bench_status(bench).last_error, "the fake says"));
    bench_stop(bench);
    fake_exporter_always_retry(&bench->fake, false);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 8);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void test_a_poisoned_record_at_any_place_is_isolated(void **state)
{
    struct bench *bench = *state;
    bool has;

    for (uint64_t bad = 1; bad <= 8; bad++) {
        uint64_t sequence = (bad - 1) * 8 + bad; /* a batch each, each time another place */
        bench->fake.poison[sequence] = true;
        bench_append(bench, 8);
        bench_start(bench);
        fake_exporter_wait_delivered(&bench->fake, bad * 7);
        bench_stop(bench);
        assert_int_equal(bench_letters(bench, sequence, &has), bad);
        assert_true(has);
        assert_int_equal(bench->fake.delivered[sequence], 0);
    }
    for (uint64_t i = 1; i <= 64; i++)
        assert_int_equal(bench->fake.delivered[i], bench->fake.poison[i] ? 0 : 1);
}

static void test_a_batch_of_poison_ends_among_the_dead_letters(void **state)
{
    struct bench *bench = *state;
    bool has;

    for (uint64_t i = 1; i <= 8; i++)
        bench->fake.poison[i] = true;
    bench_append(bench, 9);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 1);
    assert_int_equal(bench_status(bench).dead_letter_records, 8);
    bench_stop(bench);
    assert_int_equal(bench_letters(bench, 8, &has), 8);
    assert_int_equal(bench->fake.delivered[9], 1);
}

/* It is broken, not the records: they wait for its repair. */
static void test_a_destination_that_refuses_everything_is_not_fed_the_backlog(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->settings.retry_initial_ns = bench->settings.retry_max_ns = 3600 * NS_PER_S;
    for (uint64_t i = 1; i <= 80; i++)
        bench->fake.poison[i] = true;
    bench_append(bench, 80);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 30); /* two batches of 8, taken apart */
    bench_stop(bench);
    size_t dead = bench_letters(bench, 1, &has);
    assert_in_range(dead, 16, 40);
    memset(bench->fake.poison, 0, sizeof(bench->fake.poison));
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 80 - dead);
    bench_stop(bench);
    assert_int_equal(bench_letters(bench, 1, &has), dead);
}

static void test_a_long_run_of_bad_records_comes_to_its_end(void **state)
{
    struct bench *bench = *state;
    bool has;

    for (uint64_t i = 1; i <= 50; i++)
        bench->fake.poison[i] = true;
    bench_append(bench, 60);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 10);
    bench_stop(bench);
    assert_int_equal(bench_letters(bench, 50, &has), 50);
    assert_true(has);
}

static void test_too_large_is_halved_until_it_fits(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->fake.count_max = 2;
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 8);
    assert_int_equal(bench_letters(bench, 1, &has), 0);
}

static void test_a_single_record_that_is_too_large_is_a_dead_letter(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_TOO_LARGE},
                                          {.result = EXPORT_TOO_LARGE}};
    bool has;

    fake_exporter_script(&bench->fake, answers, 2);
    bench_append(bench, 2);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 1);
    bench_stop(bench);
    assert_int_equal(bench_letters(bench, 1, &has), 1);
    assert_true(has);
    assert_int_equal(bench->fake.delivered[2], 1);
}

static void test_partial_success_is_neither_resent_nor_counted_as_delivered(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_DONE, .rejected_count = 3}};
    bool has;

    fake_exporter_script(&bench->fake, answers, 1);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8); /* what the fake took in */
    bench_append(bench, 1);
    fake_exporter_wait_delivered(&bench->fake, 9);
    bench_stop(bench);
    bench_start(bench);
    assert_int_equal(worker_durable_sequence(bench->worker), 10);
    bench_stop(bench);
    assert_int_equal(bench->fake.call_count, 2);
    assert_int_equal(bench_letters(bench, 1, &has), 0);
}

static void test_counts_of_partial_success(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_DONE, .rejected_count = 3},
                                          {.result = EXPORT_DONE, .rejected_count = 99},
                                          {.result = EXPORT_DONE},
                                          {.result = EXPORT_RETRY}};
    bool has;

    fake_exporter_script(&bench->fake, answers, 4);
    bench_append(bench, 8);
    bench_append(bench, 8);
    bench_append(bench, 8);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 4); /* so the first three are accounted for */
    struct worker_status status = bench_status(bench);
    assert_int_equal(status.delivered_records, 5 + 0 + 8);
    assert_int_equal(status.rejected_records, 3);
    assert_int_equal(status.dead_letter_records, 8); /* all of a batch: it is known which */
    bench_stop(bench);
    assert_int_equal(bench_letters(bench, 9, &has), 8);
    assert_true(has);
}

/* Nothing may pass a record that could be put nowhere. */
static void test_dead_letters_that_cannot_be_written_hold_the_cursor(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->fake.poison[1] = true;
    assert_int_equal(mkdirat(bench->dir.fd, "fake.test.jsonl", 0700), 0); /* in the file's place */
    bench_append(bench, 2);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 6);
    assert_int_equal(worker_durable_sequence(bench->worker), 1);
    assert_int_equal(bench->fake.delivered[2], 0);
    assert_int_equal(unlinkat(bench->dir.fd, "fake.test.jsonl", AT_REMOVEDIR), 0);
    fake_exporter_wait_delivered(&bench->fake, 1);
    bench_stop(bench);
    assert_int_equal(bench_letters(bench, 1, &has), 1);
    assert_true(has);
}

/* --- Stopping --------------------------------------------------------------------------------- */

static void test_stopping_sends_what_is_committed(void **state)
{
    struct bench *bench = *state;

    fake_exporter_close_gate(&bench->fake);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_inside(&bench->fake);
    bench_append(bench, 30);
    worker_ask_to_stop(bench->worker, clock_monotonic_ns() + 60 * NS_PER_S);
    fake_exporter_open_gate(&bench->fake);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 38);
}

static void test_stopping_while_idle_ends_at_once(void **state)
{
    struct bench *bench = *state;

    bench_append(bench, 3);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 3);
    bench_stop(bench);
    bench_start(bench);
    assert_int_equal(worker_durable_sequence(bench->worker), 4);
    bench_stop(bench);
    assert_int_equal(bench->fake.call_count, 1);
}

static void test_stopping_without_time_loses_nothing(void **state)
{
    struct bench *bench = *state;

    fake_exporter_close_gate(&bench->fake);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_inside(&bench->fake);
    bench_append(bench, 30);
    worker_ask_to_stop(bench->worker, 0);
    fake_exporter_open_gate(&bench->fake);
    bench_stop(bench);
    assert_int_equal(bench->fake.call_count, 1); /* the one that was under way */
    bench_start(bench);
    assert_int_equal(worker_durable_sequence(bench->worker), 9);
    fake_exporter_wait_delivered(&bench->fake, 38);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 38);
}

static void test_stopping_during_a_long_wait_tries_once_more(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_RETRY, .retry_after_ms = 500000},
                                          {.result = EXPORT_RETRY, .retry_after_ms = 500000}};

    fake_exporter_script(&bench->fake, answers, 2);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 1);
    bench_stop(bench);
    assert_int_equal(bench->fake.call_count, 2);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 8);
}

static void test_stopping_in_the_middle_of_a_split_keeps_what_is_done(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_REJECTED},
                                          {.result = EXPORT_DONE},
                                          {.result = EXPORT_RETRY, .retry_after_ms = 500000},
                                          {.result = EXPORT_RETRY, .retry_after_ms = 500000}};

    fake_exporter_script(&bench->fake, answers, 4);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 3);
    bench_stop(bench);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 8);
    assert_int_equal(bench->fake.calls[4].first_sequence, 5);
}

/* --- Cursors ---------------------------------------------------------------------------------- */

static void test_a_damaged_cursor_delivers_everything_again(void **state)
{
    struct bench *bench = *state;

    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    bench_stop(bench);
    int fd = openat(bench->dir.fd, "fake.test", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\xff", 1, 9), 1);
    (void)close(fd);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 2);
    bench_stop(bench);
    for (size_t i = 1; i <= 8; i++)
        assert_int_equal(bench->fake.delivered[i], 2);
    assert_int_equal(faccessat(bench->dir.fd, "fake.test.corrupt", F_OK, 0), 0);
}

/* A destination was away for longer than the journal could keep its records. */
static void test_records_retired_before_delivery_are_missing(void **state)
{
    struct bench *bench = *state;

    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    bench_stop(bench);
    for (int i = 0; i < 10; i++)
        bench_append_sized(bench, 80, 4096); /* 3.2 MiB in segments of 1 MiB */
    journal_retire(bench->journal, 700);
    uint64_t oldest = journal_oldest(bench->journal);
    assert_in_range(oldest, 10, 700);
    bench_start(bench);
    assert_int_equal(bench_status(bench).missing_records, oldest - 9);
    fake_exporter_wait_delivered(&bench->fake, 8 + 809 - oldest);
    bench_stop(bench);
    assert_int_equal(bench->fake.delivered[oldest - 1], 0);
    assert_int_equal(bench->fake.delivered[oldest], 1);
    assert_int_equal(bench->fake.delivered[808], 1);
}

static void test_records_wait_for_company_until_a_request_is_full(void **state)
{
    struct bench *bench = *state;

    bench->settings.batch_delay_ns = 3600 * NS_PER_S; /* only company ends the wait */
    bench_append(bench, 1);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 1); /* now it knows what is full: 8 */
    bench_append(bench, 3);
    bench_append(bench, 5);
    fake_exporter_wait_delivered(&bench->fake, 9);
    bench_append(bench, 2);
    bench_stop(bench); /* does not wait for the hour either */
    bench_assert_each_delivered_once(bench, 11);
    assert_int_equal(bench->fake.call_count, 3);
    assert_int_equal(bench->fake.calls[1].record_count, 8);
    assert_int_equal(bench->fake.calls[2].record_count, 2);
}

static void test_a_worker_that_cannot_start_leaves_nothing(void **state)
{
    struct bench *bench = *state;

    bench->settings.dead_letter_dir = "/nonexistent";
    assert_int_equal(worker_start(&bench->settings, bench->journal, &bench->worker, &bench->err),
                     ST_IO);
    assert_non_null(strstr(bench->err.text, "fake/test"));
    assert_null(bench->worker);
    assert_int_equal(bench->fake.open_count, 0);
}

#define ON_ONE(test)  cmocka_unit_test_setup_teardown(test, bench_make_one_lane, bench_drop)
#define ON_FOUR(test) cmocka_unit_test_setup_teardown(test, bench_make_four_lanes, bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(test_records_arrive_in_order_and_once),
        ON_ONE(test_a_restart_resumes_behind_what_was_confirmed),
        ON_FOUR(test_a_restart_resumes_behind_what_was_confirmed),
        ON_ONE(test_a_failing_batch_is_sent_until_it_is_taken),
        ON_FOUR(test_a_failing_batch_is_sent_until_it_is_taken),
        ON_ONE(test_the_cursor_stays_until_there_is_an_outcome),
        ON_FOUR(test_the_cursor_stays_until_there_is_an_outcome),
        ON_ONE(test_a_poisoned_record_at_any_place_is_isolated),
        ON_FOUR(test_a_poisoned_record_at_any_place_is_isolated),
        ON_ONE(test_a_batch_of_poison_ends_among_the_dead_letters),
        ON_FOUR(test_a_batch_of_poison_ends_among_the_dead_letters),
        ON_ONE(test_a_destination_that_refuses_everything_is_not_fed_the_backlog),
        ON_FOUR(test_a_destination_that_refuses_everything_is_not_fed_the_backlog),
        ON_ONE(test_a_long_run_of_bad_records_comes_to_its_end),
        ON_FOUR(test_a_long_run_of_bad_records_comes_to_its_end),
        ON_ONE(test_too_large_is_halved_until_it_fits),
        ON_FOUR(test_too_large_is_halved_until_it_fits),
        ON_ONE(test_a_single_record_that_is_too_large_is_a_dead_letter),
        ON_FOUR(test_a_single_record_that_is_too_large_is_a_dead_letter),
        ON_ONE(test_partial_success_is_neither_resent_nor_counted_as_delivered),
        ON_FOUR(test_partial_success_is_neither_resent_nor_counted_as_delivered),
        ON_ONE(test_counts_of_partial_success),
        ON_ONE(test_dead_letters_that_cannot_be_written_hold_the_cursor),
        ON_FOUR(test_dead_letters_that_cannot_be_written_hold_the_cursor),
        ON_ONE(test_stopping_sends_what_is_committed),
        ON_FOUR(test_stopping_sends_what_is_committed),
        ON_ONE(test_stopping_while_idle_ends_at_once),
        ON_FOUR(test_stopping_while_idle_ends_at_once),
        ON_ONE(test_stopping_without_time_loses_nothing),
        ON_FOUR(test_stopping_without_time_loses_nothing),
        ON_ONE(test_stopping_during_a_long_wait_tries_once_more),
        ON_FOUR(test_stopping_during_a_long_wait_tries_once_more),
        ON_ONE(test_stopping_in_the_middle_of_a_split_keeps_what_is_done),
        ON_FOUR(test_stopping_in_the_middle_of_a_split_keeps_what_is_done),
        ON_ONE(test_a_damaged_cursor_delivers_everything_again),
        ON_FOUR(test_a_damaged_cursor_delivers_everything_again),
        ON_ONE(test_records_retired_before_delivery_are_missing),
        ON_FOUR(test_records_retired_before_delivery_are_missing),
        ON_ONE(test_records_wait_for_company_until_a_request_is_full),
        ON_FOUR(test_records_wait_for_company_until_a_request_is_full),
        ON_ONE(test_a_worker_that_cannot_start_leaves_nothing),
        ON_FOUR(test_a_worker_that_cannot_start_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
