/* SPDX-License-Identifier: Apache-2.0 */
/* ack_latency_bench.c -- how long senders wait for their acks, next to how long the disk takes.
 *
 *     ack_latency_bench [TELLTALED [SECONDS [LINE]]]     LINE: only lines whose name contains it
 *
 * The disk alone: pwrite and fdatasync in a file in TMPDIR, of the sizes that the journal's commits
 * have; started at the same pace as the daemon's load, so that the disk is as busy, unless it takes
 * longer than that.  The file grows ("appended"), grows into room that was asked for in one piece
 * ("into room"), or is there already and is written again ("overwritten").
 *
 * The daemon: a real one below TMPDIR with the configuration's defaults, the forensic store and an
 * OTLP/gRPC server that accepts all.  Events are due by the clock, whatever the daemon does, and
 * their latency counts from when they were due (paced_load.h).  "late" is the sender's part of it:
 * by how much it missed the moment, since it shares the processors with the daemon.
 * MAX_DELAY=1ms in the environment is journal.max_delay.
 *
 * CPU time is the daemon's for an event, delivery to both destinations included. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "support/agent_events.h"
#include "support/counting_sink.h"
#include "support/daemon_process.h"
#include "support/paced_load.h"
#include "telltale/base.h"
#include "util/clock.h"
#include "wire/otlp.h"

enum {
    EVENTS_MADE = 20000,
    DEFAULT_SECONDS = 20,
    DISK_SECONDS_PART = 5, /* a line of the disk alone takes a fifth of a load's time */
    OVERWRITTEN_SIZE = 64 << 20,
    TIMEOUT_S = 120,
    CONNECTIONS = 8,
    RECORDS_PER_REQUEST = 500,
    RECORD_TEXT_SIZE = 600,
    REQUEST_SIZE_MAX = 16 << 20,
};

/* --- What is measured ---------------------------------------------------------------------- */

enum way { DISK_APPENDED, DISK_INTO_ROOM, DISK_OVERWRITTEN, UNIX_LINES, HTTP_REQUESTS };

static const struct line {
    const char *name;
    enum way way;
    size_t write_size; /* the disk's lines */
    uint64_t per_second;
    unsigned int events; /* of one write or request */
} lines[] = {
    {"disk: 1 KiB appended", DISK_APPENDED, 1 << 10, 1000, 1},
    {"disk: 1 KiB into room", DISK_INTO_ROOM, 1 << 10, 1000, 1},
    {"disk: 1 KiB overwritten", DISK_OVERWRITTEN, 1 << 10, 1000, 1},
    {"unix: 1000 events/s", UNIX_LINES, 0, 1000, 1},
    {"http: 1000 requests/s of 1", HTTP_REQUESTS, 0, 1000, 1},
    {"disk: 64 KiB appended", DISK_APPENDED, 64 << 10, 1500, 1},
    {"disk: 64 KiB into room", DISK_INTO_ROOM, 64 << 10, 1500, 1},
    {"disk: 64 KiB overwritten", DISK_OVERWRITTEN, 64 << 10, 1500, 1},
    {"disk: 256 KiB appended", DISK_APPENDED, 256 << 10, 375, 1},
    {"disk: 256 KiB into room", DISK_INTO_ROOM, 256 << 10, 375, 1},
    {"disk: 256 KiB overwritten", DISK_OVERWRITTEN, 256 << 10, 375, 1},
    {"unix: 100000 events/s", UNIX_LINES, 0, 10000, 10},
    {"http: 200 requests/s of 500", HTTP_REQUESTS, 0, 200, RECORDS_PER_REQUEST},
};

static struct outcome {
    bool is_there;
    struct paced_result result;
    double cpu_us; /* of an event, or of a write */
    double resident_mib;
} outcomes[COUNT_OF(lines)];

static bool is_disk(const struct line *line)
{
    return line->way <= DISK_OVERWRITTEN;
}

/* --- The disk alone ------------------------------------------------------------------------ */

static void write_synced(int fd, const void *bytes, size_t size, uint64_t position)
{
    ASSERT(pwrite(fd, bytes, size, (off_t)position) == (ssize_t)size);
    ASSERT(fdatasync(fd) == 0);
}

static void fill(int fd, const char *bytes, size_t size)
{
    for (uint64_t at = 0; at < OVERWRITTEN_SIZE; at += size)
        ASSERT(pwrite(fd, bytes, size, (off_t)at) == (ssize_t)size);
    ASSERT(fsync(fd) == 0);
}

static uint64_t own_cpu_ns(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used); /* cannot fail for this clock */
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

static void sleep_until(uint64_t time_ns)
{
    struct timespec time = {(time_t)(time_ns / NS_PER_S), (long)(time_ns % NS_PER_S)};

    while (clock_monotonic_ns() < time_ns)
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void measure_disk(const struct line *line, struct outcome *outcome, const char *text,
                         unsigned int seconds)
{
    uint64_t count = line->per_second * seconds;
    uint64_t position = 0;
    struct temp_dir dir;

    temp_dir_make(&dir);
    int fd = openat(dir.fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT(fd >= 0);
    if (line->way == DISK_OVERWRITTEN)
        fill(fd, text, line->write_size);
    if (line->way == DISK_INTO_ROOM)
        ASSERT(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)(count * line->write_size)) == 0);
    uint64_t cpu_ns = own_cpu_ns();
    uint64_t due_ns = clock_monotonic_ns();
    uint64_t deadline_ns = due_ns + seconds * NS_PER_S;
    uint64_t done = 0;
    for (uint64_t now_ns = due_ns; done < count && now_ns < deadline_ns; done++) {
        sleep_until(due_ns);
        due_ns += NS_PER_S / line->per_second;
        uint64_t start_ns = clock_monotonic_ns();
        write_synced(fd, text, line->write_size, position);
        now_ns = clock_monotonic_ns();
        latency_histogram_add(&outcome->result.acks, now_ns - start_ns, 1);
        position += line->write_size;
        if (line->way == DISK_OVERWRITTEN && position == OVERWRITTEN_SIZE)
            position = 0;
    }
    outcome->cpu_us = (double)(own_cpu_ns() - cpu_ns) / (double)done / 1000;
    (void)close(fd);
    temp_dir_remove(&dir);
}

/* --- The daemon ---------------------------------------------------------------------------- */

static void put(struct buf *out, uint32_t number, struct slice bytes)
{
    struct error err;

    ASSERT(buf_reserve(out, bytes.size + PB_TAG_MAX + PB_VARINT_MAX, &err) == ST_OK);
    out->size = (size_t)(pb_put_bytes(out->data + out->size, number, bytes) - out->data);
}

/* A record of the size of an agent's event, with text from somewhere among the events. */
static void make_record(struct buf *record, const struct agent_events *events, size_t start)
{
    struct slice text = slice_of(events->text + start, RECORD_TEXT_SIZE);
    struct error err;

    while ((text.data[0] & 0xc0) == 0x80) /* not from the middle of a character */
        text = slice_from(text, 1);
    while ((text.data[text.size] & 0xc0) == 0x80)
        text.size--;
    ASSERT(buf_reserve(record, PB_TAG_MAX + 8, &err) == ST_OK);
    /* To the second, so that the same request is kept each time it is sent. */
    uint8_t *end = pb_put_fixed64(record->data, RECORD_TIME_UNIX_NANO, 1760000000000000000);
    record->size = (size_t)(end - record->data);
    ASSERT(pb_append_text(record, RECORD_ATTRIBUTES, SLICE("agent.tool.name"), SLICE("shell"),
                          &err) == ST_OK);
    ASSERT(pb_append_text(record, RECORD_ATTRIBUTES, SLICE("agent.tool.output"), text, &err) ==
           ST_OK);
}

static void make_request(struct buf *request, const struct agent_events *events, unsigned int count)
{
    struct buf record;
    struct buf scope_logs;
    struct buf resource_logs;

    buf_init(&record, REQUEST_SIZE_MAX);
    buf_init(&scope_logs, REQUEST_SIZE_MAX);
    buf_init(&resource_logs, REQUEST_SIZE_MAX);
    buf_init(request, REQUEST_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&record);
        make_record(&record, events, i * RECORD_TEXT_SIZE);
        put(&scope_logs, SCOPE_LOGS_LOG_RECORDS, buf_slice(&record));
    }
    put(&resource_logs, RESOURCE_LOGS_SCOPE_LOGS, buf_slice(&scope_logs));
    put(request, REQUEST_RESOURCE_LOGS, buf_slice(&resource_logs));
    buf_fini(&record);
    buf_fini(&scope_logs);
    buf_fini(&resource_logs);
}

static void send_load(const struct line *line, const struct paced_load *load,
                      struct paced_result *ret, const struct agent_events *events)
{
    struct buf request;

    if (line->way == UNIX_LINES) {
        paced_load_unix(load, events, ret);
        return;
    }
    make_request(&request, events, line->events);
    paced_load_http(load, buf_slice(&request), ret);
    buf_fini(&request);
}

/* What was refused does not come; of requests we do not know how many records that were. */
static void wait_for_delivery(const struct line *line, uint64_t events_sent,
                              const struct paced_result *result, struct counting_sink *sink)
{
    uint64_t lost = result->refused * (line->way == HTTP_REQUESTS ? line->events : 1);
    uint64_t deadline_ns = clock_monotonic_ns() + TIMEOUT_S * NS_PER_S;

    while (counting_sink_read(sink).records + lost < events_sent) {
        ASSERT(clock_monotonic_ns() < deadline_ns);
        (void)usleep(1000);
    }
}

static void measure_daemon(const struct line *line, struct outcome *outcome, const char *program,
                           const struct agent_events *events, unsigned int seconds)
{
    struct temp_dir home;
    struct daemon_process daemon;
    char address[DAEMON_PATH_MAX];
    char http_path[DAEMON_PATH_MAX];
    char config[1024];
    const char *max_delay = getenv("MAX_DELAY");

    temp_dir_make(&home);
    snprintf(address, sizeof(address), "unix:%s/sink", home.path);
    snprintf(http_path, sizeof(http_path), "%s/http", home.path);
    snprintf(config, sizeof(config),
             "receivers:\n  otlp_grpc: { enabled: false }\n  otlp_http: { listen: [ 'unix:%s' ] }\n"
             "exporters:\n  otlp_grpc/bench: { endpoint: '%s' }\n  file/forensic: {}\n"
             "%s%s%s",
             http_path, address, max_delay != NULL ? "journal: { max_delay: " : "",
             max_delay != NULL ? max_delay : "", max_delay != NULL ? " }\n" : "");
    struct counting_sink *sink = counting_sink_start(address);
    daemon_process_start(&daemon, program, &home, config);
    struct paced_load load = {
        .socket_path = line->way == UNIX_LINES ? daemon.socket_path : http_path,
        .connections = CONNECTIONS,
        .interval_ns = NS_PER_S / line->per_second,
        .writes = line->per_second * seconds,
        .events_per_write = line->events,
    };
    uint64_t cpu_ns = daemon_process_cpu_ns(&daemon);
    uint64_t events_sent = load.writes * line->events;
    send_load(line, &load, &outcome->result, events);
    outcome->resident_mib = (double)daemon_process_peak_resident_kib(&daemon) / 1024;
    wait_for_delivery(line, events_sent, &outcome->result, sink);
    cpu_ns = daemon_process_cpu_ns(&daemon) - cpu_ns;
    outcome->cpu_us = (double)cpu_ns / (double)events_sent / 1000;
    daemon_process_stop(&daemon);
    counting_sink_stop(sink);
    temp_dir_remove(&home);
}

/* --- Telling ------------------------------------------------------------------------------- */

static void print_table(void)
{
    static const double quantiles[] = {50, 90, 99, 99.9};

    printf("%-28s%9s%8s%8s%8s%8s%10s%9s%9s%8s\n", "milliseconds", "p50", "p90", "p99", "p99.9",
           "max", "late p99", "CPU us", "RSS MiB", "refused");
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const struct line *line = &lines[i];
        const struct outcome *outcome = &outcomes[i];
        if (!outcome->is_there)
            continue;
        printf("%s%-29s", i > 0 && is_disk(line) && !is_disk(line - 1) ? "\n" : "", line->name);
        for (size_t k = 0; k < COUNT_OF(quantiles); k++)
            printf("%8.2f",
                   (double)latency_histogram_quantile(&outcome->result.acks, quantiles[k]) /
                       NS_PER_MS);
        printf("%8.2f", (double)outcome->result.acks.max_ns / NS_PER_MS);
        if (is_disk(line)) {
            printf("%10s%9.1f%9s%8s\n", "", outcome->cpu_us, "", "");
            continue;
        }
        printf("%10.2f%9.1f%9.1f%8llu\n",
               (double)latency_histogram_quantile(&outcome->result.late, 99) / NS_PER_MS,
               outcome->cpu_us, outcome->resident_mib, (unsigned long long)outcome->result.refused);
    }
}

static double part_between(const struct outcome *outcome, uint64_t from_us, uint64_t to_us)
{
    const struct latency_histogram *acks = &outcome->result.acks;

    return latency_histogram_part_below(acks, to_us * 1000) -
           latency_histogram_part_below(acks, from_us * 1000);
}

static void print_row(size_t begin, size_t end, uint64_t from_us, uint64_t to_us)
{
    static const char bar[] = "##########";
    bool is_empty = true;

    for (size_t i = begin; i < end; i++)
        is_empty = is_empty && part_between(&outcomes[i], from_us, to_us) <= 0;
    if (is_empty)
        return;
    printf("from %6.2f ms   ", (double)from_us / 1000);
    for (size_t i = begin; i < end; i++) {
        double part = part_between(&outcomes[i], from_us, to_us);
        if (outcomes[i].is_there)
            printf("%7.2f %-10.*s", part * 100, (int)(part * (sizeof(bar) - 1) + 0.5), bar);
    }
    printf("\n");
}

/* The lines of one part of the table side by side: how many of 100 took how long. */
static void print_chart(size_t begin, size_t end)
{
    static const uint64_t edges_us[] = {0,    50,    100,   150,   200,       300,  400,
                                        600,  800,   1200,  1600,  2400,      3200, 4800,
                                        6400, 12800, 25600, 51200, UINT32_MAX};

    printf("\n%-16s", "of 100");
    for (size_t i = begin; i < end; i++) {
        if (outcomes[i].is_there)
            printf("  %-16.16s", lines[i].name);
    }
    printf("\n");
    for (size_t i = 0; i + 1 < COUNT_OF(edges_us); i++)
        print_row(begin, end, edges_us[i], edges_us[i + 1]);
}

static void print_charts(void)
{
    for (size_t begin = 0, end; begin < COUNT_OF(lines); begin = end) {
        end = begin;
        while (end < COUNT_OF(lines) && is_disk(&lines[end]))
            end++;
        while (end < COUNT_OF(lines) && !is_disk(&lines[end]))
            end++;
        print_chart(begin, end);
    }
}

int main(int argc, char **argv)
{
    const char *program = argc > 1 ? argv[1] : "build/release/bin/telltaled";
    unsigned int seconds = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : DEFAULT_SECONDS;
    struct agent_events events;

    if (seconds < 1 || seconds > 3600) {
        fprintf(stderr, "usage: ack_latency_bench [TELLTALED [SECONDS [LINE]]]\n");
        return 2;
    }
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    agent_events_make(&events, EVENTS_MADE);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        outcomes[i].is_there = argc <= 3 || strstr(lines[i].name, argv[3]) != NULL;
        if (outcomes[i].is_there && is_disk(&lines[i]))
            measure_disk(&lines[i], &outcomes[i], events.text,
                         (seconds + DISK_SECONDS_PART - 1) / DISK_SECONDS_PART);
        else if (outcomes[i].is_there)
            measure_daemon(&lines[i], &outcomes[i], program, &events, seconds);
    }
    print_table();
    print_charts();
    agent_events_free(&events);
    return 0;
}
