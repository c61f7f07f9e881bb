/* SPDX-License-Identifier: Apache-2.0 */
/* filter_plan_test.c -- no line is passed over whose record a filter lets pass, whatever the filter
 * and the record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/filter_plan.h"
#include "store/store_record.h"
#include "support/filter_made.h"
#include "support/store_corpus.h"

enum { LINES = 1500, TEXT_MAX = 64 << 20 };

static struct buf text; /* of all lines */
static struct slice lines[LINES];

static int set_up(void **state)
{
    (void)state;
    size_t ends[LINES];
    struct store_corpus *corpus = store_corpus_create(7);

    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < LINES; i++) {
        store_corpus_next(corpus, &text, NULL);
        ends[i] = text.size;
    }
    for (size_t i = 0; i < LINES; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;
        lines[i] = slice_of(text.data + start, ends[i] - start - 1);
    }
    store_corpus_destroy(corpus);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&text);
    return 0;
}

struct asked {
    const struct query_filter *filter;
    bool matches;
};

static enum status on_record(void *context, const struct store_record_view *view, struct error *err)
{
    struct asked *asked = context;
    const struct field_record seen = {.group = view->group, .view = view->record};

    (void)err;
    asked->matches |= query_filter_matches(asked->filter, view->bytes, &seen);
    return ST_OK;
}

static bool line_matches(const struct query_filter *filter, struct store_record *record,
                         struct slice line)
{
    struct asked asked = {.filter = filter};
    struct error err;

    assert_int_equal(store_record_read(record, line, on_record, &asked, &err), ST_OK);
    return asked.matches;
}

struct counts {
    size_t taken, matched;
};

static struct counts count(const char *const *options)
{
    struct filter_made made;
    struct store_record *record;
    struct store_plan *plan;
    struct counts counts = {0};
    struct error err;

    filter_made_init(&made, options);
    assert_int_equal(filter_plan_create(&made.filter, &plan, &err), ST_OK);
    assert_int_equal(store_record_create(&record, &err), ST_OK);
    for (size_t i = 0; i < LINES; i++) {
        bool is_taken = store_plan_takes_line(plan, lines[i]);
        bool is_match = line_matches(&made.filter, record, lines[i]);
        if (is_match && !is_taken)
            fail_msg("%s %s: line %zu is passed over", options[0], options[1], i);
        counts.taken += is_taken;
        counts.matched += is_match;
    }
    store_record_destroy(record);
    store_plan_destroy(plan);
    filter_made_fini(&made);
    return counts;
}

static void test_what_matches_is_never_passed_over(void **state)
{
    (void)state;

    for (size_t i = 0; i < filter_made_table_count; i++) {
        struct counts counts = count(filter_made_table[i].options);
        if (filter_made_table[i].finds != (counts.matched > 0))
            fail_msg("%s %s finds %zu records", filter_made_table[i].options[0],
                     filter_made_table[i].options[1], counts.matched);
        if (filter_made_table[i].is_exact && counts.taken != counts.matched)
            fail_msg("%s %s takes %zu lines for %zu records", filter_made_table[i].options[0],
                     filter_made_table[i].options[1], counts.taken, counts.matched);
    }
}

static void test_lines_of_others_are_never_passed_over(void **state)
{
    (void)state;
    static const char *const options[] = {"text", "curl", NULL};
    struct filter_made made;
    struct store_plan *plan;
    struct error err;

    filter_made_init(&made, options);
    assert_int_equal(filter_plan_create(&made.filter, &plan, &err), ST_OK);
    /* Another writer may escape any character. */
    assert_true(store_plan_takes_line(plan, SLICE("{\"resourceLogs\":[{\"scopeLogs\":[{"
                                                  "\"logRecords\":[{\"body\":{\"stringValue\":"
                                                  "\"c\\u0075rl\"}}]}]}]}")));
    store_plan_destroy(plan);
    filter_made_fini(&made);
}

/* What is over a limit asks for less. */
static void test_a_plan_without_room_takes_everything(void **state)
{
    (void)state;
    struct store_plan *plan;
    struct error err;
    char *long_text = malloc(PLAN_SIZE_MAX);

    assert_non_null(long_text);
    memset(long_text, 'q', PLAN_SIZE_MAX);
    assert_int_equal(store_plan_create(&plan, &err), ST_OK);
    store_plan_demand(plan);
    store_plan_add(plan, SLICE("no line has this"), 0);
    store_plan_add(plan, slice_of(long_text, PLAN_SIZE_MAX), 0);
    store_plan_add(plan, SLICE("nor this"), 0);
    assert_true(store_plan_takes_line(plan, lines[0]));
    store_plan_demand(plan);
    for (int i = 0; i <= PLAN_TEXTS_MAX; i++)
        store_plan_add(plan, SLICE("nothing has this"), 0);
    assert_true(store_plan_takes_line(plan, lines[0]));
    store_plan_demand(plan);
    store_plan_add(plan, SLICE("\xff"), 0); /* is U+FFFD in the line */
    assert_true(store_plan_takes_line(plan, lines[0]));
    store_plan_demand(plan);
    store_plan_add(plan, SLICE("no line has this"), 0);
    assert_false(store_plan_takes_line(plan, lines[0]));
    store_plan_destroy(plan);
    free(long_text);
}

static void expect_literal(const char *expression, const char *expected, bool expected_any_case)
{
    char literal[PATTERN_LITERAL_MAX];
    struct pattern *pattern;
    struct error err;
    bool any_case;

    assert_int_equal(pattern_create(slice_of_text(expression), &pattern, &err), ST_OK);
    size_t size = pattern_literal(pattern, literal, &any_case);
    if (!slice_equal(slice_of(literal, size), slice_of_text(expected)))
        fail_msg("%s: '%.*s', not '%s'", expression, (int)size, literal, expected);
    assert_int_equal(any_case, expected_any_case);
    pattern_destroy(pattern);
}

static void test_patterns_tell_what_every_match_has(void **state)
{
    (void)state;
    expect_literal("curl", "curl", false);
    expect_literal("(?i)Curl -[sS]", "curl -s", true);
    expect_literal("cur|wget", "", false);
    expect_literal("(cur|wge)tool", "tool", false);
    expect_literal("abc*de", "ab", false);
    expect_literal("abc+de", "abc", false);
    expect_literal("ab(cdefg)?hi", "ab", false);
    expect_literal("ab(cdefg)+hi", "abcdefg", false);
    expect_literal("ab(cd){0}ef", "abef", false);
    expect_literal("ab(cd){2}ef", "abcdcdef", false);
    expect_literal("ab(cd){1,2}ef", "abcd", false);
    expect_literal("^https?://[a-z]+\\.example\\.com$", ".example.com", false);
    expect_literal("a\\bbc", "bc", false);
    expect_literal("\xc3\xa4rger", "rger", false);
    expect_literal(".*", "", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_matches_is_never_passed_over),
        cmocka_unit_test(test_lines_of_others_are_never_passed_over),
        cmocka_unit_test(test_a_plan_without_room_takes_everything),
        cmocka_unit_test(test_patterns_tell_what_every_match_has),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
