/* SPDX-License-Identifier: Apache-2.0 */
/* line_file_test.c -- files of lines: what is torn is cut off, a failed append leaves nothing, and
 * what was appended is there whatever call fails. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/fault_points.h"
#include "support/temp_dir.h"
#include "telltale/line_file.h"

enum { LINES = 6 };

static const char name[] = "lines.jsonl";
static struct error err;
static struct temp_dir dir;
static struct line_file file = {.fd = -1};

/* What was read, joined by '|'. */
static char seen[4096];

static enum status see(void *context, struct slice line, uint64_t number, struct error *error)
{
    (void)context;
    (void)error;
    (void)number;
    size_t used = strlen(seen);
    (void)snprintf(seen + used, sizeof(seen) - used, "%.*s|", SLICE_ARG(line));
    return ST_OK;
}

static const char *read_all(bool *torn)
{
    seen[0] = 0;
    assert_int_equal(line_file_read(NULL, dir.fd, name, see, NULL, torn, &err), ST_OK);
    return seen;
}

static void put_bytes(const void *bytes, size_t size)
{
    int fd = openat(dir.fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    (void)close(fd);
}

static void open_file(uint64_t expected_cut)
{
    uint64_t cut = 99;
    assert_int_equal(line_file_open(&file, NULL, dir.fd, name, &cut, &err), ST_OK);
    assert_int_equal(cut, expected_cut);
}

static void append(const char *lines)
{
    assert_int_equal(line_file_append(&file, slice_of_text(lines), &err), ST_OK);
}

static void test_lines_are_read_as_appended(void **state)
{
    bool torn;
    struct stat info;
    (void)state;
    temp_dir_make(&dir);
    assert_int_equal(line_file_read(NULL, dir.fd, name, see, NULL, NULL, &err), ST_NOT_FOUND);
    open_file(0);
    append("a\n");
    append("b\n\n");
    assert_int_equal(line_file_append(&file, SLICE("c"), &err), ST_INVALID);
    assert_string_equal(read_all(&torn), "a|b||");
    assert_false(torn);
    line_file_close(&file);
    open_file(0);
    append("d\n");
    assert_string_equal(read_all(&torn), "a|b||d|");
    assert_int_equal(fstatat(dir.fd, name, &info, 0), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    line_file_close(&file);
    temp_dir_remove(&dir);
}

static void test_torn_end_is_seen_by_readers_and_cut_off_by_writers(void **state)
{
    bool torn;
    (void)state;
    temp_dir_make(&dir);
    put_bytes("a\nb", 3);
    assert_string_equal(read_all(&torn), "a|");
    assert_true(torn);
    open_file(1);
    append("c\n");
    line_file_close(&file);
    put_bytes("\0\0\0\nd\n", 6); /* a block that never arrived, and what came behind it */
    open_file(6);
    assert_string_equal(read_all(&torn), "a|c|");
    line_file_close(&file);
    temp_dir_remove(&dir);
}

static void test_last_line_with_a_hole_is_torn_and_one_before_it_is_not(void **state)
{
    bool torn;
    (void)state;
    temp_dir_make(&dir);
    put_bytes("a\n\0\0b\n", 6);
    assert_string_equal(read_all(&torn), "a|");
    assert_true(torn);
    put_bytes("c", 1);
    assert_string_equal(read_all(&torn), "a|");
    assert_true(torn);
    put_bytes("\n", 1); /* nobody appends behind a hole: somebody has made one */
    assert_string_equal(read_all(&torn), "a||c|"); /* the string ends at its NUL bytes */
    assert_false(torn);
    temp_dir_remove(&dir);
}

static void test_line_has_a_limit(void **state)
{
    size_t size = LINE_FILE_LINE_MAX;
    char *line = malloc(size + 1);
    (void)state;
    assert_non_null(line);
    memset(line, 'x', size + 1);
    temp_dir_make(&dir);
    put_bytes("first\n", 6);
    line[size - 1] = '\n';
    put_bytes(line, size);
    put_bytes("last\n", 5);
    seen[0] = 0;
    assert_int_equal(line_file_read(NULL, dir.fd, name, see, NULL, NULL, &err), ST_OK);
    temp_dir_remove(&dir);

    temp_dir_make(&dir);
    line[size - 1] = 'x';
    line[size] = '\n';
    put_bytes("first\n", 6);
    put_bytes(line, size + 1);
    assert_int_equal(line_file_read(NULL, dir.fd, name, see, NULL, NULL, &err), ST_LIMIT);
    open_file(size + 1);
    line_file_close(&file);
    temp_dir_remove(&dir);
    free(line);
}

/* Appends numbered lines, some of which may fail; those that did not are all there. */
static bool run_appends(void *context, const struct fault_point *point)
{
    char expected[64] = "";
    bool was_there[LINES] = {false}, torn;
    (void)context;
    temp_dir_make(&dir);
    faulty_disk_reset(dir.fd);
    fault_point_arm(point);
    if (line_file_open(&file, &faulty_disk_io, dir.fd, name, NULL, &err) == ST_OK) {
        for (unsigned i = 0; i < LINES; i++) {
            char line[] = {(char)('a' + i), '\n'};
            was_there[i] = line_file_append(&file, slice_of(line, sizeof(line)), &err) == ST_OK;
        }
    }
    line_file_close(&file);
    bool was_hit = fault_point_end(point);

    assert_int_equal(line_file_open(&file, &faulty_disk_io, dir.fd, name, NULL, &err), ST_OK);
    assert_int_equal(line_file_append(&file, SLICE("z\n"), &err), ST_OK);
    line_file_close(&file);
    const char *found = read_all(&torn);
    assert_false(torn);
    for (unsigned i = 0; i < LINES; i++) {
        char text[] = {(char)('a' + i), '|', 0};
        if (was_there[i])
            strcat(expected, text);
        else if (strstr(found, text) != NULL) /* the last one, whose sync said no */
            strcat(expected, text);
    }
    strcat(expected, "z|");
    if (strcmp(found, expected) != 0)
        fail_msg("%s at call %u: '%s' instead of '%s'", point->plan->name, point->at, found,
                 expected);
    faulty_disk_reset(dir.fd);
    temp_dir_remove(&dir);
    return was_hit;
}

static void test_appended_lines_stay_whatever_call_fails(void **state)
{
    (void)state;
    temp_dir_prefer_memory();
    fault_points_try_all("lines", run_appends, NULL, 12, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_read_as_appended),
        cmocka_unit_test(test_torn_end_is_seen_by_readers_and_cut_off_by_writers),
        cmocka_unit_test(test_last_line_with_a_hole_is_torn_and_one_before_it_is_not),
        cmocka_unit_test(test_line_has_a_limit),
        cmocka_unit_test(test_appended_lines_stay_whatever_call_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
