/* SPDX-License-Identifier: Apache-2.0 */
/* proofs_test.c -- a store proves itself: the tree, its files, its name and its keys, what damage
 * costs, and what is said of all that.  The proofs are checked from the files alone
 * (support/proofs_found.h).  When and what is signed: checkpoints_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/proving_scene.h"

/* The last thing that was said about the tree. */
static const struct told_note *last_word(const struct told_notes *told)
{
    assert_true(told->count > 0);
    const struct told_note *note = &told->items[told->count - 1];
    assert_true(note->note[0] != 0);
    return note;
}

/* --- The tree --------------------------------------------------------------------------------- */

static void test_every_line_is_in_the_tree_over_files_and_starts(void **state)
{
    struct proving_scene *scene = *state;

    file_store_set(&scene->store, "rotate.size", 6000);
    file_store_set(&scene->store, "compression", 1);
    for (uint64_t i = 1; i <= 120; i += 3) {
        if (i % 30 == 1) {
            file_store_stop(&scene->store);
            file_store_start(&scene->store);
        }
        file_store_send(&scene->store, i, i + 2);
    }
    file_store_compress_all(&scene->store);
    file_store_expect(&scene->store, 1, 120);
    struct proofs_found found = proving_scene_look(scene);
    assert_int_equal(found.covered, 120);
    assert_int_equal(found.uncovered, 0);
    assert_true(found.closed > 3);
    assert_true(found.compressed > 3);
    file_store_stop(&scene->store);
    found = proving_scene_look(scene);
    assert_int_equal(found.signed_size, 120);
    assert_int_equal(told_notes_count(&scene->told, "unproved", NULL), 0);
}

static void test_what_is_switched_off_leaves_nothing(void **state)
{
    struct proving_scene *scene = *state;

    file_store_set(&scene->store, "integrity.enabled", 0);
    file_store_start(&scene->store);
    file_store_send(&scene->store, 1, 5);
    file_store_tick(&scene->store, 100);
    file_store_stop(&scene->store);
    assert_int_equal(file_store_count(&scene->store, ""), 1);
    assert_int_equal(scene->told.count, 0);
}

static void test_what_was_switched_off_begins_another_log_when_it_is_on_again(void **state)
{
    struct proving_scene *scene = *state;

    file_store_start(&scene->store);
    file_store_send(&scene->store, 1, 5);
    file_store_stop(&scene->store);
    file_store_set(&scene->store, "integrity.enabled", 0);
    file_store_start(&scene->store);
    assert_int_equal(told_notes_count(&scene->told, "unproved", NULL), 1);
    assert_true(told_notes_last(&scene->told, "unproved", NULL)->is_alarm);
    file_store_send(&scene->store, 6, 9);
    file_store_stop(&scene->store);
    file_store_start(&scene->store);
    assert_int_equal(told_notes_count(&scene->told, "unproved", NULL), 1); /* said once */
    file_store_stop(&scene->store);
    file_store_set(&scene->store, "integrity.enabled", 1);
    file_store_start(&scene->store);
    file_store_send(&scene->store, 10, 12);
    file_store_stop(&scene->store);
    struct proofs_found found = proving_scene_look(scene);
    assert_int_equal(found.uncovered, 9);
    assert_int_equal(found.covered, 3);
    assert_string_not_equal(found.origin, scene->told.items[0].origin);
}

static void test_a_store_of_before_is_covered_from_the_next_line_on(void **state)
{
    struct proving_scene *scene = *state;

    file_store_set(&scene->store, "integrity.enabled", 0);
    file_store_start(&scene->store);
    file_store_send(&scene->store, 1, 5);
    file_store_stop(&scene->store);
    file_store_set(&scene->store, "integrity.enabled", 1);
    file_store_start(&scene->store);
    assert_int_equal(told_notes_count(&scene->told, "unproved", NULL), 1);
    assert_false(told_notes_last(&scene->told, "unproved", NULL)->is_alarm);
    file_store_send(&scene->store, 4, 9);
    file_store_expect(&scene->store, 1, 9);
    struct proofs_found found = proving_scene_look(scene);
    assert_int_equal(found.uncovered, 5);
    assert_int_equal(found.covered, 4);
    file_store_stop(&scene->store);
    file_store_start(&scene->store);
    assert_int_equal(told_notes_count(&scene->told, "unproved", NULL), 1);
}

static void test_a_deletion_is_on_record_before_the_file_goes(void **state)
{
    struct proving_scene *scene = *state;

    file_store_set(&scene->store, "rotate.size", 3000);
    file_store_set(&scene->store, "retention.max_files", 2);
    file_store_start(&scene->store);
    for (uint64_t i = 1; i <= 60; i += 3)
        file_store_send(&scene->store, i, i + 2);
    file_store_tick(&scene->store, 61);
    struct proofs_found found = proving_scene_look(scene);
    assert_true(found.deleted > 0);
    assert_int_equal(found.closed, found.deleted + 2);
    assert_int_equal(found.tree_size, 60);
    assert_int_equal(told_notes_count(&scene->told, "deletion", "retention.max_files"),
                     found.deleted);
    assert_int_equal(
        told_notes_last(&scene->told, "deletion", NULL)->last + 1,
        file_store_run_number(&scene->store, "ls *Z-*.jsonl | head -1 | cut -c 18-37"));
    /* The seeds of what is gone are gone too. */
    assert_int_equal(file_store_count(&scene->store, ".proof"), 3);
}

static void test_records_of_the_journal_that_the_store_was_not_given_are_counted(void **state)
{
    struct proving_scene *scene = *state;

    file_store_set(&scene->store, "rotate.size", 3000);
    file_store_start(&scene->store);
    file_store_send(&scene->store, 11, 20);
    file_store_send(&scene->store, 25, 40);
    file_store_stop(&scene->store);
    assert_int_equal(last_word(&scene->told)->skipped, 4);
    file_store_start(&scene->store);
    file_store_send(&scene->store, 42, 43);
    file_store_stop(&scene->store);
    const struct told_note *note = last_word(&scene->told);
    assert_int_equal(note->skipped, 5);
    assert_int_equal(note->first, 11);
    assert_int_equal(note->last, 43);
    assert_int_equal(note->size, 28);
}

/* --- The name of the log ---------------------------------------------------------------------- */

static void set_origin(struct file_store *store, const char *origin)
{
    const struct config_field *field = NULL;
    extern const struct exporter_ops exporter_file;

    for (field = exporter_file.fields; strcmp(field->key, "integrity") != 0; field++)
        ;
    size_t at = field->offset;
    for (field = field->fields; strcmp(field->key, "origin") != 0; field++)
        ;
    memcpy((char *)store->config + at + field->offset, (void *)&origin, sizeof(origin));
}

static void test_the_origin_stays_what_it_was(void **state)
{
    struct proving_scene *scene = *state;

    set_origin(&scene->store, "example.org/first");
    file_store_start(&scene->store);
    file_store_send(&scene->store, 1, 3);
    file_store_stop(&scene->store);
    set_origin(&scene->store, "example.org/second");
    file_store_start(&scene->store);
    file_store_send(&scene->store, 4, 6);
    file_store_stop(&scene->store);
    assert_string_equal(proving_scene_look(scene).origin, "example.org/first");
    assert_int_equal(proving_scene_look(scene).covered, 6);
}

static void test_lost_keys_begin_a_new_chain_of_the_same_log_and_that_is_said(void **state)
{
    struct proving_scene *scene = *state;
    char command[256];

    file_store_start(&scene->store);
    file_store_send(&scene->store, 1, 3);
    file_store_stop(&scene->store);
    char origin[256];
    snprintf(origin, sizeof(origin), "%s", proving_scene_look(scene).origin);
    snprintf(command, sizeof(command), "rm -r ../integrity && echo 1");
    assert_int_equal(file_store_run_number(&scene->store, command), 1);
    file_store_start(&scene->store);
    assert_int_equal(told_notes_count(&scene->told, "key", "lost"), 2);
    assert_true(told_notes_last(&scene->told, "key", "lost")->is_alarm);
    file_store_send(&scene->store, 4, 6);
    file_store_stop(&scene->store);
    struct proofs_found found;
    proofs_found_read(scene->store.path, &found);
    assert_string_equal(found.origin, origin);
    assert_int_equal(found.covered, 6);
}

static void test_private_files_are_the_users_alone(void **state)
{
    struct proving_scene *scene = *state;

    file_store_start(&scene->store);
    file_store_send(&scene->store, 1, 3);
    assert_int_equal(
        file_store_run_number(&scene->store, "find . ../integrity -type f -perm /077 | wc -l"), 0);
    assert_int_equal(file_store_run_number(&scene->store, "ls ../integrity/file.test | wc -l"), 4);
}

/* --- Damage ----------------------------------------------------------------------------------- */

/* A store of two closed files and some lines, each change of which is tried on a copy. */
static void damage(struct proving_scene *scene, const char *command)
{
    struct file_store *store = &scene->store;

    proving_scene_renew(scene);
    file_store_set(store, "rotate.size", 3000);
    file_store_start(store);
    for (uint64_t i = 1; i <= 20; i++)
        file_store_send(store, i, i);
    file_store_stop(store);
    assert_int_equal(file_store_run_number(store, command), 1);
    file_store_start(store);
}

static void test_a_lost_seed_of_what_was_not_attested_costs_only_those_lines(void **state)
{
    struct proving_scene *scene = *state;

    /* As if the last checkpoints had never been. */
    damage(scene, "rm active.proof checkpoints.jsonl && echo 1");
    assert_int_equal(told_notes_count(&scene->told, "unproved", NULL), 1);
    file_store_send(&scene->store, 21, 25);
    file_store_expect(&scene->store, 1, 25);
    struct proofs_found found = proving_scene_look(scene);
    assert_true(found.uncovered > 0);
    assert_int_equal(found.covered + found.uncovered, 25);
}

static void test_what_was_attested_and_is_gone_begins_another_log(void **state)
{
    struct proving_scene *scene = *state;
    static const char *const commands[] = {
        "rm active.proof && echo 1",
        "rm manifest.jsonl && echo 1",
        "rm active.jsonl active.proof && echo 1",
        "sed -i 1d manifest.jsonl && echo 1",
        "echo garbage > active.proof && echo 1",
        "echo garbage >> manifest.jsonl && echo 1",
    };

    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        damage(scene, commands[i]);
        const struct told_note *note = told_notes_last(&scene->told, "unproved", NULL);
        if (note == NULL || !note->is_alarm)
            fail_msg("%s: nobody was told", commands[i]);
        file_store_send(&scene->store, 21, 25);
        file_store_send(&scene->store, 26, 30);
        file_store_stop(&scene->store);
        const struct told_note *stop = last_word(&scene->told);
        assert_string_not_equal(stop->origin, scene->told.items[0].origin);
        assert_int_equal(stop->size, 10);
        file_store_start(&scene->store); /* and it goes on with that one */
        file_store_send(&scene->store, 31, 31);
        file_store_stop(&scene->store);
        assert_string_equal(last_word(&scene->told)->origin, stop->origin);
        assert_int_equal(told_notes_count(&scene->told, "unproved", NULL), 1);
    }
}

static void test_lines_that_are_gone_are_missed_and_the_tree_goes_on(void **state)
{
    struct proving_scene *scene = *state;
    static const char *const commands[] = {
        "sed -i '$d' active.jsonl && echo 1",
        "rm active.jsonl && echo 1",
        ": > active.jsonl && echo 1",
    };

    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        struct proofs_found found;
        damage(scene, commands[i]);
        const struct told_note *note = told_notes_last(&scene->told, "unproved", NULL);
        if (note == NULL || !note->is_alarm)
            fail_msg("%s: nobody was told", commands[i]);
        file_store_send(&scene->store, 21, 25);
        file_store_stop(&scene->store);
        const struct told_note *stop = last_word(&scene->told);
        assert_string_equal(stop->origin, scene->told.items[0].origin);
        assert_int_equal(stop->size, 25);
        proofs_found_read(scene->store.path, &found);
        assert_true(found.trouble[0] != 0); /* it is found out */
    }
}

static void test_a_file_that_is_taken_away_while_the_store_runs_stays_in_the_tree(void **state)
{
    struct proving_scene *scene = *state;
    struct proofs_found found;

    file_store_start(&scene->store);
    file_store_send(&scene->store, 1, 5);
    assert_int_equal(file_store_run_number(&scene->store, "rm active.jsonl && echo 1"), 1);
    file_store_tick(&scene->store, 1);
    assert_int_equal(told_notes_count(&scene->told, "unproved", NULL), 1);
    file_store_send(&scene->store, 6, 9);
    file_store_stop(&scene->store);
    assert_int_equal(last_word(&scene->told)->size, 9);
    proofs_found_read(scene->store.path, &found);
    assert_non_null(strstr(found.trouble, "was not deleted on record"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROVING_TEST(test_every_line_is_in_the_tree_over_files_and_starts),
        PROVING_TEST(test_what_is_switched_off_leaves_nothing),
        PROVING_TEST(test_what_was_switched_off_begins_another_log_when_it_is_on_again),
        PROVING_TEST(test_a_store_of_before_is_covered_from_the_next_line_on),
        PROVING_TEST(test_a_deletion_is_on_record_before_the_file_goes),
        PROVING_TEST(test_records_of_the_journal_that_the_store_was_not_given_are_counted),
        PROVING_TEST(test_the_origin_stays_what_it_was),
        PROVING_TEST(test_lost_keys_begin_a_new_chain_of_the_same_log_and_that_is_said),
        PROVING_TEST(test_private_files_are_the_users_alone),
        PROVING_TEST(test_a_lost_seed_of_what_was_not_attested_costs_only_those_lines),
        PROVING_TEST(test_what_was_attested_and_is_gone_begins_another_log),
        PROVING_TEST(test_lines_that_are_gone_are_missed_and_the_tree_goes_on),
        PROVING_TEST(test_a_file_that_is_taken_away_while_the_store_runs_stays_in_the_tree),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
