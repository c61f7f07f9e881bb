/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h -- records of a store that were asked for, with what proves them: the salt and place
 * of each, the hashes of the tree that are needed besides, the newest checkpoint and the chain of
 * keys.
 *
 * Files that have no such record are not read where their index says so: for the tree the manifest
 * has their ranges.  The store may be in use.  What cannot be proved is there all the same, and
 * says why.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/checkpoint.h"
#include "telltale/key_chain.h"
#include "telltale/store_file.h"
#include "telltale/store_leaf.h"

enum {
    EVIDENCE_SIZE_MAX = 1 << 30,      /* bytes of all lines */
    EVIDENCE_RECORDS_MAX = 4 << 20,   /* records */
    EVIDENCE_HASHES_MAX = 1 << 30,    /* bytes of ranges of the tree */
    EVIDENCE_KEYS_SIZE_MAX = 1 << 30, /* bytes of keys.jsonl */
    EVIDENCE_WHY_SIZE = 256,
};

struct evidence_record {
    uint64_t index; /* in the tree; while `why` is NULL */
    uint64_t sequence;
    struct store_salt salt;
    size_t start, size;              /* in `lines`, with its '\n' */
    char file[STORE_FILE_NAME_SIZE]; /* of the store */
    const char *why;                 /* it is not proved, a literal; NULL: it is */
};

struct evidence {
    struct buf lines;
    struct evidence_record *records; /* owned; in the order of writing */
    size_t count, capacity;
    size_t proved_count;

    struct buf nodes; /* struct hash: those of merkle_set_parts(), for the proved records */
    struct buf note;  /* the newest checkpoint; empty: there is none */
    struct buf keys;  /* keys.jsonl */
    struct checkpoint checkpoint;
    struct key_judgement judgement; /* of it */
    char why[EVIDENCE_WHY_SIZE];    /* no record is proved; empty: some are, or there is none */
    bool is_unsettled;              /* the store or its proofs are not as they should be */

    uint64_t deleted_files, deleted_lines, erased_lines; /* of the store, on record */
    uint64_t damaged_files;                              /* and those that do not agree */
};

struct evidence_options {
    const char *store_dir;
    const char *const *keys; /* verifier keys that are trusted; may be none */
    size_t key_count;
    /* Whether the line is asked for. */
    enum status (*matches)(void *context, struct slice line, bool *ret, struct error *err);
    /* False: the file is known to have no such line. */
    bool (*may_match)(void *context, int dir_fd, const struct store_file_name *name);
    void *context;
};

void evidence_init(struct evidence *evidence);
void evidence_fini(struct evidence *evidence);

/* Gathers it.  ST_NOT_FOUND: there is no such store.  ST_INVALID: a key is none.  ST_LIMIT: too
 * much was asked for. */
MUST_CHECK enum status evidence_gather(struct evidence *evidence,
                                       const struct evidence_options *options, struct error *err);
