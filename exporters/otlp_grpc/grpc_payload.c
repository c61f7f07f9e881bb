/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_payload.c -- see grpc_payload.h.  One counter: the owner's reference and one for a slice
 * that was lent.  A count of 1, seen by the owner, cannot rise behind its back. */
#include "grpc_payload.h"

#include <stdatomic.h>
#include <stdlib.h>

struct grpc_payload {
    _Atomic int references; /* shared, atomic */
    struct buf buf;         /* the owner's while references is 1, read-only otherwise */
};

enum status grpc_payload_create(size_t limit, struct grpc_payload **ret, struct error *err)
{
    struct grpc_payload *payload = calloc(1, sizeof(*payload));
    if (payload == NULL)
        return error_set(err, ST_NO_MEMORY, "make a message buffer");
    atomic_init(&payload->references, 1);
    buf_init(&payload->buf, limit);
    *ret = payload;
    return ST_OK;
}

void grpc_payload_release(struct grpc_payload *payload)
{
    if (payload == NULL ||
        atomic_fetch_sub_explicit(&payload->references, 1, memory_order_acq_rel) > 1)
        return;
    buf_fini(&payload->buf);
    free(payload);
}

static bool is_ours_alone(struct grpc_payload *payload)
{
    return atomic_load_explicit(&payload->references, memory_order_acquire) == 1;
}

enum status grpc_payload_renew(struct grpc_payload **payload, struct error *err)
{
    if (is_ours_alone(*payload)) {
        buf_clear(&(*payload)->buf);
        return ST_OK;
    }
    struct grpc_payload *fresh = NULL;
    enum status st = grpc_payload_create((*payload)->buf.limit, &fresh, err);
    if (st != ST_OK)
        return st;
    grpc_payload_release(*payload);
    *payload = fresh;
    return ST_OK;
}

struct buf *grpc_payload_buf(struct grpc_payload *payload)
{
    ASSERT(is_ours_alone(payload));
    return &payload->buf;
}

static void let_go(void *payload)
{
    grpc_payload_release(payload);
}

grpc_slice grpc_payload_lend(struct grpc_payload *payload)
{
    ASSERT(is_ours_alone(payload));
    (void)atomic_fetch_add_explicit(&payload->references, 1, memory_order_relaxed);
    return grpc_slice_new_with_user_data(payload->buf.data, payload->buf.size, let_go, payload);
}

void grpc_payload_trim(struct grpc_payload *payload, size_t keep)
{
    if (is_ours_alone(payload))
        buf_trim(&payload->buf, keep);
}
