/* SPDX-License-Identifier: Apache-2.0 */
/* strict_base64.c -- see strict_base64.h. */
#include "integrity/strict_base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

enum { PADDING = 64 }; /* its place among the digits */

static int digit_value(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    if (byte == '+')
        return 62;
    return byte == '/' ? 63 : -1;
}

void base64_put(struct slice bytes, char *out)
{
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        uint32_t bits = (uint32_t)bytes.data[at] << 16;
        bits |= left > 1 ? (uint32_t)bytes.data[at + 1] << 8 : 0;
        bits |= left > 2 ? bytes.data[at + 2] : 0;
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = digits[left > 1 ? bits >> 6 & 63 : PADDING];
        *out++ = digits[left > 2 ? bits & 63 : PADDING];
    }
}

/* Decodes to `out` unless that is NULL. */
static bool decode(struct slice text, uint8_t *out, size_t *ret_size)
{
    size_t padding = 0, written = 0;
    uint32_t bits = 0;

    if (text.size % 4 != 0)
        return false;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.size - padding; i++) {
        int value = digit_value(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 == 0)
            continue; /* of each four digits the others complete a byte */
        if (out != NULL)
            out[written] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
        written++;
    }
    *ret_size = written;
    /* One sign of padding leaves two bits over, two leave four. */
    return (bits & ((1U << (2 * padding)) - 1)) == 0;
}

bool base64_check(struct slice text, size_t *ret_size)
{
    return decode(text, NULL, ret_size);
}

bool base64_take(struct slice text, uint8_t *out, size_t size)
{
    size_t got;

    return text.size == base64_size(size) && decode(text, NULL, &got) && got == size &&
           decode(text, out, &got);
}
