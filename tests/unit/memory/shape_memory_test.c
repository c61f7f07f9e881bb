/* SPDX-License-Identifier: Apache-2.0 */
/* shape_memory_test.c -- shaping records with each allocation failing in turn: an error that says
 * so, nothing leaked, and afterwards all is as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/failing_alloc.h"
#include "support/made_record.h"
#include "telltale/shape.h"

enum { MANY = 300, OUT_MAX = 1 << 24 };

struct bench {
    struct made_record record; /* with more attributes than a reader has room for at first */
    struct record_group group;
    enum shape shape;
};

static enum status shape_record(const struct bench *bench, struct shaper *shaper, struct buf *out,
                                struct error *err)
{
    struct record_facts facts;
    enum status st = shaper_set_group(shaper, &bench->group, err);
    if (st == ST_OK)
        st = shaper_read(shaper, buf_slice(&bench->record.bytes), &facts, err);
    return st == ST_OK ? shaper_append(shaper, out, err) : st;
}

static bool run_shape(void *context, unsigned at, unsigned length)
{
    const struct bench *bench = context;
    struct shaper *shaper = NULL;
    struct error err;
    struct buf out;

    buf_init(&out, OUT_MAX);
    failing_alloc_begin(at, length);
    enum status st = shaper_create(bench->shape, NULL, &shaper, &err);
    if (st == ST_OK)
        st = shape_record(bench, shaper, &out, &err);
    bool has_failed = failing_alloc_end();
    if (has_failed != (st == ST_NO_MEMORY) || (!has_failed && st != ST_OK))
        fail_msg("%s, allocation %u: status %d", shape_name(bench->shape), at, (int)st);
    if (has_failed && shaper != NULL) {
        assert_int_equal(out.size, 0);
        assert_int_equal(shape_record(bench, shaper, &out, &err), ST_OK);
    }
    shaper_destroy(shaper);
    buf_fini(&out);
    return has_failed;
}

static void test_shapers_without_memory_say_so(void **state)
{
    struct bench bench = {.group = {.signal = SIGNAL_LOGS}};
    char key[32];
    (void)state;
    made_init(&bench.record);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof(key), "key.%d", i);
        made_texts(&bench.record, key, "value");
    }
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        bench.shape = (enum shape)shape;
        failing_alloc_try(shape_name(bench.shape), run_shape, &bench, 10);
    }
    made_fini(&bench.record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapers_without_memory_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
