/* SPDX-License-Identifier: Apache-2.0 */
/* file_identity.c -- see file_identity.h. */
#include "verify/file_identity.h"

#include <fcntl.h>

void file_identify(const struct stat *info, struct file_identity *ret)
{
    *ret = (struct file_identity){.device = info->st_dev,
                                  .inode = info->st_ino,
                                  .size = info->st_size,
                                  .changed = info->st_mtim};
}

bool file_identity_holds(const struct file_identity *identity, int dir_fd, const char *name)
{
    struct file_identity now;
    struct stat info;

    if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return identity->inode == 0;
    file_identify(&info, &now);
    return now.device == identity->device && now.inode == identity->inode &&
           now.size == identity->size && now.changed.tv_sec == identity->changed.tv_sec &&
           now.changed.tv_nsec == identity->changed.tv_nsec;
}
