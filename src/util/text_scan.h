/* SPDX-License-Identifier: Apache-2.0 */
/* text_scan.h -- finding the bytes of a text that need a closer look.
 *
 * Nothing here reads outside of what it is given: there is no padding behind the bytes that arrive
 * from outside.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* For the few functions that a call would cost more than they do. */
#define HOT_INLINE static inline __attribute__((always_inline))

/* True for what may stand in a JSON string as it is and is one character: ASCII without
 * controls, quote and backslash. */
static inline int text_byte_is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The first byte in [at, end) that is not plain, or `end`. */
HOT_INLINE const uint8_t *text_plain_end(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');

    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        /* The comparison is signed: bytes from 0x80 up are below the space too. */
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(bytes, space),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask != 0)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#endif
    while (at < end && text_byte_is_plain(*at))
        at++;
    return at;
}

/* Copies [at, end) up to the first backslash or `end`, which it returns; *out moves along.  Bytes
 * may be read up to `readable`, and 16 bytes more than are copied may be written. */
HOT_INLINE const uint8_t *text_copy_to_backslash(uint8_t **out, const uint8_t *at,
                                                 const uint8_t *end, const uint8_t *readable)
{
    uint8_t *to = *out;
#ifdef __SSE2__
    const __m128i backslash = _mm_set1_epi8('\\');

    while (at < end && readable - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslash));
        size_t size = mask != 0 ? (size_t)__builtin_ctz(mask) : 16;
        size_t rest = (size_t)(end - at);
        _mm_storeu_si128((__m128i *)to, bytes);
        if (size >= rest || size < 16) {
            size = size < rest ? size : rest;
            *out = to + size;
            return at + size;
        }
        at += 16;
        to += 16;
    }
#endif
    while (at < end && *at != '\\')
        *to++ = *at++;
    *out = to;
    return at;
}

/* Bytes of the UTF-8 sequence that begins at `at`, 0 when it is none: cut short, overlong, a
 * surrogate or beyond U+10FFFF.  `at` < `end`. */
static inline size_t text_utf8_size(const uint8_t *at, const uint8_t *end)
{
    size_t room = (size_t)(end - at);
    uint8_t lead = at[0];

    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4 || room < 2 || (at[1] & 0xC0) != 0x80)
        return 0;
    if (lead < 0xE0)
        return 2;
    if (room < 3 || (at[2] & 0xC0) != 0x80)
        return 0;
    if (lead < 0xF0) {
        if ((lead == 0xE0 && at[1] < 0xA0) || (lead == 0xED && at[1] > 0x9F))
            return 0;
        return 3;
    }
    if (room < 4 || (at[3] & 0xC0) != 0x80)
        return 0;
    if ((lead == 0xF0 && at[1] < 0x90) || (lead == 0xF4 && at[1] > 0x8F))
        return 0;
    return 4;
}
