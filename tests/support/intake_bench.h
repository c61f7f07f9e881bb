/* SPDX-License-Identifier: Apache-2.0 */
/* intake_bench.h -- one HTTP exporter, a server that answers from a script, and records to send. */
#pragma once

#include "support/http_bench.h"
#include "support/http_sink.h"
#include "support/made_record.h"
#include "support/option.h"
#include "support/temp_dir.h"
#include "telltale/exporter.h"
#include "util/clock.h"

extern const struct exporter_ops exporter_http;

enum { INTAKE_RECORDS_MAX = 64, INTAKE_BODY_MAX = 1 << 25 };

#define INTAKE_TIME_NS UINT64_C(1700000000000000000)

struct intake_told {
    enum item_outcome outcome;
    bool was_told;
    char words[ITEM_WORDS_MAX + 1];
};

struct intake_bench {
    struct temp_dir dir;
    char endpoint[128];
    void *config;
    void *exporter;
    struct http_sink *sink;
    struct made_record made[INTAKE_RECORDS_MAX];
    struct record records[INTAKE_RECORDS_MAX];
    size_t count;
    struct export_report report;
    struct intake_told told[INTAKE_RECORDS_MAX];
    struct error err;
    struct buf body; /* of the last request that was looked at */
};

/* For cmocka. */
int intake_bench_make(void **state);
int intake_bench_drop(void **state);

/* Checks the configuration and makes an exporter of it, instead of the present one. */
void intake_bench_create(struct intake_bench *bench);

/* Writes a file, and gives its path back, which is good for eight more. */
const char *intake_bench_file(struct intake_bench *bench, const char *name, const char *text);

/* Records: one that is filled in between, one with a body, or b0, b1... a second apart. */
void intake_add_record(struct intake_bench *bench, uint64_t time_ns, const char *body);
void intake_add_records(struct intake_bench *bench, size_t count);
struct made_record *intake_begin_record(struct intake_bench *bench, uint64_t time_ns);
void intake_end_record(struct intake_bench *bench);

/* `report`, `told` and `err` are filled. */
enum export_result intake_send_range(struct intake_bench *bench, size_t first, size_t count);
enum export_result intake_send_all(struct intake_bench *bench);

void intake_script(struct intake_bench *bench, struct http_sink_answer answer);
const struct http_sink_request *intake_last_request(struct intake_bench *bench);

/* The body of a request, decoded, as a C string. */
const char *intake_body_of(struct intake_bench *bench, const struct http_sink_request *request);
void intake_assert_header(const struct http_sink_request *request, const char *name,
                          const char *expected);
