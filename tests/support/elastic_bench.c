/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_bench.c -- see elastic_bench.h. */
#include "support/elastic_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/option.h"
#include "telltale/exporter.h"
#include "util/clock.h"
#include "wire/otlp.h"

static const struct exporter_ops *const ops = &exporter_elastic;
static const struct record_group group = {.signal = SIGNAL_LOGS};

enum { BODY_SIZE_MAX = 64 * 1024, PLENTY_S = 30 };

struct scripted_body {
    struct scripted_body *next;
    char text[BODY_SIZE_MAX];
};

static void make_records(struct elastic_bench *bench)
{
    char uid[16];

    for (size_t i = 0; i < ELASTIC_RECORDS; i++) {
        struct made_record *made = &bench->made[i];
        made_init(made);
        made_fixed64(made, RECORD_TIME_UNIX_NANO, UINT64_C(1795209899123456789) + i);
        snprintf(uid, sizeof(uid), "uid-%zu", i);
        made_text(made, "log.record.uid", uid);
        made_text(made, "session.id", "a session");
        bench->records[i] = (struct record){.sequence = i + 1, .bytes = buf_slice(&made->bytes)};
    }
    bench->batch = (struct batch){.journal_id = {0xab, 0xcd},
                                  .records = bench->records,
                                  .record_count = ELASTIC_RECORDS,
                                  .groups = &group,
                                  .group_count = 1};
}

static void set_options(const struct elastic_bench *bench)
{
    void *config = bench->config;

    option_set_text(ops, config, "endpoint", bench->endpoint);
    option_set_enum(ops, config, "compression", "none");
    option_set_enum(ops, config, "flavor", "elasticsearch");
    option_set_enum(ops, config, "shape", "ecs");
    option_set_number(ops, config, "compression_level", 1);
    option_set_number(ops, config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, config, "max_response_size", 4096);
    option_set_number(ops, config, "max_body_size", 5000000);
    option_set_text(ops, config, "data_stream.dataset", "telltale");
    option_set_text(ops, config, "data_stream.namespace", "default");
}

int elastic_bench_make(void **state)
{
    const struct http_sink_settings settings = {.unix_path = NULL};
    struct elastic_bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    temp_dir_make(&bench->dir);
    bench->sink = http_sink_start(&settings);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "http://127.0.0.1:%d",
             http_sink_port(bench->sink));
    bench->config = option_make_config(ops);
    set_options(bench);
    make_records(bench);
    item_report_init(&bench->items);
    *state = bench;
    return 0;
}

int elastic_bench_drop(void **state)
{
    struct elastic_bench *bench = *state;

    ops->destroy(bench->exporter);
    http_sink_stop(bench->sink);
    while (bench->bodies != NULL) {
        struct scripted_body *next = bench->bodies->next;
        free(bench->bodies);
        bench->bodies = next;
    }
    item_report_fini(&bench->items);
    for (size_t i = 0; i < ELASTIC_RECORDS; i++)
        made_fini(&bench->made[i]);
    free(bench->config);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

void elastic_bench_create(struct elastic_bench *bench)
{
    const struct exporter_context context = {.name = "elastic/test", .state_dir = bench->dir.path};

    ops->destroy(bench->exporter);
    bench->exporter = NULL;
    if (ops->check(bench->config, &bench->err) != ST_OK)
        fail_msg("%s", bench->err.text);
    assert_int_equal(ops->create(bench->config, &context, &bench->exporter, &bench->err), ST_OK);
}

void elastic_bench_script(struct elastic_bench *bench, int status, const char *body)
{
    const struct http_sink_answer answer = {.status = status,
                                            .headers = "Content-Type: application/json\r\n",
                                            .body = slice_of_text(body)};
    http_sink_script(bench->sink, &answer, 1);
}

static char *new_body(struct elastic_bench *bench)
{
    struct scripted_body *body = malloc(sizeof(*body));

    assert_non_null(body);
    body->next = bench->bodies;
    bench->bodies = body;
    return body->text;
}

void elastic_bench_script_items(struct elastic_bench *bench, size_t position, const char *item)
{
    char *body = new_body(bench);
    size_t size = (size_t)snprintf(body, BODY_SIZE_MAX, "{\"errors\":true,\"items\":[");

    for (size_t i = 0; i < bench->batch.record_count; i++) {
        size += (size_t)snprintf(body + size, BODY_SIZE_MAX - size, "%s{\"create\":%s}",
                                 i > 0 ? "," : "", i == position ? item : "{\"status\":201}");
        assert_true(size < BODY_SIZE_MAX);
    }
    snprintf(body + size, BODY_SIZE_MAX - size, "]}");
    elastic_bench_script(bench, 200, body);
}

enum export_result elastic_bench_send(struct elastic_bench *bench)
{
    bench->err = (struct error){.status = ST_OK};
    item_report_begin(&bench->items, bench->batch.record_count);
    return ops->send(bench->exporter, &bench->batch, clock_monotonic_ns() + PLENTY_S * NS_PER_S,
                     &bench->items.report, &bench->err);
}

const struct http_sink_request *elastic_bench_request(struct elastic_bench *bench)
{
    size_t count = http_sink_count(bench->sink);

    assert_true(count > 0);
    return http_sink_request(bench->sink, count - 1);
}
