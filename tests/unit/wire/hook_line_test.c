/* SPDX-License-Identifier: Apache-2.0 */
/* hook_line_test.c -- lines that carry what a hook was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/hook_line.h"
#include "wire/otlp.h"

static struct buf decoded;
static struct hook_line hook;
static struct error err;

static int begin(void **state)
{
    (void)state;
    buf_init(&decoded, 1 << 16);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_fini(&decoded);
    return 0;
}

static enum status read_line(const char *line)
{
    return hook_line_read(slice_of_text(line), &decoded, &hook, &err);
}

static void check_slice(struct slice slice, const char *expected)
{
    assert_true(slice_equal(slice, slice_of_text(expected)));
}

static void test_hook_within_a_line_is_taken_byte_for_byte(void **state)
{
    (void)state;
    assert_int_equal(
        read_line("{\"dialect\":\"codex_hook\",\"id\":\"a1\",\"time\":\"17\",\"event\":"
                  "\"Stop\",\"hook\": {\"a\" : [1 , 2],\t\"b\":\"\\u00e9\"} }"),
        ST_OK);
    check_slice(hook.dialect, "codex_hook");
    check_slice(hook.id, "a1");
    check_slice(hook.event, "Stop");
    assert_int_equal(hook.time_unix_nano, 17);
    check_slice(hook.hook, "{\"a\" : [1 , 2],\t\"b\":\"\\u00e9\"}");
    assert_true(hook.is_wrapped && hook.is_json && hook.is_text && !hook.is_cut);
}

static void test_base64_gives_every_byte(void **state)
{
    (void)state;
    assert_int_equal(read_line("{\"dialect\":\"x\",\"hook_base64\":\"ewp9\"}"), ST_OK);
    check_slice(hook.hook, "{\n}");
    assert_true(hook.is_json && hook.is_text);
    assert_int_equal(read_line("{\"dialect\":\"x\",\"hook_cut\":true,\"hook_base64\":\"/wA=\"}"),
                     ST_OK);
    assert_int_equal(hook.hook.size, 2);
    assert_true(!hook.is_json && !hook.is_text && hook.is_cut);
    assert_int_equal(read_line("{\"dialect\":\"x\",\"hook_base64\":\"\"}"), ST_OK);
    assert_int_equal(hook.hook.size, 0);
    assert_true(!hook.is_json && hook.is_text);
}

static void test_own_json_of_a_hook_may_use_our_names_as_it_likes(void **state)
{
    (void)state;
    const char *line = "{\"event\":{\"a\":1},\"time\":[],\"id\":7,\"body\":null,"
                       "\"dialect\":\"claude_code_hook\"}";
    assert_int_equal(read_line(line), ST_OK);
    check_slice(hook.dialect, "claude_code_hook");
    check_slice(hook.hook, line);
    assert_int_equal(hook.id.size, 0);
    assert_true(!hook.is_wrapped && hook.is_json);
}

static void test_lines_of_other_senders_are_none_of_ours(void **state)
{
    (void)state;
    static const char *const lines[] = {"{}",
                                        "{\"kind\":\"agent.error\"}",
                                        "{\"dialect\":\"\"}",
                                        "{\"dialect\":\"native\",\"kind\":\"x\"}",
                                        "{\"dialect\":5}",
                                        "{\"a\":{\"dialect\":\"x\"}}"};
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_int_equal(read_line(lines[i]), ST_NOT_FOUND);
    assert_int_equal(read_line("{\"hook_event_name\":\"Stop\"}"), ST_OK);
    assert_int_equal(read_line("{\"type\":\"agent-turn-complete\"}"), ST_OK);
}

static void test_what_stands_around_a_hook_must_be_in_order(void **state)
{
    (void)state;
    static const char *const lines[] = {"{\"hook\":{}",
                                        "{\"hook\":{}}x",
                                        "{\"hook\":{},\"dialect\":5}",
                                        "{\"hook\":{},\"id\":[]}",
                                        "{\"hook\":{},\"time\":-1}",
                                        "{\"hook\":{},\"time\":\"soon\"}",
                                        "{\"hook\":{},\"time\":99999999999999999999999}",
                                        "{\"hook\":{},\"event\":{}}",
                                        "{\"hook_base64\":5}",
                                        "{\"hook_base64\":\"?\"}",
                                        "{\"hook\":}",
                                        "[]",
                                        ""};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        err.text[0] = 0;
        if (read_line(lines[i]) != ST_INVALID)
            fail_msg("'%s' is not refused", lines[i]);
        assert_true(err.text[0] != 0);
    }
}

static void check_record(int type, const char *bytes, size_t size)
{
    struct attribute_view attributes[4];
    struct record_view record;
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_int_equal(hook_line_append_record(&hook, &out, &err), ST_OK);
    assert_int_equal(otlp_read_record(buf_slice(&out), &otlp_limits_default, attributes,
                                      COUNT_OF(attributes), &record, &err),
                     ST_OK);
    assert_int_equal(record.attribute_count, 1);
    check_slice(attributes[0].key, "log.record.original");
    assert_int_equal(attributes[0].value.type, type);
    assert_true(slice_equal(attributes[0].value.bytes, slice_of(bytes, size)));
    buf_fini(&out);
}

static void test_record_is_the_original_as_text_or_bytes(void **state)
{
    (void)state;
    assert_int_equal(read_line("{\"hook\":{\"a\":1}}"), ST_OK);
    check_record(ANY_TYPE_STRING, "{\"a\":1}", 7);
    assert_int_equal(read_line("{\"hook_base64\":\"/wA=\"}"), ST_OK);
    check_record(ANY_TYPE_BYTES, "\xff\0", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hook_within_a_line_is_taken_byte_for_byte),
        cmocka_unit_test(test_base64_gives_every_byte),
        cmocka_unit_test(test_own_json_of_a_hook_may_use_our_names_as_it_likes),
        cmocka_unit_test(test_lines_of_other_senders_are_none_of_ours),
        cmocka_unit_test(test_what_stands_around_a_hook_must_be_in_order),
        cmocka_unit_test(test_record_is_the_original_as_text_or_bytes),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
