/* SPDX-License-Identifier: Apache-2.0 */
/* peer_bench.c -- the same events through telltaled and through Fluent Bit, in one run.
 *
 *     FLUENT_BIT=/path/of/fluent-bit peer_bench [TELLTALED [ROUNDS [EVENTS [WAY...]]]]
 *
 * Each round starts both anew for each way of exporting (all of the table `ways`, or those named).
 * Lines of JSON come over a Unix socket in writes of 64 KiB, as fast as they are taken, and go to
 * the same server on a TCP port of this machine.  Fluent Bit keeps what it has in memory and
 * acknowledges nothing; telltaled has its journal on the disk of TMPDIR and acknowledges each
 * event.  Fluent Bit forwards the JSON as it is; telltaled maps it to the attributes of its schema
 * and gives each record its id.
 *
 * Processor time is that of the program alone, all its threads; medians and the least of the
 * rounds.  Without FLUENT_BIT only telltaled runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/agent_events.h"
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
    PIECE_SIZE = 64 * 1024,
    TIMEOUT_S = 60,
    CONFIG_SIZE = 2048,
};

struct figures {
    double cpu_us[ROUNDS_MAX]; /* per event */
    double events_per_second[ROUNDS_MAX];
    double peak_kib[ROUNDS_MAX];
};

struct way {
    const char *name;
    enum http_counter_protocol protocol;
    const char
        *telltale; /* the exporter's name and, its options, with the port and the directory */
    const char *fluent_bit; /* the lines of its output, without host and port */
    bool is_wanted;
    struct figures by_telltale;
    struct figures by_fluent_bit;
};

#define OTLP_HTTP(compression)                                                                     \
    "  otlp_http/bench: { endpoint: 'http://127.0.0.1:%d', compression: " compression " }\n"

static struct way ways[] = {
    {"http", COUNT_OTLP_HTTP, OTLP_HTTP("none"), "    Name opentelemetry\n", .is_wanted = false},
    {"http+gzip", COUNT_OTLP_HTTP, OTLP_HTTP("gzip"), "    Name opentelemetry\n    Compress gzip\n",
     .is_wanted = false},
    {"http+zstd", COUNT_OTLP_HTTP, OTLP_HTTP("zstd"), "    Name opentelemetry\n    Compress zstd\n",
     .is_wanted = false},
    {"splunk", COUNT_SPLUNK_HEC,
     "  splunk_hec/bench: { endpoint: 'http://127.0.0.1:%d', token_file: '%s/token', ack: off, "
     "compression: none, shape: cim }\n",
     "    Name splunk\n    Splunk_Token 0123456789\n", .is_wanted = false},
    {"elastic", COUNT_BULK,
     "  elastic/bench: { endpoint: 'http://127.0.0.1:%d', flavor: elasticsearch, "
     "compression: none, shape: ecs }\n",
     "    Name es\n    Suppress_Type_Name On\n", .is_wanted = false},
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    ASSERT(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    ASSERT(chmod(path, 0600) == 0);
}

/* --- The programs ---------------------------------------------------------------------------- */

static void start_telltaled(struct daemon_process *daemon, const char *program,
                            const struct way *way, int port, struct temp_dir *home)
{
    char path[DAEMON_PATH_MAX];
    char exporter[512];
    char config[CONFIG_SIZE];

    snprintf(path, sizeof(path), "%s/token", home->path);
    write_file(path, "0123456789\n");
    snprintf(exporter, sizeof(exporter), way->telltale, port, home->path);
    snprintf(config, sizeof(config),
             "receivers:\n  otlp_grpc: { enabled: false }\n"
             "  otlp_http: { listen: [ 'unix:%s/http' ] }\n"
             "journal: { disk_reserve: 1MiB }\nexporters:\n%s",
             home->path, exporter);
    daemon_process_start(daemon, program, home, config);
}

static void start_fluent_bit(struct daemon_process *daemon, const char *program,
                             const struct way *way, int port, struct temp_dir *home)
{
    char path[DAEMON_PATH_MAX];
    char config[CONFIG_SIZE];

    snprintf(daemon->socket_path, sizeof(daemon->socket_path), "%s/in.sock", home->path);
    snprintf(path, sizeof(path), "%s/fluent-bit.conf", home->path);
    snprintf(config, sizeof(config),
             "[SERVICE]\n    Flush 1\n    Grace 1\n    Log_Level error\n"
             "[INPUT]\n    Name unix_socket\n    Socket_Mode STREAM\n    Socket_Path %s\n"
             "    Format json\n    Chunk_Size 64\n    Buffer_Size 1024\n"
             "[OUTPUT]\n%s    Match *\n    Host 127.0.0.1\n    Port %d\n",
             daemon->socket_path, way->fluent_bit, port);
    write_file(path, config);
    daemon_process_start_other(daemon, (const char *const[]){program, "-c", path, NULL}, home);
}

/* --- Measuring ------------------------------------------------------------------------------- */

static void write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        size_t piece = size < PIECE_SIZE ? size : PIECE_SIZE;
        ssize_t written = send(fd, text, piece, MSG_NOSIGNAL);
        ASSERT(written > 0);
        text += written;
        size -= (size_t)written;
    }
}

static void send_without_acks(const char *path, const struct agent_events *events, size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT(fd >= 0 && strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    ASSERT(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    for (size_t left = count, now; left > 0; left -= now) {
        now = left < events->count ? left : events->count;
        write_all(fd, events->text, events->ends[now - 1]);
    }
    (void)close(fd);
}

static void send_with_acks(const char *path, const struct agent_events *events, size_t count)
{
    struct load_sender sender;

    load_sender_open(&sender, path, count);
    load_sender_send_fast(&sender, events, count);
    load_sender_finish(&sender);
    load_sender_close(&sender);
}

static void wait_for_records(struct http_counter *server, uint64_t count)
{
    uint64_t deadline_ns = clock_monotonic_ns() + TIMEOUT_S * NS_PER_S;

    while (http_counter_read(server).records < count) {
        if (clock_monotonic_ns() > deadline_ns) {
            fprintf(stderr, "%llu of %llu records came\n",
                    (unsigned long long)http_counter_read(server).records,
                    (unsigned long long)count);
            abort();
        }
        (void)usleep(500);
    }
}

static void measure(struct figures *figures, int round, bool is_peer, const char *program,
                    const struct way *way, const struct agent_events *events, size_t count)
{
    struct temp_dir home;
    struct daemon_process daemon;
    struct http_counter *server = http_counter_start(NULL, way->protocol);
    int port = http_counter_port(server);

    temp_dir_make(&home);
    (is_peer ? start_fluent_bit : start_telltaled)(&daemon, program, way, port, &home);
    uint64_t cpu_ns = daemon_process_cpu_ns(&daemon);
    uint64_t start_ns = clock_monotonic_ns();
    (is_peer ? send_without_acks : send_with_acks)(daemon.socket_path, events, count);
    wait_for_records(server, count);
    double wall_ns = (double)(clock_monotonic_ns() - start_ns);
    cpu_ns = daemon_process_cpu_ns(&daemon) - cpu_ns;
    figures->cpu_us[round] = (double)cpu_ns / (double)count / 1000;
    figures->events_per_second[round] = (double)count * NS_PER_S / wall_ns;
    figures->peak_kib[round] = (double)daemon_process_peak_resident_kib(&daemon);
    daemon_process_stop(&daemon);
    http_counter_stop(server);
    temp_dir_remove(&home);
}

static int compare_values(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static void print_row(const char *way, const char *program, struct figures *figures, int rounds)
{
    double *const columns[] = {figures->cpu_us, figures->events_per_second, figures->peak_kib};

    for (size_t i = 0; i < COUNT_OF(columns); i++)
        qsort(columns[i], (size_t)rounds, sizeof(*columns[i]), compare_values);
    printf("%-12s%-12s%10.2f%10.2f%12.0f%12.0f\n", way, program, figures->cpu_us[rounds / 2],
           figures->cpu_us[0], figures->events_per_second[rounds / 2],
           figures->peak_kib[rounds - 1]);
}

int main(int argc, char **argv)
{
    const char *program = argc > 1 ? argv[1] : "build/release/bin/telltaled";
    int rounds = argc > 2 ? atoi(argv[2]) : DEFAULT_ROUNDS;
    size_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : DEFAULT_EVENTS;
    const char *peer = getenv("FLUENT_BIT");
    struct agent_events events;

    if (rounds < 1 || rounds > ROUNDS_MAX || count < 1) {
        fprintf(stderr, "usage: peer_bench [TELLTALED [ROUNDS [EVENTS [WAY...]]]]\n");
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
            struct way *way = &ways[i];
            if (way->is_wanted)
                measure(&way->by_telltale, round, false, program, way, &events, count);
            if (way->is_wanted && peer != NULL)
                measure(&way->by_fluent_bit, round, true, peer, way, &events, count);
        }
    }
    printf("%-24s%10s%10s%12s%12s\n", "", "CPU, us", "least", "events/s", "peak, KiB");
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        if (!ways[i].is_wanted)
            continue;
        print_row(ways[i].name, "telltaled", &ways[i].by_telltale, rounds);
        if (peer != NULL)
            print_row("", "Fluent Bit", &ways[i].by_fluent_bit, rounds);
    }
    agent_events_free(&events);
    return 0;
}
