/* SPDX-License-Identifier: Apache-2.0 */
/* shaper_test.c -- what the shapes do with records that are not as they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "support/made_record.h"
#include "telltale/shape.h"

enum { OUT_MAX = 1 << 24, LONG_SIZE = 9000 };

static struct error err;

static const struct record_group no_group = {.signal = SIGNAL_LOGS};

/* The document of the record; to be freed by the caller. */
static cJSON *shape_under(const struct record_group *group, const struct made_record *made,
                          enum shape shape)
{
    struct shaper *shaper = NULL;
    struct record_facts facts;
    struct buf document;

    buf_init(&document, OUT_MAX);
    assert_int_equal(shaper_create(shape, NULL, &shaper, &err), ST_OK);
    assert_int_equal(shaper_set_group(shaper, group, &err), ST_OK);
    assert_int_equal(shaper_read(shaper, buf_slice(&made->bytes), &facts, &err), ST_OK);
    assert_int_equal(shaper_append(shaper, &document, &err), ST_OK);
    cJSON *tree = cJSON_ParseWithLength((const char *)document.data, document.size);
    assert_non_null(tree);
    shaper_destroy(shaper);
    buf_fini(&document);
    return tree;
}

static cJSON *shape_of(const struct made_record *made, enum shape shape)
{
    return shape_under(&no_group, made, shape);
}

/* The value at names that end with NULL; NULL: none. */
static const cJSON *at(const cJSON *tree, const char *first, const char *second, const char *third)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(tree, first);
    if (second != NULL)
        found = cJSON_GetObjectItemCaseSensitive(found, second);
    return third != NULL ? cJSON_GetObjectItemCaseSensitive(found, third) : found;
}

static void check_text(const cJSON *node, const char *expected)
{
    assert_non_null(node);
    assert_true(cJSON_IsString(node));
    assert_string_equal(node->valuestring, expected);
}

/* The object in which what the sender wrote stands. */
static const cJSON *rest_of(const cJSON *tree, enum shape shape)
{
    return shape_is_ocsf(shape) ? at(tree, "unmapped", NULL, NULL) : tree;
}

/* The text beside `key` in a list of pairs. */
static void check_pair(const cJSON *tree, const char *key, const char *expected)
{
    const cJSON *pair;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(tree, "attribute_list"))
    {
        if (strcmp(at(pair, "key", NULL, NULL)->valuestring, key) == 0) {
            check_text(at(pair, "value", NULL, NULL), expected);
            return;
        }
    }
    fail_msg("%s is not in the list", key);
}

static char *long_text(void)
{
    char *text = malloc(LONG_SIZE + 1);
    assert_non_null(text);
    memset(text, 'x', LONG_SIZE);
    text[LONG_SIZE] = '\0';
    return text;
}

static void test_values_that_a_field_cannot_hold_are_the_senders(void **state)
{
    struct made_record made;
    (void)state;
    made_init(&made);
    made_text(&made, "process.exit.code", "one");
    made_int(&made, "gen_ai.usage.input_tokens", (int64_t)INT32_MAX + 1);
    made_int(&made, "gen_ai.usage.output_tokens", INT32_MAX);
    made_double(&made, "agent.duration_ms", 1e300);
    cJSON *tree = shape_of(&made, SHAPE_ECS);
    check_text(at(tree, "attributes", "process.exit.code", NULL), "one");
    check_text(at(tree, "attributes", "gen_ai.usage.input_tokens", NULL), "2147483648");
    assert_null(at(tree, "process", NULL, NULL));
    assert_null(at(tree, "event", "duration", NULL));
    assert_non_null(at(tree, "ai_agent", "duration_ms", NULL));
    assert_true(cJSON_IsNumber(at(at(tree, "gen_ai", NULL, NULL), "usage", "output_tokens", NULL)));
    cJSON_Delete(tree);
    made_fini(&made);
}

static void test_seconds_have_the_digits_of_the_milliseconds(void **state)
{
    static const struct {
        double ms;
        double seconds;
    } cases[] = {{1.005, 0.001005},   {3925.811, 3.925811}, {0.009, 0.000009},
                 {-1.005, -0.001005}, {1e300, 1e297},       {0.1234567, 0.0001234567},
                 {7, 0.007}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct made_record made;
        made_init(&made);
        made_double(&made, "agent.duration_ms", cases[i].ms);
        cJSON *tree = shape_of(&made, SHAPE_CIM);
        const cJSON *duration = at(tree, "duration", NULL, NULL);
        assert_true(cJSON_IsNumber(duration) && duration->valuedouble == cases[i].seconds);
        cJSON_Delete(tree);
        made_fini(&made);
    }
}

static void test_address_is_an_ip_or_a_domain(void **state)
{
    static const struct {
        const char *address;
        bool is_ip;
    } cases[] = {{"10.1.2.3", true},      {"::1", true},         {"fe80::1%eth0", false},
                 {"10.1.2", false},       {"10.1.2.300", false}, {"api.example.com", false},
                 {"::ffff:1.2.3.4", true}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct made_record made;
        made_init(&made);
        made_text(&made, "server.address", cases[i].address);
        cJSON *tree = shape_of(&made, SHAPE_ECS);
        const char *name = cases[i].is_ip ? "ip" : "domain";
        check_text(at(tree, "destination", name, NULL), cases[i].address);
        check_text(at(tree, "server", name, NULL), cases[i].address);
        assert_null(at(tree, "server", cases[i].is_ip ? "domain" : "ip", NULL));
        check_text(at(tree, "destination", "address", NULL), cases[i].address);
        cJSON_Delete(tree);
        made_fini(&made);
    }
}

static void test_error_and_error_message_stand_side_by_side(void **state)
{
    struct made_record made;
    (void)state;
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        made_init(&made);
        made_text(&made, "error", "text");
        made_text(&made, "error.message", "more");
        made_text(&made, "source", "Config");
        made_text(&made, "event.kind", "response.completed");
        cJSON *tree = shape_of(&made, (enum shape)shape);
        const cJSON *rest = rest_of(tree, (enum shape)shape);
        check_text(at(rest, "attributes", "error", NULL), "text");
        check_text(at(rest, "attributes", "error.message", NULL), "more");
        check_text(at(rest, "attributes", "source", NULL), "Config");
        check_text(at(rest, "attributes", "event.kind", NULL), "response.completed");
        cJSON_Delete(tree);
        made_fini(&made);
    }
}

static void test_long_texts_stand_where_they_can_be_long(void **state)
{
    struct made_record made;
    char *text = long_text();
    (void)state;
    made_init(&made);
    made_text(&made, "process.command_line", text);
    made_text(&made, "file.path", text);
    made_text(&made, "gen_ai.tool.call.result", text);
    made_text(&made, "mine", text);
    cJSON *tree = shape_of(&made, SHAPE_ECS);
    check_text(at(tree, "process", "command_line", NULL), text);
    check_text(at(tree, "ai_agent", "tool", "result"), text);
    assert_null(at(tree, "file", NULL, NULL));
    assert_null(at(tree, "attributes", NULL, NULL));
    check_pair(tree, "file.path", text);
    check_pair(tree, "mine", text);
    cJSON_Delete(tree);
    made_fini(&made);
    free(text);
}

static void test_fields_out_of_range_are_listed(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        struct made_record made;
        made_init(&made);
        made_fixed64(&made, RECORD_TIME_UNIX_NANO, UINT64_MAX);
        made_fixed64(&made, RECORD_OBSERVED_TIME_UNIX_NANO, UINT64_C(1795209899123456789));
        made_uint(&made, RECORD_SEVERITY_NUMBER, 25);
        cJSON *tree = shape_of(&made, (enum shape)shape);
        const cJSON *rest = rest_of(tree, (enum shape)shape);
        check_pair(rest, "time_unix_nano", "18446744073709551615");
        check_pair(rest, "severity_number", "25");
        if (shape_is_ocsf((enum shape)shape))
            assert_true(at(tree, "time", NULL, NULL)->valuedouble == 1795209899123);
        else
            check_text(at(tree, shape == SHAPE_CIM ? "timestamp" : "@timestamp", NULL, NULL),
                       "2026-11-20T21:24:59.123456789Z");
        assert_null(at(rest, "severity_number", NULL, NULL));
        cJSON_Delete(tree);
        made_fini(&made);
    }
}

static void test_odd_and_repeated_keys_are_listed(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        struct made_record made;
        made_init(&made);
        made_text(&made, "", "empty");
        made_text(&made, "a..b", "dots");
        made_text(&made, "twice", "first");
        made_text(&made, "twice", "second");
        cJSON *tree = shape_of(&made, (enum shape)shape);
        const cJSON *rest = rest_of(tree, (enum shape)shape);
        check_pair(rest, "", "empty");
        check_pair(rest, "a..b", "dots");
        check_pair(rest, "twice", "first");
        check_text(at(rest, "attributes", "twice", NULL), "second");
        cJSON_Delete(tree);
        made_fini(&made);
    }
}

static void test_resource_of_the_host_goes_before_what_a_record_says(void **state)
{
    struct buf inner, fields;
    struct made_record made;
    uint8_t header[PB_TAG_MAX + PB_VARINT_MAX];
    (void)state;
    buf_init(&inner, OUT_MAX);
    buf_init(&fields, OUT_MAX);
    assert_int_equal(
        pb_append_text(&inner, RESOURCE_ATTRIBUTES, SLICE("host.name"), SLICE("of-resource"), &err),
        ST_OK);
    uint8_t *end = pb_put_header(header, RESOURCE_LOGS_RESOURCE, inner.size);
    assert_int_equal(buf_append(&fields, header, (size_t)(end - header), &err), ST_OK);
    assert_int_equal(buf_append(&fields, inner.data, inner.size, &err), ST_OK);
    const struct record_group group = {.resource_logs_fields = buf_slice(&fields),
                                       .signal = SIGNAL_LOGS};
    made_init(&made);
    made_text(&made, "host.name", "of-record");
    cJSON *tree = shape_under(&group, &made, SHAPE_ECS);
    check_text(at(tree, "host", "name", NULL), "of-resource");
    check_text(at(tree, "attributes", "host.name", NULL), "of-record");
    assert_null(at(tree, "resource", "attributes", NULL));
    cJSON_Delete(tree);
    tree = shape_of(&made, SHAPE_ECS);
    check_text(at(tree, "host", "name", NULL), "of-record");
    assert_null(at(tree, "attributes", NULL, NULL));
    cJSON_Delete(tree);
    made_fini(&made);
    buf_fini(&inner);
    buf_fini(&fields);
}

static void test_full_buffer_is_left_as_it_was(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        struct made_record made;
        struct shaper *shaper = NULL;
        struct record_facts facts;
        made_init(&made);
        made_text(&made, "session.id", "some session");
        assert_int_equal(shaper_create((enum shape)shape, NULL, &shaper, &err), ST_OK);
        assert_int_equal(shaper_set_group(shaper, &no_group, &err), ST_OK);
        assert_int_equal(shaper_read(shaper, buf_slice(&made.bytes), &facts, &err), ST_OK);
        for (size_t limit = 3; limit < 100; limit++) {
            struct buf document;
            buf_init(&document, limit);
            assert_int_equal(buf_append(&document, "abc", 3, &err), ST_OK);
            assert_int_equal(shaper_append(shaper, &document, &err), ST_LIMIT);
            assert_int_equal(document.size, 3);
            buf_fini(&document);
        }
        shaper_destroy(shaper);
        made_fini(&made);
    }
}

static void test_shapes_have_names(void **state)
{
    enum shape shape;
    (void)state;
    for (unsigned i = 0; i < SHAPE_COUNT; i++) {
        assert_true(shape_named(shape_name((enum shape)i), &shape));
        assert_int_equal(shape, i);
    }
    assert_false(shape_named("xml", &shape));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_that_a_field_cannot_hold_are_the_senders),
        cmocka_unit_test(test_seconds_have_the_digits_of_the_milliseconds),
        cmocka_unit_test(test_address_is_an_ip_or_a_domain),
        cmocka_unit_test(test_error_and_error_message_stand_side_by_side),
        cmocka_unit_test(test_long_texts_stand_where_they_can_be_long),
        cmocka_unit_test(test_fields_out_of_range_are_listed),
        cmocka_unit_test(test_odd_and_repeated_keys_are_listed),
        cmocka_unit_test(test_resource_of_the_host_goes_before_what_a_record_says),
        cmocka_unit_test(test_full_buffer_is_left_as_it_was),
        cmocka_unit_test(test_shapes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
