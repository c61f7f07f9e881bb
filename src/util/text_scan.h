/* SPDX-License-Identifier: Apache-2.0 */
/* text_scan.h -- what the bytes of a text are, and which of them need a closer look.
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

enum { TEXT_STEP = 16 }; /* bytes that are looked at together */

/* True for what may stand in a JSON string as it is and is one character: ASCII without
 * controls, quote and backslash. */
static inline int text_byte_is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* What a hexadecimal digit of either case is worth; -1: it is none. */
static inline int text_hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

#ifdef __SSE2__
/* A bit for each of 16 bytes that is not plain. */
HOT_INLINE unsigned text_special_mask(const uint8_t *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    /* The comparison is signed: bytes from 0x80 up are below the space too. */
    __m128i others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(others, _mm_or_si128(quotes, backslashes)));
}
#endif

/* The first byte in [at, end) that is not plain, or `end`.  Bytes may be read from `start` on. */
HOT_INLINE const uint8_t *text_plain_end(const uint8_t *start, const uint8_t *at,
                                         const uint8_t *end)
{
#ifdef __SSE2__
    while (end - at >= TEXT_STEP) {
        unsigned mask = text_special_mask(at);
        if (mask != 0)
            return at + __builtin_ctz(mask);
        at += TEXT_STEP;
    }
    if (end - start >= TEXT_STEP) {
        /* The last bytes once more, without those before `at`; a bit ends the search at `end`. */
        unsigned rest = (unsigned)(end - at);
        unsigned mask = text_special_mask(end - TEXT_STEP) >> (TEXT_STEP - rest);
        return at + __builtin_ctz(mask | 1U << rest);
    }
#endif
    (void)start; /* only vectors look back */
    while (at < end && text_byte_is_plain(*at))
        at++;
    return at;
}

/* Copies [at, end) up to the first backslash or `end`, which it returns; *out moves along.  Bytes
 * may be read up to `readable`, and TEXT_STEP bytes more than are copied may be written. */
HOT_INLINE const uint8_t *text_copy_to_backslash(uint8_t **out, const uint8_t *at,
                                                 const uint8_t *end, const uint8_t *readable)
{
    uint8_t *to = *out;
#ifdef __SSE2__
    const __m128i backslash = _mm_set1_epi8('\\');

    while (at < end && readable - at >= TEXT_STEP) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslash));
        if (end - at < TEXT_STEP)
            mask |= 1U << (end - at);
        _mm_storeu_si128((__m128i *)to, bytes);
        if (mask != 0) {
            *out = to + __builtin_ctz(mask);
            return at + __builtin_ctz(mask);
        }
        at += TEXT_STEP;
        to += TEXT_STEP;
    }
#endif
    while (at < end && *at != '\\')
        *to++ = *at++;
    *out = to;
    return at;
}

/* True for what words are made of: ASCII letters and digits, '_', and all that is not ASCII. */
static inline int text_byte_is_word(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           byte >= 0x80;
}

enum { TEXT_WORD_STEP = 64 };

/* A bit for each of 64 bytes that words are made of. */
HOT_INLINE uint64_t text_word_mask(const uint8_t *at)
{
    uint64_t mask = 0;
#ifdef __SSE2__
    for (unsigned i = 0; i < TEXT_WORD_STEP; i += TEXT_STEP) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(at + i));
        __m128i letters = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        /* Comparisons are signed, so that what is not ASCII is in neither range. */
        __m128i words = _mm_and_si128(_mm_cmpgt_epi8(letters, _mm_set1_epi8('a' - 1)),
                                      _mm_cmplt_epi8(letters, _mm_set1_epi8('z' + 1)));
        __m128i digits = _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('0' - 1)),
                                       _mm_cmplt_epi8(bytes, _mm_set1_epi8('9' + 1)));
        words = _mm_or_si128(words, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')));
        words = _mm_or_si128(words, _mm_or_si128(digits, bytes));
        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(words) << i;
    }
#else
    for (unsigned i = 0; i < TEXT_WORD_STEP; i++)
        mask |= (uint64_t)(text_byte_is_word(at[i]) != 0) << i;
#endif
    return mask;
}
