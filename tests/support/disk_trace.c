/* SPDX-License-Identifier: Apache-2.0 */
/* disk_trace.c -- see disk_trace.h.  A file is known by its inode from when it is made; an inode
 * that is used again belongs to a new file. */
#include "support/disk_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS_MAX = 8192 };

static struct {
    pthread_mutex_t lock;
    char root[PATH_MAX];
    enum trace_omission omission;
    char dirs[TRACE_DIRS_MAX][TRACE_NAME_SIZE];
    unsigned dir_count;
    ino_t files[TRACE_FILES_MAX];
    unsigned file_count;
    uint64_t marks[TRACE_MARKS];
    struct trace_event events[EVENTS_MAX];
    size_t count;
} trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct trace_event *add(enum trace_kind kind)
{
    ASSERT(trace.count < EVENTS_MAX);
    struct trace_event *event = &trace.events[trace.count++];
    *event = (struct trace_event){.kind = kind};
    memcpy(event->marks, trace.marks, sizeof(event->marks));
    return event;
}

static unsigned dir_of(int fd)
{
    char link[64];
    char path[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path) - 1);
    ASSERT(size > 0);
    path[size] = 0;
    size_t root_size = strlen(trace.root);
    const char *name = strncmp(path, trace.root, root_size) == 0 ? path + root_size : "/outside";
    name += *name == '/';
    for (unsigned i = 0; i < trace.dir_count; i++) {
        if (strcmp(trace.dirs[i], name) == 0)
            return i;
    }
    ASSERT(trace.dir_count < TRACE_DIRS_MAX && strlen(name) < TRACE_NAME_SIZE);
    snprintf(trace.dirs[trace.dir_count], TRACE_NAME_SIZE, "%s", name);
    return trace.dir_count++;
}

static unsigned file_of(int fd)
{
    struct stat info;

    ASSERT(fstat(fd, &info) == 0);
    for (unsigned i = trace.file_count; i > 0; i--) {
        if (trace.files[i - 1] == info.st_ino)
            return i - 1;
    }
    ASSERT(false); /* not made through this table */
    return 0;
}

static void set_name(char out[TRACE_NAME_SIZE], const char *name)
{
    ASSERT(strlen(name) < TRACE_NAME_SIZE);
    snprintf(out, TRACE_NAME_SIZE, "%s", name);
}

static void note_created(int dir_fd, const char *name, int fd)
{
    struct stat info;

    ASSERT(fstat(fd, &info) == 0 && trace.file_count < TRACE_FILES_MAX);
    trace.files[trace.file_count++] = info.st_ino;
    struct trace_event *event = add(TRACE_CREATE);
    event->dir = dir_of(dir_fd);
    event->file = trace.file_count - 1;
    set_name(event->name, name);
}

static int trace_open_at(int dir_fd, const char *name, int flags, mode_t mode)
{
    struct stat info;

    (void)pthread_mutex_lock(&trace.lock);
    bool is_new = (flags & O_CREAT) != 0 && fstatat(dir_fd, name, &info, 0) < 0;
    int fd = disk_io_system.open_at(dir_fd, name, flags, mode);
    int os_errno = errno;
    if (fd >= 0 && is_new)
        note_created(dir_fd, name, fd);
    else if (fd >= 0 && (flags & O_TRUNC) != 0)
        add(TRACE_TRUNCATE)->file = file_of(fd);
    errno = os_errno;
    (void)pthread_mutex_unlock(&trace.lock);
    return fd;
}

static ssize_t trace_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    (void)pthread_mutex_lock(&trace.lock);
    ssize_t n = disk_io_system.pwritev(fd, parts, count, offset);
    int os_errno = errno;
    if (n > 0) {
        struct trace_event *event = add(TRACE_WRITE);
        event->file = file_of(fd);
        event->offset = (uint64_t)offset;
        event->size = (uint64_t)n;
        event->bytes = malloc((size_t)n);
        ASSERT(event->bytes != NULL);
        for (size_t at = 0; at < (size_t)n; parts++) {
            size_t some = parts->iov_len < (size_t)n - at ? parts->iov_len : (size_t)n - at;
            if (some > 0)
                memcpy(event->bytes + at, parts->iov_base, some);
            at += some;
        }
    }
    errno = os_errno;
    (void)pthread_mutex_unlock(&trace.lock);
    return n;
}

/* Nothing is synced: no power goes here. */
static int trace_sync(int fd)
{
    (void)pthread_mutex_lock(&trace.lock);
    if (trace.omission != TRACE_OMIT_FILE_SYNCS)
        add(TRACE_SYNC)->file = file_of(fd);
    (void)pthread_mutex_unlock(&trace.lock);
    return 0;
}

static int trace_sync_dir(int dir_fd)
{
    (void)pthread_mutex_lock(&trace.lock);
    if (trace.omission != TRACE_OMIT_DIR_SYNCS)
        add(TRACE_SYNC_DIR)->dir = dir_of(dir_fd);
    (void)pthread_mutex_unlock(&trace.lock);
    return 0;
}

static int trace_ftruncate(int fd, off_t size)
{
    (void)pthread_mutex_lock(&trace.lock);
    int result = disk_io_system.ftruncate(fd, size);
    if (result == 0) {
        struct trace_event *event = add(TRACE_TRUNCATE);
        event->file = file_of(fd);
        event->size = (uint64_t)size;
    }
    (void)pthread_mutex_unlock(&trace.lock);
    return result;
}

static int trace_fallocate(int fd, int mode, off_t offset, off_t size)
{
    (void)pthread_mutex_lock(&trace.lock);
    ASSERT((mode & ~FALLOC_FL_KEEP_SIZE) == 0); /* others change what is there */
    int result = disk_io_system.fallocate(fd, mode, offset, size);
    if (result == 0 && mode == 0) {
        struct trace_event *event = add(TRACE_GROW);
        event->file = file_of(fd);
        event->size = (uint64_t)(offset + size);
    }
    (void)pthread_mutex_unlock(&trace.lock);
    return result;
}

static int note_renamed(int result, int old_dir_fd, const char *old_name, int new_dir_fd,
                        const char *new_name)
{
    if (result < 0)
        return result;
    struct trace_event *event = add(TRACE_RENAME);
    event->dir = dir_of(new_dir_fd);
    event->from_dir = dir_of(old_dir_fd);
    set_name(event->name, new_name);
    set_name(event->from_name, old_name);
    return 0;
}

static int trace_rename_at(int old_dir_fd, const char *old_name, int new_dir_fd,
                           const char *new_name)
{
    (void)pthread_mutex_lock(&trace.lock);
    int result = disk_io_system.rename_at(old_dir_fd, old_name, new_dir_fd, new_name);
    result = note_renamed(result, old_dir_fd, old_name, new_dir_fd, new_name);
    (void)pthread_mutex_unlock(&trace.lock);
    return result;
}

static int trace_rename_new_at(int old_dir_fd, const char *old_name, int new_dir_fd,
                               const char *new_name)
{
    (void)pthread_mutex_lock(&trace.lock);
    int result = disk_io_system.rename_new_at(old_dir_fd, old_name, new_dir_fd, new_name);
    result = note_renamed(result, old_dir_fd, old_name, new_dir_fd, new_name);
    (void)pthread_mutex_unlock(&trace.lock);
    return result;
}

static int trace_unlink_at(int dir_fd, const char *name)
{
    (void)pthread_mutex_lock(&trace.lock);
    int result = disk_io_system.unlink_at(dir_fd, name);
    if (result == 0) {
        struct trace_event *event = add(TRACE_UNLINK);
        event->dir = dir_of(dir_fd);
        set_name(event->name, name);
    }
    (void)pthread_mutex_unlock(&trace.lock);
    return result;
}

static ssize_t trace_pread(int fd, void *data, size_t size, off_t offset)
{
    return disk_io_system.pread(fd, data, size, offset);
}

static int trace_free_bytes(int dir_fd, uint64_t *ret)
{
    return disk_io_system.free_bytes(dir_fd, ret);
}

static int trace_make_dir(const char *path, mode_t mode)
{
    return disk_io_system.make_dir(path, mode);
}

static int trace_fstat(int fd, struct stat *ret)
{
    return disk_io_system.fstat(fd, ret);
}

static int trace_stat_at(int dir_fd, const char *name, struct stat *ret)
{
    return disk_io_system.stat_at(dir_fd, name, ret);
}

static int trace_set_times(int fd, const struct timespec times[2])
{
    return disk_io_system.set_times(fd, times);
}

const struct disk_io disk_trace_io = {
    .open_at = trace_open_at,
    .pread = trace_pread,
    .pwritev = trace_pwritev,
    .fdatasync = trace_sync,
    .fsync = trace_sync,
    .fsync_dir = trace_sync_dir,
    .ftruncate = trace_ftruncate,
    .fallocate = trace_fallocate,
    .rename_at = trace_rename_at,
    .rename_new_at = trace_rename_new_at,
    .unlink_at = trace_unlink_at,
    .make_dir = trace_make_dir,
    .fstat = trace_fstat,
    .stat_at = trace_stat_at,
    .set_times = trace_set_times,
    .free_bytes = trace_free_bytes,
};

/* --- For the test --------------------------------------------------------------------------- */

void disk_trace_begin(const char *root, enum trace_omission omission)
{
    disk_trace_end();
    ASSERT(realpath(root, trace.root) != NULL);
    trace.omission = omission;
}

void disk_trace_end(void)
{
    for (size_t i = 0; i < trace.count; i++)
        free(trace.events[i].bytes);
    trace.count = 0;
    trace.dir_count = 0;
    trace.file_count = 0;
    memset(trace.marks, 0, sizeof(trace.marks));
}

void disk_trace_mark(unsigned which, uint64_t value)
{
    ASSERT(which < TRACE_MARKS);
    (void)pthread_mutex_lock(&trace.lock);
    trace.marks[which] = value;
    (void)add(TRACE_MARK);
    (void)pthread_mutex_unlock(&trace.lock);
}

size_t disk_trace_count(void)
{
    return trace.count;
}

const struct trace_event *disk_trace_event(size_t index)
{
    ASSERT(index < trace.count);
    return &trace.events[index];
}

unsigned disk_trace_dir_count(void)
{
    return trace.dir_count;
}

const char *disk_trace_dir(unsigned dir)
{
    ASSERT(dir < trace.dir_count);
    return trace.dirs[dir];
}
