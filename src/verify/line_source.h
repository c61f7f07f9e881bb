/* SPDX-License-Identifier: Apache-2.0 */
/* line_source.h -- the lines of one file of a store, one at a time, as proof_source.h has those of
 * its proof.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "store/store_source.h"
#include "telltale/buf.h"

struct line_source {
    struct store_source file; /* the caller opens and closes it */
    struct buf text;          /* the caller's as well until line_source_begin() */
    size_t start, scanned;    /* of the next line, in `text` */
    bool is_torn;             /* at the end: there is more behind the last newline */
};

/* Before the first use. */
void line_source_init(struct line_source *source);
void line_source_fini(struct line_source *source);

/* At the first line of the file that was opened. */
void line_source_begin(struct line_source *source);

/* The next whole line, without its '\n'; borrowed until the next call.  ST_NOT_FOUND: there is
 * none; ST_CORRUPT: the file cannot be read on. */
MUST_CHECK enum status line_source_next(struct line_source *source, struct slice *ret,
                                        struct error *err);
