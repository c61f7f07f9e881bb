/* SPDX-License-Identifier: Apache-2.0 */
/* deed_test.c -- deletions and erasures of the manifest, and the records that tell of them: what a
 * verification says where one is without the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/proved_store.h"
#include "verify/verify.h"

enum { FILES = 4 };

struct scene {
    struct proved_store store;
    char bases[FILES][STORE_FILE_NAME_SIZE];
    struct verify_report report;
};

/* Closed files, of which the first is deleted, on record. */
static void begin(struct scene *scene)
{
    struct proved_store *store = &scene->store;

    proved_store_init(store);
    for (size_t i = 0; i < FILES; i++) {
        proved_store_write(store, 3);
        proved_store_close(store);
        memcpy(scene->bases[i], store->last_base, sizeof(scene->bases[i]));
    }
    proved_store_delete(store, scene->bases[0]);
    proved_store_tell(store, &store->deed);
}

static void end(struct scene *scene)
{
    proved_store_fini(&scene->store);
}

/* Asks with the first key, and expects this answer about completeness, and yes otherwise. */
static void expect(struct scene *scene, enum verify_answer complete, const char *text)
{
    char key[NOTE_VKEY_SIZE];
    const char *keys[] = {key};
    const struct verify_options options = {
        .store_dir = scene->store.path, .keys = keys, .key_count = 1, .threads = 2};
    struct verify_summary summary;
    struct error err;
    bool is_said = text == NULL;

    proved_store_checkpoint(&scene->store);
    proved_store_first_key(&scene->store, key);
    verify_report_init(&scene->report);
    if (verify_store(&options, &scene->report, &summary, &err) != ST_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < scene->report.count; i++) {
        const struct verify_finding *finding = &scene->report.findings[i];
        print_message("%s: %s:%llu: %s\n", verify_answer_text(finding->answer), finding->file,
                      (unsigned long long)finding->line, finding->text);
        is_said = is_said || (finding->answer == complete && strstr(finding->text, text) != NULL);
    }
    assert_int_equal(verify_report_answer(&scene->report, VERIFY_UNCHANGED), VERIFY_YES);
    assert_int_equal(verify_report_answer(&scene->report, VERIFY_ATTESTED), VERIFY_YES);
    assert_int_equal(verify_report_answer(&scene->report, VERIFY_COMPLETE), complete);
    assert_true(is_said);
    verify_report_fini(&scene->report);
}

static void test_deeds_with_their_records_are_complete(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    proved_store_erase(&scene.store, 2);
    proved_store_tell(&scene.store, &scene.store.deed);
    proved_store_tell(&scene.store, &scene.store.deed); /* again, after a crash */
    expect(&scene, VERIFY_YES, NULL);
    end(&scene);
}

static void test_a_deletion_without_its_record_cannot_be_believed(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    proved_store_delete(&scene.store, scene.bases[1]);
    expect(&scene, VERIFY_CANNOT, scene.bases[1]);
    end(&scene);
}

static void test_an_erasure_without_its_record_cannot_be_believed(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    proved_store_erase(&scene.store, 1);
    proved_store_write(&scene.store, 2);
    expect(&scene, VERIFY_CANNOT, scene.bases[FILES - 1]);
    end(&scene);
}

static void test_a_record_whose_line_is_not_in_the_manifest_accuses_it(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    struct proved_deed deed = scene.store.deed;
    deed.line.bytes[0] ^= 1;
    proved_store_tell(&scene.store, &deed);
    expect(&scene, VERIFY_NO, "does not have the deletion");
    end(&scene);
}

static void test_a_line_counts_for_its_own_file_and_deed_alone(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    struct proved_deed deed = scene.store.deed;
    deed.action = "erasure";
    proved_store_tell(&scene.store, &deed);
    expect(&scene, VERIFY_NO, "does not have the erasure");
    end(&scene);
    begin(&scene);
    deed = scene.store.deed;
    memcpy(deed.base, scene.bases[1], sizeof(deed.base));
    proved_store_tell(&scene.store, &deed);
    expect(&scene, VERIFY_NO, scene.bases[1]);
    end(&scene);
}

/* Anybody may send what looks like it, and other stores of the daemon have records here too. */
static void test_what_others_say_neither_accuses_nor_excuses(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    proved_store_delete(&scene.store, scene.bases[1]);
    struct proved_deed deed = scene.store.deed;
    deed.transport = "unix";
    proved_store_tell(&scene.store, &deed);
    deed = scene.store.deed;
    deed.origin = "example.org/another";
    proved_store_tell(&scene.store, &deed);
    expect(&scene, VERIFY_CANNOT, scene.bases[1]);
    end(&scene);
    begin(&scene);
    deed = scene.store.deed;
    deed.transport = "unix";
    deed.line.bytes[0] ^= 1;
    proved_store_tell(&scene.store, &deed);
    deed.transport = "internal";
    deed.origin = "example.org/another";
    proved_store_tell(&scene.store, &deed);
    expect(&scene, VERIFY_YES, NULL);
    end(&scene);
}

/* From before records named their line. */
static void test_old_records_are_known_by_their_file(void **state)
{
    (void)state;
    struct scene scene;

    begin(&scene);
    proved_store_delete(&scene.store, scene.bases[1]);
    scene.store.deed.names_line = false;
    proved_store_tell(&scene.store, &scene.store.deed);
    expect(&scene, VERIFY_YES, NULL);
    end(&scene);
    begin(&scene);
    struct proved_deed deed = scene.store.deed; /* told before it was done, and it failed */
    deed.names_line = false;
    deed.action = "erasure";
    memcpy(deed.base, scene.bases[2], sizeof(deed.base));
    proved_store_tell(&scene.store, &deed);
    expect(&scene, VERIFY_YES, NULL);
    end(&scene);
}

static void test_a_record_may_have_gone_with_its_file(void **state)
{
    (void)state;
    struct scene scene;
    struct proved_store *store = &scene.store;

    begin(&scene);
    proved_store_close(store); /* with the record of the first deletion */
    proved_store_write(store, 1);
    proved_store_delete(store, store->last_base);
    proved_store_tell(store, &store->deed);
    expect(&scene, VERIFY_YES, "may be among those that are gone");
    end(&scene);
}

/* The gap lies behind the record of a later deed, and what comes in the order of the manifest comes
 * in the same order into the store. */
static void test_a_gap_elsewhere_excuses_nothing(void **state)
{
    (void)state;
    struct scene scene;
    struct proved_store *store = &scene.store;

    begin(&scene);
    proved_store_delete(store, scene.bases[1]); /* no record */
    proved_store_delete(store, scene.bases[2]);
    proved_store_tell(store, &store->deed);
    proved_store_close(store);
    proved_store_write(store, 2);
    proved_store_close(store);
    proved_store_write(store, 1);
    proved_store_delete(store, store->last_base);
    proved_store_tell(store, &store->deed);
    expect(&scene, VERIFY_CANNOT, scene.bases[1]);
    end(&scene);
}

static void test_a_store_that_is_not_given_its_records_cannot_tell(void **state)
{
    (void)state;
    struct scene scene;
    struct proved_store *store = &scene.store;

    proved_store_init(store);
    proved_store_write(store, 3);
    proved_store_close(store);
    proved_store_delete(store, store->last_base);
    proved_store_write(store, 3);
    expect(&scene, VERIFY_CANNOT, "a filter holds them back");
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deeds_with_their_records_are_complete),
        cmocka_unit_test(test_a_deletion_without_its_record_cannot_be_believed),
        cmocka_unit_test(test_an_erasure_without_its_record_cannot_be_believed),
        cmocka_unit_test(test_a_record_whose_line_is_not_in_the_manifest_accuses_it),
        cmocka_unit_test(test_a_line_counts_for_its_own_file_and_deed_alone),
        cmocka_unit_test(test_what_others_say_neither_accuses_nor_excuses),
        cmocka_unit_test(test_old_records_are_known_by_their_file),
        cmocka_unit_test(test_a_record_may_have_gone_with_its_file),
        cmocka_unit_test(test_a_gap_elsewhere_excuses_nothing),
        cmocka_unit_test(test_a_store_that_is_not_given_its_records_cannot_tell),
    };

    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
