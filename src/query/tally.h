/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h -- numbers under names, as many names as there is room for.
 *
 * Threads: one owner.
 */
#pragma once

#include <stdbool.h>

#include "telltale/error.h"
#include "telltale/slice.h"

enum {
    TALLY_ROWS_MAX = 2000, /* names behind that count as "(others)" */
    TALLY_NAME_MAX = 200,  /* bytes; longer names are cut, at a whole character */
    TALLY_COLUMNS_MAX = 5,
};

struct tally_row {
    char name[TALLY_NAME_MAX + 1]; /* raw: an agent's */
    size_t name_size;
    double values[TALLY_COLUMNS_MAX];
};

struct tally {
    struct tally_row *rows; /* owned */
    size_t count;
    uint16_t *places; /* owned: a hash table of row numbers from 1 */
};

MUST_CHECK enum status tally_init(struct tally *tally, struct error *err);
void tally_fini(struct tally *tally); /* accepts one that is all zero */

/* The row of that name, new if there was none.  Good until the next call of tally_sort(). */
struct tally_row *tally_row(struct tally *tally, struct slice name);
void tally_add(struct tally *tally, struct slice name, unsigned column, double number);

/* The largest in `column` first; nothing can be added any more. */
void tally_sort(struct tally *tally, unsigned column);

/* A number for a text, to find it again; no secret, so that whoever wants two to be the same can
 * have that. */
uint64_t tally_hash(uint64_t before, struct slice text);
