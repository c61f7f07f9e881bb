/* SPDX-License-Identifier: Apache-2.0 */
/* line_framer.h -- lines out of bytes that arrive in any pieces.
 *
 * A line that stands whole in a chunk is given as a slice of that chunk; only a line that is
 * spread over chunks is copied.  A line over the limit is skipped to its newline without being
 * kept, so the framer never holds more than the limit.
 *
 * Threads: pure, one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

struct line_framer {
    struct buf partial; /* the beginning of a line, from earlier chunks */
    size_t line_max;    /* bytes, without the newline */
    enum { FRAMER_READING, FRAMER_SKIPPING } state;
};

enum line_step {
    LINE_MORE,      /* the chunk is used up, the line goes on (or none has begun) */
    LINE_READY,     /* one line, without its newline or a carriage return before it */
    LINE_TOO_LARGE, /* one line was over the limit: told once, when the limit is passed */
    LINE_NO_MEMORY, /* the same, but memory was short */
};

void line_framer_init(struct line_framer *framer, size_t line_max);
void line_framer_fini(struct line_framer *framer);

/* Takes what it uses from the front of `*chunk`.  LINE_READY: `*ret_line` is good until the next
 * call, or until the chunk's bytes go.  Call it until it says LINE_MORE. */
enum line_step line_framer_next(struct line_framer *framer, struct slice *chunk,
                                struct slice *ret_line);

/* At the end of the stream: what stands behind the last newline, if anything. */
enum line_step line_framer_end(struct line_framer *framer, struct slice *ret_line);

/* Gives up the line that is being gathered: frees what is kept of it and skips the rest.
 * Only while line_framer_held() > 0. */
void line_framer_skip(struct line_framer *framer);

/* Bytes that are kept for a line that goes on. */
static inline size_t line_framer_held(const struct line_framer *framer)
{
    return framer->partial.size;
}
