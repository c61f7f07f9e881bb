/* SPDX-License-Identifier: Apache-2.0 */
/* record_template_test.c -- templates, and what they make of records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "support/made_record.h"
#include "telltale/record_template.h"

enum { OUT_MAX = 1 << 24 };

#define TIME_NS UINT64_C(1700000000123456789)

static struct error err;
static const struct record_group empty_group = {.signal = SIGNAL_LOGS};

/* What a template makes of a record, for the caller to free. */
static char *written(const char *template, struct slice record, const struct record_group *group)
{
    struct record_templates *set;
    struct record_facts facts;
    struct buf out;

    buf_init(&out, OUT_MAX);
    assert_int_equal(record_templates_create(&set, &err), ST_OK);
    if (record_templates_add(set, slice_of_text(template), &err) != ST_OK)
        fail_msg("'%s': %s", template, err.text);
    assert_int_equal(record_templates_set_group(set, group, &err), ST_OK);
    assert_int_equal(record_templates_read(set, record, 42, &facts, &err), ST_OK);
    assert_int_equal(record_templates_append(set, 0, &out, &err), ST_OK);
    char *text = strndup((const char *)out.data, out.size);
    buf_fini(&out);
    record_templates_destroy(set);
    assert_non_null(text);
    return text;
}

static void assert_written(const char *template, struct slice record, const char *expected)
{
    char *text = written(template, record, &empty_group);
    cJSON *tree = cJSON_Parse(text);

    assert_string_equal(text, expected);
    assert_non_null(tree);
    cJSON_Delete(tree);
    free(text);
}

static void make_record(struct made_record *made)
{
    made_init(made);
    made_fixed64(made, RECORD_TIME_UNIX_NANO, TIME_NS);
    made_uint(made, RECORD_SEVERITY_NUMBER, 9);
    made_field(made, RECORD_BODY, SLICE("\x0a\x0bsay \"hi\"\n\\x"));
    made_text(made, "agent.event.kind", "agent.tool");
    made_text(made, "session.id", "s\"1");
    made_int(made, "count", 7);
    made_text(made, "a.b", "1");
    made_text(made, "a.c.d", "2");
}

static void test_slots_are_written_by_their_places(void **state)
{
    static const char *const cases[][2] = {
        {"{{kind}}", "\"agent.tool\""},
        {" { \"k\" : {{kind}} , \"n\" : [ 1 , -2.5E+3 , true , null ] } ",
         "{\"k\":\"agent.tool\",\"n\":[1,-2.5e+3,true,null]}"},
        {"\"{{kind}}/{{session}}: {{body}}\"", "\"agent.tool/s\\\"1: say \\\"hi\\\"\\n\\\\x\""},
        {"{{body}}", "\"say \\\"hi\\\"\\n\\\\x\""},
        {"{{body:b64}}", "\"c2F5ICJoaSIKXHg=\""},
        {"[{{time}},{{time:unix_s}},{{time:unix_ms}},{{time:unix_us}},{{time:unix_ns}}]",
         "[\"2023-11-14T22:13:20.123456789Z\",1700000000,1700000000123,1700000000123456,"
         "1700000000123456789]"},
        {"[{{time:unix_dec9}},{{time:unix_ns_str}},{{time:unix_ms_str}}]",
         "[1700000000.123456789,\"1700000000123456789\",\"1700000000123\"]"},
        {"\"at {{time}}, {{time:unix_ns_str}}\"",
         "\"at 2023-11-14T22:13:20.123456789Z, 1700000000123456789\""},
        {"[{{severity}},{{severity_number}},{{sequence}}]", "[\"INFO\",9,42]"},
        {"[{{attr:count}},{{attr_str:count}},\"{{attr:count}}\"]", "[7,\"7\",\"7\"]"},
        {"{\"\\u00e9\":\"\\\"\"}", "{\"\\u00e9\":\"\\\"\"}"},
        {"[[],{},\"\"]", "[[],{},\"\"]"},
    };
    struct made_record made;

    (void)state;
    make_record(&made);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_written(cases[i][0], buf_slice(&made.bytes), cases[i][1]);
    made_fini(&made);
}

static void test_what_a_record_does_not_say_is_null_or_empty_or_left_out(void **state)
{
    static const char *const cases[][2] = {
        {"[{{tool}},{{tool!}},{{attr:no}},{{trace_id!}},\"<{{tool}}>\"]",
         "[null,\"\",null,\"\",\"<>\"]"},
        {"{\"a\":{{tool?}}}", "{}"},
        {"{\"a\":{{tool?}},\"b\":1}", "{\"b\":1}"},
        {"{\"b\":1,\"a\":{{tool?}}}", "{\"b\":1}"},
        {"{\"b\":1,\"a\":{{tool?}},\"c\":[2]}", "{\"b\":1,\"c\":[2]}"},
        {"{\"b\":1,\"a\":{{kind?}},\"c\":[2]}", "{\"b\":1,\"a\":\"agent.tool\",\"c\":[2]}"},
        {"{\"a\":{{tool?}},\"b\":{{kind?}},\"c\":{{host?}},\"d\":{{uid?}}}",
         "{\"b\":\"agent.tool\"}"},
        {"[{{tool?}},{{host?}}]", "[]"},
        {"[{{tool?}},{{kind}},{{host?}},1]", "[\"agent.tool\",1]"},
        {"{\"o\":{\"a\":{{tool?}}},\"p\":[{{tool?}}],\"q\":{{kind?}},\"r\":{}}",
         "{\"o\":{},\"p\":[],\"q\":\"agent.tool\",\"r\":{}}"},
        {"{\"a\":{{tool?}},\"o\":{\"x\":{{tool?}},\"y\":{{kind}}},\"z\":0}",
         "{\"o\":{\"y\":\"agent.tool\"},\"z\":0}"},
    };
    struct made_record made;

    (void)state;
    make_record(&made);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_written(cases[i][0], buf_slice(&made.bytes), cases[i][1]);
    made_fini(&made);
}

static void test_attributes_are_flat_or_nested(void **state)
{
    struct made_record made;

    (void)state;
    make_record(&made);
    assert_written("{{attrs:flat}}", buf_slice(&made.bytes),
                   "{\"agent.event.kind\":\"agent.tool\",\"session.id\":\"s\\\"1\",\"count\":7,"
                   "\"a.b\":\"1\",\"a.c.d\":\"2\"}");
    assert_written("{{attrs:nested}}", buf_slice(&made.bytes),
                   "{\"a\":{\"b\":\"1\",\"c\":{\"d\":\"2\"}},\"agent\":{\"event\":{\"kind\":"
                   "\"agent.tool\"}},\"count\":7,\"session\":{\"id\":\"s\\\"1\"}}");
    made_text(&made, "a", "both");
    made_text(&made, "odd key", "x");
    made_text(&made, "count", "again");
    assert_written("[{{attrs:nested}},{{attrs:flat}}]", buf_slice(&made.bytes),
                   "[{\"a\":{\"b\":\"1\",\"c\":{\"d\":\"2\"}},\"agent\":{\"event\":{\"kind\":"
                   "\"agent.tool\"}},\"count\":\"again\",\"session\":{\"id\":\"s\\\"1\"},"
                   "\"other attributes\":[{\"key\":\"count\",\"value\":\"7\"},"
                   "{\"key\":\"a\",\"value\":\"both\"},{\"key\":\"odd key\",\"value\":\"x\"}]},"
                   "{\"agent.event.kind\":\"agent.tool\",\"session.id\":\"s\\\"1\",\"a.b\":\"1\","
                   "\"a.c.d\":\"2\",\"a\":\"both\",\"count\":\"again\",\"other attributes\":["
                   "{\"key\":\"count\",\"value\":\"7\"},{\"key\":\"odd key\",\"value\":\"x\"}]}]");
    made_fini(&made);
}

static void test_documents_stand_as_objects_strings_and_base64(void **state)
{
    struct made_record made;

    (void)state;
    make_record(&made);
    char *text = written("{\"o\":{{shape:otel}},\"s\":{{shape:otel:str}},\"i\":\"{{shape:otel}}\","
                         "\"e\":{{shape:ecs}},\"c\":{{shape:cim}},\"f\":{{shape:ocsf}}}",
                         buf_slice(&made.bytes), &empty_group);
    char *plain = written("{{shape:otel}}", buf_slice(&made.bytes), &empty_group);
    cJSON *tree = cJSON_Parse(text);
    assert_non_null(tree);
    assert_string_equal(cJSON_GetObjectItem(tree, "s")->valuestring, plain);
    assert_string_equal(cJSON_GetObjectItem(tree, "i")->valuestring, plain);
    cJSON *object = cJSON_Parse(plain);
    assert_true(cJSON_Compare(cJSON_GetObjectItem(tree, "o"), object, true));
    assert_true(cJSON_HasObjectItem(cJSON_GetObjectItem(tree, "e"), "ecs"));
    assert_true(cJSON_HasObjectItem(cJSON_GetObjectItem(tree, "c"), "vendor_product"));
    assert_true(cJSON_HasObjectItem(cJSON_GetObjectItem(tree, "f"), "class_uid"));
    cJSON_Delete(object);
    cJSON_Delete(tree);
    free(plain);
    free(text);
    made_fini(&made);
}

static void test_what_is_no_template_is_named_by_its_column(void **state)
{
    static const char *const cases[][2] = {
        {"", "column 1: a value must stand here"},
        {"{", "column 2: a key in quotes must stand here"},
        {"{\"a\" 1}", "column 6: ':' must follow a key"},
        {"{\"a\":1,}", "column 8: a key in quotes must stand here"},
        {"[1 2]", "column 4: ',' or ']' must follow"},
        {"{\"a\":{{nobody}}}", "column 6: no slot has this name"},
        {"{\"a\":{{time:tomorrow}}}", "column 6: this slot has no such form"},
        {"{\"a\":{{kind:str}}}", "column 6: this slot has no such form"},
        {"{\"a\":{{shape:xml}}}", "column 6: this slot has no such form"},
        {"{\"a\":{{kind}", "column 6: '{{' without '}}'"},
        {"{{{kind}}:1}", "column 1: no slot has this name"},
        {"{\"{{kind}}", "column 11: a string has no end"},
        {"\"\\q\"", "column 3: no escape of JSON"},
        {"\"\\u12g4\"", "column 6: four hexadecimal digits must follow"},
        {"\"a\nb\"", "column 3: a control character in a string"},
        {"{{kind?}}", "column 1: '?' needs a member or an element that can be left out"},
        {"\"{{kind?}}\"", "column 2: '?' has no use within a string: nothing is written there"},
        {"01", "column 3: a value must stand here"},
        {"1.", "column 3: digits must follow"},
        {"{} x", "column 4: nothing may follow"},
        {"\"\xff\"", "a template must be UTF-8"},
        {"[{{shape:}}]", "column 2: this slot has no such form"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(record_template_check(slice_of_text(cases[i][0]), &err), ST_INVALID);
        assert_string_equal(err.text, cases[i][1]);
    }
}

static void test_templates_have_limits(void **state)
{
    char text[8192];
    size_t size = 0;

    (void)state;
    memset(text, '[', TEMPLATE_DEPTH_MAX + 1);
    assert_int_equal(record_template_check(slice_of(text, TEMPLATE_DEPTH_MAX + 1), &err), ST_LIMIT);
    text[size++] = '[';
    for (int i = 0; i < TEMPLATE_SLOTS_MAX + 1; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s{{uid}}", i > 0 ? "," : "");
    text[size++] = ']';
    assert_int_equal(record_template_check(slice_of(text, size), &err), ST_LIMIT);
    char *large = calloc(1, TEMPLATE_SIZE_MAX + 1);
    assert_non_null(large);
    assert_int_equal(record_template_check(slice_of(large, TEMPLATE_SIZE_MAX + 1), &err), ST_LIMIT);
    free(large);
}

static void test_a_buffer_without_room_stays_as_it_was(void **state)
{
    struct record_templates *set;
    struct record_facts facts;
    struct made_record made;
    struct buf out;

    (void)state;
    make_record(&made);
    assert_int_equal(record_templates_create(&set, &err), ST_OK);
    assert_int_equal(
        record_templates_add(set, SLICE("{\"o\":{{shape:otel}},\"k\":{{kind}}}"), &err), ST_OK);
    assert_int_equal(record_templates_set_group(set, &empty_group, &err), ST_OK);
    assert_int_equal(record_templates_read(set, buf_slice(&made.bytes), 1, &facts, &err), ST_OK);
    for (size_t limit = 1; limit < 600; limit++) {
        buf_init(&out, limit);
        assert_int_equal(buf_append(&out, "x", 1, &err), ST_OK);
        if (record_templates_append(set, 0, &out, &err) != ST_OK)
            assert_int_equal(out.size, 1);
        else
            assert_int_equal(out.data[out.size - 1], '}');
        buf_fini(&out);
    }
    record_templates_destroy(set);
    made_fini(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_are_written_by_their_places),
        cmocka_unit_test(test_what_a_record_does_not_say_is_null_or_empty_or_left_out),
        cmocka_unit_test(test_attributes_are_flat_or_nested),
        cmocka_unit_test(test_documents_stand_as_objects_strings_and_base64),
        cmocka_unit_test(test_what_is_no_template_is_named_by_its_column),
        cmocka_unit_test(test_templates_have_limits),
        cmocka_unit_test(test_a_buffer_without_room_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
