/* SPDX-License-Identifier: Apache-2.0 */
/* leaves.c -- see leaves.h. */
#include "support/leaves.h"

#include <openssl/evp.h>

static struct hash digest(const uint8_t *bytes, size_t size)
{
    struct hash hash;
    ASSERT(EVP_Digest(bytes, size, hash.bytes, NULL, EVP_sha256(), NULL) == 1);
    return hash;
}

struct hash leaf_made(uint64_t index)
{
    uint8_t entry[1 + sizeof(index)] = {0};
    for (size_t i = 0; i < sizeof(index); i++)
        entry[1 + i] = (uint8_t)(index >> (8 * i));
    return digest(entry, sizeof(entry));
}

/* The largest power of two smaller than n. */
static uint64_t largest_below(uint64_t n)
{
    uint64_t k = 1;
    while (2 * k < n)
        k *= 2;
    return k;
}

struct hash leaves_hash(uint64_t first, uint64_t end)
{
    uint8_t input[1 + 2 * HASH_SIZE] = {1};
    if (first == end)
        return digest((const uint8_t *)"", 0);
    if (end - first == 1)
        return leaf_made(first);
    uint64_t k = largest_below(end - first);
    struct hash left = leaves_hash(first, first + k), right = leaves_hash(first + k, end);
    memcpy(input + 1, left.bytes, HASH_SIZE);
    memcpy(input + 1 + HASH_SIZE, right.bytes, HASH_SIZE);
    return digest(input, sizeof(input));
}

static void add(struct merkle_path *path, struct hash hash)
{
    ASSERT(path->count < MERKLE_PATH_MAX);
    path->hashes[path->count++] = hash;
}

static void path_of(uint64_t m, uint64_t first, uint64_t end, struct merkle_path *path)
{
    if (end - first <= 1)
        return;
    uint64_t k = largest_below(end - first);
    if (m < k) {
        path_of(m, first, first + k, path);
        add(path, leaves_hash(first + k, end));
    } else {
        path_of(m - k, first + k, end, path);
        add(path, leaves_hash(first, first + k));
    }
}

void leaves_path(uint64_t index, uint64_t size, struct merkle_path *ret)
{
    ret->count = 0;
    path_of(index, 0, size, ret);
}

static void subproof(uint64_t m, uint64_t first, uint64_t end, bool whole, struct merkle_path *path)
{
    if (m == end - first) {
        if (!whole)
            add(path, leaves_hash(first, end));
        return;
    }
    uint64_t k = largest_below(end - first);
    if (m <= k) {
        subproof(m, first, first + k, whole, path);
        add(path, leaves_hash(first + k, end));
    } else {
        subproof(m - k, first + k, end, false, path);
        add(path, leaves_hash(first, first + k));
    }
}

void leaves_proof(uint64_t old_size, uint64_t new_size, struct merkle_path *ret)
{
    ret->count = 0;
    if (old_size > 0)
        subproof(old_size, 0, new_size, true, ret);
}
