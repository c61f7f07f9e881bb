/* SPDX-License-Identifier: Apache-2.0 */
/* reader_segment.c -- see reader_segment.h.
 *
 * To begin in the middle of a segment the reader walks from its start, because that is where
 * groups are; on the way a place is noted every INDEX_STEP bytes, so that going back within a
 * segment is cheap.
 *
 * What every reader has passed is not kept in the page cache: the last of them lets go of it.  The
 * cache of a busy journal then stays as small as its readers are quick, and its pages are used
 * again and again instead of crowding out what the agents work with. */
#include "journal/reader_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/segment_writer.h"
#include "journal/zeroed_array.h"

enum {
    INDEX_STEP = 1 << 20,
    RELEASE_STEP = 2 << 20,                     /* pages are let go of in pieces of this size */
    GROUP_NUMBERS_MAX = 2 * SEGMENT_GROUPS_MAX, /* more than a writer gives out */
};

struct segment_place {
    uint64_t sequence;
    uint64_t offset;
};

void reader_segment_init(struct reader_segment *self, struct journal_dir *dir)
{
    *self = (struct reader_segment){.dir = dir, .fd = -1};
    segment_scan_init(&self->scan, dir->io);
}

static void leave(struct reader_segment *self)
{
    if (self->fd >= 0)
        (void)close(self->fd); /* was only read */
    self->fd = -1;
    self->place_count = 0;
    if (self->group_capacity > 0)
        memset(self->groups, 0, self->group_capacity * sizeof(*self->groups));
}

void reader_segment_fini(struct reader_segment *self)
{
    leave(self);
    segment_scan_fini(&self->scan);
    free(self->groups);
    free(self->places);
}

bool reader_segment_is_open(const struct reader_segment *self)
{
    return self->fd >= 0;
}

bool reader_segment_is(const struct reader_segment *self, const struct segment *segment)
{
    return self->fd >= 0 && self->segment.first == segment->first &&
           self->segment.salt == segment->salt;
}

enum status reader_segment_enter(struct reader_segment *self, const struct segment *segment,
                                 bool *ret_present, struct error *err)
{
    char name[SEGMENT_NAME_SIZE];

    leave(self);
    segment_name(name, segment->first);
    *ret_present = true;
    int fd = self->dir->io->open_at(self->dir->fd, name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT) {
        *ret_present = false;
        return ST_OK;
    }
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open segment '%s'", name);
    self->fd = fd;
    self->segment = *segment;
    self->released = 0;
    segment_scan_begin(&self->scan, fd, segment->salt, segment->first);
    return ST_OK;
}

void reader_segment_move(struct reader_segment *self, uint64_t sequence)
{
    struct segment_place place = {.sequence = self->segment.first, .offset = SEGMENT_HEADER_SIZE};

    for (size_t i = 0; i < self->place_count; i++) {
        if (self->places[i].sequence <= sequence)
            place = self->places[i];
    }
    segment_scan_move(&self->scan, place.offset, place.sequence);
}

enum status reader_segment_note_record(struct reader_segment *self, const struct scan_frame *frame,
                                       struct error *err)
{
    size_t count = self->place_count;
    uint64_t last = count > 0 ? self->places[count - 1].offset : SEGMENT_HEADER_SIZE;

    if (frame->start < last + INDEX_STEP)
        return ST_OK;
    enum status st = zeroed_array_reserve((void **)&self->places, &self->place_capacity, count + 1,
                                          sizeof(*self->places), err);
    if (st != ST_OK)
        return st;
    self->places[self->place_count++] =
        (struct segment_place){.sequence = frame->sequence, .offset = frame->start};
    return ST_OK;
}

enum status reader_segment_note_group(struct reader_segment *self, const struct scan_frame *frame,
                                      struct error *err)
{
    if (frame->group >= GROUP_NUMBERS_MAX)
        return ST_OK; /* no writer of this version made it */
    enum status st = zeroed_array_reserve((void **)&self->groups, &self->group_capacity,
                                          (size_t)frame->group + 1, sizeof(*self->groups), err);
    if (st == ST_OK)
        self->groups[frame->group].frame = frame->start;
    return st;
}

enum status reader_segment_read_group(struct reader_segment *self, uint64_t offset, struct buf *out,
                                      size_t *ret_size, struct error *err)
{
    const struct disk_io *io = self->dir->io;
    uint8_t header_bytes[FRAME_HEADER_SIZE];
    struct frame_header header;
    struct record_group group;
    size_t got;

    *ret_size = 0;
    if (offset == 0)
        return ST_OK;
    enum status st = disk_read(io, self->fd, header_bytes, sizeof(header_bytes), offset, &got, err);
    if (st != ST_OK)
        return st;
    if (got < sizeof(header_bytes) ||
        !frame_header_get(header_bytes, self->segment.salt, &header) ||
        header.payload_size > GROUP_SIZE_MAX)
        return ST_OK;
    st = buf_reserve(out, header.payload_size, err);
    if (st != ST_OK)
        return st;
    uint8_t *payload = out->data + out->size;
    st = disk_read(io, self->fd, payload, header.payload_size, offset + FRAME_HEADER_SIZE, &got,
                   err);
    if (st != ST_OK)
        return self->scan.takes_bad_sectors ? ST_OK : st;
    if (got == header.payload_size &&
        crc32c(self->segment.salt, payload, got) == header.payload_crc &&
        group_get(slice_of(payload, got), &group)) {
        *ret_size = got;
        out->size += got;
    }
    return ST_OK;
}

void reader_segment_keep_aside(struct reader_segment *self, uint64_t start, uint64_t end)
{
    struct error ignored;

    if (start < end)
        (void)(quarantine_range(self->dir, self->fd, self->segment.first, start, end,
                                "found damaged by a reader", &ignored) == ST_OK);
}

/* Pages that are not clean stay. */
void reader_segment_release(struct reader_segment *self, bool is_left)
{
    uint64_t end = self->scan.offset;

    if (end < self->released + (is_left ? 1 : RELEASE_STEP))
        return;
    (void)posix_fadvise(self->fd, (off_t)self->released, (off_t)(end - self->released),
                        POSIX_FADV_DONTNEED); /* advice: nothing depends on it */
    self->released = end;
}
