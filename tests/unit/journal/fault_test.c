/* SPDX-License-Identifier: Apache-2.0 */
/* fault_test.c -- the same work again and again, with the disk failing at another call each time:
 * what was acknowledged is there afterwards, once. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/faulty_disk.h"
#include "support/journal_fixture.h"

enum {
    BATCHES = 9,
    NUMBERS_MAX = 64,
    RETIRE_BEFORE = 9, /* sequence */
    ROUNDS = 7,        /* of filling and retiring a segment */
    SEEDS = 4,
    ENOUGH_TO_BE_UNREADABLE = 4, /* failed reads: recovery then skips numbers, which is counted */
};

/* What one run was told. */
struct promise {
    uint64_t next;                  /* record number */
    bool is_acked[NUMBERS_MAX];     /* by record number */
    uint64_t sequence[NUMBERS_MAX]; /* of those that were acknowledged */
    uint64_t retired;               /* below this sequence nothing is promised */
    bool has_opened;
};

static void prepare(struct journal_fixture *fixture)
{
    journal_fixture_init(fixture);
    journal_fixture_close(fixture);
    fixture->settings.segment_size = 1200;
    fixture->settings.io = &faulty_disk_io;
    fixture->group_count = 2;
    faulty_disk_reset(fixture->temp.fd);
}

static void clean_up(struct journal_fixture *fixture)
{
    faulty_disk_reset(fixture->temp.fd);
    journal_fixture_fini(fixture);
}

static void append_noting(struct journal_fixture *fixture, unsigned count, struct promise *promise)
{
    uint64_t first = promise->next;
    struct error err;

    promise->next += count;
    struct append_batch *batch = journal_fixture_batch(fixture, first, count, 150);
    if (journal_commit(fixture->journal, batch, &err) != ST_OK)
        return;
    uint64_t committed = journal_committed(fixture->journal);
    for (unsigned i = 0; i < count; i++) {
        promise->is_acked[first + i] = true;
        promise->sequence[first + i] = committed - count + i;
    }
}

static bool open_noting(struct journal_fixture *fixture, struct promise *promise)
{
    struct error err;

    journal_fixture_close(fixture);
    promise->has_opened =
        journal_open(&fixture->settings, &fixture->journal, &fixture->recovery, &err) == ST_OK;
    return promise->has_opened;
}

/* Opens, appends, opens again, appends, retires; the journal stays open. */
static void work(struct journal_fixture *fixture, struct promise *promise)
{
    if (!open_noting(fixture, promise))
        return;
    for (unsigned i = 0; i < BATCHES; i++) {
        if (i == BATCHES / 3 && !open_noting(fixture, promise))
            return;
        append_noting(fixture, 1 + i % 3, promise);
        if (i == BATCHES / 2 && journal_committed(fixture->journal) >= RETIRE_BEFORE) {
            promise->retired = RETIRE_BEFORE;
            journal_retire(fixture->journal, RETIRE_BEFORE);
        }
    }
}

/* Fills segments and retires them: files go round as spares; the journal stays open.  The sizes
 * differ, so that frames of a file's former lives stand behind its end mark, and within it. */
static void work_in_circles(struct journal_fixture *fixture, struct promise *promise)
{
    if (!open_noting(fixture, promise))
        return;
    for (unsigned i = 0; i < ROUNDS; i++) {
        append_noting(fixture, 3 + i % 2, promise);
        append_noting(fixture, 1, promise);
        uint64_t committed = journal_committed(fixture->journal);
        if (i % 3 == 2 && committed > 2) {
            promise->retired = committed - 2;
            journal_retire(fixture->journal, committed - 2);
        }
    }
}

typedef void work_function(struct journal_fixture *fixture, struct promise *promise);

/* Every promise is kept, and no record comes twice. */
static void check(struct journal_fixture *fixture, const struct promise *promise, bool may_miss,
                  const char *what, unsigned at)
{
    struct journal_seen seen;

    journal_fixture_read(fixture, 0, NULL, &seen);
    for (uint64_t number = 1; number < promise->next; number++) {
        bool is_promised =
            promise->is_acked[number] && promise->sequence[number] >= promise->retired;
        if (seen.times[number] > 1 ||
            (is_promised && (seen.times[number] == 0 || seen.groupless[number]))) {
            fail_msg("%s at call %u: record %u was %s and came %u times%s", what, at,
                     (unsigned)number, is_promised ? "acknowledged" : "not promised",
                     (unsigned)seen.times[number], seen.groupless[number] ? ", no group" : "");
        }
    }
    if (!may_miss && seen.missing + seen.lost_groups > 0)
        fail_msg("%s at call %u: %u records and %u groups lost", what, at, (unsigned)seen.missing,
                 (unsigned)seen.lost_groups);
    journal_seen_fini(&seen);
}

/* One run with a fault at call `at`; false: the run ended before. */
static bool run_with_fault(work_function *do_work, enum disk_fault fault, int os_errno, unsigned at,
                           unsigned length)
{
    struct journal_fixture fixture;
    struct promise promise = {.next = 1};
    bool may_miss = length >= ENOUGH_TO_BE_UNREADABLE;

    prepare(&fixture);
    faulty_disk_break(fault, os_errno, at, length);
    do_work(&fixture, &promise);
    bool was_hit = faulty_disk_repair();
    if (promise.has_opened)
        check(&fixture, &promise, may_miss, "live", at);
    journal_fixture_close(&fixture);
    journal_fixture_open(&fixture);
    check(&fixture, &promise, may_miss, "reopened", at);
    append_noting(&fixture, 2, &promise);
    assert_true(promise.is_acked[promise.next - 1]);
    check(&fixture, &promise, may_miss, "appended", at);
    clean_up(&fixture);
    return was_hit;
}

static void run_with_fault_everywhere(enum disk_fault fault, int os_errno, unsigned length)
{
    work_function *const works[] = {work, work_in_circles};

    for (size_t i = 0; i < COUNT_OF(works); i++) {
        unsigned at = 1;
        while (run_with_fault(works[i], fault, os_errno, at, length))
            at++;
        assert_true(at > 50); /* the faults did reach the work */
    }
}

static void test_any_call_fails_once(void **state)
{
    (void)state;
    run_with_fault_everywhere(DISK_FAULT_ERROR, EIO, 1);
}

static void test_any_few_calls_fail_for_lack_of_room(void **state)
{
    (void)state;
    run_with_fault_everywhere(DISK_FAULT_ERROR, ENOSPC, 4);
}

static void test_any_dozen_calls_fail(void **state)
{
    (void)state;
    run_with_fault_everywhere(DISK_FAULT_ERROR, EIO, 12);
}

static void fail_until_repaired(int os_errno, enum status expected)
{
    struct journal_fixture fixture;
    struct error err;

    prepare(&fixture);
    journal_fixture_open(&fixture);
    assert_int_equal(journal_check_health(fixture.journal, &err), ST_OK);
    faulty_disk_break(DISK_FAULT_ERROR, os_errno, 1, UINT_MAX);
    assert_int_equal(journal_fixture_append(&fixture, 1, 100), expected);
    assert_int_equal(journal_check_health(fixture.journal, &err), expected);
    assert_int_equal(err.os_errno, os_errno);
    assert_true(faulty_disk_repair());
    assert_int_equal(journal_fixture_append(&fixture, 1, 100), ST_OK);
    assert_int_equal(journal_check_health(fixture.journal, &err), ST_OK);
    clean_up(&fixture);
}

static void test_a_write_that_fails_shows_until_one_succeeds(void **state)
{
    (void)state;
    fail_until_repaired(EIO, ST_IO);
    fail_until_repaired(ENOSPC, ST_LIMIT);
    fail_until_repaired(EDQUOT, ST_LIMIT);
}

static void test_disk_fails_from_any_call_on(void **state)
{
    (void)state;
    run_with_fault_everywhere(DISK_FAULT_ERROR, EIO, UINT_MAX);
}

static void test_any_call_does_half_its_work(void **state)
{
    (void)state;
    run_with_fault_everywhere(DISK_FAULT_SHORT, 0, 3);
}

static void test_any_call_is_interrupted(void **state)
{
    (void)state;
    run_with_fault_everywhere(DISK_FAULT_INTERRUPT, 0, 3);
}

/* Interruptions and short counts are no failures: everything is acknowledged. */
static void test_interruptions_fail_nothing(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct promise promise = {.next = 1};

    prepare(&fixture);
    faulty_disk_break(DISK_FAULT_SHORT, 0, 20, UINT_MAX);
    work(&fixture, &promise);
    assert_true(faulty_disk_repair());
    for (uint64_t number = 1; number < promise.next; number++)
        assert_true(promise.is_acked[number]);
    clean_up(&fixture);
}

/* A single failed write is made good in another segment: nobody notices. */
static void test_one_failed_write_is_made_good(void **state)
{
    (void)state;
    unsigned failed = 0;

    for (unsigned at = 1; at < 40; at++) {
        struct journal_fixture fixture;
        struct promise promise = {.next = 1};
        prepare(&fixture);
        journal_fixture_open(&fixture);
        faulty_disk_break(DISK_FAULT_ERROR, EIO, at, 1);
        for (unsigned i = 0; i < BATCHES; i++)
            append_noting(&fixture, 2, &promise);
        for (uint64_t number = 1; number < promise.next; number++)
            failed += !promise.is_acked[number];
        clean_up(&fixture);
    }
    assert_int_equal(failed, 0);
}

/* --- Power cuts --------------------------------------------------------------------------- */

/* A reader delivers what it sees and moves its cursor: that must not vanish either. */
static void promise_what_is_read(struct journal_fixture *fixture, struct promise *promise)
{
    struct journal_seen seen;

    journal_fixture_read(fixture, 0, NULL, &seen);
    for (uint64_t number = 1; number < promise->next; number++) {
        promise->is_acked[number] = seen.times[number] > 0 && !seen.groupless[number];
        promise->sequence[number] = UINT64_MAX;
    }
    journal_seen_fini(&seen);
}

/* Power fails at call `at` of the work; then again, after the journal has recovered and readers
 * have seen what is there. */
static bool run_with_power_cut(work_function *do_work, unsigned at, unsigned seed)
{
    struct journal_fixture fixture;
    struct promise promise = {.next = 1};

    prepare(&fixture);
    faulty_disk_break(DISK_FAULT_POWER_CUT, EIO, at, 1);
    do_work(&fixture, &promise);
    journal_fixture_close(&fixture);
    bool was_hit = faulty_disk_repair();
    faulty_disk_settle(seed);

    journal_fixture_open(&fixture);
    check(&fixture, &promise, true, "after the power cut", at);
    promise_what_is_read(&fixture, &promise);
    append_noting(&fixture, 3, &promise);
    assert_true(promise.is_acked[promise.next - 1]);
    faulty_disk_break(DISK_FAULT_POWER_CUT, EIO, 1, 1);
    journal_fixture_close(&fixture);
    faulty_disk_settle(seed + 1);

    journal_fixture_open(&fixture);
    check(&fixture, &promise, true, "after the second power cut", at);
    clean_up(&fixture);
    return was_hit;
}

static void cut_power_everywhere(work_function *do_work)
{
    unsigned at = 1;
    bool was_hit = true;

    for (; was_hit; at++) {
        for (unsigned seed = 0; seed < SEEDS; seed++)
            was_hit = run_with_power_cut(do_work, at, at * SEEDS + seed);
    }
    assert_true(at > 50);
}

static void test_power_cut_at_any_call(void **state)
{
    (void)state;
    cut_power_everywhere(work);
}

static void test_power_cut_at_any_call_while_files_go_round(void **state)
{
    (void)state;
    cut_power_everywhere(work_in_circles);
}

/* The process dies at call `at`, and what it wrote is in the kernel's memory only; the next one
 * shows it to readers; then power fails. */
static bool run_with_kill_and_power_cut(work_function *do_work, unsigned at, unsigned seed)
{
    struct journal_fixture fixture;
    struct promise promise = {.next = 1};

    prepare(&fixture);
    faulty_disk_break(DISK_FAULT_POWER_CUT, EIO, at, 1);
    do_work(&fixture, &promise);
    journal_fixture_close(&fixture);
    bool was_hit = faulty_disk_repair();

    journal_fixture_open(&fixture);
    assert_int_equal(fixture.recovery.quarantined_ranges + fixture.recovery.torn_bytes, 0);
    check(&fixture, &promise, false, "after the kill", at);
    promise_what_is_read(&fixture, &promise);
    faulty_disk_break(DISK_FAULT_POWER_CUT, EIO, 1, 1);
    journal_fixture_close(&fixture);
    faulty_disk_settle(seed);

    journal_fixture_open(&fixture);
    check(&fixture, &promise, false, "after the power cut that followed", at);
    clean_up(&fixture);
    return was_hit;
}

static void test_power_cut_after_recovery_from_a_kill(void **state)
{
    (void)state;
    work_function *const works[] = {work, work_in_circles};

    for (size_t i = 0; i < COUNT_OF(works); i++) {
        unsigned at = 1;
        bool was_hit = true;
        for (; was_hit; at++) {
            for (unsigned seed = 0; seed < SEEDS; seed++)
                was_hit = run_with_kill_and_power_cut(works[i], at, at * SEEDS + seed);
        }
        assert_true(at > 50);
    }
}

static atomic_uint spares_taken;

static int open_counting(int dir_fd, const char *name, int flags, mode_t mode)
{
    spares_taken += strncmp(name, "spare-", 6) == 0;
    return disk_io_system.open_at(dir_fd, name, flags, mode);
}

/* Else the tests above would not test it. */
static void test_the_work_takes_spares(void **state)
{
    (void)state;
    struct disk_io io = disk_io_system;
    struct journal_fixture fixture;
    struct promise promise = {.next = 1};

    io.open_at = open_counting;
    prepare(&fixture);
    fixture.settings.io = &io;
    work_in_circles(&fixture, &promise);
    assert_true(spares_taken > 2);
    clean_up(&fixture);
}

/* A failed sync, and a power cut at any call after it: pages that the kernel dropped must not
 * have been relied upon. */
static void test_power_cut_after_a_failed_sync(void **state)
{
    (void)state;

    work_function *const works[] = {work, work_in_circles};

    for (unsigned run = 0; run < 2 * 140; run++) {
        unsigned at = 20 + run / 2;
        struct journal_fixture fixture;
        struct promise promise = {.next = 1};
        prepare(&fixture);
        faulty_disk_break(DISK_FAULT_ERROR, EIO, at, 1 + at % 2);
        works[run % 2](&fixture, &promise);
        faulty_disk_break(DISK_FAULT_POWER_CUT, EIO, 1, 1);
        journal_fixture_close(&fixture);
        faulty_disk_settle(at);
        journal_fixture_open(&fixture);
        check(&fixture, &promise, true, "after a failure and a power cut", at);
        clean_up(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_call_fails_once),
        cmocka_unit_test(test_any_few_calls_fail_for_lack_of_room),
        cmocka_unit_test(test_any_dozen_calls_fail),
        cmocka_unit_test(test_a_write_that_fails_shows_until_one_succeeds),
        cmocka_unit_test(test_disk_fails_from_any_call_on),
        cmocka_unit_test(test_any_call_does_half_its_work),
        cmocka_unit_test(test_any_call_is_interrupted),
        cmocka_unit_test(test_interruptions_fail_nothing),
        cmocka_unit_test(test_one_failed_write_is_made_good),
        cmocka_unit_test(test_power_cut_at_any_call),
        cmocka_unit_test(test_power_cut_at_any_call_while_files_go_round),
        cmocka_unit_test(test_power_cut_after_recovery_from_a_kill),
        cmocka_unit_test(test_the_work_takes_spares),
        cmocka_unit_test(test_power_cut_after_a_failed_sync),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
