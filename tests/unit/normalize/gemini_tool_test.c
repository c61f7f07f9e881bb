/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_tool_test.c -- calls of Gemini CLI and Qwen Code: how they ended, and who let them
 * through.  What could not be recorded (policy_violation; call_id, parent_call_id and
 * execution_status of Qwen Code 0.24) is made from the documented fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/gemini_fixture.h"
#include "support/record_text.h"

/* --- Outcomes ------------------------------------------------------------------------------ */

static void test_exit_code_overrules_reported_success(void **state)
{
    (void)state;
    gemini_make_call("run_shell_command");
    made_bool(&gemini.made, "success", true);
    made_int(&gemini.made, "content_length", 118);
    made_text(&gemini.made, "metadata", "{\n  \"exitCode\": 3,\n  \"isError\": true\n}");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "failure");
    check_text(normalized, "error.type", "nonzero_exit");
    check_int(normalized, "process.exit.code", 3);
    check_bool(normalized, "agent.tool.reported_success", true);
    check_bool(normalized, "agent.tool.executed", true);
    normalized_destroy(normalized);
}

static void test_error_flag_overrules_reported_success(void **state)
{
    (void)state;
    gemini_make_call("run_shell_command");
    made_bool(&gemini.made, "success", true);
    made_int(&gemini.made, "content_length", 118);
    made_text(&gemini.made, "metadata", "{\"isError\":true}");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "failure");
    normalized_destroy(normalized);
}

/* Recorded: driven by an editor, Gemini CLI reports a command without content_length. */
static void test_success_of_a_command_is_unknown_where_no_exit_code_can_be(void **state)
{
    (void)state;
    gemini_make_call("run_shell_command");
    made_bool(&gemini.made, "success", true);
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "unknown");
    normalized_destroy(normalized);

    gemini_make_call("run_shell_command");
    made_bool(&gemini.made, "success", true);
    made_int(&gemini.made, "content_length", 77);
    normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "success");
    normalized_destroy(normalized);
}

static void test_qwen_tells_exits_apart_since_it_has_an_execution_status(void **state)
{
    (void)state;
    qwen_make_call("run_shell_command");
    made_bool(&gemini.made, "success", true);
    made_text(&gemini.made, "status", "success");
    made_int(&gemini.made, "content_length", 190);
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "unknown");
    normalized_destroy(normalized);

    qwen_make_call("run_shell_command");
    made_text(&gemini.made, "call_id", "call_9");
    made_bool(&gemini.made, "success", true);
    made_text(&gemini.made, "execution_status", "success");
    normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "success");
    check_text(normalized, "gen_ai.tool.call.id", "call_9");
    normalized_destroy(normalized);

    qwen_make_call("run_shell_command");
    made_bool(&gemini.made, "success", false);
    made_text(&gemini.made, "decision", "auto_accept");
    made_text(&gemini.made, "execution_status", "error");
    made_text(&gemini.made, "error_type", "shell_execute_error");
    normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "failure");
    check_text(normalized, "error.type", "shell_execute_error");
    check_bool(normalized, "agent.tool.executed", true);
    normalized_destroy(normalized);
}

static void test_calls_that_never_began_were_not_executed(void **state)
{
    static const char *const types[] = {"tool_not_registered", "invalid_tool_params"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        gemini_make_call("write_file");
        made_bool(&gemini.made, "success", false);
        made_nothing(&gemini.made, "decision");
        made_text(&gemini.made, "error_type", types[i]);
        struct normalized *normalized = gemini_normalize();
        check_text(normalized, "agent.outcome", "failure");
        check_text(normalized, "error.type", types[i]);
        check_bool(normalized, "agent.tool.executed", false);
        check_absent(normalized, "agent.decision.outcome");
        normalized_destroy(normalized);
    }
}

static void test_cancelled_call_is_cancelled(void **state)
{
    (void)state;
    qwen_make_call("run_shell_command");
    made_bool(&gemini.made, "success", false);
    made_text(&gemini.made, "decision", "auto_accept");
    made_text(&gemini.made, "status", "cancelled");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "cancelled");
    normalized_destroy(normalized);
}

/* --- Refusals ------------------------------------------------------------------------------ */

static void check_refusal(const char *source, const char *scope, const char *classification)
{
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "denied");
    check_text(normalized, "agent.decision.outcome", "deny");
    check_text(normalized, "agent.decision.effect", "blocked");
    check_text(normalized, "agent.decision.source", source);
    check_text(normalized, "agent.decision.scope", scope);
    check_bool(normalized, "agent.tool.executed", false);
    check_text(normalized, "agent.classification", classification);
    check_int(normalized, "agent.severity", 13);
    normalized_destroy(normalized);
}

static void test_refusals_of_rules_are_denials(void **state)
{
    static const char *const types[] = {"policy_violation", "permission_denied",
                                        "execution_denied"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        gemini_make_call("run_shell_command");
        made_bool(&gemini.made, "success", false);
        made_nothing(&gemini.made, "decision");
        made_text(&gemini.made, "error_type", types[i]);
        check_refusal("config", "unknown", "exact");
    }
    qwen_make_call("run_shell_command");
    made_bool(&gemini.made, "success", false);
    made_text(&gemini.made, "execution_status", "not_started");
    made_text(&gemini.made, "error_type", "execution_denied");
    check_refusal("config", "unknown", "exact");
}

static void test_missing_right_of_a_call_that_was_let_through_is_a_failure(void **state)
{
    (void)state;
    gemini_set_mode("gemini-cli", "yolo");
    gemini_make_call("write_file");
    made_bool(&gemini.made, "success", false);
    made_text(&gemini.made, "decision", "accept");
    made_text(&gemini.made, "error_type", "permission_denied");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "failure");
    check_text(normalized, "agent.decision.outcome", "allow");
    check_bool(normalized, "agent.tool.executed", true);
    normalized_destroy(normalized);
}

static void test_path_outside_the_workspace_is_denied(void **state)
{
    (void)state;
    gemini_make_call("write_file");
    made_bool(&gemini.made, "success", false);
    made_text(&gemini.made, "error",
              "Path not in workspace: Attempted path \"/home/dev/.x\" resolves");
    made_text(&gemini.made, "error_type", "invalid_tool_params");
    check_refusal("config", "unknown", "heuristic");
}

static void test_refusal_of_the_user_is_known_by_its_sentence(void **state)
{
    (void)state;
    gemini_make_call("run_shell_command");
    made_bool(&gemini.made, "success", false);
    made_text(&gemini.made, "error", "Tool \"run_shell_command\" was canceled by the user.");
    check_refusal("user", "once", "heuristic");
    qwen_make_call("run_shell_command");
    made_bool(&gemini.made, "success", false);
    made_text(&gemini.made, "decision", "reject");
    check_refusal("user", "once", "exact");
}

static void test_server_cannot_fake_a_refusal(void **state)
{
    static const char *const texts[] = {
        "MCP tool 'x' said: Tool \"mcp_a_x\" was canceled by the user.",
        "Tool \"mcp_a_x\" was canceled by the user. Really.",
        "Tool \"other\" was canceled by the user.",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        gemini_make_event("gemini-cli", "gemini_cli.tool_call");
        made_text(&gemini.made, "function_name", "mcp_a_x");
        made_text(&gemini.made, "tool_type", "mcp");
        made_bool(&gemini.made, "success", false);
        made_text(&gemini.made, "error", texts[i]);
        struct normalized *normalized = gemini_normalize();
        check_text(normalized, "agent.outcome", "failure");
        check_absent(normalized, "agent.decision.outcome");
        normalized_destroy(normalized);
    }
}

/* --- Decisions ----------------------------------------------------------------------------- */

static void check_decision(const char *word, const char *outcome, const char *source,
                           const char *scope, const char *classification)
{
    made_bool(&gemini.made, "success", true);
    made_int(&gemini.made, "content_length", 1);
    made_text(&gemini.made, "execution_status", "success");
    made_text(&gemini.made, "decision", word);
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.decision.outcome", outcome);
    check_text(normalized, "agent.decision.source", source);
    check_text(normalized, "agent.decision.scope", scope);
    check_text(normalized, "agent.classification", classification);
    if (strcmp(source, "unknown") == 0)
        check_absent(normalized, "agent.decision.automated");
    else
        check_bool(normalized, "agent.decision.automated", strcmp(source, "user") != 0);
    check_text(normalized, "agent.outcome", "success");
    normalized_destroy(normalized);
}

static void test_mode_of_the_session_tells_who_accepted(void **state)
{
    (void)state;
    gemini_make_call("run_shell_command");
    check_decision("accept", "allow", "unknown", "once", "heuristic");
    gemini_set_mode("gemini-cli", "yolo");
    gemini_make_call("run_shell_command");
    check_decision("accept", "allow", "config", "once", "exact");
    gemini_set_mode("gemini-cli", "default");
    gemini_make_call("run_shell_command");
    check_decision("accept", "allow", "user", "once", "heuristic");
    gemini_make_call("read_file");
    check_decision("accept", "allow", "config", "once", "heuristic");
    gemini_make_call("run_shell_command");
    check_decision("auto_accept", "allow", "user", "session", "heuristic");
    gemini_make_call("run_shell_command");
    check_decision("modify", "modify", "user", "once", "exact");
}

/* What was decided is not given up when room is short (receivers/shedding). */
static void test_call_that_was_decided_over_counts_as_a_decision(void **state)
{
    (void)state;
    gemini_make_call("run_shell_command");
    made_bool(&gemini.made, "success", true);
    gemini_drop();
    assert_false(normalizer_last(gemini.normalizer).is_decision);
    made_text(&gemini.made, "decision", "accept");
    gemini_drop();
    assert_true(normalizer_last(gemini.normalizer).is_decision);
}

static void test_mode_follows_its_switch(void **state)
{
    (void)state;
    gemini_set_mode("gemini-cli", "default");
    gemini_make_event("gemini-cli", "gemini_cli.plan.approval_mode_switch");
    made_text(&gemini.made, "from_mode", "default");
    made_text(&gemini.made, "to_mode", "autoEdit");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.event.kind", "agent.mode");
    check_text(normalized, "agent.mode.from", "ask");
    check_text(normalized, "agent.mode.to", "auto_edit");
    normalized_destroy(normalized);
    gemini_make_call("replace");
    check_decision("accept", "allow", "config", "once", "heuristic");
    gemini_make_call("run_shell_command"); /* only edits go unasked in this mode */
    check_decision("accept", "allow", "user", "once", "heuristic");
    gemini_make_event("gemini-cli", "gemini_cli.model_routing");
    made_text(&gemini.made, "approval_mode", "yolo");
    gemini_drop();
    gemini_make_call("run_shell_command");
    check_decision("accept", "allow", "config", "once", "exact");
}

static void test_mode_of_another_session_does_not_count(void **state)
{
    (void)state;
    gemini_set_mode("gemini-cli", "yolo");
    gemini_make_event("gemini-cli", "gemini_cli.tool_call");
    made_fini(&gemini.made);
    made_init(&gemini.made);
    made_text(&gemini.made, "session.id", "s2");
    made_text(&gemini.made, "event.name", "gemini_cli.tool_call");
    made_text(&gemini.made, "function_name", "run_shell_command");
    check_decision("accept", "allow", "unknown", "once", "heuristic");
}

static void test_nobody_is_asked_in_a_session_without_a_person(void **state)
{
    (void)state;
    gemini_set_mode("gemini-cli", "default");
    gemini_make_call("run_shell_command");
    made_bool(&gemini.made, "interactive", false);
    check_decision("accept", "allow", "config", "once", "heuristic");
}

static void test_qwen_accepts_by_itself_in_its_free_modes(void **state)
{
    (void)state;
    gemini_set_mode("qwen-code", "yolo");
    qwen_make_call("run_shell_command");
    check_decision("auto_accept", "allow", "config", "unknown", "exact");
    gemini_set_mode("qwen-code", "auto-edit");
    qwen_make_call("edit");
    check_decision("auto_accept", "allow", "config", "unknown", "heuristic");
    gemini_set_mode("qwen-code", "default");
    qwen_make_call("run_shell_command");
    check_decision("auto_accept", "allow", "user", "unknown", "heuristic");
}

static void test_call_of_a_sub_agent_names_the_call_that_it_was_made_for(void **state)
{
    (void)state;
    qwen_make_call("read_file");
    made_text(&gemini.made, "call_id", "call_2");
    made_text(&gemini.made, "parent_call_id", "call_1");
    made_text(&gemini.made, "subagent_name", "general-purpose");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "gen_ai.tool.call.id", "call_2");
    check_text(normalized, "agent.tool.parent_call_id", "call_1");
    check_text(normalized, "agent.role", "subagent");
    normalized_destroy(normalized);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gemini_set_up, gemini_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exit_code_overrules_reported_success),
        TEST(test_error_flag_overrules_reported_success),
        TEST(test_success_of_a_command_is_unknown_where_no_exit_code_can_be),
        TEST(test_qwen_tells_exits_apart_since_it_has_an_execution_status),
        TEST(test_calls_that_never_began_were_not_executed),
        TEST(test_cancelled_call_is_cancelled),
        TEST(test_refusals_of_rules_are_denials),
        TEST(test_missing_right_of_a_call_that_was_let_through_is_a_failure),
        TEST(test_path_outside_the_workspace_is_denied),
        TEST(test_refusal_of_the_user_is_known_by_its_sentence),
        TEST(test_server_cannot_fake_a_refusal),
        TEST(test_mode_of_the_session_tells_who_accepted),
        TEST(test_call_that_was_decided_over_counts_as_a_decision),
        TEST(test_mode_follows_its_switch),
        TEST(test_mode_of_another_session_does_not_count),
        TEST(test_nobody_is_asked_in_a_session_without_a_person),
        TEST(test_qwen_accepts_by_itself_in_its_free_modes),
        TEST(test_call_of_a_sub_agent_names_the_call_that_it_was_made_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
