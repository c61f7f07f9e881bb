/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h -- SHA-256.  Implemented in src/integrity/, with OpenSSL's code.
 *
 * Nothing here fails or allocates, so that it can stand in the path of every record.
 *
 * Threads: pure functions of what they are given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "telltale/slice.h"

enum {
    HASH_SIZE = 32,
    HASH_BASE64_SIZE = 44, /* standard alphabet, padded; without NUL */
};

struct hash {
    uint8_t bytes[HASH_SIZE];
};

/* SHA-256 of the parts, one behind the other. */
void hash_parts(const struct slice *parts, size_t count, struct hash *ret);

static inline struct hash hash_bytes(struct slice bytes)
{
    struct hash hash;
    hash_parts(&bytes, 1, &hash);
    return hash;
}

static inline bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_SIZE) == 0;
}

/* For what comes in pieces, such as a file. */
struct hasher {
    uint64_t state[16]; /* OpenSSL's SHA256_CTX */
};

void hasher_start(struct hasher *hasher);
void hasher_add(struct hasher *hasher, struct slice bytes);
/* The hasher must be started again before it takes more. */
void hasher_finish(struct hasher *hasher, struct hash *ret);

/* No NUL is written. */
void hash_format_base64(const struct hash *hash, char out[HASH_BASE64_SIZE]);

/* False: `text` is not exactly the base64 that hash_format_base64() writes. */
bool hash_parse_base64(struct slice text, struct hash *ret);
