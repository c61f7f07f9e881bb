/* SPDX-License-Identifier: Apache-2.0 */
/* ack_lines.h -- the answers of the daemon on a Unix connection, as they come in pieces.
 *
 * Threads: one owner at a time.  An answer that is none aborts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "support/marks.h"

struct ack_lines {
    char text[16384]; /* what has come and is not a line yet */
    size_t size;
    uint64_t handled;          /* the last ack */
    struct number_set refused; /* events that an error names */
    uint64_t errors_lost;      /* as the daemon says */
    uint64_t other_errors;     /* about the connection */
    char last_error[256];
};

/* Reads once from `fd`, not blocking if `flags` say so.  What recv(2) gave. */
ptrdiff_t ack_lines_read(struct ack_lines *lines, int fd, int flags);
void ack_lines_fini(struct ack_lines *lines);
