/* SPDX-License-Identifier: Apache-2.0 */
/* lane_parts_test.c -- the gate, the size of requests, the copy of a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deliver/batch_copy.h"
#include "deliver/gate.h"
#include "deliver/request_size.h"
#include "telltale/base.h"

/* --- The gate --------------------------------------------------------------------------------- */

enum { INITIAL_NS = 100, MAX_NS = 1000, NO_JITTER = 0 };

static const struct backoff backoff = {INITIAL_NS, MAX_NS};

/* Goes in at `now`, which must be possible; gives whether it goes alone. */
static bool enter(struct gate *gate, uint64_t now_ns)
{
    bool alone;
    uint64_t until_ns;

    assert_true(gate_enter(gate, now_ns, false, &alone, &until_ns));
    return alone;
}

/* Is kept out at `now`; gives until when. */
static uint64_t kept_out(struct gate *gate, uint64_t now_ns)
{
    bool alone;
    uint64_t until_ns;

    assert_false(gate_enter(gate, now_ns, false, &alone, &until_ns));
    return until_ns;
}

static void test_all_may_send_while_the_destination_works(void **state)
{
    struct gate gate;

    (void)state;
    gate_init(&gate, &backoff);
    for (int i = 0; i < 8; i++)
        assert_false(enter(&gate, 1));
    for (int i = 0; i < 8; i++)
        gate_answered(&gate, false, 2, NO_JITTER);
    assert_false(enter(&gate, 2));
}

static void test_one_lane_tries_while_the_destination_fails(void **state)
{
    struct gate gate;

    (void)state;
    gate_init(&gate, &backoff);
    assert_false(enter(&gate, 0));
    uint64_t delay_ns = gate_failed(&gate, false, 0, 10, 70);
    assert_int_equal(delay_ns, 70);
    assert_int_equal(kept_out(&gate, 79), 80);
    assert_true(enter(&gate, 80));
    assert_int_equal(kept_out(&gate, 5000), GATE_NO_TIME); /* one is inside */
    assert_int_equal(gate_failed(&gate, true, 0, 90, 150), 150);
    assert_true(enter(&gate, 240));
    gate_answered(&gate, true, 250, NO_JITTER);
    assert_false(enter(&gate, 250));
    assert_false(enter(&gate, 250));
}

static void test_failures_of_requests_that_were_under_way_do_not_lengthen_the_wait(void **state)
{
    struct gate gate;

    (void)state;
    gate_init(&gate, &backoff);
    for (int i = 0; i < 4; i++)
        assert_false(enter(&gate, 0));
    (void)gate_failed(&gate, false, 0, 10, INITIAL_NS);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(gate_failed(&gate, false, 0, 20 + i, INITIAL_NS), 90 - i);
    assert_int_equal(gate.failures, 1);
    assert_true(enter(&gate, 110));
}

static void test_a_delay_that_was_asked_for_holds_all_until_it_is_over(void **state)
{
    struct gate gate;

    (void)state;
    gate_init(&gate, &backoff);
    assert_false(enter(&gate, 0));
    assert_false(enter(&gate, 0));
    (void)gate_failed(&gate, false, 5, 10, NO_JITTER);
    gate_answered(&gate, false, 20, NO_JITTER); /* the other one, which was under way */
    assert_int_equal(kept_out(&gate, 20), 5000010);
    assert_false(enter(&gate, 5000010)); /* and it works: all may */
    assert_false(enter(&gate, 5000010));
}

static void test_a_daemon_that_stops_does_not_wait_for_the_time(void **state)
{
    struct gate gate;
    bool alone;
    uint64_t until_ns;

    (void)state;
    gate_init(&gate, &backoff);
    assert_false(enter(&gate, 0));
    (void)gate_failed(&gate, false, 600000, 0, NO_JITTER);
    assert_true(gate_enter(&gate, 1, true, &alone, &until_ns));
    assert_true(alone);
    assert_false(gate_enter(&gate, 1, true, &alone, &until_ns)); /* but one after the other */
}

static void test_dead_letters_in_a_row_brake_all_lanes(void **state)
{
    struct gate gate;

    (void)state;
    gate_init(&gate, &backoff);
    for (int i = 0; i < GATE_DEAD_STREAK_MAX; i++) {
        assert_false(enter(&gate, 0));
        gate_count_dead(&gate);
        gate_answered(&gate, false, 0, 60);
    }
    assert_true(gate_is_braking(&gate));
    assert_int_equal(kept_out(&gate, 59), 60);
    assert_true(enter(&gate, 60));
    assert_int_equal(kept_out(&gate, 60), GATE_NO_TIME);
    gate_count_accepted(&gate);
    gate_answered(&gate, true, 70, 60);
    assert_false(enter(&gate, 70));
    assert_false(enter(&gate, 70));
}

/* --- The size of requests --------------------------------------------------------------------- */

enum { FULL = 1024 * 1024 };

/* Requests as large as allowed, to a destination that takes less than `limit`; gives how many it
 * refuses. */
static size_t send_full(struct request_size *size, size_t count, size_t limit)
{
    size_t refused = 0;

    for (size_t i = 0; i < count; i++) {
        if (size->present >= limit) {
            request_size_refuse(size, size->present);
            refused++;
        } else {
            request_size_accept(size, size->present);
        }
    }
    return refused;
}

static void test_a_refused_size_is_halved_at_once(void **state)
{
    struct request_size size;

    (void)state;
    request_size_init(&size, FULL);
    request_size_refuse(&size, FULL);
    assert_int_equal(size.present, FULL / 2);
    request_size_refuse(&size, 90000);
    assert_int_equal(size.present, REQUEST_SIZE_LEAST);
}

static void test_it_grows_to_just_below_what_was_refused(void **state)
{
    struct request_size size;

    (void)state;
    request_size_init(&size, FULL);
    request_size_refuse(&size, FULL);
    assert_int_equal(send_full(&size, REQUEST_SIZE_PATIENCE - 1, FULL), 0);
    assert_int_equal(size.present, FULL / 2);
    assert_int_equal(send_full(&size, 1, FULL), 0);
    assert_int_equal(size.present, FULL / 2 + FULL / 16);
    assert_int_equal(send_full(&size, (size_t)6 * REQUEST_SIZE_PATIENCE, FULL), 0);
    assert_int_equal(size.present, FULL - FULL / 16);
}

static void test_a_limit_that_stays_is_met_ever_more_seldom(void **state)
{
    struct request_size size;

    (void)state;
    request_size_init(&size, FULL);
    size_t refused = send_full(&size, 100000, 700000);
    assert_in_range(refused, 2, 12);
    assert_true(send_full(&size, 100000, 700000) <= 3);
}

static void test_a_limit_that_was_raised_is_found(void **state)
{
    struct request_size size;

    (void)state;
    request_size_init(&size, FULL);
    (void)send_full(&size, 1000, 300000);
    assert_true(size.present < 300000);
    assert_int_equal(send_full(&size, 100000, (size_t)2 * FULL), 0);
    assert_int_equal(size.present, FULL);
}

static void test_small_requests_prove_nothing(void **state)
{
    struct request_size size;

    (void)state;
    request_size_init(&size, FULL);
    request_size_refuse(&size, FULL);
    for (int i = 0; i < 100000; i++)
        request_size_accept(&size, FULL / 4);
    assert_int_equal(size.present, FULL / 2);
}

static void test_refusals_of_requests_that_were_under_way_count_as_one(void **state)
{
    struct request_size size;

    (void)state;
    request_size_init(&size, FULL);
    for (int i = 0; i < 4; i++)
        request_size_refuse(&size, FULL);
    assert_int_equal(size.present, FULL / 2);
    assert_int_equal(size.doubt, REQUEST_SIZE_DOUBT_FIRST);
}

/* --- The copy --------------------------------------------------------------------------------- */

static void assert_same_text(struct slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

static void test_a_copy_needs_nothing_of_the_original(void **state)
{
    char one[] = "one";
    char two[] = "record two";
    char group[] = "group";
    const struct record records[] = {
        {.sequence = 7, .bytes = slice_of_text(one), .group_index = 1},
        {.sequence = 8, .bytes = SLICE_EMPTY},
        {.sequence = 9, .bytes = slice_of_text(two), .group_index = 1},
    };
    const struct record_group groups[] = {
        {.request_fields = SLICE_EMPTY},
        {.resource_logs_fields = slice_of_text(group), .scope_logs_fields = slice_of_text(one)},
    };
    struct batch batch = {.journal_id = {1, 2, 3},
                          .records = records,
                          .record_count = 3,
                          .groups = groups,
                          .group_count = 2,
                          .size_bytes = 21};
    struct batch_copy copy = {.memory = NULL};
    struct batch copied;
    struct error err;

    (void)state;
    assert_int_equal(batch_copy_fill(&copy, &batch, &copied, &err), ST_OK);
    memset(one, 'x', sizeof(one) - 1);
    memset(two, 'x', sizeof(two) - 1);
    memset(group, 'x', sizeof(group) - 1);
    assert_memory_equal(copied.journal_id, batch.journal_id, JOURNAL_ID_SIZE);
    assert_int_equal(copied.record_count, 3);
    assert_int_equal(copied.group_count, 2);
    assert_int_equal(copied.size_bytes, 21);
    assert_int_equal(copied.records[2].sequence, 9);
    assert_int_equal(copied.records[2].group_index, 1);
    assert_same_text(copied.records[0].bytes, "one");
    assert_same_text(copied.records[1].bytes, "");
    assert_same_text(copied.records[2].bytes, "record two");
    assert_same_text(copied.groups[1].resource_logs_fields, "group");
    assert_same_text(copied.groups[1].scope_logs_fields, "one");

    size_t capacity = copy.capacity; /* a smaller one needs no more */
    batch.record_count = 1;
    assert_int_equal(batch_copy_fill(&copy, &batch, &copied, &err), ST_OK);
    assert_int_equal(copy.capacity, capacity);
    assert_same_text(copied.records[0].bytes, "xxx");
    batch_copy_clear(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_may_send_while_the_destination_works),
        cmocka_unit_test(test_one_lane_tries_while_the_destination_fails),
        cmocka_unit_test(test_failures_of_requests_that_were_under_way_do_not_lengthen_the_wait),
        cmocka_unit_test(test_a_delay_that_was_asked_for_holds_all_until_it_is_over),
        cmocka_unit_test(test_a_daemon_that_stops_does_not_wait_for_the_time),
        cmocka_unit_test(test_dead_letters_in_a_row_brake_all_lanes),
        cmocka_unit_test(test_a_refused_size_is_halved_at_once),
        cmocka_unit_test(test_it_grows_to_just_below_what_was_refused),
        cmocka_unit_test(test_a_limit_that_stays_is_met_ever_more_seldom),
        cmocka_unit_test(test_a_limit_that_was_raised_is_found),
        cmocka_unit_test(test_small_requests_prove_nothing),
        cmocka_unit_test(test_refusals_of_requests_that_were_under_way_count_as_one),
        cmocka_unit_test(test_a_copy_needs_nothing_of_the_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
