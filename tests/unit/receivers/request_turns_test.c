/* SPDX-License-Identifier: Apache-2.0 */
/* request_turns_test.c -- in which order requests go, and the last room of the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receivers/recent_bytes.h"
#include "receivers/request_turns.h"

enum { REQUESTS = 8, SMALL = 1000, LARGE = 64 << 20 };

static struct request_turn requests[REQUESTS];
static struct request_turns turns;
static int resumed[REQUESTS];
static int resumed_count;

static void resume(struct request_turn *turn)
{
    resumed[resumed_count++] = (int)(turn - requests);
}

static int set_up(void **state)
{
    (void)state;
    request_turns_init(&turns, resume);
    resumed_count = 0;
    for (int i = 0; i < REQUESTS; i++)
        requests[i] = (struct request_turn){.bytes = SMALL};
    return 0;
}

static void test_large_request_alone_goes(void **state)
{
    (void)state;

    requests[0].bytes = LARGE;
    assert_true(request_turns_enter(&turns, &requests[0]));
    assert_false(request_turns_enter(&turns, &requests[1]));
    request_turns_leave(&turns, &requests[0]);
    assert_int_equal(resumed_count, 1);
    assert_true(request_turns_enter(&turns, &requests[1]));
    assert_int_equal(turns.bytes, SMALL);
}

static void test_who_came_first_goes_first(void **state)
{
    (void)state;

    requests[0].bytes = requests[2].bytes = LARGE;
    assert_true(request_turns_enter(&turns, &requests[0]));
    for (int i = 1; i < 5; i++)
        assert_false(request_turns_enter(&turns, &requests[i]));
    request_turns_leave(&turns, &requests[0]);
    assert_int_equal(resumed_count, 1); /* the next is too large beside it, and nobody overtakes */
    assert_int_equal(resumed[0], 1);
    request_turns_leave(&turns, &requests[1]);
    assert_int_equal(resumed[1], 2);
    request_turns_leave(&turns, &requests[2]);
    assert_int_equal(resumed_count, 4);
    assert_int_equal(resumed[2], 3);
    assert_int_equal(resumed[3], 4);
}

static void test_resumed_one_that_has_gone_makes_room(void **state)
{
    (void)state;

    requests[0].bytes = requests[1].bytes = requests[2].bytes = LARGE;
    assert_true(request_turns_enter(&turns, &requests[0]));
    assert_false(request_turns_enter(&turns, &requests[1]));
    assert_false(request_turns_enter(&turns, &requests[2]));
    request_turns_leave(&turns, &requests[0]);
    request_turns_leave(&turns, &requests[1]); /* without having entered */
    assert_int_equal(resumed[1], 2);
    request_turns_leave(&turns, &requests[2]);
    assert_int_equal(turns.count, 0);
    assert_int_equal(turns.bytes, 0);
}

static void test_full_queue_is_waited_for_while_something_of_ours_is_in_it(void **state)
{
    (void)state;

    assert_true(request_turns_enter(&turns, &requests[0]));
    assert_true(request_turns_enter(&turns, &requests[1]));
    assert_true(request_turns_wait(&turns, &requests[1]));
    request_turns_leave(&turns, &requests[0]);
    assert_int_equal(resumed_count, 1);
    assert_true(request_turns_enter(&turns, &requests[1]));
    assert_false(
        request_turns_wait(&turns, &requests[1])); /* nothing of ours: nobody would wake it */
    assert_int_equal(turns.count, 0);
}

static void test_nobody_waits_for_a_daemon_that_stops(void **state)
{
    (void)state;

    requests[0].bytes = LARGE;
    assert_true(request_turns_enter(&turns, &requests[0]));
    assert_false(request_turns_enter(&turns, &requests[1]));
    request_turns_stop(&turns);
    assert_int_equal(resumed_count, 1);
    assert_true(request_turns_enter(&turns, &requests[2]));
}

static void test_last_quarter_of_the_journal_is_for_those_who_send_less(void **state)
{
    (void)state;
    struct recent_bytes flood = {0};
    struct recent_bytes quiet = {0};

    recent_bytes_add(&flood, 200, 1);
    recent_bytes_add(&quiet, 1, 1);
    assert_false(recent_bytes_is_too_much(&flood, 300, 1000)); /* there is room */
    assert_true(recent_bytes_is_too_much(&flood, 199, 1000));
    assert_false(recent_bytes_is_too_much(&flood, 201, 1000));
    assert_false(recent_bytes_is_too_much(&quiet, 1, 1000));
}

static void test_what_was_sent_long_ago_does_not_count(void **state)
{
    (void)state;
    struct recent_bytes recent = {0};

    recent_bytes_add(&recent, 800, 1);
    recent_bytes_add(&recent, 0, 2 * RECENT_HALF_NS + 1);
    assert_int_equal(recent.bytes, 200);
    recent_bytes_add(&recent, 5, 1000 * RECENT_HALF_NS);
    assert_int_equal(recent.bytes, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_large_request_alone_goes, set_up),
        cmocka_unit_test_setup(test_who_came_first_goes_first, set_up),
        cmocka_unit_test_setup(test_resumed_one_that_has_gone_makes_room, set_up),
        cmocka_unit_test_setup(test_full_queue_is_waited_for_while_something_of_ours_is_in_it,
                               set_up),
        cmocka_unit_test_setup(test_nobody_waits_for_a_daemon_that_stops, set_up),
        cmocka_unit_test(test_last_quarter_of_the_journal_is_for_those_who_send_less),
        cmocka_unit_test(test_what_was_sent_long_ago_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
