/* SPDX-License-Identifier: Apache-2.0 */
/* end_to_end_bench.c -- what the daemon costs, from a Unix socket through the durable journal to
 * a server of each protocol.
 *
 *     end_to_end_bench [TELLTALED [ROUNDS [EVENTS [WAY...]]]]
 *
 * A real telltaled runs in a directory below TMPDIR, which should lie on a real disk.  Each round
 * starts it anew for each way of exporting (all of the table `ways`, or those named):
 *
 *   idle        it is left alone; then one event makes it connect to the server
 *   paced       1 000 events a second, each in a write of its own, each acknowledged
 *   full load   as fast as it takes them, in writes of 64 KiB, until the last is acknowledged
 *               and has come to the server
 *
 * Processor time is that of the daemon alone, all its threads.  The sender and the server share the
 * machine's processors with it, so events a second say as much of them.  An ack's latency is
 * from the start of the write that ends the event to the arrival of the line that covers it.  The
 * table shows medians of the rounds; of latencies too, and the largest of all.
 *
 * Options of the environment: FULL_LOAD=1 leaves out idle and paced; PHASE_PAUSE=1 waits for a line
 * on stdin before the full load, so that a profiler can be attached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/agent_events.h"
#include "support/counting_sink.h"
#include "support/daemon_process.h"
#include "support/http_counter.h"
#include "support/load_sender.h"
#include "telltale/base.h"
#include "util/clock.h"

enum {
    EVENTS_MADE = 20000, /* sent again and again */
    DEFAULT_ROUNDS = 3,
    DEFAULT_EVENTS = 200000,
    ROUNDS_MAX = 64,
    PACED_PER_SECOND = 1000,
    PACED_EVENTS = 2000,
    SETTLE_US = 700 * 1000, /* memory that is given back late has its chance */
    TIMEOUT_S = 60,
};

/* --- Measuring ------------------------------------------------------------------------------- */

enum figure {
    FIGURE_IDLE_KIB,
    FIGURE_CONNECTED_KIB,
    FIGURE_OWN_KIB,
    FIGURE_PACED_CPU_US,
    FIGURE_PACED_P50_MS,
    FIGURE_PACED_P90_MS,
    FIGURE_PACED_P99_MS,
    FIGURE_PACED_MAX_MS,
    FIGURE_CPU_US,
    FIGURE_PER_SECOND,
    FIGURE_ACKED_PER_SECOND,
    FIGURE_P50_MS,
    FIGURE_P90_MS,
    FIGURE_P99_MS,
    FIGURE_MAX_MS,
    FIGURE_PEAK_KIB,
    FIGURE_AFTER_KIB,
    FIGURE_DISK_BYTES,
    FIGURE_WIRE_BYTES,
    FIGURE_REQUEST_EVENTS,
    FIGURE_COUNT
};

static const struct {
    const char *name;
    bool is_maximum;
    int digits;
} figures[FIGURE_COUNT] = {
    [FIGURE_IDLE_KIB] = {"resident after start, KiB", false, 0},
    [FIGURE_CONNECTED_KIB] = {"resident, connected and idle, KiB", false, 0},
    [FIGURE_OWN_KIB] = {"  of it its own (anonymous), KiB", false, 0},
    [FIGURE_PACED_CPU_US] = {"paced: CPU per event, us", false, 1},
    [FIGURE_PACED_P50_MS] = {"paced: ack p50, ms", false, 2},
    [FIGURE_PACED_P90_MS] = {"paced: ack p90, ms", false, 2},
    [FIGURE_PACED_P99_MS] = {"paced: ack p99, ms", false, 2},
    [FIGURE_PACED_MAX_MS] = {"paced: ack max, ms", true, 2},
    [FIGURE_CPU_US] = {"full load: CPU per event, us", false, 2},
    [FIGURE_PER_SECOND] = {"full load: events/s, delivered", false, 0},
    [FIGURE_ACKED_PER_SECOND] = {"full load: events/s, acknowledged", false, 0},
    [FIGURE_P50_MS] = {"full load: ack p50, ms", false, 2},
    [FIGURE_P90_MS] = {"full load: ack p90, ms", false, 2},
    [FIGURE_P99_MS] = {"full load: ack p99, ms", false, 2},
    [FIGURE_MAX_MS] = {"full load: ack max, ms", true, 2},
    [FIGURE_PEAK_KIB] = {"full load: peak resident, KiB", true, 0},
    [FIGURE_AFTER_KIB] = {"full load: resident afterwards, KiB", false, 0},
    [FIGURE_DISK_BYTES] = {"full load: disk bytes per event", false, 0},
    [FIGURE_WIRE_BYTES] = {"full load: bytes sent per event", false, 0},
    [FIGURE_REQUEST_EVENTS] = {"full load: events per request", false, 0},
};

struct way {
    const char *name;
    enum { SERVER_GRPC, SERVER_OTLP_HTTP, SERVER_SPLUNK_HEC, SERVER_BULK } server;
    const char *exporter; /* its name in the configuration */
    const char *options;  /* besides the endpoint */
    const char *more_exporters;
    bool is_wanted;
    double values[FIGURE_COUNT][ROUNDS_MAX];
};

#define GRPC(options_) .server = SERVER_GRPC, .exporter = "otlp_grpc", .options = (options_)
#define HTTP(options_) .server = SERVER_OTLP_HTTP, .exporter = "otlp_http", .options = (options_)
#define SPLUNK(options_)                                                                           \
    .server = SERVER_SPLUNK_HEC, .exporter = "splunk_hec",                                         \
    .options = "token_file: '%s/token', ack: off, " options_
#define ELASTIC(options_)                                                                          \
    .server = SERVER_BULK, .exporter = "elastic", .options = "flavor: elasticsearch, " options_

static struct way ways[] = {
    {.name = "grpc", GRPC("compression: none")},
    {.name = "grpc+gzip", GRPC("compression: gzip")},
    {.name = "grpc+file", GRPC("compression: none"), .more_exporters = "  file/forensic: {}\n"},
    {.name = "http", HTTP("compression: none")},
    {.name = "http+gzip", HTTP("compression: gzip")},
    {.name = "http+zstd", HTTP("compression: zstd")},
    {.name = "splunk", SPLUNK("compression: none, shape: cim")},
    {.name = "elastic", ELASTIC("compression: none, shape: ecs")},
    {.name = "elastic+otel", ELASTIC("compression: none, shape: otel")},
};

/* --- The servers ----------------------------------------------------------------------------- */

/* One of both. */
struct server {
    struct counting_sink *grpc;
    struct http_counter *http;
};

static struct server server_start(const struct way *way, const char *path)
{
    char address[DAEMON_PATH_MAX];
    struct server server = {.grpc = NULL};

    snprintf(address, sizeof(address), "unix:%s", path);
    if (way->server == SERVER_GRPC)
        server.grpc = counting_sink_start(address);
    else if (way->server == SERVER_OTLP_HTTP)
        server.http = http_counter_start(path, COUNT_OTLP_HTTP);
    else if (way->server == SERVER_SPLUNK_HEC)
        server.http = http_counter_start(path, COUNT_SPLUNK_HEC);
    else
        server.http = http_counter_start(path, COUNT_BULK);
    return server;
}

static struct sink_counts server_read(const struct server *server)
{
    return server->grpc != NULL ? counting_sink_read(server->grpc)
                                : http_counter_read(server->http);
}

static void server_stop(struct server *server)
{
    if (server->grpc != NULL)
        counting_sink_stop(server->grpc);
    else
        http_counter_stop(server->http);
}

/* --- Phases ---------------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

static int compare_values(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static void note_latencies(struct way *way, int round, struct load_sender *sender, enum figure p50)
{
    size_t count = sender->piece_count;
    uint64_t *sorted = sender->latencies_ns;
    const size_t places[] = {count / 2, count * 90 / 100, count * 99 / 100, count - 1};

    qsort(sorted, count, sizeof(*sorted), compare_numbers);
    for (size_t i = 0; i < COUNT_OF(places); i++)
        way->values[p50 + i][round] = (double)sorted[places[i]] / NS_PER_MS;
}

static void wait_for_records(const struct server *server, uint64_t count)
{
    uint64_t deadline_ns = clock_monotonic_ns() + TIMEOUT_S * NS_PER_S;

    while (server_read(server).records < count) {
        ASSERT(clock_monotonic_ns() < deadline_ns);
        (void)usleep(500);
    }
}

static void measure_idle(struct way *way, int round, const struct daemon_process *daemon,
                         const struct server *server, const struct agent_events *events)
{
    struct load_sender sender;

    (void)usleep(SETTLE_US);
    way->values[FIGURE_IDLE_KIB][round] = (double)daemon_process_resident_kib(daemon);
    load_sender_open(&sender, daemon->socket_path, 1);
    load_sender_send_paced(&sender, events, 1, PACED_PER_SECOND);
    load_sender_finish(&sender);
    load_sender_close(&sender);
    wait_for_records(server, 1);
    (void)usleep(SETTLE_US);
    way->values[FIGURE_CONNECTED_KIB][round] = (double)daemon_process_resident_kib(daemon);
    way->values[FIGURE_OWN_KIB][round] = (double)daemon_process_own_kib(daemon);
}

static void measure_paced(struct way *way, int round, const struct daemon_process *daemon,
                          const struct server *server, const struct agent_events *events)
{
    uint64_t records = server_read(server).records;
    uint64_t cpu_ns = daemon_process_cpu_ns(daemon);
    struct load_sender sender;

    load_sender_open(&sender, daemon->socket_path, PACED_EVENTS);
    load_sender_send_paced(&sender, events, PACED_EVENTS, PACED_PER_SECOND);
    load_sender_finish(&sender);
    wait_for_records(server, records + PACED_EVENTS);
    cpu_ns = daemon_process_cpu_ns(daemon) - cpu_ns;
    way->values[FIGURE_PACED_CPU_US][round] = (double)cpu_ns / PACED_EVENTS / 1000;
    note_latencies(way, round, &sender, FIGURE_PACED_P50_MS);
    load_sender_close(&sender);
}

static void measure_full_load(struct way *way, int round, const struct daemon_process *daemon,
                              const struct server *server, const struct agent_events *events,
                              size_t count)
{
    struct sink_counts before = server_read(server);
    uint64_t written = daemon_process_written_bytes(daemon);
    uint64_t cpu_ns = daemon_process_cpu_ns(daemon);
    uint64_t start_ns = clock_monotonic_ns();
    struct load_sender sender;

    load_sender_open(&sender, daemon->socket_path, count);
    load_sender_send_fast(&sender, events, count);
    load_sender_finish(&sender);
    uint64_t acked_ns = clock_monotonic_ns() - start_ns;
    wait_for_records(server, before.records + count);
    uint64_t wall_ns = clock_monotonic_ns() - start_ns;
    cpu_ns = daemon_process_cpu_ns(daemon) - cpu_ns;
    written = daemon_process_written_bytes(daemon) - written;
    struct sink_counts after = server_read(server);
    double events_sent = (double)count;

    way->values[FIGURE_CPU_US][round] = (double)cpu_ns / events_sent / 1000;
    way->values[FIGURE_PER_SECOND][round] = events_sent * NS_PER_S / (double)wall_ns;
    way->values[FIGURE_ACKED_PER_SECOND][round] = events_sent * NS_PER_S / (double)acked_ns;
    way->values[FIGURE_PEAK_KIB][round] = (double)daemon_process_peak_resident_kib(daemon);
    way->values[FIGURE_DISK_BYTES][round] = (double)written / events_sent;
    way->values[FIGURE_WIRE_BYTES][round] =
        (double)(after.wire_bytes - before.wire_bytes) / events_sent;
    way->values[FIGURE_REQUEST_EVENTS][round] =
        events_sent / (double)(after.requests - before.requests);
    note_latencies(way, round, &sender, FIGURE_P50_MS);
    load_sender_close(&sender);
}

static bool is_full_load_only(void)
{
    return getenv("FULL_LOAD") != NULL;
}

static void wait_for_profiler(const struct daemon_process *daemon)
{
    char line[16];

    if (getenv("PHASE_PAUSE") == NULL)
        return;
    fprintf(stderr, "telltaled is %d; enter starts the full load\n", (int)daemon->pid);
    (void)(fgets(line, sizeof(line), stdin) != NULL);
}

static void write_config(char *config, size_t size, const struct way *way, const char *home)
{
    char options[512];

    snprintf(options, sizeof(options), way->options, home);
    int written = snprintf(
        config, size,
        "receivers:\n  otlp_grpc: { enabled: false }\n  otlp_http: { listen: [ 'unix:%s/http' ] }\n"
        "journal: { disk_reserve: 1MiB }\n"
        "exporters:\n  %s/bench: { endpoint: 'unix:%s/sink', %s }\n%s",
        home, way->exporter, home, options, way->more_exporters != NULL ? way->more_exporters : "");
    ASSERT(written > 0 && (size_t)written < size);
}

static void write_token(const struct temp_dir *home)
{
    char path[DAEMON_PATH_MAX];

    snprintf(path, sizeof(path), "%s/token", home->path);
    FILE *file = fopen(path, "we");
    ASSERT(file != NULL && fputs("0123456789\n", file) >= 0 && fclose(file) == 0);
    ASSERT(chmod(path, 0600) == 0);
}

static void run_round(struct way *way, int round, const char *program,
                      const struct agent_events *events, size_t count)
{
    struct temp_dir home;
    struct daemon_process daemon;
    char path[DAEMON_PATH_MAX];
    char config[1024];

    temp_dir_make(&home);
    write_token(&home);
    snprintf(path, sizeof(path), "%s/sink", home.path);
    write_config(config, sizeof(config), way, home.path);
    struct server server = server_start(way, path);
    daemon_process_start(&daemon, program, &home, config);
    if (!is_full_load_only()) {
        measure_idle(way, round, &daemon, &server, events);
        measure_paced(way, round, &daemon, &server, events);
    }
    wait_for_profiler(&daemon);
    measure_full_load(way, round, &daemon, &server, events, count);
    (void)usleep(2 * SETTLE_US);
    way->values[FIGURE_AFTER_KIB][round] = (double)daemon_process_resident_kib(&daemon);
    daemon_process_stop(&daemon);
    server_stop(&server);
    temp_dir_remove(&home);
}

static void print_table(int rounds)
{
    printf("%-38s", "");
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        if (ways[i].is_wanted)
            printf("%13s", ways[i].name);
    }
    printf("\n");
    for (int figure = is_full_load_only() ? FIGURE_CPU_US : 0; figure < FIGURE_COUNT; figure++) {
        printf("%-38s", figures[figure].name);
        for (size_t i = 0; i < COUNT_OF(ways); i++) {
            if (!ways[i].is_wanted)
                continue;
            double *values = ways[i].values[figure];
            qsort(values, (size_t)rounds, sizeof(*values), compare_values);
            printf("%13.*f", figures[figure].digits,
                   values[figures[figure].is_maximum ? rounds - 1 : rounds / 2]);
        }
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    const char *program = argc > 1 ? argv[1] : "build/release/bin/telltaled";
    int rounds = argc > 2 ? atoi(argv[2]) : DEFAULT_ROUNDS;
    size_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : DEFAULT_EVENTS;
    struct agent_events events;

    if (rounds < 1 || rounds > ROUNDS_MAX || count < 1) {
        fprintf(stderr, "usage: end_to_end_bench [TELLTALED [ROUNDS [EVENTS [WAY...]]]]\n");
        return 2;
    }
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        ways[i].is_wanted = argc <= 4;
        for (int named = 4; named < argc; named++)
            ways[i].is_wanted |= strcmp(argv[named], ways[i].name) == 0;
    }
    agent_events_make(&events, EVENTS_MADE);
    printf("%zu events of %.0f bytes, %d rounds\n", count, (double)events.size / EVENTS_MADE,
           rounds);
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < COUNT_OF(ways); i++) {
            if (ways[i].is_wanted)
                run_round(&ways[i], round, program, &events, count);
        }
    }
    print_table(rounds);
    agent_events_free(&events);
    return 0;
}
