/* SPDX-License-Identifier: Apache-2.0 */
/* log_files.h -- what an exporter knows of each log that it shows to somebody outside, kept across
 * crashes: a small file for each, replaced whole.  Implemented in src/attest/.
 *
 * Threads: belongs to the exporter.
 */
#pragma once

#include <stdbool.h>

#include "telltale/buf.h"
#include "telltale/disk_io.h"
#include "telltale/error.h"

enum { LOG_FILE_SIZE_MAX = 128 << 10 };

struct log_files {
    const struct disk_io *io; /* borrowed */
    int dir_fd;
};

/* Makes and opens `<state_dir>/<type>/<exporter>`, '/' in the name of the exporter as '.'.  `io` is
 * borrowed until log_files_close().  ST_INVALID: the name is too long; ST_IO. */
MUST_CHECK enum status log_files_open(struct log_files *files, const struct disk_io *io,
                                      const char *state_dir, const char *type, const char *exporter,
                                      struct error *err);
void log_files_close(struct log_files *files); /* accepts what was set to -1 and not opened */

/* Takes what was written; borrowed during the call.  ST_INVALID, ST_LIMIT: it is not of this
 * version. */
typedef enum status log_file_parse(void *context, struct slice bytes, struct error *err);

/* Gives what was written for the log, with this `head`, a line that says what it is, to `parse`.
 * *ret_is_known is false when nothing was written, or it is damaged, or of another version; then it
 * may have been given all the same.  ST_IO, ST_NO_MEMORY. */
MUST_CHECK enum status log_files_read(const struct log_files *files, const char *head,
                                      const char *origin, log_file_parse *parse, void *context,
                                      bool *ret_is_known, struct error *err);

/* Makes it durable. */
MUST_CHECK enum status log_files_write(const struct log_files *files, const char *head,
                                       const char *origin, struct slice bytes, struct error *err);

/* Takes a line off the start of `text`, without its '\n'.  False: there is none. */
bool log_files_take_line(struct slice *text, struct slice *ret);
