/* SPDX-License-Identifier: Apache-2.0 */
/* chain_fault_test.c -- journal, worker and store on one disk that fails at another call each time:
 * what was acknowledged to the sender is in the store in the end, once.
 *
 * Three threads use the disk, so that call number n is not the same one in each run; there are
 * several hundred runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "deliver/worker.h"
#include "store/store_reader.h"
#include "support/fault_points.h"
#include "support/file_store.h"
#include "support/journal_fixture.h"
#include "telltale/store_file.h"
#include "telltaled/destinations.h"
#include "util/clock.h"
#include "util/log.h"
#include "wire/otlp.h"

extern const struct exporter_ops exporter_file;

enum {
    BATCHES = 8,
    NUMBERS_MAX = 64,
    POINTS_MIN = 60,
    SYNC_POINTS_MIN = 15,
    PADDING = 300,
    PATIENCE_S = 60, /* for a disk in order */
};

struct chain {
    struct file_store store; /* its directory holds everything */
    char paths[3][TEMP_DIR_PATH_MAX + 32];
    struct journal *journal;
    struct worker *worker;
    uint64_t next; /* number of the next record */
    bool is_acked[NUMBERS_MAX];
    unsigned times[NUMBERS_MAX]; /* in the store */
};

static const char *const folders[] = {"journal", "cursors", "dead-letters"};

static void begin(struct chain *chain)
{
    file_store_init(&chain->store);
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        snprintf(chain->paths[i], sizeof(chain->paths[i]), "%s/%s", chain->store.dir.path,
                 folders[i]);
    assert_int_equal(mkdir(chain->paths[1], 0700), 0);
    assert_int_equal(mkdir(chain->paths[2], 0700), 0);
    file_store_set(&chain->store, "rotate.size", 1500);
    file_store_set(&chain->store, "compression", 1);
    chain->next = 1;
    faulty_disk_reset(chain->store.dir.fd);
}

static bool start(struct chain *chain, struct error *err)
{
    struct journal_recovery recovery;
    const struct journal_settings journal = {
        .dir = chain->paths[0],
        .size_max = 64 << 20,
        .segment_size = 1500,
        .pending_bytes_max = 16 << 20,
        .sequence_floor = destinations_largest_cursor(chain->store.dir.path),
        .io = &faulty_disk_io,
    };
    const struct worker_settings worker = {
        .name = "file/test",
        .cursor_dir = chain->paths[1],
        .dead_letter_dir = chain->paths[2],
        .ops = &exporter_file,
        .config = chain->store.config,
        .state_dir = chain->store.dir.path,
        .batch_size_max = 1 << 20,
        .batch_count_max = 4,
        .lanes_max = 1,
        .timeout_ns = PATIENCE_S * NS_PER_S,
        .retry_initial_ns = NS_PER_MS / 10,
        .retry_max_ns = NS_PER_MS,
        .io = &faulty_disk_io,
    };

    return journal_open(&journal, &chain->journal, &recovery, err) == ST_OK &&
           worker_start(&worker, chain->journal, &chain->worker, err) == ST_OK;
}

static void stop(struct chain *chain, uint64_t patience_s)
{
    worker_stop(chain->worker, clock_monotonic_ns() + patience_s * NS_PER_S);
    chain->worker = NULL;
    journal_close(chain->journal);
    chain->journal = NULL;
}

/* A LogRecord whose severity text is the record's number. */
static void add_record(struct append_batch *batch, uint64_t number)
{
    const struct record_group group = {.scope_logs_fields = SLICE("\x0a\x03\x0a\x01s")};
    char text[PADDING + 1];
    struct buf *buf;
    struct error err;

    snprintf(text, sizeof(text), "record-%0*u", PADDING - 7, (unsigned)number);
    assert_int_equal(append_batch_set_group(batch, &group, &err), ST_OK);
    assert_int_equal(append_batch_begin(batch, &buf, &err), ST_OK);
    assert_int_equal(buf_reserve(buf, PADDING + 16, &err), ST_OK);
    uint8_t *end = buf->data + buf->size;
    end = pb_put_bytes(end, RECORD_SEVERITY_TEXT, slice_of_text(text));
    buf->size = (size_t)(end - buf->data);
    append_batch_end(batch);
}

static void append(struct chain *chain, unsigned count)
{
    struct append_batch *batch;
    struct error err;

    assert_int_equal(append_batch_create(1 << 20, &batch, &err), ST_OK);
    for (unsigned i = 0; i < count; i++)
        add_record(batch, chain->next + i);
    bool is_acked = journal_commit(chain->journal, batch, &err) == ST_OK;
    for (unsigned i = 0; i < count; i++)
        chain->is_acked[chain->next++] = is_acked;
}

static void work(struct chain *chain)
{
    struct error err;

    if (!start(chain, &err))
        return;
    for (unsigned i = 0; i < BATCHES; i++) {
        append(chain, 1 + i % 3);
        if (i != BATCHES / 2)
            continue;
        stop(chain, 0); /* with something undelivered, perhaps */
        if (!start(chain, &err))
            return;
    }
    journal_retire(chain->journal, worker_durable_sequence(chain->worker));
}

/* --- What the store has --------------------------------------------------------------------- */

static void note_line(struct chain *chain, const struct store_line *line)
{
    const char *start =
        memmem(line->text.data, line->text.size, "\"record-", sizeof("\"record-") - 1);

    if (start == NULL)
        fail_msg("line %u of %s is none of ours", (unsigned)line->number, line->file);
    unsigned long number = strtoul(start + sizeof("\"record-") - 1, NULL, 10);
    assert_in_range(number, 1, NUMBERS_MAX - 1);
    chain->times[number]++;
}

static void read_store(struct chain *chain)
{
    struct store_reader *reader;
    struct store_line line;
    struct error err;
    enum status st;

    assert_int_equal(store_reader_open(chain->store.path, NULL, &reader, &err), ST_OK);
    while ((st = store_reader_next(reader, &line, &err)) == ST_OK)
        note_line(chain, &line);
    if (st != ST_AGAIN)
        fail_msg("%s", err.text);
    store_reader_close(reader);
}

static void check(struct chain *chain, const struct fault_point *point)
{
    read_store(chain);
    for (uint64_t i = 1; i < chain->next; i++) {
        if (chain->times[i] > 1 || (chain->is_acked[i] && chain->times[i] == 0))
            fail_msg("%s at call %u: record %u was %sacknowledged and is there %u times",
                     point->plan->name, point->at, (unsigned)i, chain->is_acked[i] ? "" : "not ",
                     chain->times[i]);
    }
}

static bool run_chain(void *context, const struct fault_point *point)
{
    struct chain chain = {.next = 1};
    struct error err;

    (void)context;
    begin(&chain);
    fault_point_arm(point);
    work(&chain);
    stop(&chain, 0);
    bool was_hit = fault_point_end(point);

    if (!start(&chain, &err))
        fail_msg("%s at call %u: %s", point->plan->name, point->at, err.text);
    append(&chain, 2);
    assert_true(chain.is_acked[chain.next - 1]);
    stop(&chain, PATIENCE_S); /* delivers all */
    check(&chain, point);
    faulty_disk_reset(chain.store.dir.fd);
    file_store_fini(&chain.store);
    return was_hit;
}

static void test_what_was_acknowledged_is_in_the_store_whatever_call_fails(void **state)
{
    (void)state;
    fault_points_try_all("journal, worker and store", run_chain, NULL, POINTS_MIN, SYNC_POINTS_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_acknowledged_is_in_the_store_whatever_call_fails),
    };
    log_set_level(LOG_LEVEL_ERROR);
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
