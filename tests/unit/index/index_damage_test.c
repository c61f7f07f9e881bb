/* SPDX-License-Identifier: Apache-2.0 */
/* index_damage_test.c -- an index in which something is not as it was written: it is refused, or
 * still says yes where it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/made_index.h"
#include "support/store_corpus.h"

enum { LINES = 150, FRAME_SIZE = 40000, BITS = 8 };

static struct error err;

static struct store_corpus_line known[LINES];

static void make(struct made_index *made)
{
    struct store_corpus *corpus = store_corpus_create(3);

    made_index_begin(made);
    for (size_t i = 0; i < LINES; i++) {
        store_corpus_next(corpus, &made->text, &known[i]);
        made_index_take_line(made, FRAME_SIZE);
    }
    made_index_end(made);
    store_corpus_destroy(corpus);
}

/* What the index says when it is whole, it says when it is not. */
static void expect_no_wrong_no(const struct made_index *made, const struct store_index *index,
                               size_t at)
{
    struct frame_set whole, set;

    if (store_index_frame_count(index) != made->frame_count)
        fail_msg("byte %zu: another number of frames", at);
    assert_int_equal(frame_set_init(&whole, made->frame_count, &err), ST_OK);
    assert_int_equal(frame_set_init(&set, made->frame_count, &err), ST_OK);
    for (size_t i = 0; i < made->line_count; i += 7) {
        struct slice session = slice_of_text(known[i].session);
        frame_set_clear(&whole);
        frame_set_clear(&set);
        store_index_find_id(made->index, session, &whole);
        store_index_find_id(index, session, &set);
        frame_set_intersect(&set, &whole);
        if (frame_set_size(&set) != frame_set_size(&whole))
            fail_msg("byte %zu: session %s is not found", at, known[i].session);
    }
    frame_set_clear(&set);
    store_index_find_text(index, SLICE("agent.event.kind"), true, true, &set);
    if (frame_set_size(&set) != made->frame_count)
        fail_msg("byte %zu: a word is not found", at);
    for (size_t i = 0; i < store_index_session_count(index); i++) {
        struct store_index_session session;
        store_index_session(index, i, &session);
    }
    for (size_t i = 0; i < store_index_tally_count(index); i++) {
        struct store_index_tally tally;
        store_index_tally(index, i, &tally);
    }
    frame_set_fini(&whole);
    frame_set_fini(&set);
}

static void test_no_flipped_bit_makes_it_say_no(void **state)
{
    (void)state;
    struct made_index made;
    struct store_index *index;
    size_t refused = 0;

    make(&made);
    uint8_t *copy = malloc(made.bytes.size);
    assert_non_null(copy);
    memcpy(copy, made.bytes.data, made.bytes.size);
    for (size_t at = 0; at < made.bytes.size; at++) {
        copy[at] ^= (uint8_t)(1 << (at % BITS));
        if (store_index_read(slice_of(copy, made.bytes.size), &index, &err) == ST_OK) {
            expect_no_wrong_no(&made, index, at);
            store_index_close(index);
        } else {
            refused++;
        }
        copy[at] = made.bytes.data[at];
    }
    assert_true(refused > 64);
    free(copy);
    made_index_fini(&made);
}

static void test_an_index_that_was_cut_off_is_refused(void **state)
{
    (void)state;
    struct made_index made;
    struct store_index *index;

    make(&made);
    for (size_t size = 0; size < made.bytes.size - 8; size++) {
        uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, made.bytes.data, size);
        assert_int_equal(store_index_read(slice_of(copy, size), &index, &err), ST_CORRUPT);
        free(copy);
    }
    made_index_fini(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_flipped_bit_makes_it_say_no),
        cmocka_unit_test(test_an_index_that_was_cut_off_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
