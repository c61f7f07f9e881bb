/* SPDX-License-Identifier: Apache-2.0 */
/* recent_requests_test.c -- which requests are known again, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "receivers/recent_requests.h"
#include "telltale/base.h"

static struct recent_requests recent;

static int set_up(void **state)
{
    struct error err;

    (void)state;
    memset(&recent, 0, sizeof(recent));
    return recent_requests_init(&recent, &err) == ST_OK ? 0 : -1;
}

static struct request_mark mark_of(const char *body, const char *sender)
{
    const struct slice parts[] = {slice_of_text(sender), slice_of_text(body)};

    return recent_requests_mark(&recent, parts, COUNT_OF(parts));
}

static enum request_fate fate_of(const char *body, const char *sender, uint64_t now_ns)
{
    return recent_requests_find(&recent, mark_of(body, sender), now_ns);
}

static void test_the_same_bytes_of_the_same_sender_are_known(void **state)
{
    (void)state;
    assert_int_equal(fate_of("body", "sender", 1), REQUEST_UNKNOWN);
    assert_int_equal(fate_of("", "", 1), REQUEST_UNKNOWN);
    recent_requests_add(&recent, mark_of("body", "sender"), REQUEST_DURABLE, 1);
    assert_int_equal(fate_of("body", "sender", 2), REQUEST_DURABLE);
    assert_int_equal(fate_of("body", "other", 2), REQUEST_UNKNOWN);
    assert_int_equal(fate_of("bodysender", "", 2), REQUEST_UNKNOWN);
    assert_int_equal(fate_of("", "senderbody", 2), REQUEST_UNKNOWN);
    assert_int_equal(fate_of("body2", "sender", 2), REQUEST_UNKNOWN);
    assert_int_equal(fate_of("sender", "body", 2), REQUEST_UNKNOWN);
}

static void test_the_last_fate_counts(void **state)
{
    (void)state;
    recent_requests_add(&recent, mark_of("body", "s"), REQUEST_REFUSED, 1);
    assert_int_equal(fate_of("body", "s", 2), REQUEST_REFUSED);
    recent_requests_add(&recent, mark_of("body", "s"), REQUEST_DURABLE, 2);
    assert_int_equal(fate_of("body", "s", 3), REQUEST_DURABLE);
}

static void test_they_are_forgotten_in_time(void **state)
{
    (void)state;
    recent_requests_add(&recent, mark_of("body", "s"), REQUEST_DURABLE, 5);
    assert_int_equal(fate_of("body", "s", 4 + RECENT_REQUEST_NS), REQUEST_DURABLE);
    assert_int_equal(fate_of("body", "s", 5 + RECENT_REQUEST_NS), REQUEST_UNKNOWN);
}

static void test_the_oldest_makes_room(void **state)
{
    (void)state;
    const uint64_t sets = RECENT_REQUESTS / RECENT_WAYS;

    /* All have their places in one set. */
    for (uint64_t i = 0; i < RECENT_WAYS; i++)
        recent_requests_add(&recent, (struct request_mark){i * sets, 7}, REQUEST_DURABLE, 10 + i);
    for (uint64_t i = 0; i < RECENT_WAYS; i++)
        assert_int_equal(recent_requests_find(&recent, (struct request_mark){i * sets, 7}, 100),
                         REQUEST_DURABLE);
    recent_requests_add(&recent, (struct request_mark){RECENT_WAYS * sets, 7}, REQUEST_DURABLE, 99);
    assert_int_equal(recent_requests_find(&recent, (struct request_mark){0, 7}, 100),
                     REQUEST_UNKNOWN);
    for (uint64_t i = 1; i <= RECENT_WAYS; i++)
        assert_int_equal(recent_requests_find(&recent, (struct request_mark){i * sets, 7}, 100),
                         REQUEST_DURABLE);
}

static void test_another_receiver_has_other_marks(void **state)
{
    static struct recent_requests other;
    const struct slice parts[] = {SLICE("s"), SLICE("body")};
    struct error err;

    (void)state;
    assert_int_equal(recent_requests_init(&other, &err), ST_OK);
    struct request_mark there = recent_requests_mark(&other, parts, COUNT_OF(parts));
    assert_false(request_mark_equal(mark_of("body", "s"), there));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_same_bytes_of_the_same_sender_are_known, set_up),
        cmocka_unit_test_setup(test_the_last_fate_counts, set_up),
        cmocka_unit_test_setup(test_they_are_forgotten_in_time, set_up),
        cmocka_unit_test_setup(test_the_oldest_makes_room, set_up),
        cmocka_unit_test_setup(test_another_receiver_has_other_marks, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
