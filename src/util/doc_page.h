/* SPDX-License-Identifier: Apache-2.0 */
/* doc_page.h -- a page of the documentation that is written from tables.
 *
 * The first failure sticks to the page; what follows does nothing.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

enum { DOC_LINE_SIZE_MAX = 2048 };

struct doc_page {
    struct buf *out; /* borrowed */
    enum status status;
    struct error *err;
};

/* Up to DOC_LINE_SIZE_MAX bytes: our own tables are short. */
void doc_put(struct doc_page *page, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Of any length. */
void doc_put_text(struct doc_page *page, const char *text);
