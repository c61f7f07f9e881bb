/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_crash_test.c -- a cursor and dead letters in every state that a power cut may leave them
 * in: the position is one that was saved or was being saved, and every letter that was synced is
 * there until its replay has delivered it.
 *
 * TELLTALE_CRASH_SCALE=10 tries about ten times as many states. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver/progress.h"
#include "deliver/replay.h"
#include "support/crash_states.h"
#include "support/letters_found.h"
#include "support/temp_dir.h"
#include "util/clock.h"

#define NAME     "fake.test"
#define EXPORTER "fake/test"

enum {
    LETTERS = 16,
    EXTRA = 60, /* the number of a letter that is written to what a power cut has left */
    COMMITTED = 1000,
    STEP_S = 60,
    SAMPLES = 60,
    EVERY_BITS_MAX = 8,
    STATES_MIN = 300,
    PATH_SIZE = TEMP_DIR_PATH_MAX + 16,
};

enum mark {
    MARK_TRIED,     /* cursor */
    MARK_SAVED,     /* cursor */
    MARK_KEPT,      /* letters, as bits */
    MARK_DELIVERED, /* likewise, by the replay */
};

struct bench {
    const struct disk_io *io;
    char cursor_dir[PATH_SIZE];
    char letters_dir[PATH_SIZE];
    struct progress *progress;
    struct dead_letter *letters;
    struct replay *replay;
    struct error err;
};

static void set_root(struct bench *bench, const char *root, const struct disk_io *io)
{
    *bench = (struct bench){.io = io};
    snprintf(bench->cursor_dir, sizeof(bench->cursor_dir), "%s/cursors", root);
    snprintf(bench->letters_dir, sizeof(bench->letters_dir), "%s/letters", root);
}

static enum status open_progress(struct bench *bench, struct progress_start *start)
{
    const struct progress_settings settings = {.dir = bench->cursor_dir,
                                               .name = "c",
                                               .oldest = 1,
                                               .committed = COMMITTED,
                                               .io = bench->io};
    return progress_open(&settings, &bench->progress, start, &bench->err);
}

static enum status open_letters(struct bench *bench)
{
    const struct dead_letter_settings settings = {.dir = bench->letters_dir,
                                                  .name = NAME,
                                                  .exporter = EXPORTER,
                                                  .file_size = 2500,
                                                  .total_size = 1 << 20,
                                                  .io = bench->io};
    return dead_letter_open(&settings, &bench->letters, &bench->err);
}

static void close_all(struct bench *bench)
{
    progress_close(bench->progress);
    replay_close(bench->replay);
    dead_letter_close(bench->letters);
    bench->progress = NULL;
    bench->replay = NULL;
    bench->letters = NULL;
}

static enum status bury(struct bench *bench, uint64_t sequence)
{
    static const struct record_group no_group;
    const struct dead_letter_reason reason = {"rejected", "no", 1, UINT64_C(1790000000000000000)};
    const struct record record = {.sequence = sequence, .bytes = SLICE("\x2a\x07\x0a\x05hello")};
    const struct batch batch = {
        .records = &record, .record_count = 1, .groups = &no_group, .group_count = 1};

    return dead_letter_put(bench->letters, &batch, 0, &reason, &bench->err);
}

/* --- What is traced --------------------------------------------------------------------------- */

static uint64_t kept, delivered;

static void bury_and_save(struct bench *bench)
{
    struct progress_start start;
    uint64_t unsynced = 0;

    assert_int_equal(open_progress(bench, &start), ST_OK);
    assert_int_equal(open_letters(bench), ST_OK);
    for (unsigned i = 1; i <= LETTERS; i++) {
        assert_int_equal(bury(bench, i), ST_OK);
        unsynced |= UINT64_C(1) << i;
        if (i % 4 == 1)
            continue;
        assert_int_equal(dead_letter_sync(bench->letters, &bench->err), ST_OK);
        kept |= unsynced;
        disk_trace_mark(MARK_KEPT, kept);
        disk_trace_mark(MARK_TRIED, i + 1);
        progress_settle(bench->progress, i + 1, 100);
        assert_int_equal(progress_save(bench->progress, 1, &bench->err), ST_OK);
        disk_trace_mark(MARK_SAVED, i + 1);
    }
    close_all(bench);
}

/* The destination takes even numbers and refuses odd ones again. */
static void replay_all(struct bench *bench)
{
    uint64_t now_ns = NS_PER_S;
    struct batch batch;

    assert_int_equal(replay_ask(bench->io, bench->letters_dir, NAME, NULL, 0, &bench->err), ST_OK);
    assert_int_equal(open_letters(bench), ST_OK);
    const struct replay_settings settings = {.dir = bench->letters_dir,
                                             .name = NAME,
                                             .exporter = EXPORTER,
                                             .letters = bench->letters,
                                             .io = bench->io};
    assert_int_equal(replay_open(&settings, &bench->replay, &bench->err), ST_OK);
    while (replay_is_asked(bench->letters_dir, NAME)) {
        now_ns += STEP_S * NS_PER_S;
        assert_int_equal(replay_next(bench->replay, now_ns, &batch, &bench->err), ST_OK);
        if (batch.record_count == 0)
            continue;
        uint64_t sequence = batch.records[0].sequence;
        if (sequence % 2 == 1)
            assert_int_equal(bury(bench, sequence), ST_OK);
        else
            delivered |= UINT64_C(1) << sequence;
        disk_trace_mark(MARK_DELIVERED, delivered);
        replay_settle(bench->replay);
    }
    close_all(bench);
}

static void trace_delivery(struct temp_dir *dir, enum trace_omission omission)
{
    struct bench bench;

    temp_dir_make(dir);
    set_root(&bench, dir->path, &disk_trace_io);
    assert_int_equal(mkdir(bench.cursor_dir, 0700), 0);
    assert_int_equal(mkdir(bench.letters_dir, 0700), 0);
    kept = 0;
    delivered = 0;
    disk_trace_begin(dir->path, omission);
    bury_and_save(&bench);
    replay_all(&bench);
}

/* --- What a power cut leaves ---------------------------------------------------------------- */

static const char *check_cursor(struct bench *bench, const uint64_t marks[TRACE_MARKS])
{
    struct progress_start start;

    if (open_progress(bench, &start) != ST_OK)
        return "the cursor cannot be opened";
    uint64_t next = progress_next(bench->progress);
    if (start.finding != PROGRESS_SOUND)
        return "the cursor is damaged";
    if (next < marks[MARK_SAVED])
        return "a saved position is lost";
    return next > 1 && next > marks[MARK_TRIED] ? "the cursor has moved by itself" : NULL;
}

static const char *check_kept(const struct bench *bench, const uint64_t marks[TRACE_MARKS],
                              struct letters_found *ret)
{
    uint64_t promised = marks[MARK_KEPT] & ~marks[MARK_DELIVERED];

    int fd = open(bench->letters_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT(fd >= 0);
    letters_found_read(fd, ret);
    (void)close(fd); /* was only read */
    for (unsigned i = 1; i <= LETTERS; i++) {
        if ((promised >> i & 1) != 0 && ret->times[i] == 0)
            return "a letter that was synced is lost";
    }
    return NULL;
}

static const char *check_state(void *context, const char *root, const uint64_t marks[TRACE_MARKS])
{
    struct bench bench;
    struct letters_found found;

    (void)context;
    set_root(&bench, root, NULL);
    mkdir(bench.cursor_dir, 0700); /* as the daemon does; they may be there */
    mkdir(bench.letters_dir, 0700);
    const char *failure = check_cursor(&bench, marks);
    if (failure == NULL)
        failure = check_kept(&bench, marks, &found);
    if (failure == NULL && (open_letters(&bench) != ST_OK || bury(&bench, EXTRA) != ST_OK ||
                            dead_letter_sync(bench.letters, &bench.err) != ST_OK))
        failure = "no more letters are taken";
    if (failure == NULL)
        failure = check_kept(&bench, marks, &found);
    if (failure == NULL && found.times[EXTRA] != 1)
        failure = "a new letter cannot be read";
    close_all(&bench);
    return failure;
}

static struct crash_tally try_delivery(enum trace_omission omission, unsigned samples)
{
    const struct crash_settings settings = {
        .samples = samples, .every_bits_max = EVERY_BITS_MAX, .seed = 1};
    struct temp_dir dir;
    struct crash_tally tally;

    trace_delivery(&dir, omission);
    crash_states_try(&settings, check_state, NULL, &tally);
    disk_trace_end();
    temp_dir_remove(&dir);
    return tally;
}

static void test_cursor_and_letters_keep_their_promises_in_every_state_of_a_power_cut(void **state)
{
    (void)state;
    struct crash_tally tally = try_delivery(TRACE_OMIT_NOTHING, crash_samples(SAMPLES));

    print_message("states: cursor and dead letters: %u after %u events, every one after %u of "
                  "them\n",
                  (unsigned)tally.states, (unsigned)tally.events, (unsigned)tally.exhausted);
    if (tally.failures > 0)
        fail_msg("%u states, the first after event %u: %s", (unsigned)tally.failures,
                 (unsigned)tally.failed_event, tally.first_failure);
    assert_true(tally.states >= STATES_MIN);
}

/* What the test above would say if syncs were forgotten. */
static void test_deliveries_that_do_not_sync_are_found_out(void **state)
{
    (void)state;
    struct crash_tally tally = try_delivery(TRACE_OMIT_FILE_SYNCS, 2);

    assert_true(tally.failures > 0);
    tally = try_delivery(TRACE_OMIT_DIR_SYNCS, 2);
    assert_true(tally.failures > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_and_letters_keep_their_promises_in_every_state_of_a_power_cut),
        cmocka_unit_test(test_deliveries_that_do_not_sync_are_found_out),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
