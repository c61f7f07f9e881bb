/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_test.c -- records of Gemini CLI and Qwen Code, each oddity of their JavaScript by itself,
 * what is in the arguments of calls, and the other events.  Whole sessions are in golden_test.c.
 * Records of what could not be recorded (hooks, sub-agents, verdicts) are made from the documented
 * fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/gemini_fixture.h"
#include "support/record_text.h"

/* --- Values of JavaScript ------------------------------------------------------------------ */

static void test_empty_values_are_no_values(void **state)
{
    (void)state;
    gemini_make_call("read_file");
    made_bool(&gemini.made, "success", true);
    made_nothing(&gemini.made, "decision");
    made_nothing(&gemini.made, "mcp_server_name");
    made_nothing(&gemini.made, "error_type");
    made_nothing(&gemini.made, "metadata");
    made_nothing(&gemini.made, "duration_ms");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.outcome", "success");
    check_absent(normalized, "agent.decision.outcome");
    check_absent(normalized, "agent.mcp.server.name");
    check_absent(normalized, "agent.duration_ms");
    check_absent(normalized, "error.type");
    check_absent(normalized, "agent.norm.errors");
    normalized_destroy(normalized);
}

static void test_int_becomes_the_double_that_is_due(void **state)
{
    (void)state;
    gemini_make_call("read_file");
    made_int(&gemini.made, "duration_ms", 15);
    struct normalized *normalized = gemini_normalize();
    const struct any_view *value = normalized_value(normalized, "agent.duration_ms");
    assert_non_null(value);
    assert_int_equal(value->type, ANY_TYPE_DOUBLE);
    assert_true(value->number == 15);
    normalized_destroy(normalized);
}

static void test_absent_severity_follows_the_outcome(void **state)
{
    (void)state;
    gemini_make_call("read_file");
    made_bool(&gemini.made, "success", false);
    made_text(&gemini.made, "error_type", "file_not_found");
    struct normalized *normalized = gemini_normalize();
    assert_int_equal(normalized->whole.severity_number, 17);
    check_int(normalized, "agent.severity", 17);
    normalized_destroy(normalized);
}

static void append_entry(struct buf *list, const char *key, int64_t number)
{
    struct made_record entry; /* only its last attribute is wanted */
    struct error err;
    made_init(&entry);
    made_int(&entry, key, number);
    struct pb_walk walk = pb_walk_start(buf_slice(&entry.bytes));
    struct pb_field field;
    assert_int_equal(pb_next(&walk, &field), PB_FIELD);
    uint8_t tag[16];
    uint8_t *end = pb_put_bytes(tag, 1, SLICE_EMPTY);
    tag[end - tag - 1] = (uint8_t)field.bytes.size; /* short enough for one byte */
    assert_int_equal(buf_append(list, tag, (size_t)(end - tag), &err), ST_OK);
    assert_int_equal(buf_append(list, field.bytes.data, field.bytes.size, &err), ST_OK);
    made_fini(&entry);
}

/* The attribute `metadata` as a list of key and value. */
static void put_metadata_list(const char *const *keys, const int64_t *numbers, size_t count)
{
    struct buf list, value, attribute;
    struct error err;
    uint8_t head[32];
    buf_init(&list, 4096);
    buf_init(&value, 4096);
    buf_init(&attribute, 4096);
    for (size_t i = 0; i < count; i++)
        append_entry(&list, keys[i], numbers[i]);
    assert_true(list.size < 128);
    const uint8_t any[] = {ANY_KVLIST << 3 | 2, (uint8_t)list.size};
    assert_int_equal(buf_append(&value, any, sizeof(any), &err), ST_OK);
    assert_int_equal(buf_append(&value, list.data, list.size, &err), ST_OK);
    uint8_t *end = pb_put_bytes(head, 1, SLICE("metadata"));
    assert_int_equal(buf_append(&attribute, head, (size_t)(end - head), &err), ST_OK);
    const uint8_t second[] = {2 << 3 | 2, (uint8_t)value.size, 0};
    assert_true(value.size < 128);
    assert_int_equal(buf_append(&attribute, second, 2, &err), ST_OK);
    assert_int_equal(buf_append(&attribute, value.data, value.size, &err), ST_OK);
    made_field(&gemini.made, RECORD_ATTRIBUTES, buf_slice(&attribute));
    buf_fini(&list);
    buf_fini(&value);
    buf_fini(&attribute);
}

static void test_metadata_is_read_as_list_and_as_text(void **state)
{
    static const char *const keys[] = {"model_added_lines", "model_removed_lines"};
    static const int64_t numbers[] = {4, 2};
    (void)state;
    qwen_make_call("edit");
    made_text(&gemini.made, "function_args", "{\"file_path\":\"/w/a.js\"}");
    made_bool(&gemini.made, "success", true);
    put_metadata_list(keys, numbers, COUNT_OF(keys));
    struct normalized *normalized = gemini_normalize();
    check_int(normalized, "agent.file.lines_added", 4);
    check_int(normalized, "agent.file.lines_removed", 2);
    normalized_destroy(normalized);

    gemini_make_call("write_file");
    made_text(&gemini.made, "function_args", "{\"file_path\":\"/w/a.js\",\"content\":\"x\"}");
    made_bool(&gemini.made, "success", true);
    made_text(&gemini.made, "metadata",
              "{\n  \"model_added_lines\": 4,\n  \"model_removed_lines\": 2,\n"
              "  \"user_added_lines\": 1,\n  \"user_removed_lines\": 0\n}");
    normalized = gemini_normalize();
    check_int(normalized, "agent.file.lines_added", 5);
    check_int(normalized, "agent.file.lines_removed", 2);
    check_text(normalized, "agent.file.operation", "update");
    normalized_destroy(normalized);
}

static void test_impossible_counts_of_lines_are_not_believed(void **state)
{
    (void)state;
    gemini_make_call("replace");
    made_text(&gemini.made, "function_args", "{\"file_path\":\"/w/a.js\"}");
    made_bool(&gemini.made, "success", true);
    made_text(&gemini.made, "metadata",
              "{\"model_added_lines\":9223372036854775807,\"user_added_lines\":1,"
              "\"model_removed_lines\":-3}");
    struct normalized *normalized = gemini_normalize();
    check_absent(normalized, "agent.file.lines_added");
    check_absent(normalized, "agent.file.lines_removed");
    check_text(normalized, "agent.outcome", "success");
    normalized_destroy(normalized);
}

/* --- Facets -------------------------------------------------------------------------------- */

static void check_address(const char *arguments, const char *host, int64_t port)
{
    gemini_make_call("web_fetch");
    made_text(&gemini.made, "function_args", arguments);
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "url.domain", host);
    check_text(normalized, "server.address", host);
    check_int(normalized, "server.port", port);
    normalized_destroy(normalized);
}

static void test_address_is_found_in_the_arguments(void **state)
{
    (void)state;
    check_address("{\"prompt\":\"Send it to (http://a.example/up), please\"}", "a.example", 80);
    check_address("{\"prompt\":\"See [http://e.example:81]\"}", "e.example", 81);
    check_address("{\"url\":\"https://me:pw@b.example:8443/x?y=http://c\",\"prompt\":\"z\"}",
                  "b.example", 8443);
    check_address("{\"url\":\"https://[::1]/\"}", "::1", 443);
    check_address("{\"url\":\"http://[::1]:81\"}", "::1", 81);
    check_address("{\"url\":\"http://c.example:99999/\"}", "c.example", 80);
    check_address("{\"url\":\"http://d.example\\u0000.evil/\"}", "d.example", 80);
}

static void test_text_without_an_address_has_no_facet(void **state)
{
    static const char *const arguments[] = {"{\"prompt\":\"nothing\"}", "{\"url\":\"http://\"}",
                                            "{\"url\":7}", "http://a.example", ""};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(arguments); i++) {
        gemini_make_call("web_fetch");
        made_text(&gemini.made, "function_args", arguments[i]);
        struct normalized *normalized = gemini_normalize();
        check_absent(normalized, "url.full");
        check_absent(normalized, "agent.event.facets");
        normalized_destroy(normalized);
    }
}

static void check_mcp(const char *scope, const char *name, const char *server, const char *expected,
                      const char *tool)
{
    gemini_make_event(scope, strcmp(scope, "gemini-cli") == 0 ? "gemini_cli.tool_call"
                                                              : "qwen-code.tool_call");
    made_text(&gemini.made, "function_name", name);
    made_text(&gemini.made, "tool_type", "mcp");
    if (server != NULL)
        made_text(&gemini.made, "mcp_server_name", server);
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.tool.category", "mcp");
    check_text(normalized, "agent.tool.origin", "mcp");
    check_text(normalized, "agent.mcp.server.name", expected);
    check_text(normalized, "agent.mcp.tool.name", tool);
    check_text(normalized, "mcp.method.name", "tools/call");
    check_text(normalized, "gen_ai.tool.name", name);
    normalized_destroy(normalized);
}

static void test_name_of_an_mcp_tool_is_taken_apart(void **state)
{
    (void)state;
    check_mcp("gemini-cli", "mcp_my_desk_look_up", "my_desk", "my_desk", "look_up");
    check_mcp("gemini-cli", "mcp_my_desk_look_up", NULL, "", ""); /* where it parts is not said */
    check_mcp("qwen-code", "mcp__my_desk__look_up", "my_desk", "my_desk", "look_up");
    check_mcp("qwen-code", "mcp__my_desk__look_up", NULL, "my_desk", "look_up");
    check_mcp("gemini-cli", "look_up", "desk", "desk", "look_up");
}

static void test_tools_have_their_categories(void **state)
{
    static const struct {
        const char *tool, *category, *origin;
    } known[] = {
        {"run_shell_command", "shell", "builtin"}, {"read_many_files", "file_read", "builtin"},
        {"write_file", "file_write", "builtin"},   {"replace", "file_edit", "builtin"},
        {"notebook_edit", "file_edit", "builtin"}, {"grep_search", "search", "builtin"},
        {"web_fetch", "web_fetch", "builtin"},     {"google_web_search", "web_search", "builtin"},
        {"invoke_agent", "subagent", "builtin"},   {"team_start", "subagent", "builtin"},
        {"activate_skill", "skill", "builtin"},    {"exit_plan_mode", "planning", "builtin"},
        {"tracker_create", "planning", "builtin"}, {"todo_write", "planning", "builtin"},
        {"ask_user", "ask_user", "builtin"},       {"read_mcp_resource", "mcp", "builtin"},
        {"does_not_exist", "other", "unknown"},    {"", "other", "unknown"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        gemini_make_call(known[i].tool);
        struct normalized *normalized = gemini_normalize();
        check_text(normalized, "agent.tool.category", known[i].category);
        check_text(normalized, "agent.tool.origin", known[i].origin);
        normalized_destroy(normalized);
    }
}

/* --- Models, prompts, versions ------------------------------------------------------------- */

static void make_usage(const char *scope, const char *name)
{
    gemini_make_event(scope, name);
    made_int(&gemini.made, "input_token_count", 1234);
    made_int(&gemini.made, "output_token_count", 87);
    made_int(&gemini.made, "cached_content_token_count", 512);
    made_int(&gemini.made, "thoughts_token_count", 23);
    made_int(&gemini.made, "total_token_count", 1344);
}

static void test_thoughts_count_as_output_where_the_sender_left_them_out(void **state)
{
    (void)state;
    make_usage("gemini-cli", "gemini_cli.api_response");
    struct normalized *normalized = gemini_normalize();
    check_int(normalized, "gen_ai.usage.output_tokens", 110);
    check_int(normalized, "gen_ai.usage.reasoning.output_tokens", 23);
    check_int(normalized, "gen_ai.usage.cache_read.input_tokens", 512);
    check_int(normalized, "agent.usage.total_tokens", 1344);
    check_absent(normalized, "agent.usage.duplicate");
    normalized_destroy(normalized);
    make_usage("qwen-code", "qwen-code.api_response");
    made_int(&gemini.made, "ttft_ms", 250);
    normalized = gemini_normalize();
    check_int(normalized, "gen_ai.usage.output_tokens", 87);
    assert_true(normalized_value(normalized, "gen_ai.response.time_to_first_chunk")->number ==
                0.25);
    normalized_destroy(normalized);
}

static void check_twin(const char *scope, const char *key, const char *phase, const char *outcome)
{
    gemini_make_event(scope, "gen_ai.client.inference.operation.details");
    if (key != NULL)
        made_text(&gemini.made, key, "x");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.event.phase", phase);
    check_text(normalized, "agent.outcome", outcome);
    check_bool(normalized, "agent.usage.duplicate", true);
    normalized_destroy(normalized);
}

static void test_twin_of_a_request_is_a_duplicate(void **state)
{
    static const char *const scopes[] = {"gemini-cli", "qwen-code"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scopes); i++) {
        check_twin(scopes[i], NULL, "start", "pending");
        check_twin(scopes[i], "gen_ai.response.id", "end", "success");
        check_twin(scopes[i], "gen_ai.response.model", "end", "unknown");
    }
}

static void test_sum_of_tokens_that_overflows_is_an_error(void **state)
{
    (void)state;
    gemini_make_event("gemini-cli", "gemini_cli.api_response");
    made_int(&gemini.made, "output_token_count", INT64_MAX);
    made_int(&gemini.made, "thoughts_token_count", 1);
    struct normalized *normalized = gemini_normalize();
    check_absent(normalized, "gen_ai.usage.output_tokens");
    assert_true(normalized_lists_error(normalized, "output_token_count"));
    normalized_destroy(normalized);
}

static void test_provider_of_qwen_is_that_of_its_login(void **state)
{
    (void)state;
    gemini_make_event("qwen-code", "qwen-code.auth");
    made_text(&gemini.made, "auth_type", "openai");
    made_text(&gemini.made, "status", "success");
    gemini_drop();
    gemini_make_event("qwen-code", "qwen-code.api_request");
    made_text(&gemini.made, "model", "m");
    made_text(&gemini.made, "subagent_name", "Explore");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "gen_ai.provider.name", "openai");
    check_text(normalized, "gen_ai.agent.name", "Explore");
    check_text(normalized, "agent.role", "subagent");
    check_text(normalized, "agent.outcome", "pending");
    normalized_destroy(normalized);
}

static void test_prompt_left_out_is_redacted_by_the_source(void **state)
{
    (void)state;
    gemini_make_event("gemini-cli", "gemini_cli.user_prompt");
    made_int(&gemini.made, "prompt_length", 90);
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.content.state", "redacted_by_source");
    normalized_destroy(normalized);
}

/* A request of one record whose resource says service.version 1.2.3. */
static struct normalized *normalize_with_version(const char *name)
{
    static const uint8_t resource_logs[] = "\x0a\x1f\x0a\x1d\x0a\x0fservice.version\x12\x0a"
                                           "\x0a\x08v1.2.3-4";
    const struct record_group group = {.resource_logs_fields =
                                           slice_of(resource_logs, sizeof(resource_logs) - 1)};
    struct error err;
    gemini_make_event(NULL, name);
    const struct normalize_input input = {.record = buf_slice(&gemini.made.bytes),
                                          .transport = TRANSPORT_OTLP_GRPC,
                                          .received_unix_nano = 1};
    assert_int_equal(normalizer_set_group(gemini.normalizer, &group, &err), ST_OK);
    return normalized_make(gemini.normalizer, &input);
}

static void test_version_of_the_resource_is_believed_of_qwen_only(void **state)
{
    (void)state;
    struct normalized *normalized = normalize_with_version("qwen-code.user_prompt");
    check_text(normalized, "agent.product", "qwen_code");
    check_text(normalized, "agent.product.version", "v1.2.3-4");
    normalized_destroy(normalized);
    normalized = normalize_with_version("gemini_cli.user_prompt");
    check_text(normalized, "agent.product", "gemini_cli");
    check_absent(normalized, "agent.product.version");
    normalized_destroy(normalized);
}

/* --- Other events -------------------------------------------------------------------------- */

static void test_ends_of_subagents_are_told_apart(void **state)
{
    static const struct {
        const char *reason, *outcome;
    } ends[] = {{"GOAL", "success"},      {"TIMEOUT", "timeout"}, {"ABORTED", "cancelled"},
                {"MAX_TURNS", "failure"}, {"ERROR", "failure"},   {"", "unknown"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        gemini_make_event("gemini-cli", "gemini_cli.agent.finish");
        made_text(&gemini.made, "agent_name", "investigator");
        made_text(&gemini.made, "terminate_reason", ends[i].reason);
        struct normalized *normalized = gemini_normalize();
        check_text(normalized, "agent.outcome", ends[i].outcome);
        check_text(normalized, "agent.role", "subagent");
        normalized_destroy(normalized);
    }
    gemini_make_event("qwen-code", "qwen-code.subagent_execution");
    made_text(&gemini.made, "subagent_name", "Explore");
    made_text(&gemini.made, "status", "started");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.event.phase", "start");
    check_text(normalized, "gen_ai.agent.name", "Explore");
    normalized_destroy(normalized);
}

static void check_event(const char *scope, const char *name, const char *kind, const char *outcome)
{
    gemini_make_event(scope, name);
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.event.kind", kind);
    check_text(normalized, "agent.outcome", outcome);
    normalized_destroy(normalized);
}

static void test_names_without_prefix_are_known_by_their_scope(void **state)
{
    (void)state;
    check_event("gemini-cli", "loop_detected", "agent.error", "failure");
    check_event("gemini-cli", "end_session", "agent.session", "success");
    check_event("qwen-code", "session.start", "agent.session", "success");
    check_event("gemini-cli", "gemini_cli.edit_strategy", "agent.other", "unknown");
    check_event("qwen-code", "qwen-code.api_cancel", "agent.model", "cancelled");
    check_event("gemini-cli", "gemini_cli.chat_compression", "agent.context", "success");
    check_event("gemini-cli", "gemini_cli.extension_install", "agent.extension", "success");
}

static void test_blocked_inner_address_is_a_denial_of_the_network(void **state)
{
    (void)state;
    gemini_make_event("gemini-cli", "gemini_cli.web_fetch_fallback_attempt");
    made_text(&gemini.made, "reason", "private_ip_skipped");
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.event.kind", "agent.network");
    check_text(normalized, "agent.outcome", "denied");
    check_text(normalized, "agent.classification", "heuristic");
    normalized_destroy(normalized);
    gemini_make_event("gemini-cli", "gemini_cli.web_fetch_fallback_attempt");
    made_text(&gemini.made, "reason", "primary_failed");
    normalized = gemini_normalize();
    check_text(normalized, "agent.event.kind", "agent.other");
    normalized_destroy(normalized);
}

static void test_hook_and_verdict_are_told(void **state)
{
    (void)state;
    gemini_make_event("gemini-cli", "gemini_cli.hook_call");
    made_text(&gemini.made, "hook_event_name", "BeforeTool");
    made_bool(&gemini.made, "success", false);
    made_int(&gemini.made, "exit_code", 2);
    struct normalized *normalized = gemini_normalize();
    check_text(normalized, "agent.hook.event", "BeforeTool");
    check_int(normalized, "process.exit.code", 2);
    check_text(normalized, "agent.outcome", "failure");
    normalized_destroy(normalized);
    gemini_make_event("gemini-cli", "gemini_cli.conseca.verdict");
    made_text(&gemini.made, "verdict", "DENY");
    made_text(&gemini.made, "verdict_rationale", "it sends a secret");
    normalized = gemini_normalize();
    check_text(normalized, "agent.event.kind", "agent.review");
    check_text(normalized, "agent.decision.outcome", "deny");
    check_text(normalized, "agent.decision.source", "auto_reviewer");
    check_text(normalized, "agent.review.rationale", "it sends a secret");
    normalized_destroy(normalized);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gemini_set_up, gemini_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty_values_are_no_values),
        TEST(test_int_becomes_the_double_that_is_due),
        TEST(test_absent_severity_follows_the_outcome),
        TEST(test_metadata_is_read_as_list_and_as_text),
        TEST(test_impossible_counts_of_lines_are_not_believed),
        TEST(test_address_is_found_in_the_arguments),
        TEST(test_text_without_an_address_has_no_facet),
        TEST(test_name_of_an_mcp_tool_is_taken_apart),
        TEST(test_tools_have_their_categories),
        TEST(test_thoughts_count_as_output_where_the_sender_left_them_out),
        TEST(test_twin_of_a_request_is_a_duplicate),
        TEST(test_sum_of_tokens_that_overflows_is_an_error),
        TEST(test_provider_of_qwen_is_that_of_its_login),
        TEST(test_prompt_left_out_is_redacted_by_the_source),
        TEST(test_version_of_the_resource_is_believed_of_qwen_only),
        TEST(test_ends_of_subagents_are_told_apart),
        TEST(test_names_without_prefix_are_known_by_their_scope),
        TEST(test_blocked_inner_address_is_a_denial_of_the_network),
        TEST(test_hook_and_verdict_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
