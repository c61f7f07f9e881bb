/* SPDX-License-Identifier: Apache-2.0 */
/* wire_bench.c -- what reading and writing one record costs: a record of about 800 bytes with 17
 * attributes, and the recorded requests of an agent. */
#include <stdio.h>
#include <time.h>

#include "support/collected.h"
#include "support/recorded.h"
#include "telltale/encode.h"
#include "wire/otlp.h"

enum { ROUNDS = 200000, ATTRIBUTES_MAX = 1024, BIG = 1 << 26 };

static struct error err;
static volatile size_t sink; /* keeps the work from being left out */

/* Processor time, so that a busy machine does not count. */
static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* cannot fail */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void report(const char *what, double started_ns, double records, double bytes)
{
    double each = (now_ns() - started_ns) / records;
    printf("%-28s %8.1f ns/record  %6.0f bytes\n", what, each, bytes / records);
}

static void must(enum status status)
{
    ASSERT(status == ST_OK);
}

static void make_record(struct buf *record)
{
    must(buf_reserve(record, 1024, &err));
    uint8_t *at = pb_put_fixed64(record->data, RECORD_TIME_UNIX_NANO, 1760000000123456789);
    at = pb_put_uint(at, RECORD_SEVERITY_NUMBER, 9);
    at = pb_put_bytes(at, RECORD_SEVERITY_TEXT, SLICE("INFO"));
    record->size = (size_t)(at - record->data);
    for (int i = 0; i < 12; i++) {
        must(pb_append_text(record, RECORD_ATTRIBUTES, SLICE("agent.tool.name"),
                            SLICE("a value of middling size"), &err));
    }
    for (int i = 0; i < 3; i++)
        must(pb_append_int(record, RECORD_ATTRIBUTES, SLICE("duration_ms"), 12345 + i, &err));
    must(pb_append_bool(record, RECORD_ATTRIBUTES, SLICE("agent.success"), true, &err));
    must(pb_append_text(record, RECORD_ATTRIBUTES, SLICE("arguments"),
                        SLICE("{\"command\":[\"bash\",\"-lc\",\"sed -n '1,200p' src/main.c\"],"
                              "\"workdir\":\"/home/dev/project\",\"timeout_ms\":10000}"),
                        &err));
}

static void bench_record(struct slice record)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    const struct record_group group = {.request_fields = SLICE_EMPTY};
    struct record_view view;
    double started = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        must(otlp_read_record(record, &otlp_limits_default, attributes, ATTRIBUTES_MAX, &view,
                              &err));
        sink += view.attribute_count;
    }
    report("read, 17 attributes", started, ROUNDS, (double)record.size * ROUNDS);

    struct buf line;
    buf_init(&line, BIG);
    started = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        buf_clear(&line);
        must(encode_otlp_json_line(&group, record, SLICE_EMPTY, &line, &err));
        sink += line.size;
    }
    report("JSON line, 17 attributes", started, ROUNDS, (double)line.size * ROUNDS);
    buf_fini(&line);
}

static enum status on_group(void *context, const struct record_group *group, struct error *error)
{
    (void)context;
    (void)error;
    sink += group->resource_logs_fields.size;
    return ST_OK;
}

static enum status on_record(void *context, struct slice record, struct error *error)
{
    (void)context;
    (void)error;
    sink += record.size;
    return ST_OK;
}

static void bench_recorded(const char *name)
{
    enum { REQUEST_ROUNDS = 3000 };
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct collected collected;
    struct record_view view;
    struct buf request, out;
    buf_init(&request, BIG);
    buf_init(&out, BIG);
    recorded_read(name, &request);
    must(collected_read(&collected, buf_slice(&request), &err));
    struct batch batch = collected_batch(&collected);
    double records = (double)batch.record_count * REQUEST_ROUNDS;
    double bytes = (double)request.size * REQUEST_ROUNDS;
    printf("%s: %zu records in %zu bytes\n", name, batch.record_count, request.size);

    const struct otlp_request_visitor visitor = {.on_group = on_group, .on_record = on_record};
    double started = now_ns();
    for (int i = 0; i < REQUEST_ROUNDS; i++)
        must(otlp_walk_request(buf_slice(&request), &visitor, &err));
    report("walk request", started, records, bytes);

    started = now_ns();
    for (int i = 0; i < REQUEST_ROUNDS; i++) {
        for (size_t j = 0; j < batch.record_count; j++)
            must(otlp_read_record(batch.records[j].bytes, &otlp_limits_default, attributes,
                                  ATTRIBUTES_MAX, &view, &err));
    }
    report("read", started, records, bytes);

    started = now_ns();
    for (int i = 0; i < REQUEST_ROUNDS; i++) {
        buf_clear(&out);
        must(encode_otlp_request(&batch, &out, &err));
    }
    report("encode request", started, records, bytes);

    size_t written = 0;
    started = now_ns();
    for (int i = 0; i < REQUEST_ROUNDS; i++) {
        for (size_t j = 0; j < batch.record_count; j++) {
            buf_clear(&out);
            must(encode_otlp_json_line(&batch.groups[batch.records[j].group_index],
                                       batch.records[j].bytes, SLICE_EMPTY, &out, &err));
            written += out.size;
        }
    }
    report("JSON line", started, records, (double)written);
    collected_fini(&collected);
    buf_fini(&request);
    buf_fini(&out);
}

int main(void)
{
    struct buf record;
    buf_init(&record, BIG);
    make_record(&record);
    bench_record(buf_slice(&record));
    buf_fini(&record);
    bench_recorded("codex-0.169.0/http-protobuf/exfil/logs/001.bin");
    bench_recorded("gemini-cli-0.61.0/grpc/approvals-acp/logs/002.bin");
    return 0;
}
