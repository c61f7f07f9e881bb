/* SPDX-License-Identifier: Apache-2.0 */
/* store_notes_test.c -- what exporters put on record becomes records, in order, and what has no
 * room is told as lost. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/journal_fixture.h"
#include "telltale/record_facts.h"
#include "telltaled/store_notes.h"
#include "util/clock.h"
#include "util/log.h"

enum { TELLERS = 4, NOTES_EACH = 40 };

struct scene {
    struct journal_fixture fixture;
    struct pipeline_notes *losses;
    struct store_notes *notes;
};

static int set_up(void **state)
{
    static struct scene scene;
    struct error err;

    journal_fixture_init(&scene.fixture);
    assert_int_equal(pipeline_notes_create(scene.fixture.journal, &scene.losses, &err), ST_OK);
    assert_int_equal(store_notes_create(scene.fixture.journal, scene.losses, &scene.notes, &err),
                     ST_OK);
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    journal_fixture_close(&scene->fixture);
    store_notes_destroy(scene->notes);
    pipeline_notes_destroy(scene->losses);
    journal_fixture_fini(&scene->fixture);
    return 0;
}

static struct exporter_note checkpoint(uint64_t size)
{
    return (struct exporter_note){
        .action = "checkpoint",
        .origin = "example.org/log",
        .has_size = true,
        .size = size,
        .root = "cm9vdA==",
        .note = "example.org/log\n5\ncm9vdA==\n\n\xe2\x80\x94 example.org/log c2ln\n",
        .token = "MIIDeAYJ",
        .token_unix_s = 1700000000,
        .reason = "interval",
        .last = 77,
    };
}

static bool has(struct slice bytes, const char *text)
{
    return memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

/* Reads all records and counts those of `kind`; the last one is looked for `texts`. */
static size_t count_records(const struct scene *scene, const char *kind, const char *const *texts)
{
    const struct batch_limits limits = {
        .size_max = 1 << 20, .count_max = 64, .signals = SIGNALS_ALL};
    struct record_reader *facts_reader;
    struct journal_reader *reader;
    struct record_facts facts;
    struct batch batch;
    uint64_t missing;
    uint64_t next = 1;
    size_t count = 0;
    struct error err;
    bool found = texts == NULL;

    assert_int_equal(record_reader_create(&facts_reader, &err), ST_OK);
    assert_int_equal(journal_reader_open(scene->fixture.journal, 1, &reader, &err), ST_OK);
    while (next < journal_committed(scene->fixture.journal)) {
        assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err),
                         ST_OK);
        for (size_t i = 0; i < batch.record_count; i++) {
            const struct record *record = &batch.records[i];
            assert_int_equal(
                record_reader_set_group(facts_reader, &batch.groups[record->group_index], &err),
                ST_OK);
            assert_int_equal(record_reader_read(facts_reader, record->bytes, &facts, &err), ST_OK);
            assert_true(slice_equal(facts.transport, SLICE("internal")));
            if (!slice_equal(facts.kind, slice_of_text(kind)))
                continue;
            count++;
            for (size_t k = 0; texts != NULL && texts[k] != NULL; k++) {
                if (!has(record->bytes, texts[k]))
                    fail_msg("a record lacks '%s'", texts[k]);
                found = true;
            }
        }
    }
    journal_reader_close(reader);
    record_reader_destroy(facts_reader);
    assert_true(found);
    return count;
}

static void test_a_note_becomes_a_record_with_what_the_daemon_knows(void **state)
{
    static const char *const texts[] = {"agent.integrity.action",
                                        "checkpoint",
                                        "agent.integrity.origin",
                                        "example.org/log",
                                        "agent.integrity.root",
                                        "cm9vdA==",
                                        "agent.integrity.note",
                                        "\n\n\xe2\x80\x94 example.org/log c2ln\n",
                                        "agent.integrity.token",
                                        "MIIDeAYJ",
                                        "agent.integrity.token_time",
                                        "2023-11-14T22:13:20.000000000Z",
                                        "agent.integrity.journal",
                                        "agent.integrity.sequence",
                                        "agent.integrity.boot",
                                        "agent.integrity.monotonic_ns",
                                        "agent.integrity.time",
                                        "agent.integrity.destination",
                                        "file/test",
                                        NULL};
    struct scene *scene = *state;
    struct exporter_note note = checkpoint(5);

    assert_true(store_notes_tell(scene->notes, "file/test", &note));
    store_notes_flush(scene->notes, clock_monotonic_ns(), true);
    store_notes_flush(scene->notes, clock_monotonic_ns(), true); /* has waited for the first */
    assert_int_equal(count_records(scene, "agent.integrity", texts), 1);
}

static void test_a_note_counts_as_durable_when_the_journal_has_it(void **state)
{
    struct scene *scene = *state;
    struct exporter_note note = checkpoint(5);
    uint64_t taken, durable;

    assert_true(store_notes_tell(scene->notes, "file/test", &note));
    assert_true(store_notes_tell(scene->notes, "file/test", &note));
    note.action = NULL;
    assert_false(store_notes_tell(scene->notes, "file/test", &note));
    store_notes_count(scene->notes, &taken, &durable);
    assert_int_equal(taken, 2);
    assert_int_equal(durable, 0);
    store_notes_flush(scene->notes, clock_monotonic_ns(), true);
    store_notes_flush(scene->notes, clock_monotonic_ns(), true); /* has waited for the first */
    store_notes_count(scene->notes, &taken, &durable);
    assert_int_equal(taken, 2);
    assert_int_equal(durable, 2);
}

static void test_a_note_of_too_much_text_or_without_an_action_is_not_taken(void **state)
{
    static char text[EXPORTER_NOTE_TEXT_MAX + 2];
    struct scene *scene = *state;
    struct exporter_note note = checkpoint(5);

    memset(text, 'x', sizeof(text) - 1);
    note.note = text;
    assert_false(store_notes_tell(scene->notes, "file/test", &note));
    note = (struct exporter_note){.action = NULL};
    assert_false(store_notes_tell(scene->notes, "file/test", &note));
    store_notes_flush(scene->notes, clock_monotonic_ns(), true);
    assert_int_equal(journal_committed(scene->fixture.journal), 1);
}

static void test_what_has_no_room_is_told_as_lost(void **state)
{
    struct scene *scene = *state;
    struct exporter_note note = checkpoint(5);
    size_t taken = 0;

    while (store_notes_tell(scene->notes, "file/test", &note)) {
        taken++;
        assert_true(taken < 10000);
    }
    assert_true(taken > 100);
    store_notes_flush(scene->notes, clock_monotonic_ns(), true);
    store_notes_flush(scene->notes, clock_monotonic_ns(), true);
    pipeline_notes_flush(scene->losses, clock_monotonic_ns(), true);
    assert_int_equal(journal_check_health(scene->fixture.journal, &(struct error){0}), ST_OK);
    while (journal_committed(scene->fixture.journal) < taken + 2)
        journal_wait(scene->fixture.journal, taken + 1, clock_monotonic_ns() + NS_PER_S);
    assert_int_equal(count_records(scene, "agent.integrity", NULL), taken);
    assert_int_equal(count_records(scene, "agent.pipeline", NULL), 1);
    assert_true(store_notes_tell(scene->notes, "file/test", &note)); /* there is room again */
}

static void *tell_many(void *context)
{
    struct scene *scene = context;

    for (uint64_t i = 0; i < NOTES_EACH; i++) {
        struct exporter_note note = checkpoint(i);
        (void)store_notes_tell(scene->notes, "file/test", &note); /* counted below */
    }
    return NULL;
}

static void test_many_threads_may_tell_while_notes_fly(void **state)
{
    struct scene *scene = *state;
    pthread_t tellers[TELLERS];

    for (size_t i = 0; i < TELLERS; i++)
        assert_int_equal(pthread_create(&tellers[i], NULL, tell_many, scene), 0);
    for (size_t i = 0; i < TELLERS; i++) {
        store_notes_flush(scene->notes, clock_monotonic_ns(), false);
        assert_int_equal(pthread_join(tellers[i], NULL), 0);
    }
    store_notes_flush(scene->notes, clock_monotonic_ns(), true);
    store_notes_flush(scene->notes, clock_monotonic_ns(), true);
    assert_int_equal(count_records(scene, "agent.integrity", NULL), TELLERS * NOTES_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_note_becomes_a_record_with_what_the_daemon_knows,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_note_counts_as_durable_when_the_journal_has_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_note_of_too_much_text_or_without_an_action_is_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_has_no_room_is_told_as_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_threads_may_tell_while_notes_fly, set_up,
                                        tear_down),
    };
    temp_dir_prefer_memory();
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
