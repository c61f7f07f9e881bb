/* SPDX-License-Identifier: Apache-2.0 */
/* merkle_proof.h -- proofs about an RFC 6962 tree, and checking them (RFC 9162, 2.1.3 and 2.1.4).
 * Implemented in src/integrity/.
 *
 * Who makes proofs fills a forest, from left to right: with the leaves of the files that the proof
 * is about, and with compact ranges for all others.  Who checks needs none of it.
 *
 * Threads: one owner at a time; the checks are pure functions.
 */
#pragma once

#include "telltale/error.h"
#include "telltale/merkle_range.h"

enum {
    MERKLE_PATH_MAX = 64,              /* hashes of an inclusion or consistency proof */
    MERKLE_FOREST_NODES_MAX = 1 << 25, /* of a forest, 40 bytes each; 16 million leaves */
};

struct merkle_path {
    size_t count;
    struct hash hashes[MERKLE_PATH_MAX];
};

/* --- Checking ----------------------------------------------------------------------------------
 */

/* ST_CORRUPT: the leaf is not at `index` of the tree that has this root.  ST_INVALID: no such
 * proof can exist: index or number of hashes do not fit the size. */
MUST_CHECK enum status merkle_check_inclusion(const struct hash *leaf, uint64_t index,
                                              uint64_t size, const struct merkle_path *path,
                                              const struct hash *root, struct error *err);

/* That the tree of `new_size` begins with that of `old_size`.  From 0 everything follows, with an
 * empty proof. ST_CORRUPT, ST_INVALID likewise. */
MUST_CHECK enum status merkle_check_consistency(uint64_t old_size, const struct hash *old_root,
                                                uint64_t new_size, const struct hash *new_root,
                                                const struct merkle_path *path, struct error *err);

/* --- Making ------------------------------------------------------------------------------------
 */

struct merkle_forest;

/* Empty, at leaf 0, with room for `nodes_max` hashes, at most MERKLE_FOREST_NODES_MAX.  On ST_OK
 * the caller owns *ret. */
MUST_CHECK enum status merkle_forest_create(size_t nodes_max, struct merkle_forest **ret,
                                            struct error *err);
void merkle_forest_destroy(struct merkle_forest *forest); /* accepts NULL */

/* How many leaves it covers. */
uint64_t merkle_forest_size(const struct merkle_forest *forest);

/* ST_LIMIT: too many nodes; ST_NO_MEMORY: behind both the forest may only be destroyed.
 * ST_INVALID: the range does not begin at merkle_forest_size(). */
MUST_CHECK enum status merkle_forest_append_leaf(struct merkle_forest *forest,
                                                 const struct hash *leaf, struct error *err);
MUST_CHECK enum status merkle_forest_append_range(struct merkle_forest *forest,
                                                  const struct merkle_range *range,
                                                  struct error *err);

/* The hash of the RFC 6962 tree over the leaves [first, end), which must be a node of the tree of
 * `end` leaves or a full subtree.  ST_NOT_FOUND: it lies within a range whose leaves were not
 * given. */
MUST_CHECK enum status merkle_forest_hash(const struct merkle_forest *forest, uint64_t first,
                                          uint64_t end, struct hash *ret, struct error *err);

/* Of leaf `index` in the tree of `size` leaves.  ST_INVALID, ST_NOT_FOUND. */
MUST_CHECK enum status merkle_prove_inclusion(const struct merkle_forest *forest, uint64_t index,
                                              uint64_t size, struct merkle_path *ret,
                                              struct error *err);

MUST_CHECK enum status merkle_prove_consistency(const struct merkle_forest *forest,
                                                uint64_t old_size, uint64_t new_size,
                                                struct merkle_path *ret, struct error *err);

/* --- Many leaves at once -----------------------------------------------------------------------
 */

/* The proof of a set of leaves is the hashes of all subtrees that have none of them and whose
 * sibling has some, from left to right: of 1000 neighbours 20 hashes or so instead of 20,000. */

struct merkle_part {
    uint64_t first, end; /* leaves of one node of the tree of `size` leaves */
};

/* Writes the first `max` of the nodes that are needed for the leaves `indices`, in ascending order,
 * each once; *ret_count is how many there are altogether, at most 63 for each leaf and 1 when there
 * is none.  ST_INVALID: the indices are not in order or not below `size`. */
MUST_CHECK enum status merkle_set_parts(const uint64_t *indices, size_t count, uint64_t size,
                                        struct merkle_part *parts, size_t max, size_t *ret_count,
                                        struct error *err);

/* ST_CORRUPT: the leaves are not those at `indices` of the tree with this root.  ST_INVALID: the
 * number of hashes is not that of merkle_set_parts(), or indices as there. */
MUST_CHECK enum status merkle_check_set(const uint64_t *indices, const struct hash *leaves,
                                        size_t count, uint64_t size, const struct hash *proof,
                                        size_t proof_count, const struct hash *root,
                                        struct error *err);
