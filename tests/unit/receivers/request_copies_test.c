/* SPDX-License-Identifier: Apache-2.0 */
/* request_copies_test.c -- of requests that come again, one is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "receivers/request_copies.h"

static const struct request_mark mark = {1, 2};
static const struct request_mark of_its_bucket = {9, 2};
static struct request_copies copies;
static struct request_copy *resumed[8];
static size_t resumed_count;

static void resume(struct request_copy *copy)
{
    resumed[resumed_count++] = copy;
}

static int set_up(void **state)
{
    struct error err;

    (void)state;
    memset(&copies, 0, sizeof(copies));
    resumed_count = 0;
    return request_copies_init(&copies, "receiver=\"test\"", resume, &err) == ST_OK ? 0 : -1;
}

static enum request_meeting meet(struct request_copy *copy)
{
    return request_copies_meet(&copies, copy, mark, 1);
}

static void test_a_durable_one_is_counted_and_not_kept_again(void **state)
{
    (void)state;
    struct request_copy first = {0}, second = {0};
    uint64_t before = metric_get(copies.repeated);

    assert_int_equal(meet(&first), MEETING_FIRST);
    request_copies_settle(&copies, &first, REQUEST_DURABLE, 1);
    assert_int_equal(metric_get(copies.repeated), before);
    assert_int_equal(meet(&second), MEETING_DURABLE);
    assert_int_equal(metric_get(copies.repeated), before + 1);
    request_copies_settle(&copies, &second, REQUEST_UNKNOWN, 1);
    assert_int_equal(meet(&second), MEETING_DURABLE);
}

static void test_copies_wait_until_the_first_is_settled(void **state)
{
    (void)state;
    struct request_copy first = {0}, second = {0}, third = {0}, other = {0};

    assert_int_equal(meet(&first), MEETING_FIRST);
    assert_int_equal(request_copies_meet(&copies, &other, of_its_bucket, 1), MEETING_FIRST);
    assert_int_equal(meet(&second), MEETING_COPY);
    assert_int_equal(meet(&third), MEETING_COPY);
    assert_true(request_copies_wait(&copies, &second));
    assert_true(request_copies_wait(&copies, &third));
    request_copies_settle(&copies, &other, REQUEST_DURABLE, 1);
    assert_int_equal(resumed_count, 0);
    request_copies_settle(&copies, &first, REQUEST_DURABLE, 1);
    assert_int_equal(resumed_count, 2);
    assert_true(resumed[0] != resumed[1]);
    assert_int_equal(meet(&second), MEETING_DURABLE);
    assert_int_equal(meet(&third), MEETING_DURABLE);
}

static void test_nobody_waits_for_one_that_is_settled(void **state)
{
    (void)state;
    struct request_copy first = {0}, second = {0};

    assert_int_equal(meet(&first), MEETING_FIRST);
    assert_int_equal(meet(&second), MEETING_COPY);
    request_copies_settle(&copies, &first, REQUEST_DURABLE, 1);
    assert_int_equal(resumed_count, 0);
    assert_false(request_copies_wait(&copies, &second));
}

static void test_when_the_first_is_not_kept_a_copy_takes_its_place(void **state)
{
    (void)state;
    static const enum request_fate fates[] = {REQUEST_UNKNOWN, REQUEST_REFUSED};
    static const enum request_meeting meetings[] = {MEETING_FIRST, MEETING_REFUSED};

    for (size_t i = 0; i < 2; i++) {
        struct request_copy first = {0}, second = {0}, third = {0};
        resumed_count = 0;
        (void)meet(&first);
        assert_int_equal(meet(&second), MEETING_COPY);
        assert_int_equal(meet(&third), MEETING_COPY);
        assert_true(request_copies_wait(&copies, &second));
        request_copies_settle(&copies, &first, fates[i], 1);
        assert_int_equal(resumed_count, 1);
        assert_ptr_equal(resumed[0], &second);
        assert_int_equal(meet(&second), meetings[i]);
        assert_true(request_copies_wait(&copies, &third));
        request_copies_settle(&copies, &second, fates[i], 1);
        assert_int_equal(resumed_count, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_durable_one_is_counted_and_not_kept_again, set_up),
        cmocka_unit_test_setup(test_copies_wait_until_the_first_is_settled, set_up),
        cmocka_unit_test_setup(test_nobody_waits_for_one_that_is_settled, set_up),
        cmocka_unit_test_setup(test_when_the_first_is_not_kept_a_copy_takes_its_place, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
