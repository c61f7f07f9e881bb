/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_bench.c -- what it costs to send recorded sessions to Kafka, next to OTLP/gRPC: exporters
 * alone, without journal and worker.
 *
 *     kafka_bench [rounds] [brokers]
 *
 * The records are those of tests/corpus, normalized, each once a round, in batches of 1 MiB, and of
 * fewer records, as when little happens.  The server is another process on loopback TCP,
 * librdkafka's mock cluster (which is slow with what is not compressed), or the Kafka that is
 * named. CPU time is this process', all threads.  Bytes are those of the loopback device, both
 * directions, TCP/IP included: for a number that is ours alone run it in a network of its own:
 *
 *     unshare -n sh -c 'ip link set lo up; build/release/bin/kafka_bench'
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deliver/exporter_list.h"
#include "support/grpc_sink.h"
#include "support/kafka_sink.h"
#include "support/option.h"
#include "support/recorded_session.h"
#include "util/clock.h"

enum {
    RECORDS_MAX = 8192,
    BATCH_SIZE = 1 << 20,
    ADDRESS_MAX = 256,
    PARTITIONS = 6,
    BATCH_RECORDS_MAX = 8192
};

static const struct {
    const char *scenario;
    int requests;
} sessions[] = {
    {"approvals-appserver", 2},
    {"autoreview", 1},
    {"exfil", 1},
    {"longrun", 13},
    {"mcpfail", 1},
    {"netproxy", 2},
    {"refactor", 1},
    {"subagent", 1},
};

/* All records, each with its group beside it. */
struct load {
    struct record records[RECORDS_MAX];
    struct record_group groups[RECORDS_MAX];
    size_t count;
    size_t bytes;
};

static struct slice copy_of(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.size + 1); /* lives as long as the process */

    ASSERT(copy != NULL);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return slice_of(copy, bytes.size);
}

/* Neighbours of one group share it, as they do in the journal. */
static void take_record(void *context, const struct record_group *group,
                        const struct normalized *record)
{
    struct load *load = context;
    size_t last = load->count > 0 ? load->records[load->count - 1].group_index : 0;
    struct record_group *present = &load->groups[last];

    if (load->count == RECORDS_MAX)
        return;
    if (load->count == 0 ||
        !slice_equal(present->resource_logs_fields, group->resource_logs_fields) ||
        !slice_equal(present->scope_logs_fields, group->scope_logs_fields)) {
        last = load->count;
        load->groups[last] =
            (struct record_group){.resource_logs_fields = copy_of(group->resource_logs_fields),
                                  .scope_logs_fields = copy_of(group->scope_logs_fields)};
    }
    struct slice bytes = copy_of(buf_slice(&record->bytes));
    load->records[load->count] =
        (struct record){.sequence = load->count + 1, .bytes = bytes, .group_index = (uint32_t)last};
    load->count++;
    load->bytes += bytes.size;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail */
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* What the loopback device has carried. */
static uint64_t loopback_bytes(void)
{
    char line[512];
    uint64_t bytes = 0;
    FILE *file = fopen("/proc/self/net/dev", "re");

    ASSERT(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, " lo: %" SCNu64, &bytes) == 1)
            break;
    }
    (void)fclose(file);
    return bytes;
}

/* Starts a server in a process of its own, which says where it listens. */
static pid_t start_server(void (*serve)(char address[ADDRESS_MAX]), char address[ADDRESS_MAX])
{
    int ready[2];

    ASSERT(pipe(ready) == 0);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(address);
        ASSERT(write(ready[1], address, ADDRESS_MAX) == ADDRESS_MAX);
        for (;;)
            (void)pause();
    }
    ASSERT(read(ready[0], address, ADDRESS_MAX) == ADDRESS_MAX);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return pid;
}

static void serve_kafka(char address[ADDRESS_MAX])
{
    struct kafka_sink *sink = kafka_sink_start(1); /* lives as long as the process */

    kafka_sink_make_topic(sink, "otlp_logs", PARTITIONS);
    snprintf(address, ADDRESS_MAX, "%s", kafka_sink_brokers(sink));
}

static void serve_grpc(char address[ADDRESS_MAX])
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(any);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&any, size) == 0);
    ASSERT(getsockname(fd, (struct sockaddr *)&any, &size) == 0);
    (void)close(fd); /* nobody else asks for it so soon */
    snprintf(address, ADDRESS_MAX, "127.0.0.1:%u", ntohs(any.sin_port));
    const struct grpc_sink_settings settings = {.address = address, .discard = true};
    (void)grpc_sink_start(&settings); /* lives as long as the process */
}

static void tell_nothing(struct export_report *report, size_t index, enum item_outcome outcome,
                         const char *words)
{
    (void)report;
    (void)index;
    (void)outcome;
    (void)words;
}

/* Returns how many records were sent. */
static size_t send_all(const struct exporter_ops *ops, void *exporter, const struct load *load,
                       size_t at_once)
{
    struct batch batch = {.groups = load->groups, .group_count = load->count};
    struct error err;
    size_t at = 0;

    while (at < load->count) {
        batch.records = load->records + at;
        batch.record_count = 0;
        batch.size_bytes = 0;
        while (at < load->count && batch.size_bytes < BATCH_SIZE && batch.record_count < at_once) {
            batch.size_bytes += load->records[at++].bytes.size;
            batch.record_count++;
        }
        struct export_report report = {.tell = tell_nothing};
        enum export_result result =
            ops->send(exporter, &batch, clock_monotonic_ns() + 60 * NS_PER_S, &report, &err);
        if (result != EXPORT_DONE)
            fprintf(stderr, "%s\n", err.text);
        ASSERT(result == EXPORT_DONE);
    }
    return load->count;
}

static void *make_config(const struct exporter_ops *ops, const char *address, const char *codec)
{
    static const char *const signals[] = {"logs"};
    const char **brokers = calloc(1, sizeof(*brokers)); /* lives as long as the process */
    void *config = option_make_config(ops);             /* the same */
    bool is_kafka = strcmp(ops->name, "kafka") == 0;

    ASSERT(brokers != NULL);
    brokers[0] = address;
    if (is_kafka) {
        option_set_list(ops, config, "brokers", (struct config_text_list){brokers, 1});
        option_set_text(ops, config, "topics.logs", "otlp_logs");
        option_set_text(ops, config, "topics.traces", "otlp_spans");
        option_set_text(ops, config, "topics.metrics", "otlp_metrics");
        option_set_text(ops, config, "client_id", "bench");
        option_set_number(ops, config, "max_message_size", 1000000);
    } else {
        option_set_text(ops, config, "endpoint", address);
        option_set_number(ops, config, "compression_level", 1);
        option_set_number(ops, config, "max_message_size", 3584 * 1024);
    }
    option_set_enum(ops, config, "compression", codec);
    option_set_list(ops, config, "signals", (struct config_text_list){signals, 1});
    return config;
}

static void measure(const char *name, const char *address, const char *codec,
                    const struct load *load, size_t at_once, int rounds)
{
    const struct exporter_ops *ops = exporter_find(name);
    const struct exporter_context context = {.name = "bench", .state_dir = "/nowhere"};
    void *config = make_config(ops, address, codec);
    void *exporter = NULL;
    struct error err;
    double sent = 0;

    ASSERT(ops->check(config, &err) == ST_OK);
    ASSERT(ops->create(config, &context, &exporter, &err) == ST_OK);
    (void)send_all(ops, exporter, load, at_once); /* connects, and warms up */
    double cpu = cpu_seconds();
    uint64_t wire = loopback_bytes();
    uint64_t start_ns = clock_monotonic_ns();
    for (int i = 0; i < rounds; i++)
        sent += (double)send_all(ops, exporter, load, at_once);
    double wall = (double)(clock_monotonic_ns() - start_ns) / 1e9;
    wire = loopback_bytes() - wire;
    cpu = cpu_seconds() - cpu;
    printf(
        "exporter=%s compression=%s batch=%zu records=%.0f per_second=%.0f cpu_ns_per_record=%.0f "
        "wire_bytes_per_record=%.0f\n",
        name, codec, at_once, sent, sent / wall, cpu / sent * 1e9, (double)wire / sent);
    ops->destroy(exporter);
}

int main(int argc, char **argv)
{
    static struct load load;
    static char kafka[ADDRESS_MAX];
    static char grpc[ADDRESS_MAX];
    static const size_t at_once[] = {4, 32, BATCH_RECORDS_MAX};
    static const char *const codecs[] = {"none", "lz4", "zstd", "gzip"};
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20;
    const struct recorded_session_reader reader = {take_record, &load};

    /* Before this process has threads. */
    pid_t kafka_server = start_server(serve_kafka, kafka);
    if (argc > 2)
        snprintf(kafka, sizeof(kafka), "%s", argv[2]);
    pid_t grpc_server = start_server(serve_grpc, grpc);
    for (size_t i = 0; i < COUNT_OF(sessions); i++)
        recorded_session_read(sessions[i].scenario, sessions[i].requests, &reader);
    printf("records=%zu of %zu sessions, %zu bytes each\n", load.count, COUNT_OF(sessions),
           load.bytes / load.count);
    for (size_t k = 0; k < COUNT_OF(at_once); k++) {
        int some = at_once[k] < BATCH_RECORDS_MAX ? 1 + rounds / 10 : rounds;
        for (size_t i = 0; i < COUNT_OF(codecs); i++)
            measure("kafka", kafka, codecs[i], &load, at_once[k], some);
        measure("otlp_grpc", grpc, "none", &load, at_once[k], some);
        measure("otlp_grpc", grpc, "gzip", &load, at_once[k], some);
    }
    (void)kill(kafka_server, SIGKILL);
    (void)kill(grpc_server, SIGKILL);
    (void)waitpid(kafka_server, NULL, 0);
    (void)waitpid(grpc_server, NULL, 0);
    return 0;
}
