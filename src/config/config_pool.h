/* SPDX-License-Identifier: Apache-2.0 */
/* config_pool.h -- the memory of one configuration: allocated piece by piece, freed at once.
 *
 * It has a hard limit, so that no file, however made, takes more.  A failure is remembered:
 * code that builds may skip what it could not allocate and ask once at the end.
 *
 * Threads: none of its own; one owner at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "telltale/base.h"

struct config_pool {
    struct config_pool_block *blocks; /* owned, newest first */
    size_t allocated;                 /* bytes asked of the system */
    size_t limit;
    bool failed; /* some allocation was refused */
};

void config_pool_init(struct config_pool *pool, size_t limit);
void config_pool_fini(struct config_pool *pool);

/* Zeroed and aligned for any type; NULL when refused, and `failed` is set. */
MUST_CHECK void *config_pool_alloc(struct config_pool *pool, size_t size);

/* A copy with a NUL behind it. */
MUST_CHECK char *config_pool_copy(struct config_pool *pool, const char *text, size_t size);

MUST_CHECK char *config_pool_printf(struct config_pool *pool, const char *fmt, ...)
    PRINTF_LIKE(2, 3);
