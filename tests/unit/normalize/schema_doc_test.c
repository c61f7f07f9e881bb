/* SPDX-License-Identifier: Apache-2.0 */
/* schema_doc_test.c -- docs/SCHEMA.md says what the tables say.  UPDATE_GOLDEN=1 writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "normalize/schema.h"
#include "normalize/schema_doc.h"
#include "telltale/slice.h"

#define PAGE TEST_CORPUS_DIR "/../../docs/SCHEMA.md"

static struct error err;

static void write_page(const struct buf *text)
{
    FILE *file = fopen(PAGE, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text->data, 1, text->size, file), text->size);
    assert_int_equal(fclose(file), 0);
}

static void read_page(struct buf *out)
{
    FILE *file = fopen(PAGE, "rb");
    assert_non_null(file);
    int c;
    while ((c = fgetc(file)) != EOF) {
        uint8_t byte = (uint8_t)c;
        assert_int_equal(buf_append(out, &byte, 1, &err), ST_OK);
    }
    (void)fclose(file); /* only read */
}

static void test_page_says_what_the_tables_say(void **state)
{
    (void)state;
    struct buf text, page;
    buf_init(&text, (size_t)1 << 22);
    buf_init(&page, (size_t)1 << 22);
    assert_int_equal(schema_write_markdown(&text, &err), ST_OK);
    if (getenv("UPDATE_GOLDEN") != NULL)
        write_page(&text);
    read_page(&page);
    if (!slice_equal(buf_slice(&text), buf_slice(&page)))
        fail_msg("docs/SCHEMA.md is not what the tables say; UPDATE_GOLDEN=1 writes it anew");
    buf_fini(&text);
    buf_fini(&page);
}

static void test_full_buffer_is_an_error(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1000);
    assert_int_equal(schema_write_markdown(&text, &err), ST_LIMIT);
    buf_fini(&text);
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    return count;
}

static void test_enums_and_words_are_in_step(void **state)
{
    (void)state;
    assert_int_equal(count_words(words_kind), KIND_COUNT);
    assert_string_equal(words_phase[PHASE_POINT], "point");
    assert_string_equal(words_outcome[OUTCOME_UNKNOWN], "unknown");
    assert_string_equal(words_classification[CLASS_NONE], "none");
    assert_string_equal(words_time_source[TIME_RECEIPT], "receipt");
    assert_string_equal(words_role[ROLE_UNKNOWN], "unknown");
    assert_string_equal(words_content_state[CONTENT_ABSENT], "absent");
    assert_int_equal(count_words(words_tool_category), TOOL_COUNT);
    assert_string_equal(words_decision_outcome[DECISION_UNKNOWN], "unknown");
    assert_string_equal(words_decision_source[BY_UNKNOWN], "unknown");
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        assert_string_equal(words_kind[kind], schema_kinds[kind].name);
        assert_true((schema_kinds[kind].phases & 1 << schema_kinds[kind].default_phase) != 0);
    }
    for (size_t key = 0; key < SCHEMA_KEY_COUNT; key++)
        assert_non_null(schema_attributes[key].key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_says_what_the_tables_say),
        cmocka_unit_test(test_full_buffer_is_an_error),
        cmocka_unit_test(test_enums_and_words_are_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
