/* SPDX-License-Identifier: Apache-2.0 */
/* closed_lines.c -- see telltale/closed_lines.h. */
#include "telltale/closed_lines.h"

#include <stdlib.h>

#include "store/store_source.h"
#include "telltale/buf.h"
#include "telltale/store_file.h"

enum { CHUNK_SIZE = 256 << 10, KEEP_SIZE = 4 << 20 };

struct closed_lines {
    struct store_source source;
    struct buf text; /* bytes that are not given yet, from `start` on */
    size_t start;
    size_t scanned; /* up to here there is no newline */
};

enum status closed_lines_open(int dir_fd, const char *name, bool is_compressed,
                              struct closed_lines **ret, struct error *err)
{
    struct closed_lines *lines = calloc(1, sizeof(*lines));
    if (lines == NULL)
        return error_set(err, ST_NO_MEMORY, "read '%s'", name);
    store_source_init(&lines->source);
    buf_init(&lines->text, STORE_LINE_SIZE_MAX + (size_t)2 * CHUNK_SIZE);
    enum status st = store_source_open(&lines->source, dir_fd, name, is_compressed, err);
    if (st != ST_OK) {
        closed_lines_close(lines);
        return st;
    }
    *ret = lines;
    return ST_OK;
}

void closed_lines_close(struct closed_lines *lines)
{
    if (lines == NULL)
        return;
    store_source_fini(&lines->source);
    buf_fini(&lines->text);
    free(lines);
}

/* Reads more of the file behind the part of a line that is there.  ST_NOT_FOUND: its end. */
static enum status read_more(struct closed_lines *lines, struct error *err)
{
    struct buf *text = &lines->text;
    size_t got;

    if (lines->start > 0) {
        text->size -= lines->start;
        memmove(text->data, text->data + lines->start, text->size);
        lines->scanned -= lines->start;
        lines->start = 0;
    }
    if (text->size == 0) {
        buf_trim(text, KEEP_SIZE);
        lines->scanned = 0;
    }
    enum status st = buf_reserve(text, CHUNK_SIZE, err);
    if (st == ST_OK)
        st = store_source_read(&lines->source, text->data + text->size, CHUNK_SIZE, &got, err);
    if (st != ST_OK)
        return st;
    text->size += got;
    if (got > 0)
        return ST_OK;
    return text->size == 0 ? ST_NOT_FOUND : error_set(err, ST_CORRUPT, "ends within a line");
}

enum status closed_lines_next(struct closed_lines *lines, struct slice *ret, struct error *err)
{
    struct buf *text = &lines->text;

    for (;;) {
        const uint8_t *newline = NULL;
        if (lines->scanned < text->size)
            newline = memchr(text->data + lines->scanned, '\n', text->size - lines->scanned);
        if (newline != NULL) {
            *ret = slice_of(text->data + lines->start,
                            (size_t)(newline + 1 - text->data) - lines->start);
            lines->start += ret->size;
            lines->scanned = lines->start;
            return ST_OK;
        }
        lines->scanned = text->size;
        enum status st = read_more(lines, err);
        if (st != ST_OK)
            return st;
    }
}
