/* SPDX-License-Identifier: Apache-2.0 */
/* proofs_found.h -- what can be proved of a small forensic store, found out from its files alone:
 * each line is hashed, and what the proofs, the manifest and the checkpoints say must agree with
 * it.
 *
 * Threads: none of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct proofs_found {
    uint64_t covered;   /* lines that are in the tree */
    uint64_t uncovered; /* lines of files without proof */
    uint64_t tree_size;
    unsigned closed, compressed, deleted; /* lines of the manifest */
    unsigned rewritten;
    uint64_t erased; /* leaves of lines that are gone from their files */
    unsigned states; /* in active.proof */
    unsigned checkpoints;
    unsigned epochs, lost_chains;
    uint64_t signed_size; /* of the last checkpoint */
    char origin[256];
    char trouble[300]; /* the first disagreement, in words; empty: all is well */
};

void proofs_found_read(const char *path, struct proofs_found *ret);
