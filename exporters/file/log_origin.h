/* SPDX-License-Identifier: Apache-2.0 */
/* log_origin.h -- the directory of a log's keys, and the name of the log, which is kept there.
 *
 * Threads: none of its own.
 */
#pragma once

#include "telltale/disk_io.h"
#include "telltale/signed_note.h"

/* Opens <state_dir>/integrity/<exporter>, '/' as '.', and makes it. */
MUST_CHECK enum status log_keys_open(const struct disk_io *io, const char *state_dir,
                                     const char *exporter, int *ret_fd, struct error *err);

/* Reads the name.  ST_NOT_FOUND: there is none, or it is damaged. */
MUST_CHECK enum status log_origin_read(const struct disk_io *io, int key_dir_fd,
                                       char out[NOTE_NAME_SIZE], struct error *err);

/* Makes it durable. */
MUST_CHECK enum status log_origin_write(const struct disk_io *io, int key_dir_fd,
                                        const char *origin, struct error *err);

/* Makes a name nobody else has: of `prefix`, or the host's name if that is NULL, and a random
 * number. */
MUST_CHECK enum status log_origin_make(const char *prefix, char out[NOTE_NAME_SIZE],
                                       struct error *err);
