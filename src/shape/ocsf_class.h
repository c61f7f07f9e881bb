/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_class.h -- the objects that are of one class of OCSF alone, and what they share with those
 * that all classes have.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "shape/ocsf_kind.h"
#include "shape/ocsf_put.h"

struct ocsf_plan;

/* One document. */
struct ocsf_writing {
    struct shape_out *out;
    struct json_put *json;
    struct ocsf_put put;
    const struct ocsf_plan *plan;
    const struct record_reader *reader;
    struct ocsf_verdict verdict;
    struct slice product; /* name of the agent */
    bool has_ai;
};

#define OCSF_UNKNOWN SLICE("unknown") /* what OCSF requires and nobody said */

/* Whether the record has a text at the key that is not empty. */
static inline bool ocsf_is_said(const struct ocsf_writing *writing, unsigned key)
{
    return reader_text(writing->reader, key).size > 0;
}

/* The first of two keys that is said, or `none`. */
struct slice ocsf_take_first(struct ocsf_writing *writing, unsigned key, unsigned other,
                             struct slice none);

/* As in tool. */
struct slice ocsf_kind_name(const struct record_reader *reader);

/* Nothing where no user is said and `none` is empty. */
void ocsf_put_user(struct ocsf_writing *writing, struct slice none);

/* `hostname` of the host of the agent. */
void ocsf_put_host_name(struct ocsf_writing *writing, enum ocsf_observable type);

void ocsf_put_class(struct ocsf_writing *writing);
