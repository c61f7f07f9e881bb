/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_delivery_test.c -- journal, worker and the Elasticsearch exporter together: how many
 * requests it takes until each record has its outcome, which records are in them, where the cursor
 * stands, and what is among the dead letters. */
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
#include "support/letters_found.h"
#include "support/option.h"
#include "support/test_journal.h"
#include "util/clock.h"

enum { RECORDS = 6, ANSWERS_MAX = 8, POLL_US = 2000, POLLS_MAX = 15000, BODY_MAX = 1024 };

#define CREATED  "{\"create\":{\"status\":201}}"
#define EXISTS   "{\"create\":{\"status\":409}}"
#define REFUSED  "{\"create\":{\"status\":400,\"error\":{\"type\":\"document_parsing_exception\"}}}"
#define BUSY     "{\"create\":{\"status\":429}}"
#define ASIDE    "{\"create\":{\"status\":201,\"failure_store\":\"used\"}}"
#define NO_INDEX "{\"create\":{\"status\":404}}"

#define HELLO SLICE("\x2a\x07\x0a\x05hello")

static void *make_config(const struct exporter_ops *ops, const char *endpoint)
{
    void *config = option_make_config(ops);

    option_set_text(ops, config, "endpoint", endpoint);
    option_set_enum(ops, config, "compression", "none");
    option_set_enum(ops, config, "flavor", "elasticsearch");
    option_set_number(ops, config, "compression_level", 1);
    option_set_number(ops, config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, config, "max_response_size", 4096);
    option_set_number(ops, config, "max_body_size", 1 << 20);
    option_set_text(ops, config, "data_stream.dataset", "telltale");
    option_set_text(ops, config, "data_stream.namespace", "default");
    return config;
}

static struct worker *start_worker(struct test_journal *journal, const void *config)
{
    struct worker *worker;
    struct error err;
    const struct worker_settings settings = {
        .name = "elastic/soc",
        .cursor_dir = journal->dir.path,
        .dead_letter_dir = journal->dir.path,
        .ops = exporter_find("elastic"),
        .config = config,
        .state_dir = journal->dir.path,
        .batch_size_max = 1 << 20,
        .batch_count_max = 16,
        .lanes_max = 1,
        .timeout_ns = 30 * NS_PER_S,
        .retry_initial_ns = NS_PER_MS,
        .retry_max_ns = 2 * NS_PER_MS,
    };

    assert_int_equal(worker_start(&settings, journal->journal, &worker, &err), ST_OK);
    return worker;
}

/* How a run of six records goes. */
struct run {
    const char *name;
    struct {
        int status;
        const char *items[RECORDS]; /* NULL: no more; none at all: an empty body */
        size_t sent;                /* records in the request */
    } answers[ANSWERS_MAX];         /* the first with nothing sent ends them */
    unsigned dead;                  /* a bit for each record */
    uint64_t put_aside;
    bool waits; /* for somebody to repair something */
};

static const struct run runs[] = {
    {.name = "all created",
     .answers = {{200, {CREATED, CREATED, CREATED, CREATED, CREATED, CREATED}, 6}}},
    {.name = "all there already",
     .answers = {{200, {EXISTS, EXISTS, EXISTS, EXISTS, EXISTS, EXISTS}, 6}}},
    {.name = "three put aside",
     .answers = {{200, {ASIDE, CREATED, ASIDE, EXISTS, CREATED, ASIDE}, 6}},
     .put_aside = 3},
    {.name = "first and last refused",
     .answers = {{200, {REFUSED, CREATED, CREATED, CREATED, CREATED, REFUSED}, 6}},
     .dead = 1 << 0 | 1 << 5},
    {.name = "all refused",
     .answers = {{200, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}, 6}},
     .dead = 0x3f},
    {.name = "busy for two, then for one",
     .answers = {{200, {CREATED, BUSY, REFUSED, CREATED, BUSY, CREATED}, 6},
                 {200, {BUSY, CREATED}, 2},
                 {200, {CREATED}, 1}},
     .dead = 1 << 2},
    {.name = "too large, and halves that are not",
     .answers = {{413, {NULL}, 6},
                 {200, {CREATED, REFUSED, CREATED}, 3},
                 {200, {CREATED, CREATED, CREATED}, 3}},
     .dead = 1 << 1},
    {.name = "nothing said, then all there",
     .answers = {{200, {NULL}, 6}, {200, {EXISTS, EXISTS, EXISTS, EXISTS, EXISTS, EXISTS}, 6}}},
    {.name = "too few items, then all",
     .answers = {{200, {CREATED, CREATED, CREATED, CREATED, CREATED}, 6},
                 {200, {EXISTS, EXISTS, EXISTS, EXISTS, EXISTS, CREATED}, 6}}},
    {.name = "a server that is down for a moment",
     .answers = {{503, {NULL}, 6},
                 {429, {NULL}, 6},
                 {200, {CREATED, CREATED, CREATED, CREATED, CREATED, CREATED}, 6}}},
    {.name = "no index",
     .answers = {{200, {NO_INDEX, NO_INDEX, NO_INDEX, NO_INDEX, NO_INDEX, NO_INDEX}, 6}},
     .waits = true},
};

static void script(struct http_sink *sink, const struct run *run)
{
    static char bodies[ANSWERS_MAX][BODY_MAX]; /* the sink borrows them */
    struct http_sink_answer answers[ANSWERS_MAX];
    size_t count = 0;

    for (; count < ANSWERS_MAX && run->answers[count].sent > 0; count++) {
        char *body = bodies[count];
        size_t size = 0;
        for (size_t i = 0; i < RECORDS && run->answers[count].items[i] != NULL; i++) {
            size += (size_t)snprintf(body + size, BODY_MAX - size, "%s%s",
                                     i > 0 ? "," : "{\"items\":[", run->answers[count].items[i]);
        }
        if (size > 0)
            size += (size_t)snprintf(body + size, BODY_MAX - size, "]}");
        assert_true(size < BODY_MAX);
        answers[count] = (struct http_sink_answer){.status = run->answers[count].status,
                                                   .body = slice_of(body, size)};
    }
    http_sink_script(sink, answers, count);
}

static struct worker_status await_end(struct worker *worker, const struct run *run)
{
    struct worker_status status = {.next_sequence = 0};

    for (int i = 0; i < POLLS_MAX; i++) {
        worker_read_status(worker, &status);
        if (run->waits ? status.retries > 0
                       : status.delivered_records + status.dead_letter_records == RECORDS)
            return status;
        (void)usleep(POLL_US);
    }
    fail_msg("%s: %s", run->name, status.last_error);
    return status;
}

static size_t records_in(const struct http_sink_request *request)
{
    size_t lines = 0;

    for (size_t i = 0; i < request->body.size; i++)
        lines += request->body.data[i] == '\n';
    return lines / 2;
}

static void assert_requests(struct http_sink *sink, size_t before, const struct run *run)
{
    size_t count = 0;

    while (count < ANSWERS_MAX && run->answers[count].sent > 0)
        count++;
    if (http_sink_count(sink) != before + count)
        fail_msg("%s: %zu requests", run->name, http_sink_count(sink) - before);
    for (size_t i = 0; i < count; i++) {
        if (records_in(http_sink_request(sink, before + i)) != run->answers[i].sent)
            fail_msg("%s: request %zu", run->name, i);
    }
}

static void assert_letters(struct test_journal *journal, const struct run *run)
{
    struct letters_found found;
    int dir_fd = open(journal->dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dir_fd >= 0);
    letters_found_read(dir_fd, &found);
    (void)close(dir_fd);
    assert_int_equal(found.torn, 0);
    for (unsigned i = 0; i < RECORDS; i++) {
        if (found.times[i + 1] != (run->dead >> i & 1))
            fail_msg("%s: record %u", run->name, i);
    }
}

static void try_run(struct http_sink *sink, const void *config, const struct run *run)
{
    struct test_journal journal;
    size_t before = http_sink_count(sink);
    unsigned dead = (unsigned)__builtin_popcount(run->dead);

    test_journal_open(&journal);
    test_journal_append(journal.journal, &(struct record_group){0}, HELLO, RECORDS);
    script(sink, run);
    struct worker *worker = start_worker(&journal, config);
    struct worker_status status = await_end(worker, run);
    assert_int_equal(status.delivered_records, run->waits ? 0 : RECORDS - dead);
    assert_int_equal(status.dead_letter_records, dead);
    assert_int_equal(status.put_aside_records, run->put_aside);
    assert_requests(sink, before, run);
    worker_stop(worker, clock_monotonic_ns() + (run->waits ? 0 : NS_PER_S));
    assert_letters(&journal, run);
    /* What is settled does not come again; what is not, does. */
    before = http_sink_count(sink);
    worker = start_worker(&journal, config);
    for (int i = 0; run->waits && i < POLLS_MAX && http_sink_count(sink) == before; i++)
        (void)usleep(POLL_US);
    worker_stop(worker, clock_monotonic_ns() + (run->waits ? 0 : NS_PER_S));
    assert_int_equal(http_sink_count(sink) > before, run->waits);
    test_journal_close(&journal);
}

static void test_each_record_has_its_outcome_and_the_cursor_follows(void **state)
{
    const struct http_sink_settings settings = {.unix_path = NULL};
    struct http_sink *sink = http_sink_start(&settings);
    char endpoint[64];
    (void)state;

    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", http_sink_port(sink));
    void *config = make_config(exporter_find("elastic"), endpoint);
    for (size_t i = 0; i < COUNT_OF(runs); i++)
        try_run(sink, config, &runs[i]);
    free(config);
    http_sink_stop(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_record_has_its_outcome_and_the_cursor_follows),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
