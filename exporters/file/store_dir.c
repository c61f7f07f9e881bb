/* SPDX-License-Identifier: Apache-2.0 */
/* store_dir.c -- see store_dir.h.
 *
 * The lock is flock(2) on the directory itself: no file to leave behind, and it ends with the
 * process.  A compressed file has its final name only when it is durable, so where both forms of
 * a file stand, the plain one is the one too many.
 */
#include "store_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file_io.h"
#include "seek_table.h"

enum {
    DIR_MODE = 0700,
    FILE_MODE = 0600,
    ENTRY_COUNT_MAX = 1 << 20,
    NOTE_SIZE_MAX = 1024,
    LOG_SIZE_MAX = 1 << 20,
};

static enum status make_dirs(const char *path, struct error *err)
{
    char part[PATH_MAX];
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof(part))
        return error_set(err, ST_INVALID, "directory name of %zu bytes", size);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, DIR_MODE) < 0 && errno != EEXIST)
            return error_set_errno(err, ST_IO, "make directory '%s'", part);
    }
    return ST_OK;
}

enum status store_dir_reserve(struct store_dir *dir, struct error *err)
{
    if (dir->count < dir->capacity)
        return ST_OK;
    if (dir->capacity >= ENTRY_COUNT_MAX)
        return error_set(err, ST_AGAIN, "more than %d closed files", (int)ENTRY_COUNT_MAX);
    size_t capacity = dir->capacity > 0 ? dir->capacity * 2 : 64;
    struct store_entry *entries = reallocarray(dir->entries, capacity, sizeof(*entries));
    if (entries == NULL)
        return error_set(err, ST_NO_MEMORY, "list %zu files", capacity);
    dir->entries = entries;
    dir->capacity = capacity;
    return ST_OK;
}

enum status store_dir_add(struct store_dir *dir, const struct store_entry *entry, struct error *err)
{
    enum status st = store_dir_reserve(dir, err);
    if (st != ST_OK)
        return st;
    dir->entries[dir->count++] = *entry;
    dir->total_size_bytes += entry->size_bytes;
    return ST_OK;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t size = strlen(text);
    size_t suffix_size = strlen(suffix);
    return size >= suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

static enum status take_name(struct store_dir *dir, const char *text, struct error *err)
{
    struct store_entry entry = {0};
    struct stat info;

    if (ends_with(text, ".tmp")) {
        (void)unlinkat(dir->fd, text, 0); /* another try comes at the next start */
        return ST_OK;
    }
    if (!store_file_name_parse(text, &entry.name))
        return ST_OK;
    if (fstatat(dir->fd, text, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set_errno(err, ST_IO, "look at '%s'", text);
    if (!S_ISREG(info.st_mode))
        return ST_OK;
    entry.size_bytes = (uint64_t)info.st_size;
    entry.written_unix_s = info.st_mtim.tv_sec > 0 ? (uint64_t)info.st_mtim.tv_sec : 0;
    return store_dir_add(dir, &entry, err);
}

static int compare_entries(const void *a, const void *b)
{
    const struct store_entry *x = a;
    const struct store_entry *y = b;
    int order = store_file_name_compare(&x->name, &y->name);
    /* The compressed form first. */
    return order != 0 ? order : (int)y->name.compressed - (int)x->name.compressed;
}

/* Of two forms of a file the plain one goes. */
static void drop_second_forms(struct store_dir *dir)
{
    size_t kept = 0;

    for (size_t i = 0; i < dir->count; i++) {
        const struct store_entry *entry = &dir->entries[i];
        if (kept > 0 && store_file_name_compare(&dir->entries[kept - 1].name, &entry->name) == 0) {
            char text[STORE_FILE_NAME_SIZE];
            store_file_name_format(&entry->name, text);
            (void)unlinkat(dir->fd, text, 0); /* another try comes at the next start */
            dir->total_size_bytes -= entry->size_bytes;
            continue;
        }
        dir->entries[kept++] = *entry;
    }
    dir->count = kept;
}

static enum status list(struct store_dir *dir, struct error *err)
{
    enum status st = ST_OK;
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (stream == NULL) {
        st = error_set_errno(err, ST_IO, "list");
        if (fd >= 0)
            (void)close(fd); /* only read from */
        return st;
    }
    while (st == ST_OK) {
        errno = 0;
        const struct dirent *item = readdir(stream);
        if (item == NULL) {
            st = errno != 0 ? error_set_errno(err, ST_IO, "list") : ST_OK;
            break;
        }
        st = take_name(dir, item->d_name, err);
    }
    (void)closedir(stream); /* only read from */
    if (st != ST_OK || dir->count == 0)
        return st;
    qsort(dir->entries, dir->count, sizeof(dir->entries[0]), compare_entries);
    drop_second_forms(dir);
    return ST_OK;
}

enum status store_dir_open(struct store_dir *dir, const char *path, struct error *err)
{
    *dir = (struct store_dir){.fd = -1};
    enum status st = make_dirs(path, err);
    if (st != ST_OK)
        return st;
    memcpy(dir->path, path, strlen(path) + 1); /* make_dirs() has checked its size */
    dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0)
        return error_set_errno(err, ST_IO, "open directory '%s'", path);
    if (flock(dir->fd, LOCK_EX | LOCK_NB) < 0) {
        st = errno == EWOULDBLOCK
                 ? error_set(err, ST_AGAIN, "another exporter writes to the store '%s'", path)
                 : error_set_errno(err, ST_IO, "lock '%s'", path);
        goto out;
    }
    st = list(dir, err);
    if (st != ST_OK)
        error_context(err, "store '%s'", path);
out:
    if (st != ST_OK)
        store_dir_close(dir);
    return st;
}

void store_dir_close(struct store_dir *dir)
{
    free(dir->entries);
    if (dir->fd >= 0)
        (void)close(dir->fd); /* a directory */
    *dir = (struct store_dir){.fd = -1};
}

enum status store_dir_remove_oldest(struct store_dir *dir, struct error *err)
{
    char text[STORE_FILE_NAME_SIZE];

    ASSERT(dir->count > 0);
    store_file_name_format(&dir->entries[0].name, text);
    if (unlinkat(dir->fd, text, 0) < 0 && errno != ENOENT)
        return error_set_errno(err, ST_IO, "delete '%s/%s'", dir->path, text);
    dir->total_size_bytes -= dir->entries[0].size_bytes;
    dir->count--;
    memmove(dir->entries, dir->entries + 1, dir->count * sizeof(dir->entries[0]));
    return ST_OK;
}

enum status store_dir_sync(const struct store_dir *dir, struct error *err)
{
    if (fsync(dir->fd) < 0)
        return error_set_errno(err, ST_IO, "sync directory '%s'", dir->path);
    return ST_OK;
}

enum status store_dir_read_last_line(const struct store_dir *dir, const struct store_entry *entry,
                                     struct buf *line, struct error *err)
{
    char text[STORE_FILE_NAME_SIZE];
    struct stat info;
    enum status st;
    uint64_t end;

    store_file_name_format(&entry->name, text);
    int fd = openat(dir->fd, text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", text);
    if (fstat(fd, &info) < 0) {
        st = error_set_errno(err, ST_IO, "fstat");
        goto out;
    }
    if (entry->name.compressed) {
        st = seek_table_read_last_line(fd, (uint64_t)info.st_size, line, err);
        goto out;
    }
    st = file_find_line_end(fd, (uint64_t)info.st_size, &end, err);
    if (st == ST_OK)
        st = end > 0 ? file_read_last_line(fd, end, line, err)
                     : error_set(err, ST_CORRUPT, "no whole line");
out:
    (void)close(fd); /* only read from */
    if (st != ST_OK)
        error_context(err, "last line of '%s'", text);
    return st;
}

enum status store_dir_read_newest_line(const struct store_dir *dir, struct buf *line,
                                       struct error *err)
{
    if (dir->count == 0)
        return error_set(err, ST_NOT_FOUND, "no closed file");
    return store_dir_read_last_line(dir, &dir->entries[dir->count - 1], line, err);
}

/* Opens store.log for appending, after setting a full one aside; -1 when that fails. */
static int open_log(const struct store_dir *dir, size_t more)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    struct stat info;

    int fd = openat(dir->fd, "store.log", flags, FILE_MODE);
    if (fd < 0 || fstat(fd, &info) < 0 || (uint64_t)info.st_size + more <= LOG_SIZE_MAX)
        return fd;
    (void)close(fd); /* nothing written */
    if (renameat(dir->fd, "store.log", dir->fd, "store.log.1") < 0)
        return -1;
    return openat(dir->fd, "store.log", flags, FILE_MODE);
}

void store_dir_note(const struct store_dir *dir, uint64_t now_unix_ns, const char *fmt, ...)
{
    char text[NOTE_SIZE_MAX];
    time_t seconds = (time_t)(now_unix_ns / 1000000000);
    struct tm tm;
    va_list args;

    if (gmtime_r(&seconds, &tm) == NULL)
        return;
    size_t used = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ ", &tm);
    va_start(args, fmt);
    int more = vsnprintf(text + used, sizeof(text) - used - 1, fmt, args);
    va_end(args);
    if (more < 0)
        return;
    used = strlen(text);
    text[used++] = '\n';
    int fd = open_log(dir, used);
    if (fd < 0)
        return;
    /* A note that cannot be written, on a full disk for example, is let go. */
    if (write(fd, text, used) < 0)
        errno = 0;
    (void)close(fd); /* the same */
}
