/* SPDX-License-Identifier: Apache-2.0 */
/* http_users_test.c -- who has how many connections, and who is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receivers/http_users.h"

enum { CONNECTIONS_MAX = 4, PER_USER_MAX = 2 };

static struct http_users users;

static int set_up(void **state)
{
    struct error err;

    (void)state;
    return http_users_init(&users, CONNECTIONS_MAX, PER_USER_MAX, &err) == ST_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    http_users_fini(&users);
    return 0;
}

static void test_a_user_has_so_many_connections_and_no_more(void **state)
{
    (void)state;
    struct http_user *user = http_users_enter(&users, 1000, 1);
    assert_ptr_equal(http_users_enter(&users, 1000, 1), user);
    assert_null(http_users_enter(&users, 1000, 1));
    assert_non_null(http_users_enter(&users, 0, 1));
    assert_non_null(http_users_enter(&users, HTTP_USER_UNKNOWN, 1));
    http_users_leave(user);
    assert_ptr_equal(http_users_enter(&users, 1000, 1), user);
}

static void test_what_a_user_sent_outlives_its_connections(void **state)
{
    (void)state;
    struct http_user *user = http_users_enter(&users, 1000, 1);
    recent_bytes_add(&user->recent, 1000, 1);
    http_users_leave(user);
    user = http_users_enter(&users, 1000, 2);
    assert_int_equal(user->recent.bytes, 1000);
    http_users_leave(user);
    user = http_users_enter(&users, 1000, 2 + 64 * RECENT_HALF_NS);
    assert_int_equal(user->recent.bytes, 0);
}

static void test_who_has_sent_least_gives_its_place_to_a_new_one(void **state)
{
    (void)state;
    for (uid_t uid = 1; uid <= CONNECTIONS_MAX + 1; uid++) {
        struct http_user *user = http_users_enter(&users, uid, 1);
        recent_bytes_add(&user->recent, 100 * uid, 1);
        http_users_leave(user);
    }
    struct http_user *added = http_users_enter(&users, 99, 1);
    assert_int_equal(added->recent.bytes, 0);
    assert_int_equal(http_users_enter(&users, 2, 1)->recent.bytes, 200);
    assert_int_equal(http_users_enter(&users, CONNECTIONS_MAX + 1, 1)->recent.bytes,
                     100 * (CONNECTIONS_MAX + 1));
}

static bool is_over(uid_t uid, unsigned int connections, uint64_t all, uint64_t own, uint64_t room)
{
    const struct http_user user = {uid, connections, {all, 0}};
    const struct recent_bytes recent = {own, 0};

    return http_user_is_over_share(&user, &recent, room, 1600);
}

static void test_last_quarter_is_shared_by_users_and_their_connections(void **state)
{
    (void)state;
    assert_false(is_over(1, 1, 9999, 9999, 400)); /* a quarter is free */
    assert_true(is_over(1, 1, 301, 301, 300));
    assert_false(is_over(1, 1, 300, 300, 300));
    /* Ten connections that sent a little each: their user is over. */
    assert_true(is_over(1, 10, 1000, 100, 300));
    /* A quiet one of that user is not, while there is room for others still. */
    assert_false(is_over(1, 10, 1000, 10, 300));
    assert_true(is_over(1, 10, 1000, 10, 199));
    /* Another user is not over, however little is left. */
    assert_false(is_over(2, 1, 100, 100, 199));
    /* Who is not known stands for itself. */
    assert_false(is_over(HTTP_USER_UNKNOWN, 10, 1000, 100, 199));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_user_has_so_many_connections_and_no_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_a_user_sent_outlives_its_connections, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_has_sent_least_gives_its_place_to_a_new_one,
                                        set_up, tear_down),
        cmocka_unit_test(test_last_quarter_is_shared_by_users_and_their_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
