/* SPDX-License-Identifier: Apache-2.0 */
/* record_output.h -- a record as a row of a table or as one flat JSON object.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "wire/otlp.h"

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
