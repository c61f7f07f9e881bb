/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_test.c -- the exporter against a real gRPC server. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <grpc/grpc.h>
#include <pthread.h>

#include "support/grpc_codes.h"
#include "support/grpc_sink.h"
#include "support/option.h"
#include "support/temp_dir.h"
#include "support/test_certs.h"
#include "telltale/encode.h"
#include "telltale/exporter.h"
#include "util/clock.h"

extern const struct exporter_ops exporter_otlp_grpc;

#define RETRY_7500MS                                                                               \
    SLICE("\x08\x08\x1a\x36"                                                                       \
          "\x0a\x28type.googleapis.com/google.rpc.RetryInfo"                                       \
          "\x12\x0a\x0a\x08\x08\x07\x10\x80\xca\xb5\xee\x01")

enum { RECORDS_MAX = 64, PLENTY_S = 30 };

/* One exporter, one server, and a directory for their files. */
struct bench {
    struct temp_dir dir;
    char endpoint[TEST_PATH_MAX];
    void *config;
    void *exporter;
    struct grpc_sink *sink;
    struct export_report report;
    struct error err;
};

static const struct exporter_ops *const ops = &exporter_otlp_grpc;

static int make_bench(void **state)
{
    static const char *const signals[] = {"logs", "traces", "metrics"};
    struct bench *bench = calloc(1, sizeof(*bench));
    temp_dir_make(&bench->dir);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "unix:%s/otlp.sock", bench->dir.path);
    bench->config = option_make_config(ops);
    option_set_text(ops, bench->config, "endpoint", bench->endpoint);
    option_set_enum(ops, bench->config, "compression", "gzip");
    option_set_number(ops, bench->config, "compression_level", 1);
    option_set_number(ops, bench->config, "keepalive.time", 300 * NS_PER_S);
    option_set_number(ops, bench->config, "keepalive.timeout", 20 * NS_PER_S);
    option_set_number(ops, bench->config, "max_message_size", 3584 * 1024);
    option_set_list(ops, bench->config, "signals", (struct config_text_list){signals, 3});
    *state = bench;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;
    ops->destroy(bench->exporter);
    grpc_sink_stop(bench->sink);
    free(bench->config);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

static void start_sink(struct bench *bench)
{
    const struct grpc_sink_settings settings = {.address = bench->endpoint};
    bench->sink = grpc_sink_start(&settings);
}

static void create_exporter(struct bench *bench)
{
    const struct exporter_context context = {.name = "otlp_grpc/test",
                                             .state_dir = bench->dir.path};
    assert_int_equal(ops->check(bench->config, &bench->err), ST_OK);
    assert_int_equal(ops->create(bench->config, &context, &bench->exporter, &bench->err), ST_OK);
}

/* A batch of `count` records, each a LogRecord with a body of `body_size` bytes. */
struct sample {
    struct record records[RECORDS_MAX];
    struct record_group group;
    struct batch batch;
    struct buf bytes;
};

static void make_sample(struct sample *sample, size_t count, size_t body_size)
{
    static const struct slice resource =
        SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test");
    struct error err;
    uint8_t head[32] = {0x2a}; /* body (5) = AnyValue { string_value (1) } */

    *sample = (struct sample){.group = {.resource_logs_fields = resource}};
    buf_init(&sample->bytes, SIZE_MAX / 2);
    assert_true(count <= RECORDS_MAX && body_size < 1 << 27);
    size_t inner = body_size + 5;
    for (int i = 0; i < 4; i++) {
        head[1 + i] = (uint8_t)((inner >> (7 * i) & 0x7f) | (i < 3 ? 0x80 : 0));
        head[6 + i] = (uint8_t)((body_size >> (7 * i) & 0x7f) | (i < 3 ? 0x80 : 0));
    }
    head[5] = 0x0a;
    assert_int_equal(buf_reserve(&sample->bytes, 10 + body_size, &err), ST_OK);
    memcpy(sample->bytes.data, head, 10);
    memset(sample->bytes.data + 10, 'a', body_size);
    for (size_t i = 0; i < body_size; i += 97)
        sample->bytes.data[10 + i] = (uint8_t)('b' + i % 20);
    sample->bytes.size = 10 + body_size;
    for (size_t i = 0; i < count; i++)
        sample->records[i] = (struct record){.sequence = i + 1, .bytes = buf_slice(&sample->bytes)};
    sample->batch = (struct batch){.records = sample->records,
                                   .record_count = count,
                                   .groups = &sample->group,
                                   .group_count = 1,
                                   .size_bytes = count * sample->bytes.size};
}

static enum export_result send_batch(struct bench *bench, const struct batch *batch,
                                     uint64_t timeout_ns)
{
    bench->report = (struct export_report){.rejected_count = 0};
    bench->err = (struct error){.status = ST_OK};
    return ops->send(bench->exporter, batch, clock_monotonic_ns() + timeout_ns, &bench->report,
                     &bench->err);
}

static enum export_result send_small(struct bench *bench)
{
    struct sample sample;
    make_sample(&sample, 3, 10);
    enum export_result result = send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S);
    buf_fini(&sample.bytes);
    return result;
}

static void assert_arrived(struct bench *bench, size_t index, const struct batch *batch)
{
    struct buf expected;
    struct error err;

    buf_init(&expected, SIZE_MAX / 2);
    assert_int_equal(encode_otlp_request(batch, &expected, &err), ST_OK);
    const struct grpc_sink_request *request = grpc_sink_request(bench->sink, index);
    assert_true(slice_equal(request->body, buf_slice(&expected)));
    buf_fini(&expected);
}

static void test_gzip_arrives_as_the_same_protobuf(void **state)
{
    struct bench *bench = *state;
    struct sample sample;

    start_sink(bench);
    create_exporter(bench);
    make_sample(&sample, RECORDS_MAX, 5000);
    assert_int_equal(send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S), EXPORT_DONE);
    assert_int_equal(bench->report.rejected_count, 0);
    assert_arrived(bench, 0, &sample.batch);
    const struct grpc_sink_request *request = grpc_sink_request(bench->sink, 0);
    assert_true(request->compressed);
    assert_true(request->wire_size * 4 < request->body.size);
    assert_int_equal(bench->report.sent_bytes, request->wire_size);
    assert_string_equal(request->path, "/opentelemetry.proto.collector.logs.v1.LogsService/Export");
    buf_fini(&sample.bytes);
}

static void test_plain_arrives_as_the_same_protobuf(void **state)
{
    struct bench *bench = *state;
    struct sample sample;

    option_set_enum(ops, bench->config, "compression", "none");
    start_sink(bench);
    create_exporter(bench);
    for (size_t i = 0; i < 4; i++) {
        make_sample(&sample, 1 + i * 20, 3000);
        assert_int_equal(send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S), EXPORT_DONE);
        assert_arrived(bench, i, &sample.batch);
        assert_false(grpc_sink_request(bench->sink, i)->compressed);
        buf_fini(&sample.bytes);
    }
    assert_int_equal(ops->tick(bench->exporter, 0, &bench->err), ST_OK);
    assert_int_equal(send_small(bench), EXPORT_DONE); /* with the buffers given back */
}

static void test_every_status_over_the_wire(void **state)
{
    struct bench *bench = *state;

    start_sink(bench);
    create_exporter(bench);
    for (size_t i = 0; i < GRPC_CODE_COUNT; i++) {
        const struct grpc_code_meaning *row = &grpc_code_meanings[i];
        const struct grpc_sink_answer answers[] = {
            {.code = row->code, .message = "as the script says"},
            {.code = row->code, .message = "as the script says", .details = RETRY_7500MS},
        };
        grpc_sink_script(bench->sink, answers, 2);
        assert_int_equal(send_small(bench), row->plain);
        assert_int_equal(bench->report.retry_after_ms, row->plain_delay_ms);
        if (row->plain != EXPORT_DONE)
            assert_string_equal(bench->report.message, "as the script says");
        assert_int_equal(send_small(bench), row->with_delay);
        assert_int_equal(bench->report.retry_after_ms, row->delay_ms);
    }
    assert_int_equal(grpc_sink_count(bench->sink), 2 * GRPC_CODE_COUNT);
}

static void test_partial_success_is_reported(void **state)
{
    struct bench *bench = *state;
    const struct grpc_sink_answer answers[] = {
        {.response = SLICE("\x0a\x09\x08\x02\x12\x05"
                           "stale")},
        {.response = SLICE("\x0a\x06\x12\x04slow")},
    };

    start_sink(bench);
    create_exporter(bench);
    grpc_sink_script(bench->sink, answers, 2);
    assert_int_equal(send_small(bench), EXPORT_DONE);
    assert_int_equal(bench->report.rejected_count, 2);
    assert_string_equal(bench->report.message, "stale");
    assert_int_equal(send_small(bench), EXPORT_DONE);
    assert_int_equal(bench->report.rejected_count, 0);
    assert_string_equal(bench->report.message, "slow");
}

static void test_each_signal_has_its_service(void **state)
{
    static const char *const paths[SIGNAL_COUNT] = {
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    };
    struct bench *bench = *state;
    struct sample sample;
    struct buf expected;

    start_sink(bench);
    create_exporter(bench);
    make_sample(&sample, 3, 10);
    buf_init(&expected, 1 << 20);
    assert_int_equal(encode_otlp_request(&sample.batch, &expected, &bench->err), ST_OK);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        sample.group.signal = (enum signal)i;
        assert_int_equal(send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S), EXPORT_DONE);
        const struct grpc_sink_request *request = grpc_sink_request(bench->sink, i);
        assert_string_equal(request->path, paths[i]);
        assert_true(slice_equal(request->body, buf_slice(&expected)));
    }
    buf_fini(&expected);
    buf_fini(&sample.bytes);
}

/* A partial success counts data points, of which a metric has any number. */
static void test_rejected_data_points_are_told_in_metrics(void **state)
{
    static const struct slice metric = SLICE("\x2a\x06\x0a\x00\x0a\x00\x0a\x00"); /* three */
    static const struct {
        struct slice response;
        uint32_t expected;
    } cases[] = {
        {SLICE("\x0a\x02\x08\x01"), 1}, /* one, of whatever metric */
        {SLICE("\x0a\x02\x08\x05"), 1}, /* not all: so not every metric was lost */
        {SLICE("\x0a\x02\x08\x06"), 2}, /* all */
        {SLICE("\x0a\x02\x08\x09"), 2}, /* more than there were */
    };
    struct grpc_sink_answer answers[COUNT_OF(cases)] = {{0}};
    struct bench *bench = *state;
    struct sample sample;

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        answers[i].response = cases[i].response;
    start_sink(bench);
    create_exporter(bench);
    grpc_sink_script(bench->sink, answers, COUNT_OF(answers));
    make_sample(&sample, 2, 10);
    sample.group.signal = SIGNAL_METRICS;
    sample.records[0].bytes = sample.records[1].bytes = metric;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S), EXPORT_DONE);
        assert_int_equal(bench->report.rejected_count, cases[i].expected);
    }
    buf_fini(&sample.bytes);
}

static void test_signals_are_chosen_by_name(void **state)
{
    static const char *const names[] = {"traces", "logs", "spans"};
    struct bench *bench = *state;

    option_set_list(ops, bench->config, "signals", (struct config_text_list){names, 2});
    assert_int_equal(ops->check(bench->config, &bench->err), ST_OK);
    assert_int_equal(exporter_signals(ops, bench->config), SIGNALS_TRACES | SIGNALS_LOGS);
    option_set_list(ops, bench->config, "signals", (struct config_text_list){names, 3});
    assert_int_equal(ops->check(bench->config, &bench->err), ST_INVALID);
    assert_non_null(strstr(bench->err.text, "'spans' is not one of logs, traces and metrics"));
    option_set_list(ops, bench->config, "signals", (struct config_text_list){names, 0});
    assert_int_equal(ops->check(bench->config, &bench->err), ST_INVALID);
}

static void test_headers_and_the_present_token_are_sent(void **state)
{
    struct bench *bench = *state;
    const struct config_text_pair pairs[] = {{"X-Scope-OrgID", "soc"}, {"x-team", "red blue"}};
    char token[TEST_PATH_MAX];

    test_certs_write(bench->dir.path, "token", "first\n", token);
    option_set_map(ops, bench->config, "headers", (struct config_text_map){pairs, 2});
    option_set_text(ops, bench->config, "token_file", token);
    start_sink(bench);
    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_DONE);
    test_certs_write(bench->dir.path, "token", "second one\n", token);
    assert_int_equal(send_small(bench), EXPORT_DONE);

    const struct grpc_sink_request *request = grpc_sink_request(bench->sink, 0);
    assert_string_equal(grpc_sink_header(request, "x-scope-orgid"), "soc");
    assert_string_equal(grpc_sink_header(request, "x-team"), "red blue");
    assert_string_equal(grpc_sink_header(request, "authorization"), "Bearer first");
    assert_ptr_equal(
        strstr(grpc_sink_header(request, "user-agent"), "telltale/" TELLTALE_VERSION " "),
        grpc_sink_header(request, "user-agent"));
    request = grpc_sink_request(bench->sink, 1);
    assert_string_equal(grpc_sink_header(request, "authorization"), "Bearer second one");
}

static void test_a_missing_token_keeps_the_batch(void **state)
{
    struct bench *bench = *state;
    char token[TEST_PATH_MAX];

    test_certs_write(bench->dir.path, "token", "\n", token);
    option_set_text(ops, bench->config, "token_file", token);
    start_sink(bench);
    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_non_null(strstr(bench->err.text, "is empty"));
    assert_int_equal(unlink(token), 0);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, 60000);
    assert_int_equal(grpc_sink_count(bench->sink), 0);
    test_certs_write(bench->dir.path, "token", "found", token);
    assert_int_equal(send_small(bench), EXPORT_DONE);
}

static void test_a_silent_server_ends_at_the_deadline(void **state)
{
    struct bench *bench = *state;
    const struct grpc_sink_answer answers[] = {{.hold = true}, {.code = GRPC_STATUS_OK}};
    struct sample sample;

    start_sink(bench);
    create_exporter(bench);
    grpc_sink_script(bench->sink, answers, 2);
    make_sample(&sample, 5, 100);
    assert_int_equal(send_batch(bench, &sample.batch, NS_PER_S / 2), EXPORT_RETRY);
    assert_ptr_equal(strstr(bench->err.text, "DEADLINE_EXCEEDED"), bench->err.text);
    assert_int_equal(bench->report.retry_after_ms, 0);
    assert_int_equal(send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S), EXPORT_DONE);
    assert_arrived(bench, 1, &sample.batch);
    buf_fini(&sample.bytes);
}

static void *cancel_when_it_has_come(void *context)
{
    struct bench *bench = context;

    while (grpc_sink_count(bench->sink) == 0)
        (void)sched_yield();
    ops->cancel(bench->exporter);
    return NULL;
}

static void test_a_cancel_ends_the_send_under_way_and_later_ones(void **state)
{
    struct bench *bench = *state;
    const struct grpc_sink_answer answers[] = {{.hold = true}};
    pthread_t thread;

    start_sink(bench);
    create_exporter(bench);
    grpc_sink_script(bench->sink, answers, 1);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_it_has_come, bench), 0);
    uint64_t before = clock_monotonic_ns();
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_ptr_equal(strstr(bench->err.text, "CANCELLED"), bench->err.text);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_true(clock_monotonic_ns() - before < PLENTY_S * NS_PER_S);
    assert_int_equal(grpc_sink_count(bench->sink), 1);
}

static void test_a_refused_connection_is_known_at_once(void **state)
{
    struct bench *bench = *state;

    create_exporter(bench); /* and nobody listens; the deadline is far */
    uint64_t before = clock_monotonic_ns();
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_true(clock_monotonic_ns() - before < PLENTY_S * NS_PER_S);
    assert_ptr_equal(strstr(bench->err.text, "UNAVAILABLE"), bench->err.text);
}

static void test_a_server_that_comes_back_is_found_again(void **state)
{
    struct bench *bench = *state;

    start_sink(bench);
    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_DONE);
    grpc_sink_stop(bench->sink);
    bench->sink = NULL;
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    start_sink(bench);
    enum export_result result = EXPORT_RETRY;
    for (int i = 0; i < 10 && result == EXPORT_RETRY; i++)
        result = send_small(bench);
    assert_int_equal(result, EXPORT_DONE);
    assert_int_equal(grpc_sink_count(bench->sink), 1);
}

/* Takes connections, reads a little and hangs up, until it is told to stop. */
static void *hang_up(void *context)
{
    int listener = *(int *)context;
    char bytes[64];

    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        ssize_t got = read(fd, bytes, sizeof(bytes));
        (void)got;
        (void)close(fd);
    }
}

static void test_a_server_that_hangs_up_means_retry(void **state)
{
    struct bench *bench = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t thread;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", bench->endpoint + 5);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(pthread_create(&thread, NULL, hang_up, &listener), 0);
    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    (void)shutdown(listener, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    (void)close(listener);
}

static void test_too_large_is_said_before_and_by_the_server(void **state)
{
    struct bench *bench = *state;
    struct sample sample;

    start_sink(bench);
    create_exporter(bench);
    make_sample(&sample, 2, 1900 * 1024); /* 3.7 MiB: over our limit, not sent */
    assert_int_equal(send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S), EXPORT_TOO_LARGE);
    assert_non_null(strstr(bench->err.text, "max_message_size"));
    assert_int_equal(grpc_sink_count(bench->sink), 0);
    sample.batch.record_count = 1;
    assert_int_equal(send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S), EXPORT_DONE);
    buf_fini(&sample.bytes);
}

static void test_a_single_record_over_the_servers_limit_is_too_large(void **state)
{
    struct bench *bench = *state;
    struct sample sample;

    option_set_enum(ops, bench->config, "compression", "none"); /* it counts what arrives */
    start_sink(bench);
    create_exporter(bench);
    make_sample(&sample, 1, 5 * 1024 * 1024);
    assert_int_equal(send_batch(bench, &sample.batch, PLENTY_S * NS_PER_S), EXPORT_TOO_LARGE);
    assert_ptr_equal(strstr(bench->err.text, "RESOURCE_EXHAUSTED"), bench->err.text);
    assert_int_equal(send_small(bench), EXPORT_DONE);
    buf_fini(&sample.bytes);
}

/* --- TLS -------------------------------------------------------------------------------------- */

struct tls_files {
    struct test_cert ca, other_ca, server, client;
    char ca_path[TEST_PATH_MAX], other_path[TEST_PATH_MAX];
    char cert_path[TEST_PATH_MAX], key_path[TEST_PATH_MAX];
};

static struct tls_files *start_tls(struct bench *bench, bool ask_for_client)
{
    struct tls_files *files = calloc(1, sizeof(*files));

    test_certs_make_ca(&files->ca);
    test_certs_make_ca(&files->other_ca);
    test_certs_make_signed(&files->ca, "otlp.test", &files->server);
    test_certs_make_signed(&files->ca, "agent.test", &files->client);
    test_certs_write(bench->dir.path, "ca.pem", files->ca.cert, files->ca_path);
    test_certs_write(bench->dir.path, "other.pem", files->other_ca.cert, files->other_path);
    test_certs_write(bench->dir.path, "cert.pem", files->client.cert, files->cert_path);
    test_certs_write(bench->dir.path, "key.pem", files->client.key, files->key_path);
    const struct grpc_sink_settings settings = {.address = "127.0.0.1:0",
                                                .cert = files->server.cert,
                                                .key = files->server.key,
                                                .client_ca =
                                                    ask_for_client ? files->ca.cert : NULL};
    bench->sink = grpc_sink_start(&settings);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "https://127.0.0.1:%d",
             grpc_sink_port(bench->sink));
    option_set_text(ops, bench->config, "tls.ca_file", files->ca_path);
    option_set_text(ops, bench->config, "tls.server_name_override", "otlp.test");
    return files;
}

static void test_tls_with_the_right_authority_and_name(void **state)
{
    struct bench *bench = *state;
    struct tls_files *files = start_tls(bench, false);

    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_DONE);
    assert_int_equal(grpc_sink_count(bench->sink), 1);
    free(files);
}

static void test_tls_with_a_foreign_authority_sends_nothing(void **state)
{
    struct bench *bench = *state;
    struct tls_files *files = start_tls(bench, false);

    option_set_text(ops, bench->config, "tls.ca_file", files->other_path);
    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_ptr_equal(strstr(bench->err.text, "UNAVAILABLE"), bench->err.text);
    assert_int_equal(grpc_sink_count(bench->sink), 0);
    free(files);
}

static void test_tls_with_another_name_sends_nothing(void **state)
{
    struct bench *bench = *state;
    struct tls_files *files = start_tls(bench, false);

    option_set_text(ops, bench->config, "tls.server_name_override", "else.test");
    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    assert_ptr_equal(strstr(bench->err.text, "UNAVAILABLE"), bench->err.text);
    assert_int_equal(grpc_sink_count(bench->sink), 0);
    free(files);
}

static void test_tls_shows_our_certificate_when_asked(void **state)
{
    struct bench *bench = *state;
    struct tls_files *files = start_tls(bench, true);

    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_RETRY); /* has none */
    ops->destroy(bench->exporter);
    bench->exporter = NULL;
    option_set_text(ops, bench->config, "tls.cert_file", files->cert_path);
    option_set_text(ops, bench->config, "tls.key_file", files->key_path);
    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_DONE);
    free(files);
}

static void test_replaced_certificates_are_taken_up(void **state)
{
    struct bench *bench = *state;
    struct tls_files *files = start_tls(bench, false);
    char path[TEST_PATH_MAX];

    option_set_text(ops, bench->config, "tls.ca_file", files->other_path);
    create_exporter(bench);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    test_certs_write(bench->dir.path, "other.pem", "half a file", path);
    assert_int_equal(send_small(bench), EXPORT_RETRY);
    test_certs_write(bench->dir.path, "other.pem", files->ca.cert, path);
    assert_int_equal(send_small(bench), EXPORT_DONE);
    free(files);
}

static void test_unusable_certificate_files_fail_creation(void **state)
{
    struct bench *bench = *state;
    const struct exporter_context context = {.name = "x", .state_dir = bench->dir.path};
    char path[TEST_PATH_MAX];

    snprintf(bench->endpoint, sizeof(bench->endpoint), "https://127.0.0.1:1");
    test_certs_write(bench->dir.path, "ca.pem", "no certificate", path);
    option_set_text(ops, bench->config, "tls.ca_file", path);
    assert_int_equal(ops->create(bench->config, &context, &bench->exporter, &bench->err),
                     ST_INVALID);
    assert_non_null(strstr(bench->err.text, "ca.pem' is not PEM"));
    option_set_text(ops, bench->config, "tls.ca_file", "/nonexistent/ca.pem");
    assert_int_equal(ops->create(bench->config, &context, &bench->exporter, &bench->err), ST_IO);
    assert_non_null(strstr(bench->err.text, "/nonexistent/ca.pem"));
    assert_null(bench->exporter);
}

/* --- Configuration ---------------------------------------------------------------------------- */

static enum status check_endpoint(struct bench *bench, const char *endpoint)
{
    option_set_text(ops, bench->config, "endpoint", endpoint);
    return ops->check(bench->config, &bench->err);
}

static void test_plain_text_leaves_the_machine_only_when_told(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(check_endpoint(bench, "soc.example:4317"), ST_OK); /* TLS */
    assert_int_equal(check_endpoint(bench, "http://127.0.0.1:4317"), ST_OK);
    assert_int_equal(check_endpoint(bench, "http://soc.example:4317"), ST_INVALID);
    assert_non_null(strstr(bench->err.text, "tls.insecure: true"));
    option_set_bool(ops, bench->config, "tls.insecure", true);
    assert_int_equal(check_endpoint(bench, "http://soc.example:4317"), ST_OK);
    assert_int_equal(check_endpoint(bench, "soc.example:4317"), ST_OK);
    assert_int_equal(check_endpoint(bench, "https://soc.example:4317"), ST_INVALID);
    option_set_bool(ops, bench->config, "tls.insecure", false);
    option_set_text(ops, bench->config, "tls.cert_file", "/c.pem");
    assert_int_equal(check_endpoint(bench, "https://soc.example:4317"), ST_INVALID);
}

static void test_headers_that_gRPC_owns_are_refused(void **state)
{
    static const struct config_text_pair bad[] = {
        {"grpc-timeout", "1S"},
        {"Content-Type", "text/plain"},
        {"x-trace-bin", "AA"},
        {":path", "/"},
        {"bad name", "x"},
        {"x-line", "a\nb"},
        {"", "x"},
        {"x-umlaut", "\xc3\xa9"},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        option_set_map(ops, bench->config, "headers", (struct config_text_map){&bad[i], 1});
        assert_int_equal(ops->check(bench->config, &bench->err), ST_INVALID);
        assert_non_null(strstr(bench->err.text, "headers"));
    }
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, make_bench, drop_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_gzip_arrives_as_the_same_protobuf),
        ON_BENCH(test_plain_arrives_as_the_same_protobuf),
        ON_BENCH(test_every_status_over_the_wire),
        ON_BENCH(test_partial_success_is_reported),
        ON_BENCH(test_each_signal_has_its_service),
        ON_BENCH(test_rejected_data_points_are_told_in_metrics),
        ON_BENCH(test_signals_are_chosen_by_name),
        ON_BENCH(test_headers_and_the_present_token_are_sent),
        ON_BENCH(test_a_missing_token_keeps_the_batch),
        ON_BENCH(test_a_silent_server_ends_at_the_deadline),
        ON_BENCH(test_a_cancel_ends_the_send_under_way_and_later_ones),
        ON_BENCH(test_a_refused_connection_is_known_at_once),
        ON_BENCH(test_a_server_that_comes_back_is_found_again),
        ON_BENCH(test_a_server_that_hangs_up_means_retry),
        ON_BENCH(test_too_large_is_said_before_and_by_the_server),
        ON_BENCH(test_a_single_record_over_the_servers_limit_is_too_large),
        ON_BENCH(test_tls_with_the_right_authority_and_name),
        ON_BENCH(test_tls_with_a_foreign_authority_sends_nothing),
        ON_BENCH(test_tls_with_another_name_sends_nothing),
        ON_BENCH(test_tls_shows_our_certificate_when_asked),
        ON_BENCH(test_replaced_certificates_are_taken_up),
        ON_BENCH(test_unusable_certificate_files_fail_creation),
        ON_BENCH(test_plain_text_leaves_the_machine_only_when_told),
        ON_BENCH(test_headers_that_gRPC_owns_are_refused),
    };
    grpc_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    grpc_shutdown_blocking();
    return failed;
}
