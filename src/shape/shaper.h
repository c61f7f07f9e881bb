/* SPDX-License-Identifier: Apache-2.0 */
/* shaper.h -- what the shapes share behind telltale/shape.h.
 *
 * A shape is a pair of functions and a row in shaper.c: one that prepares its tables, once, and one
 * that writes the members of a document.
 *
 * Threads: a shaper belongs to one thread at a time.
 */
#pragma once

#include "shape/shape_put.h"
#include "telltale/shape.h"

enum {
    SHAPE_SCRATCH_MAX = 64 << 20, /* a value as JSON within a text */
    SHAPE_GROUP_MAX = 64 << 20,   /* a resource and a scope as JSON */
    SHAPE_PAIRS_MAX = 6,          /* fields of a record that cannot stand under their names */
    SHAPE_PAIR_DIGITS = 24,
};

struct ecs_plan;
struct cim_plan;
struct ocsf_plan;

struct shaper {
    enum shape shape;
    struct record_reader reader;
    struct buf scratch;     /* owned */
    struct buf group_text;  /* owned: `,"resource":{...},"scope":{...}` of the present group */
    struct buf stream_text; /* owned: `,"data_stream":{...}`; empty: none is wanted */
    struct buf dataset;     /* owned: the dataset */
    struct ecs_plan *ecs;   /* owned; NULL: another shape */
    struct cim_plan *cim;   /* owned; NULL: another shape */
    struct ocsf_plan *ocsf; /* owned; NULL: another shape */
};

/* What a record says in fields that no destination could take as they are: times beyond 2262, a
 * severity that is none, names that are too long. */
struct shape_pairs {
    struct shape_pair pairs[SHAPE_PAIRS_MAX];
    size_t count;
    char digits[SHAPE_PAIRS_MAX][SHAPE_PAIR_DIGITS];
};
void shape_find_pairs(const struct record_view *view, struct shape_pairs *ret);

/* A name of the record's, empty where shape_find_pairs() takes it. */
static inline struct slice shape_short(struct slice text)
{
    return text.size <= READER_VALUE_MAX ? text : SLICE_EMPTY;
}

/* The members of each document, in a json_put that has its opening brace. */
void shape_put_otel(struct shaper *shaper, struct shape_out *out);
void shape_put_ecs(struct shaper *shaper, struct shape_out *out);
void shape_put_cim(struct shaper *shaper, struct shape_out *out);
void shape_put_ocsf(struct shaper *shaper, struct shape_out *out);

/* ST_NO_MEMORY. */
MUST_CHECK enum status ecs_plan_create(struct ecs_plan **ret, struct error *err);
void ecs_plan_destroy(struct ecs_plan *plan); /* accepts NULL */
MUST_CHECK enum status cim_plan_create(struct cim_plan **ret, struct error *err);
void cim_plan_destroy(struct cim_plan *plan); /* accepts NULL */
/* `shape`: which version. */
MUST_CHECK enum status ocsf_plan_create(enum shape shape, struct ocsf_plan **ret,
                                        struct error *err);
void ocsf_plan_destroy(struct ocsf_plan *plan); /* accepts NULL */

/* Whether a key of the resource stands elsewhere in a document of ECS, and only there. */
bool ecs_takes_resource(unsigned key);
