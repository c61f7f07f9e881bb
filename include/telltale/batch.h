/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h -- records on their way to a destination.
 *
 * A record is an OTLP LogRecord, Span or Metric as protobuf bytes, whole and final; the signal of
 * its group says which.  The resource and the scope that it belongs to are its group.  A group
 * keeps the enclosing messages as encoded fields, so that an export request is made by laying bytes
 * end to end, and fields that we do not know travel along:
 *
 *     ExportLogsServiceRequest = group.request_fields,
 *                                { 1: group.resource_logs_fields,
 *                                     { 2: group.scope_logs_fields, { 2: record }... } }...
 *
 * The messages around spans and metrics have the same field numbers, so all of this is true of
 * ExportTraceServiceRequest and ExportMetricsServiceRequest too.
 *
 * Ownership: a batch borrows everything from the worker that made it.
 *
 * Threads: a batch is used by one thread, that of the lane that sends it.
 */
#pragma once

#include "telltale/slice.h"

enum { JOURNAL_ID_SIZE = 16 };

/* What a record is.  The numbers stay: they are on disks. */
enum signal {
    SIGNAL_LOGS,    /* LogRecord */
    SIGNAL_TRACES,  /* Span */
    SIGNAL_METRICS, /* Metric */
};
enum { SIGNAL_COUNT = SIGNAL_METRICS + 1 };

/* A set of signals. */
enum {
    SIGNALS_LOGS = 1 << SIGNAL_LOGS,
    SIGNALS_TRACES = 1 << SIGNAL_TRACES,
    SIGNALS_METRICS = 1 << SIGNAL_METRICS,
    SIGNALS_ALL = (1 << SIGNAL_COUNT) - 1,
};

/* A group of spans or metrics has the fields of ResourceSpans and ScopeSpans, or of ResourceMetrics
 * and ScopeMetrics, where these names say logs. */
struct record_group {
    struct slice request_fields;       /* unknown fields of the request; almost always empty */
    struct slice resource_logs_fields; /* every field of ResourceLogs but scope_logs (2) */
    struct slice scope_logs_fields;    /* every field of ScopeLogs but log_records (2) */
    enum signal signal;
};

struct record {
    uint64_t sequence;    /* position in the journal, from 1, without gaps */
    struct slice bytes;   /* one LogRecord, Span or Metric message */
    uint32_t group_index; /* into batch.groups */
};

struct batch {
    uint8_t journal_id[JOURNAL_ID_SIZE]; /* which journal the sequence numbers count in */
    const struct record *records;        /* in order of their sequence numbers */
    size_t record_count;
    const struct record_group *groups;
    size_t group_count;
    size_t size_bytes; /* of all records and of each group once: what a request will weigh */
};

/* The signal of all records of a batch that is handed to an exporter. */
static inline enum signal batch_signal(const struct batch *batch)
{
    return batch->record_count > 0 ? batch->groups[batch->records[0].group_index].signal
                                   : SIGNAL_LOGS;
}
