/* SPDX-License-Identifier: Apache-2.0 */
/* doc_page.c -- see doc_page.h. */
#include "util/doc_page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void doc_put(struct doc_page *page, const char *fmt, ...)
{
    char line[DOC_LINE_SIZE_MAX];
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    ASSERT(size >= 0 && (size_t)size < sizeof(line));
    if (page->status == ST_OK)
        page->status = buf_append(page->out, line, (size_t)size, page->err);
}

void doc_put_text(struct doc_page *page, const char *text)
{
    if (page->status == ST_OK)
        page->status = buf_append(page->out, text, strlen(text), page->err);
}
