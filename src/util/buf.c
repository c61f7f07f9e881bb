/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c -- see include/telltale/buf.h.  Capacity doubles, so that appending is linear. */
#include "telltale/buf.h"

#include <stdlib.h>

enum { BUF_FIRST_CAPACITY = 256 };

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.limit = buf->limit};
}

enum status buf_reserve(struct buf *buf, size_t more, struct error *err)
{
    ASSERT(buf->size <= buf->capacity);
    if (more <= buf->capacity - buf->size)
        return ST_OK;
    if (buf->size > buf->limit || more > buf->limit - buf->size) {
        return error_set(err, ST_LIMIT, "%zu more bytes behind %zu are over the limit of %zu", more,
                         buf->size, buf->limit);
    }
    size_t needed = buf->size + more;
    size_t capacity = buf->capacity > 0 ? buf->capacity : BUF_FIRST_CAPACITY;
    while (capacity < needed)
        capacity = capacity > buf->limit / 2 ? buf->limit : capacity * 2;
    if (capacity > buf->limit)
        capacity = buf->limit;
    uint8_t *data = realloc(buf->data, capacity);
    if (data == NULL)
        return error_set(err, ST_NO_MEMORY, "grow a buffer to %zu bytes", capacity);
    buf->data = data;
    buf->capacity = capacity;
    return ST_OK;
}

enum status buf_append(struct buf *buf, const void *data, size_t size, struct error *err)
{
    enum status st = buf_reserve(buf, size, err);
    if (st != ST_OK)
        return st;
    buf_append_reserved(buf, data, size);
    return ST_OK;
}

void buf_trim(struct buf *buf, size_t keep)
{
    buf->size = 0;
    if (buf->capacity > keep)
        buf_fini(buf);
}
