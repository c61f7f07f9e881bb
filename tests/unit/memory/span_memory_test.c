/* SPDX-License-Identifier: Apache-2.0 */
/* span_memory_test.c -- deriving from spans with each allocation failing: an error that says so,
 * nothing appended, and the next span is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/failing_alloc.h"
#include "support/made_span.h"

static enum status derive(struct span_deriver *deriver, const struct made_span *span,
                          struct buf *out, struct error *err)
{
    const struct span_input input = {.span = buf_slice(&span->bytes),
                                     .transport = TRANSPORT_OTLP_GRPC,
                                     .received_unix_nano = MADE_SPAN_END};
    bool made = false;
    enum status st = span_derive(deriver, &input, out, &made, err);
    assert_true(st != ST_OK || made);
    assert_true(st == ST_OK || out->size == 0);
    return st;
}

static bool run(void *context, unsigned at, unsigned length)
{
    const struct made_span *span = context;
    struct normalizer *normalizer = NULL;
    struct span_deriver *deriver = NULL;
    struct error err;
    struct buf out;

    assert_int_equal(normalizer_create(&otlp_limits_default, &normalizer, &err), ST_OK);
    buf_init(&out, 1 << 20);
    failing_alloc_begin(at, length);
    enum status st = span_deriver_create(normalizer, &otlp_limits_default, &deriver, &err);
    if (st == ST_OK) /* with neither scope nor service there is nothing to allocate */
        st = made_span_set_group(deriver, NULL, NULL);
    if (st == ST_OK)
        st = derive(deriver, span, &out, &err);
    bool has_failed = failing_alloc_end();
    assert_int_equal(st, has_failed ? ST_NO_MEMORY : ST_OK);
    if (deriver != NULL) {
        buf_clear(&out);
        assert_int_equal(derive(deriver, span, &out, &err), ST_OK);
    }
    buf_fini(&out);
    span_deriver_destroy(deriver);
    normalizer_destroy(normalizer);
    return has_failed;
}

static void test_a_span_that_finds_no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    struct made_span span;
    made_span_init(&span, "execute_tool x");
    made_span_text(&span, "gen_ai.operation.name", "execute_tool");
    failing_alloc_try("event from a span", run, &span, 5);
    made_span_fini(&span);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_that_finds_no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
