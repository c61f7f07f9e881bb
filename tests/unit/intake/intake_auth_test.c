/* SPDX-License-Identifier: Apache-2.0 */
/* intake_auth_test.c -- who the HTTP exporter says that it is, and that nobody else learns it; and
 * options that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "exporters/http/intake_sign.h"
#include "support/intake_bench.h"
#include "telltale/http_outcome.h"

static const struct exporter_ops *const ops = &exporter_http;

/* --- Secrets --------------------------------------------------------------------------------- */

static void test_a_secret_address_is_in_no_message(void **state)
{
    struct intake_bench *bench = *state;

    intake_add_records(bench, 1);
    option_set_enum(ops, bench->config, "preset", "sumo");
    option_set_text(ops, bench->config, "path", "/receiver/v1/http");
    option_set_text(ops, bench->config, "secret_path", "/ZaVnC4dhaV");
    intake_bench_create(bench);
    intake_script(bench,
                  (struct http_sink_answer){.status = 301,
                                            .headers = "Location: https://x/http/ZaVnC4dhaV\r\n",
                                            .body = SLICE("go to /receiver/v1/http/ZaVnC4dhaV ")});
    assert_int_equal(intake_send_all(bench), EXPORT_RETRY);
    assert_non_null(
        strstr(intake_last_request(bench)->head, "POST /base/receiver/v1/http/ZaVnC4dhaV HTTP"));
    assert_null(strstr(bench->report.message, "ZaVnC4dhaV"));
    assert_null(strstr(bench->err.text, "ZaVnC4dhaV"));
    assert_non_null(strstr(bench->report.message, "go to /receiver/v1/http***********"));
}

static void test_a_webhook_is_signed(void **state)
{
    static const char *const compressions[] = {"none", "gzip", "zstd"};
    struct intake_bench *bench = *state;

    intake_add_records(bench, 2);
    option_set_text(ops, bench->config, "hmac.secret_file",
                    intake_bench_file(bench, "key", "s3cret\n"));
    option_set_text(ops, bench->config, "hmac.header", "X-Hub-Signature-256");
    option_set_text(ops, bench->config, "hmac.prefix", "sha256=");
    for (size_t i = 0; i < COUNT_OF(compressions); i++) {
        char hex[SIGN_HEX_SIZE], expected[128];
        option_set_enum(ops, bench->config, "compression", compressions[i]);
        intake_bench_create(bench);
        assert_int_equal(intake_send_all(bench), EXPORT_DONE);
        assert_int_equal(
            sign_hmac_hex(SLICE("s3cret"), intake_last_request(bench)->body, hex, &bench->err),
            ST_OK);
        snprintf(expected, sizeof(expected), "sha256=%s", hex);
        intake_assert_header(intake_last_request(bench), "x-hub-signature-256", expected);
    }
    intake_bench_file(bench, "key", "");
    assert_int_equal(intake_send_all(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
}

static void test_aws_signatures_are_of_the_body_and_the_address(void **state)
{
    struct intake_bench *bench = *state;
    char host[64], hash[SIGN_HEX_SIZE], date[64], value[1024];
    struct buf expected;

    intake_add_records(bench, 1);
    option_set_text(ops, bench->config, "path", "/logs");
    option_set_text(ops, bench->config, "query", "b=2&a=1");
    option_set_text(ops, bench->config, "aws.region", "eu-central-1");
    option_set_text(ops, bench->config, "aws.service", "aoss");
    option_set_text(ops, bench->config, "aws.credentials_file",
                    intake_bench_file(bench, "aws",
                                      "[default]\naws_access_key_id = AKID\n"
                                      "aws_secret_access_key=SECRET\naws_session_token = TOKEN\n"));
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    const struct http_sink_request *seen = intake_last_request(bench);
    assert_int_equal(sign_sha256_hex(seen->body, hash, &bench->err), ST_OK);
    intake_assert_header(seen, "x-amz-content-sha256", hash);
    intake_assert_header(seen, "x-amz-security-token", "TOKEN");
    assert_true(http_sink_header(seen, "host", host, sizeof(host)));
    assert_true(http_sink_header(seen, "x-amz-date", date, sizeof(date)));
    assert_true(http_sink_header(seen, "authorization", value, sizeof(value)));
    const struct sigv4_request request = {.method = "POST",
                                          .host = host,
                                          .path = "/base/logs",
                                          .query = "b=2&a=1",
                                          .region = "eu-central-1",
                                          .service = "aoss",
                                          .key_id = "AKID",
                                          .secret_key = SLICE("SECRET"),
                                          .session_token = "TOKEN",
                                          .time = date,
                                          .body_hash = hash,
                                          .sign_body_hash = true};
    buf_init(&expected, 4096);
    assert_int_equal(sigv4_authorization(&request, &expected, &bench->err), ST_OK);
    assert_string_equal(value, (const char *)expected.data);
    buf_fini(&expected);
}

/* --- Tokens ---------------------------------------------------------------------------------- */

static void test_credentials_of_aws_that_no_header_can_bear_send_nothing(void **state)
{
    struct intake_bench *bench = *state;

    intake_add_records(bench, 1);
    option_set_text(ops, bench->config, "aws.region", "r");
    option_set_text(ops, bench->config, "aws.service", "es");
    option_set_text(
        ops, bench->config, "aws.credentials_file",
        intake_bench_file(bench, "aws", "aws_access_key_id = A\x01\naws_secret_access_key = S\n"));
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
    intake_bench_file(bench, "aws", "aws_access_key_id = A\n");
    assert_int_equal(intake_send_all(bench), EXPORT_RETRY);
    assert_non_null(strstr(bench->err.text, "no AWS credentials in "));
    assert_int_equal(http_sink_count(bench->sink), 0);
    intake_bench_file(bench, "aws", "aws_access_key_id = A\naws_secret_access_key = S\n");
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
}

static struct http_sink *start_token_server(struct intake_bench *bench, const char *body,
                                            int status)
{
    static char url[128];
    const struct http_sink_settings settings = {.unix_path = NULL};
    struct http_sink *server = http_sink_start(&settings);
    const struct http_sink_answer answer = {.status = status, .body = slice_of_text(body)};

    http_sink_script(server, &answer, 1);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/oauth2/token", http_sink_port(server));
    option_set_text(ops, bench->config, "oauth2.token_url", url);
    option_set_text(ops, bench->config, "oauth2.client_id", "me & you");
    option_set_text(ops, bench->config, "oauth2.client_secret_file",
                    intake_bench_file(bench, "secret", "p/q=\n"));
    option_set_text(ops, bench->config, "oauth2.scope", "https://monitor.azure.com/.default");
    return server;
}

static void test_a_token_is_asked_for_once_and_borne(void **state)
{
    struct intake_bench *bench = *state;
    struct http_sink *server = start_token_server(bench,
                                                  "{\"token_type\":\"Bearer\",\"expires_in\":3599,"
                                                  "\"access_token\":\"T1\"}",
                                                  200);

    intake_add_records(bench, 1);
    option_set_enum(ops, bench->config, "preset", "sentinel");
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    intake_assert_header(intake_last_request(bench), "authorization", "Bearer T1");
    assert_int_equal(http_sink_count(server), 1);
    assert_string_equal(intake_body_of(bench, http_sink_request(server, 0)),
                        "grant_type=client_credentials&client_id=me%20%26%20you&"
                        "client_secret=p%2Fq%3D&scope=https%3A%2F%2Fmonitor.azure.com%2F.default");
    intake_assert_header(http_sink_request(server, 0), "content-type",
                         "application/x-www-form-urlencoded");
    http_sink_stop(server);
}

static void test_a_token_that_expires_is_replaced(void **state)
{
    struct intake_bench *bench = *state;
    struct http_sink *server =
        start_token_server(bench, "{\"expires_in\":\"0\",\"access_token\":\"T1\"}", 200);

    intake_add_records(bench, 1);
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    assert_int_equal(http_sink_count(server), 2);
    http_sink_stop(server);
}

static void test_a_token_that_is_refused_is_replaced_once(void **state)
{
    const struct http_sink_answer answers[] = {{.status = 401}, {.status = 204}, {.status = 401}};
    struct intake_bench *bench = *state;
    struct http_sink *server = start_token_server(bench, "{\"access_token\":\"T1\"}", 200);

    intake_add_records(bench, 1);
    intake_bench_create(bench);
    http_sink_script(bench->sink, answers, COUNT_OF(answers));
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    assert_int_equal(bench->report.retry_after_ms, 0);
    assert_int_equal(http_sink_count(server), 2);
    assert_int_equal(intake_send_all(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
    assert_int_equal(http_sink_count(bench->sink), 4);
    assert_int_equal(http_sink_count(server), 3);
    http_sink_stop(server);
}

static void test_without_a_token_events_wait_and_the_reason_is_told(void **state)
{
    static const struct {
        int status;
        const char *body, *words;
        uint32_t delay_ms;
    } cases[] = {
        {401, "{\"error\":\"invalid_client\",\"error_description\":\"wrong secret\"}",
         "get a token: HTTP 401, check the credentials for tokens: wrong secret", 60000},
        {400, "{\"error\":\"invalid_scope\"}",
         "get a token: HTTP 400, check the credentials for tokens: invalid_scope", 60000},
        {503, "busy", "get a token: HTTP 503: busy", 0},
        {200, "{}", "get a token: the token server's answer has no access_token", 60000},
        {200, "<html>", "get a token: the token server's answer has no access_token", 60000},
        {200, "{\"access_token\":\"a b\"}",
         "get a token: the token server's access_token is no token", 60000},
    };
    struct intake_bench *bench = *state;

    intake_add_records(bench, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_sink *server = start_token_server(bench, cases[i].body, cases[i].status);
        intake_bench_create(bench);
        assert_int_equal(intake_send_all(bench), EXPORT_RETRY);
        assert_string_equal(bench->err.text, cases[i].words);
        assert_int_equal(bench->report.retry_after_ms, cases[i].delay_ms);
        http_sink_stop(server);
    }
    assert_int_equal(http_sink_count(bench->sink), 0);
}

/* The key of a service account as Google gives it out; new for each run. */
static void write_google_key(struct intake_bench *bench, EVP_PKEY *key, const char *token_url)
{
    char file[8192], *pem_text;
    size_t size = 0;
    BIO *pem = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL), 1);
    long pem_size = BIO_get_mem_data(pem, &pem_text);
    size += (size_t)snprintf(file, sizeof(file),
                             "{\"type\":\"service_account\",\"private_key_id\":\"k1\","
                             "\"client_email\":\"me@p\",\"token_uri\":\"%s\","
                             "\"private_key\":\"",
                             token_url);
    for (long i = 0; i < pem_size; i++)
        size += (size_t)snprintf(file + size, sizeof(file) - size,
                                 pem_text[i] == '\n' ? "\\n" : "%c", pem_text[i]);
    (void)snprintf(file + size, sizeof(file) - size, "\"}");
    option_set_text(ops, bench->config, "gcp.key_file", intake_bench_file(bench, "google", file));
    option_set_text(ops, bench->config, "gcp.scope", "cloud-platform");
    BIO_free(pem);
}

static void test_a_service_account_of_google_gets_a_token(void **state)
{
    struct intake_bench *bench = *state;
    const struct http_sink_settings settings = {.unix_path = NULL};
    const struct http_sink_answer answer = {
        .body = SLICE("{\"access_token\":\"ya29.x\",\"expires_in\":3599}")};
    struct http_sink *server = http_sink_start(&settings);
    EVP_PKEY *key = EVP_RSA_gen(2048);
    char url[128];

    intake_add_records(bench, 1);
    http_sink_script(server, &answer, 1);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/token", http_sink_port(server));
    write_google_key(bench, key, url);
    option_set_enum(ops, bench->config, "preset", "google_secops");
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    intake_assert_header(intake_last_request(bench), "authorization", "Bearer ya29.x");
    assert_int_equal(http_sink_count(server), 1);
    const char *form = intake_body_of(bench, http_sink_request(server, 0));
    const char *start = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"
                        "assertion=eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsxIn0."
                        "eyJpc3MiOiJtZUBwIiwic2NvcGUiOiJjbG91ZC1wbGF0Zm9ybSIsImF1ZCI6";
    assert_memory_equal(form, start, strlen(start));
    EVP_PKEY_free(key);
    http_sink_stop(server);
}

static void test_a_bad_key_of_google_is_told_of(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "get a token: the key file has no text 'client_email'"},
        {"nonsense", "get a token: the key file has no text 'client_email'"},
        {"{\"client_email\":\"a\",\"private_key_id\":\"b\",\"private_key\":\"c\","
         "\"token_uri\":\"http://10.0.0.1/\"}",
         "get a token: token_uri: plain text to another host needs tls.insecure: true; "
         "'http://10.0.0.1/' is not on this machine"},
        {"{\"client_email\":\"a\",\"private_key_id\":\"b\",\"private_key\":\"c\","
         "\"token_uri\":\"http://127.0.0.1/\"}",
         "get a token: the private key is no RSA key in PEM"},
    };
    struct intake_bench *bench = *state;

    intake_add_records(bench, 1);
    option_set_text(ops, bench->config, "gcp.scope", "s");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        option_set_text(ops, bench->config, "gcp.key_file",
                        intake_bench_file(bench, "google", cases[i][0]));
        intake_bench_create(bench);
        assert_int_equal(intake_send_all(bench), EXPORT_RETRY);
        assert_string_equal(bench->err.text, cases[i][1]);
        assert_int_equal(bench->report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
    }
}

/* --- Options --------------------------------------------------------------------------------- */

static void test_options_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *key, *value, *words;
    } cases[] = {
        {"record", "{\"a\":{{nobody}}}", "record: column 6: no slot has this name"},
        {"group_by", "[]", "group_by: column 1: must be an object"},
        {"method", "GET", "method: POST, PUT or PATCH"},
        {"path", "x", "path and secret_path must begin with '/'"},
        {"path", "/a?b", "path and secret_path must be escaped, without '?'"},
        {"query", "a=b#c", "query must be escaped, without '#'"},
        {"query", "a=b c", "query must be escaped, without '#'"},
        {"content_type", "text/plain\r\nX-Agent: root", "content_type is not ASCII text"},
        {"content_type", "", "content_type is not ASCII text"},
        {"success_value", "0", "success_value needs success_path"},
        {"oauth2.token_url", "http://10.0.0.1/t",
         "oauth2.token_url: plain text to another host needs tls.insecure: true; "
         "'http://10.0.0.1/t' is not on this machine"},
    };
    struct intake_bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *config = option_make_config(ops);
        option_set_text(ops, config, "endpoint", bench->endpoint);
        option_set_text(ops, config, cases[i].key, cases[i].value);
        assert_int_equal(ops->check(config, &bench->err), ST_INVALID);
        assert_string_equal(bench->err.text, cases[i].words);
        free(config);
    }
    option_set_text(ops, bench->config, "hmac.secret_file", "/key");
    option_set_text(ops, bench->config, "hmac.header", "X-A: b\r\nX-C");
    assert_int_equal(ops->check(bench->config, &bench->err), ST_INVALID);
    assert_string_equal(bench->err.text, "hmac.header is no name of a header");
    option_set_text(ops, bench->config, "hmac.header", "X-A");
    option_set_text(ops, bench->config, "hmac.prefix", "\n");
    assert_int_equal(ops->check(bench->config, &bench->err), ST_INVALID);
    option_set_text(ops, bench->config, "hmac.prefix", "sha256=");
    assert_int_equal(ops->check(bench->config, &bench->err), ST_OK);
    option_set_enum(ops, bench->config, "framing", "wrapped_array");
    option_set_text(ops, bench->config, "body_prefix", "{\"a\":[");
    option_set_text(ops, bench->config, "body_suffix", "]");
    assert_int_equal(ops->check(bench->config, &bench->err), ST_INVALID);
    assert_string_equal(bench->err.text,
                        "body_prefix and body_suffix: column 11: ',' or '}' must follow");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, intake_bench_make, intake_bench_drop)
    const struct CMUnitTest tests[] = {
        TEST(test_a_secret_address_is_in_no_message),
        TEST(test_a_webhook_is_signed),
        TEST(test_aws_signatures_are_of_the_body_and_the_address),
        TEST(test_credentials_of_aws_that_no_header_can_bear_send_nothing),
        TEST(test_a_token_is_asked_for_once_and_borne),
        TEST(test_a_token_that_expires_is_replaced),
        TEST(test_a_token_that_is_refused_is_replaced_once),
        TEST(test_without_a_token_events_wait_and_the_reason_is_told),
        TEST(test_a_service_account_of_google_gets_a_token),
        TEST(test_a_bad_key_of_google_is_told_of),
        TEST(test_options_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
