/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_answers_test.c -- what becomes of each record, answer by answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/elastic_bench.h"
#include "support/option.h"
#include "telltale/http_outcome.h"

static const struct exporter_ops *const ops = &exporter_elastic;

#define ERROR(type, reason) "\"error\":{\"type\":\"" type "\",\"reason\":\"" reason "\"}"
#define SECRET              "Preview of field's value: 'rosebud'"

enum { REPAIR_MS = HTTP_RETRY_REPAIR_MS };

static const struct {
    const char *item;
    enum item_outcome outcome;
    uint32_t delay_ms;
    const char *words;
} item_rows[] = {
    {"{\"status\":200}", ITEM_DONE, 0, NULL},
    {"{\"status\":201}", ITEM_DONE, 0, NULL},
    {"{\"status\":201,\"failure_store\":\"used\"}", ITEM_DONE, 0, NULL},
    {"{\"status\":409," ERROR("version_conflict_engine_exception", "[a]: exists") "}", ITEM_DONE, 0,
     NULL},
    {"{\"status\":429," ERROR("es_rejected_execution_exception", "full") "}", ITEM_RETRY, 0,
     "429 es_rejected_execution_exception"},
    {"{\"status\":429," ERROR("circuit_breaking_exception", "full") "}", ITEM_RETRY, 0,
     "429 circuit_breaking_exception"},
    {"{\"status\":408}", ITEM_RETRY, 0, "408"},
    {"{\"status\":400,\"failure_store\":\"not_enabled\"," ERROR("document_parsing_exception",
                                                                SECRET) "}",
     ITEM_REJECTED, 0, "400 document_parsing_exception"},
    {"{\"status\":400," ERROR("mapper_parsing_exception", SECRET) "}", ITEM_REJECTED, 0,
     "400 mapper_parsing_exception"},
    {"{\"status\":400," ERROR("illegal_argument_exception", "Limit of total fields [1000]") "}",
     ITEM_REJECTED, 0, "400 illegal_argument_exception"},
    {"{\"status\":400}", ITEM_REJECTED, 0, "400"},
    {"{\"status\":418," ERROR("teapot", SECRET) "}", ITEM_REJECTED, 0, "418 teapot"},
    {"{\"status\":413," ERROR("too_large", SECRET) "}", ITEM_TOO_LARGE, 0, "413 too_large"},
    {"{\"status\":400," ERROR("illegal_argument_exception",
                              "pipeline with id [x] does not exist") "}",
     ITEM_RETRY, REPAIR_MS, "400 illegal_argument_exception"},
    {"{\"status\":400," ERROR("validation_exception", "this action would add [2] shards") "}",
     ITEM_RETRY, REPAIR_MS, "400 validation_exception"},
    {"{\"status\":400," ERROR("index_closed_exception", "closed") "}", ITEM_RETRY, REPAIR_MS,
     "400 index_closed_exception"},
    {"{\"status\":401," ERROR("security_exception", "no") "}", ITEM_RETRY, REPAIR_MS,
     "401 security_exception"},
    {"{\"status\":403," ERROR("cluster_block_exception", "read-only") "}", ITEM_RETRY, REPAIR_MS,
     "403 cluster_block_exception"},
    {"{\"status\":404," ERROR("index_not_found_exception", "no such index") "}", ITEM_RETRY,
     REPAIR_MS, "404 index_not_found_exception"},
    {"{\"status\":500," ERROR("exception", "npe") "}", ITEM_RETRY, 0, "500 exception"},
    {"{\"status\":503," ERROR("unavailable_shards_exception", "no primary") "}", ITEM_RETRY, 0,
     "503 unavailable_shards_exception"},
    {"{\"status\":302}", ITEM_RETRY, 0, "302"},
    {"{\"status\":999}", ITEM_RETRY, 0, "999"},
};

static void assert_outcomes(struct elastic_bench *bench, size_t position, enum item_outcome outcome,
                            const char *what)
{
    for (size_t i = 0; i < bench->batch.record_count; i++) {
        enum item_outcome expected = i == position ? outcome : ITEM_DONE;
        if (item_report_outcome(&bench->items, i) != expected)
            fail_msg("record %zu, with %s at %zu", i, what, position);
    }
}

static void test_each_status_at_each_position_is_that_records_alone(void **state)
{
    struct elastic_bench *bench = *state;

    elastic_bench_create(bench);
    for (size_t row = 0; row < COUNT_OF(item_rows); row++) {
        bool is_done = item_rows[row].outcome == ITEM_DONE;
        for (size_t i = 0; i < ELASTIC_RECORDS; i++) {
            elastic_bench_script_items(bench, i, item_rows[row].item);
            enum export_result result = elastic_bench_send(bench);
            if (result != (is_done ? EXPORT_DONE : EXPORT_MIXED))
                fail_msg("%s: %d %s", item_rows[row].item, (int)result, bench->err.text);
            assert_int_equal(bench->err.status == ST_OK, is_done);
            if (is_done)
                continue;
            assert_outcomes(bench, i, item_rows[row].outcome, item_rows[row].item);
            assert_int_equal(bench->items.report.retry_after_ms, item_rows[row].delay_ms);
            if (item_rows[row].outcome == ITEM_RETRY)
                assert_non_null(strstr(bench->err.text, item_rows[row].words));
            else
                assert_string_equal(item_report_words(&bench->items, i), item_rows[row].words);
        }
    }
}

static void test_reasons_are_shown_where_that_is_asked_for(void **state)
{
    struct elastic_bench *bench = *state;

    option_set_bool(ops, bench->config, "error_reasons", true);
    elastic_bench_create(bench);
    elastic_bench_script_items(bench, 1, "{\"status\":400," ERROR("mapper_parsing", SECRET) "}");
    assert_int_equal(elastic_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(item_report_words(&bench->items, 1), "400 mapper_parsing: " SECRET);
    elastic_bench_script(bench, 400, "{" ERROR("parse_exception", SECRET) ",\"status\":400}");
    assert_int_equal(elastic_bench_send(bench), EXPORT_RETRY);
    assert_non_null(strstr(bench->err.text, "rosebud"));
}

static void test_what_the_failure_store_has_is_counted(void **state)
{
    struct elastic_bench *bench = *state;

    elastic_bench_create(bench);
    elastic_bench_script_items(bench, 2, "{\"status\":201,\"failure_store\":\"used\"}");
    assert_int_equal(elastic_bench_send(bench), EXPORT_DONE);
    assert_int_equal(bench->items.report.put_aside_count, 1);
    assert_non_null(strstr(bench->items.report.message, "failure store"));
    elastic_bench_script_items(bench, 2, "{\"status\":201}");
    assert_int_equal(elastic_bench_send(bench), EXPORT_DONE);
    assert_int_equal(bench->items.report.put_aside_count, 0);
}

#define ITEM "{\"create\":{\"status\":201}}"

static void test_a_success_that_is_no_answer_is_a_failure(void **state)
{
    static const char *const bodies[] = {
        "",
        "ok",
        "{}",
        "{\"errors\":false}",
        "{\"errors\":false,\"items\":[]}",
        "{\"errors\":false,\"items\":[" ITEM "," ITEM "," ITEM "," ITEM "]}",
        "{\"errors\":false,\"items\":[" ITEM "," ITEM "," ITEM "," ITEM "," ITEM "," ITEM "]}",
        "{\"errors\":false,\"items\":[" ITEM "," ITEM "," ITEM "," ITEM "," ITEM "]",
        "{\"errors\":false,\"items\":[" ITEM "," ITEM "," ITEM "," ITEM ",{\"create\":{}}]}",
        "{\"items\":[" ITEM "," ITEM "," ITEM
        ",{\"create\":{\"status\":400,\"error\":{\"reason\":\"" SECRET,
    };
    struct elastic_bench *bench = *state;

    elastic_bench_create(bench);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        elastic_bench_script(bench, 200, bodies[i]);
        if (elastic_bench_send(bench) != EXPORT_RETRY)
            fail_msg("%s", bodies[i]);
        assert_int_equal(bench->items.report.retry_after_ms, 0);
        assert_true(bench->err.status != ST_OK);
        assert_null(strstr(bench->err.text, "rosebud"));
    }
}

static const struct {
    int status;
    const char *body;
    enum export_result result;
    uint32_t delay_ms;
    const char *words;
} whole_rows[] = {
    {400, "{" ERROR("parse_exception", SECRET) ",\"status\":400}", EXPORT_RETRY, REPAIR_MS,
     "parse_exception"},
    {400, "no JSON: " SECRET, EXPORT_RETRY, REPAIR_MS, "error_reasons"},
    {400, "Client sent an HTTP request to an HTTPS server.", EXPORT_RETRY, REPAIR_MS, "https://"},
    {400, "{" ERROR("x", "request body too large") "}", EXPORT_TOO_LARGE, 0, "x"},
    {401, "{" ERROR("security_exception", "missing credentials") "}", EXPORT_RETRY, REPAIR_MS,
     "security_exception: missing credentials"},
    {403, "{" ERROR("security_exception", "may not") "}", EXPORT_RETRY, REPAIR_MS, "may not"},
    {404, "{\"error\":\"no handler\"}", EXPORT_RETRY, REPAIR_MS, "no handler"},
    {405, "{\"error\":\"method\"}", EXPORT_RETRY, REPAIR_MS, "method"},
    {408, "", EXPORT_RETRY, 0, "408"},
    {409, "", EXPORT_RETRY, REPAIR_MS, "409"},
    {413, "", EXPORT_TOO_LARGE, 0, "413"},
    {422, "", EXPORT_RETRY, REPAIR_MS, "422"},
    {429, "{" ERROR("circuit_breaking_exception", "full") "}", EXPORT_RETRY, 0, "full"},
    {500, "", EXPORT_RETRY, 0, "500"},
    {502, "", EXPORT_RETRY, 0, "502"},
    {503, "", EXPORT_RETRY, 0, "503"},
    {504, "", EXPORT_RETRY, 0, "504"},
};

static void test_each_status_of_a_whole_request(void **state)
{
    struct elastic_bench *bench = *state;

    elastic_bench_create(bench);
    for (size_t i = 0; i < COUNT_OF(whole_rows); i++) {
        elastic_bench_script(bench, whole_rows[i].status, whole_rows[i].body);
        enum export_result result = elastic_bench_send(bench);
        if (result != whole_rows[i].result ||
            bench->items.report.retry_after_ms != whole_rows[i].delay_ms)
            fail_msg("%d: %d after %u", whole_rows[i].status, (int)result,
                     bench->items.report.retry_after_ms);
        if (strstr(bench->err.text, whole_rows[i].words) == NULL)
            fail_msg("%s", bench->err.text);
        assert_null(strstr(bench->err.text, "rosebud"));
        assert_null(strstr(bench->items.report.message, "rosebud"));
    }
}

static void test_retry_after_is_kept_to(void **state)
{
    struct elastic_bench *bench = *state;
    const struct http_sink_answer answer = {.status = 429, .headers = "Retry-After: 7\r\n"};

    elastic_bench_create(bench);
    http_sink_script(bench->sink, &answer, 1);
    assert_int_equal(elastic_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(bench->items.report.retry_after_ms, 7000);
}

/* It would be as long the next time. */
static void test_an_answer_that_is_longer_than_is_read_is_halved(void **state)
{
    struct elastic_bench *bench = *state;
    char item[4000];

    elastic_bench_create(bench);
    snprintf(item, sizeof(item),
             "{\"status\":400,\"error\":{\"type\":\"t\",\"reason\":\"%03900d\"}}", 7);
    elastic_bench_script_items(bench, 1, item);
    assert_int_equal(elastic_bench_send(bench), EXPORT_MIXED); /* within the 4096 bytes */
    snprintf(item, sizeof(item),
             "{\"status\":400,\"error\":{\"type\":\"t\",\"reason\":\"%03940d\"}}", 7);
    elastic_bench_script_items(bench, 1, item);
    assert_int_equal(elastic_bench_send(bench), EXPORT_TOO_LARGE);
    bench->batch.record_count = 1;
    assert_int_equal(elastic_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(bench->items.report.retry_after_ms, REPAIR_MS);
}

static void test_connections_that_break_are_tried_again(void **state)
{
    static const enum http_sink_deed deeds[] = {SINK_CLOSE_AT_ACCEPT, SINK_CLOSE_BEHIND_HEAD,
                                                SINK_CLOSE_UNANSWERED, SINK_CLOSE_IN_ANSWER};
    struct elastic_bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(deeds); i++) {
        const struct http_sink_answer answer = {.deed = deeds[i], .body = SLICE("{\"items\":[]}")};
        elastic_bench_create(bench);
        http_sink_script(bench->sink, &answer, 1);
        assert_int_equal(elastic_bench_send(bench), EXPORT_RETRY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, elastic_bench_make, elastic_bench_drop)
        TEST(test_each_status_at_each_position_is_that_records_alone),
        TEST(test_reasons_are_shown_where_that_is_asked_for),
        TEST(test_what_the_failure_store_has_is_counted),
        TEST(test_a_success_that_is_no_answer_is_a_failure),
        TEST(test_each_status_of_a_whole_request),
        TEST(test_retry_after_is_kept_to),
        TEST(test_an_answer_that_is_longer_than_is_read_is_halved),
        TEST(test_connections_that_break_are_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
