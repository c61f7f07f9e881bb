/* SPDX-License-Identifier: Apache-2.0 */
/* span_derive_test.c -- which spans yield an event, what is in it, and what it keeps of the span.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "normalize/mapping.h"
#include "normalize/span_family.h"
#include "support/check_normalized.h"
#include "support/made_record.h"
#include "support/made_span.h"

static struct normalizer *normalizer;
static struct span_deriver *deriver;
static struct made_span span;
static struct error err;

static int set_up(void **state)
{
    (void)state;
    normalizer = made_normalizer();
    assert_int_equal(span_deriver_create(normalizer, &otlp_limits_default, &deriver, &err), ST_OK);
    made_span_init(&span, "Tool.execute");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    made_span_fini(&span);
    span_deriver_destroy(deriver);
    normalizer_destroy(normalizer);
    return 0;
}

static void begin(const char *name)
{
    made_span_fini(&span);
    made_span_init(&span, name);
}

/* What the span yields under that scope and service; it must be something. */
static struct normalized *derive(const char *scope, const char *service)
{
    assert_int_equal(made_span_set_group(deriver, scope, service), ST_OK);
    struct normalized *normalized = made_span_derive(deriver, &span);
    assert_non_null(normalized);
    return normalized;
}

static void check_nothing(const char *scope, const char *service)
{
    assert_int_equal(made_span_set_group(deriver, scope, service), ST_OK);
    assert_null(made_span_derive(deriver, &span));
}

/* --- Whose spans ------------------------------------------------------------------------- */

static void test_group_tells_whose_table_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *scope, *service, *dialect; /* NULL: nothing */
    } cases[] = {
        {"some.library", "some-service", "genai_semconv"},
        {NULL, NULL, "genai_semconv"},
        {"github.copilot", "github-copilot", "copilot_otel"},
        {"gemini-cli", "gemini-cli", NULL},
        {"qwen-code", NULL, NULL},
        {"com.anthropic.claude_code.events", NULL, NULL},
        {"x", "claude-code", NULL},
        {"x", "copilot-chat", NULL},
        {"cursor.telemetry", "x", NULL},
        {"opencode", "opencode", NULL}, /* its table knows other spans */
        {"codex_exec", "codex_exec", NULL},
    };
    begin("execute_tool x");
    made_span_text(&span, "gen_ai.operation.name", "execute_tool");
    made_span_text(&span, "gen_ai.tool.name", "x");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (cases[i].dialect == NULL) {
            check_nothing(cases[i].scope, cases[i].service);
            continue;
        }
        struct normalized *normalized = derive(cases[i].scope, cases[i].service);
        check_text(normalized, "agent.dialect", cases[i].dialect);
        normalized_destroy(normalized);
    }
}

static void test_span_of_no_interest_yields_nothing(void **state)
{
    (void)state;
    begin("GET /");
    made_span_text(&span, "http.request.method", "GET");
    made_span_text(&span, "gen_ai.tool.name", "x");
    check_nothing("opencode", NULL);
    check_nothing("codex_exec", NULL);
    check_nothing(NULL, NULL);
    begin("plan");
    made_span_text(&span, "gen_ai.operation.name", "plan");
    check_nothing(NULL, NULL);
}

static void test_group_that_is_no_protobuf_yields_nothing(void **state)
{
    (void)state;
    made_span_text(&span, "gen_ai.operation.name", "execute_tool");
    normalized_destroy(derive(NULL, NULL));
    const struct record_group broken = {.scope_logs_fields = SLICE("\x0a\x7f")};
    assert_int_equal(span_deriver_set_group(deriver, &broken, &err), ST_CORRUPT);
    assert_null(made_span_derive(deriver, &span));
}

/* --- What is in it ----------------------------------------------------------------------- */

static void test_record_stands_at_the_end_of_its_span(void **state)
{
    (void)state;
    made_span_text(&span, "tool.name", "read");
    made_span_text(&span, "unrelated", "x");
    struct normalized *normalized = derive("opencode", NULL);
    const struct record_view *record = &normalized->whole;
    assert_int_equal(record->time_unix_nano, MADE_SPAN_END);
    assert_int_equal(record->observed_time_unix_nano, MADE_SPAN_END + 5);
    assert_int_equal(record->trace_id.size, TRACE_ID_SIZE);
    assert_int_equal(record->span_id.data[0], 2);
    assert_int_equal(record->body.type, ANY_TYPE_NONE);
    assert_true(slice_equal(record->event_name, SLICE("agent.tool")));
    check_bool(normalized, "agent.derived", true);
    check_text(normalized, "agent.derived.from",
               "span:01010101010101010101010101010101/0202020202020202");
    check_text(normalized, "agent.dialect.event", "span:Tool.execute");
    check_text(normalized, "agent.transport", "otlp_grpc");
    check_text(normalized, "agent.time.source", "record");
    check_text(normalized, "tool.name", "read");
    check_int(normalized, "agent.peer.uid", 1000);
    check_absent(normalized, "unrelated");
    assert_int_equal(normalized_text(normalized, "log.record.uid").size, 36);
    assert_true(normalized_value(normalized, "agent.duration_ms")->number == 1000);
    assert_int_equal(normalizer_last(normalizer).kind, KIND_TOOL);
    normalized_destroy(normalized);
}

static void test_last_of_a_key_that_stands_twice_counts(void **state)
{
    (void)state;
    begin("exec_command");
    made_span_text(&span, "call_id", "c1");
    made_span_bool(&span, "aborted", false);
    check_nothing("codex_cli_rs", NULL);
    made_span_bool(&span, "aborted", true);
    struct normalized *normalized = derive("codex_cli_rs", NULL);
    check_text(normalized, "agent.outcome", "cancelled");
    check_text(normalized, "gen_ai.tool.call.id", "c1");
    check_absent(normalized, "agent.norm.errors");
    normalized_destroy(normalized);
}

static void test_aborted_span_without_a_call_is_none(void **state)
{
    (void)state;
    begin("exec_command");
    made_span_bool(&span, "aborted", true);
    check_nothing("codex_cli_rs", NULL);
}

static void test_ends_of_calls_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *tool;
        enum span_status status;
        const char *exception, *outcome, *error_type;
    } cases[] = {
        {"read", SPAN_STATUS_OK, NULL, "success", NULL},
        {"read", SPAN_STATUS_UNSET, NULL, "success", NULL},
        {"bash", SPAN_STATUS_OK, NULL, "unknown", NULL},
        {"invalid", SPAN_STATUS_OK, NULL, "failure", "invalid_call"},
        {"bash", SPAN_STATUS_ERROR, "PermissionDeniedError", "denied", NULL},
        {"bash", SPAN_STATUS_ERROR, "PermissionRejectedError", "denied", NULL},
        {"bash", SPAN_STATUS_ERROR, "AbortError", "cancelled", NULL},
        {"glob", SPAN_STATUS_ERROR, "Ripgrep.Error", "failure", "Ripgrep.Error"},
        {"glob", SPAN_STATUS_ERROR, NULL, "failure", "_OTHER"},
        {"glob", SPAN_STATUS_OK, "PermissionDeniedError", "success", NULL}, /* caught */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin("Tool.execute");
        made_span_text(&span, "tool.name", cases[i].tool);
        made_span_status(&span, cases[i].status, "why");
        if (cases[i].exception != NULL)
            made_span_exception(&span, cases[i].exception, "why");
        struct normalized *normalized = derive("opencode", NULL);
        check_text(normalized, "agent.outcome", cases[i].outcome);
        if (cases[i].error_type != NULL)
            check_text(normalized, "error.type", cases[i].error_type);
        else
            check_absent(normalized, "error.type");
        normalized_destroy(normalized);
    }
}

static void test_arguments_tell_what_was_done(void **state)
{
    (void)state;
    static const struct {
        const char *tool, *arguments, *kind, *key, *value; /* kind NULL: nothing */
    } cases[] = {
        {"bash", "{\"command\":\"ls\"}", "agent.command", "process.command_line", "ls"},
        {"write", "{\"filePath\":\"/a\"}", "agent.file", "agent.file.operation", "unknown"},
        {"edit", "{\"filePath\":\"/a\"}", "agent.file", "agent.file.operation", "update"},
        {"apply_patch",
         "{\"patchText\":\"*** Begin Patch\\n*** Add File: n.c\\n+x\\n*** End Patch\"}",
         "agent.file", "file.path", "n.c"},
        {"read", "not json", "agent.file", "agent.file.path_source", "none"},
        {"webfetch", "{\"url\":\"http://h/\"}", "agent.network", "server.address", "h"},
        {"glob", "{\"pattern\":\"*\"}", NULL, NULL, NULL},
        {"desk_lookup", "{}", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin("ai.toolCall");
        made_span_text(&span, "ai.toolCall.name", cases[i].tool);
        made_span_text(&span, "ai.toolCall.args", cases[i].arguments);
        if (cases[i].kind == NULL) {
            check_nothing("opencode", NULL);
            continue;
        }
        struct normalized *normalized = derive("opencode", NULL);
        check_text(normalized, "agent.event.kind", cases[i].kind);
        check_text(normalized, cases[i].key, cases[i].value);
        normalized_destroy(normalized);
    }
}

static void test_result_tells_whether_the_file_was_made(void **state)
{
    (void)state;
    static const struct {
        const char *result, *operation;
    } cases[] = {{"{\"metadata\":{\"exists\":false}}", "create"},
                 {"{\"metadata\":{\"exists\":true}}", "update"},
                 {"{\"metadata\":7}", "unknown"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin("ai.toolCall");
        made_span_text(&span, "ai.toolCall.name", "write");
        made_span_text(&span, "ai.toolCall.result", cases[i].result);
        struct normalized *normalized = derive("opencode", NULL);
        check_text(normalized, "agent.file.operation", cases[i].operation);
        normalized_destroy(normalized);
    }
}

/* --- Calls made for others ----------------------------------------------------------------- */

enum { FAMILY = 4 };

struct family {
    struct made_span members[FAMILY];
    struct slice spans[FAMILY];
};

static void make_member(struct family *family, size_t index, uint8_t id, uint8_t parent,
                        const char *operation, const char *call_id)
{
    struct made_span *made = &family->members[index];

    made_span_init(made, "x");
    made_span_ids(made, id, parent);
    made_span_text(made, "gen_ai.operation.name", operation);
    if (call_id != NULL)
        made_span_text(made, "gen_ai.tool.call.id", call_id);
    family->spans[index] = buf_slice(&made->bytes);
}

/* A sub-agent (3) of call `outer` (4) calls a tool (2), whose span holds another of the same (1).
 */
static void make_family(struct family *family, const char *outer)
{
    make_member(family, 0, 1, 2, "execute_tool", "inner");
    make_member(family, 1, 2, 3, "execute_tool", "inner");
    make_member(family, 2, 3, 4, "invoke_agent", NULL);
    make_member(family, 3, 4, 9, "execute_tool", outer);
    assert_int_equal(made_span_set_group(deriver, NULL, NULL), ST_OK);
    span_deriver_set_family(deriver, family->spans, FAMILY);
}

static void free_family(struct family *family)
{
    span_deriver_set_family(deriver, NULL, 0);
    for (size_t i = 0; i < FAMILY; i++)
        made_span_fini(&family->members[i]);
}

/* NULL: it has none. */
static void check_parent_call(const struct made_span *made, const char *parent)
{
    struct normalized *normalized = made_span_derive(deriver, made);

    assert_non_null(normalized);
    if (parent == NULL)
        check_absent(normalized, "agent.tool.parent_call_id");
    else
        check_text(normalized, "agent.tool.parent_call_id", parent);
    normalized_destroy(normalized);
}

static void test_call_of_a_sub_agent_names_the_call_that_it_was_made_for(void **state)
{
    struct family family;

    (void)state;
    make_family(&family, "outer");
    check_parent_call(&family.members[0], "outer");
    check_parent_call(&family.members[1], "outer");
    check_parent_call(&family.members[2], NULL); /* no call */
    check_parent_call(&family.members[3], NULL);
    span_deriver_set_family(deriver, NULL, 0); /* it came alone */
    check_parent_call(&family.members[1], NULL);
    free_family(&family);
}

static void test_way_up_ends_where_it_must(void **state)
{
    char long_id[SPAN_FAMILY_ID_MAX + 2] = {0};
    struct family family;

    (void)state;
    make_family(&family, "outer");
    made_span_ids(&family.members[2], 3, 2); /* a circle */
    family.spans[2] = buf_slice(&family.members[2].bytes);
    span_deriver_set_family(deriver, family.spans, FAMILY);
    check_parent_call(&family.members[1], NULL);
    free_family(&family);

    memset(long_id, 'x', sizeof(long_id) - 1);
    make_family(&family, long_id);
    check_parent_call(&family.members[1], NULL);
    free_family(&family);
}

static void test_failed_request_is_left_to_its_log_record(void **state)
{
    (void)state;
    begin("ai.streamText.doStream");
    normalized_destroy(derive("opencode", NULL));
    made_span_status(&span, SPAN_STATUS_ERROR, "overload");
    check_nothing("opencode", NULL);
}

static void test_error_of_the_sender_is_kept(void **state)
{
    (void)state;
    begin("chat");
    made_span_text(&span, "gen_ai.operation.name", "chat");
    made_span_text(&span, "error.type", "500");
    made_span_status(&span, SPAN_STATUS_ERROR, "");
    made_span_exception(&span, "ServerError", "try again");
    struct normalized *normalized = derive(NULL, NULL);
    check_text(normalized, "agent.outcome", "failure");
    check_text(normalized, "error.type", "500");
    check_text(normalized, "agent.error.message", "try again");
    normalized_destroy(normalized);
}

static void test_span_cannot_bring_keys_of_ours(void **state)
{
    (void)state;
    made_span_text(&span, "tool.name", "read");
    made_span_text(&span, "agent.outcome", "denied");
    made_span_text(&span, "agent.norm.agent.outcome", "denied");
    made_span_text(&span, "agent.peer.uid", "0");
    struct normalized *normalized = derive("opencode", NULL);
    check_text(normalized, "agent.outcome", "success");
    check_int(normalized, "agent.peer.uid", 1000);
    normalized_destroy(normalized);
}

/* --- Limits ------------------------------------------------------------------------------ */

static void test_long_value_stays_in_the_span(void **state)
{
    (void)state;
    enum { CONTENT_SIZE = 3 * MAPPING_COPY_MAX };
    static const char head[] = "{\"content\":\"", tail[] = "\",\"filePath\":\"/home/dev/long\"}";
    char *arguments = malloc(CONTENT_SIZE + sizeof(head) + sizeof(tail));
    assert_non_null(arguments);
    memcpy(arguments, head, sizeof(head) - 1);
    memset(arguments + sizeof(head) - 1, 'x', CONTENT_SIZE);
    memcpy(arguments + sizeof(head) - 1 + CONTENT_SIZE, tail, sizeof(tail));
    begin("ai.toolCall");
    made_span_text(&span, "ai.toolCall.name", "write");
    made_span_text(&span, "ai.toolCall.args", arguments);
    struct normalized *normalized = derive("opencode", NULL);
    check_text(normalized, "file.path", "/home/dev/long");
    check_absent(normalized, "ai.toolCall.args");
    check_absent(normalized, "gen_ai.tool.call.arguments");
    assert_true(normalized_lists_error(normalized, "ai.toolCall.args"));
    assert_true(normalized->bytes.size < 4096);
    normalized_destroy(normalized);
    free(arguments);
}

static enum status derive_into(struct slice bytes, struct buf *out)
{
    const struct span_input input = {.span = bytes, .transport = TRANSPORT_OTLP_GRPC};
    bool made = true;
    return span_derive(deriver, &input, out, &made, &err);
}

static void test_failure_leaves_the_output_as_it_was(void **state)
{
    (void)state;
    struct buf out;
    made_span_text(&span, "tool.name", "read");
    struct slice whole = buf_slice(&span.bytes);
    assert_int_equal(made_span_set_group(deriver, "opencode", NULL), ST_OK);
    buf_init(&out, 600);
    assert_int_equal(buf_append(&out, "before", 6, &err), ST_OK);
    assert_int_equal(derive_into(whole, &out), ST_LIMIT);
    assert_true(slice_equal(buf_slice(&out), SLICE("before")));
    assert_int_equal(derive_into(slice_of(whole.data, whole.size - 1), &out), ST_CORRUPT);
    assert_true(slice_equal(buf_slice(&out), SLICE("before")));
    buf_fini(&out);
}

static void test_span_without_ids_and_times_is_told_all_the_same(void **state)
{
    (void)state;
    buf_clear(&span.bytes);
    made_span_text(&span, "gen_ai.operation.name", "invoke_agent");
    struct normalized *normalized = derive(NULL, NULL);
    check_text(normalized, "agent.event.kind", "agent.subagent");
    check_text(normalized, "agent.derived.from", "span:/");
    check_text(normalized, "agent.time.source", "receipt");
    check_absent(normalized, "agent.duration_ms");
    normalized_destroy(normalized);
}

/* --- Behind a hop ------------------------------------------------------------------------ */

static void test_second_pass_keeps_what_was_derived(void **state)
{
    (void)state;
    made_span_text(&span, "tool.name", "read");
    struct normalized *first = derive("opencode", NULL);
    const struct normalize_input again = {.record = buf_slice(&first->bytes),
                                          .transport = TRANSPORT_OTLP_GRPC,
                                          .received_unix_nano = MADE_SPAN_END + 9};
    struct normalized *second = normalized_make(normalizer, &again);
    assert_memory_equal(second->bytes.data, first->bytes.data, first->bytes.size);
    for (size_t i = 0; i < second->ours.attribute_count; i++) {
        for (size_t j = 0; j < first->whole.attribute_count; j++)
            assert_false(
                slice_equal(second->ours.attributes[i].key, first->whole.attributes[j].key));
    }
    assert_true(normalized_lists_error(second, "agent.derived"));
    normalized_destroy(first);
    normalized_destroy(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_group_tells_whose_table_is_asked),
        TEST(test_span_of_no_interest_yields_nothing),
        TEST(test_group_that_is_no_protobuf_yields_nothing),
        TEST(test_record_stands_at_the_end_of_its_span),
        TEST(test_last_of_a_key_that_stands_twice_counts),
        TEST(test_aborted_span_without_a_call_is_none),
        TEST(test_ends_of_calls_are_told_apart),
        TEST(test_arguments_tell_what_was_done),
        TEST(test_result_tells_whether_the_file_was_made),
        TEST(test_call_of_a_sub_agent_names_the_call_that_it_was_made_for),
        TEST(test_way_up_ends_where_it_must),
        TEST(test_failed_request_is_left_to_its_log_record),
        TEST(test_error_of_the_sender_is_kept),
        TEST(test_span_cannot_bring_keys_of_ours),
        TEST(test_long_value_stays_in_the_span),
        TEST(test_failure_leaves_the_output_as_it_was),
        TEST(test_span_without_ids_and_times_is_told_all_the_same),
        TEST(test_second_pass_keeps_what_was_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
