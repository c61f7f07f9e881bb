/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_test.c -- regular expressions: what they match, and that nothing makes them slow. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/pattern.h"
#include "support/random_otlp.h"

static struct error err;

static bool found(const char *expression, struct slice text)
{
    struct pattern *pattern = NULL;

    assert_int_equal(pattern_create(slice_of_text(expression), &pattern, &err), ST_OK);
    bool matches = pattern_matches(pattern, text);
    assert_int_equal(pattern_matches(pattern, text), matches); /* it keeps nothing of a text */
    pattern_destroy(pattern);
    return matches;
}

static void assert_finds(const char *expression, const char *text)
{
    if (!found(expression, slice_of_text(text)))
        fail_msg("'%s' is not found in '%s'", expression, text);
}

static void assert_misses(const char *expression, const char *text)
{
    if (found(expression, slice_of_text(text)))
        fail_msg("'%s' is found in '%s'", expression, text);
}

static void assert_refused(const char *expression, enum status status, const char *reason)
{
    struct pattern *pattern = NULL;

    assert_int_equal(pattern_create(slice_of_text(expression), &pattern, &err), status);
    if (strstr(err.text, reason) == NULL)
        fail_msg("'%s': %s", expression, err.text);
}

static void test_a_match_is_found_anywhere(void **state)
{
    (void)state;
    assert_finds("curl", "sh -c 'curl http://x'");
    assert_finds("", "");
    assert_misses("curl", "cur l");
    assert_misses("a", "");
    assert_finds("rm -(rf|fr) /", "sudo rm -fr /tmp");
    assert_finds("a|b|c|d", "xxd");
    assert_misses("a|b|c|d", "xxe");
    assert_finds("(a|)b", "b");
}

static void test_repeats(void **state)
{
    (void)state;
    assert_finds("^ab*c$", "ac");
    assert_finds("^ab*c$", "abbbc");
    assert_misses("^ab+c$", "ac");
    assert_finds("^ab?c$", "abc");
    assert_misses("^ab?c$", "abbc");
    assert_finds("^(ab){2,3}$", "ababab");
    assert_misses("^(ab){2,3}$", "ab");
    assert_misses("^(ab){2,3}$", "abababab");
    assert_finds("^a{0}b{2,}$", "bbbb");
    assert_misses("^a{0}b{2,}$", "b");
    assert_finds("^a{0,2}b$", "b");
    assert_finds("^(a|b{2}){2}c$", "bbac");
    assert_finds("^((a*)*)*$", "aaaa");
}

static void test_edges_of_lines_and_words(void **state)
{
    (void)state;
    assert_finds("^b$", "a\nb\nc");
    assert_misses("^b$", "ab\nbc");
    assert_misses("a.b", "a\nb");
    assert_misses("a[^x]b", "a\nb");
    assert_finds("\\brm\\b", "; rm x");
    assert_misses("\\brm\\b", "farm arms");
    assert_finds("\\Bm", "rm");
    assert_finds("^$", "");
}

static void test_sets(void **state)
{
    (void)state;
    assert_finds("[a-c]x", "bx");
    assert_misses("[a-c]x", "dx");
    assert_finds("[]x-]", "]");
    assert_finds("[]x-]", "-");
    assert_misses("[^a-z]", "abc");
    assert_finds("[[:digit:]]{3}", "a123");
    assert_finds("\\d+\\.\\d", "v1.2");
    assert_finds("\\w\\s\\W\\S\\D", "a -xx");
    assert_finds("[\\d\\n]", "\n");
}

static void test_characters_are_those_of_utf8(void **state)
{
    (void)state;
    assert_finds("^a.b$", "a\xc3\xa9"
                          "b");
    assert_misses("^a..b$", "a\xc3\xa9"
                            "b");
    assert_finds("^a[^x]b$", "a\xf0\x9f\x98\x80"
                             "b");
    assert_finds("^(\xc3\xa9)+$", "\xc3\xa9\xc3\xa9");
    assert_finds("^\xc3\xa9{2}$", "\xc3\xa9\xc3\xa9");
    assert_misses("a", "\xff\xfe");
}

static void test_either_case_is_asked_for(void **state)
{
    (void)state;
    assert_finds("(?i)curl [a-z]", "CURL X");
    assert_misses("curl", "CURL");
    assert_misses("(?i)[^a]", "aA");
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    assert_refused("a(b", ST_INVALID, "not closed");
    assert_refused("a)b", ST_INVALID, "byte 2");
    assert_refused("[a", ST_INVALID, "bracket");
    assert_refused("*a", ST_INVALID, "nothing to repeat");
    assert_refused("a{2,1}", ST_INVALID, "repeats");
    assert_refused("a{", ST_INVALID, "brace");
    assert_refused("a{256}", ST_LIMIT, "255");
    assert_refused("(a)\\1", ST_INVALID, "means nothing");
    assert_refused("[z-a]", ST_INVALID, "backwards");
    assert_refused("[\xc3\xa9]", ST_INVALID, "ASCII");
    assert_refused("[[:hex:]]", ST_INVALID, "class");
    assert_refused("(?=a)", ST_INVALID, "(?i)");
    assert_refused("\\", ST_INVALID, "behind");
    assert_refused("\xff", ST_INVALID, "UTF-8");
    assert_refused("[\\W]", ST_INVALID, "brackets");
}

static void test_what_would_grow_without_bound_is_refused(void **state)
{
    char deep[2 * PATTERN_DEPTH_MAX + 4];
    char wide[PATTERN_SIZE_MAX + 2];

    (void)state;
    assert_refused("((a{1,100}){1,100}){1,100}", ST_LIMIT, "too large");
    assert_refused("(((((x{2,255})*){99})+){99}){9}", ST_LIMIT, "too large");
    memset(deep, '(', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = 0;
    assert_refused(deep, ST_LIMIT, "groups");
    memset(wide, 'a', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = 0;
    assert_refused(wide, ST_LIMIT, "limit 1024");
    assert_misses("(((){255}){255}){255}b", "a");
}

/* Each of these takes a backtracking matcher longer than the world lasts, or the square of the
 * text's length. */
static void test_hostile_texts_cost_their_length(void **state)
{
    static const char *const expressions[] = {"(a*)*b", "(a|aa)+b", "a[^b]*b", "a.*a.*a.*a.*b",
                                              "(x+x+)+y|(a{1,9}){1,9}b"};
    enum { SIZE = 64 << 10 };
    uint8_t *text = malloc(SIZE);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', SIZE);
    for (size_t i = 0; i < COUNT_OF(expressions); i++)
        assert_false(found(expressions[i], slice_of(text, SIZE)));
    text[SIZE - 1] = 'b';
    for (size_t i = 0; i < COUNT_OF(expressions); i++)
        assert_true(found(expressions[i], slice_of(text, SIZE)));
    free(text);
}

static void random_expression(struct random *random, char *out, size_t size)
{
    static const char *const parts[] = {"a", "b", "c", ".", "[ab]", "[^a]", "(",     ")",
                                        "|", "*", "+", "?", "^",    "$",    "{1,2}", "{2}"};
    size_t count = 1 + random_below(random, 9);

    out[0] = 0;
    for (size_t i = 0; i < count; i++)
        strncat(out, parts[random_below(random, COUNT_OF(parts))], size - strlen(out) - 1);
}

/* regexec() of the system as the oracle, on texts that are too short to hurt it. */
static void test_answers_are_those_of_the_system(void **state)
{
    struct random random = {.state = 4711};
    unsigned compared = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct pattern *pattern = NULL;
        char expression[64], text[12];
        regex_t oracle;
        random_expression(&random, expression, sizeof(expression));
        if (pattern_create(slice_of_text(expression), &pattern, &err) != ST_OK)
            continue;
        if (regcomp(&oracle, expression, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0) {
            pattern_destroy(pattern);
            continue;
        }
        for (int i = 0; i < 8; i++) {
            size_t size = random_below(&random, sizeof(text));
            for (size_t k = 0; k < size; k++)
                text[k] = "abcd\n"[random_below(&random, 5)];
            text[size] = 0;
            bool expected = regexec(&oracle, text, 0, NULL, 0) == 0;
            if (pattern_matches(pattern, slice_of(text, size)) != expected)
                fail_msg("'%s' in '%s': expected %d", expression, text, expected);
            compared++;
        }
        regfree(&oracle);
        pattern_destroy(pattern);
    }
    assert_true(compared > 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_match_is_found_anywhere),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_edges_of_lines_and_words),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_characters_are_those_of_utf8),
        cmocka_unit_test(test_either_case_is_asked_for),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_what_would_grow_without_bound_is_refused),
        cmocka_unit_test(test_hostile_texts_cost_their_length),
        cmocka_unit_test(test_answers_are_those_of_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
