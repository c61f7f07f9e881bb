/* SPDX-License-Identifier: Apache-2.0 */
/* segment_writer.c -- see segment_writer.h.
 *
 * A segment becomes visible by rename, its header complete and synced: so there is never a
 * segment with half a header, and never a moment in which the newest segment, which alone
 * remembers the sequence number, is gone while its replacement is made.
 *
 * Room is asked for in one piece and beyond the end of the file (FALLOC_FL_KEEP_SIZE): blocks
 * are found before they are needed, and the end of the file still tells recovery where writing
 * stopped. */
#include "journal/segment_writer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>
#include <unistd.h>

#include "util/clock.h"

enum {
    KNOWN_BYTES_MAX = 8 << 20, /* room for at least one group of any size */
    KNOWN_GROUPS_MAX = 4096,
    KNOWN_BYTES_KEEP = 1 << 20,
    GROUP_FRAMES_SOFT_MAX = 1 << 20, /* a write ends behind the batch that passes this */
    WRITE_SIZE_ENOUGH = 128 << 10,   /* likewise: what was summed is still in the cache then */
};

static const char temp_name[] = "segment.tmp";
static const uint8_t zeros[FRAME_ALIGNMENT];

void segment_writer_init(struct segment_writer *writer, struct journal_dir *dir)
{
    writer->dir = dir;
    writer->fd = -1;
    writer->salt = 0;
    group_table_init(&writer->known, KNOWN_BYTES_MAX, KNOWN_GROUPS_MAX);
    buf_init(&writer->group_frames, SIZE_MAX / 2); /* bounded by the batches of one write */
}

void segment_writer_fini(struct segment_writer *writer)
{
    ASSERT(!segment_writer_is_open(writer));
    group_table_fini(&writer->known);
    buf_fini(&writer->group_frames);
}

static enum status choose_salt(uint32_t *salt, struct error *err)
{
    uint32_t before = *salt;

    while (*salt == before || *salt == 0) {
        if (getrandom(salt, sizeof(*salt), 0) != sizeof(*salt))
            return error_set_errno(err, ST_IO, "getrandom");
    }
    return ST_OK;
}

static enum status write_header(struct segment_writer *writer, uint64_t previous_sequence,
                                struct error *err)
{
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct segment_header header = {
        .version = SEGMENT_FORMAT_VERSION,
        .salt = writer->salt,
        .first_sequence = writer->first_sequence,
        .previous_sequence = previous_sequence,
        .created_unix_ns = clock_unix_ns(),
    };

    memcpy(header.journal_id, writer->dir->id, JOURNAL_ID_SIZE);
    segment_header_put(bytes, &header);
    return disk_write(writer->dir->io, writer->fd, &part, 1, 0, err);
}

static enum status make_visible(struct segment_writer *writer, struct error *err)
{
    char name[SEGMENT_NAME_SIZE];
    const struct journal_dir *dir = writer->dir;

    segment_name(name, writer->first_sequence);
    if (dir->io->rename_at(dir->fd, temp_name, dir->fd, name) < 0)
        return error_set_errno(err, ST_IO, "rename '%s'", temp_name);
    return disk_sync_dir(dir->io, dir->fd, err);
}

static void forget(struct segment_writer *writer)
{
    (void)close(writer->fd); /* synced, or given up */
    writer->fd = -1;
}

enum status segment_writer_create(struct segment_writer *writer, uint64_t first_sequence,
                                  uint64_t previous_sequence, uint64_t preallocate,
                                  struct error *err)
{
    const struct disk_io *io = writer->dir->io;

    ASSERT(!segment_writer_is_open(writer));
    enum status st = choose_salt(&writer->salt, err);
    if (st != ST_OK)
        return st;
    writer->first_sequence = first_sequence;
    writer->position = writer->committed = SEGMENT_HEADER_SIZE;
    writer->known_base = 0;
    group_table_clear(&writer->known, KNOWN_BYTES_KEEP);
    writer->fd =
        io->open_at(writer->dir->fd, temp_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        st = error_set_errno(err, ST_IO, "create '%s'", temp_name);
        goto out;
    }
    if (preallocate > 0)
        (void)io->fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)preallocate);
    st = write_header(writer, previous_sequence, err);
    if (st == ST_OK)
        st = disk_sync(io, writer->fd, err);
    if (st == ST_OK)
        st = make_visible(writer, err);
    if (st != ST_OK)
        forget(writer);
out:
    return st == ST_OK ? ST_OK : error_context(err, "make segment %020" PRIu64, first_sequence);
}

uint32_t segment_writer_groups(const struct segment_writer *writer)
{
    return writer->known_base + (uint32_t)writer->known.count;
}

/* A full table is forgotten: groups that come again get a second number, which harms nothing. */
static enum status number_group(struct segment_writer *writer, struct slice encoded,
                                uint32_t *ret_number, bool *ret_new, struct error *err)
{
    uint32_t index = 0;

    enum status st = group_table_put_encoded(&writer->known, encoded, &index, ret_new, err);
    if (st == ST_LIMIT) {
        writer->known_base += (uint32_t)writer->known.count;
        group_table_clear(&writer->known, KNOWN_BYTES_KEEP);
        st = group_table_put_encoded(&writer->known, encoded, &index, ret_new, err);
    }
    *ret_number = writer->known_base + index;
    return st;
}

static enum status append_group_frame(struct segment_writer *writer, struct slice encoded,
                                      uint32_t number, uint64_t sequence, struct error *err)
{
    struct buf *frames = &writer->group_frames;
    struct frame_header header = {
        .payload_crc = crc32c(writer->salt, encoded.data, encoded.size),
        .payload_size = (uint32_t)encoded.size,
        .group = number,
        .type = FRAME_GROUP,
        .sequence = sequence,
    };
    size_t size = (size_t)frame_size(encoded.size);

    ASSERT(number <= GROUP_NUMBER_MAX);
    enum status st = buf_reserve(frames, size, err);
    if (st != ST_OK)
        return st;
    frame_header_put(frames->data + frames->size, writer->salt, &header);
    frames->size += FRAME_HEADER_SIZE;
    buf_append_reserved(frames, encoded.data, encoded.size);
    buf_append_reserved(frames, zeros, size - FRAME_HEADER_SIZE - encoded.size);
    return ST_OK;
}

static enum status frame_groups(struct segment_writer *writer, const struct append_batch *batch,
                                uint64_t sequence, struct error *err)
{
    if (batch->record_count == 0)
        return ST_OK;
    for (uint32_t i = 0; i < batch->groups.count; i++) {
        struct slice encoded = group_table_get(&batch->groups, i);
        bool is_new = false;
        enum status st = number_group(writer, encoded, &writer->numbers[i], &is_new, err);
        if (st == ST_OK && is_new)
            st = append_group_frame(writer, encoded, writer->numbers[i], sequence, err);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static void frame_records(const struct segment_writer *writer, struct append_batch *batch,
                          uint64_t sequence)
{
    batch->first_sequence = sequence;
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct append_record *record = &batch->records[i];
        uint8_t *frame = batch->frames.data + record->offset;
        struct frame_header header = {
            .payload_crc = crc32c(writer->salt, frame + FRAME_HEADER_SIZE, record->size),
            .payload_size = record->size,
            .group = writer->numbers[record->group],
            .type = FRAME_RECORD,
            .sequence = sequence + i,
        };
        frame_header_put(frame, writer->salt, &header);
    }
}

static size_t add_part(struct segment_writer *writer, size_t count, const void *data, size_t size)
{
    if (size == 0)
        return count;
    ASSERT(count < WRITE_PARTS_MAX);
    writer->parts[count] = (struct iovec){.iov_base = (void *)data, .iov_len = size};
    return count + 1;
}

/* Frames as many batches as one system call takes.  The new groups of all of them come before
 * the first of their records. */
static enum status frame_some(struct segment_writer *writer, struct append_batch **next,
                              const struct append_batch *stop, uint64_t *sequence,
                              size_t *ret_parts, struct error *err)
{
    uint64_t start = *sequence; /* all groups stand before the record of this number */
    size_t parts = 1;           /* the first is for the groups */
    size_t records_size = 0;

    buf_trim(&writer->group_frames, GROUP_FRAMES_SOFT_MAX);
    for (size_t count = 0;
         *next != stop && count < WRITE_BATCHES_MAX && records_size < WRITE_SIZE_ENOUGH &&
         writer->group_frames.size <= GROUP_FRAMES_SOFT_MAX;
         count++) {
        struct append_batch *batch = *next;
        enum status st = frame_groups(writer, batch, start, err);
        if (st != ST_OK)
            return st;
        frame_records(writer, batch, *sequence);
        size_t size = batch->frames.size;
        parts = add_part(writer, parts, batch->frames.data, size);
        parts = add_part(writer, parts, zeros, -size % FRAME_ALIGNMENT);
        records_size += size;
        *sequence += batch->record_count;
        *next = batch->next;
    }
    writer->parts[0] =
        (struct iovec){.iov_base = writer->group_frames.data, .iov_len = writer->group_frames.size};
    *ret_parts = parts;
    return ST_OK;
}

enum status segment_writer_write(struct segment_writer *writer, struct append_batch *first,
                                 const struct append_batch *stop, uint64_t sequence,
                                 uint64_t *ret_next, struct error *err)
{
    ASSERT(segment_writer_is_open(writer));
    while (first != stop) {
        size_t parts;
        enum status st = frame_some(writer, &first, stop, &sequence, &parts, err);
        if (st != ST_OK)
            return st;
        uint64_t size = 0;
        for (size_t i = 0; i < parts; i++)
            size += writer->parts[i].iov_len;
        st = disk_write(writer->dir->io, writer->fd, writer->parts, parts, writer->position, err);
        if (st != ST_OK)
            return error_context(err, "segment %020" PRIu64, writer->first_sequence);
        writer->position += size;
    }
    *ret_next = sequence;
    return ST_OK;
}

enum status segment_writer_sync(struct segment_writer *writer, struct error *err)
{
    enum status st = disk_sync(writer->dir->io, writer->fd, err);
    if (st != ST_OK)
        return error_context(err, "segment %020" PRIu64, writer->first_sequence);
    writer->committed = writer->position;
    return ST_OK;
}

void segment_writer_close(struct segment_writer *writer)
{
    if (!segment_writer_is_open(writer))
        return;
    (void)writer->dir->io->ftruncate(writer->fd, (off_t)writer->committed); /* for tidiness only */
    forget(writer);
}
