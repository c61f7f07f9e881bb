/* SPDX-License-Identifier: Apache-2.0 */
/* line_framer_test.c -- the same lines, however the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "receivers/line_framer.h"

enum { LINE_MAX_SIZE = 10 };

/* What came out, as text: lines in brackets, "!" for one that was too large. */
struct transcript {
    char text[256];
    size_t size;
};

static void note(struct transcript *transcript, enum line_step step, struct slice line)
{
    int used = 0;
    char *out = transcript->text + transcript->size;
    size_t room = sizeof(transcript->text) - transcript->size;

    if (step == LINE_READY)
        used = snprintf(out, room, "[%.*s]", SLICE_ARG(line));
    else if (step == LINE_TOO_LARGE)
        used = snprintf(out, room, "!");
    transcript->size += (size_t)used;
    assert_true(transcript->size < sizeof(transcript->text));
}

static void feed(struct line_framer *framer, struct transcript *transcript, struct slice chunk)
{
    enum line_step step;

    do {
        struct slice line = SLICE_EMPTY;
        step = line_framer_next(framer, &chunk, &line);
        note(transcript, step, line);
    } while (step != LINE_MORE);
    assert_int_equal(chunk.size, 0);
}

static void check_cut_into(size_t chunk_size, struct slice stream, const char *expected)
{
    struct line_framer framer;
    struct transcript transcript = {0};
    struct slice line = SLICE_EMPTY;

    line_framer_init(&framer, LINE_MAX_SIZE);
    for (size_t at = 0; at < stream.size; at += chunk_size) {
        size_t size = stream.size - at < chunk_size ? stream.size - at : chunk_size;
        feed(&framer, &transcript, slice_of(stream.data + at, size));
        assert_true(line_framer_held(&framer) <= LINE_MAX_SIZE + 1);
    }
    note(&transcript, line_framer_end(&framer, &line), line);
    assert_string_equal(transcript.text, expected);
    assert_int_equal(line_framer_end(&framer, &line), LINE_MORE);
    line_framer_fini(&framer);
}

static void check(struct slice stream, const char *expected)
{
    for (size_t chunk_size = 1; chunk_size <= stream.size; chunk_size++)
        check_cut_into(chunk_size, stream, expected);
}

static void test_lines_come_out_however_they_are_cut(void **state)
{
    (void)state;
    check(SLICE("one\ntwo\n\nthree\n"), "[one][two][][three]");
    check(SLICE("\n"), "[]");
}

static void test_last_line_needs_no_newline(void **state)
{
    (void)state;
    check(SLICE("one\ntwo"), "[one][two]");
    check(SLICE("0123456789"), "[0123456789]");
}

static void test_carriage_return_before_newline_is_left_out(void **state)
{
    (void)state;
    check(SLICE("one\r\nt\ro\r\n"), "[one][t\ro]");
}

static void test_line_of_the_limit_passes_and_one_more_byte_does_not(void **state)
{
    (void)state;
    check(SLICE("0123456789\nnext\n"), "[0123456789][next]");
    check(SLICE("0123456789x\nnext\n"), "![next]");
}

static void test_too_large_line_is_told_once_and_its_neighbours_are_kept(void **state)
{
    (void)state;
    check(SLICE("a\n0123456789012345678901234567890123456789\nb\n"), "[a]![b]");
    check(SLICE("0123456789012345678901234567890123456789"), "!");
    check(SLICE("01234567890\n01234567890\nb"), "!![b]");
}

static void test_skipped_line_gives_its_memory_back(void **state)
{
    (void)state;
    struct line_framer framer;
    struct transcript transcript = {0};

    line_framer_init(&framer, 1000);
    feed(&framer, &transcript, SLICE("begins and"));
    assert_int_equal(line_framer_held(&framer), 10);
    line_framer_skip(&framer);
    assert_int_equal(line_framer_held(&framer), 0);
    assert_int_equal(framer.partial.capacity, 0);
    feed(&framer, &transcript, SLICE(" goes on\nnext\n"));
    assert_string_equal(transcript.text, "[next]");
    line_framer_fini(&framer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_come_out_however_they_are_cut),
        cmocka_unit_test(test_last_line_needs_no_newline),
        cmocka_unit_test(test_carriage_return_before_newline_is_left_out),
        cmocka_unit_test(test_line_of_the_limit_passes_and_one_more_byte_does_not),
        cmocka_unit_test(test_too_large_line_is_told_once_and_its_neighbours_are_kept),
        cmocka_unit_test(test_skipped_line_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
