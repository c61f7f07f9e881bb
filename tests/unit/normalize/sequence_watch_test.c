/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_watch_test.c -- what counters tell, and what they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "normalize/sequence_watch.h"
#include "telltale/base.h"

static struct sequence_watch watch;
static struct sequence_note note;

static int set_up(void **state)
{
    (void)state;
    memset(&watch, 0, sizeof(watch));
    return 0;
}

static bool say(const char *sender, const char *session, uint64_t sequence)
{
    return sequence_watch_note(&watch, slice_of_text(sender), slice_of_text(session), true,
                               sequence, &note);
}

static void fine(const char *session, uint64_t from, uint64_t to)
{
    for (; from <= to; from++)
        assert_false(say("me", session, from));
}

static void test_what_is_missing_is_told_once(void **state)
{
    (void)state;
    fine("a", 1, 4);
    assert_true(say("me", "a", 8));
    assert_int_equal(note.finding, SEQUENCE_GAP);
    assert_int_equal(note.first, 5);
    assert_int_equal(note.last, 7);
    assert_int_equal(note.session_size, 1);
    assert_memory_equal(note.session, "a", 1);
    fine("a", 9, 12);
}

static void test_sessions_of_one_process_share_its_counter(void **state)
{
    (void)state;
    fine("a", 1, 1);
    fine("child", 2, 2);
    fine("a", 3, 3);
    fine("second", 4, 6);
    fine("child", 7, 7);
    assert_true(say("me", "a", 9));
    assert_int_equal(note.first, 8);
    assert_int_equal(note.last, 8);
}

static void test_two_processes_are_told_apart(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 20; i++) {
        assert_false(say("me", "a", i));
        assert_false(say("me", "b", i));
        assert_false(say("other", "a", i));
    }
    assert_true(say("other", "a", 22));
    assert_int_equal(note.first, 21);
}

static void test_beginning_anew_is_told(void **state)
{
    (void)state;
    fine("a", 1, 4);
    assert_true(say("me", "a", 1));
    assert_int_equal(note.finding, SEQUENCE_RESTART);
    fine("a", 2, 4);
    assert_true(say("me", "a", 6));
    assert_int_equal(note.finding, SEQUENCE_GAP);
}

static void test_what_came_before_or_twice_is_nothing_new(void **state)
{
    (void)state;
    fine("a", 1, 1);
    fine("a", 1, 1);
    fine("a", 2, 5);
    fine("a", 3, 5);
    fine("a", 6, 6);
}

static void test_the_middle_of_a_session_says_nothing_of_its_beginning(void **state)
{
    (void)state;
    fine("a", 17, 18);
    assert_true(say("me", "a", 20));
    assert_int_equal(note.first, 19);
}

static void test_sessions_that_count_for_themselves(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++) {
        assert_false(sequence_watch_note(&watch, SLICE("me"), SLICE("a"), false, i, &note));
        assert_false(sequence_watch_note(&watch, SLICE("me"), SLICE("b"), false, i, &note));
    }
    assert_false(sequence_watch_note(&watch, SLICE("me"), SLICE("a"), false, 6, &note));
    /* It does not go on where "a" stopped. */
    assert_true(sequence_watch_note(&watch, SLICE("me"), SLICE("b"), false, 7, &note));
    assert_int_equal(note.first, 6);
}

static void test_very_many_sessions_are_forgotten_and_never_wrong(void **state)
{
    char session[16];

    (void)state;
    for (uint64_t i = 1; i <= 10; i++) {
        for (int j = 0; j < 1000; j++) {
            snprintf(session, sizeof(session), "s%d", j);
            assert_false(say("me", session, i));
        }
    }
}

static void test_ids_that_are_none_are_passed_over(void **state)
{
    static const uint8_t long_id[SEQUENCE_SESSION_SIZE + 1];

    (void)state;
    assert_false(say("me", "", 1));
    assert_false(say("me", "", 3));
    assert_false(say("me", "a", 0));
    for (uint64_t i = 1; i < 9; i += 3)
        assert_false(sequence_watch_note(&watch, SLICE("me"), slice_of(long_id, sizeof(long_id)),
                                         true, i, &note));
}

#define TEST(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_missing_is_told_once),
        TEST(test_sessions_of_one_process_share_its_counter),
        TEST(test_two_processes_are_told_apart),
        TEST(test_beginning_anew_is_told),
        TEST(test_what_came_before_or_twice_is_nothing_new),
        TEST(test_the_middle_of_a_session_says_nothing_of_its_beginning),
        TEST(test_sessions_that_count_for_themselves),
        TEST(test_very_many_sessions_are_forgotten_and_never_wrong),
        TEST(test_ids_that_are_none_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
