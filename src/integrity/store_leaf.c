/* SPDX-License-Identifier: Apache-2.0 */
/* store_leaf.c -- see include/telltale/store_leaf.h. */
#include "telltale/store_leaf.h"

#include <endian.h>
#include <errno.h>
#include <sys/random.h>

#include "telltale/merkle_range.h"

enum { ENTRY_VERSION = 1 };

static void put_be64(uint8_t *out, uint64_t value)
{
    value = htobe64(value);
    memcpy(out, &value, sizeof(value));
}

enum status store_seed_make(struct store_seed *ret, struct error *err)
{
    ssize_t got;

    do {
        got = getrandom(ret->bytes, sizeof(ret->bytes), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(ret->bytes))
        return error_set_errno(err, ST_IO, "random numbers for a seed");
    return ST_OK;
}

void store_seed_wipe(struct store_seed *seed)
{
    explicit_bzero(seed, sizeof(*seed));
}

void store_salt_derive(const struct store_seed *seed, uint64_t index, struct store_salt *ret)
{
    uint8_t place[sizeof(index)];
    struct hash hash;

    put_be64(place, index);
    const struct slice parts[] = {slice_of(seed->bytes, STORE_SEED_SIZE),
                                  slice_of(place, sizeof(place))};
    hash_parts(parts, COUNT_OF(parts), &hash);
    memcpy(ret->bytes, hash.bytes, STORE_SALT_SIZE);
}

void store_commit(const struct store_salt *salt, struct slice line, struct hash *ret)
{
    const struct slice parts[] = {slice_of(salt->bytes, STORE_SALT_SIZE), line};

    hash_parts(parts, COUNT_OF(parts), ret);
}

void store_entry_put(uint64_t sequence, const struct hash *commitment,
                     uint8_t out[STORE_ENTRY_SIZE])
{
    out[0] = ENTRY_VERSION;
    put_be64(out + 1, sequence);
    memcpy(out + 1 + sizeof(sequence), commitment->bytes, HASH_SIZE);
}

void store_leaf_of_commitment(uint64_t sequence, const struct hash *commitment, struct hash *ret)
{
    uint8_t entry[STORE_ENTRY_SIZE];

    store_entry_put(sequence, commitment, entry);
    merkle_leaf(slice_of(entry, sizeof(entry)), ret);
}

void store_leaf_of_salted_line(const struct store_salt *salt, uint64_t sequence, struct slice line,
                               struct hash *ret)
{
    struct hash commitment;

    store_commit(salt, line, &commitment);
    store_leaf_of_commitment(sequence, &commitment, ret);
}

void store_leaf_of_line(const struct store_seed *seed, uint64_t index, uint64_t sequence,
                        struct slice line, struct hash *ret)
{
    struct store_salt salt;

    store_salt_derive(seed, index, &salt);
    store_leaf_of_salted_line(&salt, sequence, line, ret);
}
