/* SPDX-License-Identifier: Apache-2.0 */
/* text_find.h -- whether a short text stands in a long one, as fast as memory gives it.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/slice.h"

/* What is looked for, and the two of its bytes that are the rarest in records: only where both
 * stand the rest is compared. */
struct text_needle {
    struct slice text; /* borrowed; lower case if any_case */
    bool any_case;     /* of ASCII letters */
    size_t rare[2];    /* their places in the text */
};

/* An empty text is found everywhere. */
struct text_needle text_needle_of(struct slice text, bool any_case);

/* Where it stands first, or NULL. */
const uint8_t *text_find(const struct text_needle *needle, struct slice haystack);

/* The same where it is whole: no byte of a word (letters, digits, '_' and bytes above ASCII) stands
 * beside its first or last one if that is one too. */
const uint8_t *text_find_word(const struct text_needle *needle, struct slice haystack);

/* ASCII letters as small ones, all else as it is. */
uint8_t text_lower(uint8_t byte);
