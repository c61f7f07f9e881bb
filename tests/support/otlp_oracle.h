/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_oracle.h -- what protobuf-c says about a message, to compare our own reading with.
 *
 * protobuf-c keeps texts as C strings: a text with a NUL inside compares up to there.
 */
#pragma once

#include <cjson/cJSON.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "telltale/buf.h"
#include "wire/otlp.h"

typedef Opentelemetry__Proto__Common__V1__AnyValue oracle_any;
typedef Opentelemetry__Proto__Common__V1__KeyValue oracle_attribute;
typedef Opentelemetry__Proto__Logs__V1__LogRecord oracle_record;
typedef Opentelemetry__Proto__Logs__V1__ScopeLogs oracle_scope_logs;
typedef Opentelemetry__Proto__Logs__V1__ResourceLogs oracle_resource_logs;
typedef Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest oracle_request;

/* NULL: protobuf-c refuses the bytes.  Free with oracle_free(). */
oracle_request *oracle_read_request(struct slice bytes);
oracle_record *oracle_read_record(struct slice bytes);
void oracle_free(void *message);

/* Whether our view of a record says what protobuf-c says; nested values included. */
bool oracle_same_record(const struct record_view *ours, const oracle_record *theirs);

/* Whether a line of OTLP JSON says what the messages say. */
bool oracle_same_json(const cJSON *line, const oracle_resource_logs *resource_logs,
                      const oracle_scope_logs *scope_logs, const oracle_record *record);

/* Appends resource, scope and records of each ScopeLogs that has records, packed in one
 * canonical form: two requests are the same to a receiver when these bytes are. */
void oracle_flatten(const oracle_request *request, struct buf *out);
