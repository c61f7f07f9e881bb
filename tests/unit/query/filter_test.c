/* SPDX-License-Identifier: Apache-2.0 */
/* filter_test.c -- which records a question is about, and what a reader takes a key to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/filter.h"
#include "query/lookup.h"
#include "support/seen_record.h"

#define SESSION "01a1fad7-ca1d-7b42-80b3-a0e63e07a291"

static struct seen_record seen;

static int set_up(void **state)
{
    (void)state;
    seen_init(&seen);
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, 1000);
    seen_add_texts(&seen, "agent.event.kind", "agent.tool", "agent.outcome", "denied",
                   "gen_ai.tool.name", "exec_command", "session.id", SESSION, "note",
                   "Curl http://Example.com", (const char *)NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    seen_fini(&seen);
    return 0;
}

static bool matches(struct query_filter filter)
{
    static const struct record_group no_group;
    const struct field_record record = {.group = &no_group, .view = seen_read(&seen)};

    return query_filter_matches(&filter, seen_bytes(&seen), &record);
}

static void test_an_empty_filter_lets_everything_pass(void **state)
{
    (void)state;
    assert_true(matches((struct query_filter){0}));
}

static void test_times_include_the_first_moment_and_not_the_last(void **state)
{
    (void)state;
    assert_true(matches((struct query_filter){.since_unix_ns = 1000}));
    assert_false(matches((struct query_filter){.since_unix_ns = 1001}));
    assert_true(matches((struct query_filter){.until_unix_ns = 1001}));
    assert_false(matches((struct query_filter){.until_unix_ns = 1000}));
    assert_false(matches((struct query_filter){.since_unix_ns = 900, .until_unix_ns = 950}));
}

static void test_kinds_are_a_list_with_or_without_their_prefix(void **state)
{
    (void)state;
    assert_true(matches((struct query_filter){.kinds = "tool"}));
    assert_true(matches((struct query_filter){.kinds = "agent.tool"}));
    assert_true(matches((struct query_filter){.kinds = "prompt,tool"}));
    assert_true(matches((struct query_filter){.kinds = "agent.prompt,,agent.tool,"}));
    assert_false(matches((struct query_filter){.kinds = "prompt,network"}));
    assert_false(matches((struct query_filter){.kinds = "too"}));
    assert_false(matches((struct query_filter){.kinds = "tools"}));
    assert_false(matches((struct query_filter){.kinds = ""}));
}

static void test_outcomes_and_tools_are_compared_whole(void **state)
{
    (void)state;
    assert_true(matches((struct query_filter){.outcomes = "failure,denied"}));
    assert_false(matches((struct query_filter){.outcomes = "failure"}));
    assert_true(matches((struct query_filter){.tool = "exec_command"}));
    assert_false(matches((struct query_filter){.tool = "exec"}));
}

static void test_a_session_is_named_by_its_whole_id_or_an_end_of_it(void **state)
{
    (void)state;
    assert_true(matches((struct query_filter){.session = SESSION}));
    assert_true(matches((struct query_filter){.session = "01a1fad7"}));
    assert_true(matches((struct query_filter){.session = "63e07a291"}));
    assert_false(matches((struct query_filter){.session = "01a1fad"}));
    assert_false(matches((struct query_filter){.session = "3e07a29"}));
    assert_false(matches((struct query_filter){.session = "7b42-80b3"}));
    assert_false(matches((struct query_filter){.session = SESSION "x"}));
    assert_false(matches((struct query_filter){.session = ""}));
}

static void test_a_session_may_be_that_of_the_conversation_or_its_parent(void **state)
{
    (void)state;
    seen_add_texts(&seen, "gen_ai.conversation.id", "conversation-1",
                   "agent.parent.conversation.id", "p", (const char *)NULL);
    assert_true(matches((struct query_filter){.session = "conversation-1"}));
    assert_true(matches((struct query_filter){.session = "p"}));
    assert_false(matches((struct query_filter){.session = "q"}));
}

static void test_a_record_without_a_session_is_of_none(void **state)
{
    struct seen_record other;

    (void)state;
    seen_init(&other);
    seen_add_texts(&other, "agent.event.kind", "agent.tool", (const char *)NULL);
    assert_false(query_is_of_session(SESSION, seen_read(&other)));
    assert_false(query_is_of_session("", seen_read(&other)));
    seen_fini(&other);
}

static void test_what_stands_around_texts_in_the_encoding_is_no_text(void **state)
{
    (void)state;
    /* Before the text stands its size, which is 10. */
    assert_true(matches((struct query_filter){.text = "agent.tool"}));
    assert_false(matches((struct query_filter){.text = "\nagent.tool"}));
    assert_true(matches((struct query_filter){.text = "EVENT.kind"})); /* a key */
}

static void test_texts_are_found_anywhere_whatever_their_case(void **state)
{
    (void)state;
    assert_true(matches((struct query_filter){.text = "cURL HTTP"}));
    assert_true(matches((struct query_filter){.text = "example.com"}));
    assert_true(matches((struct query_filter){.text = ""}));
    assert_false(matches((struct query_filter){.text = "example.org"}));
    assert_false(matches((struct query_filter){.text = "Curl http://Example.com and more than that"
                                                       "than the record has bytes, and then some"
                                                       "so that nothing behind it may be read: "
                                                       "this text is longer than all of it, really,"
                                                       " however long its attributes may be"}));
}

static void test_every_part_must_match(void **state)
{
    (void)state;
    assert_true(matches((struct query_filter){
        .kinds = "tool", .outcomes = "denied", .text = "curl", .session = SESSION}));
    assert_false(matches((struct query_filter){
        .kinds = "tool", .outcomes = "success", .text = "curl", .session = SESSION}));
}

/* --- Lookups --------------------------------------------------------------------------- */

static void assert_says(const char *key, const char *expected)
{
    assert_true(slice_equal(lookup_text(seen_read(&seen), key), slice_of_text(expected)));
}

static void test_the_normalized_value_stands_behind_the_longest_chain(void **state)
{
    (void)state;
    assert_says("agent.outcome", "denied");
    seen_add_texts(&seen, "agent.norm.agent.outcome", "forged", (const char *)NULL);
    assert_says("agent.outcome", "forged");
    seen_add_texts(&seen, "agent.norm.agent.norm.agent.outcome", "unknown", (const char *)NULL);
    assert_says("agent.outcome", "unknown");
    seen_add_texts(&seen, "agent.norm.agent.outcome", "late", "agent.outcome", "later",
                   (const char *)NULL);
    assert_says("agent.outcome", "unknown");
}

/* The daemon answers a sender's chain of eight with one of nine, and longer ones not at all. */
static void test_a_longer_chain_than_the_daemon_writes_is_not_believed(void **state)
{
    static const char nine[] = "agent.norm.agent.norm.agent.norm.agent.norm.agent.norm."
                               "agent.norm.agent.norm.agent.norm.agent.norm.agent.outcome";
    static const char ten[] = "agent.norm.agent.norm.agent.norm.agent.norm.agent.norm."
                              "agent.norm.agent.norm.agent.norm.agent.norm.agent.norm."
                              "agent.outcome";
    (void)state;
    seen_add_texts(&seen, nine, "ours", ten, "forged", (const char *)NULL);
    assert_says("agent.outcome", "ours");
}

static void test_of_several_values_the_last_counts(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.outcome", "success", (const char *)NULL);
    assert_says("agent.outcome", "success");
}

static void test_other_keys_with_the_same_end_are_other_keys(void **state)
{
    (void)state;
    seen_add_texts(&seen, "x.agent.outcome", "no", "agent.normagent.outcome", "no",
                   "norm.agent.outcome", "no", "agent.outcome.agent.norm.", "no",
                   (const char *)NULL);
    assert_says("agent.outcome", "denied");
    assert_says("outcome", "");
}

static void test_numbers_are_numbers_whatever_their_type(void **state)
{
    const struct record_view *view;

    (void)state;
    made_int(&seen.made, "int", -5);
    made_double(&seen.made, "double", 2.5);
    made_bool(&seen.made, "bool", true);
    made_nothing(&seen.made, "nothing");
    view = seen_read(&seen);
    assert_true(lookup_number(view, "int", 0) == -5);
    assert_true(lookup_number(view, "double", 0) == 2.5);
    assert_true(lookup_number(view, "bool", 0) == 1);
    assert_true(lookup_number(view, "nothing", 7) == 7);
    assert_true(lookup_number(view, "note", 7) == 7);
    assert_true(lookup_number(view, "absent", 7) == 7);
    assert_int_equal(lookup_text(view, "int").size, 0);
}

static void test_the_observed_time_stands_in(void **state)
{
    struct seen_record other;

    (void)state;
    assert_int_equal(lookup_time(seen_read(&seen)), 1000);
    seen_init(&other);
    made_fixed64(&other.made, RECORD_OBSERVED_TIME_UNIX_NANO, 2000);
    assert_int_equal(lookup_time(seen_read(&other)), 2000);
    seen_fini(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_filter_lets_everything_pass),
        TEST(test_times_include_the_first_moment_and_not_the_last),
        TEST(test_kinds_are_a_list_with_or_without_their_prefix),
        TEST(test_outcomes_and_tools_are_compared_whole),
        TEST(test_a_session_is_named_by_its_whole_id_or_an_end_of_it),
        TEST(test_a_session_may_be_that_of_the_conversation_or_its_parent),
        TEST(test_a_record_without_a_session_is_of_none),
        TEST(test_texts_are_found_anywhere_whatever_their_case),
        TEST(test_what_stands_around_texts_in_the_encoding_is_no_text),
        TEST(test_every_part_must_match),
        TEST(test_the_normalized_value_stands_behind_the_longest_chain),
        TEST(test_a_longer_chain_than_the_daemon_writes_is_not_believed),
        TEST(test_of_several_values_the_last_counts),
        TEST(test_other_keys_with_the_same_end_are_other_keys),
        TEST(test_numbers_are_numbers_whatever_their_type),
        TEST(test_the_observed_time_stands_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
