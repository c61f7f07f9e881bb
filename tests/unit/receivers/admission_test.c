/* SPDX-License-Identifier: Apache-2.0 */
/* admission_test.c -- memory for events in flight, connections per user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receivers/admission.h"
#include "receivers/refusal_log.h"

static void test_memory_is_given_up_to_the_limit(void **state)
{
    (void)state;
    struct admission admission;

    admission_init(&admission, 100);
    assert_true(admission_take(&admission, 0, 60));
    assert_true(admission_take(&admission, 0, 40));
    assert_false(admission_take(&admission, 0, 1));
    admission_give(&admission, 40);
    assert_true(admission_take(&admission, 0, 40));
    assert_int_equal(admission_used(&admission), 100);
}

/* Else a frame within its own limit, but over this one, could never pass. */
static void test_who_is_alone_may_go_over_the_limit(void **state)
{
    (void)state;
    struct admission admission;

    admission_init(&admission, 100);
    assert_true(admission_take(&admission, 0, 90));
    assert_true(admission_take(&admission, 90, 50));
    assert_false(admission_take(&admission, 0, 1));
    admission_give(&admission, 140);
    assert_true(admission_take(&admission, 0, SIZE_MAX));
}

static void test_each_user_has_a_limit_of_its_own(void **state)
{
    (void)state;
    struct uid_table table;
    struct error err;

    assert_int_equal(uid_table_init(&table, 3, 2, &err), ST_OK);
    assert_true(uid_table_enter(&table, 1));
    assert_true(uid_table_enter(&table, 1));
    assert_false(uid_table_enter(&table, 1));
    assert_true(uid_table_enter(&table, 2));
    uid_table_leave(&table, 1);
    uid_table_leave(&table, 1);
    assert_true(uid_table_enter(&table, 3));
    assert_true(uid_table_enter(&table, 1));
    assert_true(uid_table_enter(&table, 2));
    assert_false(uid_table_enter(&table, 2));
    uid_table_fini(&table);
}

static void test_refusals_leave_the_log_only_when_they_are_recorded(void **state)
{
    (void)state;
    struct refusal_log log = {0};

    assert_false(refusal_log_is_open(&log));
    refusal_log_add(&log, REFUSAL_INVALID, 3, 1);
    assert_true(refusal_log_begin(&log));
    refusal_log_take(&log, REFUSAL_INVALID);
    refusal_log_expect_landing(&log);
    refusal_log_add(&log, REFUSAL_INVALID, 2, 2);
    assert_false(refusal_log_begin(&log));
    refusal_log_landed(&log, ST_LIMIT); /* the journal did not take it */
    assert_int_equal(log.counts[REFUSAL_INVALID].count, 5);
    assert_true(refusal_log_begin(&log));
    refusal_log_take(&log, REFUSAL_INVALID);
    refusal_log_expect_landing(&log);
    refusal_log_add(&log, REFUSAL_INVALID, 1, 3);
    refusal_log_landed(&log, ST_OK);
    assert_int_equal(log.counts[REFUSAL_INVALID].count, 1);
    assert_true(refusal_log_is_open(&log));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_given_up_to_the_limit),
        cmocka_unit_test(test_who_is_alone_may_go_over_the_limit),
        cmocka_unit_test(test_each_user_has_a_limit_of_its_own),
        cmocka_unit_test(test_refusals_leave_the_log_only_when_they_are_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
