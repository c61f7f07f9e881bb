/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_payload.h -- the bytes of one message, lent to gRPC without a copy.
 *
 * gRPC may hold a message's slices for a while after the call has ended, when it was cut off in
 * the middle of a write.  So the memory is shared: ours for filling while gRPC has nothing of it,
 * replaced by a new one, and freed by whoever lets go last, while it has.
 *
 * Threads: one owner; gRPC's threads let go at any time.
 */
#pragma once

#include <grpc/slice.h>

#include "telltale/buf.h"

struct grpc_payload;

/* The caller owns *ret.  `limit` in bytes. */
MUST_CHECK enum status grpc_payload_create(size_t limit, struct grpc_payload **ret,
                                           struct error *err);
void grpc_payload_release(struct grpc_payload *payload); /* accepts NULL */

/* Makes *payload one that gRPC holds nothing of, with its buffer empty: the same, or a new one.
 * On failure *payload is as before. */
MUST_CHECK enum status grpc_payload_renew(struct grpc_payload **payload, struct error *err);

/* Borrowed; to be changed only between grpc_payload_renew() and grpc_payload_lend(). */
struct buf *grpc_payload_buf(struct grpc_payload *payload);

/* The buffer's bytes as a slice; the caller owns the slice's reference. */
grpc_slice grpc_payload_lend(struct grpc_payload *payload);

/* Gives memory over `keep` bytes back, if gRPC holds nothing of it. */
void grpc_payload_trim(struct grpc_payload *payload, size_t keep);
