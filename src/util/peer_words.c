/* SPDX-License-Identifier: Apache-2.0 */
/* peer_words.c -- see include/telltale/peer_words.h. */
#include "telltale/peer_words.h"

void peer_words_copy(char *out, size_t out_size, struct slice words)
{
    size_t size = words.size;

    if (size >= out_size) {
        size = out_size - 1;
        while (size > 0 && (words.data[size] & 0xC0) == 0x80)
            size--;
    }
    for (size_t i = 0; i < size; i++) {
        bool is_control = words.data[i] < 0x20 || words.data[i] == 0x7f;
        out[i] = (char)(is_control ? ' ' : words.data[i]);
    }
    while (size > 0 && out[size - 1] == ' ')
        size--; /* what ended a line, most often */
    out[size] = 0;
}
