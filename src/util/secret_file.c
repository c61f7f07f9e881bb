/* SPDX-License-Identifier: Apache-2.0 */
/* secret_file.c -- see include/telltale/secret_file.h. */
#include "telltale/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { READ_STEP = 16 * 1024 };

struct slice secret_trim(struct slice text)
{
    static const char blanks[] = {' ', '\t', '\r', '\n'};

    while (text.size > 0 && memchr(blanks, text.data[text.size - 1], sizeof(blanks)) != NULL)
        text.size--;
    while (text.size > 0 && memchr(blanks, text.data[0], sizeof(blanks)) != NULL)
        text = slice_from(text, 1);
    return text;
}

enum status secret_reserve(struct buf *buf, size_t more, struct error *err)
{
    struct buf larger;

    if (buf->data == NULL || more <= buf_room(buf) || more > buf->limit - buf->size)
        return buf_reserve(buf, more, err);
    buf_init(&larger, buf->limit);
    enum status st = buf_reserve(&larger, buf->size + more, err);
    if (st != ST_OK)
        return st;
    buf_append_reserved(&larger, buf->data, buf->size);
    secret_wipe(buf);
    *buf = larger;
    return ST_OK;
}

/* What a file has, and a byte to see that it ends there. */
static size_t size_of(int fd)
{
    struct stat file;

    if (fstat(fd, &file) < 0 || file.st_size < 0 || file.st_size >= READ_STEP)
        return READ_STEP;
    return (size_t)file.st_size + 1;
}

static enum status read_all(int fd, struct buf *out, struct error *err)
{
    size_t step = size_of(fd);

    for (;;) {
        size_t room = out->limit - out->size < step ? out->limit - out->size : step;
        if (room == 0)
            return error_set(err, ST_LIMIT, "larger than %zu bytes", out->limit - 1);
        enum status st = buf_room(out) > 0 ? ST_OK : secret_reserve(out, room, err);
        if (st != ST_OK)
            return st;
        if (room > buf_room(out))
            room = buf_room(out);
        ssize_t got = read(fd, out->data + out->size, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, ST_IO, "read");
        if (got == 0)
            return ST_OK;
        out->size += (size_t)got;
    }
}

enum status secret_file_read(const char *path, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", path);
    enum status st = read_all(fd, out, err);
    (void)close(fd); /* nothing was written */
    if (st != ST_OK)
        return error_context(err, "'%s'", path);
    return ST_OK;
}

bool secret_file_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void secret_wipe(struct buf *buf)
{
    if (buf->data != NULL)
        explicit_bzero(buf->data, buf->capacity);
    buf_fini(buf);
}
