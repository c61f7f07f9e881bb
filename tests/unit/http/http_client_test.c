/* SPDX-License-Identifier: Apache-2.0 */
/* http_client_test.c -- the client against a server that answers from a script, over plain text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "support/http_bench.h"
#include "util/clock.h"
#include "wire/compress.h"

enum { SHORT_MS = 300 };

/* --- Requests -------------------------------------------------------------------------------- */

static void test_a_request_arrives_as_it_was_given(void **state)
{
    struct http_bench *bench = *state;
    const struct config_text_pair pairs[] = {{"X-Scope-OrgID", "soc"}, {"x-empty", ""}};
    const struct http_header own[] = {{"X-Splunk-Request-Channel", "7"}};
    char value[64];

    bench->config.headers = (struct config_text_map){pairs, 2};
    http_bench_start(bench, NULL);
    const struct http_request request = {.path = "/v1/logs",
                                         .query = "a=1",
                                         .content_type = "application/json",
                                         .body = SLICE("{\"a\":1}"),
                                         .headers = own,
                                         .header_count = 1};
    assert_int_equal(http_bench_send(bench, &request, PLENTY_MS), HTTP_ANSWERED);
    assert_int_equal(bench->response.status, 200);
    assert_int_equal(bench->response.sent_bytes, 7);
    const struct http_sink_request *seen = http_sink_request(bench->sink, 0);
    assert_true(
        slice_starts_with(slice_of_text(seen->head), SLICE("POST /v1/logs?a=1 HTTP/1.1\r")));
    assert_true(slice_equal(seen->body, request.body));
    assert_true(http_sink_header(seen, "content-type", value, sizeof(value)));
    assert_string_equal(value, "application/json");
    assert_true(http_sink_header(seen, "x-scope-orgid", value, sizeof(value)));
    assert_string_equal(value, "soc");
    assert_true(http_sink_header(seen, "x-empty", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_true(http_sink_header(seen, "x-splunk-request-channel", value, sizeof(value)));
    assert_true(http_sink_header(seen, "user-agent", value, sizeof(value)));
    assert_non_null(strstr(value, "telltale/"));
    assert_false(http_sink_header(seen, "expect", value, sizeof(value)));
    assert_false(http_sink_header(seen, "content-encoding", value, sizeof(value)));
    assert_false(http_sink_header(seen, "accept-encoding", value, sizeof(value)));
}

static void test_methods_and_addresses_can_be_chosen(void **state)
{
    struct http_bench *bench = *state;
    char url[HTTP_BENCH_PATH_MAX + 32];

    http_bench_start(bench, NULL);
    snprintf(url, sizeof(url), "%s/other?key=v", bench->endpoint);
    const struct http_request requests[] = {
        {.method = "GET", .path = "/health"},
        {.method = "PUT", .url = url, .query = "x=y", .body = SLICE("b")},
        {.path = "/empty"},
        {.path = NULL, .body = SLICE("b")},
    };
    static const char *const expected[] = {"GET /health HTTP/1.1", "PUT /other?key=v&x=y HTTP/1.1",
                                           "POST /empty HTTP/1.1", "POST / HTTP/1.1"};
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        assert_int_equal(http_bench_send(bench, &requests[i], PLENTY_MS), HTTP_ANSWERED);
        const struct http_sink_request *seen = http_sink_request(bench->sink, i);
        assert_true(slice_starts_with(slice_of_text(seen->head), slice_of_text(expected[i])));
        assert_true(slice_equal(seen->body, requests[i].body));
    }
    assert_int_equal(http_sink_connections(bench->sink), 1);
}

static void test_a_unix_socket_is_an_endpoint(void **state)
{
    struct http_bench *bench = *state;
    char path[TEST_PATH_MAX - 16];

    snprintf(path, sizeof(path), "%s/sink", bench->dir.path);
    const struct http_sink_settings settings = {.unix_path = path};
    bench->sink = http_sink_start(&settings);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "unix:%s", path);
    bench->config.endpoint = bench->endpoint;
    http_bench_create(bench);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(http_sink_count(bench->sink), 1);
}

static void assert_compressed(struct http_bench *bench, int compression, const char *name,
                              enum content_encoding encoding)
{
    static char text[100000];
    struct buf plain;
    char value[32];

    memset(text, 'a', sizeof(text) - 1);
    bench->config.compression = compression;
    http_bench_create(bench);
    size_t index = http_sink_count(bench->sink);
    assert_int_equal(http_bench_post(bench, text), HTTP_ANSWERED);
    const struct http_sink_request *seen = http_sink_request(bench->sink, index);
    assert_true(http_sink_header(seen, "content-encoding", value, sizeof(value)));
    assert_string_equal(value, name);
    assert_true(seen->body.size < 2000 && seen->body.size == bench->response.sent_bytes);
    buf_init(&plain, sizeof(text));
    assert_int_equal(content_decode(encoding, seen->body, &plain, &bench->err), ST_OK);
    assert_true(slice_equal(buf_slice(&plain), slice_of_text(text)));
    buf_fini(&plain);
    http_client_trim(bench->client);
    assert_int_equal(http_bench_post(bench, text), HTTP_ANSWERED);
}

static void test_bodies_are_compressed(void **state)
{
    struct http_bench *bench = *state;

    http_bench_start(bench, NULL);
    assert_compressed(bench, HTTP_COMPRESSION_GZIP, "gzip", ENCODING_GZIP);
    assert_compressed(bench, HTTP_COMPRESSION_ZSTD, "zstd", ENCODING_ZSTD);
}

/* --- Secrets --------------------------------------------------------------------------------- */

static void assert_header(struct http_bench *bench, const char *name, const char *expected)
{
    char value[128];

    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    const struct http_sink_request *seen =
        http_sink_request(bench->sink, http_sink_count(bench->sink) - 1);
    assert_true(http_sink_header(seen, name, value, sizeof(value)));
    assert_string_equal(value, expected);
}

static void test_tokens_are_sent_and_followed(void **state)
{
    struct http_bench *bench = *state;
    char token[TEST_PATH_MAX];
    char key[TEST_PATH_MAX];

    test_certs_write(bench->dir.path, "token", " first\r\n", token);
    test_certs_write(bench->dir.path, "key", "k-1", key);
    const struct config_text_pair files[] = {{"DD-API-KEY", key}};
    bench->config.token_file = token;
    bench->config.headers_from_files = (struct config_text_map){files, 1};
    bench->token_scheme = "Splunk";
    http_bench_start(bench, NULL);
    assert_header(bench, "authorization", "Splunk first");
    assert_header(bench, "dd-api-key", "k-1");
    test_certs_write(bench->dir.path, "token", "the second", token);
    assert_header(bench, "authorization", "Splunk the second");
    test_certs_write(bench->dir.path, "key", "k-two", key);
    assert_header(bench, "dd-api-key", "k-two");
}

static void test_a_token_that_cannot_be_sent_is_said(void **state)
{
    static const struct {
        const char *content; /* NULL: no file */
        const char *words;
    } rows[] = {
        {NULL, "No such file"},
        {"", "is empty"},
        {" \n", "is empty"},
        {"a\nb", "has bytes that no header may have"},
        {"caf\xc3\xa9", "has bytes that no header may have"},
    };
    struct http_bench *bench = *state;
    char token[TEST_PATH_MAX];

    test_certs_write(bench->dir.path, "token", "good", token);
    bench->config.token_file = token;
    http_bench_start(bench, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        (void)unlink(token);
        if (rows[i].content != NULL)
            test_certs_write(bench->dir.path, "token", rows[i].content, token);
        assert_int_equal(http_bench_post(bench, "x"), HTTP_UNREADY);
        assert_non_null(strstr(bench->err.text, rows[i].words));
    }
    assert_int_equal(http_sink_count(bench->sink), 0);
    test_certs_write(bench->dir.path, "token", "good again", token);
    assert_header(bench, "authorization", "Bearer good again");
}

static void test_a_password_is_sent_as_basic(void **state)
{
    struct http_bench *bench = *state;
    char password[TEST_PATH_MAX];

    test_certs_write(bench->dir.path, "password", "open sesame\n", password);
    bench->config.basic_auth = (struct http_basic_auth_config){"Aladdin", password};
    http_bench_start(bench, NULL);
    assert_header(bench, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    test_certs_write(bench->dir.path, "password", "secret", password);
    assert_header(bench, "authorization", "Basic QWxhZGRpbjpzZWNyZXQ=");
}

/* --- Answers --------------------------------------------------------------------------------- */

static void test_an_answer_is_read(void **state)
{
    const struct http_sink_answer answers[] = {
        {.status = 503,
         .headers = "Content-Type: Application/JSON; charset=utf-8\r\nRetry-After: 7\r\n",
         .body = SLICE("{\"code\":9}")},
        {.status = 302, .headers = "Location: http://elsewhere/\r\nContent-Type:text/html\r\n"},
        {.raw = SLICE("HTTP/1.1 103 Early Hints\r\nRetry-After: 3\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")},
        {.status = 200, .body = SLICE("to the end"), .without_length = true},
        {.status = 204},
    };
    struct http_bench *bench = *state;

    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, COUNT_OF(answers));
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(bench->response.status, 503);
    assert_string_equal(bench->response.type, "application/json");
    assert_true(bench->response.has_retry_after);
    assert_int_equal(bench->response.retry_after_ms, 7000);
    assert_true(slice_equal(bench->response.body, SLICE("{\"code\":9}")));
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(bench->response.status, 302);
    assert_string_equal(bench->response.location, "http://elsewhere/");
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(bench->response.status, 200);
    assert_false(bench->response.has_retry_after);
    assert_true(slice_equal(bench->response.body, SLICE("abcde")));
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_true(slice_equal(bench->response.body, SLICE("to the end")));
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(bench->response.status, 204);
    assert_int_equal(http_sink_count(bench->sink), 5); /* the redirect was not followed */
}

static void test_a_giant_answer_is_cut(void **state)
{
    static uint8_t giant[1 << 20];
    struct http_bench *bench = *state;
    const struct http_sink_answer answers[] = {{.body = slice_of(giant, sizeof(giant))}, {0}};

    bench->config.max_response_size = 4096;
    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 2);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(bench->response.status, 200);
    assert_true(bench->response.is_cut);
    assert_int_equal(bench->response.body.size, 4096);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_false(bench->response.is_cut);
}

static void test_a_bomb_of_headers_is_no_answer(void **state)
{
    enum { BOMB = 200 * 1000, LINE = 1000 };
    static char bomb[BOMB + 64];
    struct http_bench *bench = *state;
    size_t size = (size_t)snprintf(bomb, sizeof(bomb), "HTTP/1.1 200 OK\r\n");

    for (; size < BOMB; size += LINE) {
        memset(bomb + size, 'a', LINE);
        memcpy(bomb + size, "X-A:", 4);
        memcpy(bomb + size + LINE - 2, "\r\n", 2);
    }
    const struct http_sink_answer answers[] = {{.raw = slice_of(bomb, size), .close = true}};
    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 1);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_UNCLEAR);
    assert_non_null(strstr(bench->err.text, "headers are longer than"));
}

static void test_a_body_that_is_compressed_unasked_is_not_read_as_text(void **state)
{
    struct http_bench *bench = *state;
    const struct http_sink_answer answers[] = {
        {.headers = "Content-Encoding: gzip\r\n", .body = SLICE("\x1f\x8b...")}};

    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 1);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_true(bench->response.is_cut && bench->response.body.size == 0);
}

/* --- Connections that break ------------------------------------------------------------------ */

static void test_a_connection_may_break_anywhere(void **state)
{
    static const enum http_sink_deed deeds[] = {
        SINK_CLOSE_AT_ACCEPT,  SINK_CLOSE_BEHIND_HEAD, SINK_CLOSE_IN_BODY,
        SINK_CLOSE_UNANSWERED, SINK_CLOSE_IN_ANSWER,
    };
    static char large[4 << 20];
    struct http_bench *bench = *state;

    memset(large, 'x', sizeof(large) - 1);
    http_bench_start(bench, NULL);
    for (size_t i = 0; i < COUNT_OF(deeds); i++) {
        const struct http_sink_answer answers[] = {
            {.deed = deeds[i], .body = SLICE("half of this")}, {0}};
        http_sink_script(bench->sink, answers, 2);
        http_bench_create(bench); /* libcurl itself tries again where an idle connection broke */
        enum http_transport transport = http_bench_post(bench, large);
        if (transport != HTTP_UNCLEAR)
            fail_msg("deed %d: %d", (int)deeds[i], (int)transport);
        assert_true(bench->err.text[0] != 0);
        if (http_bench_post(bench, large) != HTTP_ANSWERED) /* the next connection is good */
            fail_msg("behind deed %d: %s", (int)deeds[i], bench->err.text);
    }
}

/* A server closes a connection that was idle: nobody has to know. */
static void test_an_idle_connection_that_was_closed_is_replaced(void **state)
{
    struct http_bench *bench = *state;
    const struct http_sink_answer answers[] = {
        {.deed = SINK_ANSWER}, {.deed = SINK_CLOSE_BEHIND_HEAD}, {0}};

    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 3);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(http_sink_connections(bench->sink), 2);
}

static void test_who_refuses_a_large_body_is_asked_first(void **state)
{
    static char large[8 << 20];
    struct http_bench *bench = *state;
    const struct http_sink_answer answers[] = {
        {.deed = SINK_CLOSE_BEHIND_HEAD},
        {.deed = SINK_ANSWER_BEHIND_HEAD, .status = 413, .close = true},
        {0},
    };
    char value[32];

    memset(large, 'x', sizeof(large) - 1);
    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 3);
    assert_int_equal(http_bench_post(bench, large), HTTP_UNCLEAR);
    assert_int_equal(http_bench_post(bench, large), HTTP_ANSWERED);
    assert_int_equal(bench->response.status, 413);
    assert_true(
        http_sink_header(http_sink_request(bench->sink, 1), "expect", value, sizeof(value)));
    assert_int_equal(http_bench_post(bench, large), HTTP_ANSWERED);
    assert_false(
        http_sink_header(http_sink_request(bench->sink, 2), "expect", value, sizeof(value)));
}

static void test_nobody_listening_is_not_sent(void **state)
{
    struct http_bench *bench = *state;

    http_bench_start(bench, NULL);
    http_sink_stop(bench->sink);
    bench->sink = NULL;
    assert_int_equal(http_bench_post(bench, "x"), HTTP_NOT_SENT);
    assert_non_null(strstr(bench->err.text, "refused"));
}

static void test_a_name_that_nobody_has_is_not_sent(void **state)
{
    struct http_bench *bench = *state;

    bench->config.endpoint = "https://no-such-host.invalid";
    bench->config.proxy_url = "none";
    http_bench_create(bench);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_NOT_SENT);
    assert_non_null(strstr(bench->err.text, "no-such-host.invalid"));
}

static void test_what_does_not_speak_http_is_said(void **state)
{
    struct http_bench *bench = *state;
    const struct http_sink_answer answers[] = {{.raw = SLICE("220 mail ESMTP\r\n"), .close = true}};

    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 1);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_UNCLEAR);
    assert_non_null(strstr(bench->err.text, "does not speak HTTP"));
}

/* --- Time ------------------------------------------------------------------------------------ */

static void test_a_request_ends_at_its_deadline(void **state)
{
    static const struct {
        enum http_sink_deed deed;
        const char *words;
    } rows[] = {
        {SINK_HOLD, "no answer within"},
        {SINK_HOLD_UNREAD, "did not read the request within"},
        {SINK_DRIP, "no whole answer within"},
    };
    static char large[16 << 20];
    struct http_bench *bench = *state;

    memset(large, 'x', sizeof(large) - 1);
    http_bench_start(bench, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct http_sink_answer answers[] = {{.deed = rows[i].deed}};
        const struct http_request request = {
            .body = slice_of_text(rows[i].deed == SINK_HOLD_UNREAD ? large : "x")};
        http_sink_script(bench->sink, answers, 1);
        uint64_t start_ns = clock_monotonic_ns();
        assert_int_equal(http_bench_send(bench, &request, SHORT_MS), HTTP_UNCLEAR);
        assert_true(clock_monotonic_ns() - start_ns >= SHORT_MS * NS_PER_MS);
        assert_non_null(strstr(bench->err.text, rows[i].words));
    }
}

struct canceller {
    struct http_bench *bench;
    size_t behind; /* requests that have arrived */
};

static void *cancel_later(void *context)
{
    struct canceller *canceller = context;

    while (http_sink_count(canceller->bench->sink) < canceller->behind)
        usleep(1000);
    http_client_cancel(canceller->bench->client);
    return NULL;
}

static void test_cancelling_ends_the_request_and_all_later_ones(void **state)
{
    struct http_bench *bench = *state;
    const struct http_sink_answer answers[] = {{.deed = SINK_HOLD}};
    struct canceller canceller = {bench, 1};
    pthread_t thread;

    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 1);
    assert_int_equal(pthread_create(&thread, NULL, cancel_later, &canceller), 0);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_UNCLEAR); /* not after PLENTY_MS */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bench->err.status, ST_STOPPING);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_NOT_SENT);
    assert_int_equal(bench->err.status, ST_STOPPING);
    assert_int_equal(http_sink_count(bench->sink), 1);
}

/* --- Proxies --------------------------------------------------------------------------------- */

static void test_a_proxy_is_used_for_other_hosts_only(void **state)
{
    struct http_bench *bench = *state;
    char proxy[HTTP_BENCH_PATH_MAX];

    http_bench_start(bench, NULL);
    snprintf(proxy, sizeof(proxy), "%s", bench->endpoint);
    bench->config.proxy_url = proxy;
    bench->config.endpoint = "http://collector.example.com:4318";
    bench->config.tls.insecure = true;
    http_bench_create(bench);
    const struct http_request request = {.path = "/v1/logs", .body = SLICE("x")};
    assert_int_equal(http_bench_send(bench, &request, PLENTY_MS), HTTP_ANSWERED);
    const struct http_sink_request *seen = http_sink_request(bench->sink, 0);
    assert_true(slice_starts_with(slice_of_text(seen->head),
                                  SLICE("POST http://collector.example.com:4318/v1/logs HTTP")));
    bench->config.proxy_url = "http://127.0.0.1:1";
    bench->config.endpoint = bench->endpoint; /* this machine */
    http_bench_create(bench);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
}

/* A proxy that is configured is the only way out, whatever stands in the environment. */
static void test_no_proxy_of_the_environment_is_not_for_a_configured_proxy(void **state)
{
    struct http_bench *bench = *state;
    char proxy[HTTP_BENCH_PATH_MAX];

    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    http_bench_start(bench, NULL);
    snprintf(proxy, sizeof(proxy), "%s", bench->endpoint);
    bench->config.proxy_url = proxy;
    bench->config.endpoint = "http://collector.invalid";
    bench->config.tls.insecure = true;
    http_bench_create(bench);
    enum http_transport transport = http_bench_post(bench, "x");
    assert_int_equal(unsetenv("no_proxy"), 0);
    assert_int_equal(transport, HTTP_ANSWERED);
    assert_true(slice_starts_with(slice_of_text(http_sink_request(bench->sink, 0)->head),
                                  SLICE("POST http://collector.invalid/ HTTP")));
}

static void test_a_proxy_that_refuses_a_tunnel_is_said(void **state)
{
    struct http_bench *bench = *state;
    const struct http_sink_answer answers[] = {
        {.status = 407, .headers = "Proxy-Authenticate: Basic realm=\"x\"\r\n"}, {.status = 403}};
    char proxy[HTTP_BENCH_PATH_MAX];

    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 2);
    snprintf(proxy, sizeof(proxy), "%s", bench->endpoint);
    bench->config.proxy_url = proxy;
    bench->config.endpoint = "https://collector.example.com";
    http_bench_create(bench);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_NOT_SENT);
    assert_non_null(strstr(bench->err.text, "the proxy asks for a user"));
    assert_int_equal(http_bench_post(bench, "x"), HTTP_NOT_SENT);
    assert_non_null(strstr(bench->err.text, "the proxy refuses"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, http_bench_make, http_bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_request_arrives_as_it_was_given),
        TEST(test_methods_and_addresses_can_be_chosen),
        TEST(test_a_unix_socket_is_an_endpoint),
        TEST(test_bodies_are_compressed),
        TEST(test_tokens_are_sent_and_followed),
        TEST(test_a_token_that_cannot_be_sent_is_said),
        TEST(test_a_password_is_sent_as_basic),
        TEST(test_an_answer_is_read),
        TEST(test_a_giant_answer_is_cut),
        TEST(test_a_bomb_of_headers_is_no_answer),
        TEST(test_a_body_that_is_compressed_unasked_is_not_read_as_text),
        TEST(test_a_connection_may_break_anywhere),
        TEST(test_an_idle_connection_that_was_closed_is_replaced),
        TEST(test_who_refuses_a_large_body_is_asked_first),
        TEST(test_nobody_listening_is_not_sent),
        TEST(test_a_name_that_nobody_has_is_not_sent),
        TEST(test_what_does_not_speak_http_is_said),
        TEST(test_a_request_ends_at_its_deadline),
        TEST(test_cancelling_ends_the_request_and_all_later_ones),
        TEST(test_a_proxy_is_used_for_other_hosts_only),
        TEST(test_no_proxy_of_the_environment_is_not_for_a_configured_proxy),
        TEST(test_a_proxy_that_refuses_a_tunnel_is_said),
    };
    return cmocka_run_group_tests(tests, http_bench_ignore_sigpipe, NULL);
}
