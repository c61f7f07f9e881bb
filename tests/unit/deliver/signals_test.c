/* SPDX-License-Identifier: Apache-2.0 */
/* signals_test.c -- a worker whose journal has records of several signals. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/loss_ledger.h"
#include "support/worker_bench.h"
#include "util/clock.h"

#define WITH_ONE_LANE(test) cmocka_unit_test_setup_teardown(test, bench_make_one_lane, bench_drop)
#define WITH_FOUR_LANES(test)                                                                      \
    cmocka_unit_test_setup_teardown(test, bench_make_four_lanes, bench_drop)

static unsigned logs_and_metrics(const void *config)
{
    (void)config;
    return SIGNALS_LOGS | SIGNALS_METRICS;
}

/* The fake exporter asserts for itself that a batch has one signal. */
static void take(struct bench *bench, unsigned (*choose)(const void *config))
{
    static struct exporter_ops ops;

    ops = fake_exporter_ops;
    ops.signals = SIGNALS_ALL;
    ops.choose_signals = choose;
    bench->settings.ops = &ops;
}

/* Runs of a few records of each signal, one commit each. */
static size_t append_runs(struct bench *bench, size_t runs, size_t *ret_spans)
{
    size_t total = 0;

    *ret_spans = 0;
    for (size_t i = 0; i < runs; i++) {
        enum signal signal = (enum signal)(i % SIGNAL_COUNT);
        size_t count = 1 + i % 5;
        bench_append_signal(bench, signal, count);
        total += count;
        *ret_spans += signal == SIGNAL_TRACES ? count : 0;
    }
    return total;
}

static void expect_all(struct bench *bench, unsigned (*choose)(const void *config), bool has_spans)
{
    size_t spans;

    take(bench, choose);
    size_t total = append_runs(bench, 30, &spans);
    bench_start(bench);
    size_t wanted = has_spans ? total : total - spans;
    fake_exporter_wait_delivered(&bench->fake, wanted);
    bench_stop(bench);
    for (size_t i = 1; i <= total; i++)
        assert_in_range(bench->fake.delivered[i], 0, 1);
    assert_int_equal(bench->fake.delivered_count, wanted);
    /* The cursor is behind all: nothing comes again. */
    bench_start(bench);
    bench_append_signal(bench, SIGNAL_LOGS, 1);
    fake_exporter_wait_delivered(&bench->fake, wanted + 1);
    bench_stop(bench);
    assert_int_equal(bench->fake.delivered_count, wanted + 1);
    for (size_t i = 1; i <= total + 1; i++)
        assert_in_range(bench->fake.delivered[i], 0, 1);
}

static void test_one_lane_hands_over_one_signal_at_a_time(void **state)
{
    expect_all(*state, NULL, true);
}

static void test_four_lanes_hand_over_one_signal_at_a_time(void **state)
{
    expect_all(*state, NULL, true);
}

static void test_what_a_destination_does_not_take_passes_it_by(void **state)
{
    expect_all(*state, logs_and_metrics, false);
}

static void test_records_that_pass_by_are_counted_and_no_loss(void **state)
{
    struct bench *bench = *state;

    bench_append_signal(bench, SIGNAL_TRACES, 20); /* the fake exporter takes logs only */
    bench_append_signal(bench, SIGNAL_LOGS, 3);
    bench_append_signal(bench, SIGNAL_METRICS, 7);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 3);
    while (bench_status(bench).passed_records < 27)
        (void)sched_yield();
    struct worker_status status = bench_status(bench);
    assert_int_equal(status.passed_records, 27);
    assert_int_equal(status.missing_records, 0);
    assert_int_equal(status.skipped_records, 0);
    bench_stop(bench);
    assert_int_equal(bench->fake.delivered_count, 3);
    bench_start(bench);
    assert_int_equal(bench_status(bench).next_sequence, 31);
    bench_stop(bench);
}

static void test_a_refused_span_is_found_among_logs(void **state)
{
    struct bench *bench = *state;
    bool has;

    take(bench, NULL);
    bench->fake.poison[6] = true;
    bench_append_signal(bench, SIGNAL_LOGS, 4);
    bench_append_signal(bench, SIGNAL_TRACES, 4); /* 5 to 8 */
    bench_append_signal(bench, SIGNAL_LOGS, 4);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 11);
    bench_stop(bench);
    assert_int_equal(bench->fake.delivered[6], 0);
    assert_int_equal(bench_letters(bench, 6, &has), 1);
    assert_true(has);
}

static void test_only_what_a_destination_takes_is_given_up(void **state)
{
    struct bench *bench = *state;

    bench_append_signal(bench, SIGNAL_TRACES, 5);
    bench_append_signal(bench, SIGNAL_LOGS, 5);
    bench_append_signal(bench, SIGNAL_METRICS, 5);
    fake_exporter_always_retry(&bench->fake, true);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 1);
    worker_skip_to(bench->worker, 16);
    while (bench_status(bench).next_sequence < 16)
        (void)sched_yield();
    assert_int_equal(bench_status(bench).skipped_records, 5);
    assert_int_equal(bench_status(bench).missing_records, 0);
    bench_stop_now(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ONE_LANE(test_one_lane_hands_over_one_signal_at_a_time),
        WITH_FOUR_LANES(test_four_lanes_hand_over_one_signal_at_a_time),
        WITH_FOUR_LANES(test_what_a_destination_does_not_take_passes_it_by),
        WITH_ONE_LANE(test_records_that_pass_by_are_counted_and_no_loss),
        WITH_ONE_LANE(test_a_refused_span_is_found_among_logs),
        WITH_ONE_LANE(test_only_what_a_destination_takes_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
