/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_outcome.h -- what a gRPC status means for the batch that was sent.
 *
 * | Status | Result | Why |
 * |---|---|---|
 * | OK | DONE | partial success is counted, never resent |
 * | CANCELLED DEADLINE_EXCEEDED ABORTED OUT_OF_RANGE UNAVAILABLE DATA_LOSS | RETRY | OTLP's
 * retryable codes; RetryInfo sets the delay | | RESOURCE_EXHAUSTED with RetryInfo | RETRY |
 * throttled | | RESOURCE_EXHAUSTED, over 1 MiB or the words say "too large" | TOO_LARGE | a
 * receiver's size limit | | RESOURCE_EXHAUSTED otherwise | RETRY, 60 s | a quota: not the batch's
 * fault | | UNAUTHENTICATED PERMISSION_DENIED NOT_FOUND UNIMPLEMENTED | RETRY, 60 s | see below |
 * | UNKNOWN INTERNAL, made by gRPC itself from a broken transport or an HTTP error | RETRY, 60 s |
 * no receiver has judged the batch | | UNKNOWN INVALID_ARGUMENT ALREADY_EXISTS FAILED_PRECONDITION
 * INTERNAL | REJECTED | not retryable |
 *
 * OTLP calls the codes about tokens and paths not retryable.  Here they are retried, slowly: they
 * concern the destination and not the batch, and a recorder must not put its whole backlog
 * among the dead letters because a token expired.  Nothing is lost while somebody repairs it.
 *
 * Threads: a pure function.
 */
#pragma once

#include <grpc/status.h>

#include "telltale/exporter.h"

struct grpc_outcome_input {
    grpc_status_code code;
    struct slice message;    /* the status' words */
    struct slice rpc_status; /* google.rpc.Status, from grpc-status-details-bin; may be empty */
    struct slice response;   /* ExportLogsServiceResponse, when the code is OK */
    size_t request_size;     /* bytes, uncompressed */
    size_t record_count;
};

enum {
    GRPC_RETRY_REPAIR_MS = 60000,     /* until we look again whether somebody has repaired it */
    GRPC_SPLIT_SIZE_MIN = 1024 * 1024 /* below this a size limit must be named to be believed */
};

/* Fills `report` (but sent_bytes); sets `err` for every result but EXPORT_DONE. */
enum export_result grpc_outcome(const struct grpc_outcome_input *input,
                                struct export_report *report, struct error *err);

/* "UNAVAILABLE" for 14, and so on. */
const char *grpc_outcome_code_name(grpc_status_code code);
