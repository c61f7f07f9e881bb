/* SPDX-License-Identifier: Apache-2.0 */
/* faulty_disk.c -- see faulty_disk.h.  Changes are kept in a list, oldest first, each with what is
 * needed to take it back; taking back goes from the newest to the oldest. */
#include "support/faulty_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHANGES_MAX = 4096,
    SECTOR = 512,
};

enum change_kind { CHANGE_BYTES, CHANGE_RENAME, CHANGE_UNLINK, CHANGE_CREATE };

struct change {
    enum change_kind kind;
    bool is_doomed; /* a sync of it failed */
    ino_t file;     /* CHANGE_BYTES: that one; otherwise the directory */
    int fd;         /* owned; of the file, or of the directory */
    off_t offset;
    size_t size;     /* of the changed bytes */
    uint8_t *old;    /* owned; what was there, `old_size` bytes of it */
    size_t old_size; /* less than `size`: the file ended there */
    char name[128];  /* where the file is now, or was before it was unlinked */
    char from[128];  /* CHANGE_RENAME: its name before */
    int from_fd;     /* CHANGE_RENAME: owned; of the directory where it was */
    char backup[64]; /* a hard link to what the name meant before; empty: nothing */
};

static struct {
    pthread_mutex_t lock;
    int dir_fd;
    enum disk_fault fault;
    int os_errno;
    unsigned calls, first, last; /* calls so far; those that meet the fault */
    bool was_hit;
    bool is_off;
    unsigned backups;
    size_t count;
    struct change changes[CHANGES_MAX];
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .dir_fd = -1};

/* --- Faults ------------------------------------------------------------------------------- */

static bool is_about_syncs(void)
{
    return disk.fault == DISK_FAULT_SYNC || disk.fault == DISK_FAULT_LIE;
}

/* Counts a call.  Sets errno if it fails. */
static enum disk_fault count(bool is_sync)
{
    if (is_about_syncs() && !is_sync)
        return DISK_FAULT_NONE;
    disk.calls++;
    if (disk.is_off) {
        errno = EIO;
        return DISK_FAULT_POWER_CUT;
    }
    if (disk.fault == DISK_FAULT_NONE || disk.calls < disk.first || disk.calls > disk.last)
        return DISK_FAULT_NONE;
    disk.was_hit = true;
    disk.is_off = disk.fault == DISK_FAULT_POWER_CUT;
    errno = disk.fault == DISK_FAULT_INTERRUPT ? EINTR : disk.os_errno;
    return disk.fault;
}

static enum disk_fault count_call(void)
{
    return count(false);
}

static bool fails(enum disk_fault fault)
{
    return fault != DISK_FAULT_NONE && fault != DISK_FAULT_SHORT && fault != DISK_FAULT_LIE;
}

/* --- Changes ------------------------------------------------------------------------------ */

static ino_t file_of(int fd)
{
    struct stat st;
    ASSERT(fstat(fd, &st) == 0);
    return st.st_ino;
}

/* Another descriptor of the same file that keeps none of its locks. */
static int keep(int fd)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int kept = open(path, O_PATH | O_CLOEXEC);
    ASSERT(kept >= 0);
    return kept;
}

static struct change *add_change(enum change_kind kind, int fd)
{
    ASSERT(disk.count < CHANGES_MAX);
    struct change *change = &disk.changes[disk.count++];
    *change = (struct change){.kind = kind, .file = file_of(fd), .from_fd = -1};
    change->fd = keep(fd);
    return change;
}

static void drop_change(struct change *change)
{
    (void)close(change->fd);
    if (change->from_fd >= 0)
        (void)close(change->from_fd);
    free(change->old);
    if (change->backup[0] != 0)
        (void)unlinkat(disk.dir_fd, change->backup, 0);
}

/* The given descriptor may be write-only. */
static size_t read_file(int fd, void *data, size_t size, off_t offset)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        return 0; /* was unlinked since */
    ssize_t got = pread(reader, data, size, offset);
    ASSERT(got >= 0);
    (void)close(reader);
    return (size_t)got;
}

static void remember_bytes(int fd, off_t offset, size_t size)
{
    struct change *change = add_change(CHANGE_BYTES, fd);

    change->offset = offset;
    change->size = size;
    change->old = calloc(1, size + 1);
    ASSERT(change->old != NULL);
    change->old_size = read_file(fd, change->old, size, offset);
}

/* Keeps what `name` means now, under another name. */
static void remember_name(struct change *change, int dir_fd, const char *name)
{
    snprintf(change->name, sizeof(change->name), "%s", name);
    snprintf(change->backup, sizeof(change->backup), "backup-%u", ++disk.backups);
    if (linkat(dir_fd, name, disk.dir_fd, change->backup, 0) < 0)
        change->backup[0] = 0;
}

/* What was lost with a failed sync and written again since is safe where `fresh`, which is durable
 * now, covers it. */
static void heal(const struct change *fresh)
{
    off_t fresh_end = fresh->offset + (off_t)fresh->size;

    for (size_t i = 0; i < disk.count; i++) {
        struct change *doomed = &disk.changes[i];
        if (doomed->kind != CHANGE_BYTES || !doomed->is_doomed || doomed->file != fresh->file)
            continue;
        off_t end = doomed->offset + (off_t)doomed->size;
        off_t start = fresh->offset > doomed->offset ? fresh->offset : doomed->offset;
        off_t stop = fresh_end < end ? fresh_end : end;
        if (start >= stop)
            continue;
        size_t at = (size_t)(start - doomed->offset);
        size_t got = read_file(doomed->fd, doomed->old + at, (size_t)(stop - start), start);
        if (doomed->old_size < at + got)
            doomed->old_size = at + got;
    }
}

static void heal_all(ino_t file)
{
    for (size_t i = 0; i < disk.count; i++) {
        const struct change *change = &disk.changes[i];
        if (change->kind == CHANGE_BYTES && change->file == file && !change->is_doomed)
            heal(change);
    }
}

/* A sync of a file or of a directory has ended. */
static void end_sync(ino_t file, bool has_failed)
{
    size_t kept = 0;

    if (!has_failed)
        heal_all(file);
    for (size_t i = 0; i < disk.count; i++) {
        struct change *change = &disk.changes[i];
        bool is_covered = change->file == file;
        /* Names are journalled: what one sync could not write, a later one does. */
        if (is_covered && has_failed && change->kind == CHANGE_BYTES)
            change->is_doomed = true;
        if (is_covered && !has_failed && !change->is_doomed)
            drop_change(change);
        else
            disk.changes[kept++] = *change;
    }
    disk.count = kept;
}

/* --- The calls ---------------------------------------------------------------------------- */

/* A file that is truncated to nothing has no pages any more: none is doomed. */
static void let_pages_go(ino_t file)
{
    for (size_t i = 0; i < disk.count; i++) {
        struct change *change = &disk.changes[i];
        if (change->kind == CHANGE_BYTES && change->file == file)
            change->is_doomed = false;
    }
}

/* Opens; a file that this makes or empties can be lost. */
static int open_noting(int dir_fd, const char *name, int flags, mode_t mode)
{
    struct stat info;
    bool is_new = (flags & O_CREAT) != 0 && fstatat(dir_fd, name, &info, 0) < 0;

    if ((flags & O_TRUNC) != 0 && !is_new) {
        int old = openat(dir_fd, name, O_RDWR | O_CLOEXEC);
        if (old >= 0 && fstat(old, &info) == 0 && info.st_size > 0)
            remember_bytes(old, 0, (size_t)info.st_size);
        if (old >= 0)
            let_pages_go(file_of(old));
        if (old >= 0)
            (void)close(old);
    }
    int fd = openat(dir_fd, name, flags, mode);
    if (fd >= 0 && is_new) {
        struct change *change = add_change(CHANGE_CREATE, dir_fd);
        snprintf(change->name, sizeof(change->name), "%s", name);
    }
    return fd;
}

static int disk_open_at(int dir_fd, const char *name, int flags, mode_t mode)
{
    (void)pthread_mutex_lock(&disk.lock);
    int fd = fails(count_call()) ? -1 : open_noting(dir_fd, name, flags, mode);
    (void)pthread_mutex_unlock(&disk.lock);
    return fd;
}

static ssize_t disk_pread(int fd, void *data, size_t size, off_t offset)
{
    (void)pthread_mutex_lock(&disk.lock);
    enum disk_fault fault = count_call();
    if (fault == DISK_FAULT_SHORT)
        size = size / 2 + 1;
    ssize_t n = fails(fault) ? -1 : pread(fd, data, size, offset);
    (void)pthread_mutex_unlock(&disk.lock);
    return n;
}

/* The first half of `parts` as one piece. */
static size_t first_half(const struct iovec *parts, int count, uint8_t **ret)
{
    size_t total = 0;
    size_t at = 0;

    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    uint8_t *bytes = malloc(total + 1);
    ASSERT(bytes != NULL);
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            memcpy(bytes + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    *ret = bytes;
    return total / 2 + 1 < total ? total / 2 + 1 : total;
}

/* Such a write is done or not: neither the kernel nor a disk stops in the middle of it. */
static bool is_in_one_sector(const struct iovec *parts, int count, off_t offset)
{
    size_t total = 0;

    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    return total > 0 && offset / SECTOR == (offset + (off_t)total - 1) / SECTOR;
}

static ssize_t disk_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    (void)pthread_mutex_lock(&disk.lock);
    bool was_off = disk.is_off;
    enum disk_fault fault = count_call();
    int os_errno = errno;
    ssize_t n = -1;
    if (fault == DISK_FAULT_NONE) {
        size_t total = 0;
        for (int i = 0; i < count; i++)
            total += parts[i].iov_len;
        remember_bytes(fd, offset, total);
        n = pwritev(fd, parts, count, offset);
    } else if (fault != DISK_FAULT_INTERRUPT && !was_off) {
        uint8_t *bytes;
        size_t size = first_half(parts, count, &bytes);
        if (fails(fault) && is_in_one_sector(parts, count, offset))
            size = 0;
        remember_bytes(fd, offset, size);
        n = pwrite(fd, bytes, size, offset);
        free(bytes);
        if (fails(fault))
            n = -1;
    }
    errno = os_errno;
    (void)pthread_mutex_unlock(&disk.lock);
    return n;
}

static int sync_inode(int fd)
{
    (void)pthread_mutex_lock(&disk.lock);
    enum disk_fault fault = count(true);
    int os_errno = errno;
    if (fault != DISK_FAULT_INTERRUPT && fault != DISK_FAULT_POWER_CUT && fault != DISK_FAULT_LIE)
        end_sync(file_of(fd), fails(fault));
    errno = os_errno;
    (void)pthread_mutex_unlock(&disk.lock);
    return fails(fault) ? -1 : 0;
}

static int disk_ftruncate(int fd, off_t size)
{
    struct stat st;

    (void)pthread_mutex_lock(&disk.lock);
    bool has_failed = fails(count_call());
    if (!has_failed) {
        ASSERT(fstat(fd, &st) == 0);
        if (size < st.st_size)
            remember_bytes(fd, size, (size_t)(st.st_size - size));
        has_failed = ftruncate(fd, size) < 0;
    }
    (void)pthread_mutex_unlock(&disk.lock);
    return has_failed ? -1 : 0;
}

/* For calls that need no more than to be counted: 0, or -1 with errno. */
static int only_count(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    bool has_failed = fails(count_call());
    (void)pthread_mutex_unlock(&disk.lock);
    return has_failed ? -1 : 0;
}

/* The file grows; what it grew by may be gone after a power cut. */
static int disk_fallocate(int fd, int mode, off_t offset, off_t size)
{
    struct stat st;

    if (mode != 0)
        return only_count();
    (void)pthread_mutex_lock(&disk.lock);
    bool has_failed = fails(count_call());
    if (!has_failed) {
        ASSERT(fstat(fd, &st) == 0);
        if (offset + size > st.st_size)
            remember_bytes(fd, st.st_size, (size_t)(offset + size - st.st_size));
        has_failed = fallocate(fd, mode, offset, size) < 0;
    }
    (void)pthread_mutex_unlock(&disk.lock);
    return has_failed ? -1 : 0;
}

static int disk_rename_at(int old_dir_fd, const char *old_name, int new_dir_fd,
                          const char *new_name)
{
    (void)pthread_mutex_lock(&disk.lock);
    int result = -1;
    if (!fails(count_call())) {
        struct change *change = add_change(CHANGE_RENAME, new_dir_fd);
        remember_name(change, new_dir_fd, new_name);
        snprintf(change->from, sizeof(change->from), "%s", old_name);
        change->from_fd = keep(old_dir_fd);
        result = renameat(old_dir_fd, old_name, new_dir_fd, new_name);
    }
    (void)pthread_mutex_unlock(&disk.lock);
    return result;
}

static int disk_rename_new_at(int old_dir_fd, const char *old_name, int new_dir_fd,
                              const char *new_name)
{
    if (faccessat(new_dir_fd, new_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return disk_rename_at(old_dir_fd, old_name, new_dir_fd, new_name);
    (void)pthread_mutex_lock(&disk.lock);
    if (!fails(count_call()))
        errno = EEXIST;
    (void)pthread_mutex_unlock(&disk.lock);
    return -1;
}

static int disk_unlink_at(int dir_fd, const char *name)
{
    (void)pthread_mutex_lock(&disk.lock);
    int result = -1;
    if (!fails(count_call())) {
        remember_name(add_change(CHANGE_UNLINK, dir_fd), dir_fd, name);
        result = unlinkat(dir_fd, name, 0);
    }
    (void)pthread_mutex_unlock(&disk.lock);
    return result;
}

static int disk_free_bytes(int dir_fd, uint64_t *ret)
{
    (void)dir_fd;
    *ret = UINT64_C(1) << 40;
    return only_count();
}

static int disk_make_dir(const char *path, mode_t mode)
{
    return only_count() < 0 ? -1 : mkdir(path, mode);
}

static int disk_fstat(int fd, struct stat *ret)
{
    return only_count() < 0 ? -1 : fstat(fd, ret);
}

static int disk_stat_at(int dir_fd, const char *name, struct stat *ret)
{
    return only_count() < 0 ? -1 : fstatat(dir_fd, name, ret, AT_SYMLINK_NOFOLLOW);
}

static int disk_set_times(int fd, const struct timespec times[2])
{
    return only_count() < 0 ? -1 : futimens(fd, times);
}

const struct disk_io faulty_disk_io = {
    .open_at = disk_open_at,
    .pread = disk_pread,
    .pwritev = disk_pwritev,
    .fdatasync = sync_inode,
    .fsync = sync_inode,
    .fsync_dir = sync_inode,
    .ftruncate = disk_ftruncate,
    .fallocate = disk_fallocate,
    .rename_at = disk_rename_at,
    .rename_new_at = disk_rename_new_at,
    .unlink_at = disk_unlink_at,
    .make_dir = disk_make_dir,
    .fstat = disk_fstat,
    .stat_at = disk_stat_at,
    .set_times = disk_set_times,
    .free_bytes = disk_free_bytes,
};

/* --- For the test ------------------------------------------------------------------------- */

void faulty_disk_reset(int dir_fd)
{
    for (size_t i = 0; i < disk.count; i++)
        drop_change(&disk.changes[i]);
    disk.count = 0;
    disk.dir_fd = dir_fd;
    (void)faulty_disk_repair();
}

void faulty_disk_break(enum disk_fault fault, int os_errno, unsigned at, unsigned length)
{
    (void)pthread_mutex_lock(&disk.lock);
    disk.fault = fault;
    disk.os_errno = os_errno;
    disk.calls = 0;
    disk.first = at;
    disk.last = length < UINT_MAX - at ? at + length - 1 : UINT_MAX;
    disk.was_hit = false;
    (void)pthread_mutex_unlock(&disk.lock);
}

bool faulty_disk_was_hit(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    bool was_hit = disk.was_hit;
    (void)pthread_mutex_unlock(&disk.lock);
    return was_hit;
}

bool faulty_disk_repair(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    bool was_hit = disk.was_hit;
    disk.fault = DISK_FAULT_NONE;
    disk.was_hit = false;
    disk.is_off = false;
    (void)pthread_mutex_unlock(&disk.lock);
    return was_hit;
}

/* Each sector was written, or it was not; the file had grown, or it had not. */
static void take_bytes_back(const struct change *change, unsigned *seed)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", change->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return; /* was unlinked since */
    off_t end = change->offset + (off_t)change->size;
    for (off_t at = change->offset; at < end;) {
        off_t stop = (at / SECTOR + 1) * SECTOR < end ? (at / SECTOR + 1) * SECTOR : end;
        if (rand_r(seed) % 2 == 0)
            ASSERT(pwrite(fd, change->old + (at - change->offset), (size_t)(stop - at), at) > 0);
        at = stop;
    }
    off_t old_end = change->offset + (off_t)change->old_size;
    ASSERT(fstat(fd, &st) == 0);
    if (change->old_size < change->size && st.st_size == end && rand_r(seed) % 2 == 0)
        ASSERT(ftruncate(fd, old_end) == 0);
    (void)close(fd);
}

static void take_name_back(const struct change *change)
{
    if (change->kind == CHANGE_CREATE)
        (void)unlinkat(change->fd, change->name, 0);
    if (change->kind == CHANGE_RENAME)
        (void)renameat(change->fd, change->name, change->from_fd, change->from);
    if (change->backup[0] != 0 &&
        linkat(disk.dir_fd, change->backup, change->fd, change->name, 0) < 0)
        ASSERT(errno == EEXIST); /* a newer file of that name stayed */
}

void faulty_disk_settle(unsigned seed)
{
    while (disk.count > 0) {
        struct change *change = &disk.changes[--disk.count];
        if (change->kind == CHANGE_BYTES)
            take_bytes_back(change, &seed);
        else if (rand_r(&seed) % 2 == 0)
            take_name_back(change);
        drop_change(change);
    }
    (void)faulty_disk_repair();
}
