/* SPDX-License-Identifier: Apache-2.0 */
/* journal_memory_test.c -- journal and worker with each allocation failing in turn, on whatever
 * thread: no crash, nothing leaked, and what was acknowledged is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "deliver/worker.h"
#include "support/failing_alloc.h"
#include "support/fake_exporter.h"
#include "support/journal_fixture.h"
#include "util/clock.h"
#include "util/log.h"

enum {
    BATCHES = 6,
    RECORD_SIZE = 150,
    SEGMENT_SIZE = 1200,
    NUMBERS_MAX = 64,
    RETIRED = 4,
    PATIENCE_S = 60,
};

struct bench {
    struct journal_fixture fixture;
    uint64_t tried;
    bool is_acked[NUMBERS_MAX];        /* by record number */
    uint64_t sequence_of[NUMBERS_MAX]; /* of those that were acknowledged */
};

static void begin(struct bench *bench)
{
    *bench = (struct bench){.tried = 0};
    journal_fixture_init(&bench->fixture);
    journal_fixture_close(&bench->fixture);
    bench->fixture.settings.segment_size = SEGMENT_SIZE;
    bench->fixture.group_count = 2;
    bench->fixture.has_only_logs = true;
}

static void assert_no_memory(enum status st, const char *what, unsigned at, const struct error *err)
{
    if (st != ST_NO_MEMORY)
        fail_msg("%s, allocation %u: status %d: %s", what, at, (int)st, err->text);
}

/* A record as the fixture makes them, but for memory that may be refused. */
static enum status make_batch(uint64_t number, struct append_batch **ret, struct error *err)
{
    const struct record_group group = {
        .resource_logs_fields = number % 2 == 0 ? SLICE("resource 0") : SLICE("resource 1"),
        .scope_logs_fields = SLICE("scope")};
    struct buf *buf;

    enum status st = append_batch_create(1 << 20, ret, err);
    if (st != ST_OK)
        return st;
    st = append_batch_set_group(*ret, &group, err);
    if (st == ST_OK)
        st = append_batch_begin(*ret, &buf, err);
    if (st == ST_OK)
        st = buf_reserve(buf, RECORD_SIZE, err);
    if (st != ST_OK) {
        append_batch_destroy(*ret);
        return st;
    }
    uint8_t *bytes = buf->data + buf->size;
    for (size_t i = 0; i < RECORD_SIZE; i++)
        bytes[i] = i < 8 ? (uint8_t)(number >> (8 * i)) : (uint8_t)(number * 31 + i);
    buf->size += RECORD_SIZE;
    append_batch_end(*ret);
    return ST_OK;
}

static void append(struct bench *bench, unsigned at)
{
    uint64_t number = ++bench->tried;
    struct append_batch *batch;
    struct error err;

    enum status st = make_batch(number, &batch, &err);
    if (st == ST_OK)
        st = journal_commit(bench->fixture.journal, batch, &err);
    if (st != ST_OK) {
        if (st != ST_IO) /* what the journal's thread could not do, for whatever reason */
            assert_no_memory(st, "append", at, &err);
        return;
    }
    bench->is_acked[number] = true;
    bench->sequence_of[number] = journal_committed(bench->fixture.journal) - 1;
}

/* Reads all, with memory that may be refused. */
static void read_some(struct bench *bench, unsigned at)
{
    const struct batch_limits limits = {.size_max = 1 << 20, .count_max = 100};
    struct journal_reader *reader;
    struct batch batch = {.record_count = 1};
    uint64_t next;
    uint64_t missing;
    struct error err;

    enum status st = journal_reader_open(bench->fixture.journal, 0, &reader, &err);
    if (st != ST_OK) {
        assert_no_memory(st, "reader", at, &err);
        return;
    }
    while (st == ST_OK && batch.record_count > 0) {
        st = journal_reader_next(reader, &limits, &batch, &next, &missing, &err);
        for (size_t i = 0; st == ST_OK && i < batch.record_count; i++)
            (void)journal_record_number(batch.records[i].bytes); /* is whole */
    }
    if (st != ST_OK)
        assert_no_memory(st, "read", at, &err);
    journal_reader_close(reader);
}

static void work(struct bench *bench, unsigned at)
{
    struct error err;

    enum status st = journal_open(&bench->fixture.settings, &bench->fixture.journal,
                                  &bench->fixture.recovery, &err);
    if (st != ST_OK) {
        assert_no_memory(st, "open", at, &err);
        return;
    }
    for (unsigned i = 0; i < BATCHES; i++)
        append(bench, at);
    read_some(bench, at);
    journal_retire(bench->fixture.journal, RETIRED);
}

static void check(struct bench *bench, unsigned at)
{
    struct journal_seen seen;

    journal_fixture_read(&bench->fixture, 0, NULL, &seen);
    for (uint64_t i = 1; i <= bench->tried; i++) {
        bool is_promised = bench->is_acked[i] && bench->sequence_of[i] >= RETIRED;
        if (seen.times[i] > 1 || (is_promised && (seen.times[i] == 0 || seen.groupless[i])))
            fail_msg("allocation %u: record %u comes %u times", at, (unsigned)i,
                     (unsigned)seen.times[i]);
    }
    journal_seen_fini(&seen);
}

static bool run_journal(void *context, unsigned at, unsigned length)
{
    struct bench bench;
    bool has_failed = false;

    (void)context;
    begin(&bench);
    for (int i = 0; i < 2; i++) { /* on a first start and on a later one */
        failing_alloc_begin(at, length);
        work(&bench, at);
        has_failed = failing_alloc_end() || has_failed;
        if (bench.fixture.journal != NULL) {
            append(&bench, at); /* with memory it goes on */
            assert_true(bench.is_acked[bench.tried]);
            check(&bench, at);
        }
        journal_fixture_close(&bench.fixture);
    }
    failing_alloc_begin(at, length);
    work(&bench, at);
    journal_fixture_close(&bench.fixture);
    has_failed = failing_alloc_end() || has_failed;
    journal_fixture_open(&bench.fixture);
    check(&bench, at);
    journal_fixture_fini(&bench.fixture);
    return has_failed;
}

static void test_a_journal_without_memory_loses_nothing_that_it_acknowledged(void **state)
{
    (void)state;
    failing_alloc_try("journal: open, append, read, retire", run_journal, NULL, 20);
}

/* --- A worker -----------------------------------------------------------------------------------
 */

static struct worker_settings settings_of(struct bench *bench, struct fake_exporter *fake)
{
    return (struct worker_settings){.name = "fake/test",
                                    .cursor_dir = bench->fixture.temp.path,
                                    .dead_letter_dir = bench->fixture.temp.path,
                                    .ops = &fake_exporter_ops,
                                    .config = fake,
                                    .state_dir = bench->fixture.temp.path,
                                    .batch_size_max = 1 << 20,
                                    .batch_count_max = 2,
                                    .lanes_max = 2,
                                    .timeout_ns = PATIENCE_S * NS_PER_S,
                                    .retry_initial_ns = NS_PER_MS / 10,
                                    .retry_max_ns = NS_PER_MS};
}

static void deliver_all(struct bench *bench, struct fake_exporter *fake)
{
    const struct worker_settings settings = settings_of(bench, fake);
    struct worker *worker;
    struct error err;

    assert_int_equal(worker_start(&settings, bench->fixture.journal, &worker, &err), ST_OK);
    worker_stop(worker, clock_monotonic_ns() + PATIENCE_S * NS_PER_S);
    for (uint64_t i = 1; i <= bench->tried; i++)
        assert_true(fake->delivered[bench->sequence_of[i]] > 0);
}

static bool run_worker(void *context, unsigned at, unsigned length)
{
    struct bench bench;
    struct fake_exporter fake;
    struct worker *worker = NULL;
    struct error err;

    (void)context;
    begin(&bench);
    fake_exporter_init(&fake);
    journal_fixture_open(&bench.fixture);
    for (unsigned i = 0; i < BATCHES; i++)
        append(&bench, at);
    const struct worker_settings settings = settings_of(&bench, &fake);
    failing_alloc_begin(at, length);
    enum status st = worker_start(&settings, bench.fixture.journal, &worker, &err);
    if (st == ST_OK)
        worker_stop(worker, clock_monotonic_ns() + PATIENCE_S * NS_PER_S);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK)
        assert_no_memory(st, "worker", at, &err);
    deliver_all(&bench, &fake);
    journal_fixture_fini(&bench.fixture);
    fake_exporter_fini(&fake);
    return has_failed;
}

static void test_a_worker_without_memory_delivers_all_when_there_is_some(void **state)
{
    (void)state;
    failing_alloc_try("worker: start and deliver", run_worker, NULL, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_journal_without_memory_loses_nothing_that_it_acknowledged),
        cmocka_unit_test(test_a_worker_without_memory_delivers_all_when_there_is_some),
    };
    log_set_level(LOG_LEVEL_ERROR);
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
