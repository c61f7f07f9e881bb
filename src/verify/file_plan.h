/* SPDX-License-Identifier: Apache-2.0 */
/* file_plan.h -- which files a store has and had: its directory and its manifest side by side, in
 * the order of writing.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <sys/stat.h>

#include "telltale/store_file.h"
#include "telltale/store_manifest.h"
#include "verify/verify_report.h"

enum {
    PLAN_FACTS_MAX = 8 << 20,    /* names and lines of the manifest */
    PLAN_HASHES_MAX = 512 << 20, /* bytes of ranges */
    PLAN_BASE_SIZE = STORE_FILE_NAME_SIZE,
};

/* A file that there is, or that there was by the manifest. */
struct plan_file {
    struct store_file_name name;
    char base[PLAN_BASE_SIZE];
    bool has_plain, has_compressed, has_proof, has_index; /* in the directory */
    bool has_next; /* the proof that an unfinished erasure puts in the place of this one */

    bool is_closed; /* in the manifest; then: */
    uint64_t closed_line, closed_bytes;
    uint64_t first_index, end_index; /* of the range */
    size_t first_hash;
    bool is_compressed, is_rewritten, is_deleted, is_gone;
    bool has_sha256; /* of the file as it stands, when that is not plain as it was closed */
    struct hash sha256;
    uint64_t erased_lines, gone_files;
    struct store_file_name last_name; /* gone: of the last file */
};

struct file_plan {
    struct plan_file *files; /* owned; in the order of writing */
    size_t count;
    struct buf hashes;
    bool has_active, has_active_proof;
    /* active.proof is still that of the last file, which has no proof of its own name and is not in
     * the manifest: a rotation is under way, or a crash ended it. */
    bool is_proof_of_last;
    bool has_manifest;
    struct verify_report report; /* what is wrong with the manifest */
    uint64_t manifest_lines;
    uint64_t read_unix_ns;
    struct stat manifest_info, dir_info; /* before they were read; zeroed: none */
};

void file_plan_init(struct file_plan *plan);
void file_plan_fini(struct file_plan *plan);

/* Reads manifest and directory, in this order, in place of what the plan held. */
MUST_CHECK enum status file_plan_read(struct file_plan *plan, int dir_fd, struct error *err);

/* Whether neither has changed since. */
bool file_plan_holds(const struct file_plan *plan, int dir_fd);

/* The range of a file that is_closed or is_gone. */
void file_plan_range(const struct file_plan *plan, const struct plan_file *file,
                     struct merkle_range *ret);
