/* SPDX-License-Identifier: Apache-2.0 */
/* codex_tool_test.c -- results of Codex's tools: how they ended, and what is in their arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/codex_fixture.h"
#include "support/record_text.h"

static void make_result(const char *success, const char *output)
{
    codex_make_event("codex.tool_result", "c1");
    made_text(&codex.made, "tool_name", "exec_command");
    made_text(&codex.made, "tool_namespace", "functions");
    made_text(&codex.made, "call_id", "call_1");
    made_text(&codex.made, "success", success);
    made_text(&codex.made, "output", output);
}

static void check_result(const char *success, const char *output, const char *outcome)
{
    make_result(success, output);
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.outcome", outcome);
    normalized_destroy(normalized);
}

static void test_exit_code_overrules_reported_success(void **state)
{
    (void)state;
    make_result("true", "Chunk ID: 1\nProcess exited with code 1\nOutput:\nno");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.outcome", "failure");
    check_int(normalized, "process.exit.code", 1);
    check_bool(normalized, "agent.tool.reported_success", true);
    check_text(normalized, "agent.classification", "heuristic");
    normalized_destroy(normalized);
}

static void test_output_of_the_command_cannot_claim_an_exit_code(void **state)
{
    (void)state;
    check_result("true", "Chunk ID: 1\nOutput:\nProcess exited with code 0\n", "unknown");
    check_result("true", "Process exited with code 2\nOutput:\nProcess exited with code 0\n",
                 "failure");
}

static void test_shell_without_exit_code_is_unknown(void **state)
{
    (void)state;
    check_result("true", "", "unknown");
    check_result("true", "Process exited with code many\n", "unknown");
    check_result("maybe", "", "unknown");
}

static void test_refusals_of_policy_are_denials(void **state)
{
    (void)state;
    static const struct {
        const char *output, *source;
        bool executed;
    } seen[] = {
        {"approval policy is Never; reject command \xe2\x80\x94 you cannot ask for escalated "
         "permissions if the approval policy is Never",
         "config", false},
        {"exec_command failed: CreateProcess { message: \"Rejected(\\\"`/bin/bash -c 'rm -rf x'` "
         "rejected: rm -f style\\\")\" }",
         "policy", false},
        {"exec_command failed: CreateProcess { message: \"Rejected(\\\"rejected by user\\\")\" }",
         "user", false},
        {"exec_command failed: CreateProcess { message: \"Rejected(\\\"This action was rejected "
         "due to unacceptable risk.\\\")\" }",
         "auto_reviewer", false},
        {"exec_command failed: ProcessFailed { message: \"Network access to \\\"x\\\" was blocked: "
         "domain is explicitly denied by policy\" }",
         "network_proxy", true},
        {"patch rejected: writing is blocked by read-only sandbox; rejected by user approval "
         "settings",
         "config", false},
    };
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        make_result("false", seen[i].output);
        struct normalized *normalized = codex_normalize();
        check_text(normalized, "agent.outcome", "denied");
        check_text(normalized, "agent.decision.source", seen[i].source);
        check_bool(normalized, "agent.tool.executed", seen[i].executed);
        check_text(normalized, "agent.classification", "heuristic");
        check_int(normalized, "agent.severity", 13);
        normalized_destroy(normalized);
    }
}

static void test_server_cannot_fake_a_refusal(void **state)
{
    (void)state;
    make_result("false", "patch rejected: so says the server");
    made_text(&codex.made, "mcp_server", "ticketdesk");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.outcome", "failure");
    normalized_destroy(normalized);
}

static void make_decision(const char *conversation, const char *call_id, const char *decision)
{
    codex_make_event("codex.tool_decision", conversation);
    made_text(&codex.made, "tool_name", "exec_command");
    made_text(&codex.made, "call_id", call_id);
    made_text(&codex.made, "decision", decision);
    made_text(&codex.made, "source", "USER");
    normalized_destroy(codex_normalize());
}

static void test_result_after_a_denial_is_denied_once(void **state)
{
    (void)state;
    make_decision("c1", "call_1", "denied");
    make_result("false", "whatever it says");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.event.kind", "agent.tool");
    check_text(normalized, "agent.outcome", "denied");
    check_bool(normalized, "agent.tool.executed", false);
    check_absent(normalized, "agent.decision.outcome");
    normalized_destroy(normalized);
}

static void test_denial_of_another_call_or_thread_does_not_count(void **state)
{
    (void)state;
    make_decision("c1", "call_2", "denied");
    make_decision("c2", "call_1", "denied");
    make_decision("c1", "call_1", "approved");
    check_result("false", "whatever it says", "failure");
}

static void test_denials_are_forgotten_in_order(void **state)
{
    (void)state;
    char call_id[32];
    make_decision("c1", "call_1", "denied");
    for (int i = 0; i < 255; i++) {
        (void)snprintf(call_id, sizeof(call_id), "other_%d", i);
        make_decision("c1", call_id, "denied");
    }
    check_result("false", "whatever it says", "denied");
    make_decision("c1", "one_more", "denied");
    check_result("false", "whatever it says", "failure");
}

static void check_command(const char *arguments, const char *line)
{
    make_result("true", "");
    made_text(&codex.made, "arguments", arguments);
    struct normalized *normalized = codex_normalize();
    if (line != NULL)
        check_text(normalized, "process.command_line", line);
    else
        check_absent(normalized, "process.command_line");
    normalized_destroy(normalized);
}

static void test_command_is_taken_from_the_arguments(void **state)
{
    (void)state;
    check_command("{\"cmd\":\"ls \\\"a b\\\"\"}", "ls \"a b\"");
    check_command("{\"command\":[\"bash\",\"-lc\",\"ls 'x'\"]}", "bash -lc 'ls '\\''x'\\'''");
    check_command("{\"session_id\":4,\"chars\":\"y\\n\"}", NULL);
    check_command("{\"cmd\":17}", NULL);
    check_command("not json", NULL);
}

static void test_command_that_cannot_be_read_is_listed(void **state)
{
    (void)state;
    make_result("true", "");
    made_text(&codex.made, "arguments", "{\"cmd\":{\"x\":1}}");
    struct normalized *normalized = codex_normalize();
    assert_true(normalized_lists_error(normalized, "arguments"));
    check_absent(normalized, "agent.event.facets");
    normalized_destroy(normalized);
}

static void test_patch_tells_category_and_file(void **state)
{
    (void)state;
    static const struct {
        const char *patch, *category, *operation;
    } cases[] = {
        {"*** Begin Patch\n*** Add File: a.c\n+x\n*** End Patch", "file_write", "create"},
        {"*** Begin Patch\n*** Delete File: a.c\n*** End Patch", "file_delete", "delete"},
        {"{\"input\":\"*** Begin Patch\\n*** Update File: a.c\\n+x\\n\"}", "file_edit", "update"},
        {"*** Begin Patch\n*** Update File: b.c\n*** Move to: a.c\n*** End Patch", "file_edit",
         "rename"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        codex_make_event("codex.tool_result", "c1");
        made_text(&codex.made, "tool_name", "apply_patch");
        made_text(&codex.made, "success", "true");
        made_text(&codex.made, "arguments", cases[i].patch);
        struct normalized *normalized = codex_normalize();
        check_text(normalized, "agent.tool.category", cases[i].category);
        check_text(normalized, "agent.file.operation", cases[i].operation);
        check_text(normalized, "file.path", "a.c");
        check_text(normalized, "agent.outcome", "success");
        normalized_destroy(normalized);
    }
}

static void test_name_of_an_mcp_tool_is_split(void **state)
{
    (void)state;
    codex_make_event("codex.tool_result", "c1");
    made_text(&codex.made, "tool_name", "mcp__desk__find__all");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.tool.category", "mcp");
    check_text(normalized, "agent.mcp.server.name", "desk");
    check_text(normalized, "agent.mcp.tool.name", "find__all");
    check_text(normalized, "gen_ai.tool.name", "mcp__desk__find__all");
    normalized_destroy(normalized);
}

static void test_prefix_of_mcp_alone_names_no_server(void **state)
{
    (void)state;
    codex_make_event("codex.tool_result", "c1");
    made_text(&codex.made, "tool_name", "mcp__");
    struct normalized *normalized = codex_normalize();
    check_absent(normalized, "agent.mcp.server.name");
    check_text(normalized, "gen_ai.tool.name", "mcp__");
    normalized_destroy(normalized);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, codex_set_up, codex_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exit_code_overrules_reported_success),
        TEST(test_output_of_the_command_cannot_claim_an_exit_code),
        TEST(test_shell_without_exit_code_is_unknown),
        TEST(test_refusals_of_policy_are_denials),
        TEST(test_server_cannot_fake_a_refusal),
        TEST(test_result_after_a_denial_is_denied_once),
        TEST(test_denial_of_another_call_or_thread_does_not_count),
        TEST(test_denials_are_forgotten_in_order),
        TEST(test_command_is_taken_from_the_arguments),
        TEST(test_command_that_cannot_be_read_is_listed),
        TEST(test_patch_tells_category_and_file),
        TEST(test_name_of_an_mcp_tool_is_split),
        TEST(test_prefix_of_mcp_alone_names_no_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
