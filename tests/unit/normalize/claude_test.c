/* SPDX-License-Identifier: Apache-2.0 */
/* claude_test.c -- the corners of Claude Code's records that the documented sessions do not
 * show, or show among much else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/made_record.h"
#include "support/record_text.h"

#define SCOPE "com.anthropic.claude_code.events"

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
    made_text(&made, "event.name", name);
}

static struct normalized *normalize(void)
{
    return made_normalize_otlp(&made, normalizer, SCOPE);
}

/* --- Names ----------------------------------------------------------------------------------- */

static void make_body(const char *text)
{
    uint8_t body[64];
    const uint8_t *end = pb_put_bytes(body, ANY_STRING, slice_of_text(text));
    made_field(&made, RECORD_BODY, slice_of(body, (size_t)(end - body)));
}

static void check_found(const char *scope, const char *dialect, const char *event)
{
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, scope);
    check_text(normalized, "agent.dialect", dialect);
    check_text(normalized, "agent.dialect.event", event);
    normalized_destroy(normalized);
}

static void test_short_name_counts_as_the_full_one(void **state)
{
    (void)state;
    begin("tool_result");
    struct normalized *normalized = normalize();
    check_text(normalized, "agent.event.kind", "agent.tool");
    check_text(normalized, "agent.dialect.event", "claude_code.tool_result");
    assert_true(slice_equal(normalized->whole.event_name, SLICE("claude_code.tool_result")));
    normalized_destroy(normalized);
    begin("claude_code.tool_result");
    check_found(SCOPE, "claude_code_otel", "claude_code.tool_result");
}

static void test_body_tells_dialect_and_name(void **state)
{
    (void)state;
    made_fini(&made);
    made_init(&made);
    make_body("claude_code.compaction");
    check_found(SCOPE, "claude_code_otel", "claude_code.compaction");
    check_found(NULL, "claude_code_otel", "claude_code.compaction");
    made_text(&made, "event.name", "tool_result");
    check_found("renamed", "claude_code_otel", "claude_code.tool_result");
}

static void test_event_name_of_the_record_tells_dialect(void **state)
{
    (void)state;
    made_fini(&made);
    made_init(&made);
    made_field(&made, RECORD_EVENT_NAME, SLICE("claude_code.auth"));
    check_found(NULL, "claude_code_otel", "claude_code.auth");
    make_body("claude_code.compaction"); /* the weaker sign */
    check_found(SCOPE, "claude_code_otel", "claude_code.auth");
}

static void test_short_name_alone_is_nobodys(void **state)
{
    (void)state;
    begin("tool_result");
    check_found("another", "unknown", "tool_result");
}

static void test_unknown_event_is_other(void **state)
{
    (void)state;
    begin("brand_new");
    struct normalized *normalized = normalize();
    check_text(normalized, "agent.event.kind", "agent.other");
    check_text(normalized, "agent.classification", "none");
    check_text(normalized, "agent.dialect.event", "claude_code.brand_new");
    normalized_destroy(normalized);
}

static void test_overlong_name_is_cut(void **state)
{
    (void)state;
    char name[2000];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    begin(name);
    struct normalized *normalized = normalize();
    assert_int_equal(normalized_text(normalized, "agent.dialect.event").size, 256);
    normalized_destroy(normalized);
}

/* --- Decisions ------------------------------------------------------------------------------- */

static void test_decisions_are_translated(void **state)
{
    (void)state;
    static const struct {
        const char *decision, *by, *outcome, *scope, *source, *result;
    } cases[] = {
        {"accept", "config", "allow", "unknown", "config", "success"},
        {"reject", "config", "deny", "unknown", "config", "denied"},
        {"accept", "hook", "allow", "once", "hook", "success"},
        {"reject", "hook", "deny", "once", "hook", "denied"},
        {"accept", "user_permanent", "allow", "permanent", "user", "success"},
        {"Accept", "User_Temporary", "allow", "temporary", "user", "success"},
        {"reject", "user_reject", "deny", "once", "user", "denied"},
        {"reject", "user_abort", "abort", "once", "user", "cancelled"},
        {"shrug", "user_abort", "unknown", "once", "user", "unknown"},
        {"accept", "oracle", "allow", "unknown", "unknown", "success"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin("tool_decision");
        made_text(&made, "decision", cases[i].decision);
        made_text(&made, "source", cases[i].by);
        struct normalized *normalized = normalize();
        check_text(normalized, "agent.event.kind", "agent.approval");
        check_text(normalized, "agent.decision.outcome", cases[i].outcome);
        check_text(normalized, "agent.decision.scope", cases[i].scope);
        check_text(normalized, "agent.decision.source", cases[i].source);
        check_text(normalized, "agent.outcome", cases[i].result);
        if (strcmp(cases[i].decision, "reject") == 0)
            check_bool(normalized, "agent.tool.executed", false);
        else
            check_absent(normalized, "agent.tool.executed");
        normalized_destroy(normalized);
    }
}

static void test_config_does_not_say_that_nobody_was_asked(void **state)
{
    (void)state;
    begin("tool_decision");
    made_text(&made, "decision", "accept");
    made_text(&made, "source", "config");
    struct normalized *normalized = normalize();
    check_absent(normalized, "agent.decision.automated");
    normalized_destroy(normalized);
}

static void test_decision_behind_a_result_does_not_tell_its_outcome(void **state)
{
    (void)state;
    begin("tool_result");
    made_text(&made, "success", "false");
    made_text(&made, "decision_source", "user_temporary");
    struct normalized *normalized = normalize();
    check_text(normalized, "agent.outcome", "failure");
    check_text(normalized, "error.type", "_OTHER");
    check_text(normalized, "agent.decision.outcome", "allow");
    check_absent(normalized, "agent.event.facets");
    assert_true(normalizer_last(normalizer).is_decision); /* not given up when room is short */
    normalized_destroy(normalized);
}

/* --- Requests -------------------------------------------------------------------------------- */

static void test_input_tokens_are_the_sum(void **state)
{
    (void)state;
    begin("api_request");
    made_text(&made, "input_tokens", "12");
    made_int(&made, "cache_read_tokens", 15000);
    made_double(&made, "cache_creation_tokens", 2100);
    struct normalized *normalized = normalize();
    check_int(normalized, "gen_ai.usage.input_tokens", 17112);
    check_int(normalized, "gen_ai.usage.cache_read.input_tokens", 15000);
    check_int(normalized, "gen_ai.usage.cache_creation.input_tokens", 2100);
    normalized_destroy(normalized);
}

static void test_impossible_tokens_are_no_sum(void **state)
{
    (void)state;
    begin("api_request");
    made_int(&made, "input_tokens", INT64_MAX - 1);
    made_int(&made, "cache_read_tokens", 2);
    struct normalized *normalized = normalize();
    check_absent(normalized, "gen_ai.usage.input_tokens");
    assert_true(normalized_lists_error(normalized, "input_tokens"));
    normalized_destroy(normalized);
    begin("api_request");
    made_int(&made, "input_tokens", 5);
    made_int(&made, "cache_read_tokens", -2);
    normalized = normalize();
    check_absent(normalized, "gen_ai.usage.input_tokens");
    normalized_destroy(normalized);
}

static void test_cost_may_come_in_millionths(void **state)
{
    (void)state;
    begin("api_request");
    made_int(&made, "cost_usd_micros", 42100);
    struct normalized *normalized = normalize();
    assert_true(normalized_value(normalized, "agent.cost.usd")->number == 0.0421);
    check_bool(normalized, "agent.cost.estimated", true);
    normalized_destroy(normalized);
}

static void check_refusal(bool hop, int64_t severity)
{
    begin("api_refusal");
    made_bool(&made, "server_fallback_hop", hop);
    made_int(&made, "status_code", 200);
    struct normalized *normalized = normalize();
    check_text(normalized, "agent.outcome", "failure");
    check_bool(normalized, "agent.model.refused", true);
    check_int(normalized, "agent.severity", severity);
    normalized_destroy(normalized);
}

static void test_refusal_is_a_failure_and_a_hop_a_quiet_one(void **state)
{
    (void)state;
    check_refusal(false, 13);
    check_refusal(true, 9);
}

static void test_weight_of_the_last_request_is_no_usage(void **state)
{
    (void)state;
    begin("subagent_completed");
    made_text(&made, "agent_type", "reviewer");
    made_text(&made, "total_tokens", "940");
    struct normalized *normalized = normalize();
    check_text(normalized, "gen_ai.agent.name", "reviewer");
    check_absent(normalized, "agent.usage.total_tokens");
    check_absent(normalized, "gen_ai.usage.input_tokens");
    normalized_destroy(normalized);
}

/* --- Tools -------------------------------------------------------------------------------------
 */

static struct normalized *normalize_tool(const char *tool, const char *input,
                                         const char *parameters)
{
    begin("tool_result");
    made_text(&made, "tool_name", tool);
    if (input != NULL)
        made_text(&made, "tool_input", input);
    if (parameters != NULL)
        made_text(&made, "tool_parameters", parameters);
    return normalize();
}

static void test_longer_command_counts(void **state)
{
    (void)state;
    struct normalized *normalized = normalize_tool(
        "Bash", "{\"command\":\"ls -la | so\",\"run_in_background\":true}",
        "{\"bash_command\":\"ls\",\"full_command\":\"ls -la | sort\",\"timeout\":\"500\"}");
    check_text(normalized, "process.command_line", "ls -la | sort");
    check_int(normalized, "agent.command.timeout_ms", 500);
    check_bool(normalized, "agent.command.background", true);
    check_absent(normalized, "agent.command.sandboxed");
    normalized_destroy(normalized);
    normalized = normalize_tool("Bash", "{\"command\":\"ls -la | sort\"}",
                                "{\"full_command\":\"ls\",\"dangerouslyDisableSandbox\":true}");
    check_text(normalized, "process.command_line", "ls -la | sort");
    check_bool(normalized, "agent.command.sandboxed", false);
    normalized_destroy(normalized);
}

static void test_arguments_that_are_cut_or_rubbish_yield_what_they_have(void **state)
{
    (void)state;
    struct normalized *normalized =
        normalize_tool("Edit", "{\"file_path\":\"/a\\u002fb\",\"old_string\":\"cut he", NULL);
    check_text(normalized, "file.path", "/a/b");
    check_text(normalized, "agent.file.operation", "update");
    normalized_destroy(normalized);
    normalized = normalize_tool("Bash", "not json", "[1]");
    check_absent(normalized, "process.command_line");
    check_absent(normalized, "agent.event.facets");
    check_text(normalized, "agent.tool.category", "shell");
    normalized_destroy(normalized);
}

static void test_command_that_cannot_be_read_is_listed(void **state)
{
    (void)state;
    struct normalized *normalized = normalize_tool("Bash", "{\"command\":[\"ls\"]}", NULL);
    check_absent(normalized, "process.command_line");
    assert_true(normalized_lists_error(normalized, "tool_input"));
    normalized_destroy(normalized);
}

static void test_servers_and_tools_are_split(void **state)
{
    (void)state;
    struct normalized *normalized = normalize_tool("mcp__my_files__read__all", NULL, NULL);
    check_text(normalized, "agent.mcp.server.name", "my_files");
    check_text(normalized, "agent.mcp.tool.name", "read__all");
    check_text(normalized, "gen_ai.tool.name", "mcp__my_files__read__all");
    check_text(normalized, "agent.tool.category", "mcp");
    normalized_destroy(normalized);
    normalized = normalize_tool("mcp_tool", NULL,
                                "{\"mcp_server_name\":\"tickets\",\"mcp_tool_name\":\"create\"}");
    check_text(normalized, "agent.mcp.server.name", "tickets");
    check_text(normalized, "agent.mcp.tool.name", "create");
    check_text(normalized, "agent.tool.origin", "mcp");
    normalized_destroy(normalized);
    normalized = normalize_tool("mcp__", NULL, NULL);
    check_absent(normalized, "agent.mcp.server.name");
    normalized_destroy(normalized);
}

static void test_unknown_tool_is_other(void **state)
{
    (void)state;
    struct normalized *normalized = normalize_tool("Teleport", NULL, NULL);
    check_text(normalized, "agent.tool.category", "other");
    check_text(normalized, "agent.tool.origin", "unknown");
    check_text(normalized, "agent.outcome", "unknown");
    normalized_destroy(normalized);
}

/* --- Names of the sender under our prefix --------------------------------------------------------
 */

static void test_names_of_the_sender_are_never_ours(void **state)
{
    (void)state;
    begin("api_request");
    made_text(&made, "agent.name", "reviewer");
    made_text(&made, "agent.source", "plugin");
    struct normalized *normalized = normalize();
    assert_null(record_text_find(&normalized->ours, "agent.name"));
    assert_null(record_text_find(&normalized->ours, "agent.norm.agent.name"));
    assert_null(record_text_find(&normalized->ours, "agent.source"));
    check_text(normalized, "gen_ai.agent.name", "reviewer");
    check_text(normalized, "agent.role", "subagent");
    check_absent(normalized, "agent.norm.errors");
    normalized_destroy(normalized);
}

static void test_user_id_is_told_for_what_it_is(void **state)
{
    (void)state;
    begin("user_prompt");
    made_text(&made, "user.id", "5f0c");
    struct normalized *normalized = normalize();
    check_text(normalized, "agent.user.id.kind", "installation");
    normalized_destroy(normalized);
    made_text(&made, "identity.source", "gateway-oidc");
    normalized = normalize();
    check_text(normalized, "agent.user.id.kind", "idp");
    normalized_destroy(normalized);
}

static void test_words_outside_a_closed_list_are_not_taken_over(void **state)
{
    (void)state;
    begin("mcp_server_connection");
    made_text(&made, "status", "confused");
    made_text(&made, "transport_type", "carrier-pigeon");
    made_text(&made, "server_scope", "dynamic");
    struct normalized *normalized = normalize();
    check_absent(normalized, "agent.mcp.connection.state");
    check_absent(normalized, "network.transport");
    check_absent(normalized, "agent.mcp.server.scope");
    check_text(normalized, "agent.outcome", "unknown");
    normalized_destroy(normalized);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_short_name_counts_as_the_full_one),
        TEST(test_body_tells_dialect_and_name),
        TEST(test_event_name_of_the_record_tells_dialect),
        TEST(test_short_name_alone_is_nobodys),
        TEST(test_unknown_event_is_other),
        TEST(test_overlong_name_is_cut),
        TEST(test_decisions_are_translated),
        TEST(test_config_does_not_say_that_nobody_was_asked),
        TEST(test_decision_behind_a_result_does_not_tell_its_outcome),
        TEST(test_input_tokens_are_the_sum),
        TEST(test_impossible_tokens_are_no_sum),
        TEST(test_cost_may_come_in_millionths),
        TEST(test_refusal_is_a_failure_and_a_hop_a_quiet_one),
        TEST(test_weight_of_the_last_request_is_no_usage),
        TEST(test_longer_command_counts),
        TEST(test_arguments_that_are_cut_or_rubbish_yield_what_they_have),
        TEST(test_command_that_cannot_be_read_is_listed),
        TEST(test_servers_and_tools_are_split),
        TEST(test_unknown_tool_is_other),
        TEST(test_names_of_the_sender_are_never_ours),
        TEST(test_user_id_is_told_for_what_it_is),
        TEST(test_words_outside_a_closed_list_are_not_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
