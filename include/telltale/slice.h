/* SPDX-License-Identifier: Apache-2.0 */
/* slice.h -- bytes that somebody else owns.
 *
 * A slice borrows: it is good for as long as the buffer it points into stays where it is.
 * The bytes are not a C string: there may be no NUL behind them and there may be some within.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* borrowed; may be NULL when size is 0 */
    size_t size;         /* bytes */
};

/* A slice over a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){(const uint8_t *)(literal), sizeof(literal) - 1})

#define SLICE_EMPTY ((struct slice){NULL, 0})

/* For printf's "%.*s". */
#define SLICE_ARG(slice) (int)(slice).size, (const char *)(slice).data

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){data, size};
}

static inline struct slice slice_of_text(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_starts_with(struct slice slice, struct slice prefix)
{
    return slice.size >= prefix.size &&
           (prefix.size == 0 || memcmp(slice.data, prefix.data, prefix.size) == 0);
}

/* The part from `start`, empty when `start` is behind the end. */
static inline struct slice slice_from(struct slice slice, size_t start)
{
    return start < slice.size ? slice_of(slice.data + start, slice.size - start) : SLICE_EMPTY;
}
