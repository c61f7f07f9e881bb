/* SPDX-License-Identifier: Apache-2.0 */
/* splunk_memory_test.c -- the Splunk exporter with each allocation failing in turn: no record is
 * left out of a body and none is refused for want of memory, nothing is leaked, and afterwards all
 * is as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exporters/splunk_hec/hec_events.h"
#include "support/failing_alloc.h"
#include "support/hec_bench.h"
#include "telltale/hec_reply.h"

static const struct exporter_ops *const ops = &exporter_splunk_hec;

static void tell(struct export_report *report, size_t index, enum item_outcome outcome,
                 const char *words)
{
    (void)report;
    fail_msg("record %zu: %d, %s", index, (int)outcome, words);
}

static bool run_create(void *context, unsigned at, unsigned length)
{
    const struct exporter_context exporter_context = {.name = "splunk_hec/test", .state_dir = "/"};
    struct hec_bench *bench = context;
    void *exporter = NULL;

    failing_alloc_begin(at, length);
    enum status st = ops->create(&bench->config, &exporter_context, &exporter, &bench->err);
    bool has_failed = failing_alloc_end();
    assert_int_equal(st, exporter == NULL ? ST_NO_MEMORY : ST_OK);
    ops->destroy(exporter);
    return has_failed;
}

static void test_an_exporter_that_finds_no_memory_is_not_made(void **state)
{
    failing_alloc_try("Splunk exporter, made", run_create, *state, 15);
}

static bool run_fill(void *context, unsigned at, unsigned length)
{
    struct hec_bench *bench = context;
    struct export_report report = {.tell = tell};
    struct hec_events events;

    assert_int_equal(hec_events_init(&events, &bench->config, &bench->err), ST_OK);
    failing_alloc_begin(at, length);
    enum status st = hec_events_fill(&events, &bench->batch, &report, &bench->err);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK)
        assert_int_equal(st, ST_NO_MEMORY);
    else
        assert_int_equal(events.count, bench->batch.record_count);
    assert_int_equal(hec_events_fill(&events, &bench->batch, &report, &bench->err), ST_OK);
    assert_int_equal(events.count, bench->batch.record_count);
    hec_events_fini(&events);
    return has_failed;
}

static void test_a_body_that_finds_no_memory_is_not_sent_in_part(void **state)
{
    struct hec_bench *bench = *state;

    hec_bench_add_many(bench, 5);
    hec_bench_add(bench, "agent.tool", 100000, 1);
    made_text(&bench->made[1], "host.name", "build-7");
    bench->records[1].bytes = buf_slice(&bench->made[1].bytes);
    failing_alloc_try("Splunk events", run_fill, bench, 5);
}

static bool run_read(void *context, unsigned at, unsigned length)
{
    struct hec_reply reply;
    struct buf text;

    (void)context;
    buf_init(&text, 1024);
    failing_alloc_begin(at, length);
    bool is_reply =
        hec_reply_read(SLICE("{\"text\":\"Server is busy\",\"code\":9}"), &text, &reply);
    bool has_failed = failing_alloc_end();
    assert_true(is_reply);
    assert_int_equal(reply.code, 9);
    assert_int_equal(reply.text.size, has_failed ? 0 : 14);
    buf_fini(&text);
    return has_failed;
}

static void test_an_answer_is_understood_without_its_words(void **state)
{
    failing_alloc_try("Splunk answer", run_read, *state, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_exporter_that_finds_no_memory_is_not_made,
                                        hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(test_a_body_that_finds_no_memory_is_not_sent_in_part,
                                        hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(test_an_answer_is_understood_without_its_words,
                                        hec_bench_make, hec_bench_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
