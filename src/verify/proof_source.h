/* SPDX-License-Identifier: Apache-2.0 */
/* proof_source.h -- the lines of one .proof file, one at a time, while those of its file are read
 * beside it: memory does not depend on how many there are.
 *
 * Only what the file held when it was opened is read: so the lines of the store that it speaks of
 * are there when they are read later.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <sys/stat.h>

#include "telltale/buf.h"
#include "telltale/store_proof.h"

struct proof_source {
    int fd;           /* -1: not open */
    struct stat info; /* when it was opened */
    uint64_t left;    /* bytes not read yet */
    struct buf text;  /* read, from `start` on not given yet */
    size_t start;
    struct store_proof_reader reader;
    struct store_proof_line *line; /* owned; large */
    bool is_torn;                  /* there is a last line without its end */
};

/* Before the first use. */
void proof_source_init(struct proof_source *source);
void proof_source_fini(struct proof_source *source);

/* ST_NOT_FOUND: no such file.  What was open is closed. */
MUST_CHECK enum status proof_source_open(struct proof_source *source, int dir_fd, const char *name,
                                         struct error *err);

/* Reads the next line into source->line; source->reader.lines is its number.  ST_NOT_FOUND: that
 * was the last; ST_INVALID: it is no line of a proof, or does not follow those before. */
MUST_CHECK enum status proof_source_next(struct proof_source *source, struct error *err);
