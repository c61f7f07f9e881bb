/* SPDX-License-Identifier: Apache-2.0 */
/* unix_lines_fuzz.c -- the framing of the Unix protocol.  The first byte says how the rest is cut
 * into chunks; whatever the cut, the lines must be those that stand in the stream. */
#include <stdlib.h>

#include "receivers/line_framer.h"

enum { LINE_LIMIT = 48 };

/* The stream's lines one after another, each with what became of it before it. */
struct transcript {
    struct buf text;
};

static void note(struct transcript *transcript, enum line_step step, struct slice line)
{
    struct error err;
    uint8_t mark = (uint8_t)step;

    ASSERT(step != LINE_READY || line.size <= LINE_LIMIT);
    enum status st = buf_append(&transcript->text, &mark, 1, &err);
    if (st == ST_OK && step == LINE_READY)
        st = buf_append(&transcript->text, line.data, line.size, &err);
    ASSERT(st == ST_OK);
}

static void run(struct slice stream, size_t chunk_max, struct transcript *transcript)
{
    struct line_framer framer;
    struct slice line = SLICE_EMPTY;

    line_framer_init(&framer, LINE_LIMIT);
    while (stream.size > 0) {
        size_t size = stream.size < chunk_max ? stream.size : chunk_max;
        /* On the heap and of just this size, so that a step beyond its end is seen. */
        uint8_t *copy = malloc(size);
        ASSERT(copy != NULL);
        memcpy(copy, stream.data, size);
        struct slice chunk = slice_of(copy, size);
        enum line_step step = line_framer_next(&framer, &chunk, &line);
        while (step != LINE_MORE) {
            note(transcript, step, line);
            step = line_framer_next(&framer, &chunk, &line);
        }
        ASSERT(chunk.size == 0 && line_framer_held(&framer) <= LINE_LIMIT + 1);
        free(copy);
        stream = slice_from(stream, size);
    }
    enum line_step step = line_framer_end(&framer, &line);
    if (step != LINE_MORE)
        note(transcript, step, line);
    line_framer_fini(&framer);
}

/* The same, by the rules: what stands between newlines, and behind the last one. */
static void expect(struct slice stream, struct transcript *transcript)
{
    while (stream.size > 0) {
        const uint8_t *newline = memchr(stream.data, '\n', stream.size);
        size_t size = newline != NULL ? (size_t)(newline - stream.data) : stream.size;
        bool has_return = size > 0 && stream.data[size - 1] == '\r';
        note(transcript, size > LINE_LIMIT ? LINE_TOO_LARGE : LINE_READY,
             slice_of(stream.data, size - has_return));
        stream = slice_from(stream, newline != NULL ? size + 1 : size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transcript expected;
    struct transcript whole;
    struct transcript cut;

    if (size < 2)
        return 0;
    buf_init(&expected.text, 1 << 24);
    buf_init(&whole.text, 1 << 24);
    buf_init(&cut.text, 1 << 24);
    struct slice stream = slice_of(data + 1, size - 1);
    expect(stream, &expected);
    run(stream, stream.size, &whole);
    run(stream, (size_t)(data[0] % 64) + 1, &cut);
    ASSERT(slice_equal(buf_slice(&expected.text), buf_slice(&whole.text)));
    ASSERT(slice_equal(buf_slice(&expected.text), buf_slice(&cut.text)));
    buf_fini(&expected.text);
    buf_fini(&whole.text);
    buf_fini(&cut.text);
    return 0;
}
