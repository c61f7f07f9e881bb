/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h -- where the answers of the command go: how wide it is, what it shows, and writing to
 * it.
 *
 * Threads: the main thread.
 */
#pragma once

#include "query/page.h"

/* The width of the terminal on stdout, or a usual one. */
size_t terminal_columns(void);

/* Whether stdout shows colours. */
bool terminal_has_color(void);

/* A page for stdout.  `out` and `err` are borrowed; what is in `out` at the end is for
 * stdout_write(). */
struct page terminal_page(struct buf *out, struct error *err);

/* Writes to stdout.  ST_STOPPING: whoever read it is gone; ST_IO. */
MUST_CHECK enum status stdout_write(struct slice text, struct error *err);
