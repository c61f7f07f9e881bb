/* SPDX-License-Identifier: Apache-2.0 */
/* condition_test.c -- conditions on any field, and what fields a record has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/filter.h"
#include "support/seen_record.h"

static struct seen_record seen;
static uint8_t resource[256];
static struct record_group group;
static struct buf scratch;
static struct error err;

static int set_up(void **state)
{
    (void)state;
    seen_init(&seen);
    buf_init(&scratch, 1 << 20);
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, UINT64_C(1795213460206123456));
    made_uint(&seen.made, RECORD_SEVERITY_NUMBER, 13);
    made_int(&seen.made, "count", 50);
    made_double(&seen.made, "ratio", 0.5);
    made_bool(&seen.made, "flag", true);
    made_texts(&seen.made, "list", "only");
    seen_add_texts(&seen, "agent.event.kind", "agent.tool", "file.path", "/etc/passwd", "digits",
                   "0100", "empty", "", (const char *)NULL);
    group = (struct record_group){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    seen_fini(&seen);
    buf_fini(&scratch);
    return 0;
}

static bool holds(const char *text)
{
    const struct field_record record = {.group = &group, .view = seen_read(&seen)};
    struct condition condition;

    assert_int_equal(condition_read(slice_of_text(text), &condition, &err), ST_OK);
    return condition_holds(&condition, &record, &scratch);
}

static void test_equality_is_of_texts_numbers_and_members(void **state)
{
    (void)state;
    assert_true(holds("file.path=/etc/passwd"));
    assert_false(holds("file.path=/etc/passwd "));
    assert_true(holds("count=50"));
    assert_true(holds("count=50.0"));
    assert_false(holds("count=5"));
    assert_false(holds("count=x"));
    assert_true(holds("ratio=0.5"));
    assert_true(holds("flag=true"));
    assert_false(holds("flag=1"));
    assert_true(holds("list=only"));
    assert_false(holds("list=other"));
    assert_true(holds("empty="));
    assert_false(holds("absent="));
    assert_false(holds("digits=100"));
}

static void test_negations_hold_where_there_is_nothing(void **state)
{
    (void)state;
    assert_true(holds("file.path!=/etc/shadow"));
    assert_false(holds("file.path!=/etc/passwd"));
    assert_true(holds("absent!=x"));
    assert_true(holds("absent!~*"));
    assert_false(holds("file.path!~/etc/*"));
}

static void test_fields_are_there_or_not(void **state)
{
    (void)state;
    assert_true(holds("file.path"));
    assert_false(holds("!file.path"));
    assert_false(holds("absent"));
    assert_true(holds("!absent"));
}

static void test_order_is_of_numbers_else_of_texts(void **state)
{
    (void)state;
    assert_true(holds("count>49.9"));
    assert_false(holds("count>50"));
    assert_true(holds("count>=50"));
    assert_true(holds("count<1e3"));
    assert_true(holds("count<=50"));
    assert_false(holds("count<x"));
    assert_true(holds("digits>99"));
    assert_true(holds("file.path>/etc"));
    assert_true(holds("time>2026-11-20T22:24"));
    assert_false(holds("time>2026-11-20T22:25"));
    assert_false(holds("absent<5"));
    assert_false(holds("absent>=5"));
}

static void test_globs_are_of_the_whole_text(void **state)
{
    (void)state;
    assert_true(holds("file.path~/etc/*"));
    assert_true(holds("file.path~*pass*"));
    assert_true(holds("file.path~*??c/p*d"));
    assert_false(holds("file.path~etc"));
    assert_false(holds("file.path~*x*"));
    assert_true(condition_glob_matches(SLICE("a\\*b"), SLICE("a*b")));
    assert_false(condition_glob_matches(SLICE("a\\*b"), SLICE("axb")));
    assert_true(condition_glob_matches(SLICE("**"), SLICE("")));
    assert_false(condition_glob_matches(SLICE("?"), SLICE("")));
    assert_true(condition_glob_matches(SLICE("*a*b*c"), SLICE("aabbcabc")));
    assert_false(condition_glob_matches(SLICE("\\"), SLICE("x")));
}

static void test_fields_of_the_record_and_of_its_resource(void **state)
{
    static const char attribute[] = "\x0a\x09host.name\x12\x06\x0a\x04web1";

    (void)state;
    assert_true(holds("severity_number>=13"));
    assert_true(holds("attributes.file.path=/etc/passwd"));
    assert_true(holds("summary"));
    assert_true(holds("!trace_id"));
    assert_true(holds("!resource.host.name"));
    size_t size = sizeof(attribute) - 1;
    resource[0] = 0x0a;
    resource[1] = (uint8_t)(size + 2);
    resource[2] = 0x0a;
    resource[3] = (uint8_t)size;
    memcpy(resource + 4, attribute, size);
    group.resource_logs_fields = slice_of(resource, size + 4);
    assert_true(holds("resource.host.name=web1"));
    const struct field_record record = {.group = &group, .view = seen_read(&seen)};
    assert_true(query_is_of_host("db1,web1", &record));
    assert_false(query_is_of_host("db1", &record));
}

static void test_what_a_sender_wrote_of_itself_is_not_believed(void **state)
{
    (void)state;
    made_int(&seen.made, "agent.peer.uid", 0);
    assert_true(holds("!agent.peer.uid"));
    assert_false(query_is_of_user("0", seen_read(&seen)));
    seen_add_texts(&seen, "user.id", "0", "user.name", "alice", "agent.norm.agent.peer.attestation",
                   "kernel", (const char *)NULL);
    made_int(&seen.made, "agent.norm.agent.peer.uid", 1001);
    assert_true(holds("agent.peer.uid=1001"));
    assert_false(holds("agent.peer.uid=0"));
    assert_true(query_is_of_user("1001", seen_read(&seen)));
    assert_false(query_is_of_user("0", seen_read(&seen)));
    assert_true(query_is_of_user("bob,alice", seen_read(&seen)));
}

static void test_mistakes_are_named(void **state)
{
    struct condition condition;
    char longest[FIELD_NAME_MAX + 2];

    (void)state;
    assert_int_equal(condition_read(SLICE("=x"), &condition, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "KEY=VALUE"));
    assert_int_equal(condition_read(SLICE(""), &condition, &err), ST_INVALID);
    assert_int_equal(condition_read(SLICE("!"), &condition, &err), ST_INVALID);
    memset(longest, 'k', sizeof(longest));
    assert_int_equal(condition_read(slice_of(longest, sizeof(longest)), &condition, &err),
                     ST_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equality_is_of_texts_numbers_and_members),
        TEST(test_negations_hold_where_there_is_nothing),
        TEST(test_fields_are_there_or_not),
        TEST(test_order_is_of_numbers_else_of_texts),
        TEST(test_globs_are_of_the_whole_text),
        TEST(test_fields_of_the_record_and_of_its_resource),
        TEST(test_what_a_sender_wrote_of_itself_is_not_believed),
        TEST(test_mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
