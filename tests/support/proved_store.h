/* SPDX-License-Identifier: Apache-2.0 */
/* proved_store.h -- a forensic store with its proofs, made by hand from the functions of
 * src/integrity: every file of docs/STORE_FORMAT.md, small enough that each of its bytes can be
 * flipped.
 *
 * Everything here fails the test when it cannot be done.
 */
#pragma once

#include "support/temp_dir.h"
#include "telltale/key_ring.h"
#include "telltale/merkle_range.h"
#include "telltale/store_file.h"
#include "telltale/store_leaf.h"
#include "telltale/store_manifest.h"

enum { PROVED_STORE_PATH_SIZE = TEMP_DIR_PATH_MAX + 256 };

/* A deletion or erasure, as its record tells of it. */
struct proved_deed {
    const char *action, *transport, *origin;
    char base[STORE_FILE_NAME_SIZE];
    bool names_line;  /* of the manifest: */
    struct hash line; /* its chain value */
};

struct proved_store {
    struct temp_dir dir;
    char path[TEMP_DIR_PATH_MAX + 16]; /* the store's directory, below `dir` */
    int dir_fd, key_dir_fd;
    struct key_ring *ring;
    struct merkle_range tree;
    struct manifest_chain chain;
    uint64_t next_sequence;
    uint64_t unix_s; /* one more with each thing that is done */

    bool has_file; /* an active one, and then: */
    uint8_t journal_id[JOURNAL_ID_SIZE];
    struct store_seed seed;
    struct merkle_range file_range;
    uint64_t file_begun_s, file_first_sequence, file_bytes;
    char last_base[STORE_FILE_NAME_SIZE]; /* of the last file that was closed */
    struct proved_deed deed;              /* the last one */
};

/* Empty: only the keys are there. */
void proved_store_init(struct proved_store *store);
void proved_store_fini(struct proved_store *store);

/* Makes an active file without a line, and without a proof. */
void proved_store_begin(struct proved_store *store);

/* Appends lines to the active file, and a state to its proof: small ones of its own, or whole ones
 * that somebody else made, of one journal. */
void proved_store_write(struct proved_store *store, size_t count);
void proved_store_append(struct proved_store *store, struct slice lines);
/* Passes numbers of the journal by. */
void proved_store_skip(struct proved_store *store, uint64_t count);

void proved_store_checkpoint(struct proved_store *store);
void proved_store_evolve(struct proved_store *store);

/* Closes the active file: name, proof, manifest, checkpoint. */
void proved_store_close(struct proved_store *store);
/* Compresses the file that was closed last, in frames of `lines` lines. */
void proved_store_compress(struct proved_store *store, size_t lines);
/* Deletes a closed file, on record. */
void proved_store_delete(struct proved_store *store, const char *base);
/* Erases line `line`, from 1, of the last closed file, which is not compressed: on record. */
void proved_store_erase(struct proved_store *store, uint64_t line);
/* Appends the record of a deed to the active file. */
void proved_store_tell(struct proved_store *store, const struct proved_deed *deed);

/* Appends the checkpoint of the tree as it stands to `out`, signed. */
void proved_store_sign(struct proved_store *store, struct buf *out);

/* The verifier key of the first epoch. */
void proved_store_first_key(const struct proved_store *store, char out[NOTE_VKEY_SIZE]);

/* The log's own, which is not an epoch\'s. */
void proved_store_log_key(const struct proved_store *store, char out[NOTE_VKEY_SIZE]);

/* Two files, one of them compressed, an active one, two epochs and a few checkpoints. */
void proved_store_fill(struct proved_store *store);
