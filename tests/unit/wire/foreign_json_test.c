/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_json_test.c -- JSON that is sent to the wrong place is told by its outermost keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/recorded.h"
#include "wire/foreign_json.h"
#include "wire/otlp_json.h"

static void test_recorded_files_are_told(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 64 << 20);
    recorded_read("gemini-cli-0.61.0/outfile/telemetry.log", &text);
    assert_int_equal(foreign_json_find(buf_slice(&text)), FOREIGN_JSON_SDK);
    buf_clear(&text);
    recorded_read("gemini-cli-0.61.0/http-json/refactor/logs/001.json", &text);
    assert_int_equal(foreign_json_find(buf_slice(&text)), FOREIGN_JSON_OTLP);
    buf_fini(&text);
}

static void test_keys_tell_and_only_those_of_the_outermost_object(void **state)
{
    static const struct {
        const char *text;
        enum foreign_json found;
    } cases[] = {
        {"{\"resource\":{},\"scopeMetrics\":[]}", FOREIGN_JSON_SDK},
        {" {\"a\":[1,{}],\"_spanContext\":{}", FOREIGN_JSON_SDK}, /* cut behind it */
        {"{\"resourceSpans\":[]}", FOREIGN_JSON_OTLP},
        {"{\"resourceMetrics\"", FOREIGN_JSON_NONE},
        {"{\"kind\":\"agent.tool\",\"attributes\":{\"hrTime\":1}}", FOREIGN_JSON_NONE},
        {"{\"body\":\"hrTime\"}", FOREIGN_JSON_NONE},
        {"[{\"hrTime\":1}]", FOREIGN_JSON_NONE},
        {"{\"a\" \"hrTime\":1}", FOREIGN_JSON_NONE},
        {"{}", FOREIGN_JSON_NONE},
        {"", FOREIGN_JSON_NONE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(foreign_json_find(slice_of_text(cases[i].text)), cases[i].found);
}

static void test_a_request_with_keys_of_a_later_version_is_still_one(void **state)
{
    struct error err;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    assert_int_equal(otlp_json_read_request(SLICE("{\"somethingNew\":1}"), SIGNAL_LOGS,
                                            &otlp_limits_default, &out, &err),
                     ST_OK);
    assert_int_equal(otlp_json_read_request(SLICE("{\"hrTime\":1,\"resourceLogs\":[{}]}"),
                                            SIGNAL_LOGS, &otlp_limits_default, &out, &err),
                     ST_OK);
    buf_clear(&out);
    assert_int_equal(otlp_json_read_request(SLICE("{\"hrTime\":[1,2],\"_body\":\"x\"}"),
                                            SIGNAL_LOGS, &otlp_limits_default, &out, &err),
                     ST_INVALID);
    assert_non_null(strstr(err.text, "telemetry.outfile"));
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_files_are_told),
        cmocka_unit_test(test_keys_tell_and_only_those_of_the_outermost_object),
        cmocka_unit_test(test_a_request_with_keys_of_a_later_version_is_still_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
