/* SPDX-License-Identifier: Apache-2.0 */
/* normalize_bench.c -- what normalizing one record costs: a native tool event with 17 attributes,
 * and the records of recorded Codex sessions, all together and by kind. */
#include <stdio.h>
#include <time.h>

#include "normalize/normalize.h"
#include "support/collected.h"
#include "support/recorded.h"

/* The best of some runs: what others do on the machine is not our cost. */
enum { RUNS = 15, ROUNDS = 20000, BIG = 1 << 26 };

static struct error err;

static void must(enum status status)
{
    ASSERT(status == ST_OK);
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* cannot fail */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void report(const char *what, double ns, size_t bytes_in, size_t appended)
{
    printf("%-50s %7.1f ns/record  %4zu bytes in, %4zu appended\n", what, ns, bytes_in, appended);
}

static void make_native_record(struct buf *record)
{
    static const struct {
        const char *key, *value;
    } texts[] = {
        {"session.id", "0c2f7a52-6c1e-4f5e-9a51-5d0b8b1c7a10"},
        {"gen_ai.conversation.id", "0c2f7a52-6c1e-4f5e-9a51-5d0b8b1c7a10"},
        {"agent.turn.id", "turn-000017"},
        {"gen_ai.tool.name", "Bash"},
        {"agent.tool.category", "shell"},
        {"gen_ai.tool.call.id", "toolu_0000000000000000000000a1"},
        {"process.command_line", "grep -rn \"needle\" src/main.c | head -20"},
        {"process.working_directory", "/home/dev/src/project"},
        {"agent.outcome", "success"},
        {"user.name", "ana.ito"},
        {"host.name", "build-7"},
        {"team", "platform"},
    };
    must(buf_reserve(record, 2048, &err));
    uint8_t *at = pb_put_fixed64(record->data, RECORD_TIME_UNIX_NANO, 1795000000123456789);
    at = pb_put_uint(at, RECORD_SEVERITY_NUMBER, 9);
    at = pb_put_fixed64(at, RECORD_OBSERVED_TIME_UNIX_NANO, 1795000000123466789);
    record->size = (size_t)(at - record->data);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        must(pb_append_text(record, RECORD_ATTRIBUTES, slice_of_text(texts[i].key),
                            slice_of_text(texts[i].value), &err));
    must(pb_append_int(record, RECORD_ATTRIBUTES, SLICE("process.exit.code"), 0, &err));
    must(pb_append_int(record, RECORD_ATTRIBUTES, SLICE("process.pid"), 4711, &err));
    must(pb_append_double(record, RECORD_ATTRIBUTES, SLICE("agent.duration_ms"), 12.5, &err));
    must(pb_append_bool(record, RECORD_ATTRIBUTES, SLICE("agent.tool.executed"), true, &err));
    must(pb_append_text(record, RECORD_ATTRIBUTES, SLICE("gen_ai.tool.call.result"),
                        SLICE("src/main.c:12: needle\nsrc/main.c:99: needle, the second\n"), &err));
}

static void bench_native(struct normalizer *normalizer, struct buf *out)
{
    struct buf record, peer;
    buf_init(&record, BIG);
    buf_init(&peer, BIG);
    make_native_record(&record);
    must(pb_append_int(&peer, RECORD_ATTRIBUTES, SLICE("agent.peer.pid"), 4711, &err));
    must(pb_append_int(&peer, RECORD_ATTRIBUTES, SLICE("agent.peer.uid"), 1000, &err));
    const struct normalize_input input = {.record = buf_slice(&record),
                                          .transport = TRANSPORT_UNIX_SOCKET,
                                          .native_kind = SLICE("agent.tool"),
                                          .sender_fields = buf_slice(&peer),
                                          .received_unix_nano = 1795000000123476789};
    double best = 1e18;
    for (int run = 0; run < RUNS; run++) {
        double started = now_ns();
        for (int i = 0; i < ROUNDS; i++) {
            buf_clear(out);
            must(normalize_record(normalizer, &input, out, &err));
        }
        best = smaller(best, (now_ns() - started) / ROUNDS);
    }
    report("native, 17 attributes", best, record.size, out->size);
    buf_fini(&record);
    buf_fini(&peer);
}

/* Normalizes all records; gives the bytes appended. */
static size_t normalize_all(struct normalizer *normalizer, const struct collected *collected,
                            struct buf *out)
{
    uint32_t group = UINT32_MAX;
    size_t appended = 0;
    for (size_t i = 0; i < collected->record_count; i++) {
        const struct record *record = &collected->records[i];
        const struct normalize_input input = {.record = record->bytes,
                                              .transport = TRANSPORT_OTLP_HTTP_PROTOBUF,
                                              .received_unix_nano = 1795209900000000000};
        if (record->group_index != group)
            must(normalizer_set_group(normalizer, &collected->groups[record->group_index], &err));
        group = record->group_index;
        buf_clear(out);
        must(normalize_record(normalizer, &input, out, &err));
        appended += out->size;
    }
    return appended;
}

static void bench_recorded(struct normalizer *normalizer, const char *name, struct buf *out)
{
    struct buf request;
    struct collected collected;
    buf_init(&request, BIG);
    recorded_read(name, &request);
    must(collected_read(&collected, buf_slice(&request), &err));
    size_t count = collected.record_count, rounds = ROUNDS / count, appended = 0;
    double best = 1e18;
    for (int run = 0; run < RUNS; run++) {
        double started = now_ns();
        for (size_t round = 0; round < rounds; round++)
            appended = normalize_all(normalizer, &collected, out);
        best = smaller(best, (now_ns() - started) / (double)(rounds * count));
    }
    report(name, best, request.size / count, appended / count);
    collected_fini(&collected);
    buf_fini(&request);
}

int main(void)
{
    static const char *const sessions[] = {
        "codex-0.169.0/http-protobuf/exfil/logs/001.bin",
        "codex-0.169.0/http-protobuf/netproxy/logs/001.bin",
        "codex-0.169.0/http-protobuf/mcpfail/logs/001.bin",
    };
    struct normalizer *normalizer = NULL;
    struct buf out;
    buf_init(&out, BIG);
    must(normalizer_create(&otlp_limits_default, &normalizer, &err));
    bench_native(normalizer, &out);
    for (size_t i = 0; i < COUNT_OF(sessions); i++)
        bench_recorded(normalizer, sessions[i], &out);
    normalizer_destroy(normalizer);
    buf_fini(&out);
    return 0;
}
