/* SPDX-License-Identifier: Apache-2.0 */
/* event_line.h -- what a hook was given, as one line of the Unix protocol (docs/PROTOCOL.md,
 * "Hooks").
 *
 * The hook's bytes stand in it as they are when they are one line of JSON; otherwise, or with line
 * breaks in them, as base64, so that every byte arrives.
 *
 * Threads: one owner; the bytes of the line are those of the last that was made.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/slice.h"

enum {
    EVENT_LINE_MAX = 16 << 20,             /* as the daemon takes by default */
    EVENT_HEAD_MAX = 1024,                 /* what stands around the hook's bytes */
    EVENT_PLAIN_MAX = (16 << 20) - 1024,   /* hook's bytes as they are */
    EVENT_ENCODED_MAX = (12 << 20) - 1024, /* hook's bytes in base64; more is cut off */
    EVENT_NAME_MAX = 64,
    EVENT_ID_SIZE = 32, /* hexadecimal digits */
};

struct event_facts {
    const char *dialect;
    const char *event; /* what the command line says of it; NULL: nothing */
    char id[EVENT_ID_SIZE + 1];
    uint64_t unix_ns;
    bool is_cut; /* there was more than is given */
};

struct event_line {
    struct slice parts[3];
    size_t size;
};

/* `hook` is borrowed for as long as `ret` is used. */
void event_line_make(const struct event_facts *facts, struct slice hook, struct event_line *ret);
