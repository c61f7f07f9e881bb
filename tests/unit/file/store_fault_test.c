/* SPDX-License-Identifier: Apache-2.0 */
/* store_fault_test.c -- the life of a store again and again, with the disk failing at another call
 * each time: what was reported as delivered is in its files, once.
 *
 * The sender does as the worker does: a batch that failed comes again, and after a start the last
 * records come again, because the cursor lags behind.  When the disk is in order again, every
 * record must be there exactly once, in files that are read whole. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/deeds_told.h"
#include "support/fault_points.h"
#include "support/file_store.h"
#include "support/proofs_found.h"
#include "support/store_found.h"
#include "support/store_indexes.h"

enum {
    BATCHES = 9,
    FEW_BATCHES = 5, /* with proofs, which make many more calls */
    SEEDS = 4,
    POINTS_MIN = 150,     /* calls of one run, at least */
    SYNC_POINTS_MIN = 15, /* and syncs */
    LATER_S = 61,         /* when what was put off is tried again */
    KEPT_FILES = 2,       /* with retention */
    EXPECT_EVERY = 16,    /* so often zstd and cat read the files as well */
};

struct scenario {
    bool has_retention;
    bool has_proofs;
    bool has_rule; /* records of odd numbers go */
};

/* What the sender was told. */
struct promise {
    uint64_t next;  /* to be sent */
    uint64_t tried; /* the largest number that was sent at all */
    uint64_t done;  /* everything up to here was reported as delivered */
    uint64_t safe;  /* the same, before the first fault */
};

static struct deeds_told told;

static bool take_note(void *context, const char *exporter, const struct exporter_note *note)
{
    (void)context;
    (void)exporter;
    deeds_told_take(&told, note);
    return true;
}

static void prepare(struct file_store *store, const struct scenario *scenario)
{
    told = (struct deeds_told){.count = 0};
    file_store_init(store);
    store->notes = (struct exporter_notes){.tell = take_note};
    store->padding_bytes = 300;
    store->io = &faulty_disk_io;
    file_store_set(store, "rotate.size", 1500);
    file_store_set(store, "compression", 1);
    file_store_set(store, "index", 1);
    if (scenario->has_retention)
        file_store_set(store, "retention.max_files", KEPT_FILES);
    if (scenario->has_proofs)
        file_store_prove(store);
    if (scenario->has_rule)
        file_store_let_odd_go(store);
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
    deeds_told_begin(&told);
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
static void work(struct file_store *store, const struct scenario *scenario, struct promise *promise)
{
    unsigned batches = scenario->has_proofs ? FEW_BATCHES : BATCHES;

    if (!start(store, promise))
        return;
    for (unsigned i = 0; i < batches; i++) {
        if (i == batches / 2 && !start_again(store, promise))
            return;
        deliver(store, promise, 1 + i % 3);
        if (i % 3 == 2)
            (void)(file_store_try_tick(store, 0) == ST_OK); /* upkeep may fail, and is repeated */
    }
    for (uint64_t i = 0; i < 3; i++)
        (void)(file_store_try_tick(store, i * LATER_S) == ST_OK); /* the same */
}

/* --- What is there ------------------------------------------------------------------------- */

/* Everything up to `last` is there once, but for what retention has deleted. */
static void check(const struct file_store *store, const struct scenario *scenario, uint64_t last,
                  const struct fault_point *point)
{
    struct store_found found;
    uint64_t first = 1;

    store_found_read(store->path, &found);
    if (found.trouble[0] != 0)
        fail_msg("%s at call %u: %s", point->plan->name, point->at, found.trouble);
    if (scenario->has_retention && found.first > 1) {
        first = found.first;
        if (file_store_count(store, ".jsonl") + file_store_count(store, ".jsonl.zst") < KEPT_FILES)
            fail_msg("%s at call %u: retention deleted too much", point->plan->name, point->at);
    }
    for (uint64_t i = first; i <= last; i++) {
        if (!found.is_there[i] && !(scenario->has_rule && i % 2 == 1))
            fail_msg("%s at call %u: record %u of %u is not there", point->plan->name, point->at,
                     (unsigned)i, (unsigned)last);
    }
}

/* All that there is agrees, and every line is in the tree: no fault is a reason to leave one out.
 */
static void check_proofs(const struct file_store *store, const struct scenario *scenario,
                         const struct fault_point *point)
{
    struct proofs_found found;

    if (!scenario->has_proofs)
        return;
    proofs_found_read(store->path, &found);
    if (found.trouble[0] != 0)
        fail_msg("%s at call %u: %s", point->plan->name, point->at, found.trouble);
    if (found.uncovered > 0)
        fail_msg("%s at call %u: %u lines are not covered", point->plan->name, point->at,
                 (unsigned)found.uncovered);
}

/* The disk is in order again: it takes records without a new start. */
static void go_on_without_start(struct file_store *store, struct promise *promise,
                                const struct fault_point *point)
{
    if (store->exporter == NULL)
        return;
    uint64_t before = promise->next;
    deliver(store, promise, 1);
    if (promise->next != before + 1)
        fail_msg("%s at call %u: no more records: %s", point->plan->name, point->at,
                 store->err.text);
}

/* What is due is gone from every closed file. */
static void check_erased(const struct file_store *store, const struct fault_point *point)
{
    if (file_store_run_number(store, "{ zstd -dcq *.zst; cat *Z-*.jsonl; } 2>/dev/null | "
                                     "grep -c agent.prompt || true") != 0)
        fail_msg("%s at call %u: what is due is still there", point->plan->name, point->at);
}

/* The disk is in order: what comes again is not doubled, and all work is done. */
static void go_on(struct file_store *store, const struct scenario *scenario,
                  struct promise *promise, const struct fault_point *point)
{
    if (!start_again(store, promise))
        fail_msg("%s at call %u: %s", point->plan->name, point->at, store->err.text);
    check(store, scenario, promise->done, point);
    check_proofs(store, scenario, point);
    deliver(store, promise, 4);
    assert_int_equal(promise->next, promise->done + 1);
    for (uint64_t i = 1; i < 4; i++)
        file_store_tick(store, i * LATER_S);
    while (promise->done < promise->tried)
        deliver(store, promise, 2);
    check(store, scenario, promise->done, point);
    check_proofs(store, scenario, point);
    if (scenario->has_rule) {
        for (uint64_t i = 4; i < 8; i++)
            file_store_tick(store, i * LATER_S);
        check_proofs(store, scenario, point);
        if (point->at % EXPECT_EVERY == 0)
            check_erased(store, point);
    }
    const char *trouble =
        scenario->has_proofs ? deeds_told_check(&told, store->path, 0) : told.trouble;
    if (trouble != NULL)
        fail_msg("%s at call %u: %s", point->plan->name, point->at, trouble);
    assert_int_equal(file_store_count(store, ".tmp"), 0);
    struct store_indexes indexes = store_indexes_look(store->path);
    if (indexes.refused > 0 || indexes.left_over > 0)
        fail_msg("%s at call %u: an index of no use", point->plan->name, point->at);
    if (point->at % EXPECT_EVERY == 0 && !scenario->has_retention && !scenario->has_rule)
        file_store_expect(store, 1, promise->done);
}

/* --- Faults --------------------------------------------------------------------------------- */

static bool run_store(void *context, const struct fault_point *point)
{
    const struct scenario *scenario = context;
    struct file_store store;
    struct promise promise = {.next = 1};

    prepare(&store, scenario);
    fault_point_arm(point);
    work(&store, scenario, &promise);
    if (point->plan->is_cut_after)
        file_store_stop(&store);
    bool was_hit = fault_point_end(point);
    if (!point->plan->is_cut_after)
        go_on_without_start(&store, &promise, point);
    go_on(&store, scenario, &promise, point);
    clean_up(&store);
    return was_hit;
}

static void test_what_was_delivered_is_in_the_store_whatever_call_fails(void **state)
{
    (void)state;
    struct scenario scenario = {.has_retention = false};
    fault_points_try_all("store", run_store, &scenario, POINTS_MIN, SYNC_POINTS_MIN);
}

static void test_retention_deletes_no_more_than_it_should_whatever_call_fails(void **state)
{
    (void)state;
    struct scenario scenario = {.has_retention = true};
    fault_points_try_all("store with retention", run_store, &scenario, POINTS_MIN, SYNC_POINTS_MIN);
}

static void test_an_erasure_takes_what_is_due_and_nothing_else_whatever_call_fails(void **state)
{
    (void)state;
    struct scenario scenario = {.has_rule = true};
    fault_points_try_each_once("store with erasures", run_store, &scenario, POINTS_MIN,
                               SYNC_POINTS_MIN);
}

static void test_proofs_agree_after_an_erasure_whatever_call_fails(void **state)
{
    (void)state;
    struct scenario scenario = {.has_rule = true, .has_proofs = true};
    fault_points_try_each_once("store with erasures and proofs", run_store, &scenario, POINTS_MIN,
                               SYNC_POINTS_MIN);
}

static void test_proofs_agree_with_the_lines_whatever_call_fails(void **state)
{
    (void)state;
    struct scenario scenario = {.has_retention = true, .has_proofs = true};
    fault_points_try_each_once("store with proofs", run_store, &scenario, POINTS_MIN,
                               SYNC_POINTS_MIN);
}

/* --- A disk that lies ------------------------------------------------------------------------ */

/* From sync number `at` on the disk says "ok" and forgets.  Then nobody can promise what came
 * later; what was delivered before the first lie is there, once, the store starts, and takes
 * records.  That is so without compression: a plain file goes when its compressed form is synced,
 * and if that is a lie, what it held is as safe as the lie. */
static bool run_with_lies(unsigned at, unsigned length, unsigned seed, unsigned *lost)
{
    const struct scenario scenario = {.has_retention = false};
    struct store_found found;
    struct file_store store;
    struct promise promise = {.next = 1};

    prepare(&store, &scenario);
    file_store_set(&store, "compression", 0);
    faulty_disk_break(DISK_FAULT_LIE, 0, at, length);
    work(&store, &scenario, &promise);
    bool was_hit = faulty_disk_repair();
    file_store_stop(&store);
    faulty_disk_settle(seed);

    assert_true(start(&store, &promise));
    store_found_read(store.path, &found); /* torn lines and names in disorder are let pass */
    assert_int_equal(found.repeated, 0);
    for (uint64_t i = 1; i <= promise.safe; i++) {
        if (!found.is_there[i])
            fail_msg("lies from sync %u: record %u was safe before and is gone", at, (unsigned)i);
    }
    for (uint64_t i = 1; i <= promise.done; i++)
        *lost += !found.is_there[i];
    promise.next = promise.tried + 1;
    deliver(&store, &promise, 2);
    assert_int_equal(promise.done, promise.tried);
    store_found_read(store.path, &found);
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
    print_message("points: store: syncs that lie, then a power cut: %u\n", points);
    assert_true(points >= SYNC_POINTS_MIN * SEEDS);
    assert_true(lost > 0); /* the power cuts are real, and so are the checks above */
}

/* Interruptions and short counts are no failures: every batch is taken at once. */
static void test_short_counts_fail_no_delivery(void **state)
{
    (void)state;
    const struct scenario scenario = {.has_retention = false};
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
        cmocka_unit_test(test_what_was_delivered_is_in_the_store_whatever_call_fails),
        cmocka_unit_test(test_retention_deletes_no_more_than_it_should_whatever_call_fails),
        cmocka_unit_test(test_proofs_agree_with_the_lines_whatever_call_fails),
        cmocka_unit_test(test_an_erasure_takes_what_is_due_and_nothing_else_whatever_call_fails),
        cmocka_unit_test(test_proofs_agree_after_an_erasure_whatever_call_fails),
        cmocka_unit_test(test_what_was_safe_before_a_disk_lied_stays),
        cmocka_unit_test(test_short_counts_fail_no_delivery),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
