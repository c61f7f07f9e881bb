/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_body.h -- the body of a _bulk request: two lines a record.
 *
 *     {"create":{"_index":"logs-telltale-default","_id":"0197..."}}
 *     {"@timestamp":"...",...}
 *
 * The id is the record's log.record.uid, which it was given once, at its arrival, and has in every
 * repetition, that of a dead letter included: whatever comes twice is refused as a conflict, and is
 * there once.  It is a UUIDv7, so ids rise with time, which is what an index looks them up best by.
 * A record without one is named by its journal, its number there and a hash of its bytes.  The
 * number alone would not do: when damage has shortened a journal its numbers are given again, to
 * other records, and these would count as delivered already.
 *
 * Threads: one owner.
 */
#pragma once

#include "elastic_config.h"
#include "telltale/exporter.h"

struct elastic_body {
    struct shaper *shaper;   /* owned */
    struct buf bytes;        /* the request */
    struct buf positions;    /* uint32_t: which record of the batch each of its items is */
    struct slice line_start; /* of each action line; in `line_text` */
    char line_text[ELASTIC_NAME_MAX + 64];
    size_t size_max; /* above this a record waits for the next request, but for the first one */
};

/* ST_NO_MEMORY. */
MUST_CHECK enum status elastic_body_init(struct elastic_body *body,
                                         const struct elastic_config *config, struct error *err);
void elastic_body_fini(struct elastic_body *body);

/* Writes as many records as fit.  Tells `report` of those that are not in it: rejected, because no
 * document can be made of them, or again, because the request is full.  ST_NO_MEMORY. */
MUST_CHECK enum status elastic_body_write(struct elastic_body *body, const struct batch *batch,
                                          struct export_report *report, struct error *err);

/* How many records are in it, and which one of the batch is the item `index`. */
size_t elastic_body_count(const struct elastic_body *body);
size_t elastic_body_position(const struct elastic_body *body, size_t index);

/* Gives memory back that a burst took. */
void elastic_body_trim(struct elastic_body *body);
