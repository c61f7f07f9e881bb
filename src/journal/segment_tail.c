/* SPDX-License-Identifier: Apache-2.0 */
/* segment_tail.c -- see segment_tail.h. */
#include "journal/segment_tail.h"

#include <string.h>

enum status segment_tail_is_zero(const struct disk_io *io, int fd, uint64_t start, uint64_t end,
                                 bool *ret, struct error *err)
{
    static const uint8_t zeros[4096];
    uint8_t bytes[sizeof(zeros)];

    *ret = true;
    while (start < end && *ret) {
        size_t want = end - start < sizeof(bytes) ? (size_t)(end - start) : sizeof(bytes);
        size_t got;
        enum status st = disk_read(io, fd, bytes, want, start, &got, err);
        if (st != ST_OK)
            return st;
        if (got == 0)
            break;
        *ret = memcmp(bytes, zeros, got) == 0;
        start += got;
    }
    return ST_OK;
}

static bool read_head(const struct segment_scan *scan, uint8_t head[FRAME_HEADER_SIZE])
{
    struct error ignored;
    size_t got;

    return disk_read(scan->io, scan->fd, head, FRAME_HEADER_SIZE, scan->good_end, &got, &ignored) ==
               ST_OK &&
           got == FRAME_HEADER_SIZE;
}

bool segment_tail_is_cut(const struct segment_scan *scan)
{
    uint8_t head[FRAME_HEADER_SIZE];
    struct frame_header header;

    if (scan->end - scan->good_end < FRAME_HEADER_SIZE)
        return true;
    return read_head(scan, head) && frame_header_get(head, scan->salt, &header) &&
           header.sequence == scan->expected &&
           scan->end - scan->good_end - FRAME_HEADER_SIZE < header.payload_size;
}

bool segment_tail_is_end_mark(const struct segment_scan *scan)
{
    uint8_t head[FRAME_HEADER_SIZE];

    return read_head(scan, head) && end_mark_is_near(head, scan->salt, scan->expected);
}
