/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.h -- evidence (evidence.h) as a .tar.zst that whoever gets it can check without Telltale:
 * the files that README.txt names.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "bundle/archive.h"
#include "bundle/evidence.h"

/* The chain of custody.  Texts are borrowed; NULL: it is not said. */
struct custody {
    uint64_t unix_ns, monotonic_ns;
    const char *host, *boot_id;
    const char *user; /* of the operating system */
    uint64_t uid;
    const char *by, *reason, *case_id; /* as they were given */
    const char *version;
    bool has_program;
    struct hash program; /* SHA-256 of it */
    const char *store_dir;
    const char *const *question; /* the words of the command line */
    size_t question_count;
    uint64_t holds; /* legal holds in the store */
};

/* The directory in the archive, from the archive's path: its last part without ".tar.zst".  False:
 * it does not end so, or has other characters than letters, digits, '.', '_' and '-'. */
bool bundle_name(const char *path, char out[ARCHIVE_NAME_MAX + 1]);

/* Writes it to `path`, which may not be there yet; *ret_manifest is the SHA-256 of
 * manifest-sha256.txt.  ST_INVALID: the path. */
MUST_CHECK enum status bundle_write(const char *path, const struct evidence *evidence,
                                    const struct custody *custody, struct hash *ret_manifest,
                                    struct error *err);
