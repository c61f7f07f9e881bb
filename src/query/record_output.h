/* SPDX-License-Identifier: Apache-2.0 */
/* record_output.h -- a record as a row of a table, as one flat JSON object, as an event of
 * Timesketch, or as the fields that were asked for.
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/field.h"
#include "telltale/batch.h"
#include "telltale/buf.h"

MUST_CHECK enum status output_table_head(struct buf *out, size_t columns, struct error *err);

/* One line: time, session, sender (attested.h), kind, outcome and a summary; safe for a terminal.
 */
MUST_CHECK enum status output_table_row(struct buf *out, const struct record_view *view,
                                        size_t columns, struct error *err);

/* One line of JSON: "time", "observed_time" (RFC 3339), "severity_number", "severity_text",
 * "event_name", "trace_id", "span_id", "body", then each attribute under its own key, then
 * "resource.KEY" and "scope.name".  An attribute whose key is one of these names, or begins with
 * "resource.", "scope." or "attributes.", stands at "attributes.KEY"; a second one of the same key
 * at "KEY#2", and so on, so that none is lost to readers that keep one value a key. */
MUST_CHECK enum status output_flat_json(struct buf *out, const struct record_group *group,
                                        const struct record_view *view, struct error *err);

/* The same for Timesketch: "message", "datetime" (RFC 3339 with offset), "timestamp" (microseconds)
 * and "timestamp_desc" come first, then the flat object.  Attributes with names that mean something
 * there stand at "attributes.KEY". */
MUST_CHECK enum status output_timesketch(struct buf *out, const struct record_group *group,
                                         const struct record_view *view, struct error *err);

/* What is asked for of each record; fields that it has not are left out, or are empty cells. */
enum { OUTPUT_FIELDS_MAX = 64 };
struct output_fields {
    const struct field *fields;
    size_t count;
    struct buf *scratch;
};

/* One line of JSON, fields under their names as they were asked for. */
MUST_CHECK enum status output_fields_json(struct buf *out, const struct output_fields *fields,
                                          const struct field_record *record, struct error *err);

/* One line of a table, all columns equally wide; safe for a terminal.  `record` NULL: the head. */
MUST_CHECK enum status output_fields_row(struct buf *out, const struct output_fields *fields,
                                         const struct field_record *record, size_t columns,
                                         struct error *err);

/* One line of CSV (RFC 4180), every cell in quotes; `record` NULL: the head.  Texts are made safe
 * as for a terminal, so that a record is one line; one that a spreadsheet would calculate (it
 * begins with =, +, - or @) has an apostrophe before it.  Lists and maps are JSON. */
MUST_CHECK enum status output_fields_csv(struct buf *out, const struct output_fields *fields,
                                         const struct field_record *record, struct error *err);

/* Appends one cell, in quotes; what `is_text` calculates nothing.  The content of `safe` is
 * replaced. */
MUST_CHECK enum status output_csv_cell(struct buf *out, struct slice text, bool is_text,
                                       struct buf *safe, struct error *err);
