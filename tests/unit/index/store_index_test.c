/* SPDX-License-Identifier: Apache-2.0 */
/* store_index_test.c -- an index says yes wherever a reader of the records would find something:
 * checked with every record of the corpus, by a reader that shares nothing with the index but the
 * JSON.  And it says no where it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/index_oracle.h"
#include "support/made_index.h"
#include "support/store_corpus.h"

enum { MADE_LINES = 1500, RECORDS_TWICE = 2 };

static struct error err;

static void ask_everything(const struct made_index *made, size_t *ret_words, size_t *ret_ids)
{
    struct index_oracle oracle;

    index_oracle_init(&oracle, made->index);
    for (size_t i = 0; i < made->line_count; i++) {
        if (!index_oracle_ask(&oracle, made_index_line(made, i), made->frames[i]))
            fail_msg("frame %zu: no %s '%s'", made->frames[i], oracle.trouble, oracle.trouble_text);
    }
    *ret_words = oracle.words;
    *ret_ids = oracle.ids;
    index_oracle_fini(&oracle);
}

static void test_all_that_the_corpus_says_is_found_in_its_frame(void **state)
{
    (void)state;
    struct made_index made;
    size_t words, ids;

    made_index_begin(&made);
    for (int i = 0; i < RECORDS_TWICE; i++) /* what is known is met again, in other frames */
        made_index_add_corpus(&made, 4096);
    made_index_end(&made);
    assert_true(store_index_frame_count(made.index) > 64);
    ask_everything(&made, &words, &ids);
    assert_true(words > 50000 && ids > 5000);
    made_index_fini(&made);
}

static void test_all_that_made_lines_say_is_found_in_its_frame(void **state)
{
    (void)state;
    struct made_index made;
    struct store_corpus *corpus = store_corpus_create(7);
    size_t words, ids;

    made_index_begin(&made);
    for (int i = 0; i < MADE_LINES; i++) {
        store_corpus_next(corpus, &made.text, NULL);
        made_index_take_line(&made, 30000);
    }
    made_index_end(&made);
    ask_everything(&made, &words, &ids);
    made_index_fini(&made);
    store_corpus_destroy(corpus);
}

#define LINE_START                                                                                 \
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"host.name\",\"value\":{"         \
    "\"stringValue\":\"h1\"}}]},\"scopeLogs\":[{\"scope\":{\"attributes\":[]},\"logRecords\":[{"

static const char *const odd_lines[] = {
    /* Escapes of all sorts; words that end at them. */
    LINE_START "\"timeUnixNano\":\"5\",\"attributes\":[{\"key\":\"a\\\"b\",\"value\":{"
               "\"stringValue\":\"one\\ntwo\\\\three \\u0066our \\ud83d\\ude00five\\u2028six\"}}"
               "]}]}]}]}\n",
    /* Lists, maps, bytes, numbers and empty values, some of them of ids. */
    LINE_START "\"timeUnixNano\":\"6\",\"attributes\":["
               "{\"key\":\"session.id\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":"
               "\"s-in-list\"},{\"intValue\":\"17\"}]}}},"
               "{\"key\":\"user.id\",\"value\":{\"intValue\":\"1000\"}},"
               "{\"key\":\"user.name\",\"value\":{}},"
               "{\"key\":\"data\",\"value\":{\"bytesValue\":\"c2VjcmV0IGluIGJ5dGVz\"}},"
               "{\"key\":\"map\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"call.id\","
               "\"value\":{\"stringValue\":\"c-in-map\"}},{\"key\":\"deep\",\"value\":{"
               "\"kvlistValue\":{\"values\":[{\"key\":\"x\",\"value\":{\"stringValue\":"
               "\"bottom\"}}]}}}]}}},"
               "{\"key\":\"d\",\"value\":{\"doubleValue\":1.5}}]}]}]}]}\n",
    /* A body that looks like attributes; words of 63, 64, 65 and 200 bytes. */
    LINE_START "\"timeUnixNano\":\"7\",\"body\":{\"kvlistValue\":{\"values\":[{\"key\":"
               "\"session.id\",\"value\":{\"stringValue\":\"s-of-body\"}}]}},\"attributes\":[]}"
               "]}]}]}\n",
    LINE_START "\"timeUnixNano\":\"8\",\"body\":{\"stringValue\":\""
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
               "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb "
               "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc "
               "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
               "ddddddddddddddd"
               "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
               "ddddddddddddddd"
               "\"},\"attributes\":[]}]}]}]}\n",
    /* White space, as we do not write it. */
    "{ \"resourceLogs\" : [ { \"resource\" : { } , \"scopeLogs\" : [ { \"logRecords\" : [ { "
    "\"timeUnixNano\" : \"9\" , \"attributes\" : [ { \"key\" : \"session.id\" , \"value\" : { "
    "\"stringValue\" : \"s-spaced out\" } } ] } ] } ] } ] }\n",
};

static void test_odd_lines_are_found(void **state)
{
    (void)state;
    struct made_index made;
    size_t words, ids;

    made_index_begin(&made);
    for (size_t i = 0; i < COUNT_OF(odd_lines); i++) {
        assert_int_equal(buf_append(&made.text, odd_lines[i], strlen(odd_lines[i]), &err), ST_OK);
        made_index_take_line(&made, 0);
    }
    made_index_end(&made);
    ask_everything(&made, &words, &ids);
    struct frame_set set;
    assert_int_equal(frame_set_init(&set, store_index_frame_count(made.index), &err), ST_OK);
    store_index_find_id(made.index, SLICE("s-in-list"), &set);
    assert_int_equal(frame_set_size(&set), 1);
    frame_set_fini(&set);
    made_index_fini(&made);
}

/* --- Lines that cannot be looked at ---------------------------------------------------------- */

static void expect_all_in(const struct made_index *made, size_t frame)
{
    struct frame_set set;

    assert_int_equal(frame_set_init(&set, store_index_frame_count(made->index), &err), ST_OK);
    store_index_find_id(made->index, SLICE("no such id"), &set);
    assert_true(frame_set_has(&set, frame));
    frame_set_clear(&set);
    assert_true(store_index_find_text(made->index, SLICE("nosuchword"), true, true, &set));
    assert_true(frame_set_has(&set, frame));
    frame_set_clear(&set);
    store_index_find_times(made->index, 1, 2, &set);
    assert_true(frame_set_has(&set, frame));
    frame_set_clear(&set);
    store_index_find_uid(made->index, SLICE("01a0c450-9f29-7a92-ba2d-40214c8c4597"), &set);
    assert_true(frame_set_has(&set, frame));
    frame_set_fini(&set);
}

static void test_lines_that_are_not_understood_may_be_anything(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "not JSON\n",
        "\n",
        "{\"resourceSpans\":[]}\n",
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"trace_id\":\"aa\"}]}]}]}\n",
        LINE_START "\"attributes\":[{\"value\":{\"stringValue\":\"v\"},\"key\":\"session.id\"}]}"
                   "]}]}]}\n",
        LINE_START "\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"v\"},\"key\":"
                   "\"session.id\"}]}]}]}]}\n",
        LINE_START "\"attr\\u0069butes\":[]}]}]}]}\n",
    };

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct made_index made;
        made_index_begin(&made);
        made_index_add_corpus(&made, 40000);
        made_index_cut(&made);
        size_t frame = made.frame_count;
        assert_int_equal(buf_append(&made.text, lines[i], strlen(lines[i]), &err), ST_OK);
        made_index_take_line(&made, 0);
        made_index_end(&made);
        expect_all_in(&made, frame);
        made_index_fini(&made);
    }
}

static void test_a_line_that_is_too_long_may_be_anything(void **state)
{
    (void)state;
    enum { LONG = 5 << 20, PIECE = 60000 };
    struct made_index made;

    made_index_begin(&made);
    assert_int_equal(buf_reserve(&made.text, LONG + 1, &err), ST_OK);
    memset(made.text.data, 'x', LONG);
    made.text.data[LONG] = '\n';
    made.text.size = LONG + 1;
    made.piece_size = PIECE;
    made_index_take_line(&made, 0);
    made_index_add_corpus(&made, 40000);
    made_index_end(&made);
    expect_all_in(&made, 0);
    size_t words, ids;
    made.line_count--; /* not the long one, which is the last of the list */
    memmove(made.lines, made.lines + 1, (made.line_count + 1) * sizeof(*made.lines));
    memmove(made.frames, made.frames + 1, made.line_count * sizeof(*made.frames));
    ask_everything(&made, &words, &ids);
    made_index_fini(&made);
}

/* --- No ----------------------------------------------------------------------------------------
 */

static void test_what_is_not_there_is_hardly_ever_found(void **state)
{
    (void)state;
    struct made_index made;
    struct frame_set set;
    size_t ids = 0;
    size_t words = 0;

    made_index_begin(&made);
    made_index_add_corpus(&made, 4096);
    made_index_end(&made);
    size_t frames = store_index_frame_count(made.index);
    assert_int_equal(frame_set_init(&set, frames, &err), ST_OK);
    for (int i = 0; i < 1000; i++) {
        char text[32];
        int size = snprintf(text, sizeof(text), "absent_%d", i);
        frame_set_clear(&set);
        store_index_find_text(made.index, slice_of(text, (size_t)size), true, true, &set);
        words += frame_set_size(&set);
        frame_set_clear(&set);
        store_index_find_id(made.index, slice_of(text, (size_t)size), &set);
        ids += frame_set_size(&set);
    }
    assert_true(words < 1000 * frames / 50); /* 1 in 256 of the blocks is usual */
    /* The corpus has a frame with an id that is no text; all others are exact. */
    assert_true(ids < 1000 * frames / 10);
    frame_set_clear(&set);
    store_index_find_times(made.index, 1, 2, &set);
    assert_int_equal(frame_set_size(&set), 0);
    store_index_find_uid(made.index, SLICE("00000000-0000-7000-8000-000000000000"), &set);
    assert_int_equal(frame_set_size(&set), 0);
    frame_set_fini(&set);
    made_index_fini(&made);
}

static void test_texts_without_a_whole_word_are_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool starts_word, ends_word, is_asked;
    } cases[] = {{"", true, true, false},        {"part", false, false, false},
                 {"part", true, false, false},   {"part of it", false, false, true},
                 {" part", false, true, true},   {"a b c", true, true, false},
                 {"cafe", true, true, false},    {"-cafe-", false, false, false},
                 {" cafe ", false, false, true}, {"deadbeef", true, true, false},
                 {"...", true, true, false}};
    struct made_index made;
    struct frame_set set;

    made_index_begin(&made);
    made_index_add_corpus(&made, 4096);
    made_index_end(&made);
    assert_int_equal(frame_set_init(&set, store_index_frame_count(made.index), &err), ST_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        frame_set_clear(&set);
        bool asked = store_index_find_text(made.index, slice_of_text(cases[i].text),
                                           cases[i].starts_word, cases[i].ends_word, &set);
        if (asked != cases[i].is_asked)
            fail_msg("'%s'", cases[i].text);
        assert_true(asked || frame_set_size(&set) == set.count);
    }
    frame_set_fini(&set);
    made_index_fini(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_the_corpus_says_is_found_in_its_frame),
        cmocka_unit_test(test_all_that_made_lines_say_is_found_in_its_frame),
        cmocka_unit_test(test_odd_lines_are_found),
        cmocka_unit_test(test_lines_that_are_not_understood_may_be_anything),
        cmocka_unit_test(test_a_line_that_is_too_long_may_be_anything),
        cmocka_unit_test(test_what_is_not_there_is_hardly_ever_found),
        cmocka_unit_test(test_texts_without_a_whole_word_are_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
