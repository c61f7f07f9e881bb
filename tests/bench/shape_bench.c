/* SPDX-License-Identifier: Apache-2.0 */
/* shape_bench.c -- what a record costs as a document of each shape: native events of about 800
 * bytes, and the records of a recorded session, both normalized. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/agent_events.h"
#include "support/made_record.h"
#include "support/recorded_session.h"
#include "telltale/shape.h"
#include "wire/native_json.h"

/* The best of some runs: what others do on the machine is not our cost. */
enum { RUNS = 15, ROUNDS = 20, EVENTS = 1000, BIG = 1 << 26 };

static struct error err;
static volatile uint64_t sink; /* keeps the work from being left out */

struct records {
    struct buf bytes;
    size_t ends[EVENTS];
    size_t count;
    size_t sent_bytes;
    struct buf fields; /* of their group */
    struct record_group group;
};

static void must(enum status status)
{
    ASSERT(status == ST_OK);
}

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* cannot fail */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void add_record(struct records *records, const struct normalized *record)
{
    if (records->count == EVENTS)
        return;
    must(buf_append(&records->bytes, record->bytes.data, record->bytes.size, &err));
    records->ends[records->count++] = records->bytes.size;
    records->sent_bytes += record->record_size;
}

/* --- Where records come from -------------------------------------------------------------------
 */

static void add_native(struct records *records, struct normalizer *normalizer, struct slice line)
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
    add_record(records, normalized);
    normalized_destroy(normalized);
    buf_fini(&record);
}

static void read_native(struct records *records)
{
    struct normalizer *normalizer = made_normalizer();
    struct agent_events events;

    made_set_scope(normalizer, NULL);
    agent_events_make(&events, EVENTS);
    for (size_t i = 0; i < events.count; i++)
        add_native(records, normalizer, agent_events_line(&events, i));
    agent_events_free(&events);
    normalizer_destroy(normalizer);
}

static void on_recorded(void *context, const struct record_group *group,
                        const struct normalized *record)
{
    struct records *records = context;
    struct slice resource = group->resource_logs_fields, scope = group->scope_logs_fields;

    if (records->fields.size == 0) {
        must(buf_append(&records->fields, resource.data, resource.size, &err));
        must(buf_append(&records->fields, scope.data, scope.size, &err));
        records->group.resource_logs_fields = slice_of(records->fields.data, resource.size);
        records->group.scope_logs_fields =
            slice_of(records->fields.data + resource.size, scope.size);
    }
    add_record(records, record);
}

static void read_codex(struct records *records)
{
    const struct recorded_session_reader reader = {on_recorded, records};
    recorded_session_read("exfil", 1, &reader);
}

/* --- What they cost ----------------------------------------------------------------------------
 */

static void make_documents(struct shaper *shaper, const struct records *records, struct buf *out)
{
    struct record_facts facts;
    size_t start = 0;

    buf_clear(out);
    for (size_t i = 0; i < records->count; i++) {
        struct slice record = slice_of(records->bytes.data + start, records->ends[i] - start);
        must(shaper_read(shaper, record, &facts, &err));
        must(shaper_append(shaper, out, &err));
        sink += facts.time_unix_ns;
        start = records->ends[i];
    }
}

static void read_facts(struct record_reader *reader, const struct records *records)
{
    struct record_facts facts;
    size_t start = 0;

    for (size_t i = 0; i < records->count; i++) {
        struct slice record = slice_of(records->bytes.data + start, records->ends[i] - start);
        must(record_reader_read(reader, record, &facts, &err));
        sink += facts.time_unix_ns;
        start = records->ends[i];
    }
}

static void report(const char *what, const char *shape, double best, const struct records *records,
                   size_t out_size)
{
    double count = (double)records->count;
    printf("%-8s %-6s %7.1f ns/record  %5.0f bytes sent, %5.0f stored, %5.0f written\n", what,
           shape, best, (double)records->sent_bytes / count, (double)records->bytes.size / count,
           (double)out_size / count);
}

static void bench_shape(const char *what, const struct records *records, enum shape shape)
{
    struct shaper *shaper = NULL;
    struct buf out;
    double best = 1e18;

    buf_init(&out, BIG);
    must(shaper_create(shape, NULL, &shaper, &err));
    must(shaper_set_group(shaper, &records->group, &err));
    for (int run = 0; run < RUNS; run++) {
        double started = now_ns();
        for (int i = 0; i < ROUNDS; i++)
            make_documents(shaper, records, &out);
        double each = (now_ns() - started) / (double)(ROUNDS * records->count);
        best = each < best ? each : best;
    }
    report(what, shape_name(shape), best, records, out.size);
    shaper_destroy(shaper);
    buf_fini(&out);
}

static void bench_facts(const char *what, const struct records *records)
{
    struct record_reader *reader = NULL;
    double best = 1e18;

    must(record_reader_create(&reader, &err));
    must(record_reader_set_group(reader, &records->group, &err));
    for (int run = 0; run < RUNS; run++) {
        double started = now_ns();
        for (int i = 0; i < ROUNDS; i++)
            read_facts(reader, records);
        double each = (now_ns() - started) / (double)(ROUNDS * records->count);
        best = each < best ? each : best;
    }
    report(what, "facts", best, records, 0);
    record_reader_destroy(reader);
}

static void bench(const char *what, void (*read)(struct records *records))
{
    struct records *records = calloc(1, sizeof(*records));

    ASSERT(records != NULL);
    buf_init(&records->bytes, BIG);
    buf_init(&records->fields, BIG);
    read(records);
    bench_facts(what, records);
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++)
        bench_shape(what, records, (enum shape)shape);
    buf_fini(&records->bytes);
    buf_fini(&records->fields);
    free(records);
}

int main(void)
{
    bench("native", read_native);
    bench("codex", read_codex);
    return 0;
}
