/* SPDX-License-Identifier: Apache-2.0 */
/* json_edit_test.c -- members and elements put into somebody's settings and taken out again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "install/json_edit.h"

struct fixture {
    struct buf text;
    cJSON *edits, *kept;
    struct error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.edits = cJSON_CreateArray(), .kept = cJSON_CreateArray()};
    buf_init(&fixture.text, JSON_EDIT_SIZE_MAX);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    buf_fini(&fixture->text);
    cJSON_Delete(fixture->edits);
    cJSON_Delete(fixture->kept);
    return 0;
}

static void start(struct fixture *fixture, const char *text)
{
    buf_clear(&fixture->text);
    assert_int_equal(buf_append(&fixture->text, text, strlen(text), &fixture->err), ST_OK);
}

static enum status merge(struct fixture *fixture, const char *wanted, bool replace)
{
    cJSON *value = cJSON_Parse(wanted);

    assert_non_null(value);
    enum status st = json_edit_merge(&fixture->text, value, replace, fixture->edits, fixture->kept,
                                     &fixture->err);
    cJSON_Delete(value);
    return st;
}

static void expect(const struct fixture *fixture, const char *text)
{
    char present[4096];

    assert_true(fixture->text.size < sizeof(present));
    memcpy(present, fixture->text.data, fixture->text.size);
    present[fixture->text.size] = 0;
    assert_string_equal(present, text);
}

static void undo(struct fixture *fixture)
{
    assert_int_equal(json_edit_undo(&fixture->text, fixture->edits, fixture->kept, &fixture->err),
                     ST_OK);
}

static void test_members_are_added_in_the_style_of_the_file(void **state)
{
    struct fixture *fixture = *state;
    const char *before =
        "{\n    \"model\": \"x\",\n    \"env\": {\n        \"A\": \"1\"\n    }\n}\n";

    start(fixture, before);
    assert_int_equal(
        merge(fixture, "{\"env\":{\"B\":\"2\"},\"hooks\":{\"Stop\":[{\"c\":1}]}}", false), ST_OK);
    expect(fixture,
           "{\n    \"model\": \"x\",\n    \"env\": {\n        \"A\": \"1\",\n"
           "        \"B\": \"2\"\n    },\n    \"hooks\": {\n        \"Stop\": [\n"
           "            {\n                \"c\": 1\n            }\n        ]\n    }\n}\n");
    assert_int_equal(cJSON_GetArraySize(fixture->kept), 0);
    undo(fixture);
    expect(fixture, before);
    assert_int_equal(cJSON_GetArraySize(fixture->kept), 0);
}

static void test_what_is_there_is_not_added_again(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "{\"a\": [{\"x\": 1, \"y\": 2}], \"b\": true}");
    assert_int_equal(merge(fixture, "{\"a\":[{\"y\":2,\"x\":1}],\"b\":true}", false), ST_OK);
    expect(fixture, "{\"a\": [{\"x\": 1, \"y\": 2}], \"b\": true}");
    assert_int_equal(cJSON_GetArraySize(fixture->edits), 0);
}

static void test_elements_stand_behind_those_of_others(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "{\"a\": [1, 2]}");
    assert_int_equal(merge(fixture, "{\"a\":[{\"x\":[]}]}", false), ST_OK);
    expect(fixture, "{\"a\": [1, 2, {\"x\":[]}]}");
    undo(fixture);
    expect(fixture, "{\"a\": [1, 2]}");
}

static void test_other_values_stay_and_are_told(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "{\"env\": {\"URL\": \"theirs\"}}");
    assert_int_equal(merge(fixture, "{\"env\":{\"URL\":\"ours\"}}", false), ST_OK);
    expect(fixture, "{\"env\": {\"URL\": \"theirs\"}}");
    assert_int_equal(cJSON_GetArraySize(fixture->kept), 1);
    assert_string_equal(cJSON_GetArrayItem(fixture->kept, 0)->valuestring, "env.URL: \"theirs\"");
}

static void test_replaced_values_come_back(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "{\"env\": {\"URL\": \"theirs\", \"n\": 1.50}}");
    assert_int_equal(merge(fixture, "{\"env\":{\"URL\":\"ours\"}}", true), ST_OK);
    expect(fixture, "{\"env\": {\"URL\": \"ours\", \"n\": 1.50}}");
    undo(fixture);
    expect(fixture, "{\"env\": {\"URL\": \"theirs\", \"n\": 1.50}}");
}

static void test_what_was_changed_since_stays(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "");
    assert_int_equal(merge(fixture, "{\"a\":\"1\",\"h\":{\"Stop\":[\"x\"]}}", false), ST_OK);
    start(fixture, "{\n  \"a\": \"2\",\n  \"h\": {\n    \"Stop\": [\n      \"x\",\n      \"mine\"\n"
                   "    ]\n  }\n}\n");
    undo(fixture);
    expect(fixture,
           "{\n  \"a\": \"2\",\n  \"h\": {\n    \"Stop\": [\n      \"mine\"\n    ]\n  }\n}\n");
    /* The text, and the two containers that are not empty. */
    assert_int_equal(cJSON_GetArraySize(fixture->kept), 3);
    assert_string_equal(cJSON_GetArrayItem(fixture->kept, 2)->valuestring, "a: \"2\"");
}

static void test_comments_stay(void **state)
{
    struct fixture *fixture = *state;
    const char *before =
        "// mine {\n{\n  \"a\": 1, /* \"b\": 2 */\n  \"c\": \"// no comment\"\n}\n";

    start(fixture, before);
    assert_int_equal(merge(fixture, "{\"d\":3}", false), ST_OK);
    expect(fixture, "// mine {\n{\n  \"a\": 1, /* \"b\": 2 */\n  \"c\": \"// no comment\",\n"
                    "  \"d\": 3\n}\n");
    undo(fixture);
    expect(fixture, before);
}

static void test_empty_objects_and_files(void **state)
{
    static const struct {
        const char *before, *after, *undone;
    } cases[] = {
        {"", "{\n  \"a\": 1\n}\n", "{}\n"},
        {" \n", "{\n  \"a\": 1\n}\n", "{}\n"},
        {"{}", "{\n  \"a\": 1\n}", "{}"},
        {"{\n}\n", "{\n  \"a\": 1\n}\n", "{}\n"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        start(fixture, cases[i].before);
        assert_int_equal(merge(fixture, "{\"a\":1}", false), ST_OK);
        expect(fixture, cases[i].after);
        undo(fixture);
        expect(fixture, cases[i].undone);
        assert_true(json_edit_is_empty(buf_slice(&fixture->text)));
        tear_down(state);
        set_up(state);
    }
}

static void test_what_is_no_settings_file_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"{\n  \"a\": 1,\n}\n", "line 3, column 1"},
        {"[1]", "this is no JSON object"},
        {"{\"h\": []}", "'h' is no object there"},
        {"{\"h\": {\"Stop\": {}}}", "'h.Stop' is no array there"},
        {"{\"h\": \"\\ud800\"}", "line 1"},
        {"{\"a\": 1} x", "line 1, column 10"},
        {"{\"h\": {}, \"h\": 1}", "'h' stands there more than once"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        start(fixture, cases[i].text);
        assert_int_equal(merge(fixture, "{\"h\":{\"Stop\":[1]}}", false), ST_INVALID);
        if (strstr(fixture->err.text, cases[i].reason) == NULL)
            fail_msg("'%s' says '%s'", cases[i].text, fixture->err.text);
    }
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_members_are_added_in_the_style_of_the_file),
        WITH_FIXTURE(test_what_is_there_is_not_added_again),
        WITH_FIXTURE(test_elements_stand_behind_those_of_others),
        WITH_FIXTURE(test_other_values_stay_and_are_told),
        WITH_FIXTURE(test_replaced_values_come_back),
        WITH_FIXTURE(test_what_was_changed_since_stays),
        WITH_FIXTURE(test_comments_stay),
        WITH_FIXTURE(test_empty_objects_and_files),
        WITH_FIXTURE(test_what_is_no_settings_file_is_refused_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
