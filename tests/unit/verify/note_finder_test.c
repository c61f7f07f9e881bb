/* SPDX-License-Identifier: Apache-2.0 */
/* note_finder_test.c -- signed notes in what SIEMs and people keep of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verify/note_finder.h"

#define NOTE_A    "a.example/log\n14\nAAAA\n\n\xe2\x80\x94 a.example/log AAAAAAAA\n"
#define NOTE_B    "b.example/log\n15\nBBBB\n\n\xe2\x80\x94 b.example/log AAAA\n\xe2\x80\x94 w BBBB\n"
#define A_ESCAPED "a.example/log\\n14\\nAAAA\\n\\n\\u2014 a.example/log AAAAAAAA\\n"
#define A_TWICE   "a.example/log\\\\n14\\\\nAAAA\\\\n\\\\n\xe2\x80\x94 a.example/log AAAAAAAA\\\\n"

enum { FOUND_MAX = 8 };

struct found {
    char notes[FOUND_MAX][256];
    uint64_t lines[FOUND_MAX];
    size_t count;
};

static enum status take(void *context, struct slice note, uint64_t line, struct error *err)
{
    struct found *found = context;

    (void)err;
    assert_true(found->count < FOUND_MAX);
    snprintf(found->notes[found->count], sizeof(found->notes[0]), "%.*s", SLICE_ARG(note));
    found->lines[found->count++] = line;
    return ST_OK;
}

static enum status take_token(void *context, struct slice text, uint64_t line, struct error *err)
{
    struct found *found = context;

    (void)err;
    assert_true(found->count < FOUND_MAX);
    assert_true(text.size >= TOKEN_FOUND_SIZE_MIN && text.size <= TOKEN_FOUND_SIZE_MAX);
    assert_null(memchr(text.data, '\\', text.size));
    snprintf(found->notes[found->count], sizeof(found->notes[0]), "%.8s", (const char *)text.data);
    found->lines[found->count++] = line;
    return ST_OK;
}

static void find_with(note_found_fn on_token, const char *text, struct found *ret)
{
    struct note_finder finder;
    struct error err;

    *ret = (struct found){.count = 0};
    note_finder_init(&finder, take, ret);
    finder.on_token = on_token;
    for (const char *at = text; *at != 0;) {
        size_t size = strcspn(at, "\n");
        assert_int_equal(note_finder_line(&finder, slice_of(at, size), &err), ST_OK);
        at += size + (at[size] == '\n' ? 1 : 0);
    }
    assert_int_equal(note_finder_end(&finder, &err), ST_OK);
    note_finder_fini(&finder);
}

static void find(const char *text, struct found *ret)
{
    find_with(NULL, text, ret);
}

static void test_plain_notes_stand_behind_each_other(void **state)
{
    (void)state;
    struct found found;

    find(NOTE_A NOTE_B "\n" NOTE_A, &found);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.notes[0], NOTE_A);
    assert_string_equal(found.notes[1], NOTE_B);
    assert_string_equal(found.notes[2], NOTE_A);
    assert_int_equal(found.lines[1], 6);
}

static void test_a_note_is_found_under_any_key_of_any_document(void **state)
{
    (void)state;
    struct found found;

    find("{\"x\":[1,{\"agent.integrity.note\":\"" A_ESCAPED "\"}],\"y\":\"a \\\" b\"}\n", &found);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.notes[0], NOTE_A);
    find("{\"a\":1}\n{\"note\":{\"stringValue\":\"" A_ESCAPED "\"}}\n", &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.lines[0], 2);
}

static void test_a_note_is_found_in_json_within_a_string(void **state)
{
    (void)state;
    struct found found;

    find("{\"result\":{\"_raw\":\"{\\\"note\\\":\\\"" A_TWICE "\\\"}\"}}\n", &found);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.notes[0], NOTE_A);
}

static void test_what_only_looks_similar_is_no_note(void **state)
{
    (void)state;
    struct found found;

    find("one\n\ntwo\n\n\xe2\x80\x94 dash\nthree\n", &found);
    assert_int_equal(found.count, 1); /* "two", which has a signature line: others judge it */
    find("a\n\nb\n", &found);
    assert_int_equal(found.count, 0);
    find("\xe2\x80\x94 a AAAA\n", &found);
    assert_int_equal(found.count, 0);
    find("{\"note\":\"a\\n\\nb\"}", &found);
    assert_int_equal(found.count, 0);
}

static void test_text_that_is_no_json_hides_no_note_behind_it(void **state)
{
    (void)state;
    struct found found;

    find("level=info msg=\"bad \\q escape\" note=\"" A_ESCAPED "\"\n", &found);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.notes[0], NOTE_A);
}

static void test_a_file_is_read_and_its_too_long_lines_are_counted(void **state)
{
    (void)state;
    char path[] = "/tmp/note_finder_test.XXXXXX";
    struct note_finder finder;
    struct found found = {.count = 0};
    struct error err;

    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "wb");
    assert_non_null(file);
    fputs(NOTE_A, file);
    for (size_t i = 0; i < (size_t)NOTE_LINE_SIZE_MAX + 5; i++)
        fputc('x', file);
    fputs("\n" NOTE_B, file);
    assert_int_equal(fclose(file), 0);
    note_finder_init(&finder, take, &found);
    assert_int_equal(note_finder_file(&finder, path, &err), ST_OK);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.notes[1], NOTE_B);
    assert_int_equal(found.lines[1], 7);
    assert_int_equal(finder.lines_passed_over, 1);
    assert_int_equal(note_finder_file(&finder, "/nonexistent", &err), ST_NOT_FOUND);
    note_finder_fini(&finder);
    assert_int_equal(remove(path), 0);
}

static void test_a_token_is_found_by_how_it_begins(void **state)
{
    (void)state;
    char filling[400], text[4096];
    struct found found;

    memset(filling, 'A', sizeof(filling));
    filling[300] = 0;
    (void)snprintf(text, sizeof(text),
                   "{\"a\":[\"MIIab+%s\",\"" A_ESCAPED "\"]}\n{\"b\":\"MIIcd\\/%s\"}\n"
                   "{\"c\":\"{\\\"d\\\":\\\"MIIef\\\\/%s\\\"}\"}\n{\"e\":\"MIIshort\"}\n"
                   "{\"f\":\"xMIIab%s\"}\n",
                   filling, filling, filling, filling);
    find_with(take_token, text, &found);
    assert_int_equal(found.count, 4);
    assert_string_equal(found.notes[0], "MIIab+AA");
    assert_string_equal(found.notes[1], NOTE_A);
    assert_string_equal(found.notes[2], "MIIcd/AA");
    assert_int_equal(found.lines[2], 2);
    assert_string_equal(found.notes[3], "MIIef/AA");
    find(text, &found);
    assert_int_equal(found.count, 1); /* nobody asked for tokens */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_notes_stand_behind_each_other),
        cmocka_unit_test(test_a_note_is_found_under_any_key_of_any_document),
        cmocka_unit_test(test_a_note_is_found_in_json_within_a_string),
        cmocka_unit_test(test_what_only_looks_similar_is_no_note),
        cmocka_unit_test(test_text_that_is_no_json_hides_no_note_behind_it),
        cmocka_unit_test(test_a_token_is_found_by_how_it_begins),
        cmocka_unit_test(test_a_file_is_read_and_its_too_long_lines_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
