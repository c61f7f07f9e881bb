/* SPDX-License-Identifier: Apache-2.0 */
/* fuse_filter.c -- see fuse_filter.h.
 *
 * The filter is an array of bytes in segments.  A key has three places, in three segments that
 * follow each other, and a fingerprint; the bytes at its places, combined by XOR, are the
 * fingerprint. They are found by taking away keys that stand alone at a place, until none is left,
 * and then setting the bytes in the opposite order.  Where that ends early, another seed is tried.
 *
 *      0  8  seed
 *      8  4  size of a segment, a power of two
 *     12  4  segments that a first place can be in
 *     16     the bytes: (segments + 2) * size
 */
#include "index/fuse_filter.h"

#include <stdlib.h>

#include "util/le.h"

enum { TRIES_MAX = 64, SEGMENT_BITS_MAX = 18, PLACES_A_KEY = 3 };

struct shape {
    uint64_t seed;
    uint32_t segment_size;
    uint32_t segment_count;
};

struct places {
    uint32_t at[PLACES_A_KEY];
    uint8_t fingerprint;
};

void fuse_maker_init(struct fuse_maker *maker)
{
    *maker = (struct fuse_maker){0};
}

void fuse_maker_fini(struct fuse_maker *maker)
{
    free(maker->sums);
    free(maker->counts);
    free(maker->places);
    free(maker->order);
    free(maker->order_place);
    fuse_maker_init(maker);
}

static uint64_t hash_of(uint32_t key, uint64_t seed)
{
    uint64_t x = key + seed;

    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

static inline struct places places_of(uint64_t hash, const struct shape *shape)
{
    uint64_t range = (uint64_t)shape->segment_count * shape->segment_size;
    uint32_t first = (uint32_t)(((unsigned __int128)hash * range) >> 64);
    uint32_t mask = shape->segment_size - 1;
    struct places ret = {.fingerprint = (uint8_t)(hash ^ (hash >> 32))};

    ret.at[0] = first;
    ret.at[1] = (first + shape->segment_size) ^ ((uint32_t)(hash >> 18) & mask);
    ret.at[2] = (first + 2 * shape->segment_size) ^ ((uint32_t)hash & mask);
    return ret;
}

/* The binary logarithm in 1/256, a little too small between powers of two. */
static unsigned log2_256(size_t value)
{
    unsigned bits = 63 - (unsigned)__builtin_clzll(value);
    return bits * 256 + (unsigned)(((value << 8) >> bits) - 256);
}

/* What the authors found: segments of about n^0.58, and less room to spare the more keys there
 * are. */
static struct shape choose_shape(size_t count)
{
    unsigned log = log2_256(count < 2 ? 2 : count);
    unsigned bits = (log * 1000 / 1736 + 576) / 256;
    size_t spare_1024 = 896 + (size_t)256 * 5102 / log; /* 0.875 + 0.25 * log 10^6 / log n */

    if (bits > SEGMENT_BITS_MAX)
        bits = SEGMENT_BITS_MAX;
    if (spare_1024 < 1152)
        spare_1024 = 1152;
    size_t size = (size_t)1 << bits;
    size_t segments = (count * spare_1024 / 1024 + size - 1) / size;
    return (struct shape){.segment_size = (uint32_t)size,
                          .segment_count = segments > 3 ? (uint32_t)segments - 2 : 1};
}

static size_t place_count(const struct shape *shape)
{
    return ((size_t)shape->segment_count + 2) * shape->segment_size;
}

static bool grow(void *list, size_t count, size_t item_size)
{
    void **pointer = list;
    void *grown = reallocarray(*pointer, count, item_size);
    if (grown != NULL)
        *pointer = grown;
    return grown != NULL;
}

static enum status reserve(struct fuse_maker *maker, size_t places, size_t keys, struct error *err)
{
    if (places > maker->place_capacity) {
        if (!grow(&maker->sums, places, sizeof(*maker->sums)) ||
            !grow(&maker->counts, places, sizeof(*maker->counts)) ||
            !grow(&maker->places, places, sizeof(*maker->places)))
            return error_set(err, ST_NO_MEMORY, "a filter of %zu bytes", places);
        maker->place_capacity = places;
    }
    if (keys > maker->key_capacity) {
        if (!grow(&maker->order, keys, sizeof(*maker->order)) ||
            !grow(&maker->order_place, keys, sizeof(*maker->order_place)))
            return error_set(err, ST_NO_MEMORY, "a filter of %zu keys", keys);
        maker->key_capacity = keys;
    }
    return ST_OK;
}

/* Each count is four times the number of keys, and below that the XOR of which of their places it
 * is: so a place with one key says which one.  False: more than 63 share a place. */
static bool count_keys(struct fuse_maker *maker, const uint32_t *keys, size_t count,
                       const struct shape *shape)
{
    size_t places = place_count(shape);
    bool fits = true;

    memset(maker->sums, 0, places * sizeof(*maker->sums));
    memset(maker->counts, 0, places);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = hash_of(keys[i], shape->seed);
        struct places at = places_of(hash, shape);
        for (uint8_t k = 0; k < PLACES_A_KEY; k++) {
            maker->counts[at.at[k]] = (uint8_t)((maker->counts[at.at[k]] + 4) ^ k);
            maker->sums[at.at[k]] ^= hash;
            fits &= maker->counts[at.at[k]] >= 4;
        }
    }
    return fits;
}

/* Takes away keys while one stands alone somewhere; how many that were. */
static size_t take_away(struct fuse_maker *maker, const struct shape *shape)
{
    size_t places = place_count(shape);
    size_t alone = 0;
    size_t taken = 0;

    for (size_t i = 0; i < places; i++) {
        maker->places[alone] = (uint32_t)i;
        alone += maker->counts[i] >> 2 == 1;
    }
    while (alone > 0) {
        uint32_t at = maker->places[--alone];
        if (maker->counts[at] >> 2 != 1)
            continue;
        uint64_t hash = maker->sums[at];
        uint8_t which = maker->counts[at] & 3;
        maker->order[taken] = hash;
        maker->order_place[taken++] = which;
        struct places all = places_of(hash, shape);
        for (uint8_t k = 0; k < PLACES_A_KEY; k++) {
            uint32_t other = all.at[k];
            if (k == which) {
                maker->counts[other] = 0;
                continue;
            }
            maker->counts[other] = (uint8_t)((maker->counts[other] - 4) ^ k);
            maker->sums[other] ^= hash;
            if (maker->counts[other] >> 2 == 1)
                maker->places[alone++] = other;
        }
    }
    return taken;
}

static void set_bytes(const struct fuse_maker *maker, size_t count, const struct shape *shape,
                      uint8_t *bytes)
{
    for (size_t i = count; i > 0; i--) {
        struct places at = places_of(maker->order[i - 1], shape);
        unsigned which = maker->order_place[i - 1];
        uint8_t value = at.fingerprint;
        for (unsigned k = 0; k < PLACES_A_KEY; k++) {
            if (k != which)
                value ^= bytes[at.at[k]];
        }
        bytes[at.at[which]] = value;
    }
}

enum status fuse_filter_append(struct fuse_maker *maker, const uint32_t *keys, size_t count,
                               struct buf *out, struct error *err)
{
    ASSERT(count > 0);
    if (count > FUSE_KEYS_MAX)
        return error_set(err, ST_LIMIT, "a filter of %zu keys", count);
    struct shape shape = choose_shape(count);
    size_t places = place_count(&shape);
    enum status st = reserve(maker, places, count, err);
    if (st == ST_OK)
        st = buf_reserve(out, FUSE_HEAD_SIZE + places, err);
    if (st != ST_OK)
        return st;
    for (shape.seed = 1; shape.seed <= TRIES_MAX; shape.seed++) {
        if (!count_keys(maker, keys, count, &shape) || take_away(maker, &shape) != count)
            continue;
        uint8_t *at = out->data + out->size;
        le64_put(at, shape.seed);
        le32_put(at + 8, shape.segment_size);
        le32_put(at + 12, shape.segment_count);
        memset(at + FUSE_HEAD_SIZE, 0, places);
        set_bytes(maker, count, &shape, at + FUSE_HEAD_SIZE);
        out->size += FUSE_HEAD_SIZE + places;
        return ST_OK;
    }
    return error_set(err, ST_LIMIT, "no filter of %zu keys was found", count);
}

bool fuse_filter_has(struct slice filter, uint32_t key)
{
    if (filter.size < FUSE_HEAD_SIZE)
        return true;
    const struct shape shape = {.seed = le64_get(filter.data),
                                .segment_size = le32_get(filter.data + 8),
                                .segment_count = le32_get(filter.data + 12)};
    if (shape.segment_size == 0 || (shape.segment_size & (shape.segment_size - 1)) != 0 ||
        shape.segment_size > (UINT32_C(1) << SEGMENT_BITS_MAX) || shape.segment_count == 0 ||
        shape.segment_count > FUSE_KEYS_MAX ||
        place_count(&shape) != filter.size - FUSE_HEAD_SIZE || place_count(&shape) > UINT32_MAX)
        return true;
    struct places at = places_of(hash_of(key, shape.seed), &shape);
    const uint8_t *bytes = filter.data + FUSE_HEAD_SIZE;
    return (bytes[at.at[0]] ^ bytes[at.at[1]] ^ bytes[at.at[2]]) == at.fingerprint;
}
