/* SPDX-License-Identifier: Apache-2.0 */
/* nest.h -- messages within messages, written in one pass before their length is known.
 *
 * Lengths come out as short as they can be, in time that grows with the bytes written, however
 * deep they nest.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

struct nest_gap {
    size_t place;  /* of the length's one byte, in the buffer as it is before nest_finish() */
    size_t length; /* to be written there */
};

struct nest {
    struct buf *out;       /* borrowed */
    struct nest_gap *gaps; /* owned; lengths that do not fit into their one byte yet */
    size_t gap_count;
    size_t gap_capacity;
    size_t gap_bytes; /* by which the gaps will make the output longer */
};

struct nest_mark {
    size_t content; /* where the message begins */
    size_t gap_bytes;
};

/* Allocates nothing. */
void nest_init(struct nest *nest, struct buf *out);
void nest_fini(struct nest *nest);

/* Begins field `number` (below 16) as a message; what is appended to the buffer until
 * nest_close() is its content.  ST_LIMIT, ST_NO_MEMORY: from the buffer. */
MUST_CHECK enum status nest_open(struct nest *nest, uint32_t number, struct nest_mark *ret,
                                 struct error *err);
MUST_CHECK enum status nest_close(struct nest *nest, struct nest_mark mark, struct error *err);

/* When all are closed: brings the output into its final form. */
MUST_CHECK enum status nest_finish(struct nest *nest, struct error *err);

/* What the buffer's size would be after nest_finish(), as far as it has been written. */
static inline size_t nest_size(const struct nest *nest)
{
    return nest->out->size + nest->gap_bytes;
}
