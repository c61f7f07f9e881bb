/* SPDX-License-Identifier: Apache-2.0 */
/* seek_table.c -- a skippable frame, which any decoder passes over; little endian:
 *
 *     4  0x184D2A5E
 *     4  size of what follows
 *     8  for each frame: compressed size 4, decompressed size 4
 *     4  number of frames
 *     1  0: entries without checksums (the frames carry their own)
 *     4  0x8F92EAB1
 *
 * Entries are gathered in a buffer that starts with room for the first eight bytes.
 */
#include "seek_table.h"

#include <zstd.h>

#include "file_io.h"
#include "telltale/store_file.h"

enum { HEAD_SIZE = 8, ENTRY_SIZE = 8, FOOT_SIZE = 9 };

static const uint32_t skippable_magic = 0x184D2A5E;
static const uint32_t seekable_magic = 0x8F92EAB1;

static void put32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *in)
{
    return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

enum status seek_table_add(struct buf *table, uint64_t compressed_size, uint64_t size,
                           struct error *err)
{
    uint8_t entry[HEAD_SIZE + ENTRY_SIZE] = {0};

    if (compressed_size > UINT32_MAX || size > UINT32_MAX)
        return error_set(err, ST_LIMIT, "frame of %llu bytes", (unsigned long long)size);
    put32(entry + HEAD_SIZE, (uint32_t)compressed_size);
    put32(entry + HEAD_SIZE + 4, (uint32_t)size);
    size_t skip = table->size == 0 ? 0 : HEAD_SIZE;
    return buf_append(table, entry + skip, sizeof(entry) - skip, err);
}

enum status seek_table_finish(struct buf *table, struct error *err)
{
    uint8_t foot[FOOT_SIZE] = {0};

    ASSERT(table->size >= HEAD_SIZE + ENTRY_SIZE);
    put32(foot, (uint32_t)((table->size - HEAD_SIZE) / ENTRY_SIZE));
    put32(foot + 5, seekable_magic);
    enum status st = buf_append(table, foot, sizeof(foot), err);
    if (st != ST_OK)
        return st;
    put32(table->data, skippable_magic);
    put32(table->data + 4, (uint32_t)(table->size - HEAD_SIZE));
    return ST_OK;
}

enum status seek_table_read(const struct disk_io *io, int fd, uint64_t size, struct buf *table,
                            size_t *ret_frame_count, struct error *err)
{
    uint8_t foot[FOOT_SIZE];
    size_t got;

    if (size < HEAD_SIZE + FOOT_SIZE)
        return error_set(err, ST_CORRUPT, "no seek table");
    enum status st = disk_read(io, fd, foot, sizeof(foot), size - sizeof(foot), &got, err);
    if (st != ST_OK)
        return st;
    if (got != sizeof(foot) || get32(foot + 5) != seekable_magic || foot[4] != 0)
        return error_set(err, ST_CORRUPT, "no seek table");
    uint64_t frames = get32(foot);
    uint64_t table_size = HEAD_SIZE + frames * ENTRY_SIZE + FOOT_SIZE;
    if (table_size > size)
        return error_set(err, ST_CORRUPT, "seek table of %llu frames does not fit the file",
                         (unsigned long long)frames);
    buf_clear(table);
    st = buf_reserve(table, table_size, err);
    if (st == ST_OK)
        st = disk_read(io, fd, table->data, table_size, size - table_size, &table->size, err);
    if (st != ST_OK)
        return st;
    if (table->size != table_size || get32(table->data) != skippable_magic ||
        get32(table->data + 4) != table_size - HEAD_SIZE)
        return error_set(err, ST_CORRUPT, "no seek table");
    *ret_frame_count = frames;
    return ST_OK;
}

struct seek_table_frame seek_table_frame(const struct buf *table, size_t number)
{
    const uint8_t *entry = table->data + HEAD_SIZE + number * ENTRY_SIZE;

    ASSERT(HEAD_SIZE + (number + 1) * ENTRY_SIZE + FOOT_SIZE <= table->size);
    return (struct seek_table_frame){.compressed_size = get32(entry), .size = get32(entry + 4)};
}

struct last_frame {
    uint64_t end; /* offset of the byte behind it */
    uint32_t compressed_size;
    uint32_t size;
};

static enum status read_last_entry(const struct disk_io *io, int fd, uint64_t file_size,
                                   struct last_frame *ret, struct error *err)
{
    uint8_t tail[ENTRY_SIZE + FOOT_SIZE];
    size_t got;

    if (file_size < HEAD_SIZE + sizeof(tail))
        return error_set(err, ST_CORRUPT, "no seek table");
    enum status st = disk_read(io, fd, tail, sizeof(tail), file_size - sizeof(tail), &got, err);
    if (st != ST_OK)
        return st;
    uint64_t frames = get32(tail + ENTRY_SIZE);
    if (got != sizeof(tail) || get32(tail + ENTRY_SIZE + 5) != seekable_magic ||
        tail[ENTRY_SIZE + 4] != 0 || frames == 0)
        return error_set(err, ST_CORRUPT, "no seek table");
    uint64_t table_size = HEAD_SIZE + frames * ENTRY_SIZE + FOOT_SIZE;
    struct last_frame frame = {.compressed_size = get32(tail), .size = get32(tail + 4)};
    if (table_size > file_size || frame.compressed_size > file_size - table_size || frame.size == 0)
        return error_set(err, ST_CORRUPT, "seek table of %llu frames does not fit the file",
                         (unsigned long long)frames);
    frame.end = file_size - table_size;
    *ret = frame;
    return ST_OK;
}

static enum status decode_frame(struct slice frame, size_t size, struct buf *out, struct error *err)
{
    buf_clear(out);
    enum status st = buf_reserve(out, size, err);
    if (st != ST_OK)
        return st;
    size_t got = ZSTD_decompress(out->data, size, frame.data, frame.size);
    if (ZSTD_isError(got))
        return error_set(err, ST_CORRUPT, "last frame: %s", ZSTD_getErrorName(got));
    if (got != size)
        return error_set(err, ST_CORRUPT, "last frame is shorter than the seek table says");
    out->size = got;
    return ST_OK;
}

enum status seek_table_read_last_line(const struct disk_io *io, int fd, uint64_t size,
                                      struct buf *line, struct error *err)
{
    struct last_frame last = {.size = 0};
    size_t got;
    struct buf frame;

    enum status st = read_last_entry(io, fd, size, &last, err);
    if (st != ST_OK)
        return st;
    buf_init(&frame, 2 * (size_t)STORE_LINE_SIZE_MAX);
    st = buf_reserve(&frame, last.compressed_size, err);
    if (st != ST_OK)
        goto out;
    st = disk_read(io, fd, frame.data, last.compressed_size, last.end - last.compressed_size, &got,
                   err);
    if (st != ST_OK)
        goto out;
    st = decode_frame(slice_of(frame.data, got), last.size, line, err);
    if (st != ST_OK)
        goto out;
    if (line->data[line->size - 1] != '\n') {
        st = error_set(err, ST_CORRUPT, "last frame ends within a line");
        goto out;
    }
    const uint8_t *before = memrchr(line->data, '\n', line->size - 1);
    if (before != NULL) {
        line->size -= (size_t)(before + 1 - line->data);
        memmove(line->data, before + 1, line->size);
    }
out:
    buf_fini(&frame);
    return st;
}
