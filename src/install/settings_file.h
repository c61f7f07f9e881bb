/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file.h -- reading a settings file whole, replacing it at once, removing it.
 *
 * People keep their settings behind symbolic links, which are followed and stay.  A project is
 * somebody else's: a link in it could lead to any file of the user's, so none is followed there.
 *
 * Threads: any; nothing is shared.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/disk_io.h"
#include "telltale/error.h"

/* Borrowed during each call. */
struct settings_path {
    const char *text; /* absolute */
    /* So much of it is the directory of a project, behind which no link is followed.  0: it is the
     * user's, and all are. */
    size_t project_size;
    const struct disk_io *io; /* NULL: the system's */
};

/* Reads it into `ret`, at most JSON_EDIT_SIZE_MAX bytes.  ST_NOT_FOUND: there is none.
 * ST_INVALID: it is no file, a link of a project, or a link to nothing. */
MUST_CHECK enum status settings_file_read(const struct settings_path *path, struct buf *ret,
                                          struct error *err);

/* Writes beside it and renames, after a sync: whatever fails, the file is the old one or the new
 * one, and a failure before the rename leaves nothing beside it.  The mode is kept, missing
 * directories are made (0700).  A new file has mode 0600.  ST_INVALID: as above. */
MUST_CHECK enum status settings_file_write(const struct settings_path *path, struct slice text,
                                           struct error *err);

/* Removes the file; a link of the user's is what goes then. */
MUST_CHECK enum status settings_file_remove(const struct settings_path *path, struct error *err);
