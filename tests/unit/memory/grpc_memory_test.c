/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_memory_test.c -- the receiver of OTLP/gRPC with each allocation of ours failing in turn,
 * while it starts and while a call comes: what was answered with OK is in the journal, a refusal
 * says that it may be sent again, and the next call is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <pthread.h>

#include "exporters/otlp_grpc/grpc_link.h"
#include "receivers/otlp_grpc_receiver.h"
#include "support/collected.h"
#include "support/failing_alloc.h"
#include "support/recorded.h"
#include "support/test_journal.h"
#include "util/clock.h"
#include "wire/protobuf.h"

#define LOGS "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

enum { MEMORY = 64 << 20, CALL_S = 60, UNKNOWN_FIELD = 15 };

struct bench {
    struct test_journal journal;
    struct temp_dir dir;
    struct listener listener;
    struct admission admission;
    struct loop *loop;
    pthread_t loop_thread;
    struct otlp_grpc_settings settings;
    struct otlp_grpc_receiver *receiver;
    struct buf request;
    unsigned requests;
    size_t records_sent; /* of one request */
    size_t records;      /* in the journal */
};

static void *turn(void *context)
{
    struct error err;

    return loop_run(context, &err) == ST_OK ? context : NULL;
}

static void start_loop(struct bench *bench)
{
    assert_int_equal(pthread_create(&bench->loop_thread, NULL, turn, bench->loop), 0);
}

static void stop_loop(struct bench *bench)
{
    void *result;

    loop_stop(bench->loop);
    assert_int_equal(pthread_join(bench->loop_thread, &result), 0);
    assert_non_null(result);
}

/* --- A call ----------------------------------------------------------------------------------- */

/* One that came before is not kept again, so each ends with another value of a field that nobody
 * knows. */
static grpc_slice make_request(struct bench *bench)
{
    const uint8_t field[] = {UNKNOWN_FIELD << 3 | WIRE_FIXED32, (uint8_t)bench->requests,
                             (uint8_t)(bench->requests >> 8), (uint8_t)(bench->requests >> 16), 0};
    grpc_slice bytes = grpc_slice_malloc(bench->request.size + sizeof(field));

    memcpy(GRPC_SLICE_START_PTR(bytes), bench->request.data, bench->request.size);
    memcpy(GRPC_SLICE_START_PTR(bytes) + bench->request.size, field, sizeof(field));
    bench->requests++;
    return bytes;
}

static grpc_status_code send_over(struct bench *bench, struct grpc_link *link)
{
    struct grpc_link_answer answer;
    struct error err;
    grpc_slice bytes = make_request(bench);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&bytes, 1);
    const struct grpc_link_request request = {.method = LOGS, .message = message};

    assert_int_equal(
        grpc_link_call(link, &request, clock_monotonic_ns() + CALL_S * NS_PER_S, &answer, &err),
        ST_OK);
    grpc_status_code code = answer.code;
    grpc_link_answer_fini(&answer);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(bytes);
    return code;
}

static struct grpc_link *open_link(struct bench *bench)
{
    const struct grpc_link_settings settings = {.target = bench->listener.name,
                                                .response_size_max = 4096};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    struct grpc_link *link = NULL;
    struct error err;

    assert_int_equal(grpc_link_open(&settings, credentials, &link, &err), ST_OK);
    grpc_channel_credentials_release(credentials);
    return link;
}

static void assert_served(struct bench *bench)
{
    struct grpc_link *link = open_link(bench);

    assert_int_equal(send_over(bench, link), GRPC_STATUS_OK);
    grpc_link_close(link);
    size_t count = test_journal_read(&bench->journal);
    assert_true(count >= bench->records + bench->records_sent); /* notes of refusals may follow */
    bench->records = count;
}

static bool run_call(void *context, unsigned at, unsigned length)
{
    struct bench *bench = context;
    struct grpc_link *link = open_link(bench);

    failing_alloc_begin(at, length);
    grpc_status_code code = send_over(bench, link);
    bool has_failed = failing_alloc_end();
    grpc_link_close(link);
    size_t count = test_journal_read(&bench->journal);
    if (code == GRPC_STATUS_OK)
        assert_true(count >= bench->records + bench->records_sent);
    else if (code != GRPC_STATUS_UNAVAILABLE && code != GRPC_STATUS_CANCELLED)
        fail_msg("allocation %u: a code that is not sent again: %d", at, (int)code);
    bench->records = count;
    assert_served(bench);
    return has_failed;
}

static void test_a_call_that_finds_no_memory_may_be_sent_again(void **state)
{
    struct bench *bench = *state;
    struct error err;

    assert_int_equal(otlp_grpc_receiver_start(&bench->settings, bench->loop, bench->journal.journal,
                                              &bench->admission, &bench->receiver, &err),
                     ST_OK);
    start_loop(bench);
    assert_served(bench);
    failing_alloc_try("a call of OTLP/gRPC", run_call, bench, 10);
    stop_loop(bench);
    otlp_grpc_receiver_stop(bench->receiver);
    assert_int_equal(admission_used(&bench->admission), 0);
}

/* --- The start -------------------------------------------------------------------------------- */

static bool run_start(void *context, unsigned at, unsigned length)
{
    struct bench *bench = context;
    struct otlp_grpc_receiver *receiver = NULL;
    struct error err;

    failing_alloc_begin(at, length);
    enum status st = otlp_grpc_receiver_start(&bench->settings, bench->loop, bench->journal.journal,
                                              &bench->admission, &receiver, &err);
    bool has_failed = failing_alloc_end();
    assert_int_equal(st, has_failed ? ST_NO_MEMORY : ST_OK);
    otlp_grpc_receiver_stop(receiver);
    return has_failed;
}

static void test_a_start_that_finds_no_memory_leaves_nothing_behind(void **state)
{
    failing_alloc_try("the start of OTLP/gRPC", run_start, *state, 5);
}

/* ---------------------------------------------------------------------------------------------- */

static void count_records(struct bench *bench)
{
    struct collected sent;
    struct error err;

    assert_int_equal(collected_read(&sent, buf_slice(&bench->request), &err), ST_OK);
    bench->records_sent = sent.record_count;
    collected_fini(&sent);
}

static int make_bench(void **state)
{
    static struct bench bench;
    const struct listener_settings listening = {.mode = 0600};
    char address[LISTENER_NAME_MAX];
    struct error err;

    bench = (struct bench){.records = 0};
    test_journal_open(&bench.journal);
    temp_dir_make(&bench.dir);
    snprintf(address, sizeof(address), "unix:%.90s/g.sock", bench.dir.path);
    assert_int_equal(listener_open(address, &listening, &bench.listener, &err), ST_OK);
    admission_init(&bench.admission, MEMORY);
    assert_int_equal(loop_create(&bench.loop, &err), ST_OK);
    otlp_grpc_settings_default(&bench.settings);
    bench.settings.listeners = &bench.listener;
    bench.settings.listener_count = 1;
    buf_init(&bench.request, MEMORY);
    recorded_read("codex-0.169.0/http-protobuf/exfil/logs/001.bin", &bench.request);
    count_records(&bench);
    grpc_init(); /* once, and not again and again by each receiver */
    *state = &bench;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;

    loop_destroy(bench->loop);
    listener_close(&bench->listener);
    test_journal_close(&bench->journal);
    temp_dir_remove(&bench->dir);
    buf_fini(&bench->request);
    grpc_shutdown();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_call_that_finds_no_memory_may_be_sent_again,
                                        make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_a_start_that_finds_no_memory_leaves_nothing_behind,
                                        make_bench, drop_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
