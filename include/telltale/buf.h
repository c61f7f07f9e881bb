/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h -- bytes that grow, up to a limit that is fixed when the buffer is made.
 *
 * Growing may move the bytes: whoever needs a position across an append keeps an offset, not
 * a pointer.  The hot path reserves once and then appends without checks.
 *
 * Threads: none of its own; one owner at a time.
 */
#pragma once

#include <string.h>

#include "telltale/error.h"
#include "telltale/slice.h"

struct buf {
    uint8_t *data; /* owned */
    size_t size;   /* bytes in use */
    size_t capacity;
    size_t limit; /* never more than this */
};

/* Empty, nothing allocated.  `limit` in bytes. */
void buf_init(struct buf *buf, size_t limit);

/* Frees the bytes; the limit stays.  A buffer that was never filled is allowed. */
void buf_fini(struct buf *buf);

/* Makes room for `more` bytes behind the present ones.  ST_LIMIT: that is over the limit;
 * ST_NO_MEMORY.  On failure nothing has changed. */
MUST_CHECK enum status buf_reserve(struct buf *buf, size_t more, struct error *err);

MUST_CHECK enum status buf_append(struct buf *buf, const void *data, size_t size,
                                  struct error *err);

/* Forgets the content, keeps the memory. */
static inline void buf_clear(struct buf *buf)
{
    buf->size = 0;
}

/* Gives the memory back to the system when it is larger than `keep` bytes.  The content is
 * forgotten. */
void buf_trim(struct buf *buf, size_t keep);

static inline size_t buf_room(const struct buf *buf)
{
    return buf->capacity - buf->size;
}

/* For callers that have reserved the room. */
static inline void buf_append_reserved(struct buf *buf, const void *data, size_t size)
{
    ASSERT(size <= buf_room(buf));
    if (size > 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
}

static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_of(buf->data, buf->size);
}
