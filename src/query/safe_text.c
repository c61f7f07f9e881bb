/* SPDX-License-Identifier: Apache-2.0 */
/* safe_text.c -- see safe_text.h. */
#include "query/safe_text.h"

#include <stdio.h>

#include "util/utf8.h"

/* Writes one character into `shown` and tells how many bytes of the text it was. */
static size_t show_one(struct slice text, enum safe_text_newlines newlines, char shown[16],
                       size_t *ret_shown_size)
{
    size_t size = utf8_size(text.data, text.data + text.size);
    uint32_t value = size > 0 ? utf8_code_point(text.data, size) : 0;
    int written;

    if (size == 0) {
        written = snprintf(shown, 16, "\\x%02x", text.data[0]);
        size = 1;
    } else if (value == '\n' && newlines == NEWLINES_KEPT) {
        written = snprintf(shown, 16, "\n");
    } else if (value == '\n') {
        written = snprintf(shown, 16, "\\n");
    } else if (value == '\t') {
        written = snprintf(shown, 16, newlines == NEWLINES_KEPT ? "    " : " ");
    } else if (utf8_acts(value)) {
        written = snprintf(shown, 16, value < 0x100 ? "\\x%02x" : "\\u{%x}", value);
    } else {
        memcpy(shown, text.data, size);
        written = (int)size;
    }
    *ret_shown_size = (size_t)written;
    return size;
}

static size_t columns_of(const char *shown, size_t size)
{
    return (uint8_t)shown[0] >= 0x80 ? 1 : size;
}

/* Where the text must be cut so that it and an ellipsis fit. */
static size_t cut_at(struct slice text, size_t columns_max, enum safe_text_newlines newlines)
{
    size_t columns = 0;
    size_t fits = 0;
    size_t at = 0;

    while (at < text.size) {
        char shown[16];
        size_t shown_size = 0;
        size_t size = show_one(slice_from(text, at), newlines, shown, &shown_size);
        columns += columns_of(shown, shown_size);
        if (columns > columns_max)
            return fits;
        at += size;
        if (columns < columns_max)
            fits = at;
    }
    return text.size;
}

enum status safe_text_append(struct buf *out, struct slice text, size_t columns_max,
                             enum safe_text_newlines newlines, struct error *err)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t end = columns_max == 0 ? text.size : cut_at(text, columns_max, newlines);

    for (size_t at = 0; at < end;) {
        char shown[16];
        size_t shown_size = 0;
        at += show_one(slice_from(text, at), newlines, shown, &shown_size);
        enum status st = buf_append(out, shown, shown_size, err);
        if (st != ST_OK)
            return st;
    }
    if (end == text.size)
        return ST_OK;
    return buf_append(out, ellipsis, sizeof(ellipsis) - 1, err);
}

size_t safe_text_columns(struct slice text)
{
    size_t columns = 0;

    for (size_t at = 0; at < text.size;) {
        char shown[16];
        size_t shown_size = 0;
        at += show_one(slice_from(text, at), NEWLINES_ESCAPED, shown, &shown_size);
        columns += columns_of(shown, shown_size);
    }
    return columns;
}
