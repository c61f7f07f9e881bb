/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c -- see include/telltale/hash.h.
 *
 * OpenSSL's old interface, which it calls deprecated and keeps: an entry of 41 bytes takes 62 ns
 * with it, 100 with an EVP context that is used again, and 367 with EVP_Digest().  It uses the
 * processor's SHA instructions as well, allocates nothing and cannot fail. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "telltale/hash.h"

#include <openssl/sha.h>

#include "integrity/strict_base64.h"
#include "telltale/base.h"

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct hasher), "the state does not fit");
_Static_assert(HASH_SIZE == SHA256_DIGEST_LENGTH, "another hash");

static SHA256_CTX *context_of(struct hasher *hasher)
{
    return (SHA256_CTX *)hasher->state;
}

void hasher_start(struct hasher *hasher)
{
    (void)SHA256_Init(context_of(hasher)); /* always 1, like the two below */
}

void hasher_add(struct hasher *hasher, struct slice bytes)
{
    if (bytes.size > 0)
        (void)SHA256_Update(context_of(hasher), bytes.data, bytes.size);
}

void hasher_finish(struct hasher *hasher, struct hash *ret)
{
    (void)SHA256_Final(ret->bytes, context_of(hasher));
}

void hash_parts(const struct slice *parts, size_t count, struct hash *ret)
{
    struct hasher hasher;

    hasher_start(&hasher);
    for (size_t i = 0; i < count; i++)
        hasher_add(&hasher, parts[i]);
    hasher_finish(&hasher, ret);
}

void hash_format_base64(const struct hash *hash, char out[HASH_BASE64_SIZE])
{
    base64_put(slice_of(hash->bytes, HASH_SIZE), out);
}

bool hash_parse_base64(struct slice text, struct hash *ret)
{
    return base64_take(text, ret->bytes, HASH_SIZE);
}
