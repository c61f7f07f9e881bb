/* SPDX-License-Identifier: Apache-2.0 */
/* lines_test.c -- what the file exporter writes, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file_store.h"

extern const struct exporter_ops exporter_file;

static void test_each_record_is_a_line_that_jq_reads(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 40);
    file_store_send(&store, 41, 50);
    assert_true(store.report.sent_bytes > 10 * store.padding_bytes);
    file_store_expect(&store, 1, 50);
    assert_int_equal(file_store_run_number(&store, "jq -c . active.jsonl | wc -l"), 50);
    /* One attribute says which journal, the other which record of it. */
    assert_int_equal(file_store_run_number(
                         &store,
                         "jq -r '.resourceLogs[0].scopeLogs[0].logRecords[0] | select(.body."
                         "stringValue | startswith(\"event 37 \")) | .attributes | map({"
                         "(.key): .value}) | add | select(.\"agent.journal.id\".stringValue == "
                         "(\"1a\" * 16)) | .\"agent.journal.sequence\".intValue' active.jsonl"),
                     37);
    file_store_fini(&store);
}

static void test_files_are_for_their_owner_only(void **state)
{
    (void)state;
    struct file_store store;
    struct file_store_names list;
    struct stat info;
    char path[sizeof(store.path) + FILE_STORE_NAME_SIZE + 1];

    mode_t old_mask = umask(0);
    file_store_init(&store);
    file_store_set(&store, "compression", 1);
    file_store_set(&store, "rotate.size", 1);
    file_store_set(&store, "retention.max_files", 2);
    file_store_start(&store);
    for (uint64_t i = 1; i < 5; i++)
        file_store_send(&store, i, i);
    file_store_compress_all(&store);
    umask(old_mask);
    file_store_list(&store, &list);
    assert_int_equal(list.count, 5); /* two closed, active, holds, store.log */
    for (size_t i = 0; i < list.count; i++) {
        snprintf(path, sizeof(path), "%s/%s", store.path, list.names[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, S_ISDIR(info.st_mode) ? 0700 : 0600);
    }
    assert_int_equal(stat(store.path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    file_store_fini(&store);
}

static void test_two_exporters_do_not_share_a_store(void **state)
{
    (void)state;
    struct file_store store;
    struct exporter_context context = {.name = "file/second"};
    void *second = NULL;
    struct error err;

    file_store_init(&store);
    file_store_start(&store);
    context.state_dir = store.dir.path;
    assert_int_equal(exporter_file.create(store.config, &context, &second, &err), ST_AGAIN);
    assert_null(second);
    assert_non_null(strstr(err.text, "another exporter writes to the store"));
    file_store_stop(&store);
    file_store_start(&store);
    file_store_fini(&store);
}

static void test_the_option_dir_is_made_with_its_parents(void **state)
{
    (void)state;
    struct file_store store;
    char path[sizeof(store.path)];

    file_store_init(&store);
    snprintf(path, sizeof(path), "%s/a/b/", store.dir.path);
    file_store_set_dir(&store, path);
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    file_store_expect(&store, 1, 3);
    file_store_fini(&store);
}

/* A tag without its field: no protobuf. */
static void test_a_broken_record_is_rejected_alone(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 2);
    assert_int_equal(file_store_try_record(&store, 3, SLICE("\x0a")), EXPORT_REJECTED);
    assert_non_null(strstr(store.err.text, "record 3"));
    file_store_expect(&store, 1, 2);
    file_store_send(&store, 3, 4);
    file_store_expect(&store, 1, 4);
    file_store_fini(&store);
}

static void test_a_broken_record_among_others_rejects_the_batch_and_not_its_size(void **state)
{
    (void)state;
    struct file_store store;
    struct record records[2] = {{.sequence = 1}, {.sequence = 2, .bytes = SLICE("\x0a")}};
    const struct record_group group = {.request_fields = SLICE_EMPTY};
    const struct batch batch = {
        .records = records, .record_count = 2, .groups = &group, .group_count = 1};

    file_store_init(&store);
    file_store_start(&store);
    assert_int_equal(
        exporter_file.send(store.exporter, &batch, UINT64_MAX, &store.report, &store.err),
        EXPORT_REJECTED);
    assert_int_equal(file_store_run_number(&store, "wc -c < active.jsonl"), 0);
    file_store_fini(&store);
}

static void test_an_active_file_that_was_taken_away_is_begun_anew(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 2);
    file_store_run_number(&store, "rm active.jsonl");
    file_store_tick(&store, 0);
    file_store_send(&store, 3, 5);
    file_store_expect(&store, 3, 5);
    assert_int_equal(file_store_run_number(&store, "grep -c 'records 1 to 2' store.log"), 1);
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_record_is_a_line_that_jq_reads),
        cmocka_unit_test(test_files_are_for_their_owner_only),
        cmocka_unit_test(test_two_exporters_do_not_share_a_store),
        cmocka_unit_test(test_the_option_dir_is_made_with_its_parents),
        cmocka_unit_test(test_a_broken_record_is_rejected_alone),
        cmocka_unit_test(test_a_broken_record_among_others_rejects_the_batch_and_not_its_size),
        cmocka_unit_test(test_an_active_file_that_was_taken_away_is_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
