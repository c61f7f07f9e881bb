/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoints_test.c -- when a store signs its tree, what its checkpoints say of how it grew, and
 * the epochs of its keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/proving_scene.h"
#include "telltale/encode.h"
#include "telltale/tree_growth.h"

/* --- Checkpoints ------------------------------------------------------------------------------ */

static void test_a_checkpoint_is_signed_when_it_is_due_and_at_the_stop(void **state)
{
    struct proving_scene *scene = *state;

    file_store_start(&scene->store);
    assert_int_equal(told_notes_count(&scene->told, "key", "new"), 2);
    file_store_tick(&scene->store, 0);
    assert_int_equal(told_notes_count(&scene->told, "heartbeat", "start"), 1);
    file_store_send(&scene->store, 1, 5);
    file_store_tick(&scene->store, 5);
    assert_int_equal(told_notes_count(&scene->told, "checkpoint", NULL), 0);
    file_store_tick(&scene->store, 11);
    assert_int_equal(told_notes_count(&scene->told, "checkpoint", "interval"), 1);
    file_store_tick(&scene->store, 30); /* nothing new */
    assert_int_equal(told_notes_count(&scene->told, "checkpoint", NULL), 1);
    file_store_tick(&scene->store, 72);
    assert_int_equal(told_notes_count(&scene->told, "heartbeat", "interval"), 1);
    file_store_send(&scene->store, 6, 6);
    file_store_stop(&scene->store);
    const struct told_note *note = told_notes_last(&scene->told, "checkpoint", "stop");
    assert_non_null(note);
    assert_int_equal(note->size, 6);
    assert_int_equal(note->epoch, 1);
    assert_string_equal(note->origin, scene->told.items[0].origin);
    struct proofs_found found = proving_scene_look(scene);
    assert_int_equal(found.signed_size, 6);
    assert_int_equal(found.checkpoints, 3); /* of sizes 0, 5 and 6 */
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
    struct proving_scene *scene = *state;

    file_store_start(&scene->store);
    file_store_tick(&scene->store, 0);
    send_one(&scene->store, 1, "agent.integrity", "internal");
    file_store_tick(&scene->store, 20);
    assert_int_equal(told_notes_count(&scene->told, "checkpoint", NULL), 0);
    send_one(&scene->store, 2, "agent.integrity", "unix_socket"); /* anybody may say that */
    file_store_tick(&scene->store, 40);
    assert_int_equal(told_notes_count(&scene->told, "checkpoint", NULL), 1);
    send_one(&scene->store, 3, "agent.tool", "internal");
    file_store_tick(&scene->store, 60);
    assert_int_equal(told_notes_count(&scene->told, "checkpoint", NULL), 2);
}

static void test_a_file_of_words_about_the_store_is_closed_later(void **state)
{
    struct proving_scene *scene = *state;

    file_store_set(&scene->store, "rotate.age", UINT64_C(3600) * 1000000000);
    file_store_start(&scene->store);
    send_one(&scene->store, 1, "agent.integrity", "internal");
    file_store_tick(&scene->store, 7200);
    assert_int_equal(proving_scene_look(scene).closed, 0);
    file_store_tick(&scene->store, 24 * 3600 + 1);
    assert_int_equal(proving_scene_look(scene).closed, 1);
    send_one(&scene->store, 2, "agent.tool", "unix_socket");
    file_store_tick(&scene->store, 3601);
    assert_int_equal(proving_scene_look(scene).closed, 2);
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
    struct proving_scene *scene = *state;
    uint64_t old = 0;

    file_store_set(&scene->store, "integrity.witness", 1);
    file_store_set(&scene->store, "rotate.size", 20000);
    file_store_start(&scene->store);
    file_store_tick(&scene->store, 0);
    for (uint64_t i = 1; i <= 90; i += 3) {
        file_store_send(&scene->store, i, i + 2);
        file_store_tick(&scene->store, i * 20);
        const struct told_note *note = last_growth(&scene->told);
        assert_int_equal(note->size, i + 2);
        assert_true(i == 1 || leads_on_from(note, old));
        old = note->size;
    }
}

/* What a crash takes: the record of the last checkpoint, and that of the one before. */
static void test_checkpoints_that_nobody_heard_of_break_no_chain(void **state)
{
    struct proving_scene *scene = *state;

    file_store_set(&scene->store, "integrity.witness", 1);
    file_store_start(&scene->store);
    file_store_tick(&scene->store, 0);
    for (uint64_t i = 1; i <= 7; i++) {
        file_store_send(&scene->store, i, i);
        file_store_tick(&scene->store, i * 20);
    }
    assert_int_equal(last_growth(&scene->told)->size, 7);
    file_store_send(&scene->store, 8, 9);
    file_store_stop(&scene->store); /* with a checkpoint, of 9 */
    scene->told.count = 0;
    file_store_start(&scene->store);
    file_store_send(&scene->store, 10, 12);
    file_store_tick(&scene->store, 200);
    assert_int_equal(last_growth(&scene->told)->size, 12);
    assert_true(leads_on_from(last_growth(&scene->told), 6));
    assert_true(leads_on_from(last_growth(&scene->told), 7));
    assert_true(leads_on_from(last_growth(&scene->told), 9));
    assert_false(leads_on_from(last_growth(&scene->told), 5));
}

static void test_a_checkpoint_is_signed_when_a_file_is_closed(void **state)
{
    struct proving_scene *scene = *state;

    file_store_set(&scene->store, "rotate.size", 3000);
    file_store_start(&scene->store);
    for (uint64_t i = 1; i <= 30; i += 3)
        file_store_send(&scene->store, i, i + 2);
    struct proofs_found found = proving_scene_look(scene);
    assert_true(found.closed > 1);
    assert_int_equal(told_notes_count(&scene->told, "checkpoint", "close"), found.closed);
}

/* --- Epochs ----------------------------------------------------------------------------------- */

static void test_the_key_is_replaced_and_older_checkpoints_are_thinned(void **state)
{
    struct proving_scene *scene = *state;
    uint64_t next = 1;

    file_store_set(&scene->store, "rotate.size", 1500);
    file_store_start(&scene->store);
    for (unsigned epoch = 1; epoch <= 4; epoch++) {
        size_t before = told_notes_count(&scene->told, "checkpoint", "close");
        for (unsigned i = 0; i < 12; i++, next++)
            file_store_send(&scene->store, next, next);
        assert_true(told_notes_count(&scene->told, "checkpoint", "close") > before + 1);
        if (epoch == 3) { /* a start in the middle of an epoch */
            file_store_stop(&scene->store);
            file_store_start(&scene->store);
        }
        assert_int_equal(proving_scene_look(scene).epochs, epoch);
        file_store_tick(&scene->store, 3700);
    }
    struct proofs_found found = proving_scene_look(scene);
    assert_int_equal(found.epochs, 5);
    assert_int_equal(told_notes_count(&scene->told, "key", "epoch"), 4);
    assert_int_equal(told_notes_last(&scene->told, "key", "epoch")->epoch, 5);
    assert_true(told_notes_last(&scene->told, "key", "epoch")->key[0] != 0);
    assert_int_equal(found.checkpoints, 4); /* the last of each epoch that is over */
    assert_int_equal(found.signed_size, next - 1);
}

static void test_nothing_waits_longer_when_the_clock_goes_back(void **state)
{
    struct proving_scene *scene = *state;

    file_store_start(&scene->store);
    file_store_send(&scene->store, 1, 1);
    file_store_tick(&scene->store, 100000);
    size_t before = told_notes_count(&scene->told, "heartbeat", NULL) +
                    told_notes_count(&scene->told, "checkpoint", NULL);
    file_store_tick(&scene->store, 1000);
    file_store_tick(&scene->store, 1061);
    assert_int_equal(told_notes_count(&scene->told, "heartbeat", NULL) +
                         told_notes_count(&scene->told, "checkpoint", NULL),
                     before + 1);
    unsigned epochs = proving_scene_look(scene).epochs;
    file_store_tick(&scene->store, 1000 + 3601);
    assert_int_equal(proving_scene_look(scene).epochs, epochs + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROVING_TEST(test_a_file_of_words_about_the_store_is_closed_later),
        PROVING_TEST(test_a_checkpoint_is_signed_when_it_is_due_and_at_the_stop),
        PROVING_TEST(test_words_about_checkpoints_call_for_no_checkpoint),
        PROVING_TEST(test_checkpoints_say_how_the_tree_grew),
        PROVING_TEST(test_checkpoints_that_nobody_heard_of_break_no_chain),
        PROVING_TEST(test_a_checkpoint_is_signed_when_a_file_is_closed),
        PROVING_TEST(test_the_key_is_replaced_and_older_checkpoints_are_thinned),
        PROVING_TEST(test_nothing_waits_longer_when_the_clock_goes_back),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
