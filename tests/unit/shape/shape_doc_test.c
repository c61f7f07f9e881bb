/* SPDX-License-Identifier: Apache-2.0 */
/* shape_doc_test.c -- docs/SHAPES.md says what the tables say.  UPDATE_GOLDEN=1 writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shape/shape_doc.h"
#include "support/golden.h"

#define PAGE TEST_CORPUS_DIR "/../../docs/SHAPES.md"

static void test_page_of_shapes_says_what_the_tables_say(void **state)
{
    struct buf text;
    struct error err;
    (void)state;
    buf_init(&text, (size_t)1 << 20);
    assert_int_equal(shape_write_markdown(&text, &err), ST_OK);
    golden_check(PAGE, buf_slice(&text));
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_of_shapes_says_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
