/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_reply.h -- what a receiver says in protobuf when it answers an export.
 *
 * Two messages, from a peer that is not trusted: both are read in one pass, without
 * allocation, and whatever is not understood is passed over.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/error.h"
#include "telltale/slice.h"

struct otlp_partial_success {
    uint64_t rejected_count; /* 0 when absent or negative */
    struct slice message;    /* borrowed from the reply; empty when absent */
};

/* Reads an ExportLogsServiceResponse.  An empty reply and one without partial_success are full
 * success, all zero.  ST_CORRUPT: not protobuf. */
MUST_CHECK enum status otlp_reply_read_partial_success(struct slice reply,
                                                       struct otlp_partial_success *ret,
                                                       struct error *err);

struct otlp_retry_info {
    bool present;      /* there was a google.rpc.RetryInfo */
    uint32_t delay_ms; /* what it asks for, rounded up, cut at the type's end */
};

/* Looks for a google.rpc.RetryInfo in a google.rpc.Status.  Damage means that there is none. */
struct otlp_retry_info otlp_reply_find_retry_info(struct slice rpc_status);
