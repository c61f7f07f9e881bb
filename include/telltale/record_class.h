/* SPDX-License-Identifier: Apache-2.0 */
/* record_class.h -- which rule of retention a line of the store falls under, and whether a hold
 * covers it.  Implemented in src/retain/.
 *
 * What a record says is found as `telltale query` finds it: attributes that a sender forged are not
 * believed.
 *
 * Threads: a classifier belongs to one thread at a time.
 */
#pragma once

#include "telltale/hold.h"
#include "telltale/retention.h"
#include "telltale/slice.h"

struct record_classifier;

struct record_class {
    size_t class;             /* as in retention.h */
    uint64_t arrived_unix_ns; /* 0: the record does not say */
    bool is_held;
};

/* `config` and `holds` are borrowed until it is destroyed.  A hold whose question cannot be asked,
 * because its pattern is none for example, covers everything; so does one that could not be read.
 * ST_INVALID: a rule is too long; ST_NO_MEMORY. */
MUST_CHECK enum status record_classifier_create(const struct retention_config *config,
                                                const struct hold_list *holds,
                                                struct record_classifier **ret, struct error *err);
void record_classifier_destroy(struct record_classifier *classifier); /* accepts NULL */

/* Reads one line, with or without its '\n'.  One that is no record falls under no rule, and every
 * hold covers it. */
void record_classify(struct record_classifier *classifier, struct slice line,
                     struct record_class *ret);

bool record_classifier_has_holds(const struct record_classifier *classifier);

/* How many lines each hold covered, by its index in the list, since the classifier was made. */
const uint64_t *record_classifier_counts(const struct record_classifier *classifier);
