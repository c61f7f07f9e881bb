/* SPDX-License-Identifier: Apache-2.0 */
/* zeroed_array.h -- arrays that grow; their new items are zero.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stddef.h>

#include "telltale/error.h"

/* Makes room for `count` items of `item_size` bytes.  *array is NULL, with *capacity 0, or came
 * from here, and is for free(). */
MUST_CHECK enum status zeroed_array_reserve(void **array, size_t *capacity, size_t count,
                                            size_t item_size, struct error *err);
