/* SPDX-License-Identifier: Apache-2.0 */
/* fuse_filter.h -- a set of keys in nine bits a key, that says of one other key in 256 that it has
 * it: a binary fuse filter (Graf and Lemire, "Binary Fuse Filters", 2022) of three places and
 * eight bits.
 *
 * Threads: a maker has one owner at a time; reading is pure.
 */
#pragma once

#include "telltale/buf.h"

/* Memory for making filters, which grows to what the largest needs. */
struct fuse_maker {
    uint64_t *sums;   /* owned, as the others: of the hashes of the keys at each place */
    uint8_t *counts;  /* how many keys those are */
    uint32_t *places; /* those with one key */
    uint64_t *order;  /* hashes, in the order in which they were taken away */
    uint8_t *order_place;
    size_t place_capacity;
    size_t key_capacity;
};

enum { FUSE_KEYS_MAX = 1 << 24, FUSE_HEAD_SIZE = 16 };

void fuse_maker_init(struct fuse_maker *maker);
void fuse_maker_fini(struct fuse_maker *maker);

/* Appends the filter of `count` keys, at least one, each once.  ST_LIMIT: none was found, which
 * chance allows but does not do, or they are too many. */
MUST_CHECK enum status fuse_filter_append(struct fuse_maker *maker, const uint32_t *keys,
                                          size_t count, struct buf *out, struct error *err);

/* Whether `key` may be in it.  True of bytes that are no filter. */
bool fuse_filter_has(struct slice filter, uint32_t key);
