/* SPDX-License-Identifier: Apache-2.0 */
/* output_format.h -- the formats of `telltale query`, behind one name each: table, json (ndjson),
 * otlp-json, csv, timesketch, and the shapes of documents that exporters write (telltale/shape.h).
 *
 * Threads: one owner.
 */
#pragma once

#include "query/record_output.h"
#include "store/store_record.h"

struct output_options {
    const char *format; /* NULL: "table" */
    const char *fields; /* "time,agent.outcome"; NULL: all, or those that the format has */
    size_t columns;     /* width of the terminal */
};

struct output;

/* ST_INVALID: there is no such format, or it has no choice of fields; ST_LIMIT, ST_NO_MEMORY. */
MUST_CHECK enum status output_create(const struct output_options *options, struct output **ret,
                                     struct error *err);
void output_destroy(struct output *output); /* accepts NULL */

/* What stands before the first record: a line of names, or nothing. */
MUST_CHECK enum status output_head(struct output *output, struct buf *out, struct error *err);

/* Appends the record as one line. */
MUST_CHECK enum status output_record(struct output *output, const struct store_record_view *record,
                                     struct buf *out, struct error *err);
