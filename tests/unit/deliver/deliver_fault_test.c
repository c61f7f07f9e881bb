/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_fault_test.c -- cursors, dead letters and their replay, with the disk failing at another
 * call each time: a position that was saved is found, a letter that was synced is never lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "deliver/progress.h"
#include "deliver/replay.h"
#include "support/fault_points.h"
#include "support/letters_found.h"
#include "support/temp_dir.h"
#include "util/clock.h"

#define NAME     "fake.test"
#define EXPORTER "fake/test"

enum {
    STEPS = 8,
    COMMITTED = 1000,
    LETTERS = 10,
    NUMBERS_MAX = LETTERS_FOUND_MAX,
    TURNS_MAX = 200,
    STEP_S = 60, /* longer than a replay that failed waits */
};

/* --- The cursor ----------------------------------------------------------------------------- */

struct cursor_bench {
    struct temp_dir dir;
    struct progress *progress;
    uint64_t saved; /* what was reported as durable */
    uint64_t tried;
};

static enum status open_progress(struct cursor_bench *bench, struct progress_start *start,
                                 struct error *err)
{
    const struct progress_settings settings = {.dir = bench->dir.path,
                                               .name = "c",
                                               .oldest = 1,
                                               .committed = COMMITTED,
                                               .io = &faulty_disk_io};
    return progress_open(&settings, &bench->progress, start, err);
}

static void close_progress(struct cursor_bench *bench)
{
    progress_close(bench->progress);
    bench->progress = NULL;
}

/* The position is one that was saved last, or was to be saved later. */
static void check_position(struct cursor_bench *bench, const struct progress_start *start,
                           const struct fault_point *point)
{
    uint64_t next = progress_next(bench->progress);

    if (start->finding != PROGRESS_SOUND || next < bench->saved || next > bench->tried)
        fail_msg("%s at call %u: finding %d, position %u, saved %u, tried %u", point->plan->name,
                 point->at, (int)start->finding, (unsigned)next, (unsigned)bench->saved,
                 (unsigned)bench->tried);
}

static void save_step(struct cursor_bench *bench)
{
    struct error err;

    bench->tried = progress_next(bench->progress) + 3;
    progress_settle(bench->progress, bench->tried, 100);
    if (progress_save(bench->progress, 1, &err) == ST_OK)
        bench->saved = bench->tried;
    assert_int_equal(progress_durable(bench->progress), bench->saved);
}

static void move_cursor(struct cursor_bench *bench, const struct fault_point *point)
{
    struct progress_start start;
    struct error err;

    for (unsigned i = 0; i < STEPS; i++) {
        if (i % 4 == 0) {
            close_progress(bench);
            if (open_progress(bench, &start, &err) != ST_OK)
                return;
            check_position(bench, &start, point);
            bench->saved = progress_next(bench->progress);
            bench->tried = bench->saved;
        }
        save_step(bench);
    }
}

static bool run_cursor(void *context, const struct fault_point *point)
{
    struct cursor_bench bench = {.saved = 1, .tried = 1};
    struct progress_start start;
    struct error err;

    (void)context;
    temp_dir_make(&bench.dir);
    faulty_disk_reset(bench.dir.fd);
    fault_point_arm(point);
    move_cursor(&bench, point);
    close_progress(&bench);
    bool was_hit = fault_point_end(point);

    assert_int_equal(open_progress(&bench, &start, &err), ST_OK);
    check_position(&bench, &start, point);
    save_step(&bench);
    assert_int_equal(bench.saved, bench.tried);
    close_progress(&bench);
    assert_int_equal(open_progress(&bench, &start, &err), ST_OK);
    check_position(&bench, &start, point);
    close_progress(&bench);
    faulty_disk_reset(bench.dir.fd);
    temp_dir_remove(&bench.dir);
    return was_hit;
}

static void test_a_saved_position_is_found_whatever_call_fails(void **state)
{
    (void)state;
    fault_points_try_all("cursor", run_cursor, NULL, 40, 12);
}

/* --- Dead letters ----------------------------------------------------------------------------- */

struct letters_bench {
    struct temp_dir dir;
    struct dead_letter *letters;
    struct replay *replay;
    uint64_t now_ns;
    bool is_kept[NUMBERS_MAX];      /* a sync has covered the letter */
    bool is_put[NUMBERS_MAX];       /* but no sync yet */
    bool is_delivered[NUMBERS_MAX]; /* by the replay */
    struct letters_found found;
};

static void begin(struct letters_bench *bench)
{
    *bench = (struct letters_bench){.now_ns = NS_PER_S};
    temp_dir_make(&bench->dir);
    faulty_disk_reset(bench->dir.fd);
}

static enum status open_letters(struct letters_bench *bench, struct error *err)
{
    const struct dead_letter_settings settings = {.dir = bench->dir.path,
                                                  .name = NAME,
                                                  .exporter = EXPORTER,
                                                  .file_size = 1200,
                                                  .total_size = 1 << 20,
                                                  .io = &faulty_disk_io};
    return dead_letter_open(&settings, &bench->letters, err);
}

static void close_letters(struct letters_bench *bench)
{
    replay_close(bench->replay);
    bench->replay = NULL;
    dead_letter_close(bench->letters);
    bench->letters = NULL;
}

static void end(struct letters_bench *bench)
{
    close_letters(bench);
    faulty_disk_reset(bench->dir.fd);
    temp_dir_remove(&bench->dir);
}

static const struct record_group group = {
    .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test"),
    .scope_logs_fields = SLICE("\x0a\x03\x0a\x01s"),
};

static enum status put(struct letters_bench *bench, uint64_t sequence, struct error *err)
{
    const struct dead_letter_reason reason = {"rejected", "no", 3, UINT64_C(1790000000123456789)};
    const struct record record = {.sequence = sequence, .bytes = SLICE("\x2a\x07\x0a\x05hello")};
    const struct batch batch = {.journal_id = {0xab, 0xcd},
                                .records = &record,
                                .record_count = 1,
                                .groups = &group,
                                .group_count = 1};

    enum status st = dead_letter_put(bench->letters, &batch, 0, &reason, err);
    if (st == ST_OK)
        bench->is_put[sequence] = true;
    return st;
}

static void sync_letters(struct letters_bench *bench)
{
    struct error err;

    if (dead_letter_sync(bench->letters, &err) != ST_OK)
        return;
    for (size_t i = 0; i < NUMBERS_MAX; i++) {
        bench->is_kept[i] = bench->is_kept[i] || bench->is_put[i];
        bench->is_put[i] = false;
    }
}

/* As the worker does: what fails is tried once more. */
static bool bury(struct letters_bench *bench, uint64_t sequence)
{
    struct error err;

    return put(bench, sequence, &err) == ST_OK || put(bench, sequence, &err) == ST_OK;
}

static void check_kept(struct letters_bench *bench, const struct fault_point *point)
{
    letters_found_read(bench->dir.fd, &bench->found);
    for (unsigned i = 1; i < NUMBERS_MAX; i++) {
        if (bench->is_kept[i] && bench->found.times[i] == 0)
            fail_msg("%s at call %u: letter %u was synced and is gone", point->plan->name,
                     point->at, i);
    }
}

static void bury_some(struct letters_bench *bench)
{
    struct error err;

    for (unsigned i = 1; i <= LETTERS; i++) {
        if (i % 4 == 1) {
            close_letters(bench); /* as at a crash: what was not synced is not synced now */
            memset(bench->is_put, 0, sizeof(bench->is_put));
            if (open_letters(bench, &err) != ST_OK)
                return;
        }
        (void)bury(bench, i); /* noted in the bench */
        if (i % 2 == 0)
            sync_letters(bench);
    }
}

static bool run_letters(void *context, const struct fault_point *point)
{
    struct letters_bench bench;
    struct error err;

    (void)context;
    begin(&bench);
    fault_point_arm(point);
    bury_some(&bench);
    close_letters(&bench);
    memset(bench.is_put, 0, sizeof(bench.is_put));
    bool was_hit = fault_point_end(point);

    check_kept(&bench, point);
    assert_int_equal(open_letters(&bench, &err), ST_OK);
    for (unsigned i = LETTERS + 1; i < LETTERS + 4; i++)
        assert_true(bury(&bench, i));
    sync_letters(&bench);
    assert_true(bench.is_kept[LETTERS + 3]);
    check_kept(&bench, point); /* also those behind a torn line */
    if (!point->plan->is_cut_after && bench.found.torn > LETTERS / 4 + 1)
        fail_msg("%s at call %u: %u torn lines", point->plan->name, point->at, bench.found.torn);
    end(&bench);
    return was_hit;
}

static void test_a_synced_letter_stays_whatever_call_fails(void **state)
{
    (void)state;
    fault_points_try_all("dead letters", run_letters, NULL, 50, 10);
}

/* --- Replay ------------------------------------------------------------------------------------
 */

static enum status open_replay(struct letters_bench *bench, struct error *err)
{
    const struct replay_settings settings = {.dir = bench->dir.path,
                                             .name = NAME,
                                             .exporter = EXPORTER,
                                             .letters = bench->letters,
                                             .io = &faulty_disk_io};
    return replay_open(&settings, &bench->replay, err);
}

/* The destination takes even numbers and refuses odd ones again.  False: it has no outcome. */
static bool answer(struct letters_bench *bench, uint64_t sequence)
{
    if (sequence % 2 == 1)
        return bury(bench, sequence);
    bench->is_delivered[sequence] = true;
    return true;
}

/* Gives letters to the destination until there is no request, or `turns_max` times. */
static void replay_some(struct letters_bench *bench, unsigned turns_max)
{
    struct batch batch;
    struct error err;

    for (unsigned i = 0; i < turns_max && replay_is_asked(bench->dir.path, NAME); i++) {
        bench->now_ns += STEP_S * NS_PER_S;
        assert_true(replay_is_due(bench->replay, bench->now_ns));
        if (replay_next(bench->replay, bench->now_ns, &batch, &err) != ST_OK ||
            batch.record_count == 0)
            continue;
        while (!answer(bench, batch.records[0].sequence)) {
            if (++i >= turns_max)
                return; /* it stops in the middle */
        }
        replay_settle(bench->replay);
    }
}

static void ask_and_replay(struct letters_bench *bench)
{
    struct error err;

    if (replay_ask(&faulty_disk_io, bench->dir.path, NAME, NULL, 0, &err) != ST_OK &&
        replay_ask(&faulty_disk_io, bench->dir.path, NAME, NULL, 0, &err) != ST_OK &&
        err.status != ST_AGAIN)
        return;
    if (open_letters(bench, &err) != ST_OK || open_replay(bench, &err) != ST_OK)
        return;
    replay_some(bench, 2 * LETTERS);
    (void)(replay_save(bench->replay, &err) == ST_OK); /* as the worker at its end */
}

/* Every letter was delivered or is still there. */
static void check_none_lost(struct letters_bench *bench, const struct fault_point *point)
{
    letters_found_read(bench->dir.fd, &bench->found);
    for (unsigned i = 1; i <= LETTERS; i++) {
        if (!bench->is_delivered[i] && bench->found.times[i] == 0)
            fail_msg("%s at call %u: letter %u is gone", point->plan->name, point->at, i);
    }
}

static bool run_replay(void *context, const struct fault_point *point)
{
    struct letters_bench bench;
    struct error err;

    (void)context;
    begin(&bench);
    bury_some(&bench);
    sync_letters(&bench);
    close_letters(&bench);
    fault_point_arm(point);
    ask_and_replay(&bench);
    close_letters(&bench);
    bool was_hit = fault_point_end(point);

    check_none_lost(&bench, point);
    if (!replay_is_asked(bench.dir.path, NAME))
        assert_int_equal(replay_ask(NULL, bench.dir.path, NAME, NULL, 0, &err), ST_OK);
    assert_int_equal(open_letters(&bench, &err), ST_OK);
    assert_int_equal(open_replay(&bench, &err), ST_OK);
    replay_some(&bench, TURNS_MAX);
    assert_false(replay_is_asked(bench.dir.path, NAME));
    check_none_lost(&bench, point);
    for (unsigned i = 1; i <= LETTERS; i++) {
        if ((i % 2 == 1) != (bench.found.times[i] > 0))
            fail_msg("%s at call %u: letter %u is there %u times", point->plan->name, point->at, i,
                     bench.found.times[i]);
    }
    end(&bench);
    return was_hit;
}

static void test_a_replay_loses_no_letter_whatever_call_fails(void **state)
{
    (void)state;
    fault_points_try_all("replay", run_replay, NULL, 70, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_saved_position_is_found_whatever_call_fails),
        cmocka_unit_test(test_a_synced_letter_stays_whatever_call_fails),
        cmocka_unit_test(test_a_replay_loses_no_letter_whatever_call_fails),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
