/* SPDX-License-Identifier: Apache-2.0 */
/* line_framer.c -- see line_framer.h.
 *
 *     READING --- the limit is passed, or line_framer_skip() ---> SKIPPING
 *        ^                                                           |
 *        +------------------------- newline -------------------------+
 *
 * LINE_READY for a gathered line leaves it in `partial` until the next call; `taken` cannot be
 * told apart from a line that goes on, so the newline itself is kept behind it as the mark. */
#include "receivers/line_framer.h"

enum { PARTIAL_KEEP = 64 * 1024 };

void line_framer_init(struct line_framer *framer, size_t line_max)
{
    ASSERT(line_max < SIZE_MAX);
    buf_init(&framer->partial, line_max + 1);
    framer->line_max = line_max;
    framer->state = FRAMER_READING;
}

void line_framer_fini(struct line_framer *framer)
{
    buf_fini(&framer->partial);
}

/* The line that was given by the last call is not needed any more. */
static void forget_given_line(struct line_framer *framer)
{
    const struct buf *partial = &framer->partial;

    if (partial->size > 0 && partial->data[partial->size - 1] == '\n')
        buf_trim(&framer->partial, PARTIAL_KEEP);
}

static struct slice without_return(struct slice line)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static enum line_step skip_line(struct line_framer *framer, struct slice *chunk)
{
    const uint8_t *newline = chunk->size > 0 ? memchr(chunk->data, '\n', chunk->size) : NULL;

    if (newline == NULL) {
        *chunk = SLICE_EMPTY;
        return LINE_MORE;
    }
    *chunk = slice_from(*chunk, (size_t)(newline - chunk->data) + 1);
    framer->state = FRAMER_READING;
    return LINE_READY; /* the caller goes on with the next line */
}

static void begin_skipping(struct line_framer *framer)
{
    buf_trim(&framer->partial, 0);
    framer->state = FRAMER_SKIPPING;
}

/* Keeps `size` bytes of the chunk for later. */
static enum line_step gather(struct line_framer *framer, struct slice *chunk, size_t size)
{
    struct error ignored;

    if (size > framer->line_max + 1 - framer->partial.size)
        return LINE_TOO_LARGE;
    if (buf_append(&framer->partial, chunk->data, size, &ignored) != ST_OK)
        return LINE_NO_MEMORY;
    *chunk = slice_from(*chunk, size);
    return LINE_READY;
}

/* The rest of the chunk has no newline. */
static enum line_step keep_rest(struct line_framer *framer, struct slice *chunk)
{
    enum line_step step = LINE_TOO_LARGE;

    if (chunk->size == 0)
        return LINE_MORE;
    if (framer->partial.size + chunk->size <= framer->line_max)
        step = gather(framer, chunk, chunk->size);
    if (step == LINE_READY)
        return LINE_MORE;
    begin_skipping(framer);
    return step;
}

enum line_step line_framer_next(struct line_framer *framer, struct slice *chunk,
                                struct slice *ret_line)
{
    forget_given_line(framer);
    if (framer->state == FRAMER_SKIPPING && skip_line(framer, chunk) == LINE_MORE)
        return LINE_MORE;
    const uint8_t *newline = chunk->size > 0 ? memchr(chunk->data, '\n', chunk->size) : NULL;
    if (newline == NULL)
        return keep_rest(framer, chunk);

    size_t size = (size_t)(newline - chunk->data);
    if (framer->partial.size == 0 && size <= framer->line_max) {
        *ret_line = without_return(slice_of(chunk->data, size));
        *chunk = slice_from(*chunk, size + 1);
        return LINE_READY;
    }
    enum line_step step = gather(framer, chunk, size + 1);
    if (step != LINE_READY) {
        begin_skipping(framer);
        return step;
    }
    *ret_line = without_return(slice_of(framer->partial.data, framer->partial.size - 1));
    return LINE_READY;
}

enum line_step line_framer_end(struct line_framer *framer, struct slice *ret_line)
{
    forget_given_line(framer);
    if (framer->state == FRAMER_SKIPPING || framer->partial.size == 0)
        return LINE_MORE;
    struct slice newline = SLICE("\n");
    if (gather(framer, &newline, 1) != LINE_READY) {
        begin_skipping(framer);
        return LINE_NO_MEMORY;
    }
    *ret_line = without_return(slice_of(framer->partial.data, framer->partial.size - 1));
    return LINE_READY;
}

void line_framer_skip(struct line_framer *framer)
{
    ASSERT(framer->state == FRAMER_READING);
    begin_skipping(framer);
}
