/* SPDX-License-Identifier: Apache-2.0 */
/* disk_dirs.h -- making directories for durable files.
 *
 * A directory is an entry of the one above it.  Until that one is synced, a power cut takes the new
 * directory away with everything in it, however well that was synced.
 *
 * Threads: any.
 */
#pragma once

#include "telltale/disk_io.h"
#include "telltale/error.h"

/* Makes `path` with mode 0700, if it is not there, and its name durable.  That is done for one that
 * is there, too: whoever made it may have been killed before. */
MUST_CHECK enum status disk_make_dir(const struct disk_io *io, const char *path, struct error *err);

/* The same for everything above `path`, as mkdir -p does.  What is missing above is made
 * with mode 0755.  Of directories that are there, those above that we may not open are left alone:
 * they are not ours. */
MUST_CHECK enum status disk_make_dirs(const struct disk_io *io, const char *path,
                                      struct error *err);
