/* SPDX-License-Identifier: Apache-2.0 */
/* note_text.c -- see note_text.h. */
#include "integrity/note_text.h"

#include "util/utf8.h"

bool note_text_is_good(struct slice text)
{
    const uint8_t *end = text.data + text.size;

    for (const uint8_t *at = text.data; at < end;) {
        size_t size = utf8_size(at, end);
        if (size == 0 || (*at < 0x20 && *at != '\n'))
            return false;
        at += size;
    }
    return true;
}

bool note_text_take_line(struct slice *rest, struct slice *ret)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;

    if (end == NULL)
        return false;
    *ret = slice_of(rest->data, (size_t)(end - rest->data));
    *rest = slice_from(*rest, ret->size + 1);
    return true;
}

bool note_text_number(struct slice text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.size == 0 || text.size > 19 || (text.size > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        value = value * 10 + digit; /* 19 digits stay below 2^64 */
    }
    *ret = value;
    return value <= INT64_MAX;
}
