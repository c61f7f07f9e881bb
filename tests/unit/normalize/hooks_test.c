/* SPDX-License-Identifier: Apache-2.0 */
/* hooks_test.c -- what we say about what agents give to their hooks: every documented event, as
 * text in golden/ that has been read by a person, and what they may give besides.
 * UPDATE_GOLDEN=1 writes the files anew: read what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "normalize/dialect.h"
#include "normalize/hook_fields.h"
#include "support/check_normalized.h"
#include "support/golden.h"
#include "support/made_record.h"
#include "support/record_text.h"

#define GOLDEN_DIR TEST_CORPUS_DIR "/../unit/normalize/golden"
#define TIME_NS    UINT64_C(1795209800000000000)

/* Alike on every record, or too long. */
static const char *const hidden[] = {"agent.schema.version",
                                     "agent.dialect",
                                     "agent.product",
                                     "agent.transport",
                                     "log.record.uid",
                                     "agent.dialect.event",
                                     "agent.time.source",
                                     "session.id",
                                     "agent.peer.pid",
                                     "agent.peer.uid",
                                     NULL};

static struct normalizer *normalizer;
static struct made_record made;

static int begin(void **state)
{
    (void)state;
    normalizer = made_normalizer();
    made_init(&made);
    return 0;
}

static int end(void **state)
{
    (void)state;
    made_fini(&made);
    normalizer_destroy(normalizer);
    return 0;
}

static struct normalized *normalize(const char *dialect, struct slice json, bool is_json)
{
    const struct normalize_hook hook = {.dialect = slice_of_text(dialect),
                                        .event = SLICE("FromCommandLine"),
                                        .json = json,
                                        .unix_nano = TIME_NS,
                                        .is_json = is_json};
    const struct normalize_input input = {.record = buf_slice(&made.bytes),
                                          .transport = TRANSPORT_HOOK_STDIN,
                                          .hook = &hook,
                                          .sender_fields = made_peer(),
                                          .received_unix_nano = TIME_NS + 5};
    return normalized_make(normalizer, &input);
}

static struct normalized *normalize_text(const char *dialect, const char *json)
{
    return normalize(dialect, slice_of_text(json), true);
}

/* --- Documented events ----------------------------------------------------------------------- */

static void append(struct buf *out, struct slice text)
{
    struct error err;
    assert_int_equal(buf_append(out, text.data, text.size, &err), ST_OK);
}

static void append_record(struct buf *out, const char *dialect, struct slice json)
{
    struct normalized *record = normalize(dialect, json, true);
    check_text(record, "agent.dialect", dialect);
    check_text(record, "agent.transport", "hook_stdin");
    assert_int_equal(normalized_text(record, "log.record.uid").size, 36);
    assert_true(normalized_text(record, "session.id").size > 0);
    assert_int_equal(record->whole.observed_time_unix_nano, TIME_NS + 5);
    append(out, normalized_text(record, "agent.dialect.event"));
    append(out, SLICE("  \""));
    append(out, record->whole.body.bytes);
    append(out, SLICE("\"\n"));
    record_text_attributes(&record->ours, hidden, out);
    normalized_destroy(record);
}

static void check_documented(const char *dialect)
{
    char path[512];
    struct buf out;
    (void)snprintf(path, sizeof(path), "%s/documented/hooks/%s.jsonl", TEST_CORPUS_DIR, dialect);
    struct slice file = golden_read(path);
    struct slice rest = file;
    buf_init(&out, (size_t)1 << 22);
    while (rest.size > 0) {
        const uint8_t *newline = memchr(rest.data, '\n', rest.size);
        assert_non_null(newline);
        size_t size = (size_t)(newline - rest.data);
        append_record(&out, dialect, slice_of(rest.data, size));
        rest = slice_from(rest, size + 1);
    }
    (void)snprintf(path, sizeof(path), "%s/hooks-%s.txt", GOLDEN_DIR, dialect);
    golden_check(path, buf_slice(&out));
    buf_fini(&out);
    free((void *)(uintptr_t)file.data);
}

static void test_documented_hooks_of_codex_are_told(void **state)
{
    (void)state;
    check_documented("codex_hook");
    check_documented("codex_notify");
}

static void test_documented_hooks_of_claude_code_are_told(void **state)
{
    (void)state;
    check_documented("claude_code_hook");
}

static void test_documented_hooks_of_gemini_are_told(void **state)
{
    (void)state;
    check_documented("gemini_hook");
}

static void test_documented_hooks_of_cursor_are_told(void **state)
{
    (void)state;
    check_documented("cursor_hook");
}

static void test_documented_plugin_events_of_opencode_are_told(void **state)
{
    (void)state;
    check_documented("opencode_plugin");
}

/* --- What they may give besides -------------------------------------------------------------- */

static void test_dialect_that_is_not_said_is_seen_from_the_fields(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"cursor_hook", "{\"hook_event_name\":\"Stop\",\"cursor_version\":\"3\"}"},
        {"cursor_hook", "{\"hook_event_name\":\"stop\"}"},
        {"gemini_hook", "{\"hook_event_name\":\"BeforeTool\"}"},
        {"gemini_hook", "{\"hook_event_name\":\"AfterAgent\"}"},
        {"codex_hook", "{\"hook_event_name\":\"Stop\",\"turn_id\":\"1\"}"},
        {"codex_hook", "{\"hook_event_name\":\"SessionStart\",\"model\":\"m\"}"},
        {"claude_code_hook", "{\"hook_event_name\":\"Stop\",\"model\":\"m\",\"prompt_id\":\"p\"}"},
        {"claude_code_hook", "{\"hook_event_name\":\"Stop\"}"},
        {"codex_notify", "{\"type\":\"agent-turn-complete\"}"},
        {"unknown", "{\"x\":1}"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct normalized *record = normalize_text("", cases[i][1]);
        check_text(record, "agent.dialect", cases[i][0]);
        normalized_destroy(record);
    }
}

static void test_name_of_the_command_line_helps_out(void **state)
{
    (void)state;
    struct normalized *record = normalize("codex_hook", SLICE_EMPTY, false);
    check_text(record, "agent.dialect.event", "hook:FromCommandLine");
    check_text(record, "agent.event.kind", "agent.other");
    assert_true(normalized_lists_error(record, "hook"));
    normalized_destroy(record);
}

static void test_json_that_breaks_off_tells_what_stands_before(void **state)
{
    (void)state;
    struct normalized *record =
        normalize("claude_code_hook",
                  SLICE("{\"session_id\":\"s\",\"hook_event_name\":\"PreToolUse\",\"tool_name\":"
                        "\"Bash\",\"tool_input\":{\"command\":\"l"),
                  false);
    check_text(record, "agent.event.kind", "agent.tool");
    check_text(record, "session.id", "s");
    check_text(record, "gen_ai.tool.name", "Bash");
    check_absent(record, "process.command_line");
    assert_true(normalized_lists_error(record, "hook"));
    normalized_destroy(record);
}

static void test_text_that_is_not_utf8_is_left_out(void **state)
{
    (void)state;
    struct normalized *record = normalize(
        "codex_hook", SLICE("{\"hook_event_name\":\"Stop\",\"cwd\":\"/\xff\",\"turn_id\":\"t\"}"),
        false);
    check_text(record, "agent.turn.id", "t");
    check_absent(record, "process.working_directory");
    assert_true(normalized_lists_error(record, "cwd"));
    normalized_destroy(record);
}

static void test_values_of_other_types_are_left_out(void **state)
{
    (void)state;
    struct normalized *record = normalize_text(
        "codex_hook", "{\"hook_event_name\":\"PreToolUse\",\"session_id\":{\"a\":[1]},\"cwd\":null,"
                      "\"tool_name\":[],\"tool_input\":7,\"permission_mode\":true}");
    check_text(record, "agent.event.kind", "agent.tool");
    check_absent(record, "session.id");
    check_absent(record, "process.working_directory");
    check_absent(record, "gen_ai.tool.name");
    assert_true(normalized_lists_error(record, "session_id"));
    normalized_destroy(record);
}

static void test_last_of_two_members_counts(void **state)
{
    (void)state;
    struct normalized *record = normalize_text(
        "codex_hook", "{\"hook_event_name\":\"Stop\",\"turn_id\":\"1\",\"turn_id\":\"2\"}");
    check_text(record, "agent.turn.id", "2");
    normalized_destroy(record);
}

static void test_words_of_the_model_are_not_believed_of_a_hook(void **state)
{
    (void)state;
    struct normalized *record = normalize_text(
        "codex_hook", "{\"hook_event_name\":\"Stop\",\"agent.event.kind\":\"agent.session\","
                      "\"agent.outcome\":\"denied\",\"log.record.uid\":\"x\"}");
    check_text(record, "agent.event.kind", "agent.turn");
    check_text(record, "agent.outcome", "success");
    normalized_destroy(record);
}

static void test_time_is_the_hook_s_or_else_the_sender_s(void **state)
{
    (void)state;
    struct normalized *record = normalize_text(
        "gemini_hook",
        "{\"hook_event_name\":\"BeforeTool\",\"timestamp\":\"1970-01-01T00:00:01Z\"}");
    check_text(record, "agent.time.source", "hook");
    assert_int_equal(record->whole.time_unix_nano, 1000000000);
    normalized_destroy(record);
    record = normalize_text("gemini_hook",
                            "{\"hook_event_name\":\"BeforeTool\",\"timestamp\":\"yesterday\"}");
    check_text(record, "agent.time.source", "record");
    assert_int_equal(record->whole.time_unix_nano, TIME_NS);
    assert_true(normalized_lists_error(record, "timestamp"));
    normalized_destroy(record);
}

/* A hook's fields are looked up like attributes: none may be taken for one of the model. */
static void test_no_field_of_a_hook_is_a_key_of_the_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOOK_SOURCE_COUNT; i++) {
        assert_non_null(hook_sources[i]);
        for (size_t key = 0; key < SCHEMA_KEY_COUNT; key++)
            assert_string_not_equal(hook_sources[i], schema_attributes[key].key);
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(hook_sources[i], hook_sources[other]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_documented_hooks_of_codex_are_told, begin, end),
        cmocka_unit_test_setup_teardown(test_documented_hooks_of_claude_code_are_told, begin, end),
        cmocka_unit_test_setup_teardown(test_documented_hooks_of_gemini_are_told, begin, end),
        cmocka_unit_test_setup_teardown(test_documented_hooks_of_cursor_are_told, begin, end),
        cmocka_unit_test_setup_teardown(test_documented_plugin_events_of_opencode_are_told, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_dialect_that_is_not_said_is_seen_from_the_fields,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_name_of_the_command_line_helps_out, begin, end),
        cmocka_unit_test_setup_teardown(test_json_that_breaks_off_tells_what_stands_before, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_text_that_is_not_utf8_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(test_values_of_other_types_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(test_last_of_two_members_counts, begin, end),
        cmocka_unit_test_setup_teardown(test_words_of_the_model_are_not_believed_of_a_hook, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_time_is_the_hook_s_or_else_the_sender_s, begin, end),
        cmocka_unit_test(test_no_field_of_a_hook_is_a_key_of_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
