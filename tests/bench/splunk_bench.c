/* SPDX-License-Identifier: Apache-2.0 */
/* splunk_bench.c -- what an event costs the Splunk exporter: native events of about 800 bytes,
 * normalized, in requests of up to 2 MiB; the body, the request, and its answer.
 *
 *     splunk_bench [requests]
 *
 * The time is that of the thread that sends: the server has threads of its own.  Reading the
 * journal and settling are not in it: deliver_bench has them. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "deliver/exporter_list.h"
#include "deliver/item_report.h"
#include "exporters/splunk_hec/hec_events.h"
#include "support/http_sink.h"
#include "support/native_batch.h"
#include "util/clock.h"

/* The best of some runs: what others do on the machine is not our cost. */
enum { RUNS = 9, EVENTS = 1000 };

static const char *const fields[] = {"kind",    "phase",   "outcome", "decision",
                                     "product", "dialect", "tool",    "service"};
static struct error err;

static double cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* cannot fail */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct hec_config config_of(const char *endpoint, int shape, int compression)
{
    return (struct hec_config){
        .http = {.endpoint = endpoint,
                 .connect_timeout_ns = 5 * NS_PER_S,
                 .max_response_size = 4 << 20,
                 .compression = compression,
                 .compression_level = 1,
                 .max_body_size = 2 << 20},
        .source = "telltale",
        .sourcetype = "telltale",
        .sourcetype_per_kind = true,
        .shape = shape,
        .fields = {fields, COUNT_OF(fields)},
        .max_event_size = 5 << 20,
        .ack = HEC_ACK_OFF,
    };
}

/* The whole send(), as often as asked; nanoseconds an event. */
static double send_batches(const struct native_batch *native, const struct hec_config *config,
                           unsigned requests)
{
    const struct exporter_ops *ops = exporter_find("splunk_hec");
    const struct exporter_context context = {.name = "splunk_hec/bench", .state_dir = "/nowhere"};
    struct item_report items;
    void *exporter;

    ASSERT(ops->create(config, &context, &exporter, &err) == ST_OK);
    item_report_init(&items);
    double start = cpu_ns();
    for (unsigned i = 0; i < requests; i++) {
        item_report_begin(&items, native->batch.record_count);
        enum export_result result = ops->send(
            exporter, &native->batch, clock_monotonic_ns() + 60 * NS_PER_S, &items.report, &err);
        ASSERT(result == EXPORT_DONE);
    }
    double took = cpu_ns() - start;
    item_report_fini(&items);
    ops->destroy(exporter);
    return took / requests / (double)native->batch.record_count;
}

/* The body alone; *ret_size: bytes of an event. */
static double write_bodies(const struct native_batch *native, const struct hec_config *config,
                           unsigned rounds, double *ret_size)
{
    struct hec_events events;
    struct item_report items;

    item_report_init(&items);
    ASSERT(hec_events_init(&events, config, &err) == ST_OK);
    double start = cpu_ns();
    for (unsigned i = 0; i < rounds; i++) {
        item_report_begin(&items, native->batch.record_count);
        ASSERT(hec_events_fill(&events, &native->batch, &items.report, &err) == ST_OK);
        ASSERT(events.count == native->batch.record_count);
    }
    double took = cpu_ns() - start;
    *ret_size = (double)events.body.size / (double)events.count;
    hec_events_fini(&events);
    item_report_fini(&items);
    return took / rounds / (double)native->batch.record_count;
}

static void bench(const struct native_batch *native, const char *endpoint, const char *shape,
                  int shape_index, unsigned requests)
{
    double body = 1e18, plain = 1e18, packed = 1e18, size = 0;

    for (int run = 0; run < RUNS; run++) {
        const struct hec_config configs[] = {
            config_of(endpoint, shape_index, HTTP_COMPRESSION_NONE),
            config_of(endpoint, shape_index, HTTP_COMPRESSION_GZIP)};
        double took = write_bodies(native, &configs[0], requests, &size);
        body = took < body ? took : body;
        took = send_batches(native, &configs[0], requests);
        plain = took < plain ? took : plain;
        took = send_batches(native, &configs[1], requests);
        packed = took < packed ? took : packed;
    }
    printf(
        "%-5s %7.1f ns/event the body, %7.1f sent plain, %7.1f sent as gzip; %5.0f bytes sent by "
        "the agent, %5.0f written\n",
        shape, body, plain, packed, (double)native->sent_bytes / (double)native->batch.record_count,
        size);
}

int main(int argc, char **argv)
{
    const struct http_sink_settings settings = {.discard = true};
    const struct http_sink_answer answer = {.body = SLICE("{\"text\":\"Success\",\"code\":0}")};
    unsigned requests = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 50;
    struct native_batch native;
    char endpoint[64];

    struct http_sink *sink = http_sink_start(&settings);
    http_sink_script(sink, &answer, 1);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", http_sink_port(sink));
    native_batch_init(&native, EVENTS);
    bench(&native, endpoint, "cim", 0, requests);
    bench(&native, endpoint, "otel", 1, requests);
    native_batch_fini(&native);
    http_sink_stop(sink);
    return 0;
}
