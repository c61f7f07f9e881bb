/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_parts_test.c -- backoff, splitting, dead letters and the cursor's progress. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "deliver/backoff.h"
#include "deliver/dead_letter.h"
#include "deliver/exporter_list.h"
#include "deliver/exporter_type.h"
#include "deliver/progress.h"
#include "deliver/split.h"
#include "support/temp_dir.h"
#include "util/clock.h"

/* --- Backoff ---------------------------------------------------------------------------------- */

static void test_the_ceiling_doubles_up_to_its_limit(void **state)
{
    (void)state;
    const struct backoff backoff = {100, 1000};

    /* random = ceiling gives the ceiling, one more gives nothing. */
    assert_int_equal(backoff_delay_ns(&backoff, 0, 0, 100), 100);
    assert_int_equal(backoff_delay_ns(&backoff, 0, 0, 101), 0);
    assert_int_equal(backoff_delay_ns(&backoff, 1, 0, 200), 200);
    assert_int_equal(backoff_delay_ns(&backoff, 3, 0, 800), 800);
    assert_int_equal(backoff_delay_ns(&backoff, 4, 0, 1000), 1000);
    assert_int_equal(backoff_delay_ns(&backoff, UINT32_MAX, 0, 1001), 0);
}

static void test_the_ceiling_does_not_overflow(void **state)
{
    (void)state;
    const struct backoff backoff = {UINT64_MAX - 1, UINT64_MAX};

    assert_int_equal(backoff_delay_ns(&backoff, 70, 0, 12345), 12345);
}

static void test_a_delay_that_was_asked_for_is_the_least(void **state)
{
    (void)state;
    const struct backoff backoff = {100, 1000};

    assert_int_equal(backoff_delay_ns(&backoff, 9, 7, 0), 7000000);
    assert_int_equal(backoff_delay_ns(&backoff, 9, 7, 100), 7000100);
    assert_int_equal(backoff_delay_ns(&backoff, 0, UINT32_MAX, 0), BACKOFF_ASKED_MAX_NS);
}

/* --- Splitting -------------------------------------------------------------------------------- */

/* Splits until `bad` stands alone; marks what was settled, and counts the sends. */
static size_t isolate(size_t count, const bool *bad, size_t *settled)
{
    struct split split;
    size_t first;
    size_t part;
    size_t sends = 0;

    split_init(&split, count);
    while (split_next(&split, &first, &part)) {
        bool has_bad = false;
        for (size_t i = first; i < first + part; i++)
            has_bad = has_bad || bad[i];
        sends++;
        if (has_bad && part > 1) {
            split_halve(&split);
            continue;
        }
        for (size_t i = first; i < first + part; i++)
            settled[i]++;
        split_settle(&split, part);
    }
    return sends;
}

static void test_every_combination_of_bad_records_is_isolated(void **state)
{
    (void)state;

    for (size_t count = 1; count <= 9; count++) {
        for (unsigned mask = 0; mask < 1U << count; mask++) {
            bool bad[9] = {false};
            size_t settled[9] = {0};
            for (size_t i = 0; i < count; i++)
                bad[i] = (mask >> i & 1) != 0;
            size_t sends = isolate(count, bad, settled);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(settled[i], 1);
            assert_true(sends <= 2 * count - 1);
            assert_true(mask != 0 || sends == 1);
        }
    }
}

static void test_one_bad_record_among_many_costs_few_sends(void **state)
{
    (void)state;
    static bool bad[4096];
    static size_t settled[4096];

    bad[4095] = true;
    assert_true(isolate(4096, bad, settled) <= 2 * 12 + 1);
    assert_int_equal(settled[4095], 1);
}

/* --- Dead letters ----------------------------------------------------------------------------- */

struct letters_bench {
    struct temp_dir dir;
    struct dead_letter *letters;
    struct record records[2];
    struct record_group group;
    struct batch batch;
    struct error err;
};

static void open_letters(struct letters_bench *bench, uint64_t file_size, uint64_t total_size)
{
    const struct dead_letter_settings settings = {.dir = bench->dir.path,
                                                  .name = "otlp_grpc.soc",
                                                  .exporter = "otlp_grpc/soc",
                                                  .file_size = file_size,
                                                  .total_size = total_size};
    assert_int_equal(dead_letter_open(&settings, &bench->letters, &bench->err), ST_OK);
}

static int make_letters(void **state)
{
    struct letters_bench *bench = calloc(1, sizeof(*bench));

    temp_dir_make(&bench->dir);
    bench->group.resource_logs_fields =
        SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test");
    bench->records[0] = (struct record){.sequence = 41, .bytes = SLICE("\x2a\x07\x0a\x05hello")};
    bench->records[1] = (struct record){.sequence = 42, .bytes = SLICE("\xff\xff broken")};
    bench->batch = (struct batch){.journal_id = {0xab, 0xcd},
                                  .records = bench->records,
                                  .record_count = 2,
                                  .groups = &bench->group,
                                  .group_count = 1};
    *state = bench;
    return 0;
}

static int drop_letters(void **state)
{
    struct letters_bench *bench = *state;

    dead_letter_close(bench->letters);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

static enum status put_letter(struct letters_bench *bench, size_t index)
{
    const struct dead_letter_reason reason = {"rejected", "INVALID: \"no\"\n\xff", 3,
                                              UINT64_C(1790000000123456789)};
    enum status st = dead_letter_put(bench->letters, &bench->batch, index, &reason, &bench->err);
    if (st == ST_OK)
        st = dead_letter_sync(bench->letters, &bench->err);
    return st;
}

/* The text of a file in the directory; the caller frees it. */
static char *read_text(struct letters_bench *bench, const char *name)
{
    struct stat info;

    int fd = openat(bench->dir.fd, name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    char *text = calloc(1, (size_t)info.st_size + 1);
    assert_int_equal(read(fd, text, (size_t)info.st_size), info.st_size);
    (void)close(fd);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text != 0; text++)
        count += *text == '\n' ? 1 : 0;
    return count;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    assert_non_null(text);
    return text;
}

static void test_a_letter_says_why_and_what(void **state)
{
    struct letters_bench *bench = *state;

    open_letters(bench, 1 << 20, 1 << 20);
    assert_int_equal(put_letter(bench, 0), ST_OK);
    char *text = read_text(bench, "otlp_grpc.soc.jsonl");
    assert_int_equal(count_lines(text), 1);
    cJSON *letter = cJSON_Parse(text);
    assert_non_null(letter);
    assert_string_equal(text_of(letter, "time"), "2026-09-21T14:13:20.123456789Z");
    assert_string_equal(text_of(letter, "exporter"), "otlp_grpc/soc");
    assert_string_equal(text_of(letter, "reason"), "rejected");
    assert_string_equal(text_of(letter, "message"), "INVALID: \"no\"\n\xef\xbf\xbd");
    assert_string_equal(text_of(letter, "journal"), "abcd0000000000000000000000000000");
    assert_int_equal(cJSON_GetObjectItem(letter, "sequence")->valueint, 41);
    assert_int_equal(cJSON_GetObjectItem(letter, "attempts")->valueint, 3);
    const cJSON *logs = cJSON_GetArrayItem(
        cJSON_GetObjectItem(cJSON_GetObjectItem(letter, "otlp"), "resourceLogs"), 0);
    const cJSON *record = cJSON_GetArrayItem(
        cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(logs, "scopeLogs"), 0),
                            "logRecords"),
        0);
    assert_string_equal(text_of(cJSON_GetObjectItem(record, "body"), "stringValue"), "hello");
    cJSON_Delete(letter);
    free(text);
}

static void test_a_record_that_is_no_protobuf_is_kept_as_it_is(void **state)
{
    struct letters_bench *bench = *state;

    open_letters(bench, 1 << 20, 1 << 20);
    assert_int_equal(put_letter(bench, 1), ST_OK);
    char *text = read_text(bench, "otlp_grpc.soc.jsonl");
    cJSON *letter = cJSON_Parse(text);
    assert_non_null(letter);
    assert_string_equal(text_of(letter, "record_base64"), "//8gYnJva2Vu");
    assert_null(cJSON_GetObjectItem(letter, "otlp"));
    cJSON_Delete(letter);
    free(text);
}

/* A disk that fails one sync: what was written since the one before is lost, and the next sync says
 * that all is well. */
static bool next_sync_fails;
static off_t synced_size;

int fdatasync(int fd)
{
    struct stat info;

    assert_int_equal(fstat(fd, &info), 0);
    if (!S_ISREG(info.st_mode))
        return (int)syscall(SYS_fdatasync, fd);
    if (!next_sync_fails) {
        synced_size = info.st_size;
        return (int)syscall(SYS_fdatasync, fd);
    }
    next_sync_fails = false;
    assert_int_equal(ftruncate(fd, synced_size), 0);
    assert_int_equal(ftruncate(fd, info.st_size), 0); /* zeros */
    errno = EIO;
    return -1;
}

static void check_letters(struct letters_bench *bench, size_t count)
{
    char *text = read_text(bench, "otlp_grpc.soc.jsonl");
    const char *line = text;

    assert_int_equal(count_lines(text), count);
    for (size_t i = 0; i < count; i++) {
        cJSON *letter = cJSON_ParseWithLength(line, strcspn(line, "\n"));
        assert_non_null(letter);
        cJSON_Delete(letter);
        line += strcspn(line, "\n") + 1;
    }
    free(text);
}

static void test_letters_of_a_failed_sync_are_written_again(void **state)
{
    struct letters_bench *bench = *state;

    synced_size = 0;
    open_letters(bench, 1 << 20, 1 << 20);
    assert_int_equal(put_letter(bench, 0), ST_OK);
    next_sync_fails = true;
    assert_int_equal(put_letter(bench, 0), ST_IO);
    assert_int_equal(put_letter(bench, 1), ST_OK);
    check_letters(bench, 3);
    next_sync_fails = true;
    assert_int_equal(put_letter(bench, 0), ST_IO);
    assert_int_equal(dead_letter_sync(bench->letters, &bench->err), ST_OK);
    check_letters(bench, 4);
}

static void test_full_files_are_numbered_and_kept(void **state)
{
    struct letters_bench *bench = *state;

    open_letters(bench, 1000, 1 << 20);
    for (int i = 0; i < 7; i++)
        assert_int_equal(put_letter(bench, 0), ST_OK);
    size_t lines = 0;
    for (int i = 1; i <= 3; i++) {
        char name[64];
        snprintf(name, sizeof(name), "otlp_grpc.soc.%d.jsonl", i);
        char *text = read_text(bench, name);
        assert_true(strlen(text) <= 1000);
        lines += count_lines(text);
        free(text);
    }
    char *text = read_text(bench, "otlp_grpc.soc.jsonl");
    assert_int_equal(lines + count_lines(text), 7);
    free(text);
}

static void test_full_letters_take_no_more_until_there_is_room(void **state)
{
    struct letters_bench *bench = *state;
    int taken = 0;

    open_letters(bench, 1000, 2500);
    while (taken < 100 && put_letter(bench, 0) == ST_OK)
        taken++;
    assert_in_range(taken, 5, 9);
    assert_int_equal(bench->err.status, ST_LIMIT);
    assert_non_null(strstr(bench->err.text, "limit 2500"));
    assert_int_equal(unlinkat(bench->dir.fd, "otlp_grpc.soc.1.jsonl", 0), 0);
    assert_int_equal(put_letter(bench, 0), ST_OK);
}

static void test_a_torn_letter_does_not_spoil_the_next(void **state)
{
    struct letters_bench *bench = *state;

    int fd = openat(bench->dir.fd, "otlp_grpc.soc.jsonl", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "{\"time\":\"20", 11), 11);
    (void)close(fd);
    open_letters(bench, 1 << 20, 1 << 20);
    assert_int_equal(put_letter(bench, 0), ST_OK);
    char *text = read_text(bench, "otlp_grpc.soc.jsonl");
    assert_int_equal(count_lines(text), 2);
    cJSON *letter = cJSON_Parse(strchr(text, '\n') + 1);
    assert_non_null(letter);
    cJSON_Delete(letter);
    free(text);
}

/* --- Progress --------------------------------------------------------------------------------- */

static struct progress *open_progress(struct letters_bench *bench, uint64_t oldest,
                                      uint64_t committed, struct progress_start *ret_start)
{
    const struct progress_settings settings = {bench->dir.path, "c", oldest, committed, NULL};
    struct progress *progress;

    assert_int_equal(progress_open(&settings, &progress, ret_start, &bench->err), ST_OK);
    return progress;
}

static void test_the_cursor_follows_in_steps(void **state)
{
    struct letters_bench *bench = *state;
    struct progress_start start;
    uint64_t now = 1000 * NS_PER_S;

    struct progress *progress = open_progress(bench, 1, 100, &start);
    assert_int_equal(start.finding, PROGRESS_SOUND);
    assert_int_equal(progress_next(progress), 1);
    assert_false(progress_is_due(progress, now));
    progress_settle(progress, 5, 10);
    assert_int_equal(progress_save(progress, now, &bench->err), ST_OK);
    progress_settle(progress, 9, 10);
    assert_false(progress_is_due(progress, now + PROGRESS_DELAY_MS * NS_PER_MS - 1));
    assert_true(progress_is_due(progress, now + PROGRESS_DELAY_MS * NS_PER_MS));
    assert_int_equal(progress_durable(progress), 5);
    progress_settle(progress, 10, PROGRESS_SIZE);
    assert_true(progress_is_due(progress, now));
    progress_close(progress); /* a crash: what was not saved is gone */

    progress = open_progress(bench, 1, 100, &start);
    assert_int_equal(progress_next(progress), 5);
    progress_close(progress);
}

static void test_a_cursor_that_retirement_has_passed_misses_records(void **state)
{
    struct letters_bench *bench = *state;
    struct progress_start start;

    struct progress *progress = open_progress(bench, 1, 100, &start);
    progress_settle(progress, 5, 10);
    assert_int_equal(progress_save(progress, 1, &bench->err), ST_OK);
    progress_close(progress);
    progress = open_progress(bench, 20, 100, &start);
    assert_int_equal(start.finding, PROGRESS_SOUND);
    assert_int_equal(start.missing_records, 15);
    assert_int_equal(progress_next(progress), 20);
    progress_close(progress);
}

static void test_a_cursor_of_another_journal_begins_again(void **state)
{
    struct letters_bench *bench = *state;
    struct progress_start start;

    struct progress *progress = open_progress(bench, 1, 100, &start);
    progress_settle(progress, 90, 10);
    assert_int_equal(progress_save(progress, 1, &bench->err), ST_OK);
    progress_close(progress);
    progress = open_progress(bench, 1, 10, &start);
    assert_int_equal(start.finding, PROGRESS_BEYOND_JOURNAL);
    assert_int_equal(progress_next(progress), 1);
    progress_settle(progress, 3, 10);
    assert_int_equal(progress_save(progress, 1, &bench->err), ST_OK);
    progress_close(progress);
    assert_int_equal(faccessat(bench->dir.fd, "c.corrupt", F_OK, 0), 0);
}

static void test_all_exporters_have_a_name_and_a_table(void **state)
{
    (void)state;
    size_t count;
    const struct exporter_ops *const *list = exporter_list(&count);

    for (size_t i = 0; i < count; i++) {
        assert_non_null(list[i]->fields);
        assert_true(list[i]->config_size > 0);
        assert_ptr_equal(exporter_find(list[i]->name), list[i]);
    }
    assert_non_null(exporter_find("otlp_grpc"));
    assert_non_null(exporter_find("null"));
    assert_null(exporter_find("otlp"));
}

static void test_the_table_without_code_says_of_exporters_what_they_say(void **state)
{
    (void)state;
    size_t count, type_count;
    const struct exporter_ops *const *list = exporter_list(&count);
    const struct exporter_type *types = exporter_types(&type_count);

    assert_int_equal(type_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(types[i].name, list[i]->name);
        assert_int_equal(types[i].in_order_only, list[i]->in_order_only);
        assert_ptr_equal(exporter_type_find(slice_of_text(list[i]->name)), &types[i]);
    }
    assert_null(exporter_type_find(SLICE("otlp")));
    assert_null(exporter_type_find(SLICE_EMPTY));
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_letters, drop_letters)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_ceiling_doubles_up_to_its_limit),
        cmocka_unit_test(test_the_ceiling_does_not_overflow),
        cmocka_unit_test(test_a_delay_that_was_asked_for_is_the_least),
        cmocka_unit_test(test_every_combination_of_bad_records_is_isolated),
        cmocka_unit_test(test_one_bad_record_among_many_costs_few_sends),
        WITH_DIR(test_a_letter_says_why_and_what),
        WITH_DIR(test_a_record_that_is_no_protobuf_is_kept_as_it_is),
        WITH_DIR(test_letters_of_a_failed_sync_are_written_again),
        WITH_DIR(test_full_files_are_numbered_and_kept),
        WITH_DIR(test_full_letters_take_no_more_until_there_is_room),
        WITH_DIR(test_a_torn_letter_does_not_spoil_the_next),
        WITH_DIR(test_the_cursor_follows_in_steps),
        WITH_DIR(test_a_cursor_that_retirement_has_passed_misses_records),
        WITH_DIR(test_a_cursor_of_another_journal_begins_again),
        cmocka_unit_test(test_all_exporters_have_a_name_and_a_table),
        cmocka_unit_test(test_the_table_without_code_says_of_exporters_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
