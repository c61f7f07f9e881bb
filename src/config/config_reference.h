/* SPDX-License-Identifier: Apache-2.0 */
/* config_reference.h -- texts that stand elsewhere: ${env:NAME}, ${file:/path}, ${run_dir}
 * and ${state_dir}.  config_parse.h says where they may be used.
 *
 * Threads: pure functions, but for the environment and the files that are read.
 */
#pragma once

#include "config/config_dirs.h"
#include "config/config_pool.h"
#include "telltale/slice.h"

enum { CONFIG_SECRET_SIZE_MAX = 64 * 1024 };

/* Replaces a reference; any other text is copied.  *ret is in the pool.  ST_INVALID: it does
 * not exist or cannot be used; ST_NO_MEMORY. */
MUST_CHECK enum status config_reference_resolve(struct config_pool *pool,
                                                const struct config_dirs *dirs, const char *text,
                                                const char **ret, struct error *err);
