/* SPDX-License-Identifier: Apache-2.0 */
/* store_crash_test.c -- a forensic store in every state that a power cut may leave it in: it
 * starts, has what was delivered, once, in whole lines, takes what comes again without doubling it,
 * and a second start changes nothing.
 *
 * TELLTALE_CRASH_SCALE=10 tries about ten times as many states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/crash_states.h"
#include "support/deeds_told.h"
#include "support/file_store.h"
#include "support/proofs_found.h"
#include "support/store_found.h"
#include "support/store_indexes.h"
#include "verify/verify.h"

enum {
    BATCHES = 16,
    LATER_S = 61,
    SAMPLES = 100,
    EVERY_BITS_MAX = 8,
    STATES_MIN = 3000,
    PATH_SIZE = TEMP_DIR_PATH_MAX + 16,
};

/* From batches that are smaller than a sector to some that span many. */
struct scenario {
    size_t padding;     /* of a record */
    unsigned count_max; /* records of a batch */
    uint64_t rotate_size;
    bool has_proofs;
    bool has_rule; /* records of odd numbers go */
};

static const struct scenario scenarios[] = {
    {.padding = 10, .count_max = 3, .rotate_size = 1500},
    {.padding = 700, .count_max = 7, .rotate_size = 9000},
    {.padding = 3000, .count_max = 5, .rotate_size = 40000},
    {.padding = 10, .count_max = 3, .rotate_size = 1500, .has_proofs = true},
    {.padding = 9000, .count_max = 3, .rotate_size = 60000},
    {.padding = 3000, .count_max = 5, .rotate_size = 40000, .has_proofs = true},
    {.padding = 700, .count_max = 7, .rotate_size = 9000, .has_rule = true},
    {.padding = 10, .count_max = 3, .rotate_size = 1500, .has_rule = true, .has_proofs = true},
};

enum mark { MARK_TRIED, MARK_DONE, MARK_SIGNED, MARK_TOLD };

struct looking {
    struct file_store store;
    bool has_proofs;
    unsigned alarms;
    struct deeds_told told; /* since the power cut */
};

static bool take_note(void *context, const char *exporter, const struct exporter_note *note)
{
    struct looking *looking = context;

    (void)exporter;
    looking->alarms += note->is_alarm || strcmp(note->action, "unproved") == 0;
    deeds_told_take(&looking->told, note);
    return true;
}

static uint64_t told_count; /* deletions and erasures, in the order of the manifest */

/* What left the machine must be continued by every later start. */
static bool trace_note(void *context, const char *exporter, const struct exporter_note *note)
{
    (void)context;
    (void)exporter;
    if (note->has_size && note->note != NULL)
        disk_trace_mark(MARK_SIGNED, note->size);
    if (note->manifest != NULL && note->manifest[0] != 0)
        disk_trace_mark(MARK_TOLD, ++told_count);
    return true;
}

static void set_options(struct file_store *store, const struct scenario *scenario)
{
    store->padding_bytes = scenario->padding;
    file_store_set(store, "rotate.size", scenario->rotate_size);
    file_store_set(store, "compression", 1);
    file_store_set(store, "index", 1);
    if (scenario->has_proofs)
        file_store_prove(store);
    if (scenario->has_rule)
        file_store_let_odd_go(store);
}

static bool is_missing(const struct file_store *store, const struct store_found *found,
                       uint64_t sequence)
{
    return !found->is_there[sequence] && !(store->odd_go && sequence % 2 == 1);
}

static const char *find_broken_promise(const struct file_store *store,
                                       const struct store_found *found,
                                       const uint64_t marks[TRACE_MARKS])
{
    if (found->trouble[0] != 0)
        return "a line is torn or out of its place";
    for (uint64_t i = 1; i <= marks[MARK_DONE]; i++) {
        if (is_missing(store, found, i))
            return "a record that was delivered is not there";
    }
    return found->count > 0 && found->last > marks[MARK_TRIED] ? "a record is there too many"
                                                               : NULL;
}

/* Whatever there is agrees, and every line is in the tree. */
static const char *look_at_proofs(const struct file_store *store, uint64_t *ret_signed)
{
    static struct proofs_found found;

    proofs_found_read(store->path, &found);
    *ret_signed = found.signed_size;
    if (found.trouble[0] != 0)
        return found.trouble;
    return found.uncovered > 0 ? "lines are not covered" : NULL;
}

/* Before anybody has mended anything: what an honest daemon leaves is no reason for an alarm. */
static const char *verify_as_it_is(const char *path)
{
    static char text[VERIFY_FILE_SIZE + VERIFY_TEXT_SIZE + 64];
    const struct verify_options options = {.store_dir = path, .threads = 1};
    struct verify_report report;
    struct verify_summary summary;
    struct error err;
    const char *failure = NULL;

    verify_report_init(&report);
    enum status st = verify_store(&options, &report, &summary, &err);
    if (st != ST_OK && st != ST_NOT_FOUND)
        failure = "it cannot be verified";
    for (size_t i = 0; i < report.count && failure == NULL; i++) {
        const struct verify_finding *finding = &report.findings[i];
        if (finding->answer != VERIFY_NO)
            continue;
        snprintf(text, sizeof(text), "before the start verify says of '%s': %s", finding->file,
                 finding->text);
        failure = text;
    }
    verify_report_fini(&report);
    return failure;
}

static const char *start_and_look(struct file_store *store, struct store_found *ret)
{
    if (file_store_try_start(store) != ST_OK)
        return "it does not start";
    store_found_read(store->path, ret);
    struct store_indexes indexes = store_indexes_look(store->path);
    /* That of a file whose records were erased may have come back; it is made anew when idle. */
    if (indexes.refused > 0 && !store->odd_go)
        return "an index is of no use";
    return indexes.left_over > 0 ? "an index has no file" : NULL;
}

/* What the journal has is sent from an early position on, as after the loss of a cursor. */
static const char *send_again(struct file_store *store, const uint64_t marks[TRACE_MARKS])
{
    struct store_found found;
    uint64_t last = marks[MARK_TRIED] + 1;

    if (file_store_try(store, 1, last) != EXPORT_DONE)
        return "it takes no records";
    store_found_read(store->path, &found);
    bool is_good = found.trouble[0] == 0 && (store->odd_go || found.count == last);
    for (uint64_t i = 1; i <= last; i++)
        is_good = is_good && !is_missing(store, &found, i);
    return is_good ? NULL : "what comes again is lost or doubled";
}

static const char *check_state(void *context, const char *root, const uint64_t marks[TRACE_MARKS])
{
    struct looking *looking = context;
    struct file_store *store = &looking->store;
    uint64_t signed_size = 0;
    struct store_found first;
    struct store_found second;
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s", root);
    file_store_set_root(store, path);
    store->first_new_sequence = marks[MARK_TRIED] + 1;
    looking->told = (struct deeds_told){.count = 0};
    const char *failure = looking->has_proofs ? verify_as_it_is(store->path) : NULL;
    if (failure == NULL)
        failure = start_and_look(store, &first);
    if (failure == NULL)
        failure = find_broken_promise(store, &first, marks);
    file_store_stop(store);
    if (failure == NULL)
        failure = start_and_look(store, &second);
    if (failure == NULL && looking->has_proofs)
        failure = look_at_proofs(store, &signed_size);
    if (failure == NULL && signed_size < marks[MARK_SIGNED])
        failure = "a checkpoint is gone";
    if (failure == NULL && (second.count != first.count || second.last != first.last))
        failure = "the second start finds something else";
    if (failure == NULL)
        failure = send_again(store, marks);
    file_store_stop(store);
    if (failure == NULL && looking->has_proofs)
        failure = look_at_proofs(store, &signed_size);
    if (looking->has_proofs && failure == NULL && looking->alarms > 0)
        failure = "an alarm was raised";
    if (looking->has_proofs && failure == NULL)
        failure = deeds_told_check(&looking->told, store->path, marks[MARK_TOLD]);
    return failure;
}

/* --- What is traced ------------------------------------------------------------------------- */

static void send(struct file_store *store, uint64_t first, uint64_t last)
{
    disk_trace_mark(MARK_TRIED, last);
    file_store_send(store, first, last);
    disk_trace_mark(MARK_DONE, last);
}

/* Starts, appends over several files, compresses them, starts again. */
static void trace_store(struct file_store *store, const struct scenario *scenario,
                        enum trace_omission omission)
{
    uint64_t next = 1;

    told_count = 0;
    file_store_init(store);
    set_options(store, scenario);
    store->io = &disk_trace_io;
    store->notes = (struct exporter_notes){.tell = trace_note};
    disk_trace_begin(store->dir.path, omission);
    file_store_start(store);
    for (unsigned i = 0; i < BATCHES; i++) {
        if (i == BATCHES / 2) {
            file_store_stop(store);
            store->first_new_sequence = next;
            file_store_start(store);
        }
        uint64_t count = 1 + (i * 5) % scenario->count_max;
        send(store, next, next + count - 1);
        next += count;
    }
    for (uint64_t i = 0; i < 3; i++)
        file_store_tick(store, i * LATER_S);
    file_store_stop(store);
}

static struct crash_tally try_store(const struct scenario *scenario, enum trace_omission omission,
                                    unsigned samples)
{
    struct file_store traced;
    struct looking looking = {.has_proofs = scenario->has_proofs};
    struct crash_tally tally;
    const struct crash_settings settings = {
        .samples = samples, .every_bits_max = EVERY_BITS_MAX, .seed = 1};

    trace_store(&traced, scenario, omission);
    file_store_init(&looking.store);
    set_options(&looking.store, scenario);
    looking.store.notes = (struct exporter_notes){.context = &looking, .tell = take_note};
    crash_states_try(&settings, check_state, &looking, &tally);
    disk_trace_end();
    file_store_fini(&looking.store);
    file_store_fini(&traced);
    return tally;
}

static void test_a_store_keeps_its_promises_in_every_state_of_a_power_cut(void **state)
{
    (void)state;
    uint64_t states = 0;

    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        struct crash_tally tally =
            try_store(&scenarios[i], TRACE_OMIT_NOTHING, crash_samples(SAMPLES));
        print_message(
            "states: store%s%s, texts of %u bytes: %u after %u events, every one after %u of "
            "them\n",
            scenarios[i].has_proofs ? " with proofs" : "",
            scenarios[i].has_rule ? " with erasures" : "", (unsigned)scenarios[i].padding,
            (unsigned)tally.states, (unsigned)tally.events, (unsigned)tally.exhausted);
        if (tally.failures > 0)
            fail_msg("%u states, the first after event %u: %s", (unsigned)tally.failures,
                     (unsigned)tally.failed_event, tally.first_failure);
        states += tally.states;
    }
    assert_true(states >= STATES_MIN);
}

/* What the test above would say if the store forgot to sync. */
static void test_a_store_that_does_not_sync_is_found_out(void **state)
{
    (void)state;
    struct crash_tally tally = try_store(&scenarios[0], TRACE_OMIT_FILE_SYNCS, 2);

    assert_true(tally.failures > 0);
    tally = try_store(&scenarios[0], TRACE_OMIT_DIR_SYNCS, 2);
    assert_true(tally.failures > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_keeps_its_promises_in_every_state_of_a_power_cut),
        cmocka_unit_test(test_a_store_that_does_not_sync_is_found_out),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
