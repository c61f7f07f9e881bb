/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_receiver_test.c -- OTLP/gRPC from a real client, our exporter's, into a real journal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/otlp_grpc/grpc_link.h"
#include "metrics/metrics.h"
#include "receivers/otlp_grpc_receiver.h"
#include "support/collected.h"
#include "support/recorded.h"
#include "support/test_journal.h"
#include "telltale/otlp_reply.h"
#include "util/clock.h"
#include "wire/protobuf.h"

#define LOGS    "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
#define TRACES  "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define METRICS "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

enum { MESSAGE_SIZE_MAX = 2 << 20, CALLERS = 4 };

struct fixture {
    struct test_journal journal;
    struct temp_dir dir;
    struct listener listeners[2]; /* TCP, Unix */
    struct admission admission;
    struct loop *loop;
    pthread_t loop_thread;
    bool has_loop_thread;
    struct otlp_grpc_receiver *receiver;
    struct error err;
    struct buf scratch;
};

static struct fixture fixture;

static void *run_loop(void *context)
{
    struct error err;

    (void)context;
    return (void *)(uintptr_t)(loop_run(fixture.loop, &err) == ST_OK);
}

static void join_loop(void)
{
    void *result;

    if (!fixture.has_loop_thread)
        return;
    fixture.has_loop_thread = false;
    loop_stop(fixture.loop);
    assert_int_equal(pthread_join(fixture.loop_thread, &result), 0);
    assert_non_null(result);
}

static unsigned int signals = SIGNALS_ALL; /* that the next receiver keeps */

static void start_with(uint64_t journal_size, uint64_t pending_bytes_max, size_t in_flight)
{
    const struct listener_settings listening = {.mode = 0600};
    char address[LISTENER_NAME_MAX];
    struct otlp_grpc_settings settings;

    memset(&fixture, 0, sizeof(fixture));
    test_journal_open_with(&fixture.journal, journal_size, pending_bytes_max);
    temp_dir_make(&fixture.dir);
    snprintf(address, sizeof(address), "unix:%.90s/g.sock", fixture.dir.path);
    assert_int_equal(listener_open("127.0.0.1:0", &listening, &fixture.listeners[0], &fixture.err),
                     ST_OK);
    assert_int_equal(listener_open(address, &listening, &fixture.listeners[1], &fixture.err),
                     ST_OK);
    admission_init(&fixture.admission, in_flight);
    assert_int_equal(loop_create(&fixture.loop, &fixture.err), ST_OK);
    otlp_grpc_settings_default(&settings);
    settings.listeners = fixture.listeners;
    settings.listener_count = 2;
    settings.message_size_max = MESSAGE_SIZE_MAX;
    settings.signals = signals;
    assert_int_equal(otlp_grpc_receiver_start(&settings, fixture.loop, fixture.journal.journal,
                                              &fixture.admission, &fixture.receiver, &fixture.err),
                     ST_OK);
    assert_int_equal(pthread_create(&fixture.loop_thread, NULL, run_loop, NULL), 0);
    fixture.has_loop_thread = true;
    buf_init(&fixture.scratch, 64 << 20);
}

static int setup(void **state)
{
    (void)state;
    start_with(UINT64_C(1) << 30, UINT64_C(64) << 20, (size_t)64 << 20);
    return 0;
}

static int setup_logs_alone(void **state)
{
    signals = 1U << SIGNAL_LOGS;
    int result = setup(state);
    signals = SIGNALS_ALL;
    return result;
}

static int teardown(void **state)
{
    (void)state;
    test_journal_release_syncs();
    join_loop();
    otlp_grpc_receiver_stop(fixture.receiver);
    assert_int_equal(admission_used(&fixture.admission), 0);
    loop_destroy(fixture.loop);
    listener_close(&fixture.listeners[0]);
    listener_close(&fixture.listeners[1]);
    test_journal_close(&fixture.journal);
    temp_dir_remove(&fixture.dir);
    buf_fini(&fixture.scratch);
    return 0;
}

/* --- A client --------------------------------------------------------------------------------- */

struct reply {
    grpc_status_code code;
    char message[256];
    struct otlp_partial_success partial; /* its message is gone */
    struct otlp_retry_info retry;
    bool has_details;
};

static struct slice bytes_of(const grpc_slice *slice)
{
    return slice_of(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

static struct reply read_answer(struct grpc_link_answer *answer)
{
    struct reply reply = {.code = answer->code, .has_details = bytes_of(&answer->details).size > 0};
    struct error err;

    snprintf(reply.message, sizeof(reply.message), "%.*s", SLICE_ARG(bytes_of(&answer->message)));
    reply.retry = otlp_reply_find_retry_info(bytes_of(&answer->details));
    assert_int_equal(
        otlp_reply_read_partial_success(bytes_of(&answer->response), &reply.partial, &err), ST_OK);
    grpc_link_answer_fini(answer);
    return reply;
}

static struct reply call_with(size_t listener, const char *method, struct slice body,
                              grpc_compression_algorithm compression)
{
    char target[LISTENER_NAME_MAX + 8];
    struct grpc_link_answer answer;
    struct grpc_link *link;
    struct error err;
    const char *name = fixture.listeners[listener].name;

    snprintf(target, sizeof(target), "%s%s", strncmp(name, "unix:", 5) == 0 ? "" : "dns:///", name);
    const struct grpc_link_settings settings = {.target = target, .response_size_max = 4096};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    assert_int_equal(grpc_link_open(&settings, credentials, &link, &err), ST_OK);
    grpc_channel_credentials_release(credentials);
    grpc_slice bytes = grpc_slice_from_copied_buffer((const char *)body.data, body.size);
    grpc_byte_buffer *message =
        compression == GRPC_COMPRESS_NONE
            ? grpc_raw_byte_buffer_create(&bytes, 1)
            : grpc_raw_compressed_byte_buffer_create(&bytes, 1, compression);
    const struct grpc_link_request request = {.method = method, .message = message};
    assert_int_equal(
        grpc_link_call(link, &request, clock_monotonic_ns() + 60 * NS_PER_S, &answer, &err), ST_OK);
    struct reply reply = read_answer(&answer);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(bytes);
    grpc_link_close(link);
    return reply;
}

static struct reply call(const char *method, struct slice body)
{
    return call_with(1, method, body, GRPC_COMPRESS_NONE);
}

/* A request of one record with this body, and a time, if that is not 0. */
static struct slice one_timed_record(struct slice body, uint64_t time, uint8_t *out)
{
    static const uint32_t numbers[] = {1, 5, 2, 2, 1}; /* string_value up to resource_logs */
    uint8_t *start = out + 64;
    uint8_t *end = start;

    memcpy(start, body.data, body.size);
    end += body.size;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        uint8_t header[PB_TAG_MAX + PB_VARINT_MAX];
        size_t size = (size_t)(pb_put_header(header, numbers[i], (size_t)(end - start)) - header);
        start -= size;
        memcpy(start, header, size);
        if (numbers[i] == RECORD_BODY && time != 0)
            end = pb_put_fixed64(end, RECORD_TIME_UNIX_NANO, time);
    }
    return slice_of(start, (size_t)(end - start));
}

static struct slice one_record(struct slice body, uint8_t *out)
{
    return one_timed_record(body, 0, out);
}

static struct reply send_one(const char *text)
{
    uint8_t space[512];

    return call(LOGS, one_record(slice_of_text(text), space));
}

/* --- What arrives is kept --------------------------------------------------------------------- */

static void assert_kept(struct slice request, size_t from)
{
    struct collected sent;

    assert_int_equal(collected_read(&sent, request, &fixture.err), ST_OK);
    assert_true(sent.record_count > 0);
    for (size_t i = 0; i < sent.record_count; i++) {
        const struct record *kept = &fixture.journal.batch.records[from + i];
        assert_true(slice_starts_with(kept->bytes, sent.records[i].bytes));
        assert_string_equal(test_journal_attribute(&fixture.journal, from + i, "agent.transport"),
                            "otlp_grpc");
    }
    collected_fini(&sent);
}

static void test_recorded_requests_are_kept_byte_for_byte(void **state)
{
    (void)state;
    size_t before = 0;

    for (const char *const *name = recorded_log_requests; *name != NULL; name++) {
        buf_clear(&fixture.scratch);
        recorded_read(*name, &fixture.scratch);
        struct reply reply = call(LOGS, buf_slice(&fixture.scratch));
        assert_int_equal(reply.code, GRPC_STATUS_OK);
        assert_int_equal(reply.partial.rejected_count, 0);
        size_t count = test_journal_read(&fixture.journal);
        assert_true(count > before);
        assert_kept(buf_slice(&fixture.scratch), before);
        before = count;
    }
}

static void test_unix_sockets_name_their_senders_and_tcp_does_not(void **state)
{
    (void)state;
    uint8_t space[512];
    char pid[16];
    struct slice request = one_record(SLICE("who"), space);

    snprintf(pid, sizeof(pid), "%d", getpid());
    assert_int_equal(call_with(0, LOGS, request, GRPC_COMPRESS_NONE).code, GRPC_STATUS_OK);
    assert_int_equal(call_with(1, LOGS, request, GRPC_COMPRESS_NONE).code, GRPC_STATUS_OK);
    assert_int_equal(test_journal_read(&fixture.journal), 2);
    assert_string_not_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.pid"), pid);
    assert_string_equal(test_journal_attribute(&fixture.journal, 1, "agent.peer.pid"), pid);
    assert_string_equal(test_journal_attribute(&fixture.journal, 1, "agent.peer.attestation"),
                        "kernel");
}

static void test_signals_that_are_not_wanted_are_answered_and_counted(void **state)
{
    (void)state;
    struct metric *ignored = metric_register(
        METRIC_COUNTER, "telltale_receiver_ignored_requests_total", "", "signal=\"traces\"");
    uint64_t before = metric_get(ignored);

    assert_int_equal(call(TRACES, SLICE("anything")).code, GRPC_STATUS_OK);
    assert_int_equal(call(METRICS, SLICE_EMPTY).code, GRPC_STATUS_OK);
    assert_int_equal(metric_get(ignored), before + 1);
    assert_int_equal(test_journal_read(&fixture.journal), 0);
}

/* --- What is refused ---------------------------------------------------------------------------
 */

static void test_bad_messages_are_refused_for_good(void **state)
{
    (void)state;
    struct reply reply = call(LOGS, SLICE("\x0a\x7f broken"));

    assert_int_equal(reply.code, GRPC_STATUS_INVALID_ARGUMENT);
    assert_true(strlen(reply.message) > 0 && reply.has_details && !reply.retry.present);
    reply = call_with(1, LOGS, SLICE("this is no gzip"), GRPC_COMPRESS_GZIP);
    assert_int_equal(reply.code, GRPC_STATUS_INVALID_ARGUMENT);
    reply = call("/some.Service/Method", SLICE_EMPTY);
    assert_int_equal(reply.code, GRPC_STATUS_UNIMPLEMENTED);
    assert_int_equal(call(LOGS, SLICE_EMPTY).code, GRPC_STATUS_OK);
    assert_true(test_journal_read(&fixture.journal) >= 1); /* the others wait for a second */
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.pipeline.reason"),
                        "parse_error");
}

static void test_large_messages_are_refused_for_good(void **state)
{
    (void)state;
    uint8_t *zeroes = calloc(1, MESSAGE_SIZE_MAX + 1);

    assert_non_null(zeroes);
    struct reply reply = call(LOGS, slice_of(zeroes, MESSAGE_SIZE_MAX + 1));
    assert_int_equal(reply.code, GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_false(reply.retry.present);
    free(zeroes);
}

static void test_full_journal_is_unavailable_with_a_delay(void **state)
{
    (void)state;
    struct reply reply = {.code = GRPC_STATUS_OK};
    uint8_t *space = calloc(1, 70000);
    uint8_t body[60000];

    start_with(1 << 20, UINT64_C(64) << 20, (size_t)64 << 20);
    memset(body, 'x', sizeof(body));
    assert_non_null(space);
    for (int i = 0; i < 100 && reply.code == GRPC_STATUS_OK; i++)
        reply = call(LOGS, one_record(slice_of(body, sizeof(body)), space));
    assert_int_equal(reply.code, GRPC_STATUS_UNAVAILABLE);
    assert_true(reply.retry.present);
    assert_int_equal(reply.retry.delay_ms, 30000);
    assert_non_null(strstr(reply.message, "full"));
    free(space);
}

static void test_disk_that_fails_is_unavailable(void **state)
{
    (void)state;
    test_journal_fail_syncs();
    struct reply reply = send_one("lost");
    assert_int_equal(reply.code, GRPC_STATUS_UNAVAILABLE);
    assert_true(reply.retry.present);
}

/* --- Waiting ------------------------------------------------------------------------------------
 */

static void *call_in_thread(void *context)
{
    struct reply *reply = context;

    *reply = send_one("held");
    return NULL;
}

static void wait_in_flight(size_t bytes_min)
{
    while (admission_used(&fixture.admission) < bytes_min)
        (void)sched_yield();
}

/* Nobody is answered before the disk has it, and nobody is refused because others came first: the
 * journal's queue has room for one of the batches only. */
static void test_answers_wait_for_the_disk_and_calls_for_each_other(void **state)
{
    (void)state;
    struct reply replies[CALLERS] = {0};
    pthread_t threads[CALLERS];

    start_with(UINT64_C(1) << 30, 1, (size_t)64 << 20);
    assert_int_equal(send_one("first").code, GRPC_STATUS_OK);
    uint64_t committed = journal_committed(fixture.journal.journal);
    test_journal_hold_syncs();
    for (int i = 0; i < CALLERS; i++) {
        replies[i].code = GRPC_STATUS__DO_NOT_USE;
        assert_int_equal(pthread_create(&threads[i], NULL, call_in_thread, &replies[i]), 0);
    }
    wait_in_flight(1);
    assert_int_equal(journal_committed(fixture.journal.journal), committed);
    test_journal_release_syncs();
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(replies[i].code, GRPC_STATUS_OK);
    }
    assert_int_equal(test_journal_read(&fixture.journal), CALLERS + 1);
}

static void *call_with_time_in_thread(void *context)
{
    struct reply *reply = context;
    uint8_t space[512];

    *reply = call(LOGS, one_timed_record(SLICE("again"), UINT64_C(1795213460123456789), space));
    return NULL;
}

/* Also while the first is on its way to the disk. */
static void test_calls_that_come_again_are_kept_once(void **state)
{
    (void)state;
    struct metric *repeated = metric_register(
        METRIC_COUNTER, "telltale_receiver_repeated_requests_total", "", "receiver=\"otlp_grpc\"");
    uint64_t before = metric_get(repeated);
    struct reply replies[CALLERS + 1] = {0};
    pthread_t threads[CALLERS];

    test_journal_hold_syncs();
    for (int i = 0; i < CALLERS; i++) {
        size_t used = admission_used(&fixture.admission);
        replies[i].code = GRPC_STATUS__DO_NOT_USE;
        assert_int_equal(pthread_create(&threads[i], NULL, call_with_time_in_thread, &replies[i]),
                         0);
        wait_in_flight(used + 1);
    }
    test_journal_release_syncs();
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(replies[i].code, GRPC_STATUS_OK);
    }
    (void)call_with_time_in_thread(&replies[CALLERS]);
    assert_int_equal(replies[CALLERS].code, GRPC_STATUS_OK);
    assert_int_equal(metric_get(repeated), before + CALLERS);
    assert_int_equal(test_journal_read(&fixture.journal), 1);
}

static void *release_in_thread(void *context)
{
    (void)context;
    test_journal_release_syncs();
    return NULL;
}

static void test_stop_answers_what_is_under_way(void **state)
{
    (void)state;
    struct reply reply = {.code = GRPC_STATUS__DO_NOT_USE};
    pthread_t caller, releaser;

    test_journal_hold_syncs();
    assert_int_equal(pthread_create(&caller, NULL, call_in_thread, &reply), 0);
    test_journal_wait_for_sync(); /* the receiver alone may still turn it away */
    join_loop();
    assert_int_equal(pthread_create(&releaser, NULL, release_in_thread, NULL), 0);
    otlp_grpc_receiver_stop(fixture.receiver);
    fixture.receiver = NULL;
    assert_int_equal(pthread_join(releaser, NULL), 0);
    assert_int_equal(pthread_join(caller, NULL), 0);
    assert_int_equal(reply.code, GRPC_STATUS_OK);
    assert_int_equal(test_journal_read(&fixture.journal), 1);
}

/* While memory for events is used up, messages are not asked for; but one always is. */
static void test_calls_wait_at_the_gate_while_memory_is_short(void **state)
{
    (void)state;
    struct reply replies[CALLERS] = {0};
    pthread_t threads[CALLERS];

    start_with(UINT64_C(1) << 30, UINT64_C(64) << 20, 4096);
    admission_force(&fixture.admission, 1 << 20);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_in_thread, &replies[i]), 0);
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(replies[i].code, GRPC_STATUS_OK);
    }
    admission_give(&fixture.admission, 1 << 20);
    assert_int_equal(test_journal_read(&fixture.journal), CALLERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recorded_requests_are_kept_byte_for_byte, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_unix_sockets_name_their_senders_and_tcp_does_not,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals_that_are_not_wanted_are_answered_and_counted,
                                        setup_logs_alone, teardown),
        cmocka_unit_test_setup_teardown(test_bad_messages_are_refused_for_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_messages_are_refused_for_good, setup, teardown),
        cmocka_unit_test_teardown(test_full_journal_is_unavailable_with_a_delay, teardown),
        cmocka_unit_test_setup_teardown(test_disk_that_fails_is_unavailable, setup, teardown),
        cmocka_unit_test_teardown(test_answers_wait_for_the_disk_and_calls_for_each_other,
                                  teardown),
        cmocka_unit_test_setup_teardown(test_calls_that_come_again_are_kept_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_answers_what_is_under_way, setup, teardown),
        cmocka_unit_test_teardown(test_calls_wait_at_the_gate_while_memory_is_short, teardown),
    };

    grpc_init();
    int failed = cmocka_run_group_tests_name("otlp_grpc_receiver", tests, NULL, NULL);
    grpc_shutdown();
    return failed;
}
