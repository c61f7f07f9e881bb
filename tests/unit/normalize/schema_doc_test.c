/* SPDX-License-Identifier: Apache-2.0 */
/* schema_doc_test.c -- docs/SCHEMA.md says what the tables say.  UPDATE_GOLDEN=1 writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "normalize/schema.h"
#include "normalize/schema_doc.h"
#include "support/golden.h"

#define PAGE TEST_CORPUS_DIR "/../../docs/SCHEMA.md"

static struct error err;

static void test_page_says_what_the_tables_say(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, (size_t)1 << 22);
    assert_int_equal(schema_write_markdown(&text, &err), ST_OK);
    golden_check(PAGE, buf_slice(&text));
    buf_fini(&text);
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
    assert_string_equal(words_permission_mode[MODE_UNKNOWN], "unknown");
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
