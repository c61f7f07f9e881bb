/* SPDX-License-Identifier: Apache-2.0 */
/* text_scan.h -- finding the bytes of a text that need a closer look, and copying short runs.
 *
 * Nothing here reads or writes outside of what it is given: there is no padding behind the
 * bytes that arrive from outside.
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

/* True for what may stand in a JSON string as it is and is one character: ASCII without
 * controls, quote and backslash. */
static inline int text_byte_is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The first byte in [at, end) that is not plain, or `end`. */
static inline const uint8_t *text_plain_end(const uint8_t *at, const uint8_t *end)
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

/* memcpy for what is mostly short: up to 32 bytes as two overlapping halves, without a call.
 * Returns the end of what it wrote. */
static inline uint8_t *text_copy(uint8_t *out, const uint8_t *from, size_t size)
{
    if (size > 32)
        return (uint8_t *)memcpy(out, from, size) + size;
    if (size >= 16) {
        uint8_t head[16];
        uint8_t tail[16];
        memcpy(head, from, 16);
        memcpy(tail, from + size - 16, 16);
        memcpy(out, head, 16);
        memcpy(out + size - 16, tail, 16);
    } else if (size >= 8) {
        uint64_t head;
        uint64_t tail;
        memcpy(&head, from, 8);
        memcpy(&tail, from + size - 8, 8);
        memcpy(out, &head, 8);
        memcpy(out + size - 8, &tail, 8);
    } else if (size >= 4) {
        uint32_t head;
        uint32_t tail;
        memcpy(&head, from, 4);
        memcpy(&tail, from + size - 4, 4);
        memcpy(out, &head, 4);
        memcpy(out + size - 4, &tail, 4);
    } else if (size > 0) {
        out[0] = from[0];
        out[size / 2] = from[size / 2];
        out[size - 1] = from[size - 1];
    }
    return out + size;
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
