/* SPDX-License-Identifier: Apache-2.0 */
/* opencode_test.c -- log lines of opencode, put together one after another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/made_record.h"

static struct normalizer *normalizer;
static struct error err;

static const uint8_t trace_id[TRACE_ID_SIZE] = {7, 7, 7};

static int set_up(void **state)
{
    (void)state;
    normalizer = made_normalizer();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    normalizer_destroy(normalizer);
    return 0;
}

/* Puts a text of the array that is a body. */
static void put_element(struct buf *array, const char *text)
{
    struct slice bytes = slice_of_text(text);
    uint8_t any[4096];
    uint8_t *end = pb_put_bytes(any, ANY_STRING, bytes);
    struct slice value = slice_of(any, (size_t)(end - any));
    assert_int_equal(buf_reserve(array, value.size + 16, &err), ST_OK);
    end = pb_put_bytes(array->data + array->size, LIST_VALUES, value);
    array->size = (size_t)(end - array->data);
}

/* A line with the body [`name`, `object`], or the text `name` when `object` is NULL, in a trace if
 * `traced`. */
static struct normalized *line(const char *name, const char *object, bool traced)
{
    struct made_record made;
    struct buf array;
    uint8_t body[8192];
    uint8_t *end;
    made_init(&made);
    buf_init(&array, 8192);
    if (object != NULL) {
        put_element(&array, name);
        put_element(&array, object);
        end = pb_put_bytes(body, ANY_ARRAY, buf_slice(&array));
    } else {
        end = pb_put_bytes(body, ANY_STRING, slice_of_text(name));
    }
    made_field(&made, RECORD_BODY, slice_of(body, (size_t)(end - body)));
    if (traced)
        made_field(&made, RECORD_TRACE_ID, slice_of(trace_id, sizeof(trace_id)));
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, "opencode");
    buf_fini(&array);
    made_fini(&made);
    return normalized;
}

static void test_first_text_of_the_body_is_the_name(void **state)
{
    (void)state;
    struct normalized *array = line("loading", "{\"path\":\"/x\"}", false);
    struct normalized *text = line("event connected", NULL, false);
    struct normalized *prose =
        line("a line that goes on and on, so that it cannot be the name of any kind of event", NULL,
             false);
    check_text(array, "agent.dialect.event", "loading");
    assert_true(slice_equal(array->whole.event_name, SLICE("loading")));
    check_text(text, "agent.dialect.event", "event connected");
    check_text(prose, "agent.dialect.event", "unknown");
    normalized_destroy(array);
    normalized_destroy(text);
    normalized_destroy(prose);
}

static void test_session_with_a_parent_is_a_subagent(void **state)
{
    (void)state;
    normalized_destroy(line("created", "{\"id\":\"ses_1\",\"parentID\":undefined}", false));
    normalized_destroy(line("created", "{\"id\":\"ses_2\",\"parentID\":\"ses_1\"}", false));
    struct normalized *main_agent = line("loop", "{\"session.id\":\"ses_1\"}", false);
    struct normalized *child =
        line("stream", "{\"modelID\":\"m\",\"session.id\":\"ses_2\"}", false);
    check_text(main_agent, "agent.role", "main");
    check_text(child, "agent.role", "subagent");
    check_text(child, "session.id", "ses_1");
    check_text(child, "gen_ai.conversation.id", "ses_2");
    check_text(child, "agent.parent.conversation.id", "ses_1");
    normalized_destroy(main_agent);
    normalized_destroy(child);
}

static void test_decision_takes_its_session_from_the_trace(void **state)
{
    (void)state;
    static const char allowed[] = "{\"permission\":\"bash\",\"pattern\":\"ls\","
                                  "\"action\":{\"permission\":\"*\",\"action\":\"allow\","
                                  "\"pattern\":\"*\"}}";
    struct normalized *before = line("evaluated", allowed, true);
    normalized_destroy(line("loop", "{\"session.id\":\"ses_1\"}", true));
    struct normalized *after = line("evaluated", allowed, true);
    struct normalized *elsewhere = line("evaluated", allowed, false);
    check_absent(before, "session.id");
    check_text(before, "agent.classification", "exact");
    check_text(after, "session.id", "ses_1");
    check_text(after, "agent.classification", "heuristic");
    check_absent(after, "gen_ai.conversation.id"); /* it may be that of a sub-agent */
    check_absent(elsewhere, "session.id");
    normalized_destroy(before);
    normalized_destroy(after);
    normalized_destroy(elsewhere);
}

static void test_rule_that_asks_is_not_yet_a_decision(void **state)
{
    (void)state;
    struct normalized *rule = line("evaluated",
                                   "{\"permission\":\"edit\",\"pattern\":\"a.c\",\"action\":"
                                   "{\"permission\":\"edit\",\"action\":\"ask\"}}",
                                   false);
    struct normalized *question =
        line("asking", "{\"id\":\"per_1\",\"permission\":\"edit\",\"patterns\":[\"a.c\",\"b.c\"]}",
             false);
    check_text(rule, "agent.event.kind", "agent.other");
    check_text(question, "agent.event.kind", "agent.approval");
    check_text(question, "agent.event.phase", "start");
    check_text(question, "agent.outcome", "pending");
    check_text(question, "file.path", "a.c");
    normalized_destroy(rule);
    normalized_destroy(question);
}

static void test_pattern_is_what_the_permission_is_for(void **state)
{
    (void)state;
    static const struct {
        const char *permission, *pattern, *key, *value;
    } cases[] = {
        {"bash", "rm -rf /", "process.command_line", "rm -rf /"},
        {"read", "a/b", "file.path", "a/b"},
        {"webfetch", "https://u:p@example.com:8443/x?y", "server.address", "example.com"},
        {"webfetch", "http://[::1]:80/", "server.address", "::1"},
        {"webfetch", "https://example.org", "url.full", "https://example.org"},
        {"external_directory", "/etc/*", "file.path", "/etc/*"},
        {"desk_lookup", "*", "agent.tool.category", "mcp"},
        {"mine", "*", "agent.tool.category", "other"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char object[512];
        (void)snprintf(
            object, sizeof(object),
            "{\"permission\":\"%s\",\"pattern\":\"%s\",\"action\":{\"action\":\"deny\"}}",
            cases[i].permission, cases[i].pattern);
        struct normalized *normalized = line("evaluated", object, false);
        check_text(normalized, cases[i].key, cases[i].value);
        check_text(normalized, "agent.decision.outcome", "deny");
        check_text(normalized, "agent.outcome", "denied");
        normalized_destroy(normalized);
    }
}

static void test_address_without_a_host_names_none(void **state)
{
    (void)state;
    static const char *const addresses[] = {"http://", "http:///x", "nothing", "http://u@", ""};
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        char object[256];
        (void)snprintf(object, sizeof(object), "{\"permission\":\"webfetch\",\"pattern\":\"%s\"}",
                       addresses[i]);
        struct normalized *normalized = line("evaluated", object, false);
        check_absent(normalized, "server.address");
        normalized_destroy(normalized);
    }
}

static void test_broken_objects_yield_what_can_be_read(void **state)
{
    (void)state;
    static const char *const objects[] = {"",
                                          "{",
                                          "[]",
                                          "{\"permission\":",
                                          "{\"action\":{\"action\"",
                                          "{\"permission\":\"bash\",\"action\":undefined}"};
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        struct normalized *normalized = line("evaluated", objects[i], false);
        check_text(normalized, "agent.event.kind", "agent.approval");
        check_text(normalized, "agent.decision.outcome", "unknown");
        normalized_destroy(normalized);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_first_text_of_the_body_is_the_name),
        TEST(test_session_with_a_parent_is_a_subagent),
        TEST(test_decision_takes_its_session_from_the_trace),
        TEST(test_rule_that_asks_is_not_yet_a_decision),
        TEST(test_pattern_is_what_the_permission_is_for),
        TEST(test_address_without_a_host_names_none),
        TEST(test_broken_objects_yield_what_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
