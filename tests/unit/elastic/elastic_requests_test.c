/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_requests_test.c -- what is asked of the server, and which records are in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "support/elastic_bench.h"
#include "support/option.h"
#include "support/test_certs.h"
#include "wire/compress.h"

static const struct exporter_ops *const ops = &exporter_elastic;

#define FILTER                                                                                     \
    "filter_path=errors,items.*.status,items.*.failure_store,items.*.error.type,"                  \
    "items.*.error.reason"

enum { LINES_MAX = 2 * ELASTIC_RECORDS, BODY_MAX = 1 << 20 };

/* The lines of a body, which must end with a line feed; each is JSON. */
struct lines {
    cJSON *items[LINES_MAX];
    size_t count;
};

static struct lines read_lines(struct slice body)
{
    struct lines lines = {.count = 0};

    assert_true(body.size > 0 && body.data[body.size - 1] == '\n');
    while (body.size > 0) {
        const uint8_t *end = memchr(body.data, '\n', body.size);
        size_t size = (size_t)(end - body.data);
        assert_true(lines.count < LINES_MAX);
        cJSON *line = cJSON_ParseWithLength((const char *)body.data, size);
        assert_non_null(line);
        lines.items[lines.count++] = line;
        body = slice_from(body, size + 1);
    }
    return lines;
}

static void free_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        cJSON_Delete(lines->items[i]);
}

static const char *text_at(const cJSON *object, const char *first, const char *second)
{
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(object, first);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(inner, second));
    return text != NULL ? text : "";
}

static void assert_first_line(struct elastic_bench *bench, const char *expected)
{
    struct slice head = slice_of_text(elastic_bench_request(bench)->head);

    if (!slice_starts_with(head, slice_of_text(expected)))
        fail_msg("%.200s", elastic_bench_request(bench)->head);
}

static void send_all(struct elastic_bench *bench)
{
    elastic_bench_create(bench);
    elastic_bench_script_items(bench, 0, "{\"status\":201}");
    enum export_result result = elastic_bench_send(bench);
    if (result != EXPORT_DONE)
        fail_msg("%d: %s", (int)result, bench->err.text);
}

static void test_a_request_creates_a_document_for_each_record(void **state)
{
    struct elastic_bench *bench = *state;
    char value[128];
    char uid[16];

    send_all(bench);
    const struct http_sink_request *seen = elastic_bench_request(bench);
    assert_first_line(bench, "POST /_bulk?" FILTER
                             "&require_data_stream=true&include_source_on_error=false HTTP/1.1\r");
    assert_true(http_sink_header(seen, "content-type", value, sizeof(value)));
    assert_string_equal(value, "application/x-ndjson");
    struct lines lines = read_lines(seen->body);
    assert_int_equal(lines.count, 2 * ELASTIC_RECORDS);
    for (size_t i = 0; i < ELASTIC_RECORDS; i++) {
        snprintf(uid, sizeof(uid), "uid-%zu", i);
        assert_string_equal(text_at(lines.items[2 * i], "create", "_index"),
                            "logs-telltale-default");
        assert_string_equal(text_at(lines.items[2 * i], "create", "_id"), uid);
        assert_string_equal(text_at(lines.items[2 * i + 1], "event", "id"), uid);
        assert_string_equal(text_at(lines.items[2 * i + 1], "data_stream", "dataset"), "telltale");
    }
    free_lines(&lines);
    assert_int_equal(bench->items.report.sent_bytes, seen->body.size);
    assert_int_equal(http_sink_count(bench->sink), 1);
    assert_int_equal(ops->tick(bench->exporter, 0, &bench->err), ST_OK);
}

static void test_names_and_parameters_follow_the_options(void **state)
{
    struct elastic_bench *bench = *state;

    option_set_enum(ops, bench->config, "shape", "otel");
    option_set_enum(ops, bench->config, "flavor", "opensearch");
    option_set_text(ops, bench->config, "pipeline", "a_b.c-1");
    send_all(bench);
    assert_first_line(bench, "POST /_bulk?" FILTER "&pipeline=a_b.c-1 HTTP/1.1\r");
    struct lines lines = read_lines(elastic_bench_request(bench)->body);
    assert_string_equal(text_at(lines.items[0], "create", "_index"), "logs-telltale.otel-default");
    assert_string_equal(text_at(lines.items[1], "data_stream", "dataset"), "telltale.otel");
    assert_string_equal(text_at(lines.items[1], "attributes", "session.id"), "a session");
    free_lines(&lines);

    option_set_text(ops, bench->config, "data_stream.dataset", "x.otel");
    option_set_text(ops, bench->config, "data_stream.namespace", "soc_1");
    send_all(bench);
    lines = read_lines(elastic_bench_request(bench)->body);
    assert_string_equal(text_at(lines.items[0], "create", "_index"), "logs-x.otel-soc_1");
    free_lines(&lines);

    option_set_text(ops, bench->config, "index", "my-alias");
    option_set_enum(ops, bench->config, "flavor", "elasticsearch");
    send_all(bench);
    assert_first_line(bench, "POST /_bulk?" FILTER "&include_source_on_error=false&pipeline=");
    lines = read_lines(elastic_bench_request(bench)->body);
    assert_string_equal(text_at(lines.items[0], "create", "_index"), "my-alias");
    assert_false(cJSON_HasObjectItem(lines.items[1], "data_stream"));
    free_lines(&lines);
}

static void test_bodies_are_compressed_and_keys_are_sent(void **state)
{
    struct elastic_bench *bench = *state;
    char path[TEST_PATH_MAX];
    char value[128];
    struct buf plain;

    test_certs_write(bench->dir.path, "key", "aWQ6a2V5\n", path);
    option_set_text(ops, bench->config, "api_key_file", path);
    option_set_enum(ops, bench->config, "compression", "gzip");
    send_all(bench);
    const struct http_sink_request *seen = elastic_bench_request(bench);
    assert_true(http_sink_header(seen, "authorization", value, sizeof(value)));
    assert_string_equal(value, "ApiKey aWQ6a2V5");
    buf_init(&plain, BODY_MAX);
    assert_int_equal(content_decode(ENCODING_GZIP, seen->body, &plain, &bench->err), ST_OK);
    struct lines lines = read_lines(buf_slice(&plain));
    assert_int_equal(lines.count, 2 * ELASTIC_RECORDS);
    free_lines(&lines);
    buf_fini(&plain);

    option_set_text(ops, bench->config, "api_key_file", NULL);
    option_set_text(ops, bench->config, "token_file", path);
    send_all(bench);
    assert_true(
        http_sink_header(elastic_bench_request(bench), "authorization", value, sizeof(value)));
    assert_string_equal(value, "Bearer aWQ6a2V5");
}

/* --- Ids ------------------------------------------------------------------------------------- */

static void send_first(struct elastic_bench *bench, char out[128])
{
    bench->batch.record_count = 1;
    send_all(bench);
    struct lines lines = read_lines(elastic_bench_request(bench)->body);
    snprintf(out, 128, "%s", text_at(lines.items[0], "create", "_id"));
    free_lines(&lines);
}

static void test_a_record_without_an_id_has_one_of_its_place_and_bytes(void **state)
{
    struct elastic_bench *bench = *state;
    struct made_record other;
    char first[128], again[128], changed[128];

    made_init(&other);
    made_text(&other, "log.record.uid", "not \"plain\"");
    bench->records[0].bytes = buf_slice(&other.bytes);
    send_first(bench, first);
    assert_int_equal(strlen(first), 64);
    assert_true(strncmp(first, "abcd0000", 8) == 0);
    send_first(bench, again);
    assert_string_equal(first, again);
    bench->records[0].sequence++;
    send_first(bench, changed);
    assert_string_not_equal(first, changed);
    bench->records[0].sequence--;
    bench->batch.journal_id[15] = 1;
    send_first(bench, changed);
    assert_string_not_equal(first, changed);
    bench->batch.journal_id[15] = 0;
    made_text(&other, "more", "x"); /* a number that was given twice */
    bench->records[0].bytes = buf_slice(&other.bytes);
    send_first(bench, changed);
    assert_string_not_equal(first, changed);
    made_fini(&other);
}

/* --- What fits ------------------------------------------------------------------------------- */

static void test_what_does_not_fit_waits_for_the_next_request(void **state)
{
    struct elastic_bench *bench = *state;

    send_all(bench);
    size_t whole = elastic_bench_request(bench)->body.size;
    option_set_number(ops, bench->config, "max_body_size", whole / 2);
    elastic_bench_create(bench);
    elastic_bench_script(bench, 200,
                         "{\"items\":[{\"create\":{\"status\":201}},"
                         "{\"create\":{\"status\":429}}]}");
    assert_int_equal(elastic_bench_send(bench), EXPORT_MIXED);
    assert_true(elastic_bench_request(bench)->body.size <= whole / 2);
    static const enum item_outcome expected[ELASTIC_RECORDS] = {ITEM_DONE, ITEM_RETRY, ITEM_AGAIN,
                                                                ITEM_AGAIN, ITEM_AGAIN};
    for (size_t i = 0; i < ELASTIC_RECORDS; i++)
        assert_int_equal(item_report_outcome(&bench->items, i), expected[i]);

    option_set_number(ops, bench->config, "max_body_size", 10); /* one goes in any case */
    elastic_bench_create(bench);
    elastic_bench_script(bench, 200, "{\"items\":[{\"create\":{\"status\":201}}]}");
    assert_int_equal(elastic_bench_send(bench), EXPORT_MIXED);
    assert_int_equal(item_report_outcome(&bench->items, 0), ITEM_DONE);
    assert_int_equal(item_report_outcome(&bench->items, 1), ITEM_AGAIN);
}

static void
test_what_is_no_record_is_refused_here_and_its_neighbours_keep_their_places(void **state)
{
    struct elastic_bench *bench = *state;

    for (size_t bad = 0; bad < ELASTIC_RECORDS; bad++) {
        struct slice good = bench->records[bad].bytes;
        bench->records[bad].bytes = SLICE("\x2a\x09");
        elastic_bench_create(bench);
        elastic_bench_script(
            bench, 200,
            "{\"items\":[{\"create\":{\"status\":201}},{\"create\":{\"status\":201}},"
            "{\"create\":{\"status\":201}},{\"create\":{\"status\":400}}]}");
        assert_int_equal(elastic_bench_send(bench), EXPORT_MIXED);
        size_t refused = bad == ELASTIC_RECORDS - 1 ? bad - 1 : ELASTIC_RECORDS - 1;
        for (size_t i = 0; i < ELASTIC_RECORDS; i++)
            assert_int_equal(item_report_outcome(&bench->items, i),
                             i == bad || i == refused ? ITEM_REJECTED : ITEM_DONE);
        assert_true(strstr(item_report_words(&bench->items, bad), "400") == NULL);
        bench->records[bad].bytes = good;
    }
    for (size_t i = 0; i < ELASTIC_RECORDS; i++)
        bench->records[i].bytes = SLICE("\x2a\x09");
    size_t count = http_sink_count(bench->sink);
    assert_int_equal(elastic_bench_send(bench), EXPORT_MIXED);
    assert_int_equal(http_sink_count(bench->sink), count);
    for (size_t i = 0; i < ELASTIC_RECORDS; i++)
        assert_int_equal(item_report_outcome(&bench->items, i), ITEM_REJECTED);
    assert_true(bench->err.status != ST_OK);
}

/* --- What the server is ---------------------------------------------------------------------- */

#define VERSION(number) "{\"version\":{\"number\":\"" number "\"}}"
#define STREAM          "&require_data_stream=true"
#define SOURCE          "&include_source_on_error=false"
#define FIVE                                                                                       \
    "{\"items\":[{\"create\":{\"status\":201}},{\"create\":{\"status\":201}},"                     \
    "{\"create\":{\"status\":201}},{\"create\":{\"status\":201}},{\"create\":{\"status\":201}}]}"

static void script_two(struct elastic_bench *bench, int status, const char *first)
{
    const struct http_sink_answer answers[] = {{.status = status, .body = slice_of_text(first)},
                                               {.body = SLICE(FIVE)}};
    http_sink_script(bench->sink, answers, 2);
}

static void test_a_server_is_told_what_its_version_knows(void **state)
{
    static const struct {
        int status;
        const char *answer, *parameters;
    } rows[] = {
        {200, VERSION("8.19.21"), STREAM SOURCE},
        {200, VERSION("9.0.0"), STREAM SOURCE},
        {200, VERSION("8.13.4"), STREAM},
        {200, VERSION("8.12.2"), ""},
        {200, VERSION("7.17.29"), ""},
        {200, "{\"version\":{\"number\":\"3.9.0\",\"distribution\":\"opensearch\"}}", ""},
        {200, "{\"version\":{\"number\":\"12.0.0\",\"distribution\":\"opensearch\"}}", ""},
        {200, "{\"version\":{\"number\":\"8.11.0\",\"build_flavor\":\"serverless\"}}",
         STREAM SOURCE},
        {200, "hello", ""},
        {200, "", ""},
        {401, "{}", ""},
        {403, "{}", ""},
        {404, "", ""},
    };
    struct elastic_bench *bench = *state;
    char expected[512];

    option_set_enum(ops, bench->config, "flavor", "auto");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        elastic_bench_create(bench);
        script_two(bench, rows[i].status, rows[i].answer);
        size_t before = http_sink_count(bench->sink);
        assert_int_equal(elastic_bench_send(bench), EXPORT_DONE);
        assert_int_equal(elastic_bench_send(bench), EXPORT_DONE); /* it asks once */
        assert_int_equal(http_sink_count(bench->sink), before + 3);
        assert_true(slice_starts_with(slice_of_text(http_sink_request(bench->sink, before)->head),
                                      SLICE("GET / HTTP/1.1")));
        snprintf(expected, sizeof(expected), "POST /_bulk?" FILTER "%s HTTP", rows[i].parameters);
        assert_first_line(bench, expected);
    }
}

static void test_a_server_that_is_not_up_is_asked_again(void **state)
{
    struct elastic_bench *bench = *state;

    option_set_enum(ops, bench->config, "flavor", "auto");
    elastic_bench_create(bench);
    script_two(bench, 503, "{}");
    assert_int_equal(elastic_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(http_sink_count(bench->sink), 1);
    script_two(bench, 200, VERSION("8.19.0"));
    assert_int_equal(elastic_bench_send(bench), EXPORT_DONE);
    /* Something in its place does not know what it was told. */
    elastic_bench_script(bench, 400, "{\"error\":{\"type\":\"illegal_argument_exception\"}}");
    assert_int_equal(elastic_bench_send(bench), EXPORT_RETRY);
    script_two(bench, 200, VERSION("7.17.0"));
    assert_int_equal(elastic_bench_send(bench), EXPORT_DONE);
    assert_first_line(bench, "POST /_bulk?" FILTER " HTTP");
}

/* --- Options --------------------------------------------------------------------------------- */

static void test_options_that_make_no_sense_are_said(void **state)
{
    static const struct {
        const char *option, *value, *words;
    } rows[] = {
        {"data_stream.dataset", "", "data_stream.dataset must have 1 to"},
        {"data_stream.dataset", "a-b", "no data_stream.dataset may have"},
        {"data_stream.dataset", "Agents", "no data_stream.dataset may have"},
        {"data_stream.dataset", "-a", "must not begin with '-'"},
        {"data_stream.dataset", "a\"b", "no data_stream.dataset may have"},
        {"data_stream.namespace", "a/b", "no data_stream.namespace may have"},
        {"data_stream.namespace", "a b", "no data_stream.namespace may have"},
        {"index", "<logs-{now}>", "no index may have"},
        {"index", "a,b", "no index may have"},
        {"index", ".ds", "must not begin with '.'"},
        {"pipeline", "a&b", "pipeline must be"},
        {"pipeline", "", "pipeline must be"},
        {"endpoint", "http://elastic.example.com:9200", "tls.insecure"},
        {"token_file", "/t", "api_key_file and token_file exclude another"},
        {"basic_auth.user", "x", "go together"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        void *made;
        assert_int_equal(elastic_bench_make(&made), 0);
        struct elastic_bench *fresh = made;
        option_set_text(ops, fresh->config, "api_key_file", "/key");
        option_set_text(ops, fresh->config, rows[i].option, rows[i].value);
        if (ops->check(fresh->config, &fresh->err) == ST_OK ||
            strstr(fresh->err.text, rows[i].words) == NULL)
            fail_msg("%s: %s: %s", rows[i].option, rows[i].value, fresh->err.text);
        assert_int_equal(elastic_bench_drop(&made), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, elastic_bench_make, elastic_bench_drop)
        TEST(test_a_request_creates_a_document_for_each_record),
        TEST(test_names_and_parameters_follow_the_options),
        TEST(test_bodies_are_compressed_and_keys_are_sent),
        TEST(test_a_record_without_an_id_has_one_of_its_place_and_bytes),
        TEST(test_what_does_not_fit_waits_for_the_next_request),
        TEST(test_what_is_no_record_is_refused_here_and_its_neighbours_keep_their_places),
        TEST(test_a_server_is_told_what_its_version_knows),
        TEST(test_a_server_that_is_not_up_is_asked_again),
        cmocka_unit_test(test_options_that_make_no_sense_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
