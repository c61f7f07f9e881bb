/* SPDX-License-Identifier: Apache-2.0 */
/* line_cutter.c -- see line_cutter.h. */
#include "store/line_cutter.h"

enum { KEPT_PIECES = 4 };

void line_cutter_init(struct line_cutter *cutter, size_t size_max, size_t piece_max)
{
    *cutter = (struct line_cutter){.size_max = size_max, .piece_max = piece_max};
    buf_init(&cutter->text, size_max + 2 * piece_max);
}

void line_cutter_fini(struct line_cutter *cutter)
{
    buf_fini(&cutter->text);
}

void line_cutter_forget(struct line_cutter *cutter)
{
    buf_trim(&cutter->text, KEPT_PIECES * cutter->piece_max);
    cutter->start = 0;
    cutter->scanned = 0;
    cutter->skipping = false;
}

bool line_cutter_is_torn(const struct line_cutter *cutter)
{
    return cutter->text.size > cutter->start || cutter->skipping;
}

/* Cuts the next whole line out of the text that is there. */
static bool take_line(struct line_cutter *cutter, struct slice *ret)
{
    struct buf *text = &cutter->text;

    if (cutter->scanned >= text->size)
        return false;
    const uint8_t *newline =
        memchr(text->data + cutter->scanned, '\n', text->size - cutter->scanned);
    if (newline == NULL) {
        cutter->scanned = text->size;
        return false;
    }
    *ret = slice_of(text->data + cutter->start, (size_t)(newline - text->data) - cutter->start);
    cutter->start += ret->size + 1;
    cutter->scanned = cutter->start;
    cutter->offset += ret->size + 1;
    cutter->number++;
    return true;
}

static enum status too_long(const struct line_cutter *cutter, uint64_t number, struct error *err)
{
    return error_set(err, ST_LIMIT, "line %llu is longer than %zu bytes: skipped",
                     (unsigned long long)number, cutter->size_max);
}

/* Drops the part of a too long line that is there; says so the first time. */
static enum status skip_part(struct line_cutter *cutter, struct error *err)
{
    bool first = !cutter->skipping;

    cutter->offset += cutter->text.size - cutter->start;
    cutter->text.size = cutter->start;
    cutter->scanned = cutter->start;
    cutter->skipping = true;
    return first ? too_long(cutter, cutter->number + 1, err) : ST_NOT_FOUND;
}

enum status line_cutter_next(struct line_cutter *cutter, struct slice *ret, struct error *err)
{
    while (take_line(cutter, ret)) {
        if (!cutter->skipping && ret->size <= cutter->size_max)
            return ST_OK;
        bool told = cutter->skipping;
        cutter->skipping = false;
        if (!told)
            return too_long(cutter, cutter->number, err);
    }
    size_t left = cutter->text.size - cutter->start;
    if (left > cutter->size_max || (cutter->skipping && left > 0))
        return skip_part(cutter, err);
    return ST_NOT_FOUND;
}

enum status line_cutter_make_room(struct line_cutter *cutter, struct error *err)
{
    struct buf *text = &cutter->text;

    if (cutter->start > 0) {
        text->size -= cutter->start;
        memmove(text->data, text->data + cutter->start, text->size);
        cutter->scanned -= cutter->start;
        cutter->start = 0;
    }
    return buf_reserve(text, cutter->piece_max, err);
}
