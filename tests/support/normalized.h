/* SPDX-License-Identifier: Apache-2.0 */
/* normalized.h -- a record and what the normalizer laid behind it, for tests. */
#pragma once

#include "normalize/normalize.h"

enum { NORMALIZED_ATTRIBUTES_MAX = 1100 };

struct normalized {
    struct buf bytes;         /* owned: the record, then what was appended */
    size_t record_size;       /* of the record alone */
    struct record_view whole; /* both, as a reader sees them */
    struct record_view ours;  /* what was appended */
    struct attribute_view whole_attributes[NORMALIZED_ATTRIBUTES_MAX];
    struct attribute_view our_attributes[NORMALIZED_ATTRIBUTES_MAX];
};

/* A record arrives over `transport`; the test ends when it cannot be normalized.  Free with
 * normalized_destroy(). */
struct normalized *normalized_make(struct normalizer *normalizer,
                                   const struct normalize_input *input);

/* The same of a record whose first `record_size` bytes were its sender's; `record` is copied. */
struct normalized *normalized_read(struct slice record, size_t record_size);
void normalized_destroy(struct normalized *normalized);

/* The text at `key`, as a reader finds it by the rule of docs/SCHEMA.md: the longest chain of
 * agent.norm. before the key, and of several the last.  Empty when there is none. */
struct slice normalized_text(const struct normalized *normalized, const char *key);

/* The same for a value; NULL when there is none. */
const struct any_view *normalized_value(const struct normalized *normalized, const char *key);

/* Whether agent.norm.errors, as the reader finds it, lists `key`. */
bool normalized_lists_error(const struct normalized *normalized, const char *key);
