/* SPDX-License-Identifier: Apache-2.0 */
/* letter_file.h -- the files of dead letters: which there are, and their lines.
 *
 * The daemon may be appending while another process reads: a last line without its newline is
 * not finished, or was torn by a crash, and is not given.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdbool.h>

#include "telltale/buf.h"
#include "telltale/disk_io.h"

enum {
    LETTER_FILE_NAME_SIZE = 160,
    LETTER_FILES_MAX = 100000,
    LETTER_LINE_MAX = 64 << 20, /* no letter is longer */
};

struct letter_file_list {
    char (*names)[LETTER_FILE_NAME_SIZE]; /* owned; those with numbers first, in their order */
    size_t count;
};

/* The files of directory `dir_fd`: of one NAME those with numbers (NAME.N.jsonl), which nobody
 * appends to any more; with a NULL all files of all names.  ST_LIMIT: there are too many. */
MUST_CHECK enum status letter_files_list(const struct disk_io *io, int dir_fd, const char *name,
                                         struct letter_file_list *ret, struct error *err);
void letter_files_free(struct letter_file_list *list); /* accepts an empty one */

struct letter_lines {
    const struct disk_io *io; /* borrowed */
    int fd;                   /* owned; -1: not open */
    struct buf window;        /* owned */
    size_t at;                /* in the window: what is before was given */
    uint64_t offset;          /* in the file, of `at` */
};

struct letter_line {
    struct slice text; /* without its newline; borrowed until the next call */
    uint64_t start;    /* offsets in the file: the line with its newline is start..end - 1 */
    uint64_t end;
};

/* `io` is borrowed until letter_lines_fini(). */
void letter_lines_init(struct letter_lines *lines, const struct disk_io *io);
void letter_lines_fini(struct letter_lines *lines);

/* Opens file `name` at its start.  ST_NOT_FOUND: it is not there. */
MUST_CHECK enum status letter_lines_open(struct letter_lines *lines, int dir_fd, const char *name,
                                         struct error *err);
void letter_lines_close(struct letter_lines *lines);

/* ST_AGAIN: the end; ST_LIMIT: a line that is too long, which was passed over; ST_IO;
 * ST_NO_MEMORY. */
MUST_CHECK enum status letter_lines_next(struct letter_lines *lines, struct letter_line *ret,
                                         struct error *err);
