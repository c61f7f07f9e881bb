/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_test.c -- the exporter against a server that answers from a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/http_bench.h"
#include "support/http_sink.h"
#include "support/http_statuses.h"
#include "support/option.h"
#include "support/temp_dir.h"
#include "telltale/encode.h"
#include "telltale/exporter.h"
#include "util/clock.h"
#include "wire/compress.h"

extern const struct exporter_ops exporter_otlp_http;

static const struct exporter_ops *const ops = &exporter_otlp_http;

#define PROTOBUF "Content-Type: application/x-protobuf\r\n"
#define JSON     "Content-Type: application/json\r\n"

enum { RECORDS = 3, BODY_MAX = 1 << 20 };

/* One exporter, one server, and a directory for their files. */
struct bench {
    struct temp_dir dir;
    char endpoint[128];
    void *config;
    void *exporter;
    struct http_sink *sink;
    struct export_report report;
    struct error err;
};

static const struct record records[RECORDS] = {
    {.sequence = 1, .bytes = SLICE("\x2a\x07\x0a\x05hello")},
    {.sequence = 2, .bytes = SLICE("\x2a\x07\x0a\x05world")},
    {.sequence = 3, .bytes = SLICE("\x1a\x04INFO")},
};
static struct record_group group = {
    .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test")};
static const struct batch batch = {
    .records = records, .record_count = RECORDS, .groups = &group, .group_count = 1};

static int make_bench(void **state)
{
    static const char *const signals[] = {"logs", "traces", "metrics"};
    const struct http_sink_settings settings = {.unix_path = NULL};
    struct bench *bench = calloc(1, sizeof(*bench));

    temp_dir_make(&bench->dir);
    bench->sink = http_sink_start(&settings);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "http://127.0.0.1:%d/otlp/",
             http_sink_port(bench->sink));
    bench->config = option_make_config(ops);
    option_set_text(ops, bench->config, "endpoint", bench->endpoint);
    option_set_enum(ops, bench->config, "compression", "none");
    option_set_number(ops, bench->config, "compression_level", 1);
    option_set_number(ops, bench->config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, bench->config, "max_response_size", 4 << 20);
    option_set_number(ops, bench->config, "max_body_size", 16 << 20);
    option_set_list(ops, bench->config, "signals", (struct config_text_list){signals, 3});
    group.signal = SIGNAL_LOGS;
    *state = bench;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;
    ops->destroy(bench->exporter);
    http_sink_stop(bench->sink);
    free(bench->config);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

static void create(struct bench *bench)
{
    const struct exporter_context context = {.name = "otlp_http/test",
                                             .state_dir = bench->dir.path};

    ops->destroy(bench->exporter);
    bench->exporter = NULL;
    assert_int_equal(ops->check(bench->config, &bench->err), ST_OK);
    assert_int_equal(ops->create(bench->config, &context, &bench->exporter, &bench->err), ST_OK);
}

static enum export_result send_batch(struct bench *bench)
{
    bench->report = (struct export_report){.rejected_count = 0};
    bench->err = (struct error){.status = ST_OK};
    return ops->send(bench->exporter, &batch, clock_monotonic_ns() + PLENTY_MS * NS_PER_MS,
                     &bench->report, &bench->err);
}

static void script(struct bench *bench, struct http_sink_answer answer)
{
    http_sink_script(bench->sink, &answer, 1);
}

static const struct http_sink_request *last_request(struct bench *bench)
{
    return http_sink_request(bench->sink, http_sink_count(bench->sink) - 1);
}

/* --- Requests -------------------------------------------------------------------------------- */

static void assert_body(struct bench *bench, bool in_json, enum content_encoding encoding)
{
    const struct http_sink_request *seen = last_request(bench);
    struct buf plain;
    struct buf expected;
    char type[64];

    buf_init(&plain, BODY_MAX);
    buf_init(&expected, BODY_MAX);
    assert_int_equal(in_json ? encode_otlp_json_request(&batch, &expected, &bench->err)
                             : encode_otlp_request(&batch, &expected, &bench->err),
                     ST_OK);
    assert_int_equal(content_decode(encoding, seen->body, &plain, &bench->err), ST_OK);
    assert_true(slice_equal(buf_slice(&plain), buf_slice(&expected)));
    assert_true(http_sink_header(seen, "content-type", type, sizeof(type)));
    assert_string_equal(type, in_json ? "application/json" : "application/x-protobuf");
    assert_int_equal(bench->report.sent_bytes, seen->body.size);
    buf_fini(&expected);
    buf_fini(&plain);
}

static void test_both_encodings_arrive_in_every_compression(void **state)
{
    static const struct {
        const char *encoding, *compression;
        enum content_encoding content;
    } rows[] = {
        {"protobuf", "none", ENCODING_NONE}, {"protobuf", "gzip", ENCODING_GZIP},
        {"protobuf", "zstd", ENCODING_ZSTD}, {"json", "none", ENCODING_NONE},
        {"json", "gzip", ENCODING_GZIP},     {"json", "zstd", ENCODING_ZSTD},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        option_set_enum(ops, bench->config, "encoding", rows[i].encoding);
        option_set_enum(ops, bench->config, "compression", rows[i].compression);
        create(bench);
        assert_int_equal(send_batch(bench), EXPORT_DONE);
        assert_body(bench, rows[i].encoding[0] == 'j', rows[i].content);
        assert_int_equal(ops->tick(bench->exporter, 0, &bench->err), ST_OK);
        assert_int_equal(send_batch(bench), EXPORT_DONE);
    }
}

static void test_each_signal_has_its_path_or_its_address(void **state)
{
    static const char *const paths[SIGNAL_COUNT] = {"POST /otlp/v1/logs ", "POST /otlp/v1/traces ",
                                                    "POST /otlp/v1/metrics "};
    struct bench *bench = *state;
    char url[160];

    create(bench);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        group.signal = (enum signal)i;
        assert_int_equal(send_batch(bench), EXPORT_DONE);
        assert_true(
            slice_starts_with(slice_of_text(last_request(bench)->head), slice_of_text(paths[i])));
    }
    snprintf(url, sizeof(url), "%sspans?tenant=1", bench->endpoint);
    option_set_text(ops, bench->config, "traces_endpoint", url);
    create(bench);
    group.signal = SIGNAL_TRACES;
    assert_int_equal(send_batch(bench), EXPORT_DONE);
    assert_true(slice_starts_with(slice_of_text(last_request(bench)->head),
                                  SLICE("POST /otlp/spans?tenant=1 ")));
    option_set_text(ops, bench->config, "metrics_endpoint", "http://soc.example/m");
    assert_int_equal(ops->check(bench->config, &bench->err), ST_INVALID);
    assert_non_null(strstr(bench->err.text, "metrics_endpoint: plain text to another host"));
}

static void test_what_is_too_large_is_not_sent(void **state)
{
    struct bench *bench = *state;

    option_set_number(ops, bench->config, "max_body_size", 20);
    create(bench);
    assert_int_equal(send_batch(bench), EXPORT_TOO_LARGE);
    assert_non_null(strstr(bench->err.text, "max_body_size 20"));
    assert_int_equal(http_sink_count(bench->sink), 0);
    const struct batch single = {
        .records = records, .record_count = 1, .groups = &group, .group_count = 1};
    assert_int_equal(ops->send(bench->exporter, &single, clock_monotonic_ns() + NS_PER_S * 30,
                               &bench->report, &bench->err),
                     EXPORT_DONE);
}

static void test_a_batch_that_cannot_be_encoded_is_rejected(void **state)
{
    static const struct record broken = {.sequence = 1, .bytes = SLICE("\x2a\x09")};
    struct bench *bench = *state;
    const struct batch bad = {
        .records = &broken, .record_count = 1, .groups = &group, .group_count = 1};

    option_set_enum(ops, bench->config, "encoding", "json");
    create(bench);
    assert_int_equal(ops->send(bench->exporter, &bad, clock_monotonic_ns() + NS_PER_S * 30,
                               &bench->report, &bench->err),
                     EXPORT_REJECTED);
    assert_int_equal(http_sink_count(bench->sink), 0);
}

/* --- Answers --------------------------------------------------------------------------------- */

static void assert_meaning(struct bench *bench, int status, enum export_result expected,
                           uint32_t delay_ms)
{
    enum export_result result = send_batch(bench);

    if (result != expected || bench->report.retry_after_ms != delay_ms)
        fail_msg("%d: result %d after %u ms: %s", status, (int)result, bench->report.retry_after_ms,
                 bench->err.text);
    assert_int_equal(bench->err.status == ST_OK, result == EXPORT_DONE);
}

static void test_every_status_over_the_wire(void **state)
{
    struct bench *bench = *state;

    create(bench);
    for (size_t i = 0; i < HTTP_STATUS_COUNT; i++) {
        const struct http_status_meaning *row = &http_status_meanings[i];
        const struct http_sink_answer answers[] = {
            {.status = row->status, .headers = "Content-Type: text/plain\r\n"},
            {.status = row->status, .headers = PROTOBUF, .body = SLICE("\x08\x03\x12\x03why")},
            {.status = row->status,
             .headers = JSON,
             .body = SLICE("{\"code\":3,\"message\":\"why\"}")},
            {.status = row->status, .headers = "Retry-After: 7\r\n"},
        };
        script(bench, answers[0]);
        assert_meaning(bench, row->status, row->plain, row->plain_delay_ms);
        if (row->status == 204)
            continue; /* has no body */
        for (size_t judged = 1; judged <= 2 && row->plain != EXPORT_DONE; judged++) {
            script(bench, answers[judged]);
            assert_meaning(bench, row->status, row->judged, row->judged_delay_ms);
            assert_string_equal(bench->report.message, "why");
        }
        script(bench, answers[3]);
        assert_meaning(bench, row->status, row->plain, row->asked_delay_ms);
    }
}

static void test_partial_success_in_both_encodings(void **state)
{
    static const struct {
        const char *headers;
        struct slice body;
        uint32_t rejected;
        const char *message;
    } rows[] = {
        {PROTOBUF, SLICE(""), 0, ""},
        {PROTOBUF, SLICE("\x0a\x00"), 0, ""},
        {PROTOBUF, SLICE("\x0a\x09\x08\x02\x12\x05stale"), 2, "stale"},
        {PROTOBUF, SLICE("\x0a\x06\x12\x04slow"), 0, "slow"},
        {PROTOBUF, SLICE("\x0a\x02\x08\x63"), 3, ""},
        {PROTOBUF, SLICE("\xff"), 0, "the reply is no response to an Export"},
        {JSON, SLICE(""), 0, ""},
        {JSON, SLICE("{}"), 0, ""},
        {JSON, SLICE("{\"partialSuccess\":{}}"), 0, ""},
        {JSON, SLICE("{\"partialSuccess\":null}"), 0, ""},
        {JSON,
         SLICE("{\"partialSuccess\":{\"rejectedLogRecords\":\"2\",\"errorMessage\":"
               "\"st\\u0061le\"}}"),
         2, "stale"},
        {JSON, SLICE("{\"partial_success\":{\"rejected_log_records\":1}}"), 1, ""},
        {JSON, SLICE("{\"partialSuccess\":{\"rejectedLogRecords\":-4}}"), 0, ""},
        {JSON, SLICE("{\"partialSuccess\":{\"rejectedLogRecords\":{},\"errorMessage\":7}}"), 0, ""},
        {"Content-Type: text/plain\r\n", SLICE("ok"), 0, ""},
        {NULL, SLICE("\x0a\x02\x08\x01"), 1, ""}, /* as it was asked */
    };
    struct bench *bench = *state;

    create(bench);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        script(bench, (struct http_sink_answer){.headers = rows[i].headers, .body = rows[i].body});
        assert_int_equal(send_batch(bench), EXPORT_DONE);
        if (bench->report.rejected_count != rows[i].rejected)
            fail_msg("row %zu: %u", i, bench->report.rejected_count);
        assert_string_equal(bench->report.message, rows[i].message);
    }
    script(bench,
           (struct http_sink_answer){.headers = JSON, .body = SLICE("{\"partialSuccess\":")});
    assert_int_equal(send_batch(bench), EXPORT_DONE);
    assert_non_null(strstr(bench->report.message, "no response to an Export"));
}

/* How much of it was refused is not known, and that is said. */
static void test_an_answer_that_was_not_read_whole_is_told_of(void **state)
{
    static const uint8_t long_answer[8192] = "\x0a\x82\x20\x12\xff\x1f";
    struct bench *bench = *state;

    create(bench);
    script(bench, (struct http_sink_answer){.headers = PROTOBUF "Content-Encoding: gzip\r\n",
                                            .body = SLICE("\x1f\x8b")});
    assert_int_equal(send_batch(bench), EXPORT_DONE);
    assert_string_equal(bench->report.message, "its answer is compressed or too long to be read");
    option_set_number(ops, bench->config, "max_response_size", 4096);
    create(bench);
    script(bench, (struct http_sink_answer){.headers = PROTOBUF,
                                            .body = slice_of(long_answer, sizeof(long_answer))});
    assert_int_equal(send_batch(bench), EXPORT_DONE);
    assert_string_equal(bench->report.message, "its answer is compressed or too long to be read");
}

static void test_oversize_is_told_in_several_ways(void **state)
{
    struct bench *bench = *state;
    const struct http_sink_answer answers[] = {
        {.status = 413, .headers = "Content-Type: text/html\r\n", .body = SLICE("<h1>no</h1>")},
        {.status = 400,
         .headers = JSON,
         .body = SLICE("{\"code\":3,\"message\":\"http: request body too large\"}")},
        {.status = 400,
         .headers = PROTOBUF,
         .body = SLICE("\x08\x03\x12\x1bhttp: request body too large")},
        {.status = 400,
         .headers = "Content-Type: text/plain\r\n",
         .body = SLICE("http: request body too large")},
    };

    create(bench);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        script(bench, answers[i]);
        if (send_batch(bench) != EXPORT_TOO_LARGE)
            fail_msg("row %zu: %s", i, bench->err.text);
    }
}

static void test_retry_info_is_a_delay_unless_there_is_a_retry_after(void **state)
{
    static const char json[] =
        "{\"code\":8,\"message\":\"quota\",\"details\":[{\"@type\":\"x\",\"retryDelay\":\"1s\"},"
        "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"7.5s\"}]}";
    struct bench *bench = *state;
    struct http_sink_answer answer = {.status = 429, .headers = JSON, .body = SLICE(json)};

    create(bench);
    script(bench, answer);
    assert_meaning(bench, 429, EXPORT_RETRY, 7500);
    answer.headers = JSON "Retry-After: 3\r\n";
    script(bench, answer);
    assert_meaning(bench, 429, EXPORT_RETRY, 3000);
    answer.headers = PROTOBUF;
    answer.body = SLICE("\x08\x08\x1a\x36\x0a\x28type.googleapis.com/google.rpc.RetryInfo"
                        "\x12\x0a\x0a\x08\x08\x07\x10\x80\xca\xb5\xee\x01");
    script(bench, answer);
    assert_meaning(bench, 429, EXPORT_RETRY, 7500);
}

/* What stands between us and a receiver is not the receiver. */
static void test_the_words_of_others_reject_nothing(void **state)
{
    struct bench *bench = *state;

    create(bench);
    script(bench, (struct http_sink_answer){.headers = "Content-Type: text/html\r\n",
                                            .body = SLICE("<h1>Log in</h1>")});
    assert_meaning(bench, 200, EXPORT_RETRY, 60000);
    assert_non_null(strstr(bench->err.text, "a web page answered"));
    script(bench,
           (struct http_sink_answer){.status = 400, .headers = "Content-Type: text/html\r\n"});
    assert_meaning(bench, 400, EXPORT_RETRY, 60000);
    script(bench, (struct http_sink_answer){.status = 500,
                                            .headers = JSON,
                                            .body = SLICE("{\"message\":\"Internal error\"}")});
    assert_meaning(bench, 500, EXPORT_RETRY, 60000);
    assert_non_null(strstr(bench->err.text, "no word on the batch"));
}

static void test_a_bare_500_rejects_where_that_is_the_policy(void **state)
{
    struct bench *bench = *state;

    option_set_enum(ops, bench->config, "on_bare_500", "dead_letter");
    create(bench);
    script(bench, (struct http_sink_answer){.status = 500,
                                            .headers = "Content-Type: text/plain\r\n",
                                            .body = SLICE("nil pointer")});
    assert_meaning(bench, 500, EXPORT_REJECTED, 0);
    assert_string_equal(bench->err.text, "HTTP 500: nil pointer");
    script(bench,
           (struct http_sink_answer){.status = 500, .headers = "Content-Type: text/html\r\n"});
    assert_meaning(bench, 500, EXPORT_RETRY, 60000); /* of a proxy */
    script(bench, (struct http_sink_answer){.status = 502});
    assert_meaning(bench, 502, EXPORT_RETRY, 0);
}

static void test_no_answer_is_tried_again(void **state)
{
    static const enum http_sink_deed deeds[] = {SINK_CLOSE_AT_ACCEPT, SINK_CLOSE_BEHIND_HEAD,
                                                SINK_CLOSE_UNANSWERED, SINK_CLOSE_IN_ANSWER};
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(deeds); i++) {
        create(bench);
        script(bench,
               (struct http_sink_answer){.deed = deeds[i], .body = SLICE("\x0a\x02\x08\x01")});
        assert_meaning(bench, 0, EXPORT_RETRY, 0);
    }
}

static void test_a_token_file_that_is_missing_waits_for_repair(void **state)
{
    struct bench *bench = *state;
    char path[TEST_PATH_MAX];

    snprintf(path, sizeof(path), "%s/token", bench->dir.path);
    option_set_text(ops, bench->config, "token_file", path);
    create(bench);
    assert_meaning(bench, 0, EXPORT_RETRY, 60000);
    test_certs_write(bench->dir.path, "token", "t-1", path);
    assert_int_equal(send_batch(bench), EXPORT_DONE);
}

static void test_cancelling_is_a_retry(void **state)
{
    struct bench *bench = *state;

    create(bench);
    ops->cancel(bench->exporter);
    assert_int_equal(send_batch(bench), EXPORT_RETRY);
    assert_int_equal(bench->err.status, ST_STOPPING);
}

static void test_what_is_risky_is_said(void **state)
{
    struct bench *bench = *state;

    assert_null(ops->caution(bench->config));
    option_set_bool(ops, bench->config, "tls.insecure_skip_verify", true);
    assert_non_null(ops->caution(bench->config));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_bench, drop_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_encodings_arrive_in_every_compression),
        TEST(test_each_signal_has_its_path_or_its_address),
        TEST(test_what_is_too_large_is_not_sent),
        TEST(test_a_batch_that_cannot_be_encoded_is_rejected),
        TEST(test_every_status_over_the_wire),
        TEST(test_partial_success_in_both_encodings),
        TEST(test_an_answer_that_was_not_read_whole_is_told_of),
        TEST(test_oversize_is_told_in_several_ways),
        TEST(test_retry_info_is_a_delay_unless_there_is_a_retry_after),
        TEST(test_the_words_of_others_reject_nothing),
        TEST(test_a_bare_500_rejects_where_that_is_the_policy),
        TEST(test_no_answer_is_tried_again),
        TEST(test_a_token_file_that_is_missing_waits_for_repair),
        TEST(test_cancelling_is_a_retry),
        TEST(test_what_is_risky_is_said),
    };
    return cmocka_run_group_tests(tests, http_bench_ignore_sigpipe, NULL);
}
