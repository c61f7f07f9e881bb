/* SPDX-License-Identifier: Apache-2.0 */
/* told_golden_test.c -- what we say about sessions of opencode, about senders that keep to the
 * GenAI conventions, and about spans of all, as text in golden/ that has been read by a person.
 * UPDATE_GOLDEN=1 writes the files anew: read what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/golden.h"
#include "support/made_record.h"
#include "support/record_text.h"
#include "support/recorded_session.h"

#define GOLDEN_DIR TEST_CORPUS_DIR "/../unit/normalize/golden"

/* Alike on every record, or of the hop. */
static const char *const hidden[] = {"agent.schema.version", "agent.transport", "log.record.uid",
                                     "agent.time.source",    "fiberId",         NULL};

struct told {
    struct buf text;
    size_t count;
};

static struct error err;

static void append(struct buf *out, struct slice text)
{
    assert_int_equal(buf_append(out, text.data, text.size, &err), ST_OK);
}

/* The whole record, for of a derived one all is ours. */
static void append_record(void *context, const struct record_group *group,
                          const struct normalized *record)
{
    struct told *told = context;
    (void)group;
    bool is_other = slice_equal(normalized_text(record, "agent.event.kind"), SLICE("agent.other"));
    assert_int_equal(normalized_text(record, "log.record.uid").size, 36);
    assert_true(slice_equal(normalized_text(record, "agent.schema.version"), SLICE("1.0")));
    assert_true(record->whole.time_unix_nano != 0);
    told->count++;
    append(&told->text, normalized_text(record, "agent.dialect.event"));
    append(&told->text, SLICE("\n"));
    if (is_other)
        append(&told->text, SLICE("    agent.other\n"));
    else
        record_text_attributes(&record->whole, hidden, &told->text);
}

static void check(const char *golden, const char *const *logs, const char *spans)
{
    struct normalizer *normalizer = made_normalizer();
    struct told told = {.count = 0};
    const struct recorded_session_reader reader = {append_record, &told};
    char path[512];
    buf_init(&told.text, (size_t)1 << 24);
    for (size_t i = 0; logs != NULL && logs[i] != NULL; i++)
        recorded_logs_read(normalizer, logs[i], &reader);
    if (spans != NULL)
        (void)recorded_spans_read(normalizer, spans, &reader); /* not all yield something */
    (void)snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, golden);
    golden_check(path, buf_slice(&told.text));
    buf_fini(&told.text);
    normalizer_destroy(normalizer);
}

#define OPENCODE "opencode-1.18.33/http-json/"

static void test_work_of_opencode_is_told(void **state)
{
    (void)state;
    static const char *const logs[] = {
        OPENCODE "refactor/logs/001.json", OPENCODE "refactor/logs/002.json",
        OPENCODE "refactor/logs/003.json", OPENCODE "refactor/logs/004.json", NULL};
    check("opencode-refactor.txt", logs, OPENCODE "refactor/spans.bin");
}

static void test_denials_of_opencode_are_told(void **state)
{
    (void)state;
    static const char *const logs[] = {OPENCODE "exfil-denied/logs/001.json",
                                       OPENCODE "exfil-denied/logs/002.json", NULL};
    check("opencode-exfil-denied.txt", logs, OPENCODE "exfil-denied/spans.bin");
}

static void test_failures_of_opencode_are_told(void **state)
{
    (void)state;
    static const char *const logs[] = {OPENCODE "mcpfail/logs/001.json",
                                       OPENCODE "mcpfail/logs/002.json", NULL};
    check("opencode-mcpfail.txt", logs, OPENCODE "mcpfail/spans.bin");
}

static void test_questions_of_opencode_are_told(void **state)
{
    (void)state;
    static const char *const logs[] = {OPENCODE "refused/logs/001.json",
                                       OPENCODE "refused/logs/002.json", NULL};
    check("opencode-refused.txt", logs, OPENCODE "refused/spans.bin");
}

static void test_cancelled_call_of_codex_is_told_from_its_span(void **state)
{
    (void)state;
    check("codex-spans-approvals-tui.txt", NULL, "codex-0.169.0/http-json/approvals-tui/spans.bin");
}

#define GENAI "documented/genai-python-sdk-1.45.2/"

static void test_records_of_the_conventions_are_told(void **state)
{
    (void)state;
    static const char *const logs[] = {GENAI "logs/001.bin", NULL};
    check("genai-logs.txt", logs, NULL);
}

static void test_spans_of_the_conventions_are_told(void **state)
{
    (void)state;
    check("genai-spans.txt", NULL, GENAI "traces/001.bin");
}

static void test_spans_of_the_copilot_cli_are_told(void **state)
{
    (void)state;
    check("copilot-cli-spans.txt", NULL, "documented/copilot-cli/traces/001.bin");
}

/* --- What is not told ------------------------------------------------------------------------ */

static size_t count_told(const char *const *logs, const char *spans, size_t *ret_spans)
{
    struct normalizer *normalizer = made_normalizer();
    struct told told = {.count = 0};
    const struct recorded_session_reader reader = {append_record, &told};
    buf_init(&told.text, (size_t)1 << 24);
    for (size_t i = 0; logs != NULL && logs[i] != NULL; i++)
        recorded_logs_read(normalizer, logs[i], &reader);
    told.count = 0;
    *ret_spans = recorded_spans_read(normalizer, spans, &reader);
    buf_fini(&told.text);
    normalizer_destroy(normalizer);
    return told.count;
}

static void test_what_log_records_say_is_not_told_again(void **state)
{
    (void)state;
    size_t spans = 0;
    assert_int_equal(count_told(NULL, "codex-0.169.0/http-json/exfil/spans.bin", &spans), 0);
    assert_true(spans >= 5);
    assert_int_equal(count_told(NULL, "gemini-cli-0.61.0/http-json/exfil-yolo/spans.bin", &spans),
                     0);
    assert_true(spans >= 5);
}

static void test_span_whose_record_came_before_is_not_told_again(void **state)
{
    (void)state;
    static const char *const logs[] = {GENAI "logs/001.bin", NULL};
    size_t spans = 0;
    size_t alone = count_told(NULL, GENAI "traces/001.bin", &spans);
    size_t behind = count_told(logs, GENAI "traces/001.bin", &spans);
    assert_int_equal(alone, spans - 1); /* one is no span of the conventions */
    assert_int_equal(behind, alone - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_of_opencode_is_told),
        cmocka_unit_test(test_denials_of_opencode_are_told),
        cmocka_unit_test(test_failures_of_opencode_are_told),
        cmocka_unit_test(test_questions_of_opencode_are_told),
        cmocka_unit_test(test_cancelled_call_of_codex_is_told_from_its_span),
        cmocka_unit_test(test_records_of_the_conventions_are_told),
        cmocka_unit_test(test_spans_of_the_conventions_are_told),
        cmocka_unit_test(test_spans_of_the_copilot_cli_are_told),
        cmocka_unit_test(test_what_log_records_say_is_not_told_again),
        cmocka_unit_test(test_span_whose_record_came_before_is_not_told_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
