/* SPDX-License-Identifier: Apache-2.0 */
/* store_record.h -- from a line of a store back to records: the same protobuf bytes and views that
 * the rest of the program works on.
 *
 * A line of ours holds one record; a LogsData line of somebody else may hold many.
 *
 * Threads: a store_record belongs to the thread that made it.
 */
#pragma once

#include "telltale/batch.h"
#include "wire/otlp.h"

struct store_record;

/* What a line is taken apart into; all borrowed, good during the callback only. */
struct store_record_view {
    const struct record_group *group; /* what stands around the record */
    struct slice bytes;               /* the LogRecord message */
    const struct record_view *record;
};

/* A failure ends the reading of the line and is given back. */
typedef enum status (*store_record_fn)(void *context, const struct store_record_view *view,
                                       struct error *err);

MUST_CHECK enum status store_record_create(struct store_record **ret, struct error *err);
void store_record_destroy(struct store_record *record); /* accepts NULL */

/* Calls `on_record` for each record of `line`, in their order.  ST_INVALID: the line is not a
 * LogsData object; ST_LIMIT: it nests too deep, or a record has too many attributes (records
 * before that one have been given). */
MUST_CHECK enum status store_record_read(struct store_record *record, struct slice line,
                                         store_record_fn on_record, void *context,
                                         struct error *err);
