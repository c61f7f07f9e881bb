/* SPDX-License-Identifier: Apache-2.0 */
/* segment_tail.h -- what stands behind the last valid frame of a segment that has no end mark
 * there.
 *
 * Threads: none of its own; a walker's belongs to whoever has the walker.
 */
#pragma once

#include "journal/segment_scan.h"

/* Whether the bytes [start, end) of a file are all zero; a file that ends before is.  ST_IO: they
 * cannot be read. */
MUST_CHECK enum status segment_tail_is_zero(const struct disk_io *io, int fd, uint64_t start,
                                            uint64_t end, bool *ret, struct error *err);

/* The others look where the walker found its last valid frame to end; what they cannot read is
 * not so. */

/* Whether the end of the file cuts the frame that was to come. */
bool segment_tail_is_cut(const struct segment_scan *scan);

/* Whether an end mark stands there that has suffered only a little. */
bool segment_tail_is_end_mark(const struct segment_scan *scan);
