/* SPDX-License-Identifier: Apache-2.0 */
/* dirs_test.c -- where the daemon and the command look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config_dirs.h"

static void expect(const struct config_dirs_input *input, const char *run_dir,
                   const char *state_dir, bool shared_parent)
{
    struct config_dirs dirs;
    struct error err;

    assert_int_equal(config_dirs_choose(input, &dirs, &err), ST_OK);
    assert_string_equal(dirs.run_dir, run_dir);
    assert_string_equal(dirs.state_dir, state_dir);
    assert_int_equal(dirs.run_dir_shared_parent, shared_parent);
}

static void test_root_uses_the_system_directories(void **state)
{
    (void)state;
    expect(&(struct config_dirs_input){.uid = 0, .home = "/root", .xdg_runtime_dir = "/run/user/0"},
           "/run/telltale", "/var/lib/telltale", false);
}

static void test_users_have_their_own(void **state)
{
    (void)state;
    expect(&(struct config_dirs_input){.uid = 1000,
                                       .home = "/home/a",
                                       .xdg_runtime_dir = "/run/user/1000/",
                                       .xdg_state_home = "/data/state"},
           "/run/user/1000/telltale", "/data/state/telltale", false);
    expect(&(struct config_dirs_input){.uid = 1000, .home = "/home/a"}, "/tmp/telltale-1000",
           "/home/a/.local/state/telltale", true);
}

static void test_relative_variables_are_ignored(void **state)
{
    (void)state;
    expect(
        &(struct config_dirs_input){
            .uid = 7, .home = "/home/a", .xdg_runtime_dir = "run", .xdg_state_home = ""},
        "/tmp/telltale-7", "/home/a/.local/state/telltale", true);
}

static void test_options_come_first_and_may_be_relative(void **state)
{
    (void)state;
    expect(
        &(struct config_dirs_input){
            .uid = 0, .run_dir = "run/", .state_dir = "/srv/state//", .working_dir = "/work"},
        "/work/run", "/srv/state", false);
    expect(
        &(struct config_dirs_input){.uid = 5, .run_dir = "/", .state_dir = "x", .working_dir = "/"},
        "/", "/x", false);
}

static void test_no_home_is_an_error_and_so_is_an_endless_path(void **state)
{
    static char endless[PATH_MAX + 8];
    struct config_dirs dirs;
    struct error err;

    (void)state;
    assert_int_equal(config_dirs_choose(&(struct config_dirs_input){.uid = 5}, &dirs, &err),
                     ST_INVALID);
    assert_non_null(strstr(err.text, "--state-dir"));
    memset(endless, '/', 1);
    memset(endless + 1, 'x', sizeof(endless) - 2);
    assert_int_equal(
        config_dirs_choose(
            &(struct config_dirs_input){.uid = 5, .run_dir = "/run", .xdg_state_home = endless},
            &dirs, &err),
        ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root_uses_the_system_directories),
        cmocka_unit_test(test_users_have_their_own),
        cmocka_unit_test(test_relative_variables_are_ignored),
        cmocka_unit_test(test_options_come_first_and_may_be_relative),
        cmocka_unit_test(test_no_home_is_an_error_and_so_is_an_endless_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
