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

static void check_constants(const struct normalized *record)
{
    static const struct {
        const char *key, *value;
    } expected[] = {{"agent.schema.version", "1.0"},
                    {"agent.dialect", "codex_otel"},
                    {"agent.product", "codex"},
                    {"agent.transport", "otlp_http_protobuf"}};
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_true(slice_equal(normalized_text(record, expected[i].key),
                                slice_of_text(expected[i].value)));
    assert_int_equal(normalized_text(record, "log.record.uid").size, 36);
}

static void append_record(void *context, const struct record_group *group,
                          const struct normalized *record)
{
    struct buf *out = context;
    (void)group;
    check_constants(record);
    append_heading(out, record);
    if (slice_equal(normalized_text(record, "agent.event.kind"), SLICE("agent.other")))
        append_text(out, "    agent.other\n");
    else
        record_text_attributes(&record->ours, hidden, out);
}

static void check_scenario(const char *scenario, int request_count)
{
    char path[512];
    struct buf text;
    const struct recorded_session_reader reader = {append_record, &text};

    buf_init(&text, (size_t)1 << 24);
    recorded_session_read(scenario, request_count, &reader);
    (void)snprintf(path, sizeof(path), "%s/codex-%s.txt", GOLDEN_DIR, scenario);
    golden_check(path, buf_slice(&text));
    buf_fini(&text);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
