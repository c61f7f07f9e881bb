/* SPDX-License-Identifier: Apache-2.0 */
/* worker_test.c -- a worker between a real journal and a destination that follows a script. */
#include <fcntl.h>
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
#include <pthread.h>

#include "deliver/worker.h"
#include "journal/journal.h"
#include "support/fake_exporter.h"
#include "support/temp_dir.h"
#include "util/clock.h"

enum { PATH_SIZE = TEMP_DIR_PATH_MAX + 32, LETTERS_MAX = 64 * 1024 };

struct bench {
    struct temp_dir dir;
    char journal_dir[PATH_SIZE];
    struct journal *journal;
    struct worker *worker;
    struct fake_exporter fake;
    struct worker_settings settings;
    struct error err;
};

static int make_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    temp_dir_make(&bench->dir);
    snprintf(bench->journal_dir, sizeof(bench->journal_dir), "%s/journal", bench->dir.path);
    const struct journal_settings journal = {
        .dir = bench->journal_dir,
        .size_max = 64 << 20,
        .segment_size = 1 << 20,
        .pending_bytes_max = 16 << 20,
    };
    struct journal_recovery recovery;
    assert_int_equal(journal_open(&journal, &bench->journal, &recovery, &bench->err), ST_OK);
    fake_exporter_init(&bench->fake);
    bench->settings = (struct worker_settings){
        .name = "fake/test",
        .cursor_dir = bench->dir.path,
        .dead_letter_dir = bench->dir.path,
        .ops = &fake_exporter_ops,
        .config = &bench->fake,
        .state_dir = bench->dir.path,
        .batch_size_max = 1 << 20,
        .batch_count_max = 8,
        .lanes_max = 4,
        .timeout_ns = 60 * NS_PER_S,
        .retry_initial_ns = NS_PER_MS,
        .retry_max_ns = 4 * NS_PER_MS,
    };
    *state = bench;
    return 0;
}

static void start(struct bench *bench)
{
    assert_null(bench->worker);
    assert_int_equal(worker_start(&bench->settings, bench->journal, &bench->worker, &bench->err),
                     ST_OK);
}

/* With all the time that it wants. */
static void stop(struct bench *bench)
{
    worker_stop(bench->worker, clock_monotonic_ns() + 60 * NS_PER_S);
    bench->worker = NULL;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;

    worker_stop(bench->worker, 0);
    journal_close(bench->journal);
    fake_exporter_fini(&bench->fake);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

/* --- Filling the journal ---------------------------------------------------------------------- */

struct commit {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void note_commit(void *context, struct append_batch *batch, enum status status,
                        const struct error *err)
{
    struct commit *commit = context;

    (void)err;
    ASSERT(status == ST_OK);
    append_batch_destroy(batch);
    (void)pthread_mutex_lock(&commit->lock);
    commit->done = true;
    (void)pthread_cond_signal(&commit->changed);
    (void)pthread_mutex_unlock(&commit->lock);
}

/* Appends `count` records with a body of `body_size` zeros and waits until they are durable. */
static void append_sized(struct bench *bench, size_t count, size_t body_size)
{
    static const uint8_t zeros[4096]; /* to protobuf broken, which is not the worker's business */
    struct commit commit = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct append_batch *batch;
    const struct record_group group = {
        .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test")};
    struct error *err = &bench->err;

    assert_int_equal(append_batch_create(1 << 20, &batch, err), ST_OK);
    assert_int_equal(append_batch_set_group(batch, &group, err), ST_OK);
    for (size_t i = 0; i < count; i++) {
        struct buf *bytes;
        assert_int_equal(append_batch_begin(batch, &bytes, err), ST_OK);
        assert_int_equal(buf_append(bytes, "\x2a\x07\x0a\x05hello", 9, err), ST_OK);
        assert_int_equal(buf_append(bytes, zeros, body_size, err), ST_OK);
        append_batch_end(batch);
    }
    assert_int_equal(journal_submit(bench->journal, &batch, note_commit, &commit, err), ST_OK);
    (void)pthread_mutex_lock(&commit.lock);
    while (!commit.done)
        (void)pthread_cond_wait(&commit.changed, &commit.lock);
    (void)pthread_mutex_unlock(&commit.lock);
}

static void append(struct bench *bench, size_t count)
{
    append_sized(bench, count, 0);
}

/* --- Looking ---------------------------------------------------------------------------------- */

static struct worker_status status_of(struct bench *bench)
{
    struct worker_status status;

    worker_read_status(bench->worker, &status);
    return status;
}

/* Looks at the dead letters' file: how many lines, and whether `sequence` is among them. */
static size_t letters(struct bench *bench, uint64_t sequence, bool *ret_has)
{
    static char text[LETTERS_MAX];
    char needle[64];
    size_t lines = 0;

    *ret_has = false;
    int fd = openat(bench->dir.fd, "fake.test.jsonl", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    assert_true(size >= 0);
    text[size] = 0;
    (void)close(fd);
    snprintf(needle, sizeof(needle), "\"sequence\":%u,", (unsigned)sequence);
    *ret_has = strstr(text, needle) != NULL;
    for (const char *c = text; *c != 0; c++)
        lines += *c == '\n' ? 1 : 0;
    return lines;
}

static void assert_each_delivered_once(struct bench *bench, size_t count)
{
    assert_int_equal(bench->fake.delivered_count, count);
    for (size_t i = 1; i <= count; i++)
        assert_int_equal(bench->fake.delivered[i], 1);
}

/* --- Delivery --------------------------------------------------------------------------------- */

static void test_records_arrive_in_order_and_once(void **state)
{
    struct bench *bench = *state;
    uint64_t expected = 1;

    start(bench);
    for (size_t i = 1; i <= 10; i++)
        append(bench, i);
    fake_exporter_wait_delivered(&bench->fake, 55);
    stop(bench);
    assert_each_delivered_once(bench, 55);
    for (size_t i = 0; i < bench->fake.call_count; i++) {
        assert_int_equal(bench->fake.calls[i].first_sequence, expected);
        assert_true(bench->fake.calls[i].record_count <= 8);
        expected = bench->fake.calls[i].last_sequence + 1;
    }
}

static void test_a_restart_resumes_behind_what_was_confirmed(void **state)
{
    struct bench *bench = *state;

    append(bench, 20);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 20);
    stop(bench);
    append(bench, 5);
    start(bench);
    assert_true(worker_durable_sequence(bench->worker) >= 21);
    fake_exporter_wait_delivered(&bench->fake, 25);
    stop(bench);
    assert_each_delivered_once(bench, 25);
}

static void test_a_failing_batch_is_sent_until_it_is_taken(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_RETRY},
                                          {.result = EXPORT_RETRY},
                                          {.result = EXPORT_RETRY, .retry_after_ms = 2}};

    fake_exporter_script(&bench->fake, answers, 3);
    append(bench, 8);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    struct worker_status status = status_of(bench);
    assert_int_equal(status.retries, 3);
    stop(bench);
    assert_int_equal(bench->fake.call_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bench->fake.calls[i].first_sequence, 1);
        assert_int_equal(bench->fake.calls[i].record_count, 8);
    }
    assert_each_delivered_once(bench, 8);
}

static void test_the_cursor_stays_until_there_is_an_outcome(void **state)
{
    struct bench *bench = *state;

    fake_exporter_always_retry(&bench->fake, true);
    append(bench, 8);
    start(bench);
    fake_exporter_wait_calls(&bench->fake, 5);
    assert_int_equal(worker_durable_sequence(bench->worker), 1);
    assert_int_equal(status_of(bench).next_sequence, 1);
    assert_non_null(strstr(status_of(bench).last_error, "the fake says"));
    stop(bench);
    fake_exporter_always_retry(&bench->fake, false);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    stop(bench);
    assert_each_delivered_once(bench, 8);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void test_a_poisoned_record_at_any_place_is_isolated(void **state)
{
    struct bench *bench = *state;
    bool has;

    for (uint64_t bad = 1; bad <= 8; bad++) {
        uint64_t sequence = (bad - 1) * 8 + bad; /* a batch each, each time another place */
        bench->fake.poison[sequence] = true;
        append(bench, 8);
        start(bench);
        fake_exporter_wait_delivered(&bench->fake, bad * 7);
        stop(bench);
        assert_int_equal(letters(bench, sequence, &has), bad);
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
    append(bench, 9);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 1);
    assert_int_equal(status_of(bench).dead_letter_records, 8);
    stop(bench);
    assert_int_equal(letters(bench, 8, &has), 8);
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
    append(bench, 80);
    start(bench);
    fake_exporter_wait_calls(&bench->fake, 30); /* two batches of 8, taken apart */
    stop(bench);
    size_t dead = letters(bench, 1, &has);
    assert_in_range(dead, 16, 40);
    memset(bench->fake.poison, 0, sizeof(bench->fake.poison));
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 80 - dead);
    stop(bench);
    assert_int_equal(letters(bench, 1, &has), dead);
}

static void test_a_long_run_of_bad_records_comes_to_its_end(void **state)
{
    struct bench *bench = *state;

    for (uint64_t i = 1; i <= 50; i++)
        bench->fake.poison[i] = true;
    append(bench, 60);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 10);
    assert_int_equal(status_of(bench).dead_letter_records, 50);
    stop(bench);
}

static void test_too_large_is_halved_until_it_fits(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->fake.count_max = 2;
    append(bench, 8);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    stop(bench);
    assert_each_delivered_once(bench, 8);
    assert_int_equal(letters(bench, 1, &has), 0);
}

static void test_a_single_record_that_is_too_large_is_a_dead_letter(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_TOO_LARGE},
                                          {.result = EXPORT_TOO_LARGE}};
    bool has;

    fake_exporter_script(&bench->fake, answers, 2);
    append(bench, 2);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 1);
    stop(bench);
    assert_int_equal(letters(bench, 1, &has), 1);
    assert_true(has);
    assert_int_equal(bench->fake.delivered[2], 1);
}

static void test_partial_success_is_neither_resent_nor_counted_as_delivered(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_DONE, .rejected_count = 3}};
    bool has;

    fake_exporter_script(&bench->fake, answers, 1);
    append(bench, 8);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8); /* what the fake took in */
    append(bench, 1);
    fake_exporter_wait_delivered(&bench->fake, 9);
    stop(bench);
    start(bench);
    assert_int_equal(worker_durable_sequence(bench->worker), 10);
    stop(bench);
    assert_int_equal(bench->fake.call_count, 2);
    assert_int_equal(letters(bench, 1, &has), 0);
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
    append(bench, 8);
    append(bench, 8);
    append(bench, 8);
    append(bench, 8);
    start(bench);
    fake_exporter_wait_calls(&bench->fake, 4); /* so the first three are accounted for */
    struct worker_status status = status_of(bench);
    assert_int_equal(status.delivered_records, 5 + 0 + 8);
    assert_int_equal(status.rejected_records, 3);
    assert_int_equal(status.dead_letter_records, 8); /* all of a batch: it is known which */
    stop(bench);
    assert_int_equal(letters(bench, 9, &has), 8);
    assert_true(has);
}

/* Nothing may pass a record that could be put nowhere. */
static void test_dead_letters_that_cannot_be_written_hold_the_cursor(void **state)
{
    struct bench *bench = *state;
    bool has;

    bench->fake.poison[1] = true;
    assert_int_equal(mkdirat(bench->dir.fd, "fake.test.jsonl", 0700), 0); /* in the file's place */
    append(bench, 2);
    start(bench);
    fake_exporter_wait_calls(&bench->fake, 6);
    assert_int_equal(worker_durable_sequence(bench->worker), 1);
    assert_int_equal(bench->fake.delivered[2], 0);
    assert_int_equal(unlinkat(bench->dir.fd, "fake.test.jsonl", AT_REMOVEDIR), 0);
    fake_exporter_wait_delivered(&bench->fake, 1);
    stop(bench);
    assert_int_equal(letters(bench, 1, &has), 1);
    assert_true(has);
}

/* --- Stopping --------------------------------------------------------------------------------- */

static void test_stopping_sends_what_is_committed(void **state)
{
    struct bench *bench = *state;

    fake_exporter_close_gate(&bench->fake);
    append(bench, 8);
    start(bench);
    fake_exporter_wait_inside(&bench->fake);
    append(bench, 30);
    worker_ask_to_stop(bench->worker, clock_monotonic_ns() + 60 * NS_PER_S);
    fake_exporter_open_gate(&bench->fake);
    stop(bench);
    assert_each_delivered_once(bench, 38);
}

static void test_stopping_while_idle_ends_at_once(void **state)
{
    struct bench *bench = *state;

    append(bench, 3);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 3);
    stop(bench);
    start(bench);
    assert_int_equal(worker_durable_sequence(bench->worker), 4);
    stop(bench);
    assert_int_equal(bench->fake.call_count, 1);
}

static void test_stopping_without_time_loses_nothing(void **state)
{
    struct bench *bench = *state;

    fake_exporter_close_gate(&bench->fake);
    append(bench, 8);
    start(bench);
    fake_exporter_wait_inside(&bench->fake);
    append(bench, 30);
    worker_ask_to_stop(bench->worker, 0);
    fake_exporter_open_gate(&bench->fake);
    stop(bench);
    assert_int_equal(bench->fake.call_count, 1); /* the one that was under way */
    start(bench);
    assert_int_equal(worker_durable_sequence(bench->worker), 9);
    fake_exporter_wait_delivered(&bench->fake, 38);
    stop(bench);
    assert_each_delivered_once(bench, 38);
}

static void test_stopping_during_a_long_wait_tries_once_more(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_RETRY, .retry_after_ms = 500000},
                                          {.result = EXPORT_RETRY, .retry_after_ms = 500000}};

    fake_exporter_script(&bench->fake, answers, 2);
    append(bench, 8);
    start(bench);
    fake_exporter_wait_calls(&bench->fake, 1);
    stop(bench);
    assert_int_equal(bench->fake.call_count, 2);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    stop(bench);
    assert_each_delivered_once(bench, 8);
}

static void test_stopping_in_the_middle_of_a_split_keeps_what_is_done(void **state)
{
    struct bench *bench = *state;
    const struct fake_answer answers[] = {{.result = EXPORT_REJECTED},
                                          {.result = EXPORT_DONE},
                                          {.result = EXPORT_RETRY, .retry_after_ms = 500000},
                                          {.result = EXPORT_RETRY, .retry_after_ms = 500000}};

    fake_exporter_script(&bench->fake, answers, 4);
    append(bench, 8);
    start(bench);
    fake_exporter_wait_calls(&bench->fake, 3);
    stop(bench);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    stop(bench);
    assert_each_delivered_once(bench, 8);
    assert_int_equal(bench->fake.calls[4].first_sequence, 5);
}

/* --- Cursors ---------------------------------------------------------------------------------- */

static void test_a_damaged_cursor_delivers_everything_again(void **state)
{
    struct bench *bench = *state;

    append(bench, 8);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    stop(bench);
    int fd = openat(bench->dir.fd, "fake.test", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\xff", 1, 9), 1);
    (void)close(fd);
    start(bench);
    fake_exporter_wait_calls(&bench->fake, 2);
    stop(bench);
    for (size_t i = 1; i <= 8; i++)
        assert_int_equal(bench->fake.delivered[i], 2);
    assert_int_equal(faccessat(bench->dir.fd, "fake.test.corrupt", F_OK, 0), 0);
}

/* A destination was away for longer than the journal could keep its records. */
static void test_records_retired_before_delivery_are_missing(void **state)
{
    struct bench *bench = *state;

    append(bench, 8);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 8);
    stop(bench);
    for (int i = 0; i < 10; i++)
        append_sized(bench, 80, 4096); /* 3.2 MiB in segments of 1 MiB */
    journal_retire(bench->journal, 700);
    uint64_t oldest = journal_oldest(bench->journal);
    assert_in_range(oldest, 10, 700);
    start(bench);
    assert_int_equal(status_of(bench).missing_records, oldest - 9);
    fake_exporter_wait_delivered(&bench->fake, 8 + 809 - oldest);
    stop(bench);
    assert_int_equal(bench->fake.delivered[oldest - 1], 0);
    assert_int_equal(bench->fake.delivered[oldest], 1);
    assert_int_equal(bench->fake.delivered[808], 1);
}

static void test_records_wait_for_company_until_a_request_is_full(void **state)
{
    struct bench *bench = *state;

    bench->settings.batch_delay_ns = 3600 * NS_PER_S; /* only company ends the wait */
    append(bench, 1);
    start(bench);
    fake_exporter_wait_delivered(&bench->fake, 1); /* now it knows what is full: 8 */
    append(bench, 3);
    append(bench, 5);
    fake_exporter_wait_delivered(&bench->fake, 9);
    append(bench, 2);
    stop(bench); /* does not wait for the hour either */
    assert_each_delivered_once(bench, 11);
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

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, make_bench, drop_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_records_arrive_in_order_and_once),
        ON_BENCH(test_a_restart_resumes_behind_what_was_confirmed),
        ON_BENCH(test_a_failing_batch_is_sent_until_it_is_taken),
        ON_BENCH(test_the_cursor_stays_until_there_is_an_outcome),
        ON_BENCH(test_a_poisoned_record_at_any_place_is_isolated),
        ON_BENCH(test_a_batch_of_poison_ends_among_the_dead_letters),
        ON_BENCH(test_a_destination_that_refuses_everything_is_not_fed_the_backlog),
        ON_BENCH(test_a_long_run_of_bad_records_comes_to_its_end),
        ON_BENCH(test_too_large_is_halved_until_it_fits),
        ON_BENCH(test_a_single_record_that_is_too_large_is_a_dead_letter),
        ON_BENCH(test_partial_success_is_neither_resent_nor_counted_as_delivered),
        ON_BENCH(test_counts_of_partial_success),
        ON_BENCH(test_dead_letters_that_cannot_be_written_hold_the_cursor),
        ON_BENCH(test_stopping_sends_what_is_committed),
        ON_BENCH(test_stopping_while_idle_ends_at_once),
        ON_BENCH(test_stopping_without_time_loses_nothing),
        ON_BENCH(test_stopping_during_a_long_wait_tries_once_more),
        ON_BENCH(test_stopping_in_the_middle_of_a_split_keeps_what_is_done),
        ON_BENCH(test_a_damaged_cursor_delivers_everything_again),
        ON_BENCH(test_records_retired_before_delivery_are_missing),
        ON_BENCH(test_records_wait_for_company_until_a_request_is_full),
        ON_BENCH(test_a_worker_that_cannot_start_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
