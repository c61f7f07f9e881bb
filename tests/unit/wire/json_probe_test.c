/* SPDX-License-Identifier: Apache-2.0 */
/* json_probe_test.c -- one value out of foreign JSON; and records with a shorter body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "telltale/encode.h"
#include "telltale/json_probe.h"

static struct error err;

static void test_a_member_is_found_wherever_it_stands(void **state)
{
    static const struct {
        const char *json, *path;
        enum json_probe_result result;
        const char *value;
    } cases[] = {
        {"{\"code\":0}", "code", JSON_PROBE_FOUND, "0"},
        {" { \"a\" : [ {\"code\":1} ] , \"code\" : -1.5e3 } ", "code", JSON_PROBE_FOUND, "-1.5e3"},
        {"{\"c\\u006fde\":\"\\u00e9\\n\"}", "code", JSON_PROBE_FOUND, "\xc3\xa9\n"},
        {"{\"a\":{\"b\":{\"c\":true}}}", "a.b.c", JSON_PROBE_FOUND, "true"},
        {"{\"a\":{\"b\":{\"c\":true}}}", "a.b", JSON_PROBE_FOUND, "{\"c\":true}"},
        {"{\"a\":1,\"a\":2}", "a", JSON_PROBE_FOUND, "2"},
        {"{\"a\":{\"b\":1}}", "b", JSON_PROBE_ABSENT, ""},
        {"{\"a\":7}", "a.b", JSON_PROBE_ABSENT, ""},
        {"[1]", "a", JSON_PROBE_ABSENT, ""},
        {"{}", "a", JSON_PROBE_ABSENT, ""},
        {"", "a", JSON_PROBE_NOT_JSON, ""},
        {"{\"a\":1", "a", JSON_PROBE_NOT_JSON, ""},
        {"{\"a\":1} x", "a", JSON_PROBE_NOT_JSON, ""},
        {"<html>", "a", JSON_PROBE_NOT_JSON, ""},
        {"{\"a\":\"longer than the room for it is, which there must be\"}", "a",
         JSON_PROBE_NOT_JSON, ""},
    };
    struct slice value;
    struct buf text;

    (void)state;
    buf_init(&text, 40);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(json_probe(slice_of_text(cases[i].json), cases[i].path, &text, &value),
                         cases[i].result);
        assert_true(slice_equal(value, slice_of_text(cases[i].value)));
    }
    buf_fini(&text);
}

static void assert_cut(struct slice record, size_t size_max, struct slice expected)
{
    struct buf out;

    buf_init(&out, 1024);
    assert_int_equal(encode_cut_body(record, size_max, SLICE("~"), &out, &err), ST_OK);
    assert_true(slice_equal(buf_slice(&out), expected));
    buf_fini(&out);
}

static void test_a_body_is_cut_at_the_end_of_a_character(void **state)
{
    const struct slice record = SLICE("\x10\x09\x2a\x08\x0a\x06"
                                      "a\xc3\xa9xyz\x32\x02\x0a\x00");
    struct buf out;

    (void)state;
    assert_cut(record, 6, record);
    assert_cut(record, 4,
               SLICE("\x10\x09\x32\x02\x0a\x00\x2a\x07\x0a\x05"
                     "a\xc3\xa9x~"));
    assert_cut(record, 2,
               SLICE("\x10\x09\x32\x02\x0a\x00\x2a\x04\x0a\x02"
                     "a~"));
    assert_cut(SLICE("\x2a\x02\x18\x07"), 0, SLICE("\x2a\x02\x18\x07")); /* a number */
    buf_init(&out, 1024);
    assert_int_equal(encode_cut_body(SLICE("\x2a\x7f"), 1, SLICE("~"), &out, &err), ST_CORRUPT);
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_is_found_wherever_it_stands),
        cmocka_unit_test(test_a_body_is_cut_at_the_end_of_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
