/* SPDX-License-Identifier: Apache-2.0 */
/* tree_walk.h -- the tree of all files, from its first leaf to its last: puts together what the
 * checks of the files gave, looks whether anything is missing in between, and compares the root
 * with each one that was signed.
 *
 * Threads: the verification's own.
 */
#pragma once

#include "verify/check_pool.h"
#include "verify/checkpoint_set.h"
#include "verify/deed_book.h"
#include "verify/file_plan.h"
#include "verify/verify.h"

struct tree_walk {
    int dir_fd;
    const struct verify_options *options; /* all borrowed */
    const struct checkpoint_set *set;
    struct verify_report *report;
    struct verify_summary *summary;
    struct check_pool *pool;
    struct deed_book *deeds;

    struct file_plan plan;
    bool has_position;
    struct store_file_name position; /* the last file that is done with */
    struct merkle_range tree;        /* while not is_lost: all leaves up to next_index */
    uint64_t next_index;
    bool has_tree;      /* a file with a proof, or a trace of one, was there */
    bool is_lost;       /* leaves are not known: no root behind them can be computed */
    size_t next_root;   /* in set->roots */
    uint64_t good_size; /* the largest at which a root was as signed */
    char good_file[VERIFY_FILE_SIZE]; /* where that was */

    bool has_last; /* of the lines before: */
    uint8_t last_journal[JOURNAL_ID_SIZE];
    uint64_t last_sequence;
    uint64_t done_bytes, total_bytes;
};

void tree_walk_init(struct tree_walk *walk);
void tree_walk_fini(struct tree_walk *walk);

/* Walks over all files.  The members above the empty line have been set. */
MUST_CHECK enum status tree_walk_run(struct tree_walk *walk, struct error *err);
