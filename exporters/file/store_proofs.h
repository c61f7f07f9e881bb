/* SPDX-License-Identifier: Apache-2.0 */
/* store_proofs.h -- the tree over all lines of a store while it grows (docs/INTEGRITY.md), and the
 * files that keep it: active.proof, <base>.proof and manifest.jsonl (docs/STORE_FORMAT.md).
 *
 *     store_proofs_begin ─ add, add ... ─ commit      lines of one batch, or
 *                                       ─ roll_back   none of them
 *
 * The active file is the truth: what its proof does not say yet is hashed again at the next start.
 * One that is switched off (is_on false) accepts every call and does nothing.
 *
 * Threads: belongs to the exporter whose store it is.
 */
#pragma once

#include "active_file.h"
#include "store_dir.h"
#include "telltale/line_file.h"
#include "telltale/merkle_range.h"
#include "telltale/store_manifest.h"
#include "telltale/store_proof.h"
#include "telltale/tree_growth.h"

enum proof_cover {
    COVER_NONE,    /* the active file has no line, and no seed */
    COVER_SEEDED,  /* its seed is durable, and all its lines are in the tree */
    COVER_MISSING, /* it has lines that are not */
};

/* A file that has its final name while its proof or the manifest does not say so yet. */
struct proof_closing {
    bool is_due;
    bool has_proof; /* else its lines are in no tree */
    bool is_named;  /* the proof has its name */
    struct store_file_name name;
    uint64_t size_bytes;
};

struct store_proofs {
    bool is_on;
    const struct store_dir *dir; /* borrowed */
    char origin[NOTE_NAME_SIZE];
    struct line_file manifest;
    struct manifest_chain chain;
    struct line_file active; /* active.proof, unless there is none */
    enum proof_cover cover;
    struct store_proof_head head; /* of the active file; good with COVER_SEEDED */
    struct merkle_range closed;   /* leaves of all files before the active one */
    struct merkle_range lines;    /* of the committed lines of that */
    struct merkle_range pending;  /* and of those behind */
    bool is_growing;              /* the next two are kept */
    struct tree_growth growth;    /* of the committed lines of the whole tree */
    struct merkle_range growing;  /* its last step, and the lines behind */
    uint64_t stated_bytes;        /* of the active file: what active.proof tells of */
    bool must_close;              /* the active file takes no more lines */
    struct proof_closing closing;
    uint64_t first_sequence; /* of the first line of the tree that is of the present journal, */
    uint64_t first_index;    /* and its place in the tree; 0 sequence: there is none */
    uint8_t journal_id[JOURNAL_ID_SIZE];
    struct buf text; /* a line on its way to a file */
};

void store_proofs_init(struct store_proofs *proofs, const struct store_dir *dir);
void store_proofs_fini(struct store_proofs *proofs);

/* The active file has to be closed before it gets another line. */
static inline bool store_proofs_want_close(const struct store_proofs *proofs)
{
    return proofs->must_close || proofs->cover == COVER_MISSING;
}

/* Before the lines of a batch of this journal: a seed is durable when it returns.  `has_lines`: the
 * active file has some already. */
MUST_CHECK enum status store_proofs_begin(struct store_proofs *proofs,
                                          const uint8_t journal_id[JOURNAL_ID_SIZE], bool has_lines,
                                          uint64_t now_unix_ns, struct error *err);

/* The next line, with its '\n'. */
void store_proofs_add(struct store_proofs *proofs, uint64_t sequence, struct slice line);

/* The lines since begin are durable: the active file has `size_bytes`, and begins with `first`. */
void store_proofs_commit(struct store_proofs *proofs, const struct active_file *active);
void store_proofs_roll_back(struct store_proofs *proofs);

/* Makes it durable where the committed lines stand in the tree. */
MUST_CHECK enum status store_proofs_state(struct store_proofs *proofs, uint64_t size_bytes,
                                          struct error *err);

/* The active file has got the name of a closed one, with `size_bytes`.  store_proofs_close() then
 * makes its proof follow, and the manifest; it does nothing when that is done, and is repeated
 * until it is. */
void store_proofs_note_closed(struct store_proofs *proofs, const struct store_file_name *name,
                              uint64_t size_bytes);
MUST_CHECK enum status store_proofs_close(struct store_proofs *proofs, uint64_t now_unix_ns,
                                          struct error *err);

/* How many lines the tree has, and its root. */
uint64_t store_proofs_size(const struct store_proofs *proofs);
void store_proofs_root(const struct store_proofs *proofs, struct hash *ret);

/* From now on `growth` is kept, and begins with the tree as it is. */
void store_proofs_begin_growth(struct store_proofs *proofs);

/* How many records of the journal between the first line of the tree and the newest, `last`, are
 * not in it. */
uint64_t store_proofs_skipped(const struct store_proofs *proofs, const struct store_place *last);

/* --- Closed files ----------------------------------------------------------------------------- */

/* Appends to the manifest, durable: `fact` without its time. */
MUST_CHECK enum status store_proofs_write(struct store_proofs *proofs, struct manifest_fact *fact,
                                          uint64_t now_unix_ns, struct error *err);

/* Name of a closed file without its suffixes: what the manifest calls it. */
void store_base_format(const struct store_file_name *name, char out[STORE_FILE_NAME_SIZE]);

/* Before a closed file goes: it is in the manifest when this returns ST_OK.  `reason`, `rule`: see
 * store_manifest.h; cut. */
MUST_CHECK enum status store_proofs_note_deletion(struct store_proofs *proofs,
                                                  const struct store_file_name *name,
                                                  const char *reason, const char *rule,
                                                  uint64_t now_unix_ns, struct error *err);

/* Behind it: its seed is overwritten and its proof deleted.  Best effort: the next start tries
 * again. */
void store_proofs_drop(const struct store_dir *dir, const struct store_file_name *name);

/* Overwrites a small file and deletes it; there may be none.  Best effort. */
void store_wipe_file(const struct disk_io *io, int dir_fd, const char *name);

/* Before the compressed form takes its name. */
MUST_CHECK enum status store_proofs_note_compressed(struct store_proofs *proofs,
                                                    const struct store_file_name *name,
                                                    uint64_t size_bytes, const struct hash *sha256,
                                                    uint64_t now_unix_ns, struct error *err);
