/* SPDX-License-Identifier: Apache-2.0 */
/* recent_requests_test.c -- which requests are known again, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receivers/recent_requests.h"

static struct recent_requests recent;
static uint64_t records;

static int set_up(void **state)
{
    struct error err;

    (void)state;
    records = 0;
    return recent_requests_init(&recent, &err) == ST_OK ? 0 : -1;
}

static struct request_mark mark_of(const char *body, const char *sender)
{
    return recent_requests_mark(&recent, slice_of_text(body), slice_of_text(sender));
}

static bool knows(const char *body, const char *sender, uint64_t now_ns)
{
    return recent_requests_find(&recent, mark_of(body, sender), now_ns, &records);
}

static void test_the_same_bytes_of_the_same_sender_are_known(void **state)
{
    (void)state;
    assert_false(knows("body", "sender", 1));
    assert_false(knows("", "", 1));
    recent_requests_add(&recent, mark_of("body", "sender"), 7, 1);
    assert_true(knows("body", "sender", 2));
    assert_int_equal(records, 7);
    assert_false(knows("body", "other", 2));
    assert_false(knows("bodysender", "", 2));
    assert_false(knows("body2", "sender", 2));
    assert_false(knows("sender", "body", 2));
}

static void test_they_are_forgotten_in_time(void **state)
{
    (void)state;
    recent_requests_add(&recent, mark_of("body", "s"), 1, 5);
    assert_true(knows("body", "s", 4 + RECENT_REQUEST_NS));
    assert_false(knows("body", "s", 5 + RECENT_REQUEST_NS));
}

static void test_the_oldest_makes_room(void **state)
{
    (void)state;
    recent_requests_add(&recent, mark_of("first", "s"), 1, 1);
    for (uint64_t i = 0; i < RECENT_REQUESTS - 1; i++)
        recent_requests_add(&recent, (struct request_mark){i, i}, 1, 1);
    assert_true(knows("first", "s", 2));
    recent_requests_add(&recent, (struct request_mark){1, 2}, 1, 1);
    assert_false(knows("first", "s", 2));
    assert_true(recent_requests_find(&recent, (struct request_mark){0, 0}, 2, &records));
}

static void test_another_process_has_other_marks(void **state)
{
    struct recent_requests other;
    struct error err;

    (void)state;
    assert_int_equal(recent_requests_init(&other, &err), ST_OK);
    struct request_mark here = mark_of("body", "s");
    struct request_mark there = recent_requests_mark(&other, SLICE("body"), SLICE("s"));
    assert_true(here.low != there.low || here.high != there.high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_same_bytes_of_the_same_sender_are_known, set_up),
        cmocka_unit_test_setup(test_they_are_forgotten_in_time, set_up),
        cmocka_unit_test_setup(test_the_oldest_makes_room, set_up),
        cmocka_unit_test_setup(test_another_process_has_other_marks, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
