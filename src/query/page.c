/* SPDX-License-Identifier: Apache-2.0 */
/* page.c -- see page.h. */
#include "query/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "query/safe_text.h"

enum { LINES_SHOWN_MAX = 3, COLUMNS_MIN = 20 };

static const char *const ink_codes[] = {"",         "\x1b[2m",  "\x1b[1m",
                                        "\x1b[32m", "\x1b[31m", "\x1b[33m"};

static void put(struct page *page, const void *data, size_t size)
{
    if (page->status == ST_OK)
        page->status = buf_append(page->out, data, size, page->err);
}

static void begin_ink(struct page *page, enum page_ink ink)
{
    if (page->color && ink != INK_PLAIN)
        page_put(page, ink_codes[ink]);
}

static void end_ink(struct page *page, enum page_ink ink)
{
    if (page->color && ink != INK_PLAIN)
        page_put(page, "\x1b[0m");
}

void page_put(struct page *page, const char *text)
{
    put(page, text, strlen(text));
}

void page_put_ink(struct page *page, enum page_ink ink, const char *text)
{
    begin_ink(page, ink);
    page_put(page, text);
    end_ink(page, ink);
}

void page_put_format(struct page *page, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    int size = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ASSERT(size >= 0);
    page_put(page, text);
}

void page_put_number(struct page *page, double number)
{
    page_put_format(page, number > -1e15 && number < 1e15 ? "%.0f" : "%g", number);
}

void page_put_text(struct page *page, struct slice text, size_t columns)
{
    if (page->status == ST_OK) {
        page->status = safe_text_append(page->out, text, page->whole_texts ? 0 : columns,
                                        NEWLINES_ESCAPED, page->err);
    }
}

void page_put_text_ink(struct page *page, enum page_ink ink, struct slice text, size_t columns)
{
    begin_ink(page, ink);
    page_put_text(page, text, columns);
    end_ink(page, ink);
}

void page_put_cell(struct page *page, struct slice text, size_t width)
{
    size_t columns = safe_text_columns(text);

    page_put_text(page, text, width - 1);
    page_put_format(page, "%*s", columns < width ? (int)(width - columns) : 1, "");
}

void page_put_detail(struct page *page, const char *label)
{
    page_put_format(page, "%*s%-*s", PAGE_INDENT, "", PAGE_LABEL_WIDTH, label);
}

void page_put_lines(struct page *page, struct slice text, size_t indent)
{
    size_t shown = 0;

    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        page_put_format(page, "%*s", (int)indent, "");
        if (shown >= LINES_SHOWN_MAX && !page->whole_texts) {
            page_put_ink(page, INK_DIM, "(more: --full shows all)\n");
            return;
        }
        page_put_text(page, slice_of(text.data, size), page_columns_behind(page, indent));
        page_put(page, "\n");
        shown++;
        text = slice_from(text, size + (end != NULL));
    }
}

size_t page_columns_behind(const struct page *page, size_t used)
{
    return page->columns > used + COLUMNS_MIN ? page->columns - used : COLUMNS_MIN;
}
