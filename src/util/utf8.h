/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h -- characters of a text in UTF-8, as strict as RFC 3629: nothing overlong, no surrogates,
 * nothing beyond U+10FFFF.
 *
 * In line, as these stand in the loops over everything that agents send.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/slice.h"

/* True for the bytes of a character behind its first one. */
static inline bool utf8_is_tail(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Bytes of the character that begins at `at`; 0 when none does, or when it is cut short.
 * `at` < `end`. */
static inline size_t utf8_size(const uint8_t *at, const uint8_t *end)
{
    size_t room = (size_t)(end - at);
    uint8_t lead = at[0];

    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4 || room < 2 || !utf8_is_tail(at[1]))
        return 0;
    if (lead < 0xE0)
        return 2;
    if (room < 3 || !utf8_is_tail(at[2]))
        return 0;
    if (lead < 0xF0) {
        bool overlong = lead == 0xE0 && at[1] < 0xA0;
        bool surrogate = lead == 0xED && at[1] > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (room < 4 || !utf8_is_tail(at[3]))
        return 0;
    bool overlong = lead == 0xF0 && at[1] < 0x90;
    bool beyond = lead == 0xF4 && at[1] > 0x8F;
    return overlong || beyond ? 0 : 4;
}

/* Whether all of `text` is characters. */
static inline bool utf8_is_text(struct slice text)
{
    for (size_t at = 0; at < text.size;) {
        size_t size = utf8_size(text.data + at, text.data + text.size);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

/* The code point of the character at `at`, whose `size` utf8_size() told. */
static inline uint32_t utf8_code_point(const uint8_t *at, size_t size)
{
    uint32_t value = size == 1 ? at[0] : at[0] & (0x7FU >> size);

    for (size_t i = 1; i < size; i++)
        value = value << 6 | (at[i] & 0x3FU);
    return value;
}

/* True for characters that act instead of being seen: controls of both sets, marks that turn the
 * direction of writing, those without width, and tags.  None of them may reach a terminal. */
static inline bool utf8_acts(uint32_t code_point)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (code_point >= ranges[i][0] && code_point <= ranges[i][1])
            return true;
    }
    return false;
}

/* Bytes that utf8_put() writes for it. */
static inline size_t utf8_size_of(uint32_t code_point)
{
    if (code_point < 0x80)
        return 1;
    if (code_point < 0x800)
        return 2;
    return code_point < 0x10000 ? 3 : 4;
}

/* Writes the character and returns where it ends.  Whether the code point is one, the caller
 * knows. */
static inline uint8_t *utf8_put(uint8_t *out, uint32_t code_point)
{
    switch (utf8_size_of(code_point)) {
    case 1:
        *out++ = (uint8_t)code_point;
        return out;
    case 2:
        *out++ = (uint8_t)(0xC0 | code_point >> 6);
        break;
    case 3:
        *out++ = (uint8_t)(0xE0 | code_point >> 12);
        *out++ = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
        break;
    default:
        *out++ = (uint8_t)(0xF0 | code_point >> 18);
        *out++ = (uint8_t)(0x80 | (code_point >> 12 & 0x3F));
        *out++ = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
        break;
    }
    *out++ = (uint8_t)(0x80 | (code_point & 0x3F));
    return out;
}
