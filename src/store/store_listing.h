/* SPDX-License-Identifier: Apache-2.0 */
/* store_listing.h -- which closed files a store has behind a given one.
 *
 * Threads: none of its own.
 */
#pragma once

#include "telltale/error.h"
#include "telltale/store_file.h"

struct store_listing {
    struct store_file_name *names; /* owned; sorted, a plain file before its compressed form */
    size_t count;
    size_t capacity;
};

/* Lists the closed files of directory `dir_fd` that come behind `*after`, or all when it is NULL,
 * in place of what the listing held. */
MUST_CHECK enum status store_listing_read(struct store_listing *listing, int dir_fd,
                                          const struct store_file_name *after, struct error *err);

/* The name before the last `count` ones; NULL: there are no more than these.  Borrowed. */
const struct store_file_name *store_listing_before(const struct store_listing *listing,
                                                   size_t count);

/* Bytes of all files of the store together, as far as they can be told. */
uint64_t store_listing_bytes(int dir_fd);

void store_listing_fini(struct store_listing *listing);
