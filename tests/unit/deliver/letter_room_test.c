/* SPDX-License-Identifier: Apache-2.0 */
/* letter_room_test.c -- dead letters at their bound: the oldest go, each in the ledger before. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver/dead_letter.h"
#include "deliver/loss_ledger.h"
#include "support/temp_dir.h"

enum { FILE_SIZE = 2000, TOTAL_SIZE = 8000, LETTERS = 200, SEEN_MAX = 256 };

static const struct record_group group = {
    .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test")};

struct drawer {
    struct temp_dir dir;
    struct dead_letter_settings settings;
    struct dead_letter *letters;
    struct error err;
    struct loss seen[SEEN_MAX];
    size_t seen_count;
};

static void open_drawer(struct drawer *drawer)
{
    dead_letter_close(drawer->letters);
    loss_ledger_close(drawer->settings.ledger);
    drawer->letters = NULL;
    const struct loss_ledger_settings ledger = {.dir = drawer->dir.path};
    assert_int_equal(loss_ledger_open(&ledger, &drawer->settings.ledger, &drawer->err), ST_OK);
    assert_int_equal(dead_letter_open(&drawer->settings, &drawer->letters, &drawer->err), ST_OK);
}

static int make_drawer(void **state)
{
    struct drawer *drawer = calloc(1, sizeof(*drawer));

    temp_dir_make(&drawer->dir);
    drawer->settings = (struct dead_letter_settings){
        .dir = drawer->dir.path,
        .name = "fake.a",
        .exporter = "fake/a",
        .file_size = FILE_SIZE,
        .total_size = TOTAL_SIZE,
        .drop_oldest = true,
    };
    open_drawer(drawer);
    *state = drawer;
    return 0;
}

static int drop_drawer(void **state)
{
    struct drawer *drawer = *state;

    dead_letter_close(drawer->letters);
    loss_ledger_close(drawer->settings.ledger);
    temp_dir_remove(&drawer->dir);
    free(drawer);
    return 0;
}

static enum status put(struct drawer *drawer, uint64_t sequence)
{
    const struct record record = {.sequence = sequence,
                                  .bytes = SLICE("\x09\x07\0\0\0\0\0\0\0\x2a\x07\x0a\x05hello")};
    const struct batch batch = {.journal_id = {0xab},
                                .records = &record,
                                .record_count = 1,
                                .groups = &group,
                                .group_count = 1};
    const struct dead_letter_reason reason = {"rejected", "no", 1, 1790000000123456789};

    return dead_letter_put(drawer->letters, &batch, 0, &reason, &drawer->err);
}

static void put_some(struct drawer *drawer, uint64_t first, uint64_t last)
{
    for (uint64_t sequence = first; sequence <= last; sequence++)
        assert_int_equal(put(drawer, sequence), ST_OK);
    assert_int_equal(dead_letter_sync(drawer->letters, &drawer->err), ST_OK);
}

static bool exists(const struct drawer *drawer, int number)
{
    char name[64];
    struct stat info;

    snprintf(name, sizeof(name), "fake.a.%d.jsonl", number);
    return fstatat(drawer->dir.fd, name, &info, 0) == 0;
}

static uint64_t total_size(const struct drawer *drawer)
{
    struct stat info;
    uint64_t size = 0;

    assert_int_equal(fstatat(drawer->dir.fd, "fake.a.jsonl", &info, 0), 0);
    size += (uint64_t)info.st_size;
    for (int i = 1; i <= LETTERS; i++) {
        char name[64];
        snprintf(name, sizeof(name), "fake.a.%d.jsonl", i);
        if (fstatat(drawer->dir.fd, name, &info, 0) == 0)
            size += (uint64_t)info.st_size;
    }
    return size;
}

static enum status see_totals(void *context, const struct loss_totals *totals, struct error *err)
{
    (void)context;
    (void)totals;
    (void)err;
    return ST_OK;
}

static enum status see_loss(void *context, const struct loss *loss, struct error *err)
{
    struct drawer *drawer = context;

    (void)err;
    assert_true(drawer->seen_count < SEEN_MAX);
    drawer->seen[drawer->seen_count++] = *loss;
    return ST_OK;
}

static void read_ledger(struct drawer *drawer)
{
    const struct loss_visitor visitor = {drawer, see_totals, see_loss};
    uint64_t bad_lines;

    drawer->seen_count = 0;
    assert_int_equal(loss_ledger_read(drawer->dir.path, &visitor, &bad_lines, &drawer->err), ST_OK);
}

static void test_the_oldest_letters_go_and_the_ledger_has_every_one_of_them(void **state)
{
    struct drawer *drawer = *state;
    uint64_t expected = 1;

    put_some(drawer, 1, LETTERS);
    assert_true(total_size(drawer) <= TOTAL_SIZE);
    assert_false(exists(drawer, 1));
    read_ledger(drawer);
    assert_true(drawer->seen_count > 3);
    for (size_t i = 0; i < drawer->seen_count; i++) {
        const struct loss *loss = &drawer->seen[i];
        char name[64];
        assert_string_equal(loss->destination, "fake/a");
        assert_int_equal(loss->reason, LOSS_DEAD_LETTERS_FULL);
        assert_int_equal(loss->journal_id[0], 0xab);
        assert_int_equal(loss->first, expected);
        assert_int_equal(loss->records, loss->last - loss->first + 1);
        assert_int_equal(loss->first_event_ns, 7);
        snprintf(name, sizeof(name), "fake.a.%zu.jsonl", i + 1);
        assert_string_equal(loss->file, name);
        expected = loss->last + 1;
    }
    assert_true(expected <= LETTERS);
}

static void test_without_the_policy_nothing_is_taken_any_more(void **state)
{
    struct drawer *drawer = *state;
    enum status st = ST_OK;

    drawer->settings.drop_oldest = false;
    open_drawer(drawer);
    for (uint64_t sequence = 1; sequence <= LETTERS && st == ST_OK; sequence++)
        st = put(drawer, sequence);
    assert_int_equal(st, ST_LIMIT);
    assert_true(exists(drawer, 1));
    read_ledger(drawer);
    assert_int_equal(drawer->seen_count, 0);
}

static void test_a_file_that_is_read_stays(void **state)
{
    struct drawer *drawer = *state;

    dead_letter_keep(drawer->letters, "fake.a.1.jsonl");
    put_some(drawer, 1, LETTERS);
    assert_true(exists(drawer, 1));
    assert_false(exists(drawer, 2));
    dead_letter_keep(drawer->letters, NULL);
    put_some(drawer, LETTERS + 1, LETTERS + 20);
    assert_false(exists(drawer, 1));
}

static void test_a_file_with_letters_of_somebody_else_stays(void **state)
{
    static const char theirs[] =
        "{\"time\":\"2026-11-20T22:23:31Z\",\"exporter\":\"fake/b\",\"reason\":\"rejected\","
        "\"message\":\"\",\"attempts\":1,\"journal\":\"00112233445566778899aabbccddeeff\","
        "\"sequence\":42,\"record_base64\":\"\"}\n";
    struct drawer *drawer = *state;

    int fd = openat(drawer->dir.fd, "fake.a.1.jsonl", O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, theirs, strlen(theirs)), strlen(theirs));
    (void)close(fd);
    open_drawer(drawer);
    put_some(drawer, 1, LETTERS);
    assert_true(exists(drawer, 1));
    assert_false(exists(drawer, 2));
}

static void test_a_crash_between_ledger_and_deletion_is_written_once(void **state)
{
    struct drawer *drawer = *state;

    put_some(drawer, 1, 10);
    assert_true(exists(drawer, 1));
    assert_int_equal(linkat(drawer->dir.fd, "fake.a.1.jsonl", drawer->dir.fd, "aside", 0), 0);
    put_some(drawer, 11, 120);
    assert_false(exists(drawer, 1));
    read_ledger(drawer);
    size_t count = drawer->seen_count;
    assert_true(count >= 1);
    uint64_t last = drawer->seen[0].last;
    /* As if it had not been deleted: it comes first again. */
    assert_int_equal(renameat(drawer->dir.fd, "aside", drawer->dir.fd, "fake.a.1.jsonl"), 0);
    open_drawer(drawer);
    put_some(drawer, 121, 140);
    assert_false(exists(drawer, 1));
    read_ledger(drawer);
    for (size_t i = 1; i < drawer->seen_count; i++)
        assert_true(drawer->seen[i].first > last);
}

int main(void)
{
#define WITH_DRAWER(test) cmocka_unit_test_setup_teardown(test, make_drawer, drop_drawer)
    const struct CMUnitTest tests[] = {
        WITH_DRAWER(test_the_oldest_letters_go_and_the_ledger_has_every_one_of_them),
        WITH_DRAWER(test_without_the_policy_nothing_is_taken_any_more),
        WITH_DRAWER(test_a_file_that_is_read_stays),
        WITH_DRAWER(test_a_file_with_letters_of_somebody_else_stays),
        WITH_DRAWER(test_a_crash_between_ledger_and_deletion_is_written_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
