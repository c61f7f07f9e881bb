/* SPDX-License-Identifier: Apache-2.0 */
/* hec_bench.h -- one Splunk exporter, a server that answers from a script, a batch of records whose
 * attribute "n" counts from 0, and what the exporter said of each.
 *
 * Threads: the test's; one bench at a time.
 */
#pragma once

#include "exporters/splunk_hec/hec_config.h"
#include "support/http_sink.h"
#include "support/made_record.h"
#include "telltale/exporter.h"

enum { HEC_BENCH_RECORDS_MAX = 64, HEC_BENCH_UNTOLD = 99, HEC_BENCH_PLENTY_MS = 60000 };

extern const struct exporter_ops exporter_splunk_hec;

struct hec_bench {
    struct hec_config config; /* the defaults, but uncompressed, and with short waits for acks */
    char endpoint[128];
    struct http_sink *sink;
    void *exporter; /* NULL: none yet */
    struct record records[HEC_BENCH_RECORDS_MAX];
    struct made_record made[HEC_BENCH_RECORDS_MAX];
    struct record_group groups[2]; /* of the services "s00" and "s01" */
    struct batch batch;
    /* Of the last send(). */
    enum export_result result;
    struct export_report report;
    struct error err;
    int told[HEC_BENCH_RECORDS_MAX]; /* enum item_outcome, or HEC_BENCH_UNTOLD */
    char words[HEC_BENCH_RECORDS_MAX][ITEM_WORDS_MAX + 1];
};

/* For cmocka. */
int hec_bench_make(void **state);
int hec_bench_drop(void **state);

/* Adds a record of the kind (NULL: none) with `padding` bytes more, below a group. */
void hec_bench_add(struct hec_bench *bench, const char *kind, size_t padding, uint32_t group);
/* Adds `count` of agent.tool. */
void hec_bench_add_many(struct hec_bench *bench, size_t count);
/* Adds one that is no LogRecord. */
void hec_bench_add_broken(struct hec_bench *bench);

/* An answer with a body. */
struct http_sink_answer hec_bench_answer(int status, const char *body);

/* Makes the exporter, the first time, and sends the batch. */
enum export_result hec_bench_send(struct hec_bench *bench);
void hec_bench_create(struct hec_bench *bench);

/* The numbers of the events of a request, in their order; each line must be JSON. */
size_t hec_bench_numbers(struct hec_bench *bench, size_t request, int *ret, size_t max);

/* The outcome of each record, as a letter: D)one R)etry A)gain X) rejected L)arge -) untold. */
const char *hec_bench_told(struct hec_bench *bench);

/* Whether a request went to this path. */
bool hec_bench_went_to(struct hec_bench *bench, size_t request, const char *path);
