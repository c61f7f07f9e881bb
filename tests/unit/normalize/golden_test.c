/* SPDX-License-Identifier: Apache-2.0 */
/* golden_test.c -- what we say about recorded sessions of agents, as text in golden/ that has
 * been read by a person.  UPDATE_GOLDEN=1 writes the files anew: read what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/golden.h"
#include "support/record_text.h"
#include "support/recorded_session.h"

#define GOLDEN_DIR TEST_CORPUS_DIR "/../unit/normalize/golden"

/* Alike on every record, and checked on every record below. */
static const char *const hidden[] = {
    "agent.schema.version",      "agent.dialect",        "agent.product",
    "agent.product.version",     "agent.transport",      "log.record.uid",
    "gen_ai.conversation.id",    "agent.dialect.event",  "agent.time.source",
    "agent.original.event_name", "gen_ai.request.model", NULL};

static struct error err;

/* Whose session is read, how it was sent, and what must stand on each of its records. */
struct agent {
    const char *name; /* of its golden files */
    const char *sessions;
    const char *dialect, *product, *transport;
    const char *version; /* "": it tells none */
};

static const struct agent codex = {"codex", "codex-0.169.0/http-protobuf", "codex_otel",
                                   "codex", "otlp_http_protobuf",          NULL};
static const struct agent gemini = {
    "gemini", "gemini-cli-0.61.0/grpc", "gemini_cli_otel", "gemini_cli", "otlp_grpc", ""};
static const struct agent gemini_json = {
    "gemini", "gemini-cli-0.61.0/http-json", "gemini_cli_otel", "gemini_cli", "otlp_http_json", ""};
static const struct agent qwen = {
    "qwen", "qwen-code-0.15.10/grpc", "qwen_code_otel", "qwen_code", "otlp_grpc", "0.15.10"};
static const struct agent qwen_json = {"qwen",           "qwen-code-0.15.10/http-json",
                                       "qwen_code_otel", "qwen_code",
                                       "otlp_http_json", "0.15.10"};

struct reading {
    const struct agent *agent;
    struct buf text;
};

static void append(struct buf *out, const char *text, size_t size)
{
    assert_int_equal(buf_append(out, text, size, &err), ST_OK);
}

static void append_text(struct buf *out, const char *text)
{
    append(out, text, strlen(text));
}

static void append_heading(struct buf *out, const struct normalized *record)
{
    struct slice conversation = normalized_text(record, "gen_ai.conversation.id");
    struct slice name = normalized_text(record, "agent.dialect.event");
    append(out, (const char *)name.data, name.size);
    if (conversation.size >= 18) { /* the part of a UUIDv7 that differs within a session */
        append_text(out, "  of thread ");
        append(out, (const char *)conversation.data + 9, 9);
    }
    append_text(out, "\n");
}

static void check_constants(const struct agent *agent, const struct normalized *record)
{
    const struct {
        const char *key, *value;
    } expected[] = {{"agent.schema.version", "1.0"},
                    {"agent.dialect", agent->dialect},
                    {"agent.product", agent->product},
                    {"agent.transport", agent->transport}};
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_true(slice_equal(normalized_text(record, expected[i].key),
                                slice_of_text(expected[i].value)));
    assert_int_equal(normalized_text(record, "log.record.uid").size, 36);
    if (agent->version != NULL)
        assert_true(slice_equal(normalized_text(record, "agent.product.version"),
                                slice_of_text(agent->version)));
}

static void append_record(void *context, const struct record_group *group,
                          const struct normalized *record)
{
    struct reading *reading = context;
    struct buf *out = &reading->text;
    (void)group;
    check_constants(reading->agent, record);
    append_heading(out, record);
    if (slice_equal(normalized_text(record, "agent.event.kind"), SLICE("agent.other")))
        append_text(out, "    agent.other\n");
    else
        record_text_attributes(&record->ours, hidden, out);
}

static void check_session(const struct agent *agent, const char *scenario, int request_count)
{
    char path[512];
    struct reading reading = {.agent = agent};
    const struct recorded_session_reader reader = {append_record, &reading};

    buf_init(&reading.text, (size_t)1 << 24);
    (void)snprintf(path, sizeof(path), "%s/%s", agent->sessions, scenario);
    recorded_session_read_from(path, request_count, &reader);
    (void)snprintf(path, sizeof(path), "%s/%s-%s.txt", GOLDEN_DIR, agent->name, scenario);
    golden_check(path, buf_slice(&reading.text));
    buf_fini(&reading.text);
}

static void check_scenario(const char *scenario, int request_count)
{
    check_session(&codex, scenario, request_count);
}

static void test_secret_read_and_sent_is_told(void **state)
{
    (void)state;
    check_scenario("exfil", 1);
}

static void test_answers_of_a_person_are_told(void **state)
{
    (void)state;
    check_scenario("approvals-appserver", 2);
}

static void test_blocked_connections_are_told(void **state)
{
    (void)state;
    check_scenario("netproxy", 2);
}

static void test_failures_of_all_sorts_are_told(void **state)
{
    (void)state;
    check_scenario("mcpfail", 1);
}

static void test_plain_work_is_told(void **state)
{
    (void)state;
    check_scenario("refactor", 1);
}

static void test_subagent_is_told_from_its_parent(void **state)
{
    (void)state;
    check_scenario("subagent", 1);
}

static void test_automatic_reviewer_is_told_from_the_reviewed(void **state)
{
    (void)state;
    check_scenario("autoreview", 1);
}

static void test_gemini_cli_is_told(void **state)
{
    (void)state;
    check_session(&gemini, "exfil-yolo", 1);
    check_session(&gemini, "mcpfail", 2);
    check_session(&gemini, "approvals-acp", 2);
    check_session(&gemini_json, "refactor", 1);
}

static void test_qwen_code_is_told(void **state)
{
    (void)state;
    check_session(&qwen, "refactor", 1);
    check_session(&qwen, "mcpfail", 1);
}

/* The same session was recorded twice, so only ids, times and durations may differ. */
static void append_kind(void *context, const struct record_group *group,
                        const struct normalized *record)
{
    static const char *const keys[] = {
        "agent.dialect.event",   "agent.event.kind",    "agent.outcome", "agent.decision.outcome",
        "agent.decision.source", "agent.mcp.tool.name", "error.type",    "agent.classification"};
    struct reading *reading = context;
    (void)group;
    check_constants(reading->agent, record);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct slice text = normalized_text(record, keys[i]);
        append(&reading->text, (const char *)text.data, text.size);
        append_text(&reading->text, " ");
    }
    append_text(&reading->text, "\n");
}

static void read_kinds(const struct agent *agent, const char *scenario, struct reading *ret)
{
    char path[512];
    const struct recorded_session_reader reader = {append_kind, ret};

    *ret = (struct reading){.agent = agent};
    buf_init(&ret->text, (size_t)1 << 24);
    (void)snprintf(path, sizeof(path), "%s/%s", agent->sessions, scenario);
    recorded_session_read_from(path, 1, &reader);
}

static void test_transport_changes_nothing(void **state)
{
    static const char *const scenarios[] = {"refactor", "mcpfail"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        struct reading binary, json;
        read_kinds(&qwen, scenarios[i], &binary);
        read_kinds(&qwen_json, scenarios[i], &json);
        assert_true(binary.text.size > 1000);
        assert_true(slice_equal(buf_slice(&binary.text), buf_slice(&json.text)));
        buf_fini(&binary.text);
        buf_fini(&json.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret_read_and_sent_is_told),
        cmocka_unit_test(test_answers_of_a_person_are_told),
        cmocka_unit_test(test_blocked_connections_are_told),
        cmocka_unit_test(test_failures_of_all_sorts_are_told),
        cmocka_unit_test(test_plain_work_is_told),
        cmocka_unit_test(test_subagent_is_told_from_its_parent),
        cmocka_unit_test(test_automatic_reviewer_is_told_from_the_reviewed),
        cmocka_unit_test(test_gemini_cli_is_told),
        cmocka_unit_test(test_qwen_code_is_told),
        cmocka_unit_test(test_transport_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
