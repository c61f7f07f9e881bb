/* SPDX-License-Identifier: Apache-2.0 */
/* file_io.c -- see file_io.h. */
#include "file_io.h"

enum { FILE_CHUNK_SIZE = 64 << 10 };

enum status file_write_at(const struct disk_io *io, int fd, struct slice data, uint64_t offset,
                          struct error *err)
{
    struct iovec part = {.iov_base = (void *)data.data, .iov_len = data.size};

    return disk_write(io, fd, &part, 1, offset, err);
}

enum status file_find_line_end(const struct disk_io *io, int fd, uint64_t size, uint64_t *ret,
                               struct error *err)
{
    char chunk[FILE_CHUNK_SIZE];

    while (size > 0) {
        uint64_t start = size > sizeof(chunk) ? size - sizeof(chunk) : 0;
        size_t got;
        enum status st = disk_read(io, fd, chunk, (size_t)(size - start), start, &got, err);
        if (st != ST_OK)
            return st;
        const char *newline = memrchr(chunk, '\n', got);
        if (newline != NULL) {
            *ret = start + (uint64_t)(newline - chunk) + 1;
            return ST_OK;
        }
        size = start;
    }
    *ret = 0;
    return ST_OK;
}

enum status file_read_last_line(const struct disk_io *io, int fd, uint64_t end, struct buf *line,
                                struct error *err)
{
    uint64_t start;
    size_t got;

    ASSERT(end > 0);
    enum status st = file_find_line_end(io, fd, end - 1, &start, err);
    if (st != ST_OK)
        return st;
    buf_clear(line);
    st = buf_reserve(line, (size_t)(end - start), err);
    if (st != ST_OK)
        return st;
    st = disk_read(io, fd, line->data, (size_t)(end - start), start, &got, err);
    if (st == ST_OK)
        line->size = got;
    return st;
}

enum status file_read_first_line(const struct disk_io *io, int fd, struct buf *line,
                                 struct error *err)
{
    buf_clear(line);
    for (;;) {
        size_t got;
        enum status st = buf_reserve(line, FILE_CHUNK_SIZE, err);
        if (st != ST_OK)
            return st;
        uint8_t *chunk = line->data + line->size;
        st = disk_read(io, fd, chunk, FILE_CHUNK_SIZE, line->size, &got, err);
        if (st != ST_OK)
            return st;
        const uint8_t *newline = memchr(chunk, '\n', got);
        if (newline != NULL) {
            line->size += (size_t)(newline - chunk) + 1;
            return ST_OK;
        }
        if (got < FILE_CHUNK_SIZE)
            return error_set(err, ST_NOT_FOUND, "no whole line");
        line->size += got;
    }
}
