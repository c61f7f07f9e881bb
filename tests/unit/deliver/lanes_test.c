/* SPDX-License-Identifier: Apache-2.0 */
/* lanes_test.c -- several requests of one destination under way, answered in any order. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "deliver/replay.h"
#include "support/worker_bench.h"
#include "util/clock.h"

enum { LANES = 4, BATCH = 8, CLAIMS = 2 * LANES, CURSOR_MAX = 256 };

/* --- Order ------------------------------------------------------------------------------------ */

static void test_the_cursor_waits_for_the_oldest_request(void **state)
{
    struct bench *bench = *state;

    for (uint64_t held = 0; held < LANES; held++) {
        uint64_t base = held * LANES * BATCH; /* of records before */
        uint64_t first = base + held * BATCH + 1;
        fake_exporter_hold(&bench->fake, first);
        bench_append(bench, (size_t)LANES * BATCH);
        bench_start(bench);
        fake_exporter_wait_delivered(&bench->fake, base + (uint64_t)(LANES - 1) * BATCH);
        assert_true(worker_durable_sequence(bench->worker) <= first);
        fake_exporter_let_go(&bench->fake, first);
        fake_exporter_wait_delivered(&bench->fake, base + (uint64_t)LANES * BATCH);
        bench_stop(bench);
        bench_start(bench);
        assert_int_equal(worker_durable_sequence(bench->worker), base + LANES * BATCH + 1);
        bench_stop(bench);
    }
    bench_assert_each_delivered_once(bench, (size_t)LANES * LANES * BATCH);
}

static void test_requests_behind_one_that_hangs_are_bounded(void **state)
{
    struct bench *bench = *state;
    size_t before = 0;

    fake_exporter_hold(&bench->fake, 1);
    bench_append(bench, 800);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, (size_t)(CLAIMS - 1) * BATCH);
    fake_exporter_let_go(&bench->fake, 1);
    fake_exporter_wait_delivered(&bench->fake, 800);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 800);
    while (bench->fake.calls[before].first_sequence != 1)
        before++;
    assert_int_equal(before, CLAIMS - 1);
}

static void test_no_more_requests_are_under_way_than_lanes(void **state)
{
    struct bench *bench = *state;

    fake_exporter_close_gate(&bench->fake);
    bench_append(bench, 800);
    bench_start(bench);
    fake_exporter_wait_inside_count(&bench->fake, LANES);
    fake_exporter_open_gate(&bench->fake);
    fake_exporter_wait_delivered(&bench->fake, 800);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 800);
    assert_int_equal(bench->fake.inside_most, LANES);
    assert_int_equal(bench->fake.open_most, LANES);
}

static void test_a_destination_with_little_to_do_has_one_lane(void **state)
{
    struct bench *bench = *state;

    bench_start(bench);
    for (size_t i = 1; i <= 50; i++) {
        bench_append(bench, BATCH);
        fake_exporter_wait_delivered(&bench->fake, i * BATCH);
    }
    bench_stop(bench);
    assert_int_equal(bench->fake.open_most, 1);
}

static void test_a_destination_that_is_near_has_one_lane(void **state)
{
    struct bench *bench = *state;

    bench->settings.helper_wait_ns = 3600 * NS_PER_S;
    bench_append(bench, 800);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 800);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 800);
    assert_int_equal(bench->fake.open_most, 1);
}

static void test_lanes_come_and_go(void **state)
{
    struct bench *bench = *state;

    bench->settings.helper_idle_ns = 0;
    bench_start(bench);
    for (size_t i = 1; i <= 10; i++) {
        bench_append(bench, 80);
        fake_exporter_wait_delivered(&bench->fake, i * 80);
        fake_exporter_wait_open_count(&bench->fake, 1);
    }
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 800);
    assert_true(bench->fake.open_most > 1);
}

static void test_an_exporter_that_takes_records_in_order_has_one_lane(void **state)
{
    struct bench *bench = *state;
    struct exporter_ops ops = fake_exporter_ops;
    uint64_t expected = 1;

    ops.in_order_only = true;
    bench->settings.ops = &ops;
    bench_append(bench, 400);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 400);
    bench_stop(bench);
    assert_int_equal(bench->fake.open_most, 1);
    for (size_t i = 0; i < bench->fake.call_count; i++) {
        assert_int_equal(bench->fake.calls[i].first_sequence, expected);
        expected = bench->fake.calls[i].last_sequence + 1;
    }
}

static void test_lanes_that_cannot_be_made_are_done_without(void **state)
{
    struct bench *bench = *state;

    bench->fake.create_failures = 1;
    bench_append(bench, 400);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 400);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 400);
    assert_int_equal(bench->fake.open_most, 1);
}

/* --- Failures --------------------------------------------------------------------------------- */

static void test_a_request_that_fails_anywhere_comes_again_alone(void **state)
{
    struct bench *bench = *state;

    for (uint64_t i = 0; i < 8; i++) {
        bench->fake.failures[i * 64 + i * BATCH + 3] = 2; /* each time another request of eight */
        bench_append(bench, 64);
        bench_start(bench);
        fake_exporter_wait_delivered(&bench->fake, (i + 1) * 64);
        assert_int_equal(bench_status(bench).retries, 2);
        bench_stop(bench);
    }
    bench_assert_each_delivered_once(bench, 512);
    assert_int_equal(bench->fake.call_count, 8 * (8 + 2));
}

/* The call by which the first `count` batches have all been answered once. */
static size_t first_round(const struct fake_exporter *fake, size_t count)
{
    size_t last = 0;

    for (size_t i = 0; i < count; i++) {
        size_t call = 0;
        while (fake->calls[call].first_sequence != i * BATCH + 1)
            call++;
        last = call > last ? call : last;
    }
    return last;
}

static void test_one_lane_tries_while_the_destination_fails(void **state)
{
    struct bench *bench = *state;
    size_t alone = 0;

    fake_exporter_close_gate(&bench->fake);
    fake_exporter_always_retry(&bench->fake, true);
    bench_append(bench, 400);
    bench_start(bench);
    fake_exporter_wait_inside_count(&bench->fake, LANES);
    fake_exporter_open_gate(&bench->fake);
    fake_exporter_wait_calls(&bench->fake, 40);
    bench_stop(bench);
    size_t round = first_round(&bench->fake, LANES);
    for (size_t i = 0; i < bench->fake.call_count; i++) {
        if (bench->fake.calls[i].calls_before <= round)
            continue;
        assert_int_equal(bench->fake.calls[i].others, 0);
        alone++;
    }
    assert_true(alone > 0);
    fake_exporter_always_retry(&bench->fake, false);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 400);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 400);
}

static void test_lanes_go_on_when_the_destination_is_back(void **state)
{
    struct bench *bench = *state;

    fake_exporter_always_retry(&bench->fake, true);
    bench_append(bench, 400);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 10);
    fake_exporter_close_gate(&bench->fake);
    fake_exporter_always_retry(&bench->fake, false);
    fake_exporter_open_gate(&bench->fake);
    fake_exporter_wait_delivered(&bench->fake, 400);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 400);
}

static void test_poison_at_any_place_is_the_only_dead_letter(void **state)
{
    struct bench *bench = *state;
    bool has;

    for (uint64_t bad = 1; bad <= 32; bad++) {
        uint64_t base = (bad - 1) * 31; /* 32 would be more than the fake can count */
        uint64_t count = bad <= 31 ? 31 : 32;
        bench->fake.poison[base + bad] = true;
        bench_append(bench, count);
        bench_start(bench);
        fake_exporter_wait_delivered(&bench->fake, base + count - bad);
        bench_stop(bench);
        assert_int_equal(bench_letters(bench, base + bad, &has), bad);
        assert_true(has);
    }
    for (uint64_t i = 1; i <= (uint64_t)31 * 31 + 32; i++)
        assert_int_equal(bench->fake.delivered[i], bench->fake.poison[i] ? 0 : 1);
}

static void test_too_large_requests_of_all_lanes_are_halved(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->fake.count_max = 3;
    bench_append(bench, 400);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 400);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 400);
    assert_int_equal(bench_letters(bench, 1, &has), 0);
}

static void test_damage_is_counted_once(void **state)
{
    struct bench *bench = *state;
    static const uint8_t zeros[3 * 4096];
    char path[BENCH_PATH_SIZE + 64];

    for (int i = 0; i < 4; i++)
        bench_append_sized(bench, 200, 4096); /* in segments of 1 MiB */
    snprintf(path, sizeof(path), "%s/%020d.seg", bench->journal_dir, 1);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = 100000; at < 900000; at += 200000)
        assert_int_equal(pwrite(fd, zeros, sizeof(zeros), at), sizeof(zeros));
    (void)close(fd);
    bench_start(bench);
    while (worker_durable_sequence(bench->worker) <= 800)
        (void)sched_yield();
    struct worker_status status = bench_status(bench);
    bench_stop(bench);
    assert_in_range(status.missing_records, 4 * 3, 4 * 5);
    assert_int_equal(status.delivered_records + status.missing_records, 800);
    assert_int_equal(bench->fake.delivered_count, status.delivered_records);
    for (size_t i = 1; i <= 800; i++)
        assert_true(bench->fake.delivered[i] <= 1);
}

/* --- Crashes ---------------------------------------------------------------------------------- */

struct cursor_file {
    uint8_t bytes[CURSOR_MAX];
    ssize_t size; /* 0: there was none */
};

static struct cursor_file keep_cursor(struct bench *bench)
{
    struct cursor_file kept = {.size = 0};

    int fd = openat(bench->dir.fd, "fake.test", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return kept;
    kept.size = read(fd, kept.bytes, sizeof(kept.bytes));
    assert_true(kept.size > 0 && kept.size < CURSOR_MAX);
    (void)close(fd);
    return kept;
}

/* Ends the worker and leaves the cursor as it was before: what it saved at its end did not happen.
 */
static void crash(struct bench *bench)
{
    const struct cursor_file kept = keep_cursor(bench);

    bench_stop_now(bench);
    (void)unlinkat(bench->dir.fd, "fake.test", 0); /* there may be none */
    if (kept.size == 0)
        return;
    int fd = openat(bench->dir.fd, "fake.test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, kept.bytes, (size_t)kept.size), kept.size);
    (void)close(fd);
}

static void test_a_crash_with_a_hole_in_the_window_loses_nothing(void **state)
{
    struct bench *bench = *state;

    for (uint64_t hole = 0; hole < CLAIMS; hole++) {
        uint64_t base = hole * CLAIMS * BATCH;
        uint64_t first = base + hole * BATCH + 1;
        fake_exporter_hold(&bench->fake, first);
        bench_append(bench, (size_t)CLAIMS * BATCH);
        bench_start(bench);
        fake_exporter_wait_delivered(&bench->fake, base + (uint64_t)(CLAIMS - 1) * BATCH);
        crash(bench);
        fake_exporter_let_go(&bench->fake, first);
        bench_start(bench);
        fake_exporter_wait_delivered(&bench->fake, base + (uint64_t)CLAIMS * BATCH);
        bench_stop(bench);
    }
    /* Nothing is missing, and each crash repeats no more than the window. */
    for (uint64_t i = 1; i <= (uint64_t)CLAIMS * CLAIMS * BATCH; i++)
        assert_in_range(bench->fake.delivered[i], 1, 2);
}

/* A daemon that is killed again and again after its first request. */
static void test_the_shortest_life_moves_the_cursor(void **state)
{
    struct bench *bench = *state;

    bench_append(bench, 80);
    for (uint64_t life = 0; life < 9; life++) {
        uint64_t second = (life + 1) * BATCH + 1;
        fake_exporter_hold(&bench->fake, second); /* so it neither idles nor waits */
        bench_start(bench);
        while (worker_durable_sequence(bench->worker) < second)
            (void)sched_yield();
        crash(bench);
        fake_exporter_let_go(&bench->fake, second);
    }
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 80);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 80);
}

/* --- Skipping --------------------------------------------------------------------------------- */

struct skip_notes {
    pthread_mutex_t lock;
    unsigned times[FAKE_SEQUENCE_MAX]; /* how often each record was noted */
};

static void note_skipped(void *context, uint64_t first, uint64_t end)
{
    struct skip_notes *notes = context;

    (void)pthread_mutex_lock(&notes->lock);
    for (uint64_t i = first; i < end; i++)
        notes->times[i]++;
    (void)pthread_mutex_unlock(&notes->lock);
}

static void test_what_is_skipped_is_not_delivered_and_all_else_is(void **state)
{
    struct bench *bench = *state;
    static const uint64_t marks[] = {1, 2, 5, 9, 20, 33, 64, 65};
    struct skip_notes notes = {.lock = PTHREAD_MUTEX_INITIALIZER};
    uint64_t base = 0;
    uint64_t delivered = 0;

    bench->settings.note_skipped = note_skipped;
    bench->settings.note_context = &notes;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++, base += 64) {
        fake_exporter_always_retry(&bench->fake, true);
        bench_append(bench, 64);
        bench_start(bench);
        fake_exporter_wait_calls(&bench->fake, fake_exporter_call_count(&bench->fake) + 3);
        worker_skip_to(bench->worker, base + marks[i]);
        fake_exporter_always_retry(&bench->fake, false);
        delivered += 65 - marks[i];
        fake_exporter_wait_delivered(&bench->fake, delivered);
        while (worker_durable_sequence(bench->worker) <= base + 64)
            (void)sched_yield();
        struct worker_status status = bench_status(bench);
        bench_stop(bench);
        /* One more may have got its outcome between the two calls above. */
        uint64_t early = bench->fake.delivered_count - delivered;
        delivered += early;
        assert_int_equal(status.skipped_records, marks[i] - 1 - early);
        assert_int_equal(status.delivered_records, 64 - status.skipped_records);
        for (uint64_t j = base + 1; j <= base + 64; j++)
            assert_int_equal(bench->fake.delivered[j] + notes.times[j], 1);
        for (uint64_t j = base + marks[i]; j <= base + 64; j++)
            assert_int_equal(bench->fake.delivered[j], 1);
    }
}

static void test_the_cursor_passes_a_dead_destination_when_it_is_told_to(void **state)
{
    struct bench *bench = *state;

    bench->settings.retry_initial_ns = bench->settings.retry_max_ns = 3600 * NS_PER_S;
    fake_exporter_always_retry(&bench->fake, true);
    bench_append(bench, 400);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 1);
    worker_skip_to(bench->worker, UINT64_MAX); /* all there is */
    while (worker_durable_sequence(bench->worker) <= 400)
        (void)sched_yield();
    assert_int_equal(bench_status(bench).skipped_records, 400);
    bench_stop(bench);
    assert_int_equal(bench->fake.delivered_count, 0);
}

static void test_a_skip_does_not_wait_for_a_dead_letter(void **state)
{
    struct bench *bench = *state;

    bench->settings.retry_initial_ns = bench->settings.retry_max_ns = 3600 * NS_PER_S;
    bench->fake.poison[1] = true;
    bench_append(bench, 1);
    bench_start(bench);
    while (worker_durable_sequence(bench->worker) < 2)
        (void)sched_yield();
    bench_stop(bench);
    bench_append(bench, 64);
    assert_int_equal(replay_ask(NULL, bench->dir.path, "fake.test", NULL, 0, &bench->err), ST_OK);
    fake_exporter_always_retry(&bench->fake, true);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 2);
    assert_int_equal(bench->fake.calls[1].first_sequence, 1); /* the letter */
    worker_skip_to(bench->worker, 66);
    while (worker_durable_sequence(bench->worker) < 66)
        (void)sched_yield();
    assert_int_equal(bench_status(bench).skipped_records, 64);
    bench_stop(bench);
}

static void test_requests_that_are_under_way_keep_their_outcome_when_skipped(void **state)
{
    struct bench *bench = *state;

    fake_exporter_close_gate(&bench->fake);
    bench_append(bench, 400);
    bench_start(bench);
    fake_exporter_wait_inside_count(&bench->fake, LANES);
    worker_skip_to(bench->worker, 401);
    assert_int_equal(worker_durable_sequence(bench->worker), 1);
    fake_exporter_open_gate(&bench->fake);
    while (worker_durable_sequence(bench->worker) <= 400)
        (void)sched_yield();
    assert_int_equal(bench_status(bench).delivered_records, LANES * BATCH);
    assert_int_equal(bench_status(bench).skipped_records, 400 - LANES * BATCH);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, (size_t)LANES * BATCH);
}

#define ON_ONE(test)  cmocka_unit_test_setup_teardown(test, bench_make_one_lane, bench_drop)
#define ON_FOUR(test) cmocka_unit_test_setup_teardown(test, bench_make_four_lanes, bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FOUR(test_the_cursor_waits_for_the_oldest_request),
        ON_FOUR(test_requests_behind_one_that_hangs_are_bounded),
        ON_FOUR(test_no_more_requests_are_under_way_than_lanes),
        ON_FOUR(test_a_destination_with_little_to_do_has_one_lane),
        ON_FOUR(test_a_destination_that_is_near_has_one_lane),
        ON_FOUR(test_lanes_come_and_go),
        ON_FOUR(test_an_exporter_that_takes_records_in_order_has_one_lane),
        ON_FOUR(test_lanes_that_cannot_be_made_are_done_without),
        ON_FOUR(test_a_request_that_fails_anywhere_comes_again_alone),
        ON_FOUR(test_one_lane_tries_while_the_destination_fails),
        ON_FOUR(test_lanes_go_on_when_the_destination_is_back),
        ON_FOUR(test_poison_at_any_place_is_the_only_dead_letter),
        ON_FOUR(test_too_large_requests_of_all_lanes_are_halved),
        ON_ONE(test_damage_is_counted_once),
        ON_FOUR(test_damage_is_counted_once),
        ON_FOUR(test_a_crash_with_a_hole_in_the_window_loses_nothing),
        ON_ONE(test_the_shortest_life_moves_the_cursor),
        ON_ONE(test_what_is_skipped_is_not_delivered_and_all_else_is),
        ON_FOUR(test_what_is_skipped_is_not_delivered_and_all_else_is),
        ON_ONE(test_the_cursor_passes_a_dead_destination_when_it_is_told_to),
        ON_FOUR(test_the_cursor_passes_a_dead_destination_when_it_is_told_to),
        ON_ONE(test_a_skip_does_not_wait_for_a_dead_letter),
        ON_FOUR(test_a_skip_does_not_wait_for_a_dead_letter),
        ON_FOUR(test_requests_that_are_under_way_keep_their_outcome_when_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
