/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_delivery_test.c -- journal, worker and the OTLP/HTTP exporter together: where the
 * cursor stands, and what is among the dead letters, behind each status. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver/exporter_list.h"
#include "deliver/worker.h"
#include "support/http_sink.h"
#include "support/http_statuses.h"
#include "support/letters_found.h"
#include "support/option.h"
#include "support/test_journal.h"
#include "util/clock.h"

enum { POLL_US = 2000, POLLS_MAX = 15000 };

#define HELLO SLICE("\x2a\x07\x0a\x05hello")

static void *make_config(const struct exporter_ops *ops, const char *endpoint)
{
    static const char *const signals[] = {"logs"};
    void *config = option_make_config(ops);

    option_set_text(ops, config, "endpoint", endpoint);
    option_set_enum(ops, config, "compression", "none");
    option_set_number(ops, config, "compression_level", 1);
    option_set_number(ops, config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, config, "max_response_size", 4096);
    option_set_number(ops, config, "max_body_size", 1 << 20);
    option_set_list(ops, config, "signals", (struct config_text_list){signals, 1});
    return config;
}

static struct worker *start_worker(struct test_journal *journal, const void *config)
{
    struct worker *worker;
    struct error err;
    const struct worker_settings settings = {
        .name = "otlp_http/soc",
        .cursor_dir = journal->dir.path,
        .dead_letter_dir = journal->dir.path,
        .ops = exporter_find("otlp_http"),
        .config = config,
        .state_dir = journal->dir.path,
        .batch_size_max = 1 << 20,
        .batch_count_max = 16,
        .lanes_max = 1,
        .timeout_ns = 30 * NS_PER_S,
        .retry_initial_ns = 30 * NS_PER_S, /* once is enough */
        .retry_max_ns = 30 * NS_PER_S,
    };

    assert_int_equal(worker_start(&settings, journal->journal, &worker, &err), ST_OK);
    return worker;
}

/* Waits until the worker has an answer to its one record, and says how it stands then. */
static struct worker_status await_answer(struct worker *worker)
{
    struct worker_status status;

    for (int i = 0; i < POLLS_MAX; i++) {
        worker_read_status(worker, &status);
        if (status.delivered_records + status.dead_letter_records > 0 || status.retries > 0 ||
            status.last_error[0] != 0)
            return status;
        (void)usleep(POLL_US);
    }
    fail_msg("no answer");
    return status;
}

static unsigned letters_of(struct test_journal *journal, uint64_t sequence)
{
    struct letters_found found;
    int dir_fd = open(journal->dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dir_fd >= 0 && sequence < LETTERS_FOUND_MAX);
    letters_found_read(dir_fd, &found);
    (void)close(dir_fd);
    assert_int_equal(found.torn, 0);
    return found.times[sequence];
}

/* Sends record `sequence`, which is answered with `status`, to whatever end. */
static void try_status(struct test_journal *journal, struct http_sink *sink, const void *config,
                       int status, enum export_result expected, uint64_t sequence)
{
    const struct http_sink_answer answers[] = {{.status = status}, {.status = 200}};
    bool is_dead = expected == EXPORT_REJECTED || expected == EXPORT_TOO_LARGE;

    http_sink_script(sink, answers, 1);
    test_journal_append(journal->journal, &(struct record_group){0}, HELLO, 1);
    struct worker *worker = start_worker(journal, config);
    struct worker_status found = await_answer(worker);
    if (found.delivered_records != (expected == EXPORT_DONE) ||
        found.dead_letter_records != is_dead || found.next_sequence > sequence + 1)
        fail_msg("%d: %s", status, found.last_error);
    if (expected == EXPORT_RETRY)
        assert_int_equal(found.next_sequence, sequence);
    worker_stop(worker, clock_monotonic_ns());
    assert_int_equal(letters_of(journal, sequence), is_dead);
    if (expected != EXPORT_RETRY)
        return;
    http_sink_script(sink, &answers[1], 1); /* somebody has repaired it */
    worker = start_worker(journal, config);
    assert_int_equal(await_answer(worker).delivered_records, 1);
    worker_stop(worker, clock_monotonic_ns() + NS_PER_S);
}

static void test_cursor_and_dead_letters_behind_each_status(void **state)
{
    const struct exporter_ops *ops = exporter_find("otlp_http");
    const struct http_sink_settings settings = {.unix_path = NULL};
    struct http_sink *sink = http_sink_start(&settings);
    struct test_journal journal;
    char endpoint[64];
    (void)state;

    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", http_sink_port(sink));
    test_journal_open(&journal);
    void *config = make_config(ops, endpoint);
    for (size_t i = 0; i < HTTP_STATUS_COUNT; i++) {
        const struct http_status_meaning *row = &http_status_meanings[i];
        try_status(&journal, sink, config, row->status, row->plain, i + 1);
    }
    /* Nothing was repeated that was settled. */
    size_t requests = http_sink_count(sink);
    struct worker *worker = start_worker(&journal, config);
    worker_stop(worker, clock_monotonic_ns() + NS_PER_S);
    assert_int_equal(http_sink_count(sink), requests);
    free(config);
    test_journal_close(&journal);
    http_sink_stop(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_and_dead_letters_behind_each_status),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
