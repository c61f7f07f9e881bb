/* SPDX-License-Identifier: Apache-2.0 */
/* archive.h -- a new .tar.zst: a directory of regular files, written in one pass.  Nothing in it
 * tells who wrote it or when, so that the same files give the same bytes.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <zstd.h>

#include "telltale/error.h"
#include "telltale/slice.h"

enum { ARCHIVE_NAME_MAX = 48, ARCHIVE_FILE_SIZE_MAX = 2000000000 };

struct archive {
    int fd; /* -1: not open */
    const char *path, *dir;
    ZSTD_CCtx *context;
    uint8_t *out; /* owned */
    size_t out_size;
};

/* Makes the file `path`, of mode 0600, which may not be there yet.  `dir`, the directory in it, has
 * 1 to ARCHIVE_NAME_MAX bytes.  Both are borrowed until archive_finish() or archive_abandon().
 * ST_INVALID: it is there already. */
MUST_CHECK enum status archive_create(struct archive *archive, const char *path, const char *dir,
                                      struct error *err);

/* Adds a file; `name` as `dir`. */
MUST_CHECK enum status archive_add(struct archive *archive, const char *name, bool is_program,
                                   struct slice content, struct error *err);

/* Ends it, durably, and closes it.  On failure it is abandoned. */
MUST_CHECK enum status archive_finish(struct archive *archive, struct error *err);

/* Removes the file again; accepts one that is not open. */
void archive_abandon(struct archive *archive);
