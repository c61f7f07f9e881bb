/* SPDX-License-Identifier: Apache-2.0 */
/* intake_bench.c -- see intake_bench.h. */
#include "support/intake_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "wire/compress.h"

static const struct exporter_ops *const ops = &exporter_http;

static struct intake_bench *present; /* for tell() */
static const struct record_group group = {
    .resource_logs_fields = SLICE("\x0a\x17\x0a\x15\x0a\x0cservice.name\x12\x05\x0a\x03svc")};

static void tell(struct export_report *report, size_t index, enum item_outcome outcome,
                 const char *words)
{
    (void)report;
    assert_true(index < present->count);
    struct intake_told *told = &present->told[index];
    told->outcome = outcome;
    told->was_told = true;
    snprintf(told->words, sizeof(told->words), "%s", words != NULL ? words : "");
}

int intake_bench_make(void **state)
{
    const struct http_sink_settings settings = {.unix_path = NULL};
    struct intake_bench *bench = calloc(1, sizeof(*bench));

    temp_dir_make(&bench->dir);
    bench->sink = http_sink_start(&settings);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "http://127.0.0.1:%d/base",
             http_sink_port(bench->sink));
    bench->config = option_make_config(ops);
    option_set_text(ops, bench->config, "endpoint", bench->endpoint);
    option_set_number(ops, bench->config, "compression_level", 1);
    option_set_number(ops, bench->config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, bench->config, "max_response_size", 4 << 20);
    option_set_number(ops, bench->config, "max_groups", 64);
    buf_init(&bench->body, INTAKE_BODY_MAX);
    present = bench;
    *state = bench;
    return 0;
}

int intake_bench_drop(void **state)
{
    struct intake_bench *bench = *state;

    ops->destroy(bench->exporter);
    http_sink_stop(bench->sink);
    for (size_t i = 0; i < bench->count; i++)
        made_fini(&bench->made[i]);
    buf_fini(&bench->body);
    free(bench->config);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

struct made_record *intake_begin_record(struct intake_bench *bench, uint64_t time_ns)
{
    struct made_record *made = &bench->made[bench->count];

    made_init(made);
    if (time_ns != 0)
        made_fixed64(made, RECORD_TIME_UNIX_NANO, time_ns);
    return made;
}

void intake_end_record(struct intake_bench *bench)
{
    bench->records[bench->count] = (struct record){
        .sequence = bench->count + 1, .bytes = buf_slice(&bench->made[bench->count].bytes)};
    bench->count++;
}

static void put_body(struct made_record *made, const char *text)
{
    static uint8_t any[INTAKE_BODY_MAX / 8];
    size_t size = strlen(text);
    uint8_t *at = pb_put_header(any, ANY_STRING, size);

    assert_true(size < sizeof(any) - 16);
    memcpy(at, text, size);
    made_field(made, RECORD_BODY, slice_of(any, (size_t)(at - any) + size));
}

void intake_add_record(struct intake_bench *bench, uint64_t time_ns, const char *body)
{
    struct made_record *made = intake_begin_record(bench, time_ns);
    char uid[24];

    snprintf(uid, sizeof(uid), "u%zu", bench->count);
    put_body(made, body);
    made_text(made, "log.record.uid", uid);
    made_text(made, "agent.event.kind", "agent.tool");
    intake_end_record(bench);
}

/* b0 at :20, b1 at :21 ... */
void intake_add_records(struct intake_bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char body[24];
        snprintf(body, sizeof(body), "b%zu", i);
        intake_add_record(bench, INTAKE_TIME_NS + i * NS_PER_S, body);
    }
}

void intake_bench_create(struct intake_bench *bench)
{
    const struct exporter_context context = {.name = "http/test", .state_dir = bench->dir.path};

    ops->destroy(bench->exporter);
    bench->exporter = NULL;
    if (ops->check(bench->config, &bench->err) != ST_OK)
        fail_msg("%s", bench->err.text);
    assert_int_equal(ops->create(bench->config, &context, &bench->exporter, &bench->err), ST_OK);
}

enum export_result intake_send_range(struct intake_bench *bench, size_t first, size_t count)
{
    const struct batch batch = {.records = bench->records + first,
                                .record_count = count,
                                .groups = &group,
                                .group_count = 1};

    memset(bench->told, 0, sizeof(bench->told));
    bench->report = (struct export_report){.tell = tell};
    bench->err = (struct error){.status = ST_OK};
    return ops->send(bench->exporter, &batch, clock_monotonic_ns() + PLENTY_MS * NS_PER_MS,
                     &bench->report, &bench->err);
}

enum export_result intake_send_all(struct intake_bench *bench)
{
    return intake_send_range(bench, 0, bench->count);
}

void intake_script(struct intake_bench *bench, struct http_sink_answer answer)
{
    http_sink_script(bench->sink, &answer, 1);
}

const struct http_sink_request *intake_last_request(struct intake_bench *bench)
{
    return http_sink_request(bench->sink, http_sink_count(bench->sink) - 1);
}

/* The body of a request, decoded, as a C string. */
const char *intake_body_of(struct intake_bench *bench, const struct http_sink_request *request)
{
    char encoding[32] = "";
    enum content_encoding kind = ENCODING_NONE;

    if (http_sink_header(request, "content-encoding", encoding, sizeof(encoding)))
        kind = strcmp(encoding, "gzip") == 0 ? ENCODING_GZIP : ENCODING_ZSTD;
    buf_clear(&bench->body);
    assert_int_equal(content_decode(kind, request->body, &bench->body, &bench->err), ST_OK);
    assert_int_equal(buf_append(&bench->body, "", 1, &bench->err), ST_OK);
    return (const char *)bench->body.data;
}

void intake_assert_header(const struct http_sink_request *request, const char *name,
                          const char *expected)
{
    char value[1024] = "";

    (void)http_sink_header(request, name, value, sizeof(value));
    assert_string_equal(value, expected);
}

const char *intake_bench_file(struct intake_bench *bench, const char *name, const char *text)
{
    static char paths[8][512];
    static size_t next;
    char *path = paths[next++ % COUNT_OF(paths)];

    snprintf(path, sizeof(paths[0]), "%s/%s", bench->dir.path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}
