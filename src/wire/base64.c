/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/base64.h"

static int base64_digit(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    if (byte == '+' || byte == '-')
        return 62;
    return byte == '/' || byte == '_' ? 63 : -1;
}

bool base64_decode(uint8_t *bytes, size_t size, size_t *ret_size)
{
    uint32_t bits = 0;
    size_t out = 0;

    for (int padding = 0; padding < 2 && size > 0 && bytes[size - 1] == '='; padding++)
        size--;
    for (size_t i = 0; i < size; i++) {
        int digit = base64_digit(bytes[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        /* Of each four digits the second, third and fourth complete a byte. */
        if (i % 4 != 0)
            bytes[out++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    *ret_size = out;
    return size % 4 != 1;
}
