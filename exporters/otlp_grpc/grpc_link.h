/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_link.h -- one channel of gRPC core, and one unary call at a time over it.
 *
 * The channel connects on the first call, keeps the connection, and reconnects by itself.
 *
 * Threads: one owner; gRPC core has threads of its own behind it.  grpc_link_cancel() is for any
 * thread.  gRPC must be initialized.
 */
#pragma once

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "telltale/error.h"

#include <stdbool.h>
#include <stdint.h>

struct grpc_link;

struct grpc_link_settings {
    const char *target;               /* borrowed during open */
    const char *server_name_override; /* borrowed during open; NULL: the target's host */
    bool use_proxy;                   /* honour https_proxy and the like */
    uint64_t keepalive_time_ns;       /* 0: no pings */
    uint64_t keepalive_timeout_ns;
    uint32_t response_size_max; /* bytes; more than this from a peer ends the call */
};

/* `credentials` are borrowed; the channel keeps its own reference.  Does not connect. */
MUST_CHECK enum status grpc_link_open(const struct grpc_link_settings *settings,
                                      grpc_channel_credentials *credentials, struct grpc_link **ret,
                                      struct error *err);
void grpc_link_close(struct grpc_link *link); /* accepts NULL */

struct grpc_link_answer {
    grpc_status_code code;
    grpc_slice message;  /* owned: the status' words */
    grpc_slice details;  /* owned: google.rpc.Status; empty when there was none */
    grpc_slice response; /* owned: the response message; empty when there was none */
};
void grpc_link_answer_fini(struct grpc_link_answer *answer);

struct grpc_link_request {
    const char *method;      /* "/package.Service/Method"; a literal */
    grpc_metadata *metadata; /* borrowed during the call */
    size_t metadata_count;
    grpc_byte_buffer *message; /* borrowed during the call; gRPC may hold its slices longer */
};

/* Makes the call and returns by `deadline_ns` (monotonic) with a status, the peer's or gRPC's own.
 * The caller owns the content of `ret_answer`. */
MUST_CHECK enum status grpc_link_call(struct grpc_link *link,
                                      const struct grpc_link_request *request, uint64_t deadline_ns,
                                      struct grpc_link_answer *ret_answer, struct error *err);

/* Ends the call under way, and every later one before it begins: with the status CANCELLED. */
void grpc_link_cancel(struct grpc_link *link);
