/* SPDX-License-Identifier: Apache-2.0 */
/* segment_scan.c -- the rule is in docs/JOURNAL_FORMAT.md: "A frame is valid if and only if".
 *
 * Within a segment sequence numbers have no gaps.  So behind n damaged bytes the next number can
 * be at most n / FRAME_HEADER_SIZE ahead, and anything else is not one of our frames.  That, and
 * the salt, keep bytes that an agent chose from passing for a frame.
 *
 * Behind an end mark nothing is looked at: the file may have had another life, or a write that was
 * never finished.
 *
 * Header and payload have a checksum each.  A damaged payload therefore costs its own record
 * only, and the search for the next frame reads each byte once. */
#include "journal/segment_scan.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 256 << 10,
    BLOCK = 4096,   /* the smallest piece that a disk fails to read */
    READ_TRIES = 3, /* before a block counts as unreadable */
};

void segment_scan_init(struct segment_scan *scan, const struct disk_io *io)
{
    *scan = (struct segment_scan){.io = io, .fd = -1, .keep = UINT64_MAX};
}

void segment_scan_fini(struct segment_scan *scan)
{
    free(scan->data);
    scan->data = NULL;
    scan->capacity = scan->filled = 0;
}

void segment_scan_begin(struct segment_scan *scan, int fd, uint32_t salt, uint64_t first_sequence)
{
    scan->fd = fd;
    scan->salt = salt;
    scan->end = SEGMENT_HEADER_SIZE;
    scan->limit_sequence = UINT64_MAX;
    scan->keep = UINT64_MAX;
    scan->filled = 0;
    scan->window = 0;
    scan->unreadable = 0;
    scan->unreadable_end = 0;
    segment_scan_move(scan, SEGMENT_HEADER_SIZE, first_sequence);
}

void segment_scan_move(struct segment_scan *scan, uint64_t offset, uint64_t sequence)
{
    ASSERT(offset % FRAME_ALIGNMENT == 0);
    scan->offset = offset;
    scan->good_end = offset;
    scan->expected = sequence;
    scan->keep = UINT64_MAX;
    scan->mark = 0;
}

void segment_scan_trim(struct segment_scan *scan, size_t keep_bytes)
{
    if (scan->capacity > keep_bytes)
        segment_scan_fini(scan);
}

static bool holds(const struct segment_scan *scan, uint64_t offset, size_t size)
{
    return offset >= scan->window && offset - scan->window <= scan->filled &&
           size <= scan->filled - (size_t)(offset - scan->window);
}

const uint8_t *segment_scan_bytes(const struct segment_scan *scan, uint64_t offset, size_t size)
{
    ASSERT(holds(scan, offset, size));
    return scan->data + (offset - scan->window);
}

/* Lets go of what stands before `from`, and makes room for the window to reach `until`. */
static enum status make_room(struct segment_scan *scan, uint64_t from, uint64_t until,
                             struct error *err)
{
    if (!holds(scan, from, 0)) {
        scan->window = from;
        scan->filled = 0;
    }
    if (until - scan->window <= scan->capacity)
        return ST_OK;
    size_t gone = (size_t)(from - scan->window);
    if (gone > 0) {
        memmove(scan->data, scan->data + gone, scan->filled - gone);
        scan->window = from;
        scan->filled -= gone;
    }
    if (until - scan->window <= scan->capacity)
        return ST_OK;
    size_t capacity = ((size_t)(until - scan->window) + CHUNK - 1) / CHUNK * CHUNK;
    if (capacity < scan->capacity * 2)
        capacity = scan->capacity * 2;
    uint8_t *data = realloc(scan->data, capacity);
    if (data == NULL)
        return error_set(err, ST_NO_MEMORY, "grow a window to %zu bytes", capacity);
    scan->data = data;
    scan->capacity = capacity;
    return ST_OK;
}

/* Reads what can be read; a block that cannot comes out as zeros. */
static size_t read_blocks(struct segment_scan *scan, uint8_t *out, size_t size, uint64_t at)
{
    size_t total = 0;

    while (total < size) {
        size_t want = BLOCK - (size_t)((at + total) % BLOCK);
        size_t got = 0;
        struct error ignored;
        enum status st = ST_IO;
        if (want > size - total)
            want = size - total;
        for (int i = 0; i < READ_TRIES && st == ST_IO; i++)
            st = disk_read(scan->io, scan->fd, out + total, want, at + total, &got, &ignored);
        if (st == ST_IO) {
            memset(out + total, 0, want);
            scan->unreadable += want;
            scan->unreadable_end = at + total + want;
            got = want;
        }
        total += got;
        if (got < want)
            break; /* the end of the file */
    }
    return total;
}

/* Brings [offset, offset + size) into the window.  The file may turn out to be shorter than
 * `end`: then `end` is corrected, and the caller has to look again. */
static enum status fill(struct segment_scan *scan, uint64_t offset, size_t size, struct error *err)
{
    ASSERT(offset + size <= scan->end);
    if (holds(scan, offset, size))
        return ST_OK;

    uint64_t until = offset + (size > CHUNK ? size : CHUNK);
    if (until > scan->end)
        until = scan->end;
    enum status st = make_room(scan, scan->keep < offset ? scan->keep : offset, until, err);
    if (st != ST_OK)
        return st;
    uint64_t at = scan->window + scan->filled;
    size_t got = 0;
    st = disk_read(scan->io, scan->fd, scan->data + scan->filled, (size_t)(until - at), at, &got,
                   err);
    if (st == ST_IO && scan->takes_bad_sectors)
        got = read_blocks(scan, scan->data + scan->filled, (size_t)(until - at), at);
    else if (st != ST_OK)
        return st;
    scan->filled += got;
    if (got < until - at)
        scan->end = at + got;
    return ST_OK;
}

/* Whether a frame header at `offset` has the number that may stand there. */
static bool is_in_sequence(const struct segment_scan *scan, const struct frame_header *header,
                           uint64_t offset)
{
    uint64_t slack = (offset - scan->good_end) / FRAME_HEADER_SIZE;
    return header->sequence >= scan->expected && header->sequence - scan->expected <= slack;
}

/* Reads the header at the walker's place; false: it is not valid, or the end is near. */
static enum status look(struct segment_scan *scan, struct frame_header *ret, bool *ret_valid,
                        struct error *err)
{
    *ret_valid = false;
    if (scan->offset >= scan->end || scan->end - scan->offset < FRAME_HEADER_SIZE)
        return ST_OK;
    enum status st = fill(scan, scan->offset, FRAME_HEADER_SIZE, err);
    if (st != ST_OK || !holds(scan, scan->offset, FRAME_HEADER_SIZE))
        return st;
    const uint8_t *bytes = segment_scan_bytes(scan, scan->offset, FRAME_HEADER_SIZE);
    *ret_valid =
        frame_header_get(bytes, scan->salt, ret) && is_in_sequence(scan, ret, scan->offset);
    return ST_OK;
}

/* Whether the payload of the frame here is all there and right. */
static enum status check_payload(struct segment_scan *scan, const struct frame_header *header,
                                 bool *ret_valid, struct error *err)
{
    size_t size = FRAME_HEADER_SIZE + (size_t)header->payload_size;

    *ret_valid = false;
    if (scan->end - scan->offset < size)
        return ST_OK;
    enum status st = fill(scan, scan->offset, size, err);
    if (st != ST_OK || !holds(scan, scan->offset, size))
        return st;
    const uint8_t *payload = segment_scan_bytes(scan, scan->offset, size) + FRAME_HEADER_SIZE;
    *ret_valid = crc32c(scan->salt, payload, header->payload_size) == header->payload_crc;
    return ST_OK;
}

static void step_over(struct segment_scan *scan, const struct frame_header *header)
{
    uint64_t size = frame_size(header->payload_size);
    scan->offset += size < scan->end - scan->offset ? size : scan->end - scan->offset;
}

enum status segment_scan_next(struct segment_scan *scan, enum scan_result *ret,
                              struct scan_frame *ret_frame, struct error *err)
{
    struct frame_header header;
    bool is_valid;

    if (scan->offset >= scan->end) {
        *ret = SCAN_END;
        return ST_OK;
    }
    enum status st = look(scan, &header, &is_valid, err);
    if (st == ST_OK && is_valid && header.type == FRAME_END && header.payload_size == 0) {
        scan->end = scan->offset;
        scan->mark = header.sequence;
        *ret = SCAN_END;
        return ST_OK;
    }
    if (st == ST_OK && is_valid && header.sequence >= scan->limit_sequence) {
        *ret = SCAN_END;
        return ST_OK;
    }
    if (st == ST_OK && is_valid)
        st = check_payload(scan, &header, &is_valid, err);
    if (st != ST_OK)
        return st;
    if (!is_valid) {
        *ret = SCAN_DAMAGE;
        return ST_OK;
    }
    *ret_frame = (struct scan_frame){
        .type = header.type,
        .group = header.group,
        .sequence = header.sequence,
        .missing = header.sequence - scan->expected,
        .damage_start = scan->good_end,
        .start = scan->offset,
        .payload = scan->offset + FRAME_HEADER_SIZE,
        .payload_size = header.payload_size,
    };
    step_over(scan, &header);
    scan->good_end = scan->offset;
    scan->expected = header.sequence + (frame_is_record(header.type) ? 1 : 0);
    *ret = SCAN_FRAME;
    return ST_OK;
}

/* Looks at every aligned place that the window holds; stops where a header is valid. */
static bool search_window(struct segment_scan *scan)
{
    struct frame_header header;

    while (holds(scan, scan->offset, FRAME_HEADER_SIZE)) {
        const uint8_t *bytes = scan->data + (scan->offset - scan->window);
        if (frame_header_get(bytes, scan->salt, &header) &&
            is_in_sequence(scan, &header, scan->offset))
            return true;
        scan->offset += FRAME_ALIGNMENT;
    }
    return false;
}

enum status segment_scan_skip(struct segment_scan *scan, struct error *err)
{
    struct frame_header header;
    bool is_valid;

    enum status st = look(scan, &header, &is_valid, err);
    if (st != ST_OK)
        return st;
    if (is_valid) { /* its payload is not */
        step_over(scan, &header);
        return ST_OK;
    }
    scan->keep = UINT64_MAX;
    uint64_t before = scan->offset;
    scan->offset += FRAME_ALIGNMENT;
    while (scan->offset < scan->end && scan->end - scan->offset >= FRAME_HEADER_SIZE) {
        st = fill(scan, scan->offset, FRAME_HEADER_SIZE, err);
        if (st != ST_OK) {
            scan->offset = before;
            return st;
        }
        if (search_window(scan))
            return ST_OK;
    }
    scan->offset = scan->end;
    return ST_OK;
}
