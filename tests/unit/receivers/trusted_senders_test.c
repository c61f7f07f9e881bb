/* SPDX-License-Identifier: Apache-2.0 */
/* trusted_senders_test.c -- whose word is taken on which listener. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receivers/trusted_senders.h"

static const struct listener trusted_one = {.is_trusted = true}, other = {.is_trusted = false};
static const struct peer nobody = {.attestation = PEER_UNKNOWN, .uid = 1001};
static const struct peer of_socket = {.attestation = PEER_BY_KERNEL, .uid = 1001};
static const struct peer of_loopback = {.attestation = PEER_BY_UID, .uid = 1002};
static const struct peer stranger = {.attestation = PEER_BY_KERNEL, .uid = 0};

static void test_without_users_it_is_the_listener_that_counts(void **state)
{
    const struct trusted_senders all = {.uid_count = 0};

    (void)state;
    assert_true(trusted_senders_include(&all, &trusted_one, &nobody));
    assert_true(trusted_senders_include(&all, &trusted_one, &of_socket));
    assert_false(trusted_senders_include(&all, &other, &of_socket));
}

static void test_where_users_are_named_others_and_the_unknown_are_not_trusted(void **state)
{
    static const uid_t uids[] = {1001, 1002};
    const struct trusted_senders some = {.uids = uids, .uid_count = 2};

    (void)state;
    assert_true(trusted_senders_include(&some, &trusted_one, &of_socket));
    assert_true(trusted_senders_include(&some, &trusted_one, &of_loopback));
    assert_false(trusted_senders_include(&some, &trusted_one, &stranger));
    assert_false(trusted_senders_include(&some, &trusted_one, &nobody));
    assert_false(trusted_senders_include(&some, &other, &of_socket));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_users_it_is_the_listener_that_counts),
        cmocka_unit_test(test_where_users_are_named_others_and_the_unknown_are_not_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
