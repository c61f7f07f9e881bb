/* SPDX-License-Identifier: Apache-2.0 */
/* proof_recovery.h -- what a start makes of the proofs that it finds, after whatever ended the
 * process before.
 *
 * It reads the manifest and active.proof, hashes the last lines of the active file, and opens no
 * closed one.  What is damaged never keeps the store from starting: the lines are then not covered,
 * and that is said.
 *
 * Threads: belongs to the exporter whose store it is.
 */
#pragma once

#include "store_proofs.h"

struct proof_findings {
    bool is_broken;       /* the tree cannot be continued: another log has to begin */
    const char *trouble;  /* what is not covered, and why; a literal; NULL: nothing */
    bool is_chain_broken; /* a line of the manifest was changed, removed or put in */
    uint64_t hashed_bytes;
};

/* Switches `proofs` on, which is initialised, for the log `origin`.  `line` is for scratch. ST_IO
 * and ST_NO_MEMORY only; then it is off. */
MUST_CHECK enum status store_proofs_open(struct store_proofs *proofs, struct store_dir *dir,
                                         const struct active_file *active, const char *origin,
                                         uint64_t now_unix_ns, struct buf *line,
                                         struct proof_findings *ret, struct error *err);

/* Begins a tree anew, with no line, after its files were put aside. */
MUST_CHECK enum status store_proofs_restart(struct store_proofs *proofs,
                                            const struct active_file *active, const char *origin,
                                            struct error *err);

/* As store_proofs_begin_growth(), but the steps lead on from the last sizes that active.proof tells
 * of, among them that of each checkpoint of this file: so a checkpoint that nobody heard of before
 * a crash breaks no chain.  Hashes some of the last lines again; where it cannot, growth begins
 * with the tree as it is. */
void store_proofs_recover_growth(struct store_proofs *proofs, const struct store_dir *dir,
                                 const struct active_file *active, struct buf *line);
