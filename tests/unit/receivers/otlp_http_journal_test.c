/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_journal_test.c -- a request over OTLP/HTTP is answered as its journal has it: when the
 * disk is slow, full or broken, and when either side goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "metrics/metrics.h"
#include "support/otlp_bench.h"

#define JSON OTLP_BENCH_JSON

/* Calls that run while the test looks on. */
static void run_while(CURLM *multi, bool (*go_on)(int running))
{
    int running = 1;

    do {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        assert_int_equal(curl_multi_poll(multi, NULL, 0, 2, NULL), CURLM_OK);
    } while (go_on(running));
}

static bool nothing_is_in_flight(int running)
{
    assert_true(running > 0);
    return admission_used(&otlp_bench.admission) == 0;
}

static uint64_t held_before;

static uint64_t held_by_journal(void)
{
    struct journal_room room;

    journal_read_room(otlp_bench.journal.journal, &room);
    return room.held;
}

/* What is in flight may still be converted; what the journal holds is under way to the disk. */
static bool the_journal_has_nothing_new(int running)
{
    assert_true(running > 0);
    return held_by_journal() == held_before;
}

enum { QUEUED = 6 };
static struct metric *waited;
static uint64_t waited_before;

static bool not_all_wait(int running)
{
    assert_int_equal(running, QUEUED);
    return metric_get(waited) < waited_before + QUEUED - 1;
}

static bool some_run(int running)
{
    return running > 0;
}

static void multi_add(CURLM *multi, struct otlp_call *call)
{
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    assert_int_equal(curl_multi_add_handle(multi, call->curl), CURLM_OK);
}

static void multi_finish(CURLM *multi, struct otlp_call *call)
{
    assert_int_equal(curl_multi_remove_handle(multi, call->curl), CURLM_OK);
    otlp_call_finish(call);
}

static void test_success_is_answered_only_after_the_sync(void **state)
{
    (void)state;
    CURLM *multi = curl_multi_init();
    struct otlp_call call;
    int running;

    test_journal_hold_syncs();
    otlp_call_prepare(&call, "/v1/logs", JSON, NULL, slice_of_text(otlp_one_record("held")));
    multi_add(multi, &call);
    run_while(multi, nothing_is_in_flight);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        assert_int_equal(running, 1);
        assert_int_equal(curl_multi_poll(multi, NULL, 0, 1, NULL), CURLM_OK);
    }
    assert_int_equal(journal_committed(otlp_bench.journal.journal), 1);
    assert_int_equal(call.reply.headers_size, 0);
    test_journal_release_syncs();
    run_while(multi, some_run);
    multi_finish(multi, &call);
    assert_int_equal(call.reply.http_status, 200);
    assert_int_equal(journal_committed(otlp_bench.journal.journal), 2);
    curl_multi_cleanup(multi);
}

/* The journal's queue has room for one of the batches only. */
static void test_full_queue_is_waited_for(void **state)
{
    (void)state;
    CURLM *multi = curl_multi_init();
    struct otlp_call calls[QUEUED];

    otlp_bench_start(UINT64_C(1) << 30, 1);
    waited = metric_register(METRIC_COUNTER, "telltale_receiver_waited_requests_total", "",
                             "receiver=\"otlp_http\"");
    waited_before = metric_get(waited);
    test_journal_hold_syncs();
    for (int i = 0; i < QUEUED; i++) {
        otlp_call_prepare(&calls[i], "/v1/logs", JSON, NULL,
                          slice_of_text(otlp_one_record("queued")));
        multi_add(multi, &calls[i]);
    }
    run_while(multi, not_all_wait);
    test_journal_release_syncs();
    run_while(multi, some_run);
    for (int i = 0; i < QUEUED; i++) {
        multi_finish(multi, &calls[i]);
        assert_int_equal(calls[i].reply.http_status, 200);
    }
    assert_int_equal(test_journal_read(&otlp_bench.journal), QUEUED);
    curl_multi_cleanup(multi);
}

static void test_full_journal_is_503_with_retry_after(void **state)
{
    (void)state;
    struct otlp_reply reply = {0};

    otlp_bench_start(1 << 20, UINT64_C(64) << 20);
    buf_clear(&otlp_bench.scratch);
    char body[400];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = 0;
    for (int i = 0; i < 3000 && reply.http_status != 503; i++)
        reply = otlp_post_text(JSON, otlp_one_record(body));
    assert_int_equal(reply.http_status, 503);
    assert_non_null(strstr(reply.headers, "Retry-After: 30"));
    assert_int_equal(strncmp(otlp_reply_text(&reply), "{\"code\":14,", 11), 0);
}

static void test_failed_disk_is_503(void **state)
{
    (void)state;
    test_journal_fail_syncs();
    struct otlp_reply reply = otlp_post_text(JSON, otlp_one_record("lost"));
    assert_int_equal(reply.http_status, 503);
    assert_non_null(strstr(reply.headers, "Retry-After: "));
}

static void test_memory_that_is_short_is_503(void **state)
{
    (void)state;
    admission_force(&otlp_bench.admission, otlp_bench.admission.limit);
    struct otlp_reply reply = otlp_post_text(JSON, otlp_one_record("no room"));
    assert_int_equal(reply.http_status, 503);
    admission_give(&otlp_bench.admission, otlp_bench.admission.limit);
    assert_int_equal(otlp_post_text(JSON, otlp_one_record("room")).http_status, 200);
}

/* Its records are kept: it was heard, it only does not learn of it. */
static void test_sender_that_hangs_up_while_it_waits_is_forgotten(void **state)
{
    (void)state;
    CURLM *multi = curl_multi_init();
    struct otlp_call call;

    test_journal_hold_syncs();
    otlp_call_prepare(&call, "/v1/logs", JSON, NULL, slice_of_text(otlp_one_record("gone")));
    multi_add(multi, &call);
    run_while(multi, nothing_is_in_flight);
    multi_finish(multi, &call);
    curl_multi_cleanup(multi); /* closes the connection */
    test_journal_release_syncs();
    assert_int_equal(otlp_post_text(JSON, otlp_one_record("next")).http_status, 200);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 2);
    assert_string_equal(test_journal_body(&otlp_bench.journal, 0), "gone");
}

static void test_stop_answers_what_is_under_way(void **state)
{
    (void)state;
    CURLM *multi = curl_multi_init();
    struct otlp_call call;

    test_journal_hold_syncs();
    held_before = held_by_journal();
    otlp_call_prepare(&call, "/v1/logs", JSON, NULL, slice_of_text(otlp_one_record("last")));
    multi_add(multi, &call);
    run_while(multi, the_journal_has_nothing_new);
    test_journal_release_syncs();
    otlp_http_receiver_stop(otlp_bench.receiver);
    otlp_bench.receiver = NULL;
    run_while(multi, some_run);
    multi_finish(multi, &call);
    assert_int_equal(call.reply.http_status, 200);
    assert_int_equal(test_journal_read(&otlp_bench.journal), 1);
    curl_multi_cleanup(multi);
}

#define HTTP_TEST(test)      cmocka_unit_test_setup_teardown(test, otlp_bench_make, otlp_bench_drop)
#define HTTP_TEST_BARE(test) cmocka_unit_test_setup_teardown(test, NULL, otlp_bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_success_is_answered_only_after_the_sync),
        HTTP_TEST_BARE(test_full_queue_is_waited_for),
        HTTP_TEST_BARE(test_full_journal_is_503_with_retry_after),
        HTTP_TEST(test_failed_disk_is_503),
        HTTP_TEST(test_memory_that_is_short_is_503),
        HTTP_TEST(test_sender_that_hangs_up_while_it_waits_is_forgotten),
        HTTP_TEST(test_stop_answers_what_is_under_way),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
