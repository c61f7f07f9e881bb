/* SPDX-License-Identifier: Apache-2.0 */
/* summary_test.c -- one record in a few words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/summary.h"
#include "support/seen_record.h"

static struct seen_record seen;
static char text[512];

static int set_up(void **state)
{
    (void)state;
    seen_init(&seen);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    seen_fini(&seen);
    return 0;
}

static const char *summary(size_t columns)
{
    struct error err;
    struct buf out;

    buf_init(&out, sizeof(text) - 1);
    assert_int_equal(summary_append(&out, seen_read(&seen), columns, &err), ST_OK);
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(buf_slice(&out)));
    buf_fini(&out);
    return text;
}

static void test_a_tool_is_its_name_and_what_it_asked_for(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.event.kind", "agent.tool", "gen_ai.tool.name", "exec_command",
                   "gen_ai.tool.call.arguments", "{\"cmd\":\"ls\"}", (const char *)NULL);
    assert_string_equal(summary(80), "exec_command {\"cmd\":\"ls\"}");
    seen_add_texts(&seen, "file.path", "/tmp/x", (const char *)NULL);
    assert_string_equal(summary(80), "exec_command /tmp/x");
    seen_add_texts(&seen, "url.full", "http://a/", (const char *)NULL);
    assert_string_equal(summary(80), "exec_command http://a/");
    seen_add_texts(&seen, "process.command_line", "ls -l /etc", (const char *)NULL);
    assert_string_equal(summary(80), "exec_command ls -l /etc");
}

static void test_a_long_call_is_cut_to_its_columns(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.event.kind", "agent.tool", "gen_ai.tool.name", "exec_command",
                   "process.command_line", "ls -l /etc", (const char *)NULL);
    assert_string_equal(summary(18), "exec_command ls -\xe2\x80\xa6");
    assert_string_equal(summary(12), "exec_command");
    assert_string_equal(summary(5), "exec\xe2\x80\xa6");
}

static void test_a_decision_says_what_and_by_whom(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.event.kind", "agent.approval", "agent.decision.scope", "session",
                   "agent.decision.source", "user", "agent.decision.outcome", "allow",
                   "gen_ai.tool.name", "bash", (const char *)NULL);
    assert_string_equal(summary(80), "bash allow user session");
}

static void test_numbers_and_truths_are_shown(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.event.kind", "agent.network", "server.address", "example.com",
                   "agent.decision.outcome", "deny", (const char *)NULL);
    made_int(&seen.made, "server.port", 443);
    assert_string_equal(summary(80), "deny example.com 443");
    made_double(&seen.made, "agent.decision.reason", 1.5);
    assert_string_equal(summary(80), "deny example.com 443 1.5");
    made_bool(&seen.made, "http.request.method", false);
    assert_string_equal(summary(80), "deny false example.com 443 1.5");
}

static void test_others_are_their_body_or_their_name(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.event.kind", "agent.other", "agent.dialect.event", "codex.sse",
                   (const char *)NULL);
    assert_string_equal(summary(80), "codex.sse");
    uint8_t body[16];
    uint8_t *end = pb_put_bytes(body, ANY_STRING, SLICE("a\x1b[1m"));
    made_field(&seen.made, RECORD_BODY, slice_of(body, (size_t)(end - body)));
    assert_string_equal(summary(80), "a\\x1b[1m");
}

static void test_what_agents_write_is_safe(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.event.kind", "agent.tool", "gen_ai.tool.name", "ba\x1b[2Jsh",
                   "process.command_line", "a\nb\x7f\xc2\x9b", (const char *)NULL);
    assert_string_equal(summary(80), "ba\\x1b[2Jsh a\\nb\\x7f\\x9b");
}

static void test_an_output_begins_behind_the_agents_own_lines(void **state)
{
    (void)state;
    assert_true(
        slice_equal(summary_of_output(SLICE("Exit code: 0\nOutput:\nhello\n")), SLICE("hello\n")));
    assert_true(slice_equal(summary_of_output(SLICE("hello")), SLICE("hello")));
    assert_true(slice_equal(summary_of_output(SLICE("Output:\nhello")), SLICE("Output:\nhello")));
    assert_int_equal(summary_of_output(SLICE("x\nOutput:\n")).size, 0);
    assert_int_equal(summary_of_output(SLICE_EMPTY).size, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_tool_is_its_name_and_what_it_asked_for),
        TEST(test_a_long_call_is_cut_to_its_columns),
        TEST(test_a_decision_says_what_and_by_whom),
        TEST(test_numbers_and_truths_are_shown),
        TEST(test_others_are_their_body_or_their_name),
        TEST(test_what_agents_write_is_safe),
        TEST(test_an_output_begins_behind_the_agents_own_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
