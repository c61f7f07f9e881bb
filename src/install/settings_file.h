/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file.h -- reading a settings file whole, and replacing it at once.
 *
 * Threads: any; nothing is shared.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

/* Reads it into `ret`, at most JSON_EDIT_SIZE_MAX bytes.  ST_NOT_FOUND: there is none. */
MUST_CHECK enum status settings_file_read(const char *path, struct buf *ret, struct error *err);

/* Writes beside it and renames, after a sync; a link is followed, the mode is kept, missing
 * directories are made (0700).  A new file has mode 0600. */
MUST_CHECK enum status settings_file_write(const char *path, struct slice text, struct error *err);
