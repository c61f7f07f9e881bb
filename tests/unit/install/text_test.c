/* SPDX-License-Identifier: Apache-2.0 */
/* text_test.c -- a block of lines in a TOML file, and how two texts differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "install/text_diff.h"
#include "install/toml_block.h"

#define BLOCK "[otel]\nexporter = \"x\"\n"

static void fill(struct buf *text, const char *content)
{
    struct error err;

    buf_init(text, 1 << 20);
    assert_int_equal(buf_append(text, content, strlen(content), &err), ST_OK);
}

static void expect(const struct buf *text, const char *content)
{
    assert_int_equal(text->size, strlen(content));
    assert_memory_equal(text->data, content, text->size);
}

static void test_block_comes_and_goes(void **state)
{
    static const char *const texts[] = {"", "model = \"x\"\n", "model = \"x\"\n\n[a]\nb = 1\n",
                                        "[otelx]\n# [otel]\n"};
    struct error err;
    struct buf text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        fill(&text, texts[i]);
        assert_int_equal(toml_block_put(&text, BLOCK, &err), ST_OK);
        assert_true(toml_block_is_there(buf_slice(&text)));
        assert_non_null(memmem(text.data, text.size, BLOCK, strlen(BLOCK)));
        size_t size = text.size;
        assert_int_equal(toml_block_put(&text, BLOCK, &err), ST_OK); /* not twice */
        assert_int_equal(text.size, size);
        assert_int_equal(toml_block_remove(&text, BLOCK, &err), ST_OK);
        expect(&text, texts[i]);
        assert_int_equal(toml_block_remove(&text, BLOCK, &err), ST_NOT_FOUND);
        buf_fini(&text);
    }
}

static void test_table_of_somebody_else_is_left_alone(void **state)
{
    static const char *const texts[] = {"[otel]\n", " [ otel ]\n", "a = 1\n[otel.exporter]\n",
                                        "otel.environment = \"x\"\n", "otel = { a = 1 }\n"};
    struct error err;
    struct buf text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        fill(&text, texts[i]);
        assert_int_equal(toml_block_put(&text, BLOCK, &err), ST_INVALID);
        expect(&text, texts[i]);
        buf_fini(&text);
    }
}

static void test_block_that_was_changed_stays(void **state)
{
    struct error err;
    struct buf text;

    (void)state;
    fill(&text, "");
    assert_int_equal(toml_block_put(&text, BLOCK, &err), ST_OK);
    text.data[text.size - strlen("# telltale: end\n") - 3] = 'y';
    assert_int_equal(toml_block_remove(&text, BLOCK, &err), ST_NOT_FOUND);
    assert_true(toml_block_is_there(buf_slice(&text)));
    buf_fini(&text);
}

static void expect_diff(const char *before, const char *after, const char *diff)
{
    struct error err;
    struct buf out;

    buf_init(&out, 1 << 20);
    assert_int_equal(text_diff_append(slice_of_text(before), slice_of_text(after), &out, &err),
                     ST_OK);
    expect(&out, diff);
    buf_fini(&out);
}

static void test_diff_shows_what_changed_and_what_is_near(void **state)
{
    (void)state;
    expect_diff("", "", "");
    expect_diff("a\n", "a\n", " ...\n");
    expect_diff("", "a\nb\n", "+a\n+b\n");
    expect_diff("a\nb\nc\n", "a\nx\nc\n", " a\n-b\n+x\n c\n");
    expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\nx\n",
                " ...\n 7\n 8\n 9\n+x\n");
    expect_diff("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "x\na\n1\n2\n3\n4\n5\n6\n7\n8\ny\n",
                "+x\n a\n 1\n 2\n ...\n 6\n 7\n 8\n-b\n+y\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_comes_and_goes),
        cmocka_unit_test(test_table_of_somebody_else_is_left_alone),
        cmocka_unit_test(test_block_that_was_changed_stays),
        cmocka_unit_test(test_diff_shows_what_changed_and_what_is_near),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
