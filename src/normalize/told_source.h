/* SPDX-License-Identifier: Apache-2.0 */
/* told_source.h -- what a record says of the agent that sent it.
 *
 * Threads: that of the mapping.
 */
#pragma once

#include "normalize/mapping.h"
#include "normalize/normalize.h"

/* Fills the texts of `source` that are empty, by the present record; what was appended for it
 * begins at `start` of m->out. */
void told_source_fill(struct normalized_source *source, const struct mapping *m, size_t start);
