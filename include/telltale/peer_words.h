/* SPDX-License-Identifier: Apache-2.0 */
/* peer_words.h -- what a peer says, made fit for log lines.  Implemented in src/util/.
 *
 * Threads: a pure function.
 */
#pragma once

#include "telltale/slice.h"

/* Copies `words`, cut at the end of a character, control bytes as spaces, without those at the end,
 * NUL-terminated. */
void peer_words_copy(char *out, size_t out_size, struct slice words);
