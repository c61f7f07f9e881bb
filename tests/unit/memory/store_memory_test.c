/* SPDX-License-Identifier: Apache-2.0 */
/* store_memory_test.c -- the forensic store, its readers, the dead letters and their replay, with
 * each allocation failing in turn: nothing leaked, nothing lost that was reported as done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "deliver/replay.h"
#include "query/record_output.h"
#include "query/timeline.h"
#include "store/store_reader.h"
#include "store/store_record.h"
#include "support/failing_alloc.h"
#include "support/file_store.h"
#include "support/letters_found.h"
#include "support/store_found.h"
#include "telltale/encode.h"
#include "util/clock.h"

extern const struct exporter_ops exporter_file;

#define NAME     "fake.test"
#define EXPORTER "fake/test"

enum {
    RECORDS = 12,
    PER_BATCH = 2,
    TICKS = 4,
    LATER_S = 61,
    LETTERS = 6,
    STEP_S = 60,
    OUTPUT_MAX = 16 << 20,
};

static void assert_no_memory(enum status st, const char *what, unsigned at, const struct error *err)
{
    if (st != ST_NO_MEMORY)
        fail_msg("%s, allocation %u: status %d: %s", what, at, (int)st, err->text);
}

/* --- Records ------------------------------------------------------------------------------------
 */

/* time, body "hello", agent.event.kind, session.id; made before memory fails */
static struct buf record_bytes;
static const struct record_group group = {
    .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test"),
    .scope_logs_fields = SLICE("\x0a\x03\x0a\x01s"),
};

static int make_record(void **state)
{
    struct error err;

    (void)state;
    buf_init(&record_bytes, 4096);
    assert_int_equal(buf_reserve(&record_bytes, 64, &err), ST_OK);
    record_bytes.size = (size_t)(pb_put_fixed64(record_bytes.data, RECORD_TIME_UNIX_NANO,
                                                UINT64_C(1795209900000000000)) -
                                 record_bytes.data);
    assert_int_equal(buf_append(&record_bytes, "\x2a\x07\x0a\x05hello", 9, &err), ST_OK);
    assert_int_equal(encode_attribute_text(SLICE("agent.event.kind"), SLICE("agent.prompt"),
                                           &record_bytes, &err),
                     ST_OK);
    return 0;
}

static int drop_record(void **state)
{
    (void)state;
    buf_fini(&record_bytes);
    return 0;
}

static struct batch batch_of(struct record records[PER_BATCH], uint64_t first)
{
    for (uint64_t i = 0; i < PER_BATCH; i++)
        records[i] = (struct record){.sequence = first + i, .bytes = buf_slice(&record_bytes)};
    struct batch batch = {
        .records = records, .record_count = PER_BATCH, .groups = &group, .group_count = 1};
    memset(batch.journal_id, 0x1a, sizeof(batch.journal_id));
    return batch;
}

/* --- The file exporter ------------------------------------------------------------------------ */

static void begin_store(struct file_store *store)
{
    file_store_init(store);
    file_store_set(store, "rotate.size", 600);
    file_store_set(store, "compression", 1);
}

static enum export_result send(struct file_store *store, uint64_t first)
{
    struct record records[PER_BATCH];
    struct batch batch = batch_of(records, first);

    store->report = (struct export_report){0};
    return exporter_file.send(store->exporter, &batch, UINT64_MAX, &store->report, &store->err);
}

/* Sends from `*next` on; upkeep may fail, and is repeated. */
static void send_some(struct file_store *store, uint64_t *next, unsigned at)
{
    for (int i = 0; i < RECORDS / PER_BATCH; i++) {
        if (send(store, *next) == EXPORT_DONE)
            *next += PER_BATCH;
        else
            assert_no_memory(store->err.status, "send", at, &store->err);
    }
    for (uint64_t i = 0; i < TICKS; i++) {
        if (file_store_try_tick(store, i * LATER_S) != ST_OK)
            assert_no_memory(store->err.status, "tick", at, &store->err);
    }
}

static bool run_exporter(void *context, unsigned at, unsigned length)
{
    struct file_store store;
    struct store_found found;
    uint64_t next = 1;
    bool has_failed = false;

    (void)context;
    begin_store(&store);
    for (int i = 0; i < 2; i++) { /* on a first start and on a later one */
        failing_alloc_begin(at, length);
        if (file_store_try_start(&store) == ST_OK)
            send_some(&store, &next, at);
        else
            assert_no_memory(store.err.status, "create", at, &store.err);
        has_failed = failing_alloc_end() || has_failed;
        if (store.exporter != NULL)
            send_some(&store, &next, at); /* with memory it goes on */
        file_store_stop(&store);
    }
    file_store_start(&store);
    store_found_read(store.path, &found);
    if (found.trouble[0] != 0 || found.count != next - 1)
        fail_msg("allocation %u: %s; %u records of %u", at, found.trouble, (unsigned)found.count,
                 (unsigned)next - 1);
    file_store_fini(&store);
    return has_failed;
}

static void test_a_store_without_memory_has_what_it_reported_as_delivered(void **state)
{
    (void)state;
    failing_alloc_try("file exporter: create, send, rotate, compress", run_exporter, NULL, 10);
}

/* --- Questions ----------------------------------------------------------------------------------
 */

struct asking {
    struct story story;
    struct buf out;
};

static enum status on_record(void *context, const struct store_record_view *view, struct error *err)
{
    struct asking *asking = context;

    enum status st = story_add(&asking->story, view->group, view->bytes, err);
    if (st == ST_OK)
        st = output_table_row(&asking->out, view->record, 100, err);
    if (st == ST_OK)
        st = output_flat_json(&asking->out, view->group, view->record, err);
    return st;
}

static enum status read_lines(struct asking *asking, struct store_reader *reader,
                              struct store_record *record, struct error *err)
{
    struct store_line line;

    for (;;) {
        enum status st = store_reader_next(reader, &line, err);
        if (st == ST_AGAIN)
            return ST_OK;
        if (st == ST_OK)
            st = store_record_read(record, line.text, on_record, asking, err);
        if (st != ST_OK)
            return st;
    }
}

static enum status ask(struct asking *asking, const char *path, struct error *err)
{
    const struct timeline_style style = {.columns = 100};
    struct store_reader *reader = NULL;
    struct store_record *record = NULL;

    enum status st = store_reader_open(path, NULL, &reader, err);
    if (st == ST_OK)
        st = store_record_create(&record, err);
    if (st == ST_OK)
        st = read_lines(asking, reader, record, err);
    if (st == ST_OK)
        st = story_join(&asking->story, err);
    if (st == ST_OK)
        st = timeline_write(&asking->story, &style, &asking->out, err);
    store_record_destroy(record);
    store_reader_close(reader);
    return st;
}

static bool run_question(void *context, unsigned at, unsigned length)
{
    const struct file_store *store = context;
    struct asking asking;
    struct error err;

    story_init(&asking.story);
    buf_init(&asking.out, OUTPUT_MAX);
    failing_alloc_begin(at, length);
    enum status st = ask(&asking, store->path, &err);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK)
        assert_no_memory(st, "query", at, &err);
    else
        assert_int_equal(asking.story.event_count, RECORDS);
    buf_fini(&asking.out);
    story_fini(&asking.story);
    return has_failed;
}

static void test_a_question_without_memory_says_so_and_never_answers_half(void **state)
{
    (void)state;
    struct file_store store;
    uint64_t next = 1;

    begin_store(&store);
    file_store_start(&store);
    send_some(&store, &next, 0);
    assert_int_equal(next, RECORDS + 1);
    assert_true(file_store_count(&store, ".zst") > 0);
    file_store_stop(&store);
    failing_alloc_try("query and timeline", run_question, &store, 10);
    file_store_fini(&store);
}

/* --- Dead letters ----------------------------------------------------------------------------- */

struct letters_bench {
    struct temp_dir dir;
    struct dead_letter *letters;
    struct replay *replay;
    uint64_t now_ns;
    bool is_kept[LETTERS + 1];
    bool is_delivered[LETTERS + 1];
};

static enum status open_all(struct letters_bench *bench, struct error *err)
{
    const struct dead_letter_settings letters = {.dir = bench->dir.path,
                                                 .name = NAME,
                                                 .exporter = EXPORTER,
                                                 .file_size = 900,
                                                 .total_size = 1 << 20};
    struct replay_settings replay = {.dir = bench->dir.path, .name = NAME, .exporter = EXPORTER};

    enum status st = dead_letter_open(&letters, &bench->letters, err);
    if (st != ST_OK)
        return st;
    replay.letters = bench->letters;
    return replay_open(&replay, &bench->replay, err);
}

static void close_all(struct letters_bench *bench)
{
    replay_close(bench->replay);
    bench->replay = NULL;
    dead_letter_close(bench->letters);
    bench->letters = NULL;
}

static enum status bury(struct letters_bench *bench, uint64_t sequence, struct error *err)
{
    const struct dead_letter_reason reason = {"rejected", "no", 1, UINT64_C(1790000000000000000)};
    const struct record record = {.sequence = sequence, .bytes = buf_slice(&record_bytes)};
    const struct batch batch = {
        .records = &record, .record_count = 1, .groups = &group, .group_count = 1};

    enum status st = dead_letter_put(bench->letters, &batch, 0, &reason, err);
    return st == ST_OK ? dead_letter_sync(bench->letters, err) : st;
}

static void bury_all(struct letters_bench *bench, unsigned at)
{
    struct error err;

    for (unsigned i = 1; i <= LETTERS; i++) {
        enum status st = bench->is_kept[i] ? ST_OK : bury(bench, i, &err);
        if (st != ST_OK)
            assert_no_memory(st, "dead letter", at, &err);
        bench->is_kept[i] = st == ST_OK;
    }
}

/* The destination takes even numbers and refuses odd ones again. */
static void replay_some(struct letters_bench *bench, unsigned at)
{
    struct batch batch;
    struct error err;

    for (unsigned i = 0; i < 3 * LETTERS && replay_is_asked(bench->dir.path, NAME); i++) {
        bench->now_ns += STEP_S * NS_PER_S;
        enum status st = replay_next(bench->replay, bench->now_ns, &batch, &err);
        if (st != ST_OK)
            assert_no_memory(st, "replay", at, &err);
        if (st != ST_OK || batch.record_count == 0)
            continue;
        uint64_t sequence = batch.records[0].sequence;
        assert_in_range(sequence, 1, LETTERS);
        if (sequence % 2 == 1 && bury(bench, sequence, &err) != ST_OK)
            return; /* it has no outcome: the worker would stop here */
        bench->is_delivered[sequence] = sequence % 2 == 0;
        replay_settle(bench->replay);
    }
}

static void check_letters(struct letters_bench *bench, unsigned at)
{
    struct letters_found found;

    letters_found_read(bench->dir.fd, &found);
    assert_int_equal(found.torn, 0);
    for (unsigned i = 1; i <= LETTERS; i++) {
        if (bench->is_kept[i] && !bench->is_delivered[i] && found.times[i] == 0)
            fail_msg("allocation %u: letter %u is gone", at, i);
    }
}

static bool run_letters(void *context, unsigned at, unsigned length)
{
    const uint64_t all[] = {1, 2, 3, 4, 5, 6};
    struct letters_bench bench = {.now_ns = NS_PER_S};
    struct error err;

    (void)context;
    temp_dir_make(&bench.dir);
    failing_alloc_begin(at, length);
    enum status st = open_all(&bench, &err);
    if (st == ST_OK)
        bury_all(&bench, at);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK)
        assert_no_memory(st, "open", at, &err);
    close_all(&bench);
    check_letters(&bench, at);
    assert_int_equal(open_all(&bench, &err), ST_OK);
    bury_all(&bench, at);
    close_all(&bench);

    failing_alloc_begin(at, length);
    st = replay_ask(NULL, bench.dir.path, NAME, all, LETTERS, &err);
    if (st == ST_OK)
        st = open_all(&bench, &err);
    if (st == ST_OK)
        replay_some(&bench, at);
    has_failed = failing_alloc_end() || has_failed;
    if (st != ST_OK)
        assert_no_memory(st, "open", at, &err);
    close_all(&bench);
    check_letters(&bench, at);

    assert_int_equal(open_all(&bench, &err), ST_OK);
    if (!replay_is_asked(bench.dir.path, NAME))
        assert_int_equal(replay_ask(NULL, bench.dir.path, NAME, NULL, 0, &err), ST_OK);
    replay_some(&bench, at);
    assert_false(replay_is_asked(bench.dir.path, NAME));
    check_letters(&bench, at);
    close_all(&bench);
    temp_dir_remove(&bench.dir);
    return has_failed;
}

static void test_dead_letters_without_memory_stay_or_are_delivered(void **state)
{
    (void)state;
    failing_alloc_try("dead letters and replay", run_letters, NULL, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_without_memory_has_what_it_reported_as_delivered),
        cmocka_unit_test(test_a_question_without_memory_says_so_and_never_answers_half),
        cmocka_unit_test(test_dead_letters_without_memory_stay_or_are_delivered),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, make_record, drop_record);
}
