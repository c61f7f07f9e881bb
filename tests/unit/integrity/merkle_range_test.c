/* SPDX-License-Identifier: Apache-2.0 */
/* merkle_range_test.c -- ranges of leaves, wherever they begin, give the root that RFC 6962
 * defines; and the leaves of a store are hashed as docs/INTEGRITY.md says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "support/leaves.h"
#include "telltale/store_leaf.h"

enum { SIZES = 130 };

static struct error err;

static void hex_of(const struct hash *hash, char out[2 * HASH_SIZE + 1])
{
    for (size_t i = 0; i < HASH_SIZE; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash->bytes[i]);
}

static void assert_hash(const struct hash *hash, const char *hex)
{
    char text[2 * HASH_SIZE + 1];
    hex_of(hash, text);
    assert_string_equal(text, hex);
}

static void assert_same(const struct hash *a, const struct hash *b)
{
    assert_memory_equal(a->bytes, b->bytes, HASH_SIZE);
}

static void fill(struct merkle_range *range, uint64_t first, uint64_t end)
{
    merkle_range_init(range, first);
    for (uint64_t i = first; i < end; i++) {
        struct hash leaf = leaf_made(i);
        merkle_range_append_leaf(range, &leaf);
    }
    assert_true(merkle_range_is_sound(range));
}

/* The tests of the first Certificate Transparency logs, which all implementations share. */
static void test_published_trees_have_their_roots(void **state)
{
    const struct slice entries[] = {
        SLICE(""),
        SLICE("\x00"),
        SLICE("\x10"),
        SLICE("\x20\x21"),
        SLICE("\x30\x31"),
        SLICE("\x40\x41\x42\x43"),
        SLICE("\x50\x51\x52\x53\x54\x55\x56\x57"),
        SLICE("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f")};
    const char *roots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                           "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                           "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                           "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                           "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                           "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                           "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                           "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                           "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    struct merkle_range range;
    struct hash hash;
    (void)state;

    merkle_range_init(&range, 0);
    for (size_t i = 0;; i++) {
        merkle_range_root(&range, &hash);
        assert_hash(&hash, roots[i]);
        if (i == COUNT_OF(entries))
            break;
        merkle_leaf(entries[i], &hash);
        merkle_range_append_leaf(&range, &hash);
    }
}

static void test_root_is_that_of_the_definition(void **state)
{
    struct merkle_range range;
    (void)state;
    merkle_range_init(&range, 0);
    for (uint64_t size = 0; size <= 300; size++) {
        struct hash root, leaf = leaf_made(size), expected = leaves_hash(0, size);
        merkle_range_root(&range, &root);
        assert_same(&root, &expected);
        assert_int_equal(range.count, __builtin_popcountll(size));
        merkle_range_append_leaf(&range, &leaf);
    }
}

static void test_neighbours_merge_into_what_their_leaves_would_give(void **state)
{
    static struct merkle_range whole, left, right;
    (void)state;
    for (uint64_t first = 0; first < SIZES; first += 3) {
        for (uint64_t middle = first; middle < SIZES; middle += 2) {
            fill(&left, first, middle);
            fill(&right, middle, SIZES);
            fill(&whole, first, SIZES);
            assert_int_equal(merkle_range_append(&left, &right, &err), ST_OK);
            assert_int_equal(left.end, SIZES);
            assert_int_equal(left.count, whole.count);
            assert_memory_equal(left.hashes, whole.hashes, whole.count * sizeof(struct hash));
        }
    }
}

static void test_hashes_of_a_range_are_those_of_its_largest_subtrees(void **state)
{
    static struct merkle_range range;
    (void)state;
    fill(&range, 5, 77); /* 5, 6-7, 8-15, 16-31, 32-63, 64-71, 72-75, 76 */
    const uint64_t parts[][2] = {{5, 6},   {6, 8},   {8, 16},  {16, 32},
                                 {32, 64}, {64, 72}, {72, 76}, {76, 77}};
    assert_int_equal(range.count, COUNT_OF(parts));
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        struct hash expected = leaves_hash(parts[i][0], parts[i][1]);
        assert_same(&range.hashes[i], &expected);
    }
}

static void test_what_does_not_follow_is_refused(void **state)
{
    static struct merkle_range left, right;
    struct hash hash = leaf_made(0);
    (void)state;
    fill(&left, 0, 6);
    fill(&right, 7, 9);
    assert_int_equal(merkle_range_append(&left, &right, &err), ST_INVALID);
    assert_int_equal(left.end, 6);
    fill(&right, 6, 9);
    right.count--;
    assert_int_equal(merkle_range_append(&left, &right, &err), ST_INVALID);
    assert_int_equal(merkle_range_append_subtree(&left, 2, &hash, &err), ST_INVALID);
    assert_int_equal(merkle_range_append_subtree(&left, MERKLE_LEVELS, &hash, &err), ST_INVALID);
    assert_int_equal(merkle_range_append_subtree(&left, 1, &hash, &err), ST_OK);
    assert_int_equal(left.end, 8);
    assert_int_equal(left.count, 1);
    right.first = MERKLE_SIZE_MAX;
    right.end = UINT64_MAX;
    assert_false(merkle_range_is_sound(&right));
}

/* The widest range that there can be needs all its hashes and no more. */
static void test_widest_range_fits(void **state)
{
    (void)state;
    assert_true(merkle_range_count(1, MERKLE_SIZE_MAX - 1) <= MERKLE_RANGE_HASHES);
    assert_int_equal(merkle_range_count(1, MERKLE_SIZE_MAX - 1), 2 * 61);
    assert_int_equal(merkle_range_count(0, MERKLE_SIZE_MAX), 1);
}

/* --- Leaves of a store ---------------------------------------------------------------------- */

static struct hash digest(const void *bytes, size_t size)
{
    struct hash hash;
    assert_int_equal(EVP_Digest(bytes, size, hash.bytes, NULL, EVP_sha256(), NULL), 1);
    return hash;
}

/* Put together here by hand, from the table of docs/INTEGRITY.md. */
static void test_leaf_is_made_as_documented(void **state)
{
    struct store_seed seed;
    struct store_salt salt;
    uint8_t bytes[256], entry[STORE_ENTRY_SIZE];
    struct hash leaf, commitment;
    const uint64_t index = 0x0102030405060708, sequence = 0x1112131415161718;
    const uint8_t index_bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint8_t sequence_bytes[] = {0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18};
    const struct slice line = SLICE("{\"resourceLogs\":[]}");
    (void)state;

    for (size_t i = 0; i < STORE_SEED_SIZE; i++)
        seed.bytes[i] = (uint8_t)(200 + i);
    memcpy(bytes, seed.bytes, 32);
    memcpy(bytes + 32, index_bytes, 8);
    struct hash hash = digest(bytes, 40);
    store_salt_derive(&seed, index, &salt);
    assert_memory_equal(salt.bytes, hash.bytes, 16);

    memcpy(bytes, hash.bytes, 16);
    memcpy(bytes + 16, line.data, line.size);
    hash = digest(bytes, 16 + line.size);
    store_commit(&salt, line, &commitment);
    assert_same(&commitment, &hash);

    bytes[0] = 0;
    bytes[1] = 1;
    memcpy(bytes + 2, sequence_bytes, 8);
    memcpy(bytes + 10, hash.bytes, 32);
    store_entry_put(sequence, &commitment, entry);
    assert_memory_equal(entry, bytes + 1, STORE_ENTRY_SIZE);
    hash = digest(bytes, 42);
    store_leaf_of_line(&seed, index, sequence, line, &leaf);
    assert_same(&leaf, &hash);
    store_leaf_of_salted_line(&salt, sequence, line, &leaf);
    assert_same(&leaf, &hash);
    store_leaf_of_commitment(sequence, &commitment, &leaf);
    assert_same(&leaf, &hash);
}

static void test_seeds_differ_and_are_wiped(void **state)
{
    struct store_seed a, b, zero = {{0}};
    (void)state;
    assert_int_equal(store_seed_make(&a, &err), ST_OK);
    assert_int_equal(store_seed_make(&b, &err), ST_OK);
    assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
    store_seed_wipe(&a);
    assert_memory_equal(a.bytes, zero.bytes, sizeof(a.bytes));
}

static void test_base64_has_one_spelling(void **state)
{
    struct hash hash = leaf_made(3), back;
    char text[HASH_BASE64_SIZE];
    (void)state;
    hash_format_base64(&hash, text);
    assert_true(hash_parse_base64(slice_of(text, sizeof(text)), &back));
    assert_same(&hash, &back);
    assert_false(hash_parse_base64(slice_of(text, sizeof(text) - 1), &back));
    text[HASH_BASE64_SIZE - 2]++; /* a bit that belongs to no byte */
    assert_false(hash_parse_base64(slice_of(text, sizeof(text)), &back));
    text[HASH_BASE64_SIZE - 2] = '-';
    assert_false(hash_parse_base64(slice_of(text, sizeof(text)), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_trees_have_their_roots),
        cmocka_unit_test(test_root_is_that_of_the_definition),
        cmocka_unit_test(test_neighbours_merge_into_what_their_leaves_would_give),
        cmocka_unit_test(test_hashes_of_a_range_are_those_of_its_largest_subtrees),
        cmocka_unit_test(test_what_does_not_follow_is_refused),
        cmocka_unit_test(test_widest_range_fits),
        cmocka_unit_test(test_leaf_is_made_as_documented),
        cmocka_unit_test(test_seeds_differ_and_are_wiped),
        cmocka_unit_test(test_base64_has_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
