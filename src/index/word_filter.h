/* SPDX-License-Identifier: Apache-2.0 */
/* word_filter.h -- a set of words in twelve bits a word, that says of one other word in two hundred
 * that it has it: a Bloom filter whose bits of one word are in one group of 32 bytes.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"

enum { WORD_FILTER_WORDS_MAX = 1 << 20 };

/* Appends the filter of `count` words, at least one and at most WORD_FILTER_WORDS_MAX.  Those that
 * are in it more than once only make it larger. */
MUST_CHECK enum status word_filter_append(const uint32_t *words, size_t count, struct buf *out,
                                          struct error *err);

/* Whether `word` may be in it.  True of bytes that are no filter. */
bool word_filter_has(struct slice filter, uint32_t word);
