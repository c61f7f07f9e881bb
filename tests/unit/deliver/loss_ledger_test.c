/* SPDX-License-Identifier: Apache-2.0 */
/* loss_ledger_test.c -- what was written down stays, each loss once, whatever the disk does. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver/loss_ledger.h"
#include "support/faulty_disk.h"
#include "support/temp_dir.h"

enum { SEEN_MAX = 512, CALLS_MAX = 60, SEEDS = 3 };

static const uint8_t journal_one[JOURNAL_ID_SIZE] = {1};
static const uint8_t journal_two[JOURNAL_ID_SIZE] = {2};

struct desk {
    struct temp_dir dir;
    struct loss_ledger_settings settings;
    struct loss_ledger *ledger;
    struct error err;
    struct loss seen[SEEN_MAX]; /* by read() */
    size_t seen_count;
    struct loss_totals before; /* what is older than `seen` */
    uint64_t bad_lines;
};

static void open_ledger(struct desk *desk)
{
    loss_ledger_close(desk->ledger);
    desk->ledger = NULL;
    assert_int_equal(loss_ledger_open(&desk->settings, &desk->ledger, &desk->err), ST_OK);
}

static int make_desk(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    temp_dir_make(&desk->dir);
    desk->settings.dir = desk->dir.path;
    open_ledger(desk);
    *state = desk;
    return 0;
}

static int drop_desk(void **state)
{
    struct desk *desk = *state;

    loss_ledger_close(desk->ledger);
    temp_dir_remove(&desk->dir);
    free(desk);
    return 0;
}

static struct loss loss_of(const char *destination, uint64_t first, uint64_t last)
{
    struct loss loss;

    loss_init(&loss, destination, LOSS_JOURNAL_FULL, journal_one, 1700000000123456789);
    loss.first = first;
    loss.last = last;
    loss.records = last - first + 1;
    loss.bytes = 10 * loss.records;
    return loss;
}

/* Whether it was new. */
static bool put(struct desk *desk, const struct loss *loss)
{
    bool is_new = false;

    assert_int_equal(loss_ledger_write(desk->ledger, loss, &is_new, &desk->err), ST_OK);
    return is_new;
}

static enum status see_totals(void *context, const struct loss_totals *totals, struct error *err)
{
    (void)err;
    ((struct desk *)context)->before = *totals;
    return ST_OK;
}

static enum status see_loss(void *context, const struct loss *loss, struct error *err)
{
    struct desk *desk = context;

    (void)err;
    assert_true(desk->seen_count < SEEN_MAX);
    desk->seen[desk->seen_count++] = *loss;
    return ST_OK;
}

static void read_again(struct desk *desk)
{
    const struct loss_visitor visitor = {desk, see_totals, see_loss};

    desk->seen_count = 0;
    desk->before.count = 0;
    assert_int_equal(loss_ledger_read(desk->dir.path, &visitor, &desk->bad_lines, &desk->err),
                     ST_OK);
}

static uint64_t records_in(const struct loss_totals *totals)
{
    uint64_t records = 0;

    for (size_t i = 0; i < totals->count; i++)
        records += totals->items[i].records;
    return records;
}

static uint64_t records_seen(const struct desk *desk)
{
    uint64_t records = records_in(&desk->before);

    for (size_t i = 0; i < desk->seen_count; i++)
        records += desk->seen[i].records;
    return records;
}

static uint64_t records_summed(struct desk *desk)
{
    struct loss_totals totals;

    loss_ledger_sums(desk->ledger, &totals);
    return records_in(&totals);
}

static void append_raw(struct desk *desk, const char *text)
{
    int fd = openat(desk->dir.fd, "loss-ledger.jsonl", O_WRONLY | O_APPEND);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void test_an_incident_reads_back_as_it_was_written(void **state)
{
    struct desk *desk = *state;
    struct loss loss = loss_of("otlp_grpc/soc", 5, 9);

    loss.reason = LOSS_DEAD_LETTERS_FULL;
    snprintf(loss.file, sizeof(loss.file), "otlp_grpc.soc.1.jsonl");
    loss_add_time(&loss, 1600000000000000001);
    loss_add_time(&loss, 1500000000000000002);
    loss_add_time(&loss, 0);
    loss_words_add(&loss.kinds, SLICE("agent.tool"), 3);
    loss_words_add(&loss.kinds, SLICE("agent.\x1b[31m\n"), 1);
    loss_words_add(&loss.kinds, SLICE("agent.tool"), 1);
    loss_words_add(&loss.outcomes, SLICE("success"), 5);
    assert_true(put(desk, &loss));
    read_again(desk);
    assert_int_equal(desk->seen_count, 1);
    assert_int_equal(desk->bad_lines, 0);
    const struct loss *seen = &desk->seen[0];
    assert_int_equal(seen->unix_ns, loss.unix_ns);
    assert_string_equal(seen->destination, "otlp_grpc/soc");
    assert_int_equal(seen->reason, LOSS_DEAD_LETTERS_FULL);
    assert_memory_equal(seen->journal_id, journal_one, JOURNAL_ID_SIZE);
    assert_int_equal(seen->first, 5);
    assert_int_equal(seen->last, 9);
    assert_int_equal(seen->records, 5);
    assert_int_equal(seen->bytes, 50);
    assert_int_equal(seen->first_event_ns, 1500000000000000002);
    assert_int_equal(seen->last_event_ns, 1600000000000000001);
    assert_string_equal(seen->file, loss.file);
    assert_int_equal(seen->kinds.count, 2);
    assert_string_equal(seen->kinds.items[0].text, "agent.tool");
    assert_int_equal(seen->kinds.items[0].count, 4);
    assert_string_equal(seen->kinds.items[1].text, "agent.\x1b[31m\n");
    assert_int_equal(seen->outcomes.items[0].count, 5);
}

static void test_words_past_the_limit_are_counted_as_other(void **state)
{
    struct loss_words words = {.count = 0};
    uint64_t sum = 0;

    (void)state;
    for (int i = 0; i < 2 * LOSS_WORDS_MAX; i++) {
        char text[16];
        snprintf(text, sizeof(text), "kind %d", i);
        loss_words_add(&words, slice_of_text(text), 1);
    }
    assert_int_equal(words.count, LOSS_WORDS_MAX);
    assert_string_equal(words.items[LOSS_WORDS_MAX - 1].text, "other");
    for (size_t i = 0; i < words.count; i++)
        sum += words.items[i].count;
    assert_int_equal(sum, 2 * LOSS_WORDS_MAX);
}

static void test_destinations_past_the_limit_are_summed_together(void **state)
{
    struct desk *desk = *state;

    for (int i = 0; i < LOSS_TOTALS_MAX + 10; i++) {
        char name[32];
        snprintf(name, sizeof(name), "fake/%d", i);
        struct loss loss = loss_of(name, 1, 2);
        assert_true(put(desk, &loss));
    }
    assert_int_equal(records_summed(desk), 2 * (LOSS_TOTALS_MAX + 10));
    open_ledger(desk);
    assert_int_equal(records_summed(desk), 2 * (LOSS_TOTALS_MAX + 10));
}

/* --- The same loss again ---------------------------------------------------------------------- */

static void test_the_same_loss_is_written_once(void **state)
{
    struct desk *desk = *state;
    struct loss loss = loss_of("fake/a", 1, 10);
    struct loss part = loss_of("fake/a", 4, 10);
    struct loss other = loss_of("fake/b", 1, 10);
    struct loss next = loss_of("fake/a", 11, 12);

    assert_true(put(desk, &loss));
    assert_false(put(desk, &loss));
    open_ledger(desk);
    assert_false(put(desk, &loss));
    assert_false(put(desk, &part));
    assert_true(put(desk, &other));
    assert_true(put(desk, &next));
    assert_int_equal(records_summed(desk), 22);
}

static void test_another_journal_counts_from_one_again(void **state)
{
    struct desk *desk = *state;
    struct loss loss = loss_of("fake/a", 1, 10);

    assert_true(put(desk, &loss));
    memcpy(loss.journal_id, journal_two, JOURNAL_ID_SIZE);
    assert_true(put(desk, &loss));
}

static void test_files_are_told_apart_by_their_records(void **state)
{
    struct desk *desk = *state;
    struct loss loss = loss_of("fake/a", 50, 90);
    struct loss earlier = loss_of("fake/a", 10, 40);

    loss.reason = earlier.reason = LOSS_DEAD_LETTERS_FULL;
    assert_true(put(desk, &loss));
    assert_true(put(desk, &earlier));
    assert_false(put(desk, &earlier));
}

static uint64_t resume(struct desk *desk, const char *destination, const uint8_t *journal_id,
                       uint64_t sequence)
{
    return loss_ledger_resume(desk->ledger, destination, journal_id, sequence);
}

static void test_a_cursor_in_front_of_a_loss_resumes_behind_it(void **state)
{
    struct desk *desk = *state;
    struct loss later = loss_of("fake/a", 21, 30);
    struct loss loss = loss_of("fake/a", 11, 20);
    struct loss apart = loss_of("fake/a", 40, 50);
    struct loss damage = loss_of("fake/a", 51, 60);

    damage.reason = LOSS_DAMAGE;
    assert_true(put(desk, &later));
    assert_true(put(desk, &loss));
    assert_true(put(desk, &apart));
    assert_true(put(desk, &damage));
    open_ledger(desk);
    assert_int_equal(resume(desk, "fake/a", journal_one, 10), 10);
    assert_int_equal(resume(desk, "fake/a", journal_one, 11), 31);
    assert_int_equal(resume(desk, "fake/a", journal_one, 30), 31);
    assert_int_equal(resume(desk, "fake/a", journal_one, 45), 51);
    assert_int_equal(resume(desk, "fake/a", journal_one, 51), 51);
    assert_int_equal(resume(desk, "fake/b", journal_one, 11), 11);
    assert_int_equal(resume(desk, "fake/a", journal_two, 11), 11);
}

static void test_what_comes_again_is_known_in_a_new_file_too(void **state)
{
    struct desk *desk = *state;
    struct loss first = loss_of("fake/a", 1, 10);
    struct loss second = loss_of("fake/a", 11, 20);

    desk->settings.file_size = 100;
    open_ledger(desk);
    assert_true(put(desk, &first));
    assert_true(put(desk, &second)); /* in the next file */
    open_ledger(desk);
    assert_false(put(desk, &first));
    assert_false(put(desk, &second));
    assert_int_equal(records_summed(desk), 20);
}

/* --- Files ------------------------------------------------------------------------------------ */

static void test_a_torn_last_line_is_cut_off_at_the_start(void **state)
{
    struct desk *desk = *state;
    struct loss loss = loss_of("fake/a", 1, 10);
    struct loss next = loss_of("fake/a", 11, 12);

    (void)put(desk, &loss);
    append_raw(desk, "{\"time\":\"2026-11-20T");
    open_ledger(desk);
    assert_true(put(desk, &next));
    read_again(desk);
    assert_int_equal(desk->bad_lines, 0);
    assert_int_equal(desk->seen_count, 2);
    assert_int_equal(records_summed(desk), 12);
}

static void test_lines_of_somebody_else_are_passed_over_and_counted(void **state)
{
    struct desk *desk = *state;
    struct loss loss = loss_of("fake/a", 1, 10);

    append_raw(desk, "hello\n{\"destination\":7}\n[[[[\n");
    open_ledger(desk);
    (void)put(desk, &loss);
    read_again(desk);
    assert_int_equal(desk->bad_lines, 3);
    assert_int_equal(desk->seen_count, 1);
}

static void test_old_files_go_and_their_sums_stay(void **state)
{
    enum { LOSSES = 200 };
    struct desk *desk = *state;
    struct stat info;

    desk->settings.file_size = 2000;
    desk->settings.files_max = 3;
    open_ledger(desk);
    for (uint64_t i = 0; i < LOSSES; i++) {
        struct loss loss = loss_of(i % 2 == 0 ? "fake/a" : "fake/b", 10 * i + 1, 10 * i + 10);
        assert_true(put(desk, &loss));
        if (i % 50 == 0)
            open_ledger(desk);
    }
    assert_int_equal(records_summed(desk), 10 * LOSSES);
    open_ledger(desk);
    assert_int_equal(records_summed(desk), 10 * LOSSES);
    read_again(desk);
    assert_true(desk->seen_count < LOSSES / 2);
    assert_int_equal(records_seen(desk), 10 * LOSSES);
    assert_int_equal(fstatat(desk->dir.fd, "loss-ledger.1.jsonl", &info, 0), -1);
    unsigned files = 0;
    for (int i = 1; i < LOSSES; i++) {
        char name[64];
        snprintf(name, sizeof(name), "loss-ledger.%d.jsonl", i);
        files += fstatat(desk->dir.fd, name, &info, 0) == 0;
    }
    assert_int_equal(files, 2);
}

static void test_without_a_present_file_the_newest_old_one_is_continued(void **state)
{
    struct desk *desk = *state;
    struct loss loss = loss_of("fake/a", 1, 10);
    struct loss next = loss_of("fake/a", 11, 12);

    (void)put(desk, &loss);
    assert_int_equal(
        renameat(desk->dir.fd, "loss-ledger.jsonl", desk->dir.fd, "loss-ledger.7.jsonl"), 0);
    open_ledger(desk);
    assert_false(put(desk, &loss));
    assert_true(put(desk, &next));
    assert_int_equal(records_summed(desk), 12);
    read_again(desk);
    assert_int_equal(desk->seen_count, 2);
}

/* --- Faults ----------------------------------------------------------------------------------- */

/* Writes losses 1..count of one record each, each again until it is taken; gives how many were. */
static uint64_t write_some(struct desk *desk, uint64_t count)
{
    bool is_new;

    for (uint64_t i = 1; i <= count; i++) {
        struct loss loss = loss_of("fake/a", i, i);
        if (loss_ledger_write(desk->ledger, &loss, &is_new, &desk->err) != ST_OK &&
            loss_ledger_write(desk->ledger, &loss, &is_new, &desk->err) != ST_OK)
            return i - 1;
    }
    return count;
}

/* What was told to be written is there, once; at most one line more. */
static void check_written(struct desk *desk, uint64_t told)
{
    desk->settings.io = NULL;
    open_ledger(desk);
    read_again(desk);
    uint64_t there = records_seen(desk);
    assert_true(there >= told);
    assert_true(there <= told + 1);
    assert_int_equal(records_summed(desk), there);
}

static void run_with_fault(enum disk_fault fault, unsigned at, unsigned length, unsigned seed)
{
    void *state = NULL;

    assert_int_equal(make_desk(&state), 0);
    struct desk *desk = state;
    loss_ledger_close(desk->ledger);
    desk->ledger = NULL;
    desk->settings.io = &faulty_disk_io;
    desk->settings.file_size = 1200;
    faulty_disk_reset(desk->dir.fd);
    uint64_t told = 0;
    faulty_disk_break(fault, ENOSPC, at, length);
    if (loss_ledger_open(&desk->settings, &desk->ledger, &desk->err) == ST_OK)
        told = write_some(desk, 12);
    (void)faulty_disk_repair();
    loss_ledger_close(desk->ledger);
    desk->ledger = NULL;
    if (fault == DISK_FAULT_POWER_CUT)
        faulty_disk_settle(seed);
    check_written(desk, told);
    faulty_disk_reset(desk->dir.fd);
    assert_int_equal(drop_desk(&state), 0);
}

static void test_a_failure_of_any_call_loses_no_line_and_doubles_none(void **state)
{
    (void)state;
    for (unsigned at = 1; at < CALLS_MAX; at++) {
        run_with_fault(DISK_FAULT_ERROR, at, 1, 0);
        run_with_fault(DISK_FAULT_ERROR, at, 3, 0);
        run_with_fault(DISK_FAULT_SHORT, at, 1, 0);
        run_with_fault(DISK_FAULT_INTERRUPT, at, 1, 0);
    }
}

static void test_a_power_cut_at_any_call_loses_no_line_that_was_told(void **state)
{
    (void)state;
    for (unsigned at = 1; at < CALLS_MAX; at++) {
        for (unsigned seed = 1; seed <= SEEDS; seed++)
            run_with_fault(DISK_FAULT_POWER_CUT, at, 1, seed);
    }
}

static void test_a_loss_that_cannot_be_written_is_refused(void **state)
{
    struct desk *desk = *state;
    struct loss loss = loss_of("fake/a", 1, 10);
    bool is_new;

    desk->settings.io = &faulty_disk_io;
    faulty_disk_reset(desk->dir.fd);
    open_ledger(desk);
    faulty_disk_break(DISK_FAULT_ERROR, ENOSPC, 1, 1000);
    assert_int_equal(loss_ledger_write(desk->ledger, &loss, &is_new, &desk->err), ST_IO);
    assert_non_null(strstr(desk->err.text, "loss ledger"));
    assert_int_equal(records_summed(desk), 0);
    (void)faulty_disk_repair();
    assert_true(put(desk, &loss));
    read_again(desk);
    assert_int_equal(records_seen(desk), 10);
    faulty_disk_reset(desk->dir.fd);
}

int main(void)
{
#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, make_desk, drop_desk)
    const struct CMUnitTest tests[] = {
        WITH_DESK(test_an_incident_reads_back_as_it_was_written),
        cmocka_unit_test(test_words_past_the_limit_are_counted_as_other),
        WITH_DESK(test_destinations_past_the_limit_are_summed_together),
        WITH_DESK(test_the_same_loss_is_written_once),
        WITH_DESK(test_another_journal_counts_from_one_again),
        WITH_DESK(test_files_are_told_apart_by_their_records),
        WITH_DESK(test_a_cursor_in_front_of_a_loss_resumes_behind_it),
        WITH_DESK(test_what_comes_again_is_known_in_a_new_file_too),
        WITH_DESK(test_a_torn_last_line_is_cut_off_at_the_start),
        WITH_DESK(test_lines_of_somebody_else_are_passed_over_and_counted),
        WITH_DESK(test_old_files_go_and_their_sums_stay),
        WITH_DESK(test_without_a_present_file_the_newest_old_one_is_continued),
        cmocka_unit_test(test_a_failure_of_any_call_loses_no_line_and_doubles_none),
        cmocka_unit_test(test_a_power_cut_at_any_call_loses_no_line_that_was_told),
        WITH_DESK(test_a_loss_that_cannot_be_written_is_refused),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
