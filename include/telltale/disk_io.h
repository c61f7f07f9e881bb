/* SPDX-License-Identifier: Apache-2.0 */
/* disk_io.h -- the system calls that change durable files, as a table that tests replace: of the
 * journal, and of every other part that must keep its promises when a disk fails.
 *
 * The members behave like the calls they are named after: -1 and errno on failure.  The helpers
 * below retry after EINTR and short counts and put the failure into words; a failed
 * fdatasync is never retried, because the kernel may have dropped the pages and would answer
 * "ok" (docs/JOURNAL_FORMAT.md, "Failures").
 *
 * Threads: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "telltale/error.h"

struct disk_io {
    int (*open_at)(int dir_fd, const char *name, int flags, mode_t mode);
    ssize_t (*pread)(int fd, void *data, size_t size, off_t offset);
    ssize_t (*pwritev)(int fd, const struct iovec *parts, int count, off_t offset);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd); /* of a file, with its times */
    int (*fsync_dir)(int dir_fd);
    int (*ftruncate)(int fd, off_t size);
    int (*fallocate)(int fd, int mode, off_t offset, off_t size);
    int (*rename_at)(int old_dir_fd, const char *old_name, int new_dir_fd, const char *new_name);
    /* EEXIST: there is a file of the new name, and nothing was done. */
    int (*rename_new_at)(int old_dir_fd, const char *old_name, int new_dir_fd,
                         const char *new_name);
    int (*unlink_at)(int dir_fd, const char *name);
    int (*make_dir)(const char *path, mode_t mode);
    int (*fstat)(int fd, struct stat *ret);
    int (*stat_at)(int dir_fd, const char *name, struct stat *ret); /* follows no link */
    int (*set_times)(int fd, const struct timespec times[2]);       /* as futimens(2) */
    int (*free_bytes)(int dir_fd, uint64_t *ret); /* what an unprivileged writer may still use */
};

extern const struct disk_io disk_io_system;

/* What settings mean by a NULL. */
static inline const struct disk_io *disk_io_or_system(const struct disk_io *io)
{
    return io != NULL ? io : &disk_io_system;
}

/* Reads until `size` bytes or the end of the file; *ret_got says how many. */
MUST_CHECK enum status disk_read(const struct disk_io *io, int fd, void *data, size_t size,
                                 uint64_t offset, size_t *ret_got, struct error *err);

/* Writes all of `parts`, which it uses up.  On failure any part may have been written. */
MUST_CHECK enum status disk_write(const struct disk_io *io, int fd, struct iovec *parts,
                                  size_t count, uint64_t offset, struct error *err);

MUST_CHECK enum status disk_sync(const struct disk_io *io, int fd, struct error *err);
MUST_CHECK enum status disk_sync_dir(const struct disk_io *io, int dir_fd, struct error *err);

/* Writes a new file whole, so that after a crash it is there complete or not at all: a
 * temporary file is filled, synced and renamed to `name`, and the directory is synced. */
MUST_CHECK enum status disk_publish(const struct disk_io *io, int dir_fd, const char *name,
                                    const void *data, size_t size, struct error *err);
