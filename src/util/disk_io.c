/* SPDX-License-Identifier: Apache-2.0 */
/* disk_io.c -- see disk_io.h. */
#include "telltale/disk_io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int system_open_at(int dir_fd, const char *name, int flags, mode_t mode)
{
    return openat(dir_fd, name, flags, mode);
}

static int system_rename_new_at(int old_dir_fd, const char *old_name, int new_dir_fd,
                                const char *new_name)
{
    return renameat2(old_dir_fd, old_name, new_dir_fd, new_name, RENAME_NOREPLACE);
}

static int system_stat_at(int dir_fd, const char *name, struct stat *ret)
{
    return fstatat(dir_fd, name, ret, AT_SYMLINK_NOFOLLOW);
}

static int system_unlink_at(int dir_fd, const char *name)
{
    return unlinkat(dir_fd, name, 0);
}

static int system_free_bytes(int dir_fd, uint64_t *ret)
{
    struct statvfs fs;
    if (fstatvfs(dir_fd, &fs) < 0)
        return -1;
    *ret = (uint64_t)fs.f_bavail * fs.f_frsize;
    return 0;
}

const struct disk_io disk_io_system = {
    .open_at = system_open_at,
    .pread = pread,
    .pwritev = pwritev,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .fsync_dir = fsync,
    .ftruncate = ftruncate,
    .fallocate = fallocate,
    .rename_at = renameat,
    .rename_new_at = system_rename_new_at,
    .unlink_at = system_unlink_at,
    .make_dir = mkdir,
    .fstat = fstat,
    .stat_at = system_stat_at,
    .set_times = futimens,
    .free_bytes = system_free_bytes,
};

enum status disk_read(const struct disk_io *io, int fd, void *data, size_t size, uint64_t offset,
                      size_t *ret_got, struct error *err)
{
    size_t got = 0;

    while (got < size) {
        ssize_t n = io->pread(fd, (char *)data + got, size - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, ST_IO, "read at %" PRIu64, offset + got);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *ret_got = got;
    return ST_OK;
}

/* Drops `size` written bytes from the front of `parts`; returns the first part that is left. */
static size_t skip_written(struct iovec *parts, size_t first, size_t count, size_t size)
{
    while (first < count && size >= parts[first].iov_len) {
        size -= parts[first].iov_len;
        first++;
    }
    if (size > 0) {
        ASSERT(first < count);
        parts[first].iov_base = (char *)parts[first].iov_base + size;
        parts[first].iov_len -= size;
    }
    return first;
}

enum status disk_write(const struct disk_io *io, int fd, struct iovec *parts, size_t count,
                       uint64_t offset, struct error *err)
{
    size_t first = skip_written(parts, 0, count, 0); /* empty parts at the front */

    while (first < count) {
        size_t some = count - first < IOV_MAX ? count - first : IOV_MAX;
        ssize_t n = io->pwritev(fd, parts + first, (int)some, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, ST_IO, "write at %" PRIu64, offset);
        if (n == 0)
            return error_set(err, ST_IO, "write at %" PRIu64 ": no progress", offset);
        offset += (uint64_t)n;
        first = skip_written(parts, first, count, (size_t)n);
    }
    return ST_OK;
}

enum status disk_sync(const struct disk_io *io, int fd, struct error *err)
{
    int result;
    do {
        result = io->fdatasync(fd);
    } while (result < 0 && errno == EINTR); /* interrupted before it said anything */
    if (result < 0)
        return error_set_errno(err, ST_IO, "fdatasync");
    return ST_OK;
}

enum status disk_sync_dir(const struct disk_io *io, int dir_fd, struct error *err)
{
    int result;
    do {
        result = io->fsync_dir(dir_fd);
    } while (result < 0 && errno == EINTR);
    if (result < 0)
        return error_set_errno(err, ST_IO, "fsync of the directory");
    return ST_OK;
}

enum status disk_publish(const struct disk_io *io, int dir_fd, const char *name, const void *data,
                         size_t size, struct error *err)
{
    char temp_name[NAME_MAX + 1];
    struct iovec part = {.iov_base = (void *)data, .iov_len = size};

    snprintf(temp_name, sizeof(temp_name), "%s.tmp", name);
    int fd = io->open_at(dir_fd, temp_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "create '%s'", temp_name);
    enum status st = disk_write(io, fd, &part, 1, 0, err);
    if (st == ST_OK)
        st = disk_sync(io, fd, err);
    (void)close(fd); /* the data is synced, or we are failing anyway */
    if (st == ST_OK && io->rename_at(dir_fd, temp_name, dir_fd, name) < 0)
        st = error_set_errno(err, ST_IO, "rename '%s'", temp_name);
    if (st == ST_OK)
        st = disk_sync_dir(io, dir_fd, err);
    return st == ST_OK ? ST_OK : error_context(err, "write '%s'", name);
}
