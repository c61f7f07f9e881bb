/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_bench.c -- what a record costs the Elasticsearch exporter: native events of about 800 bytes,
 * normalized, in requests of 1,000; documents, the request to another process, and its answer.
 *
 *     bulk_bench [requests]
 *
 * Reading the journal and settling are not in it: deliver_bench has them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deliver/exporter_list.h"
#include "deliver/item_report.h"
#include "support/agent_events.h"
#include "support/http_sink.h"
#include "support/made_record.h"
#include "support/option.h"
#include "support/temp_dir.h"
#include "util/clock.h"
#include "wire/native_json.h"

/* The best of some runs: what others do on the machine is not our cost. */
enum { RUNS = 9, EVENTS = 1000, BIG = 1 << 26, ADDRESS_MAX = 256 };

struct records {
    struct buf bytes;
    size_t ends[EVENTS];
    size_t sent_bytes;
    struct record records[EVENTS];
};

static struct error err;

static void must(enum status status)
{
    ASSERT(status == ST_OK);
}

static double cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* cannot fail */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void add_event(struct records *all, size_t index, struct normalizer *normalizer,
                      struct slice line)
{
    static struct native_scratch scratch;
    struct native_event event;
    struct buf record;

    buf_init(&record, BIG);
    must(native_json_read(line, 1795000000123466789, &otlp_limits_default, &scratch, &record,
                          &event, &err));
    const struct normalize_input input = {.record = buf_slice(&record),
                                          .transport = TRANSPORT_UNIX_SOCKET,
                                          .native_kind = event.kind,
                                          .sender_fields = made_peer(),
                                          .received_unix_nano = 1795000000123476789};
    struct normalized *normalized = normalized_make(normalizer, &input);
    must(buf_append(&all->bytes, normalized->bytes.data, normalized->bytes.size, &err));
    all->ends[index] = all->bytes.size;
    all->sent_bytes += line.size;
    normalized_destroy(normalized);
    buf_fini(&record);
}

static void make_records(struct records *all)
{
    struct normalizer *normalizer = made_normalizer();
    struct agent_events events;
    size_t start = 0;

    buf_init(&all->bytes, BIG);
    made_set_scope(normalizer, NULL);
    agent_events_make(&events, EVENTS);
    for (size_t i = 0; i < EVENTS; i++)
        add_event(all, i, normalizer, agent_events_line(&events, i));
    for (size_t i = 0; i < EVENTS; i++) {
        all->records[i] = (struct record){
            .sequence = i + 1, .bytes = slice_of(all->bytes.data + start, all->ends[i] - start)};
        start = all->ends[i];
    }
    agent_events_free(&events);
    normalizer_destroy(normalizer);
}

/* --- The other end --------------------------------------------------------------------------- */

static void serve(const char *path)
{
    static char body[EVENTS * 32 + 64];
    const struct http_sink_settings settings = {.unix_path = path, .discard = true};
    struct http_sink *sink = http_sink_start(&settings);
    size_t size = (size_t)sprintf(body, "{\"errors\":false,\"items\":[");

    for (size_t i = 0; i < EVENTS; i++)
        size += (size_t)sprintf(body + size, "%s{\"create\":{\"status\":201}}", i > 0 ? "," : "");
    size += (size_t)sprintf(body + size, "]}");
    const struct http_sink_answer answer = {.body = slice_of(body, size)};
    http_sink_script(sink, &answer, 1);
}

static pid_t start_server(const char *path)
{
    int ready[2];
    char byte;

    ASSERT(pipe(ready) == 0);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(path);
        ASSERT(write(ready[1], "r", 1) == 1);
        for (;;)
            (void)pause();
    }
    ASSERT(read(ready[0], &byte, 1) == 1);
    return pid;
}

/* --- What it costs --------------------------------------------------------------------------- */

static void *make_config(const char *endpoint, const char *shape, const char *compression)
{
    const struct exporter_ops *ops = exporter_find("elastic");
    void *config = option_make_config(ops);

    option_set_text(ops, config, "endpoint", endpoint);
    option_set_enum(ops, config, "shape", shape);
    option_set_enum(ops, config, "compression", compression);
    option_set_enum(ops, config, "flavor", "elasticsearch");
    option_set_number(ops, config, "compression_level", 1);
    option_set_number(ops, config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, config, "max_response_size", 4 << 20);
    option_set_number(ops, config, "max_body_size", 16 << 20);
    option_set_text(ops, config, "data_stream.dataset", "telltale");
    option_set_text(ops, config, "data_stream.namespace", "default");
    return config;
}

static void bench(const struct records *all, const char *endpoint, const char *shape,
                  const char *compression, size_t requests)
{
    static const struct record_group group = {
        .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test")};
    const struct exporter_ops *ops = exporter_find("elastic");
    const struct exporter_context context = {.name = "elastic/bench"};
    const struct batch batch = {
        .records = all->records, .record_count = EVENTS, .groups = &group, .group_count = 1};
    void *config = make_config(endpoint, shape, compression);
    void *exporter;
    struct item_report items;
    double best = 1e18;

    item_report_init(&items);
    must(ops->create(config, &context, &exporter, &err));
    for (int run = 0; run < RUNS; run++) {
        double started = cpu_ns();
        for (size_t i = 0; i < requests; i++) {
            item_report_begin(&items, EVENTS);
            ASSERT(ops->send(exporter, &batch, clock_monotonic_ns() + 60 * NS_PER_S, &items.report,
                             &err) == EXPORT_DONE);
        }
        double each = (cpu_ns() - started) / (double)(requests * EVENTS);
        best = each < best ? each : best;
    }
    printf("shape=%s compression=%s cpu_ns_per_record=%.0f event_bytes=%zu stored_bytes=%zu "
           "wire_bytes=%zu\n",
           shape, compression, best, all->sent_bytes / EVENTS, all->bytes.size / EVENTS,
           items.report.sent_bytes / EVENTS);
    ops->destroy(exporter);
    item_report_fini(&items);
    free(config);
}

int main(int argc, char **argv)
{
    static const char *const shapes[] = {"ecs", "otel"};
    static const char *const compressions[] = {"none", "gzip"};
    size_t requests = argc > 1 ? strtoull(argv[1], NULL, 10) : 20;
    struct records *all = calloc(1, sizeof(*all));
    struct temp_dir dir;
    char path[ADDRESS_MAX], endpoint[ADDRESS_MAX + 8];

    ASSERT(all != NULL);
    temp_dir_make(&dir);
    snprintf(path, sizeof(path), "%s/sink", dir.path);
    snprintf(endpoint, sizeof(endpoint), "unix:%s", path);
    pid_t server = start_server(path);
    make_records(all);
    for (size_t shape = 0; shape < COUNT_OF(shapes); shape++) {
        for (size_t i = 0; i < COUNT_OF(compressions); i++)
            bench(all, endpoint, shapes[shape], compressions[i], requests);
    }
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    temp_dir_remove(&dir);
    buf_fini(&all->bytes);
    free(all);
    return 0;
}
