/* SPDX-License-Identifier: Apache-2.0 */
/* line_source.c -- see line_source.h. */
#include "verify/line_source.h"

#include "telltale/store_file.h"

enum { CHUNK_SIZE = 512 << 10, KEPT_CHUNKS = 8 };

void line_source_init(struct line_source *source)
{
    *source = (struct line_source){.start = 0};
    store_source_init(&source->file);
    buf_init(&source->text, (size_t)STORE_LINE_SIZE_MAX + (size_t)2 * CHUNK_SIZE);
}

void line_source_fini(struct line_source *source)
{
    store_source_fini(&source->file);
    buf_fini(&source->text);
}

void line_source_begin(struct line_source *source)
{
    buf_trim(&source->text, (size_t)KEPT_CHUNKS * CHUNK_SIZE);
    buf_clear(&source->text);
    source->start = 0;
    source->scanned = 0;
    source->is_torn = false;
}

/* ST_NOT_FOUND: the end of the file. */
static enum status read_more(struct line_source *source, struct error *err)
{
    struct buf *text = &source->text;
    size_t got = 0;

    if (source->start > 0) {
        text->size -= source->start;
        memmove(text->data, text->data + source->start, text->size);
        source->start = 0;
    }
    source->scanned = text->size;
    if (text->size > STORE_LINE_SIZE_MAX)
        return error_set(err, ST_CORRUPT, "a line is longer than %d bytes", STORE_LINE_SIZE_MAX);
    enum status st = buf_reserve(text, CHUNK_SIZE, err);
    if (st == ST_OK)
        st = store_source_read(&source->file, text->data + text->size, CHUNK_SIZE, &got, err);
    if (st != ST_OK)
        return st;
    text->size += got;
    return got > 0 ? ST_OK : ST_NOT_FOUND;
}

enum status line_source_next(struct line_source *source, struct slice *ret, struct error *err)
{
    struct buf *text = &source->text;

    for (;;) {
        const uint8_t *newline =
            source->scanned < text->size
                ? memchr(text->data + source->scanned, '\n', text->size - source->scanned)
                : NULL;
        if (newline != NULL) {
            *ret = slice_of(text->data + source->start,
                            (size_t)(newline - text->data) - source->start);
            source->start += ret->size + 1;
            source->scanned = source->start;
            return ST_OK;
        }
        enum status st = read_more(source, err);
        if (st == ST_NOT_FOUND)
            source->is_torn = text->size > 0;
        if (st != ST_OK)
            return st;
    }
}
