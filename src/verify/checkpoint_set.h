/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_set.h -- what was signed: the checkpoints of the store and those that were kept
 * elsewhere, each judged by the chain of keys (telltale/key_chain.h).
 *
 * What is wrong with keys and signatures is told here; whether the store's tree has the signed
 * roots, tree_walk.h finds out.
 *
 * Threads: one owner at a time; reading it, any.
 */
#pragma once

#include "telltale/key_chain.h"
#include "verify/stamp_set.h"

enum {
    CHECKPOINTS_MAX = 2 << 20,
    CHECKPOINT_COPIES_PER_FILE = 1 << 20,
    COPY_ON_RECORD = UINT16_MAX, /* in a record of the store, with a cosignature */
};

struct signed_root {
    uint64_t size;
    struct hash root;
    uint64_t unix_ns;   /* when, as the store says; 0: a copy */
    uint64_t line;      /* of its file */
    uint16_t copy;      /* 0: of the store; else options.copies[copy - 1], or: */
    bool has_good_seal; /* signed by the key of an epoch that covers the size */
};

struct checkpoint_set {
    struct signed_root *roots; /* owned; when all are read: by size */
    size_t count, capacity;
    uint64_t *sizes; /* owned; of those with a good seal, ascending, each once */
    size_t size_count;

    struct key_chain *chain;
    bool has_keys, has_checkpoints;    /* the files are there */
    uint64_t key_lines, lines;         /* of the files */
    uint64_t breaks, break_line;       /* of the chain: how many, and where the first one is, */
    char break_text[VERIFY_TEXT_SIZE]; /* and what it is */
    uint64_t last_size;                /* of the largest of the store with a good seal */
    uint64_t first_epoch_size, last_epoch_size; /* at which the first and the last epoch began */
    uint64_t copies, foreign;
    uint64_t anchored, unanchored; /* by a trusted key, or good and not */
    uint64_t by_log_key;           /* and by the log's own, which was given */
    uint64_t unanchored_size;      /* the largest of the latter */
    struct verify_report *report;  /* borrowed */
    const struct verify_options *options;
    struct note_vkey witnesses[16];
    uint64_t witnessed[16]; /* the largest size that each cosigned */
    bool has_witnessed[16];
    bool is_on_record; /* it was looked for in the store's own records */
    struct stamp_set stamps;
};

/* `options` and `report` are borrowed until checkpoint_set_fini().  ST_INVALID: a key is none, or
 * there is no certificate in a file; ST_NOT_FOUND: there is no such file. */
MUST_CHECK enum status checkpoint_set_init(struct checkpoint_set *set,
                                           const struct verify_options *options,
                                           struct verify_report *report, struct error *err);
void checkpoint_set_fini(struct checkpoint_set *set);

/* Reads checkpoints.jsonl and keys.jsonl of the store, and the copies; where witnesses are asked
 * for and there are no copies, the cosignatures that the store has on record.  Before the store's
 * lines are read: so they can only be more than what was signed. */
MUST_CHECK enum status checkpoint_set_read(struct checkpoint_set *set, int dir_fd,
                                           struct error *err);

/* What is to be said of all of them, when it is known whether the store has a tree at all, and
 * whether files of it were closed before the last one, which may wait for its checkpoint. */
void checkpoint_set_conclude(struct checkpoint_set *set, bool has_tree, bool has_closed);

/* "checkpoints.jsonl", the path of the copy, or words for the store's records. */
const char *checkpoint_set_file(const struct checkpoint_set *set, const struct signed_root *root);
