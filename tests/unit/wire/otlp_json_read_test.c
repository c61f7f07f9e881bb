/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_read_test.c -- OTLP JSON to protobuf, against cJSON and protobuf-c, and what is not
 * accepted.
 *
 * Every text is read from a heap block of exactly its size, so that the address sanitizer sees
 * a byte read too much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/collected.h"
#include "support/otlp_json_oracle.h"
#include "support/random_otlp.h"
#include "support/recorded.h"
#include "telltale/encode.h"
#include "wire/otlp_json.h"

enum { BIG = 1 << 27 };

static enum status read_exactly(struct slice json, struct buf *out, struct error *err)
{
    uint8_t *copy = malloc(json.size > 0 ? json.size : 1);
    assert_non_null(copy);
    if (json.size > 0)
        memcpy(copy, json.data, json.size);
    enum status st =
        otlp_json_read_request(slice_of(copy, json.size), &otlp_limits_default, out, err);
    free(copy);
    return st;
}

static void append(struct buf *out, const char *text)
{
    struct error err;
    assert_int_equal(buf_append(out, text, strlen(text), &err), ST_OK);
}

static void append_times(struct buf *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append(out, text);
}

static void pack(const oracle_request *request, struct buf *out)
{
    struct error err;
    size_t size = protobuf_c_message_get_packed_size(&request->base);
    assert_int_equal(buf_reserve(out, size, &err), ST_OK);
    out->size += protobuf_c_message_pack(&request->base, out->data + out->size);
}

/* Our bytes, in protobuf-c's order of fields; and they are not longer than protobuf-c's. */
static void pack_ours(struct slice ours, struct buf *out)
{
    oracle_request *request = oracle_read_request(ours);
    assert_non_null(request);
    pack(request, out);
    oracle_free(request);
    assert_int_equal(out->size, ours.size);
}

/* --- What agents send ---------------------------------------------------------------------- */

static const char *const recorded_json[] = {
    "codex-0.169.0/http-json/exfil/logs/001.json",
    "codex-0.169.0/http-json/approvals-appserver/logs/001.json",
    "codex-0.169.0/http-json/approvals-appserver/logs/002.json",
    "codex-0.169.0/http-json/netproxy/logs/002.json",
    "gemini-cli-0.61.0/http-json/refactor/logs/001.json",
    "qwen-code-0.15.10/http-json/mcpfail/logs/001.json",
    "qwen-code-0.15.10/http-json/refactor/logs/001.json",
    "opencode-1.18.33/http-json/refactor/logs/001.json",
    "opencode-1.18.33/http-json/refactor/logs/002.json",
    "opencode-1.18.33/http-json/refactor/logs/003.json",
    "opencode-1.18.33/http-json/refactor/logs/004.json",
};

static void test_recorded_requests_are_what_cjson_and_protobuf_c_make_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(recorded_json); i++) {
        struct buf json, ours, packed, expected;
        struct error err;
        buf_init(&json, BIG);
        buf_init(&ours, BIG);
        buf_init(&packed, BIG);
        buf_init(&expected, BIG);
        recorded_read(recorded_json[i], &json);
        if (read_exactly(buf_slice(&json), &ours, &err) != ST_OK)
            fail_msg("%s: %s", recorded_json[i], err.text);
        oracle_request *request = oracle_request_of_json(buf_slice(&json));
        assert_true(request->n_resource_logs > 0);
        pack(request, &expected);
        pack_ours(buf_slice(&ours), &packed);
        assert_int_equal(packed.size, expected.size);
        assert_memory_equal(packed.data, expected.data, expected.size);
        oracle_free(request);
        buf_fini(&expected);
        buf_fini(&packed);
        buf_fini(&ours);
        buf_fini(&json);
    }
}

/* Writer and reader are two programs by two tables: what one says the other understands. */
static void check_record_survives_json(const struct batch *batch, size_t index)
{
    struct error err;
    struct buf line, ours, expected, packed;
    const struct record *record = &batch->records[index];
    const struct record_group *group = &batch->groups[record->group_index];
    struct batch alone = *batch;
    alone.records = record;
    alone.record_count = 1;

    buf_init(&line, BIG);
    buf_init(&ours, BIG);
    buf_init(&expected, BIG);
    buf_init(&packed, BIG);
    assert_int_equal(encode_otlp_json_line(group, record->bytes, SLICE_EMPTY, &line, &err), ST_OK);
    if (read_exactly(buf_slice(&line), &ours, &err) != ST_OK)
        fail_msg("%s in %.*s", err.text, SLICE_ARG(buf_slice(&line)));
    struct buf request;
    buf_init(&request, BIG);
    assert_int_equal(encode_otlp_request(&alone, &request, &err), ST_OK);
    oracle_request *theirs = oracle_read_request(buf_slice(&request));
    oracle_request *mine = oracle_read_request(buf_slice(&ours));
    assert_non_null(theirs);
    assert_non_null(mine);
    oracle_flatten(theirs, &expected);
    oracle_flatten(mine, &packed);
    assert_int_equal(packed.size, expected.size);
    assert_memory_equal(packed.data, expected.data, expected.size);
    oracle_free(theirs);
    oracle_free(mine);
    buf_fini(&request);
    buf_fini(&line);
    buf_fini(&ours);
    buf_fini(&expected);
    buf_fini(&packed);
}

static void test_recorded_requests_survive_the_way_through_json(void **state)
{
    (void)state;
    for (size_t i = 0; recorded_log_requests[i] != NULL; i++) {
        struct buf request;
        struct error err;
        struct collected collected;
        buf_init(&request, BIG);
        recorded_read(recorded_log_requests[i], &request);
        assert_int_equal(collected_read(&collected, buf_slice(&request), &err), ST_OK);
        struct batch batch = collected_batch(&collected);
        assert_true(batch.record_count > 0);
        for (size_t j = 0; j < batch.record_count; j++)
            check_record_survives_json(&batch, j);
        collected_fini(&collected);
        buf_fini(&request);
    }
}

/* --- One record, field by field -------------------------------------------------------------- */

static void wrap_record(const char *record, struct buf *json)
{
    append(json, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[");
    append(json, record);
    append(json, "]}]}]}");
}

/* The only record of the only scope that `record` is read as.  Free with oracle_free(). */
static oracle_request *read_record(const char *record, const oracle_record **ret)
{
    struct buf json, ours;
    struct error err;
    buf_init(&json, BIG);
    buf_init(&ours, BIG);
    wrap_record(record, &json);
    if (read_exactly(buf_slice(&json), &ours, &err) != ST_OK)
        fail_msg("%s: %s", record, err.text);
    oracle_request *request = oracle_read_request(buf_slice(&ours));
    assert_non_null(request);
    assert_int_equal(request->n_resource_logs, 1);
    assert_int_equal(request->resource_logs[0]->n_scope_logs, 1);
    assert_int_equal(request->resource_logs[0]->scope_logs[0]->n_log_records, 1);
    *ret = request->resource_logs[0]->scope_logs[0]->log_records[0];
    buf_fini(&json);
    buf_fini(&ours);
    return request;
}

static void test_every_field_of_a_record_arrives(void **state)
{
    (void)state;
    static const uint8_t trace_id[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                         0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    const oracle_record *record;
    oracle_request *request = read_record(
        "{\"eventName\":\"e\",\"spanId\":\"00ff00FF00ff00Ff\","
        "\"traceId\":\"0123456789ABCDEFfedcba9876543210\",\"flags\":257,"
        "\"droppedAttributesCount\":\"7\",\"attributes\":[{\"value\":{\"boolValue\":false},"
        "\"key\":\"k\"}],\"body\":{\"stringValue\":\"\"},\"severityText\":\"warn\","
        "\"severityNumber\":13,\"observedTimeUnixNano\":1700000000000000000,"
        "\"timeUnixNano\":\"18446744073709551615\"}",
        &record);
    assert_true(record->time_unix_nano == UINT64_MAX);
    assert_int_equal(record->observed_time_unix_nano, 1700000000000000000);
    assert_int_equal(record->severity_number, 13);
    assert_string_equal(record->severity_text, "warn");
    assert_int_equal(record->body->value_case, 1);
    assert_string_equal(record->body->string_value, "");
    assert_int_equal(record->n_attributes, 1);
    assert_string_equal(record->attributes[0]->key, "k");
    assert_int_equal(record->attributes[0]->value->value_case, 2);
    assert_int_equal(record->dropped_attributes_count, 7);
    assert_int_equal(record->flags, 257);
    assert_int_equal(record->trace_id.len, 16);
    assert_memory_equal(record->trace_id.data, trace_id, 16);
    assert_int_equal(record->span_id.len, 8);
    assert_string_equal(record->event_name, "e");
    oracle_free(request);
}

static void test_null_and_empty_ids_are_absent_fields(void **state)
{
    (void)state;
    const oracle_record *record;
    oracle_request *request = read_record(
        "{\"traceId\":\"\",\"spanId\":null,\"body\":null,\"attributes\":null,\"eventName\":null,"
        "\"severityNumber\":null,\"timeUnixNano\":null,\"unheard\":{\"of\":[null,{}]}}",
        &record);
    assert_int_equal(record->trace_id.len, 0);
    assert_int_equal(record->span_id.len, 0);
    assert_null(record->body);
    assert_int_equal(record->n_attributes, 0);
    oracle_free(request);
}

static void test_empty_object_is_a_value_with_nothing_set(void **state)
{
    (void)state;
    const oracle_record *record;
    oracle_request *request = read_record(
        "{\"body\":{},\"attributes\":[{\"key\":\"a\",\"value\":{}},{\"key\":\"b\",\"value\":null},"
        "{\"key\":\"c\",\"value\":{\"stringValue\":null}}]}",
        &record);
    assert_non_null(record->body);
    assert_int_equal(record->body->value_case, 0);
    assert_int_equal(record->n_attributes, 3);
    assert_non_null(record->attributes[0]->value);
    assert_int_equal(record->attributes[0]->value->value_case, 0);
    assert_null(record->attributes[1]->value);
    assert_int_equal(record->attributes[2]->value->value_case, 0);
    oracle_free(request);
}

static void test_integers_come_as_numbers_and_as_text(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int64_t value;
    } good[] = {
        {"5", 5},
        {"\"5\"", 5},
        {"-5", -5},
        {"\"-5\"", -5},
        {"0", 0},
        {"-0", 0},
        {"5.0", 5},
        {"1e3", 1000},
        {"1.25E2", 125},
        {"5000e-3", 5},
        {"1.7e18", 1700000000000000000},
        {"9223372036854775807", INT64_MAX},
        {"\"-9223372036854775808\"", INT64_MIN},
        {"9007199254740993", 9007199254740993},
        {"9007199254740993.0", 9007199254740993},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char text[256];
        const oracle_record *record;
        (void)snprintf(text, sizeof(text), "{\"body\":{\"intValue\":%s}}", good[i].json);
        oracle_request *request = read_record(text, &record);
        assert_int_equal(record->body->value_case, 3);
        assert_int_equal(record->body->int_value, good[i].value);
        oracle_free(request);
    }
}

static void test_doubles_come_as_numbers_and_as_text(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        double value;
    } good[] = {
        {"0.1", 0.1},
        {"\"0.1\"", 0.1},
        {"5", 5},
        {"1E2", 100},
        {"\"-0.0\"", -0.0},
        {"-0", -0.0},
        {"1e-400", 0},
        {"\"Infinity\"", __builtin_inf()},
        {"4.9e-324", 4.9e-324},
        {"\"-Infinity\"", -__builtin_inf()},
    };
    const oracle_record *record;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "{\"body\":{\"doubleValue\":%s}}", good[i].json);
        oracle_request *request = read_record(text, &record);
        assert_int_equal(record->body->value_case, 4);
        assert_memory_equal(&record->body->double_value, &good[i].value, sizeof(double));
        oracle_free(request);
    }
    oracle_request *request = read_record("{\"body\":{\"doubleValue\":\"NaN\"}}", &record);
    assert_true(record->body->double_value != record->body->double_value);
    oracle_free(request);
}

static void test_bytes_come_in_both_alphabets_of_base64(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        struct slice value;
    } good[] = {
        {"", {NULL, 0}},
        {"AA==", {(const uint8_t *)"\0", 1}},
        {"AA", {(const uint8_t *)"\0", 1}},
        {"+/8=", {(const uint8_t *)"\xfb\xff", 2}},
        {"-_8", {(const uint8_t *)"\xfb\xff", 2}},
        {"+\\/8=", {(const uint8_t *)"\xfb\xff", 2}},
        {"YWJj", {(const uint8_t *)"abc", 3}},
        {"YWJjZGVmZ2hpamtsbW5vcA==", {(const uint8_t *)"abcdefghijklmnop", 16}},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char text[256];
        const oracle_record *record;
        (void)snprintf(text, sizeof(text), "{\"body\":{\"bytesValue\":\"%s\"}}", good[i].json);
        oracle_request *request = read_record(text, &record);
        assert_int_equal(record->body->value_case, 7);
        assert_true(
            slice_equal(slice_of(record->body->bytes_value.data, record->body->bytes_value.len),
                        good[i].value));
        oracle_free(request);
    }
}

static void test_last_of_several_values_is_the_value(void **state)
{
    (void)state;
    const oracle_record *record;
    oracle_request *request = read_record(
        "{\"body\":{\"arrayValue\":{\"values\":[{}]},\"bytesValue\":\"AA==\",\"stringValue\":\"a\"}"
        ","
        "\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"a\",\"intValue\":null,"
        "\"kvlistValue\":{\"values\":[{\"key\":\"x\"}]}}}]}",
        &record);
    assert_int_equal(record->body->value_case, 1);
    assert_string_equal(record->body->string_value, "a");
    assert_int_equal(record->attributes[0]->value->value_case, 6);
    assert_int_equal(record->attributes[0]->value->kvlist_value->n_values, 1);
    oracle_free(request);
}

static void test_values_nest(void **state)
{
    (void)state;
    const oracle_record *record;
    oracle_request *request = read_record(
        "{\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"arrayValue\":"
        "{\"values\":[{\"intValue\":1},null,{\"arrayValue\":{}}]}}}]}}}",
        &record);
    assert_int_equal(record->body->value_case, 6);
    assert_int_equal(record->body->kvlist_value->n_values, 1);
    const oracle_any *array = record->body->kvlist_value->values[0]->value;
    assert_int_equal(array->value_case, 5);
    assert_int_equal(array->array_value->n_values, 3);
    assert_int_equal(array->array_value->values[0]->int_value, 1);
    assert_int_equal(array->array_value->values[1]->value_case, 0);
    assert_int_equal(array->array_value->values[2]->array_value->n_values, 0);
    oracle_free(request);
}

/* --- What is refused ---------------------------------------------------------------------------
 */

static void assert_refused(struct slice json, enum status status, const char *message)
{
    struct buf out;
    struct error err = {.text = ""};
    buf_init(&out, BIG);
    append(&out, "before");
    enum status st = read_exactly(json, &out, &err);
    if (st != status || strstr(err.text, message) == NULL)
        fail_msg("%.*s: status %d, '%s'", SLICE_ARG(json), (int)st, err.text);
    assert_int_equal(out.size, strlen("before"));
    assert_memory_equal(out.data, "before", strlen("before"));
    buf_fini(&out);
}

static void test_wrong_fields_are_refused_with_their_place(void **state)
{
    (void)state;
    static const char record[] = "resourceLogs[0].scopeLogs[0].logRecords[0]";
    static const struct {
        const char *json;
        const char *where;
        const char *what;
    } bad[] = {
        {"{\"traceId\":\"0123\"}", ".traceId: ", "32 hex digits"},
        {"{\"traceId\":\"0123456789abcdef0123456789abcdeg\"}", ".traceId: ", "hex digits"},
        {"{\"spanId\":\"0123456789abcdef0123456789abcdef\"}", ".spanId: ", "16 hex digits"},
        {"{\"spanId\":5}", ".spanId: ", "must be a string"},
        {"{\"severityNumber\":\"SEVERITY_NUMBER_INFO\"}", ".severityNumber: ", "not its name"},
        {"{\"severityNumber\":\"9\"}", ".severityNumber: ", "not its name"},
        {"{\"severityNumber\":3000000000}", ".severityNumber: ", "out of range"},
        {"{\"severityText\":9}", ".severityText: ", "must be a string"},
        {"{\"timeUnixNano\":-1}", ".timeUnixNano: ", "out of range"},
        {"{\"timeUnixNano\":\"18446744073709551616\"}", ".timeUnixNano: ", "whole number"},
        {"{\"timeUnixNano\":\"\"}", ".timeUnixNano: ", "whole number"},
        {"{\"timeUnixNano\":\" 1\"}", ".timeUnixNano: ", "whole number"},
        {"{\"timeUnixNano\":\"1 \"}", ".timeUnixNano: ", "whole number"},
        {"{\"timeUnixNano\":true}", ".timeUnixNano: ", "not a value"},
        {"{\"flags\":4294967296}", ".flags: ", "out of range"},
        {"{\"droppedAttributesCount\":-1}", ".droppedAttributesCount: ", "out of range"},
        {"{\"body\":\"text\"}", ".body: ", "must be an object"},
        {"{\"body\":{\"intValue\":1.5}}", ".body.intValue: ", "whole number"},
        {"{\"body\":{\"intValue\":9223372036854775808}}", ".body.intValue: ", "out of range"},
        {"{\"body\":{\"intValue\":-9223372036854775809}}", ".body.intValue: ", "out of range"},
        {"{\"body\":{\"intValue\":1e19}}", ".body.intValue: ", "out of range"},
        {"{\"body\":{\"intValue\":{}}}", ".body.intValue: ", "not a value"},
        {"{\"body\":{\"doubleValue\":\"nan\"}}", ".body.doubleValue: ", "must be a number"},
        {"{\"body\":{\"doubleValue\":1e400}}", ".body.doubleValue: ", "range of doubles"},
        {"{\"body\":{\"boolValue\":\"true\"}}", ".body.boolValue: ", "true or false"},
        {"{\"body\":{\"boolValue\":1}}", ".body.boolValue: ", "true or false"},
        {"{\"body\":{\"bytesValue\":\"A\"}}", ".body.bytesValue: ", "base64"},
        {"{\"body\":{\"bytesValue\":\"A*==\"}}", ".body.bytesValue: ", "base64"},
        {"{\"body\":{\"bytesValue\":\"AA==AA\"}}", ".body.bytesValue: ", "base64"},
        {"{\"attributes\":{}}", ".attributes[0]: ", "must be an array"},
        {"{\"attributes\":[{},null]}", ".attributes[1]: ", "must not be null"},
        {"{\"attributes\":[{\"key\":\"a\"},{\"key\":1}]}", ".attributes[1].key: ", "a string"},
        {"{\"attributes\":[{\"key\":\"\\ud800\"}]}", ".attributes[0].key: ", "not an escape"},
        {"{\"body\":{},\"body\":{\"doubleValue\":1}}", "", "a key stands twice"},
        {"{\"body\":{\"intValue\":1,\"\\u0069ntValue\":2}}", ".body: ", "a key stands twice"},
        {"{\"x\":[1,2}", "", "',' or ']' must follow"},
        {"{\"x\":nul}", "", "not a value"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct buf json;
        char where[256];
        buf_init(&json, BIG);
        wrap_record(bad[i].json, &json);
        (void)snprintf(where, sizeof(where), "%s%s", record, bad[i].where);
        assert_refused(buf_slice(&json), ST_INVALID, where);
        assert_refused(buf_slice(&json), ST_INVALID, bad[i].what);
        buf_fini(&json);
    }
}

static void test_failure_says_the_byte(void **state)
{
    (void)state;
    assert_refused(SLICE(""), ST_INVALID, "byte 0: must be an object");
    assert_refused(SLICE("[]"), ST_INVALID, "byte 0: must be an object");
    assert_refused(SLICE("{} x"), ST_INVALID, "byte 3: nothing may follow");
    assert_refused(SLICE("{\"resourceLogs\":[null]}"), ST_INVALID,
                   "byte 17: resourceLogs[0]: must not be null");
    assert_refused(SLICE("{\"a\":\"\x80\"}"), ST_INVALID, "byte 6: not UTF-8");
}

static void test_request_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "codex-0.169.0/http-json/approvals-appserver/logs/002.json",
        "opencode-1.18.33/http-json/refactor/logs/002.json",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf json;
        buf_init(&json, BIG);
        recorded_read(names[i], &json);
        while (json.data[json.size - 1] != '}')
            json.size--;
        for (size_t size = 0; size < json.size; size++)
            assert_refused(slice_of(json.data, size), ST_INVALID, "byte ");
        buf_fini(&json);
    }
}

/* `depth` values, each in the one before, by arrays or by lists of keys and values. */
static void append_nested(struct buf *json, size_t depth, bool by_lists, const char *innermost)
{
    append(json, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":");
    for (size_t i = 1; i < depth; i++)
        append(json, by_lists ? "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":"
                              : "{\"arrayValue\":{\"values\":[");
    append(json, innermost);
    append_times(json, by_lists ? "}]}}" : "]}}", depth - 1);
    append(json, "}]}]}]}");
}

/* The one record of the request: whether it may be read. */
static enum status read_only_record(struct slice json, struct error *err)
{
    struct collected collected;
    struct record_view view;
    struct attribute_view attributes[1];
    struct buf ours;

    buf_init(&ours, BIG);
    assert_int_equal(read_exactly(json, &ours, err), ST_OK);
    assert_int_equal(collected_read(&collected, buf_slice(&ours), err), ST_OK);
    assert_int_equal(collected.record_count, 1);
    enum status st = otlp_read_record(collected.records[0].bytes, &otlp_limits_default, attributes,
                                      COUNT_OF(attributes), &view, err);
    collected_fini(&collected);
    buf_fini(&ours);
    return st;
}

static void test_nesting_up_to_the_limit_is_read_and_no_further(void **state)
{
    (void)state;
    for (int by_lists = 0; by_lists < 2; by_lists++) {
        struct buf json;
        struct error err;
        buf_init(&json, BIG);
        append_nested(&json, 64, by_lists != 0, "{\"intValue\":1}");
        assert_int_equal(read_only_record(buf_slice(&json), &err), ST_OK);
        for (size_t depth = 65; depth <= 100; depth++) {
            buf_clear(&json);
            append_nested(&json, depth, by_lists != 0, "{\"intValue\":1}");
            assert_int_equal(read_only_record(buf_slice(&json), &err), ST_LIMIT);
            assert_non_null(strstr(err.text, "nested too deep"));
        }
        buf_clear(&json);
        append_nested(&json, 10000, by_lists != 0, "{}");
        assert_refused(buf_slice(&json), ST_LIMIT, "nested too deep");
        buf_fini(&json);
    }
}

static void test_unknown_values_may_not_nest_without_end(void **state)
{
    (void)state;
    struct buf json;
    buf_init(&json, BIG);
    append(&json, "{\"x\":");
    append_times(&json, "[", 1000000);
    assert_refused(buf_slice(&json), ST_LIMIT, "nested too deep");
    buf_fini(&json);
}

/* The lengths around a long text in a deep nest are of every size. */
static void test_long_texts_in_deep_nests_have_the_shortest_lengths(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 100, 120, 128, 3000, 4090, 4096, 16384, 300000, 3000000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf json, text, ours, packed;
        struct error err;
        buf_init(&json, BIG);
        buf_init(&text, BIG);
        buf_init(&ours, BIG);
        buf_init(&packed, BIG);
        append(&text, "{\"stringValue\":\"");
        append_times(&text, "0123456789", sizes[i] / 10);
        assert_int_equal(buf_append(&text, "\"}", 3, &err), ST_OK);
        /* protobuf-c reads 32 values deep at most: each takes three messages. */
        append_nested(&json, 25, i % 2 != 0, (const char *)text.data);
        assert_int_equal(read_exactly(buf_slice(&json), &ours, &err), ST_OK);
        pack_ours(buf_slice(&ours), &packed);
        buf_fini(&packed);
        buf_fini(&ours);
        buf_fini(&text);
        buf_fini(&json);
    }
}

/* Several long values beside and within each other: gaps at many places. */
static void test_many_long_values_are_laid_out_as_protobuf_c_does(void **state)
{
    (void)state;
    struct buf json, ours, packed, expected;
    struct error err;
    buf_init(&json, BIG);
    buf_init(&ours, BIG);
    buf_init(&packed, BIG);
    buf_init(&expected, BIG);
    append(&json, "{\"resourceLogs\":[");
    for (size_t i = 0; i < 20; i++) {
        append(&json, i > 0 ? ",{\"scopeLogs\":[" : "{\"scopeLogs\":[");
        for (size_t j = 0; j < 5; j++) {
            append(&json, j > 0 ? ",{\"logRecords\":[{\"body\":" : "{\"logRecords\":[{\"body\":");
            append(&json, "{\"arrayValue\":{\"values\":[{\"arrayValue\":{\"values\":["
                          "{\"stringValue\":\"");
            append_times(&json, "x", i * 700 + j);
            append(&json, "\"}]}},{\"kvlistValue\":{\"values\":[{\"key\":\"");
            append_times(&json, "k", (i * 31 + j * 17) % 300);
            append(&json, "\",\"value\":{\"stringValue\":\"");
            append_times(&json, "y", 5000 - i * 200);
            append(&json, "\"}}]}}]}}}]}");
        }
        append(&json, "]}");
    }
    append(&json, "]}");
    assert_int_equal(read_exactly(buf_slice(&json), &ours, &err), ST_OK);
    pack_ours(buf_slice(&ours), &packed);
    oracle_request *request = oracle_request_of_json(buf_slice(&json));
    pack(request, &expected);
    assert_int_equal(packed.size, expected.size);
    assert_memory_equal(packed.data, expected.data, expected.size);
    oracle_free(request);
    buf_fini(&expected);
    buf_fini(&packed);
    buf_fini(&ours);
    buf_fini(&json);
}

static void test_output_over_its_limit_is_refused(void **state)
{
    (void)state;
    struct buf json, ours;
    struct error err;
    buf_init(&json, BIG);
    append(&json, "{\"resourceLogs\":[{\"schemaUrl\":\"");
    append_times(&json, "0123456789", 100);
    append(&json, "\"}]}");
    buf_init(&ours, 500);
    assert_int_equal(read_exactly(buf_slice(&json), &ours, &err), ST_LIMIT);
    assert_int_equal(ours.size, 0);
    buf_fini(&ours);
    buf_fini(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_requests_are_what_cjson_and_protobuf_c_make_of_them),
        cmocka_unit_test(test_recorded_requests_survive_the_way_through_json),
        cmocka_unit_test(test_every_field_of_a_record_arrives),
        cmocka_unit_test(test_null_and_empty_ids_are_absent_fields),
        cmocka_unit_test(test_empty_object_is_a_value_with_nothing_set),
        cmocka_unit_test(test_integers_come_as_numbers_and_as_text),
        cmocka_unit_test(test_doubles_come_as_numbers_and_as_text),
        cmocka_unit_test(test_bytes_come_in_both_alphabets_of_base64),
        cmocka_unit_test(test_last_of_several_values_is_the_value),
        cmocka_unit_test(test_values_nest),
        cmocka_unit_test(test_wrong_fields_are_refused_with_their_place),
        cmocka_unit_test(test_failure_says_the_byte),
        cmocka_unit_test(test_request_cut_at_any_byte_is_refused),
        cmocka_unit_test(test_nesting_up_to_the_limit_is_read_and_no_further),
        cmocka_unit_test(test_unknown_values_may_not_nest_without_end),
        cmocka_unit_test(test_long_texts_in_deep_nests_have_the_shortest_lengths),
        cmocka_unit_test(test_many_long_values_are_laid_out_as_protobuf_c_does),
        cmocka_unit_test(test_output_over_its_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
