/* SPDX-License-Identifier: Apache-2.0 */
/* varint.h -- numbers in as few bytes as they need, seven bits a byte, the lowest first.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"

enum { VARINT_SIZE_MAX = 10 };

static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

MUST_CHECK static inline enum status varint_append(struct buf *out, uint64_t value,
                                                   struct error *err)
{
    uint8_t bytes[VARINT_SIZE_MAX];
    return buf_append(out, bytes, (size_t)(varint_put(bytes, value) - bytes), err);
}

/* Takes one off the front of *rest.  False: none stands there. */
static inline bool varint_take(struct slice *rest, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < rest->size && i < VARINT_SIZE_MAX; i++) {
        value |= (uint64_t)(rest->data[i] & 0x7f) << (7 * i);
        if (rest->data[i] < 0x80) {
            *rest = slice_from(*rest, i + 1);
            *ret = value;
            return true;
        }
    }
    return false;
}

/* Differences of either sign as numbers that are small when they are. */
static inline uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t zigzag_back(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}
