/* SPDX-License-Identifier: Apache-2.0 */
/* file_outcome.h -- what one file of a store comes to, before it counts: findings, and the leaves
 * that it stands for in the tree.
 *
 * Threads: the verification's own.
 */
#pragma once

#include "verify/tree_walk.h"

struct file_outcome {
    struct verify_report found;
    bool has_range;
    struct merkle_range range;
    bool has_pieces;  /* the range is that of the check, which has pieces */
    bool is_unproved; /* lines that are not in the tree */
    bool begins_late; /* leaves before its first one are missing */
};

/* A file that the plan has and that is not there to be read. */
void file_outcome_of_absent(const struct tree_walk *walk, const struct plan_file *file,
                            struct file_outcome *outcome);

/* A file whose lines were checked.  `file`: NULL for the active one. */
void file_outcome_of_lines(const struct tree_walk *walk, const struct plan_file *file,
                           const struct file_check_job *job, const struct file_check *check,
                           struct file_outcome *outcome);

/* In place of the above for a closed file whose erasure was not finished, and that disagrees with
 * its proof or the manifest: one of them is old, and which one only the exporter makes out. */
void file_outcome_under_erasure(const struct tree_walk *walk, const struct plan_file *file,
                                const char *name, struct file_outcome *outcome);

/* After one of these: whether its leaves are the next ones; if not, that is found. */
void file_outcome_check_index(const struct tree_walk *walk, const char *name,
                              const char *proof_name, struct file_outcome *outcome);
