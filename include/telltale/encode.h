/* SPDX-License-Identifier: Apache-2.0 */
/* encode.h -- a batch in the forms that destinations take.  Implemented in src/wire/.
 *
 * All functions append to `out`, which the caller owns, and leave it as it was on failure.
 * ST_LIMIT: `out` may not grow that far; ST_NO_MEMORY; ST_CORRUPT: a record is not protobuf.
 *
 * Threads: pure functions of what they are given.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"

/* The bytes of an ExportLogsServiceRequest (also a LogsData), or of the same for the signal that
 * all records are of: records of one group stand together, groups in order of their first record,
 * records of a group in batch order. */
MUST_CHECK enum status encode_otlp_request(const struct batch *batch, struct buf *out,
                                           struct error *err);

/* How many bytes encode_otlp_request() would append. */
size_t encode_otlp_request_size(const struct batch *batch);

/* The same request as OTLP JSON, without a '\n'; fields that we do not know have no name in JSON
 * and are left out. */
MUST_CHECK enum status encode_otlp_json_request(const struct batch *batch, struct buf *out,
                                                struct error *err);

/* How many data points a Metric has; what is not protobuf has none behind where it breaks off. */
uint64_t otlp_metric_point_count(struct slice metric);

/* One record as a LogsData object (TracesData, MetricsData) in OTLP JSON, on one line, with its
 * '\n'. `extra_attributes` are encoded LogRecord.attributes fields (tag and length included) that
 * are shown behind the record's own, where only closing brackets follow (a metric's as its
 * metadata); may be empty.  Depth is bounded; ST_CORRUPT beyond it. */
MUST_CHECK enum status encode_otlp_json_line(const struct record_group *group, struct slice record,
                                             struct slice extra_attributes, struct buf *out,
                                             struct error *err);

/* One LogRecord.attributes field, tag and length included: for `extra_attributes` above. */
MUST_CHECK enum status encode_attribute_text(struct slice key, struct slice value, struct buf *out,
                                             struct error *err);
MUST_CHECK enum status encode_attribute_int(struct slice key, int64_t value, struct buf *out,
                                            struct error *err);

/* A JSON string with its quotes, of UTF-8 without control characters, whatever `text` holds. */
MUST_CHECK enum status encode_json_text(struct slice text, struct buf *out, struct error *err);
