/* SPDX-License-Identifier: Apache-2.0 */
/* deeds.h -- puts deletions and erasures on record: one record of kind agent.integrity for each
 * that was done, whatever fails in between.
 *
 *     the manifest has it ─► deeds_expect ─► it is done ─► deeds_tell ─► the record is durable:
 *                                                                        deeds_tick moves the mark
 *
 * The mark is a file beside the keys, with the chain value of the line of the manifest up to which
 * all records are durable.  A start tells what the manifest has behind it; so after a crash a
 * record may come twice, and both name the same line (agent.integrity.manifest).  Of what is in no
 * manifest, since proofs are off or the file has none, there is one record unless a crash swallows
 * it.
 *
 * Threads: belongs to the exporter whose store it is.
 */
#pragma once

#include "store_proofs.h"
#include "telltale/exporter.h"

struct deeds {
    const struct store_dir *dir;       /* borrowed, as this: */
    const struct store_proofs *proofs; /* is_on: there is a manifest */
    struct exporter_notes notes;
    const char *exporter; /* borrowed */
    int mark_dir_fd;      /* borrowed; -1: no mark is kept */
    unsigned open_count;  /* in the manifest, and not told yet */
    bool is_behind;       /* one found no room: the next start tells it */
    bool is_waiting;      /* these were told: */
    struct hash told;     /* the last line of the manifest by then */
    uint64_t taken;       /* notes by then */
};

struct deed {
    const char *action; /* "deletion" or "erasure" */
    const char *file;
    const char *reason, *rule; /* see store_manifest.h */
    uint64_t first, last, count, bytes;
    const struct hash *line; /* chain value of its line of the manifest; NULL: it has none */
};

/* Without a mark.  `dir` and `proofs` are borrowed. */
void deeds_init(struct deeds *deeds, const struct store_dir *dir, const struct store_proofs *proofs,
                const struct exporter_context *context);

/* When the proofs are on: from now on the mark is kept, in `mark_dir_fd`; tells what the manifest
 * has behind it.  Where there is none, as in a store from before there were marks, all that the
 * manifest has counts as told. */
MUST_CHECK enum status deeds_open(struct deeds *deeds, int mark_dir_fd, uint64_t now_unix_ns,
                                  struct error *err);

/* The manifest has a deed that is not told yet. */
void deeds_expect(struct deeds *deeds);

/* It is done. */
void deeds_tell(struct deeds *deeds, const struct deed *deed);

/* Moves the mark when it may; a failure is repeated at the next call. */
void deeds_tick(struct deeds *deeds);
