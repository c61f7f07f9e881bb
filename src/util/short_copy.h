/* SPDX-License-Identifier: Apache-2.0 */
/* short_copy.h -- copying the few bytes that names and numbers have, in line.
 *
 * A document is put together of a hundred such pieces, and a call of memcpy() costs more than they
 * do.  Two loads that overlap cover every size between one and two of their width, so that nothing
 * outside of the bytes is read or written.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SHORT_COPY_WIDTH_MAX ((size_t)32)

/* The thread sanitizer sees each access, and gcc then warns of those that are never made. */
#if defined(__SANITIZE_THREAD__)
#define SHORT_COPY_IS_PLAIN 1
#else
#define SHORT_COPY_IS_PLAIN 0
#endif

/* `size` is from `width` to twice that. */
static inline __attribute__((always_inline)) void copy_both_ends(uint8_t *to, const uint8_t *from,
                                                                 size_t size, size_t width)
{
    uint8_t first[SHORT_COPY_WIDTH_MAX], last[SHORT_COPY_WIDTH_MAX];

    memcpy(first, from, width);
    memcpy(last, from + size - width, width);
    memcpy(to, first, width);
    memcpy(to + size - width, last, width);
}

/* memcpy() that is best when most sizes are below 64. */
static inline __attribute__((always_inline)) void short_copy(uint8_t *to, const uint8_t *from,
                                                             size_t size)
{
    if (SHORT_COPY_IS_PLAIN || __builtin_constant_p(size) || size > 2 * SHORT_COPY_WIDTH_MAX) {
        memcpy(to, from, size);
    } else if (size > 32) {
        copy_both_ends(to, from, size, 32);
    } else if (size >= 16) {
        copy_both_ends(to, from, size, 16);
    } else if (size >= 8) {
        copy_both_ends(to, from, size, 8);
    } else if (size >= 4) {
        copy_both_ends(to, from, size, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}
