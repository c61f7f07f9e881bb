/* SPDX-License-Identifier: Apache-2.0 */
/* outage_test.c -- journal, worker and the OTLP/gRPC exporter together, and a server that goes
 * away in between. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <grpc/grpc.h>

#include "deliver/exporter_list.h"
#include "deliver/worker.h"
#include "support/grpc_sink.h"
#include "support/option.h"
#include "support/temp_dir.h"
#include "support/test_journal.h"
#include "util/clock.h"

enum { PATH_SIZE = TEMP_DIR_PATH_MAX + 32, RECORD_COUNT = 300, MARK_SIZE = 16 };

static void make_mark(char mark[MARK_SIZE], unsigned number)
{
    snprintf(mark, MARK_SIZE, "<record %05u>", number);
}

/* Records with a mark each as their body. */
static void append(struct journal *journal, unsigned first, unsigned count)
{
    struct append_batch *batch;
    struct error err;
    char mark[MARK_SIZE];

    assert_int_equal(append_batch_create(1 << 20, &batch, &err), ST_OK);
    assert_int_equal(append_batch_set_group(batch, &(struct record_group){0}, &err), ST_OK);
    for (unsigned i = first; i < first + count; i++) {
        struct buf *bytes;
        make_mark(mark, i);
        const uint8_t head[] = {0x2a, (uint8_t)(strlen(mark) + 2), 0x0a, (uint8_t)strlen(mark)};
        assert_int_equal(append_batch_begin(batch, &bytes, &err), ST_OK);
        assert_int_equal(buf_append(bytes, head, sizeof(head), &err), ST_OK);
        assert_int_equal(buf_append(bytes, mark, strlen(mark), &err), ST_OK);
        append_batch_end(batch);
    }
    test_journal_commit(journal, batch);
}

/* Notes which marks a server has seen. */
static void collect(struct grpc_sink *sink, bool seen[RECORD_COUNT])
{
    char mark[MARK_SIZE];

    for (size_t i = 0; i < grpc_sink_count(sink); i++) {
        struct slice body = grpc_sink_request(sink, i)->body;
        for (unsigned number = 0; number < RECORD_COUNT; number++) {
            make_mark(mark, number);
            if (memmem(body.data, body.size, mark, strlen(mark)) != NULL)
                seen[number] = true;
        }
    }
}

static struct worker *start_worker(struct journal *journal, const char *dir, void *config)
{
    struct worker *worker;
    struct error err;
    const struct worker_settings settings = {
        .name = "otlp_grpc/soc",
        .cursor_dir = dir,
        .dead_letter_dir = dir,
        .ops = exporter_find("otlp_grpc"),
        .config = config,
        .state_dir = dir,
        .batch_size_max = 1 << 20,
        .batch_count_max = 16,
        .lanes_max = 4,
        .timeout_ns = 30 * NS_PER_S,
        .retry_initial_ns = NS_PER_MS,
        .retry_max_ns = 5 * NS_PER_MS,
    };

    assert_int_equal(worker_start(&settings, journal, &worker, &err), ST_OK);
    return worker;
}

static void test_an_outage_and_a_restart_lose_nothing(void **state)
{
    (void)state;
    struct temp_dir dir;
    char endpoint[PATH_SIZE];
    char journal_dir[PATH_SIZE];
    struct journal *journal;
    struct journal_recovery recovery;
    struct error err;
    bool seen[RECORD_COUNT] = {false};

    temp_dir_make(&dir);
    snprintf(endpoint, sizeof(endpoint), "unix:%s/otlp.sock", dir.path);
    snprintf(journal_dir, sizeof(journal_dir), "%s/journal", dir.path);
    const struct journal_settings settings = {.dir = journal_dir,
                                              .size_max = 64 << 20,
                                              .segment_size = 1 << 20,
                                              .pending_bytes_max = 16 << 20};
    assert_int_equal(journal_open(&settings, &journal, &recovery, &err), ST_OK);
    const struct exporter_ops *ops = exporter_find("otlp_grpc");
    const char *signal = "logs";
    void *config = option_make_config(ops);
    option_set_text(ops, config, "endpoint", endpoint);
    option_set_enum(ops, config, "compression", "gzip");
    option_set_number(ops, config, "compression_level", 1);
    option_set_number(ops, config, "max_message_size", 1 << 20);
    option_set_list(ops, config, "signals", (struct config_text_list){&signal, 1});
    const struct grpc_sink_settings server = {.address = endpoint};

    struct worker *worker = start_worker(journal, dir.path, config); /* nobody is there yet */
    append(journal, 0, 100);
    struct grpc_sink *sink = grpc_sink_start(&server);
    append(journal, 100, 50);
    grpc_sink_stop_with(sink, collect, seen); /* in the middle of it, wherever that is */
    append(journal, 150, 50);
    worker_stop(worker, clock_monotonic_ns() + 60 * NS_PER_S);
    worker = start_worker(journal, dir.path, config);
    append(journal, 200, 100);
    sink = grpc_sink_start(&server);
    struct worker_status status;
    do {
        worker_read_status(worker, &status);
        (void)sched_yield();
    } while (status.next_sequence <= RECORD_COUNT);
    worker_stop(worker, clock_monotonic_ns() + 60 * NS_PER_S);
    grpc_sink_stop_with(sink, collect, seen);
    for (unsigned i = 0; i < RECORD_COUNT; i++)
        assert_true(seen[i]);
    assert_int_equal(status.dead_letter_records, 0);

    free(config);
    journal_close(journal);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_outage_and_a_restart_lose_nothing),
    };
    grpc_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    grpc_shutdown_blocking();
    return failed;
}
