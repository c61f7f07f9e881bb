/* SPDX-License-Identifier: Apache-2.0 */
/* flip_test.c -- each byte of each file of a store is changed: verification never says yes, and
 * names the file.
 *
 * Two members of lines say when something was written and are under no signature: "time" in
 * checkpoints.jsonl and in the line of the log key (docs/INTEGRITY.md). */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/proved_store.h"
#include "verify/verify.h"

enum { NAMES_MAX = 16, FILE_SIZE_MAX = 64 << 10 };

struct flipped {
    const struct proved_store *store;
    char key[NOTE_VKEY_SIZE];
    const char *file;
    uint8_t bytes[FILE_SIZE_MAX];
    size_t size;
};

/* Every file of the store, sorted. */
static size_t list(const struct proved_store *store, char names[NAMES_MAX][256])
{
    struct dirent **items;
    size_t count = 0;

    int found = scandir(store->path, &items, NULL, alphasort);
    assert_true(found > 2);
    for (int i = 0; i < found; i++) {
        if (items[i]->d_name[0] != '.') {
            assert_true(count < NAMES_MAX);
            snprintf(names[count++], 256, "%s", items[i]->d_name);
        }
        free(items[i]);
    }
    free(items);
    return count;
}

static void load(struct flipped *flipped)
{
    int fd = openat(flipped->store->dir_fd, flipped->file, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, flipped->bytes, sizeof(flipped->bytes));
    assert_true(got > 0 && got < FILE_SIZE_MAX);
    flipped->size = (size_t)got;
    (void)close(fd); /* only read from */
}

static void put(const struct flipped *flipped, size_t offset, uint8_t byte)
{
    int fd = openat(flipped->store->dir_fd, flipped->file, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    (void)close(fd); /* a test's file */
}

/* Within the digits of a time that nothing signs. */
static bool is_unsigned_time(const struct flipped *flipped, size_t offset)
{
    static const char member[] = "\"time\":\"";
    const uint8_t *bytes = flipped->bytes;
    size_t start = offset;

    if (strcmp(flipped->file, "checkpoints.jsonl") != 0 && strcmp(flipped->file, "keys.jsonl") != 0)
        return false;
    while (start > 0 && bytes[start - 1] != '"' && bytes[start - 1] != '\n')
        start--;
    return start >= sizeof(member) - 1 &&
           memcmp(bytes + start - (sizeof(member) - 1), member, sizeof(member) - 1) == 0 &&
           bytes[offset] != '"';
}

/* The worst answer; *ret_named: some finding of it is about the file. */
static enum verify_answer judge(const struct flipped *flipped, bool *ret_named)
{
    const char *keys[] = {flipped->key};
    const struct verify_options options = {
        .store_dir = flipped->store->path, .keys = keys, .key_count = 1, .threads = 1};
    struct verify_report report;
    struct verify_summary summary;
    struct error err;
    enum verify_answer worst = VERIFY_YES;

    verify_report_init(&report);
    if (verify_store(&options, &report, &summary, &err) != ST_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < VERIFY_QUESTION_COUNT; i++) {
        enum verify_answer answer = verify_report_answer(&report, (enum verify_question)i);
        worst = answer > worst ? answer : worst;
    }
    *ret_named = false;
    for (size_t i = 0; i < report.count; i++) {
        const struct verify_finding *finding = &report.findings[i];
        if (finding->answer != VERIFY_YES && (strcmp(finding->file, flipped->file) == 0 ||
                                              strstr(finding->text, flipped->file) != NULL))
            *ret_named = true;
    }
    verify_report_fini(&report);
    return worst;
}

static size_t flip_all(struct flipped *flipped, uint8_t bits)
{
    size_t failures = 0;
    bool is_named;

    load(flipped);
    for (size_t offset = 0; offset < flipped->size; offset++) {
        uint8_t was = flipped->bytes[offset];
        put(flipped, offset, was ^ bits);
        enum verify_answer answer = judge(flipped, &is_named);
        /* The end of a file of lines may as well have been torn by a crash. */
        bool may_be_torn = was == '\n' && offset + 1 == flipped->size;
        bool is_good = is_named && (answer == VERIFY_NO || may_be_torn);
        if (!is_good && !is_unsigned_time(flipped, offset)) {
            print_message("%s, byte %zu (%c): %s%s\n", flipped->file, offset, was,
                          verify_answer_text(answer), is_named ? "" : ", and not of this file");
            failures++;
        }
        put(flipped, offset, was);
    }
    return failures;
}

static void flip_store(uint8_t bits)
{
    struct proved_store store;
    char names[NAMES_MAX][256];
    static struct flipped flipped;
    size_t failures = 0;
    bool is_named;

    proved_store_init(&store);
    proved_store_write(&store, 3);
    proved_store_close(&store);
    proved_store_compress(&store, 2);
    proved_store_evolve(&store);
    proved_store_write(&store, 2);
    proved_store_close(&store);
    flipped.store = &store;
    proved_store_first_key(&store, flipped.key);
    assert_int_equal(judge(&flipped, &is_named), VERIFY_YES);
    size_t count = list(&store, names);
    for (size_t i = 0; i < count; i++) {
        flipped.file = names[i];
        failures += flip_all(&flipped, bits);
    }
    assert_int_equal(judge(&flipped, &is_named), VERIFY_YES); /* all is as it was */
    assert_int_equal(failures, 0);
    proved_store_fini(&store);
}

static void test_each_byte_with_its_lowest_bit_flipped_is_found(void **state)
{
    (void)state;
    flip_store(0x01);
}

/* Letters change their case, which hexadecimal digits and base64 might let pass. */
static void test_each_byte_in_the_other_case_is_found(void **state)
{
    (void)state;
    flip_store(0x20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_with_its_lowest_bit_flipped_is_found),
        cmocka_unit_test(test_each_byte_in_the_other_case_is_found),
    };

    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
