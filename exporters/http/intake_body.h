/* SPDX-License-Identifier: Apache-2.0 */
/* intake_body.h -- the body of a request: records by their template, framed, grouped, and no more
 * than the destination takes.
 *
 * Threads: a body belongs to one thread at a time.
 */
#pragma once

#include "intake_config.h"
#include "telltale/exporter.h"
#include "telltale/record_template.h"

struct intake_item {
    uint32_t group;
    uint32_t number;     /* the order in which they came */
    size_t offset, size; /* in `items` */
    uint64_t unix_ns;
};

struct intake_group {
    size_t offset, size;   /* in `labels` */
    uint32_t first, count; /* while they are laid */
};

struct intake_body {
    const struct intake_plan *plan;     /* borrowed */
    struct record_templates *templates; /* owned: the record, then the group */
    struct buf items;                   /* records as JSON; without groups the body itself */
    struct buf labels;                  /* what groups are by, one text after the other */
    struct buf grouped;                 /* the body, with groups */
    struct buf cut;                     /* a record with a shorter body */
    uint32_t *records;                  /* owned: which record of the batch each item is */
    struct intake_item *list;           /* owned: NULL without groups */
    struct intake_group *groups;        /* owned: the same */
    size_t capacity, group_count;
    size_t count;      /* items */
    size_t end;        /* records of the batch that were looked at */
    size_t told_count; /* of these, how many were told of because they never fit */
    size_t size;       /* what the body will have */
};

/* ST_NO_MEMORY.  Ended by intake_body_fini() in any case. */
MUST_CHECK enum status intake_body_init(struct intake_body *body, const struct intake_plan *plan,
                                        struct error *err);
void intake_body_fini(struct intake_body *body);

/* Takes as many records of the batch as fit, from the first one on; of those that never will,
 * `report` is told, and they are passed over.  ST_NO_MEMORY, ST_LIMIT. */
MUST_CHECK enum status intake_body_fill(struct intake_body *body, const struct batch *batch,
                                        uint64_t now_unix_ns, struct export_report *report,
                                        struct error *err);

/* Of a body that has items; borrowed until the next fill. */
struct slice intake_body_bytes(const struct intake_body *body);

/* Gives memory back that a burst took. */
void intake_body_trim(struct intake_body *body);
