/* SPDX-License-Identifier: Apache-2.0 */
/* store_proof.h -- the lines of a .proof file (docs/STORE_FORMAT.md, ".proof"): the seed of a
 * file's salts and where its lines stand in the tree.  Implemented in src/integrity/; line_file.h
 * reads and appends them.
 *
 *   of a file with all its lines      head with seed, then states; the last one counts
 *   of a file with lines erased       head without seed, then runs from first to last line
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/merkle_range.h"
#include "telltale/signed_note.h"
#include "telltale/store_leaf.h"

#define STORE_PROOF_ACTIVE_NAME "active.proof"
#define STORE_PROOF_SUFFIX      ".proof"

enum { STORE_PROOF_RUN_MAX = 1024 }; /* salts of one line; a longer run has several lines */

enum store_proof_kind {
    STORE_PROOF_HEAD,   /* the first line, and only that */
    STORE_PROOF_STATE,  /* what the file holds so far */
    STORE_PROOF_KEPT,   /* the next lines of the file, with their salts */
    STORE_PROOF_ERASED, /* lines that are not in the file any more */
};

struct store_proof_head {
    char origin[NOTE_NAME_SIZE];
    uint64_t first_index; /* of the file's first line in the tree */
    uint8_t journal_id[JOURNAL_ID_SIZE];
    bool has_seed;
    struct store_seed seed; /* secret */
};

/* Good while the bytes of the file up to offset_bytes are there. */
struct store_proof_state {
    uint64_t offset_bytes;     /* of the plain file, whole lines */
    struct merkle_range range; /* from head.first_index on; its leaves are those lines */
};

struct store_proof_line {
    enum store_proof_kind kind;
    union {
        struct store_proof_head head;
        struct store_proof_state state;
        struct {
            size_t count;
            struct store_salt salts[STORE_PROOF_RUN_MAX];
        } kept;
        struct merkle_range erased; /* of their leaves */
    };
};

/* --- Writing: each appends a line with its '\n'.  ST_LIMIT, ST_NO_MEMORY
 * --------------------------- */

MUST_CHECK enum status store_proof_put_head(const struct store_proof_head *head, struct buf *out,
                                            struct error *err);
MUST_CHECK enum status store_proof_put_state(const struct store_proof_state *state, struct buf *out,
                                             struct error *err);
/* 1 to STORE_PROOF_RUN_MAX. */
MUST_CHECK enum status store_proof_put_kept(const struct store_salt *salts, size_t count,
                                            struct buf *out, struct error *err);
MUST_CHECK enum status store_proof_put_erased(const struct merkle_range *leaves, struct buf *out,
                                              struct error *err);

/* --- Reading -----------------------------------------------------------------------------------
 */

struct store_proof_reader {
    uint64_t lines; /* read so far */
    bool has_seed;  /* of the head */
    uint64_t first_index;
    uint64_t next_index; /* behind what the last line covers; of a state, the end of its range */
    uint64_t offset_bytes;
};

void store_proof_reader_init(struct store_proof_reader *reader);

/* Reads the next line, without its '\n', into *ret, about 20 KB.  ST_INVALID: it is none, or does
 * not follow the one before: a head alone is first; states grow and stand under a seed; runs follow
 * one another and stand under none. */
MUST_CHECK enum status store_proof_read_line(struct store_proof_reader *reader, struct slice line,
                                             struct store_proof_line *ret, struct error *err);
