/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_reply.h -- what Elasticsearch, OpenSearch and those that speak like them say, in JSON.
 * Implemented in src/wire/.
 *
 * Messages from a peer that is not trusted: each is read in one pass, and whatever is not
 * understood is passed over.  Texts that belong to a record, such as reasons, may quote it.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

/* What became of one action. */
struct bulk_item {
    unsigned status;           /* 201 */
    bool is_in_failure_store;  /* "failure_store": "used" */
    struct slice type, reason; /* of its error; empty when absent; borrowed, see below */
};

/* Called for each item in its order, from 0; the texts are good for the call. */
struct bulk_reply_reader {
    void (*on_item)(void *context, size_t index, const struct bulk_item *item);
    void *context;
};

/* Reads the answer to a _bulk request of `item_count` actions.  Texts are decoded to `text`, which
 * is given the size of its limit; those of an error that do not fit into it are left away.
 * ST_INVALID: it is none, is cut, or has not as many items; then some items may have been told, and
 * mean nothing.  ST_NO_MEMORY. */
MUST_CHECK enum status bulk_reply_read(struct slice reply, size_t item_count, struct buf *text,
                                       const struct bulk_reply_reader *reader, struct error *err);

/* What a request that was refused whole says of it. */
struct bulk_failure {
    struct slice type, reason; /* borrowed from `text`; empty when absent */
};

/* Reads {"error":{"type":"...","reason":"..."}}, or {"error":"reason"}.  False: it is neither. */
bool bulk_reply_read_failure(struct slice reply, struct buf *text, struct bulk_failure *ret);

/* What a server says of itself. */
struct bulk_server {
    unsigned major, minor;
    bool is_opensearch;
    bool is_serverless; /* Elastic's service, whose version number means nothing */
};

/* Reads the answer to GET /.  False: it names no version. */
bool bulk_reply_read_server(struct slice reply, struct bulk_server *ret);
