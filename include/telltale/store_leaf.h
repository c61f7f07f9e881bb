/* SPDX-License-Identifier: Apache-2.0 */
/* store_leaf.h -- how a line of the store becomes a leaf of its tree (docs/INTEGRITY.md, "The
 * tree"). Implemented in src/integrity/.
 *
 * Threads: pure functions, but for store_seed_make().
 */
#pragma once

#include "telltale/error.h"
#include "telltale/hash.h"

enum { STORE_SALT_SIZE = 16, STORE_SEED_SIZE = 32, STORE_ENTRY_SIZE = 41 };

/* A secret of one file: whoever has it, can find out lines by guessing.  To be wiped. */
struct store_seed {
    uint8_t bytes[STORE_SEED_SIZE];
};

struct store_salt {
    uint8_t bytes[STORE_SALT_SIZE];
};

/* From the kernel's random numbers.  ST_IO: it gives none. */
MUST_CHECK enum status store_seed_make(struct store_seed *ret, struct error *err);

/* Overwrites it, which the compiler may not leave out. */
void store_seed_wipe(struct store_seed *seed);

/* `index` is that of the line in the tree, not in its file. */
void store_salt_derive(const struct store_seed *seed, uint64_t index, struct store_salt *ret);

/* `line` without its '\n'. */
void store_commit(const struct store_salt *salt, struct slice line, struct hash *ret);

/* What other logs would call the entry: it may be shown to everybody. */
void store_entry_put(uint64_t sequence, const struct hash *commitment,
                     uint8_t out[STORE_ENTRY_SIZE]);

void store_leaf_of_commitment(uint64_t sequence, const struct hash *commitment, struct hash *ret);

/* Salt, commitment, entry and leaf in one.  The salt can be derived again, so it is not given back.
 */
void store_leaf_of_line(const struct store_seed *seed, uint64_t index, uint64_t sequence,
                        struct slice line, struct hash *ret);

/* The same where the seed is gone and the salt was kept. */
void store_leaf_of_salted_line(const struct store_salt *salt, uint64_t sequence, struct slice line,
                               struct hash *ret);
