/* SPDX-License-Identifier: Apache-2.0 */
/* batch_copy.h -- a batch with bytes of its own, so that the reader that it came from can go on.
 *
 * Threads: one owner.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/error.h"

struct batch_copy {
    uint8_t *memory; /* owned; records, groups, then their bytes */
    size_t capacity;
};

/* Fills `copy` (zeroed before its first use) and makes `ret` a batch that borrows from it until the
 * next call.  ST_NO_MEMORY. */
MUST_CHECK enum status batch_copy_fill(struct batch_copy *copy, const struct batch *batch,
                                       struct batch *ret, struct error *err);

/* Gives the memory back; it may be filled again. */
void batch_copy_clear(struct batch_copy *copy);
