/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_bench.c -- what delivery costs: journal to worker to OTLP, without the receivers.
 *
 *     deliver_bench [records] [none|gzip|zstd] [requests in flight] [latency in ms]
 *                   [otlp_grpc|otlp_http|http] [protobuf|json|preset of http]
 *
 * The server is another process; with a latency, of gRPC only, it answers each request that much
 * later.  CPU time
 * is this process', all threads, from the start of the worker until the last record is confirmed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deliver/exporter_list.h"
#include "deliver/worker.h"
#include "support/counting_sink.h"
#include "support/grpc_sink.h"
#include "support/http_sink.h"
#include "support/option.h"
#include "support/temp_dir.h"
#include "support/test_journal.h"
#include "util/clock.h"

enum { RECORD_SIZE = 800, APPEND_COUNT = 4096, ADDRESS_MAX = 256 };

/* A LogRecord with a body of text that compresses about as agents' events do. */
static void append_record(struct append_batch *batch, uint64_t number)
{
    struct buf *bytes;
    struct error err;
    char text[RECORD_SIZE];
    int size = 0;

    while (size < RECORD_SIZE - 60)
        size += snprintf(text + size, sizeof(text) - (size_t)size, "\"key.%d\":\"%llx\",", size,
                         (unsigned long long)(number * 0x9E3779B97F4A7C15U >> (size % 32)));
    const uint8_t head[] = {0x2a, (uint8_t)(0x80 | ((size + 3) & 0x7f)), (uint8_t)((size + 3) >> 7),
                            0x0a, (uint8_t)(0x80 | (size & 0x7f)),       (uint8_t)(size >> 7)};
    ASSERT(append_batch_begin(batch, &bytes, &err) == ST_OK);
    ASSERT(buf_append(bytes, head, sizeof(head), &err) == ST_OK);
    ASSERT(buf_append(bytes, text, (size_t)size, &err) == ST_OK);
    append_batch_end(batch);
}

static void fill(struct journal *journal, uint64_t count)
{
    const struct record_group group = {
        .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test")};
    struct error err;

    for (uint64_t done = 0; done < count;) {
        struct append_batch *batch;
        ASSERT(append_batch_create(16 << 20, &batch, &err) == ST_OK);
        ASSERT(append_batch_set_group(batch, &group, &err) == ST_OK);
        for (int i = 0; i < APPEND_COUNT && done < count; i++)
            append_record(batch, done++);
        test_journal_commit(journal, batch);
    }
}

static long resident_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");

    ASSERT(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    }
    (void)fclose(file);
    return kib;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* How it is done. */
struct way {
    const char *exporter;
    const char *encoding; /* of otlp_http; of http the preset */
    const char *compression;
    size_t lanes;
    uint64_t latency_ms;
};

static bool is_http(const struct way *way)
{
    return strcmp(way->exporter, "otlp_grpc") != 0;
}

static bool is_intake(const struct way *way)
{
    return strcmp(way->exporter, "http") == 0;
}

static void serve(const char *address, const struct way *way)
{
    const struct grpc_sink_settings settings = {.address = address, .discard = true};
    const struct http_sink_settings http = {.unix_path = address + strlen("unix:"),
                                            .discard = true};

    if (is_http(way))
        (void)http_sink_start(&http);
    else if (way->latency_ms > 0)
        (void)counting_sink_start_far(address, COUNTING_SINK_THREADS_MAX,
                                      way->latency_ms * NS_PER_MS);
    else
        (void)grpc_sink_start(&settings);
}

/* The server, in a process of its own; before anything of gRPC is started in this one. */
static pid_t start_server(const char *address, const struct way *way)
{
    int ready[2];
    char byte;

    ASSERT(pipe(ready) == 0);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(address, way);
        ASSERT(write(ready[1], "r", 1) == 1);
        for (;;)
            (void)pause();
    }
    ASSERT(read(ready[0], &byte, 1) == 1);
    return pid;
}

static struct worker *start_worker(struct journal *journal, const char *dir, const char *address,
                                   const struct way *way)
{
    static const char *const signals[] = {"logs"};
    const struct exporter_ops *ops = exporter_find(way->exporter);
    void *config = option_make_config(ops); /* lives as long as the process */
    struct worker *worker;
    struct error err;

    option_set_text(ops, config, "endpoint", address);
    option_set_enum(ops, config, "compression", way->compression);
    option_set_number(ops, config, "compression_level", 1);
    option_set_number(ops, config, is_http(way) ? "max_body_size" : "max_message_size",
                      3584 * 1024);
    if (is_http(way)) {
        option_set_enum(ops, config, is_intake(way) ? "preset" : "encoding", way->encoding);
        option_set_number(ops, config, "connect_timeout", 5 * NS_PER_S);
        option_set_number(ops, config, "max_response_size", 4 << 20);
    }
    if (is_intake(way))
        option_set_number(ops, config, "max_groups", 64);
    else
        option_set_list(ops, config, "signals", (struct config_text_list){signals, 1});
    const struct worker_settings settings = {
        .name = "otlp/bench",
        .cursor_dir = dir,
        .dead_letter_dir = dir,
        .ops = ops,
        .config = config,
        .state_dir = dir,
        .batch_size_max = 1 << 20,
        .batch_count_max = 8192,
        .lanes_max = way->lanes,
        .helper_wait_ns = 10 * NS_PER_MS,
        .helper_idle_ns = 5 * NS_PER_S,
        .batch_delay_ns = 200 * NS_PER_MS,
        .timeout_ns = 10 * NS_PER_S,
        .retry_initial_ns = 100 * NS_PER_MS,
        .retry_max_ns = 10 * NS_PER_S,
    };
    enum status st = worker_start(&settings, journal, &worker, &err);
    if (st != ST_OK)
        fprintf(stderr, "%s\n", err.text);
    ASSERT(st == ST_OK);
    return worker;
}

static void wait_until_delivered(struct worker *worker, uint64_t count)
{
    struct worker_status status;

    do {
        (void)usleep(500);
        worker_read_status(worker, &status);
    } while (status.delivered_records < count);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 300000;
    const struct way way = {.compression = argc > 2 ? argv[2] : "none",
                            .lanes = argc > 3 ? strtoull(argv[3], NULL, 10) : 4,
                            .latency_ms = argc > 4 ? strtoull(argv[4], NULL, 10) : 0,
                            .exporter = argc > 5 ? argv[5] : "otlp_grpc",
                            .encoding = argc > 6 ? argv[6] : "protobuf"};
    struct temp_dir dir;
    char address[ADDRESS_MAX];
    char journal_dir[ADDRESS_MAX];
    struct journal *journal;
    struct journal_recovery recovery;
    struct error err;

    temp_dir_make(&dir);
    snprintf(address, sizeof(address), "unix:%s/otlp.sock", dir.path);
    snprintf(journal_dir, sizeof(journal_dir), "%s/journal", dir.path);
    pid_t server = start_server(address, &way);
    const struct journal_settings settings = {.dir = journal_dir,
                                              .size_max = UINT64_C(4) << 30,
                                              .segment_size = 64 << 20,
                                              .pending_bytes_max = 64 << 20};
    ASSERT(journal_open(&settings, &journal, &recovery, &err) == ST_OK);
    fill(journal, 1);
    struct worker *worker = start_worker(journal, dir.path, address, &way);
    wait_until_delivered(worker, 1);
    long idle_kib = resident_kib();
    worker_stop(worker, clock_monotonic_ns() + NS_PER_S);

    fill(journal, count);
    double cpu = cpu_seconds();
    uint64_t start_ns = clock_monotonic_ns();
    worker = start_worker(journal, dir.path, address, &way);
    wait_until_delivered(worker, count);
    double wall = (double)(clock_monotonic_ns() - start_ns) / 1e9;
    cpu = cpu_seconds() - cpu;
    printf("exporter=%s encoding=%s lanes=%zu latency_ms=%llu compression=%s records=%llu "
           "per_second=%.0f cpu_ns_per_record=%.0f idle_kib=%ld "
           "loaded_kib=%ld\n",
           way.exporter, way.encoding, way.lanes, (unsigned long long)way.latency_ms,
           way.compression, (unsigned long long)count, (double)count / wall,
           cpu / (double)count * 1e9, idle_kib, resident_kib());
    worker_stop(worker, clock_monotonic_ns() + NS_PER_S);
    journal_close(journal);
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    temp_dir_remove(&dir);
    return 0;
}
