/* SPDX-License-Identifier: Apache-2.0 */
/* json_member_test.c -- commas stand between members, within objects too, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/json_member.h"

static void test_members_are_parted_by_commas_in_each_object(void **state)
{
    (void)state;
    struct json_put json;
    struct error err;
    struct buf out;

    buf_init(&out, 4096);
    json_start(&json, &out, &err);
    json_put(&json, SLICE("{"));
    json_member_text(&json, "a \"key\"", "ends with {");
    json_member_key(&json, "inner");
    json_put(&json, SLICE("{"));
    json_member_uint(&json, "first", UINT64_MAX);
    json_member_bool(&json, "second", true);
    json_put(&json, SLICE("}"));
    json_member_bool(&json, "behind", false);
    json_member_known_text(&json, "no text", NULL);
    json_member_known_text(&json, "empty", "");
    json_member_known_uint(&json, "zero", 0);
    json_member_known_time(&json, "never", 0);
    json_member_known_text(&json, "known", "x");
    json_member_known_uint(&json, "count", 1);
    json_member_known_time(&json, "time", 1);
    json_member_time(&json, "epoch", 0);
    json_put(&json, SLICE("}"));
    assert_int_equal(json_finish(&json), ST_OK);
    assert_true(slice_equal(buf_slice(&out),
                            SLICE("{\"a \\\"key\\\"\":\"ends with {\",\"inner\":{\"first\":"
                                  "18446744073709551615,\"second\":true},\"behind\":false,"
                                  "\"known\":\"x\",\"count\":1,"
                                  "\"time\":\"1970-01-01T00:00:00.000000001Z\","
                                  "\"epoch\":\"1970-01-01T00:00:00.000000000Z\"}")));
    buf_fini(&out);
}

static void test_what_has_no_room_is_a_failure(void **state)
{
    (void)state;
    struct json_put json;
    struct error err;
    struct buf out;

    buf_init(&out, 16);
    json_start(&json, &out, &err);
    json_put(&json, SLICE("{"));
    json_member_text(&json, "key", "more than there is room for");
    json_member_uint(&json, "behind", 1);
    assert_int_equal(json_finish(&json), ST_LIMIT);
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_parted_by_commas_in_each_object),
        cmocka_unit_test(test_what_has_no_room_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
