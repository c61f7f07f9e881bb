/* SPDX-License-Identifier: Apache-2.0 */
/* store_fault_test.c -- the life of a store again and again, with the disk failing at another call
 * each time: what was reported as delivered is in its files, once.
 *
 * The sender does as the worker does: a batch that failed comes again, and after a start the last
 * records come again, because the cursor lags behind.  When the disk is in order again, every
 * record must be there exactly once, in files that are read whole. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "store/store_reader.h"
#include "support/faulty_disk.h"
#include "support/file_store.h"
#include "telltale/store_file.h"

enum {
    BATCHES = 9,
    NUMBERS_MAX = 64,
    SEEDS = 4,
    POINTS_MIN = 150,     /* calls of one run, at least */
    SYNC_POINTS_MIN = 15, /* and syncs */
    LATER_S = 61,         /* when what was put off is tried again */
    KEPT_FILES = 2,       /* with retention */
    EXPECT_EVERY = 16,    /* so often zstd and cat read the files as well */
};

struct scenario {
    const char *name;
    enum disk_fault fault;
    int os_errno;
    unsigned length;   /* calls that meet it */
    bool is_cut_after; /* power goes when the work is done */
    bool has_retention;
    unsigned points_min;
};

/* What the sender was told. */
struct promise {
    uint64_t next;  /* to be sent */
    uint64_t tried; /* the largest number that was sent at all */
    uint64_t done;  /* everything up to here was reported as delivered */
    uint64_t safe;  /* the same, before the first fault */
};

static void prepare(struct file_store *store, const struct scenario *scenario)
{
    file_store_init(store);
    store->padding_bytes = 300;
    store->io = &faulty_disk_io;
    file_store_set(store, "rotate.size", 1500);
    file_store_set(store, "compression", 1);
    if (scenario->has_retention)
        file_store_set(store, "retention.max_files", KEPT_FILES);
    faulty_disk_reset(store->dir.fd);
}

static void clean_up(struct file_store *store)
{
    file_store_stop(store);
    faulty_disk_reset(store->dir.fd);
    file_store_fini(store);
}

static bool start(struct file_store *store, const struct promise *promise)
{
    store->first_new_sequence = promise->tried + 1;
    return file_store_try_start(store) == ST_OK;
}

/* Sends a batch, twice if it must be. */
static void deliver(struct file_store *store, struct promise *promise, unsigned count)
{
    uint64_t last = promise->next + count - 1;

    if (last > promise->tried)
        promise->tried = last;
    for (int i = 0; i < 2; i++) {
        enum export_result result = file_store_try(store, promise->next, last);
        if (result != EXPORT_DONE) {
            assert_int_equal(result, EXPORT_RETRY);
            continue;
        }
        promise->next = last + 1;
        if (last > promise->done)
            promise->done = last;
        if (!faulty_disk_was_hit())
            promise->safe = promise->done;
        return;
    }
}

/* The process dies and starts again with a cursor that was not up to date. */
static bool start_again(struct file_store *store, struct promise *promise)
{
    file_store_stop(store);
    promise->next = promise->done > 2 ? promise->done - 1 : 1;
    return start(store, promise);
}

/* Starts, appends, closes, compresses, deletes, starts again, goes on. */
static void work(struct file_store *store, struct promise *promise)
{
    if (!start(store, promise))
        return;
    for (unsigned i = 0; i < BATCHES; i++) {
        if (i == BATCHES / 2 && !start_again(store, promise))
            return;
        deliver(store, promise, 1 + i % 3);
        if (i % 3 == 2)
            (void)(file_store_try_tick(store, 0) == ST_OK); /* upkeep may fail, and is repeated */
    }
    for (uint64_t i = 0; i < 3; i++)
        (void)(file_store_try_tick(store, i * LATER_S) == ST_OK); /* the same */
}

/* --- What is there ------------------------------------------------------------------------- */

struct found {
    uint64_t first, last; /* 0: nothing */
    uint64_t count;
    unsigned torn; /* lines and files that are damaged */
    bool is_there[NUMBERS_MAX];
};

static void note_line(struct found *found, const struct store_line *line, bool may_be_torn)
{
    struct store_place place;

    cJSON *json = cJSON_ParseWithLength((const char *)line->text.data, line->text.size);
    bool is_whole = json != NULL && store_line_place(line->text, &place);
    cJSON_Delete(json);
    if (!is_whole) {
        if (!may_be_torn)
            fail_msg("line %u of %s is torn", (unsigned)line->number, line->file);
        found->torn++;
        return;
    }
    assert_true(place.sequence > 0 && place.sequence < NUMBERS_MAX);
    if (found->is_there[place.sequence] || (place.sequence <= found->last && !may_be_torn))
        fail_msg("record %u stands behind record %u", (unsigned)place.sequence,
                 (unsigned)found->last);
    found->first = found->count == 0 ? place.sequence : found->first;
    found->last = place.sequence;
    found->is_there[place.sequence] = true;
    found->count++;
}

/* `may_be_torn`: what no honest disk leaves is let pass, torn lines and names in disorder; but no
 * record comes twice in any case. */
static struct found read_store(const struct file_store *store, bool may_be_torn)
{
    struct found found = {.count = 0};
    struct store_reader *reader;
    struct store_line line;
    struct error err;

    assert_int_equal(store_reader_open(store->path, NULL, &reader, &err), ST_OK);
    for (;;) {
        enum status st = store_reader_next(reader, &line, &err);
        if (st == ST_AGAIN)
            break;
        if (st == ST_OK) {
            note_line(&found, &line, may_be_torn);
            continue;
        }
        if (st != ST_CORRUPT || !may_be_torn)
            fail_msg("%s", err.text);
        found.torn++;
    }
    store_reader_close(reader);
    return found;
}

/* Everything up to `last` is there once, but for what retention has deleted. */
static void check(const struct file_store *store, const struct scenario *scenario, uint64_t last,
                  const char *when, unsigned at)
{
    struct found found = read_store(store, false);
    uint64_t first = 1;

    if (scenario->has_retention && found.first > 1) {
        first = found.first;
        if (file_store_count(store, ".jsonl") + file_store_count(store, ".jsonl.zst") < KEPT_FILES)
            fail_msg("%s, %s, call %u: retention deleted too much", scenario->name, when, at);
    }
    for (uint64_t i = first; i <= last; i++) {
        if (!found.is_there[i])
            fail_msg("%s, %s, call %u: record %u of %u is not there", scenario->name, when, at,
                     (unsigned)i, (unsigned)last);
    }
}

/* The disk is in order again: it takes records without a new start. */
static void go_on_without_start(struct file_store *store, const struct scenario *scenario,
                                struct promise *promise, unsigned at)
{
    if (store->exporter == NULL)
        return;
    uint64_t before = promise->next;
    deliver(store, promise, 1);
    if (promise->next != before + 1)
        fail_msg("%s, call %u: no more records: %s", scenario->name, at, store->err.text);
}

/* The disk is in order: what comes again is not doubled, and all work is done. */
static void go_on(struct file_store *store, const struct scenario *scenario,
                  struct promise *promise, unsigned at)
{
    if (!start_again(store, promise))
        fail_msg("%s, call %u: %s", scenario->name, at, store->err.text);
    check(store, scenario, promise->done, "started again", at);
    deliver(store, promise, 4);
    assert_int_equal(promise->next, promise->done + 1);
    for (uint64_t i = 1; i < 4; i++)
        file_store_tick(store, i * LATER_S);
    while (promise->done < promise->tried)
        deliver(store, promise, 2);
    check(store, scenario, promise->done, "gone on", at);
    assert_int_equal(file_store_count(store, ".tmp"), 0);
    if (at % EXPECT_EVERY == 0 && !scenario->has_retention)
        file_store_expect(store, 1, promise->done);
}

/* --- Faults --------------------------------------------------------------------------------- */

/* One run with a fault at call `at`; false: the run ended before. */
static bool run_with_fault(const struct scenario *scenario, unsigned at, unsigned seed)
{
    struct file_store store;
    struct promise promise = {.next = 1};

    prepare(&store, scenario);
    faulty_disk_break(scenario->fault, scenario->os_errno, at, scenario->length);
    work(&store, &promise);
    bool was_hit = faulty_disk_repair();
    if (scenario->is_cut_after || scenario->fault == DISK_FAULT_POWER_CUT) {
        file_store_stop(&store);
        faulty_disk_settle(seed);
    } else {
        go_on_without_start(&store, scenario, &promise, at);
    }
    go_on(&store, scenario, &promise, at);
    clean_up(&store);
    return was_hit;
}

static void run_with_fault_everywhere(const struct scenario *scenario)
{
    unsigned seeds = scenario->is_cut_after || scenario->fault == DISK_FAULT_POWER_CUT ? SEEDS : 1;
    bool was_hit = true;
    unsigned runs = 0;
    unsigned at = 0;

    while (was_hit) {
        at++;
        for (unsigned seed = 0; seed < seeds; seed++) {
            was_hit = run_with_fault(scenario, at, at * SEEDS + seed);
            runs += was_hit;
        }
    }
    print_message("store: %s: %u points, %u runs\n", scenario->name, at - 1, runs);
    assert_true(at - 1 >= scenario->points_min);
}

static void test_any_call_of_a_store_fails_once(void **state)
{
    (void)state;
    const struct scenario scenario = {"one EIO", DISK_FAULT_ERROR, EIO, 1,
                                      .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_any_few_calls_of_a_store_find_no_room(void **state)
{
    (void)state;
    const struct scenario scenario = {"ENOSPC for four calls", DISK_FAULT_ERROR, ENOSPC, 4,
                                      .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_any_dozen_calls_of_a_store_fail(void **state)
{
    (void)state;
    const struct scenario scenario = {"EIO for a dozen calls", DISK_FAULT_ERROR, EIO, 12,
                                      .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_the_disk_of_a_store_fails_from_any_call_on(void **state)
{
    (void)state;
    const struct scenario scenario = {"EIO from there on", DISK_FAULT_ERROR, EIO, UINT_MAX,
                                      .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_any_call_of_a_store_does_half_its_work(void **state)
{
    (void)state;
    const struct scenario scenario = {"short reads and writes", DISK_FAULT_SHORT, 0, 3,
                                      .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_any_call_of_a_store_is_interrupted(void **state)
{
    (void)state;
    const struct scenario scenario = {"EINTR", DISK_FAULT_INTERRUPT, 0, 3,
                                      .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_any_call_of_a_store_with_retention_fails(void **state)
{
    (void)state;
    const struct scenario scenario = {"EIO twice, with retention", DISK_FAULT_ERROR,        EIO, 2,
                                      .has_retention = true,       .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

/* What a failed sync had taken with it has been written again: also a power cut finds it. */
static void test_any_sync_of_a_store_fails_and_power_goes_later(void **state)
{
    (void)state;
    const struct scenario scenario = {
        "a failed sync, then a power cut", DISK_FAULT_SYNC, EIO, 1, .is_cut_after = true,
        .points_min = SYNC_POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_any_call_of_a_store_fails_and_power_goes_later(void **state)
{
    (void)state;
    const struct scenario scenario = {
        "EIO twice, then a power cut", DISK_FAULT_ERROR,        EIO, 2,
        .is_cut_after = true,          .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_power_goes_at_any_call_of_a_store(void **state)
{
    (void)state;
    const struct scenario scenario = {"a power cut", DISK_FAULT_POWER_CUT, EIO, 1,
                                      .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

static void test_power_goes_at_any_call_of_a_store_with_retention(void **state)
{
    (void)state;
    const struct scenario scenario = {
        "a power cut, with retention", DISK_FAULT_POWER_CUT,    EIO, 1,
        .has_retention = true,         .points_min = POINTS_MIN};
    run_with_fault_everywhere(&scenario);
}

/* --- A disk that lies ------------------------------------------------------------------------ */

/* From sync number `at` on the disk says "ok" and forgets.  Then nobody can promise what came
 * later; what was delivered before the first lie is there, once, the store starts, and takes
 * records.  That is so without compression: a plain file goes when its compressed form is synced,
 * and if that is a lie, what it held is as safe as the lie. */
static bool run_with_lies(unsigned at, unsigned length, unsigned seed, unsigned *lost)
{
    const struct scenario scenario = {.name = "lies"};
    struct file_store store;
    struct promise promise = {.next = 1};

    prepare(&store, &scenario);
    file_store_set(&store, "compression", 0);
    faulty_disk_break(DISK_FAULT_LIE, 0, at, length);
    work(&store, &promise);
    bool was_hit = faulty_disk_repair();
    file_store_stop(&store);
    faulty_disk_settle(seed);

    assert_true(start(&store, &promise));
    struct found found = read_store(&store, true);
    for (uint64_t i = 1; i <= promise.safe; i++) {
        if (!found.is_there[i])
            fail_msg("lies from sync %u: record %u was safe before and is gone", at, (unsigned)i);
    }
    for (uint64_t i = 1; i <= promise.done; i++)
        *lost += !found.is_there[i];
    promise.next = promise.tried + 1;
    deliver(&store, &promise, 2);
    assert_int_equal(promise.done, promise.tried);
    found = read_store(&store, true);
    assert_true(found.is_there[promise.done] && found.is_there[promise.done - 1]);
    clean_up(&store);
    return was_hit;
}

static void test_what_was_safe_before_a_disk_lied_stays(void **state)
{
    (void)state;
    unsigned points = 0;
    unsigned lost = 0;
    bool was_hit = true;

    for (unsigned at = 1; was_hit; at++) {
        for (unsigned seed = 0; seed < SEEDS; seed++) {
            was_hit = run_with_lies(at, seed % 2 == 0 ? UINT_MAX : 1, at * SEEDS + seed, &lost);
            points += was_hit;
        }
    }
    print_message("store: syncs that lie, then a power cut: %u points\n", points);
    assert_true(points >= SYNC_POINTS_MIN * SEEDS);
    assert_true(lost > 0); /* the power cuts are real, and so are the checks above */
}

/* Interruptions and short counts are no failures: every batch is taken at once. */
static void test_short_counts_fail_no_delivery(void **state)
{
    (void)state;
    const struct scenario scenario = {.name = "short"};
    struct file_store store;

    prepare(&store, &scenario);
    faulty_disk_break(DISK_FAULT_SHORT, 0, 1, UINT_MAX);
    file_store_start(&store);
    for (uint64_t i = 1; i < 12; i += 2)
        file_store_send(&store, i, i + 1);
    assert_true(faulty_disk_repair());
    clean_up(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_call_of_a_store_fails_once),
        cmocka_unit_test(test_any_few_calls_of_a_store_find_no_room),
        cmocka_unit_test(test_any_dozen_calls_of_a_store_fail),
        cmocka_unit_test(test_the_disk_of_a_store_fails_from_any_call_on),
        cmocka_unit_test(test_any_call_of_a_store_does_half_its_work),
        cmocka_unit_test(test_any_call_of_a_store_is_interrupted),
        cmocka_unit_test(test_any_call_of_a_store_with_retention_fails),
        cmocka_unit_test(test_any_sync_of_a_store_fails_and_power_goes_later),
        cmocka_unit_test(test_any_call_of_a_store_fails_and_power_goes_later),
        cmocka_unit_test(test_power_goes_at_any_call_of_a_store),
        cmocka_unit_test(test_power_goes_at_any_call_of_a_store_with_retention),
        cmocka_unit_test(test_what_was_safe_before_a_disk_lied_stays),
        cmocka_unit_test(test_short_counts_fail_no_delivery),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
