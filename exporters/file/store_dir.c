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
#include "telltale/disk_dirs.h"
#include "telltale/store_index.h"

enum {
    FILE_MODE = 0600,
    ENTRY_COUNT_MAX = 1 << 20,
    NOTE_SIZE_MAX = 1024,
    LOG_SIZE_MAX = 1 << 20,
};

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
    dir->total_size_bytes += entry->size_bytes + entry->index_bytes;
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
        (void)dir->io->unlink_at(dir->fd, text); /* another try comes at the next start */
        return ST_OK;
    }
    if (!store_file_name_parse(text, &entry.name))
        return ST_OK;
    if (dir->io->stat_at(dir->fd, text, &info) < 0)
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

static bool has_second_forms(const struct store_dir *dir)
{
    for (size_t i = 1; i < dir->count; i++) {
        if (store_file_name_compare(&dir->entries[i - 1].name, &dir->entries[i].name) == 0)
            return true;
    }
    return false;
}

/* Of two forms of a file the plain one goes.  The process before may have been killed before it
 * made the name of the other one durable. */
static enum status drop_second_forms(struct store_dir *dir, struct error *err)
{
    size_t kept = 0;

    if (!has_second_forms(dir))
        return ST_OK;
    enum status st = store_dir_sync(dir, err);
    if (st != ST_OK)
        return st;

    for (size_t i = 0; i < dir->count; i++) {
        const struct store_entry *entry = &dir->entries[i];
        if (kept > 0 && store_file_name_compare(&dir->entries[kept - 1].name, &entry->name) == 0) {
            char text[STORE_FILE_NAME_SIZE];
            store_file_name_format(&entry->name, text);
            (void)dir->io->unlink_at(dir->fd, text); /* another try comes at the next start */
            dir->total_size_bytes -= entry->size_bytes;
            continue;
        }
        dir->entries[kept++] = *entry;
    }
    dir->count = kept;
    return ST_OK;
}

/* The name of the compressed file that an index is of.  False: it is another file. */
static bool read_index_name(const char *index_name, struct store_file_name *ret)
{
    char name[STORE_FILE_NAME_SIZE];

    if (!ends_with(index_name, STORE_INDEX_SUFFIX))
        return false;
    size_t base = strlen(index_name) - strlen(STORE_INDEX_SUFFIX);
    int size = snprintf(name, sizeof(name), "%.*s.jsonl.zst", (int)base, index_name);
    return size > 0 && (size_t)size < sizeof(name) && store_file_name_parse(name, ret);
}

/* Notes the sizes of indexes, and removes those whose file is gone. */
static enum status take_index(struct store_dir *dir, const char *name, struct error *err)
{
    struct store_entry key = {0};
    struct store_entry *entry = NULL;
    struct stat info;

    (void)err; /* nothing here keeps a store from opening */
    if (!read_index_name(name, &key.name))
        return ST_OK;
    if (dir->count > 0)
        entry = bsearch(&key, dir->entries, dir->count, sizeof(key), compare_entries);
    if (entry == NULL) {
        (void)dir->io->unlink_at(dir->fd, name); /* another try comes at the next start */
    } else if (dir->io->stat_at(dir->fd, name, &info) == 0 && info.st_size > 0) {
        entry->index_bytes = (uint64_t)info.st_size;
        dir->total_size_bytes += entry->index_bytes;
    }
    return ST_OK;
}

static enum status each_name(struct store_dir *dir, DIR *stream,
                             enum status (*take)(struct store_dir *dir, const char *name,
                                                 struct error *err),
                             struct error *err)
{
    enum status st = ST_OK;

    while (st == ST_OK) {
        errno = 0;
        const struct dirent *item = readdir(stream);
        if (item == NULL)
            return errno != 0 ? error_set_errno(err, ST_IO, "list") : ST_OK;
        st = take(dir, item->d_name, err);
    }
    return st;
}

static enum status list(struct store_dir *dir, struct error *err)
{
    enum status st = ST_OK;
    int fd = dir->io->open_at(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (stream == NULL) {
        st = error_set_errno(err, ST_IO, "list");
        if (fd >= 0)
            (void)close(fd); /* only read from */
        return st;
    }
    st = each_name(dir, stream, take_name, err);
    if (st == ST_OK && dir->count > 0) {
        qsort(dir->entries, dir->count, sizeof(dir->entries[0]), compare_entries);
        st = drop_second_forms(dir, err);
    }
    if (st == ST_OK) {
        rewinddir(stream);
        st = each_name(dir, stream, take_index, err);
    }
    (void)closedir(stream); /* only read from */
    return st;
}

enum status store_dir_open(struct store_dir *dir, const char *path, const struct disk_io *io,
                           struct error *err)
{
    *dir = (struct store_dir){.io = io, .fd = -1};
    enum status st = disk_make_dirs(io, path, err);
    if (st != ST_OK)
        return error_context(err, "store '%s'", path);
    memcpy(dir->path, path, strlen(path) + 1); /* disk_make_dirs() has checked its size */
    dir->fd = io->open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
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

void store_entry_forget(struct store_entry *entry)
{
    free(entry->survey);
    entry->survey = NULL;
}

void store_dir_close(struct store_dir *dir)
{
    for (size_t i = 0; i < dir->count; i++)
        store_entry_forget(&dir->entries[i]);
    free(dir->entries);
    if (dir->fd >= 0)
        (void)close(dir->fd); /* a directory */
    *dir = (struct store_dir){.fd = -1};
}

void store_dir_drop_index(struct store_dir *dir, struct store_entry *entry)
{
    char text[STORE_FILE_NAME_SIZE];

    store_index_name(&entry->name, text);
    if (entry->name.compressed)
        (void)dir->io->unlink_at(dir->fd, text); /* the next start removes what is left over */
    dir->total_size_bytes -= entry->index_bytes;
    entry->index_bytes = 0;
    entry->index = INDEX_UNKNOWN;
}

enum status store_dir_remove(struct store_dir *dir, size_t index, struct error *err)
{
    char text[STORE_FILE_NAME_SIZE];

    ASSERT(index < dir->count);
    struct store_entry *entry = &dir->entries[index];
    store_file_name_format(&entry->name, text);
    if (dir->io->unlink_at(dir->fd, text) < 0 && errno != ENOENT)
        return error_set_errno(err, ST_IO, "delete '%s/%s'", dir->path, text);
    store_dir_drop_index(dir, entry);
    dir->total_size_bytes -= entry->size_bytes;
    store_entry_forget(entry);
    dir->count--;
    memmove(entry, entry + 1, (dir->count - index) * sizeof(*entry));
    return ST_OK;
}

enum status store_dir_sync(const struct store_dir *dir, struct error *err)
{
    enum status st = disk_sync_dir(dir->io, dir->fd, err);
    return st == ST_OK ? ST_OK : error_context(err, "store '%s'", dir->path);
}

enum status store_dir_read_last_line(const struct store_dir *dir, const struct store_entry *entry,
                                     struct buf *line, struct error *err)
{
    char text[STORE_FILE_NAME_SIZE];
    struct stat info;
    enum status st;
    uint64_t end;

    store_file_name_format(&entry->name, text);
    int fd = dir->io->open_at(dir->fd, text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", text);
    if (dir->io->fstat(fd, &info) < 0) {
        st = error_set_errno(err, ST_IO, "fstat");
        goto out;
    }
    if (entry->name.compressed) {
        st = seek_table_read_last_line(dir->io, fd, (uint64_t)info.st_size, line, err);
        goto out;
    }
    st = file_find_line_end(dir->io, fd, (uint64_t)info.st_size, &end, err);
    if (st == ST_OK)
        st = end > 0 ? file_read_last_line(dir->io, fd, end, line, err)
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

/* Opens store.log for appending, after setting a full one aside; -1 when that fails.  *ret_end is
 * where it ends. */
static int open_log(const struct store_dir *dir, size_t more, uint64_t *ret_end)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    struct stat info = {.st_size = 0};

    int fd = dir->io->open_at(dir->fd, "store.log", flags, FILE_MODE);
    if (fd < 0)
        return -1;
    if (dir->io->fstat(fd, &info) < 0) {
        (void)close(fd); /* nothing written */
        return -1;
    }
    *ret_end = (uint64_t)info.st_size;
    if (*ret_end + more <= LOG_SIZE_MAX)
        return fd;
    (void)close(fd); /* nothing written */
    if (dir->io->rename_at(dir->fd, "store.log", dir->fd, "store.log.1") < 0)
        return -1;
    *ret_end = 0;
    return dir->io->open_at(dir->fd, "store.log", flags, FILE_MODE);
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
    uint64_t end;
    int fd = open_log(dir, used, &end);
    if (fd < 0)
        return;
    struct iovec part = {.iov_base = text, .iov_len = used};
    struct error ignored;
    /* A note that cannot be written, on a full disk for example, is let go. */
    (void)(disk_write(dir->io, fd, &part, 1, end, &ignored) == ST_OK);
    (void)close(fd); /* the same */
}
