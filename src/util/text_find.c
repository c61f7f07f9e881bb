/* SPDX-License-Identifier: Apache-2.0 */
/* text_find.c -- see text_find.h.
 *
 * Sixteen places are looked at together, for two bytes of the needle each.  In vectors of the
 * compiler's, which every processor has.  Rejected: memmem(), which knows one case only and takes
 * any byte of the needle for as rare as another. */
#include "util/text_find.h"

#include <string.h>

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

enum { STEP = sizeof(bytes16) };

uint8_t text_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static bool is_letter(uint8_t byte)
{
    return text_lower(byte) >= 'a' && text_lower(byte) <= 'z';
}

/* Of the bytes of a line of a store: the more, the rarer. */
static int rarity(uint8_t byte)
{
    if (strchr("\"aeionrtsl:,{}", byte) != NULL)
        return 0;
    if (strchr("cdmpugyvk. _-01", byte) != NULL)
        return 1;
    if (byte >= 'a' && byte <= 'z')
        return 2;
    return byte >= '2' && byte <= '9' ? 2 : 3;
}

/* Of bytes that are equally rare, the last: the ids of a day begin alike, with its time. */
struct text_needle text_needle_of(struct slice text, bool any_case)
{
    struct text_needle needle = {.text = text, .any_case = any_case};

    for (size_t i = 1; i < text.size; i++) {
        if (rarity(text.data[i]) >= rarity(text.data[needle.rare[0]]))
            needle.rare[0] = i;
    }
    needle.rare[1] = needle.rare[0] > 0 ? 0 : text.size - (text.size > 0);
    for (size_t i = 0; i < text.size; i++) {
        if (i != needle.rare[0] && rarity(text.data[i]) >= rarity(text.data[needle.rare[1]]))
            needle.rare[1] = i;
    }
    return needle;
}

static bool stands_at(const struct text_needle *needle, const uint8_t *at)
{
    if (!needle->any_case)
        return memcmp(at, needle->text.data, needle->text.size) == 0;
    for (size_t i = 0; i < needle->text.size; i++) {
        if (text_lower(at[i]) != needle->text.data[i])
            return false;
    }
    return true;
}

static bytes16 load(const uint8_t *at)
{
    bytes16 bytes;

    memcpy(&bytes, at, sizeof(bytes));
    return bytes;
}

/* The bit that tells the cases of a letter apart, where they are one. */
static uint8_t case_bit(const struct text_needle *needle, uint8_t byte)
{
    return needle->any_case && is_letter(byte) ? 0x20 : 0;
}

const uint8_t *text_find(const struct text_needle *needle, struct slice haystack)
{
    size_t size = needle->text.size;

    if (size == 0)
        return haystack.data;
    if (haystack.size < size)
        return NULL;
    size_t places = haystack.size - size + 1;
    const uint8_t *at = haystack.data;
    const uint8_t *end = at + places;
    uint8_t a = needle->text.data[needle->rare[0]], b = needle->text.data[needle->rare[1]];
    uint8_t fold_a = case_bit(needle, a), fold_b = case_bit(needle, b);
    for (; end - at >= STEP; at += STEP) {
        bytes16 there = (bytes16)((load(at + needle->rare[0]) | fold_a) == a) &
                        (bytes16)((load(at + needle->rare[1]) | fold_b) == b);
        words2 any = (words2)there;
        if ((any[0] | any[1]) == 0)
            continue;
        for (size_t i = 0; i < STEP; i++) {
            if (there[i] != 0 && stands_at(needle, at + i))
                return at + i;
        }
    }
    for (; at < end; at++) {
        if ((at[needle->rare[0]] | fold_a) == a && stands_at(needle, at))
            return at;
    }
    return NULL;
}

static bool is_of_word(uint8_t byte)
{
    return byte >= 0x80 || byte == '_' || is_letter(byte) || (byte >= '0' && byte <= '9');
}

const uint8_t *text_find_word(const struct text_needle *needle, struct slice haystack)
{
    size_t size = needle->text.size;
    const uint8_t *end = haystack.data + haystack.size, *found;
    struct slice rest = haystack;

    if (size == 0)
        return haystack.data;
    while ((found = text_find(needle, rest)) != NULL) {
        bool is_within =
            (found > haystack.data && is_of_word(found[-1]) && is_of_word(found[0])) ||
            (found + size < end && is_of_word(found[size - 1]) && is_of_word(found[size]));
        if (!is_within)
            return found;
        rest = slice_of(found + 1, (size_t)(end - found) - 1);
    }
    return NULL;
}
