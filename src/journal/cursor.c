/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.c -- see cursor.h for the contract, docs/JOURNAL_FORMAT.md for the file:
 *
 *     offset  size
 *          0     8  "CURSOR1\n"
 *          8     8  next sequence number, little endian
 *         16     4  CRC-32C of bytes 0..15
 */
#include "journal/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/crc32c.h"
#include "util/le.h"

enum {
    CURSOR_FILE_SIZE = 20,
    CURSOR_NAME_MAX = 64,
    WRITE_NEW = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
};

static const char magic[8] = {'C', 'U', 'R', 'S', 'O', 'R', '1', '\n'};

struct cursor {
    const struct disk_io *io; /* borrowed */
    int dir_fd;               /* borrowed */
    uint64_t next_seq;        /* the position last known to be durable */
    char name[CURSOR_NAME_MAX];
    char temp_name[CURSOR_NAME_MAX + 4];
};

static void encode(uint8_t out[CURSOR_FILE_SIZE], uint64_t next_seq)
{
    memcpy(out, magic, sizeof(magic));
    le64_put(out + 8, next_seq);
    le32_put(out + 16, crc32c(0, out, 16));
}

static enum status decode(const uint8_t *in, size_t size, uint64_t *ret, struct error *err)
{
    if (size != CURSOR_FILE_SIZE)
        return error_set(err, ST_CORRUPT, "%zu bytes, expected %d", size, CURSOR_FILE_SIZE);
    if (memcmp(in, magic, sizeof(magic)) != 0)
        return error_set(err, ST_CORRUPT, "not a cursor file");
    if (le32_get(in + 16) != crc32c(0, in, 16))
        return error_set(err, ST_CORRUPT, "checksum mismatch");
    *ret = le64_get(in + 8);
    return ST_OK;
}

/* A missing file is a new consumer, which starts at the oldest record. */
static enum status load(struct cursor *cursor, struct error *err)
{
    uint8_t image[CURSOR_FILE_SIZE + 1]; /* one spare byte shows a file that is too long */

    int fd = cursor->io->open_at(cursor->dir_fd, cursor->name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT)
        return ST_OK;
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open");

    size_t got;
    enum status st = disk_read(cursor->io, fd, image, sizeof(image), 0, &got, err);
    (void)close(fd);
    if (st != ST_OK)
        return st;
    return decode(image, got, &cursor->next_seq, err);
}

enum status cursor_open(const struct disk_io *io, int dir_fd, const char *name, struct cursor **ret,
                        struct error *err)
{
    ASSERT(dir_fd >= 0);
    ASSERT(strchr(name, '/') == NULL);

    if (strlen(name) >= CURSOR_NAME_MAX) {
        return error_set(err, ST_LIMIT, "cursor name '%s' is longer than %d bytes", name,
                         CURSOR_NAME_MAX - 1);
    }
    struct cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL)
        return error_set(err, ST_NO_MEMORY, "open cursor '%s'", name);
    cursor->io = disk_io_or_system(io);
    cursor->dir_fd = dir_fd;
    snprintf(cursor->name, sizeof(cursor->name), "%s", name);
    snprintf(cursor->temp_name, sizeof(cursor->temp_name), "%s.new", name);

    enum status st = load(cursor, err);
    if (st != ST_OK) {
        cursor_close(cursor);
        return error_context(err, "open cursor '%s'", name);
    }
    *ret = cursor;
    return ST_OK;
}

uint64_t cursor_next(const struct cursor *cursor)
{
    return cursor->next_seq;
}

enum status cursor_advance(struct cursor *cursor, uint64_t next_seq, struct error *err)
{
    ASSERT(next_seq >= cursor->next_seq);

    uint8_t image[CURSOR_FILE_SIZE];
    encode(image, next_seq);

    enum status st;
    const struct disk_io *io = cursor->io;
    struct iovec part = {.iov_base = image, .iov_len = sizeof(image)};
    int fd = io->open_at(cursor->dir_fd, cursor->temp_name, WRITE_NEW, 0600);
    if (fd < 0) {
        st = error_set_errno(err, ST_IO, "create '%s'", cursor->temp_name);
        goto out;
    }
    st = disk_write(io, fd, &part, 1, 0, err);
    if (st != ST_OK)
        goto out;
    st = disk_sync(io, fd, err);
    if (st != ST_OK)
        goto out;
    if (io->rename_at(cursor->dir_fd, cursor->temp_name, cursor->dir_fd, cursor->name) < 0) {
        st = error_set_errno(err, ST_IO, "rename '%s'", cursor->temp_name);
        goto out;
    }
    /* The new name is an entry of the directory: unsynced, a power cut may undo it. */
    st = disk_sync_dir(io, cursor->dir_fd, err);
    if (st != ST_OK)
        goto out;
    cursor->next_seq = next_seq;
out:
    if (fd >= 0)
        (void)close(fd); /* the data is already synced, or we are failing anyway */
    if (st != ST_OK)
        error_context(err, "save cursor '%s' at %" PRIu64, cursor->name, next_seq);
    return st;
}

void cursor_close(struct cursor *cursor)
{
    free(cursor);
}
