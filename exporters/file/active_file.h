/* SPDX-License-Identifier: Apache-2.0 */
/* active_file.h -- the file that a store appends to.
 *
 * Lines are appended, then committed together: after the commit they are durable, before it they
 * can be taken back.  Whatever fails, the file holds the committed lines, and the next append
 * begins behind them.
 *
 * Threads: belongs to the exporter that opened it.
 */
#pragma once

#include "store_dir.h"

struct active_file {
    const struct store_dir *dir; /* borrowed */
    int fd;                      /* -1: not open; the next append opens it */
    uint64_t size_bytes;         /* committed */
    uint64_t released_bytes;     /* of these, their pages were let go of */
    uint64_t pending_bytes;      /* appended behind those */
    bool dirty;                  /* there may be bytes behind size_bytes + pending_bytes */
    bool unsynced;               /* its name may not be durable yet */
    uint64_t begun_unix_ns;      /* when its first line was written; good when size_bytes > 0 */
    uint64_t written_unix_ns;    /* and its last one */
    struct store_place first;    /* of its committed lines; good when size_bytes > 0 */
    struct store_place last;
};

/* Opens the active file of `dir`, makes it when it is not there, and repairs what a crash left:
 * a torn last line is cut off, and so is everything from a line with NUL bytes on, which stand
 * where blocks of an unfinished write never arrived.  A file whose lines tell no place is set aside
 * under the name foreign-<time>.jsonl.  Both leave a note in store.log.  `line` is for scratch. */
MUST_CHECK enum status active_file_open(struct active_file *file, const struct store_dir *dir,
                                        uint64_t now_unix_ns, struct buf *line, struct error *err);

/* Closes without committing.  Accepts one that is not open. */
void active_file_close(struct active_file *file);

/* Writes `lines` behind what is there. */
MUST_CHECK enum status active_file_append(struct active_file *file, struct slice lines,
                                          struct error *err);

/* Makes the appended lines durable; `first` and `last` are the places of the outermost of them.
 * They come from the journal of the lines before.  On failure nothing is committed. */
MUST_CHECK enum status active_file_commit(struct active_file *file, const struct store_place *first,
                                          const struct store_place *last, uint64_t now_unix_ns,
                                          struct error *err);

/* Takes back what was appended since the last commit. */
void active_file_roll_back(struct active_file *file);

/* The name that it gets when it is closed. */
void active_file_closed_name(const struct active_file *file, struct store_file_name *ret);

/* Gives the file, which holds lines and nothing uncommitted, the name of a closed one, and begins
 * a new one.  *ret_closed says what it is now.  On failure it is still the active one. */
MUST_CHECK enum status active_file_rotate(struct active_file *file, struct store_entry *ret_closed,
                                          struct error *err);

/* Finds out whether somebody took the file away (deleted it, or moved it as log rotators do).
 * Then nothing more is written to it: the next append begins a new one. */
MUST_CHECK enum status active_file_check(struct active_file *file, uint64_t now_unix_ns,
                                         struct error *err);
