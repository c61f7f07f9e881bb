/* SPDX-License-Identifier: Apache-2.0 */
/* pem_file.c -- see pem_file.h. */
#include "receivers/pem_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"

enum { PEM_SIZE_MAX = 1024 * 1024 };

void pem_file_init(struct buf *pem)
{
    buf_init(pem, PEM_SIZE_MAX + 1);
}

void pem_file_fini(struct buf *pem)
{
    if (pem->data != NULL)
        explicit_bzero(pem->data, pem->capacity);
    buf_fini(pem);
}

enum status pem_file_read(const char *path, const char *option, struct buf *pem, struct error *err)
{
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        (void)error_set_errno(err, ST_IO, "open '%s'", path);
        return error_context(err, "%s", option);
    }
    /* All at once: a buffer that grew would leave copies behind. */
    enum status st = buf_reserve(pem, PEM_SIZE_MAX + 1, err);
    if (st == ST_OK)
        st = fd_read_up_to(fd, pem->data, PEM_SIZE_MAX + 1, &size, err);
    (void)close(fd); /* it was only read */
    if (st == ST_OK && size > PEM_SIZE_MAX)
        st = error_set(err, ST_LIMIT, "'%s' is larger than %d bytes", path, (int)PEM_SIZE_MAX);
    if (st != ST_OK)
        return error_context(err, "%s", option);
    pem->data[size] = 0;
    pem->size = size + 1;
    return ST_OK;
}
