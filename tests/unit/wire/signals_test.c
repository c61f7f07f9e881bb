/* SPDX-License-Identifier: Apache-2.0 */
/* signals_test.c -- requests of spans and metrics: read, checked, to JSON and back.
 *
 * The oracle is protobuf-c, for what JSON becomes; the recordings are of real agents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "support/collected.h"
#include "support/recorded.h"
#include "telltale/encode.h"
#include "wire/otlp_check.h"
#include "wire/otlp_json.h"
#include "wire/otlp_span.h"

enum { BIG = 1 << 26, ATTRIBUTES_MAX = 1024 };

static const char *const recordings[] = {
    "codex-0.169.0/grpc/approvals-appserver/traces/002.bin",
    "codex-0.169.0/http-protobuf/approvals-appserver/traces/003.bin",
    "codex-0.169.0/http-json/approvals-appserver/traces/003.json",
    "gemini-cli-0.61.0/grpc/mcpfail/traces/001.bin",
    "opencode-1.18.33/http-json/refactor/traces/002.json",
    "codex-0.169.0/http-protobuf/exfil/metrics/001.bin",
    "gemini-cli-0.61.0/grpc/exfil-yolo/metrics/001.bin",
    "gemini-cli-0.61.0/http-json/approvals-acp/metrics/001.json",
    "qwen-code-0.15.10/grpc/mcpfail/metrics/001.bin",
    "qwen-code-0.15.10/http-json/mcpfail/metrics/001.json",
};

static enum signal signal_of(const char *name)
{
    return strstr(name, "/traces/") != NULL ? SIGNAL_TRACES : SIGNAL_METRICS;
}

static void read_request(const char *name, struct buf *out)
{
    struct error err;
    struct buf file;

    buf_init(out, BIG);
    buf_init(&file, BIG);
    recorded_read(name, &file);
    if (strstr(name, ".json") != NULL)
        assert_int_equal(otlp_json_read_request(buf_slice(&file), signal_of(name),
                                                &otlp_limits_default, out, &err),
                         ST_OK);
    else
        assert_int_equal(buf_append(out, file.data, file.size, &err), ST_OK);
    buf_fini(&file);
}

/* The message as protobuf-c writes it: one form for all that say the same. */
static void normal_form(enum signal signal, struct slice request, struct buf *out)
{
    const ProtobufCMessageDescriptor *descriptor =
        signal == SIGNAL_TRACES
            ? &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor
            : &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor;
    struct error err;

    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, NULL, request.size, request.data);
    assert_non_null(message);
    assert_int_equal(buf_reserve(out, protobuf_c_message_get_packed_size(message), &err), ST_OK);
    out->size += protobuf_c_message_pack(message, out->data + out->size);
    protobuf_c_message_free_unpacked(message, NULL);
}

static void assert_same(enum signal signal, struct slice a, struct slice b)
{
    struct buf forms[2];

    buf_init(&forms[0], BIG);
    buf_init(&forms[1], BIG);
    normal_form(signal, a, &forms[0]);
    normal_form(signal, b, &forms[1]);
    assert_int_equal(forms[0].size, forms[1].size);
    assert_memory_equal(forms[0].data, forms[1].data, forms[0].size);
    buf_fini(&forms[0]);
    buf_fini(&forms[1]);
}

static void check_record(struct record_group *group, enum signal signal, struct slice record)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct batch batch = {.groups = group, .group_count = 1, .record_count = 1};
    const struct record one = {.bytes = record};
    struct span_view span;
    struct buf line, again, direct;
    struct error err;

    group->signal = signal;
    batch.records = &one;
    assert_int_equal(otlp_check_record(signal, record, &otlp_limits_default, &err), ST_OK);
    if (signal == SIGNAL_TRACES) {
        assert_int_equal(
            otlp_read_span(record, &otlp_limits_default, attributes, ATTRIBUTES_MAX, &span, &err),
            ST_OK);
        assert_int_equal(span.trace_id.size, TRACE_ID_SIZE);
    } else {
        assert_true(otlp_metric_point_count(record) > 0);
    }
    buf_init(&line, BIG);
    buf_init(&again, BIG);
    buf_init(&direct, BIG);
    assert_int_equal(encode_otlp_json_line(group, record, SLICE_EMPTY, &line, &err), ST_OK);
    assert_int_equal(
        otlp_json_read_request(buf_slice(&line), signal, &otlp_limits_default, &again, &err),
        ST_OK);
    assert_int_equal(encode_otlp_request(&batch, &direct, &err), ST_OK);
    assert_same(signal, buf_slice(&again), buf_slice(&direct));
    buf_fini(&line);
    buf_fini(&again);
    buf_fini(&direct);
}

static void test_recordings_come_back_from_json_as_they_were(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(recordings); i++) {
        struct collected collected;
        struct buf request, out;
        struct error err;
        enum signal signal = signal_of(recordings[i]);
        read_request(recordings[i], &request);
        assert_int_equal(collected_read(&collected, buf_slice(&request), &err), ST_OK);
        assert_true(collected.record_count > 0);
        for (size_t j = 0; j < collected.record_count; j++) {
            const struct record *record = &collected.records[j];
            check_record(&collected.groups[record->group_index], signal, record->bytes);
            assert_true(otlp_is_told_apart(signal, record->bytes));
        }
        struct batch batch = collected_batch(&collected);
        buf_init(&out, BIG);
        assert_int_equal(encode_otlp_request(&batch, &out, &err), ST_OK);
        assert_same(signal, buf_slice(&out), buf_slice(&request));
        buf_fini(&out);
        buf_fini(&request);
        collected_fini(&collected);
    }
}

/* Every kind of field that the mapping has, as its rules say it. */
static const char metrics_json[] =
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":["
    "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{\"asInt\":\"-5\",\"timeUnixNano\":\"7\","
    "\"exemplars\":[{\"asInt\":\"0\",\"spanId\":\"0102030405060708\",\"filteredAttributes\":["
    "{\"key\":\"k\",\"value\":{\"intValue\":3}}]}]},{\"asInt\":0},{\"asDouble\":0}]}},"
    "{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{\"count\":\"3\","
    "\"sum\":0,\"bucketCounts\":[\"1\",0,\"2\"],\"explicitBounds\":[0,2.5],\"min\":-1,"
    "\"max\":1}]}},"
    "{\"name\":\"e\",\"exponentialHistogram\":{\"dataPoints\":[{\"scale\":-3,\"positive\":"
    "{\"offset\":2147483647,\"bucketCounts\":[\"18446744073709551615\",0]},\"negative\":"
    "{\"offset\":-2147483648}}]}},"
    "{\"name\":\"s\",\"summary\":{\"dataPoints\":[{\"quantileValues\":[{\"quantile\":0.5,"
    "\"value\":\"NaN\"}]}]},\"metadata\":[{\"key\":\"m\",\"value\":{\"boolValue\":true}}]},"
    "{\"name\":\"t\",\"sum\":{\"isMonotonic\":true,\"dataPoints\":[{\"flags\":1}]}}]}]}]}";

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest metrics_request;
typedef Opentelemetry__Proto__Metrics__V1__Metric oracle_metric;

static void test_every_kind_of_number_is_read(void **state)
{
    (void)state;
    struct error err;
    struct buf out;

    buf_init(&out, BIG);
    assert_int_equal(otlp_json_read_request(SLICE(metrics_json), SIGNAL_METRICS,
                                            &otlp_limits_default, &out, &err),
                     ST_OK);
    metrics_request *request =
        opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
            NULL, out.size, out.data);
    assert_non_null(request);
    oracle_metric **metrics = request->resource_metrics[0]->scope_metrics[0]->metrics;
    assert_int_equal(request->resource_metrics[0]->scope_metrics[0]->n_metrics, 5);
    assert_int_equal(metrics[0]->gauge->n_data_points, 3);
    assert_int_equal(metrics[0]->gauge->data_points[0]->as_int, -5);
    assert_int_equal(metrics[0]->gauge->data_points[0]->time_unix_nano, 7);
    assert_int_equal(metrics[0]->gauge->data_points[0]->exemplars[0]->span_id.len, 8);
    assert_int_equal(
        metrics[0]->gauge->data_points[0]->exemplars[0]->filtered_attributes[0]->value->int_value,
        3);
    assert_int_equal(metrics[0]->gauge->data_points[1]->value_case,
                     OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_INT);
    assert_int_equal(metrics[0]->gauge->data_points[2]->value_case,
                     OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_DOUBLE);
    assert_int_equal(metrics[1]->histogram->aggregation_temporality, 2);
    assert_int_equal(metrics[1]->histogram->data_points[0]->n_bucket_counts, 3);
    assert_int_equal(metrics[1]->histogram->data_points[0]->bucket_counts[2], 2);
    assert_int_equal(metrics[1]->histogram->data_points[0]->n_explicit_bounds, 2);
    assert_int_equal(metrics[1]->histogram->data_points[0]->has_sum_case, 5);
    assert_int_equal(metrics[2]->exponential_histogram->data_points[0]->scale, -3);
    assert_true(metrics[2]->exponential_histogram->data_points[0]->positive->offset == INT32_MAX);
    assert_true(metrics[2]->exponential_histogram->data_points[0]->positive->bucket_counts[0] ==
                UINT64_MAX);
    assert_true(metrics[2]->exponential_histogram->data_points[0]->negative->offset == INT32_MIN);
    assert_true(metrics[3]->summary->data_points[0]->quantile_values[0]->value !=
                metrics[3]->summary->data_points[0]->quantile_values[0]->value);
    assert_int_equal(metrics[3]->n_metadata, 1);
    assert_true(metrics[4]->sum->is_monotonic);
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(
        request, NULL);

    struct collected collected;
    assert_int_equal(collected_read(&collected, buf_slice(&out), &err), ST_OK);
    for (size_t i = 0; i < collected.record_count; i++)
        check_record(&collected.groups[0], SIGNAL_METRICS, collected.records[i].bytes);
    collected_fini(&collected);
    buf_fini(&out);
}

static void test_what_receivers_refuse_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum signal signal;
        struct slice bytes;
    } records[] = {
        {SIGNAL_TRACES, SLICE("\x08\x01")}, /* trace id as varint */
        {SIGNAL_TRACES, SLICE("\x12\x03"
                              "abc")},                         /* span id of three bytes */
        {SIGNAL_TRACES, SLICE("\x30")},                        /* cut */
        {SIGNAL_TRACES, SLICE("\x5a\x02\x10\x01")},            /* name of an event as varint */
        {SIGNAL_TRACES, SLICE("\x6a\x03\x12\x01x")},           /* span id of a link */
        {SIGNAL_TRACES, SLICE("\x4a\x04\x12\x02\x0a\x05")},    /* an attribute is cut */
        {SIGNAL_TRACES, SLICE("\x7a\x01\x18")},                /* the status is cut */
        {SIGNAL_METRICS, SLICE("\x28\x01")},                   /* a gauge as varint */
        {SIGNAL_METRICS, SLICE("\x2a\x04\x0a\x02\x18\x01")},   /* a time as varint */
        {SIGNAL_METRICS, SLICE("\x4a\x06\x0a\x04\x32\x02zz")}, /* packed numbers, cut */
        {SIGNAL_METRICS, SLICE("\x52\x07\x0a\x05\x42\x03\x12\x01\x80")}, /* packed varint, cut */
        {SIGNAL_METRICS, SLICE("\x2a\x06\x0a\x04\x2a\x02\x22\x05")},     /* an exemplar is cut */
    };
    struct error err;

    for (size_t i = 0; i < COUNT_OF(records); i++)
        assert_int_equal(
            otlp_check_record(records[i].signal, records[i].bytes, &otlp_limits_default, &err),
            ST_CORRUPT);
    assert_int_equal(otlp_check_record(SIGNAL_TRACES, SLICE("\xc2\x3e\x03xyz\x5a\x04\xc2\x3e\x01q"),
                                       &otlp_limits_default, &err),
                     ST_OK); /* fields that nobody knows pass */
}

static void test_limits_hold_within_events_and_points(void **state)
{
    (void)state;
    static const struct slice event = SLICE("\x5a\x0c\x1a\x04\x0a\x02kk\x1a\x04\x0a\x02ll");
    static const struct slice point = SLICE("\x2a\x0e\x0a\x0c\x3a\x04\x0a\x02kk\x3a\x04\x0a\x02ll");
    struct otlp_limits limits = otlp_limits_default;
    struct error err;

    assert_int_equal(otlp_check_record(SIGNAL_TRACES, event, &limits, &err), ST_OK);
    assert_int_equal(otlp_check_record(SIGNAL_METRICS, point, &limits, &err), ST_OK);
    limits.attribute_count_max = 1;
    assert_int_equal(otlp_check_record(SIGNAL_TRACES, event, &limits, &err), ST_LIMIT);
    assert_string_equal(err.text, "a span: events: attributes: more than 1 attributes");
    assert_int_equal(otlp_check_record(SIGNAL_METRICS, point, &limits, &err), ST_LIMIT);
    limits = otlp_limits_default;
    limits.key_size_max = 1;
    assert_int_equal(otlp_check_record(SIGNAL_TRACES, event, &limits, &err), ST_LIMIT);
    assert_int_equal(otlp_check_record(SIGNAL_METRICS, point, &limits, &err), ST_LIMIT);
    limits = otlp_limits_default;
    limits.record_size_max = event.size - 1;
    assert_int_equal(otlp_check_record(SIGNAL_TRACES, event, &limits, &err), ST_LIMIT);
}

static void test_extra_attributes_stand_behind_a_records_own(void **state)
{
    (void)state;
    const struct record_group group = {.signal = SIGNAL_TRACES};
    struct buf line, extra;
    struct error err;

    buf_init(&line, BIG);
    buf_init(&extra, BIG);
    assert_int_equal(encode_attribute_int(SLICE("n"), 5, &extra, &err), ST_OK);
    assert_int_equal(
        encode_otlp_json_line(&group, SLICE("\x2a\x01z"), buf_slice(&extra), &line, &err), ST_OK);
    static const char expected[] =
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"z\","
        "\"attributes\":[{\"key\":\"n\",\"value\":{\"intValue\":\"5\"}}]}]}]}]}\n";
    assert_int_equal(line.size, sizeof(expected) - 1);
    assert_memory_equal(line.data, expected, line.size);
    buf_fini(&line);
    buf_fini(&extra);
}

static void test_what_has_no_id_or_time_is_not_told_apart(void **state)
{
    (void)state;
    /* A span with a name; a gauge without points; one with a point without a time, and with it. */
    assert_false(otlp_is_told_apart(SIGNAL_TRACES, SLICE("\x2a\x01s")));
    assert_false(otlp_is_told_apart(SIGNAL_METRICS, SLICE("\x0a\x01m\x2a\x00")));
    assert_false(otlp_is_told_apart(SIGNAL_METRICS, SLICE("\x2a\x02\x0a\x00")));
    assert_true(otlp_is_told_apart(SIGNAL_METRICS,
                                   SLICE("\x2a\x0b\x0a\x09\x19\x01\x01\x01\x01\x01\x01\x01\x01")));
    assert_false(otlp_is_told_apart(
        SIGNAL_METRICS, SLICE("\x2a\x0d\x0a\x09\x19\x01\x01\x01\x01\x01\x01\x01\x01\x0a\x00")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_has_no_id_or_time_is_not_told_apart),
        cmocka_unit_test(test_recordings_come_back_from_json_as_they_were),
        cmocka_unit_test(test_every_kind_of_number_is_read),
        cmocka_unit_test(test_what_receivers_refuse_is_refused),
        cmocka_unit_test(test_limits_hold_within_events_and_points),
        cmocka_unit_test(test_extra_attributes_stand_behind_a_records_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
