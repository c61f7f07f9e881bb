/* SPDX-License-Identifier: Apache-2.0 */
/* event_line_test.c -- what telltale-hook sends is what it was given, and the daemon can read it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "telltale-hook/event_line.h"
#include "telltale-hook/json_check.h"
#include "wire/hook_line.h"
#include "wire/json_scan.h"

enum { ROOM = 17 << 20 };

static uint8_t *room;

static int begin(void **state)
{
    (void)state;
    room = malloc(ROOM);
    return room != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    free(room);
    return 0;
}

/* One line, that the daemon reads as the same bytes. */
static void check_carried(struct slice payload, bool is_cut, struct slice expected)
{
    struct event_facts facts = {.dialect = "codex_hook",
                                .event = "Stop\"\n{",
                                .id = "0123456789abcdef0123456789abcdef",
                                .unix_ns = UINT64_MAX,
                                .is_cut = is_cut};
    struct event_line line;
    struct hook_line hook;
    struct buf decoded;
    struct error err;
    size_t size = 0;

    event_line_make(&facts, payload, &line);
    assert_true(line.size <= EVENT_LINE_MAX);
    for (size_t i = 0; i < COUNT_OF(line.parts); i++) {
        memcpy(room + size, line.parts[i].data, line.parts[i].size);
        size += line.parts[i].size;
    }
    assert_int_equal(size, line.size);
    assert_ptr_equal(memchr(room, '\n', size), room + size - 1);
    buf_init(&decoded, ROOM);
    assert_int_equal(hook_line_read(slice_of(room, size - 1), &decoded, &hook, &err), ST_OK);
    assert_true(slice_equal(hook.dialect, SLICE("codex_hook")));
    assert_true(slice_equal(hook.event, SLICE("Stop___")));
    assert_true(slice_equal(hook.id, slice_of_text(facts.id)));
    assert_true(hook.time_unix_nano == UINT64_MAX);
    assert_true(slice_equal(hook.hook, expected));
    assert_int_equal(hook.is_cut, is_cut || expected.size < payload.size);
    buf_fini(&decoded);
}

static void test_every_payload_arrives_byte_for_byte(void **state)
{
    (void)state;
    static const struct slice payloads[] = {
        {(const uint8_t *)"", 0},
        {(const uint8_t *)"{}", 2},
        {(const uint8_t *)"{}\n", 3},
        {(const uint8_t *)" {\"a\":1}", 8},
        {(const uint8_t *)"{\"a\":\n1}", 8},
        {(const uint8_t *)"\0\xff\n", 3},
        {(const uint8_t *)"{\"a\":\"\xff\"}", 9},
        {(const uint8_t *)"{\"a\":1},\"kind\":\"x\"", 18},
        {(const uint8_t *)"a", 1},
        {(const uint8_t *)"ab", 2},
    };
    for (size_t i = 0; i < COUNT_OF(payloads); i++) {
        check_carried(payloads[i], false, payloads[i]);
        check_carried(payloads[i], true, payloads[i]);
    }
}

static void test_what_is_too_long_is_cut_and_says_so(void **state)
{
    (void)state;
    uint8_t *payload = malloc(EVENT_PLAIN_MAX + 1);
    assert_non_null(payload);
    memset(payload, 'x', EVENT_PLAIN_MAX + 1);
    check_carried(slice_of(payload, EVENT_PLAIN_MAX + 1), false,
                  slice_of(payload, EVENT_ENCODED_MAX));
    memcpy(payload, "{\"a\":\"", 6);
    memcpy(payload + EVENT_PLAIN_MAX - 2, "\"}", 2);
    check_carried(slice_of(payload, EVENT_PLAIN_MAX), false, slice_of(payload, EVENT_PLAIN_MAX));
    free(payload);
}

static const char *const plain[] = {
    "{}", "{ \t}",
    "{\"a\":[1,-2.5e+7,true,false,null,\"\\u00e9\\ud83d\\ude00\\n\"],\"b\":{\"c\":{}}}",
    "{\"a\":0,\"b\":-0}", "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}"};
static const char *const not_plain[] = {"",
                                        "[]",
                                        "1",
                                        "\"x\"",
                                        "{",
                                        "}",
                                        "{}x",
                                        " {}",
                                        "{} ",
                                        "{}\n",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{,}",
                                        "{a:1}",
                                        "{\"a\":01}",
                                        "{\"a\":1.}",
                                        "{\"a\":.5}",
                                        "{\"a\":1e999}",
                                        "{\"a\":+1}",
                                        "{\"a\":tru}",
                                        "{\"a\":\"\\x\"}",
                                        "{\"a\":\"\\ud83d\"}",
                                        "{\"a\":\"\\ude00\"}",
                                        "{\"a\":\"\\ud83d\\u0041\"}",
                                        "{\"a\":\"\\u00g0\"}",
                                        "{\"a\":\"\t\"}",
                                        "{\"a\":\"\xff\"}",
                                        "{\"a\":\"",
                                        "{\"a\":\"\\",
                                        "{\"a\":\"\\u00",
                                        "{\"a\":[1 2]}",
                                        "{\"a\":[1,]}",
                                        "{\"a\":-}"};

static void test_plain_object_is_told_from_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        if (!json_is_plain_object(slice_of_text(plain[i])))
            fail_msg("'%s' is plain", plain[i]);
    }
    for (size_t i = 0; i < COUNT_OF(not_plain); i++) {
        if (json_is_plain_object(slice_of_text(not_plain[i])))
            fail_msg("'%s' is not plain", not_plain[i]);
    }
}

static void test_deep_nesting_is_not_plain(void **state)
{
    (void)state;
    for (size_t depth = JSON_CHECK_DEPTH_MAX - 2; depth < JSON_CHECK_DEPTH_MAX + 2; depth++) {
        size_t size = 0;
        memcpy(room, "{\"a\":", 5);
        size += 5;
        memset(room + size, '[', depth);
        memset(room + size + depth, ']', depth);
        size += 2 * depth;
        room[size++] = '}';
        assert_int_equal(json_is_plain_object(slice_of(room, size)),
                         depth + 1 <= JSON_CHECK_DEPTH_MAX);
    }
}

static bool daemon_reads(struct slice text)
{
    struct json_scan scan = json_scan_start(text);
    return json_skip_value(&scan) && json_read_end(&scan);
}

/* Whatever is changed in a plain object: what still passes, the daemon can read. */
static void test_what_passes_is_never_refused_by_the_daemon(void **state)
{
    (void)state;
    size_t passed = 0;
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        size_t size = strlen(plain[i]);
        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                memcpy(room, plain[i], size);
                room[at] = (uint8_t)byte;
                if (!json_is_plain_object(slice_of(room, size)))
                    continue;
                assert_true(daemon_reads(slice_of(room, size)));
                passed++;
            }
        }
    }
    assert_true(passed > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_payload_arrives_byte_for_byte),
        cmocka_unit_test(test_what_is_too_long_is_cut_and_says_so),
        cmocka_unit_test(test_plain_object_is_told_from_the_rest),
        cmocka_unit_test(test_deep_nesting_is_not_plain),
        cmocka_unit_test(test_what_passes_is_never_refused_by_the_daemon),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
