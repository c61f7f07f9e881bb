/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_test.c -- the readers of OTLP, against protobuf-c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/collected.h"
#include "support/otlp_oracle.h"
#include "support/random_otlp.h"
#include "support/recorded.h"

enum { BIG = 1 << 26, ATTRIBUTES_MAX = 1024 };

/* --- Records -----------------------------------------------------------------------------------
 */

/* Asserts that each record of the request reads as the oracle reads it. */
static void assert_records_agree(struct slice request)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct error err;
    struct collected collected;
    oracle_request *oracle = oracle_read_request(request);
    assert_non_null(oracle);
    assert_int_equal(collected_read(&collected, request, &err), ST_OK);
    size_t next = 0;
    for (size_t i = 0; i < oracle->n_resource_logs; i++) {
        for (size_t j = 0; j < oracle->resource_logs[i]->n_scope_logs; j++) {
            oracle_scope_logs *scope_logs = oracle->resource_logs[i]->scope_logs[j];
            for (size_t k = 0; k < scope_logs->n_log_records; k++) {
                struct record_view view;
                assert_true(next < collected.record_count);
                struct slice record = collected.records[next++].bytes;
                assert_int_equal(otlp_read_record(record, &otlp_limits_default, attributes,
                                                  ATTRIBUTES_MAX, &view, &err),
                                 ST_OK);
                assert_true(oracle_same_record(&view, scope_logs->log_records[k]));
            }
        }
    }
    assert_int_equal(next, collected.record_count);
    collected_fini(&collected);
    oracle_free(oracle);
}

static void test_recorded_requests_read_as_protobuf_c_reads_them(void **state)
{
    (void)state;
    for (size_t i = 0; recorded_log_requests[i] != NULL; i++) {
        struct buf request;
        buf_init(&request, BIG);
        recorded_read(recorded_log_requests[i], &request);
        assert_true(request.size > 0);
        assert_records_agree(buf_slice(&request));
        buf_fini(&request);
    }
}

static void test_random_requests_read_as_protobuf_c_reads_them(void **state)
{
    (void)state;
    struct random random = {0x7e117a1e};
    for (int i = 0; i < 1500; i++) {
        struct buf request;
        buf_init(&request, BIG);
        random_request(&random, &request);
        assert_records_agree(buf_slice(&request));
        random_reorder(&random, &request);
        assert_records_agree(buf_slice(&request));
        buf_fini(&request);
    }
}

/* What the readers may refuse is refused by protobuf-c too, and the other way round; the fuzz
 * target names the exceptions, which cutting a message does not meet. */
static void test_cut_requests_are_refused_like_protobuf_c_refuses_them(void **state)
{
    (void)state;
    struct buf request;
    buf_init(&request, BIG);
    recorded_read("codex-0.169.0/http-protobuf/approvals-appserver/logs/002.bin", &request);
    size_t refused = 0;
    for (size_t size = 0; size < request.size; size++) {
        struct error err;
        struct collected collected;
        oracle_request *oracle = oracle_read_request(slice_of(request.data, size));
        enum status st = collected_read(&collected, slice_of(request.data, size), &err);
        assert_int_equal(st == ST_OK, oracle != NULL);
        refused += st == ST_CORRUPT;
        collected_fini(&collected);
        oracle_free(oracle);
    }
    assert_int_equal(refused, request.size - 1); /* the empty request is one */
    buf_fini(&request);
}

static enum status read_record(struct slice bytes, struct record_view *view, struct error *err)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    return otlp_read_record(bytes, &otlp_limits_default, attributes, ATTRIBUTES_MAX, view, err);
}

static void test_known_fields_of_another_wire_type_are_refused(void **state)
{
    (void)state;
    static const struct slice records[] = {
        SLICE("\x08\x01"),                 /* time as varint */
        SLICE("\x5a\x00"),                 /* observed time as bytes */
        SLICE("\x12\x00"),                 /* severity as bytes */
        SLICE("\x18\x00"),                 /* severity text as varint */
        SLICE("\x28\x00"),                 /* body as varint */
        SLICE("\x30\x00"),                 /* attribute as varint */
        SLICE("\x3a\x00"),                 /* dropped count as bytes */
        SLICE("\x40\x00"),                 /* flags as varint */
        SLICE("\x48\x00"),                 /* trace id as varint */
        SLICE("\x50\x00"),                 /* span id as varint */
        SLICE("\x60\x00"),                 /* event name as varint */
        SLICE("\x2a\x02\x08\x00"),         /* a text value as varint */
        SLICE("\x2a\x02\x22\x00"),         /* a double value as bytes */
        SLICE("\x2a\x04\x2a\x02\x08\x00"), /* an array's value as varint */
        SLICE("\x32\x02\x08\x00"),         /* a key as varint */
        SLICE("\x32\x02\x10\x00"),         /* a value as varint */
    };
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        struct record_view view;
        struct error err;
        assert_int_equal(read_record(records[i], &view, &err), ST_CORRUPT);
        assert_null(oracle_read_record(records[i]));
    }
}

static void test_the_last_of_a_repeated_single_field_wins(void **state)
{
    (void)state;
    struct record_view view;
    struct error err;
    struct slice record = SLICE("\x10\x01\x10\x09\x1a\x01"
                                "a\x1a\x01"
                                "b"
                                "\x2a\x04\x18\x07\x10\x01"); /* body 7, then true */
    assert_int_equal(read_record(record, &view, &err), ST_OK);
    assert_int_equal(view.severity_number, 9);
    assert_true(slice_equal(view.severity_text, SLICE("b")));
    assert_int_equal(view.body.type, ANY_TYPE_BOOL);
    assert_int_equal(view.body.integer, 1);
}

/* Attributes that begin like nearly all do, and go on. */
static void test_what_follows_a_usual_attribute_is_not_overlooked(void **state)
{
    (void)state;
    struct attribute_view view;
    struct error err;
    struct slice usual = SLICE("\x0a\x01k\x12\x06\x0a\x04text");
    assert_int_equal(otlp_read_attribute(usual, &view, &err), ST_OK);
    assert_true(slice_equal(view.value.bytes, SLICE("text")));
    assert_true(slice_equal(view.value.encoded, SLICE("\x0a\x04text")));

    struct slice second_key = SLICE("\x0a\x01k\x12\x02\x18\x07\x0a\x01l");
    assert_int_equal(otlp_read_attribute(second_key, &view, &err), ST_OK);
    assert_true(slice_equal(view.key, SLICE("l")));
    struct slice number_behind_text = SLICE("\x0a\x01k\x12\x08\x0a\x04text\x18\x07");
    assert_int_equal(otlp_read_attribute(number_behind_text, &view, &err), ST_OK);
    assert_int_equal(view.value.type, ANY_TYPE_INT);
    struct slice bool_behind_number = SLICE("\x0a\x01k\x12\x04\x18\x07\x10\x02");
    assert_int_equal(otlp_read_attribute(bool_behind_number, &view, &err), ST_OK);
    assert_int_equal(view.value.type, ANY_TYPE_BOOL);
    assert_int_equal(view.value.integer, 1);

    struct slice odd_bool = SLICE("\x0a\x01k\x12\x02\x10\x02");
    assert_int_equal(otlp_read_attribute(odd_bool, &view, &err), ST_OK);
    assert_int_equal(view.value.integer, 1);

    static const struct slice broken[] = {
        SLICE("\x0a\x01k\x12\x04\x0a\x06textit"),   /* a text that goes on behind its value */
        SLICE("\x0a\x01k\x12\x06\x0a\x04text\x12"), /* a tag behind the value */
        SLICE("\x0a\x01k\x12\x06\x0a\x04text\x12\x02\x18\x07"), /* a second value */
        SLICE("\x0a\x01k\x12\x07\x0a\x04text\x18"),             /* a tag within it */
        SLICE("\x0a\x01k\x12\x06\x0a\x05text"),                 /* a text longer than its value */
        SLICE("\x0a\x01k\x12\x07\x0a\x04text"), /* a value longer than its attribute */
        SLICE("\x0a\x01k\x12\x03\x18\x80\x80"), /* a number without end */
        SLICE("\x0a\x0fk\x12\x06\x0a\x04text"), /* a key longer than its attribute */
    };
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        assert_int_equal(otlp_read_attribute(broken[i], &view, &err), ST_CORRUPT);
}

/* Some receivers merge the two, some keep the second: what we showed could differ from what they
 * show, and what is hidden in the first could break them. */
static void test_a_value_behind_an_array_is_refused(void **state)
{
    (void)state;
    static const struct slice records[] = {
        SLICE("\x2a\x05\x2a\x00\x0a\x01x"), /* in one value */
        SLICE("\x2a\x04\x32\x00\x2a\x00"),  /* a list, then an array */
    };
    struct record_view view;
    struct error err;
    for (size_t i = 0; i < COUNT_OF(records); i++)
        assert_int_equal(read_record(records[i], &view, &err), ST_CORRUPT);
    struct slice good = SLICE("\x2a\x04\x18\x01\x2a\x00"); /* a number, then an array */
    assert_int_equal(read_record(good, &view, &err), ST_OK);
    assert_int_equal(view.body.type, ANY_TYPE_ARRAY);
}

/* Some receivers lose the first, some keep it, some read beyond their memory. */
static void test_a_second_value_is_refused(void **state)
{
    (void)state;
    static const struct slice values[] = {
        SLICE("\x0a\x01x"), SLICE("\x3a\x00"), SLICE("\x18\x01"), SLICE("\x2a\x00"),
        SLICE("\x40\x05"),  SLICE("\x68\x01"), SLICE(""),
    };
    for (size_t i = 0; i < COUNT_OF(values) * COUNT_OF(values); i++) {
        struct slice first = values[i / COUNT_OF(values)];
        struct slice second = values[i % COUNT_OF(values)];
        struct record_view view;
        struct error err;
        uint8_t record[32];
        uint8_t *end = pb_put_bytes(record, RECORD_BODY, first);
        assert_int_equal(read_record(slice_of(record, (size_t)(end - record)), &view, &err), ST_OK);
        end = pb_put_bytes(end, RECORD_BODY, second);
        assert_int_equal(read_record(slice_of(record, (size_t)(end - record)), &view, &err),
                         ST_CORRUPT);

        uint8_t attribute[32];
        end = pb_put_bytes(attribute, KEY_VALUE_VALUE, first);
        end = pb_put_bytes(end, KEY_VALUE_VALUE, second);
        end =
            pb_put_bytes(record, RECORD_ATTRIBUTES, slice_of(attribute, (size_t)(end - attribute)));
        assert_int_equal(read_record(slice_of(record, (size_t)(end - record)), &view, &err),
                         ST_CORRUPT);
    }
}

/* A line of JSON could not say them, and receivers refuse all that stands beside them. */
static void test_ids_of_another_size_are_refused(void **state)
{
    (void)state;
    static const uint8_t bytes[TRACE_ID_SIZE + 2] = {1};
    static const size_t good[] = {TRACE_ID_SIZE, SPAN_ID_SIZE};
    static const uint32_t numbers[] = {RECORD_TRACE_ID, RECORD_SPAN_ID};
    for (size_t i = 0; i < COUNT_OF(numbers) * sizeof(bytes); i++) {
        struct record_view view;
        struct error err;
        uint8_t record[64];
        size_t size = i / COUNT_OF(numbers);
        size_t which = i % COUNT_OF(numbers);
        uint8_t *end = pb_put_bytes(record, numbers[which], slice_of(bytes, size));
        enum status st = read_record(slice_of(record, (size_t)(end - record)), &view, &err);
        assert_int_equal(st, size == 0 || size == good[which] ? ST_OK : ST_CORRUPT);
    }
}

static void test_missing_and_empty_values_have_no_type(void **state)
{
    (void)state;
    struct record_view view;
    struct error err;
    /* Attributes: no value, an empty one, and the index of a text that logs do not have. */
    struct slice record = SLICE("\x32\x03\x0a\x01"
                                "a\x32\x05\x0a\x01"
                                "b\x12\x00\x32\x07\x0a\x01"
                                "c\x12\x02\x40\x05");
    assert_int_equal(read_record(record, &view, &err), ST_OK);
    assert_int_equal(view.attribute_count, 3);
    assert_int_equal(view.body.type, ANY_TYPE_NONE);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(view.attributes[i].value.type, ANY_TYPE_NONE);
    assert_true(slice_equal(view.attributes[2].key, SLICE("c")));
}

static void test_a_record_without_bytes_says_nothing(void **state)
{
    (void)state;
    struct record_view view;
    struct error err;
    assert_int_equal(otlp_read_record(SLICE_EMPTY, &otlp_limits_default, NULL, 0, &view, &err),
                     ST_OK);
    assert_int_equal(view.attribute_count, 0);
    assert_int_equal(otlp_read_record(SLICE("\x32\x03\x0a\x01"
                                            "a"),
                                      &otlp_limits_default, NULL, 0, &view, &err),
                     ST_LIMIT);
}

/* --- Limits ------------------------------------------------------------------------------------
 */

/* A record whose attribute "deep" is `depth` values within one another; arrays and lists take
 * turns. */
static void append_nested(struct buf *out, uint32_t depth)
{
    struct error err;
    uint8_t bytes[4096];
    size_t at = sizeof(bytes); /* written from the inside out, so from the end */
    for (uint32_t level = 1; level < depth; level++) {
        uint8_t header[32];
        size_t inner = sizeof(bytes) - at;
        bool is_list = level % 2 == 0;
        size_t value = 1 + pb_varint_size(inner) + inner;
        uint8_t *end = header;
        if (is_list) {
            end = pb_put_header(end, ANY_KVLIST, 1 + pb_varint_size(value) + value);
            end = pb_put_header(end, 1, value);
            end = pb_put_header(end, KEY_VALUE_VALUE, inner);
        } else {
            end = pb_put_header(end, ANY_ARRAY, value);
            end = pb_put_header(end, 1, inner);
        }
        at -= (size_t)(end - header);
        memcpy(bytes + at, header, (size_t)(end - header));
    }
    struct slice any = slice_of(bytes + at, sizeof(bytes) - at);
    assert_int_equal(pb_append_any(out, RECORD_ATTRIBUTES, SLICE("deep"), any, &err), ST_OK);
}

static void test_values_nested_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct record_view view;
    struct error err;
    struct buf record;
    buf_init(&record, BIG);
    append_nested(&record, 64);
    assert_int_equal(read_record(buf_slice(&record), &view, &err), ST_OK);
    buf_clear(&record);
    append_nested(&record, 65);
    assert_int_equal(read_record(buf_slice(&record), &view, &err), ST_LIMIT);
    assert_non_null(strstr(err.text, "'deep'"));

    struct otlp_limits endless = otlp_limits_default;
    endless.depth_max = UINT32_MAX; /* does not reach the stack */
    struct attribute_view attribute;
    assert_int_equal(otlp_read_record(buf_slice(&record), &endless, &attribute, 1, &view, &err),
                     ST_LIMIT);
    endless.depth_max = 1;
    buf_clear(&record);
    append_nested(&record, 1);
    assert_int_equal(otlp_read_record(buf_slice(&record), &endless, &attribute, 1, &view, &err),
                     ST_OK);
    buf_clear(&record);
    append_nested(&record, 2);
    assert_int_equal(otlp_read_record(buf_slice(&record), &endless, &attribute, 1, &view, &err),
                     ST_LIMIT);
    buf_fini(&record);
}

static void test_limits_name_what_they_refuse(void **state)
{
    (void)state;
    struct record_view view;
    struct error err;
    struct attribute_view attributes[2];
    struct buf record;
    buf_init(&record, BIG);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pb_append_text(&record, 6, SLICE("key"), SLICE("v"), &err), ST_OK);

    struct otlp_limits limits = otlp_limits_default;
    assert_int_equal(otlp_read_record(buf_slice(&record), &limits, attributes, 2, &view, &err),
                     ST_LIMIT);
    limits.attribute_count_max = 1;
    assert_int_equal(otlp_read_record(buf_slice(&record), &limits, attributes, 2, &view, &err),
                     ST_LIMIT);
    assert_non_null(strstr(err.text, "more than 1 attributes"));

    limits = otlp_limits_default;
    limits.record_size_max = record.size - 1;
    assert_int_equal(read_record(buf_slice(&record), &view, &err), ST_OK);
    assert_int_equal(otlp_read_record(buf_slice(&record), &limits, attributes, 2, &view, &err),
                     ST_LIMIT);

    limits = otlp_limits_default;
    limits.key_size_max = 2;
    assert_int_equal(otlp_read_record(buf_slice(&record), &limits, attributes, 2, &view, &err),
                     ST_LIMIT);
    assert_non_null(strstr(err.text, "'key"));
    buf_fini(&record);
}

/* --- Requests ------------------------------------------------------------------------------------
 */

static void test_a_resource_behind_its_scopes_belongs_to_them(void **state)
{
    (void)state;
    struct error err;
    struct collected collected;
    /* ResourceLogs: schema url, scope logs (record, scope, unknown field 15), resource; then
     * the request's own unknown field 14. */
    struct slice request = SLICE("\x0a\x13\x1a\x01"
                                 "u\x12\x07\x12\x00\x0a\x00\x7a\x01"
                                 "x\x0a\x05\x0a\x03\x0a\x01"
                                 "r\x72\x01"
                                 "q");
    assert_int_equal(collected_read(&collected, request, &err), ST_OK);
    assert_int_equal(collected.group_count, 1);
    assert_int_equal(collected.record_count, 1);
    const struct record_group *group = collected.groups;
    assert_true(slice_equal(group->request_fields, SLICE("\x72\x01"
                                                         "q")));
    assert_true(slice_equal(group->resource_logs_fields, SLICE("\x1a\x01"
                                                               "u\x0a\x05\x0a\x03\x0a\x01"
                                                               "r")));
    assert_true(slice_equal(group->scope_logs_fields, SLICE("\x0a\x00\x7a\x01"
                                                            "x")));
    collected_fini(&collected);
}

static void test_broken_parts_of_a_request_are_refused(void **state)
{
    (void)state;
    static const struct slice requests[] = {
        SLICE("\x08\x01"),                                 /* resource logs as varint */
        SLICE("\x0a\x02\x08\x01"),                         /* resource as varint */
        SLICE("\x0a\x02\x10\x01"),                         /* scope logs as varint */
        SLICE("\x0a\x02\x18\x01"),                         /* schema url as varint */
        SLICE("\x0a\x04\x12\x02\x10\x01"),                 /* record as varint */
        SLICE("\x0a\x04\x12\x02\x08\x01"),                 /* scope as varint */
        SLICE("\x0a\x04\x0a\x02\x08\x01"),                 /* attribute as varint */
        SLICE("\x0a\x04\x0a\x02\x0a\x05"),                 /* attribute cut */
        SLICE("\x0a\x06\x12\x04\x0a\x02\x1a\x05"),         /* attribute of a scope cut */
        SLICE("\x0a\x04\x0a\x02\x0a\x00\x0a\x03\x12\x02"), /* the second one is cut */
    };
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        struct error err;
        struct collected collected;
        assert_int_equal(collected_read(&collected, requests[i], &err), ST_CORRUPT);
        assert_null(oracle_read_request(requests[i]));
        collected_fini(&collected);
    }
}

static enum status refuse_group(void *context, const struct record_group *group, struct error *err)
{
    (void)context;
    (void)group;
    return error_set(err, ST_AGAIN, "not now");
}

static void test_a_refusing_visitor_ends_the_walk(void **state)
{
    (void)state;
    struct error err;
    const struct otlp_request_visitor visitor = {.on_group = refuse_group};
    struct slice request = SLICE("\x0a\x04\x12\x02\x12\x00\x0a\x04\x12\x02\x12\x00");
    assert_int_equal(otlp_walk_request(request, &visitor, &err), ST_AGAIN);
    assert_string_equal(err.text, "not now");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_requests_read_as_protobuf_c_reads_them),
        cmocka_unit_test(test_random_requests_read_as_protobuf_c_reads_them),
        cmocka_unit_test(test_cut_requests_are_refused_like_protobuf_c_refuses_them),
        cmocka_unit_test(test_known_fields_of_another_wire_type_are_refused),
        cmocka_unit_test(test_the_last_of_a_repeated_single_field_wins),
        cmocka_unit_test(test_what_follows_a_usual_attribute_is_not_overlooked),
        cmocka_unit_test(test_a_value_behind_an_array_is_refused),
        cmocka_unit_test(test_a_second_value_is_refused),
        cmocka_unit_test(test_ids_of_another_size_are_refused),
        cmocka_unit_test(test_missing_and_empty_values_have_no_type),
        cmocka_unit_test(test_a_record_without_bytes_says_nothing),
        cmocka_unit_test(test_values_nested_over_the_limit_are_refused),
        cmocka_unit_test(test_limits_name_what_they_refuse),
        cmocka_unit_test(test_a_resource_behind_its_scopes_belongs_to_them),
        cmocka_unit_test(test_broken_parts_of_a_request_are_refused),
        cmocka_unit_test(test_a_refusing_visitor_ends_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
