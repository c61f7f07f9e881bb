/* SPDX-License-Identifier: Apache-2.0 */
/* merkle_forest.c -- making the proofs of include/telltale/merkle_proof.h.
 *
 * Nodes are kept by levels, each in order of its place, which is the order of arriving: a node
 * whose left sibling is there makes its parent at once.  So whatever can be known of full subtrees
 * is found by a binary search, and the others, at the right edge of a tree, are folded from at most
 * 63 of those. */
#include <inttypes.h>
#include <stdlib.h>

#include "telltale/merkle_proof.h"

struct forest_node {
    uint64_t place; /* of its level, from the left */
    struct hash hash;
};

struct forest_level {
    struct forest_node *nodes; /* owned */
    size_t count, capacity;
};

struct merkle_forest {
    uint64_t size; /* leaves */
    size_t nodes, nodes_max;
    struct forest_level levels[MERKLE_LEVELS];
};

enum status merkle_forest_create(size_t nodes_max, struct merkle_forest **ret, struct error *err)
{
    struct merkle_forest *forest = calloc(1, sizeof(*forest));

    if (forest == NULL)
        return error_set(err, ST_NO_MEMORY, "a forest");
    forest->nodes_max = nodes_max < MERKLE_FOREST_NODES_MAX ? nodes_max : MERKLE_FOREST_NODES_MAX;
    *ret = forest;
    return ST_OK;
}

void merkle_forest_destroy(struct merkle_forest *forest)
{
    if (forest == NULL)
        return;
    for (size_t i = 0; i < MERKLE_LEVELS; i++)
        free(forest->levels[i].nodes);
    free(forest);
}

uint64_t merkle_forest_size(const struct merkle_forest *forest)
{
    return forest->size;
}

static enum status add_node(struct merkle_forest *forest, unsigned level, uint64_t place,
                            const struct hash *hash, struct error *err)
{
    struct forest_level *nodes = &forest->levels[level];

    if (forest->nodes >= forest->nodes_max)
        return error_set(err, ST_LIMIT, "a proof from more than %zu hashes", forest->nodes_max);
    if (nodes->count == nodes->capacity) {
        size_t capacity = nodes->capacity == 0 ? 16 : 2 * nodes->capacity;
        struct forest_node *grown = reallocarray(nodes->nodes, capacity, sizeof(*grown));
        if (grown == NULL)
            return error_set(err, ST_NO_MEMORY, "%zu hashes of a tree", capacity);
        nodes->nodes = grown;
        nodes->capacity = capacity;
    }
    nodes->nodes[nodes->count++] = (struct forest_node){.place = place, .hash = *hash};
    forest->nodes++;
    return ST_OK;
}

/* Adds a node, and its parents as far as their other halves are there. */
static enum status add_subtree(struct merkle_forest *forest, unsigned level,
                               const struct hash *root, struct error *err)
{
    struct hash hash = *root;
    uint64_t place = forest->size >> level;
    uint64_t end = forest->size + (UINT64_C(1) << level);

    for (;;) {
        enum status st = add_node(forest, level, place, &hash, err);
        if (st != ST_OK)
            return st;
        const struct forest_level *nodes = &forest->levels[level];
        if ((place & 1) == 0 || nodes->count < 2 ||
            nodes->nodes[nodes->count - 2].place != place - 1)
            break;
        merkle_node(&nodes->nodes[nodes->count - 2].hash, &hash, &hash);
        place >>= 1;
        level++;
    }
    forest->size = end;
    return ST_OK;
}

enum status merkle_forest_append_leaf(struct merkle_forest *forest, const struct hash *leaf,
                                      struct error *err)
{
    ASSERT(forest->size < MERKLE_SIZE_MAX);
    return add_subtree(forest, 0, leaf, err);
}

enum status merkle_forest_append_range(struct merkle_forest *forest,
                                       const struct merkle_range *range, struct error *err)
{
    if (!merkle_range_is_sound(range) || range->first != forest->size)
        return error_set(err, ST_INVALID,
                         "leaves %" PRIu64 " to %" PRIu64 " do not follow leaf %" PRIu64,
                         range->first, range->end, forest->size);
    for (size_t i = 0; i < range->count; i++) {
        unsigned level = merkle_level_at(forest->size, range->end);
        enum status st = add_subtree(forest, level, &range->hashes[i], err);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

/* NULL: it is not known. */
static const struct hash *find_node(const struct merkle_forest *forest, unsigned level,
                                    uint64_t place)
{
    const struct forest_level *nodes = &forest->levels[level];
    size_t low = 0, high = nodes->count;

    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (nodes->nodes[at].place < place)
            low = at + 1;
        else
            high = at;
    }
    bool found = low < nodes->count && nodes->nodes[low].place == place;
    return found ? &nodes->nodes[low].hash : NULL;
}

enum status merkle_forest_hash(const struct merkle_forest *forest, uint64_t first, uint64_t end,
                               struct hash *ret, struct error *err)
{
    const struct hash *parts[MERKLE_LEVELS];
    size_t count = 0;

    if (first >= end || end > forest->size)
        return error_set(err, ST_INVALID, "leaves %" PRIu64 " to %" PRIu64 " of %" PRIu64, first,
                         end, forest->size);
    /* Of a node the parts become smaller from left to right. */
    for (unsigned last = MERKLE_LEVELS; first < end; count++) {
        unsigned level = merkle_level_at(first, end);
        if (level >= last)
            return error_set(err, ST_INVALID, "leaves up to %" PRIu64 " are no node", end);
        parts[count] = find_node(forest, level, first >> level);
        if (parts[count] == NULL)
            return error_set(err, ST_NOT_FOUND, "the leaves from %" PRIu64 " on are not known",
                             first);
        first += UINT64_C(1) << level;
        last = level;
    }
    struct hash hash = *parts[count - 1];
    for (size_t i = count - 1; i > 0; i--)
        merkle_node(parts[i - 1], &hash, &hash);
    *ret = hash;
    return ST_OK;
}

static void reverse(struct merkle_path *path)
{
    for (size_t i = 0; i < path->count / 2; i++) {
        struct hash other = path->hashes[i];
        path->hashes[i] = path->hashes[path->count - 1 - i];
        path->hashes[path->count - 1 - i] = other;
    }
}

static enum status add_hash(const struct merkle_forest *forest, uint64_t first, uint64_t end,
                            struct merkle_path *path, struct error *err)
{
    ASSERT(path->count < MERKLE_PATH_MAX);
    enum status st = merkle_forest_hash(forest, first, end, &path->hashes[path->count], err);
    if (st == ST_OK)
        path->count++;
    return st;
}

/* Where the node of the leaves from `first` to `end`, two at least, is divided. */
static uint64_t middle_of(uint64_t first, uint64_t end)
{
    return first + (UINT64_C(1) << (63 - __builtin_clzll(end - first - 1)));
}

enum status merkle_prove_inclusion(const struct merkle_forest *forest, uint64_t index,
                                   uint64_t size, struct merkle_path *ret, struct error *err)
{
    struct merkle_path path = {.count = 0};
    uint64_t first = 0, end = size;
    enum status st = ST_OK;

    if (index >= size || size > forest->size)
        return error_set(err, ST_INVALID, "leaf %" PRIu64 " in a tree of %" PRIu64 ", of %" PRIu64,
                         index, size, forest->size);
    while (end - first > 1 && st == ST_OK) {
        uint64_t middle = middle_of(first, end);
        if (index < middle) {
            st = add_hash(forest, middle, end, &path, err);
            end = middle;
        } else {
            st = add_hash(forest, first, middle, &path, err);
            first = middle;
        }
    }
    if (st != ST_OK)
        return st;
    reverse(&path);
    *ret = path;
    return ST_OK;
}

enum status merkle_prove_consistency(const struct merkle_forest *forest, uint64_t old_size,
                                     uint64_t new_size, struct merkle_path *ret, struct error *err)
{
    struct merkle_path path = {.count = 0};
    uint64_t first = 0, end = new_size;
    enum status st = ST_OK;

    if (old_size > new_size || new_size > forest->size)
        return error_set(err, ST_INVALID,
                         "trees of %" PRIu64 " and %" PRIu64 " leaves, of %" PRIu64, old_size,
                         new_size, forest->size);
    /* Down to the node that ends where the old tree did; what begins at 0 is that tree itself. */
    while (old_size > 0 && old_size != end && st == ST_OK) {
        uint64_t middle = middle_of(first, end);
        if (old_size <= middle) {
            st = add_hash(forest, middle, end, &path, err);
            end = middle;
        } else {
            st = add_hash(forest, first, middle, &path, err);
            first = middle;
        }
    }
    if (st == ST_OK && first > 0)
        st = add_hash(forest, first, end, &path, err);
    if (st != ST_OK)
        return st;
    reverse(&path);
    *ret = path;
    return ST_OK;
}
