/* SPDX-License-Identifier: Apache-2.0 */
/* store_found.h -- what a reader finds in a small forensic store: which records, and whether every
 * line is whole and in its place.
 *
 * Threads: none of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { STORE_FOUND_MAX = 256 };

struct store_found {
    uint64_t count;
    uint64_t first, last;           /* sequence numbers; 0: nothing */
    bool is_there[STORE_FOUND_MAX]; /* by sequence number */
    unsigned torn;                  /* lines that are no records, files that are damaged */
    unsigned repeated;              /* records that came before */
    unsigned disordered;            /* records that stand behind larger ones */
    char trouble[300];              /* the first of these, in words; empty: all is well */
};

void store_found_read(const char *path, struct store_found *ret);
