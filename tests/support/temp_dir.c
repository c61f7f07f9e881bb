/* SPDX-License-Identifier: Apache-2.0 */
/* temp_dir.c -- see temp_dir.h. */
#include "support/temp_dir.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/base.h"

void temp_dir_make(struct temp_dir *dir)
{
    const char *root = getenv("TMPDIR");
    snprintf(dir->path, sizeof(dir->path), "%s/telltale-test-XXXXXX", root != NULL ? root : "/tmp");
    ASSERT(mkdtemp(dir->path) != NULL);
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT(dir->fd >= 0);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void temp_dir_remove(struct temp_dir *dir)
{
    enum { OPEN_DIRECTORIES_MAX = 16 };

    (void)close(dir->fd);
    (void)nftw(dir->path, remove_entry, OPEN_DIRECTORIES_MAX, FTW_DEPTH | FTW_PHYS);
}

void temp_dir_prefer_memory(void)
{
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 0);
}
