/* SPDX-License-Identifier: Apache-2.0 */
/* line_file.c -- see include/telltale/line_file.h.
 *
 * The size of what is durable is kept in memory; each append goes behind it, so what a failed one
 * left is written over, and what is longer is cut off first. */
#include "telltale/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10 };

/* --- Reading -----------------------------------------------------------------------------------
 */

struct line_reading {
    line_file_visit *visit;
    void *context;
    uint64_t number; /* of lines visited */
    uint64_t end;    /* offset behind the last of them */
};

/* A block of a write that never arrived, though its newline did, is NUL bytes: several of them, or
 * those that the line begins with.  A single one within was put there. */
bool line_file_has_hole(struct slice line)
{
    return line.size > 0 && (line.data[0] == 0 || memmem(line.data, line.size, "\0\0", 2) != NULL);
}

/* Visits the whole lines of `bytes`, which begin at reading->end, but for a last one with a hole:
 * that is as torn as one without its end. */
static enum status visit_lines(struct line_reading *reading, struct slice bytes, struct error *err)
{
    const uint8_t *newline;

    while (bytes.size > 0 && (newline = memchr(bytes.data, '\n', bytes.size)) != NULL) {
        struct slice line = slice_of(bytes.data, (size_t)(newline - bytes.data));
        struct slice rest = slice_from(bytes, line.size + 1);
        if (line_file_has_hole(line) &&
            (rest.size == 0 || memchr(rest.data, '\n', rest.size) == NULL))
            return ST_OK;
        reading->number++;
        enum status st = reading->visit(reading->context, line, reading->number, err);
        if (st != ST_OK)
            return st;
        reading->end += line.size + 1;
        bytes = rest;
    }
    return ST_OK;
}

static enum status read_lines(const struct disk_io *io, int fd, struct line_reading *reading,
                              bool *ret_torn, struct error *err)
{
    struct buf room;
    enum status st;
    size_t got;

    buf_init(&room, LINE_FILE_LINE_MAX);
    for (;;) {
        size_t size = room.capacity == 0 ? READ_SIZE : LINE_FILE_LINE_MAX;
        st = buf_reserve(&room, size, err);
        if (st == ST_OK)
            st = disk_read(io, fd, room.data, size, reading->end, &got, err);
        if (st != ST_OK)
            break;
        uint64_t before = reading->end;
        st = visit_lines(reading, slice_of(room.data, got), err);
        if (st != ST_OK || got < size) {
            *ret_torn = reading->end < before + got;
            break;
        }
        if (reading->end == before && size == LINE_FILE_LINE_MAX) {
            st = error_set(err, ST_LIMIT, "a line of more than %d bytes at %" PRIu64,
                           LINE_FILE_LINE_MAX, before);
            break;
        }
    }
    buf_fini(&room);
    return st;
}

enum status line_file_read(const struct disk_io *io, int dir_fd, const char *name,
                           line_file_visit *visit, void *context, bool *ret_torn, struct error *err)
{
    struct line_reading reading = {.visit = visit, .context = context};
    bool torn = false;

    io = disk_io_or_system(io);
    int fd = io->open_at(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", name);
    enum status st = read_lines(io, fd, &reading, &torn, err);
    (void)close(fd); /* only read from */
    if (st != ST_OK)
        return error_context(err, "'%s' behind line %" PRIu64, name, reading.number);
    if (ret_torn != NULL)
        *ret_torn = torn;
    return ST_OK;
}

/* --- Writing -----------------------------------------------------------------------------------
 */

static enum status stop_at_hole(void *context, struct slice line, uint64_t number,
                                struct error *err)
{
    (void)context;
    (void)number;
    if (line.size > 0 && memchr(line.data, 0, line.size) != NULL)
        return error_set(err, ST_NOT_FOUND, "a line with NUL bytes");
    return ST_OK;
}

/* Finds out how much of the file counts. */
static enum status survey(struct line_file *file, struct error *err)
{
    struct line_reading reading = {.visit = stop_at_hole};
    bool torn;

    enum status st = read_lines(file->io, file->fd, &reading, &torn, err);
    if (st != ST_OK && st != ST_NOT_FOUND && st != ST_LIMIT)
        return st;
    file->size_bytes = reading.end;
    return ST_OK;
}

/* Cuts off what is behind the lines that count. */
static enum status cut(struct line_file *file, struct error *err)
{
    int result;

    do {
        result = file->io->ftruncate(file->fd, (off_t)file->size_bytes);
    } while (result < 0 && errno == EINTR);
    if (result < 0)
        return error_set_errno(err, ST_IO, "cut off what is torn");
    enum status st = disk_sync(file->io, file->fd, err);
    if (st == ST_OK)
        file->dirty = false;
    return st;
}

static enum status repair(struct line_file *file, uint64_t *ret_cut_bytes, struct error *err)
{
    struct stat info;

    enum status st = survey(file, err);
    if (st != ST_OK)
        return st;
    if (file->io->fstat(file->fd, &info) < 0)
        return error_set_errno(err, ST_IO, "stat");
    uint64_t size = (uint64_t)info.st_size;
    /* The process before may have been killed between a write and its sync. */
    st = size > file->size_bytes ? cut(file, err) : disk_sync(file->io, file->fd, err);
    if (st == ST_OK && ret_cut_bytes != NULL)
        *ret_cut_bytes = size > file->size_bytes ? size - file->size_bytes : 0;
    return st;
}

enum status line_file_open(struct line_file *file, const struct disk_io *io, int dir_fd,
                           const char *name, uint64_t *ret_cut_bytes, struct error *err)
{
    *file = (struct line_file){.io = disk_io_or_system(io), .fd = -1};
    file->fd = file->io->open_at(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", name);
    enum status st = repair(file, ret_cut_bytes, err);
    /* Whoever made it may have been killed before its name was durable. */
    if (st == ST_OK)
        st = disk_sync_dir(file->io, dir_fd, err);
    if (st != ST_OK) {
        line_file_close(file);
        return error_context(err, "'%s'", name);
    }
    return ST_OK;
}

enum status line_file_append(struct line_file *file, struct slice lines, struct error *err)
{
    struct iovec part = {.iov_base = (void *)lines.data, .iov_len = lines.size};
    enum status st = ST_OK;

    ASSERT(file->fd >= 0);
    if (lines.size == 0 || lines.data[lines.size - 1] != '\n')
        return error_set(err, ST_INVALID, "not a whole line");
    if (file->dirty)
        st = cut(file, err);
    if (st != ST_OK)
        return st;
    file->dirty = true;
    st = disk_write(file->io, file->fd, &part, 1, file->size_bytes, err);
    if (st == ST_OK)
        st = disk_sync(file->io, file->fd, err);
    if (st != ST_OK) {
        /* What could not be synced must not be found at the next start and taken for durable. */
        struct error ignored;
        (void)(cut(file, &ignored) == ST_OK); /* `dirty` remembers it */
        return st;
    }
    file->size_bytes += lines.size;
    file->dirty = false;
    return ST_OK;
}

void line_file_close(struct line_file *file)
{
    struct error ignored;

    if (file->fd >= 0 && file->dirty)
        (void)(cut(file, &ignored) == ST_OK); /* for the next start, as above */
    if (file->fd >= 0)
        (void)close(file->fd); /* what counts is synced */
    file->fd = -1;
}
