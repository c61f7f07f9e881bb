/* SPDX-License-Identifier: Apache-2.0 */
/* line_file.h -- a small file of lines that is appended to: manifest.jsonl, checkpoints.jsonl,
 * keys.jsonl, *.proof.  Implemented in src/integrity/.
 *
 * A line is durable when the call that appended it has returned.  After a crash the file ends with
 * a whole line: what is torn is cut off when it is opened to be written.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/disk_io.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum { LINE_FILE_LINE_MAX = 256 << 10 }; /* bytes of a line, with its '\n' */

struct line_file {
    const struct disk_io *io; /* borrowed */
    int fd;                   /* -1: not open */
    uint64_t size_bytes;      /* of whole, durable lines */
    bool dirty;               /* there may be more behind them */
};

/* Opens `name` in `dir_fd` for appending and makes it, mode 0600, when it is not there; its name is
 * durable then.  A torn last line, or one with NUL bytes, is cut off; *ret_cut_bytes says how much,
 * and may be NULL. `io` is borrowed until line_file_close(). */
MUST_CHECK enum status line_file_open(struct line_file *file, const struct disk_io *io, int dir_fd,
                                      const char *name, uint64_t *ret_cut_bytes, struct error *err);

/* Appends lines, each with its '\n', and makes them durable.  ST_INVALID: it is no whole line.  On
 * failure none of them counts, and the next call writes over them. */
MUST_CHECK enum status line_file_append(struct line_file *file, struct slice lines,
                                        struct error *err);

/* Accepts one that is not open, or all zeros with fd -1. */
void line_file_close(struct line_file *file);

/* What is called for each line, without its '\n'; number from 1.  Anything but ST_OK ends the
 * reading and is given back. */
typedef enum status line_file_visit(void *context, struct slice line, uint64_t number,
                                    struct error *err);

/* Whether a part of the line never came to the disk, by its NUL bytes.  Then it is torn, if it is
 * the last one. */
bool line_file_has_hole(struct slice line);

/* Reads a file from its beginning.  The last line counts only with its '\n' and without a hole:
 * *ret_torn says that there was one that is torn, and may be NULL.  ST_NOT_FOUND: no such file.
 * ST_LIMIT: a line that is longer than LINE_FILE_LINE_MAX. */
MUST_CHECK enum status line_file_read(const struct disk_io *io, int dir_fd, const char *name,
                                      line_file_visit *visit, void *context, bool *ret_torn,
                                      struct error *err);
