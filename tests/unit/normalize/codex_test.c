/* SPDX-License-Identifier: Apache-2.0 */
/* codex_test.c -- the corners of Codex's records that the recorded sessions do not show, or show
 * among much else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/codex_fixture.h"
#include "support/record_text.h"

/* --- Finding the dialect ------------------------------------------------------------------- */

static void test_scope_tells_the_dialect(void **state)
{
    (void)state;
    struct normalized *normalized =
        made_normalize_otlp(&codex.made, codex.normalizer, "codex_otel::metrics");
    check_text(normalized, "agent.dialect", "codex_otel");
    check_text(normalized, "agent.product", "codex");
    check_text(normalized, "agent.event.kind", "agent.other");
    normalized_destroy(normalized);
}

static void test_event_name_tells_the_dialect(void **state)
{
    (void)state;
    codex_make_event("codex.user_prompt", "c1");
    struct normalized *normalized = made_normalize_otlp(&codex.made, codex.normalizer, "renamed");
    check_text(normalized, "agent.dialect", "codex_otel");
    check_text(normalized, "agent.event.kind", "agent.prompt");
    normalized_destroy(normalized);
}

static void test_one_group_does_not_rub_off_on_the_next(void **state)
{
    (void)state;
    normalized_destroy(made_normalize_otlp(&codex.made, codex.normalizer, CODEX_SCOPE));
    struct normalized *normalized = made_normalize_otlp(&codex.made, codex.normalizer, "another");
    check_text(normalized, "agent.dialect", "unknown");
    normalized_destroy(normalized);
}

static void test_noise_without_a_name_is_other(void **state)
{
    (void)state;
    static const uint8_t body[] = "\x0a\x15"
                                  "flushing OTEL metrics";
    made_uint(&codex.made, RECORD_SEVERITY_NUMBER, 5);
    made_field(&codex.made, RECORD_BODY, slice_of(body, sizeof(body) - 1));
    made_field(&codex.made, RECORD_EVENT_NAME, SLICE("event otel/src/metrics/client.rs:324"));
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.event.kind", "agent.other");
    check_text(normalized, "agent.dialect.event", "unknown");
    assert_int_equal(normalized->ours.event_name.size, 0);
    assert_int_equal(normalized->whole.severity_number, 5);
    normalized_destroy(normalized);
}

static void test_unknown_event_of_the_dialect_is_other(void **state)
{
    (void)state;
    codex_make_event("codex.brand_new", "c1");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.event.kind", "agent.other");
    check_text(normalized, "agent.dialect.event", "codex.brand_new");
    check_text(normalized, "gen_ai.conversation.id", "c1");
    normalized_destroy(normalized);
}

/* --- Decisions ------------------------------------------------------------------------------- */

static void test_decisions_are_translated(void **state)
{
    (void)state;
    static const struct {
        const char *decision, *outcome, *scope, *result;
    } cases[] = {
        {"approved", "allow", "once", "success"},
        {"Approved_For_Session", "allow", "session", "success"},
        {"approved_execpolicy_amendment", "allow", "rule_added", "success"},
        {"network_policy_amendment", "unknown", "rule_added", "unknown"},
        {"denied", "deny", "once", "denied"},
        {"timed_out", "timeout", "once", "timeout"},
        {"abort", "abort", "once", "cancelled"},
        {"shrugged", "unknown", "unknown", "unknown"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        codex_make_event("codex.tool_decision", "c1");
        made_text(&codex.made, "decision", cases[i].decision);
        made_text(&codex.made, "source", "AutomatedReviewer");
        struct normalized *normalized = codex_normalize();
        check_text(normalized, "agent.decision.outcome", cases[i].outcome);
        check_text(normalized, "agent.decision.scope", cases[i].scope);
        check_text(normalized, "agent.outcome", cases[i].result);
        check_text(normalized, "agent.decision.source", "auto_reviewer");
        check_bool(normalized, "agent.decision.automated", true);
        normalized_destroy(normalized);
    }
}

static void make_network(const char *server, const char *client, const char *mechanism)
{
    codex_make_event("codex.network_proxy.policy_decision", "c1");
    made_text(&codex.made, "network.policy.decision", "ask");
    made_text(&codex.made, "network.policy.source", "decider");
    made_text(&codex.made, "network.transport.protocol", mechanism);
    made_text(&codex.made, "server.address", server);
    made_int(&codex.made, "server.port", 0);
    made_text(&codex.made, "http.request.method", "none");
    made_text(&codex.made, "client.address", client);
}

static void check_client(const char *client, const char *address, int64_t port)
{
    make_network("example.com", client, "http");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "client.address", address);
    if (port >= 0)
        check_int(normalized, "client.port", port);
    else
        check_absent(normalized, "client.port");
    normalized_destroy(normalized);
}

static void test_client_address_is_split_from_its_port(void **state)
{
    (void)state;
    check_client("127.0.0.1:48548", "127.0.0.1", 48548);
    check_client("[::1]:48548", "::1", 48548);
    check_client("::1", "::1", -1);
    check_client("fe80::1:48548", "fe80::1:48548", -1);
    check_client("127.0.0.1", "127.0.0.1", -1);
    check_client("127.0.0.1:99999", "127.0.0.1:99999", -1);
    check_client(":80", ":80", -1);
}

static void test_sentinels_of_the_proxy_are_no_values(void **state)
{
    (void)state;
    make_network("unix-socket", "unknown", "http");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.network.target_kind", "unix_socket");
    check_text(normalized, "network.transport", "unix");
    assert_null(record_text_find(&normalized->ours, "agent.norm.client.address"));
    check_absent(normalized, "client.port");
    check_text(normalized, "agent.outcome", "pending");
    check_text(normalized, "agent.decision.effect", "pending");
    check_text(normalized, "agent.decision.source", "unknown");
    check_absent(normalized, "agent.decision.automated");
    check_int(normalized, "agent.severity", 9);
    normalized_destroy(normalized);
}

static void test_datagram_proxy_is_udp(void **state)
{
    (void)state;
    make_network("example.com", "unknown", "socks5_udp");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.network.mechanism", "socks5_udp");
    check_text(normalized, "network.transport", "udp");
    normalized_destroy(normalized);
}

static void test_review_without_verdict_tells_why(void **state)
{
    (void)state;
    codex_make_event("codex.guardian_assessment", "c1");
    made_text(&codex.made, "status", "timed_out");
    made_text(&codex.made, "risk_level", "CRITICAL");
    made_int(&codex.made, "started_at_ms", 2000);
    made_int(&codex.made, "completed_at_ms", 1000);
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.decision.outcome", "timeout");
    check_text(normalized, "agent.outcome", "timeout");
    check_text(normalized, "agent.review.risk_level", "critical");
    check_int(normalized, "agent.severity", 21);
    check_absent(normalized, "agent.duration_ms"); /* the clock went back */
    normalized_destroy(normalized);
}

/* --- The model, prompts ------------------------------------------------------------------------
 */

static void test_usage_is_told_once_a_request(void **state)
{
    (void)state;
    codex_make_event("codex.sse_event", "c1");
    made_text(&codex.made, "event.kind", "response.completed");
    made_text(&codex.made, "duration_ms", "3");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.event.kind", "agent.other");
    normalized_destroy(normalized);

    made_text(&codex.made, "input_token_count", "120");
    made_text(&codex.made, "output_token_count", "30");
    made_int(&codex.made, "cached_token_count", 100);
    made_text(&codex.made, "tool_token_count", "150");
    made_int(&codex.made, "ttft_ms", 250);
    normalized = codex_normalize();
    check_text(normalized, "agent.event.kind", "agent.model");
    check_int(normalized, "gen_ai.usage.input_tokens", 120);
    check_int(normalized, "gen_ai.usage.output_tokens", 30);
    check_int(normalized, "gen_ai.usage.cache_read.input_tokens", 100);
    check_int(normalized, "agent.usage.total_tokens", 150);
    assert_true(normalized_value(normalized, "gen_ai.response.time_to_first_chunk")->number ==
                0.25);
    normalized_destroy(normalized);
}

static void test_number_that_is_none_is_listed(void **state)
{
    (void)state;
    codex_make_event("codex.sse_event", "c1");
    made_text(&codex.made, "event.kind", "response.completed");
    made_text(&codex.made, "input_token_count", "lots");
    struct normalized *normalized = codex_normalize();
    check_absent(normalized, "gen_ai.usage.input_tokens");
    assert_true(normalized_lists_error(normalized, "input_token_count"));
    normalized_destroy(normalized);
}

static void test_failed_request_is_a_failure(void **state)
{
    (void)state;
    codex_make_event("codex.api_request", "c1");
    made_int(&codex.made, "http.response.status_code", 429);
    made_int(&codex.made, "attempt", 2);
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.outcome", "failure");
    check_text(normalized, "error.type", "429");
    check_int(normalized, "agent.model.attempt", 3);
    check_int(normalized, "agent.severity", 17);
    normalized_destroy(normalized);
}

static void test_redacted_prompt_is_called_so(void **state)
{
    (void)state;
    codex_make_event("codex.user_prompt", "c1");
    made_text(&codex.made, "prompt", "[REDACTED]");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.content.state", "redacted_by_source");
    normalized_destroy(normalized);
}

/* --- Threads of the agent ----------------------------------------------------------------------
 */

#define TRACE_OF_PARENT   SLICE("0123456789abcdef")
#define TRACE_OF_REVIEWER SLICE("fedcba9876543210")

static void make_prompt(const char *conversation, struct slice trace)
{
    codex_make_event("codex.user_prompt", conversation);
    made_field(&codex.made, RECORD_TRACE_ID, trace);
    normalized_destroy(codex_normalize());
}

static void check_thread(const char *conversation, const char *role, const char *session)
{
    codex_make_event("codex.api_request", conversation);
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.role", role);
    check_text(normalized, "session.id", session);
    check_text(normalized, "gen_ai.conversation.id", conversation);
    normalized_destroy(normalized);
}

static void test_thread_begun_in_the_trace_of_a_turn_is_its_child(void **state)
{
    (void)state;
    make_prompt("parent", TRACE_OF_PARENT);
    codex_make_event("codex.conversation_starts", "child");
    made_text(&codex.made, "reasoning_summary", "none");
    made_field(&codex.made, RECORD_TRACE_ID, TRACE_OF_PARENT);
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.role", "subagent");
    check_text(normalized, "agent.parent.conversation.id", "parent");
    check_text(normalized, "agent.classification", "heuristic");
    normalized_destroy(normalized);
    check_thread("child", "subagent", "parent");
    check_thread("parent", "unknown", "parent");
}

static void test_result_of_spawning_names_the_child(void **state)
{
    (void)state;
    codex_make_event("codex.tool_result", "parent");
    made_text(&codex.made, "tool_name", "spawn_agent");
    made_text(&codex.made, "tool_namespace", "multi_agent_v1");
    made_text(&codex.made, "agent_name", "/root");
    made_text(&codex.made, "output", "{\"agent_id\":\"child\",\"nickname\":\"Faraday\"}");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.tool.category", "subagent");
    check_text(normalized, "agent.role", "main");
    normalized_destroy(normalized);
    check_thread("child", "subagent", "parent");
    check_thread("parent", "main", "parent");
}

static void test_grandchild_belongs_to_the_same_session(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"root", "child"}, {"child", "grandchild"}};
    char output[128];
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        codex_make_event("codex.tool_result", pairs[i][0]);
        made_text(&codex.made, "tool_name", "spawn_agent");
        (void)snprintf(output, sizeof(output), "{\"agent_id\":\"%s\"}", pairs[i][1]);
        made_text(&codex.made, "output", output);
        normalized_destroy(codex_normalize());
    }
    check_thread("grandchild", "subagent", "root");
}

static void test_assessment_gives_the_reviewer_away(void **state)
{
    (void)state;
    make_prompt("reviewed", TRACE_OF_PARENT);
    make_prompt("reviewer", TRACE_OF_REVIEWER);
    check_thread("reviewer", "unknown", "reviewer");
    codex_make_event("codex.guardian_assessment", "reviewed");
    made_text(&codex.made, "outcome", "allow");
    made_field(&codex.made, RECORD_TRACE_ID, TRACE_OF_REVIEWER);
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.event.kind", "agent.review");
    check_text(normalized, "session.id", "reviewed");
    normalized_destroy(normalized);
    check_thread("reviewer", "reviewer", "reviewed");
    check_thread("reviewed", "unknown", "reviewed");
}

static void test_sandboxed_run_of_a_person_is_no_reviewer(void **state)
{
    (void)state;
    codex_make_event("codex.conversation_starts", "c1");
    made_text(&codex.made, "approval_policy", "never");
    made_text(&codex.made, "sandbox_policy", "read-only");
    made_text(&codex.made, "reasoning_summary", "auto");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.role", "unknown");
    check_text(normalized, "agent.permission.mode", "never_ask");
    check_text(normalized, "agent.sandbox.mode", "read_only");
    normalized_destroy(normalized);
}

static void test_many_threads_push_out_the_oldest_only(void **state)
{
    (void)state;
    char id[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(id, sizeof(id), "thread-%d", i);
        codex_make_event("codex.tool_result", id);
        made_text(&codex.made, "agent_name", "/root");
        normalized_destroy(codex_normalize());
    }
    check_thread("thread-4999", "main", "thread-4999");
    check_thread("thread-0", "unknown", "thread-0");
}

static void test_overlong_conversation_id_is_still_the_session(void **state)
{
    (void)state;
    char id[101];
    memset(id, 'c', 100);
    id[100] = '\0';
    check_thread(id, "unknown", id);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, codex_set_up, codex_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scope_tells_the_dialect),
        TEST(test_event_name_tells_the_dialect),
        TEST(test_one_group_does_not_rub_off_on_the_next),
        TEST(test_noise_without_a_name_is_other),
        TEST(test_unknown_event_of_the_dialect_is_other),
        TEST(test_decisions_are_translated),
        TEST(test_client_address_is_split_from_its_port),
        TEST(test_sentinels_of_the_proxy_are_no_values),
        TEST(test_datagram_proxy_is_udp),
        TEST(test_review_without_verdict_tells_why),
        TEST(test_usage_is_told_once_a_request),
        TEST(test_number_that_is_none_is_listed),
        TEST(test_failed_request_is_a_failure),
        TEST(test_redacted_prompt_is_called_so),
        TEST(test_thread_begun_in_the_trace_of_a_turn_is_its_child),
        TEST(test_result_of_spawning_names_the_child),
        TEST(test_grandchild_belongs_to_the_same_session),
        TEST(test_assessment_gives_the_reviewer_away),
        TEST(test_sandboxed_run_of_a_person_is_no_reviewer),
        TEST(test_many_threads_push_out_the_oldest_only),
        TEST(test_overlong_conversation_id_is_still_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
