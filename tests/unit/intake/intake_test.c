/* SPDX-License-Identifier: Apache-2.0 */
/* intake_test.c -- the HTTP exporter against a server that answers from a script: what goes over
 * the wire for each preset, and what answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/http_statuses.h"
#include "support/intake_bench.h"
#include "telltale/http_outcome.h"

static const struct exporter_ops *const ops = &exporter_http;

/* The document of record `i` in the shape otel. */
#define DOCUMENT(i)                                                                                \
    "{\"@timestamp\":\"2023-11-14T22:13:2" #i ".000000000Z\",\"body\":{\"text\":\"b" #i "\"},"     \
    "\"attributes\":{\"log.record.uid\":\"u" #i "\",\"agent.event.kind\":\"agent.tool\"},"         \
    "\"resource\":{\"attributes\":{\"service.name\":\"svc\"}},\"scope\":{}}"
#define ESCAPED(i)                                                                                 \
    "{\\\"@timestamp\\\":\\\"2023-11-14T22:13:2" #i ".000000000Z\\\",\\\"body\\\":{\\\"text\\\":"  \
    "\\\"b" #i "\\\"},\\\"attributes\\\":{\\\"log.record.uid\\\":\\\"u" #i                         \
    "\\\",\\\"agent.event.kind\\\":\\\"agent.tool\\\"},\\\"resource\\\":{\\\"attributes\\\":"      \
    "{\\\"service.name\\\":\\\"svc\\\"}},\\\"scope\\\":{}}"

/* --- Presets --------------------------------------------------------------------------------- */

struct preset_case {
    const char *preset, *line, *type, *encoding, *body;
};

static const struct preset_case preset_cases[] = {
    {"webhook", "POST /base HTTP/1.1\r\n", "application/json", "",
     "[" DOCUMENT(0) "," DOCUMENT(1) "]"},
    {"sentinel", "POST /base?api-version=2023-01-01 HTTP/1.1\r\n", "application/json", "gzip",
     "[{\"TimeGenerated\":\"2023-11-14T22:13:20.000000000Z\",\"EventId\":\"u0\","
     "\"Kind\":\"agent.tool\",\"Phase\":null,\"Outcome\":null,\"Decision\":null,\"Product\":null,"
     "\"SessionId\":null,\"Tool\":null,\"UserName\":null,\"HostName\":null,\"Severity\":null,"
     "\"Message\":\"b0\",\"Event\":" DOCUMENT(
         0) "},"
            "{\"TimeGenerated\":\"2023-11-14T22:13:21.000000000Z\",\"EventId\":\"u1\","
            "\"Kind\":\"agent.tool\",\"Phase\":null,\"Outcome\":null,\"Decision\":null,\"Product\":"
            "null,"
            "\"SessionId\":null,\"Tool\":null,\"UserName\":null,\"HostName\":null,\"Severity\":"
            "null,"
            "\"Message\":\"b1\",\"Event\":" DOCUMENT(1) "}]"},
    {"datadog", "POST /base/api/v2/logs HTTP/1.1\r\n", "application/json", "gzip",
     "[{\"ddsource\":\"telltale\",\"service\":\"svc\",\"timestamp\":1700000000000,\"uid\":\"u0\","
     "\"message\":\"" ESCAPED(
         0) "\"},{\"ddsource\":\"telltale\",\"service\":\"svc\","
            "\"timestamp\":1700000001000,\"uid\":\"u1\",\"message\":\"" ESCAPED(1) "\"}]"},
    {"sumo", "POST /base HTTP/1.1\r\n", "application/x-ndjson", "gzip",
     DOCUMENT(0) "\n" DOCUMENT(1) "\n"},
    {"loki", "POST /base/loki/api/v1/push HTTP/1.1\r\n", "application/json", "gzip",
     "{\"streams\":[{\"stream\":{\"job\":\"telltale\",\"service_name\":\"svc\","
     "\"kind\":\"agent.tool\"},\"values\":[[\"1700000000000000000\",\"" ESCAPED(
         0) "\","
            "{\"uid\":\"u0\"}],[\"1700000001000000000\",\"" ESCAPED(1) "\",{\"uid\":\"u1\"}]]}]}"},
    {"logscale", "POST /base/api/v1/ingest/hec HTTP/1.1\r\n", "application/json", "gzip",
     "{\"time\":1700000000.000000000,\"source\":\"telltale\",\"sourcetype\":\"json\","
     "\"event\":" DOCUMENT(0) "}\n{\"time\":1700000001.000000000,\"source\":\"telltale\","
                              "\"sourcetype\":\"json\",\"event\":" DOCUMENT(1) "}\n"},
    {"victorialogs",
     "POST /base/insert/jsonline?_stream_fields=service,host&_time_field=_time&_msg_field=_msg "
     "HTTP/1.1\r\n",
     "application/stream+json", "gzip",
     "{\"_time\":\"2023-11-14T22:13:20.000000000Z\",\"_msg\":\"agent.tool b0\","
     "\"service\":\"svc\",\"uid\":\"u0\",\"otel\":" DOCUMENT(
         0) "}\n"
            "{\"_time\":\"2023-11-14T22:13:21.000000000Z\",\"_msg\":\"agent.tool b1\","
            "\"service\":\"svc\",\"uid\":\"u1\",\"otel\":" DOCUMENT(1) "}\n"},
};

static void test_each_preset_speaks_as_its_destination_documents(void **state)
{
    struct intake_bench *bench = *state;

    intake_add_records(bench, 2);
    option_set_enum(ops, bench->config, "on_old_item", "send");
    for (size_t i = 0; i < COUNT_OF(preset_cases); i++) {
        const struct preset_case *expected = &preset_cases[i];
        option_set_enum(ops, bench->config, "preset", expected->preset);
        intake_bench_create(bench);
        assert_int_equal(intake_send_all(bench), EXPORT_DONE);
        const struct http_sink_request *seen = intake_last_request(bench);
        assert_memory_equal(seen->head, expected->line, strlen(expected->line));
        intake_assert_header(seen, "content-type", expected->type);
        intake_assert_header(seen, "content-encoding", expected->encoding);
        assert_string_equal(intake_body_of(bench, seen), expected->body);
    }
}

/* base64 has no other test of its own: cut to what the API wants around it. */
static void test_google_secops_has_logs_in_base64(void **state)
{
    struct intake_bench *bench = *state;

    intake_add_records(bench, 1);
    option_set_enum(ops, bench->config, "preset", "google_secops");
    option_set_text(ops, bench->config, "body_prefix",
                    "{\"inlineSource\":{\"forwarder\":\"f\",\"logs\":[");
    option_set_text(ops, bench->config, "path",
                    "/v1alpha/projects/p/locations/eu/instances/i/logTypes/T/logs:import");
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    const char *body = intake_body_of(bench, intake_last_request(bench));
    const char *start =
        "{\"inlineSource\":{\"forwarder\":\"f\",\"logs\":[{\"data\":\"eyJAdGltZXN0YW1w";
    const char *end = "\",\"logEntryTime\":\"2023-11-14T22:13:20.000000000Z\"}]}}";
    assert_memory_equal(body, start, strlen(start));
    assert_string_equal(body + strlen(body) - strlen(end), end);
    assert_non_null(
        strstr(intake_last_request(bench)->head, "/logTypes/T/logs:import HTTP/1.1\r\n"));
}

/* --- Answers --------------------------------------------------------------------------------- */

static void test_every_status_has_its_consequence_for_every_preset(void **state)
{
    struct intake_bench *bench = *state;

    intake_add_records(bench, 1);
    option_set_enum(ops, bench->config, "on_old_item", "send");
    for (size_t p = 0; p < COUNT_OF(preset_cases); p++) {
        option_set_enum(ops, bench->config, "preset", preset_cases[p].preset);
        intake_bench_create(bench);
        for (size_t i = 0; i < HTTP_STATUS_COUNT; i++) {
            const struct http_status_meaning *meaning = &http_status_meanings[i];
            bool is_500 = meaning->status == 500; /* otlp_http's own */
            intake_script(bench, (struct http_sink_answer){.status = meaning->status});
            assert_int_equal(intake_send_all(bench), meaning->plain);
            assert_int_equal(bench->report.retry_after_ms, is_500 ? 0 : meaning->plain_delay_ms);
            intake_script(bench, (struct http_sink_answer){.status = meaning->status,
                                                           .headers = "Retry-After: 7\r\n"});
            assert_int_equal(intake_send_all(bench), meaning->plain);
            assert_int_equal(bench->report.retry_after_ms, is_500 ? 7000 : meaning->asked_delay_ms);
        }
    }
}

static void test_lists_of_statuses_come_before_the_table(void **state)
{
    static const char *const success[] = {"204"}, *const retry[] = {"400"},
                             *const split[] = {"409", "460-470"}, *const reject[] = {"403"};
    static const struct {
        int status;
        enum export_result result;
        uint32_t delay_ms;
    } cases[] = {
        {204, EXPORT_DONE, 0},      {200, EXPORT_RETRY, 60000}, {400, EXPORT_RETRY, 0},
        {409, EXPORT_TOO_LARGE, 0}, {465, EXPORT_TOO_LARGE, 0}, {403, EXPORT_REJECTED, 0},
        {429, EXPORT_RETRY, 0},     {401, EXPORT_RETRY, 60000},
    };
    struct intake_bench *bench = *state;

    intake_add_records(bench, 1);
    option_set_list(ops, bench->config, "success_statuses", (struct config_text_list){success, 1});
    option_set_list(ops, bench->config, "retry_statuses", (struct config_text_list){retry, 1});
    option_set_list(ops, bench->config, "split_statuses", (struct config_text_list){split, 2});
    option_set_list(ops, bench->config, "reject_statuses", (struct config_text_list){reject, 1});
    intake_bench_create(bench);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        intake_script(bench, (struct http_sink_answer){.status = cases[i].status});
        assert_int_equal(intake_send_all(bench), cases[i].result);
        assert_int_equal(bench->report.retry_after_ms, cases[i].delay_ms);
    }
}

static void test_a_body_may_have_to_say_success_too(void **state)
{
    static const struct {
        const char *path, *value, *body;
        enum export_result result;
    } cases[] = {
        {"code", "0", "{\"text\":\"Success\",\"code\":0}", EXPORT_DONE},
        {"code", "0", "{\"code\":9}", EXPORT_RETRY},
        {"code", "0", "", EXPORT_RETRY},
        {"code", "0", "{\"code\":0", EXPORT_RETRY},
        {"errors", "false", "{\"took\":1,\"errors\":false}", EXPORT_DONE},
        {"errors", "false", "{\"errors\":true}", EXPORT_RETRY},
        {"status.text", "ok", "{\"status\":{\"text\":\"o\\u006b\"}}", EXPORT_DONE},
        {"error", NULL, "{}", EXPORT_DONE},
        {"error", NULL, "{\"error\":\"no\"}", EXPORT_RETRY},
        {"error", NULL, "hello", EXPORT_RETRY},
    };
    struct intake_bench *bench = *state;

    intake_add_records(bench, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        option_set_text(ops, bench->config, "success_path", cases[i].path);
        option_set_text(ops, bench->config, "success_value", cases[i].value);
        intake_bench_create(bench);
        intake_script(bench, (struct http_sink_answer){.body = slice_of_text(cases[i].body)});
        assert_int_equal(intake_send_all(bench), cases[i].result);
        assert_int_equal(bench->report.retry_after_ms,
                         cases[i].result == EXPORT_DONE ? 0 : HTTP_RETRY_REPAIR_MS);
    }
}

/* --- Limits ---------------------------------------------------------------------------------- */

/* As the worker does: what is to come again comes as a batch of its own.  Returns the requests. */
static size_t send_until_settled(struct intake_bench *bench, size_t most)
{
    size_t at = 0, requests = 0;

    while (at < bench->count) {
        enum export_result result = intake_send_range(bench, at, bench->count - at);
        requests++;
        assert_true(requests <= most);
        if (result == EXPORT_DONE)
            return requests;
        assert_int_equal(result, EXPORT_MIXED);
        size_t taken = 0;
        while (at + taken < bench->count && bench->told[taken].outcome == ITEM_DONE &&
               bench->told[taken].was_told)
            taken++;
        assert_true(taken > 0);
        for (size_t i = taken; at + i < bench->count; i++)
            assert_int_equal(bench->told[i].outcome, ITEM_AGAIN);
        at += taken;
    }
    return requests;
}

static void test_requests_have_no_more_records_than_allowed(void **state)
{
    struct intake_bench *bench = *state;

    intake_add_records(bench, 10);
    option_set_number(ops, bench->config, "max_items", 4);
    intake_bench_create(bench);
    assert_int_equal(send_until_settled(bench, 10), 3);
    assert_non_null(strstr(intake_body_of(bench, http_sink_request(bench->sink, 2)), "\"u9\""));
}

static void test_requests_are_no_larger_than_allowed(void **state)
{
    static const char *const presets[] = {"webhook", "sumo", "loki", "sentinel"};
    struct intake_bench *bench = *state;

    intake_add_records(bench, 20);
    option_set_number(ops, bench->config, "max_body_size", 4096);
    for (size_t p = 0; p < COUNT_OF(presets); p++) {
        size_t before = http_sink_count(bench->sink), seen = 0;
        option_set_enum(ops, bench->config, "preset", presets[p]);
        intake_bench_create(bench);
        (void)send_until_settled(bench, 20);
        for (size_t i = before; i < http_sink_count(bench->sink); i++) {
            const char *body = intake_body_of(bench, http_sink_request(bench->sink, i));
            assert_true(strlen(body) <= 4096);
            for (const char *at = body; (at = strstr(at, "2023-11-14T22:")) != NULL; at++)
                seen++;
        }
        assert_int_equal(seen, strcmp(presets[p], "sentinel") == 0 ? 40 : 20);
    }
}

static char *long_text(size_t size)
{
    char *text = malloc(size + 1);

    assert_non_null(text);
    memset(text, 'x', size);
    text[size] = 0;
    return text;
}

static void test_a_record_that_is_too_large_is_cut_or_set_aside(void **state)
{
    struct intake_bench *bench = *state;
    char *text = long_text(1100000);

    intake_add_records(bench, 1);
    intake_add_record(bench, INTAKE_TIME_NS, text);
    option_set_enum(ops, bench->config, "preset", "datadog");
    option_set_enum(ops, bench->config, "on_old_item", "send");
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    const char *body = intake_body_of(bench, intake_last_request(bench));
    assert_true(strlen(body) > 990000 && strlen(body) < 1001000);
    assert_non_null(strstr(body, "xxx [cut by telltale]"));
    option_set_enum(ops, bench->config, "on_large_item", "reject");
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_MIXED);
    assert_int_equal(bench->told[0].outcome, ITEM_DONE);
    assert_int_equal(bench->told[1].outcome, ITEM_TOO_LARGE);
    assert_non_null(strstr(bench->told[1].words, "limit 1000000"));
    free(text);
}

static void test_sentinel_takes_a_megabyte_and_no_more(void **state)
{
    struct intake_bench *bench = *state;
    char *text = long_text(300000);

    for (int i = 0; i < 4; i++)
        intake_add_record(bench, INTAKE_TIME_NS, text);
    option_set_enum(ops, bench->config, "preset", "sentinel");
    intake_bench_create(bench);
    assert_int_equal(send_until_settled(bench, 4), 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(strlen(intake_body_of(bench, http_sink_request(bench->sink, i))) <= 1000000);
    free(text);
}

static void test_what_is_too_old_for_a_destination_is_set_aside(void **state)
{
    struct intake_bench *bench = *state;
    uint64_t now_ns = (uint64_t)time(NULL) * NS_PER_S;

    intake_add_record(bench, now_ns - 19 * 3600 * NS_PER_S, "old");
    intake_add_record(bench, now_ns - 17 * 3600 * NS_PER_S, "new");
    intake_add_record(bench, 0, "timeless");
    option_set_enum(ops, bench->config, "preset", "datadog");
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_MIXED);
    assert_int_equal(bench->told[0].outcome, ITEM_REJECTED);
    assert_non_null(
        strstr(bench->told[0].words, "seconds old, which the destination does not take"));
    assert_int_equal(bench->told[1].outcome, ITEM_DONE);
    assert_int_equal(bench->told[2].outcome, ITEM_DONE);
    assert_int_equal(intake_send_range(bench, 0, 1), EXPORT_MIXED);
    assert_int_equal(http_sink_count(bench->sink), 1);
    option_set_enum(ops, bench->config, "on_old_item", "send");
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
}

/* --- Groups ---------------------------------------------------------------------------------- */

static void add_of_kind(struct intake_bench *bench, uint64_t time_ns, const char *kind)
{
    struct made_record *made = intake_begin_record(bench, time_ns);

    made_text(made, "agent.event.kind", kind);
    intake_end_record(bench);
}

static void test_groups_stand_together_sorted_by_time(void **state)
{
    struct intake_bench *bench = *state;

    add_of_kind(bench, 3, "agent.tool");
    add_of_kind(bench, 9, "agent.prompt");
    add_of_kind(bench, 1, "agent.tool");
    add_of_kind(bench, 1, "agent.tool");
    add_of_kind(bench, 2, "agent.prompt");
    option_set_enum(ops, bench->config, "preset", "loki");
    option_set_text(ops, bench->config, "record", "[{{time:unix_ns_str}},\"{{sequence}}\"]");
    option_set_text(ops, bench->config, "group_by", "{\"kind\":{{kind}}}");
    intake_bench_create(bench);
    assert_int_equal(intake_send_all(bench), EXPORT_DONE);
    assert_string_equal(intake_body_of(bench, intake_last_request(bench)),
                        "{\"streams\":[{\"stream\":{\"kind\":\"agent.tool\"},\"values\":"
                        "[[\"1\",\"3\"],[\"1\",\"4\"],[\"3\",\"1\"]]},"
                        "{\"stream\":{\"kind\":\"agent.prompt\"},\"values\":"
                        "[[\"2\",\"5\"],[\"9\",\"2\"]]}]}");
}

static void test_a_request_has_so_many_groups(void **state)
{
    struct intake_bench *bench = *state;

    for (int i = 0; i < 10; i++) {
        char kind[24];
        snprintf(kind, sizeof(kind), "k%d", i);
        add_of_kind(bench, 1, kind);
    }
    option_set_enum(ops, bench->config, "preset", "loki");
    option_set_number(ops, bench->config, "max_groups", 4);
    intake_bench_create(bench);
    assert_int_equal(send_until_settled(bench, 10), 3);
}

/* --- Poison ---------------------------------------------------------------------------------- */

/* As the worker does with what is refused; the server refuses every request with "poison" in it. */
static void halve(struct intake_bench *bench, size_t first, size_t count, size_t poison, bool *done)
{
    bool bad = poison >= first && poison < first + count;

    intake_script(bench, (struct http_sink_answer){.status = bad ? 400 : 204});
    enum export_result result = intake_send_range(bench, first, count);
    if (result == EXPORT_DONE) {
        for (size_t i = first; i < first + count; i++)
            done[i] = true;
        return;
    }
    assert_int_equal(result, EXPORT_REJECTED);
    if (count == 1) {
        assert_int_equal(first, poison);
        return;
    }
    halve(bench, first, count / 2, poison, done);
    halve(bench, first + count / 2, count - count / 2, poison, done);
}

static void test_poison_is_found_at_every_position(void **state)
{
    enum { COUNT = 9 };
    struct intake_bench *bench = *state;

    intake_add_records(bench, COUNT);
    option_set_enum(ops, bench->config, "preset", "loki");
    intake_bench_create(bench);
    for (size_t poison = 0; poison < COUNT; poison++) {
        bool done[COUNT] = {false};
        halve(bench, 0, COUNT, poison, done);
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(done[i], i != poison);
    }
}

static void test_poison_that_fills_a_request_is_told_of_alone(void **state)
{
    struct intake_bench *bench = *state;

    intake_add_records(bench, 3);
    option_set_number(ops, bench->config, "max_items", 1);
    intake_bench_create(bench);
    intake_script(bench, (struct http_sink_answer){.status = 400, .body = SLICE("bad column")});
    assert_int_equal(intake_send_all(bench), EXPORT_MIXED);
    assert_int_equal(bench->told[0].outcome, ITEM_REJECTED);
    assert_non_null(strstr(bench->told[0].words, "HTTP 400: bad column"));
    assert_int_equal(bench->told[1].outcome, ITEM_AGAIN);
    assert_int_equal(bench->told[2].outcome, ITEM_AGAIN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, intake_bench_make, intake_bench_drop)
    const struct CMUnitTest tests[] = {
        TEST(test_each_preset_speaks_as_its_destination_documents),
        TEST(test_google_secops_has_logs_in_base64),
        TEST(test_every_status_has_its_consequence_for_every_preset),
        TEST(test_lists_of_statuses_come_before_the_table),
        TEST(test_a_body_may_have_to_say_success_too),
        TEST(test_requests_have_no_more_records_than_allowed),
        TEST(test_requests_are_no_larger_than_allowed),
        TEST(test_a_record_that_is_too_large_is_cut_or_set_aside),
        TEST(test_sentinel_takes_a_megabyte_and_no_more),
        TEST(test_what_is_too_old_for_a_destination_is_set_aside),
        TEST(test_groups_stand_together_sorted_by_time),
        TEST(test_a_request_has_so_many_groups),
        TEST(test_poison_is_found_at_every_position),
        TEST(test_poison_that_fills_a_request_is_told_of_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
