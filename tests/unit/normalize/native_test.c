/* SPDX-License-Identifier: Apache-2.0 */
/* native_test.c -- senders that speak the model: believed in what it lets them say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "normalize/schema.h"
#include "support/check_normalized.h"
#include "support/made_record.h"
#include "support/record_text.h"

static struct made_record made;

static int begin(void **state)
{
    (void)state;
    made_init(&made);
    return 0;
}

static int end(void **state)
{
    (void)state;
    made_fini(&made);
    return 0;
}

static struct normalized *normalize(const char *kind)
{
    struct normalizer *normalizer = made_normalizer();
    struct normalized *normalized = made_normalize_native(&made, normalizer, kind);
    normalizer_destroy(normalizer);
    return normalized;
}

static void make_command(void)
{
    made_text(&made, "process.command_line", "make -j2");
}

static void test_event_in_the_model_keeps_its_words(void **state)
{
    (void)state;
    make_command();
    made_text(&made, "agent.event.phase", "start");
    made_text(&made, "agent.outcome", "denied");
    made_text(&made, "agent.product", "claude_code");
    made_text(&made, "agent.role", "subagent");
    made_text(&made, "agent.classification", "heuristic");
    made_int(&made, "agent.severity", 13);
    struct normalized *normalized = normalize("agent.command");
    check_text(normalized, "agent.event.kind", "agent.command");
    check_text(normalized, "agent.dialect", "native");
    check_text(normalized, "agent.dialect.event", "agent.command");
    check_text(normalized, "agent.transport", "unix_socket");
    static const char *const theirs[] = {"agent.event.phase", "agent.outcome",
                                         "agent.product",     "agent.role",
                                         "agent.severity",    "agent.classification"};
    for (size_t i = 0; i < COUNT_OF(theirs); i++) {
        assert_null(record_text_find(&normalized->ours, theirs[i]));
        assert_non_null(record_text_find(&normalized->whole, theirs[i]));
    }
    assert_null(normalized_value(normalized, "agent.norm.errors"));
    assert_true(slice_equal(normalized->whole.event_name, SLICE("agent.command")));
    normalized_destroy(normalized);
}

static void test_defaults_follow_from_the_kind(void **state)
{
    (void)state;
    make_command();
    struct normalized *normalized = normalize("agent.command");
    check_text(normalized, "agent.event.phase", "end");
    check_text(normalized, "agent.outcome", "unknown");
    check_text(normalized, "agent.product", "unknown");
    check_text(normalized, "agent.classification", "exact");
    normalized_destroy(normalized);
}

static void test_outcome_follows_from_the_exit_code(void **state)
{
    (void)state;
    make_command();
    made_int(&made, "process.exit.code", 3);
    struct normalized *normalized = normalize("agent.command");
    check_text(normalized, "agent.outcome", "failure");
    assert_int_equal(normalized_value(normalized, "agent.severity")->integer, 17);
    assert_int_equal(normalized->whole.severity_number, 17);
    normalized_destroy(normalized);
}

static void test_outcome_follows_from_the_decision(void **state)
{
    (void)state;
    made_text(&made, "agent.decision.outcome", "deny");
    made_text(&made, "agent.decision.source", "policy");
    struct normalized *normalized = normalize("agent.approval");
    check_text(normalized, "agent.event.kind", "agent.approval");
    check_text(normalized, "agent.outcome", "denied");
    assert_int_equal(normalized_value(normalized, "agent.severity")->integer, 13);
    normalized_destroy(normalized);
}

static void test_begun_thing_is_pending(void **state)
{
    (void)state;
    make_command();
    made_text(&made, "phase", "start");
    struct normalized *normalized = normalize("agent.command");
    check_text(normalized, "agent.event.phase", "start");
    check_text(normalized, "agent.outcome", "pending");
    normalized_destroy(normalized);
}

static void test_severity_of_the_event_is_its_severity(void **state)
{
    (void)state;
    make_command();
    made_uint(&made, RECORD_SEVERITY_NUMBER, 21);
    struct normalized *normalized = normalize("agent.command");
    assert_int_equal(normalized_value(normalized, "agent.severity")->integer, 21);
    normalized_destroy(normalized);
}

static void test_unknown_kind_is_kept_as_other_and_named(void **state)
{
    (void)state;
    struct normalized *normalized = normalize("agent.tol");
    check_text(normalized, "agent.event.kind", "agent.other");
    check_text(normalized, "agent.event.phase", "point");
    check_text(normalized, "agent.dialect.event", "agent.tol");
    assert_true(normalized_lists_error(normalized, "agent.tol"));
    normalized_destroy(normalized);
}

static void test_event_without_kind_is_other(void **state)
{
    (void)state;
    made_text(&made, "agent.event.kind", "agent.command");
    make_command();
    struct normalized *normalized = normalize("");
    check_text(normalized, "agent.event.kind", "agent.other");
    check_text(normalized, "agent.dialect.event", "unknown");
    normalized_destroy(normalized);
}

static void test_what_the_kind_requires_is_checked(void **state)
{
    (void)state;
    made_text(&made, "gen_ai.tool.name", "Bash");
    struct normalized *normalized = normalize("agent.tool");
    check_text(normalized, "agent.event.kind", "agent.other");
    assert_true(normalized_lists_error(normalized, "agent.tool.category"));
    assert_false(normalized_lists_error(normalized, "gen_ai.tool.name"));
    normalized_destroy(normalized);
}

static void test_either_of_two_keys_will_do(void **state)
{
    (void)state;
    made_text(&made, "gen_ai.conversation.id", "c1");
    struct normalized *normalized = normalize("agent.session");
    check_text(normalized, "agent.event.kind", "agent.session");
    normalized_destroy(normalized);
}

static void test_word_that_is_none_of_the_model_is_listed(void **state)
{
    (void)state;
    make_command();
    made_text(&made, "agent.outcome", "splendid");
    struct normalized *normalized = normalize("agent.command");
    check_text(normalized, "agent.outcome", "unknown");
    assert_true(normalized_lists_error(normalized, "agent.outcome"));
    assert_non_null(record_text_find(&normalized->ours, "agent.norm.agent.outcome"));
    normalized_destroy(normalized);
}

static void test_required_word_that_is_none_does_not_count(void **state)
{
    (void)state;
    made_text(&made, "gen_ai.tool.name", "Bash");
    made_text(&made, "agent.tool.category", "hammer");
    struct normalized *normalized = normalize("agent.tool");
    check_text(normalized, "agent.event.kind", "agent.other");
    assert_true(normalized_lists_error(normalized, "agent.tool.category"));
    normalized_destroy(normalized);
}

static void test_values_written_differently_are_put_right(void **state)
{
    (void)state;
    make_command();
    made_text(&made, "process.exit.code", "0");
    made_text(&made, "agent.duration_ms", "12.5");
    made_text(&made, "agent.command.sandboxed", "true");
    made_text(&made, "agent.outcome", "Success");
    struct normalized *normalized = normalize("agent.command");
    assert_int_equal(record_text_find(&normalized->ours, "agent.norm.process.exit.code")->integer,
                     0);
    assert_true(record_text_find(&normalized->ours, "agent.norm.agent.duration_ms")->number ==
                12.5);
    assert_int_equal(
        record_text_find(&normalized->ours, "agent.norm.agent.command.sandboxed")->integer, 1);
    check_text(normalized, "agent.outcome", "success");
    assert_null(normalized_value(normalized, "agent.norm.errors"));
    normalized_destroy(normalized);
}

static void test_phase_that_the_kind_has_not_is_listed(void **state)
{
    (void)state;
    made_text(&made, "agent.content.state", "present");
    made_text(&made, "agent.event.phase", "start");
    struct normalized *normalized = normalize("agent.prompt");
    check_text(normalized, "agent.event.phase", "point");
    assert_true(normalized_lists_error(normalized, "agent.event.phase"));
    normalized_destroy(normalized);
}

static void test_severity_out_of_range_is_put_right(void **state)
{
    (void)state;
    make_command();
    made_int(&made, "agent.severity", 99);
    struct normalized *normalized = normalize("agent.command");
    assert_int_equal(normalized_value(normalized, "agent.severity")->integer, 9);
    normalized_destroy(normalized);
}

static void test_keys_that_are_ours_alone_are_not_believed(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "agent.schema.version", "agent.dialect",       "agent.transport", "agent.time.source",
        "agent.event.kind",     "agent.dialect.event", "log.record.uid"};
    make_command();
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        made_text(&made, keys[i], "internal");
    made_int(&made, "agent.peer.uid", 0);
    struct normalized *normalized = normalize("agent.command");
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_false(slice_equal(normalized_text(normalized, keys[i]), SLICE("internal")));
        if (strcmp(keys[i], "log.record.uid") != 0)
            assert_true(normalized_lists_error(normalized, keys[i]));
    }
    assert_int_equal(normalized_value(normalized, "agent.peer.uid")->integer, 1000);
    normalized_destroy(normalized);
}

static void test_events_of_the_daemon_itself_are_native(void **state)
{
    (void)state;
    made_text(&made, "agent.pipeline.reason", "sequence_gap");
    made_int(&made, "agent.pipeline.count", 3);
    struct normalizer *normalizer = made_normalizer();
    const struct normalize_input input = {.record = buf_slice(&made.bytes),
                                          .transport = TRANSPORT_INTERNAL,
                                          .native_kind = SLICE("agent.pipeline"),
                                          .received_unix_nano = 1795209900000000000};
    struct normalized *normalized = normalized_make(normalizer, &input);
    check_text(normalized, "agent.event.kind", "agent.pipeline");
    check_text(normalized, "agent.transport", "internal");
    check_text(normalized, "agent.product", "other");
    normalized_destroy(normalized);
    normalizer_destroy(normalizer);
}

static void test_native_words_over_otlp_are_not_believed(void **state)
{
    (void)state;
    make_command();
    made_text(&made, "agent.dialect", "native");
    made_text(&made, "agent.outcome", "success");
    struct normalizer *normalizer = made_normalizer();
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, NULL);
    check_text(normalized, "agent.dialect", "unknown");
    check_text(normalized, "agent.outcome", "unknown");
    assert_true(normalized_lists_error(normalized, "agent.outcome"));
    normalized_destroy(normalized);
    normalizer_destroy(normalizer);
}

/* A value of the model for `key`. */
static void make_valid(uint16_t key)
{
    const struct schema_attribute *attribute = &schema_attributes[key];
    if (attribute->type == VALUE_TEXT)
        made_text(&made, attribute->key, attribute->words != NULL ? attribute->words[0] : "x");
    else if (attribute->type == VALUE_DOUBLE)
        made_double(&made, attribute->key, 1.5);
    else
        fail_msg("%s is required and of a type that this test cannot make", attribute->key);
}

static void test_every_kind_is_taken_with_what_it_requires(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        made_fini(&made);
        made_init(&made);
        for (size_t i = 0; i < schema_kinds[kind].required_count; i++)
            make_valid(schema_kinds[kind].required[i][0]);
        struct normalized *normalized = normalize(schema_kinds[kind].name);
        check_text(normalized, "agent.event.kind", schema_kinds[kind].name);
        assert_null(normalized_value(normalized, "agent.norm.errors"));
        normalized_destroy(normalized);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_event_in_the_model_keeps_its_words),
        TEST(test_defaults_follow_from_the_kind),
        TEST(test_outcome_follows_from_the_exit_code),
        TEST(test_outcome_follows_from_the_decision),
        TEST(test_begun_thing_is_pending),
        TEST(test_severity_of_the_event_is_its_severity),
        TEST(test_unknown_kind_is_kept_as_other_and_named),
        TEST(test_event_without_kind_is_other),
        TEST(test_what_the_kind_requires_is_checked),
        TEST(test_either_of_two_keys_will_do),
        TEST(test_word_that_is_none_of_the_model_is_listed),
        TEST(test_required_word_that_is_none_does_not_count),
        TEST(test_values_written_differently_are_put_right),
        TEST(test_phase_that_the_kind_has_not_is_listed),
        TEST(test_severity_out_of_range_is_put_right),
        TEST(test_keys_that_are_ours_alone_are_not_believed),
        TEST(test_events_of_the_daemon_itself_are_native),
        TEST(test_native_words_over_otlp_are_not_believed),
        TEST(test_every_kind_is_taken_with_what_it_requires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
