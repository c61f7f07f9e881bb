/* SPDX-License-Identifier: Apache-2.0 */
/* deeds_told.h -- the deletions and erasures that an exporter put on record, against those that the
 * manifest of its store has: each is told, none is told that is not there, and twice only by a
 * later start.
 *
 * Threads: one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/exporter_note.h"

enum { DEEDS_TOLD_MAX = 512, DEEDS_TOLD_LINE_SIZE = 48 };

struct deeds_told {
    char lines[DEEDS_TOLD_MAX][DEEDS_TOLD_LINE_SIZE]; /* chain values */
    bool is_erasure[DEEDS_TOLD_MAX];
    size_t count;
    size_t begun;        /* the first one of the present start */
    const char *trouble; /* NULL: none so far */
};

/* Another start. */
void deeds_told_begin(struct deeds_told *told);

/* For the exporter's notes; passes others by. */
void deeds_told_take(struct deeds_told *told, const struct exporter_note *note);

/* NULL: all is well.  The first `before` deeds of the manifest count as told already. */
const char *deeds_told_check(struct deeds_told *told, const char *path, uint64_t before);
