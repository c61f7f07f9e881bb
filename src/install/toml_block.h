/* SPDX-License-Identifier: Apache-2.0 */
/* toml_block.h -- lines of ours at the end of somebody's TOML file, between two marks.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

/* Puts the block behind the text, or in the place of one of ours that is there.  ST_INVALID: the
 * table that it begins with stands in the text already, outside of the marks. */
MUST_CHECK enum status toml_block_put(struct buf *text, const char *block, struct error *err);

/* Takes it out.  ST_NOT_FOUND: it is not there as it was put. */
MUST_CHECK enum status toml_block_remove(struct buf *text, const char *block, struct error *err);

bool toml_block_is_there(struct slice text);
