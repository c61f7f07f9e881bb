/* SPDX-License-Identifier: Apache-2.0 */
/* record_filter_test.c -- which records a destination gets, from what normalization wrote to what a
 * worker does with it. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config_filter.h"
#include "deliver/record_filter.h"
#include "deliver/record_scan.h"
#include "normalize/schema.h"
#include "support/made_record.h"
#include "support/worker_bench.h"

#define LIST(...)                                                                                  \
    {                                                                                              \
        .items = (const char *const[]){__VA_ARGS__},                                               \
        .count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)                 \
    }

/* --- Reading ---------------------------------------------------------------------------------- */

static struct record_scan scan_of(const struct made_record *made)
{
    struct record_scan scan;

    record_scan_read(buf_slice(&made->bytes), &scan);
    return scan;
}

static void assert_text(struct slice text, const char *expected)
{
    assert_true(slice_equal(text, slice_of_text(expected)));
}

static void test_a_record_is_read_wherever_its_attributes_stand(void **state)
{
    struct made_record made;

    (void)state;
    made_init(&made);
    made_text(&made, "agent.outcome", "success");
    made_texts(&made, "agent.event.facets", "agent.file");
    made_fixed64(&made, 1, 4711);
    made_fixed64(&made, 11, 4712);
    made_int(&made, "agent.severity", 13);
    made_text(&made, "agent.event.kind", "agent.tool");
    struct record_scan scan = scan_of(&made);
    assert_text(scan.kind, "agent.tool");
    assert_text(scan.outcome, "success");
    assert_int_equal(scan.severity, 13);
    assert_int_equal(scan.time_ns, 4711);
    assert_true(record_scan_has_facet(&scan, SLICE("agent.file")));
    assert_false(record_scan_has_facet(&scan, SLICE("agent.tool")));
    made_fini(&made);
}

/* A sender that writes our attributes must not choose where its records go. */
static void test_a_forged_attribute_does_not_count(void **state)
{
    struct made_record made;
    char key[256] = "agent.event.kind";

    (void)state;
    made_init(&made);
    made_text(&made, "agent.event.kind", "agent.other");
    for (int chain = 1; chain <= 8; chain++) {
        struct normalizer *normalizer = made_normalizer();
        struct normalized *normalized = made_normalize_otlp(&made, normalizer, NULL);
        struct record_scan scan;
        record_scan_read(buf_slice(&normalized->bytes), &scan);
        assert_text(scan.kind, "agent.other"); /* ours: the record says nothing that we know */
        assert_text(scan.outcome, "unknown");
        normalized_destroy(normalized);
        normalizer_destroy(normalizer);
        memmove(key + 11, key, strlen(key) + 1);
        memcpy(key, "agent.norm.", 11);
        made_text(&made, key, "agent.resource"); /* no chain of it is ours */
    }
    made_fini(&made);
}

static void test_of_a_key_that_stands_twice_the_longest_chain_counts_then_the_last(void **state)
{
    struct made_record made;

    (void)state;
    made_init(&made);
    made_text(&made, "agent.norm.agent.event.kind", "agent.tool");
    made_text(&made, "agent.event.kind", "agent.file");
    made_text(&made, "agent.outcome", "failure");
    made_text(&made, "agent.outcome", "denied");
    struct record_scan scan = scan_of(&made);
    assert_text(scan.kind, "agent.tool");
    assert_text(scan.outcome, "denied");
    made_fini(&made);
}

/* Protobuf lets a field stand twice: whoever reads such an attribute takes the last key. */
static void test_an_attribute_with_two_keys_has_the_last_one(void **state)
{
    struct record_scan scan;

    (void)state;
    record_scan_read(SLICE("\x32\x1b\x0a\x0d"
                           "agent.outcome\x0a\x01x\x12\x05\x0a\x03"
                           "yes"),
                     &scan);
    assert_int_equal(scan.outcome.size, 0);
}

static void test_broken_records_are_read_as_far_as_they_go(void **state)
{
    struct made_record made;
    struct record_scan scan;

    (void)state;
    made_init(&made);
    made_text(&made, "agent.event.kind", "agent.tool");
    made_text(&made, "agent.outcome", "success");
    for (size_t size = 0; size < made.bytes.size; size++) {
        record_scan_read(slice_of(made.bytes.data, size), &scan);
        assert_int_equal(scan.outcome.size, 0);
    }
    made_fini(&made);
}

/* --- Deciding --------------------------------------------------------------------------------- */

struct trial {
    const char *kind, *facet, *outcome;
    int64_t severity;
    bool passes;
};

static void fill(struct made_record *made, const struct trial *trial)
{
    made_init(made);
    if (trial->facet != NULL)
        made_texts(made, "agent.event.facets", trial->facet);
    if (trial->kind != NULL)
        made_text(made, "agent.event.kind", trial->kind);
    if (trial->outcome != NULL)
        made_text(made, "agent.outcome", trial->outcome);
    if (trial->severity != 0)
        made_int(made, "agent.severity", trial->severity);
}

static void try_all(const struct record_filter *filter, const struct trial *trials, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct made_record made;
        fill(&made, &trials[i]);
        assert_int_equal(record_filter_passes(filter, SIGNAL_LOGS, buf_slice(&made.bytes)),
                         trials[i].passes);
        /* Whatever their bytes: */
        assert_true(record_filter_passes(filter, SIGNAL_TRACES, buf_slice(&made.bytes)));
        assert_true(record_filter_passes(filter, SIGNAL_METRICS, buf_slice(&made.bytes)));
        made_fini(&made);
    }
}

static void test_an_open_filter_lets_everything_pass(void **state)
{
    const struct record_filter filter = {.severity_min = 1};
    const struct trial trials[] = {{"agent.tool", NULL, "success", 9, true}, {.passes = true}};

    (void)state;
    assert_true(record_filter_is_open(&filter));
    try_all(&filter, trials, 2);
}

static void test_kinds_and_facets(void **state)
{
    const struct record_filter filter = {.kinds = LIST("agent.command", "agent.approval"),
                                         .severity_min = 1};
    const struct trial trials[] = {
        {"agent.command", NULL, "success", 9, true},
        {"agent.approval", NULL, "denied", 13, true},
        {"agent.tool", NULL, "success", 9, false},
        {"agent.tool", "agent.command", "success", 9, true},
        {"agent.tool", "agent.file", "success", 9, false},
        {"agent.commands", NULL, "success", 9, false},
        {NULL, NULL, "success", 9, false},
    };

    (void)state;
    assert_false(record_filter_is_open(&filter));
    try_all(&filter, trials, COUNT_OF(trials));
}

static void test_what_is_excluded_is_not_let_in_by_a_facet(void **state)
{
    const struct record_filter filter = {.kinds = LIST("agent.command"),
                                         .exclude_kinds = LIST("agent.tool", "agent.resource"),
                                         .severity_min = 1};
    const struct trial trials[] = {
        {"agent.command", "agent.tool", "success", 9, true},
        {"agent.tool", "agent.command", "success", 9, false},
        {"agent.resource", NULL, "unknown", 9, false},
    };

    (void)state;
    try_all(&filter, trials, COUNT_OF(trials));
}

static void test_outcomes_and_severity_have_to_agree_both(void **state)
{
    const struct record_filter filter = {.outcomes = LIST("denied", "failure"), .severity_min = 13};
    const struct trial trials[] = {
        {"agent.tool", NULL, "denied", 13, true},   {"agent.tool", NULL, "denied", 12, false},
        {"agent.tool", NULL, "success", 17, false}, {"agent.tool", NULL, "failure", 24, true},
        {"agent.tool", NULL, "failure", 0, true}, /* it has none */
        {"agent.tool", NULL, NULL, 17, false},
    };

    (void)state;
    try_all(&filter, trials, COUNT_OF(trials));
}

static void test_news_of_losses_pass_unless_they_are_named(void **state)
{
    struct record_filter filter = {
        .kinds = LIST("agent.approval"), .outcomes = LIST("denied"), .severity_min = 21};
    const struct trial passing = {"agent.pipeline", NULL, "unknown", 9, true};
    const struct trial held = {"agent.pipeline", NULL, "unknown", 9, false};

    (void)state;
    try_all(&filter, &passing, 1);
    filter.exclude_kinds = (struct config_text_list)LIST("agent.pipeline");
    try_all(&filter, &held, 1);
}

static void test_configuration_knows_the_words_of_the_model(void **state)
{
    size_t i = 0;

    (void)state;
    for (; words_outcome[i] != NULL; i++)
        assert_string_equal(config_outcomes[i], words_outcome[i]);
    assert_null(config_outcomes[i]);
    for (i = 0; config_severities[i] != NULL; i++)
        assert_int_equal(config_filter_severity(&(struct config_filter){.min_severity = (int)i}),
                         1 + 4 * i);
    assert_int_equal(i, 6); /* as many as 24 numbers make */
}

/* --- A worker --------------------------------------------------------------------------------- */

static void append_kind(struct bench *bench, const char *kind)
{
    const struct trial trial = {.kind = kind, .outcome = "success", .severity = 9};
    struct made_record made;

    fill(&made, &trial);
    bench_append_bytes(bench, buf_slice(&made.bytes));
    made_fini(&made);
}

static void expect_every_third(struct bench *bench)
{
    bench->settings.filter = (struct record_filter){.kinds = LIST("agent.command")};
    for (int i = 0; i < 30; i++) {
        append_kind(bench, "agent.tool");
        append_kind(bench, "agent.file");
        append_kind(bench, "agent.command");
    }
    append_kind(bench, "agent.tool");
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 30);
    while (worker_durable_sequence(bench->worker) < 92)
        (void)sched_yield();
    struct worker_status status = bench_status(bench);
    bench_stop(bench);
    assert_int_equal(status.delivered_records, 30);
    assert_int_equal(status.filtered_records, 61);
    assert_int_equal(status.passed_records, 0);
    assert_int_equal(status.missing_records, 0);
    assert_int_equal(status.skipped_records, 0);
    for (uint64_t i = 1; i <= 91; i++)
        assert_int_equal(bench->fake.delivered[i], i % 3 == 0 ? 1 : 0);
    assert_int_equal(bench->fake.delivered_count, 30);
}

static void test_what_the_filter_holds_back_passes_by_and_is_counted(void **state)
{
    struct bench *bench = *state;

    expect_every_third(bench);
    assert_int_equal(bench->fake.call_count, 4); /* of 8: requests are as full as ever */
}

static void test_four_lanes_share_a_filter(void **state)
{
    expect_every_third(*state);
}

static void test_only_what_the_filter_lets_pass_can_be_lost(void **state)
{
    struct bench *bench = *state;

    bench->settings.filter = (struct record_filter){.exclude_kinds = LIST("agent.tool")};
    fake_exporter_always_retry(&bench->fake, true);
    append_kind(bench, "agent.command");
    for (int i = 0; i < 9; i++)
        append_kind(bench, "agent.tool");
    append_kind(bench, "agent.file");
    bench_start(bench);
    fake_exporter_wait_calls(&bench->fake, 1);
    for (int i = 0; i < 10; i++) {
        append_kind(bench, "agent.tool");
        append_kind(bench, "agent.file");
    }
    worker_skip_to(bench->worker, 32);
    while (worker_durable_sequence(bench->worker) < 32)
        (void)sched_yield();
    assert_int_equal(bench_status(bench).skipped_records, 12);
    assert_int_equal(bench_status(bench).missing_records, 0);
    bench_stop_now(bench);
}

#define ON_ONE(test)  cmocka_unit_test_setup_teardown(test, bench_make_one_lane, bench_drop)
#define ON_FOUR(test) cmocka_unit_test_setup_teardown(test, bench_make_four_lanes, bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_read_wherever_its_attributes_stand),
        cmocka_unit_test(test_a_forged_attribute_does_not_count),
        cmocka_unit_test(test_of_a_key_that_stands_twice_the_longest_chain_counts_then_the_last),
        cmocka_unit_test(test_an_attribute_with_two_keys_has_the_last_one),
        cmocka_unit_test(test_broken_records_are_read_as_far_as_they_go),
        cmocka_unit_test(test_an_open_filter_lets_everything_pass),
        cmocka_unit_test(test_kinds_and_facets),
        cmocka_unit_test(test_what_is_excluded_is_not_let_in_by_a_facet),
        cmocka_unit_test(test_outcomes_and_severity_have_to_agree_both),
        cmocka_unit_test(test_news_of_losses_pass_unless_they_are_named),
        cmocka_unit_test(test_configuration_knows_the_words_of_the_model),
        ON_ONE(test_what_the_filter_holds_back_passes_by_and_is_counted),
        ON_FOUR(test_four_lanes_share_a_filter),
        ON_ONE(test_only_what_the_filter_lets_pass_can_be_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
