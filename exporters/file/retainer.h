/* SPDX-License-Identifier: Apache-2.0 */
/* retainer.h -- carries out retention in a store: what telltale/retention.h decides, under the
 * holds that stand in its directory, in slices.
 *
 * Holds are looked at before anything is read, and again, under their lock, before anything goes.
 *
 * Threads: those of the exporter whose store it is.
 */
#pragma once

#include "erasure.h"
#include "store_dir.h"
#include "telltale/file_survey.h"

struct file_exporter;

enum { RETAINER_RULE_SIZE = 256 };

/* An erasure that cannot be taken back any more, until it is done and told. */
struct committed_erasure {
    bool is_open;
    struct store_file_name name;
    struct erasure_result result;
    uint64_t size_before;
    char reason[RETAINER_RULE_SIZE];
    char rule[RETAINER_RULE_SIZE];
    bool has_line; /* in the manifest: */
    struct hash line;
};

struct retainer {
    struct hold_list holds;               /* in force */
    bool has_holds_list;                  /* it is of what was there at the last look */
    struct record_classifier *classifier; /* owned; of the configuration and those holds */
    struct file_survey *survey;           /* owned; under way, or NULL */
    struct erasure *erasure;              /* owned; the same; never both */
    struct store_file_name subject;       /* of the survey */
    struct retention_step step;           /* of the erasure */
    struct committed_erasure committed;
    bool is_unfinished; /* an erasure failed between its commit and its end */
    uint64_t not_before_ns;
    bool is_stuck; /* a bound was broken, at the last look, that nothing may go for; it was noted */
};

void retainer_init(struct retainer *retainer);
void retainer_fini(struct retainer *retainer);

/* Does what is due, and reads about `budget` bytes for it. */
MUST_CHECK enum status retainer_do(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                                   struct error *err);

/* Gives up what is under way with the files. */
void retainer_abandon(struct retainer *retainer);

/* Whether entries[index] may go before its time, now.  ST_NOT_FOUND: it is too young, or held.
 * Where there are holds the whole file may have to be read. */
MUST_CHECK enum status retainer_may_yield(struct file_exporter *self, size_t index,
                                          uint64_t now_unix_ns, struct error *err);

/* Deletes entries[index], if no hold has come meanwhile: ST_AGAIN.  `reason` as in store.log;
 * `rule` may be empty. */
MUST_CHECK enum status retainer_delete(struct file_exporter *self, size_t index, const char *reason,
                                       const char *rule, uint64_t now_unix_ns, struct error *err);
