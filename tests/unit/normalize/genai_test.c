/* SPDX-License-Identifier: Apache-2.0 */
/* genai_test.c -- log records that keep to the GenAI and MCP conventions: when they are taken for
 * such, and what older names mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/made_record.h"

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

static void begin(void)
{
    made_fini(&made);
    made_init(&made);
}

static void check_dialect(const char *scope, const char *dialect)
{
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, scope);
    check_text(normalized, "agent.dialect", dialect);
    normalized_destroy(normalized);
}

static void test_key_tells_the_dialect_where_nothing_else_does(void **state)
{
    (void)state;
    made_text(&made, "gen_ai.operation.name", "chat");
    check_dialect(NULL, "genai_semconv");
    check_dialect("some.library", "genai_semconv");
    check_dialect("codex_otel.log_only", "codex_otel");
    check_dialect("opencode", "opencode_otel");
    begin();
    made_text(&made, "mcp.session.id", "s");
    check_dialect(NULL, "genai_semconv");
    begin();
    made_text(&made, "gen_ai", "x");
    made_text(&made, "mcpx.method.name", "x");
    made_text(&made, "my.gen_ai.tool.name", "x");
    check_dialect(NULL, "unknown");
    begin();
    made_text(&made, "event.name", "codex.user_prompt");
    made_text(&made, "gen_ai.tool.name", "x");
    check_dialect(NULL, "codex_otel");
}

static void test_operation_tells_the_kind(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *kind;
    } cases[] = {
        {"gen_ai.operation.name", "execute_tool", "agent.tool"},
        {"gen_ai.operation.name", "invoke_agent", "agent.subagent"},
        {"gen_ai.operation.name", "create_agent", "agent.subagent"},
        {"gen_ai.operation.name", "embeddings", "agent.model"},
        {"gen_ai.operation.name", "plan", "agent.other"},
        {"gen_ai.operation.name", "", "agent.other"},
        {"mcp.method.name", "tools/list", "agent.mcp"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin();
        made_text(&made, cases[i].key, cases[i].value);
        struct normalized *normalized = made_normalize_otlp(&made, normalizer, NULL);
        check_text(normalized, "agent.event.kind", cases[i].kind);
        normalized_destroy(normalized);
    }
}

static void test_tool_of_a_server_is_also_a_tool(void **state)
{
    (void)state;
    made_text(&made, "gen_ai.operation.name", "execute_tool");
    made_text(&made, "mcp.method.name", "tools/call");
    made_text(&made, "gen_ai.tool.name", "search");
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, NULL);
    check_text(normalized, "agent.event.kind", "agent.mcp");
    check_text(normalized, "agent.tool.category", "mcp");
    check_text(normalized, "agent.mcp.tool.name", "search");
    assert_non_null(normalized_value(normalized, "agent.event.facets"));
    normalized_destroy(normalized);
}

static void test_older_name_does_not_overrule_the_newer(void **state)
{
    (void)state;
    made_text(&made, "gen_ai.operation.name", "chat");
    made_text(&made, "gen_ai.system", "az.ai.inference");
    made_text(&made, "gen_ai.provider.name", "azure.ai.inference");
    made_int(&made, "gen_ai.usage.prompt_tokens", 1);
    made_int(&made, "gen_ai.usage.input_tokens", 2);
    made_text(&made, "gen_ai.conversation.id", "c");
    made_text(&made, "session.id", "s");
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, NULL);
    check_text(normalized, "gen_ai.provider.name", "azure.ai.inference");
    check_int(normalized, "gen_ai.usage.input_tokens", 2);
    check_text(normalized, "session.id", "s");
    normalized_destroy(normalized);
}

static void test_count_as_text_becomes_a_number(void **state)
{
    (void)state;
    made_text(&made, "gen_ai.operation.name", "chat");
    made_text(&made, "gen_ai.usage.input_tokens", "17");
    made_text(&made, "gen_ai.usage.output_tokens", "many");
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, NULL);
    check_int(normalized, "gen_ai.usage.input_tokens", 17);
    assert_true(normalized_lists_error(normalized, "gen_ai.usage.output_tokens"));
    normalized_destroy(normalized);
}

static void test_error_type_makes_a_failure(void **state)
{
    (void)state;
    made_text(&made, "gen_ai.operation.name", "execute_tool");
    made_text(&made, "error.type", "timeout");
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, NULL);
    check_text(normalized, "agent.outcome", "failure");
    check_int(normalized, "agent.severity", 17);
    normalized_destroy(normalized);
}

static void test_evaluation_is_a_verdict_without_effect(void **state)
{
    (void)state;
    static const struct {
        const char *label, *outcome;
    } cases[] = {{"pass", "allow"}, {"FAIL", "deny"}, {"block", "deny"}, {"0.3", "unknown"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin();
        made_field(&made, RECORD_EVENT_NAME, SLICE("gen_ai.evaluation.result"));
        made_text(&made, "gen_ai.evaluation.score.label", cases[i].label);
        struct normalized *normalized = made_normalize_otlp(&made, normalizer, NULL);
        check_text(normalized, "agent.event.kind", "agent.review");
        check_text(normalized, "agent.decision.outcome", cases[i].outcome);
        check_text(normalized, "agent.outcome", "unknown");
        check_absent(normalized, "agent.decision.effect");
        normalized_destroy(normalized);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_key_tells_the_dialect_where_nothing_else_does, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_operation_tells_the_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tool_of_a_server_is_also_a_tool, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_older_name_does_not_overrule_the_newer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_count_as_text_becomes_a_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_error_type_makes_a_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_evaluation_is_a_verdict_without_effect, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
