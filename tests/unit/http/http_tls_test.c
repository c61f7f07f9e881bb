/* SPDX-License-Identifier: Apache-2.0 */
/* http_tls_test.c -- the client over TLS: whom it trusts, what it says of those that it does not,
 * and certificates that are replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/http_bench.h"

struct pki {
    struct test_cert ca, other_ca, server, client;
};

static struct pki pki; /* made once: keys take their time */

static int make_pki(void **state)
{
    test_certs_make_ca(&pki.ca);
    test_certs_make_ca(&pki.other_ca);
    test_certs_make_signed(&pki.ca, "localhost", &pki.server);
    test_certs_make_signed(&pki.ca, "telltale", &pki.client);
    return http_bench_ignore_sigpipe(state);
}

static void write_file(struct http_bench *bench, const char *name, const char *text,
                       const char **ret_option)
{
    static char paths[8][TEST_PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 8];

    test_certs_write(bench->dir.path, name, text, path);
    *ret_option = path;
}

static void start(struct http_bench *bench, const struct test_cert *server)
{
    const struct http_sink_settings settings = {.cert = server->cert, .key = server->key};
    http_bench_start(bench, &settings);
}

static void assert_not_trusted(struct http_bench *bench, const char *words)
{
    enum http_transport transport = http_bench_post(bench, "x");
    if (transport != HTTP_NOT_SENT || strstr(bench->err.text, words) == NULL)
        fail_msg("%d: %s", (int)transport, bench->err.text);
    assert_int_equal(http_sink_count(bench->sink), 0);
}

static void test_a_server_of_our_authority_is_trusted(void **state)
{
    struct http_bench *bench = *state;

    write_file(bench, "ca.pem", pki.ca.cert, &bench->config.tls.ca_file);
    bench->config.tls.min_version = HTTP_TLS_1_3;
    start(bench, &pki.server);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(http_sink_connections(bench->sink), 1);
}

static void test_another_authority_is_not_trusted(void **state)
{
    struct http_bench *bench = *state;

    write_file(bench, "ca.pem", pki.other_ca.cert, &bench->config.tls.ca_file);
    start(bench, &pki.server);
    assert_not_trusted(bench, "set tls.ca_file");
    bench->config.tls.ca_file = NULL; /* the system's */
    http_bench_create(bench);
    assert_not_trusted(bench, "set tls.ca_file");
}

static void test_a_certificate_that_has_expired_is_not_trusted(void **state)
{
    struct http_bench *bench = *state;
    struct test_cert expired;

    test_certs_make_expired(&pki.ca, "localhost", &expired);
    write_file(bench, "ca.pem", pki.ca.cert, &bench->config.tls.ca_file);
    start(bench, &expired);
    assert_not_trusted(bench, "has expired: renew it there");
}

static void test_another_name_is_not_trusted_unless_it_is_named(void **state)
{
    struct http_bench *bench = *state;
    struct test_cert other;
    char host[128];

    test_certs_make_signed(&pki.ca, "collector.internal", &other);
    write_file(bench, "ca.pem", pki.ca.cert, &bench->config.tls.ca_file);
    start(bench, &other);
    assert_not_trusted(bench, "set tls.server_name_override");
    bench->config.tls.server_name_override = "collector.internal";
    http_bench_create(bench);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_true(http_sink_header(http_sink_request(bench->sink, 0), "host", host, sizeof(host)));
    assert_true(slice_starts_with(slice_of_text(host), SLICE("collector.internal:")));
}

static void test_trust_can_be_given_up(void **state)
{
    struct http_bench *bench = *state;

    assert_null(http_config_caution(&bench->config));
    bench->config.tls.insecure_skip_verify = true;
    start(bench, &pki.server);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_non_null(strstr(http_config_caution(&bench->config), "insecure_skip_verify"));
}

static void test_old_tls_is_refused(void **state)
{
    struct http_bench *bench = *state;
    const struct http_sink_settings settings = {
        .cert = pki.server.cert, .key = pki.server.key, .tls_1_2_only = true};

    write_file(bench, "ca.pem", pki.ca.cert, &bench->config.tls.ca_file);
    bench->config.tls.min_version = HTTP_TLS_1_3;
    http_bench_start(bench, &settings);
    assert_not_trusted(bench, "tls.min_version");
    bench->config.tls.min_version = HTTP_TLS_1_2;
    http_bench_create(bench);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
}

static void test_plain_text_is_not_tls(void **state)
{
    struct http_bench *bench = *state;
    const struct http_sink_answer answers[] = {
        {.raw = SLICE("HTTP/1.1 400 Bad Request\r\n\r\n"), .close = true}};
    char endpoint[HTTP_BENCH_PATH_MAX];

    http_bench_start(bench, NULL);
    http_sink_script(bench->sink, answers, 1);
    snprintf(endpoint, sizeof(endpoint), "https://localhost:%d", http_sink_port(bench->sink));
    bench->config.endpoint = endpoint;
    http_bench_create(bench);
    /* The server waits for the end of a line, which a TLS greeting does not promise to have. */
    const struct http_request request = {.body = SLICE("x")};
    assert_int_equal(http_bench_send(bench, &request, 300), HTTP_NOT_SENT);
}

static void start_asking(struct http_bench *bench, bool tls_1_2)
{
    const struct http_sink_settings settings = {.cert = pki.server.cert,
                                                .key = pki.server.key,
                                                .client_ca = pki.ca.cert,
                                                .tls_1_2_only = tls_1_2};

    write_file(bench, "ca.pem", pki.ca.cert, &bench->config.tls.ca_file);
    http_bench_start(bench, &settings);
}

static void test_a_certificate_that_is_missing_is_asked_for(void **state)
{
    struct http_bench *bench = *state;

    start_asking(bench, false);
    assert_not_trusted(bench, "set tls.cert_file");
}

static void test_a_certificate_that_is_missing_is_asked_for_in_tls_1_2(void **state)
{
    struct http_bench *bench = *state;

    start_asking(bench, true);
    assert_not_trusted(bench, "tls.cert_file");
}

static void test_a_certificate_of_ours_is_shown(void **state)
{
    struct http_bench *bench = *state;
    struct test_cert stranger;

    test_certs_make_signed(&pki.other_ca, "telltale", &stranger);
    write_file(bench, "cert.pem", stranger.cert, &bench->config.tls.cert_file);
    write_file(bench, "key.pem", stranger.key, &bench->config.tls.key_file);
    start_asking(bench, false);
    assert_not_trusted(bench, "tls.cert_file");
    /* It is replaced; nothing else is done. */
    write_file(bench, "cert.pem", pki.client.cert, &bench->config.tls.cert_file);
    write_file(bench, "key.pem", pki.client.key, &bench->config.tls.key_file);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
}

static void test_a_key_of_another_certificate_is_said(void **state)
{
    struct http_bench *bench = *state;

    write_file(bench, "cert.pem", pki.client.cert, &bench->config.tls.cert_file);
    write_file(bench, "key.pem", pki.server.key, &bench->config.tls.key_file);
    start_asking(bench, false);
    assert_not_trusted(bench, "tls.key_file");
}

static void test_files_that_are_no_certificates_are_said(void **state)
{
    struct http_bench *bench = *state;

    write_file(bench, "ca.pem", "not a certificate", &bench->config.tls.ca_file);
    start(bench, &pki.server);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_UNREADY);
    assert_non_null(strstr(bench->err.text, "is not PEM"));
    (void)unlink(bench->config.tls.ca_file);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_UNREADY);
    assert_non_null(strstr(bench->err.text, "No such file"));
    write_file(bench, "ca.pem", pki.ca.cert, &bench->config.tls.ca_file);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
}

/* New certificates are used from the next request on; half a file changes nothing. */
static void test_certificates_that_change_are_taken_up(void **state)
{
    struct http_bench *bench = *state;

    write_file(bench, "ca.pem", pki.ca.cert, &bench->config.tls.ca_file);
    start(bench, &pki.server);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    write_file(bench, "ca.pem", "-----BEGIN CERT", &bench->config.tls.ca_file);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(http_sink_connections(bench->sink), 1);
    write_file(bench, "ca.pem", pki.other_ca.cert, &bench->config.tls.ca_file);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_NOT_SENT);
    assert_non_null(strstr(bench->err.text, "set tls.ca_file"));
    write_file(bench, "ca.pem", pki.ca.cert, &bench->config.tls.ca_file);
    assert_int_equal(http_bench_post(bench, "x"), HTTP_ANSWERED);
    assert_int_equal(http_sink_connections(bench->sink), 3);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, http_bench_make, http_bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_server_of_our_authority_is_trusted),
        TEST(test_another_authority_is_not_trusted),
        TEST(test_a_certificate_that_has_expired_is_not_trusted),
        TEST(test_another_name_is_not_trusted_unless_it_is_named),
        TEST(test_trust_can_be_given_up),
        TEST(test_old_tls_is_refused),
        TEST(test_plain_text_is_not_tls),
        TEST(test_a_certificate_that_is_missing_is_asked_for),
        TEST(test_a_certificate_that_is_missing_is_asked_for_in_tls_1_2),
        TEST(test_a_certificate_of_ours_is_shown),
        TEST(test_a_key_of_another_certificate_is_said),
        TEST(test_files_that_are_no_certificates_are_said),
        TEST(test_certificates_that_change_are_taken_up),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
