/* SPDX-License-Identifier: Apache-2.0 */
/* disk_dirs_test.c -- directories that are made, that are there, and that cannot be.  That they
 * survive a power cut is shown by tests/powerloss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/temp_dir.h"
#include "telltale/disk_dirs.h"

enum { PATH_SIZE = 512 };

static mode_t mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    return info.st_mode & 0777;
}

static int set_up(void **state)
{
    static struct temp_dir dir;
    temp_dir_make(&dir);
    *state = &dir;
    (void)umask(022);
    return 0;
}

static int tear_down(void **state)
{
    temp_dir_remove(*state);
    return 0;
}

static void test_a_path_is_made_whole_and_again(void **state)
{
    const struct temp_dir *dir = *state;
    char path[PATH_SIZE];
    struct error err;

    snprintf(path, sizeof(path), "%s//a/b///c/", dir->path);
    assert_int_equal(disk_make_dirs(&disk_io_system, path, &err), ST_OK);
    assert_int_equal(disk_make_dirs(&disk_io_system, path, &err), ST_OK);
    assert_int_equal(mode_of(path), 0700);
    snprintf(path, sizeof(path), "%s/a/b", dir->path);
    assert_int_equal(mode_of(path), 0755);
    assert_int_equal(disk_make_dirs(&disk_io_system, "/", &err), ST_OK);
}

static void test_a_relative_path_is_made_where_we_stand(void **state)
{
    const struct temp_dir *dir = *state;
    char before[PATH_SIZE];
    char path[PATH_SIZE];
    struct error err;

    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(dir->path), 0);
    assert_int_equal(disk_make_dirs(&disk_io_system, "x/y", &err), ST_OK);
    assert_int_equal(disk_make_dir(&disk_io_system, "z", &err), ST_OK);
    assert_int_equal(chdir(before), 0);
    snprintf(path, sizeof(path), "%s/x/y", dir->path);
    assert_int_equal(mode_of(path), 0700);
    snprintf(path, sizeof(path), "%s/z", dir->path);
    assert_int_equal(mode_of(path), 0700);
}

static void test_one_directory_needs_the_one_above(void **state)
{
    const struct temp_dir *dir = *state;
    char path[PATH_SIZE];
    struct error err;

    snprintf(path, sizeof(path), "%s/none/a", dir->path);
    assert_int_equal(disk_make_dir(&disk_io_system, path, &err), ST_IO);
    assert_non_null(strstr(err.text, "none/a"));
}

static void test_a_name_that_is_empty_or_too_long_is_refused(void **state)
{
    char path[8192];
    struct error err;

    (void)state;
    assert_int_equal(disk_make_dirs(&disk_io_system, "", &err), ST_INVALID);
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    assert_int_equal(disk_make_dirs(&disk_io_system, path, &err), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_path_is_made_whole_and_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_relative_path_is_made_where_we_stand, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_one_directory_needs_the_one_above, set_up, tear_down),
        cmocka_unit_test(test_a_name_that_is_empty_or_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
