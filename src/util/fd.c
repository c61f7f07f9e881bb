/* SPDX-License-Identifier: Apache-2.0 */
/* fd.c -- see fd.h. */
#include "util/fd.h"

#include <errno.h>
#include <unistd.h>

enum status fd_write_all(int fd, const void *data, size_t size, struct error *err)
{
    const char *next = data;

    while (size > 0) {
        ssize_t written = write(fd, next, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, ST_IO, "write %zu bytes", size);
        next += written;
        size -= (size_t)written;
    }
    return ST_OK;
}

enum status fd_sync(int fd, struct error *err)
{
    if (fsync(fd) < 0)
        return error_set_errno(err, ST_IO, "fsync");
    return ST_OK;
}

enum status fd_read_up_to(int fd, void *data, size_t size, size_t *ret_got, struct error *err)
{
    size_t got = 0;

    while (got < size) {
        ssize_t n = read(fd, (char *)data + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, ST_IO, "read %zu bytes", size - got);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *ret_got = got;
    return ST_OK;
}
