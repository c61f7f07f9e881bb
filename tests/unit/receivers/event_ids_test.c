/* SPDX-License-Identifier: Apache-2.0 */
/* event_ids_test.c -- what has arrived lately is known, within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "receivers/event_ids.h"

static struct event_ids *ids;

static int begin(void **state)
{
    struct error err;
    (void)state;
    return event_ids_create(&ids, &err) == ST_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    event_ids_destroy(ids);
    return 0;
}

static struct event_id_key key_of(unsigned int number)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "id-%u", number);
    return event_ids_key(ids, 1000, slice_of(text, (size_t)size));
}

static void take(unsigned int number, uint32_t connection, uint64_t event)
{
    const struct event_id_owner owner = {connection, 1, event};
    event_ids_take(ids, key_of(number), &owner);
}

static void test_event_is_new_then_on_its_way_then_durable(void **state)
{
    (void)state;
    assert_int_equal(event_ids_find(ids, key_of(1)), EVENT_ID_NEW);
    take(1, 0, 1);
    assert_int_equal(event_ids_find(ids, key_of(1)), EVENT_ID_PENDING);
    event_ids_land(ids, 0, 1, 1, 1, true);
    assert_int_equal(event_ids_find(ids, key_of(1)), EVENT_ID_DURABLE);
    assert_int_equal(event_ids_find(ids, key_of(2)), EVENT_ID_NEW);
}

static void test_event_that_was_not_kept_is_new_again(void **state)
{
    (void)state;
    take(1, 0, 1);
    event_ids_land(ids, 0, 1, 1, 1, false);
    assert_int_equal(event_ids_find(ids, key_of(1)), EVENT_ID_NEW);
}

static void test_only_the_owner_s_events_land(void **state)
{
    (void)state;
    take(1, 0, 1);
    take(2, 0, 5);
    take(3, 9, 1);
    event_ids_land(ids, 0, 2, 1, 9, true); /* the next that has its place */
    event_ids_land(ids, 0, 1, 1, 4, true);
    assert_int_equal(event_ids_find(ids, key_of(1)), EVENT_ID_DURABLE);
    assert_int_equal(event_ids_find(ids, key_of(2)), EVENT_ID_PENDING);
    assert_int_equal(event_ids_find(ids, key_of(3)), EVENT_ID_PENDING);
}

static void test_same_id_of_another_user_is_another_event(void **state)
{
    (void)state;
    struct event_id_key mine = event_ids_key(ids, 1000, SLICE("x"));
    struct event_id_key other = event_ids_key(ids, 1001, SLICE("x"));
    assert_true(mine.words[0] != other.words[0] || mine.words[1] != other.words[1]);
}

static void test_oldest_are_forgotten_first(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < EVENT_IDS_MAX + 10; i++) {
        take(i, 0, i + 1);
        event_ids_land(ids, 0, 1, i + 1, i + 1, true);
    }
    for (unsigned int i = 0; i < 10; i++)
        assert_int_equal(event_ids_find(ids, key_of(i)), EVENT_ID_NEW);
    for (unsigned int i = 10; i < EVENT_IDS_MAX + 10; i++)
        assert_int_equal(event_ids_find(ids, key_of(i)), EVENT_ID_DURABLE);
}

static void test_too_many_on_their_way_are_not_remembered(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < EVENT_IDS_PENDING_MAX + 5; i++)
        take(i, 0, i + 1);
    assert_int_equal(event_ids_find(ids, key_of(0)), EVENT_ID_PENDING);
    assert_int_equal(event_ids_find(ids, key_of(EVENT_IDS_PENDING_MAX)), EVENT_ID_NEW);
    event_ids_land(ids, 0, 1, 1, EVENT_IDS_PENDING_MAX + 5, true);
    assert_int_equal(event_ids_find(ids, key_of(EVENT_IDS_PENDING_MAX - 1)), EVENT_ID_DURABLE);
}

/* One that waits long is pushed out by those behind it, and its landing finds nothing. */
static void test_pushed_out_while_on_its_way(void **state)
{
    (void)state;
    take(0, 7, 1);
    for (unsigned int i = 1; i <= EVENT_IDS_MAX; i++) {
        take(i, 0, i);
        event_ids_land(ids, 0, 1, i, i, true);
    }
    assert_int_equal(event_ids_find(ids, key_of(0)), EVENT_ID_NEW);
    event_ids_land(ids, 7, 1, 1, 1, true);
    assert_int_equal(event_ids_find(ids, key_of(0)), EVENT_ID_NEW);
    assert_int_equal(event_ids_find(ids, key_of(EVENT_IDS_MAX)), EVENT_ID_DURABLE);
}

#define IDS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IDS_TEST(test_event_is_new_then_on_its_way_then_durable),
        IDS_TEST(test_event_that_was_not_kept_is_new_again),
        IDS_TEST(test_only_the_owner_s_events_land),
        IDS_TEST(test_same_id_of_another_user_is_another_event),
        IDS_TEST(test_oldest_are_forgotten_first),
        IDS_TEST(test_too_many_on_their_way_are_not_remembered),
        IDS_TEST(test_pushed_out_while_on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
