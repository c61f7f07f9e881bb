/* SPDX-License-Identifier: Apache-2.0 */
/* volatile_data.c -- data that is not synced.
 *
 * A file that was written since its last sync has a `struct unsynced_file`: the size that the disk
 * holds, and for each changed sector the bytes that the disk holds.  With each further write to the
 * same sector there is a chance that the cache had written it out just before.  A sync forgets all
 * of that.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/volatile_parts.h"
#include "telltale/base.h"

enum { WRITTEN_OUT_CHANCE = 4 }; /* one in so many times that a changed sector is changed again */

struct sector {
    uint64_t number;
    uint8_t kept[]; /* what the disk holds */
};

struct unsynced_file {
    struct unsynced_file *next;
    ino_t inode;
    int fd;            /* owned */
    void *sectors;     /* tsearch(3) tree of struct sector, by number */
    off_t kept_size;   /* what the disk holds */
    bool size_changed; /* whether that may differ from the present one */
};

static int compare_sectors(const void *a, const void *b)
{
    const struct sector *x = a;
    const struct sector *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static void forget_file(struct unsynced_file **link)
{
    struct unsynced_file *file = *link;

    *link = file->next;
    tdestroy(file->sectors, free);
    (void)close(file->fd);
    free(file);
}

static struct unsynced_file **find_file(struct volatile_data *data, ino_t inode)
{
    struct unsynced_file **link = &data->files;

    while (*link != NULL && (*link)->inode != inode)
        link = &(*link)->next;
    return link;
}

/* The notes about the file behind `fd`, which is about to be changed. */
static int note_file(struct volatile_data *data, int fd, struct unsynced_file **ret)
{
    struct stat info;

    if (fstat(fd, &info) < 0)
        return -errno;
    *ret = *find_file(data, info.st_ino);
    if (*ret != NULL)
        return 0;
    struct unsynced_file *file = calloc(1, sizeof(*file));
    ASSERT(file != NULL);
    file->inode = info.st_ino;
    file->kept_size = info.st_size;
    file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (file->fd < 0) {
        free(file);
        return -errno;
    }
    file->next = data->files;
    data->files = file;
    *ret = file;
    return 0;
}

static off_t size_of(int fd)
{
    struct stat info;
    ASSERT(fstat(fd, &info) == 0);
    return info.st_size;
}

/* The size is about to change from what it is. */
static void note_size(struct volatile_data *data, struct unsynced_file *file)
{
    if (!file->size_changed || draw(data->chance, WRITTEN_OUT_CHANCE) == 0)
        file->kept_size = size_of(file->fd);
    file->size_changed = true;
}

static void read_sector(struct volatile_data *data, int fd, uint64_t number, uint8_t *out)
{
    size_t size = data->sector_size;
    size_t done = 0;

    memset(out, 0, size);
    while (done < size) {
        ssize_t got = pread(fd, out + done, size - done, (off_t)(number * size + done));
        if (got <= 0)
            break; /* behind the end there are zeros */
        done += (size_t)got;
    }
}

/* The bytes from `start` to `end` are about to change. */
static void note_sectors(struct volatile_data *data, struct unsynced_file *file, off_t start,
                         off_t end)
{
    uint64_t size = data->sector_size;

    for (uint64_t number = (uint64_t)start / size; number * size < (uint64_t)end; number++) {
        const struct sector key = {.number = number};
        void *known = tfind(&key, &file->sectors, compare_sectors);
        if (known != NULL) {
            if (draw(data->chance, WRITTEN_OUT_CHANCE) == 0)
                read_sector(data, file->fd, number, (*(struct sector **)known)->kept);
            continue;
        }
        struct sector *sector = malloc(sizeof(*sector) + size);
        ASSERT(sector != NULL);
        sector->number = number;
        read_sector(data, file->fd, number, sector->kept);
        ASSERT(tsearch(sector, &file->sectors, compare_sectors) != NULL);
    }
}

static off_t larger(off_t a, off_t b)
{
    return a > b ? a : b;
}

int volatile_data_note(struct volatile_data *data, int fd, off_t start, off_t end, off_t new_size)
{
    struct unsynced_file *file;

    int error = note_file(data, fd, &file);
    if (error != 0)
        return error;
    note_sectors(data, file, start, end);
    if (new_size != size_of(fd))
        note_size(data, file);
    return 0;
}

void volatile_data_forget(struct volatile_data *data, ino_t inode)
{
    struct unsynced_file **link = find_file(data, inode);

    if (*link != NULL)
        forget_file(link);
}

void volatile_data_forget_all(struct volatile_data *data)
{
    while (data->files != NULL)
        forget_file(&data->files);
}

struct file_cut {
    const struct cut *cut;
    const struct unsynced_file *file;
    size_t sector_size;
};

static void cut_sector(const void *node, VISIT visit, void *context)
{
    const struct file_cut *of = context;
    const struct cut *cut = of->cut;
    const struct sector *sector = *(struct sector *const *)node;
    size_t size = of->sector_size;

    if (visit != postorder && visit != leaf)
        return;
    cut->losses->sectors_unsynced++;
    if (!is_lost(cut))
        return;
    cut->losses->sectors_lost++;
    ASSERT(pwrite(of->file->fd, sector->kept, size, (off_t)(sector->number * size)) ==
           (ssize_t)size);
}

/* The size on the disk may be the old one, the new one, or one on the way between them. */
static off_t cut_size(const struct cut *cut, off_t old, off_t new)
{
    cut->losses->sizes_unsynced++;
    if (!is_lost(cut))
        return new;
    cut->losses->sizes_lost++;
    if (draw(cut->chance, 2) == 0)
        return old;
    off_t least = old < new ? old : new;
    return least + (off_t)draw(cut->chance, (uint64_t)larger(old, new) - (uint64_t)least + 1);
}

static void cut_file(const struct volatile_data *data, const struct unsynced_file *file,
                     const struct cut *cut)
{
    struct file_cut of = {.cut = cut, .file = file, .sector_size = data->sector_size};
    off_t size = size_of(file->fd);

    twalk_r(file->sectors, cut_sector, &of);
    if (file->size_changed)
        size = cut_size(cut, file->kept_size, size);
    ASSERT(ftruncate(file->fd, size) == 0); /* a sector that was put back may have made it longer */
}

void volatile_data_cut(struct volatile_data *data, const struct cut *cut)
{
    for (const struct unsynced_file *file = data->files; file != NULL; file = file->next)
        cut_file(data, file, cut);
    volatile_data_forget_all(data);
}
