/* SPDX-License-Identifier: Apache-2.0 */
/* volatile_disk.c -- see volatile_disk.h.
 *
 *     BASE/files/     what a running program sees
 *     BASE/removed/   what it removed or replaced, until the directory is synced
 *
 * The real files are always up to date; volatile_parts.h remembers how to take things back.
 */
#include "support/volatile_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/volatile_parts.h"
#include "telltale/base.h"

enum {
    SECTOR_SIZE_MIN = 512,
    SECTOR_SIZE_MAX = 4096,
};

struct volatile_disk {
    struct volatile_disk_options options;
    int root_fd;
    int removed_fd;
    bool is_off;
    struct chance chance;
    struct volatile_data data;
    struct volatile_names names;
};

/* --- Opening ------------------------------------------------------------------------------- */

static int open_part(const char *base, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", base, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int volatile_disk_open(const char *base, const struct volatile_disk_options *options,
                       struct volatile_disk **ret)
{
    size_t sector_size = options->sector_size;

    if (sector_size < SECTOR_SIZE_MIN || sector_size > SECTOR_SIZE_MAX ||
        (sector_size & (sector_size - 1)) != 0)
        return -EINVAL;
    struct volatile_disk *disk = calloc(1, sizeof(*disk));
    ASSERT(disk != NULL);
    disk->options = *options;
    disk->chance.state = options->seed;
    int base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (base_fd >= 0) {
        volatile_remove_tree(base_fd, "removed"); /* what the run before had no use for */
        (void)close(base_fd);                     /* a directory */
    }
    disk->root_fd = open_part(base, "files");
    disk->removed_fd = open_part(base, "removed");
    if (disk->root_fd < 0 || disk->removed_fd < 0) {
        int error = disk->root_fd < 0 ? disk->root_fd : disk->removed_fd;
        volatile_disk_close(disk);
        return error;
    }
    disk->data = (struct volatile_data){.sector_size = sector_size, .chance = &disk->chance};
    disk->names = (struct volatile_names){.removed_fd = disk->removed_fd, .data = &disk->data};
    *ret = disk;
    return 0;
}

void volatile_disk_close(struct volatile_disk *disk)
{
    if (disk == NULL)
        return;
    volatile_data_forget_all(&disk->data);
    volatile_names_forget_all(&disk->names);
    if (disk->root_fd >= 0)
        (void)close(disk->root_fd); /* a directory, as the other */
    if (disk->removed_fd >= 0)
        (void)close(disk->removed_fd);
    free(disk);
}

int volatile_disk_root(const struct volatile_disk *disk)
{
    return disk->root_fd;
}

bool volatile_disk_is_off(const struct volatile_disk *disk)
{
    return disk->is_off;
}

/* --- Data ---------------------------------------------------------------------------------- */

static off_t larger(off_t a, off_t b)
{
    return a > b ? a : b;
}

static off_t size_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) < 0 ? 0 : info.st_size; /* what follows fails as well */
}

ssize_t volatile_disk_write(struct volatile_disk *disk, int fd, const void *data, size_t size,
                            off_t offset)
{
    off_t end = offset + (off_t)size;

    if (disk->is_off)
        return -EIO;
    int error = volatile_data_note(&disk->data, fd, offset, end, larger(size_of(fd), end));
    if (error != 0)
        return error;
    ssize_t written = pwrite(fd, data, size, offset);
    return written < 0 ? -errno : written;
}

int volatile_disk_truncate(struct volatile_disk *disk, int fd, off_t size)
{
    off_t before = size_of(fd);

    if (disk->is_off)
        return -EIO;
    int error = volatile_data_note(&disk->data, fd, size, larger(before, size), size);
    if (error != 0)
        return error;
    return ftruncate(fd, size) < 0 ? -errno : 0;
}

int volatile_disk_allocate(struct volatile_disk *disk, int fd, int mode, off_t offset, off_t size)
{
    const int zeroing = FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE;
    off_t now = size_of(fd);
    off_t end = offset + size;

    if (disk->is_off)
        return -EIO;
    if ((mode & ~(zeroing | FALLOC_FL_KEEP_SIZE)) != 0)
        return -EOPNOTSUPP;
    off_t new_size = (mode & FALLOC_FL_KEEP_SIZE) != 0 ? now : larger(now, end);
    int error =
        volatile_data_note(&disk->data, fd, offset, (mode & zeroing) != 0 ? end : offset, new_size);
    if (error != 0)
        return error;
    return fallocate(fd, mode, offset, size) < 0 ? -errno : 0;
}

int volatile_disk_sync(struct volatile_disk *disk, int fd)
{
    struct stat info;

    if (disk->is_off)
        return -EIO;
    if (disk->options.syncs_are_lies)
        return 0;
    if (fstat(fd, &info) < 0)
        return -errno;
    volatile_data_forget(&disk->data, info.st_ino);
    if (disk->options.file_sync_keeps_names)
        volatile_names_keep_all(&disk->names);
    return 0;
}

/* --- Names --------------------------------------------------------------------------------- */

int volatile_disk_create(struct volatile_disk *disk, int dir_fd, const char *name, mode_t mode)
{
    return disk->is_off ? -EIO : volatile_names_create(&disk->names, dir_fd, name, mode);
}

int volatile_disk_make_dir(struct volatile_disk *disk, int dir_fd, const char *name, mode_t mode)
{
    return disk->is_off ? -EIO : volatile_names_make_dir(&disk->names, dir_fd, name, mode);
}

int volatile_disk_link(struct volatile_disk *disk, int fd, int dir_fd, const char *name)
{
    return disk->is_off ? -EIO : volatile_names_link(&disk->names, fd, dir_fd, name);
}

int volatile_disk_remove(struct volatile_disk *disk, int dir_fd, const char *name)
{
    return disk->is_off ? -EIO : volatile_names_remove(&disk->names, dir_fd, name);
}

int volatile_disk_rename(struct volatile_disk *disk, int from_fd, const char *from, int to_fd,
                         const char *to, unsigned flags)
{
    if (disk->is_off)
        return -EIO;
    return volatile_names_rename(&disk->names, from_fd, from, to_fd, to, flags);
}

int volatile_disk_sync_dir(struct volatile_disk *disk, int fd)
{
    struct stat info;

    if (disk->is_off)
        return -EIO;
    if (disk->options.syncs_are_lies)
        return 0;
    if (fstat(fd, &info) < 0)
        return -errno;
    if (disk->options.file_sync_keeps_names)
        volatile_names_keep_all(&disk->names);
    else
        volatile_names_keep_dir(&disk->names, info.st_ino);
    return 0;
}

/* --- Power cut ----------------------------------------------------------------------------- */

void volatile_disk_power_cut(struct volatile_disk *disk, uint64_t seed,
                             struct volatile_disk_losses *ret)
{
    static const uint64_t chances[] = {CHANCE_FULL, CHANCE_FULL - 1, CHANCE_FULL / 2, 1, 0};
    struct cut cut = {.chance = &disk->chance, .losses = ret};

    ASSERT(!disk->is_off);
    *ret = (struct volatile_disk_losses){0};
    disk->is_off = true;
    disk->chance.state = seed;
    cut.lost_of_full = chances[draw(&disk->chance, sizeof(chances) / sizeof(chances[0]))];
    volatile_data_cut(&disk->data, &cut);
    volatile_names_cut(&disk->names, &cut);
}
