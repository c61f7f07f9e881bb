/* SPDX-License-Identifier: Apache-2.0 */
/* end_to_end_bench.c -- what the daemon costs, from a Unix socket through the durable journal to
 * an OTLP/gRPC server.
 *
 *     end_to_end_bench [TELLTALED [ROUNDS [EVENTS [WAY]]]]
 *
 * A real telltaled runs in a directory below TMPDIR, which should lie on a real disk.  Each round
 * starts it anew for each way of exporting (or for WAY: plain, gzip, plain+file):
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
 * Options of the environment: PHASE_PAUSE=1 waits for a line on stdin before the full load, so
 * that a profiler can be attached. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/agent_events.h"
#include "support/counting_sink.h"
#include "support/daemon_process.h"
#include "telltale/base.h"
#include "util/clock.h"

enum {
    EVENTS_MADE = 20000, /* sent again and again */
    PIECE_SIZE = 64 * 1024,
    DEFAULT_ROUNDS = 3,
    DEFAULT_EVENTS = 200000,
    ROUNDS_MAX = 64,
    PACED_PER_SECOND = 1000,
    PACED_EVENTS = 2000,
    SETTLE_US = 700 * 1000, /* memory that is given back late has its chance */
    TIMEOUT_S = 60,
};

/* --- A sender -------------------------------------------------------------------------- */

/* The last event that one write completed. */
struct piece {
    uint64_t last_event;
    uint64_t start_ns;
};

struct sender {
    int fd;
    pthread_t reader;
    uint64_t sent; /* events */
    struct piece *pieces;
    /* the sender writes a piece, then raises piece_count; the reader adds its latency */
    _Atomic size_t piece_count;
    uint64_t *latencies_ns; /* the reader's until it has ended */
    _Atomic uint64_t acked;
};

static void cover(struct sender *sender, size_t *next, uint64_t acked)
{
    uint64_t now_ns = clock_monotonic_ns();
    size_t count = atomic_load(&sender->piece_count);

    for (; *next < count && sender->pieces[*next].last_event <= acked; (*next)++)
        sender->latencies_ns[*next] = now_ns - sender->pieces[*next].start_ns;
    atomic_store(&sender->acked, acked);
}

static void *read_acks(void *context)
{
    struct sender *sender = context;
    char lines[4096];
    size_t size = 0;
    size_t next = 0;

    for (;;) {
        ssize_t got = recv(sender->fd, lines + size, sizeof(lines) - 1 - size, 0);
        if (got <= 0)
            return NULL;
        size += (size_t)got;
        lines[size] = '\0';
        char *start = lines;
        for (char *end; (end = strchr(start, '\n')) != NULL; start = end + 1) {
            unsigned long long acked;
            if (sscanf(start, "{\"ack\":%llu}", &acked) != 1) {
                fprintf(stderr, "the daemon answers: %.*s\n", (int)(end - start), start);
                abort();
            }
            cover(sender, &next, acked);
        }
        size = (size_t)(lines + size - start);
        memmove(lines, start, size);
    }
}

static void write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = send(fd, text, size, MSG_NOSIGNAL);
        ASSERT(written > 0 || errno == EINTR);
        if (written < 0)
            continue;
        text += written;
        size -= (size_t)written;
    }
}

static void sender_open(struct sender *sender, const char *path, size_t pieces_max)
{
    static const char greeting[] = "{\"telltale\":1,\"ack\":true}\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *sender = (struct sender){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                              .pieces = calloc(pieces_max, sizeof(*sender->pieces)),
                              .latencies_ns = calloc(pieces_max, sizeof(*sender->latencies_ns))};
    ASSERT(sender->fd >= 0 && sender->pieces != NULL && sender->latencies_ns != NULL);
    ASSERT(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    ASSERT(connect(sender->fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    write_all(sender->fd, greeting, sizeof(greeting) - 1);
    ASSERT(pthread_create(&sender->reader, NULL, read_acks, sender) == 0);
}

/* One write that completes `events` events, or none. */
static void send_piece(struct sender *sender, const char *text, size_t size, uint64_t events)
{
    size_t count = atomic_load(&sender->piece_count);

    sender->sent += events;
    if (events > 0) {
        sender->pieces[count] = (struct piece){sender->sent, clock_monotonic_ns()};
        atomic_store(&sender->piece_count, count + 1);
    }
    write_all(sender->fd, text, size);
}

/* Waits for the last ack and the end of the reader: then the latencies are there. */
static void sender_finish(struct sender *sender)
{
    ASSERT(shutdown(sender->fd, SHUT_WR) == 0);
    ASSERT(pthread_join(sender->reader, NULL) == 0);
    ASSERT(atomic_load(&sender->acked) == sender->sent);
}

static void sender_close(struct sender *sender)
{
    (void)close(sender->fd);
    free(sender->pieces);
    free(sender->latencies_ns);
}

/* --- What is sent ---------------------------------------------------------------------------- */

static void sleep_until(uint64_t time_ns)
{
    struct timespec time = {(time_t)(time_ns / NS_PER_S), (long)(time_ns % NS_PER_S)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
}

static void send_paced(struct sender *sender, const struct agent_events *events, size_t count)
{
    uint64_t time_ns = clock_monotonic_ns();

    for (size_t i = 0; i < count; i++) {
        struct slice line = agent_events_line(events, i % events->count);
        sleep_until(time_ns);
        send_piece(sender, (const char *)line.data, line.size + 1, 1);
        time_ns += NS_PER_S / PACED_PER_SECOND;
    }
}

static void send_fast(struct sender *sender, const struct agent_events *events, size_t count)
{
    size_t left = count;

    while (left > 0) {
        size_t now = left < events->count ? left : events->count;
        size_t size = events->ends[now - 1];
        size_t event = 0;
        for (size_t at = 0; at < size; at += PIECE_SIZE) {
            size_t piece = size - at < PIECE_SIZE ? size - at : PIECE_SIZE;
            size_t before = event;
            while (event < now && events->ends[event] <= at + piece)
                event++;
            send_piece(sender, events->text + at, piece, event - before);
        }
        left -= now;
    }
}

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
    [FIGURE_WIRE_BYTES] = {"full load: gRPC bytes per event", false, 0},
    [FIGURE_REQUEST_EVENTS] = {"full load: events per request", false, 0},
};

struct way {
    const char *name;
    const char *compression;
    const char *more_exporters;
    bool is_wanted;
    double values[FIGURE_COUNT][ROUNDS_MAX];
};

static struct way ways[] = {
    {.name = "plain", .compression = "none", .more_exporters = ""},
    {.name = "gzip", .compression = "gzip", .more_exporters = ""},
    {.name = "plain+file", .compression = "none", .more_exporters = "  file/forensic: {}\n"},
};

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

static void note_latencies(struct way *way, int round, struct sender *sender, enum figure p50)
{
    size_t count = sender->piece_count;
    uint64_t *sorted = sender->latencies_ns;
    const size_t places[] = {count / 2, count * 90 / 100, count * 99 / 100, count - 1};

    qsort(sorted, count, sizeof(*sorted), compare_numbers);
    for (size_t i = 0; i < COUNT_OF(places); i++)
        way->values[p50 + i][round] = (double)sorted[places[i]] / NS_PER_MS;
}

static void wait_for_records(struct counting_sink *sink, uint64_t count)
{
    uint64_t deadline_ns = clock_monotonic_ns() + TIMEOUT_S * NS_PER_S;

    while (counting_sink_read(sink).records < count) {
        ASSERT(clock_monotonic_ns() < deadline_ns);
        (void)usleep(500);
    }
}

static void measure_idle(struct way *way, int round, const struct daemon_process *daemon,
                         struct counting_sink *sink, const struct agent_events *events)
{
    struct sender sender;

    (void)usleep(SETTLE_US);
    way->values[FIGURE_IDLE_KIB][round] = (double)daemon_process_resident_kib(daemon);
    sender_open(&sender, daemon->socket_path, 1);
    send_paced(&sender, events, 1);
    sender_finish(&sender);
    sender_close(&sender);
    wait_for_records(sink, 1);
    (void)usleep(SETTLE_US);
    way->values[FIGURE_CONNECTED_KIB][round] = (double)daemon_process_resident_kib(daemon);
    way->values[FIGURE_OWN_KIB][round] = (double)daemon_process_own_kib(daemon);
}

static void measure_paced(struct way *way, int round, const struct daemon_process *daemon,
                          struct counting_sink *sink, const struct agent_events *events)
{
    uint64_t records = counting_sink_read(sink).records;
    uint64_t cpu_ns = daemon_process_cpu_ns(daemon);
    struct sender sender;

    sender_open(&sender, daemon->socket_path, PACED_EVENTS);
    send_paced(&sender, events, PACED_EVENTS);
    sender_finish(&sender);
    wait_for_records(sink, records + PACED_EVENTS);
    cpu_ns = daemon_process_cpu_ns(daemon) - cpu_ns;
    way->values[FIGURE_PACED_CPU_US][round] = (double)cpu_ns / PACED_EVENTS / 1000;
    note_latencies(way, round, &sender, FIGURE_PACED_P50_MS);
    sender_close(&sender);
}

static void measure_full_load(struct way *way, int round, const struct daemon_process *daemon,
                              struct counting_sink *sink, const struct agent_events *events,
                              size_t count)
{
    struct sink_counts before = counting_sink_read(sink);
    uint64_t written = daemon_process_written_bytes(daemon);
    uint64_t cpu_ns = daemon_process_cpu_ns(daemon);
    uint64_t start_ns = clock_monotonic_ns();
    struct sender sender;

    sender_open(&sender, daemon->socket_path, count);
    send_fast(&sender, events, count);
    sender_finish(&sender);
    uint64_t acked_ns = clock_monotonic_ns() - start_ns;
    wait_for_records(sink, before.records + count);
    uint64_t wall_ns = clock_monotonic_ns() - start_ns;
    cpu_ns = daemon_process_cpu_ns(daemon) - cpu_ns;
    written = daemon_process_written_bytes(daemon) - written;
    struct sink_counts after = counting_sink_read(sink);
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
    sender_close(&sender);
}

static void wait_for_profiler(const struct daemon_process *daemon)
{
    char line[16];

    if (getenv("PHASE_PAUSE") == NULL)
        return;
    fprintf(stderr, "telltaled is %d; enter starts the full load\n", (int)daemon->pid);
    (void)(fgets(line, sizeof(line), stdin) != NULL);
}

static void run_round(struct way *way, int round, const char *program,
                      const struct agent_events *events, size_t count)
{
    struct temp_dir home;
    struct daemon_process daemon;
    char address[DAEMON_PATH_MAX];
    char config[1024];

    temp_dir_make(&home);
    snprintf(address, sizeof(address), "unix:%s/sink", home.path);
    snprintf(
        config, sizeof(config),
        "receivers:\n  otlp_grpc: { enabled: false }\n  otlp_http: { listen: [ 'unix:%s/http' ] }\n"
        "journal: { disk_reserve: 1MiB }\n"
        "exporters:\n  otlp_grpc/bench: { endpoint: '%s', compression: %s }\n%s",
        home.path, address, way->compression, way->more_exporters);
    struct counting_sink *sink = counting_sink_start(address);
    daemon_process_start(&daemon, program, &home, config);
    measure_idle(way, round, &daemon, sink, events);
    measure_paced(way, round, &daemon, sink, events);
    wait_for_profiler(&daemon);
    measure_full_load(way, round, &daemon, sink, events, count);
    (void)usleep(2 * SETTLE_US);
    way->values[FIGURE_AFTER_KIB][round] = (double)daemon_process_resident_kib(&daemon);
    daemon_process_stop(&daemon);
    counting_sink_stop(sink);
    temp_dir_remove(&home);
}

static void print_table(int rounds)
{
    printf("%-38s", "");
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        if (ways[i].is_wanted)
            printf("%12s", ways[i].name);
    }
    printf("\n");
    for (int figure = 0; figure < FIGURE_COUNT; figure++) {
        printf("%-38s", figures[figure].name);
        for (size_t i = 0; i < COUNT_OF(ways); i++) {
            if (!ways[i].is_wanted)
                continue;
            double *values = ways[i].values[figure];
            qsort(values, (size_t)rounds, sizeof(*values), compare_values);
            printf("%12.*f", figures[figure].digits,
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
        fprintf(stderr, "usage: end_to_end_bench [TELLTALED [ROUNDS [EVENTS [WAY]]]]\n");
        return 2;
    }
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        ways[i].is_wanted = argc <= 4 || strcmp(argv[4], ways[i].name) == 0;
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
