/* SPDX-License-Identifier: Apache-2.0 */
/* cursor_test.c -- the position of one consumer. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/cursor.h"
#include "support/temp_dir.h"

enum { CURSOR_FILE_SIZE = 20 };

static int make_dir(void **state)
{
    static struct temp_dir dir;
    temp_dir_make(&dir);
    *state = &dir;
    return 0;
}

static int remove_dir(void **state)
{
    temp_dir_remove(*state);
    return 0;
}

static struct cursor *open_cursor(const struct temp_dir *dir)
{
    struct error err;
    struct cursor *cursor;
    assert_int_equal(cursor_open(NULL, dir->fd, "soc", &cursor, &err), ST_OK);
    return cursor;
}

static void test_new_cursor_starts_at_zero(void **state)
{
    struct cursor *cursor = open_cursor(*state);
    assert_int_equal(cursor_next(cursor), 0);
    cursor_close(cursor);
    cursor_close(NULL);
}

static void test_position_survives_reopening(void **state)
{
    struct error err;
    struct cursor *cursor = open_cursor(*state);

    assert_int_equal(cursor_advance(cursor, 42, &err), ST_OK);
    assert_int_equal(cursor_advance(cursor, 43, &err), ST_OK);
    cursor_close(cursor);
    cursor = open_cursor(*state);
    assert_int_equal(cursor_next(cursor), 43);
    cursor_close(cursor);
}

static void flip(const struct temp_dir *dir, int offset)
{
    uint8_t byte;
    int fd = openat(dir->fd, "soc", O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void test_every_damaged_byte_is_noticed(void **state)
{
    const struct temp_dir *dir = *state;
    struct error err;
    struct cursor *cursor = open_cursor(dir);

    assert_int_equal(cursor_advance(cursor, 7, &err), ST_OK);
    cursor_close(cursor);
    for (int i = 0; i < CURSOR_FILE_SIZE; i++) {
        flip(dir, i);
        assert_int_equal(cursor_open(NULL, dir->fd, "soc", &cursor, &err), ST_CORRUPT);
        flip(dir, i);
    }
    cursor_close(open_cursor(dir));
}

static void test_wrong_length_is_noticed(void **state)
{
    const struct temp_dir *dir = *state;
    struct error err;
    struct cursor *cursor = open_cursor(dir);

    assert_int_equal(cursor_advance(cursor, 7, &err), ST_OK);
    cursor_close(cursor);
    for (int size = 0; size <= CURSOR_FILE_SIZE + 5; size++) {
        int fd = openat(dir->fd, "soc", O_RDWR);
        assert_int_equal(ftruncate(fd, size), 0);
        close(fd);
        if (size != CURSOR_FILE_SIZE)
            assert_int_equal(cursor_open(NULL, dir->fd, "soc", &cursor, &err), ST_CORRUPT);
    }
    assert_string_equal(err.text, "open cursor 'soc': 21 bytes, expected 20");
}

static void test_failure_keeps_the_position(void **state)
{
    const struct temp_dir *dir = *state;
    struct error err;
    struct cursor *cursor = open_cursor(dir);

    assert_int_equal(cursor_advance(cursor, 3, &err), ST_OK);
    assert_int_equal(mkdirat(dir->fd, "soc.new", 0700), 0);
    assert_int_equal(cursor_advance(cursor, 9, &err), ST_IO);
    assert_non_null(strstr(err.text, "save cursor 'soc' at 9"));
    assert_int_equal(cursor_next(cursor), 3);
    cursor_close(cursor);
    cursor = open_cursor(dir);
    assert_int_equal(cursor_next(cursor), 3);
    cursor_close(cursor);
}

static void test_long_name_is_refused(void **state)
{
    const struct temp_dir *dir = *state;
    struct error err;
    struct cursor *cursor;
    char name[65];

    memset(name, 'a', 64);
    name[64] = 0;
    assert_int_equal(cursor_open(NULL, dir->fd, name, &cursor, &err), ST_LIMIT);
}

#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_DIRECTORY(test_new_cursor_starts_at_zero),
        IN_A_DIRECTORY(test_position_survives_reopening),
        IN_A_DIRECTORY(test_every_damaged_byte_is_noticed),
        IN_A_DIRECTORY(test_wrong_length_is_noticed),
        IN_A_DIRECTORY(test_failure_keeps_the_position),
        IN_A_DIRECTORY(test_long_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
