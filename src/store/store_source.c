/* SPDX-License-Identifier: Apache-2.0 */
/* store_source.c -- see store_source.h.
 *
 * A compressed file is read as one stream of frames; libzstd passes over the seek table at its
 * end by itself.  Only when a frame turns out to be damaged is the table looked into (its layout
 * stands in exporters/file/seek_table.c): frames do not depend on each other, so the next one can
 * be read all the same.
 */
#include "store/store_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/le.h"

#define SEEKABLE_MAGIC UINT32_C(0x8F92EAB1)

enum {
    INPUT_SIZE = 128 << 10,
    WINDOW_LOG_MAX = 25, /* ours are smaller; this lets people recompress files, within reason */
};

void store_source_init(struct store_source *source)
{
    *source = (struct store_source){.fd = -1};
}

void store_source_fini(struct store_source *source)
{
    store_source_close(source);
    ZSTD_freeDCtx(source->context);
    free(source->input_data);
    store_source_init(source);
}

static enum status make_decoder(struct store_source *source, struct error *err)
{
    if (source->context == NULL)
        source->context = ZSTD_createDCtx();
    if (source->input_data == NULL)
        source->input_data = malloc(INPUT_SIZE);
    if (source->context == NULL || source->input_data == NULL)
        return error_set(err, ST_NO_MEMORY, "make a zstd decoder");
    (void)ZSTD_DCtx_reset(source->context, ZSTD_reset_session_and_parameters); /* cannot fail */
    size_t set = ZSTD_DCtx_setParameter(source->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    ASSERT(!ZSTD_isError(set));
    source->input = (ZSTD_inBuffer){.src = source->input_data};
    source->within_frame = false;
    source->input_end = 0;
    source->frame_start = 0;
    source->limit = UINT64_MAX;
    return ST_OK;
}

enum status store_source_open(struct store_source *source, int dir_fd, const char *name,
                              bool compressed, struct error *err)
{
    ASSERT(source->fd < 0);
    if (compressed) {
        enum status st = make_decoder(source, err);
        if (st != ST_OK)
            return st;
    }
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open");
    source->fd = fd;
    source->compressed = compressed;
    source->offset = 0;
    return ST_OK;
}

void store_source_close(struct store_source *source)
{
    if (source->fd >= 0)
        (void)close(source->fd); /* only read from */
    source->fd = -1;
}

static enum status refill(struct store_source *source, struct error *err)
{
    size_t got;

    uint64_t left = source->limit - source->input_end;
    enum status st = fd_read_up_to(source->fd, source->input_data,
                                   left < INPUT_SIZE ? (size_t)left : INPUT_SIZE, &got, err);
    if (st != ST_OK)
        return st;
    source->input = (ZSTD_inBuffer){.src = source->input_data, .size = got};
    source->input_end += got;
    return ST_OK;
}

static enum status read_compressed(struct store_source *source, void *data, size_t size,
                                   size_t *ret_got, struct error *err)
{
    ZSTD_outBuffer out = {.dst = data, .size = size};

    while (out.pos == 0) {
        bool had_input = source->input.pos < source->input.size;
        if (!had_input) {
            enum status st = refill(source, err);
            if (st != ST_OK)
                return st;
        }
        bool at_end = source->input.size == 0;
        if (at_end && !source->within_frame)
            break;
        size_t left = ZSTD_decompressStream(source->context, &out, &source->input);
        if (ZSTD_isError(left))
            return error_set(err, ST_CORRUPT, "zstd: %s", ZSTD_getErrorName(left));
        source->within_frame = left != 0;
        if (left == 0)
            source->frame_start = source->input_end - (source->input.size - source->input.pos);
        if (at_end && out.pos == 0 && source->within_frame)
            return error_set(err, ST_CORRUPT, "ends within a zstd frame");
    }
    *ret_got = out.pos;
    return ST_OK;
}

enum status store_source_read(struct store_source *source, void *data, size_t size, size_t *ret_got,
                              struct error *err)
{
    ASSERT(source->fd >= 0 && size > 0);
    if (source->compressed)
        return read_compressed(source, data, size, ret_got, err);
    enum status st = fd_read_up_to(source->fd, data, size, ret_got, err);
    if (st == ST_OK)
        source->offset += *ret_got;
    return st;
}

/* Offset of the frame behind the one that begins at `frame_start`; 0 when there is none. */
static uint64_t find_next_frame(int fd, uint64_t frame_start)
{
    enum { HEAD_SIZE = 8, ENTRY_SIZE = 8, FOOT_SIZE = 9 };
    uint8_t foot[FOOT_SIZE];
    uint8_t entry[ENTRY_SIZE];
    uint64_t offset = 0;

    off_t size = lseek(fd, 0, SEEK_END);
    if (size < HEAD_SIZE + FOOT_SIZE ||
        pread(fd, foot, sizeof(foot), size - FOOT_SIZE) != FOOT_SIZE ||
        le32_get(foot + 5) != SEEKABLE_MAGIC || foot[4] != 0)
        return 0;
    uint64_t frames = le32_get(foot);
    uint64_t table_size = HEAD_SIZE + frames * ENTRY_SIZE + FOOT_SIZE;
    if (table_size > (uint64_t)size)
        return 0;
    uint64_t table = (uint64_t)size - table_size;
    for (uint64_t i = 0; i + 1 < frames && offset <= frame_start; i++) {
        off_t at = (off_t)(table + HEAD_SIZE + i * ENTRY_SIZE);
        if (pread(fd, entry, sizeof(entry), at) != ENTRY_SIZE)
            return 0;
        offset += le32_get(entry);
    }
    return offset > frame_start && offset < table ? offset : 0;
}

static bool go(struct store_source *source, uint64_t offset)
{
    if (lseek(source->fd, (off_t)offset, SEEK_SET) < 0)
        return false;
    (void)ZSTD_DCtx_reset(source->context, ZSTD_reset_session_only); /* cannot fail */
    source->input = (ZSTD_inBuffer){.src = source->input_data};
    source->within_frame = false;
    source->input_end = offset;
    source->frame_start = offset;
    return true;
}

bool store_source_skip_damage(struct store_source *source)
{
    ASSERT(source->fd >= 0);
    if (!source->compressed)
        return false;
    uint64_t next = find_next_frame(source->fd, source->frame_start);
    return next != 0 && next < source->limit && go(source, next);
}

enum status store_source_go(struct store_source *source, uint64_t offset, uint64_t end,
                            struct error *err)
{
    ASSERT(source->fd >= 0 && source->compressed && offset <= end);
    source->limit = end;
    return go(source, offset) ? ST_OK : error_set_errno(err, ST_IO, "lseek");
}

enum status store_source_seek(struct store_source *source, uint64_t offset, struct error *err)
{
    ASSERT(source->fd >= 0 && !source->compressed);
    if (lseek(source->fd, (off_t)offset, SEEK_SET) < 0)
        return error_set_errno(err, ST_IO, "lseek");
    source->offset = offset;
    return ST_OK;
}

uint64_t store_source_offset(const struct store_source *source)
{
    return source->compressed ? source->input_end : source->offset;
}
