/* SPDX-License-Identifier: Apache-2.0 */
/* store_indexes.h -- the indexes of a store, as a reader finds them. */
#pragma once

#include <stddef.h>

struct store_indexes {
    size_t compressed; /* files */
    size_t good;       /* of these, with an index that can be used */
    size_t refused;    /* with one that cannot */
    size_t left_over;  /* indexes without a file */
};

/* What cannot be read ends the test. */
struct store_indexes store_indexes_look(const char *path);
