/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_bench.h -- one Elasticsearch exporter, a server that answers from a script, and a batch
 * of records for it. */
#pragma once

#include "deliver/item_report.h"
#include "support/http_sink.h"
#include "support/made_record.h"
#include "support/temp_dir.h"

enum { ELASTIC_RECORDS = 5 };

struct scripted_body; /* of an answer */

struct elastic_bench {
    struct temp_dir dir;
    char endpoint[128];
    void *config; /* with the defaults, but without compression, and of the flavor elasticsearch */
    void *exporter;
    struct http_sink *sink;
    struct scripted_body *bodies; /* owned; the sink borrows them */
    struct made_record made[ELASTIC_RECORDS];
    struct record records[ELASTIC_RECORDS]; /* with the ids uid-0 and so on */
    struct batch batch;                     /* of them */
    struct item_report items;
    struct error err;
};

extern const struct exporter_ops exporter_elastic;

/* For cmocka. */
int elastic_bench_make(void **state);
int elastic_bench_drop(void **state);

/* Checks the configuration and makes an exporter of it, instead of the present one. */
void elastic_bench_create(struct elastic_bench *bench);

/* What the server answers from now on. */
void elastic_bench_script(struct elastic_bench *bench, int status, const char *body);

/* The same: an item for each record of the batch, created but for that at `position`. */
void elastic_bench_script_items(struct elastic_bench *bench, size_t position, const char *item);

/* Sends the batch; `items` and `err` are filled. */
enum export_result elastic_bench_send(struct elastic_bench *bench);

/* The last request. */
const struct http_sink_request *elastic_bench_request(struct elastic_bench *bench);
