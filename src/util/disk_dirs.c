/* SPDX-License-Identifier: Apache-2.0 */
/* disk_dirs.c -- see disk_dirs.h. */
#include "telltale/disk_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE_OURS = 0700, MODE_ABOVE = 0755 };

/* Whether a directory that cannot be synced holds no entry that is ours to make durable: it belongs
 * to somebody else, or its file system cannot be written, or has no disk. */
static bool needs_no_sync(int os_errno)
{
    return os_errno == EACCES || os_errno == EPERM || os_errno == EROFS || os_errno == EINVAL ||
           os_errno == EOPNOTSUPP;
}

/* Syncs the directory that `path` is an entry of. */
static enum status sync_above(const struct disk_io *io, const char *path, bool was_made,
                              struct error *err)
{
    char above[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int size = slash != NULL ? (int)(slash - path) : 0;

    if (size > 0)
        snprintf(above, sizeof(above), "%.*s", size, path);
    else
        snprintf(above, sizeof(above), "%s", slash != NULL ? "/" : ".");
    int fd = io->open_at(AT_FDCWD, above, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    struct error ignored;
    bool is_synced = fd >= 0 && disk_sync_dir(io, fd, &ignored) == ST_OK;
    int os_errno = errno;
    if (fd >= 0)
        (void)close(fd); /* a directory */
    if (is_synced || (!was_made && needs_no_sync(os_errno)))
        return ST_OK;
    errno = os_errno;
    return error_set_errno(err, ST_IO, "sync the directory '%.150s'", above);
}

static enum status make(const struct disk_io *io, const char *path, mode_t mode, struct error *err)
{
    bool was_made = io->make_dir(path, mode) == 0;

    if (!was_made && errno != EEXIST)
        return error_set_errno(err, ST_IO, "make the directory '%.150s'", path);
    return sync_above(io, path, was_made, err);
}

enum status disk_make_dir(const struct disk_io *io, const char *path, struct error *err)
{
    return make(io, path, MODE_OURS, err);
}

enum status disk_make_dirs(const struct disk_io *io, const char *path, struct error *err)
{
    char part[PATH_MAX];
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof(part))
        return error_set(err, ST_INVALID, "directory name of %zu bytes", size);
    while (size > 1 && path[size - 1] == '/')
        size--;
    for (size_t i = 1; i < size; i++) {
        if (path[i] != '/' || path[i - 1] == '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        enum status st = make(io, part, MODE_ABOVE, err);
        if (st != ST_OK)
            return st;
    }
    memcpy(part, path, size);
    part[size] = 0;
    return make(io, part, MODE_OURS, err);
}
