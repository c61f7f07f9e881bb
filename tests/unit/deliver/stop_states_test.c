/* SPDX-License-Identifier: Apache-2.0 */
/* stop_states_test.c -- a worker is stopped in every state that it can be in, with time and
 * without, with one lane and with four; what is left comes after the next start, and nothing twice.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deliver/replay.h"
#include "support/worker_bench.h"
#include "util/clock.h"

enum { RECORDS = 64, BATCH = 8 };

static void enter_idle(struct bench *bench)
{
    bench_append(bench, RECORDS);
    bench_start(bench);
    while (worker_durable_sequence(bench->worker) <= RECORDS)
        (void)sched_yield();
}

static void enter_waiting_for_company(struct bench *bench)
{
    bench->settings.batch_delay_ns = 3600 * NS_PER_S;
    bench_append(bench, 1);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 1); /* now it knows what is full */
    bench_append(bench, RECORDS - 1);
    fake_exporter_wait_delivered(&bench->fake, RECORDS - BATCH + 1);
}

static void enter_sending(struct bench *bench)
{
    fake_exporter_close_gate(&bench->fake);
    bench_append(bench, RECORDS);
    bench_start(bench);
    fake_exporter_wait_inside_count(&bench->fake, bench->settings.lanes_max);
}

static void enter_backing_off(struct bench *bench)
{
    bench->settings.retry_initial_ns = bench->settings.retry_max_ns = 3600 * NS_PER_S;
    fake_exporter_always_retry(&bench->fake, true);
    bench_append(bench, RECORDS);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 1);
}

static void enter_braking(struct bench *bench)
{
    bench->settings.retry_initial_ns = bench->settings.retry_max_ns = 3600 * NS_PER_S;
    for (uint64_t i = 1; i <= RECORDS; i++)
        bench->fake.poison[i] = true;
    bench_append(bench, RECORDS);
    bench_start(bench);
    while (bench_status(bench).dead_letter_records < 16)
        (void)sched_yield();
}

static void enter_replaying(struct bench *bench)
{
    bench->fake.poison[1] = bench->fake.poison[3] = true;
    bench_append(bench, RECORDS);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, RECORDS - 2);
    bench_stop(bench);
    memset(bench->fake.poison, 0, sizeof(bench->fake.poison));
    assert_int_equal(replay_ask(NULL, bench->dir.path, "fake.test", NULL, 0, &bench->err), ST_OK);
    fake_exporter_close_gate(&bench->fake);
    bench_start(bench);
    fake_exporter_wait_inside(&bench->fake);
}

static void enter_splitting(struct bench *bench)
{
    bench->fake.count_max = 2;
    fake_exporter_hold(&bench->fake, 3);
    bench_append(bench, RECORDS);
    bench_start(bench);
    fake_exporter_wait_inside(&bench->fake);
    fake_exporter_wait_delivered(&bench->fake, 2);
}

static void enter_window_with_holes(struct bench *bench)
{
    fake_exporter_hold(&bench->fake, 1);
    fake_exporter_hold(&bench->fake, 3 * BATCH + 1);
    bench_append(bench, RECORDS);
    bench_start(bench);
    fake_exporter_wait_inside_count(&bench->fake, 2);
    fake_exporter_wait_delivered(&bench->fake, RECORDS - 2 * BATCH);
}

/* The destination is as it should be. */
static void repair(struct bench *bench)
{
    fake_exporter_let_go(&bench->fake, 1);
    fake_exporter_let_go(&bench->fake, 3);
    fake_exporter_let_go(&bench->fake, 3 * BATCH + 1);
    fake_exporter_always_retry(&bench->fake, false);
    fake_exporter_open_gate(&bench->fake);
}

struct stop_state {
    void (*enter)(struct bench *bench);
    bool needs_lanes;
    bool has_letters; /* of records that are not delivered later */
    bool has_holes;   /* requests may have been confirmed out of order */
};

static const struct stop_state states[] = {
    {.enter = enter_idle},
    {.enter = enter_waiting_for_company},
    {.enter = enter_sending},
    {.enter = enter_backing_off},
    {.enter = enter_braking, .has_letters = true, .has_holes = true},
    {.enter = enter_replaying},
    {.enter = enter_splitting, .has_holes = true},
    {.enter = enter_window_with_holes, .needs_lanes = true, .has_holes = true},
};

/* Each record has an outcome, and one only unless it may have been repeated. */
static void assert_nothing_is_lost(struct bench *bench, bool has_letters, bool may_repeat)
{
    bool has;
    size_t dead = 0;

    for (uint64_t i = 1; i <= RECORDS; i++) {
        (void)bench_letters(bench, i, &has);
        dead += has ? 1 : 0;
        assert_in_range(bench->fake.delivered[i] + (has ? 1 : 0), 1, may_repeat ? 2 : 1);
    }
    assert_int_equal(dead > 0, has_letters);
}

static void stop_in(const struct stop_state *state, int (*make)(void **), bool has_time)
{
    void *context;

    assert_int_equal(make(&context), 0);
    struct bench *bench = context;
    if (!state->needs_lanes || bench->settings.lanes_max > 1) {
        state->enter(bench);
        if (has_time) {
            worker_ask_to_stop(bench->worker, clock_monotonic_ns() + 60 * NS_PER_S);
            repair(bench);
            bench_stop(bench);
        } else {
            bench_stop_now(bench);
            repair(bench);
        }
        memset(bench->fake.poison, 0, sizeof(bench->fake.poison));
        bench->settings.batch_delay_ns = 0;
        bench_start(bench);
        if (!state->has_letters)
            fake_exporter_wait_delivered(&bench->fake, RECORDS);
        while (worker_durable_sequence(bench->worker) <= RECORDS)
            (void)sched_yield();
        bench_stop(bench);
        assert_nothing_is_lost(bench, state->has_letters,
                               state->has_holes && bench->settings.lanes_max > 1);
    }
    assert_int_equal(bench_drop(&context), 0);
}

static void test_a_stop_with_time_loses_nothing_in_any_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        stop_in(&states[i], bench_make_one_lane, true);
        stop_in(&states[i], bench_make_four_lanes, true);
    }
}

static void test_a_stop_without_time_loses_nothing_in_any_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        stop_in(&states[i], bench_make_one_lane, false);
        stop_in(&states[i], bench_make_four_lanes, false);
    }
}

/* The destination neither answers nor hangs up. */
static void test_requests_under_way_are_cancelled_at_the_deadline(void **state)
{
    struct bench *bench = *state;

    fake_exporter_ignore_deadlines(&bench->fake);
    enter_sending(bench);
    bench_stop_now(bench);
    assert_int_equal(bench->fake.cancel_count, bench->settings.lanes_max);
    assert_int_equal(bench->fake.call_count, bench->settings.lanes_max);
    assert_int_equal(bench->fake.delivered_count, 0);
    repair(bench);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, RECORDS);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, RECORDS);
}

static void test_a_dead_destination_gets_one_more_request_from_all_lanes(void **state)
{
    struct bench *bench = *state;

    bench->settings.retry_initial_ns = bench->settings.retry_max_ns = 3600 * NS_PER_S;
    enter_sending(bench);
    fake_exporter_always_retry(&bench->fake, true);
    fake_exporter_open_gate(&bench->fake);
    fake_exporter_wait_calls(&bench->fake, bench->settings.lanes_max);
    size_t calls = fake_exporter_call_count(&bench->fake);
    bench_stop(bench);
    /* One that was told to stop while it went in may come on top. */
    assert_in_range(bench->fake.call_count, calls, calls + 2);
}

#define ON_ONE(test)  cmocka_unit_test_setup_teardown(test, bench_make_one_lane, bench_drop)
#define ON_FOUR(test) cmocka_unit_test_setup_teardown(test, bench_make_four_lanes, bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stop_with_time_loses_nothing_in_any_state),
        cmocka_unit_test(test_a_stop_without_time_loses_nothing_in_any_state),
        ON_ONE(test_requests_under_way_are_cancelled_at_the_deadline),
        ON_FOUR(test_requests_under_way_are_cancelled_at_the_deadline),
        ON_FOUR(test_a_dead_destination_gets_one_more_request_from_all_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
