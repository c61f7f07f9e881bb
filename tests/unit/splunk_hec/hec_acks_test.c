/* SPDX-License-Identifier: Apache-2.0 */
/* hec_acks_test.c -- indexer acknowledgement: a batch is delivered when it is acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "support/hec_bench.h"
#include "support/http_bench.h"
#include "telltale/http_outcome.h"
#include "util/clock.h"

#define TAKEN(id)   "{\"text\":\"Success\",\"code\":0,\"ackId\":" #id "}"
#define ACK(id, is) "{\"acks\":{\"" #id "\":" #is "}}"
#define DISABLED    "{\"text\":\"ACK is disabled\",\"code\":14}"

enum { SHORT_MS = 300 };

static struct hec_bench *bench_with(void **state, size_t records,
                                    const struct http_sink_answer *answers, size_t count)
{
    struct hec_bench *bench = *state;

    hec_bench_add_many(bench, records);
    http_sink_script(bench->sink, answers, count);
    return bench;
}

static void wait_shortly(struct hec_bench *bench)
{
    bench->config.ack_timeout_ns = SHORT_MS * NS_PER_MS;
}

static bool is_uuid_v4(const char *text)
{
    static const char shape[] = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";

    if (strlen(text) != strlen(shape))
        return false;
    for (size_t i = 0; shape[i] != 0; i++) {
        const char *allowed = shape[i] == 'x'   ? "0123456789abcdef"
                              : shape[i] == 'v' ? "89ab"
                              : shape[i] == '4' ? "4"
                                                : "-";
        if (strchr(allowed, text[i]) == NULL)
            return false;
    }
    return true;
}

static void test_a_batch_is_delivered_when_its_id_is_true(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, TAKEN(7)),      hec_bench_answer(200, ACK(7, false)),
        hec_bench_answer(200, ACK(7, false)), hec_bench_answer(200, ACK(7, true)),
        hec_bench_answer(200, TAKEN(8)),      hec_bench_answer(200, ACK(8, true)),
    };
    struct hec_bench *bench = bench_with(state, 3, answers, COUNT_OF(answers));
    char channel[64], value[64], query[160];

    bench->config.http.compression = HTTP_COMPRESSION_GZIP;
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_int_equal(http_sink_count(bench->sink), 4);
    assert_true(http_sink_header(http_sink_request(bench->sink, 0), "x-splunk-request-channel",
                                 channel, sizeof(channel)));
    assert_true(is_uuid_v4(channel));
    snprintf(query, sizeof(query), "/services/collector/ack?channel=%s HTTP/1.1", channel);
    for (size_t i = 1; i < 4; i++) {
        const struct http_sink_request *poll = http_sink_request(bench->sink, i);
        assert_true(hec_bench_went_to(bench, i, query));
        assert_true(http_sink_header(poll, "x-splunk-request-channel", value, sizeof(value)));
        assert_string_equal(value, channel);
        assert_false(http_sink_header(poll, "content-encoding", value, sizeof(value)));
        assert_true(slice_equal(poll->body, SLICE("{\"acks\":[7]}")));
    }
    assert_null(bench->report.notice);
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_true(slice_equal(http_sink_request(bench->sink, 5)->body, SLICE("{\"acks\":[8]}")));
}

static void test_each_instance_has_a_channel_of_its_own(void **state)
{
    const struct http_sink_answer answers[] = {hec_bench_answer(200, "{\"code\":0}")};
    struct hec_bench *bench = bench_with(state, 1, answers, COUNT_OF(answers));
    char channels[2][64];

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
        assert_true(http_sink_header(http_sink_request(bench->sink, i), "x-splunk-request-channel",
                                     channels[i], sizeof(channels[i])));
        exporter_splunk_hec.destroy(bench->exporter);
        bench->exporter = NULL;
    }
    assert_string_not_equal(channels[0], channels[1]);
}

/* The answer "true" was lost, or the request dropped, or the server began anew: all say "false" for
 * ever. */
static void test_what_is_never_acknowledged_is_sent_again(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, TAKEN(0)),
        {.deed = SINK_CLOSE_IN_ANSWER, .status = 200, .body = SLICE(ACK(0, true))},
        hec_bench_answer(200, ACK(0, false)),
    };
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));

    wait_shortly(bench);
    assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, 0);
    assert_non_null(strstr(bench->err.text, "not acknowledged"));
    assert_true(http_sink_count(bench->sink) > 3);
}

static void test_questions_that_fail_are_asked_again(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, TAKEN(3)),
        hec_bench_answer(503, "{\"text\":\"Server is busy\",\"code\":9}"),
        {.deed = SINK_CLOSE_UNANSWERED},
        hec_bench_answer(404, "no such path"),
        hec_bench_answer(200, "<html>"),
        hec_bench_answer(200, "{\"acks\":{}}"),
        hec_bench_answer(200, "{\"acks\":[true]}"),
        hec_bench_answer(200, ACK(30, true)),
        hec_bench_answer(200, ACK(3, "true")),
        hec_bench_answer(500, ACK(3, true)),
        hec_bench_answer(200, ACK(3, true)),
    };
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));

    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_int_equal(http_sink_count(bench->sink), COUNT_OF(answers));
}

static void test_an_endpoint_that_answers_no_question_ends_by_the_timeout(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, TAKEN(3)),
        hec_bench_answer(404, "no such path"),
    };
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));

    wait_shortly(bench);
    assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    assert_non_null(strstr(bench->err.text, "HTTP 404: no such path"));
}

static void test_without_an_id_a_batch_is_delivered_and_that_is_said(void **state)
{
    const struct http_sink_answer answers[] = {hec_bench_answer(200, "{\"code\":0}")};
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));

    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_non_null(strstr(bench->report.notice, "no indexer acknowledgement"));
    assert_int_equal(http_sink_count(bench->sink), 1);
}

static void test_when_acknowledgement_is_switched_off_what_is_pending_counts(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, TAKEN(3)),
        hec_bench_answer(200, ACK(3, false)),
        hec_bench_answer(400, DISABLED),
    };
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));

    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_non_null(strstr(bench->report.notice, "switched off"));
    assert_int_equal(http_sink_count(bench->sink), 3);
}

static void test_off_asks_nothing(void **state)
{
    const struct http_sink_answer answers[] = {hec_bench_answer(200, TAKEN(3))};
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));

    bench->config.ack = HEC_ACK_OFF;
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_null(bench->report.notice);
    assert_int_equal(http_sink_count(bench->sink), 1);
    assert_int_equal(exporter_splunk_hec.confirm_ns(&bench->config), 0);
}

/* What is taken without an acknowledgement would be sent again and again. */
static void test_on_sends_nothing_with_a_token_that_has_none(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(400, DISABLED),
        hec_bench_answer(404, "no such path"),
        hec_bench_answer(400, "{\"text\":\"Event field is required\",\"code\":12}"),
        hec_bench_answer(200, ACK(0, false)),
        hec_bench_answer(200, TAKEN(0)),
        hec_bench_answer(200, ACK(0, true)),
        hec_bench_answer(200, "{\"code\":0}"),
    };
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));

    bench->config.ack = HEC_ACK_ON;
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
        assert_int_equal(bench->report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
        assert_non_null(strstr(bench->err.text, "useACK"));
        assert_int_equal(http_sink_count(bench->sink), i);
    }
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, HTTP_RETRY_REPAIR_MS);
}

/* The setting was changed behind a token that had it: what was taken since comes once more at most,
 * and not with every look. */
static void test_on_sends_nothing_more_when_ids_end(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, ACK(0, false)), hec_bench_answer(200, TAKEN(0)),
        hec_bench_answer(200, ACK(0, true)),  hec_bench_answer(200, "{\"code\":0}"),
        hec_bench_answer(400, DISABLED),
    };
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));

    bench->config.ack = HEC_ACK_ON;
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    for (size_t i = 5; i < 8; i++) {
        assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
        assert_int_equal(http_sink_count(bench->sink), i);
        assert_true(hec_bench_went_to(bench, i - 1, "/services/collector/ack?channel="));
    }
}

/* --- With a bad event ------------------------------------------------------------------------ */

static void test_the_prefix_before_a_bad_event_waits_for_its_own_id(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(400,
                         "{\"text\":\"no\",\"code\":6,\"invalid-event-number\":2,\"ackId\":4}"),
        hec_bench_answer(200, ACK(4, false)),
        hec_bench_answer(200, ACK(4, true)),
    };
    struct hec_bench *bench = bench_with(state, 4, answers, COUNT_OF(answers));

    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "DDXA");
    assert_int_equal(http_sink_count(bench->sink), 3);
}

static void test_a_prefix_that_is_never_acknowledged_comes_again_but_not_the_bad_event(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(400,
                         "{\"text\":\"no\",\"code\":6,\"invalid-event-number\":2,\"ackId\":4}"),
        hec_bench_answer(200, ACK(4, false)),
    };
    struct hec_bench *bench = bench_with(state, 4, answers, COUNT_OF(answers));

    wait_shortly(bench);
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "RRXA");
    assert_string_equal(bench->words[2], "HTTP 400: no");
}

static void test_a_prefix_without_an_id_comes_again_where_ids_are_usual(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, TAKEN(0)),
        hec_bench_answer(200, ACK(0, true)),
        hec_bench_answer(400, "{\"text\":\"no\",\"code\":12,\"invalid-event-number\":2}"),
    };
    struct hec_bench *bench = bench_with(state, 4, answers, COUNT_OF(answers));

    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "AAXA");
}

/* --- Cancelling ------------------------------------------------------------------------------ */

static void *cancel_soon(void *context)
{
    struct hec_bench *bench = context;

    while (http_sink_count(bench->sink) < 2)
        (void)sched_yield();
    exporter_splunk_hec.cancel(bench->exporter);
    return NULL;
}

static void test_cancel_ends_the_wait(void **state)
{
    const struct http_sink_answer answers[] = {
        hec_bench_answer(200, TAKEN(3)),
        hec_bench_answer(200, ACK(3, false)),
    };
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));
    pthread_t thread;

    bench->config.ack_poll_interval_ns = 3600 * NS_PER_S;
    bench->config.ack_timeout_ns = 3600 * NS_PER_S;
    hec_bench_create(bench);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, bench), 0);
    assert_int_equal(hec_bench_send(bench), EXPORT_RETRY);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bench->err.status, ST_STOPPING);
}

static void test_the_request_has_no_part_in_the_time_for_acknowledgement(void **state)
{
    const struct http_sink_answer answers[] = {{.deed = SINK_HOLD}};
    struct hec_bench *bench = bench_with(state, 2, answers, COUNT_OF(answers));
    struct export_report report = {.tell = NULL};

    bench->config.ack_timeout_ns = 3600 * NS_PER_S;
    hec_bench_create(bench);
    uint64_t deadline_ns = clock_monotonic_ns() + 3600 * NS_PER_S + SHORT_MS * NS_PER_MS;
    assert_int_equal(
        exporter_splunk_hec.send(bench->exporter, &bench->batch, deadline_ns, &report, &bench->err),
        EXPORT_RETRY); /* within the test's time */
    assert_non_null(strstr(bench->err.text, "timeout"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, hec_bench_make, hec_bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_batch_is_delivered_when_its_id_is_true),
        TEST(test_each_instance_has_a_channel_of_its_own),
        TEST(test_what_is_never_acknowledged_is_sent_again),
        TEST(test_questions_that_fail_are_asked_again),
        TEST(test_an_endpoint_that_answers_no_question_ends_by_the_timeout),
        TEST(test_without_an_id_a_batch_is_delivered_and_that_is_said),
        TEST(test_when_acknowledgement_is_switched_off_what_is_pending_counts),
        TEST(test_off_asks_nothing),
        TEST(test_on_sends_nothing_with_a_token_that_has_none),
        TEST(test_on_sends_nothing_more_when_ids_end),
        TEST(test_the_prefix_before_a_bad_event_waits_for_its_own_id),
        TEST(test_a_prefix_that_is_never_acknowledged_comes_again_but_not_the_bad_event),
        TEST(test_a_prefix_without_an_id_comes_again_where_ids_are_usual),
        TEST(test_cancel_ends_the_wait),
        TEST(test_the_request_has_no_part_in_the_time_for_acknowledgement),
    };
    return cmocka_run_group_tests(tests, http_bench_ignore_sigpipe, NULL);
}
