/* SPDX-License-Identifier: Apache-2.0 */
/* item_report.h -- an export_report that listens: what a destination said about each record of a
 * batch.
 *
 * It takes memory when something is told, and keeps it for the next time.  Without memory it
 * forgets what it was told: a record counts as not taken then, and comes twice rather than never.
 *
 * Threads: one owner.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/exporter.h"

enum { ITEM_WORDS_SIZE_MAX = 1 << 20 }; /* bytes of all words of an answer; further ones are lost */

struct item {
    uint8_t outcome; /* enum item_outcome */
    uint32_t words;  /* offset, from 1, of a text that a NUL ends; 0: none */
};

struct item_report {
    struct export_report report; /* for send() */
    struct item *items;          /* owned; */
    size_t capacity;             /* of so many; */
    size_t count;                /* the batch has so many, */
    bool is_told;                /* and they are of it */
    struct buf words;            /* owned */
    uint32_t last_words;         /* offset, from 1, of the newest text; 0: none */
};

void item_report_init(struct item_report *self);
void item_report_fini(struct item_report *self);

/* Before the send() of a batch of `count` records; what was told before is gone. */
void item_report_begin(struct item_report *self, size_t count);

enum item_outcome item_report_outcome(const struct item_report *self, size_t index);

/* The destination's words about the record, or else about the batch; may be empty. */
const char *item_report_words(const struct item_report *self, size_t index);

/* It has not become a dead letter: it is to come again after all. */
void item_report_keep(struct item_report *self, size_t index);

/* The record has its outcome; those that have not come again. */
static inline bool item_is_settled(const struct item_report *self, size_t index)
{
    return item_report_outcome(self, index) >= ITEM_DONE;
}
