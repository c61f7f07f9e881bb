/* SPDX-License-Identifier: Apache-2.0 */
/* retention_rules_test.c -- rules, holds and want of room against each other, in a store. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "retain/retention_plan.h"
#include "support/file_store.h"
#include "support/proofs_found.h"
#include "support/store_found.h"
#include "telltale/hold.h"
#include "util/clock.h"

#define BEGIN  (UINT64_C(20000) * 86400 * NS_PER_S)
#define DAY_NS (UINT64_C(86400) * NS_PER_S)

static uint64_t clock_ns;

static uint64_t read_clock(void)
{
    return clock_ns;
}

/* Each batch becomes a file; of the odd records a rule says that they go after a second. */
static void begin(struct file_store *store)
{
    clock_ns = BEGIN;
    file_store_init(store);
    store->read_clock = read_clock;
    file_store_set(store, "rotate.size", 1);
}

static void go_to(struct file_store *store, uint64_t days)
{
    clock_ns = BEGIN + days * DAY_NS;
    for (int i = 0; i < 5; i++)
        file_store_tick(store, 0);
}

/* "1-4,6": those and no others. */
static void expect(const struct file_store *store, const char *expected)
{
    struct store_found found;
    char text[512] = "";

    store_found_read(store->path, &found);
    assert_string_equal(found.trouble, "");
    for (unsigned i = 1; i < STORE_FOUND_MAX; i++) {
        size_t used = strlen(text);
        unsigned first = i;
        if (!found.is_there[i])
            continue;
        while (i + 1 < STORE_FOUND_MAX && found.is_there[i + 1])
            i++;
        snprintf(text + used, sizeof(text) - used, first == i ? "%s%u" : "%s%u-%u",
                 used > 0 ? "," : "", first, i);
    }
    assert_string_equal(text, expected);
}

static int open_dir(const struct file_store *store)
{
    int fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* Holds the records whose body has `text`. */
static void hold_text(const struct file_store *store, const char *id, const char *text)
{
    struct hold hold = {.made_unix_ns = clock_ns, .by = "alice", .reason = "inquiry"};
    struct error err;
    int fd = open_dir(store);

    snprintf(hold.id, sizeof(hold.id), "%s", id);
    hold.question.text = text;
    assert_int_equal(hold_add(fd, &hold, &err), ST_OK);
    close(fd);
}

static void release(const struct file_store *store, const char *id)
{
    struct error err;
    int fd = open_dir(store);

    assert_int_equal(hold_release(fd, id, "bob", "over", clock_ns, &err), ST_OK);
    close(fd);
}

static unsigned notes_of(const struct file_store *store, const char *words)
{
    char command[256];

    snprintf(command, sizeof(command), "grep -c '%s' store.log || true", words);
    return (unsigned)file_store_run_number(store, command);
}

static void send_three_files(struct file_store *store)
{
    for (uint64_t i = 0; i < 3; i++) {
        clock_ns = BEGIN + i * DAY_NS;
        file_store_send(store, i * 4 + 1, i * 4 + 4);
    }
}

static void test_the_young_stay_for_want_of_whatever(void **state)
{
    (void)state;
    struct file_store store;

    begin(&store);
    file_store_set(&store, "retention.max_files", 1);
    file_store_set(&store, "retention.min_age", 5 * DAY_NS);
    file_store_start(&store);
    send_three_files(&store);
    go_to(&store, 4);
    expect(&store, "1-12");
    assert_int_equal(notes_of(&store, "retention.max_files asks for room"), 1);
    go_to(&store, 6);
    expect(&store, "5-12");
    go_to(&store, 20);
    expect(&store, "9-12");
    assert_int_equal(notes_of(&store, "has the room again"), 1);
    file_store_fini(&store);
}

static void test_what_is_held_stays_and_does_not_count(void **state)
{
    (void)state;
    struct file_store store;

    begin(&store);
    file_store_start(&store);
    send_three_files(&store);
    hold_text(&store, "case-1", "event 2 ");
    file_store_stop(&store);
    file_store_set(&store, "retention.max_files", 1);
    file_store_start(&store);
    go_to(&store, 3);
    expect(&store, "1-4,9-12");
    release(&store, "case-1");
    go_to(&store, 4);
    expect(&store, "9-12");
    file_store_fini(&store);
}

static void test_a_hold_splits_a_file_that_is_due(void **state)
{
    (void)state;
    struct file_store store;
    struct proofs_found found;

    begin(&store);
    file_store_set(&store, "retention.max_age", 10 * DAY_NS);
    file_store_prove(&store);
    file_store_start(&store);
    send_three_files(&store);
    hold_text(&store, "case-1", "event 3 ");
    hold_text(&store, "case-2", "event 11 ");
    go_to(&store, 30);
    expect(&store, "3,11");
    proofs_found_read(store.path, &found);
    assert_string_equal(found.trouble, "");
    assert_int_equal(found.rewritten, 2);
    assert_int_equal(found.erased, 6);
    file_store_fini(&store);
}

static void test_holds_are_put_on_record_once(void **state)
{
    (void)state;
    struct file_store store;

    begin(&store);
    file_store_prove(&store);
    file_store_start(&store);
    send_three_files(&store);
    hold_text(&store, "case-1", "event 3 ");
    go_to(&store, 3);
    file_store_stop(&store);
    hold_text(&store, "case-2", "event 3 "); /* nobody looks */
    file_store_start(&store);
    go_to(&store, 4);
    release(&store, "case-1");
    file_store_stop(&store);
    file_store_start(&store);
    go_to(&store, 5);
    file_store_run_number(&store, "rm holds/case-2.json");
    go_to(&store, 6);
    assert_int_equal(notes_of(&store, "hold case-1, by alice: inquiry"), 1);
    assert_int_equal(notes_of(&store, "hold case-2, by alice: inquiry"), 1);
    assert_int_equal(notes_of(&store, "release case-1, by bob: over"), 1);
    assert_int_equal(notes_of(&store, "release case-2, by (unknown): its file is gone"), 1);
    assert_int_equal(file_store_run_number(&store, "grep -c 'case-' manifest.jsonl"), 4);
    file_store_fini(&store);
}

static void test_a_hold_that_cannot_be_read_holds_everything(void **state)
{
    (void)state;
    struct file_store store;

    begin(&store);
    file_store_set(&store, "retention.max_age", DAY_NS);
    file_store_set(&store, "retention.max_files", 1);
    file_store_start(&store);
    file_store_run_number(&store, "mkdir -p holds && echo '{' > holds/torn.json");
    send_three_files(&store);
    go_to(&store, 30);
    expect(&store, "1-12");
    assert_true(notes_of(&store, "everything is held: holds/torn.json") > 0);
    release(&store, "torn");
    go_to(&store, 31);
    expect(&store, "");
    file_store_fini(&store);
}

static void test_what_was_changed_is_left_as_it_is(void **state)
{
    (void)state;
    struct file_store store;

    begin(&store);
    file_store_let_odd_go(&store);
    file_store_prove(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 4);
    file_store_send(&store, 5, 8);
    file_store_run_number(&store, "sed -i 's/event 6 /event 9 /' *Z-*5-*8.jsonl && "
                                  "touch -d @1728000000 *Z-*5-*8.jsonl");
    clock_ns = BEGIN + 2 * DAY_NS;
    assert_int_equal(file_store_try_tick(&store, 0), ST_CORRUPT);
    go_to(&store, 3); /* it is not tried for ever */
    expect(&store, "2,4-8");
    assert_int_equal(file_store_count(&store, ".next"), 0);
    file_store_fini(&store);
}

static enum status take_deletion(void *context, const struct exporter_deletion *deletion,
                                 struct error *err)
{
    (void)err;
    *(uint64_t *)context += deletion->last_sequence - deletion->first_sequence + 1;
    return ST_OK;
}

static void test_a_full_disk_passes_over_what_is_held_or_young(void **state)
{
    (void)state;
    struct file_store store;
    struct stat info;
    uint64_t deleted = 0;
    uint64_t freed;

    begin(&store);
    file_store_set(&store, "retention.min_age", 5 * DAY_NS);
    file_store_start(&store);
    send_three_files(&store);
    hold_text(&store, "case-1", "event 1 ");
    clock_ns = BEGIN + 6 * DAY_NS + DAY_NS / 2; /* the third file is young */
    assert_int_equal(stat(store.path, &info), 0);
    struct exporter_room room = {.wanted_bytes = UINT64_MAX,
                                 .device = info.st_dev,
                                 .delivered_below = 100,
                                 .context = &deleted,
                                 .before_deletion = take_deletion};
    memset(room.journal_id, store.journal_id, sizeof(room.journal_id));
    extern const struct exporter_ops exporter_file;
    assert_int_equal(exporter_file.make_room(store.exporter, &room, &freed, &store.err), ST_OK);
    assert_int_equal(deleted, 4);
    assert_true(freed > 0);
    expect(&store, "1-4,9-12");
    file_store_fini(&store);
}

static void test_a_plan_says_what_then_happens(void **state)
{
    (void)state;
    struct file_store store;
    struct retention_plan plan;
    struct error err;
    static const char *const kinds[] = {"agent.prompt"};
    static const struct retention_rule rule = {
        .name = "odd", .kinds = {kinds, 1}, .keep_ns = NS_PER_S};
    const struct retention_config config = {.max_age_ns = 4 * DAY_NS, .rules = {&rule, 1}};

    begin(&store);
    store.odd_go = true; /* and no rule yet */
    file_store_start(&store);
    send_three_files(&store);
    hold_text(&store, "case-1", "event 9 ");
    uint64_t at = BEGIN + 5 * DAY_NS;
    file_store_stop(&store);
    assert_int_equal(retention_plan_make(store.path, &config, at, NULL, &plan, &err), ST_OK);
    assert_int_equal(plan.count, 3);
    assert_int_equal(plan.entries[0].step.action, RETENTION_DELETE);
    assert_int_equal(plan.entries[0].step.classes, 3);
    assert_int_equal(plan.entries[1].step.action, RETENTION_ERASE);
    assert_int_equal(plan.entries[1].due, 2);
    assert_int_equal(plan.entries[1].then.action, RETENTION_DELETE);
    assert_true(plan.entries[1].then.when_unix_ns == BEGIN + 5 * DAY_NS);
    assert_int_equal(plan.entries[2].due, 1);
    assert_int_equal(plan.entries[2].held[0], 1);
    retention_plan_fini(&plan);
    expect(&store, "1-12"); /* a plan changes nothing */
    file_store_set(&store, "retention.max_age", 4 * DAY_NS);
    file_store_let_odd_go(&store);
    file_store_start(&store);
    go_to(&store, 5);
    expect(&store, "6,8-10,12");
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_young_stay_for_want_of_whatever),
        cmocka_unit_test(test_what_is_held_stays_and_does_not_count),
        cmocka_unit_test(test_a_hold_splits_a_file_that_is_due),
        cmocka_unit_test(test_holds_are_put_on_record_once),
        cmocka_unit_test(test_a_hold_that_cannot_be_read_holds_everything),
        cmocka_unit_test(test_what_was_changed_is_left_as_it_is),
        cmocka_unit_test(test_a_full_disk_passes_over_what_is_held_or_young),
        cmocka_unit_test(test_a_plan_says_what_then_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
