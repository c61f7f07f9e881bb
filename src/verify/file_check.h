/* SPDX-License-Identifier: Apache-2.0 */
/* file_check.h -- one file of a store against its proof: the leaf of each line is made again, and
 * what comes out is the range of the file, cut where checkpoints cut the tree.
 *
 * What is found here is what the file and its proof say of each other.  Whether that is what was
 * signed, the tree of all files shows (tree_walk.h).
 *
 * Threads: a check belongs to one thread at a time; several run side by side.
 */
#pragma once

#include "telltale/merkle_range.h"
#include "telltale/store_file.h"
#include "verify/file_identity.h"
#include "verify/line_source.h"
#include "verify/proof_source.h"
#include "verify/verify_report.h"

/* Buffers and decoders, kept from file to file. */
struct file_checker {
    struct line_source lines;
    struct proof_source proof;
};

void file_checker_init(struct file_checker *checker);
void file_checker_fini(struct file_checker *checker);

/* A line as it is read; borrowed during the call. */
struct file_line {
    struct slice text; /* without its '\n' */
    uint64_t sequence; /* in its journal */
    bool has_leaf;     /* its file has a proof; then: */
    uint64_t index;    /* in the tree */
    struct store_salt salt;
};

struct file_check_job {
    int dir_fd;
    char name[STORE_FILE_NAME_SIZE];   /* of the file with the lines */
    char proof_name[VERIFY_FILE_SIZE]; /* empty: it has none */
    bool is_compressed;
    bool has_index; /* then: */
    struct store_file_name index_of;
    bool is_active;        /* may end within a line, and grow */
    bool has_sha256;       /* of the file as it stands on the disk */
    struct hash sha256;    /* by the manifest */
    const uint64_t *sizes; /* borrowed: of the checkpoints, ascending */
    size_t size_count;
    /* Hears of each line before its leaf counts; with *ret_alone that becomes a piece of its own.
     * A failure ends the check.  May be NULL. */
    enum status (*on_line)(void *context, const struct file_line *line, bool *ret_alone,
                           struct error *err);
    void *context;
};

/* The leaves up to a size that a checkpoint has, or up to or of a line that on_line() chose. */
struct file_piece {
    uint64_t end;      /* behind its last leaf */
    size_t first_hash; /* in file_check.hashes; the piece's range begins where the last one ends */
};

struct file_check {
    enum status status; /* ST_NOT_FOUND: it is not there any more; others but ST_OK: no result */
    struct error err;
    struct verify_report report; /* what was found in the file */
    bool is_whole;               /* all its lines were read, and each has its leaf */
    bool has_proof;
    bool agrees;    /* nothing was found */
    bool is_proved; /* is_whole, and all that its proof says is right; of lines behind that it says
                     * nothing, and manifest and checkpoints do */

    char origin[NOTE_NAME_SIZE]; /* by the proof */
    uint64_t first_index;
    struct merkle_range range; /* computed; while is_whole */
    bool has_stated;
    struct merkle_range stated; /* by the proof: of the last state, or of the runs */
    struct buf hashes;          /* of the pieces */
    struct file_piece *pieces;  /* owned */
    size_t piece_count, piece_capacity;

    uint64_t lines, bytes, disk_bytes, erased_lines;
    bool has_places; /* of the first and last line */
    struct store_place first_place, last_place;
    struct file_identity data_identity, proof_identity;
};

void file_check_init(struct file_check *check);
void file_check_fini(struct file_check *check);

/* Does the job; the result is in `ret`, which was initialised. */
void file_check_run(struct file_checker *checker, const struct file_check_job *job,
                    struct file_check *ret);

/* The range of piece `index`. */
void file_check_piece(const struct file_check *check, size_t index, struct merkle_range *ret);
