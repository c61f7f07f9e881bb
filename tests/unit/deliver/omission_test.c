/* SPDX-License-Identifier: Apache-2.0 */
/* omission_test.c -- batches without their content, and workers that send no other. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "deliver/omission.h"
#include "deliver/replay.h"
#include "normalize/schema_content.h"
#include "support/made_record.h"
#include "support/made_span.h"
#include "support/worker_bench.h"
#include "wire/otlp_span.h"

#define SECRET "what nobody there may read"

static struct error err;

static bool has(struct slice bytes, const char *text)
{
    return memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

/* One record under an empty group. */
static struct batch batch_of(struct record *record, struct record_group *group, enum signal signal,
                             struct slice bytes)
{
    *record = (struct record){.sequence = 1, .bytes = bytes};
    *group = (struct record_group){.signal = signal};
    return (struct batch){.records = record,
                          .record_count = 1,
                          .groups = group,
                          .group_count = 1,
                          .size_bytes = bytes.size};
}

/* The record without its content; good until the next call with the same `self`. */
static struct slice clean(struct omission *self, enum signal signal, struct slice bytes)
{
    struct record record;
    struct record_group group;
    struct batch batch = batch_of(&record, &group, signal, bytes);
    struct batch without;

    assert_int_equal(omission_apply(self, content_is_at, &batch, &without, &err), ST_OK);
    assert_int_equal(without.record_count, 1);
    assert_int_equal(without.size_bytes, without.records[0].bytes.size);
    return without.records[0].bytes;
}

static int set_up(void **state)
{
    static struct omission omission;

    omission_init(&omission);
    *state = &omission;
    return 0;
}

static int tear_down(void **state)
{
    omission_fini(*state);
    return 0;
}

static void tell(struct made_record *made, const char *key, int64_t bytes)
{
    made_texts(made, "agent.content.omitted", key);
    made_int(made, "agent.content.omitted_bytes", bytes);
}

/* --- Log records ------------------------------------------------------------------------------ */

static void test_a_value_is_left_out_and_told_of_and_the_rest_keeps_its_bytes(void **state)
{
    struct made_record made;
    struct made_record expected;

    made_init(&made);
    made_init(&expected);
    for (int i = 0; i < 2; i++) {
        struct made_record *one = i == 0 ? &made : &expected;
        made_fixed64(one, 1, 4711);
        made_text(one, "event.name", "codex.user_prompt");
        if (i == 0)
            made_text(one, "prompt", SECRET);
        made_text(one, "prompt_length", "27");
        made_field(one, 1999, SLICE("from a future version"));
        made_text(one, "agent.norm.agent.content.state",
                  i == 0 ? "present" : "redacted_by_collector");
        made_uint(one, 8, 1);
    }
    tell(&expected, "prompt=26", 26);
    struct slice without = clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes));
    assert_true(slice_equal(without, buf_slice(&expected.bytes)));
    made_fini(&made);
    made_fini(&expected);
}

static void test_a_body_of_any_form_is_left_out(void **state)
{
    struct made_record made;
    struct made_record expected;

    made_init(&made);
    made_field(&made, RECORD_BODY, SLICE("\x0a\x06secret"));
    made_init(&expected);
    tell(&expected, "body=6", 6);
    assert_true(slice_equal(clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes)),
                            buf_slice(&expected.bytes)));
    made_fini(&made);
    made_init(&made);
    made_field(&made, RECORD_BODY, SLICE("\x2a\x0a\x0a\x08\x0a\x06secret")); /* a list */
    assert_false(has(clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes)), "secret"));
    made_fini(&made);
    made_fini(&expected);
}

static void test_a_record_without_content_is_the_same(void **state)
{
    struct made_record made;

    made_init(&made);
    made_text(&made, "event.name", "codex.tool_result");
    made_text(&made, "agent.content.state", "absent");
    made_text(&made, "agent.content.omitted", "of an earlier hop");
    struct slice without = clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes));
    assert_ptr_equal(without.data, made.bytes.data);
    assert_int_equal(without.size, made.bytes.size);
    made_fini(&made);
}

static void test_what_is_clean_stays_as_it_is(void **state)
{
    struct omission second;
    struct made_record made;

    omission_init(&second);
    made_init(&made);
    made_text(&made, "prompt", SECRET);
    made_text(&made, "agent.content.state", "truncated");
    made_field(&made, RECORD_BODY, SLICE("\x0a\x06secret"));
    struct slice once = clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes));
    struct slice twice = clean(&second, SIGNAL_LOGS, once);
    assert_ptr_equal(once.data, twice.data);
    made_fini(&made);
    omission_fini(&second);
}

static void test_what_a_sender_says_was_left_out_is_not_ours(void **state)
{
    struct made_record made;
    struct made_record expected;

    made_init(&made);
    made_init(&expected);
    made_texts(&made, "agent.content.omitted", "prompt=1");
    made_text(&made, "output", SECRET);
    made_int(&made, "agent.norm.agent.content.omitted_bytes", 5);
    tell(&expected, "output=26", 26);
    assert_true(slice_equal(clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes)),
                            buf_slice(&expected.bytes)));
    made_fini(&made);
    made_fini(&expected);
}

/* An attribute whose value is a list of keys and values: `inner` is a KeyValue. */
static void nest(struct buf *out, struct slice inner, uint32_t list)
{
    struct buf copy;

    buf_init(&copy, 1 << 20);
    assert_int_equal(buf_append(&copy, inner.data, inner.size, &err), ST_OK);
    buf_clear(out);
    assert_int_equal(buf_reserve(out, copy.size + 64, &err), ST_OK);
    uint8_t *at = pb_put_bytes(out->data, LIST_VALUES, buf_slice(&copy));
    size_t size = (size_t)(at - out->data);
    buf_clear(&copy);
    assert_int_equal(buf_append(&copy, out->data, size, &err), ST_OK);
    at = pb_put_bytes(out->data, list, buf_slice(&copy));
    out->size = (size_t)(at - out->data);
    buf_fini(&copy);
}

static void test_content_deep_in_a_value_takes_the_value_along(void **state)
{
    struct made_record made;
    struct buf any;

    for (unsigned depth = 0; depth < 40; depth += 13) {
        buf_init(&any, 1 << 20);
        nest(&any, SLICE("\x0a\x06prompt\x12\x08\x0a\x06secret"), ANY_KVLIST);
        for (unsigned i = 0; i < depth; i++)
            nest(&any, buf_slice(&any), ANY_ARRAY);
        made_init(&made);
        made_text(&made, "harmless", "stays");
        assert_int_equal(
            pb_append_any(&made.bytes, RECORD_ATTRIBUTES, SLICE("event"), buf_slice(&any), &err),
            ST_OK);
        struct slice without = clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes));
        assert_false(has(without, "secret"));
        assert_true(has(without, "stays"));
        assert_true(has(without, "event="));
        made_fini(&made);
        buf_fini(&any);
    }
}

static void test_a_value_nested_beyond_the_limit_is_content(void **state)
{
    struct made_record made;
    struct buf any;

    buf_init(&any, 1 << 20);
    nest(&any, SLICE("\x0a\x06secret"), ANY_ARRAY);
    for (unsigned i = 0; i < 100; i++)
        nest(&any, buf_slice(&any), ANY_ARRAY);
    made_init(&made);
    assert_int_equal(
        pb_append_any(&made.bytes, RECORD_ATTRIBUTES, SLICE("event"), buf_slice(&any), &err),
        ST_OK);
    assert_false(has(clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes)), "secret"));
    made_fini(&made);
    buf_fini(&any);
}

static void test_a_key_that_is_hidden_is_found(void **state)
{
    (void)state;
    static const struct slice attributes[] = {
        /* the value first, two keys, a key from a table */
        SLICE("\x32\x12\x12\x08\x0a\x06secret\x0a\x06prompt"),
        SLICE("\x32\x15\x0a\x06prompt\x0a\x01x\x12\x08\x0a\x06secret"),
        SLICE("\x32\x15\x0a\x01x\x0a\x06prompt\x12\x08\x0a\x06secret"),
        SLICE("\x32\x0c\x18\x01\x12\x08\x0a\x06secret"),
    };

    for (size_t i = 0; i < COUNT_OF(attributes); i++)
        assert_false(has(clean(*state, SIGNAL_LOGS, attributes[i]), "secret"));
}

static void test_bytes_that_cannot_be_read_are_left_out(void **state)
{
    struct made_record made;

    made_init(&made);
    made_text(&made, "prompt", SECRET);
    made_text(&made, "output", SECRET);
    for (size_t size = 0; size <= made.bytes.size; size++) {
        struct slice without = clean(*state, SIGNAL_LOGS, slice_of(made.bytes.data, size));
        assert_false(has(without, "nobody"));
    }
    made_fini(&made);
}

static void test_keys_that_are_told_are_bounded(void **state)
{
    struct made_record made;
    char key[600];

    made_init(&made);
    for (unsigned i = 0; i < 200; i++) {
        memset(key, 'k', sizeof(key));
        snprintf(key, sizeof(key), "%03u", i);
        key[3] = 'k';
        snprintf(key + 500, 100, ".prompt");
        made_text(&made, key, "12345");
    }
    struct slice without = clean(*state, SIGNAL_LOGS, buf_slice(&made.bytes));
    assert_true(without.size < OMISSION_KEYS_MAX * (OMISSION_KEY_SIZE_MAX + 16) + 100);
    assert_true(has(without, "063k"));
    assert_false(has(without, "064k"));
    struct made_record sum;
    made_init(&sum);
    made_int(&sum, "agent.content.omitted_bytes", 1000);
    assert_true(memmem(without.data, without.size, sum.bytes.data, sum.bytes.size) != NULL);
    made_fini(&sum);
    made_fini(&made);
}

/* --- Spans, groups, batches ------------------------------------------------------------------- */

static void test_a_span_loses_the_content_of_its_parts(void **state)
{
    struct made_span made;

    made_span_init(&made, "execute_tool bash");
    made_span_text(&made, "ai.toolCall.args", SECRET);
    made_span_text(&made, "ai.toolCall.name", "bash");
    made_span_status(&made, SPAN_STATUS_ERROR, SECRET);
    made_span_exception(&made, "HttpClientError", SECRET);
    struct slice without = clean(*state, SIGNAL_TRACES, buf_slice(&made.bytes));
    assert_false(has(without, "nobody"));
    static const char *const kept[] = {"execute_tool bash",
                                       "ai.toolCall.name",
                                       "bash",
                                       "HttpClientError",
                                       "ai.toolCall.args=26",
                                       "status.message=26",
                                       "events.exception.message=26",
                                       "agent.content.omitted_bytes"};
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        assert_true(has(without, kept[i]));
    /* It is a span still, with its ids and its error. */
    struct span_view view;
    struct attribute_view attributes[32];
    assert_int_equal(otlp_read_span(without, &otlp_limits_default, attributes, COUNT_OF(attributes),
                                    &view, &err),
                     ST_OK);
    assert_int_equal(view.span_id.size, SPAN_ID_SIZE);
    made_span_fini(&made);
}

static void test_groups_of_all_signals_lose_theirs(void **state)
{
    struct omission *self = *state;
    struct made_record resource;
    struct record record;
    struct record_group group;
    struct batch without;
    struct buf around;

    made_init(&resource); /* attributes of a resource have another number than those of a record */
    assert_int_equal(pb_append_text(&resource.bytes, RESOURCE_ATTRIBUTES, SLICE("service.name"),
                                    SLICE("gemini-cli"), &err),
                     ST_OK);
    assert_int_equal(pb_append_text(&resource.bytes, RESOURCE_ATTRIBUTES,
                                    SLICE("process.command_args"), SLICE(SECRET), &err),
                     ST_OK);
    buf_init(&around, 1 << 16);
    assert_int_equal(buf_reserve(&around, resource.bytes.size + 64, &err), ST_OK);
    uint8_t *end = pb_put_bytes(around.data, 1, buf_slice(&resource.bytes));
    end = pb_put_bytes(end, 3, SLICE("https://schema"));
    around.size = (size_t)(end - around.data);
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        struct batch batch =
            batch_of(&record, &group, (enum signal)signal, SLICE("\x0a\x03metric prompt"));
        record.bytes.size = signal == SIGNAL_METRICS ? record.bytes.size : 0;
        group.resource_logs_fields = buf_slice(&around);
        group.scope_logs_fields = SLICE("\x0a\x03\x0a\x01s");
        assert_int_equal(omission_apply(self, content_is_at, &batch, &without, &err), ST_OK);
        const struct record_group *clean_group = &without.groups[0];
        assert_false(has(clean_group->resource_logs_fields, "nobody"));
        assert_true(has(clean_group->resource_logs_fields, "gemini-cli"));
        assert_true(has(clean_group->resource_logs_fields, "https://schema"));
        assert_true(has(clean_group->resource_logs_fields, "process.command_args=26"));
        assert_ptr_equal(clean_group->scope_logs_fields.data, group.scope_logs_fields.data);
        assert_true(slice_equal(without.records[0].bytes, record.bytes));
        assert_int_equal(clean_group->signal, signal);
        assert_int_equal(without.size_bytes, record.bytes.size +
                                                 clean_group->resource_logs_fields.size +
                                                 clean_group->scope_logs_fields.size);
    }
    buf_fini(&around);
    made_fini(&resource);
}

static void test_records_of_a_batch_keep_their_places(void **state)
{
    struct record records[50];
    struct record_group group = {.signal = SIGNAL_LOGS};
    struct made_record made[50];
    struct batch without;
    char text[64];

    for (unsigned i = 0; i < 50; i++) {
        made_init(&made[i]);
        snprintf(text, sizeof(text), "mark %u.", i);
        made_text(&made[i], "mark", text);
        if (i % 3 != 0)
            made_text(&made[i], "prompt", SECRET);
        records[i] = (struct record){.sequence = 100 + i, .bytes = buf_slice(&made[i].bytes)};
    }
    const struct batch batch = {
        .records = records, .record_count = 50, .groups = &group, .group_count = 1};
    for (size_t count = 1; count <= 50; count += 7) {
        struct batch part = batch;
        part.record_count = count;
        assert_int_equal(omission_apply(*state, content_is_at, &part, &without, &err), ST_OK);
        for (unsigned i = 0; i < count; i++) {
            snprintf(text, sizeof(text), "mark %u.", i);
            assert_int_equal(without.records[i].sequence, 100 + i);
            assert_true(has(without.records[i].bytes, text));
            assert_false(has(without.records[i].bytes, "nobody"));
            assert_int_equal(has(without.records[i].bytes, "prompt=26"), i % 3 != 0);
        }
    }
    for (unsigned i = 0; i < 50; i++)
        made_fini(&made[i]);
}

/* --- A worker --------------------------------------------------------------------------------- */

static size_t leaks; /* records that had content when they came to the exporter */

static enum export_result watch(void *self, const struct batch *batch, uint64_t deadline_ns,
                                struct export_report *report, struct error *error)
{
    for (size_t i = 0; i < batch->record_count; i++)
        leaks += has(batch->records[i].bytes, "nobody") ||
                 !has(batch->records[i].bytes, "agent.content.omitted");
    return fake_exporter_ops.send(self, batch, deadline_ns, report, error);
}

static void send_secrets(struct bench *bench, omission_rule *rule)
{
    static struct exporter_ops ops;
    struct made_record made;

    leaks = 0;
    ops = fake_exporter_ops;
    ops.send = watch;
    bench->settings.ops = &ops;
    bench->settings.is_content = rule;
    bench->fake.poison[3] = true;
    bench->fake.failures[6] = 2;
    made_init(&made);
    made_text(&made, "prompt", SECRET);
    for (int i = 0; i < 8; i++)
        bench_append_bytes(bench, buf_slice(&made.bytes));
    made_fini(&made);
    bench_start(bench);
    fake_exporter_wait_delivered(&bench->fake, 7);
    while (worker_durable_sequence(bench->worker) < 9)
        (void)sched_yield();
    bench_stop(bench);
}

static void test_content_is_kept_unless_it_is_to_be_left_out(void **state)
{
    send_secrets(*state, NULL);
    assert_true(leaks > 8);
}

static void test_no_attempt_has_content_and_the_letter_keeps_it(void **state)
{
    struct bench *bench = *state;

    send_secrets(bench, content_is_at);
    assert_int_equal(leaks, 0);
    const char *letter = bench_letter(bench, 3);
    assert_non_null(letter);
    assert_non_null(strstr(letter, SECRET));
    bench->fake.poison[3] = false;
    assert_int_equal(replay_ask(NULL, bench->dir.path, "fake.test", NULL, 0, &bench->err), ST_OK);
    bench_start(bench);
    while (bench_status(bench).replayed_records < 1)
        (void)sched_yield();
    bench_stop(bench);
    assert_int_equal(bench->fake.delivered[3], 1);
    assert_int_equal(leaks, 0);
}

#define CLEANING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define ON_ONE(test)   cmocka_unit_test_setup_teardown(test, bench_make_one_lane, bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEANING(test_a_value_is_left_out_and_told_of_and_the_rest_keeps_its_bytes),
        CLEANING(test_a_body_of_any_form_is_left_out),
        CLEANING(test_a_record_without_content_is_the_same),
        CLEANING(test_what_is_clean_stays_as_it_is),
        CLEANING(test_what_a_sender_says_was_left_out_is_not_ours),
        CLEANING(test_content_deep_in_a_value_takes_the_value_along),
        CLEANING(test_a_value_nested_beyond_the_limit_is_content),
        CLEANING(test_a_key_that_is_hidden_is_found),
        CLEANING(test_bytes_that_cannot_be_read_are_left_out),
        CLEANING(test_keys_that_are_told_are_bounded),
        CLEANING(test_a_span_loses_the_content_of_its_parts),
        CLEANING(test_groups_of_all_signals_lose_theirs),
        CLEANING(test_records_of_a_batch_keep_their_places),
        ON_ONE(test_content_is_kept_unless_it_is_to_be_left_out),
        ON_ONE(test_no_attempt_has_content_and_the_letter_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
