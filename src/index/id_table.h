/* SPDX-License-Identifier: Apache-2.0 */
/* id_table.h -- for each id of a part of a file, the frames that have it.
 *
 * Threads: pure functions.
 */
#pragma once

#include "index/pair_list.h"
#include "telltale/buf.h"
#include "telltale/frame_set.h"

/* Appends the table of the ids in `pairs`, which are sorted; places are frames of the part, which
 * has `frame_count`.  `unknown`, a bit for each, are the frames that may have any id. */
MUST_CHECK enum status id_table_append(const struct pair_list *pairs, const uint64_t *unknown,
                                       size_t frame_count, struct buf *out, struct error *err);

/* Adds the frames that have the id with this hash to `set`, in which the part begins at
 * `first_frame`; of a table that is damaged, all of the part. */
void id_table_find(struct slice table, uint64_t hash, size_t first_frame, size_t frame_count,
                   struct frame_set *set);
