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

#include <curl/curl.h>
#include <zlib.h>
#include <zstd.h>

#include "google/rpc/status.pb-c.h"
#include "metrics/metrics.h"
#include "net/listener.h"
#include "receivers/otlp_http_receiver.h"
#include "support/collected.h"
#include "support/recorded.h"
#include "support/test_journal.h"
#include "wire/otlp_json.h"

#define PROTOBUF "application/x-protobuf"
#define JSON     "application/json"

enum { BODY_SIZE_MAX = 1 << 20, DECODED_SIZE_MAX = 2 << 20 };

struct fixture {
    struct test_journal journal;
    struct temp_dir dir;
    struct listener listeners[2];
    struct admission admission;
    struct otlp_http_receiver *receiver;
    struct error err;
    struct buf scratch;
};

static struct fixture fixture;
static unsigned kept_signals = SIGNALS_ALL;

/* A key over the limit of 1 KiB. */
#define KEY_64   "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
#define KEY_256  KEY_64 KEY_64 KEY_64 KEY_64
#define LONG_KEY KEY_256 KEY_256 KEY_256 KEY_256 "k"

static unsigned int connections_per_uid_max; /* 0: as by default */

static void start(uint64_t journal_size, uint64_t pending_bytes_max)
{
    static const char *const extra_paths[] = {"/codex", NULL};
    char address[LISTENER_NAME_MAX];
    const struct listener_settings listening = {.mode = 0600};
    struct otlp_http_settings settings;

    memset(&fixture, 0, sizeof(fixture));
    test_journal_open_with(&fixture.journal, journal_size, pending_bytes_max);
    temp_dir_make(&fixture.dir);
    snprintf(address, sizeof(address), "unix:%.90s/h.sock", fixture.dir.path);
    assert_int_equal(listener_open("127.0.0.1:0", &listening, &fixture.listeners[0], &fixture.err),
                     ST_OK);
    assert_int_equal(listener_open(address, &listening, &fixture.listeners[1], &fixture.err),
                     ST_OK);
    admission_init(&fixture.admission, (size_t)64 << 20);
    otlp_http_settings_default(&settings);
    settings.listeners = fixture.listeners;
    settings.listener_count = 2;
    if (connections_per_uid_max > 0)
        settings.connections_per_uid_max = connections_per_uid_max;
    settings.signals = kept_signals;
    settings.request_limits.body_size_max = BODY_SIZE_MAX;
    settings.request_limits.decoded_size_max = DECODED_SIZE_MAX;
    settings.request_limits.extra_paths = extra_paths;
    assert_int_equal(otlp_http_receiver_start(&settings, fixture.journal.journal,
                                              &fixture.admission, &fixture.receiver, &fixture.err),
                     ST_OK);
    buf_init(&fixture.scratch, 64 << 20);
}

static int setup(void **state)
{
    (void)state;
    start(UINT64_C(1) << 30, UINT64_C(64) << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_journal_release_syncs();
    otlp_http_receiver_stop(fixture.receiver);
    assert_int_equal(admission_used(&fixture.admission), 0);
    listener_close(&fixture.listeners[0]);
    listener_close(&fixture.listeners[1]);
    test_journal_close(&fixture.journal);
    temp_dir_remove(&fixture.dir);
    buf_fini(&fixture.scratch);
    return 0;
}

/* --- A client --------------------------------------------------------------------------------- */

struct reply {
    long http_status;
    char headers[4096];
    size_t headers_size;
    uint8_t body[8192];
    size_t body_size;
};

struct call {
    CURL *curl;
    struct curl_slist *headers;
    struct reply reply;
    struct slice body;
};

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    size_t all = size * count;

    assert_true(reply->headers_size + all < sizeof(reply->headers));
    memcpy(reply->headers + reply->headers_size, data, all);
    reply->headers_size += all;
    return all;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    size_t all = size * count;

    assert_true(reply->body_size + all < sizeof(reply->body));
    memcpy(reply->body + reply->body_size, data, all);
    reply->body_size += all;
    return all;
}

static size_t on_read(char *out, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t all = size * count < call->body.size ? size * count : call->body.size;

    if (all > 0)
        memcpy(out, call->body.data, all);
    call->body = slice_from(call->body, all);
    return all;
}

static void add_header(struct call *call, const char *name, const char *value)
{
    char line[160];

    snprintf(line, sizeof(line), "%s: %s", name, value);
    call->headers = curl_slist_append(call->headers, line);
    assert_non_null(call->headers);
}

/* `type` or `encoding` NULL: no such header. */
static void call_prepare(struct call *call, const char *path, const char *type,
                         const char *encoding, struct slice body)
{
    char url[200];

    *call = (struct call){.curl = curl_easy_init(), .body = body};
    assert_non_null(call->curl);
    snprintf(url, sizeof(url), "http://%s%s", fixture.listeners[0].name, path);
    curl_easy_setopt(call->curl, CURLOPT_URL, url);
    curl_easy_setopt(call->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(call->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(call->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    curl_easy_setopt(call->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(call->curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(call->curl, CURLOPT_READDATA, call);
    curl_easy_setopt(call->curl, CURLOPT_HEADERDATA, &call->reply);
    curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, &call->reply);
    if (type != NULL)
        add_header(call, "Content-Type", type);
    else
        call->headers = curl_slist_append(call->headers, "Content-Type:");
    if (encoding != NULL)
        add_header(call, "Content-Encoding", encoding);
}

static void call_finish(struct call *call)
{
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &call->reply.http_status);
    call->reply.headers[call->reply.headers_size] = 0;
    call->reply.body[call->reply.body_size] = 0;
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
}

static void call_perform(struct call *call)
{
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    CURLcode code = curl_easy_perform(call->curl);
    if (code != CURLE_OK)
        fail_msg("%s", curl_easy_strerror(code));
    call_finish(call);
}

static struct reply post(const char *path, const char *type, const char *encoding,
                         struct slice body)
{
    struct call call;

    call_prepare(&call, path, type, encoding, body);
    call_perform(&call);
    return call.reply;
}

static struct reply post_text(const char *type, const char *text)
{
    return post("/v1/logs", type, NULL, slice_of_text(text));
}

static const char *text_of(const struct reply *reply)
{
    return (const char *)reply->body;
}

static void assert_status_message(const struct reply *reply, unsigned int code)
{
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, reply->body_size, reply->body);

    assert_non_null(status);
    assert_int_equal(status->code, code);
    assert_true(strlen(status->message) > 0);
    google__rpc__status__free_unpacked(status, NULL);
}

static void restart_with_signals(unsigned signals)
{
    (void)teardown(NULL);
    kept_signals = signals;
    (void)setup(NULL);
    kept_signals = SIGNALS_ALL;
}

/* A request of one record with this body, in JSON. */
static const char *one_record(const char *body)
{
    static char text[512];

    snprintf(text, sizeof(text),
             "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":"
             "\"%s\"}}]}]}]}",
             body);
    return text;
}

/* --- What arrives is kept --------------------------------------------------------------------- */

static void assert_kept(struct slice request)
{
    struct collected sent;

    assert_int_equal(collected_read(&sent, request, &fixture.err), ST_OK);
    assert_true(sent.record_count > 0);
    assert_int_equal(test_journal_read(&fixture.journal), sent.record_count);
    for (size_t i = 0; i < sent.record_count; i++) {
        const struct record *kept = &fixture.journal.batch.records[i];
        assert_true(slice_starts_with(kept->bytes, sent.records[i].bytes));
        const struct record_group *group = &fixture.journal.batch.groups[kept->group_index];
        const struct record_group *expected = &sent.groups[sent.records[i].group_index];
        assert_true(slice_equal(group->resource_logs_fields, expected->resource_logs_fields));
        assert_true(slice_equal(group->scope_logs_fields, expected->scope_logs_fields));
        assert_string_not_equal(test_journal_attribute(&fixture.journal, i, "agent.event.kind"),
                                "");
    }
    collected_fini(&sent);
}

static void read_recording(const char *name)
{
    buf_clear(&fixture.scratch);
    recorded_read(name, &fixture.scratch);
}

static void test_recorded_protobuf_is_kept_byte_for_byte(void **state)
{
    (void)state;
    read_recording("codex-0.169.0/http-protobuf/exfil/logs/001.bin");
    struct reply reply = post("/v1/logs", PROTOBUF, NULL, buf_slice(&fixture.scratch));
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply.body_size, 0);
    assert_non_null(strstr(reply.headers, "Content-Type: application/x-protobuf"));
    assert_kept(buf_slice(&fixture.scratch));
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.transport"),
                        "otlp_http_protobuf");
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.attestation"),
                        "uid");
    char uid[16];
    snprintf(uid, sizeof(uid), "%u", geteuid());
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.uid"), uid);
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.pid"), "");
}

static void test_recorded_json_is_kept_as_its_protobuf(void **state)
{
    (void)state;
    struct buf protobuf;

    read_recording("qwen-code-0.15.10/http-json/refactor/logs/001.json");
    struct reply reply =
        post("/v1/logs", JSON "; charset=utf-8", NULL, buf_slice(&fixture.scratch));
    assert_int_equal(reply.http_status, 200);
    assert_string_equal(text_of(&reply), "{\"partialSuccess\":{}}");
    assert_non_null(strstr(reply.headers, "Content-Type: application/json"));
    buf_init(&protobuf, 64 << 20);
    assert_int_equal(otlp_json_read_request(buf_slice(&fixture.scratch), SIGNAL_LOGS,
                                            &otlp_limits_default, &protobuf, &fixture.err),
                     ST_OK);
    assert_kept(buf_slice(&protobuf));
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.transport"),
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
    const char *text = one_record("packed");

    size_t size = gzip(text, strlen(text), packed, sizeof(packed));
    assert_int_equal(post("/v1/logs", JSON, "gzip", slice_of(packed, size)).http_status, 200);
    size = ZSTD_compress(packed, sizeof(packed), text, strlen(text), 3);
    assert_false(ZSTD_isError(size));
    assert_int_equal(post("/v1/logs", JSON, "zstd", slice_of(packed, size)).http_status, 200);
    assert_int_equal(post("/v1/logs", JSON, "identity", slice_of_text(text)).http_status, 200);
    assert_int_equal(test_journal_read(&fixture.journal), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(test_journal_body(&fixture.journal, i), "packed");
}

static struct reply post_chunked(const char *type, struct slice body)
{
    struct call call;

    call_prepare(&call, "/v1/logs", type, NULL, body);
    curl_easy_setopt(call.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    add_header(&call, "Transfer-Encoding", "chunked");
    call_perform(&call);
    return call.reply;
}

static void test_chunked_bodies_are_taken(void **state)
{
    (void)state;
    struct reply reply = post_chunked(JSON, slice_of_text(one_record("in chunks")));

    assert_int_equal(reply.http_status, 200);
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    assert_string_equal(test_journal_body(&fixture.journal, 0), "in chunks");
}

static void test_extra_paths_are_taken_as_logs(void **state)
{
    (void)state;
    const char *text = one_record("elsewhere");

    assert_int_equal(post("/codex", JSON, NULL, slice_of_text(text)).http_status, 200);
    assert_int_equal(test_journal_read(&fixture.journal), 1);
}

static void test_unix_sockets_name_their_senders(void **state)
{
    (void)state;
    struct call call;
    char pid[16];

    call_prepare(&call, "/v1/logs", JSON, NULL, slice_of_text(one_record("attested")));
    curl_easy_setopt(call.curl, CURLOPT_UNIX_SOCKET_PATH, fixture.listeners[1].path);
    call_perform(&call);
    assert_int_equal(call.reply.http_status, 200);
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.attestation"),
                        "kernel");
    snprintf(pid, sizeof(pid), "%d", getpid());
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.pid"), pid);
    char program[PATH_MAX] = "";
    assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.executable.path"),
                        program);
}

/* --- How many connections ----------------------------------------------------------------------
 */

enum { PER_UID_MAX = 4 };

static int setup_with_few_connections(void **state)
{
    (void)state;
    connections_per_uid_max = PER_UID_MAX;
    start(UINT64_C(1) << 30, UINT64_C(64) << 20);
    connections_per_uid_max = 0;
    return 0;
}

static int connect_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, fixture.listeners[1].path, strlen(fixture.listeners[1].path) + 1);
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
    assert_int_equal(post_text(JSON, one_record("now there is room")).http_status, 200);
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
    const char *body = one_record("of one too many");
    int size = snprintf(text, sizeof(text), "%s%zu\r\n\r\n%s", request, strlen(body), body);
    int fd = connect_unix();
    ssize_t sent = send(fd, text, (size_t)size, MSG_NOSIGNAL);
    (void)sent; /* it may be closed already */
    read_all(fd, answer, sizeof(answer));
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    (void)close(fd);
    assert_int_equal(test_journal_read(&fixture.journal), 0);
    for (int i = 0; i < PER_UID_MAX; i++)
        (void)close(held[i]);
}

static void test_empty_requests_are_success(void **state)
{
    (void)state;
    assert_int_equal(post_text(PROTOBUF, "").http_status, 200);
    assert_int_equal(post_text(JSON, "{}").http_status, 200);
    assert_int_equal(post_text(JSON, "").http_status, 200);
    assert_int_equal(test_journal_read(&fixture.journal), 0);
}

/* Spans and metrics are kept with nothing behind them. */
static void assert_kept_as_it_came(enum signal signal, struct slice request)
{
    struct collected sent;

    assert_int_equal(collected_read(&sent, request, &fixture.err), ST_OK);
    assert_true(sent.record_count > 0);
    assert_int_equal(test_journal_read(&fixture.journal), sent.record_count);
    for (size_t i = 0; i < sent.record_count; i++) {
        const struct record *kept = &fixture.journal.batch.records[i];
        const struct record_group *group = &fixture.journal.batch.groups[kept->group_index];
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
    assert_int_equal(post("/v1/traces", PROTOBUF, NULL, buf_slice(&fixture.scratch)).http_status,
                     200);
    assert_kept_as_it_came(SIGNAL_TRACES, buf_slice(&fixture.scratch));
}

static void test_recorded_metrics_are_kept_byte_for_byte(void **state)
{
    (void)state;
    read_recording("gemini-cli-0.61.0/grpc/exfil-yolo/metrics/001.bin");
    assert_int_equal(post("/v1/metrics", PROTOBUF, NULL, buf_slice(&fixture.scratch)).http_status,
                     200);
    assert_kept_as_it_came(SIGNAL_METRICS, buf_slice(&fixture.scratch));
}

static void test_recorded_json_spans_are_kept_as_their_protobuf(void **state)
{
    (void)state;
    struct buf protobuf;

    read_recording("codex-0.169.0/http-json/approvals-appserver/traces/003.json");
    struct reply reply = post("/v1/traces", JSON, NULL, buf_slice(&fixture.scratch));
    assert_int_equal(reply.http_status, 200);
    buf_init(&protobuf, 64 << 20);
    assert_int_equal(otlp_json_read_request(buf_slice(&fixture.scratch), SIGNAL_TRACES,
                                            &otlp_limits_default, &protobuf, &fixture.err),
                     ST_OK);
    assert_kept_as_it_came(SIGNAL_TRACES, buf_slice(&protobuf));
    buf_fini(&protobuf);
}

static void test_a_bad_span_is_refused_alone(void **state)
{
    (void)state;
    struct reply reply =
        post("/v1/traces", JSON, NULL,
             SLICE("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"},"
                   "{\"attributes\":[{\"key\":\"" LONG_KEY "\"}]},{\"name\":\"b\"}]}]}]}"));
    assert_int_equal(reply.http_status, 200);
    assert_non_null(strstr(text_of(&reply), "\"rejectedSpans\":\"1\""));
    assert_non_null(strstr(text_of(&reply), "a span: attributes: the key"));
    /* With the record of the refusal behind the two. */
    assert_int_equal(test_journal_read(&fixture.journal), 3);
    assert_int_equal(
        fixture.journal.batch.groups[fixture.journal.batch.records[2].group_index].signal,
        SIGNAL_LOGS);
}

static void test_of_a_bad_metric_the_data_points_are_counted(void **state)
{
    (void)state;
    struct reply reply =
        post("/v1/metrics", JSON, NULL,
             SLICE("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"good\"},"
                   "{\"gauge\":{\"dataPoints\":[{\"asInt\":1},{\"asInt\":2},{\"attributes\":["
                   "{\"key\":\"" LONG_KEY "\"}]}]}}]}]}]}"));
    assert_int_equal(reply.http_status, 200);
    assert_non_null(strstr(text_of(&reply), "\"rejectedDataPoints\":\"3\""));
}

static void test_a_signal_that_is_not_wanted_is_answered_and_counted(void **state)
{
    (void)state;
    struct metric *ignored = metric_register(
        METRIC_COUNTER, "telltale_receiver_ignored_requests_total", "", "signal=\"traces\"");
    uint64_t before = metric_get(ignored);

    restart_with_signals(SIGNALS_LOGS | SIGNALS_METRICS);
    struct reply reply = post("/v1/traces", JSON, NULL,
                              SLICE("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}]}"));
    assert_int_equal(reply.http_status, 200);
    assert_string_equal(text_of(&reply), "{\"partialSuccess\":{}}");
    reply = post("/v1/metrics", PROTOBUF, NULL, SLICE_EMPTY);
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply.body_size, 0);
    assert_int_equal(metric_get(ignored), before + 1);
    assert_int_equal(test_journal_read(&fixture.journal), 0);
}

static void assert_pipeline_record(size_t index, const char *reason)
{
    const struct test_journal *journal = &fixture.journal;

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
    struct call call;

    call_prepare(&call, "/v1/logs", JSON, NULL, SLICE_EMPTY);
    curl_easy_setopt(call.curl, CURLOPT_HTTPGET, 1L);
    call_perform(&call);
    assert_int_equal(call.reply.http_status, 405);
    assert_non_null(strstr(call.reply.headers, "Allow: POST"));

    assert_int_equal(post("/v2/logs", JSON, NULL, SLICE("{}")).http_status, 404);
    struct reply reply = post_text("text/plain", "{}");
    assert_int_equal(reply.http_status, 415);
    assert_non_null(strstr(text_of(&reply), "application/x-protobuf"));
    assert_int_equal(post_text("application/jsonx", "{}").http_status, 415);
    assert_int_equal(post_text(NULL, "{}").http_status, 415);
}

static void test_bad_bodies_are_answered_in_their_encoding(void **state)
{
    (void)state;
    struct reply reply = post_text(JSON, "{\"resourceLogs\":[");

    assert_int_equal(reply.http_status, 400);
    assert_int_equal(strncmp(text_of(&reply), "{\"code\":3,\"message\":\"", 21), 0);
    reply = post_text(PROTOBUF, "\x0a\x7f broken");
    assert_int_equal(reply.http_status, 400);
    assert_non_null(strstr(reply.headers, "Content-Type: application/x-protobuf"));
    assert_status_message(&reply, 3);
    reply = post("/v1/logs", PROTOBUF, "gzip", SLICE("this is no gzip"));
    assert_int_equal(reply.http_status, 400);
    assert_status_message(&reply, 3);
    reply = post("/v1/logs", JSON, "br", SLICE("{}"));
    assert_int_equal(reply.http_status, 400);
    assert_non_null(strstr(text_of(&reply), "\"code\":3"));
    /* The first is told of at once, the others when a second is over, which it may be. */
    size_t told = test_journal_read(&fixture.journal);
    assert_in_range(told, 1, 4);
    assert_pipeline_record(0, "parse_error");
    for (size_t i = 1; i < told; i++)
        assert_string_equal(test_journal_attribute(&fixture.journal, i, "agent.pipeline.reason"),
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
    struct reply reply = post("/v1/logs", PROTOBUF, NULL, content);
    assert_int_equal(reply.http_status, 400);
    assert_status_message(&reply, 3);
}

/* What is not compressed may have what a compressed body may inflate to. */
static void test_body_over_the_limit_is_413(void **state)
{
    (void)state;
    uint8_t *body = calloc(1, DECODED_SIZE_MAX + 1);

    assert_non_null(body);
    struct reply reply = post("/v1/logs", PROTOBUF, NULL, slice_of(body, DECODED_SIZE_MAX + 1));
    assert_int_equal(reply.http_status, 413);
    assert_status_message(&reply, 8);
    reply = post_chunked(JSON, slice_of(body, DECODED_SIZE_MAX + 1));
    assert_int_equal(reply.http_status, 413);
    assert_non_null(strstr(text_of(&reply), "\"code\":8"));
    reply = post("/v1/logs", PROTOBUF, "gzip", slice_of(body, BODY_SIZE_MAX + 1));
    assert_int_equal(reply.http_status, 413);
    reply = post("/v1/logs", PROTOBUF, NULL, slice_of(body, BODY_SIZE_MAX + 1));
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
    struct reply reply = post("/v1/logs", PROTOBUF, "gzip", slice_of(packed, size));
    assert_int_equal(reply.http_status, 413);
    assert_status_message(&reply, 8);
    size = ZSTD_compress(packed, BODY_SIZE_MAX, zeros, 2 * DECODED_SIZE_MAX, 3);
    assert_false(ZSTD_isError(size));
    assert_int_equal(post("/v1/logs", JSON, "zstd", slice_of(packed, size)).http_status, 413);
    free(zeros);
    free(packed);
}

/* The middle one of three has more attributes than a record may have. */
static void test_record_over_a_limit_is_refused_alone(void **state)
{
    (void)state;
    struct buf *text = &fixture.scratch;
    static const char head[] = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["
                               "{\"body\":{\"stringValue\":\"first\"}},{\"attributes\":[";
    static const char tail[] = "]},{\"body\":{\"stringValue\":\"third\"}}]}]}]}";
    char attribute[80];

    assert_int_equal(buf_append(text, head, strlen(head), &fixture.err), ST_OK);
    for (int i = 0; i < 1100; i++) {
        int size = snprintf(attribute, sizeof(attribute),
                            "%s{\"key\":\"k%d\",\"value\":{\"intValue\":1}}", i > 0 ? "," : "", i);
        assert_int_equal(buf_append(text, attribute, (size_t)size, &fixture.err), ST_OK);
    }
    assert_int_equal(buf_append(text, tail, strlen(tail), &fixture.err), ST_OK);
    struct reply reply = post("/v1/logs", JSON, NULL, buf_slice(text));
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply.http_status, 200);
    assert_non_null(strstr(text_of(&reply), "{\"rejectedLogRecords\":\"1\",\"errorMessage\":\""));
    assert_int_equal(test_journal_read(&fixture.journal), 3);
    assert_string_equal(test_journal_body(&fixture.journal, 0), "first");
    assert_string_equal(test_journal_body(&fixture.journal, 1), "third");
    assert_pipeline_record(2, "oversize");
}

/* --- The journal
 * ----------------------------------------------------------------------------------- */

/* Calls that run while the test looks on. */
static void run_while(CURLM *multi, bool (*go_on)(int running))
{
    int running = 1;

    do {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        assert_int_equal(curl_multi_poll(multi, NULL, 0, 2, NULL), CURLM_OK);
    } while (go_on(running));
}

static bool nothing_is_in_flight(int running)
{
    assert_true(running > 0);
    return admission_used(&fixture.admission) == 0;
}

/* What is in flight may still be converted; what the journal holds is under way to the disk. */
static uint64_t held_before;

static uint64_t held_by_journal(void)
{
    struct journal_room room;

    journal_read_room(fixture.journal.journal, &room);
    return room.held;
}

static bool the_journal_has_nothing_new(int running)
{
    assert_true(running > 0);
    return held_by_journal() == held_before;
}

enum { QUEUED = 6 };
static struct metric *waited;
static uint64_t waited_before;

static bool not_all_wait(int running)
{
    assert_int_equal(running, QUEUED);
    return metric_get(waited) < waited_before + QUEUED - 1;
}

static bool some_run(int running)
{
    return running > 0;
}

static void multi_add(CURLM *multi, struct call *call)
{
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    assert_int_equal(curl_multi_add_handle(multi, call->curl), CURLM_OK);
}

static void multi_finish(CURLM *multi, struct call *call)
{
    assert_int_equal(curl_multi_remove_handle(multi, call->curl), CURLM_OK);
    call_finish(call);
}

static void test_success_is_answered_only_after_the_sync(void **state)
{
    (void)state;
    CURLM *multi = curl_multi_init();
    struct call call;
    int running;

    test_journal_hold_syncs();
    call_prepare(&call, "/v1/logs", JSON, NULL, slice_of_text(one_record("held")));
    multi_add(multi, &call);
    run_while(multi, nothing_is_in_flight);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        assert_int_equal(running, 1);
        assert_int_equal(curl_multi_poll(multi, NULL, 0, 1, NULL), CURLM_OK);
    }
    assert_int_equal(journal_committed(fixture.journal.journal), 1);
    assert_int_equal(call.reply.headers_size, 0);
    test_journal_release_syncs();
    run_while(multi, some_run);
    multi_finish(multi, &call);
    assert_int_equal(call.reply.http_status, 200);
    assert_int_equal(journal_committed(fixture.journal.journal), 2);
    curl_multi_cleanup(multi);
}

/* The journal's queue has room for one of the batches only. */
static void test_full_queue_is_waited_for(void **state)
{
    (void)state;
    CURLM *multi = curl_multi_init();
    struct call calls[QUEUED];

    start(UINT64_C(1) << 30, 1);
    waited = metric_register(METRIC_COUNTER, "telltale_receiver_waited_requests_total", "",
                             "receiver=\"otlp_http\"");
    waited_before = metric_get(waited);
    test_journal_hold_syncs();
    for (int i = 0; i < QUEUED; i++) {
        call_prepare(&calls[i], "/v1/logs", JSON, NULL, slice_of_text(one_record("queued")));
        multi_add(multi, &calls[i]);
    }
    run_while(multi, not_all_wait);
    test_journal_release_syncs();
    run_while(multi, some_run);
    for (int i = 0; i < QUEUED; i++) {
        multi_finish(multi, &calls[i]);
        assert_int_equal(calls[i].reply.http_status, 200);
    }
    assert_int_equal(test_journal_read(&fixture.journal), QUEUED);
    curl_multi_cleanup(multi);
}

static void test_full_journal_is_503_with_retry_after(void **state)
{
    (void)state;
    struct reply reply = {0};

    start(1 << 20, UINT64_C(64) << 20);
    buf_clear(&fixture.scratch);
    char body[400];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = 0;
    for (int i = 0; i < 3000 && reply.http_status != 503; i++)
        reply = post_text(JSON, one_record(body));
    assert_int_equal(reply.http_status, 503);
    assert_non_null(strstr(reply.headers, "Retry-After: 30"));
    assert_int_equal(strncmp(text_of(&reply), "{\"code\":14,", 11), 0);
}

static void test_failed_disk_is_503(void **state)
{
    (void)state;
    test_journal_fail_syncs();
    struct reply reply = post_text(JSON, one_record("lost"));
    assert_int_equal(reply.http_status, 503);
    assert_non_null(strstr(reply.headers, "Retry-After: "));
}

static void test_memory_that_is_short_is_503(void **state)
{
    (void)state;
    admission_force(&fixture.admission, fixture.admission.limit);
    struct reply reply = post_text(JSON, one_record("no room"));
    assert_int_equal(reply.http_status, 503);
    admission_give(&fixture.admission, fixture.admission.limit);
    assert_int_equal(post_text(JSON, one_record("room")).http_status, 200);
}

/* Its records are kept: it was heard, it only does not learn of it. */
static void test_sender_that_hangs_up_while_it_waits_is_forgotten(void **state)
{
    (void)state;
    CURLM *multi = curl_multi_init();
    struct call call;

    test_journal_hold_syncs();
    call_prepare(&call, "/v1/logs", JSON, NULL, slice_of_text(one_record("gone")));
    multi_add(multi, &call);
    run_while(multi, nothing_is_in_flight);
    multi_finish(multi, &call);
    curl_multi_cleanup(multi); /* closes the connection */
    test_journal_release_syncs();
    assert_int_equal(post_text(JSON, one_record("next")).http_status, 200);
    assert_int_equal(test_journal_read(&fixture.journal), 2);
    assert_string_equal(test_journal_body(&fixture.journal, 0), "gone");
}

static void test_stop_answers_what_is_under_way(void **state)
{
    (void)state;
    CURLM *multi = curl_multi_init();
    struct call call;

    test_journal_hold_syncs();
    held_before = held_by_journal();
    call_prepare(&call, "/v1/logs", JSON, NULL, slice_of_text(one_record("last")));
    multi_add(multi, &call);
    run_while(multi, the_journal_has_nothing_new);
    test_journal_release_syncs();
    otlp_http_receiver_stop(fixture.receiver);
    fixture.receiver = NULL;
    run_while(multi, some_run);
    multi_finish(multi, &call);
    assert_int_equal(call.reply.http_status, 200);
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    curl_multi_cleanup(multi);
}

#define HTTP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define HTTP_TEST_FEW(test)                                                                        \
    cmocka_unit_test_setup_teardown(test, setup_with_few_connections, teardown)
#define HTTP_TEST_BARE(test) cmocka_unit_test_setup_teardown(test, NULL, teardown)

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
        HTTP_TEST(test_success_is_answered_only_after_the_sync),
        HTTP_TEST_BARE(test_full_queue_is_waited_for),
        HTTP_TEST_BARE(test_full_journal_is_503_with_retry_after),
        HTTP_TEST(test_failed_disk_is_503),
        HTTP_TEST(test_memory_that_is_short_is_503),
        HTTP_TEST(test_sender_that_hangs_up_while_it_waits_is_forgotten),
        HTTP_TEST(test_stop_answers_what_is_under_way),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
