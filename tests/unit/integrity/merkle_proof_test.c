/* SPDX-License-Identifier: Apache-2.0 */
/* merkle_proof_test.c -- proofs are those that RFC 6962 defines, the checks of RFC 9162 accept
 * them, and nothing else: for all sizes, all leaves and all pairs of sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/leaves.h"
#include "support/random_otlp.h"

enum { SIZES = 300, DEFINED_SIZES = 70, FILE_LEAVES = 37, SET_ROUNDS = 400 };

static struct error err;
static struct hash roots[SIZES + 1];

static struct merkle_forest *forest_of(uint64_t size)
{
    struct merkle_forest *forest;
    assert_int_equal(merkle_forest_create(MERKLE_FOREST_NODES_MAX, &forest, &err), ST_OK);
    for (uint64_t i = 0; i < size; i++) {
        struct hash leaf = leaf_made(i);
        assert_int_equal(merkle_forest_append_leaf(forest, &leaf, &err), ST_OK);
    }
    return forest;
}

static int make_roots(void **state)
{
    static struct merkle_range range;
    (void)state;
    merkle_range_init(&range, 0);
    for (uint64_t i = 0; i <= SIZES; i++) {
        struct hash leaf = leaf_made(i);
        merkle_range_root(&range, &roots[i]);
        merkle_range_append_leaf(&range, &leaf);
    }
    return 0;
}

static void assert_path(const struct merkle_path *path, const struct merkle_path *expected)
{
    assert_int_equal(path->count, expected->count);
    assert_memory_equal(path->hashes, expected->hashes, path->count * sizeof(struct hash));
}

static void test_proofs_are_those_of_the_definition(void **state)
{
    static struct merkle_path path, expected;
    struct merkle_forest *forest = forest_of(DEFINED_SIZES);
    (void)state;
    for (uint64_t size = 1; size <= DEFINED_SIZES; size++) {
        for (uint64_t at = 0; at < size; at += 1 + size / 16) {
            assert_int_equal(merkle_prove_inclusion(forest, at, size, &path, &err), ST_OK);
            leaves_path(at, size, &expected);
            assert_path(&path, &expected);
            assert_int_equal(merkle_prove_consistency(forest, at, size, &path, &err), ST_OK);
            leaves_proof(at, size, &expected);
            assert_path(&path, &expected);
        }
    }
    merkle_forest_destroy(forest);
}

/* Every other hash, order or count is refused. */
static void spoil_inclusion(const struct hash *leaf, uint64_t index, uint64_t size,
                            struct merkle_path *path)
{
    const struct hash *root = &roots[size];
    for (size_t i = 0; i < path->count; i++) {
        path->hashes[i].bytes[i % HASH_SIZE] ^= 1;
        assert_int_equal(merkle_check_inclusion(leaf, index, size, path, root, &err), ST_CORRUPT);
        path->hashes[i].bytes[i % HASH_SIZE] ^= 1;
    }
    path->count++;
    assert_int_equal(merkle_check_inclusion(leaf, index, size, path, root, &err), ST_INVALID);
    path->count--;
    if (path->count > 0) {
        path->count--;
        assert_int_equal(merkle_check_inclusion(leaf, index, size, path, root, &err), ST_INVALID);
        path->count++;
    }
    struct hash other = leaf_made(index + 1);
    assert_int_equal(merkle_check_inclusion(&other, index, size, path, root, &err), ST_CORRUPT);
    assert_int_not_equal(merkle_check_inclusion(leaf, index ^ 1, size, path, root, &err), ST_OK);
    assert_int_equal(merkle_check_inclusion(leaf, index, size, path, &roots[size - 1], &err),
                     ST_CORRUPT);
}

static void test_every_leaf_is_found_in_every_tree_and_nowhere_else(void **state)
{
    static struct merkle_path path;
    struct merkle_forest *forest = forest_of(SIZES);
    (void)state;
    for (uint64_t size = 1; size <= SIZES; size++) {
        for (uint64_t i = 0; i < size; i++) {
            struct hash leaf = leaf_made(i);
            assert_int_equal(merkle_prove_inclusion(forest, i, size, &path, &err), ST_OK);
            assert_int_equal(merkle_check_inclusion(&leaf, i, size, &path, &roots[size], &err),
                             ST_OK);
            if (size % 29 == 0 || size < 9)
                spoil_inclusion(&leaf, i, size, &path);
        }
        path.count = 0;
        assert_int_equal(merkle_check_inclusion(&roots[0], size, size, &path, &roots[size], &err),
                         ST_INVALID);
    }
    merkle_forest_destroy(forest);
}

static void spoil_consistency(uint64_t old_size, uint64_t new_size, struct merkle_path *path)
{
    const struct hash *old_root = &roots[old_size], *new_root = &roots[new_size];
    struct hash wrong = leaf_made(1000);
    for (size_t i = 0; i < path->count; i++) {
        path->hashes[i].bytes[i % HASH_SIZE] ^= 0x80;
        assert_int_equal(
            merkle_check_consistency(old_size, old_root, new_size, new_root, path, &err),
            ST_CORRUPT);
        path->hashes[i].bytes[i % HASH_SIZE] ^= 0x80;
    }
    path->count++;
    assert_int_equal(merkle_check_consistency(old_size, old_root, new_size, new_root, path, &err),
                     ST_INVALID);
    path->count--;
    if (path->count > 0) {
        path->count--;
        assert_int_equal(
            merkle_check_consistency(old_size, old_root, new_size, new_root, path, &err),
            ST_INVALID);
        path->count++;
    }
    assert_int_equal(merkle_check_consistency(old_size, &wrong, new_size, new_root, path, &err),
                     ST_CORRUPT);
    if (old_size > 0)
        assert_int_equal(merkle_check_consistency(old_size, old_root, new_size, &wrong, path, &err),
                         ST_CORRUPT);
}

static void test_every_tree_begins_with_every_smaller_one(void **state)
{
    static struct merkle_path path;
    struct merkle_forest *forest = forest_of(SIZES);
    (void)state;
    for (uint64_t size = 0; size <= SIZES; size++) {
        for (uint64_t old = 0; old <= size; old++) {
            assert_int_equal(merkle_prove_consistency(forest, old, size, &path, &err), ST_OK);
            assert_int_equal(
                merkle_check_consistency(old, &roots[old], size, &roots[size], &path, &err), ST_OK);
            if (size % 31 == 0 || size < 9)
                spoil_consistency(old, size, &path);
        }
    }
    path.count = 0;
    assert_int_equal(merkle_check_consistency(2, &roots[2], 1, &roots[1], &path, &err), ST_INVALID);
    merkle_forest_destroy(forest);
}

/* Files of FILE_LEAVES leaves: all but number `open` are given as ranges. */
static struct merkle_forest *forest_of_files(uint64_t open)
{
    static struct merkle_range range;
    struct merkle_forest *forest;
    assert_int_equal(merkle_forest_create(MERKLE_FOREST_NODES_MAX, &forest, &err), ST_OK);
    for (uint64_t first = 0; first < SIZES; first += FILE_LEAVES) {
        uint64_t end = first + FILE_LEAVES < SIZES ? first + FILE_LEAVES : SIZES;
        merkle_range_init(&range, first);
        for (uint64_t i = first; i < end; i++) {
            struct hash leaf = leaf_made(i);
            merkle_range_append_leaf(&range, &leaf);
            if (first / FILE_LEAVES == open)
                assert_int_equal(merkle_forest_append_leaf(forest, &leaf, &err), ST_OK);
        }
        if (first / FILE_LEAVES != open)
            assert_int_equal(merkle_forest_append_range(forest, &range, &err), ST_OK);
    }
    assert_int_equal(merkle_forest_size(forest), SIZES);
    return forest;
}

static void test_leaves_of_one_file_and_ranges_of_others_are_enough(void **state)
{
    static struct merkle_path path;
    (void)state;
    for (uint64_t open = 0; open * FILE_LEAVES < SIZES; open++) {
        struct merkle_forest *forest = forest_of_files(open);
        for (uint64_t i = open * FILE_LEAVES; i < (open + 1) * FILE_LEAVES && i < SIZES; i++) {
            struct hash leaf = leaf_made(i);
            assert_int_equal(merkle_prove_inclusion(forest, i, SIZES, &path, &err), ST_OK);
            assert_int_equal(merkle_check_inclusion(&leaf, i, SIZES, &path, &roots[SIZES], &err),
                             ST_OK);
            assert_int_equal(merkle_prove_consistency(forest, i, SIZES, &path, &err), ST_OK);
            assert_int_equal(
                merkle_check_consistency(i, &roots[i], SIZES, &roots[SIZES], &path, &err), ST_OK);
        }
        uint64_t elsewhere = open == 0 ? FILE_LEAVES + 4 : 4;
        assert_int_equal(merkle_prove_inclusion(forest, elsewhere, SIZES, &path, &err),
                         ST_NOT_FOUND);
        assert_int_equal(merkle_prove_inclusion(forest, SIZES, SIZES, &path, &err), ST_INVALID);
        assert_int_equal(merkle_prove_inclusion(forest, 0, SIZES + 1, &path, &err), ST_INVALID);
        merkle_forest_destroy(forest);
    }
}

static void test_forest_has_a_limit(void **state)
{
    struct merkle_forest *forest;
    struct hash leaf = leaf_made(0);
    (void)state;
    assert_int_equal(merkle_forest_create(3, &forest, &err), ST_OK);
    assert_int_equal(merkle_forest_append_leaf(forest, &leaf, &err), ST_OK);
    assert_int_equal(merkle_forest_append_leaf(forest, &leaf, &err), ST_OK);
    assert_int_equal(merkle_forest_append_leaf(forest, &leaf, &err), ST_LIMIT);
    merkle_forest_destroy(forest);
}

/* --- Sets ------------------------------------------------------------------------------------- */

enum { PARTS_MAX = 2 * SIZES };

static struct merkle_part parts[PARTS_MAX];
static struct hash proof[PARTS_MAX + 1];
static uint64_t indices[SIZES];
static struct hash leaves[SIZES];

static size_t prove_set(const struct merkle_forest *forest, size_t count, uint64_t size)
{
    size_t part_count;
    assert_int_equal(merkle_set_parts(indices, count, size, parts, PARTS_MAX, &part_count, &err),
                     ST_OK);
    assert_true(part_count <= PARTS_MAX);
    for (size_t i = 0; i < part_count; i++)
        assert_int_equal(merkle_forest_hash(forest, parts[i].first, parts[i].end, &proof[i], &err),
                         ST_OK);
    return part_count;
}

static enum status check_set(size_t count, uint64_t size, size_t proof_count)
{
    return merkle_check_set(indices, leaves, count, size, proof, proof_count, &roots[size], &err);
}

static void test_set_of_leaves_is_proved_and_no_other(void **state)
{
    struct merkle_forest *forest = forest_of(SIZES);
    struct random random = {.state = 7};
    (void)state;
    for (int round = 0; round < SET_ROUNDS; round++) {
        uint64_t size = random_next(&random) % (SIZES + 1), sparse = 1 + random_next(&random) % 40;
        size_t count = 0;
        for (uint64_t i = 0; i < size; i++) {
            if (random_next(&random) % sparse == 0) {
                indices[count] = i;
                leaves[count++] = leaf_made(i);
            }
        }
        size_t needed = prove_set(forest, count, size);
        assert_int_equal(check_set(count, size, needed), ST_OK);
        assert_int_equal(check_set(count, size, needed + 1), ST_INVALID);
        if (needed > 0) {
            assert_int_equal(check_set(count, size, needed - 1), ST_INVALID);
            proof[needed / 2].bytes[0] ^= 1;
            assert_int_equal(check_set(count, size, needed), ST_CORRUPT);
            proof[needed / 2].bytes[0] ^= 1;
        }
        if (count > 0) {
            leaves[count / 2].bytes[31] ^= 1;
            assert_int_equal(check_set(count, size, needed), ST_CORRUPT);
        }
        if (count > 1) {
            indices[0] = indices[1];
            assert_int_equal(check_set(count, size, needed), ST_INVALID);
        }
    }
    merkle_forest_destroy(forest);
}

static void test_set_of_one_is_its_path(void **state)
{
    static struct merkle_path path;
    struct merkle_forest *forest = forest_of(SIZES);
    (void)state;
    for (indices[0] = 0; indices[0] < SIZES; indices[0]++) {
        size_t needed = prove_set(forest, 1, SIZES);
        assert_int_equal(merkle_prove_inclusion(forest, indices[0], SIZES, &path, &err), ST_OK);
        assert_int_equal(needed, path.count);
    }
    merkle_forest_destroy(forest);
}

/* A tree of the largest size, of which nobody has the leaves. */
static void test_largest_tree_is_no_trouble(void **state)
{
    static struct merkle_path path;
    size_t needed;
    (void)state;
    indices[0] = MERKLE_SIZE_MAX - 2;
    assert_int_equal(
        merkle_set_parts(indices, 1, MERKLE_SIZE_MAX - 1, parts, PARTS_MAX, &needed, &err), ST_OK);
    assert_int_equal(needed, 61);
    indices[0] = UINT64_MAX;
    assert_int_equal(merkle_set_parts(indices, 1, UINT64_MAX, parts, PARTS_MAX, &needed, &err),
                     ST_INVALID);
    path.count = MERKLE_PATH_MAX;
    assert_int_not_equal(
        merkle_check_inclusion(&roots[1], 0, MERKLE_SIZE_MAX, &path, &roots[2], &err), ST_OK);
    path.count = MERKLE_PATH_MAX + 1;
    assert_int_equal(merkle_check_consistency(1, &roots[1], 2, &roots[2], &path, &err), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proofs_are_those_of_the_definition),
        cmocka_unit_test(test_every_leaf_is_found_in_every_tree_and_nowhere_else),
        cmocka_unit_test(test_every_tree_begins_with_every_smaller_one),
        cmocka_unit_test(test_leaves_of_one_file_and_ranges_of_others_are_enough),
        cmocka_unit_test(test_forest_has_a_limit),
        cmocka_unit_test(test_set_of_leaves_is_proved_and_no_other),
        cmocka_unit_test(test_set_of_one_is_its_path),
        cmocka_unit_test(test_largest_tree_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, make_roots, NULL);
}
