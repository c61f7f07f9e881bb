/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_reply.h -- what a receiver says when it answers an export, in protobuf or in JSON.
 * Implemented in src/wire/.
 *
 * Messages from a peer that is not trusted: they are read in one pass, and whatever is not
 * understood is passed over.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"

struct otlp_partial_success {
    uint64_t rejected_count; /* 0 when absent or negative */
    struct slice message;    /* borrowed from the reply; empty when absent */
};

/* Reads an Export...ServiceResponse.  An empty reply and one without partial_success are full
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

/* A google.rpc.Status. */
struct otlp_rpc_status {
    struct slice message; /* borrowed, see below; empty when absent */
    struct otlp_retry_info retry;
};

/* Reads a google.rpc.Status; its message is borrowed from `reply`.  False: it is none.  What has no
 * code is none either: many things that are no receiver say {"message":"..."}. */
bool otlp_reply_read_status(struct slice reply, struct otlp_rpc_status *ret);

/* The same in JSON.  Messages are decoded to `text`, from which they are borrowed; what does not
 * fit into it is left away.  ST_CORRUPT: not JSON, or not of that form. */
MUST_CHECK enum status otlp_reply_read_partial_success_json(struct slice reply, struct buf *text,
                                                            struct otlp_partial_success *ret,
                                                            struct error *err);
bool otlp_reply_read_status_json(struct slice reply, struct buf *text, struct otlp_rpc_status *ret);

/* What a partial success counts: records, and of metrics their data points. */
size_t otlp_partial_count(const struct batch *batch);

/* How many records `rejected` of those are: of metrics nobody knows, so at most all but one, unless
 * every data point was rejected. */
uint32_t otlp_partial_records(const struct batch *batch, uint64_t rejected);
