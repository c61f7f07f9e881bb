/* SPDX-License-Identifier: Apache-2.0 */
/* normalize_test.c -- what holds for every record: recorded ones of all agents, whether we know
 * their dialect or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/collected.h"
#include "support/documented.h"
#include "support/made_record.h"
#include "support/record_text.h"
#include "support/recorded.h"

static struct error err;

static const char *const required[] = {
    "agent.schema.version", "agent.event.kind",     "agent.event.phase", "agent.outcome",
    "agent.severity",       "agent.classification", "agent.product",     "agent.dialect",
    "agent.dialect.event",  "agent.transport",      "agent.time.source", "agent.role",
    "log.record.uid",
};

/* --- Every recorded record ---------------------------------------------------------------- */

typedef void (*checker)(struct normalizer *normalizer, const struct normalize_input *input,
                        const struct normalized *normalized);

static void check_request(struct normalizer *normalizer, struct slice request, checker check)
{
    struct collected collected;
    assert_int_equal(collected_read(&collected, request, &err), ST_OK);
    assert_true(collected.record_count > 0);
    for (size_t i = 0; i < collected.record_count; i++) {
        const struct record *record = &collected.records[i];
        const struct normalize_input input = {.record = record->bytes,
                                              .transport = TRANSPORT_OTLP_GRPC,
                                              .sender_fields = made_peer(),
                                              .received_unix_nano = 1795209900000000000};
        assert_int_equal(
            normalizer_set_group(normalizer, &collected.groups[record->group_index], &err), ST_OK);
        struct normalized *normalized = normalized_make(normalizer, &input);
        check(normalizer, &input, normalized);
        normalized_destroy(normalized);
    }
    collected_fini(&collected);
}

static void check_all(checker check)
{
    struct normalizer *normalizer = made_normalizer();
    struct buf request;
    buf_init(&request, (size_t)1 << 26);
    for (size_t i = 0; recorded_log_requests[i] != NULL; i++) {
        buf_clear(&request);
        recorded_read(recorded_log_requests[i], &request);
        check_request(normalizer, buf_slice(&request), check);
    }
    for (size_t i = 0; recorded_dialect_requests[i] != NULL; i++) {
        buf_clear(&request);
        recorded_read_protobuf(recorded_dialect_requests[i], &request);
        check_request(normalizer, buf_slice(&request), check);
    }
    for (size_t i = 0; documented_requests[i] != NULL; i++) {
        buf_clear(&request);
        documented_read(documented_requests[i], &request);
        check_request(normalizer, buf_slice(&request), check);
    }
    buf_fini(&request);
    normalizer_destroy(normalizer);
}

static void check_required(struct normalizer *normalizer, const struct normalize_input *input,
                           const struct normalized *normalized)
{
    (void)normalizer;
    (void)input;
    for (size_t i = 0; i < COUNT_OF(required); i++) {
        if (normalized_value(normalized, required[i]) == NULL)
            fail_msg("no %s", required[i]);
    }
    assert_true(normalized->whole.time_unix_nano != 0);
    assert_true(normalized->whole.observed_time_unix_nano != 0);
    assert_true(normalized->whole.severity_number != 0);
}

static void test_required_attributes_are_on_every_record(void **state)
{
    (void)state;
    check_all(check_required);
}

static void check_originals(struct normalizer *normalizer, const struct normalize_input *input,
                            const struct normalized *normalized)
{
    (void)normalizer;
    static struct attribute_view attributes[NORMALIZED_ATTRIBUTES_MAX];
    struct record_view before;
    assert_int_equal(otlp_read_record(input->record, &otlp_limits_default, attributes,
                                      NORMALIZED_ATTRIBUTES_MAX, &before, &err),
                     ST_OK);
    const struct record_view *after = &normalized->whole;
    assert_memory_equal(normalized->bytes.data, input->record.data, input->record.size);
    assert_int_equal(after->attribute_count,
                     before.attribute_count + normalized->ours.attribute_count);
    for (size_t i = 0; i < before.attribute_count; i++) {
        const struct attribute_view *a = &before.attributes[i], *b = &after->attributes[i];
        assert_true(slice_equal(a->key, b->key));
        assert_true(slice_equal(a->value.encoded, b->value.encoded));
    }
    assert_true(slice_equal(before.body.encoded, after->body.encoded));
    assert_true(slice_equal(before.severity_text, after->severity_text));
    assert_true(slice_equal(before.trace_id, after->trace_id));
    assert_true(slice_equal(before.span_id, after->span_id));
    assert_int_equal(before.flags, after->flags);
    if (before.severity_number != 0)
        assert_int_equal(before.severity_number, after->severity_number);
    if (before.time_unix_nano != 0)
        assert_int_equal(before.time_unix_nano, after->time_unix_nano);
}

static void test_what_the_sender_wrote_stays(void **state)
{
    (void)state;
    check_all(check_originals);
}

static void check_no_duplicates(struct normalizer *normalizer, const struct normalize_input *input,
                                const struct normalized *normalized)
{
    (void)normalizer;
    (void)input;
    const struct record_view *ours = &normalized->ours;
    for (size_t i = 0; i < ours->attribute_count; i++) {
        for (size_t j = 0; j < normalized->whole.attribute_count; j++) {
            const struct attribute_view *other = &normalized->whole.attributes[j];
            bool is_itself = other->key.data - normalized->bytes.data ==
                             ours->attributes[i].key.data - normalized->bytes.data;
            if (!is_itself && slice_equal(ours->attributes[i].key, other->key))
                fail_msg("%.*s stands twice", SLICE_ARG(other->key));
        }
    }
}

static void test_no_key_of_ours_stands_twice(void **state)
{
    (void)state;
    check_all(check_no_duplicates);
}

/* Keys whose value belongs to the hop, not to the event. */
static bool is_of_the_hop(const char *key)
{
    return strcmp(key, "log.record.uid") == 0 || strcmp(key, "agent.time.source") == 0 ||
           strcmp(key, "agent.role") == 0; /* what is remembered grows */
}

static void check_second_pass(struct normalizer *normalizer, const struct normalize_input *input,
                              const struct normalized *first)
{
    struct normalize_input again = *input;
    again.record = buf_slice(&first->bytes);
    struct normalized *second = normalized_make(normalizer, &again);
    check_originals(normalizer, &again, second);
    check_no_duplicates(normalizer, &again, second);
    for (size_t i = 0; i < COUNT_OF(required); i++) {
        const struct any_view *a = normalized_value(first, required[i]);
        const struct any_view *b = normalized_value(second, required[i]);
        if (!is_of_the_hop(required[i]) && !slice_equal(a->encoded, b->encoded))
            fail_msg("the second pass changes %s", required[i]);
    }
    normalized_destroy(second);
}

static void test_second_pass_says_the_same(void **state)
{
    (void)state;
    check_all(check_second_pass);
}

/* --- Time, severity, name --------------------------------------------------------------------- */

static struct normalized *normalize_once(const struct made_record *made)
{
    struct normalizer *normalizer = made_normalizer();
    struct normalized *normalized = made_normalize_otlp(made, normalizer, NULL);
    normalizer_destroy(normalizer);
    return normalized;
}

static void test_time_of_the_record_comes_first(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    made_fixed64(&made, RECORD_TIME_UNIX_NANO, 42);
    made_text(&made, "event.timestamp", "2026-11-20T21:24:25.936Z");
    struct normalized *normalized = normalize_once(&made);
    assert_int_equal(normalized->whole.time_unix_nano, 42);
    check_text(normalized, "agent.time.source", "record");
    normalized_destroy(normalized);
    made_fini(&made);
}

static void test_time_is_repaired_from_the_attribute(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    made_fixed64(&made, RECORD_TIME_UNIX_NANO, 0);
    made_fixed64(&made, RECORD_OBSERVED_TIME_UNIX_NANO, 77);
    made_text(&made, "event.timestamp", "2026-11-20T21:24:25.936Z");
    struct normalized *normalized = normalize_once(&made);
    assert_int_equal(normalized->whole.time_unix_nano, UINT64_C(1795209865936000000));
    assert_int_equal(normalized->whole.observed_time_unix_nano, 77);
    check_text(normalized, "agent.time.source", "attribute");
    normalized_destroy(normalized);
    made_fini(&made);
}

static void test_unreadable_time_falls_back_and_is_listed(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    made_fixed64(&made, RECORD_OBSERVED_TIME_UNIX_NANO, 77);
    made_text(&made, "event.timestamp", "yesterday");
    struct normalized *normalized = normalize_once(&made);
    assert_int_equal(normalized->whole.time_unix_nano, 77);
    check_text(normalized, "agent.time.source", "observed");
    assert_true(normalized_lists_error(normalized, "event.timestamp"));
    normalized_destroy(normalized);
    made_fini(&made);
}

static void test_record_without_any_time_gets_that_of_receipt(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    struct normalized *normalized = normalize_once(&made);
    assert_int_equal(normalized->whole.time_unix_nano, UINT64_C(1795209900000000000));
    assert_int_equal(normalized->whole.observed_time_unix_nano, UINT64_C(1795209900000000000));
    check_text(normalized, "agent.time.source", "receipt");
    normalized_destroy(normalized);
    made_fini(&made);
}

static struct normalized_kind time_of(uint64_t record_time, const char *stamp, uint64_t observed)
{
    struct normalizer *normalizer = made_normalizer();
    struct made_record made;
    made_init(&made);
    made_fixed64(&made, RECORD_TIME_UNIX_NANO, record_time);
    made_fixed64(&made, RECORD_OBSERVED_TIME_UNIX_NANO, observed);
    made_text(&made, "event.timestamp", stamp);
    normalized_destroy(made_normalize_otlp(&made, normalizer, NULL));
    struct normalized_kind result = normalizer_last(normalizer);
    normalizer_destroy(normalizer);
    made_fini(&made);
    return result;
}

static void test_times_of_senders_are_told_from_those_of_receipt(void **state)
{
    (void)state;
    const struct normalized_kind fine[] = {time_of(1000000001, "", 0),
                                           time_of(0, "2026-11-20T21:24:25.936Z", 0),
                                           time_of(0, "", 1000000001)};
    for (size_t i = 0; i < COUNT_OF(fine); i++)
        assert_true(fine[i].has_time && !fine[i].has_coarse_time);
    assert_false(time_of(0, "", 0).has_time);
    assert_false(time_of(0, "yesterday", 0).has_time);
    assert_true(time_of(2000000000, "2026-11-20T21:24:25.936Z", 1000000001).has_coarse_time);
}

static void test_call_site_gives_way_to_the_name(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    made_field(&made, RECORD_EVENT_NAME, SLICE("event otel/src/tool_result.rs:54"));
    made_text(&made, "event.name", "codex.turn_ttft");
    struct normalized *normalized = normalize_once(&made);
    assert_true(slice_equal(normalized->whole.event_name, SLICE("codex.turn_ttft")));
    check_text(normalized, "agent.original.event_name", "event otel/src/tool_result.rs:54");
    normalized_destroy(normalized);
    made_fini(&made);
}

static void test_proper_event_name_is_left_alone(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    made_field(&made, RECORD_EVENT_NAME, SLICE("my.event"));
    made_text(&made, "event.name", "another");
    struct normalized *normalized = normalize_once(&made);
    assert_int_equal(normalized->ours.event_name.size, 0);
    check_text(normalized, "agent.dialect.event", "another");
    normalized_destroy(normalized);
    made_fini(&made);
}

static void test_unknown_sender_is_kept_as_other(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    made_uint(&made, RECORD_SEVERITY_NUMBER, 17);
    made_field(&made, RECORD_EVENT_NAME, SLICE("disk.full"));
    struct normalized *normalized = normalize_once(&made);
    check_text(normalized, "agent.event.kind", "agent.other");
    check_text(normalized, "agent.event.phase", "point");
    check_text(normalized, "agent.dialect", "unknown");
    check_text(normalized, "agent.product", "unknown");
    check_text(normalized, "agent.outcome", "unknown");
    check_text(normalized, "agent.classification", "none");
    check_text(normalized, "agent.dialect.event", "disk.full");
    assert_int_equal(normalized_value(normalized, "agent.severity")->integer, 17);
    assert_int_equal(normalized->ours.severity_number, 0);
    normalized_destroy(normalized);
    made_fini(&made);
}

static void test_each_record_has_its_own_uid(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    struct normalizer *normalizer = made_normalizer();
    struct normalized *first = made_normalize_otlp(&made, normalizer, NULL);
    struct normalized *second = made_normalize_otlp(&made, normalizer, NULL);
    struct slice a = normalized_text(first, "log.record.uid");
    struct slice b = normalized_text(second, "log.record.uid");
    assert_int_equal(a.size, 36);
    assert_int_equal(a.data[14], '7'); /* the version */
    assert_memory_equal(a.data, b.data, 13);
    assert_false(slice_equal(a, b));
    normalized_destroy(first);
    normalized_destroy(second);
    normalizer_destroy(normalizer);
    made_fini(&made);
}

/* --- Limits and broken input -------------------------------------------------------------------
 */

static void check_refused(struct slice record, size_t out_limit, enum status expected)
{
    struct normalizer *normalizer = made_normalizer();
    struct buf out;
    buf_init(&out, out_limit);
    assert_int_equal(buf_append(&out, "before", 6, &err), ST_OK);
    const struct normalize_input input = {
        .record = record, .transport = TRANSPORT_OTLP_GRPC, .received_unix_nano = 1};
    err.text[0] = '\0';
    assert_int_equal(normalize_record(normalizer, &input, &out, &err), expected);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "before", 6);
    assert_true(err.text[0] != '\0');
    normalizer_destroy(normalizer);
    buf_fini(&out);
}

static void test_bytes_that_are_no_record_are_refused(void **state)
{
    (void)state;
    check_refused(SLICE("\x32\x7f what"), 4096, ST_CORRUPT);
}

static void test_too_many_attributes_are_refused(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    for (int i = 0; i < 1025; i++)
        made_int(&made, "n", i);
    check_refused(buf_slice(&made.bytes), 1 << 20, ST_LIMIT);
    made_fini(&made);
}

static void test_output_over_its_limit_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    made_text(&made, "event.name", "codex.user_prompt");
    for (size_t limit = 16; limit < 400; limit += 16)
        check_refused(buf_slice(&made.bytes), limit, ST_LIMIT);
    made_fini(&made);
}

static void test_long_text_is_not_written_twice(void **state)
{
    (void)state;
    static uint8_t big[3 << 20];
    memset(big, 'x', sizeof(big));
    struct made_record made;
    made_init(&made);
    made_text(&made, "event.name", "codex.tool_result");
    made_text(&made, "tool_name", "exec_command");
    made_bytes_text(&made, "output", slice_of(big, sizeof(big)));
    struct normalized *normalized = normalize_once(&made);
    assert_true(normalized->bytes.size - normalized->record_size < 4096);
    assert_null(record_text_find(&normalized->ours, "gen_ai.tool.call.result"));
    assert_true(normalized_lists_error(normalized, "gen_ai.tool.call.result"));
    normalized_destroy(normalized);
    made_fini(&made);
}

/* An attribute whose AnyValue is given as bytes. */
static void make_any(struct made_record *made, const char *key, struct slice any)
{
    assert_int_equal(pb_append_any(&made->bytes, RECORD_ATTRIBUTES, slice_of_text(key), any, &err),
                     ST_OK);
}

static void test_unusual_values_pass(void **state)
{
    (void)state;
    struct made_record made;
    made_init(&made);
    made_text(&made, "event.name", "codex.tool_result");
    made_int(&made, "tool_name", 7);                               /* no text */
    make_any(&made, "output", SLICE("\x3a\x02\xff\x00"));          /* bytes */
    make_any(&made, "arguments", SLICE("\x40\x05"));               /* index of a string */
    make_any(&made, "success", SLICE("\x32\x04\x0a\x02\x0a\x00")); /* list with an empty key */
    made_uint(&made, 99, 12345);                                   /* a field nobody knows */
    struct normalizer *normalizer = made_normalizer();
    const struct normalize_input input = {.record = buf_slice(&made.bytes),
                                          .transport = TRANSPORT_OTLP_GRPC,
                                          .received_unix_nano = 1};
    struct normalized *normalized = normalized_make(normalizer, &input);
    check_originals(normalizer, &input, normalized);
    check_text(normalized, "agent.event.kind", "agent.tool");
    check_text(normalized, "agent.outcome", "unknown");
    assert_true(normalized_lists_error(normalized, "tool_name"));
    assert_true(normalized_lists_error(normalized, "output"));
    assert_true(normalized_lists_error(normalized, "success"));
    assert_false(normalized_lists_error(normalized, "arguments"));
    normalized_destroy(normalized);
    normalizer_destroy(normalizer);
    made_fini(&made);
}

static void test_group_that_is_no_protobuf_is_refused(void **state)
{
    (void)state;
    struct normalizer *normalizer = made_normalizer();
    const struct record_group group = {.scope_logs_fields = SLICE("\x0a\x7f")};
    assert_int_equal(normalizer_set_group(normalizer, &group, &err), ST_CORRUPT);
    normalizer_destroy(normalizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_required_attributes_are_on_every_record),
        cmocka_unit_test(test_what_the_sender_wrote_stays),
        cmocka_unit_test(test_no_key_of_ours_stands_twice),
        cmocka_unit_test(test_second_pass_says_the_same),
        cmocka_unit_test(test_time_of_the_record_comes_first),
        cmocka_unit_test(test_time_is_repaired_from_the_attribute),
        cmocka_unit_test(test_unreadable_time_falls_back_and_is_listed),
        cmocka_unit_test(test_record_without_any_time_gets_that_of_receipt),
        cmocka_unit_test(test_times_of_senders_are_told_from_those_of_receipt),
        cmocka_unit_test(test_call_site_gives_way_to_the_name),
        cmocka_unit_test(test_proper_event_name_is_left_alone),
        cmocka_unit_test(test_unknown_sender_is_kept_as_other),
        cmocka_unit_test(test_each_record_has_its_own_uid),
        cmocka_unit_test(test_bytes_that_are_no_record_are_refused),
        cmocka_unit_test(test_too_many_attributes_are_refused),
        cmocka_unit_test(test_output_over_its_limit_leaves_the_buffer_as_it_was),
        cmocka_unit_test(test_long_text_is_not_written_twice),
        cmocka_unit_test(test_unusual_values_pass),
        cmocka_unit_test(test_group_that_is_no_protobuf_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
