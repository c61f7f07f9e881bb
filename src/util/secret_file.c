/* SPDX-License-Identifier: Apache-2.0 */
/* secret_file.c -- see include/telltale/secret_file.h. */
#include "telltale/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { READ_STEP = 16 * 1024 };

static enum status read_all(int fd, struct buf *out, struct error *err)
{
    for (;;) {
        size_t room = out->limit - out->size < READ_STEP ? out->limit - out->size : READ_STEP;
        if (room == 0)
            return error_set(err, ST_LIMIT, "larger than %zu bytes", out->limit - 1);
        enum status st = buf_reserve(out, room, err);
        if (st != ST_OK)
            return st;
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
