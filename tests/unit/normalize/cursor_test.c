/* SPDX-License-Identifier: Apache-2.0 */
/* cursor_test.c -- the corners of Cursor's and Copilot's records that the documented sessions do
 * not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/made_record.h"

#define SCOPE "cursor.telemetry"

static struct made_record made;
static struct normalizer *normalizer;

static int set_up(void **state)
{
    (void)state;
    made_init(&made);
    normalizer = made_normalizer();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    made_fini(&made);
    normalizer_destroy(normalizer);
    return 0;
}

static void begin(const char *name)
{
    made_fini(&made);
    made_init(&made);
    if (name != NULL)
        made_text(&made, "event.name", name);
}

static void make_body(const char *text)
{
    uint8_t body[64];
    const uint8_t *end = pb_put_bytes(body, ANY_STRING, slice_of_text(text));
    made_field(&made, RECORD_BODY, slice_of(body, (size_t)(end - body)));
}

static void check_one(const char *scope, const char *key, const char *expected)
{
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, scope);
    check_text(normalized, key, expected);
    normalized_destroy(normalized);
}

static void test_body_names_the_event_where_nothing_else_does(void **state)
{
    (void)state;
    begin(NULL);
    make_body("api_correction_not_billed_errored");
    check_one(SCOPE, "agent.dialect.event", "cursor.api.correction");
    begin(NULL);
    make_body("grok_bot_shell_command");
    check_one(SCOPE, "agent.event.kind", "agent.command");
    begin("cursor.conversation.user_message");
    make_body("grok_bot_shell_command");
    check_one(SCOPE, "agent.event.kind", "agent.prompt");
}

static void test_what_a_person_typed_names_no_event(void **state)
{
    (void)state;
    begin(NULL);
    make_body("api_error");
    made_text(&made, "cursor.conversation.message.id", "m1");
    check_one(SCOPE, "agent.dialect.event", "unknown");
}

static void test_outcomes_of_tools_are_translated(void **state)
{
    (void)state;
    static const struct {
        const char *outcome, *category, *expected, *error_type;
    } cases[] = {
        {"success", "", "success", NULL},
        {"error", "", "failure", "_OTHER"},
        {"error", "provider_error", "failure", "provider_error"},
        {"denied", "user_rejected", "denied", "user_rejected"},
        {"cancelled", "", "cancelled", NULL},
        {"cancelled", "timeout", "timeout", "timeout"},
        {"melted", "", "unknown", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin("cursor.grok_bot.tool_result");
        made_text(&made, "cursor.grok_bot.tool_result.outcome", cases[i].outcome);
        made_text(&made, "cursor.grok_bot.tool_result.error_category", cases[i].category);
        struct normalized *normalized = made_normalize_otlp(&made, normalizer, SCOPE);
        check_text(normalized, "agent.outcome", cases[i].expected);
        if (cases[i].error_type != NULL)
            check_text(normalized, "error.type", cases[i].error_type);
        else
            check_absent(normalized, "error.type");
        normalized_destroy(normalized);
    }
}

static void test_deciders_are_translated(void **state)
{
    (void)state;
    static const struct {
        const char *source, *mode, *expected;
    } cases[] = {
        {"human", "auto_review", "user"},
        {"human", "local_tool_permission", "user"},
        {"policy", "auto_review", "auto_reviewer"},
        {"policy", "ask_human", "policy"},
        {"hook", "hook", "hook"},
        {"automatic", "auto_allow", "config"},
        {"weather", "", "unknown"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin("cursor.grok_bot.tool_decision");
        made_text(&made, "cursor.grok_bot.decision.source", cases[i].source);
        made_text(&made, "cursor.grok_bot.decision.approval_mode", cases[i].mode);
        check_one(SCOPE, "agent.decision.source", cases[i].expected);
    }
}

static void test_signal_and_exit_status_of_a_command_are_told_apart(void **state)
{
    (void)state;
    begin("cursor.grok_bot.shell_command");
    made_bool(&made, "cursor.grok_bot.shell.allowed", true);
    check_one(SCOPE, "agent.outcome", "unknown");
    made_int(&made, "cursor.grok_bot.shell.exit_code", -1);
    check_one(SCOPE, "error.type", "killed");
}

static void test_copilot_is_found_by_name_scope_and_prefix(void **state)
{
    (void)state;
    begin("copilot_chat.session.start");
    check_one("anything", "agent.product", "copilot_chat");
    begin("github.copilot.session.shutdown");
    check_one(NULL, "agent.product", "copilot_cli");
    begin("gen_ai.client.inference.operation.details");
    check_one("copilot-chat", "agent.event.kind", "agent.model");
}

static void test_command_of_copilot_that_ran_may_still_have_failed(void **state)
{
    (void)state;
    begin("copilot_chat.tool.call");
    made_text(&made, "gen_ai.tool.name", "run_in_terminal");
    made_bool(&made, "success", true);
    check_one("copilot-chat", "agent.outcome", "unknown");
    begin("copilot_chat.tool.call");
    made_text(&made, "gen_ai.tool.name", "run_in_terminal");
    made_bool(&made, "success", false);
    check_one("copilot-chat", "agent.outcome", "failure");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_body_names_the_event_where_nothing_else_does),
        TEST(test_what_a_person_typed_names_no_event),
        TEST(test_outcomes_of_tools_are_translated),
        TEST(test_deciders_are_translated),
        TEST(test_signal_and_exit_status_of_a_command_are_told_apart),
        TEST(test_copilot_is_found_by_name_scope_and_prefix),
        TEST(test_command_of_copilot_that_ran_may_still_have_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
