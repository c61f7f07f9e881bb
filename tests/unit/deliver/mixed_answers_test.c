/* SPDX-License-Identifier: Apache-2.0 */
/* mixed_answers_test.c -- a worker whose destination answers for each record.  What does not depend
 * on the order of requests is tested with one lane and with four. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver/item_report.h"
#include "deliver/replay.h"
#include "support/worker_bench.h"
#include "util/clock.h"

#define AN_HOUR (3600 * NS_PER_S)

static int make_one_lane(void **state)
{
    int failed = bench_make_one_lane(state);

    ((struct bench *)*state)->fake.answers_each = true;
    return failed;
}

static int make_four_lanes(void **state)
{
    int failed = bench_make_four_lanes(state);

    ((struct bench *)*state)->fake.answers_each = true;
    return failed;
}

/* Nothing waits for a backoff and comes to its end. */
static void wait_an_hour_before_a_retry(struct bench *bench)
{
    bench->settings.retry_initial_ns = bench->settings.retry_max_ns = AN_HOUR;
}

/* Everything below has its outcome, and the cursor knows. */
static void wait_for_cursor(struct bench *bench, uint64_t next)
{
    while (worker_durable_sequence(bench->worker) < next)
        (void)sched_yield();
}

static void assert_words(struct bench *bench, uint64_t sequence, const char *reason,
                         const char *words)
{
    char expected[512];

    snprintf(expected, sizeof(expected), "\"reason\":\"%s\",\"message\":\"%s\",", reason, words);
    const char *letter = bench_letter(bench, sequence);
    assert_non_null(letter);
    assert_non_null(strstr(letter, expected));
}

/* --- Outcomes --------------------------------------------------------------------------------- */

static void test_a_bad_record_at_any_place_costs_one_request(void **state)
{
    struct bench *bench = *state;
    bool has;

    wait_an_hour_before_a_retry(bench);
    for (uint64_t bad = 1; bad <= 8; bad++) {
        uint64_t sequence = (bad - 1) * 8 + bad; /* a batch each, each time another place */
        bench->fake.poison[sequence] = true;
        bench_append(bench, 8);
        bench_start(bench);
        wait_for_cursor(bench, bad * 8 + 1);
        assert_int_equal(bench_status(bench).delivered_records, 7);
        assert_int_equal(bench_status(bench).dead_letter_records, 1);
        assert_int_equal(bench_status(bench).rejected_records, 0);
        assert_int_equal(bench_status(bench).retries, 0);
        bench_stop(bench);
        assert_int_equal(bench->fake.call_count, bad);
        assert_int_equal(bench_letters(bench, sequence, &has), bad);
        assert_true(has);
    }
    assert_words(bench, 10, "rejected", "the fake refuses 10");
    for (uint64_t i = 1; i <= 64; i++)
        assert_int_equal(bench->fake.delivered[i], bench->fake.poison[i] ? 0 : 1);
}

enum { MIX_RECORDS = 3, MIX_KINDS = 6, MIXES = 6 * 6 * 6 };

/* What is said of a record the first time, one of MIX_KINDS; later it is taken. */
static void set_first_answer(struct fake_exporter *fake, uint64_t sequence, unsigned kind)
{
    fake->failures[sequence] = kind == 1;
    fake->agains[sequence] = kind == 2;
    fake->unsaid[sequence] = kind == 3;
    fake->poison[sequence] = kind == 4;
    fake->oversized[sequence] = kind == 5;
}

static void test_every_mix_of_outcomes_is_settled(void **state)
{
    struct bench *bench = *state;
    uint64_t refused = 0;
    uint64_t sequence = 0;

    bench->settings.batch_count_max = MIX_RECORDS;
    for (unsigned mix = 0; mix < MIXES; mix++) {
        for (unsigned i = 0, rest = mix; i < MIX_RECORDS; i++, rest /= MIX_KINDS) {
            set_first_answer(&bench->fake, ++sequence, rest % MIX_KINDS);
            refused += rest % MIX_KINDS >= 4;
        }
        bench_append(bench, MIX_RECORDS);
    }
    bench_start(bench);
    wait_for_cursor(bench, sequence + 1);
    struct worker_status status = bench_status(bench);
    bench_stop(bench);
    assert_int_equal(status.delivered_records, sequence - refused);
    assert_int_equal(status.dead_letter_records, refused);
    assert_int_equal(bench->fake.delivered_count, sequence - refused);
    for (uint64_t i = 1; i <= sequence; i++) {
        bool is_refused = bench->fake.poison[i] || bench->fake.oversized[i];
        assert_int_equal(bench->fake.delivered[i], is_refused ? 0 : 1);
        assert_true((bench_letter(bench, i) != NULL) == is_refused);
    }
    /* In the last mix all are too large. */
    assert_words(bench, sequence, "too_large", "the fake refuses 648");
}

static void test_what_is_left_comes_alone_and_in_order(void **state)
{
    struct bench *bench = *state;

    bench->fake.agains[2] = bench->fake.agains[5] = 1;
    bench->fake.failures[7] = 1;
    bench->fake.poison[4] = true;
    bench_append(bench, 8);
    bench_start(bench);
    wait_for_cursor(bench, 9);
    assert_int_equal(bench_status(bench).retries, 1);
    bench_stop(bench);
    assert_int_equal(bench->fake.call_count, 2);
    assert_int_equal(bench->fake.calls[1].first_sequence, 2);
    assert_int_equal(bench->fake.calls[1].last_sequence, 7);
    assert_int_equal(bench->fake.calls[1].record_count, 3);
}

/* As when its requests take fewer records than ours. */
static void test_what_did_not_fit_comes_at_once(void **state)
{
    struct bench *bench = *state;

    wait_an_hour_before_a_retry(bench);
    bench->fake.count_max = 3;
    bench_append(bench, 40);
    bench_start(bench);
    wait_for_cursor(bench, 41);
    assert_int_equal(bench_status(bench).retries, 0);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 40);
    assert_int_equal(bench->fake.call_count, 5 * 3);
}

static void test_an_answer_that_settles_nothing_is_a_failure(void **state)
{
    struct bench *bench = *state;

    for (uint64_t i = 1; i <= 8; i++) {
        bench->fake.agains[i] = 2;
        bench->fake.unsaid[i] = 1;
    }
    bench_append(bench, 8);
    bench_start(bench);
    wait_for_cursor(bench, 9);
    assert_int_equal(bench_status(bench).retries, 3);
    bench_stop(bench);
    assert_int_equal(bench->fake.call_count, 4);
    bench_assert_each_delivered_once(bench, 8);
}

/* The others' outcome is no recovery. */
static void test_a_failure_is_seen_while_it_lasts(void **state)
{
    struct bench *bench = *state;

    wait_an_hour_before_a_retry(bench);
    bench->fake.failures[5] = 1;
    bench_append(bench, 8);
    bench_start(bench);
    while (bench_status(bench).retries == 0)
        (void)sched_yield();
    assert_int_equal(bench_status(bench).delivered_records, 7);
    assert_non_null(strstr(bench_status(bench).last_error, "the fake says"));
    bench_stop(bench); /* which tries once more */
    bench_assert_each_delivered_once(bench, 8);
}

static void test_a_refusal_without_words_has_those_of_the_batch(void **state)
{
    struct bench *bench = *state;
    char message[32];

    bench->fake.wordless = true;
    bench->fake.poison[1] = true;
    bench_append(bench, 2);
    bench_start(bench);
    wait_for_cursor(bench, 3);
    bench_stop(bench);
    snprintf(message, sizeof(message), "the fake says \\\"%d\\\"", EXPORT_MIXED);
    assert_words(bench, 1, "rejected", message);
}

/* --- The cursor ------------------------------------------------------------------------------- */

static void test_the_cursor_stands_at_the_first_record_without_an_outcome(void **state)
{
    struct bench *bench = *state;

    bench->fake.failures[4] = UINT8_MAX;
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 3);
    wait_for_cursor(bench, 4);
    bench_stop_now(bench);
    assert_int_equal(bench->fake.calls[1].first_sequence, 4);
    assert_int_equal(bench->fake.calls[1].record_count, 1);
    size_t calls = bench->fake.call_count;
    bench->fake.failures[4] = 0;
    bench_start(bench);
    wait_for_cursor(bench, 9);
    bench_stop(bench);
    assert_int_equal(bench->fake.calls[calls].first_sequence, 4);
    for (uint64_t i = 1; i <= 8; i++) /* what was settled behind a gap is repeated */
        assert_int_equal(bench->fake.delivered[i], i > 4 ? 2 : 1);
}

static void test_stopping_in_the_middle_keeps_what_is_done(void **state)
{
    struct bench *bench = *state;

    wait_an_hour_before_a_retry(bench);
    bench->fake.count_max = 2;
    bench->fake.failures[5] = 2;
    fake_exporter_hold(&bench->fake, 5);
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 2); /* 1 to 4 */
    fake_exporter_wait_inside(&bench->fake);
    worker_ask_to_stop(bench->worker, clock_monotonic_ns() + 60 * NS_PER_S);
    fake_exporter_let_go(&bench->fake, 5);
    bench_stop(bench); /* 5 fails, and fails once more */
    assert_int_equal(bench->fake.call_count, 4);
    assert_int_equal(bench->fake.delivered[5], 0);
    bench_start(bench);
    assert_int_equal(worker_durable_sequence(bench->worker), 5);
    wait_for_cursor(bench, 9);
    bench_stop(bench);
    for (uint64_t i = 1; i <= 5; i++)
        assert_int_equal(bench->fake.delivered[i], 1);
    assert_int_equal(bench->fake.delivered_count, 8);
}

static void test_a_stop_sends_what_is_left(void **state)
{
    struct bench *bench = *state;

    bench->fake.count_max = 1;
    fake_exporter_close_gate(&bench->fake);
    bench_append(bench, 20);
    bench_start(bench);
    fake_exporter_wait_inside(&bench->fake);
    worker_ask_to_stop(bench->worker, clock_monotonic_ns() + 60 * NS_PER_S);
    fake_exporter_open_gate(&bench->fake);
    bench_stop(bench);
    bench_assert_each_delivered_once(bench, 20);
}

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

static void test_a_skip_gives_up_only_what_is_left(void **state)
{
    struct bench *bench = *state;
    struct skip_notes notes = {.lock = PTHREAD_MUTEX_INITIALIZER};

    bench->settings.note_skipped = note_skipped;
    bench->settings.note_context = &notes;
    wait_an_hour_before_a_retry(bench);
    bench->fake.failures[2] = bench->fake.failures[4] = bench->fake.failures[5] = UINT8_MAX;
    bench->fake.failures[7] = 1;
    bench->fake.poison[3] = true;
    bench_append(bench, 8);
    bench_start(bench);
    while (bench_status(bench).retries == 0)
        (void)sched_yield();
    worker_skip_to(bench->worker, 6);
    wait_for_cursor(bench, 6);
    assert_int_equal(bench_status(bench).skipped_records, 3);
    assert_int_equal(bench_status(bench).delivered_records, 3); /* 1, 6 and 8 */
    bench_stop(bench);
    assert_int_equal(bench->fake.delivered_count, 4);
    for (uint64_t i = 1; i <= 8; i++) {
        bool is_skipped = i == 2 || i == 4 || i == 5;
        assert_int_equal(notes.times[i], is_skipped ? 1 : 0);
        assert_int_equal(bench->fake.delivered[i], is_skipped || i == 3 ? 0 : 1);
    }
}

/* --- Refusals --------------------------------------------------------------------------------- */

/* What can be put nowhere holds the cursor; its neighbours are delivered once all the same. */
static void test_a_letter_that_cannot_be_written_comes_again_alone(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->fake.poison[2] = bench->fake.poison[5] = true;
    assert_int_equal(mkdirat(bench->dir.fd, "fake.test.jsonl", 0700), 0); /* in the file's place */
    bench_append(bench, 8);
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 4);
    wait_for_cursor(bench, 2);
    assert_int_equal(worker_durable_sequence(bench->worker), 2);
    assert_int_equal(unlinkat(bench->dir.fd, "fake.test.jsonl", AT_REMOVEDIR), 0);
    wait_for_cursor(bench, 9);
    assert_int_equal(bench_status(bench).dead_letter_records, 2);
    assert_int_equal(bench_status(bench).delivered_records, 6);
    bench_stop(bench);
    assert_int_equal(bench->fake.calls[1].first_sequence, 2);
    assert_int_equal(bench->fake.calls[1].record_count, 2);
    assert_int_equal(bench_letters(bench, 5, &has), 2);
    assert_true(has);
    for (uint64_t i = 1; i <= 8; i++)
        assert_int_equal(bench->fake.delivered[i], bench->fake.poison[i] ? 0 : 1);
}

static void test_letters_that_are_full_in_the_middle_keep_those_that_had_room(void **state)
{
    struct bench *bench = *state;

    bench->settings.dead_letter_size_max = 700; /* one or two */
    for (uint64_t i = 1; i <= 6; i++)
        bench->fake.poison[i] = true;
    bench_append(bench, 8);
    bench_start(bench);
    while (bench_status(bench).retries < 3)
        (void)sched_yield();
    struct worker_status status = bench_status(bench);
    assert_in_range(status.dead_letter_records, 1, 5);
    assert_int_equal(status.delivered_records, 2);
    assert_int_equal(worker_durable_sequence(bench->worker), status.dead_letter_records + 1);
    bench_stop_now(bench);
    bench->settings.dead_letter_size_max = 0;
    bench_start(bench);
    wait_for_cursor(bench, 9);
    assert_int_equal(bench_status(bench).dead_letter_records, 6 - status.dead_letter_records);
    bench_stop(bench);
}

/* It is broken, not the records: they wait for its repair, as with one that refuses requests. */
static void test_a_destination_that_refuses_everything_meets_the_brake(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->settings.batch_count_max = 256;
    wait_an_hour_before_a_retry(bench);
    for (uint64_t i = 1; i <= 1000; i++)
        bench->fake.poison[i] = true;
    bench_append(bench, 500);
    bench_append(bench, 500);
    bench_start(bench);
    while (bench_status(bench).dead_letter_records < 16)
        (void)sched_yield();
    bench_stop(bench);
    size_t dead = bench_letters(bench, 1, &has);
    assert_in_range(dead, 16, 64); /* a part of 16 for each lane */
    memset(bench->fake.poison, 0, sizeof(bench->fake.poison));
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 1000 - dead);
    bench_stop(bench);
    assert_int_equal(bench_letters(bench, 1, &has), dead);
}

static void test_requests_are_small_while_the_brake_is_on(void **state)
{
    struct bench *bench = *state;
    size_t large = 0;

    bench->settings.batch_count_max = 64;
    for (uint64_t i = 1; i <= 192; i++)
        bench->fake.poison[i] = true;
    bench_append(bench, 200);
    bench_start(bench);
    wait_for_cursor(bench, 201);
    bench_stop(bench);
    for (size_t i = 0; i < bench->fake.call_count; i++)
        large += bench->fake.calls[i].record_count > 16;
    assert_int_equal(large, 2); /* 64 and its first half; then it brakes */
    assert_int_equal(bench->fake.delivered_count, 8);
}

/* A destination's limit, kept to by the exporter, is not found by making larger requests. */
static void test_requests_do_not_grow_while_they_do_not_fit(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer too_large[] = {{.result = EXPORT_TOO_LARGE}};
    size_t largest = 0;

    bench->settings.batch_size_max = 128 << 10;
    bench->settings.batch_count_max = 1000;
    fake_exporter_script(&bench->fake, too_large, 1);
    bench->fake.count_max = 14; /* of 15 that a request of half the size holds */
    for (unsigned i = 0; i < 20; i++)
        bench_append_sized(bench, 100, 4096);
    bench_start(bench);
    wait_for_cursor(bench, 2001);
    bench_stop(bench);
    for (size_t i = 1; i < bench->fake.call_count; i++) {
        if (bench->fake.calls[i].record_count > largest)
            largest = bench->fake.calls[i].record_count;
    }
    assert_int_equal(largest, 16); /* the larger half of the first one */
    bench_assert_each_delivered_once(bench, 2000);
}

/* --- Dead letters, sent again ----------------------------------------------------------------- */

static void test_a_replayed_letter_has_an_outcome_like_any_record(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->fake.poison[2] = bench->fake.poison[4] = true;
    bench_append(bench, 4);
    bench_start(bench);
    wait_for_cursor(bench, 5);
    bench_stop(bench);
    bench->fake.poison[2] = false;
    bench->fake.failures[2] = bench->fake.agains[2] = bench->fake.unsaid[2] = 1;
    assert_int_equal(replay_ask(NULL, bench->dir.path, "fake.test", NULL, 0, &bench->err), ST_OK);
    bench_start(bench);
    while (bench_status(bench).replayed_records < 2)
        (void)sched_yield();
    assert_int_equal(bench_status(bench).retries, 3);
    assert_int_equal(bench_status(bench).dead_letter_records, 1);
    bench_stop(bench);
    assert_int_equal(bench->fake.delivered[2], 1);
    assert_int_equal(bench_letters(bench, 4, &has), 1);
    assert_true(has);
    assert_words(bench, 4, "rejected", "the fake refuses 4");
}

/* --- The report ------------------------------------------------------------------------------- */

static void test_the_last_word_about_a_record_counts(void **state)
{
    struct item_report items;

    (void)state;
    item_report_init(&items);
    item_report_begin(&items, 2);
    items.report.tell(&items.report, 0, ITEM_REJECTED, "no");
    items.report.tell(&items.report, 0, ITEM_DONE, NULL);
    items.report.tell(&items.report, 2, ITEM_REJECTED, "there is none"); /* ignored */
    assert_int_equal(item_report_outcome(&items, 0), ITEM_DONE);
    assert_int_equal(item_report_outcome(&items, 1), ITEM_RETRY);
    assert_true(item_is_settled(&items, 0));
    assert_false(item_is_settled(&items, 1));
    item_report_begin(&items, 3); /* larger, and nothing of the one before */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(item_report_outcome(&items, i), ITEM_RETRY);
    items.report.tell(&items.report, 2, ITEM_TOO_LARGE, "");
    snprintf(items.report.message, sizeof(items.report.message), "of all");
    assert_string_equal(item_report_words(&items, 2), "of all");
    item_report_begin(&items, 1);
    assert_int_equal(item_report_outcome(&items, 0), ITEM_RETRY);
    item_report_fini(&items);
}

static void test_words_are_cut_and_bounded(void **state)
{
    struct item_report items;
    static char words[4096];
    size_t kept = 0;

    (void)state;
    item_report_init(&items);
    item_report_begin(&items, 8192);
    for (size_t i = 0; i < 8192; i++) {
        memset(words, 'w', sizeof(words) - 1);
        (void)snprintf(words, 6, "%05zu", i);
        words[5] = ' ';
        items.report.tell(&items.report, i, ITEM_REJECTED, words);
    }
    for (size_t i = 0; i < 8192; i++) {
        const char *own = item_report_words(&items, i);
        assert_int_equal(item_report_outcome(&items, i), ITEM_REJECTED);
        if (own[0] == 0)
            continue;
        assert_int_equal(strlen(own), ITEM_WORDS_MAX);
        assert_int_equal(strtoul(own, NULL, 10), i);
        kept++;
    }
    assert_in_range(kept, ITEM_WORDS_SIZE_MAX / (ITEM_WORDS_MAX + 1) - 1, 8191);
    assert_true(items.words.capacity <= ITEM_WORDS_SIZE_MAX);
    item_report_fini(&items);
}

static void test_the_same_words_are_kept_once(void **state)
{
    struct item_report items;

    (void)state;
    item_report_init(&items);
    item_report_begin(&items, 1000);
    for (size_t i = 0; i < 1000; i++)
        items.report.tell(&items.report, i, ITEM_REJECTED, i < 500 ? "no" : "never");
    assert_int_equal(items.words.size, sizeof("no") + sizeof("never"));
    assert_string_equal(item_report_words(&items, 499), "no");
    assert_string_equal(item_report_words(&items, 500), "never");
    item_report_fini(&items);
}

#define ON_ONE(test)  cmocka_unit_test_setup_teardown(test, make_one_lane, bench_drop)
#define ON_FOUR(test) cmocka_unit_test_setup_teardown(test, make_four_lanes, bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(test_a_bad_record_at_any_place_costs_one_request),
        ON_ONE(test_every_mix_of_outcomes_is_settled),
        ON_FOUR(test_every_mix_of_outcomes_is_settled),
        ON_ONE(test_what_is_left_comes_alone_and_in_order),
        ON_ONE(test_what_did_not_fit_comes_at_once),
        ON_FOUR(test_what_did_not_fit_comes_at_once),
        ON_ONE(test_an_answer_that_settles_nothing_is_a_failure),
        ON_ONE(test_a_failure_is_seen_while_it_lasts),
        ON_ONE(test_a_refusal_without_words_has_those_of_the_batch),
        ON_ONE(test_the_cursor_stands_at_the_first_record_without_an_outcome),
        ON_ONE(test_stopping_in_the_middle_keeps_what_is_done),
        ON_ONE(test_a_stop_sends_what_is_left),
        ON_FOUR(test_a_stop_sends_what_is_left),
        ON_ONE(test_a_skip_gives_up_only_what_is_left),
        ON_ONE(test_a_letter_that_cannot_be_written_comes_again_alone),
        ON_FOUR(test_a_letter_that_cannot_be_written_comes_again_alone),
        ON_ONE(test_letters_that_are_full_in_the_middle_keep_those_that_had_room),
        ON_ONE(test_a_destination_that_refuses_everything_meets_the_brake),
        ON_FOUR(test_a_destination_that_refuses_everything_meets_the_brake),
        ON_ONE(test_requests_are_small_while_the_brake_is_on),
        ON_ONE(test_requests_do_not_grow_while_they_do_not_fit),
        ON_ONE(test_a_replayed_letter_has_an_outcome_like_any_record),
        ON_FOUR(test_a_replayed_letter_has_an_outcome_like_any_record),
        cmocka_unit_test(test_the_last_word_about_a_record_counts),
        cmocka_unit_test(test_words_are_cut_and_bounded),
        cmocka_unit_test(test_the_same_words_are_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
