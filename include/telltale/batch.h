/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h -- records on their way to a destination.
 *
 * A record is an OTLP LogRecord as protobuf bytes, whole and final.  The resource and the
 * scope that it belongs to are its group.  A group keeps the enclosing messages as encoded
 * fields, so that an export request is made by laying bytes end to end, and fields that we do
 * not know travel along:
 *
 *     ExportLogsServiceRequest = group.request_fields,
 *                                { 1: group.resource_logs_fields,
 *                                     { 2: group.scope_logs_fields, { 2: record }... } }...
 *
 * Ownership: a batch borrows everything from the worker that made it.
 *
 * Threads: a batch is used by one thread, that of the lane that sends it.
 */
#pragma once

#include "telltale/slice.h"

enum { JOURNAL_ID_SIZE = 16 };

struct record_group {
    struct slice request_fields;       /* unknown fields of the request; almost always empty */
    struct slice resource_logs_fields; /* every field of ResourceLogs but scope_logs (2) */
    struct slice scope_logs_fields;    /* every field of ScopeLogs but log_records (2) */
};

struct record {
    uint64_t sequence;    /* position in the journal, from 1, without gaps */
    struct slice bytes;   /* one LogRecord message */
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
