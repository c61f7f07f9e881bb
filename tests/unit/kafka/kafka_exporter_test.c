/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_exporter_test.c -- the exporter against librdkafka's mock cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>

#include "support/kafka_sink.h"
#include "support/option.h"
#include "support/session_batch.h"
#include "telltale/exporter.h"
#include "util/clock.h"

extern const struct exporter_ops exporter_kafka;

enum { PARTITIONS = 4, PLENTY_S = 60, REPAIR_MS = 60000 };

static const char topic[] = "otlp_logs";

/* One exporter and one cluster; what the exporter said of each record. */
struct bench {
    struct kafka_sink *sink;
    struct session_batch *sample;
    void *config;
    void *exporter;
    const char *brokers[1];
    struct export_report report;
    struct error err;
    enum item_outcome told[SESSION_BATCH_MAX];
    char words[64];
    /* read back */
    bool is_json;
    uint32_t seen[SESSION_BATCH_MAX]; /* how often each record is there */
    size_t messages;
};

static const struct exporter_ops *const ops = &exporter_kafka;

static struct bench *bench_of_report; /* tell() has no other way to it */

static void tell(struct export_report *report, size_t index, enum item_outcome outcome,
                 const char *words)
{
    struct bench *bench = bench_of_report;

    assert_ptr_equal(report, &bench->report);
    assert_true(index < SESSION_BATCH_MAX);
    bench->told[index] = outcome;
    snprintf(bench->words, sizeof(bench->words), "%s", words != NULL ? words : "");
}

static int make_bench(void **state)
{
    static const char *const signals[] = {"logs", "traces", "metrics"};
    struct bench *bench = calloc(1, sizeof(*bench));

    bench->sink = kafka_sink_start(1);
    bench->sample = session_batch_make(2);
    bench->brokers[0] = kafka_sink_brokers(bench->sink);
    bench->config = option_make_config(ops);
    option_set_list(ops, bench->config, "brokers", (struct config_text_list){bench->brokers, 1});
    option_set_text(ops, bench->config, "topics.logs", topic);
    option_set_text(ops, bench->config, "topics.traces", "otlp_spans");
    option_set_text(ops, bench->config, "topics.metrics", "otlp_metrics");
    option_set_text(ops, bench->config, "client_id", "test");
    option_set_number(ops, bench->config, "max_message_size", 1000000);
    option_set_list(ops, bench->config, "signals", (struct config_text_list){signals, 3});
    *state = bench;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;

    ops->destroy(bench->exporter);
    kafka_sink_stop(bench->sink);
    session_batch_free(bench->sample);
    free(bench->config);
    free(bench);
    return 0;
}

static void create_exporter(struct bench *bench)
{
    const struct exporter_context context = {.name = "kafka/test", .state_dir = "/nowhere"};

    assert_int_equal(ops->check(bench->config, &bench->err), ST_OK);
    assert_int_equal(ops->create(bench->config, &context, &bench->exporter, &bench->err), ST_OK);
}

static void add_records(struct bench *bench, size_t count, size_t sessions)
{
    for (size_t i = 0; i < count; i++) {
        char session[32];
        snprintf(session, sizeof(session), "session-%zu", i % sessions);
        session_batch_add(bench->sample, session, 10, (uint32_t)(i % 2));
    }
}

static enum export_result send_part(struct bench *bench, const struct batch *batch,
                                    uint64_t timeout_ns)
{
    bench_of_report = bench;
    bench->report = (struct export_report){.tell = tell};
    bench->err = (struct error){.status = ST_OK};
    for (size_t i = 0; i < SESSION_BATCH_MAX; i++)
        bench->told[i] = ITEM_RETRY;
    return ops->send(bench->exporter, batch, clock_monotonic_ns() + timeout_ns, &bench->report,
                     &bench->err);
}

static enum export_result send_all(struct bench *bench)
{
    return send_part(bench, &bench->sample->batch, PLENTY_S * NS_PER_S);
}

static void push_errors(struct bench *bench, rd_kafka_resp_err_t error, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors(kafka_sink_cluster(bench->sink), KAFKA_API_PRODUCE, 1,
                                          error);
}

static void visit(void *context, const rd_kafka_message_t *message)
{
    static uint32_t numbers[SESSION_BATCH_MAX];
    struct bench *bench = context;
    size_t count = session_batch_read(slice_of(message->payload, message->len), bench->is_json,
                                      numbers, SESSION_BATCH_MAX);

    bench->messages++;
    for (size_t i = 0; i < count; i++)
        bench->seen[numbers[i]]++;
}

static void read_back(struct bench *bench)
{
    memset(bench->seen, 0, sizeof(bench->seen));
    bench->messages = 0;
    kafka_sink_read(bench->sink, topic, PARTITIONS, visit, bench);
}

static void assert_each_once(struct bench *bench, size_t count)
{
    read_back(bench);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(bench->seen[i], 1);
}

/* --- Delivery -------------------------------------------------------------------------------- */

struct headers_seen {
    size_t messages;
};

static void visit_headers(void *context, const rd_kafka_message_t *message)
{
    struct headers_seen *seen = context;

    assert_true(slice_equal(kafka_sink_header(message, "schema"), SLICE("otlp.logs.v1")));
    assert_true(
        slice_equal(kafka_sink_header(message, "content-type"), SLICE("application/x-protobuf")));
    assert_true(slice_equal(kafka_sink_header(message, "log-origin"),
                            SLICE("abcd0000000000000000000000000000")));
    assert_true(slice_equal(kafka_sink_header(message, "site"), SLICE("north")));
    assert_int_equal(kafka_sink_header(message, "first-index").size, 1);
    assert_memory_equal(message->key, "session-", 8);
    seen->messages++;
}

static void test_every_record_arrives_once_under_its_session(void **state)
{
    static const struct config_text_pair pairs[] = {{"site", "north"}};
    struct bench *bench = *state;
    struct headers_seen seen = {0};

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    option_set_map(ops, bench->config, "headers", (struct config_text_map){pairs, 1});
    create_exporter(bench);
    add_records(bench, 500, 7);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_true(bench->report.sent_bytes > 500 * 20);
    assert_each_once(bench, 500);
    assert_int_equal(bench->messages, 7);
    kafka_sink_read(bench->sink, topic, PARTITIONS, visit_headers, &seen);
    assert_int_equal(seen.messages, 7);
}

static void test_json_and_every_codec_arrive(void **state)
{
    static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    option_set_enum(ops, bench->config, "encoding", "otlp_json");
    bench->is_json = true;
    add_records(bench, 40, 3);
    for (size_t i = 0; i < COUNT_OF(codecs); i++) {
        option_set_enum(ops, bench->config, "compression", codecs[i]);
        create_exporter(bench);
        assert_int_equal(send_all(bench), EXPORT_DONE);
        read_back(bench);
        for (size_t k = 0; k < 40; k++)
            assert_int_equal(bench->seen[k], i + 1);
        ops->destroy(bench->exporter);
        bench->exporter = NULL;
    }
}

static void test_one_batch_after_another_keeps_a_session_in_one_partition(void **state)
{
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    create_exporter(bench);
    add_records(bench, 100, 5);
    for (size_t first = 0; first < 100; first += 10) {
        struct batch part = bench->sample->batch;
        part.records += first;
        part.record_count = 10;
        assert_int_equal(send_part(bench, &part, PLENTY_S * NS_PER_S), EXPORT_DONE);
    }
    assert_each_once(bench, 100);
    assert_int_equal(bench->messages, 50);
}

/* --- What brokers say ------------------------------------------------------------------------ */

static void test_each_error_has_its_outcome(void **state)
{
    static const struct {
        rd_kafka_resp_err_t error;
        enum export_result result;
        uint32_t retry_after_ms;
    } rows[] = {
        {RD_KAFKA_RESP_ERR_NO_ERROR, EXPORT_DONE, 0},
        /* librdkafka sends these again by itself. */
        {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, EXPORT_DONE, 0},
        {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, EXPORT_DONE, 0},
        {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, EXPORT_DONE, 0},
        {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, EXPORT_DONE, 0},
        {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, EXPORT_DONE, 0},
        {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, EXPORT_DONE, 0},
        {RD_KAFKA_RESP_ERR__TRANSPORT, EXPORT_DONE, 0},
        /* It has been there already. */
        {RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER, EXPORT_DONE, 0},
        {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, EXPORT_TOO_LARGE, 0},
        {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, EXPORT_TOO_LARGE, 0},
        {RD_KAFKA_RESP_ERR_INVALID_MSG, EXPORT_REJECTED, 0},
        {RD_KAFKA_RESP_ERR_INVALID_RECORD, EXPORT_REJECTED, 0},
        {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, EXPORT_REJECTED, 0},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, EXPORT_RETRY, REPAIR_MS},
        {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, EXPORT_RETRY, REPAIR_MS},
        {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, EXPORT_RETRY, REPAIR_MS},
        {RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, EXPORT_RETRY, REPAIR_MS},
        {RD_KAFKA_RESP_ERR_UNKNOWN, EXPORT_RETRY, 0},
        {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, EXPORT_RETRY, 0},
    };
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    create_exporter(bench);
    add_records(bench, 3, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].error != RD_KAFKA_RESP_ERR_NO_ERROR)
            push_errors(bench, rows[i].error, 1);
        enum export_result result = send_all(bench);
        rd_kafka_mock_clear_request_errors(kafka_sink_cluster(bench->sink), KAFKA_API_PRODUCE);
        assert_int_equal(result, rows[i].result);
        assert_int_equal(bench->report.retry_after_ms, rows[i].retry_after_ms);
        assert_true(result == EXPORT_DONE || bench->err.status != ST_OK);
        /* Whatever it was: the next one arrives. */
        assert_int_equal(send_all(bench), EXPORT_DONE);
    }
}

/* Two partitions are two requests; the first that comes is refused. */
static void test_what_is_refused_costs_no_other_message(void **state)
{
    struct bench *bench = *state;
    size_t again = 0;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    create_exporter(bench);
    add_records(bench, 80, 16);
    push_errors(bench, RD_KAFKA_RESP_ERR_INVALID_RECORD, 1);
    assert_int_equal(send_all(bench), EXPORT_MIXED);
    read_back(bench);
    for (size_t i = 0; i < 80; i++) {
        assert_true(bench->told[i] == ITEM_DONE || bench->told[i] == ITEM_AGAIN);
        assert_int_equal(bench->seen[i], bench->told[i] == ITEM_DONE);
        again += bench->told[i] == ITEM_AGAIN;
    }
    assert_in_range(again, 1, 79);
    assert_int_equal(bench->report.retry_after_ms, 0);
}

static bool holds_poison(const struct batch *part, uint64_t poison)
{
    for (size_t i = 0; i < part->record_count; i++) {
        if (part->records[i].sequence == poison)
            return true;
    }
    return false;
}

/* What the worker does with a batch: sends halves of what is refused, and again what is left.
 * Returns how many records became dead letters. */
static size_t work_off(struct bench *bench, const struct batch *part, uint64_t poison)
{
    if (part->record_count == 0)
        return 0;
    if (holds_poison(part, poison))
        push_errors(bench, RD_KAFKA_RESP_ERR_INVALID_RECORD, 1);
    enum export_result result = send_part(bench, part, PLENTY_S * NS_PER_S);
    if (result == EXPORT_DONE)
        return 0;
    if (result == EXPORT_MIXED) {
        struct record *left = calloc(part->record_count, sizeof(*left));
        struct batch rest = *part;
        rest.records = left;
        rest.record_count = 0;
        for (size_t i = 0; i < part->record_count; i++) {
            assert_true(bench->told[i] == ITEM_DONE || bench->told[i] == ITEM_AGAIN);
            if (bench->told[i] == ITEM_AGAIN)
                left[rest.record_count++] = part->records[i];
        }
        assert_in_range(rest.record_count, 1, part->record_count - 1);
        size_t letters = work_off(bench, &rest, poison);
        free(left);
        return letters;
    }
    assert_int_equal(result, EXPORT_REJECTED);
    if (part->record_count == 1) {
        assert_int_equal(part->records[0].sequence, poison);
        return 1;
    }
    struct batch half = *part;
    half.record_count = part->record_count / 2;
    size_t letters = work_off(bench, &half, poison);
    half.records += half.record_count;
    half.record_count = part->record_count - half.record_count;
    return letters + work_off(bench, &half, poison);
}

static void test_a_poisoned_record_becomes_the_only_dead_letter(void **state)
{
    enum { COUNT = 9 };
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, 1);
    create_exporter(bench);
    add_records(bench, COUNT, 3);
    for (size_t position = 0; position < COUNT; position++)
        assert_int_equal(work_off(bench, &bench->sample->batch, position + 1), 1);
    memset(bench->seen, 0, sizeof(bench->seen));
    kafka_sink_read(bench->sink, topic, 1, visit, bench);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(bench->seen[i], COUNT - 1);
}

static void test_a_record_over_the_limit_is_told_of_and_the_others_go(void **state)
{
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    option_set_number(ops, bench->config, "max_message_size", 20000);
    create_exporter(bench);
    add_records(bench, 10, 2);
    session_batch_add(bench->sample, "session-0", 30000, 0);
    session_batch_add(bench->sample, "session-0", 10, 0);
    assert_int_equal(send_all(bench), EXPORT_MIXED);
    assert_int_equal(bench->told[10], ITEM_TOO_LARGE);
    assert_string_equal(bench->words, "larger than max_message_size");
    read_back(bench);
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(bench->seen[i], i != 10);
        assert_true(i == 10 || bench->told[i] == ITEM_DONE);
    }
    /* Alone it is the same. */
    struct batch alone = bench->sample->batch;
    alone.records += 10;
    alone.record_count = 1;
    assert_int_equal(send_part(bench, &alone, PLENTY_S * NS_PER_S), EXPORT_MIXED);
    assert_int_equal(bench->told[0], ITEM_TOO_LARGE);
}

static void test_a_large_batch_is_cut_and_arrives(void **state)
{
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    option_set_number(ops, bench->config, "max_message_size", 20000);
    create_exporter(bench);
    for (size_t i = 0; i < 300; i++)
        session_batch_add(bench->sample, "one", 5000, 0);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_each_once(bench, 300);
    assert_in_range(bench->messages, 75, 150);
}

/* --- Trouble --------------------------------------------------------------------------------- */

static void test_brokers_that_are_away_are_waited_for(void **state)
{
    struct bench *bench = *state;
    rd_kafka_mock_cluster_t *cluster = kafka_sink_cluster(bench->sink);

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    rd_kafka_mock_broker_set_down(cluster, -1);
    create_exporter(bench);
    add_records(bench, 20, 2);
    for (int i = 0; i < 2; i++) { /* long before the deadline, each time */
        uint64_t begin = clock_monotonic_ns();
        assert_int_equal(send_all(bench), EXPORT_RETRY);
        assert_true(clock_monotonic_ns() - begin < PLENTY_S * NS_PER_S / 2);
        assert_int_equal(bench->report.retry_after_ms, 0);
        assert_true(strlen(bench->err.text) > 0);
    }
    rd_kafka_mock_broker_set_up(cluster, -1);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_each_once(bench, 20);

    rd_kafka_mock_broker_set_down(cluster, -1);
    assert_int_equal(send_part(bench, &bench->sample->batch, NS_PER_S), EXPORT_RETRY);
    rd_kafka_mock_broker_set_up(cluster, -1);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    read_back(bench);
    for (size_t i = 0; i < 20; i++)
        assert_in_range(bench->seen[i], 2, 3);
}

static void test_a_fatal_error_is_survived(void **state)
{
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    rd_kafka_mock_push_request_errors(kafka_sink_cluster(bench->sink), KAFKA_API_INIT_PRODUCER_ID,
                                      1, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
    create_exporter(bench);
    add_records(bench, 20, 2);
    assert_int_equal(send_all(bench), EXPORT_RETRY);
    assert_true(strlen(bench->err.text) > 0);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_each_once(bench, 20);
}

static void test_a_topic_that_is_not_there_is_no_fault_of_the_batch(void **state)
{
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    rd_kafka_mock_topic_set_error(kafka_sink_cluster(bench->sink), topic,
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    create_exporter(bench);
    add_records(bench, 5, 2);
    assert_int_equal(send_all(bench), EXPORT_RETRY);
    assert_int_equal(bench->report.retry_after_ms, REPAIR_MS);
    rd_kafka_mock_topic_set_error(kafka_sink_cluster(bench->sink), topic,
                                  RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_each_once(bench, 5);
}

/* A port that takes connections and never says a word. */
static int listen_silently(char *address, size_t size)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t any_size = sizeof(any);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &any_size), 0);
    snprintf(address, size, "127.0.0.1:%u", ntohs(any.sin_port));
    return fd;
}

static void test_a_silent_broker_costs_no_more_than_the_deadline(void **state)
{
    struct bench *bench = *state;
    char address[64];
    int fd = listen_silently(address, sizeof(address));

    bench->brokers[0] = address;
    create_exporter(bench);
    add_records(bench, 5, 2);
    assert_int_equal(send_part(bench, &bench->sample->batch, NS_PER_S / 2), EXPORT_RETRY);
    assert_int_equal(send_part(bench, &bench->sample->batch, NS_PER_S / 100), EXPORT_RETRY);
    ops->destroy(bench->exporter);
    bench->exporter = NULL;
    (void)close(fd); /* a test's */
}

static void *send_in_thread(void *context)
{
    struct bench *bench = context;

    return (void *)(uintptr_t)send_part(bench, &bench->sample->batch, 3600 * NS_PER_S);
}

static void test_cancel_ends_the_wait_and_every_later_one(void **state)
{
    struct bench *bench = *state;
    char address[64];
    pthread_t thread;
    void *result;
    int fd = listen_silently(address, sizeof(address));

    bench->brokers[0] = address;
    create_exporter(bench);
    add_records(bench, 5, 2);
    assert_int_equal(pthread_create(&thread, NULL, send_in_thread, bench), 0);
    /* It may come before the send has begun or while it waits: both end it. */
    ops->cancel(bench->exporter);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((uintptr_t)result, EXPORT_RETRY);
    assert_int_equal((uintptr_t)send_in_thread(bench), EXPORT_RETRY);
    (void)close(fd); /* a test's */
}

static void test_idleness_gives_memory_back(void **state)
{
    struct bench *bench = *state;

    kafka_sink_make_topic(bench->sink, topic, PARTITIONS);
    create_exporter(bench);
    add_records(bench, 20, 2);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_int_equal(ops->tick(bench->exporter, 0, &bench->err), ST_OK);
    assert_int_equal(send_all(bench), EXPORT_DONE);
    assert_int_equal(ops->choose_signals(bench->config), SIGNALS_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_record_arrives_once_under_its_session,
                                        make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_json_and_every_codec_arrive, make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(
            test_one_batch_after_another_keeps_a_session_in_one_partition, make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_each_error_has_its_outcome, make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_what_is_refused_costs_no_other_message, make_bench,
                                        drop_bench),
        cmocka_unit_test_setup_teardown(test_a_poisoned_record_becomes_the_only_dead_letter,
                                        make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_a_record_over_the_limit_is_told_of_and_the_others_go,
                                        make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_a_large_batch_is_cut_and_arrives, make_bench,
                                        drop_bench),
        cmocka_unit_test_setup_teardown(test_brokers_that_are_away_are_waited_for, make_bench,
                                        drop_bench),
        cmocka_unit_test_setup_teardown(test_a_fatal_error_is_survived, make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_a_topic_that_is_not_there_is_no_fault_of_the_batch,
                                        make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_a_silent_broker_costs_no_more_than_the_deadline,
                                        make_bench, drop_bench),
        cmocka_unit_test_setup_teardown(test_cancel_ends_the_wait_and_every_later_one, make_bench,
                                        drop_bench),
        cmocka_unit_test_setup_teardown(test_idleness_gives_memory_back, make_bench, drop_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
