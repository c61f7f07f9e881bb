/* SPDX-License-Identifier: Apache-2.0 */
/* live_test.c -- verifying a store while it is written to: lines, checkpoints, epochs, closed,
 * compressed and deleted files raise no alarm. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/proved_store.h"
#include "verify/verify.h"

enum { ROUNDS = 60, RUNS_MIN = 3 };

static atomic_bool is_done;

/* Each round closes and compresses a file, and deletes the one before. */
static void *keep_writing(void *context)
{
    struct proved_store *store = context;
    char before[STORE_FILE_NAME_SIZE] = "";

    for (int i = 0; i < ROUNDS; i++) {
        proved_store_begin(store);
        proved_store_write(store, 20);
        proved_store_checkpoint(store);
        proved_store_write(store, 5);
        if (i % 10 == 3)
            proved_store_evolve(store);
        proved_store_close(store);
        proved_store_compress(store, 7);
        if (i % 3 == 2) {
            proved_store_delete(store, before);
            proved_store_tell(store, &store->deed);
        }
        memcpy(before, store->last_base, sizeof(before));
    }
    atomic_store(&is_done, true);
    return NULL;
}

/* The record of a deletion follows it, and whoever asks just then may be told to ask again. */
static bool is_on_its_way(const struct verify_finding *finding)
{
    return finding->answer == VERIFY_CANNOT && finding->question == VERIFY_COMPLETE &&
           strstr(finding->text, "no record") != NULL;
}

static void expect_no_alarm(const struct proved_store *store, const char *key)
{
    const char *keys[] = {key};
    const struct verify_options options = {
        .store_dir = store->path, .keys = keys, .key_count = 1, .threads = 3};
    struct verify_report report;
    struct verify_summary summary;
    struct error err;

    verify_report_init(&report);
    if (verify_store(&options, &report, &summary, &err) != ST_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < report.count; i++) {
        const struct verify_finding *finding = &report.findings[i];
        if (finding->answer != VERIFY_YES && !is_on_its_way(finding))
            fail_msg("%s: %s: %s", verify_answer_text(finding->answer), finding->file,
                     finding->text);
    }
    verify_report_fini(&report);
}

static void test_a_store_that_is_written_to_raises_no_alarm(void **state)
{
    (void)state;
    struct proved_store store;
    char key[NOTE_VKEY_SIZE];
    pthread_t writer;

    proved_store_init(&store);
    proved_store_first_key(&store, key);
    proved_store_write(&store, 1);
    proved_store_checkpoint(&store);
    assert_int_equal(pthread_create(&writer, NULL, keep_writing, &store), 0);
    for (int runs = 0; runs < RUNS_MIN || !atomic_load(&is_done); runs++)
        expect_no_alarm(&store, key);
    assert_int_equal(pthread_join(writer, NULL), 0);
    expect_no_alarm(&store, key);
    proved_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_that_is_written_to_raises_no_alarm),
    };

    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
