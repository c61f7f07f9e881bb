/* SPDX-License-Identifier: Apache-2.0 */
/* store_reader_test.c -- reading a store that the real exporter writes, while it writes. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store_reader.h"
#include "support/file_store.h"
#include "telltale/store_file.h"
#include "util/clock.h"

extern const struct exporter_ops exporter_file;

static struct store_reader *open_reader(const struct file_store *store,
                                        const struct store_reader_options *options)
{
    struct store_reader *reader;
    struct error err;

    assert_int_equal(store_reader_open(store->path, options, &reader, &err), ST_OK);
    return reader;
}

static uint64_t next_sequence(struct store_reader *reader)
{
    struct store_line line;
    struct store_place place;
    struct error err;

    assert_int_equal(store_reader_next(reader, &line, &err), ST_OK);
    assert_memory_equal(line.text.data, "{\"resourceLogs\":", 16); /* from its start */
    assert_true(store_line_place(line.text, &place));
    return place.sequence;
}

static void expect_lines(struct store_reader *reader, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        assert_int_equal(next_sequence(reader), i);
}

static void expect_status(struct store_reader *reader, enum status status, const char *text)
{
    struct store_line line;
    struct error err;

    assert_int_equal(store_reader_next(reader, &line, &err), status);
    if (strstr(err.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, err.text);
}

static void expect_end(struct store_reader *reader)
{
    expect_status(reader, ST_AGAIN, "");
}

/* Three files, of records 1 to 10 (compressed), 11 to 20 and 21 to 30 (active). */
static void make_three_files(struct file_store *store)
{
    file_store_init(store);
    file_store_set(store, "rotate.size", 1);
    file_store_set(store, "compression", 1);
    file_store_start(store);
    file_store_send(store, 1, 10);
    file_store_compress_all(store);
    file_store_stop(store);
    file_store_set(store, "compression", 0);
    file_store_start(store);
    file_store_send(store, 11, 20);
    file_store_set(store, "rotate.size", UINT64_MAX);
    file_store_send(store, 21, 30);
    assert_int_equal(file_store_count(store, ".jsonl.zst"), 1);
    assert_int_equal(file_store_count(store, ".jsonl"), 2);
}

static void test_files_are_read_in_order_of_writing(void **state)
{
    (void)state;
    struct file_store store;
    struct store_line line;
    struct error err;

    make_three_files(&store);
    struct store_reader *reader = open_reader(&store, NULL);
    assert_int_equal(store_reader_next(reader, &line, &err), ST_OK);
    assert_int_equal(line.number, 1);
    assert_non_null(strstr(line.file, "10.jsonl.zst"));
    assert_int_equal(line.text.data[line.text.size - 1], '}');
    expect_lines(reader, 2, 24);
    assert_int_equal(store_reader_next(reader, &line, &err), ST_OK);
    assert_int_equal(line.number, 5);
    assert_string_equal(line.file, "active.jsonl");
    expect_lines(reader, 26, 30);
    expect_end(reader);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

static void test_a_store_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct store_reader *reader = NULL;
    struct error err;

    assert_int_equal(store_reader_open("/nonexistent/store", NULL, &reader, &err), ST_NOT_FOUND);
    assert_null(reader);
}

static void test_an_empty_store_fills_up_later(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_run_number(&store, "rm active.jsonl");
    struct store_reader *reader = open_reader(&store, NULL);
    expect_end(reader);
    file_store_tick(&store, 0);
    file_store_send(&store, 1, 3);
    expect_lines(reader, 1, 3);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

static void test_new_lines_are_followed_through_rotations(void **state)
{
    (void)state;
    struct file_store store;

    make_three_files(&store);
    struct store_reader *reader = open_reader(&store, NULL);
    expect_lines(reader, 1, 30);
    expect_end(reader);
    file_store_send(&store, 31, 35);
    expect_lines(reader, 31, 33); /* the rest is read after the rotation */
    file_store_set(&store, "rotate.size", 1);
    file_store_send(&store, 36, 40);
    file_store_send(&store, 41, 45);
    file_store_set(&store, "rotate.size", UINT64_MAX);
    expect_lines(reader, 34, 45);
    file_store_send(&store, 46, 46);
    expect_lines(reader, 46, 46);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

static void test_a_file_that_is_compressed_between_listing_and_opening(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_start(&store);
    for (uint64_t i = 1; i <= 41; i += 10)
        file_store_send(&store, i, i + 9);
    struct store_reader *reader = open_reader(&store, NULL);
    expect_lines(reader, 1, 4); /* all five files are listed, one is open */
    file_store_stop(&store);
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_compress_all(&store);
    expect_lines(reader, 5, 50);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

static void test_a_file_of_which_both_forms_stand_is_read_once(void **state)
{
    (void)state;
    struct file_store store;

    make_three_files(&store);
    file_store_run_number(&store, "for f in *.zst; do zstd -dq $f; done");
    struct store_reader *reader = open_reader(&store, NULL);
    expect_lines(reader, 1, 30);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

static void test_files_that_retention_deletes_are_passed_over(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_start(&store);
    for (uint64_t i = 1; i <= 41; i += 10)
        file_store_send(&store, i, i + 9);
    struct store_reader *reader = open_reader(&store, NULL);
    expect_lines(reader, 1, 4);
    file_store_set(&store, "retention.max_files", 2);
    file_store_tick(&store, 100);
    expect_lines(reader, 5, 10); /* it was open */
    expect_lines(reader, 31, 50);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

/* The active file is read, rotated and deleted before the reader looks again. */
static void test_an_active_file_that_is_gone_does_not_hide_its_successor(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 5);
    struct store_reader *reader = open_reader(&store, NULL);
    expect_lines(reader, 1, 5);
    expect_end(reader);
    file_store_set(&store, "rotate.size", 1);
    file_store_set(&store, "retention.max_files", 1);
    file_store_send(&store, 6, 8);
    file_store_send(&store, 9, 12);
    expect_lines(reader, 6, 12);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

static void append_text(const struct file_store *store, const char *text)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/active.jsonl", store->path);
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_a_torn_last_line_is_given_when_it_is_whole(void **state)
{
    (void)state;
    struct file_store store;
    struct store_line line;
    struct error err;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 2);
    append_text(&store, "{\"half\":");
    struct store_reader *reader = open_reader(&store, NULL);
    expect_lines(reader, 1, 2);
    expect_end(reader);
    append_text(&store, "1}\n{");
    assert_int_equal(store_reader_next(reader, &line, &err), ST_OK);
    assert_int_equal(line.text.size, 10);
    assert_memory_equal(line.text.data, "{\"half\":1}", 10);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

/* The daemon was killed while it wrote, started again, and wrote the same records anew. */
static void test_a_torn_line_that_is_cut_off_is_read_once(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 2);
    append_text(&store, "{\"resourceLogs\":[{\"resource\":{\"attr");
    struct store_reader *reader = open_reader(&store, NULL);
    expect_lines(reader, 1, 2);
    expect_end(reader);
    file_store_stop(&store);
    file_store_start(&store);
    expect_end(reader); /* has seen that the file is shorter now */
    file_store_send(&store, 1, 5);
    expect_lines(reader, 3, 5);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

/* Lines that were seen, then taken back, then written again. */
static void test_lines_that_are_written_again_are_given_once(void **state)
{
    (void)state;
    struct file_store store;
    char path[256];

    file_store_init(&store);
    file_store_start(&store);
    file_store_send(&store, 1, 3);
    uint64_t size = file_store_run_number(&store, "wc -c < active.jsonl");
    file_store_send(&store, 4, 6);
    struct store_reader *reader = open_reader(&store, NULL);
    expect_lines(reader, 1, 5);
    file_store_stop(&store);
    snprintf(path, sizeof(path), "%s/active.jsonl", store.path);
    assert_int_equal(truncate(path, (off_t)size), 0);
    expect_lines(reader, 6, 6); /* had been read already */
    expect_end(reader);
    file_store_start(&store);
    file_store_send(&store, 4, 8);
    expect_lines(reader, 7, 8);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

static void test_long_lines_are_reported_and_skipped(void **state)
{
    (void)state;
    const size_t paddings[] = {5000, 600000};

    /* One that is known to be too long at its end, one long before. */
    for (size_t i = 0; i < 2; i++) {
        struct file_store store;
        const struct store_reader_options options = {.line_size_max = 2000};
        file_store_init(&store);
        file_store_start(&store);
        file_store_send(&store, 1, 2);
        store.padding_bytes = paddings[i];
        file_store_send(&store, 3, 3);
        store.padding_bytes = 10;
        file_store_send(&store, 4, 5);
        struct store_reader *reader = open_reader(&store, &options);
        expect_lines(reader, 1, 2);
        expect_status(reader, ST_LIMIT, "'active.jsonl': line 3 is longer than 2000 bytes");
        expect_lines(reader, 4, 5);
        expect_end(reader);
        store_reader_close(reader);
        file_store_fini(&store);
    }
}

static void test_a_damaged_file_is_reported_and_left(void **state)
{
    (void)state;
    struct file_store store;

    make_three_files(&store);
    file_store_run_number(&store, "for f in *.zst; do truncate -s 100 $f; done");
    struct store_reader *reader = open_reader(&store, NULL);
    expect_status(reader, ST_CORRUPT, "ends within a zstd frame");
    expect_lines(reader, 11, 30);
    expect_end(reader);
    store_reader_close(reader);

    file_store_run_number(&store, "for f in *.zst; do echo nonsense > $f; done");
    file_store_run_number(&store, "for f in *20.jsonl; do truncate -s -5 $f; done");
    reader = open_reader(&store, NULL);
    expect_status(reader, ST_CORRUPT, "10.jsonl.zst': zstd: ");
    expect_lines(reader, 11, 19);
    expect_status(reader, ST_CORRUPT, "20.jsonl': ends within line 10");
    expect_lines(reader, 21, 30);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

/* Three frames, the second of which is record 2 alone. */
static void test_a_damaged_frame_costs_its_own_lines_only(void **state)
{
    (void)state;

    /* In its header, and in its content, which only the checksum tells. */
    for (int place = 0; place < 2; place++) {
        struct file_store store;
        file_store_init(&store);
        file_store_set(&store, "compression", 1);
        file_store_start(&store);
        store.padding_bytes = 200000;
        file_store_send(&store, 1, 1);
        file_store_send(&store, 2, 2);
        store.padding_bytes = 10;
        file_store_set(&store, "rotate.size", 1);
        file_store_send(&store, 3, 5);
        file_store_compress_all(&store);
        char command[256];
        /* The seek table: its first entry is the size of the first frame. */
        snprintf(command, sizeof(command),
                 "f=$(ls *.zst); n=$(tail -c 33 $f | head -c 4 | od -An -tu4); "
                 "printf XXXX | dd of=$f bs=1 seek=$((n + %d)) conv=notrunc status=none",
                 place == 0 ? 0 : 60000);
        file_store_run_number(&store, command);
        struct store_reader *reader = open_reader(&store, NULL);
        expect_lines(reader, 1, 1);
        expect_status(reader, ST_CORRUPT, "zstd: ");
        expect_lines(reader, 3, 5);
        expect_end(reader);
        store_reader_close(reader);
        file_store_fini(&store);
    }
}

static void test_files_before_the_time_are_passed_over(void **state)
{
    (void)state;
    struct file_store store;
    const struct store_reader_options options = {.not_before_unix_s = 1700000000};

    make_three_files(&store);
    file_store_run_number(&store, "touch -d @1699999999 *.zst; touch -d @1700000000 *20.jsonl");
    struct store_reader *reader = open_reader(&store, &options);
    expect_lines(reader, 11, 30);
    expect_end(reader);
    store_reader_close(reader);
    file_store_fini(&store);
}

/* --- A writer that goes on ---------------------------------------------------------------------
 */

enum { WRITTEN_COUNT = 6000, WRITTEN_BATCH = 20 };

struct writer {
    struct file_store *store;
    atomic_bool done;
};

static void *write_records(void *context)
{
    struct writer *writer = context;

    for (uint64_t i = 1; i <= WRITTEN_COUNT; i += WRITTEN_BATCH) {
        file_store_send(writer->store, i, i + WRITTEN_BATCH - 1);
        if (i % 7 == 0)
            file_store_tick(writer->store, 0);
    }
    atomic_store(&writer->done, true);
    return NULL;
}

static void read_beside_the_writer(const struct store_reader_options *options)
{
    struct file_store store;
    struct writer writer = {.store = &store};
    struct store_line line;
    struct store_place place;
    struct error err;
    uint64_t expected = 1;
    pthread_t thread;

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 30000);
    file_store_set(&store, "compression", 1);
    file_store_set(&store, "index", 1);
    file_store_start(&store);
    struct store_reader *reader = open_reader(&store, options);
    assert_int_equal(pthread_create(&thread, NULL, write_records, &writer), 0);
    for (;;) {
        bool was_done = atomic_load(&writer.done);
        enum status st = store_reader_next(reader, &line, &err);
        if (st == ST_AGAIN && was_done)
            break;
        if (st == ST_AGAIN)
            continue;
        if (st != ST_OK)
            fail_msg("%s", err.text);
        assert_true(store_line_place(line.text, &place));
        assert_int_equal(place.sequence, expected);
        expected++;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(expected, WRITTEN_COUNT + 1);
    store_reader_close(reader);
    file_store_fini(&store);
}

static void test_a_reader_beside_the_writer_gets_each_line_once(void **state)
{
    (void)state;
    read_beside_the_writer(NULL);
}

static void test_one_that_asks_indexes_gets_each_line_once_too(void **state)
{
    (void)state;
    struct store_reader_options options = {.thread_count = 2};
    struct store_plan *plan;
    struct error err;

    assert_int_equal(store_plan_create(&plan, &err), ST_OK);
    store_plan_set_times(plan, UINT64_C(1790000000000000000), 0);
    store_plan_demand(plan);
    store_plan_add(plan, SLICE(" \"Quoted\"\n"), PLAN_ANY_CASE); /* what every record says */
    options.plan = plan;
    read_beside_the_writer(&options);
    store_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_read_in_order_of_writing),
        cmocka_unit_test(test_a_store_that_is_not_there_is_not_found),
        cmocka_unit_test(test_an_empty_store_fills_up_later),
        cmocka_unit_test(test_new_lines_are_followed_through_rotations),
        cmocka_unit_test(test_a_file_that_is_compressed_between_listing_and_opening),
        cmocka_unit_test(test_a_file_of_which_both_forms_stand_is_read_once),
        cmocka_unit_test(test_files_that_retention_deletes_are_passed_over),
        cmocka_unit_test(test_an_active_file_that_is_gone_does_not_hide_its_successor),
        cmocka_unit_test(test_a_torn_last_line_is_given_when_it_is_whole),
        cmocka_unit_test(test_a_torn_line_that_is_cut_off_is_read_once),
        cmocka_unit_test(test_lines_that_are_written_again_are_given_once),
        cmocka_unit_test(test_long_lines_are_reported_and_skipped),
        cmocka_unit_test(test_a_damaged_file_is_reported_and_left),
        cmocka_unit_test(test_a_damaged_frame_costs_its_own_lines_only),
        cmocka_unit_test(test_files_before_the_time_are_passed_over),
        cmocka_unit_test(test_a_reader_beside_the_writer_gets_each_line_once),
        cmocka_unit_test(test_one_that_asks_indexes_gets_each_line_once_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
