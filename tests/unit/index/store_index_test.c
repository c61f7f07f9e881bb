/* SPDX-License-Identifier: Apache-2.0 */
/* store_index_test.c -- an index says yes wherever a reader of the records would find something:
 * checked with every record of the corpus, by a reader that shares nothing with the index but the
 * JSON.  And it says no where it should. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/field.h"
#include "query/lookup.h"
#include "store/store_record.h"
#include "support/made_index.h"
#include "support/store_corpus.h"

enum { MADE_LINES = 1500, RECORDS_TWICE = 2 };

static struct error err;

/* What is asked while the records of a line are read. */
struct asking {
    const struct store_index *index;
    struct frame_set set;
    size_t frame;
    size_t words, ids; /* how much was asked */
    const char *trouble;
    char trouble_text[128];
};

static void expect_frame(struct asking *asking, const char *what, struct slice value)
{
    if (!frame_set_has(&asking->set, asking->frame) && asking->trouble == NULL) {
        asking->trouble = what;
        snprintf(asking->trouble_text, sizeof(asking->trouble_text), "%.*s",
                 (int)(value.size < 100 ? value.size : 100), (const char *)value.data);
    }
    frame_set_clear(&asking->set);
}

static bool is_of_word(uint8_t byte)
{
    return byte >= 0x80 || byte == '_' || isalnum(byte);
}

/* Every word by itself, in upper case, and the whole text as a part of one. */
static bool ask_text(void *context, struct slice text)
{
    struct asking *asking = context;
    char word[256];

    store_index_find_text(asking->index, text, false, false, &asking->set);
    expect_frame(asking, "text", text);
    for (size_t at = 0; at < text.size;) {
        size_t end = at;
        while (end < text.size && is_of_word(text.data[end]))
            end++;
        size_t size = end - at;
        if (size > 0 && size <= sizeof(word)) {
            for (size_t i = 0; i < size; i++)
                word[i] = (char)(text.data[at + i] < 0x80 ? toupper(text.data[at + i])
                                                          : text.data[at + i]);
            store_index_find_text(asking->index, slice_of(word, size), true, true, &asking->set);
            expect_frame(asking, "word", slice_of(word, size));
            asking->words++;
        }
        at = end + 1;
    }
    return false;
}

static bool ask_id(void *context, struct slice text)
{
    struct asking *asking = context;

    store_index_find_id(asking->index, text, &asking->set);
    expect_frame(asking, "id", text);
    asking->ids++;
    return false;
}

static bool ask_attribute(void *context, const struct attribute_view *attribute)
{
    struct asking *asking = context;
    char digits[32];

    ask_text(asking, attribute->key);
    field_each_text(&attribute->value, ask_text, asking);
    if (!store_index_has_key(attribute->key))
        return false;
    field_each_text(&attribute->value, ask_id, asking);
    if (attribute->value.type == ANY_TYPE_INT) {
        int size = snprintf(digits, sizeof(digits), "%lld", (long long)attribute->value.integer);
        ask_id(asking, slice_of(digits, (size_t)size));
    }
    return false;
}

static void ask_trace(struct asking *asking, struct slice id)
{
    char text[2 * TRACE_ID_SIZE + 1];

    if (id.size != TRACE_ID_SIZE)
        return;
    for (size_t i = 0; i < id.size; i++)
        snprintf(text + 2 * i, 3, "%02x", id.data[i]);
    ask_id(asking, slice_of(text, 2 * id.size));
}

static enum status ask_record(void *context, const struct store_record_view *view,
                              struct error *ignored)
{
    struct asking *asking = context;
    const struct record_view *record = view->record;

    (void)ignored;
    ask_text(asking, record->event_name);
    ask_text(asking, record->severity_text);
    ask_text(asking, lookup_scope_name(view->group));
    field_each_text(&record->body, ask_text, asking);
    for (size_t i = 0; i < record->attribute_count; i++)
        ask_attribute(asking, &record->attributes[i]);
    lookup_each_resource(view->group, ask_attribute, asking);
    ask_trace(asking, record->trace_id);
    uint64_t time = lookup_time(record);
    store_index_find_times(asking->index, time, time + 1, &asking->set);
    expect_frame(asking, "time", record->event_name);
    struct slice uid = lookup_text(record, "log.record.uid");
    store_index_find_uid(asking->index, uid, &asking->set);
    expect_frame(asking, "uid", uid);
    return ST_OK;
}

static void ask_everything(const struct made_index *made, size_t *ret_words, size_t *ret_ids)
{
    struct asking asking = {.index = made->index};
    struct store_record *reader;

    assert_int_equal(store_record_create(&reader, &err), ST_OK);
    assert_int_equal(frame_set_init(&asking.set, store_index_frame_count(made->index), &err),
                     ST_OK);
    for (size_t i = 0; i < made->line_count && asking.trouble == NULL; i++) {
        asking.frame = made->frames[i];
        assert_int_equal(
            store_record_read(reader, made_index_line(made, i), ask_record, &asking, &err), ST_OK);
    }
    if (asking.trouble != NULL)
        fail_msg("frame %zu: no %s '%s'", asking.frame, asking.trouble, asking.trouble_text);
    *ret_words = asking.words;
    *ret_ids = asking.ids;
    frame_set_fini(&asking.set);
    store_record_destroy(reader);
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
