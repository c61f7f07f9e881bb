/* SPDX-License-Identifier: Apache-2.0 */
/* volatile_disk.h -- a disk with a cache that forgets: what POSIX promises after a power cut, and
 * nothing more.
 *
 * It stands on a directory of a real file system, which always shows what a running program sees.
 * Beside it the model remembers how to take back everything that was not synced.  At a power cut
 * it does so, by a random choice that the seed decides:
 *
 * - Data.  Each sector that was written and not covered by an fsync of its file is lost or kept on
 *   its own: torn writes, writes out of order, holes of zeros.  A sector that is lost shows
 *   the content that it had at the last sync, or at a later moment at which the cache happened to
 *   write it out.  The size of the file is a matter of its own.
 * - Names.  An entry that was made, removed, linked or renamed is durable when its directory was
 *   synced; syncing the file does not help (ext4 promises more: see below).  A rename
 *   happens or does not; there is never neither name.  Changes of different names are
 *   independent of each other, those of one name are lost from the end.
 *
 * Modes, owners, times and preallocated room are passed on and not modelled.  There are no
 * symbolic links.
 *
 * Functions give 0, a size or a descriptor, or a negative errno, as a file system in user space
 * must answer.  After the cut everything fails with -EIO.
 *
 * Threads: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct volatile_disk;

struct volatile_disk_options {
    size_t sector_size;         /* 512 to 4096, a power of two */
    uint64_t seed;              /* of what the cache writes out by itself */
    bool file_sync_keeps_names; /* any fsync makes all names durable, as the journal of ext4 does */
    bool syncs_are_lies;        /* they answer "done" and do nothing: a broken disk */
};

/* What a power cut found and did. */
struct volatile_disk_losses {
    uint64_t sectors_unsynced, sectors_lost;
    uint64_t sizes_unsynced, sizes_lost;
    uint64_t names_unsynced, names_lost;
};

/* `base` is a directory that exists; the files are in its subdirectory "files", which is made when
 * it is missing.  On success the caller owns *ret. */
int volatile_disk_open(const char *base, const struct volatile_disk_options *options,
                       struct volatile_disk **ret);

/* Frees the disk as it is: nothing is lost, as when it is unmounted.  NULL is allowed. */
void volatile_disk_close(struct volatile_disk *disk);

/* The directory of the files, borrowed. */
int volatile_disk_root(const struct volatile_disk *disk);
bool volatile_disk_is_off(const struct volatile_disk *disk);

/* Data: `fd` is a file below the root, open for reading and writing without O_APPEND.  To open
 * and read one is the caller's own matter. */
ssize_t volatile_disk_write(struct volatile_disk *disk, int fd, const void *data, size_t size,
                            off_t offset);
int volatile_disk_truncate(struct volatile_disk *disk, int fd, off_t size);
/* Growing, keeping the size, writing zeros and making holes. */
int volatile_disk_allocate(struct volatile_disk *disk, int fd, int mode, off_t offset, off_t size);
int volatile_disk_sync(struct volatile_disk *disk, int fd);

/* Makes a file that is not there yet; gives a descriptor for data, which the caller owns. */
int volatile_disk_create(struct volatile_disk *disk, int dir_fd, const char *name, mode_t mode);
int volatile_disk_make_dir(struct volatile_disk *disk, int dir_fd, const char *name, mode_t mode);
/* Another name for the file behind `fd`. */
int volatile_disk_link(struct volatile_disk *disk, int fd, int dir_fd, const char *name);
/* Removes a file.  Descriptors of it go on working.  Directories stay. */
int volatile_disk_remove(struct volatile_disk *disk, int dir_fd, const char *name);
/* `flags`: 0 or RENAME_NOREPLACE. */
int volatile_disk_rename(struct volatile_disk *disk, int from_fd, const char *from, int to_fd,
                         const char *to, unsigned flags);
int volatile_disk_sync_dir(struct volatile_disk *disk, int dir_fd);

/* The power fails: afterwards the directory "files" is what the disk has kept.  `*ret` says what
 * was lost. */
void volatile_disk_power_cut(struct volatile_disk *disk, uint64_t seed,
                             struct volatile_disk_losses *ret);
