/* SPDX-License-Identifier: Apache-2.0 */
/* journal_dir.c -- see journal_dir.h.
 *
 * flock and not fcntl locks: those are lost when any descriptor of the file is closed.  The
 * lock file is never removed, since removing it would let two processes lock two files of the
 * same name. */
#include "journal/journal_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "telltale/disk_dirs.h"
#include "util/fd.h"

enum {
    SEGMENT_DIGITS = 20,
    COPY_CHUNK = 64 << 10,
    PID_TEXT_MAX = 32,
};

#define SEQUENCE_MAX         (UINT64_C(1) << 62) /* leaves room to count on */
#define QUARANTINE_BYTES_MAX (UINT64_C(256) << 20)

void segment_name(char out[SEGMENT_NAME_SIZE], uint64_t first_sequence)
{
    snprintf(out, SEGMENT_NAME_SIZE, "%020" PRIu64 ".seg", first_sequence);
}

bool segment_name_parse(const char *name, uint64_t *ret_first_sequence)
{
    char again[SEGMENT_NAME_SIZE];

    if (strspn(name, "0123456789") != SEGMENT_DIGITS)
        return false;
    errno = 0;
    uint64_t first = strtoull(name, NULL, 10);
    if (errno != 0 || first == 0 || first > SEQUENCE_MAX)
        return false;
    segment_name(again, first);
    if (strcmp(name, again) != 0)
        return false;
    *ret_first_sequence = first;
    return true;
}

static enum status lock_refused(int fd, struct error *err)
{
    char pid[PID_TEXT_MAX] = "";
    size_t got = 0;

    if (fd_read_up_to(fd, pid, sizeof(pid) - 1, &got, err) != ST_OK)
        got = 0;
    pid[got] = 0;
    pid[strspn(pid, "0123456789")] = 0;
    return error_set(err, ST_AGAIN,
                     "process %s is using it: stop that one, or choose another "
                     "state directory",
                     pid[0] != 0 ? pid : "(unknown)");
}

static enum status take_lock(struct journal_dir *dir, struct error *err)
{
    char pid[PID_TEXT_MAX];

    dir->lock_fd = openat(dir->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dir->lock_fd < 0)
        return error_set_errno(err, ST_IO, "open 'lock'");
    if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return lock_refused(dir->lock_fd, err);
        return error_set_errno(err, ST_IO, "flock 'lock'");
    }
    snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(dir->lock_fd, 0) < 0)
        return error_set_errno(err, ST_IO, "truncate 'lock'");
    return fd_write_all(dir->lock_fd, pid, strlen(pid), err);
}

static uint64_t quarantine_size(int quarantine_fd)
{
    uint64_t total = 0;
    int fd = openat(quarantine_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (stream == NULL)
        return 0; /* the limit then counts from now on */
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        struct stat st;
        if (fstatat(quarantine_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            total += (uint64_t)st.st_size;
    }
    (void)closedir(stream); /* was only read */
    return total;
}

static enum status open_quarantine(struct journal_dir *dir, struct error *err)
{
    if (mkdirat(dir->fd, "quarantine", 0700) < 0 && errno != EEXIST)
        return error_set_errno(err, ST_IO, "make 'quarantine'");
    dir->quarantine_fd = openat(dir->fd, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->quarantine_fd < 0)
        return error_set_errno(err, ST_IO, "open 'quarantine'");
    atomic_init(&dir->quarantine_bytes, quarantine_size(dir->quarantine_fd));
    return ST_OK;
}

enum status journal_dir_open(struct journal_dir *dir, const char *path, const struct disk_io *io,
                             struct error *err)
{
    *dir = (struct journal_dir){.io = io, .fd = -1, .lock_fd = -1, .quarantine_fd = -1};

    enum status st = disk_make_dir(io, path, err);
    if (st != ST_OK)
        goto out;
    dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0) {
        st = error_set_errno(err, ST_IO, "open the directory");
        goto out;
    }
    st = take_lock(dir, err);
    if (st == ST_OK)
        st = open_quarantine(dir, err);
out:
    if (st != ST_OK) {
        journal_dir_close(dir);
        return error_context(err, "journal '%s'", path);
    }
    return ST_OK;
}

static void close_if_open(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* nothing was written that is not synced */
    *fd = -1;
}

void journal_dir_close(struct journal_dir *dir)
{
    close_if_open(&dir->quarantine_fd);
    close_if_open(&dir->lock_fd); /* releases the lock */
    close_if_open(&dir->fd);
}

static enum status write_note(struct journal_dir *dir, const char *name, const char *text,
                              struct error *err)
{
    char note_name[NAME_MAX + 1];

    snprintf(note_name, sizeof(note_name), "%.200s.txt", name);
    return disk_publish(dir->io, dir->quarantine_fd, note_name, text, strlen(text), err);
}

static enum status copy_range(struct journal_dir *dir, int from, int to, uint64_t start,
                              uint64_t end, struct error *err)
{
    const struct disk_io *io = dir->io;
    uint8_t *chunk = malloc(COPY_CHUNK);
    enum status st = ST_OK;

    if (chunk == NULL)
        return error_set(err, ST_NO_MEMORY, "copy");
    for (uint64_t at = start; st == ST_OK && at < end;) {
        size_t size = end - at < COPY_CHUNK ? (size_t)(end - at) : COPY_CHUNK;
        size_t got = 0;
        st = disk_read(io, from, chunk, size, at, &got, err);
        if (st != ST_OK || got == 0)
            break;
        struct iovec part = {.iov_base = chunk, .iov_len = got};
        st = disk_write(io, to, &part, 1, at - start, err);
        at += got;
    }
    free(chunk);
    return st == ST_OK ? disk_sync(io, to, err) : st;
}

enum status quarantine_range(struct journal_dir *dir, int segment_fd, uint64_t first_sequence,
                             uint64_t start, uint64_t end, const char *reason, struct error *err)
{
    char name[64];
    char text[512];
    uint64_t size = end - start;

    ASSERT(start < end);
    snprintf(name, sizeof(name), "%020" PRIu64 "-%012" PRIu64 "-%" PRIu64, first_sequence, start,
             size);
    bool is_full = atomic_load(&dir->quarantine_bytes) + size > QUARANTINE_BYTES_MAX;
    snprintf(text, sizeof(text),
             "Segment %020" PRIu64 ".seg, bytes %" PRIu64 " to %" PRIu64 ": %s.\n%s\n",
             first_sequence, start, end, reason,
             is_full ? "The bytes were not copied: the quarantine is full."
                     : "The bytes are in the file of the same name without '.txt'.");
    int fd = -1;
    if (!is_full) {
        fd = dir->io->open_at(dir->quarantine_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                              0600);
        if (fd < 0 && errno == EEXIST)
            return ST_OK;
        if (fd < 0)
            return error_set_errno(err, ST_IO, "create 'quarantine/%s'", name);
    }
    enum status st = is_full ? ST_OK : copy_range(dir, segment_fd, fd, start, end, err);
    if (fd >= 0)
        (void)close(fd); /* synced, or failing anyway */
    if (st != ST_OK)
        (void)dir->io->unlink_at(dir->quarantine_fd, name); /* half a copy is no evidence */
    else if (!is_full)
        atomic_fetch_add(&dir->quarantine_bytes, size);
    if (st == ST_OK)
        st = write_note(dir, name, text, err);
    if (st == ST_OK && is_full)
        st = error_set(err, ST_LIMIT, "the quarantine is full");
    return st == ST_OK ? ST_OK : error_context(err, "quarantine '%s'", name);
}

enum status quarantine_file(struct journal_dir *dir, const char *name, const char *reason,
                            struct error *err)
{
    char text[512];

    snprintf(text, sizeof(text), "File %s: %s.\n", name, reason);
    enum status st = write_note(dir, name, text, err);
    if (st == ST_OK && dir->io->rename_at(dir->fd, name, dir->quarantine_fd, name) < 0)
        st = error_set_errno(err, ST_IO, "rename");
    if (st == ST_OK)
        st = disk_sync_dir(dir->io, dir->quarantine_fd, err);
    if (st == ST_OK)
        st = disk_sync_dir(dir->io, dir->fd, err);
    return st == ST_OK ? ST_OK : error_context(err, "quarantine '%s'", name);
}
