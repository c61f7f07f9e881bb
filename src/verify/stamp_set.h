/* SPDX-License-Identifier: Apache-2.0 */
/* stamp_set.h -- time stamps (telltale/timestamp.h) that were found beside checkpoints, and which
 * checkpoints they are over.
 *
 * A stamp knows its checkpoint by the hash, so it makes no difference in which of the files, or
 * where in a record, the two stand.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/timestamp.h"
#include "verify/verify.h"

enum { STAMPS_MAX = 1 << 20, STAMPED_NOTES_MAX = 4 << 20 };

/* Where something stands. */
struct stamp_place {
    uint16_t copy; /* 0: in the store; else options.copies[copy - 1] */
    uint64_t line;
};

struct stamp_set {
    const struct verify_options *options; /* borrowed, as is: */
    struct verify_report *report;
    struct timestamp_authority *authorities[VERIFY_STAMP_CAS_MAX]; /* owned */
    size_t authority_count;
    struct buf notes;  /* struct stamped_note */
    struct buf stamps; /* struct stamp */
    struct buf token;
};

/* With no authorities in the options it takes nothing and says nothing.  ST_NOT_FOUND, ST_INVALID,
 * ST_IO: a file of certificates. */
MUST_CHECK enum status stamp_set_init(struct stamp_set *set, const struct verify_options *options,
                                      struct verify_report *report, struct error *err);
void stamp_set_fini(struct stamp_set *set); /* accepts a zeroed one, or half of one */

/* A note was found, which is a good checkpoint of `size` of this log, or not. */
MUST_CHECK enum status stamp_set_add_note(struct stamp_set *set, struct slice note, bool is_good,
                                          uint64_t size, struct stamp_place place,
                                          struct error *err);

/* What looks like a token in base64 was found. */
MUST_CHECK enum status stamp_set_add_token(struct stamp_set *set, struct slice text,
                                           struct stamp_place place, struct error *err);

/* Says up to which size and which time the log is stamped, and which stamps are over nothing. */
void stamp_set_conclude(struct stamp_set *set);
