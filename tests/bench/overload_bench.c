/* SPDX-License-Identifier: Apache-2.0 */
/* overload_bench.c -- what the quiet feel of the loud, and what the daemon keeps within.
 *
 *     overload_bench [OPTION...] [VARIANT...]
 *
 * A real telltaled runs in a directory below TMPDIR, which should lie on a real disk.  Many quiet
 * agents say a little each and wait for their acks; first alone, then while others flood:
 *
 *   acks     one connection that reads its answers
 *   silent   one that asks for answers and never reads them
 *   http     four connections over OTLP/HTTP
 *   users    eight connections of one user against one of another; root only
 *
 * The destination takes a tenth of what the flood brings, then, when it is over, all that is left.
 * In the end every event that was acknowledged is looked for there.
 *
 * The table shows times, for people.  The exit status is about what may never be otherwise: 1 when
 * something acknowledged is missing, refusals are counted wrongly, or memory went over --memory. */
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/counting_sink.h"
#include "support/daemon_process.h"
#include "support/flooder.h"
#include "support/metrics_text.h"
#include "support/quiet_agents.h"
#include "support/unix_sender.h"
#include "telltale/base.h"
#include "util/clock.h"

enum {
    FLOODERS_MAX = 64,
    FLOODER_SENDER = 1024, /* marks of flooders begin here */
    OTHER_UID = 65534,
    DRAIN_QUIET_S = 5, /* when nothing has come for this long, nothing comes */
};

struct options {
    const char *program, *preload, *settings;
    double idle_s, flood_s, rate;
    unsigned int connections, flooders;
    uint64_t pace, memory_kib;
};

struct variant {
    const char *name;
    enum flood_way way;
    unsigned int flooders;
    bool other_user;
    bool one_quiet;
};

static const struct variant variants[] = {
    {"acks", FLOOD_UNIX, 1, false, false},
    {"silent", FLOOD_UNIX_SILENT, 1, false, false},
    {"http", FLOOD_HTTP, 4, false, false},
    {"users", FLOOD_UNIX, 8, true, true},
};

/* One variant while it runs. */
struct run {
    char http_port[16];
    const struct options *options;
    const struct variant *variant;
    struct temp_dir home;
    struct daemon_process daemon;
    struct counting_sink *sink;
    struct mark_tally tally;
    struct quiet_agents *quiet;
    unsigned int quiet_count;
    struct flooder *flooders[FLOODERS_MAX];
    unsigned int flooder_count;
};

struct outcome {
    struct quiet_latencies idle, flooded;
    uint64_t sent, acked, refused, errors_lost; /* of the flooders */
    uint64_t quiet_sent, quiet_refused;
    double flood_s;
    uint64_t counted_refused, failed_requests, counted_failed_requests;
    uint64_t delivered, doubled, missing, dropped_answers;
    uint64_t peak_kib, limit_kib;
    double cpu_us;
    char last_error[256];
};

/* --- Running ---------------------------------------------------------------------------------- */

static void on_record(void *context, struct slice record)
{
    mark_tally_add(context, record);
}

/* A port of 127.0.0.1 that was free just now. */
static void find_port(char *ret, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    ASSERT(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    (void)close(fd);
    snprintf(ret, size, "%d", ntohs(address.sin_port));
}

static void start_daemon(struct run *run)
{
    const struct options *options = run->options;
    char address[DAEMON_PATH_MAX];
    char config[2048];

    temp_dir_make(&run->home);
    find_port(run->http_port, sizeof(run->http_port));
    snprintf(address, sizeof(address), "unix:%s/sink", run->home.path);
    snprintf(
        config, sizeof(config),
        "receivers:\n  otlp_grpc: { enabled: false }\n  otlp_http: { listen: [ '127.0.0.1:%s' ] }\n"
        "exporters:\n  otlp_grpc/bench: { endpoint: '%s', compression: none }\n%s\n",
        run->http_port, address, options->settings);
    run->sink = counting_sink_start_visiting(address, on_record, &run->tally);
    counting_sink_set_pace(run->sink, options->pace);
    if (options->preload != NULL)
        ASSERT(setenv("LD_PRELOAD", options->preload, 1) == 0);
    daemon_process_start(&run->daemon, options->program, &run->home, config);
    ASSERT(unsetenv("LD_PRELOAD") == 0);
}

static void start_flooders(struct run *run)
{
    const struct variant *variant = run->variant;

    run->flooder_count = run->options->flooders > 0 ? run->options->flooders : variant->flooders;
    for (unsigned int i = 0; i < run->flooder_count; i++) {
        const struct flooder_settings settings = {
            .way = variant->way,
            .address = variant->way == FLOOD_HTTP ? run->http_port : run->daemon.socket_path,
            .uid = variant->other_user ? OTHER_UID : UNIX_SENDER_ANY_UID,
            .sender = FLOODER_SENDER + i,
        };
        run->flooders[i] = flooder_start(&settings);
    }
}

static void sleep_s(double seconds)
{
    (void)usleep((useconds_t)(seconds * 1e6));
}

/* Until nothing comes any more. */
static void drain(struct run *run)
{
    uint64_t records = 0;
    uint64_t since_ns = clock_monotonic_ns();

    counting_sink_set_pace(run->sink, 0);
    while (clock_monotonic_ns() - since_ns < DRAIN_QUIET_S * NS_PER_S) {
        uint64_t now = counting_sink_read(run->sink).records;
        if (now != records)
            since_ns = clock_monotonic_ns();
        records = now;
        sleep_s(0.1);
    }
}

/* --- Counting --------------------------------------------------------------------------------- */

/* Of events 1 to `acked` those that came neither to the destination nor back as refused. */
static uint64_t count_missing(const struct run *run, unsigned int sender, uint64_t acked,
                              const struct number_set *refused)
{
    uint64_t missing = 0;

    for (uint64_t number = 1; number <= acked; number++)
        missing += !number_set_has(&run->tally.senders[sender], number) &&
                   !number_set_has(refused, number);
    return missing;
}

static void count_quiet(struct run *run, struct outcome *outcome)
{
    for (unsigned int i = 0; i < run->quiet_count; i++) {
        const struct ack_lines *answers = quiet_agents_answers(run->quiet, i);
        uint64_t sent = quiet_agents_sent(run->quiet, i);
        outcome->quiet_sent += sent;
        outcome->quiet_refused += answers->refused.count;
        outcome->missing += sent - answers->handled; /* each has an answer in the end */
        outcome->missing += count_missing(run, i, answers->handled, &answers->refused);
        if (answers->last_error[0] != '\0')
            snprintf(outcome->last_error, sizeof(outcome->last_error), "%s", answers->last_error);
    }
}

static void count_flooders(struct run *run, struct outcome *outcome)
{
    for (unsigned int i = 0; i < run->flooder_count; i++) {
        struct flooder_result result = flooder_result(run->flooders[i]);
        outcome->sent += result.sent;
        outcome->acked += result.acked;
        outcome->refused += result.refused;
        outcome->errors_lost += result.errors_lost;
        outcome->failed_requests += result.failed_requests;
        uint64_t missing =
            count_missing(run, FLOODER_SENDER + i, result.acked, result.refused_numbers);
        outcome->missing += missing > result.errors_lost ? missing - result.errors_lost : 0;
        if (result.last_error[0] != '\0')
            snprintf(outcome->last_error, sizeof(outcome->last_error), "%s", result.last_error);
    }
}

static void read_metrics(struct run *run, struct outcome *outcome)
{
    struct buf text;

    metrics_text_read(&text, run->home.path);
    outcome->counted_refused =
        metrics_text_sum(&text, "telltale_receiver_refused_records_total", "receiver=\"unix\"");
    outcome->dropped_answers =
        metrics_text_sum(&text, "telltale_receiver_dropped_answers_total", "");
    outcome->counted_failed_requests = metrics_text_sum(
        &text, "telltale_receiver_failed_requests_total", "receiver=\"otlp_http\"");
    buf_fini(&text);
}

static uint64_t read_limit(const struct run *run)
{
    struct buf text;

    metrics_text_read(&text, run->home.path);
    uint64_t limit = metrics_text_sum(&text, "telltale_receiver_in_flight_limit_bytes", "");
    buf_fini(&text);
    return limit;
}

static void measure(struct run *run, struct outcome *outcome)
{
    const struct options *options = run->options;

    start_daemon(run);
    run->quiet_count = run->variant->one_quiet ? 1 : options->connections - 1;
    run->quiet = quiet_agents_start(run->daemon.socket_path, run->quiet_count,
                                    run->variant->one_quiet ? options->rate * 20 : options->rate);
    sleep_s(options->idle_s);
    uint64_t cpu_ns = daemon_process_cpu_ns(&run->daemon);
    uint64_t start_ns = clock_monotonic_ns();
    quiet_agents_enter_phase(run->quiet, 1);
    start_flooders(run);
    sleep_s(options->flood_s);
    outcome->limit_kib = read_limit(run) / 1024;
    outcome->cpu_us = (double)(daemon_process_cpu_ns(&run->daemon) - cpu_ns) / 1000;
    outcome->flood_s = (double)(clock_monotonic_ns() - start_ns) / NS_PER_S;
    quiet_agents_finish(run->quiet);
    for (unsigned int i = 0; i < run->flooder_count; i++)
        flooder_finish(run->flooders[i]);
    outcome->peak_kib = daemon_process_peak_resident_kib(&run->daemon);
    drain(run);
}

static void run_variant(const struct options *options, const struct variant *variant,
                        struct outcome *outcome)
{
    struct run *run = calloc(1, sizeof(*run));

    ASSERT(run != NULL);
    *outcome = (struct outcome){0};
    run->options = options;
    run->variant = variant;
    measure(run, outcome);
    read_metrics(run, outcome);
    daemon_process_stop(&run->daemon);
    counting_sink_stop(run->sink);
    outcome->idle = quiet_agents_latencies(run->quiet, 0);
    outcome->flooded = quiet_agents_latencies(run->quiet, 1);
    count_quiet(run, outcome);
    count_flooders(run, outcome);
    outcome->delivered = mark_tally_count(&run->tally);
    outcome->doubled = run->tally.doubled;
    quiet_agents_free(run->quiet);
    for (unsigned int i = 0; i < run->flooder_count; i++)
        flooder_free(run->flooders[i]);
    mark_tally_fini(&run->tally);
    temp_dir_remove(&run->home);
    free(run);
}

/* --- Judging ---------------------------------------------------------------------------------- */

static bool check(const char *what, bool holds)
{
    printf("  %-58s %s\n", what, holds ? "yes" : "NO");
    return holds;
}

static bool judge(const struct options *options, const struct variant *variant,
                  const struct outcome *outcome)
{
    bool good = check("everything acknowledged is at the destination", outcome->missing == 0);

    if (variant->way == FLOOD_UNIX_SILENT)
        good &= check("everything sent is at the destination, or counted as refused",
                      outcome->delivered + outcome->counted_refused ==
                          outcome->sent + outcome->quiet_sent);
    else if (variant->way == FLOOD_UNIX)
        good &= check("refusals are counted exactly",
                      outcome->refused + outcome->errors_lost + outcome->quiet_refused ==
                          outcome->counted_refused);
    else
        good &= check("refused requests are counted exactly",
                      outcome->failed_requests == outcome->counted_failed_requests);
    if (options->memory_kib > 0)
        good &= check("memory held its bound", outcome->peak_kib <= options->memory_kib);
    return good;
}

static void print_latencies(const char *when, const struct quiet_latencies *latencies)
{
    printf("  quiet, %-8s %6zu acks, p50 %6.2f ms, p90 %6.2f ms, p99 %6.2f ms, max %6.2f ms\n",
           when, latencies->count, latencies->p50_ms, latencies->p90_ms, latencies->p99_ms,
           latencies->max_ms);
}

static void print_outcome(const struct variant *variant, const struct outcome *outcome)
{
    const struct quiet_latencies *idle = &outcome->idle;
    const struct quiet_latencies *flooded = &outcome->flooded;

    printf("%s\n", variant->name);
    print_latencies("alone", idle);
    print_latencies("flooded", flooded);
    printf("  quiet, p99 of the two: x %.1f\n",
           idle->p99_ms > 0 ? flooded->p99_ms / idle->p99_ms : 0);
    printf("  quiet events sent %llu, refused %llu\n", (unsigned long long)outcome->quiet_sent,
           (unsigned long long)outcome->quiet_refused);
    printf("  flood: sent %llu (%.0f/s), answered %llu, refused %llu, lost errors %llu, "
           "failed requests %llu, %.2f us CPU each\n",
           (unsigned long long)outcome->sent, (double)outcome->sent / outcome->flood_s,
           (unsigned long long)outcome->acked, (unsigned long long)outcome->refused,
           (unsigned long long)outcome->errors_lost, (unsigned long long)outcome->failed_requests,
           outcome->cpu_us / (double)(outcome->sent + 1));
    printf("  daemon: counted refused %llu, dropped answers %llu; delivered %llu, twice %llu, "
           "missing %llu; peak %llu KiB; limit in flight %llu KiB\n",
           (unsigned long long)outcome->counted_refused,
           (unsigned long long)outcome->dropped_answers, (unsigned long long)outcome->delivered,
           (unsigned long long)outcome->doubled, (unsigned long long)outcome->missing,
           (unsigned long long)outcome->peak_kib, (unsigned long long)outcome->limit_kib);
    if (outcome->last_error[0] != '\0')
        printf("  last refusal: %s\n", outcome->last_error);
}

/* --- Options ---------------------------------------------------------------------------------- */

static void show_usage(void)
{
    fprintf(stderr,
            "usage: overload_bench [OPTION...] [acks|silent|http|users...]\n"
            "  --telltaled PATH     [build/release/bin/telltaled]\n"
            "  --idle SECONDS       the quiet alone [10]\n"
            "  --flood SECONDS      with the flood [10]\n"
            "  --connections COUNT  quiet ones and one more [50]\n"
            "  --rate COUNT         events a second of each quiet one [5]\n"
            "  --flooders COUNT     instead of the variant's\n"
            "  --pace COUNT         records a second that the destination takes; 0: all [20000]\n"
            "  --memory KIB         the daemon's peak may be this; 0: any [98304]\n"
            "  --preload LIBRARY    into the daemon: a slow disk\n"
            "  --settings YAML      more of its configuration\n");
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"telltaled", required_argument, NULL, 't'},
        {"idle", required_argument, NULL, 'i'},
        {"flood", required_argument, NULL, 'f'},
        {"connections", required_argument, NULL, 'c'},
        {"rate", required_argument, NULL, 'r'},
        {"flooders", required_argument, NULL, 'n'},
        {"pace", required_argument, NULL, 'p'},
        {"memory", required_argument, NULL, 'm'},
        {"preload", required_argument, NULL, 'l'},
        {"settings", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
        switch (option) {
        case 't':
            options->program = optarg;
            break;
        case 'i':
            options->idle_s = atof(optarg);
            break;
        case 'f':
            options->flood_s = atof(optarg);
            break;
        case 'c':
            options->connections = (unsigned int)atoi(optarg);
            break;
        case 'r':
            options->rate = atof(optarg);
            break;
        case 'n':
            options->flooders = (unsigned int)atoi(optarg);
            break;
        case 'p':
            options->pace = strtoull(optarg, NULL, 10);
            break;
        case 'm':
            options->memory_kib = strtoull(optarg, NULL, 10);
            break;
        case 'l':
            options->preload = optarg;
            break;
        case 's':
            options->settings = optarg;
            break;
        default:
            return false;
        }
    }
    return options->connections >= 2 && options->connections < FLOODER_SENDER &&
           options->flooders <= FLOODERS_MAX && options->rate > 0;
}

static bool is_wanted(const struct variant *variant, int argc, char **argv)
{
    for (int i = optind; i < argc; i++) {
        if (strcmp(argv[i], variant->name) == 0)
            return true;
    }
    return optind == argc && (!variant->other_user || geteuid() == 0);
}

int main(int argc, char **argv)
{
    struct options options = {
        .program = "build/release/bin/telltaled",
        .settings = "",
        .idle_s = 10,
        .flood_s = 10,
        .rate = 5,
        .connections = 50,
        .pace = 20000,
        .memory_kib = 96 << 10,
    };
    bool good = true;

    if (!read_options(argc, argv, &options)) {
        show_usage();
        return 2;
    }
    for (size_t i = 0; i < COUNT_OF(variants); i++) {
        struct outcome outcome;
        if (!is_wanted(&variants[i], argc, argv))
            continue;
        run_variant(&options, &variants[i], &outcome);
        print_outcome(&variants[i], &outcome);
        good &= judge(&options, &variants[i], &outcome);
        (void)fflush(stdout); /* an error comes again at exit */
    }
    return good ? 0 : 1;
}
