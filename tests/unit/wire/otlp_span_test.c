/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_span_test.c -- the reader of spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "telltale/base.h"
#include "wire/otlp_span.h"

enum { ATTRIBUTES_MAX = 8 };

static struct attribute_view attributes[ATTRIBUTES_MAX];

static enum status read_span(struct slice span, struct span_view *ret)
{
    struct error err;
    return otlp_read_span(span, &otlp_limits_default, attributes, ATTRIBUTES_MAX, ret, &err);
}

/* Each field of the message, made from its published numbers. */
static size_t make_span(uint8_t *out)
{
    static const struct slice status = {(const uint8_t *)"\x12\x03"
                                                         "bad\x18\x02",
                                        7};
    uint8_t *at = out;
    at = pb_put_bytes(at, 1, SLICE("0123456789abcdef"));
    at = pb_put_bytes(at, 2, SLICE("01234567"));
    at = pb_put_bytes(at, 3, SLICE("a=b"));
    at = pb_put_bytes(at, 4, SLICE("abcdefgh"));
    at = pb_put_bytes(at, 5, SLICE("chat"));
    at = pb_put_uint(at, 6, SPAN_KIND_CLIENT);
    at = pb_put_fixed64(at, 7, 1000);
    at = pb_put_fixed64(at, 8, 3000);
    at = pb_put_bytes(at, 9, SLICE("\x0a\x01k\x12\x02\x18\x05"));
    at = pb_put_bytes(at, 11,
                      SLICE("\x09\x07\0\0\0\0\0\0\0\x12\x01"
                            "e\x1a\x07\x0a\x01k\x12\x02\x18\x06"));
    at = pb_put_uint(at, 1000, 7); /* unknown */
    at = pb_put_bytes(at, 11,
                      SLICE("\x12\x01"
                            "f"));
    at = pb_put_bytes(at, 15, status);
    at = pb_put_fixed32(at, 16, 0x101);
    return (size_t)(at - out);
}

static void assert_text(struct slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

static void test_every_field_of_a_span_is_read(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct span_view span;
    assert_int_equal(read_span(slice_of(bytes, make_span(bytes)), &span), ST_OK);
    assert_text(span.trace_id, "0123456789abcdef");
    assert_text(span.span_id, "01234567");
    assert_text(span.parent_span_id, "abcdefgh");
    assert_text(span.trace_state, "a=b");
    assert_text(span.name, "chat");
    assert_int_equal(span.kind, SPAN_KIND_CLIENT);
    assert_int_equal(span.start_time_unix_nano, 1000);
    assert_int_equal(span.end_time_unix_nano, 3000);
    assert_int_equal(span.flags, 0x101);
    assert_int_equal(span.status_code, SPAN_STATUS_ERROR);
    assert_text(span.status_message, "bad");
    assert_int_equal(span.attribute_count, 1);
    assert_text(span.attributes[0].key, "k");
    assert_int_equal(span.attributes[0].value.integer, 5);
    assert_int_equal(span.event_count, 2);
}

static void test_events_come_in_their_order(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct span_view span;
    struct span_event_view event;
    struct attribute_view event_attributes[1];
    struct error err;
    bool found;
    assert_int_equal(read_span(slice_of(bytes, make_span(bytes)), &span), ST_OK);
    struct span_event_walk walk = span_event_walk_start(&span);
    assert_int_equal(
        span_event_next(&walk, &otlp_limits_default, event_attributes, 1, &event, &found, &err),
        ST_OK);
    assert_true(found);
    assert_text(event.name, "e");
    assert_int_equal(event.time_unix_nano, 7);
    assert_int_equal(event.attribute_count, 1);
    assert_int_equal(event.attributes[0].value.integer, 6);
    assert_int_equal(
        span_event_next(&walk, &otlp_limits_default, event_attributes, 1, &event, &found, &err),
        ST_OK);
    assert_true(found);
    assert_text(event.name, "f");
    assert_int_equal(event.attribute_count, 0);
    assert_int_equal(
        span_event_next(&walk, &otlp_limits_default, event_attributes, 1, &event, &found, &err),
        ST_OK);
    assert_false(found);
}

static void test_an_event_over_a_limit_does_not_hide_the_next(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct span_view span;
    struct span_event_view event;
    struct error err;
    bool found;
    assert_int_equal(read_span(slice_of(bytes, make_span(bytes)), &span), ST_OK);
    struct span_event_walk walk = span_event_walk_start(&span);
    assert_int_equal(span_event_next(&walk, &otlp_limits_default, NULL, 0, &event, &found, &err),
                     ST_LIMIT);
    assert_int_equal(span_event_next(&walk, &otlp_limits_default, NULL, 0, &event, &found, &err),
                     ST_OK);
    assert_true(found);
    assert_text(event.name, "f");
}

static void test_broken_spans_are_refused(void **state)
{
    (void)state;
    static const struct slice spans[] = {
        SLICE("\x08\x01"),         /* trace id as varint */
        SLICE("\x0a\x01x"),        /* trace id of one byte */
        SLICE("\x12\x01x"),        /* span id of one byte */
        SLICE("\x22\x01x"),        /* parent of one byte */
        SLICE("\x28\x01"),         /* name as varint */
        SLICE("\x38\x01"),         /* start as varint */
        SLICE("\x48\x01"),         /* attribute as varint */
        SLICE("\x4a\x02\x0a\x05"), /* attribute cut */
        SLICE("\x58\x01"),         /* event as varint */
        SLICE("\x7a\x02\x18"),     /* status cut by the end */
        SLICE("\x7a\x01\x18"),     /* cut within the status */
        SLICE("\x7a\x02\x10\x01"), /* message of the status as varint */
        SLICE("\x80\x01\x01"),     /* flags as varint */
    };
    struct span_view span;
    for (size_t i = 0; i < COUNT_OF(spans); i++)
        assert_int_equal(read_span(spans[i], &span), ST_CORRUPT);
}

static void test_limits_of_spans_hold(void **state)
{
    (void)state;
    static const struct slice two = {(const uint8_t *)"\x4a\x03\x0a\x01k\x4a\x03\x0a\x01k", 10};
    struct otlp_limits limits = otlp_limits_default;
    struct span_view span;
    struct error err;
    assert_int_equal(otlp_read_span(two, &limits, attributes, 2, &span, &err), ST_OK);
    assert_int_equal(otlp_read_span(two, &limits, attributes, 1, &span, &err), ST_LIMIT);
    limits.attribute_count_max = 1;
    assert_int_equal(otlp_read_span(two, &limits, attributes, 2, &span, &err), ST_LIMIT);
    limits = otlp_limits_default;
    limits.key_size_max = 0;
    assert_int_equal(otlp_read_span(two, &limits, attributes, 2, &span, &err), ST_LIMIT);
    limits = otlp_limits_default;
    limits.record_size_max = two.size - 1;
    assert_int_equal(otlp_read_span(two, &limits, attributes, 2, &span, &err), ST_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_of_a_span_is_read),
        cmocka_unit_test(test_events_come_in_their_order),
        cmocka_unit_test(test_an_event_over_a_limit_does_not_hide_the_next),
        cmocka_unit_test(test_broken_spans_are_refused),
        cmocka_unit_test(test_limits_of_spans_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
