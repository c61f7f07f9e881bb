/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_receiver_test.c -- OTLP/HTTP from a real client into a real journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "google/rpc/status.pb-c.h"
#include "metrics/metrics.h"
#include "support/collected.h"
#include "support/otlp_bench.h"
#include "support/recorded.h"
#include "wire/otlp_json.h"

#define PROTOBUF "application/x-protobuf"
#define JSON     OTLP_BENCH_JSON

/* A key over the limit of 1 KiB. */
#define KEY_64   "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
#define KEY_256  KEY_64 KEY_64 KEY_64 KEY_64
#define LONG_KEY KEY_256 KEY_256 KEY_256 KEY_256 "k"

static void assert_status_message(const struct otlp_reply *reply, unsigned int code)
{
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, reply->body_size, reply->body);

    assert_non_null(status);
    assert_int_equal(status->code, code);
    assert_true(strlen(status->message) > 0);
    google__rpc__status__free_unpacked(status, NULL);
}

static void restart_with_signals(unsigned signals)
{
    (void)otlp_bench_drop(NULL);
    otlp_bench_signals = signals;
    (void)otlp_bench_make(NULL);
    otlp_bench_signals = SIGNALS_ALL;
}

/* --- What arrives is kept --------------------------------------------------------------------- */

static void assert_kept(struct slice request)
{
    struct collected sent;

    assert_int_equal(collected_read(&sent, request, &otlp_bench.err), ST_OK);
    assert_true(sent.record_count > 0);
    assert_int_equal(test_journal_read(&otlp_bench.journal), sent.record_count);
    for (size_t i = 0; i < sent.record_count; i++) {
        const struct record *kept = &otlp_bench.journal.batch.records[i];
        assert_true(slice_starts_with(kept->bytes, sent.records[i].bytes));
        const struct record_group *group = &otlp_bench.journal.batch.groups[kept->group_index];
        const struct record_group *expected = &sent.groups[sent.records[i].group_index];
        assert_true(slice_equal(group->resource_logs_fields, expected->resource_logs_fields));
        assert_true(slice_equal(group->scope_logs_fields, expected->scope_logs_fields));
        assert_string_not_equal(test_journal_attribute(&otlp_bench.journal, i, "agent.event.kind"),
                                "");
    }
    collected_fini(&sent);
}

static void read_recording(const char *name)
{
    buf_clear(&otlp_bench.scratch);
    recorded_read(name, &otlp_bench.scratch);
}

static void test_recorded_protobuf_is_kept_byte_for_byte(void **state)
{
    (void)state;
    read_recording("codex-0.169.0/http-protobuf/exfil/logs/001.bin");
    struct otlp_reply reply = otlp_post("/v1/logs", PROTOBUF, NULL, buf_slice(&otlp_bench.scratch));
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply.body_size, 0);
    assert_non_null(strstr(reply.headers, "Content-Type: application/x-protobuf"));
    assert_kept(buf_slice(&otlp_bench.scratch));
    assert_string_equal(test_journal_attribute(&otlp_bench.journal, 0, "agent.transport"),
                        "otlp_http_protobuf");
    assert_string_equal(test_journal_attribute(&otlp_bench.journal, 0, "agent.peer.attestation"),
                        "uid");
    char uid[16];
    snprintf(uid, sizeof(uid), "%u", geteuid());
    assert_string_equal(test_journal_attribute(&otlp_bench.journal, 0, "agent.peer.uid"), uid);
    assert_string_equal(test_journal_attribute(&otlp_bench.journal, 0, "agent.peer.pid"), "");
}

static void test_recorded_json_is_kept_as_its_protobuf(void **state)
{
    (void)state;
    struct buf protobuf;

    read_recording("qwen-code-0.15.10/http-json/refactor/logs/001.json");
    struct otlp_reply reply =
        otlp_post("/v1/logs", JSON "; charset=utf-8", NULL, buf_slice(&otlp_bench.scratch));
    assert_int_equal(reply.http_status, 200);
    assert_string_equal(otlp_reply_text(&reply), "{\"partialSuccess\":{}}");
    assert_non_null(strstr(reply.headers, "Content-Type: application/json"));
    buf_init(&protobuf, 64 << 20);
    assert_int_equal(otlp_json_read_request(buf_slice(&otlp_bench.scratch), SIGNAL_LOGS,
                                            &otlp_limits_default, &protobuf, &otlp_bench.err),
                     ST_OK);
    assert_kept(buf_slice(&protobuf));
    assert_string_equal(test_journal_attribute(&otlp_bench.journal, 0, "agent.transport"),
                        "otlp_http_json");
    buf_fini(&protobuf);
}

static size_t gzip(const void *data, size_t size, uint8_t *out, size_t out_size)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data,
                       .avail_in = (uInt)size,
                       .next_out = out,
                       .avail_out = (uInt)out_size};

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return stream.total_out;
}

static void test_compressed_bodies_are_taken(void **state)
{
    (void)state;
    uint8_t packed[1024];
    const char *text = otlp_one_record("packed");

    size_t size = gzip(text, strlen(text), packed, sizeof(packed));
    assert_int_equal(otlp_post("/v1/logs", JSON, "gzip", slice_of(packed, size)).http_status, 200);
    size = ZSTD_compress(packed, sizeof(packed), text, strlen(text), 3);
    assert_false(ZSTD_isError(size));
    assert_int_equal(otlp_post("/v1/logs", JSON, "zstd", slice_of(packed, size)).http_status, 200);
    assert_int_equal(otlp_post("/v1/logs", JSON, "identity", slice_of_text(text)).http_status, 200);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(test_journal_body(&otlp_bench.journal, i), "packed");
}

static struct otlp_reply post_chunked(const char *type, struct slice body)
{
    struct otlp_call call;

    otlp_call_prepare(&call, "/v1/logs", type, NULL, body);
    curl_easy_setopt(call.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    otlp_call_add_header(&call, "Transfer-Encoding", "chunked");
    otlp_call_perform(&call);
    return call.reply;
}

static void test_chunked_bodies_are_taken(void **state)
{
    (void)state;
    struct otlp_reply reply = post_chunked(JSON, slice_of_text(otlp_one_record("in chunks")));

    assert_int_equal(reply.http_status, 200);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 1);
    assert_string_equal(test_journal_body(&otlp_bench.journal, 0), "in chunks");
}

static void test_extra_paths_are_taken_as_logs(void **state)
{
    (void)state;
    const char *text = otlp_one_record("elsewhere");

    assert_int_equal(otlp_post("/codex", JSON, NULL, slice_of_text(text)).http_status, 200);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 1);
}

static void test_unix_sockets_name_their_senders(void **state)
{
    (void)state;
    struct otlp_call call;
    char pid[16];

    otlp_call_prepare(&call, "/v1/logs", JSON, NULL, slice_of_text(otlp_one_record("attested")));
    curl_easy_setopt(call.curl, CURLOPT_UNIX_SOCKET_PATH, otlp_bench.listeners[1].path);
    otlp_call_perform(&call);
    assert_int_equal(call.reply.http_status, 200);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 1);
    assert_string_equal(test_journal_attribute(&otlp_bench.journal, 0, "agent.peer.attestation"),
                        "kernel");
    snprintf(pid, sizeof(pid), "%d", getpid());
    assert_string_equal(test_journal_attribute(&otlp_bench.journal, 0, "agent.peer.pid"), pid);
    char program[PATH_MAX] = "";
    assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
    assert_string_equal(
        test_journal_attribute(&otlp_bench.journal, 0, "agent.peer.executable.path"), program);
}

/* --- How many connections ----------------------------------------------------------------------
 */

enum { PER_UID_MAX = 4 };

static int setup_with_few_connections(void **state)
{
    (void)state;
    otlp_bench_connections = PER_UID_MAX;
    otlp_bench_start(UINT64_C(1) << 30, UINT64_C(64) << 20);
    otlp_bench_connections = 0;
    return 0;
}

static int connect_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, otlp_bench.listeners[1].path,
           strlen(otlp_bench.listeners[1].path) + 1);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Everything up to the end of the connection. */
static void read_all(int fd, char *out, size_t size)
{
    size_t used = 0;
    ssize_t got;

    while (used + 1 < size && (got = read(fd, out + used, size - 1 - used)) > 0)
        used += (size_t)got;
    out[used] = 0;
}

static void wait_for_open(uint64_t count)
{
    struct metric *open = metric_register(METRIC_GAUGE, "telltale_receiver_open_connections", "",
                                          "receiver=\"otlp_http\"");

    while (metric_get(open) != count)
        (void)sched_yield(); /* the library's thread is at it */
}

static void test_a_user_with_too_many_connections_is_told_and_others_are_not_shut_out(void **state)
{
    struct metric *refused =
        metric_register(METRIC_COUNTER, "telltale_receiver_refused_connections_total", "",
                        "receiver=\"otlp_http\",reason=\"per_uid\"");
    uint64_t before = metric_get(refused);
    int held[PER_UID_MAX];
    char answer[1024];

    (void)state;
    for (int i = 0; i < PER_UID_MAX; i++)
        held[i] = connect_unix();
    wait_for_open(PER_UID_MAX);
    for (int i = 1; i <= 200; i++) {
        int fd = connect_unix();
        read_all(fd, answer, sizeof(answer));
        assert_non_null(strstr(answer, "HTTP/1.1 503 "));
        assert_non_null(strstr(answer, "too many connections"));
        assert_int_equal(metric_get(refused), before + (uint64_t)i);
        (void)close(fd);
    }
    for (int i = 0; i < PER_UID_MAX; i++)
        (void)close(held[i]);
    wait_for_open(0);
    assert_int_equal(otlp_post_text(JSON, otlp_one_record("now there is room")).http_status, 200);
}

/* What a refused one wrote before it was shut down is not taken. */
static void test_requests_of_a_refused_connection_are_not_taken(void **state)
{
    static const char request[] = "POST /v1/logs HTTP/1.1\r\nHost: x\r\n"
                                  "Content-Type: application/json\r\nContent-Length: ";
    int held[PER_UID_MAX];
    char text[2048];
    char answer[1024];

    (void)state;
    for (int i = 0; i < PER_UID_MAX; i++)
        held[i] = connect_unix();
    wait_for_open(PER_UID_MAX);
    const char *body = otlp_one_record("of one too many");
    int size = snprintf(text, sizeof(text), "%s%zu\r\n\r\n%s", request, strlen(body), body);
    int fd = connect_unix();
    ssize_t sent = send(fd, text, (size_t)size, MSG_NOSIGNAL);
    (void)sent; /* it may be closed already */
    read_all(fd, answer, sizeof(answer));
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    (void)close(fd);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 0);
    for (int i = 0; i < PER_UID_MAX; i++)
        (void)close(held[i]);
}

static void test_empty_requests_are_success(void **state)
{
    (void)state;
    assert_int_equal(otlp_post_text(PROTOBUF, "").http_status, 200);
    assert_int_equal(otlp_post_text(JSON, "{}").http_status, 200);
    assert_int_equal(otlp_post_text(JSON, "").http_status, 200);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 0);
}

/* Spans and metrics are kept with nothing behind them. */
static void assert_kept_as_it_came(enum signal signal, struct slice request)
{
    struct collected sent;

    assert_int_equal(collected_read(&sent, request, &otlp_bench.err), ST_OK);
    assert_true(sent.record_count > 0);
    assert_int_equal(test_journal_read(&otlp_bench.journal), sent.record_count);
    for (size_t i = 0; i < sent.record_count; i++) {
        const struct record *kept = &otlp_bench.journal.batch.records[i];
        const struct record_group *group = &otlp_bench.journal.batch.groups[kept->group_index];
        const struct record_group *expected = &sent.groups[sent.records[i].group_index];
        assert_true(slice_equal(kept->bytes, sent.records[i].bytes));
        assert_int_equal(group->signal, signal);
        assert_true(slice_equal(group->resource_logs_fields, expected->resource_logs_fields));
        assert_true(slice_equal(group->scope_logs_fields, expected->scope_logs_fields));
    }
    collected_fini(&sent);
}

static void test_recorded_spans_are_kept_byte_for_byte(void **state)
{
    (void)state;
    read_recording("codex-0.169.0/http-protobuf/approvals-appserver/traces/003.bin");
    assert_int_equal(
        otlp_post("/v1/traces", PROTOBUF, NULL, buf_slice(&otlp_bench.scratch)).http_status, 200);
    assert_kept_as_it_came(SIGNAL_TRACES, buf_slice(&otlp_bench.scratch));
}

static void test_recorded_metrics_are_kept_byte_for_byte(void **state)
{
    (void)state;
    read_recording("gemini-cli-0.61.0/grpc/exfil-yolo/metrics/001.bin");
    assert_int_equal(
        otlp_post("/v1/metrics", PROTOBUF, NULL, buf_slice(&otlp_bench.scratch)).http_status, 200);
    assert_kept_as_it_came(SIGNAL_METRICS, buf_slice(&otlp_bench.scratch));
}

static void test_recorded_json_spans_are_kept_as_their_protobuf(void **state)
{
    (void)state;
    struct buf protobuf;

    read_recording("codex-0.169.0/http-json/approvals-appserver/traces/003.json");
    struct otlp_reply reply = otlp_post("/v1/traces", JSON, NULL, buf_slice(&otlp_bench.scratch));
    assert_int_equal(reply.http_status, 200);
    buf_init(&protobuf, 64 << 20);
    assert_int_equal(otlp_json_read_request(buf_slice(&otlp_bench.scratch), SIGNAL_TRACES,
                                            &otlp_limits_default, &protobuf, &otlp_bench.err),
                     ST_OK);
    assert_kept_as_it_came(SIGNAL_TRACES, buf_slice(&protobuf));
    buf_fini(&protobuf);
}

static void test_a_bad_span_is_refused_alone(void **state)
{
    (void)state;
    struct otlp_reply reply =
        otlp_post("/v1/traces", JSON, NULL,
                  SLICE("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"},"
                        "{\"attributes\":[{\"key\":\"" LONG_KEY "\"}]},{\"name\":\"b\"}]}]}]}"));
    assert_int_equal(reply.http_status, 200);
    assert_non_null(strstr(otlp_reply_text(&reply), "\"rejectedSpans\":\"1\""));
    assert_non_null(strstr(otlp_reply_text(&reply), "a span: attributes: the key"));
    /* With the record of the refusal behind the two. */
    assert_int_equal(test_journal_read(&otlp_bench.journal), 3);
    assert_int_equal(
        otlp_bench.journal.batch.groups[otlp_bench.journal.batch.records[2].group_index].signal,
        SIGNAL_LOGS);
}

static void test_of_a_bad_metric_the_data_points_are_counted(void **state)
{
    (void)state;
    struct otlp_reply reply = otlp_post(
        "/v1/metrics", JSON, NULL,
        SLICE("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"good\"},"
              "{\"gauge\":{\"dataPoints\":[{\"asInt\":1},{\"asInt\":2},{\"attributes\":["
              "{\"key\":\"" LONG_KEY "\"}]}]}}]}]}]}"));
    assert_int_equal(reply.http_status, 200);
    assert_non_null(strstr(otlp_reply_text(&reply), "\"rejectedDataPoints\":\"3\""));
}

static void test_a_signal_that_is_not_wanted_is_answered_and_counted(void **state)
{
    (void)state;
    struct metric *ignored = metric_register(
        METRIC_COUNTER, "telltale_receiver_ignored_requests_total", "", "signal=\"traces\"");
    uint64_t before = metric_get(ignored);

    restart_with_signals(SIGNALS_LOGS | SIGNALS_METRICS);
    struct otlp_reply reply =
        otlp_post("/v1/traces", JSON, NULL,
                  SLICE("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}]}"));
    assert_int_equal(reply.http_status, 200);
    assert_string_equal(otlp_reply_text(&reply), "{\"partialSuccess\":{}}");
    reply = otlp_post("/v1/metrics", PROTOBUF, NULL, SLICE_EMPTY);
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply.body_size, 0);
    assert_int_equal(metric_get(ignored), before + 1);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 0);
}

static void assert_pipeline_record(size_t index, const char *reason)
{
    const struct test_journal *journal = &otlp_bench.journal;

    assert_string_equal(test_journal_attribute(journal, index, "agent.event.kind"),
                        "agent.pipeline");
    assert_string_equal(test_journal_attribute(journal, index, "agent.pipeline.reason"), reason);
    assert_string_equal(test_journal_attribute(journal, index, "agent.pipeline.count"), "1");
}

/* --- What is refused -----------------------------------------------------------------------------
 */

static void test_wrong_method_path_and_type_are_told(void **state)
{
    (void)state;
    struct otlp_call call;

    otlp_call_prepare(&call, "/v1/logs", JSON, NULL, SLICE_EMPTY);
    curl_easy_setopt(call.curl, CURLOPT_HTTPGET, 1L);
    otlp_call_perform(&call);
    assert_int_equal(call.reply.http_status, 405);
    assert_non_null(strstr(call.reply.headers, "Allow: POST"));

    assert_int_equal(otlp_post("/v2/logs", JSON, NULL, SLICE("{}")).http_status, 404);
    struct otlp_reply reply = otlp_post_text("text/plain", "{}");
    assert_int_equal(reply.http_status, 415);
    assert_non_null(strstr(otlp_reply_text(&reply), "application/x-protobuf"));
    assert_int_equal(otlp_post_text("application/jsonx", "{}").http_status, 415);
    assert_int_equal(otlp_post_text(NULL, "{}").http_status, 415);
}

static void test_bad_bodies_are_answered_in_their_encoding(void **state)
{
    (void)state;
    struct otlp_reply reply = otlp_post_text(JSON, "{\"resourceLogs\":[");

    assert_int_equal(reply.http_status, 400);
    assert_int_equal(strncmp(otlp_reply_text(&reply), "{\"code\":3,\"message\":\"", 21), 0);
    reply = otlp_post_text(PROTOBUF, "\x0a\x7f broken");
    assert_int_equal(reply.http_status, 400);
    assert_non_null(strstr(reply.headers, "Content-Type: application/x-protobuf"));
    assert_status_message(&reply, 3);
    reply = otlp_post("/v1/logs", PROTOBUF, "gzip", SLICE("this is no gzip"));
    assert_int_equal(reply.http_status, 400);
    assert_status_message(&reply, 3);
    reply = otlp_post("/v1/logs", JSON, "br", SLICE("{}"));
    assert_int_equal(reply.http_status, 400);
    assert_non_null(strstr(otlp_reply_text(&reply), "\"code\":3"));
    /* The first is told of at once, the others when a second is over, which it may be. */
    size_t told = test_journal_read(&otlp_bench.journal);
    assert_in_range(told, 1, 4);
    assert_pipeline_record(0, "parse_error");
    for (size_t i = 1; i < told; i++)
        assert_string_equal(test_journal_attribute(&otlp_bench.journal, i, "agent.pipeline.reason"),
                            "parse_error");
}

/* Lays a tag and the length in front of a field; there is room. */
static struct slice wrapped(struct slice content, uint32_t number)
{
    uint8_t header[PB_TAG_MAX + PB_VARINT_MAX];
    size_t size = (size_t)(pb_put_header(header, number, content.size) - header);

    uint8_t *at = memcpy((uint8_t *)content.data - size, header, size);
    return slice_of(at, size + content.size);
}

/* To come again with it would help nobody: it is not 503. */
static void test_resource_that_nests_too_deep_is_400(void **state)
{
    (void)state;
    uint8_t bytes[1024] = {[1022] = 0x18, [1023] = 1}; /* a number, at the end */
    struct slice content = slice_of(bytes + 1022, 2);

    for (int depth = 0; depth <= OTLP_DEPTH_MAX; depth++)
        content = wrapped(wrapped(content, LIST_VALUES), ANY_ARRAY);
    content = wrapped(wrapped(content, KEY_VALUE_VALUE), RESOURCE_ATTRIBUTES);
    content = wrapped(wrapped(content, RESOURCE_LOGS_RESOURCE), REQUEST_RESOURCE_LOGS);
    struct otlp_reply reply = otlp_post("/v1/logs", PROTOBUF, NULL, content);
    assert_int_equal(reply.http_status, 400);
    assert_status_message(&reply, 3);
}

/* What is not compressed may have what a compressed body may inflate to. */
static void test_body_over_the_limit_is_413(void **state)
{
    (void)state;
    uint8_t *body = calloc(1, DECODED_SIZE_MAX + 1);

    assert_non_null(body);
    struct otlp_reply reply =
        otlp_post("/v1/logs", PROTOBUF, NULL, slice_of(body, DECODED_SIZE_MAX + 1));
    assert_int_equal(reply.http_status, 413);
    assert_status_message(&reply, 8);
    reply = post_chunked(JSON, slice_of(body, DECODED_SIZE_MAX + 1));
    assert_int_equal(reply.http_status, 413);
    assert_non_null(strstr(otlp_reply_text(&reply), "\"code\":8"));
    reply = otlp_post("/v1/logs", PROTOBUF, "gzip", slice_of(body, BODY_SIZE_MAX + 1));
    assert_int_equal(reply.http_status, 413);
    reply = otlp_post("/v1/logs", PROTOBUF, NULL, slice_of(body, BODY_SIZE_MAX + 1));
    assert_int_equal(reply.http_status, 400);
    free(body);
}

static void test_body_that_inflates_over_the_limit_is_413(void **state)
{
    (void)state;
    uint8_t *zeros = calloc(1, 2 * DECODED_SIZE_MAX);
    uint8_t *packed = malloc(BODY_SIZE_MAX);

    assert_true(zeros != NULL && packed != NULL);
    size_t size = gzip(zeros, 2 * DECODED_SIZE_MAX, packed, BODY_SIZE_MAX);
    struct otlp_reply reply = otlp_post("/v1/logs", PROTOBUF, "gzip", slice_of(packed, size));
    assert_int_equal(reply.http_status, 413);
    assert_status_message(&reply, 8);
    size = ZSTD_compress(packed, BODY_SIZE_MAX, zeros, 2 * DECODED_SIZE_MAX, 3);
    assert_false(ZSTD_isError(size));
    assert_int_equal(otlp_post("/v1/logs", JSON, "zstd", slice_of(packed, size)).http_status, 413);
    free(zeros);
    free(packed);
}

/* The middle one of three has more attributes than a record may have. */
static void test_record_over_a_limit_is_refused_alone(void **state)
{
    (void)state;
    struct buf *text = &otlp_bench.scratch;
    static const char head[] = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["
                               "{\"body\":{\"stringValue\":\"first\"}},{\"attributes\":[";
    static const char tail[] = "]},{\"body\":{\"stringValue\":\"third\"}}]}]}]}";
    char attribute[80];

    assert_int_equal(buf_append(text, head, strlen(head), &otlp_bench.err), ST_OK);
    for (int i = 0; i < 1100; i++) {
        int size = snprintf(attribute, sizeof(attribute),
                            "%s{\"key\":\"k%d\",\"value\":{\"intValue\":1}}", i > 0 ? "," : "", i);
        assert_int_equal(buf_append(text, attribute, (size_t)size, &otlp_bench.err), ST_OK);
    }
    assert_int_equal(buf_append(text, tail, strlen(tail), &otlp_bench.err), ST_OK);
    struct otlp_reply reply = otlp_post("/v1/logs", JSON, NULL, buf_slice(text));
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply.http_status, 200);
    assert_non_null(
        strstr(otlp_reply_text(&reply), "{\"rejectedLogRecords\":\"1\",\"errorMessage\":\""));
    assert_int_equal(test_journal_read(&otlp_bench.journal), 3);
    assert_string_equal(test_journal_body(&otlp_bench.journal, 0), "first");
    assert_string_equal(test_journal_body(&otlp_bench.journal, 1), "third");
    assert_pipeline_record(2, "oversize");
}

#define HTTP_TEST(test) cmocka_unit_test_setup_teardown(test, otlp_bench_make, otlp_bench_drop)
#define HTTP_TEST_FEW(test)                                                                        \
    cmocka_unit_test_setup_teardown(test, setup_with_few_connections, otlp_bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_recorded_protobuf_is_kept_byte_for_byte),
        HTTP_TEST(test_recorded_json_is_kept_as_its_protobuf),
        HTTP_TEST(test_compressed_bodies_are_taken),
        HTTP_TEST(test_chunked_bodies_are_taken),
        HTTP_TEST(test_extra_paths_are_taken_as_logs),
        HTTP_TEST(test_unix_sockets_name_their_senders),
        HTTP_TEST_FEW(test_a_user_with_too_many_connections_is_told_and_others_are_not_shut_out),
        HTTP_TEST_FEW(test_requests_of_a_refused_connection_are_not_taken),
        HTTP_TEST(test_empty_requests_are_success),
        HTTP_TEST(test_recorded_spans_are_kept_byte_for_byte),
        HTTP_TEST(test_recorded_metrics_are_kept_byte_for_byte),
        HTTP_TEST(test_recorded_json_spans_are_kept_as_their_protobuf),
        HTTP_TEST(test_a_bad_span_is_refused_alone),
        HTTP_TEST(test_of_a_bad_metric_the_data_points_are_counted),
        HTTP_TEST(test_a_signal_that_is_not_wanted_is_answered_and_counted),
        HTTP_TEST(test_wrong_method_path_and_type_are_told),
        HTTP_TEST(test_bad_bodies_are_answered_in_their_encoding),
        HTTP_TEST(test_resource_that_nests_too_deep_is_400),
        HTTP_TEST(test_body_over_the_limit_is_413),
        HTTP_TEST(test_body_that_inflates_over_the_limit_is_413),
        HTTP_TEST(test_record_over_a_limit_is_refused_alone),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
