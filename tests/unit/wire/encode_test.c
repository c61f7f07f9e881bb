/* SPDX-License-Identifier: Apache-2.0 */
/* encode_test.c -- batches as requests, records as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/collected.h"
#include "support/otlp_oracle.h"
#include "support/random_otlp.h"
#include "support/recorded.h"
#include "telltale/encode.h"
#include "wire/otlp_json.h"

enum { BIG = 1 << 26 };

/* --- Requests ----------------------------------------------------------------------------------
 */

static void assert_same_request(struct slice a, struct slice b)
{
    struct buf flat_a, flat_b;
    buf_init(&flat_a, BIG);
    buf_init(&flat_b, BIG);
    oracle_request *request_a = oracle_read_request(a);
    oracle_request *request_b = oracle_read_request(b);
    assert_non_null(request_a);
    assert_non_null(request_b);
    oracle_flatten(request_a, &flat_a);
    oracle_flatten(request_b, &flat_b);
    assert_true(slice_equal(buf_slice(&flat_a), buf_slice(&flat_b)));
    oracle_free(request_a);
    oracle_free(request_b);
    buf_fini(&flat_a);
    buf_fini(&flat_b);
}

/* Takes the request apart, encodes the parts, and asserts that a receiver sees no difference. */
static void assert_encodes_to_the_same(struct slice request)
{
    struct error err;
    struct collected collected;
    struct buf out;
    buf_init(&out, BIG);
    assert_int_equal(collected_read(&collected, request, &err), ST_OK);
    struct batch batch = collected_batch(&collected);
    assert_int_equal(buf_append(&out, "head", 4, &err), ST_OK);
    assert_int_equal(encode_otlp_request(&batch, &out, &err), ST_OK);
    assert_memory_equal(out.data, "head", 4);
    assert_int_equal(out.size - 4, encode_otlp_request_size(&batch));
    assert_same_request(request, slice_from(buf_slice(&out), 4));
    buf_fini(&out);
    collected_fini(&collected);
}

static void test_recorded_requests_are_encoded_as_they_came(void **state)
{
    (void)state;
    for (size_t i = 0; recorded_log_requests[i] != NULL; i++) {
        struct buf request;
        buf_init(&request, BIG);
        recorded_read(recorded_log_requests[i], &request);
        assert_encodes_to_the_same(buf_slice(&request));
        buf_fini(&request);
    }
}

static void test_random_requests_are_encoded_as_they_came(void **state)
{
    (void)state;
    struct random random = {0xe7c0de};
    for (int i = 0; i < 1000; i++) {
        struct buf request;
        buf_init(&request, BIG);
        random_request(&random, &request);
        random_reorder(&random, &request);
        assert_encodes_to_the_same(buf_slice(&request));
        buf_fini(&request);
    }
}

static void test_records_of_a_group_stand_together_in_batch_order(void **state)
{
    (void)state;
    struct error err;
    struct buf out;
    buf_init(&out, BIG);
    const struct record_group groups[] = {
        {.resource_logs_fields = SLICE("\x1a\x01"
                                       "a")},
        {.resource_logs_fields = SLICE("\x1a\x06"
                                       "unused")},
        {.request_fields = SLICE("\x78\x01"),
         .scope_logs_fields = SLICE("\x1a\x01"
                                    "c")},
    };
    const struct record records[] = {
        {.bytes = SLICE("\x10\x01"), .group_index = 2},
        {.bytes = SLICE("\x10\x02"), .group_index = 0},
        {.bytes = SLICE("\x10\x03"), .group_index = 2},
        {.bytes = SLICE_EMPTY, .group_index = 0},
    };
    const struct batch batch = {.records = records,
                                .record_count = COUNT_OF(records),
                                .groups = groups,
                                .group_count = COUNT_OF(groups)};
    assert_int_equal(encode_otlp_request(&batch, &out, &err), ST_OK);
    struct slice expected = SLICE("\x78\x01\x0a\x0d\x12\x0b\x1a\x01"
                                  "c\x12\x02\x10\x01\x12\x02\x10\x03"
                                  "\x0a\x0b\x1a\x01"
                                  "a\x12\x06\x12\x02\x10\x02\x12\x00");
    assert_true(slice_equal(buf_slice(&out), expected));
    assert_int_equal(encode_otlp_request_size(&batch), expected.size);
    buf_fini(&out);
}

static void test_many_groups_keep_their_sizes_apart(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static struct record records[2 * COUNT];
    static struct record_group groups[COUNT];
    for (uint32_t i = 0; i < 2 * COUNT; i++)
        records[i] = (struct record){.bytes = SLICE("\x10\x01"), .group_index = i * 7 % COUNT};
    const struct batch batch = {
        .records = records, .record_count = 2 * COUNT, .groups = groups, .group_count = COUNT};
    struct error err;
    struct buf out;
    buf_init(&out, BIG);
    assert_int_equal(encode_otlp_request(&batch, &out, &err), ST_OK);
    assert_int_equal(out.size, encode_otlp_request_size(&batch));
    oracle_request *request = oracle_read_request(buf_slice(&out));
    assert_non_null(request);
    assert_int_equal(request->n_resource_logs, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(request->resource_logs[i]->scope_logs[0]->n_log_records, 2);
    oracle_free(request);
    buf_fini(&out);
}

static void test_a_request_over_the_limit_changes_nothing(void **state)
{
    (void)state;
    struct error err;
    struct buf out;
    const struct record_group group = {.request_fields = SLICE_EMPTY};
    const struct record record = {.bytes = SLICE("\x10\x01")};
    struct batch batch = {
        .records = &record, .record_count = 1, .groups = &group, .group_count = 1};
    buf_init(&out, encode_otlp_request_size(&batch) - 1);
    assert_int_equal(encode_otlp_request(&batch, &out, &err), ST_LIMIT);
    assert_int_equal(out.size, 0);
    batch.record_count = 0;
    assert_int_equal(encode_otlp_request(&batch, &out, &err), ST_OK);
    assert_int_equal(out.size, 0);
    assert_int_equal(encode_otlp_request_size(&batch), 0);
    buf_fini(&out);
}

/* --- JSON lines --------------------------------------------------------------------------------
 */

/* Parses exactly one line. */
static cJSON *parse_line(const struct buf *line)
{
    assert_true(line->size > 1);
    assert_int_equal(line->data[line->size - 1], '\n');
    assert_null(memchr(line->data, '\n', line->size - 1));
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts((const char *)line->data, line->size - 1, &end, false);
    assert_non_null(json);
    assert_ptr_equal(end, line->data + line->size - 1);
    return json;
}

static void assert_json_lines_agree(struct slice request)
{
    struct error err;
    struct collected collected;
    oracle_request *oracle = oracle_read_request(request);
    assert_int_equal(collected_read(&collected, request, &err), ST_OK);
    size_t next = 0;
    struct buf line;
    buf_init(&line, BIG);
    for (size_t i = 0; i < oracle->n_resource_logs; i++) {
        oracle_resource_logs *resource_logs = oracle->resource_logs[i];
        for (size_t j = 0; j < resource_logs->n_scope_logs; j++) {
            oracle_scope_logs *scope_logs = resource_logs->scope_logs[j];
            for (size_t k = 0; k < scope_logs->n_log_records; k++) {
                const struct record *record = &collected.records[next++];
                buf_clear(&line);
                assert_int_equal(encode_otlp_json_line(&collected.groups[record->group_index],
                                                       record->bytes, SLICE_EMPTY, &line, &err),
                                 ST_OK);
                cJSON *json = parse_line(&line);
                assert_true(
                    oracle_same_json(json, resource_logs, scope_logs, scope_logs->log_records[k]));
                cJSON_Delete(json);
            }
        }
    }
    buf_fini(&line);
    collected_fini(&collected);
    oracle_free(oracle);
}

static void test_recorded_requests_say_the_same_in_json(void **state)
{
    (void)state;
    for (size_t i = 0; recorded_log_requests[i] != NULL; i++) {
        struct buf request;
        buf_init(&request, BIG);
        recorded_read(recorded_log_requests[i], &request);
        assert_json_lines_agree(buf_slice(&request));
        buf_fini(&request);
    }
}

static void test_random_requests_say_the_same_in_json(void **state)
{
    (void)state;
    struct random random = {0x150a};
    for (int i = 0; i < 1000; i++) {
        struct buf request;
        buf_init(&request, BIG);
        random_request(&random, &request);
        random_reorder(&random, &request);
        assert_json_lines_agree(buf_slice(&request));
        buf_fini(&request);
    }
}

/* Fields of a group whose resource stands in two parts, as merging makes them. */
static void append_group_fields(struct buf *resource_logs, struct buf *scope_logs)
{
    struct error err;
    struct buf part;
    buf_init(&part, BIG);
    uint8_t bytes[64];
    uint8_t *at = pb_put_bytes(bytes, RESOURCE_LOGS_SCHEMA_URL, SLICE("u"));
    assert_int_equal(buf_append(resource_logs, bytes, (size_t)(at - bytes), &err), ST_OK);
    assert_int_equal(
        pb_append_text(&part, RESOURCE_ATTRIBUTES, SLICE("host.name"), SLICE("h"), &err), ST_OK);
    at = pb_put_bytes(bytes, RESOURCE_LOGS_RESOURCE, buf_slice(&part));
    at = pb_put_bytes(at, RESOURCE_LOGS_RESOURCE, SLICE("\x10\x02"));
    assert_int_equal(buf_append(resource_logs, bytes, (size_t)(at - bytes), &err), ST_OK);
    buf_clear(&part);
    assert_int_equal(pb_append_bool(&part, RESOURCE_ATTRIBUTES, SLICE("b"), false, &err), ST_OK);
    at = pb_put_bytes(bytes, RESOURCE_LOGS_RESOURCE, buf_slice(&part));
    assert_int_equal(buf_append(resource_logs, bytes, (size_t)(at - bytes), &err), ST_OK);
    at = pb_put_bytes(bytes, SCOPE_LOGS_SCOPE, SLICE("\x0a\x01n\x12\x01v\x20\x03"));
    at = pb_put_bytes(at, SCOPE_LOGS_SCHEMA_URL, SLICE("w"));
    assert_int_equal(buf_append(scope_logs, bytes, (size_t)(at - bytes), &err), ST_OK);
    buf_fini(&part);
}

static size_t put_full_record(uint8_t *bytes)
{
    uint8_t *at = pb_put_fixed64(bytes, RECORD_TIME_UNIX_NANO, 1234567890123456789);
    at = pb_put_uint(at, RECORD_SEVERITY_NUMBER, 9);
    at = pb_put_bytes(at, RECORD_SEVERITY_TEXT, SLICE("INFO"));
    at = pb_put_bytes(at, RECORD_BODY, SLICE("\x3a\x02\xff\xfe"));
    at = pb_put_uint(at, RECORD_DROPPED_ATTRIBUTES_COUNT, 5);
    at = pb_put_fixed32(at, RECORD_FLAGS, 257);
    at = pb_put_bytes(at, RECORD_TRACE_ID, SLICE("\x01\x23\xab\xff 12 bytes .."));
    at = pb_put_bytes(at, RECORD_SPAN_ID, SLICE("\x9a\x10 bytes"));
    at = pb_put_fixed64(at, RECORD_OBSERVED_TIME_UNIX_NANO, UINT64_MAX);
    at = pb_put_bytes(at, RECORD_EVENT_NAME, SLICE("tool.call"));
    return (size_t)(at - bytes);
}

static void test_a_line_holds_every_field_in_its_json_form(void **state)
{
    (void)state;
    struct error err;
    struct buf line, resource_logs, scope_logs, extra;
    buf_init(&line, BIG);
    buf_init(&resource_logs, BIG);
    buf_init(&scope_logs, BIG);
    buf_init(&extra, BIG);
    append_group_fields(&resource_logs, &scope_logs);
    const struct record_group group = {.resource_logs_fields = buf_slice(&resource_logs),
                                       .scope_logs_fields = buf_slice(&scope_logs)};
    uint8_t record[256];
    size_t record_size = put_full_record(record);
    assert_int_equal(pb_append_double(&extra, RECORD_ATTRIBUTES, SLICE("d"), 3, &err), ST_OK);
    assert_int_equal(pb_append_int(&extra, RECORD_ATTRIBUTES, SLICE("i"), -1, &err), ST_OK);
    assert_int_equal(encode_otlp_json_line(&group, slice_of(record, record_size), buf_slice(&extra),
                                           &line, &err),
                     ST_OK);
    struct slice expected =
        SLICE("{\"resourceLogs\":[{\"resource\":{\"droppedAttributesCount\":2,\"attributes\":["
              "{\"key\":\"host.name\",\"value\":{\"stringValue\":\"h\"}},"
              "{\"key\":\"b\",\"value\":{\"boolValue\":false}}]},\"schemaUrl\":\"u\","
              "\"scopeLogs\":[{\"scope\":{\"name\":\"n\",\"version\":\"v\","
              "\"droppedAttributesCount\":3,\"attributes\":[]},\"schemaUrl\":\"w\","
              "\"logRecords\":[{\"timeUnixNano\":\"1234567890123456789\","
              "\"observedTimeUnixNano\":\"18446744073709551615\",\"severityNumber\":9,"
              "\"severityText\":\"INFO\",\"eventName\":\"tool.call\","
              "\"body\":{\"bytesValue\":\"//4=\"},\"droppedAttributesCount\":5,\"flags\":257,"
              "\"traceId\":\"0123abff203132206279746573202e2e\",\"spanId\":\"9a10206279746573\","
              "\"attributes\":["
              "{\"key\":\"d\",\"value\":{\"doubleValue\":3.0}},"
              "{\"key\":\"i\",\"value\":{\"intValue\":\"-1\"}}]}]}]}]}\n");
    assert_int_equal(line.size, expected.size);
    assert_memory_equal(line.data, expected.data, expected.size);
    buf_fini(&line);
    buf_fini(&resource_logs);
    buf_fini(&scope_logs);
    buf_fini(&extra);
}

static void test_a_negative_severity_stays_negative(void **state)
{
    (void)state;
    struct error err;
    struct buf line;
    buf_init(&line, BIG);
    const struct record_group group = {.request_fields = SLICE_EMPTY};
    struct slice record = SLICE("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    assert_int_equal(encode_otlp_json_line(&group, record, SLICE_EMPTY, &line, &err), ST_OK);
    cJSON *json = parse_line(&line);
    oracle_record *oracle = oracle_read_record(record);
    oracle_scope_logs scope_logs = OPENTELEMETRY__PROTO__LOGS__V1__SCOPE_LOGS__INIT;
    oracle_resource_logs resource_logs = OPENTELEMETRY__PROTO__LOGS__V1__RESOURCE_LOGS__INIT;
    assert_int_equal((int32_t)oracle->severity_number, -1);
    assert_true(oracle_same_json(json, &resource_logs, &scope_logs, oracle));
    oracle_free(oracle);
    cJSON_Delete(json);
    buf_fini(&line);
}

static void test_broken_or_too_deep_records_leave_the_buffer_alone(void **state)
{
    (void)state;
    struct error err;
    struct buf line;
    buf_init(&line, BIG);
    const struct record_group group = {.request_fields = SLICE_EMPTY};
    const struct record_group broken = {.resource_logs_fields = SLICE("\x0a\x05\x0a")};
    assert_int_equal(buf_append(&line, "before", 6, &err), ST_OK);
    assert_int_equal(encode_otlp_json_line(&group, SLICE("\x0a"), SLICE_EMPTY, &line, &err),
                     ST_CORRUPT);
    assert_int_equal(
        encode_otlp_json_line(&group, SLICE("\x32\x02\x0a\x09"), SLICE_EMPTY, &line, &err),
        ST_CORRUPT);
    assert_int_equal(encode_otlp_json_line(&broken, SLICE_EMPTY, SLICE_EMPTY, &line, &err),
                     ST_CORRUPT);
    uint8_t deep[4000];
    size_t at = sizeof(deep);
    for (size_t inner = 0; inner < 1000; inner = sizeof(deep) - at) {
        uint8_t header[16];
        uint8_t *end = pb_put_header(header, ANY_ARRAY, 1 + pb_varint_size(inner) + inner);
        end = pb_put_header(end, 1, inner);
        at -= (size_t)(end - header);
        memcpy(deep + at, header, (size_t)(end - header));
    }
    struct buf record;
    buf_init(&record, BIG);
    assert_int_equal(pb_append_any(&record, RECORD_ATTRIBUTES, SLICE("deep"),
                                   slice_of(deep + at, sizeof(deep) - at), &err),
                     ST_OK);
    assert_int_equal(encode_otlp_json_line(&group, buf_slice(&record), SLICE_EMPTY, &line, &err),
                     ST_CORRUPT);
    assert_int_equal(line.size, 6);
    assert_memory_equal(line.data, "before", 6);
    buf_fini(&record);
    buf_fini(&line);
}

/* Whatever the limit is, a line is whole or not there. */
static void test_a_line_that_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    const struct record_group group = {.request_fields = SLICE_EMPTY};
    uint8_t record[256];
    size_t record_size = put_full_record(record);
    size_t limit = 0;
    enum status st;
    do {
        struct error err;
        struct buf line;
        buf_init(&line, limit++);
        st = encode_otlp_json_line(&group, slice_of(record, record_size), SLICE_EMPTY, &line, &err);
        assert_true(st == ST_OK || st == ST_LIMIT);
        assert_true((st == ST_OK) == (line.size > 0));
        buf_fini(&line);
    } while (st != ST_OK);
    assert_true(limit > 300);
}

/* --- Texts and plain values ----------------------------------------------------------------------
 */

static void assert_text(struct slice text, const char *expected)
{
    struct error err;
    struct buf out;
    buf_init(&out, BIG);
    assert_int_equal(json_append_text(&out, text, &err), ST_OK);
    assert_int_equal(buf_append(&out, "", 1, &err), ST_OK);
    assert_string_equal((const char *)out.data, expected);
    buf_fini(&out);
}

static void test_texts_are_escaped_where_json_asks_for_it(void **state)
{
    (void)state;
    assert_text(SLICE_EMPTY, "\"\"");
    assert_text(SLICE("plain text of some length /"), "\"plain text of some length /\"");
    assert_text(SLICE("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    assert_text(SLICE("a\0b\x1f\x7f"), "\"a\\u0000b\\u001f\\u007f\"");
    assert_text(SLICE("gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80"),
                "\"gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80\"");
    assert_text(SLICE("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
                "\"\xe2\x80\xa7\\u2028\\u2029\\u202a\"");
}

/* What query prints as JSON stands on a terminal too. */
static void test_texts_that_act_on_a_terminal_are_escaped(void **state)
{
    (void)state;
    assert_text(SLICE("\x1b[2J\xc2\x9b"
                      "31m\xc2\x80\xc2\xa0"),
                "\"\\u001b[2J\\u009b31m\\u0080\xc2\xa0\"");
    assert_text(SLICE("\xe2\x80\xae"
                      "evil\xe2\x81\xa6\xef\xbb\xbf"),
                "\"\\u202eevil\\u2066\\ufeff\"");
    assert_text(SLICE("\xf3\xa0\x81\x81\xf0\x9f\x98\x80"), "\"\\udb40\\udc41\xf0\x9f\x98\x80\"");
}

#define BAD "\xef\xbf\xbd"

static void test_bytes_that_are_no_utf8_become_replacement_characters(void **state)
{
    (void)state;
    assert_text(SLICE("\x80"), "\"" BAD "\"");
    assert_text(SLICE("a\xffz"), "\"a" BAD "z\"");
    assert_text(SLICE("\xc0\xaf"), "\"" BAD BAD "\"");                 /* overlong */
    assert_text(SLICE("\xe0\x80\xaf"), "\"" BAD BAD BAD "\"");         /* overlong */
    assert_text(SLICE("\xed\xa0\x80"), "\"" BAD BAD BAD "\"");         /* a surrogate */
    assert_text(SLICE("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\""); /* above U+10FFFF */
    assert_text(SLICE("\xf0\x8f\x80\x80"), "\"" BAD BAD BAD BAD "\""); /* overlong */
    assert_text(SLICE("\xe4\xb8"), "\"" BAD BAD "\"");                 /* cut */
    assert_text(SLICE("\xe4\"\xb8"), "\"" BAD "\\\"" BAD "\"");
    assert_text(SLICE("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\"");
}

/* The scan takes eight bytes at a time: every byte at every place among plain ones. */
static void test_a_byte_is_treated_the_same_wherever_it_stands(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        struct error err;
        struct buf alone;
        buf_init(&alone, BIG);
        assert_int_equal(json_append_text(&alone, slice_of(&one, 1), &err), ST_OK);
        for (size_t place = 0; place < 20; place++) {
            uint8_t text[20];
            memset(text, '!', sizeof(text));
            text[place] = one;
            struct buf out;
            buf_init(&out, BIG);
            assert_int_equal(json_append_text(&out, slice_of(text, sizeof(text)), &err), ST_OK);
            assert_int_equal(out.size, alone.size + 19);
            assert_memory_equal(out.data + 1 + place, alone.data + 1, alone.size - 2);
            assert_int_equal(out.data[out.size - 2],
                             place == 19 ? alone.data[alone.size - 2] : '!');
            buf_fini(&out);
        }
        buf_fini(&alone);
    }
}

static void assert_plain(struct slice any_value, const char *expected)
{
    struct error err;
    struct any_view any;
    struct buf out;
    buf_init(&out, BIG);
    assert_int_equal(otlp_read_any(any_value, &any, &err), ST_OK);
    assert_int_equal(json_append_plain(&out, &any, &err), ST_OK);
    assert_int_equal(buf_append(&out, "", 1, &err), ST_OK);
    assert_string_equal((const char *)out.data, expected);
    buf_fini(&out);
}

static void assert_plain_double(double value, const char *expected)
{
    uint8_t any[16];
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint8_t *end = pb_put_fixed64(any, ANY_DOUBLE, bits);
    assert_plain(slice_of(any, (size_t)(end - any)), expected);
}

static void test_plain_values(void **state)
{
    (void)state;
    assert_plain(SLICE_EMPTY, "null");
    assert_plain(SLICE("\x0a\x02hi"), "\"hi\"");
    assert_plain(SLICE("\x10\x01"), "true");
    assert_plain(SLICE("\x10\x00"), "false");
    assert_plain(SLICE("\x18\x05"), "5");
    assert_plain(SLICE("\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), "-9223372036854775808");
    assert_plain(SLICE("\x3a\x00"), "\"\"");
    assert_plain(SLICE("\x3a\x01M"), "\"TQ==\"");
    assert_plain(SLICE("\x3a\x02Ma"), "\"TWE=\"");
    assert_plain(SLICE("\x3a\x03Man"), "\"TWFu\"");
    assert_plain(SLICE("\x2a\x06\x0a\x02\x18\x01\x0a\x00"), "[1,null]");
    assert_plain(SLICE("\x32\x0b\x0a\x07\x0a\x01k\x12\x02\x2a\x00\x0a\x00"),
                 "{\"k\":[],\"\":null}");
}

static void test_doubles_always_show_that_they_are_doubles(void **state)
{
    (void)state;
    assert_plain_double(0, "0.0");
    assert_plain_double(-0.0, "-0.0");
    assert_plain_double(-17, "-17.0");
    assert_plain_double(0.1, "0.1");
    assert_plain_double(1.0 / 3, "0.3333333333333333");
    assert_plain_double(1e15, "1e+15");
    assert_plain_double(123456789012345678.0, "1.2345678901234568e+17");
    assert_plain_double(999999999999999, "999999999999999.0");
    assert_plain_double(5e-324, "4.94065645841247e-324");
    assert_plain_double(__builtin_nan(""), "\"NaN\"");
    assert_plain_double(__builtin_inf(), "\"Infinity\"");
    assert_plain_double(-__builtin_inf(), "\"-Infinity\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_requests_are_encoded_as_they_came),
        cmocka_unit_test(test_random_requests_are_encoded_as_they_came),
        cmocka_unit_test(test_records_of_a_group_stand_together_in_batch_order),
        cmocka_unit_test(test_many_groups_keep_their_sizes_apart),
        cmocka_unit_test(test_a_request_over_the_limit_changes_nothing),
        cmocka_unit_test(test_recorded_requests_say_the_same_in_json),
        cmocka_unit_test(test_random_requests_say_the_same_in_json),
        cmocka_unit_test(test_a_line_holds_every_field_in_its_json_form),
        cmocka_unit_test(test_a_negative_severity_stays_negative),
        cmocka_unit_test(test_broken_or_too_deep_records_leave_the_buffer_alone),
        cmocka_unit_test(test_a_line_that_does_not_fit_is_not_begun),
        cmocka_unit_test(test_texts_that_act_on_a_terminal_are_escaped),
        cmocka_unit_test(test_texts_are_escaped_where_json_asks_for_it),
        cmocka_unit_test(test_bytes_that_are_no_utf8_become_replacement_characters),
        cmocka_unit_test(test_a_byte_is_treated_the_same_wherever_it_stands),
        cmocka_unit_test(test_plain_values),
        cmocka_unit_test(test_doubles_always_show_that_they_are_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
