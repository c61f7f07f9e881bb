/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_message.h -- the bytes of a message that gRPC has received, inflated.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <grpc/grpc.h>

#include "telltale/buf.h"
#include "telltale/error.h"

struct grpc_message {
    struct slice content; /* in one of the two below */
    grpc_slice bytes;     /* as they arrived; owned */
    struct buf inflated;
};

/* `buffer` is borrowed and left as it is.  ST_IO: the library cannot read it; ST_LIMIT: it has more
 * than `size_max` bytes when it is inflated; ST_NO_MEMORY; otherwise its compression is broken.
 * grpc_message_close() is to be called in any case. */
MUST_CHECK enum status grpc_message_open(struct grpc_message *message, grpc_byte_buffer *buffer,
                                         size_t size_max, struct error *err);
void grpc_message_close(struct grpc_message *message);
