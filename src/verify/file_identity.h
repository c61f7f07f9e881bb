/* SPDX-License-Identifier: Apache-2.0 */
/* file_identity.h -- which file a name stood for, to see whether it has been replaced or written
 * to.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct file_identity {
    dev_t device;
    ino_t inode; /* 0: there was no file */
    off_t size;
    struct timespec changed;
};

void file_identify(const struct stat *info, struct file_identity *ret);

/* Whether `name` in `dir_fd` still stands for that file.  A zeroed identity: that there is none. */
bool file_identity_holds(const struct file_identity *identity, int dir_fd, const char *name);
