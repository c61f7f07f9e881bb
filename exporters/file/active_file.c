/* SPDX-License-Identifier: Apache-2.0 */
/* active_file.c -- see active_file.h.
 *
 *     | committed lines | appended lines | what a failed write left |
 *     0            size_bytes      + pending_bytes
 *
 * Only the first part counts.  Cutting off the rest may fail too, on a sick disk; then `dirty`
 * stays set and the cut is tried again before anything else is written.
 *
 * After a failed fdatasync the kernel holds the pages for clean, so syncing again would lie: the
 * lines are taken back and written anew.
 *
 * At a power cut a file system may keep the new size of a file without the blocks of a write that
 * was not synced; they read as zeros.  JSON has no NUL, so a NUL marks the first line
 * that was not committed, or a damaged disk.  What is cut off is kept in cut-<time>.bin: on a
 * damaged disk there may be good lines behind.
 */
#include "active_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_io.h"

enum {
    FILE_MODE = 0600,
    CHECK_SIZE = 64 << 20, /* how much of the end is looked through for NUL: more than one commit */
    CHECK_CHUNK_SIZE = 64 << 10,
    RELEASE_SIZE = 4 << 20,
};

static const uint64_t ns_per_s = 1000000000;

/* `how` is O_EXCL where an active file that is there already cannot be ours. */
static enum status open_active(struct active_file *file, int how, struct error *err)
{
    file->fd = file->dir->io->open_at(file->dir->fd, STORE_ACTIVE_NAME,
                                      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | how, FILE_MODE);
    if (file->fd < 0)
        return error_set_errno(err, ST_IO, "open '%s/%s'", file->dir->path, STORE_ACTIVE_NAME);
    file->size_bytes = 0;
    file->released_bytes = 0;
    file->pending_bytes = 0;
    file->dirty = false;
    file->unsynced = true;
    return ST_OK;
}

/* Makes the file end behind the appended lines, if it does not. */
static enum status cut(struct active_file *file, struct error *err)
{
    if (!file->dirty)
        return ST_OK;
    if (file->dir->io->ftruncate(file->fd, (off_t)(file->size_bytes + file->pending_bytes)) < 0)
        return error_set_errno(err, ST_IO, "truncate '%s/%s'", file->dir->path, STORE_ACTIVE_NAME);
    file->dirty = false;
    return ST_OK;
}

static enum status make_name_durable(struct active_file *file, struct error *err)
{
    if (!file->unsynced)
        return ST_OK;
    enum status st = store_dir_sync(file->dir, err);
    if (st == ST_OK)
        file->unsynced = false;
    return st;
}

/* Makes the next active file, but only when the one before has its new name for good: a power cut
 * must not leave the new file in the place of the old one. */
static enum status begin_anew(struct active_file *file, struct error *err)
{
    enum status st = make_name_durable(file, err);
    return st == ST_OK ? open_active(file, O_EXCL, err) : st;
}

/* --- Repair -------------------------------------------------------------------------------- */

/* Offset of the first NUL in the last CHECK_SIZE of `size` bytes; `size` when there is none. */
static enum status find_nul(const struct disk_io *io, int fd, uint64_t size, uint64_t *ret,
                            struct error *err)
{
    uint8_t chunk[CHECK_CHUNK_SIZE];
    uint64_t offset = size > CHECK_SIZE ? size - CHECK_SIZE : 0;

    while (offset < size) {
        size_t want = size - offset < sizeof(chunk) ? (size_t)(size - offset) : sizeof(chunk);
        size_t got;
        enum status st = disk_read(io, fd, chunk, want, offset, &got, err);
        if (st != ST_OK)
            return st;
        const uint8_t *nul = memchr(chunk, 0, got);
        if (nul != NULL) {
            *ret = offset + (uint64_t)(nul - chunk);
            return ST_OK;
        }
        if (got < want)
            break;
        offset += got;
    }
    *ret = size;
    return ST_OK;
}

/* Copies what is about to be cut off.  Best effort: the disk is damaged or was never told. */
static void keep_cut(struct active_file *file, uint64_t start, uint64_t end, uint64_t now_unix_ns)
{
    char name[64];
    uint8_t chunk[CHECK_CHUNK_SIZE];
    const struct disk_io *io = file->dir->io;
    struct error ignored;

    snprintf(name, sizeof(name), "cut-%llu.bin", (unsigned long long)now_unix_ns);
    int fd = io->open_at(file->dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return;
    for (uint64_t at = start; at < end;) {
        size_t got;
        if (disk_read(io, file->fd, chunk, sizeof(chunk), at, &got, &ignored) != ST_OK ||
            got == 0 || file_write_at(io, fd, slice_of(chunk, got), at - start, &ignored) != ST_OK)
            break;
        at += got;
    }
    (void)close(fd); /* best effort */
    store_dir_note(file->dir, now_unix_ns, "kept the bytes from %llu on of a damaged %s in %s",
                   (unsigned long long)start, STORE_ACTIVE_NAME, name);
}

/* The process before may have been killed between a write and its sync.  Its lines will be taken
 * for known, so they must be durable as well. */
static enum status sync_lines(const struct active_file *file, struct error *err)
{
    enum status st = file->size_bytes > 0 ? disk_sync(file->dir->io, file->fd, err) : ST_OK;
    return st == ST_OK ? ST_OK
                       : error_context(err, "store '%s/%s'", file->dir->path, STORE_ACTIVE_NAME);
}

/* Finds the end of the good lines and cuts the file there. */
static enum status cut_torn_end(struct active_file *file, uint64_t now_unix_ns, struct error *err)
{
    struct stat info;
    uint64_t good;
    uint64_t nul;

    if (file->dir->io->fstat(file->fd, &info) < 0)
        return error_set_errno(err, ST_IO, "fstat");
    uint64_t size = (uint64_t)info.st_size;
    enum status st = find_nul(file->dir->io, file->fd, size, &nul, err);
    if (st != ST_OK)
        return st;
    st = file_find_line_end(file->dir->io, file->fd, nul, &good, err);
    if (st != ST_OK)
        return st;
    file->size_bytes = good;
    if (good == size)
        return sync_lines(file, err);
    store_dir_note(file->dir, now_unix_ns, "cut %llu bytes of an unfinished write off %s",
                   (unsigned long long)(size - good), STORE_ACTIVE_NAME);
    if (nul < size)
        keep_cut(file, good, size, now_unix_ns);
    file->dirty = true;
    st = cut(file, err);
    return st == ST_OK ? sync_lines(file, err) : st;
}

/* When the file was made: the best guess at when its first line was written. */
static uint64_t birth_unix_ns(int fd)
{
    struct statx info;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &info) < 0)
        return 0;
    const struct statx_timestamp *time =
        (info.stx_mask & STATX_BTIME) != 0 ? &info.stx_btime : &info.stx_mtime;
    return time->tv_sec > 0 ? (uint64_t)time->tv_sec * ns_per_s + time->tv_nsec : 0;
}

/* When its last line was written, as far as the file says. */
static uint64_t change_unix_ns(const struct active_file *file)
{
    struct stat info;

    if (file->dir->io->fstat(file->fd, &info) < 0 || info.st_mtim.tv_sec <= 0)
        return 0;
    return (uint64_t)info.st_mtim.tv_sec * ns_per_s;
}

/* ST_NOT_FOUND: there are lines, but not ours. */
static enum status read_places(struct active_file *file, struct buf *line, struct error *err)
{
    if (file->size_bytes == 0)
        return ST_OK;
    enum status st = file_read_last_line(file->dir->io, file->fd, file->size_bytes, line, err);
    if (st == ST_IO || st == ST_NO_MEMORY)
        return st;
    if (st != ST_OK || !store_line_place(buf_slice(line), &file->last))
        return ST_NOT_FOUND;
    st = file_read_first_line(file->dir->io, file->fd, line, err);
    if (st == ST_IO || st == ST_NO_MEMORY)
        return st;
    if (st != ST_OK || !store_line_place(buf_slice(line), &file->first))
        return ST_NOT_FOUND;
    return ST_OK;
}

static enum status set_aside(struct active_file *file, uint64_t now_unix_ns, struct error *err)
{
    char name[64];

    snprintf(name, sizeof(name), "foreign-%llu.jsonl", (unsigned long long)now_unix_ns);
    if (file->dir->io->rename_at(file->dir->fd, STORE_ACTIVE_NAME, file->dir->fd, name) < 0)
        return error_set_errno(err, ST_IO, "rename '%s' to '%s'", STORE_ACTIVE_NAME, name);
    store_dir_note(file->dir, now_unix_ns, "%s holds lines without a place in a journal: now %s",
                   STORE_ACTIVE_NAME, name);
    (void)close(file->fd); /* nothing written */
    return open_active(file, O_EXCL, err);
}

/* --- Public -------------------------------------------------------------------------------- */

enum status active_file_open(struct active_file *file, const struct store_dir *dir,
                             uint64_t now_unix_ns, struct buf *line, struct error *err)
{
    *file = (struct active_file){.dir = dir, .fd = -1};
    enum status st = open_active(file, 0, err);
    if (st != ST_OK)
        return st;
    st = cut_torn_end(file, now_unix_ns, err);
    if (st == ST_OK)
        st = read_places(file, line, err);
    if (st == ST_NOT_FOUND)
        st = set_aside(file, now_unix_ns, err);
    if (st == ST_OK)
        st = make_name_durable(file, err);
    if (st != ST_OK) {
        active_file_close(file);
        return error_context(err, "store '%s'", dir->path);
    }
    file->begun_unix_ns = birth_unix_ns(file->fd);
    file->written_unix_ns = change_unix_ns(file);
    return ST_OK;
}

void active_file_close(struct active_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd); /* what counts is synced */
    file->fd = -1;
}

enum status active_file_append(struct active_file *file, struct slice lines, struct error *err)
{
    enum status st = file->fd < 0 ? begin_anew(file, err) : ST_OK;
    if (st == ST_OK)
        st = cut(file, err);
    if (st != ST_OK)
        return st;
    file->dirty = true;
    st = file_write_at(file->dir->io, file->fd, lines, file->size_bytes + file->pending_bytes, err);
    if (st != ST_OK)
        return error_context(err, "store '%s/%s'", file->dir->path, STORE_ACTIVE_NAME);
    file->pending_bytes += lines.size;
    file->dirty = false;
    return ST_OK;
}

/* What is written now is read late or never: it need not crowd out of the page cache what the
 * agents work with. */
static void release_pages(struct active_file *file)
{
    uint64_t size = file->size_bytes - file->released_bytes;

    if (size < RELEASE_SIZE)
        return;
    (void)posix_fadvise(file->fd, (off_t)file->released_bytes, (off_t)size,
                        POSIX_FADV_DONTNEED); /* advice: nothing depends on it */
    file->released_bytes = file->size_bytes;
}

enum status active_file_commit(struct active_file *file, const struct store_place *first,
                               const struct store_place *last, uint64_t now_unix_ns,
                               struct error *err)
{
    ASSERT(file->pending_bytes > 0 && !file->dirty);
    enum status st = disk_sync(file->dir->io, file->fd, err);
    if (st != ST_OK)
        return error_context(err, "store '%s/%s'", file->dir->path, STORE_ACTIVE_NAME);
    st = make_name_durable(file, err);
    if (st != ST_OK)
        return st;
    if (file->size_bytes == 0) {
        file->first = *first;
        file->begun_unix_ns = now_unix_ns;
    }
    file->last = *last;
    file->written_unix_ns = now_unix_ns;
    file->size_bytes += file->pending_bytes;
    file->pending_bytes = 0;
    release_pages(file);
    return ST_OK;
}

void active_file_roll_back(struct active_file *file)
{
    struct error ignored;

    if (file->fd < 0 || (file->pending_bytes == 0 && !file->dirty))
        return;
    file->pending_bytes = 0;
    file->dirty = true;
    (void)cut(file, &ignored); /* `dirty` remembers it */
}

/* The time in the name of the file: never before the newest closed one, and behind it where the
 * numbers do not count on, so that names sort in the order of writing whatever the clock does. */
static uint64_t name_time(const struct active_file *file)
{
    const struct store_dir *dir = file->dir;
    uint64_t time = file->begun_unix_ns / ns_per_s;

    if (dir->count == 0)
        return time;
    const struct store_file_name *newest = &dir->entries[dir->count - 1].name;
    uint64_t least = newest->begun_unix_s + (file->first.sequence <= newest->last_sequence ? 1 : 0);
    return time > least ? time : least;
}

/* The time of a closed file is that of its last line by the clock that named it: retention goes by
 * it.  Without it the time of the write is near enough. */
static void set_written_time(const struct active_file *file, const struct stat *info)
{
    const struct timespec written = {.tv_sec = (time_t)(file->written_unix_ns / ns_per_s)};
    const struct timespec times[2] = {written, written};

    if (written.tv_sec != info->st_mtim.tv_sec)
        (void)file->dir->io->set_times(file->fd, times);
}

void active_file_closed_name(const struct active_file *file, struct store_file_name *ret)
{
    *ret = (struct store_file_name){
        .begun_unix_s = name_time(file),
        .first_sequence = file->first.sequence,
        .last_sequence = file->last.sequence,
    };
}

enum status active_file_rotate(struct active_file *file, struct store_entry *ret_closed,
                               struct error *err)
{
    char text[STORE_FILE_NAME_SIZE];
    struct store_entry entry = {0};
    struct stat info;
    struct error ignored;

    ASSERT(file->fd >= 0 && file->size_bytes > 0 && file->pending_bytes == 0);
    enum status st = cut(file, err);
    if (st != ST_OK)
        return st;
    if (file->dir->io->fstat(file->fd, &info) < 0)
        return error_set_errno(err, ST_IO, "fstat");
    active_file_closed_name(file, &entry.name);
    entry.size_bytes = file->size_bytes;
    entry.written_unix_s = file->written_unix_ns / ns_per_s;
    set_written_time(file, &info);
    store_file_name_format(&entry.name, text);
    if (file->dir->io->rename_at(file->dir->fd, STORE_ACTIVE_NAME, file->dir->fd, text) < 0)
        return error_set_errno(err, ST_IO, "rename '%s/%s' to '%s'", file->dir->path,
                               STORE_ACTIVE_NAME, text);
    (void)close(file->fd); /* committed */
    file->fd = -1;
    file->size_bytes = 0;
    /* From here on nothing can be lost: if the directory cannot be synced now or the new file not
     * be made, the next append tries again. */
    file->unsynced = true;
    (void)begin_anew(file, &ignored);
    *ret_closed = entry;
    return ST_OK;
}

enum status active_file_check(struct active_file *file, uint64_t now_unix_ns, struct error *err)
{
    struct stat ours;
    struct stat named;

    if (file->fd < 0)
        return ST_OK;
    if (file->dir->io->fstat(file->fd, &ours) < 0)
        return error_set_errno(err, ST_IO, "fstat");
    int found = file->dir->io->stat_at(file->dir->fd, STORE_ACTIVE_NAME, &named);
    if (found < 0 && errno != ENOENT)
        return error_set_errno(err, ST_IO, "look at '%s/%s'", file->dir->path, STORE_ACTIVE_NAME);
    if (found == 0 && named.st_ino == ours.st_ino && named.st_dev == ours.st_dev)
        return ST_OK;
    store_dir_note(file->dir, now_unix_ns, "somebody took %s away, with records %llu to %llu",
                   STORE_ACTIVE_NAME,
                   (unsigned long long)(file->size_bytes > 0 ? file->first.sequence : 0),
                   (unsigned long long)(file->size_bytes > 0 ? file->last.sequence : 0));
    active_file_close(file);
    file->size_bytes = 0;
    return ST_OK;
}
