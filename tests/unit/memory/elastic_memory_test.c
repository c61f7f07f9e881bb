/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_memory_test.c -- the Elasticsearch exporter with each allocation failing in turn: no
 * record is given up for it, nothing is leaked, and afterwards all is as before. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/elastic_bench.h"
#include "support/failing_alloc.h"
#include "support/option.h"
#include "telltale/bulk_reply.h"
#include "telltale/exporter.h"

static const struct exporter_ops *const ops = &exporter_elastic;

static bool make(void *context, unsigned at, unsigned length)
{
    const struct exporter_context exporter_context = {.name = "elastic/test", .state_dir = "/"};
    struct elastic_bench *bench = context;
    void *exporter = NULL;

    failing_alloc_begin(at, length);
    enum status st = ops->create(bench->config, &exporter_context, &exporter, &bench->err);
    bool has_failed = failing_alloc_end();
    assert_true(st == ST_OK || st == ST_NO_MEMORY);
    assert_int_equal(exporter == NULL, st != ST_OK);
    ops->destroy(exporter);
    return has_failed;
}

static void test_an_exporter_that_finds_no_memory_is_not_made(void **state)
{
    failing_alloc_try("Elasticsearch exporter, made", make, *state, 8);
}

/* With nobody listening, so that no other thread allocates. */
static bool send_unanswered(void *context, unsigned at, unsigned length)
{
    struct elastic_bench *bench = context;

    elastic_bench_create(bench);
    failing_alloc_begin(at, length);
    enum export_result result = elastic_bench_send(bench);
    bool has_failed = failing_alloc_end();
    if (result != EXPORT_RETRY)
        fail_msg("allocation %u: %d, %s", at, (int)result, bench->err.text);
    assert_int_equal(elastic_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(bench->err.status, ST_IO);
    return has_failed;
}

static void test_a_request_that_finds_no_memory_is_tried_again(void **state)
{
    struct elastic_bench *bench = *state;

    option_set_text(ops, bench->config, "endpoint", "http://127.0.0.1:1");
    failing_alloc_try("bulk request", send_unanswered, bench, 4);
    option_set_enum(ops, bench->config, "compression", "gzip");
    option_set_enum(ops, bench->config, "shape", "otel");
    failing_alloc_try("bulk request, gzip", send_unanswered, bench, 4);
}

static void note(void *context, size_t index, const struct bulk_item *item)
{
    (void)context;
    assert_int_equal(index, 0);
    assert_true(slice_equal(item->type, SLICE("t")) && slice_equal(item->reason, SLICE("r")));
}

/* Without its words the error would be another. */
static bool read_answer(void *context, unsigned at, unsigned length)
{
    const struct bulk_reply_reader reader = {note, NULL};
    const struct slice reply = SLICE(
        "{\"items\":[{\"create\":{\"status\":400,\"error\":{\"type\":\"t\",\"reason\":\"r\"}}}]}");
    struct elastic_bench *bench = context;
    struct buf text;

    buf_init(&text, 1024);
    failing_alloc_begin(at, length);
    enum status st = bulk_reply_read(reply, 1, &text, &reader, &bench->err);
    bool has_failed = failing_alloc_end();
    assert_int_equal(st, has_failed ? ST_NO_MEMORY : ST_OK);
    buf_fini(&text);
    return has_failed;
}

static void test_an_answer_is_read_whole_or_not_at_all(void **state)
{
    failing_alloc_try("answer to a bulk request", read_answer, *state, 1);
}

static int ignore_sigpipe(void **state)
{
    (void)state;
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR; /* as the daemon does */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, elastic_bench_make, elastic_bench_drop)
        TEST(test_an_exporter_that_finds_no_memory_is_not_made),
        TEST(test_a_request_that_finds_no_memory_is_tried_again),
        TEST(test_an_answer_is_read_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
