/* SPDX-License-Identifier: Apache-2.0 */
/* documented_test.c -- what we say about sessions of agents that were put together from their
 * documentation (tests/corpus/documented), as text in golden/ that has been read by a person.
 * UPDATE_GOLDEN=1 writes the files anew: read what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/documented.h"
#include "support/golden.h"
#include "support/record_text.h"

#define GOLDEN_DIR TEST_CORPUS_DIR "/../unit/normalize/golden"

/* Alike on every record of a file. */
static const char *const hidden[] = {
    "agent.schema.version",  "agent.dialect",         "agent.product",        "agent.transport",
    "log.record.uid",        "agent.dialect.event",   "agent.time.source",    "agent.user.id.kind",
    "agent.organization.id", "agent.product.version", "agent.event.sequence", NULL};

struct expected {
    const char *dialect, *product;
    struct buf text;
};

static struct error err;

static void append_record(void *context, const struct record_group *group,
                          const struct normalized *record)
{
    struct expected *expected = context;
    struct slice name = normalized_text(record, "agent.dialect.event");
    (void)group;
    check_text(record, "agent.dialect", expected->dialect);
    check_text(record, "agent.product", expected->product);
    check_text(record, "agent.transport", "otlp_http_json");
    check_absent(record, "agent.norm.errors");
    assert_int_equal(buf_append(&expected->text, name.data, name.size, &err), ST_OK);
    assert_int_equal(buf_append(&expected->text, "\n", 1, &err), ST_OK);
    record_text_attributes(&record->ours, hidden, &expected->text);
}

static void check_file(const char *name, const char *golden, const char *dialect,
                       const char *product)
{
    char path[512];
    struct expected expected = {.dialect = dialect, .product = product};
    const struct recorded_session_reader reader = {append_record, &expected};

    buf_init(&expected.text, (size_t)1 << 24);
    documented_session_read(name, &reader);
    (void)snprintf(path, sizeof(path), "%s/%s.txt", GOLDEN_DIR, golden);
    golden_check(path, buf_slice(&expected.text));
    buf_fini(&expected.text);
}

static void test_claude_code_with_details_is_told(void **state)
{
    (void)state;
    check_file("claude-code/details.json", "claude-details", "claude_code_otel", "claude_code");
}

static void test_claude_code_as_it_comes_is_told(void **state)
{
    (void)state;
    check_file("claude-code/defaults.json", "claude-defaults", "claude_code_otel", "claude_code");
}

static void test_copilot_chat_is_told(void **state)
{
    (void)state;
    check_file("copilot/chat.json", "copilot-chat", "copilot_otel", "copilot_chat");
}

static void test_copilot_cli_is_told(void **state)
{
    (void)state;
    check_file("copilot/cli.json", "copilot-cli", "copilot_otel", "copilot_cli");
}

static void test_cursor_export_is_told(void **state)
{
    (void)state;
    check_file("cursor/export.json", "cursor-export", "cursor_otel", "cursor");
}

static void test_cursor_bot_is_told(void **state)
{
    (void)state;
    check_file("cursor/bot.json", "cursor-bot", "cursor_otel", "cursor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claude_code_with_details_is_told),
        cmocka_unit_test(test_claude_code_as_it_comes_is_told),
        cmocka_unit_test(test_copilot_chat_is_told),
        cmocka_unit_test(test_copilot_cli_is_told),
        cmocka_unit_test(test_cursor_export_is_told),
        cmocka_unit_test(test_cursor_bot_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
