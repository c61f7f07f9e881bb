/* SPDX-License-Identifier: Apache-2.0 */
/* store_plan.h -- what a line of a store must have in it to be of interest, so that most lines are
 * passed over without being taken apart.
 *
 * A plan is a list of demands, and a demand a list of texts, one of which has to be there.  It may
 * let too much pass and never too little: who asks looks at each record again.  A demand that
 * cannot be told in texts, or is over the limits below, is left out, and no error.
 *
 * Only lines as our exporter writes them are held back: others may have other escapes.
 *
 * Threads: a plan belongs to the thread that made it until it is handed to a reader, then it is not
 * changed any more.
 */
#pragma once

#include <stdbool.h>

#include "telltale/error.h"
#include "telltale/slice.h"
#include "telltale/store_index.h"

enum {
    PLAN_DEMANDS_MAX = 32,
    PLAN_TEXTS_MAX = 256,      /* of all demands together */
    PLAN_SIZE_MAX = 256 << 10, /* bytes of all texts, escaped */
};

enum store_plan_flag {
    PLAN_BEGINS = 1,    /* the text is the beginning of one of the line's texts */
    PLAN_ENDS = 2,      /* it is the end of one */
    PLAN_ANY_CASE = 4,  /* of ASCII letters */
    PLAN_ID = 8,        /* it is the whole value of a key that store_index_has_key() */
    PLAN_IN_BYTES = 16, /* it may as well stand in a value of bytes, which is base64 in the line */
    PLAN_ID_PART = 32,  /* it begins or ends the id of a session or conversation */
    PLAN_UID = 64,      /* it is the log.record.uid */
    PLAN_WORDS = 256,   /* it is whole words */
    PLAN_INDEX = 512,   /* for the index alone: in the line another text of the demand tells it */
    PLAN_NO_WORD = 128, /* a number, a part of a word, or a name that the index does not have */
};

#define PLAN_WHOLE (PLAN_BEGINS | PLAN_ENDS)

struct store_plan;

MUST_CHECK enum status store_plan_create(struct store_plan **ret, struct error *err);
void store_plan_destroy(struct store_plan *plan); /* accepts NULL */

/* When the record happened: from `since` on and before `until` (0: no bound). */
void store_plan_set_times(struct store_plan *plan, uint64_t since_unix_ns, uint64_t until_unix_ns);

/* Begins a demand.  What follows belongs to it, until the next one begins. */
void store_plan_demand(struct store_plan *plan);

/* One of the texts that fulfil the demand, as it is before it is written as JSON; copied.  A text
 * that cannot be looked for (it is empty, or not UTF-8) takes the demand back. */
void store_plan_add(struct store_plan *plan, struct slice text, unsigned flags);

/* Takes the demand back: it cannot be told in texts. */
void store_plan_drop(struct store_plan *plan);

/* There is more to ask of a record than this plan says: it never takes all of a file. */
void store_plan_set_partial(struct store_plan *plan);

/* Whether any record of the line may be of interest. */
bool store_plan_takes_line(const struct store_plan *plan, struct slice line);

/* Whether every record of the file is known to be of interest. */
bool store_plan_takes_all(const struct store_plan *plan, const struct store_index *index);

/* The frames that may have a record of interest, into *ret, which the caller owns on ST_OK.
 * ST_NO_MEMORY. */
MUST_CHECK enum status store_plan_find_frames(const struct store_plan *plan,
                                              const struct store_index *index,
                                              struct frame_set *ret, struct error *err);
