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

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "exporters/http/intake_sign.h"
#include "support/http_bench.h"
#include "support/http_sink.h"
#include "support/http_statuses.h"
#include "support/made_record.h"
#include "support/option.h"
#include "support/temp_dir.h"
#include "telltale/exporter.h"
#include "telltale/http_outcome.h"
#include "util/clock.h"
#include "wire/compress.h"

extern const struct exporter_ops exporter_http;

static const struct exporter_ops *const ops = &exporter_http;

enum { RECORDS_MAX = 64, BODY_MAX = 1 << 25 };

#define TIME_NS UINT64_C(1700000000000000000)

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

struct told {
    enum item_outcome outcome;
    bool was_told;
    char words[ITEM_WORDS_MAX + 1];
};

struct bench {
    struct temp_dir dir;
    char endpoint[128];
    void *config;
    void *exporter;
    struct http_sink *sink;
    struct made_record made[RECORDS_MAX];
    struct record records[RECORDS_MAX];
    size_t count;
    struct export_report report;
    struct told told[RECORDS_MAX];
    struct error err;
    struct buf body; /* of the last request that was looked at */
};

static struct bench *present; /* for tell() */
static const struct record_group group = {
    .resource_logs_fields = SLICE("\x0a\x17\x0a\x15\x0a\x0cservice.name\x12\x05\x0a\x03svc")};

static void tell(struct export_report *report, size_t index, enum item_outcome outcome,
                 const char *words)
{
    (void)report;
    assert_true(index < present->count);
    struct told *told = &present->told[index];
    told->outcome = outcome;
    told->was_told = true;
    snprintf(told->words, sizeof(told->words), "%s", words != NULL ? words : "");
}

static int make_bench(void **state)
{
    const struct http_sink_settings settings = {.unix_path = NULL};
    struct bench *bench = calloc(1, sizeof(*bench));

    temp_dir_make(&bench->dir);
    bench->sink = http_sink_start(&settings);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "http://127.0.0.1:%d/base",
             http_sink_port(bench->sink));
    bench->config = option_make_config(ops);
    option_set_text(ops, bench->config, "endpoint", bench->endpoint);
    option_set_number(ops, bench->config, "compression_level", 1);
    option_set_number(ops, bench->config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, bench->config, "max_response_size", 4 << 20);
    option_set_number(ops, bench->config, "max_groups", 64);
    buf_init(&bench->body, BODY_MAX);
    present = bench;
    *state = bench;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;

    ops->destroy(bench->exporter);
    http_sink_stop(bench->sink);
    for (size_t i = 0; i < bench->count; i++)
        made_fini(&bench->made[i]);
    buf_fini(&bench->body);
    free(bench->config);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

static struct made_record *begin_record(struct bench *bench, uint64_t time_ns)
{
    struct made_record *made = &bench->made[bench->count];

    made_init(made);
    if (time_ns != 0)
        made_fixed64(made, RECORD_TIME_UNIX_NANO, time_ns);
    return made;
}

static void end_record(struct bench *bench)
{
    bench->records[bench->count] = (struct record){
        .sequence = bench->count + 1, .bytes = buf_slice(&bench->made[bench->count].bytes)};
    bench->count++;
}

static void put_body(struct made_record *made, const char *text)
{
    static uint8_t any[BODY_MAX / 8];
    size_t size = strlen(text);
    uint8_t *at = pb_put_header(any, ANY_STRING, size);

    assert_true(size < sizeof(any) - 16);
    memcpy(at, text, size);
    made_field(made, RECORD_BODY, slice_of(any, (size_t)(at - any) + size));
}

static void add_record(struct bench *bench, uint64_t time_ns, const char *body)
{
    struct made_record *made = begin_record(bench, time_ns);
    char uid[24];

    snprintf(uid, sizeof(uid), "u%zu", bench->count);
    put_body(made, body);
    made_text(made, "log.record.uid", uid);
    made_text(made, "agent.event.kind", "agent.tool");
    end_record(bench);
}

/* b0 at :20, b1 at :21 ... */
static void add_records(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char body[24];
        snprintf(body, sizeof(body), "b%zu", i);
        add_record(bench, TIME_NS + i * NS_PER_S, body);
    }
}

static void create(struct bench *bench)
{
    const struct exporter_context context = {.name = "http/test", .state_dir = bench->dir.path};

    ops->destroy(bench->exporter);
    bench->exporter = NULL;
    if (ops->check(bench->config, &bench->err) != ST_OK)
        fail_msg("%s", bench->err.text);
    assert_int_equal(ops->create(bench->config, &context, &bench->exporter, &bench->err), ST_OK);
}

static enum export_result send_range(struct bench *bench, size_t first, size_t count)
{
    const struct batch batch = {.records = bench->records + first,
                                .record_count = count,
                                .groups = &group,
                                .group_count = 1};

    memset(bench->told, 0, sizeof(bench->told));
    bench->report = (struct export_report){.tell = tell};
    bench->err = (struct error){.status = ST_OK};
    return ops->send(bench->exporter, &batch, clock_monotonic_ns() + PLENTY_MS * NS_PER_MS,
                     &bench->report, &bench->err);
}

static enum export_result send_all(struct bench *bench)
{
    return send_range(bench, 0, bench->count);
}

static void script(struct bench *bench, struct http_sink_answer answer)
{
    http_sink_script(bench->sink, &answer, 1);
}

static const struct http_sink_request *last_request(struct bench *bench)
{
    return http_sink_request(bench->sink, http_sink_count(bench->sink) - 1);
}

/* The body of a request, decoded, as a C string. */
static const char *body_of(struct bench *bench, const struct http_sink_request *request)
{
    char encoding[32] = "";
    enum content_encoding kind = ENCODING_NONE;

    if (http_sink_header(request, "content-encoding", encoding, sizeof(encoding)))
        kind = strcmp(encoding, "gzip") == 0 ? ENCODING_GZIP : ENCODING_ZSTD;
    buf_clear(&bench->body);
    assert_int_equal(content_decode(kind, request->body, &bench->body, &bench->err), ST_OK);
    assert_int_equal(buf_append(&bench->body, "", 1, &bench->err), ST_OK);
    return (const char *)bench->body.data;
}

static void assert_header(const struct http_sink_request *request, const char *name,
                          const char *expected)
{
    char value[1024] = "";

    (void)http_sink_header(request, name, value, sizeof(value));
    assert_string_equal(value, expected);
}

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
    struct bench *bench = *state;

    add_records(bench, 2);
    option_set_enum(ops, bench->config, "on_old_item", "send");
    for (size_t i = 0; i < COUNT_OF(preset_cases); i++) {
        const struct preset_case *expected = &preset_cases[i];
        option_set_enum(ops, bench->config, "preset", expected->preset);
        create(bench);
        assert_int_equal(send_all(bench), EXPORT_DONE);
        const struct http_sink_request *seen = last_request(bench);
        assert_memory_equal(seen->head, expected->line, strlen(expected->line));
        assert_header(seen, "content-type", expected->type);
        assert_header(seen, "content-encoding", expected->encoding);
        assert_string_equal(body_of(bench, seen), expected->body);
    }
}

/* base64 has no other test of its own: cut to what the API wants around it. */
static void test_google_secops_has_logs_in_base64(void **state)
{
    struct bench *bench = *state;

    add_records(bench, 1);
    option_set_enum(ops, bench->config, "preset", "google_secops");
    option_set_text(ops, bench->config, "body_prefix",
                    "{\"inlineSource\":{\"forwarder\":\"f\",\"logs\":[");
    option_set_text(ops, bench->config, "path",
                    "/v1alpha/projects/p/locations/eu/instances/i/logTypes/T/logs:import");
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    const char *body = body_of(bench, last_request(bench));
    const char *start =
        "{\"inlineSource\":{\"forwarder\":\"f\",\"logs\":[{\"data\":\"eyJAdGltZXN0YW1w";
    const char *end = "\",\"logEntryTime\":\"2023-11-14T22:13:20.000000000Z\"}]}}";
    assert_memory_equal(body, start, strlen(start));
    assert_string_equal(body + strlen(body) - strlen(end), end);
    assert_non_null(strstr(last_request(bench)->head, "/logTypes/T/logs:import HTTP/1.1\r\n"));
}

/* --- Answers --------------------------------------------------------------------------------- */

static void test_every_status_has_its_consequence_for_every_preset(void **state)
{
    struct bench *bench = *state;

    add_records(bench, 1);
    option_set_enum(ops, bench->config, "on_old_item", "send");
    for (size_t p = 0; p < COUNT_OF(preset_cases); p++) {
        option_set_enum(ops, bench->config, "preset", preset_cases[p].preset);
        create(bench);
        for (size_t i = 0; i < HTTP_STATUS_COUNT; i++) {
            const struct http_status_meaning *meaning = &http_status_meanings[i];
            bool is_500 = meaning->status == 500; /* otlp_http's own */
            script(bench, (struct http_sink_answer){.status = meaning->status});
            assert_int_equal(send_all(bench), meaning->plain);
            assert_int_equal(bench->report.retry_after_ms, is_500 ? 0 : meaning->plain_delay_ms);
            script(bench, (struct http_sink_answer){.status = meaning->status,
                                                    .headers = "Retry-After: 7\r\n"});
            assert_int_equal(send_all(bench), meaning->plain);
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
    struct bench *bench = *state;

    add_records(bench, 1);
    option_set_list(ops, bench->config, "success_statuses", (struct config_text_list){success, 1});
    option_set_list(ops, bench->config, "retry_statuses", (struct config_text_list){retry, 1});
    option_set_list(ops, bench->config, "split_statuses", (struct config_text_list){split, 2});
    option_set_list(ops, bench->config, "reject_statuses", (struct config_text_list){reject, 1});
    create(bench);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        script(bench, (struct http_sink_answer){.status = cases[i].status});
        assert_int_equal(send_all(bench), cases[i].result);
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
    struct bench *bench = *state;

    add_records(bench, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        option_set_text(ops, bench->config, "success_path", cases[i].path);
        option_set_text(ops, bench->config, "success_value", cases[i].value);
        create(bench);
        script(bench, (struct http_sink_answer){.body = slice_of_text(cases[i].body)});
        assert_int_equal(send_all(bench), cases[i].result);
        assert_int_equal(bench->report.retry_after_ms,
                         cases[i].result == EXPORT_DONE ? 0 : HTTP_RETRY_REPAIR_MS);
    }
}

/* --- Limits ---------------------------------------------------------------------------------- */

/* As the worker does: what is to come again comes as a batch of its own.  Returns the requests. */
static size_t send_until_settled(struct bench *bench, size_t most)
{
    size_t at = 0, requests = 0;

    while (at < bench->count) {
        enum export_result result = send_range(bench, at, bench->count - at);
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
    struct bench *bench = *state;

    add_records(bench, 10);
    option_set_number(ops, bench->config, "max_items", 4);
    create(bench);
    assert_int_equal(send_until_settled(bench, 10), 3);
    assert_non_null(strstr(body_of(bench, http_sink_request(bench->sink, 2)), "\"u9\""));
}

static void test_requests_are_no_larger_than_allowed(void **state)
{
    static const char *const presets[] = {"webhook", "sumo", "loki", "sentinel"};
    struct bench *bench = *state;

    add_records(bench, 20);
    option_set_number(ops, bench->config, "max_body_size", 4096);
    for (size_t p = 0; p < COUNT_OF(presets); p++) {
        size_t before = http_sink_count(bench->sink), seen = 0;
        option_set_enum(ops, bench->config, "preset", presets[p]);
        create(bench);
        (void)send_until_settled(bench, 20);
        for (size_t i = before; i < http_sink_count(bench->sink); i++) {
            const char *body = body_of(bench, http_sink_request(bench->sink, i));
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
    struct bench *bench = *state;
    char *text = long_text(1100000);

    add_records(bench, 1);
    add_record(bench, TIME_NS, text);
    option_set_enum(ops, bench->config, "preset", "datadog");
    option_set_enum(ops, bench->config, "on_old_item", "send");
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    const char *body = body_of(bench, last_request(bench));
    assert_true(strlen(body) > 990000 && strlen(body) < 1001000);
    assert_non_null(strstr(body, "xxx [cut by telltale]"));
    option_set_enum(ops, bench->config, "on_large_item", "reject");
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_MIXED);
    assert_int_equal(bench->told[0].outcome, ITEM_DONE);
    assert_int_equal(bench->told[1].outcome, ITEM_TOO_LARGE);
    assert_non_null(strstr(bench->told[1].words, "limit 1000000"));
    free(text);
}

static void test_sentinel_takes_a_megabyte_and_no_more(void **state)
{
    struct bench *bench = *state;
    char *text = long_text(300000);

    for (int i = 0; i < 4; i++)
        add_record(bench, TIME_NS, text);
    option_set_enum(ops, bench->config, "preset", "sentinel");
    create(bench);
    assert_int_equal(send_until_settled(bench, 4), 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(strlen(body_of(bench, http_sink_request(bench->sink, i))) <= 1000000);
    free(text);
}

static void test_what_is_too_old_for_a_destination_is_set_aside(void **state)
{
    struct bench *bench = *state;
    uint64_t now_ns = (uint64_t)time(NULL) * NS_PER_S;

    add_record(bench, now_ns - 19 * 3600 * NS_PER_S, "old");
    add_record(bench, now_ns - 17 * 3600 * NS_PER_S, "new");
    add_record(bench, 0, "timeless");
    option_set_enum(ops, bench->config, "preset", "datadog");
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_MIXED);
    assert_int_equal(bench->told[0].outcome, ITEM_REJECTED);
    assert_non_null(
        strstr(bench->told[0].words, "seconds old, which the destination does not take"));
    assert_int_equal(bench->told[1].outcome, ITEM_DONE);
    assert_int_equal(bench->told[2].outcome, ITEM_DONE);
    assert_int_equal(send_range(bench, 0, 1), EXPORT_MIXED);
    assert_int_equal(http_sink_count(bench->sink), 1);
    option_set_enum(ops, bench->config, "on_old_item", "send");
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_DONE);
}

/* --- Groups ---------------------------------------------------------------------------------- */

static void add_of_kind(struct bench *bench, uint64_t time_ns, const char *kind)
{
    struct made_record *made = begin_record(bench, time_ns);

    made_text(made, "agent.event.kind", kind);
    end_record(bench);
}

static void test_groups_stand_together_sorted_by_time(void **state)
{
    struct bench *bench = *state;

    add_of_kind(bench, 3, "agent.tool");
    add_of_kind(bench, 9, "agent.prompt");
    add_of_kind(bench, 1, "agent.tool");
    add_of_kind(bench, 1, "agent.tool");
    add_of_kind(bench, 2, "agent.prompt");
    option_set_enum(ops, bench->config, "preset", "loki");
    option_set_text(ops, bench->config, "record", "[{{time:unix_ns_str}},\"{{sequence}}\"]");
    option_set_text(ops, bench->config, "group_by", "{\"kind\":{{kind}}}");
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_string_equal(body_of(bench, last_request(bench)),
                        "{\"streams\":[{\"stream\":{\"kind\":\"agent.tool\"},\"values\":"
                        "[[\"1\",\"3\"],[\"1\",\"4\"],[\"3\",\"1\"]]},"
                        "{\"stream\":{\"kind\":\"agent.prompt\"},\"values\":"
                        "[[\"2\",\"5\"],[\"9\",\"2\"]]}]}");
}

static void test_a_request_has_so_many_groups(void **state)
{
    struct bench *bench = *state;

    for (int i = 0; i < 10; i++) {
        char kind[24];
        snprintf(kind, sizeof(kind), "k%d", i);
        add_of_kind(bench, 1, kind);
    }
    option_set_enum(ops, bench->config, "preset", "loki");
    option_set_number(ops, bench->config, "max_groups", 4);
    create(bench);
    assert_int_equal(send_until_settled(bench, 10), 3);
}

/* --- Poison ---------------------------------------------------------------------------------- */

/* As the worker does with what is refused; the server refuses every request with "poison" in it. */
static void halve(struct bench *bench, size_t first, size_t count, size_t poison, bool *done)
{
    bool bad = poison >= first && poison < first + count;

    script(bench, (struct http_sink_answer){.status = bad ? 400 : 204});
    enum export_result result = send_range(bench, first, count);
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
    struct bench *bench = *state;

    add_records(bench, COUNT);
    option_set_enum(ops, bench->config, "preset", "loki");
    create(bench);
    for (size_t poison = 0; poison < COUNT; poison++) {
        bool done[COUNT] = {false};
        halve(bench, 0, COUNT, poison, done);
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(done[i], i != poison);
    }
}

static void test_poison_that_fills_a_request_is_told_of_alone(void **state)
{
    struct bench *bench = *state;

    add_records(bench, 3);
    option_set_number(ops, bench->config, "max_items", 1);
    create(bench);
    script(bench, (struct http_sink_answer){.status = 400, .body = SLICE("bad column")});
    assert_int_equal(send_all(bench), EXPORT_MIXED);
    assert_int_equal(bench->told[0].outcome, ITEM_REJECTED);
    assert_non_null(strstr(bench->told[0].words, "HTTP 400: bad column"));
    assert_int_equal(bench->told[1].outcome, ITEM_AGAIN);
    assert_int_equal(bench->told[2].outcome, ITEM_AGAIN);
}

/* --- Secrets --------------------------------------------------------------------------------- */

static const char *write_file(struct bench *bench, const char *name, const char *text)
{
    static char paths[8][512];
    static size_t next;
    char *path = paths[next++ % COUNT_OF(paths)];

    snprintf(path, sizeof(paths[0]), "%s/%s", bench->dir.path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void test_a_secret_address_is_in_no_message(void **state)
{
    struct bench *bench = *state;

    add_records(bench, 1);
    option_set_enum(ops, bench->config, "preset", "sumo");
    option_set_text(ops, bench->config, "path", "/receiver/v1/http");
    option_set_text(ops, bench->config, "secret_path", "/ZaVnC4dhaV");
    create(bench);
    script(bench, (struct http_sink_answer){.status = 301,
                                            .headers = "Location: https://x/http/ZaVnC4dhaV\r\n",
                                            .body = SLICE("go to /receiver/v1/http/ZaVnC4dhaV ")});
    assert_int_equal(send_all(bench), EXPORT_RETRY);
    assert_non_null(
        strstr(last_request(bench)->head, "POST /base/receiver/v1/http/ZaVnC4dhaV HTTP"));
    assert_null(strstr(bench->report.message, "ZaVnC4dhaV"));
    assert_null(strstr(bench->err.text, "ZaVnC4dhaV"));
    assert_non_null(strstr(bench->report.message, "go to /receiver/v1/http***********"));
}

static void test_a_webhook_is_signed(void **state)
{
    static const char *const compressions[] = {"none", "gzip", "zstd"};
    struct bench *bench = *state;

    add_records(bench, 2);
    option_set_text(ops, bench->config, "hmac.secret_file", write_file(bench, "key", "s3cret\n"));
    option_set_text(ops, bench->config, "hmac.header", "X-Hub-Signature-256");
    option_set_text(ops, bench->config, "hmac.prefix", "sha256=");
    for (size_t i = 0; i < COUNT_OF(compressions); i++) {
        char hex[SIGN_HEX_SIZE], expected[128];
        option_set_enum(ops, bench->config, "compression", compressions[i]);
        create(bench);
        assert_int_equal(send_all(bench), EXPORT_DONE);
        assert_int_equal(
            sign_hmac_hex(SLICE("s3cret"), last_request(bench)->body, hex, &bench->err), ST_OK);
        snprintf(expected, sizeof(expected), "sha256=%s", hex);
        assert_header(last_request(bench), "x-hub-signature-256", expected);
    }
    write_file(bench, "key", "");
    assert_int_equal(send_all(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
}

static void test_aws_signatures_are_of_the_body_and_the_address(void **state)
{
    struct bench *bench = *state;
    char host[64], hash[SIGN_HEX_SIZE], date[64], value[1024];
    struct buf expected;

    add_records(bench, 1);
    option_set_text(ops, bench->config, "path", "/logs");
    option_set_text(ops, bench->config, "query", "b=2&a=1");
    option_set_text(ops, bench->config, "aws.region", "eu-central-1");
    option_set_text(ops, bench->config, "aws.service", "aoss");
    option_set_text(ops, bench->config, "aws.credentials_file",
                    write_file(bench, "aws",
                               "[default]\naws_access_key_id = AKID\n"
                               "aws_secret_access_key=SECRET\naws_session_token = TOKEN\n"));
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    const struct http_sink_request *seen = last_request(bench);
    assert_int_equal(sign_sha256_hex(seen->body, hash, &bench->err), ST_OK);
    assert_header(seen, "x-amz-content-sha256", hash);
    assert_header(seen, "x-amz-security-token", "TOKEN");
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
    struct bench *bench = *state;

    add_records(bench, 1);
    option_set_text(ops, bench->config, "aws.region", "r");
    option_set_text(ops, bench->config, "aws.service", "es");
    option_set_text(
        ops, bench->config, "aws.credentials_file",
        write_file(bench, "aws", "aws_access_key_id = A\x01\naws_secret_access_key = S\n"));
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
    write_file(bench, "aws", "aws_access_key_id = A\n");
    assert_int_equal(send_all(bench), EXPORT_RETRY);
    assert_non_null(strstr(bench->err.text, "no AWS credentials in "));
    assert_int_equal(http_sink_count(bench->sink), 0);
    write_file(bench, "aws", "aws_access_key_id = A\naws_secret_access_key = S\n");
    assert_int_equal(send_all(bench), EXPORT_DONE);
}

static struct http_sink *start_token_server(struct bench *bench, const char *body, int status)
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
                    write_file(bench, "secret", "p/q=\n"));
    option_set_text(ops, bench->config, "oauth2.scope", "https://monitor.azure.com/.default");
    return server;
}

static void test_a_token_is_asked_for_once_and_borne(void **state)
{
    struct bench *bench = *state;
    struct http_sink *server = start_token_server(bench,
                                                  "{\"token_type\":\"Bearer\",\"expires_in\":3599,"
                                                  "\"access_token\":\"T1\"}",
                                                  200);

    add_records(bench, 1);
    option_set_enum(ops, bench->config, "preset", "sentinel");
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_header(last_request(bench), "authorization", "Bearer T1");
    assert_int_equal(http_sink_count(server), 1);
    assert_string_equal(body_of(bench, http_sink_request(server, 0)),
                        "grant_type=client_credentials&client_id=me%20%26%20you&"
                        "client_secret=p%2Fq%3D&scope=https%3A%2F%2Fmonitor.azure.com%2F.default");
    assert_header(http_sink_request(server, 0), "content-type",
                  "application/x-www-form-urlencoded");
    http_sink_stop(server);
}

static void test_a_token_that_expires_is_replaced(void **state)
{
    struct bench *bench = *state;
    struct http_sink *server =
        start_token_server(bench, "{\"expires_in\":\"0\",\"access_token\":\"T1\"}", 200);

    add_records(bench, 1);
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_int_equal(http_sink_count(server), 2);
    http_sink_stop(server);
}

static void test_a_token_that_is_refused_is_replaced_once(void **state)
{
    const struct http_sink_answer answers[] = {{.status = 401}, {.status = 204}, {.status = 401}};
    struct bench *bench = *state;
    struct http_sink *server = start_token_server(bench, "{\"access_token\":\"T1\"}", 200);

    add_records(bench, 1);
    create(bench);
    http_sink_script(bench->sink, answers, COUNT_OF(answers));
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_int_equal(bench->report.retry_after_ms, 0);
    assert_int_equal(http_sink_count(server), 2);
    assert_int_equal(send_all(bench), EXPORT_RETRY);
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
    struct bench *bench = *state;

    add_records(bench, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_sink *server = start_token_server(bench, cases[i].body, cases[i].status);
        create(bench);
        assert_int_equal(send_all(bench), EXPORT_RETRY);
        assert_string_equal(bench->err.text, cases[i].words);
        assert_int_equal(bench->report.retry_after_ms, cases[i].delay_ms);
        http_sink_stop(server);
    }
    assert_int_equal(http_sink_count(bench->sink), 0);
}

/* The key of a service account as Google gives it out; new for each run. */
static void write_google_key(struct bench *bench, EVP_PKEY *key, const char *token_url)
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
    option_set_text(ops, bench->config, "gcp.key_file", write_file(bench, "google", file));
    option_set_text(ops, bench->config, "gcp.scope", "cloud-platform");
    BIO_free(pem);
}

static void test_a_service_account_of_google_gets_a_token(void **state)
{
    struct bench *bench = *state;
    const struct http_sink_settings settings = {.unix_path = NULL};
    const struct http_sink_answer answer = {
        .body = SLICE("{\"access_token\":\"ya29.x\",\"expires_in\":3599}")};
    struct http_sink *server = http_sink_start(&settings);
    EVP_PKEY *key = EVP_RSA_gen(2048);
    char url[128];

    add_records(bench, 1);
    http_sink_script(server, &answer, 1);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/token", http_sink_port(server));
    write_google_key(bench, key, url);
    option_set_enum(ops, bench->config, "preset", "google_secops");
    create(bench);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_header(last_request(bench), "authorization", "Bearer ya29.x");
    assert_int_equal(http_sink_count(server), 1);
    const char *form = body_of(bench, http_sink_request(server, 0));
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
    struct bench *bench = *state;

    add_records(bench, 1);
    option_set_text(ops, bench->config, "gcp.scope", "s");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        option_set_text(ops, bench->config, "gcp.key_file",
                        write_file(bench, "google", cases[i][0]));
        create(bench);
        assert_int_equal(send_all(bench), EXPORT_RETRY);
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
        {"success_value", "0", "success_value needs success_path"},
        {"oauth2.token_url", "http://10.0.0.1/t",
         "oauth2.token_url: plain text to another host needs tls.insecure: true; "
         "'http://10.0.0.1/t' is not on this machine"},
    };
    struct bench *bench = *state;

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
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bench, drop_bench)
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
