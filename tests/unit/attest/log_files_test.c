/* SPDX-License-Identifier: Apache-2.0 */
/* log_files_test.c -- what an exporter keeps of each log: what was written comes back whole or not
 * at all, and each log has its own; and which log is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/temp_dir.h"
#include "telltale/log_files.h"
#include "telltale/log_slots.h"

static const char head[] = "test 1";

static void open_files(const struct temp_dir *dir, struct log_files *ret)
{
    struct error err;

    assert_int_equal(log_files_open(ret, &disk_io_system, dir->path, "witness", "witness/w1", &err),
                     ST_OK);
}

static enum status take(void *context, struct slice bytes, struct error *err)
{
    if (slice_equal(bytes, SLICE("of another version")))
        return error_set(err, ST_INVALID, "it is of another version");
    buf_clear(context);
    return buf_append(context, bytes.data, bytes.size, err);
}

/* What is known; false: nothing. */
static bool read_file(const struct log_files *files, const char *head_line, const char *origin,
                      struct buf *out)
{
    bool is_known;
    struct error err;

    assert_int_equal(log_files_read(files, head_line, origin, take, out, &is_known, &err), ST_OK);
    return is_known;
}

static void test_each_log_has_its_own_bytes(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct log_files files;
    struct buf out;
    struct error err;
    struct stat info;
    char path[512];

    temp_dir_make(&dir);
    open_files(&dir, &files);
    (void)snprintf(path, sizeof(path), "%s/witness/witness.w1", dir.path);
    assert_int_equal(stat(path, &info), 0);
    buf_init(&out, 4096);
    assert_false(read_file(&files, head, "a.example", &out));
    assert_int_equal(log_files_write(&files, head, "a.example", SLICE("one\ntwo"), &err), ST_OK);
    assert_int_equal(log_files_write(&files, head, "b/../example", SLICE(""), &err), ST_OK);
    log_files_close(&files);
    open_files(&dir, &files);
    assert_true(read_file(&files, head, "a.example", &out));
    assert_true(slice_equal(buf_slice(&out), SLICE("one\ntwo")));
    assert_true(read_file(&files, head, "b/../example", &out));
    assert_int_equal(out.size, 0);
    assert_false(read_file(&files, "test 2", "a.example", &out));
    assert_int_equal(log_files_write(&files, head, "a.example", SLICE("of another version"), &err),
                     ST_OK);
    assert_false(read_file(&files, head, "a.example", &out));
    buf_fini(&out);
    log_files_close(&files);
    temp_dir_remove(&dir);
}

static void test_each_damaged_byte_is_found(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct log_files files;
    struct buf out;
    struct error err;
    char command[1024];

    temp_dir_make(&dir);
    open_files(&dir, &files);
    buf_init(&out, 4096);
    for (int i = 0; i < 60; i += 7) {
        assert_int_equal(log_files_write(&files, head, "a.example", SLICE("some bytes"), &err),
                         ST_OK);
        (void)snprintf(command, sizeof(command),
                       "printf '\\001' | dd of=\"$(echo %s/witness/witness.w1/*.log)\" bs=1 "
                       "seek=%d conv=notrunc 2>/dev/null",
                       dir.path, i);
        assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own */
        assert_false(read_file(&files, head, "a.example", &out));
    }
    buf_fini(&out);
    log_files_close(&files);
    temp_dir_remove(&dir);
}

static void test_the_log_used_longest_ago_gives_way(void **state)
{
    (void)state;
    struct log_slots *slots = calloc(1, sizeof(*slots));
    char origin[32];
    bool is_new;

    assert_non_null(slots);
    for (int i = 0; i < LOG_SLOTS_MAX; i++) {
        (void)snprintf(origin, sizeof(origin), "log%d", i);
        size_t index = log_slots_find(slots, origin, &is_new);
        assert_true(is_new);
        assert_int_equal(slots->items[index].origin[0], 0);
        log_slots_take(slots, index, origin);
    }
    size_t first = log_slots_find(slots, "log0", &is_new);
    assert_false(is_new);
    size_t index = log_slots_find(slots, "another", &is_new);
    assert_true(is_new && index != first);
    assert_string_equal(slots->items[index].origin, "log1");
    log_slots_take(slots, index, "another");
    assert_int_equal(log_slots_find(slots, "another", &is_new), index);
    log_slots_leave(slots, first);
    assert_int_equal(log_slots_find(slots, "log0", &is_new), first);
    assert_true(is_new);
    free(slots);
}

static void test_a_clock_that_was_set_back_makes_nothing_wait_longer(void **state)
{
    (void)state;
    struct log_slot slot = {.origin = "a", .due_ns = 1000};

    assert_false(log_slot_is_due(&slot, 999, 100));
    assert_true(log_slot_is_due(&slot, 1000, 100));
    assert_false(log_slot_is_due(&slot, 900, 100));
    assert_true(log_slot_is_due(&slot, 899, 100));
    slot.origin[0] = 0;
    assert_false(log_slot_is_due(&slot, 2000, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_log_has_its_own_bytes),
        cmocka_unit_test(test_each_damaged_byte_is_found),
        cmocka_unit_test(test_the_log_used_longest_ago_gives_way),
        cmocka_unit_test(test_a_clock_that_was_set_back_makes_nothing_wait_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
