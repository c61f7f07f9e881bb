/* SPDX-License-Identifier: Apache-2.0 */
/* archive.c -- see archive.h.  POSIX.1-1988 ustar: a head of 512 bytes, the file, zeros up to the
 * next multiple of 512; two heads of zeros end it. */
#include "bundle/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "telltale/base.h"
#include "util/fd.h"

enum { BLOCK_SIZE = 512, LEVEL = 9, MODE_FILE = 0644, MODE_PROGRAM = 0755 };

struct tar_head {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[6],
        version[2], user[32], group[32], major[8], minor[8], prefix[155], padding[12];
};

_Static_assert(sizeof(struct tar_head) == BLOCK_SIZE, "the head of ustar");

enum status archive_create(struct archive *archive, const char *path, const char *dir,
                           struct error *err)
{
    *archive = (struct archive){.path = path, .dir = dir, .out_size = ZSTD_CStreamOutSize()};
    archive->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (archive->fd < 0)
        return error_set_errno(err, errno == EEXIST ? ST_INVALID : ST_IO, "make '%s'", path);
    archive->context = ZSTD_createCCtx();
    archive->out = malloc(archive->out_size);
    if (archive->context == NULL || archive->out == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(archive->context, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(archive->context, ZSTD_c_checksumFlag, 1))) {
        archive_abandon(archive);
        return error_set(err, ST_NO_MEMORY, "write '%s'", path);
    }
    return ST_OK;
}

static enum status put(struct archive *archive, const void *data, size_t size,
                       ZSTD_EndDirective end, struct error *err)
{
    ZSTD_inBuffer in = {.src = data, .size = size};
    size_t left;

    do {
        ZSTD_outBuffer out = {.dst = archive->out, .size = archive->out_size};
        left = ZSTD_compressStream2(archive->context, &out, &in, end);
        if (ZSTD_isError(left))
            return error_set(err, ST_NO_MEMORY, "compress '%s': %s", archive->path,
                             ZSTD_getErrorName(left));
        enum status st = fd_write_all(archive->fd, archive->out, out.pos, err);
        if (st != ST_OK)
            return error_context(err, "write '%s'", archive->path), st;
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
    return ST_OK;
}

enum status archive_add(struct archive *archive, const char *name, bool is_program,
                        struct slice content, struct error *err)
{
    static const uint8_t zeros[BLOCK_SIZE];
    struct tar_head head = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    unsigned sum = 0;

    ASSERT(strlen(name) <= ARCHIVE_NAME_MAX && strlen(archive->dir) <= ARCHIVE_NAME_MAX);
    if (content.size > ARCHIVE_FILE_SIZE_MAX)
        return error_set(err, ST_LIMIT, "'%s' would have more than %d bytes", name,
                         ARCHIVE_FILE_SIZE_MAX);
    (void)snprintf(head.name, sizeof(head.name), "%s/%s", archive->dir, name); /* all these fit */
    (void)snprintf(head.mode, sizeof(head.mode), "%07o", is_program ? MODE_PROGRAM : MODE_FILE);
    (void)snprintf(head.uid, sizeof(head.uid), "%07o", 0U);
    (void)snprintf(head.gid, sizeof(head.gid), "%07o", 0U);
    (void)snprintf(head.size, sizeof(head.size), "%011zo", content.size);
    (void)snprintf(head.mtime, sizeof(head.mtime), "%011o", 0U);
    memset(head.sum, ' ', sizeof(head.sum));
    const uint8_t *bytes = (const uint8_t *)&head;
    for (size_t i = 0; i < sizeof(head); i++)
        sum += bytes[i];
    (void)snprintf(head.sum, sizeof(head.sum), "%06o", sum % (1U << 18)); /* is less than that */
    enum status st = put(archive, &head, sizeof(head), ZSTD_e_continue, err);
    if (st == ST_OK && content.size > 0)
        st = put(archive, content.data, content.size, ZSTD_e_continue, err);
    size_t over = content.size % BLOCK_SIZE;
    return st == ST_OK && over > 0 ? put(archive, zeros, BLOCK_SIZE - over, ZSTD_e_continue, err)
                                   : st;
}

static void release(struct archive *archive)
{
    ZSTD_freeCCtx(archive->context);
    free(archive->out);
    *archive = (struct archive){.fd = -1};
}

enum status archive_finish(struct archive *archive, struct error *err)
{
    static const uint8_t end[2 * BLOCK_SIZE];

    enum status st = put(archive, end, sizeof(end), ZSTD_e_end, err);
    if (st == ST_OK)
        st = fd_sync(archive->fd, err);
    if (st != ST_OK) {
        archive_abandon(archive);
        return st;
    }
    (void)close(archive->fd); /* it is on the disk */
    release(archive);
    return ST_OK;
}

void archive_abandon(struct archive *archive)
{
    if (archive->fd < 0)
        return;
    (void)unlink(archive->path); /* what is left is no archive */
    (void)close(archive->fd);
    release(archive);
}
