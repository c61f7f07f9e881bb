/* SPDX-License-Identifier: Apache-2.0 */
/* proofs_test.c -- a store proves itself: the tree, its files, checkpoints, epochs, and what is
 * said of them.  The proofs are checked from the files alone (support/proofs_found.h). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "normalize/schema.h"
#include "support/file_store.h"
#include "support/proofs_found.h"
#include "support/told_notes.h"
#include "telltale/encode.h"
#include "telltale/tree_growth.h"
#include "wire/otlp.h"

static void set_up(struct file_store *store, struct told_notes *told)
{
    file_store_init(store);
    file_store_prove(store);
    store->notes = told_notes_listen(told);
}

static struct proofs_found look(const struct file_store *store)
{
    struct proofs_found found;

    proofs_found_read(store->path, &found);
    if (found.trouble[0] != 0)
        fail_msg("%s", found.trouble);
    return found;
}

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
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_set(&store, "rotate.size", 6000);
    file_store_set(&store, "compression", 1);
    for (uint64_t i = 1; i <= 120; i += 3) {
        if (i % 30 == 1) {
            file_store_stop(&store);
            file_store_start(&store);
        }
        file_store_send(&store, i, i + 2);
    }
    file_store_compress_all(&store);
    file_store_expect(&store, 1, 120);
    struct proofs_found found = look(&store);
    assert_int_equal(found.covered, 120);
    assert_int_equal(found.uncovered, 0);
    assert_true(found.closed > 3);
    assert_true(found.compressed > 3);
    file_store_stop(&store);
    found = look(&store);
    assert_int_equal(found.signed_size, 120);
    assert_int_equal(told_notes_count(&told, "unproved", NULL), 0);
    file_store_fini(&store);
}

static void test_what_is_switched_off_leaves_nothing(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_set(&store, "integrity.enabled", 0);
    file_store_start(&store);
    file_store_send(&store, 1, 5);
    file_store_tick(&store, 100);
    file_store_stop(&store);
    assert_int_equal(file_store_count(&store, ""), 1);
    assert_int_equal(told.count, 0);
    file_store_fini(&store);
}

static void test_what_was_switched_off_begins_another_log_when_it_is_on_again(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_start(&store);
    file_store_send(&store, 1, 5);
    file_store_stop(&store);
    file_store_set(&store, "integrity.enabled", 0);
    file_store_start(&store);
    assert_int_equal(told_notes_count(&told, "unproved", NULL), 1);
    assert_true(told_notes_last(&told, "unproved", NULL)->is_alarm);
    file_store_send(&store, 6, 9);
    file_store_stop(&store);
    file_store_start(&store);
    assert_int_equal(told_notes_count(&told, "unproved", NULL), 1); /* said once */
    file_store_stop(&store);
    file_store_set(&store, "integrity.enabled", 1);
    file_store_start(&store);
    file_store_send(&store, 10, 12);
    file_store_stop(&store);
    struct proofs_found found = look(&store);
    assert_int_equal(found.uncovered, 9);
    assert_int_equal(found.covered, 3);
    assert_string_not_equal(found.origin, told.items[0].origin);
    file_store_fini(&store);
}

static void test_a_store_of_before_is_covered_from_the_next_line_on(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_set(&store, "integrity.enabled", 0);
    file_store_start(&store);
    file_store_send(&store, 1, 5);
    file_store_stop(&store);
    file_store_set(&store, "integrity.enabled", 1);
    file_store_start(&store);
    assert_int_equal(told_notes_count(&told, "unproved", NULL), 1);
    assert_false(told_notes_last(&told, "unproved", NULL)->is_alarm);
    file_store_send(&store, 4, 9);
    file_store_expect(&store, 1, 9);
    struct proofs_found found = look(&store);
    assert_int_equal(found.uncovered, 5);
    assert_int_equal(found.covered, 4);
    file_store_stop(&store);
    file_store_start(&store);
    assert_int_equal(told_notes_count(&told, "unproved", NULL), 1);
    file_store_fini(&store);
}

static void test_a_deletion_is_on_record_before_the_file_goes(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_set(&store, "rotate.size", 3000);
    file_store_set(&store, "retention.max_files", 2);
    file_store_start(&store);
    for (uint64_t i = 1; i <= 60; i += 3)
        file_store_send(&store, i, i + 2);
    file_store_tick(&store, 61);
    struct proofs_found found = look(&store);
    assert_true(found.deleted > 0);
    assert_int_equal(found.closed, found.deleted + 2);
    assert_int_equal(found.tree_size, 60);
    assert_int_equal(told_notes_count(&told, "deletion", "retention.max_files"), found.deleted);
    assert_int_equal(told_notes_last(&told, "deletion", NULL)->last + 1,
                     file_store_run_number(&store, "ls *Z-*.jsonl | head -1 | cut -c 18-37"));
    /* The seeds of what is gone are gone too. */
    assert_int_equal(file_store_count(&store, ".proof"), 3);
    file_store_fini(&store);
}

static void test_records_of_the_journal_that_the_store_was_not_given_are_counted(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_set(&store, "rotate.size", 3000);
    file_store_start(&store);
    file_store_send(&store, 11, 20);
    file_store_send(&store, 25, 40);
    file_store_stop(&store);
    assert_int_equal(last_word(&told)->skipped, 4);
    file_store_start(&store);
    file_store_send(&store, 42, 43);
    file_store_stop(&store);
    const struct told_note *note = last_word(&told);
    assert_int_equal(note->skipped, 5);
    assert_int_equal(note->first, 11);
    assert_int_equal(note->last, 43);
    assert_int_equal(note->size, 28);
    file_store_fini(&store);
}

/* --- Checkpoints ------------------------------------------------------------------------------ */

static void test_a_checkpoint_is_signed_when_it_is_due_and_at_the_stop(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_start(&store);
    assert_int_equal(told_notes_count(&told, "key", "new"), 2);
    file_store_tick(&store, 0);
    assert_int_equal(told_notes_count(&told, "heartbeat", "start"), 1);
    file_store_send(&store, 1, 5);
    file_store_tick(&store, 5);
    assert_int_equal(told_notes_count(&told, "checkpoint", NULL), 0);
    file_store_tick(&store, 11);
    assert_int_equal(told_notes_count(&told, "checkpoint", "interval"), 1);
    file_store_tick(&store, 30); /* nothing new */
    assert_int_equal(told_notes_count(&told, "checkpoint", NULL), 1);
    file_store_tick(&store, 72);
    assert_int_equal(told_notes_count(&told, "heartbeat", "interval"), 1);
    file_store_send(&store, 6, 6);
    file_store_stop(&store);
    const struct told_note *note = told_notes_last(&told, "checkpoint", "stop");
    assert_non_null(note);
    assert_int_equal(note->size, 6);
    assert_int_equal(note->epoch, 1);
    assert_string_equal(note->origin, told.items[0].origin);
    struct proofs_found found = look(&store);
    assert_int_equal(found.signed_size, 6);
    assert_int_equal(found.checkpoints, 3); /* of sizes 0, 5 and 6 */
    file_store_fini(&store);
}

static void append_text_attribute(struct buf *out, const char *key, const char *value)
{
    struct error err;

    assert_int_equal(encode_attribute_text(slice_of_text(key), slice_of_text(value), out, &err),
                     ST_OK);
}

static void send_one(struct file_store *store, uint64_t sequence, const char *kind,
                     const char *transport)
{
    struct buf record;

    buf_init(&record, 4096);
    append_text_attribute(&record, "agent.event.kind", kind);
    append_text_attribute(&record, "agent.transport", transport);
    assert_int_equal(file_store_try_record(store, sequence, buf_slice(&record)), EXPORT_DONE);
    buf_fini(&record);
}

static void test_words_about_checkpoints_call_for_no_checkpoint(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_start(&store);
    file_store_tick(&store, 0);
    send_one(&store, 1, "agent.integrity", "internal");
    file_store_tick(&store, 20);
    assert_int_equal(told_notes_count(&told, "checkpoint", NULL), 0);
    send_one(&store, 2, "agent.integrity", "unix_socket"); /* anybody may say that */
    file_store_tick(&store, 40);
    assert_int_equal(told_notes_count(&told, "checkpoint", NULL), 1);
    send_one(&store, 3, "agent.tool", "internal");
    file_store_tick(&store, 60);
    assert_int_equal(told_notes_count(&told, "checkpoint", NULL), 2);
    file_store_fini(&store);
}

static void test_a_file_of_words_about_the_store_is_closed_later(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_set(&store, "rotate.age", UINT64_C(3600) * 1000000000);
    file_store_start(&store);
    send_one(&store, 1, "agent.integrity", "internal");
    file_store_tick(&store, 7200);
    assert_int_equal(look(&store).closed, 0);
    file_store_tick(&store, 24 * 3600 + 1);
    assert_int_equal(look(&store).closed, 1);
    send_one(&store, 2, "agent.tool", "unix_socket");
    file_store_tick(&store, 3601);
    assert_int_equal(look(&store).closed, 2);
    file_store_fini(&store);
}

/* Whether the note says how its tree grew, and from `old` on. */
static bool leads_on_from(const struct told_note *note, uint64_t old)
{
    static struct tree_growth growth;
    char root_text[HASH_BASE64_SIZE + 1] = {0};
    struct hash root;
    struct error err;
    size_t before;

    assert_int_equal(tree_growth_read(slice_of_text(note->growth), &growth, &err), ST_OK);
    assert_int_equal(tree_growth_size(&growth), note->size);
    tree_growth_root(&growth, &root);
    hash_format_base64(&root, root_text);
    assert_string_equal(root_text, note->root);
    return tree_growth_meets(&growth, old, &before);
}

/* The last note that says it. */
static const struct told_note *last_growth(const struct told_notes *told)
{
    for (size_t i = told->count; i-- > 0;) {
        if (told->items[i].growth[0] != 0)
            return &told->items[i];
    }
    fail_msg("no checkpoint says how the tree grew");
    return NULL;
}

static void test_checkpoints_say_how_the_tree_grew(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;
    uint64_t old = 0;

    set_up(&store, &told);
    file_store_set(&store, "integrity.witness", 1);
    file_store_set(&store, "rotate.size", 20000);
    file_store_start(&store);
    file_store_tick(&store, 0);
    for (uint64_t i = 1; i <= 90; i += 3) {
        file_store_send(&store, i, i + 2);
        file_store_tick(&store, i * 20);
        const struct told_note *note = last_growth(&told);
        assert_int_equal(note->size, i + 2);
        assert_true(i == 1 || leads_on_from(note, old));
        old = note->size;
    }
    file_store_fini(&store);
}

/* What a crash takes: the record of the last checkpoint, and that of the one before. */
static void test_checkpoints_that_nobody_heard_of_break_no_chain(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_set(&store, "integrity.witness", 1);
    file_store_start(&store);
    file_store_tick(&store, 0);
    for (uint64_t i = 1; i <= 7; i++) {
        file_store_send(&store, i, i);
        file_store_tick(&store, i * 20);
    }
    assert_int_equal(last_growth(&told)->size, 7);
    file_store_send(&store, 8, 9);
    file_store_stop(&store); /* with a checkpoint, of 9 */
    told.count = 0;
    file_store_start(&store);
    file_store_send(&store, 10, 12);
    file_store_tick(&store, 200);
    assert_int_equal(last_growth(&told)->size, 12);
    assert_true(leads_on_from(last_growth(&told), 6));
    assert_true(leads_on_from(last_growth(&told), 7));
    assert_true(leads_on_from(last_growth(&told), 9));
    assert_false(leads_on_from(last_growth(&told), 5));
    file_store_fini(&store);
}

static void test_a_checkpoint_is_signed_when_a_file_is_closed(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_set(&store, "rotate.size", 3000);
    file_store_start(&store);
    for (uint64_t i = 1; i <= 30; i += 3)
        file_store_send(&store, i, i + 2);
    struct proofs_found found = look(&store);
    assert_true(found.closed > 1);
    assert_int_equal(told_notes_count(&told, "checkpoint", "close"), found.closed);
    file_store_fini(&store);
}

/* --- Epochs ----------------------------------------------------------------------------------- */

static void test_the_key_is_replaced_and_older_checkpoints_are_thinned(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;
    uint64_t next = 1;

    set_up(&store, &told);
    file_store_set(&store, "rotate.size", 1500);
    file_store_start(&store);
    for (unsigned epoch = 1; epoch <= 4; epoch++) {
        size_t before = told_notes_count(&told, "checkpoint", "close");
        for (unsigned i = 0; i < 12; i++, next++)
            file_store_send(&store, next, next);
        assert_true(told_notes_count(&told, "checkpoint", "close") > before + 1);
        if (epoch == 3) { /* a start in the middle of an epoch */
            file_store_stop(&store);
            file_store_start(&store);
        }
        assert_int_equal(look(&store).epochs, epoch);
        file_store_tick(&store, 3700);
    }
    struct proofs_found found = look(&store);
    assert_int_equal(found.epochs, 5);
    assert_int_equal(told_notes_count(&told, "key", "epoch"), 4);
    assert_int_equal(told_notes_last(&told, "key", "epoch")->epoch, 5);
    assert_true(told_notes_last(&told, "key", "epoch")->key[0] != 0);
    assert_int_equal(found.checkpoints, 4); /* the last of each epoch that is over */
    assert_int_equal(found.signed_size, next - 1);
    file_store_fini(&store);
}

static void test_nothing_waits_longer_when_the_clock_goes_back(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_start(&store);
    file_store_send(&store, 1, 1);
    file_store_tick(&store, 100000);
    size_t before =
        told_notes_count(&told, "heartbeat", NULL) + told_notes_count(&told, "checkpoint", NULL);
    file_store_tick(&store, 1000);
    file_store_tick(&store, 1061);
    assert_int_equal(told_notes_count(&told, "heartbeat", NULL) +
                         told_notes_count(&told, "checkpoint", NULL),
                     before + 1);
    unsigned epochs = look(&store).epochs;
    file_store_tick(&store, 1000 + 3601);
    assert_int_equal(look(&store).epochs, epochs + 1);
    file_store_fini(&store);
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
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    set_origin(&store, "example.org/first");
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    file_store_stop(&store);
    set_origin(&store, "example.org/second");
    file_store_start(&store);
    file_store_send(&store, 4, 6);
    file_store_stop(&store);
    assert_string_equal(look(&store).origin, "example.org/first");
    assert_int_equal(look(&store).covered, 6);
    file_store_fini(&store);
}

static void test_lost_keys_begin_a_new_chain_of_the_same_log_and_that_is_said(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;
    char command[256];

    set_up(&store, &told);
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    file_store_stop(&store);
    char origin[256];
    snprintf(origin, sizeof(origin), "%s", look(&store).origin);
    snprintf(command, sizeof(command), "rm -r ../integrity && echo 1");
    assert_int_equal(file_store_run_number(&store, command), 1);
    file_store_start(&store);
    assert_int_equal(told_notes_count(&told, "key", "lost"), 2);
    assert_true(told_notes_last(&told, "key", "lost")->is_alarm);
    file_store_send(&store, 4, 6);
    file_store_stop(&store);
    struct proofs_found found;
    proofs_found_read(store.path, &found);
    assert_string_equal(found.origin, origin);
    assert_int_equal(found.covered, 6);
    file_store_fini(&store);
}

static void test_private_files_are_the_users_alone(void **state)
{
    (void)state;
    static struct told_notes told;
    struct file_store store;

    set_up(&store, &told);
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    assert_int_equal(
        file_store_run_number(&store, "find . ../integrity -type f -perm /077 | wc -l"), 0);
    assert_int_equal(file_store_run_number(&store, "ls ../integrity/file.test | wc -l"), 4);
    file_store_fini(&store);
}

/* --- Damage ----------------------------------------------------------------------------------- */

/* A store of two closed files and some lines, each change of which is tried on a copy. */
static void damage(struct file_store *store, struct told_notes *told, const char *command)
{
    set_up(store, told);
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
    (void)state;
    static struct told_notes told;
    struct file_store store;

    /* As if the last checkpoints had never been. */
    damage(&store, &told, "rm active.proof checkpoints.jsonl && echo 1");
    assert_int_equal(told_notes_count(&told, "unproved", NULL), 1);
    file_store_send(&store, 21, 25);
    file_store_expect(&store, 1, 25);
    struct proofs_found found = look(&store);
    assert_true(found.uncovered > 0);
    assert_int_equal(found.covered + found.uncovered, 25);
    file_store_fini(&store);
}

static void test_what_was_attested_and_is_gone_begins_another_log(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "rm active.proof && echo 1",
        "rm manifest.jsonl && echo 1",
        "rm active.jsonl active.proof && echo 1",
        "sed -i 1d manifest.jsonl && echo 1",
        "echo garbage > active.proof && echo 1",
        "echo garbage >> manifest.jsonl && echo 1",
    };

    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        static struct told_notes told;
        struct file_store store;
        damage(&store, &told, commands[i]);
        const struct told_note *note = told_notes_last(&told, "unproved", NULL);
        if (note == NULL || !note->is_alarm)
            fail_msg("%s: nobody was told", commands[i]);
        file_store_send(&store, 21, 25);
        file_store_send(&store, 26, 30);
        file_store_stop(&store);
        const struct told_note *stop = last_word(&told);
        assert_string_not_equal(stop->origin, told.items[0].origin);
        assert_int_equal(stop->size, 10);
        file_store_start(&store); /* and it goes on with that one */
        file_store_send(&store, 31, 31);
        file_store_stop(&store);
        assert_string_equal(last_word(&told)->origin, stop->origin);
        assert_int_equal(told_notes_count(&told, "unproved", NULL), 1);
        file_store_fini(&store);
    }
}

static void test_lines_that_are_gone_are_missed_and_the_tree_goes_on(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "sed -i '$d' active.jsonl && echo 1",
        "rm active.jsonl && echo 1",
        ": > active.jsonl && echo 1",
    };

    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        static struct told_notes told;
        struct proofs_found found;
        struct file_store store;
        damage(&store, &told, commands[i]);
        const struct told_note *note = told_notes_last(&told, "unproved", NULL);
        if (note == NULL || !note->is_alarm)
            fail_msg("%s: nobody was told", commands[i]);
        file_store_send(&store, 21, 25);
        file_store_stop(&store);
        const struct told_note *stop = last_word(&told);
        assert_string_equal(stop->origin, told.items[0].origin);
        assert_int_equal(stop->size, 25);
        proofs_found_read(store.path, &found);
        assert_true(found.trouble[0] != 0); /* it is found out */
        file_store_fini(&store);
    }
}

static void test_a_file_that_is_taken_away_while_the_store_runs_stays_in_the_tree(void **state)
{
    (void)state;
    static struct told_notes told;
    struct proofs_found found;
    struct file_store store;

    set_up(&store, &told);
    file_store_start(&store);
    file_store_send(&store, 1, 5);
    assert_int_equal(file_store_run_number(&store, "rm active.jsonl && echo 1"), 1);
    file_store_tick(&store, 1);
    assert_int_equal(told_notes_count(&told, "unproved", NULL), 1);
    file_store_send(&store, 6, 9);
    file_store_stop(&store);
    assert_int_equal(last_word(&told)->size, 9);
    proofs_found_read(store.path, &found);
    assert_non_null(strstr(found.trouble, "was not deleted on record"));
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_is_in_the_tree_over_files_and_starts),
        cmocka_unit_test(test_what_is_switched_off_leaves_nothing),
        cmocka_unit_test(test_what_was_switched_off_begins_another_log_when_it_is_on_again),
        cmocka_unit_test(test_a_file_of_words_about_the_store_is_closed_later),
        cmocka_unit_test(test_a_store_of_before_is_covered_from_the_next_line_on),
        cmocka_unit_test(test_a_deletion_is_on_record_before_the_file_goes),
        cmocka_unit_test(test_records_of_the_journal_that_the_store_was_not_given_are_counted),
        cmocka_unit_test(test_a_checkpoint_is_signed_when_it_is_due_and_at_the_stop),
        cmocka_unit_test(test_words_about_checkpoints_call_for_no_checkpoint),
        cmocka_unit_test(test_checkpoints_say_how_the_tree_grew),
        cmocka_unit_test(test_checkpoints_that_nobody_heard_of_break_no_chain),
        cmocka_unit_test(test_a_checkpoint_is_signed_when_a_file_is_closed),
        cmocka_unit_test(test_the_key_is_replaced_and_older_checkpoints_are_thinned),
        cmocka_unit_test(test_nothing_waits_longer_when_the_clock_goes_back),
        cmocka_unit_test(test_the_origin_stays_what_it_was),
        cmocka_unit_test(test_lost_keys_begin_a_new_chain_of_the_same_log_and_that_is_said),
        cmocka_unit_test(test_private_files_are_the_users_alone),
        cmocka_unit_test(test_a_lost_seed_of_what_was_not_attested_costs_only_those_lines),
        cmocka_unit_test(test_what_was_attested_and_is_gone_begins_another_log),
        cmocka_unit_test(test_lines_that_are_gone_are_missed_and_the_tree_goes_on),
        cmocka_unit_test(test_a_file_that_is_taken_away_while_the_store_runs_stays_in_the_tree),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
