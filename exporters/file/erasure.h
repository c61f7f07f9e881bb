/* SPDX-License-Identifier: Apache-2.0 */
/* erasure.h -- writing a closed file again without the records that are due, a slice at a time.
 *
 * The new file is written beside the old one, as <name>.next, and takes its place by a rename, so
 * that a reader, and a crash, find the one or the other.  Its proof goes along (erased_proof.h).
 * Nobody is asked before erasure_commit(): whoever began it checks there that no hold has come
 * meanwhile.
 *
 * Threads: belongs to the exporter whose store it is.
 */
#pragma once

#include "store_proofs.h"
#include "telltale/record_class.h"

#define ERASURE_NEXT_SUFFIX ".next"

enum { ERASURE_NAME_SIZE = STORE_FILE_NAME_SIZE + 16 }; /* of every name here, with NUL */

struct erasure;

/* What it comes to. */
struct erasure_result {
    uint64_t erased;                        /* records */
    uint64_t first_sequence, last_sequence; /* of those */
    struct retention_survey rest;           /* of the others */
    uint64_t rest_count;
    uint64_t size_bytes; /* of the new file */
};

/* By which rules records are due, and when; level of the compression. */
struct erasure_order {
    const struct retention_config *config;
    struct record_classifier *classifier;
    uint64_t now_unix_ns;
    int level;
};

/* Begins with `entry` of `dir`.  Borrowed until it is destroyed are `dir`, `proofs`, the
 * configuration and the classifier. */
MUST_CHECK enum status erasure_begin(const struct store_dir *dir, struct store_proofs *proofs,
                                     const struct store_entry *entry,
                                     const struct erasure_order *order, struct erasure **ret,
                                     struct error *err);

/* Goes through about *budget bytes of lines, and takes them off that.  ST_AGAIN: there are more.
 * ST_OK: the new file is durable beside the old one.  Another status: it failed; ST_CORRUPT,
 * ST_LIMIT: the old file cannot be read to its end, so it cannot be written again. */
MUST_CHECK enum status erasure_step(struct erasure *erasure, size_t *budget,
                                    struct erasure_result *ret, struct error *err);

/* After ST_OK of that, and only if something is erased and something is left: the new file takes
 * the place of the old one, durable, and the seed of the old proof is destroyed.  The manifest
 * has it before.  `reason`, `rule`: see store_manifest.h. */
MUST_CHECK enum status erasure_commit(struct erasure *erasure, const char *reason, const char *rule,
                                      struct error *err);

/* After a failed commit: the manifest has it, or the new file is there, so it has to be finished.
 */
bool erasure_is_committed(const struct erasure *erasure);

/* After a commit, failed or not: the chain value of its line of the manifest; NULL: it has none. */
const struct hash *erasure_line(const struct erasure *erasure);

/* Which file it is about. */
const struct store_file_name *erasure_name(const struct erasure *erasure);

/* Without commit nothing is left behind.  NULL is allowed. */
void erasure_destroy(struct erasure *erasure);

/* Overwrites and deletes the index of file `name`, if there is one: it has words of the erased. */
void erasure_drop_index(const struct store_dir *dir, const struct store_file_name *name);

/* Makes `next_name` the file `name`, durable; of a proof, after the old one was overwritten. */
MUST_CHECK enum status erasure_replace(const struct store_dir *dir, const char *next_name,
                                       const char *name, struct error *err);
MUST_CHECK enum status erasure_replace_proof(const struct store_dir *dir, const char *next_name,
                                             const char *name, struct error *err);

/* At a start, before the proofs are looked at: finishes the erasures that the manifest has, and
 * drops what did not get so far.  `has_proofs`: they are switched on. */
MUST_CHECK enum status erasure_recover(struct store_dir *dir, bool has_proofs, uint64_t now_unix_ns,
                                       struct error *err);
