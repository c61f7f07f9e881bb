/* SPDX-License-Identifier: Apache-2.0 */
/* line_cutter.h -- whole lines out of bytes that come in pieces.
 *
 * Threads: one owner.
 */
#pragma once

#include "telltale/buf.h"

struct line_cutter {
    struct buf text;  /* bytes that are not given yet, from `start` on */
    size_t start;     /* of the next line */
    size_t scanned;   /* up to here there is no newline */
    uint64_t number;  /* of the last line */
    uint64_t offset;  /* where the next line begins in the file, uncompressed */
    bool skipping;    /* within a line that is too long */
    size_t size_max;  /* of a line */
    size_t piece_max; /* the most that is added at once */
};

void line_cutter_init(struct line_cutter *cutter, size_t size_max, size_t piece_max);
void line_cutter_fini(struct line_cutter *cutter);

/* Drops what is there, and begins with a line again; number and offset stay. */
void line_cutter_forget(struct line_cutter *cutter);

/* Whether a part of a line is left. */
bool line_cutter_is_torn(const struct line_cutter *cutter);

/* The next line, without its '\n'; borrowed until more is added.  ST_NOT_FOUND: more has to be
 * added.  ST_LIMIT: it is too long and passed over; told once a line. */
MUST_CHECK enum status line_cutter_next(struct line_cutter *cutter, struct slice *ret,
                                        struct error *err);

/* Room for `piece_max` bytes behind what is there.  Who writes there adds to `text.size`. */
MUST_CHECK enum status line_cutter_make_room(struct line_cutter *cutter, struct error *err);
