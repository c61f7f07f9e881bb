/* SPDX-License-Identifier: Apache-2.0 */
/* config_suggest.h -- "did you mean": the known word that is nearest to a mistyped one.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stddef.h>

struct config_suggestion {
    const char *wrong; /* borrowed */
    const char *best;  /* borrowed; NULL while nothing is near enough */
    size_t distance;
};

/* Usage: { .wrong = ... }, then each known word, then read `best`. */
void config_suggest(struct config_suggestion *suggestion, const char *known);
