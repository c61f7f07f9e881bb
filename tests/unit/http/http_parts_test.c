/* SPDX-License-Identifier: Apache-2.0 */
/* http_parts_test.c -- endpoints, options, headers of answers and verdicts, without a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/answer_head.h"
#include "http/http_limits.h"
#include "http/http_target.h"
#include "telltale/http_outcome.h"

/* --- Endpoints ------------------------------------------------------------------------------- */

static void test_endpoints_become_addresses(void **state)
{
    static const struct {
        const char *endpoint, *path, *query;
        const char *url; /* NULL: refused */
        bool is_local;
    } rows[] = {
        {"https://soc.example", "/v1/logs", NULL, "https://soc.example:443/v1/logs", false},
        {"HTTPS://soc.example:8088/", "/v1/logs", NULL, "https://soc.example:8088/v1/logs", false},
        {"http://127.0.0.2:4318/a/b/", "/v1/logs", NULL, "http://127.0.0.2:4318/a/b/v1/logs", true},
        {"http://localhost:4318", NULL, NULL, "http://localhost:4318/", true},
        {"https://h/p?api-version=1", "/s", "x=2", "https://h:443/p/s?api-version=1&x=2", false},
        {"https://h/p", NULL, "x=2", "https://h:443/p?x=2", false},
        {"http://[::1]:80", "/x", NULL, "http://[::1]:80/x", true},
        {"https://[2001:db8::1]", "/x", NULL, "https://[2001:db8::1]:443/x", false},
        {"http://127.0.0.1.evil.example", NULL, NULL, "http://127.0.0.1.evil.example:80/", false},
        {"unix:/run/otlp.sock", "/v1/logs", NULL, "http://localhost/v1/logs", true},
        {"unix:///run/otlp.sock", "/v1/logs", NULL, "http://localhost/v1/logs", true},
        {.endpoint = "unix:run/otlp.sock"},
        {.endpoint = ""},
        {.endpoint = "soc.example:4318"},
        {.endpoint = "ftp://soc.example"},
        {.endpoint = "file:///etc/passwd"},
        {.endpoint = "https://"},
        {.endpoint = "https://user:secret@soc.example"},
        {.endpoint = "https://soc.example/#top"},
        {.endpoint = "https://soc.example:99999"},
        {.endpoint = "https://soc example"},
        {.endpoint = "https://soc.example/\r\nX: y"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_target target;
        struct error err = {.status = ST_OK};
        struct buf url;
        enum status st = http_target_parse(rows[i].endpoint, &target, &err);
        if (rows[i].url == NULL) {
            if (st != ST_INVALID)
                fail_msg("'%s': %d", rows[i].endpoint, (int)st);
            continue;
        }
        assert_int_equal(st, ST_OK);
        assert_int_equal(target.is_local, rows[i].is_local);
        buf_init(&url, HTTP_URL_MAX);
        assert_int_equal(
            http_target_put_url(&target, NULL, rows[i].path, rows[i].query, &url, &err), ST_OK);
        assert_string_equal((const char *)url.data, rows[i].url);
        buf_fini(&url);
    }
}

/* --- Options --------------------------------------------------------------------------------- */

static enum status check(const struct http_config *config, const char *words)
{
    struct error err = {.status = ST_OK};

    enum status st = http_config_check(config, &err);
    if (words != NULL && strstr(err.text, words) == NULL)
        fail_msg("'%s' is not '%s'", err.text, words);
    return st;
}

static void test_plain_text_stays_on_this_machine(void **state)
{
    struct http_config config = {.endpoint = "http://127.0.0.1:4318"};
    (void)state;

    assert_int_equal(check(&config, NULL), ST_OK);
    config.endpoint = "http://soc.example";
    assert_int_equal(check(&config, "needs tls.insecure: true"), ST_INVALID);
    config.tls.insecure = true;
    assert_int_equal(check(&config, NULL), ST_OK);
    config.endpoint = "https://soc.example";
    assert_int_equal(check(&config, "contradicts https://"), ST_INVALID);
    config.endpoint = "http://localhost";
    config.tls.ca_file = "/ca";
    assert_int_equal(check(&config, "no use in plain text"), ST_INVALID);
    struct error err;
    config = (struct http_config){.endpoint = "https://soc.example"};
    assert_int_equal(http_config_check_url(&config, "logs_endpoint", NULL, &err), ST_OK);
    assert_int_equal(http_config_check_url(&config, "logs_endpoint", "http://x.example", &err),
                     ST_INVALID);
    assert_true(slice_starts_with(slice_of_text(err.text), SLICE("logs_endpoint: ")));
}

static void test_options_that_contradict_each_other_are_refused(void **state)
{
    const struct config_text_pair authorization[] = {{"Authorization", "Bearer x"}};
    const struct config_text_pair relative[] = {{"x-key", "secrets/key"}};
    const struct http_config good = {.endpoint = "https://soc.example"};
    struct http_config config = good;
    (void)state;

    config.tls.cert_file = "/cert";
    assert_int_equal(check(&config, "go together"), ST_INVALID);
    config = good;
    config.tls.insecure_skip_verify = true;
    config.tls.ca_file = "/ca";
    assert_int_equal(check(&config, "exclude another"), ST_INVALID);
    config = good;
    config.tls.server_name_override = "a/b";
    assert_int_equal(check(&config, "no name of a host"), ST_INVALID);
    config = good;
    config.basic_auth.user = "a";
    assert_int_equal(check(&config, "go together"), ST_INVALID);
    config.basic_auth = (struct http_basic_auth_config){"a:b", "/p"};
    assert_int_equal(check(&config, "without a ':'"), ST_INVALID);
    config.basic_auth.user = "a";
    config.token_file = "/token";
    assert_int_equal(check(&config, "exclude another"), ST_INVALID);
    config.token_file = NULL;
    config.headers = (struct config_text_map){authorization, 1};
    assert_int_equal(check(&config, "exclude another"), ST_INVALID);
    config = good;
    config.headers_from_files = (struct config_text_map){relative, 1};
    assert_int_equal(check(&config, "is not absolute"), ST_INVALID);
    config = good;
    config.proxy_url = "ftp://proxy";
    assert_int_equal(check(&config, "proxy_url must"), ST_INVALID);
    config.proxy_url = "none";
    assert_int_equal(check(&config, NULL), ST_OK);
}

static void test_headers_that_are_not_ours_to_set_are_refused(void **state)
{
    static const struct config_text_pair bad[] = {
        {"Content-Length", "5"},
        {"transfer-encoding", "chunked"},
        {"Host", "x"},
        {"a b", "x"},
        {"", "x"},
        {"a\r\nb", "x"},
        {"proxy-authorization", "x"},
        {"x-a", "b\r\nc: d"},
        {"x-a", "caf\xc3\xa9"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct http_config config = {.endpoint = "https://soc.example",
                                           .headers = {&bad[i], 1}};
        if (check(&config, "headers: ") != ST_INVALID)
            fail_msg("row %zu", i);
    }
    static struct config_text_pair many[HTTP_HEADERS_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = (struct config_text_pair){"x-a", "b"};
    struct http_config config = {.endpoint = "https://soc.example",
                                 .headers = {many, COUNT_OF(many)}};
    assert_int_equal(check(&config, "limit 64"), ST_LIMIT);
    config.headers.count--;
    assert_int_equal(check(&config, NULL), ST_OK);
}

/* --- Headers of answers ---------------------------------------------------------------------- */

static void test_retry_after_in_all_its_forms(void **state)
{
    static const struct {
        const char *lines[2];
        bool present;
        uint32_t ms;
    } rows[] = {
        {{"Retry-After: 7\r\n"}, true, 7000},
        {{"retry-after:  0 \r\n"}, true, 0},
        {{"Retry-After: 99999999999999999999999\r\n"}, true, UINT32_MAX},
        {{"Retry-After: -1\r\n"}, false, 0},
        {{"Retry-After: 1.5\r\n"}, false, 0},
        {{"Retry-After: soon\r\n"}, false, 0},
        {{"Retry-After:\r\n"}, false, 0},
        {{"Date:\r\n"}, false, 0},
        {{"X-Retry-After: 7\r\n"}, false, 0},
        /* by our clock, which says Sat, 21 Nov 2026 08:00:00 GMT */
        {{"Retry-After: Sat, 21 Nov 2026 08:00:30 GMT\r\n"}, true, 30000},
        {{"Retry-After: Sat, 21 Nov 2026 07:00:00 GMT\r\n"}, true, 0},
        {{"Retry-After: Saturday, 21-Nov-26 08:00:30 GMT\r\n"}, true, 30000},
        {{"Retry-After: Sat Nov 21 08:00:30 2026\r\n"}, true, 30000},
        /* by the server's */
        {{"Date: Sat, 21 Nov 2026 18:00:00 GMT\r\n",
          "Retry-After: Sat, 21 Nov 2026 18:00:05 GMT\r\n"},
         true,
         5000},
        {{"Retry-After: 5\r\n", "Retry-After: 9\r\n"}, true, 9000},
    };
    const int64_t now_unix = 1795248000;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer_head head = {.size = 0};
        uint32_t ms = 0;
        assert_true(answer_head_take(&head, SLICE("HTTP/1.1 503 No\r\n")));
        for (size_t line = 0; line < 2 && rows[i].lines[line] != NULL; line++)
            assert_true(answer_head_take(&head, slice_of_text(rows[i].lines[line])));
        bool present = answer_head_retry_after(&head, now_unix, &ms);
        if (present != rows[i].present || ms != rows[i].ms)
            fail_msg("%s: %d %u", rows[i].lines[0], present, ms);
    }
}

static void test_headers_are_bounded_over_all_answers(void **state)
{
    static char line[HTTP_ANSWER_HEAD_MAX / 2];
    struct answer_head head = {.size = 0};
    (void)state;

    memset(line, 'a', sizeof(line));
    assert_true(answer_head_take(&head, slice_of(line, sizeof(line))));
    assert_true(answer_head_take(&head, SLICE("HTTP/1.1 100 Continue\r\n")));
    assert_false(answer_head_take(&head, slice_of(line, sizeof(line))));
}

static void test_types_and_locations_are_fit_to_be_shown(void **state)
{
    struct answer_head head = {.size = 0};
    (void)state;

    assert_true(answer_head_take(&head, SLICE("content-TYPE: Text/HTML ; charset=x\r\n")));
    assert_string_equal(head.type, "text/html");
    assert_true(answer_head_take(&head, SLICE("Location: http://a/\x1b[2Jb\r\n")));
    assert_string_equal(head.location, "http://a/?[2Jb");
    assert_true(answer_head_take(&head, SLICE("HTTP/1.1 200 OK\r\n")));
    assert_string_equal(head.type, "");
}

/* --- Verdicts -------------------------------------------------------------------------------- */

/* The table of docs/DELIVERY.md, as this test knows it. */
static enum http_verdict expected_verdict(int status)
{
    static const int retried[] = {408, 417, 425, 429, 500, 502, 503, 504, 507, 520, 599};
    static const int rejected[] = {400, 409, 416, 418, 422, 423, 424, 499};

    if (status >= 200 && status < 300)
        return HTTP_VERDICT_DONE;
    if (status == 413)
        return HTTP_VERDICT_SPLIT;
    for (size_t i = 0; i < COUNT_OF(retried); i++) {
        if (retried[i] == status)
            return HTTP_VERDICT_RETRY;
    }
    for (size_t i = 0; i < COUNT_OF(rejected); i++) {
        if (rejected[i] == status)
            return HTTP_VERDICT_REJECTED;
    }
    return HTTP_VERDICT_REPAIR;
}

static void test_every_status_has_its_verdict(void **state)
{
    static const int statuses[] = {100, 101, 199, 200, 201, 202, 204, 206, 299, 300, 301, 302, 303,
                                   304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409,
                                   410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424,
                                   425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505,
                                   506, 507, 508, 510, 511, 520, 599, 600, 999, 0};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        const struct http_response response = {.status = statuses[i], .type = "", .location = ""};
        const struct http_outcome_input input = {.response = &response};
        struct export_report report = {.rejected_count = 0};
        struct error err = {.status = ST_OK};
        enum http_verdict expected = expected_verdict(statuses[i]);
        if (http_outcome_judge(&input) != expected)
            fail_msg("%d: %d", statuses[i], (int)http_outcome_judge(&input));
        enum export_result result = http_outcome(&input, &report, &err);
        bool is_retry = expected == HTTP_VERDICT_RETRY || expected == HTTP_VERDICT_REPAIR;
        assert_int_equal(result == EXPORT_RETRY, is_retry);
        assert_int_equal(report.retry_after_ms,
                         expected == HTTP_VERDICT_REPAIR ? HTTP_RETRY_REPAIR_MS : 0);
        assert_int_equal(err.status == ST_OK, expected == HTTP_VERDICT_DONE);
    }
}

static enum http_verdict judge(int status, const char *type, const char *body)
{
    const struct http_response response = {
        .status = status, .type = type, .location = "", .body = slice_of_text(body)};
    const struct http_outcome_input input = {.response = &response};

    return http_outcome_judge(&input);
}

static void test_what_the_body_says_counts(void **state)
{
    (void)state;
    assert_int_equal(judge(400, "text/plain", "http: request body too large"), HTTP_VERDICT_SPLIT);
    assert_int_equal(judge(400, "text/plain", "bad field"), HTTP_VERDICT_REJECTED);
    assert_int_equal(judge(422, "text/plain", "too large"), HTTP_VERDICT_REJECTED);
    assert_int_equal(judge(400, "text/plain", "Client sent an HTTP request to an HTTPS server."),
                     HTTP_VERDICT_REPAIR);
    assert_int_equal(judge(400, "text/html", "The plain HTTP request was sent to HTTPS port"),
                     HTTP_VERDICT_REPAIR);
    assert_int_equal(judge(200, "text/html", "<h1>Welcome, please log in</h1>"),
                     HTTP_VERDICT_REPAIR);
    assert_int_equal(judge(400, "text/html", "<h1>Bad Request</h1>"), HTTP_VERDICT_REPAIR);
    assert_int_equal(judge(503, "text/html", "<h1>Busy</h1>"), HTTP_VERDICT_RETRY);
    assert_int_equal(judge(413, "text/html", "<h1>Too Large</h1>"), HTTP_VERDICT_SPLIT);
}

static void test_rules_of_an_exporter_come_first(void **state)
{
    static const struct http_rule rules[] = {
        {409, 409, HTTP_VERDICT_DONE, NULL},
        {200, 204, HTTP_VERDICT_DONE, NULL},
        {205, 299, HTTP_VERDICT_RETRY, "only 200 to 204 is success"},
    };
    struct http_response response = {.status = 409, .type = "text/html", .location = ""};
    const struct http_outcome_input input = {.response = &response,
                                             .rules = rules,
                                             .rule_count = COUNT_OF(rules),
                                             .web_page_is_answer = true};
    struct export_report report = {.rejected_count = 0};
    struct error err;
    (void)state;

    assert_int_equal(http_outcome(&input, &report, &err), EXPORT_DONE);
    response.status = 206;
    assert_int_equal(http_outcome(&input, &report, &err), EXPORT_RETRY);
    assert_non_null(strstr(err.text, "HTTP 206, only 200 to 204 is success"));
    response.status = 404;
    assert_int_equal(http_outcome(&input, &report, &err), EXPORT_RETRY);
}

static void test_words_and_times_reach_the_report(void **state)
{
    struct http_response response = {.status = 429,
                                     .type = "text/plain",
                                     .location = "",
                                     .body = SLICE("slow\r\ndown \x1b[2J"),
                                     .has_retry_after = true,
                                     .retry_after_ms = 7000,
                                     .sent_bytes = 99};
    struct http_outcome_input input = {.response = &response};
    struct export_report report = {.rejected_count = 0};
    struct error err;
    (void)state;

    assert_int_equal(http_outcome(&input, &report, &err), EXPORT_RETRY);
    assert_int_equal(report.retry_after_ms, 7000);
    assert_int_equal(report.sent_bytes, 99);
    assert_string_equal(report.message, "slow  down  [2J");
    response.status = 401;
    assert_int_equal(http_outcome(&input, &report, &err), EXPORT_RETRY);
    assert_int_equal(report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
    assert_non_null(strstr(err.text, "HTTP 401, check the credentials"));
    response.status = 308;
    response.location = "https://elsewhere/";
    assert_int_equal(http_outcome(&input, &report, &err), EXPORT_RETRY);
    assert_non_null(strstr(err.text, "set that endpoint https://elsewhere/"));
    err.text[0] = 0;
    input.transport = HTTP_UNCLEAR;
    report.retry_after_ms = 0;
    assert_int_equal(http_outcome(&input, &report, &err), EXPORT_RETRY);
    assert_int_equal(report.retry_after_ms, 0);
    input.transport = HTTP_UNREADY;
    assert_int_equal(http_outcome(&input, &report, &err), EXPORT_RETRY);
    assert_int_equal(report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
    assert_string_equal(err.text, ""); /* what the client said stands */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints_become_addresses),
        cmocka_unit_test(test_plain_text_stays_on_this_machine),
        cmocka_unit_test(test_options_that_contradict_each_other_are_refused),
        cmocka_unit_test(test_headers_that_are_not_ours_to_set_are_refused),
        cmocka_unit_test(test_retry_after_in_all_its_forms),
        cmocka_unit_test(test_headers_are_bounded_over_all_answers),
        cmocka_unit_test(test_types_and_locations_are_fit_to_be_shown),
        cmocka_unit_test(test_every_status_has_its_verdict),
        cmocka_unit_test(test_what_the_body_says_counts),
        cmocka_unit_test(test_rules_of_an_exporter_come_first),
        cmocka_unit_test(test_words_and_times_reach_the_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
