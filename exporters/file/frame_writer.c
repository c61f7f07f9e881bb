/* SPDX-License-Identifier: Apache-2.0 */
/* frame_writer.c -- see frame_writer.h.  A frame ends with the line that brings it to FRAME_SIZE.
 */
#include "frame_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "file_io.h"
#include "seek_table.h"

enum {
    FRAME_SIZE = 128 << 10,
    OUTPUT_SIZE = 256 << 10, /* gathered for one write */
    WINDOW_LOG = 18,         /* a frame and its long last line */
    TABLE_SIZE_MAX = 64 << 20,
    FILE_MODE = 0600,
};

enum status frame_writer_open(struct frame_writer *writer, const struct disk_io *io, int dir_fd,
                              const char *name, int level, struct error *err)
{
    *writer = (struct frame_writer){.io = io, .fd = -1};
    buf_init(&writer->table, TABLE_SIZE_MAX);
    buf_init(&writer->output, OUTPUT_SIZE);
    hasher_start(&writer->hasher);
    enum status st = buf_reserve(&writer->output, OUTPUT_SIZE, err);
    if (st != ST_OK)
        return st;
    if (level > 0) {
        writer->context = ZSTD_createCCtx();
        ZSTD_CCtx *context = writer->context;
        if (context == NULL ||
            ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, WINDOW_LOG)) ||
            ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)) ||
            ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level))) {
            frame_writer_close(writer);
            return error_set(err, ST_NO_MEMORY, "make a zstd context of level %d", level);
        }
    }
    writer->fd =
        io->open_at(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (writer->fd >= 0)
        return ST_OK;
    st = error_set_errno(err, ST_IO, "create '%s'", name);
    frame_writer_close(writer);
    return st;
}

void frame_writer_close(struct frame_writer *writer)
{
    if (writer->fd >= 0)
        (void)close(writer->fd); /* synced, or not needed */
    writer->fd = -1;
    ZSTD_freeCCtx(writer->context);
    writer->context = NULL;
    buf_fini(&writer->table);
    buf_fini(&writer->output);
}

static enum status flush(struct frame_writer *writer, struct error *err)
{
    struct slice bytes = buf_slice(&writer->output);

    if (bytes.size == 0)
        return ST_OK;
    enum status st = file_write_at(writer->io, writer->fd, bytes, writer->offset, err);
    if (st != ST_OK)
        return st;
    hasher_add(&writer->hasher, bytes);
    writer->offset += bytes.size;
    buf_clear(&writer->output);
    return ST_OK;
}

static enum status write_plain(struct frame_writer *writer, struct slice bytes, struct error *err)
{
    while (bytes.size > 0) {
        if (buf_room(&writer->output) == 0) {
            enum status st = flush(writer, err);
            if (st != ST_OK)
                return st;
        }
        size_t room = buf_room(&writer->output);
        size_t size = bytes.size < room ? bytes.size : room;
        buf_append_reserved(&writer->output, bytes.data, size);
        bytes = slice_from(bytes, size);
    }
    return ST_OK;
}

static enum status write_compressed(struct frame_writer *writer, struct slice bytes,
                                    ZSTD_EndDirective how, struct error *err)
{
    ZSTD_inBuffer in = {bytes.data, bytes.size, 0};

    for (;;) {
        struct buf *out = &writer->output;
        ZSTD_outBuffer room = {out->data, out->capacity, out->size};
        size_t left = ZSTD_compressStream2(writer->context, &room, &in, how);
        if (ZSTD_isError(left))
            return error_set(err, ST_IO, "zstd: %s", ZSTD_getErrorName(left));
        out->size = room.pos;
        if (how == ZSTD_e_end ? left == 0 : in.pos == in.size)
            return ST_OK;
        enum status st = flush(writer, err);
        if (st != ST_OK)
            return st;
    }
}

static enum status end_frame(struct frame_writer *writer, struct error *err)
{
    enum status st = write_compressed(writer, SLICE_EMPTY, ZSTD_e_end, err);
    if (st != ST_OK)
        return st;
    uint64_t end = writer->offset + writer->output.size;
    st = seek_table_add(&writer->table, end - writer->frame_offset, writer->frame_size, err);
    writer->frame_offset = end;
    writer->frame_size = 0;
    return st;
}

enum status frame_writer_add(struct frame_writer *writer, struct slice line, struct error *err)
{
    if (writer->context == NULL)
        return write_plain(writer, line, err);
    enum status st = write_compressed(writer, line, ZSTD_e_continue, err);
    if (st != ST_OK)
        return st;
    writer->frame_size += line.size;
    return writer->frame_size >= FRAME_SIZE ? end_frame(writer, err) : ST_OK;
}

enum status frame_writer_finish(struct frame_writer *writer, uint64_t written_unix_s,
                                struct hash *ret_sha256, struct error *err)
{
    const struct timespec written = {.tv_sec = (time_t)written_unix_s};
    const struct timespec times[2] = {written, written};
    enum status st = ST_OK;

    if (writer->context != NULL && writer->frame_size > 0)
        st = end_frame(writer, err);
    if (st == ST_OK && writer->context != NULL)
        st = seek_table_finish(&writer->table, err);
    if (st == ST_OK && writer->context != NULL)
        st = write_plain(writer, buf_slice(&writer->table), err);
    if (st == ST_OK)
        st = flush(writer, err);
    if (st != ST_OK)
        return st;
    if (writer->io->set_times(writer->fd, times) < 0 || writer->io->fsync(writer->fd) < 0)
        return error_set_errno(err, ST_IO, "sync");
    hasher_finish(&writer->hasher, ret_sha256);
    return ST_OK;
}
