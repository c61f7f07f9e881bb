/* SPDX-License-Identifier: Apache-2.0 */
/* hec_outcome_test.c -- what each answer of Splunk means: every code, every status, a bad event at
 * each place, and answers that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/hec_bench.h"
#include "support/http_bench.h"
#include "telltale/http_outcome.h"
#include "util/clock.h"

enum { RECORDS = 4, REPAIR = HTTP_RETRY_REPAIR_MS };

#define EVENT(n) ",\"invalid-event-number\":" #n

struct row {
    int status, code;
    const char *more; /* members behind the code */
    enum export_result result;
    uint32_t retry_after_ms;
    const char *told; /* of four records, for EXPORT_MIXED */
    const char *said; /* in the error; NULL: not looked at */
};

/* The texts and statuses are those that Splunk documents. */
static const struct row rows[] = {
    {200, 0, "", EXPORT_DONE, 0, NULL, NULL},
    {201, 0, "", EXPORT_DONE, 0, NULL, NULL},
    {403, 1, "", EXPORT_RETRY, REPAIR, NULL, "token is disabled"},
    {401, 2, "", EXPORT_RETRY, REPAIR, NULL, "token_file"},
    {401, 3, "", EXPORT_RETRY, REPAIR, NULL, "token_file"},
    {403, 4, "", EXPORT_RETRY, REPAIR, NULL, "token_file"},
    {400, 5, "", EXPORT_REJECTED, 0, NULL, "words of 5"},
    {400, 6, "", EXPORT_REJECTED, 0, NULL, "words of 6"},
    {400, 6, EVENT(0), EXPORT_MIXED, 0, "XAAA", "words of 6"},
    {400, 6, EVENT(1), EXPORT_MIXED, 0, "DXAA", "words of 6"},
    {400, 6, EVENT(2), EXPORT_MIXED, 0, "DDXA", "words of 6"},
    {400, 6, EVENT(3), EXPORT_MIXED, 0, "DDDX", "words of 6"},
    {400, 6, EVENT(4), EXPORT_REJECTED, 0, NULL, NULL},
    {400, 6, EVENT(-1), EXPORT_REJECTED, 0, NULL, NULL},
    {400, 6, EVENT(1.5), EXPORT_REJECTED, 0, NULL, NULL},
    {400, 6, EVENT("1"), EXPORT_REJECTED, 0, NULL, NULL},
    {400, 6, EVENT(99999999999999999999), EXPORT_REJECTED, 0, NULL, NULL},
    {400, 7, EVENT(1), EXPORT_RETRY, REPAIR, NULL, "does not allow the index"},
    {500, 8, "", EXPORT_RETRY, 0, NULL, "words of 8"},
    {503, 9, "", EXPORT_RETRY, 0, NULL, "words of 9"},
    {400, 10, "", EXPORT_RETRY, REPAIR, NULL, "channel"},
    {400, 11, "", EXPORT_RETRY, REPAIR, NULL, "channel"},
    {400, 12, EVENT(1), EXPORT_MIXED, 0, "DXAA", "words of 12"},
    {400, 13, EVENT(2), EXPORT_MIXED, 0, "DDXA", "words of 13"},
    {400, 14, "", EXPORT_RETRY, REPAIR, NULL, "acknowledgement"},
    {400, 15, EVENT(3), EXPORT_MIXED, 0, "DDDX", "words of 15"},
    {400, 16, "", EXPORT_RETRY, REPAIR, NULL, "token_file"},
    {200, 17, "", EXPORT_RETRY, REPAIR, NULL, "endpoint"},
    {503, 18, "", EXPORT_RETRY, 0, NULL, "words of 18"},
    {503, 19, "", EXPORT_RETRY, 0, NULL, "words of 19"},
    {503, 20, "", EXPORT_RETRY, 0, NULL, "words of 20"},
    {400, 21, "", EXPORT_RETRY, REPAIR, NULL, "token_file"},
    {400, 22, "", EXPORT_RETRY, REPAIR, NULL, "disabled"},
    {503, 23, "", EXPORT_RETRY, 0, NULL, "words of 23"},
    {200, 24, "", EXPORT_DONE, 0, NULL, NULL},
    {200, 25, "", EXPORT_DONE, 0, NULL, NULL},
    {429, 26, "", EXPORT_RETRY, 0, NULL, "words of 26"},
    {429, 27, "", EXPORT_RETRY, 0, NULL, "words of 27"},
    {400, 28, "", EXPORT_RETRY, REPAIR, NULL, "channel"},
    /* A success is only what is one in both. */
    {500, 0, "", EXPORT_RETRY, 0, NULL, NULL},
    {403, 0, "", EXPORT_RETRY, REPAIR, NULL, NULL},
    {503, 24, "", EXPORT_RETRY, 0, NULL, NULL},
    {200, 9, "", EXPORT_RETRY, 0, NULL, "words of 9"},
    {200, 6, EVENT(2), EXPORT_MIXED, 0, "DDXA", NULL},
    /* Codes that nobody knows. */
    {200, 29, "", EXPORT_RETRY, REPAIR, NULL, "no answer of Splunk's"},
    {400, 29, "", EXPORT_REJECTED, 0, NULL, "words of 29"},
    {503, 999, "", EXPORT_RETRY, 0, NULL, NULL},
};

static void check_row(const struct row *row)
{
    struct hec_bench *bench;
    char body[256];

    assert_int_equal(hec_bench_make((void **)&bench), 0);
    snprintf(body, sizeof(body), "{\"text\":\"words of %d\",\"code\":%d%s}", row->code, row->code,
             row->more);
    const struct http_sink_answer answer = hec_bench_answer(row->status, body);
    http_sink_script(bench->sink, &answer, 1);
    hec_bench_add_many(bench, RECORDS);
    enum export_result result = hec_bench_send(bench);
    if (result != row->result || bench->report.retry_after_ms != row->retry_after_ms)
        fail_msg("HTTP %d, %s: result %d after %u ms, %s", row->status, body, result,
                 bench->report.retry_after_ms, bench->err.text);
    if (result == EXPORT_MIXED)
        assert_string_equal(hec_bench_told(bench), row->told);
    if (row->said != NULL && strstr(bench->err.text, row->said) == NULL)
        fail_msg("HTTP %d, %s: '%s'", row->status, body, bench->err.text);
    for (size_t i = 0; result == EXPORT_MIXED && i < RECORDS; i++)
        assert_true((strstr(bench->words[i], "words of") != NULL) == (row->told[i] == 'X'));
    assert_int_equal(http_sink_count(bench->sink), 1);
    assert_int_equal(hec_bench_drop((void **)&bench), 0);
}

static void test_every_code_has_its_consequence(void **state)
{
    bool seen[29] = {false};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_row(&rows[i]);
        if (rows[i].code < 29)
            seen[rows[i].code] = true;
    }
    for (size_t code = 0; code < COUNT_OF(seen); code++)
        assert_true(seen[code]);
}

/* --- Without a code -------------------------------------------------------------------------- */

struct odd {
    int status;
    const char *body;
    enum export_result result;
    uint32_t retry_after_ms;
};

static const struct odd odds[] = {
    {200, "", EXPORT_RETRY, REPAIR},
    {200, "OK", EXPORT_RETRY, REPAIR},
    {200, "{}", EXPORT_RETRY, REPAIR},
    {200, "{\"code\":\"0\"}", EXPORT_RETRY, REPAIR},
    {200, "{\"code\":0", EXPORT_RETRY, REPAIR},
    {200, "{\"code\":0}}", EXPORT_RETRY, REPAIR},
    {200, "{\"code\":-1}", EXPORT_RETRY, REPAIR},
    {200, "{\"code\":0.5}", EXPORT_RETRY, REPAIR},
    {200, "{\"code\":null}", EXPORT_RETRY, REPAIR},
    {200, "[{\"code\":0}]", EXPORT_RETRY, REPAIR},
    {200, "<html>Sign in</html>", EXPORT_RETRY, REPAIR},
    {204, "", EXPORT_RETRY, REPAIR},
    {302, "", EXPORT_RETRY, REPAIR},
    {400, "nonsense", EXPORT_REJECTED, 0},
    {401, "", EXPORT_RETRY, REPAIR},
    {403, "", EXPORT_RETRY, REPAIR},
    {404, "", EXPORT_RETRY, REPAIR},
    {408, "", EXPORT_RETRY, 0},
    {413, "", EXPORT_TOO_LARGE, 0},
    {415, "", EXPORT_RETRY, REPAIR},
    {429, "", EXPORT_RETRY, 0},
    {500, "", EXPORT_RETRY, 0},
    {502, "<html>bad gateway</html>", EXPORT_RETRY, 0},
    {503, "", EXPORT_RETRY, 0},
    {504, "", EXPORT_RETRY, 0},
};

static void test_without_a_code_the_status_counts_and_2xx_is_no_success(void **state)
{
    struct hec_bench *bench = *state;

    hec_bench_add_many(bench, 2);
    for (size_t i = 0; i < COUNT_OF(odds); i++) {
        const struct http_sink_answer answer = hec_bench_answer(odds[i].status, odds[i].body);
        http_sink_script(bench->sink, &answer, 1);
        enum export_result result = hec_bench_send(bench);
        if (result != odds[i].result || bench->report.retry_after_ms != odds[i].retry_after_ms)
            fail_msg("HTTP %d '%s': result %d after %u ms, %s", odds[i].status, odds[i].body,
                     result, bench->report.retry_after_ms, bench->err.text);
        assert_int_not_equal(bench->err.status, ST_OK);
    }
}

static void test_the_destinations_own_wish_to_wait_counts(void **state)
{
    struct hec_bench *bench = *state;
    struct http_sink_answer answer = hec_bench_answer(503, "{\"text\":\"busy\",\"code\":9}");

    answer.headers = "Retry-After: 17\r\n";
    http_sink_script(bench->sink, &answer, 1);
    hec_bench_add_many(bench, 1);
    assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, 17000);
}

static void test_a_connection_that_breaks_is_tried_again(void **state)
{
    static const enum http_sink_deed deeds[] = {SINK_CLOSE_AT_ACCEPT, SINK_CLOSE_BEHIND_HEAD,
                                                SINK_CLOSE_UNANSWERED, SINK_CLOSE_IN_ANSWER};
    struct hec_bench *bench = *state;

    hec_bench_add_many(bench, 2);
    for (size_t i = 0; i < COUNT_OF(deeds); i++) {
        struct http_sink_answer answer = hec_bench_answer(200, "{\"text\":\"x\",\"code\":0}");
        answer.deed = deeds[i];
        http_sink_script(bench->sink, &answer, 1);
        assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    }
}

/* --- Which event ------------------------------------------------------------------------------ */

/* Records that have no event of their own move the numbers. */
static void test_the_number_is_that_of_the_event_and_not_of_the_record(void **state)
{
    struct hec_bench *bench = *state;
    const struct http_sink_answer answer =
        hec_bench_answer(400, "{\"text\":\"no\",\"code\":6,\"invalid-event-number\":1}");

    http_sink_script(bench->sink, &answer, 1);
    hec_bench_add_broken(bench);
    hec_bench_add_many(bench, 1);
    hec_bench_add_broken(bench);
    hec_bench_add_many(bench, 2);
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "XDXXA");
}

/* The OpenTelemetry Collector keeps nothing of such a request, and answers as text/plain. */
static void test_what_stood_before_a_bad_event_comes_again_unless_splunk_has_spoken(void **state)
{
    struct hec_bench *bench = *state;
    struct http_sink_answer answer =
        hec_bench_answer(400, "{\"text\":\"Error in handling indexed fields\",\"code\":15,"
                              "\"invalid-event-number\":2}");

    answer.headers = "Content-Type: text/plain; charset=utf-8\r\n";
    http_sink_script(bench->sink, &answer, 1);
    hec_bench_add_many(bench, 4);
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "AAXA");
}

static void test_a_bad_index_is_a_dead_letter_where_that_is_wished(void **state)
{
    static const struct {
        const char *body;
        enum export_result result;
        const char *told;
    } cases[] = {
        {"{\"text\":\"Incorrect index\",\"code\":7,\"invalid-event-number\":0}", EXPORT_MIXED,
         "XAA"},
        {"{\"text\":\"Incorrect index\",\"code\":7,\"invalid-event-number\":1}", EXPORT_MIXED,
         "XAA"},
        {"{\"text\":\"Incorrect index\",\"code\":7,\"invalid-event-number\":3}", EXPORT_MIXED,
         "DDX"},
        {"{\"text\":\"Incorrect index\",\"code\":7,\"invalid-event-number\":4}", EXPORT_REJECTED,
         NULL},
        {"{\"text\":\"Incorrect index\",\"code\":7}", EXPORT_REJECTED, NULL},
    };
    struct hec_bench *bench = *state;

    bench->config.on_incorrect_index = HEC_INDEX_DEAD_LETTER;
    hec_bench_add_many(bench, 3);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct http_sink_answer answer = hec_bench_answer(400, cases[i].body);
        http_sink_script(bench->sink, &answer, 1);
        assert_int_equal(hec_bench_send(bench), cases[i].result);
        if (cases[i].told != NULL)
            assert_string_equal(hec_bench_told(bench), cases[i].told);
    }
}

static void
test_a_request_that_is_refused_whole_and_has_one_event_is_that_events_outcome(void **state)
{
    struct hec_bench *bench = *state;
    const struct http_sink_answer answers[] = {
        hec_bench_answer(400, "{\"text\":\"Invalid data format\",\"code\":6}"),
        hec_bench_answer(413, ""),
    };

    http_sink_script(bench->sink, answers, COUNT_OF(answers));
    hec_bench_add_broken(bench);
    hec_bench_add_many(bench, 1);
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "XX");
    assert_non_null(strstr(bench->words[1], "Invalid data format"));
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "XL");
}

/* --- Sizes ----------------------------------------------------------------------------------- */

/* Splunk Cloud says "invalid data" of event 0 when the request is over 5 MiB. */
static void test_code_6_of_a_request_over_5_mib_means_its_size(void **state)
{
    struct hec_bench *bench = *state;
    const struct http_sink_answer answer =
        hec_bench_answer(400, "{\"text\":\"x\",\"code\":6,\"invalid-event-number\":0}");

    bench->config.http.max_body_size = 64 << 20;
    http_sink_script(bench->sink, &answer, 1);
    for (size_t i = 0; i < 5; i++)
        hec_bench_add(bench, "agent.tool", 1 << 20, 0);
    assert_int_equal(hec_bench_send(bench), EXPORT_TOO_LARGE);
    bench->batch.record_count = 4;
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "XAAA");
    bench->batch.record_count = 5;
}

static void test_a_nearly_full_queue_gets_a_pause_before_the_next_request(void **state)
{
    struct hec_bench *bench = *state;
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, "{\"text\":\"Queue is approaching capacity\",\"code\":24}"),
        hec_bench_answer(200, "{\"text\":\"Success\",\"code\":0}"),
    };

    http_sink_script(bench->sink, answers, COUNT_OF(answers));
    hec_bench_add_many(bench, 1);
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    uint64_t start_ns = clock_monotonic_ns();
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_true(clock_monotonic_ns() - start_ns >= NS_PER_S); /* at least: no bound above */
    exporter_splunk_hec.cancel(bench->exporter);
    assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(http_sink_count(bench->sink), 2);
}

static void test_a_server_that_stops_is_left_for_another_connection(void **state)
{
    struct hec_bench *bench = *state;
    const struct http_sink_answer answers[] = {
        hec_bench_answer(503, "{\"text\":\"Server is shutting down\",\"code\":23}"),
        hec_bench_answer(200, "{\"text\":\"Success\",\"code\":0}"),
    };

    http_sink_script(bench->sink, answers, COUNT_OF(answers));
    hec_bench_add_many(bench, 1);
    assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_int_equal(http_sink_connections(bench->sink), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_its_consequence),
        cmocka_unit_test_setup_teardown(test_without_a_code_the_status_counts_and_2xx_is_no_success,
                                        hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(test_the_destinations_own_wish_to_wait_counts,
                                        hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(test_a_connection_that_breaks_is_tried_again,
                                        hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(test_the_number_is_that_of_the_event_and_not_of_the_record,
                                        hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(
            test_what_stood_before_a_bad_event_comes_again_unless_splunk_has_spoken, hec_bench_make,
            hec_bench_drop),
        cmocka_unit_test_setup_teardown(test_a_bad_index_is_a_dead_letter_where_that_is_wished,
                                        hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(
            test_a_request_that_is_refused_whole_and_has_one_event_is_that_events_outcome,
            hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(test_code_6_of_a_request_over_5_mib_means_its_size,
                                        hec_bench_make, hec_bench_drop),
        cmocka_unit_test_setup_teardown(
            test_a_nearly_full_queue_gets_a_pause_before_the_next_request, hec_bench_make,
            hec_bench_drop),
        cmocka_unit_test_setup_teardown(test_a_server_that_stops_is_left_for_another_connection,
                                        hec_bench_make, hec_bench_drop),
    };
    return cmocka_run_group_tests(tests, http_bench_ignore_sigpipe, NULL);
}
