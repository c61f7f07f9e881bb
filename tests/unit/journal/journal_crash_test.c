/* SPDX-License-Identifier: Apache-2.0 */
/* journal_crash_test.c -- a journal in every state that a power cut may leave it in: it starts, has
 * what was acknowledged, has nothing else, and a second start changes nothing.
 *
 * TELLTALE_CRASH_SCALE=10 tries about ten times as many states. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/crash_states.h"
#include "support/journal_fixture.h"

enum {
    BATCHES = 24,
    NUMBERS_MAX = 256,
    PATH_SIZE = TEMP_DIR_PATH_MAX + 16,
    RETIRED = 8, /* everything below may go */
    SAMPLES = 150,
    EVERY_BITS_MAX = 8,
    STATES_MIN = 4000,
};

/* From commits that are smaller than a sector to some that span many. */
struct scenario {
    size_t record_size;
    unsigned count_max; /* records of a batch */
    uint64_t segment_size;
};

static const struct scenario scenarios[] = {
    {100, 3, 1200}, {700, 4, 4000}, {1300, 7, 20000}, {5000, 3, 30000}, {600, 12, 12000}};

enum mark { MARK_TRIED, MARK_ACKED, MARK_RETIRED };

/* What a reader finds.  No append of the scenario fails, so that record n has sequence number n. */
struct found {
    uint64_t count;
    uint64_t numbers[NUMBERS_MAX];
    bool is_there[NUMBERS_MAX];
    uint64_t missing;
    bool is_in_order;
};

static struct journal_settings settings_for(const char *dir)
{
    return (struct journal_settings){
        .dir = dir, .size_max = 64 << 20, .segment_size = 1 << 20, .pending_bytes_max = 16 << 20};
}

static bool note_batch(struct found *found, const struct batch *batch)
{
    for (size_t i = 0; i < batch->record_count; i++) {
        uint64_t number = journal_record_number(batch->records[i].bytes);
        if (number >= NUMBERS_MAX || found->count >= NUMBERS_MAX)
            return false;
        bool is_whole = batch->groups[batch->records[i].group_index].resource_logs_fields.size > 0;
        bool is_behind = found->count == 0 || number > found->numbers[found->count - 1];
        if (!is_behind || batch->records[i].sequence != number)
            return false;
        found->numbers[found->count++] = number;
        found->is_there[number] = is_whole; /* its group may be lost while it is not promised */
    }
    return true;
}

static bool read_all(struct journal *journal, struct found *ret)
{
    const struct batch_limits limits = {.size_max = 1 << 20, .count_max = 100};
    struct journal_reader *reader;
    struct batch batch = {.record_count = 1};
    struct error err;
    uint64_t next;
    uint64_t missing = 1;

    *ret = (struct found){.is_in_order = true};
    if (journal_reader_open(journal, 0, &reader, &err) != ST_OK)
        return false;
    while (batch.record_count > 0 || missing > 0) {
        if (journal_reader_next(reader, &limits, &batch, &next, &missing, &err) != ST_OK)
            break;
        ret->missing += missing;
        ret->is_in_order = ret->is_in_order && note_batch(ret, &batch);
    }
    bool is_read = batch.record_count == 0 && missing == 0;
    journal_reader_close(reader);
    return is_read;
}

static const char *find_broken_promise(const struct found *found, const uint64_t marks[TRACE_MARKS])
{
    uint64_t first = marks[MARK_RETIRED] > 0 ? marks[MARK_RETIRED] : 1;

    if (!found->is_in_order)
        return "the records are not in order";
    for (uint64_t i = first; i <= marks[MARK_ACKED]; i++) {
        if (!found->is_there[i])
            return "an acknowledged record is not there";
    }
    if (found->count > 0 && found->numbers[found->count - 1] > marks[MARK_TRIED])
        return "a record is there that nobody has sent";
    return NULL;
}

static bool is_same(const struct found *a, const struct found *b)
{
    return a->count == b->count && memcmp(a->numbers, b->numbers, sizeof(a->numbers)) == 0;
}

static const char *start_and_look(const char *path, struct journal_recovery *ret_recovery,
                                  struct found *ret_found)
{
    const struct journal_settings settings = settings_for(path);
    struct journal *journal;
    struct error err;

    if (journal_open(&settings, &journal, ret_recovery, &err) != ST_OK)
        return "it does not start";
    bool is_read = read_all(journal, ret_found);
    journal_close(journal);
    return is_read ? NULL : "it cannot be read";
}

static unsigned count_quarantined(const char *path)
{
    char quarantine[PATH_SIZE + 16];
    unsigned count = 0;

    snprintf(quarantine, sizeof(quarantine), "%s/quarantine", path);
    DIR *stream = opendir(quarantine);
    while (stream != NULL && readdir(stream) != NULL)
        count++;
    if (stream != NULL)
        (void)closedir(stream); /* was only read */
    return count;
}

static const char *check_second_start(const char *path, const struct found *first)
{
    struct journal_recovery recovery;
    struct found second;
    unsigned quarantined = count_quarantined(path);

    const char *failure = start_and_look(path, &recovery, &second);
    if (failure == NULL && !is_same(first, &second))
        failure = "the second start finds something else";
    if (failure == NULL && (recovery.torn_bytes > 0 || count_quarantined(path) != quarantined))
        failure = "the second start repairs once more";
    return failure;
}

static const char *check_state(void *context, const char *root, const uint64_t marks[TRACE_MARKS])
{
    struct journal_recovery recovery;
    struct found found;
    char path[PATH_SIZE];

    (void)context;
    snprintf(path, sizeof(path), "%s/traced", root);
    const char *failure = start_and_look(path, &recovery, &found);
    if (failure == NULL)
        failure = find_broken_promise(&found, marks);
    return failure != NULL ? failure : check_second_start(path, &found);
}

/* --- What is traced ------------------------------------------------------------------------- */

static void append(struct journal_fixture *fixture, unsigned count, size_t size)
{
    disk_trace_mark(MARK_TRIED, fixture->next_record + count - 1);
    assert_int_equal(journal_fixture_append(fixture, count, size), ST_OK);
    disk_trace_mark(MARK_ACKED, fixture->next_record - 1);
}

/* Opens, appends over several segments, opens again, appends, retires, appends. */
static void trace_journal(struct journal_fixture *fixture, const struct scenario *scenario,
                          enum trace_omission omission)
{
    journal_fixture_init(fixture);
    journal_fixture_close(fixture);
    snprintf(fixture->path, sizeof(fixture->path), "%s/traced", fixture->temp.path);
    fixture->settings = settings_for(fixture->path);
    fixture->settings.segment_size = scenario->segment_size;
    fixture->settings.io = &disk_trace_io;
    fixture->group_count = 2;
    disk_trace_begin(fixture->temp.path, omission);
    for (unsigned i = 0; i < BATCHES; i++) {
        if (i % (BATCHES / 3) == 0) {
            journal_fixture_close(fixture);
            journal_fixture_open(fixture);
        }
        append(fixture, 1 + (i * 5) % scenario->count_max, scenario->record_size);
        if (i == BATCHES - 3) {
            disk_trace_mark(MARK_RETIRED, RETIRED);
            journal_retire(fixture->journal, RETIRED);
        }
    }
    journal_fixture_close(fixture);
}

static struct crash_tally try_journal(const struct scenario *scenario, enum trace_omission omission,
                                      unsigned samples)
{
    struct journal_fixture fixture;
    struct crash_tally tally;
    const struct crash_settings settings = {
        .samples = samples, .every_bits_max = EVERY_BITS_MAX, .seed = 1};

    trace_journal(&fixture, scenario, omission);
    crash_states_try(&settings, check_state, NULL, &tally);
    disk_trace_end();
    journal_fixture_fini(&fixture);
    return tally;
}

static void test_a_journal_keeps_its_promises_in_every_state_of_a_power_cut(void **state)
{
    (void)state;
    uint64_t states = 0;

    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        struct crash_tally tally =
            try_journal(&scenarios[i], TRACE_OMIT_NOTHING, crash_samples(SAMPLES));
        print_message("states: journal, records of %u bytes: %u after %u events, every one after "
                      "%u of them\n",
                      (unsigned)scenarios[i].record_size, (unsigned)tally.states,
                      (unsigned)tally.events, (unsigned)tally.exhausted);
        if (tally.failures > 0)
            fail_msg("%u states, the first after event %u: %s", (unsigned)tally.failures,
                     (unsigned)tally.failed_event, tally.first_failure);
        states += tally.states;
    }
    assert_true(states >= STATES_MIN);
}

/* What the test above would say if the journal forgot to sync. */
static void test_a_journal_that_does_not_sync_is_found_out(void **state)
{
    (void)state;
    struct crash_tally tally = try_journal(&scenarios[0], TRACE_OMIT_FILE_SYNCS, 2);

    assert_true(tally.failures > 0);
    tally = try_journal(&scenarios[0], TRACE_OMIT_DIR_SYNCS, 2);
    assert_true(tally.failures > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_journal_keeps_its_promises_in_every_state_of_a_power_cut),
        cmocka_unit_test(test_a_journal_that_does_not_sync_is_found_out),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
