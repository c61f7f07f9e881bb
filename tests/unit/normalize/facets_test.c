/* SPDX-License-Identifier: Apache-2.0 */
/* facets_test.c -- what is found in arguments of tools: JSON, commands, patches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "normalize/facets.h"

enum { ROOM = 4096 };

static struct buf scratch(void)
{
    static uint8_t room[ROOM];
    return (struct buf){.data = room, .capacity = ROOM, .limit = ROOM};
}

static void assert_text(struct slice text, const char *expected)
{
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

/* The member `cmd` of an object, decoded; fails when it is none. */
static void check_cmd(const char *json, const char *expected)
{
    const struct slice name = SLICE("cmd");
    struct buf out = scratch();
    struct slice value, text;
    json_find_members(slice_of_text(json), &name, 1, &value);
    assert_true(json_decode_text(value, &out, &text));
    assert_text(text, expected);
}

static void check_no_cmd(const char *json)
{
    const struct slice name = SLICE("cmd");
    struct slice value = SLICE("stale");
    json_find_members(slice_of_text(json), &name, 1, &value);
    assert_int_equal(value.size, 0);
}

static void test_member_is_found_among_others(void **state)
{
    (void)state;
    check_cmd("{\"cmd\":\"ls -la\",\"login\":false}", "ls -la");
    check_cmd(" { \"a\" : {\"cmd\":\"no\"} , \"b\":[1,[\"]\",\"}\"]], \"cmd\" : \"yes\" } ", "yes");
    check_cmd("{\"x\":\"\\\"cmd\\\":\\\"no\\\"\",\"cmd\":\"yes\"}", "yes");
}

static void test_escapes_do_not_hide_a_member(void **state)
{
    (void)state;
    check_cmd("{\"\\u0063md\":\"id\"}", "id");
}

static void test_last_of_two_members_counts(void **state)
{
    (void)state;
    check_cmd("{\"cmd\":\"first\",\"cmd\":\"last\"}", "last");
}

static void test_broken_objects_yield_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "{",
                                        "[\"cmd\",\"ls\"]",
                                        "cmd",
                                        "{\"cmd\"",
                                        "{\"cmd\":",
                                        "{\"cmd\":\"ls",
                                        "{\"cmd\":\"ls\\",
                                        "{\"a\":[[[[,\"cmd\":\"ls\"}",
                                        "{cmd:\"ls\"}",
                                        "{\"a\" 1,\"cmd\":\"ls\"}"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        check_no_cmd(texts[i]);
}

static void test_deep_nesting_is_walked_flat(void **state)
{
    (void)state;
    static char json[200100];
    memcpy(json, "{\"a\":", 5);
    memset(json + 5, '[', 100000);
    memset(json + 100005, ']', 90000);
    check_no_cmd(json);
}

static void test_escapes_are_decoded(void **state)
{
    (void)state;
    check_cmd("{\"cmd\":\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\"}", "a\n\t\"\\/\b\f\r");
    check_cmd("{\"cmd\":\"\\u00e9\\u6771\\ud83d\\ude00\"}", "\xc3\xa9\xe6\x9d\xb1\xf0\x9f\x98\x80");
    check_cmd("{\"cmd\":\"\\ud83d!\\ude00\"}", "\xef\xbf\xbd!\xef\xbf\xbd");
}

static void test_unknown_escapes_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\\"",
                                        "ls",        "\"",        "12"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf out = scratch();
        struct slice text;
        assert_false(json_decode_text(slice_of_text(texts[i]), &out, &text));
    }
}

static void test_text_too_long_for_the_room_is_refused(void **state)
{
    (void)state;
    static char json[ROOM + 8];
    struct buf out = scratch();
    struct slice text;
    memset(json, 'a', sizeof(json) - 1);
    json[0] = json[sizeof(json) - 2] = '"';
    assert_false(json_decode_text(slice_of_text(json), &out, &text));
}

static void test_words_are_joined_as_a_shell_would_read_them(void **state)
{
    (void)state;
    struct slice words[8], line;
    size_t count = 0;
    struct buf out = scratch();
    struct slice json = SLICE("[\"bash\", \"-lc\",\"echo 'hi' $HOME\", \"\", \"a=b\"]");
    assert_true(json_decode_texts(json, &out, words, COUNT_OF(words), &count));
    assert_int_equal(count, 5);
    assert_true(shell_join(words, count, &out, &line));
    assert_text(line, "bash -lc 'echo '\\''hi'\\'' $HOME' '' a=b");
}

static void test_arrays_of_other_things_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "[", "[1]", "[\"a\",]", "[\"a\"", "[\"a\" \"b\"]", "{\"a\":1}", "[\"a\",\"b\",\"c\"]"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf out = scratch();
        struct slice words[2];
        size_t count = 0;
        assert_false(
            json_decode_texts(slice_of_text(texts[i]), &out, words, COUNT_OF(words), &count));
    }
}

static void test_patch_tells_its_files(void **state)
{
    (void)state;
    struct patch patch;
    assert_true(patch_read(SLICE("*** Begin Patch\n"
                                 "*** Update File: src/old.c\n"
                                 "*** Move to: src/new.c\n"
                                 "@@\n"
                                 "-int a;\n"
                                 "+int b;\n"
                                 "+int c;\n"
                                 " *** Add File: not/this\n"
                                 "*** Add File: test/b.c\r\n"
                                 "+*** Delete File: nor/this\n"
                                 "*** Delete File: gone.c\n"
                                 "*** End Patch"),
                           &patch));
    assert_int_equal(patch.path_count, 3);
    assert_int_equal(patch.first, PATCH_UPDATE);
    assert_text(patch.first_previous, "src/old.c");
    assert_text(patch.paths[0], "src/new.c");
    assert_text(patch.paths[1], "test/b.c");
    assert_text(patch.paths[2], "gone.c");
    assert_int_equal(patch.lines_added, 3);
    assert_int_equal(patch.lines_removed, 1);
    assert_false(patch.has_more);
}

static void test_text_without_headers_is_no_patch(void **state)
{
    (void)state;
    struct patch patch;
    assert_false(patch_read(SLICE(""), &patch));
    assert_false(patch_read(SLICE("*** Begin Patch\n*** Add File: \n+x\n*** End Patch"), &patch));
    assert_false(patch_read(SLICE("+*** Add File: a\n-*** Add File: b"), &patch));
}

static void test_files_beyond_the_limit_are_only_noted(void **state)
{
    (void)state;
    static const char header[] = "*** Add File: f\n";
    char text[(PATCH_FILES_MAX + 1) * sizeof(header)] = "";
    for (int i = 0; i < PATCH_FILES_MAX + 1; i++)
        memcpy(text + (size_t)i * (sizeof(header) - 1), header, sizeof(header));
    struct patch patch;
    assert_true(patch_read(slice_of_text(text), &patch));
    assert_int_equal(patch.path_count, PATCH_FILES_MAX);
    assert_true(patch.has_more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_member_is_found_among_others),
        cmocka_unit_test(test_escapes_do_not_hide_a_member),
        cmocka_unit_test(test_last_of_two_members_counts),
        cmocka_unit_test(test_broken_objects_yield_nothing),
        cmocka_unit_test(test_deep_nesting_is_walked_flat),
        cmocka_unit_test(test_escapes_are_decoded),
        cmocka_unit_test(test_unknown_escapes_are_refused),
        cmocka_unit_test(test_text_too_long_for_the_room_is_refused),
        cmocka_unit_test(test_words_are_joined_as_a_shell_would_read_them),
        cmocka_unit_test(test_arrays_of_other_things_are_refused),
        cmocka_unit_test(test_patch_tells_its_files),
        cmocka_unit_test(test_text_without_headers_is_no_patch),
        cmocka_unit_test(test_files_beyond_the_limit_are_only_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
