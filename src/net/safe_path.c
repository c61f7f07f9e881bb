/* SPDX-License-Identifier: Apache-2.0 */
/* safe_path.c -- see safe_path.h. */
#include "net/safe_path.h"

#include <stdio.h>

#include "telltale/base.h"
#include "util/utf8.h"

enum { ESCAPE_SIZE = 4, MARK_SIZE = 4 /* "..." and the end */ };

static bool is_plain(const uint8_t *at, size_t size)
{
    return size > 0 && *at != '\\' && !utf8_acts(utf8_code_point(at, size));
}

void safe_path_write(struct slice path, char *out, size_t size)
{
    const uint8_t *at = path.size > 0 ? path.data : (const uint8_t *)"";
    const uint8_t *end = at + path.size;
    size_t used = 0;
    size_t cut = 0; /* where the mark can go */

    ASSERT(size >= MARK_SIZE + MARK_SIZE);
    while (at < end) {
        size_t taken = utf8_size(at, end);
        bool plain = is_plain(at, taken);
        size_t needed = plain ? taken : ESCAPE_SIZE;
        if (used + needed >= size) {
            memcpy(out + cut, "...", MARK_SIZE);
            return;
        }
        if (plain)
            memcpy(out + used, at, taken);
        else
            (void)snprintf(out + used, ESCAPE_SIZE + 1, "\\x%02x", *at);
        used += needed;
        at += plain ? taken : 1;
        if (used + MARK_SIZE <= size)
            cut = used;
    }
    out[used] = 0;
}
