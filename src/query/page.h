/* SPDX-License-Identifier: Apache-2.0 */
/* page.h -- writing text for people: ink, columns, and nothing that acts on a terminal.
 *
 * A page keeps the first failure of a write and ignores what follows, so that those who write
 * on it read as a list of what is shown.
 *
 * Threads: one owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "telltale/buf.h"
#include "telltale/error.h"

enum page_ink { INK_PLAIN, INK_DIM, INK_BOLD, INK_GOOD, INK_BAD, INK_ODD };

struct page {
    struct buf *out; /* borrowed */
    bool color;
    bool whole_texts; /* texts are not cut */
    size_t columns;   /* width of the terminal */
    enum status status;
    struct error *err; /* borrowed; set when `status` is not ST_OK */
};

/* As it is: for words of ours. */
void page_put(struct page *page, const char *text);
void page_put_ink(struct page *page, enum page_ink ink, const char *text);

/* At most 511 bytes, or what is longer is cut: for numbers and words of ours. */
void page_put_format(struct page *page, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A count, or a number of an agent's: rounded, and short whatever it is. */
void page_put_number(struct page *page, double number);

/* A text of an agent's, made safe for a terminal, on one line, cut to `columns` (0: whole). */
void page_put_text(struct page *page, struct slice text, size_t columns);
void page_put_text_ink(struct page *page, enum page_ink ink, struct slice text, size_t columns);

/* The same, cut or padded with blanks to `width`, the last of which is always a blank. */
void page_put_cell(struct page *page, struct slice text, size_t width);

/* The beginning of a line below an event: what the rest of it is about. */
enum { PAGE_INDENT = 16, PAGE_LABEL_WIDTH = 10 };
void page_put_detail(struct page *page, const char *label);

/* A text of several lines: the first few, each behind `indent` blanks; all with whole_texts. */
void page_put_lines(struct page *page, struct slice text, size_t indent);

/* What is left of a line behind `used` columns; never less than is needed to say something. */
size_t page_columns_behind(const struct page *page, size_t used);
