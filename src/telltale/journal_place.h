/* SPDX-License-Identifier: Apache-2.0 */
/* journal_place.h -- a journal's directory and the cursors beside it, opened to be looked at.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "config/config_dirs.h"

enum { PLACE_CURSORS_MAX = 256, PLACE_CURSOR_NAME_SIZE = 64 };

struct place_cursor {
    char name[PLACE_CURSOR_NAME_SIZE]; /* of its file */
    uint64_t next;                     /* sequence number of the next record; 0: from the oldest */
    bool is_damaged;
};

struct journal_place {
    char path[PATH_MAX];
    int fd;
    struct place_cursor cursors[PLACE_CURSORS_MAX]; /* in order of their names */
    size_t cursor_count;
    bool has_more_cursors; /* than fit */
    uint64_t largest_cursor;
};

/* `dir` NULL: that of the state directory.  The cursors are those of the directory `cursors` beside
 * it, and may be none.  They are read here, so whatever is read from the journal later has all that
 * they confirm. */
MUST_CHECK enum status journal_place_open(struct journal_place *place,
                                          const struct config_dirs *dirs, const char *dir,
                                          struct error *err);
void journal_place_close(struct journal_place *place);

/* Calls back for each file of the quarantine, in no order.  No quarantine: none. */
typedef void place_file_function(void *context, const char *name, uint64_t size_bytes);
void journal_place_quarantine(const struct journal_place *place, place_file_function *on_file,
                              void *context);
