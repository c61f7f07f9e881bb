/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json.h -- OTLP in its JSON mapping, to and from protobuf bytes.
 *
 * Reading is one pass from text to protobuf, without a tree.  Rules of the mapping: keys in
 * lowerCamelCase only, unknown keys ignored, trace and span ids in hex of any case (empty means
 * absent), 64-bit integers as decimal strings or numbers, enums as integers, bytesValue in
 * base64, an empty object is a value with nothing set, null is an absent field.  A known key twice
 * in one object is refused.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"
#include "wire/json_put.h"
#include "wire/otlp.h"

/* Appends the bytes of the request that `json` says, an ExportLogsServiceRequest if `signal` is
 * logs. ST_INVALID: not JSON, not UTF-8 or not this message; the message names the byte offset and
 * the path, as in "byte 812: resourceLogs[0].scopeLogs[0].logRecords[3].traceId: ...".  ST_LIMIT:
 * nesting, but not of a record's values: those are cut off one level behind the limit, where
 * otlp_read_record() refuses the record, and not the request. */
MUST_CHECK enum status otlp_json_read_request(struct slice json, enum signal signal,
                                              const struct otlp_limits *limits, struct buf *out,
                                              struct error *err);

/* Appends `text` as a JSON string, quotes included.  Characters that act on a terminal
 * (utf8_acts()) are escaped; bytes that are not UTF-8 become U+FFFD. */
MUST_CHECK enum status json_append_text(struct buf *out, struct slice text, struct error *err);

/* The JSON of a value that holds no others; of those that do, null. */
void json_put_scalar(struct json_put *json, const struct any_view *value);

/* Appends an AnyValue as plain JSON ("x", 5, true, [..], {..}; bytes as base64 text), for people
 * and for flat exports.  ST_CORRUPT, ST_LIMIT. */
MUST_CHECK enum status json_append_plain(struct buf *out, const struct any_view *value,
                                         struct error *err);
