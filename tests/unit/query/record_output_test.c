/* SPDX-License-Identifier: Apache-2.0 */
/* record_output_test.c -- a record as a row of a table and as one flat JSON object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/record_output.h"
#include "support/seen_record.h"

/* 2026-11-20T22:24:20.206123456Z */
#define MOMENT UINT64_C(1795213460206123456)

static struct seen_record seen;
static char text[4096];

static int set_up(void **state)
{
    (void)state;
    seen_init(&seen);
    return setenv("TZ", "UTC", 1);
}

static int tear_down(void **state)
{
    (void)state;
    seen_fini(&seen);
    return 0;
}

static void keep(struct buf *out)
{
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(buf_slice(out)));
    buf_fini(out);
}

static const char *row(size_t columns)
{
    struct error err;
    struct buf out;

    buf_init(&out, sizeof(text) - 1);
    assert_int_equal(output_table_row(&out, seen_read(&seen), columns, &err), ST_OK);
    keep(&out);
    return text;
}

static const char *flat(const struct record_group *group)
{
    static const struct record_group nothing;
    struct error err;
    struct buf out;

    buf_init(&out, sizeof(text) - 1);
    assert_int_equal(
        output_flat_json(&out, group != NULL ? group : &nothing, seen_read(&seen), &err), ST_OK);
    keep(&out);
    return text;
}

static void test_the_columns_of_a_table_stand_below_their_names(void **state)
{
    struct error err;
    struct buf out;

    (void)state;
    buf_init(&out, sizeof(text) - 1);
    assert_int_equal(output_table_head(&out, 120, &err), ST_OK);
    keep(&out);
    assert_string_equal(
        text,
        "TIME                     SESSION   SENDER          KIND            OUTCOME   WHAT\n");
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, MOMENT);
    seen_add_texts(&seen, "agent.event.kind", "agent.tool", "agent.outcome", "denied", "session.id",
                   "01a1fad7-ca1d-7b42-80b3-a0e63e07a291", "gen_ai.tool.name", "bash",
                   (const char *)NULL);
    assert_string_equal(
        row(120),
        "2026-11-20 22:24:20.206  63e07a291                 tool            denied    bash\n");
}

static void test_a_row_says_who_sent_it(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.peer.attestation", "kernel", "agent.peer.executable.path",
                   "/usr/bin/codex", (const char *)NULL);
    made_int(&seen.made, "agent.peer.uid", 1000);
    assert_non_null(strstr(row(120), "1000 codex      "));
}

static void test_a_row_shows_that_its_sender_forged_something(void **state)
{
    (void)state;
    made_int(&seen.made, "agent.peer.uid", 0);
    seen_add_texts(&seen, "agent.transport", "otlp_http_json", "agent.norm.agent.peer.attestation",
                   "uid", (const char *)NULL);
    made_int(&seen.made, "agent.norm.agent.peer.uid", 1001);
    made_texts(&seen.made, "agent.norm.errors", "agent.peer.uid");
    assert_non_null(strstr(row(120), " !1001           "));
}

static void test_a_row_without_anything_is_a_row(void **state)
{
    (void)state;
    assert_string_equal(
        row(120),
        "1970-01-01 00:00:00.000                                                      \n");
}

static void test_a_row_is_as_wide_as_the_terminal(void **state)
{
    (void)state;
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, MOMENT);
    seen_add_texts(&seen, "agent.event.kind", "agent.prompt", "prompt",
                   "a prompt of very many words that does not fit into what is left",
                   (const char *)NULL);
    assert_string_equal(
        row(106), "2026-11-20 22:24:20.206                            prompt                    "
                  "a prompt of very many words \xe2\x80\xa6\n");
    assert_string_equal(
        row(10), "2026-11-20 22:24:20.206                            prompt                    "
                 "a prompt of very ma\xe2\x80\xa6\n");
}

static void test_cells_are_safe_and_cut(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.event.kind", "agent.\x1b[2J", "agent.outcome", "a long outcome",
                   "session.id", "s\x07", (const char *)NULL);
    assert_string_equal(row(120),
                        "1970-01-01 00:00:00.000  s\\x07                     \\x1b[2J         "
                        "a long o\xe2\x80\xa6 \n");
}

static void test_a_kind_without_the_prefix_is_shown_whole(void **state)
{
    (void)state;
    seen_add_texts(&seen, "agent.event.kind", "foreign.kind", (const char *)NULL);
    assert_string_equal(
        row(120),
        "1970-01-01 00:00:00.000                            foreign.kind              \n");
}

static void test_flat_json_has_the_record_its_resource_and_its_scope(void **state)
{
    uint8_t resource[128], scope[64], attribute[64], value[32];

    (void)state;
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, MOMENT);
    made_uint(&seen.made, RECORD_SEVERITY_NUMBER, 13);
    made_field(&seen.made, RECORD_TRACE_ID,
               SLICE("\x01\x02\x03\x04\x05\x06\x07\x08"
                     "\x09\x0a\x0b\x0c\x0d\x0e\x0f\xff"));
    seen_add_texts(&seen, "note", "a \"quote\"", (const char *)NULL);
    made_int(&seen.made, "int", -5);
    made_bool(&seen.made, "bool", true);
    made_nothing(&seen.made, "nothing");
    uint8_t *end = pb_put_bytes(value, ANY_STRING, SLICE("laptop"));
    struct slice any = slice_of(value, (size_t)(end - value));
    end = pb_put_bytes(pb_put_bytes(attribute, KEY_VALUE_KEY, SLICE("host.name")), KEY_VALUE_VALUE,
                       any);
    struct slice pair = slice_of(attribute, (size_t)(end - attribute));
    uint8_t inner[96];
    end = pb_put_bytes(inner, RESOURCE_ATTRIBUTES, pair);
    end = pb_put_bytes(resource, RESOURCE_LOGS_RESOURCE, slice_of(inner, (size_t)(end - inner)));
    struct record_group group = {.resource_logs_fields =
                                     slice_of(resource, (size_t)(end - resource))};
    end = pb_put_bytes(inner, SCOPE_NAME, SLICE("codex"));
    end = pb_put_bytes(scope, SCOPE_LOGS_SCOPE, slice_of(inner, (size_t)(end - inner)));
    group.scope_logs_fields = slice_of(scope, (size_t)(end - scope));
    assert_string_equal(flat(&group),
                        "{\"time\":\"2026-11-20T22:24:20.206123456Z\",\"severity_number\":13,"
                        "\"trace_id\":\"0102030405060708090a0b0c0d0e0fff\","
                        "\"note\":\"a \\\"quote\\\"\",\"int\":-5,\"bool\":true,\"nothing\":null,"
                        "\"resource.host.name\":\"laptop\",\"scope.name\":\"codex\"}\n");
}

static void test_no_value_hides_another_in_flat_json(void **state)
{
    (void)state;
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, MOMENT);
    seen_add_texts(&seen, "time", "mine", "k", "1", "k", "2", "k", "3", (const char *)NULL);
    assert_string_equal(flat(NULL), "{\"time\":\"2026-11-20T22:24:20.206123456Z\","
                                    "\"attributes.time\":\"mine\",\"k\":\"1\",\"k#2\":\"2\","
                                    "\"k#3\":\"3\"}\n");
}

static void test_an_attribute_cannot_pass_for_the_resource(void **state)
{
    (void)state;
    seen_add_texts(&seen, "resource.host.name", "forged", "scope.name", "forged", "attributes.time",
                   "x", "time", "y", (const char *)NULL);
    assert_string_equal(flat(NULL), "{\"attributes.resource.host.name\":\"forged\","
                                    "\"attributes.scope.name\":\"forged\","
                                    "\"attributes.attributes.time\":\"x\","
                                    "\"attributes.time\":\"y\"}\n");
}

static void test_an_empty_record_is_an_empty_object(void **state)
{
    (void)state;
    assert_string_equal(flat(NULL), "{}\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_columns_of_a_table_stand_below_their_names),
        TEST(test_a_row_says_who_sent_it),
        TEST(test_a_row_shows_that_its_sender_forged_something),
        TEST(test_a_row_without_anything_is_a_row),
        TEST(test_a_row_is_as_wide_as_the_terminal),
        TEST(test_cells_are_safe_and_cut),
        TEST(test_a_kind_without_the_prefix_is_shown_whole),
        TEST(test_flat_json_has_the_record_its_resource_and_its_scope),
        TEST(test_no_value_hides_another_in_flat_json),
        TEST(test_an_attribute_cannot_pass_for_the_resource),
        TEST(test_an_empty_record_is_an_empty_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
