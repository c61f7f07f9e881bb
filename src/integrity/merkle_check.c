/* SPDX-License-Identifier: Apache-2.0 */
/* merkle_check.c -- the checks of include/telltale/merkle_proof.h.
 *
 * Inclusion and consistency go as RFC 9162 says (2.1.3.2, 2.1.4.2): `at` and `last` are a node's
 * place and that of the last node in its level, and both move up together. */
#include <inttypes.h>

#include "telltale/merkle_proof.h"

struct climb {
    uint64_t at, last;
};

/* The next hash stands to the left of the node. */
static bool is_left(const struct climb *climb)
{
    return (climb->at & 1) != 0 || climb->at == climb->last;
}

/* Behind a hash from the left: a node without sibling is its own parent. */
static void skip_single(struct climb *climb)
{
    while ((climb->at & 1) == 0 && climb->at != 0) {
        climb->at >>= 1;
        climb->last >>= 1;
    }
}

static void rise(struct climb *climb)
{
    climb->at >>= 1;
    climb->last >>= 1;
}

enum status merkle_check_inclusion(const struct hash *leaf, uint64_t index, uint64_t size,
                                   const struct merkle_path *path, const struct hash *root,
                                   struct error *err)
{
    struct hash hash = *leaf;

    if (index >= size || size > MERKLE_SIZE_MAX || path->count > MERKLE_PATH_MAX)
        return error_set(err, ST_INVALID, "a tree of %" PRIu64 " leaves has no leaf %" PRIu64, size,
                         index);
    struct climb climb = {index, size - 1};
    for (size_t i = 0; i < path->count; i++) {
        if (climb.last == 0)
            return error_set(err, ST_INVALID, "a proof with too many hashes");
        if (is_left(&climb)) {
            merkle_node(&path->hashes[i], &hash, &hash);
            skip_single(&climb);
        } else {
            merkle_node(&hash, &path->hashes[i], &hash);
        }
        rise(&climb);
    }
    if (climb.last != 0)
        return error_set(err, ST_INVALID, "a proof with too few hashes");
    if (!hash_equal(&hash, root))
        return error_set(err, ST_CORRUPT, "leaf %" PRIu64 " is not in the tree of %" PRIu64, index,
                         size);
    return ST_OK;
}

/* Where nothing is to be computed: from an empty tree, and between equal ones. */
static enum status check_trivial(uint64_t old_size, const struct hash *old_root,
                                 const struct hash *new_root, const struct merkle_path *path,
                                 struct error *err)
{
    const struct hash empty = hash_bytes(SLICE_EMPTY);

    if (path->count != 0)
        return error_set(err, ST_INVALID, "a proof with too many hashes");
    if (!hash_equal(old_root, old_size == 0 ? &empty : new_root))
        return error_set(err, ST_CORRUPT, "two roots of a tree of %" PRIu64 " leaves", old_size);
    return ST_OK;
}

enum status merkle_check_consistency(uint64_t old_size, const struct hash *old_root,
                                     uint64_t new_size, const struct hash *new_root,
                                     const struct merkle_path *path, struct error *err)
{
    if (old_size > new_size || new_size > MERKLE_SIZE_MAX || path->count > MERKLE_PATH_MAX)
        return error_set(err, ST_INVALID, "a tree of %" PRIu64 " leaves cannot begin with %" PRIu64,
                         new_size, old_size);
    if (old_size == 0 || old_size == new_size)
        return check_trivial(old_size, old_root, new_root, path, err);
    /* A full old tree is itself a node of the new one, so its root is not in the proof. */
    bool is_full = (old_size & (old_size - 1)) == 0;
    if (!is_full && path->count == 0)
        return error_set(err, ST_INVALID, "a proof with too few hashes");
    struct hash old_hash = is_full ? *old_root : path->hashes[0];
    struct hash new_hash = old_hash;
    struct climb climb = {old_size - 1, new_size - 1};
    while ((climb.at & 1) != 0)
        rise(&climb);
    for (size_t i = is_full ? 0 : 1; i < path->count; i++) {
        if (climb.last == 0)
            return error_set(err, ST_INVALID, "a proof with too many hashes");
        if (is_left(&climb)) {
            merkle_node(&path->hashes[i], &old_hash, &old_hash);
            merkle_node(&path->hashes[i], &new_hash, &new_hash);
            skip_single(&climb);
        } else {
            merkle_node(&new_hash, &path->hashes[i], &new_hash);
        }
        rise(&climb);
    }
    if (climb.last != 0)
        return error_set(err, ST_INVALID, "a proof with too few hashes");
    if (!hash_equal(&old_hash, old_root) || !hash_equal(&new_hash, new_root))
        return error_set(err, ST_CORRUPT,
                         "the tree of %" PRIu64 " leaves does not begin with that of %" PRIu64,
                         new_size, old_size);
    return ST_OK;
}

/* --- Sets of leaves -------------------------------------------------------------------------- */

/* The leaves [first, end) of a node, and which of the set are among them. */
struct set_node {
    uint64_t first, end;
    const uint64_t *indices;
    size_t count;
};

static void split(const struct set_node *node, struct set_node *left, struct set_node *right)
{
    uint64_t middle =
        node->first + (UINT64_C(1) << (63 - __builtin_clzll(node->end - node->first - 1)));
    size_t low = 0, high = node->count;

    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (node->indices[at] < middle)
            low = at + 1;
        else
            high = at;
    }
    *left = (struct set_node){node->first, middle, node->indices, low};
    *right = (struct set_node){middle, node->end, node->indices + low, node->count - low};
}

static enum status check_indices(const uint64_t *indices, size_t count, uint64_t size,
                                 struct error *err)
{
    if (size > MERKLE_SIZE_MAX)
        return error_set(err, ST_INVALID, "no tree has %" PRIu64 " leaves", size);
    for (size_t i = 0; i < count; i++) {
        if (indices[i] >= size || (i > 0 && indices[i] <= indices[i - 1]))
            return error_set(err, ST_INVALID,
                             "leaf %" PRIu64 " is not in order, or not in the tree", indices[i]);
    }
    return ST_OK;
}

struct part_list {
    struct merkle_part *parts;
    size_t count, max;
};

/* As deep as the tree: at most MERKLE_LEVELS. */
static void list_parts(struct part_list *list, const struct set_node *node)
{
    struct set_node left, right;

    if (node->count == 0) {
        if (list->count < list->max)
            list->parts[list->count] = (struct merkle_part){node->first, node->end};
        list->count++;
        return;
    }
    if (node->end - node->first == 1)
        return;
    split(node, &left, &right);
    list_parts(list, &left);
    list_parts(list, &right);
}

enum status merkle_set_parts(const uint64_t *indices, size_t count, uint64_t size,
                             struct merkle_part *parts, size_t max, size_t *ret_count,
                             struct error *err)
{
    struct part_list list = {.parts = parts, .max = max};
    const struct set_node root = {0, size, indices, count};

    enum status st = check_indices(indices, count, size, err);
    if (st != ST_OK)
        return st;
    if (size > 0)
        list_parts(&list, &root);
    *ret_count = list.count;
    return ST_OK;
}

struct set_proof {
    const struct hash *leaves; /* the next one */
    const struct hash *hashes;
    size_t left;
};

/* False: there are too few hashes. */
static bool fold(struct set_proof *proof, const struct set_node *node, struct hash *ret)
{
    struct set_node left, right;
    struct hash left_hash, right_hash;

    if (node->count == 0) {
        if (proof->left == 0)
            return false;
        proof->left--;
        *ret = *proof->hashes++;
        return true;
    }
    if (node->end - node->first == 1) {
        *ret = *proof->leaves++;
        return true;
    }
    split(node, &left, &right);
    if (!fold(proof, &left, &left_hash) || !fold(proof, &right, &right_hash))
        return false;
    merkle_node(&left_hash, &right_hash, ret);
    return true;
}

enum status merkle_check_set(const uint64_t *indices, const struct hash *leaves, size_t count,
                             uint64_t size, const struct hash *proof, size_t proof_count,
                             const struct hash *root, struct error *err)
{
    struct set_proof rest = {.leaves = leaves, .hashes = proof, .left = proof_count};
    const struct set_node whole = {0, size, indices, count};
    struct hash hash = hash_bytes(SLICE_EMPTY);

    enum status st = check_indices(indices, count, size, err);
    if (st != ST_OK)
        return st;
    if (size > 0 && !fold(&rest, &whole, &hash))
        return error_set(err, ST_INVALID, "a proof with too few hashes");
    if (rest.left != 0)
        return error_set(err, ST_INVALID, "a proof with too many hashes");
    if (!hash_equal(&hash, root))
        return error_set(err, ST_CORRUPT, "the %zu leaves are not in the tree of %" PRIu64, count,
                         size);
    return ST_OK;
}
