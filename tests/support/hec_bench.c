/* SPDX-License-Identifier: Apache-2.0 */
/* hec_bench.c -- see hec_bench.h. */
#include "support/hec_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "util/clock.h"

static const struct exporter_ops *const ops = &exporter_splunk_hec;

static struct hec_bench *bench_of_report; /* tell() has no other way to it */

static void tell(struct export_report *report, size_t index, enum item_outcome outcome,
                 const char *words)
{
    struct hec_bench *bench = bench_of_report;

    assert_ptr_equal(report, &bench->report);
    assert_true(index < bench->batch.record_count);
    bench->told[index] = (int)outcome;
    snprintf(bench->words[index], sizeof(bench->words[index]), "%s", words != NULL ? words : "");
}

int hec_bench_make(void **state)
{
    static const char *const fields[] = {"kind", "service"};
    static const struct http_sink_settings plain = {.unix_path = NULL};
    struct hec_bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    bench->sink = http_sink_start(&plain);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "http://127.0.0.1:%d",
             http_sink_port(bench->sink));
    bench->config = (struct hec_config){
        .http = {.endpoint = bench->endpoint,
                 .connect_timeout_ns = 5 * NS_PER_S,
                 .max_response_size = 4 << 20,
                 .compression_level = 1,
                 .max_body_size = 2 << 20},
        .source = "telltale",
        .sourcetype = "telltale",
        .sourcetype_per_kind = true,
        .fields = {fields, 2},
        .max_event_size = 5 << 20,
        .ack_timeout_ns = 60 * NS_PER_S,
        .ack_poll_interval_ns = 10 * NS_PER_MS,
    };
    bench->groups[0].resource_logs_fields =
        SLICE("\x0a\x17\x0a\x15\x0a\x0cservice.name\x12\x05\x0a\x03s00");
    bench->groups[1].resource_logs_fields =
        SLICE("\x0a\x17\x0a\x15\x0a\x0cservice.name\x12\x05\x0a\x03s01");
    bench->batch =
        (struct batch){.records = bench->records, .groups = bench->groups, .group_count = 2};
    bench_of_report = bench;
    *state = bench;
    return 0;
}

int hec_bench_drop(void **state)
{
    struct hec_bench *bench = *state;

    ops->destroy(bench->exporter);
    http_sink_stop(bench->sink);
    for (size_t i = 0; i < bench->batch.record_count; i++)
        made_fini(&bench->made[i]);
    free(bench);
    return 0;
}

static void add_bytes(struct hec_bench *bench, uint32_t group)
{
    size_t n = bench->batch.record_count++;
    struct slice bytes = buf_slice(&bench->made[n].bytes);

    bench->records[n] = (struct record){.sequence = n + 1, .bytes = bytes, .group_index = group};
    bench->batch.size_bytes += bytes.size;
}

void hec_bench_add(struct hec_bench *bench, const char *kind, size_t padding, uint32_t group)
{
    size_t n = bench->batch.record_count;
    struct made_record *made = &bench->made[n];

    assert_true(n < HEC_BENCH_RECORDS_MAX);
    made_init(made);
    made_fixed64(made, 1, 1700000000123456789);
    made_int(made, "n", (int64_t)n);
    if (kind != NULL)
        made_text(made, "agent.event.kind", kind);
    if (padding > 0) {
        char *text = malloc(padding);
        assert_non_null(text);
        memset(text, 'p', padding);
        made_bytes_text(made, "padding", slice_of(text, padding));
        free(text);
    }
    add_bytes(bench, group);
}

void hec_bench_add_many(struct hec_bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hec_bench_add(bench, "agent.tool", 0, 0);
}

void hec_bench_add_broken(struct hec_bench *bench)
{
    struct made_record *made = &bench->made[bench->batch.record_count];
    struct error err;

    made_init(made);
    assert_int_equal(buf_append(&made->bytes, "\x0a\xff", 2, &err), ST_OK);
    add_bytes(bench, 0);
}

struct http_sink_answer hec_bench_answer(int status, const char *body)
{
    return (struct http_sink_answer){.status = status,
                                     .headers = "Content-Type: application/json\r\n",
                                     .body = slice_of_text(body)};
}

void hec_bench_create(struct hec_bench *bench)
{
    const struct exporter_context context = {.name = "splunk_hec/test", .state_dir = "/nowhere"};

    if (ops->check(&bench->config, &bench->err) != ST_OK ||
        ops->create(&bench->config, &context, &bench->exporter, &bench->err) != ST_OK)
        fail_msg("%s", bench->err.text);
}

enum export_result hec_bench_send(struct hec_bench *bench)
{
    if (bench->exporter == NULL)
        hec_bench_create(bench);
    for (size_t i = 0; i < HEC_BENCH_RECORDS_MAX; i++) {
        bench->told[i] = HEC_BENCH_UNTOLD;
        bench->words[i][0] = 0;
    }
    bench->report = (struct export_report){.tell = tell};
    bench->err = (struct error){.status = ST_OK};
    uint64_t deadline_ns = clock_monotonic_ns() + HEC_BENCH_PLENTY_MS * NS_PER_MS;
    deadline_ns += ops->confirm_ns(&bench->config);
    bench->result =
        ops->send(bench->exporter, &bench->batch, deadline_ns, &bench->report, &bench->err);
    return bench->result;
}

size_t hec_bench_numbers(struct hec_bench *bench, size_t request, int *ret, size_t max)
{
    struct slice body = http_sink_request(bench->sink, request)->body;
    const char *at = (const char *)body.data;
    const char *end = at + body.size;
    size_t count = 0;

    while (at < end && count < max) {
        cJSON *event = cJSON_ParseWithLengthOpts(at, (size_t)(end - at), &at, false);
        assert_non_null(event);
        const cJSON *attributes =
            cJSON_GetObjectItem(cJSON_GetObjectItem(event, "event"), "attributes");
        ret[count++] = atoi(cJSON_GetStringValue(cJSON_GetObjectItem(attributes, "n")));
        cJSON_Delete(event);
        assert_int_equal(*at, '\n');
        at++;
    }
    return count;
}

const char *hec_bench_told(struct hec_bench *bench)
{
    static const char letters[] = {[ITEM_RETRY] = 'R',
                                   [ITEM_AGAIN] = 'A',
                                   [ITEM_DONE] = 'D',
                                   [ITEM_REJECTED] = 'X',
                                   [ITEM_TOO_LARGE] = 'L'};
    static char text[HEC_BENCH_RECORDS_MAX + 1];

    for (size_t i = 0; i < bench->batch.record_count; i++)
        text[i] = bench->told[i] == HEC_BENCH_UNTOLD ? '-' : letters[bench->told[i]];
    text[bench->batch.record_count] = 0;
    return text;
}

bool hec_bench_went_to(struct hec_bench *bench, size_t request, const char *path)
{
    char line[256];

    snprintf(line, sizeof(line), "POST %s", path);
    return slice_starts_with(slice_of_text(http_sink_request(bench->sink, request)->head),
                             slice_of_text(line));
}
