/* SPDX-License-Identifier: Apache-2.0 */
/* segment_writer.c -- see segment_writer.h.
 *
 * A segment becomes visible by rename, its header complete and synced: so there is never a
 * segment with half a header, and never a moment in which the newest segment, which alone
 * remembers the sequence number, is gone while its replacement is made.
 *
 * Each write ends with an end mark, which the next one overwrites.  It is overwritten last: the
 * write begins behind the head of its first frame, and that head, which goes where the mark stands,
 * comes when all the rest is there.  So a process that dies leaves the whole of a write or nothing
 * of it, and who reads meanwhile finds a valid mark.  No mark crosses the border of a sector, with
 * a filler in front if need be: in its place stands the mark or the head, never half of each.
 *
 * A new file gets its room in one piece; a spare has it, with its blocks written before, so that a
 * commit changes no metadata (docs/decisions/0005).  Behind the mark zeros are written up to the
 * end of the page: a page that is written whole need not be read first. */
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
    SECTOR = 512,                    /* a disk writes one whole or not at all */
    PAGE = 4096,
};

static const char temp_name[] = "segment.tmp";
static const uint8_t zeros[PAGE];

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

static enum status choose_salt(uint32_t *salt, uint32_t other, struct error *err)
{
    uint32_t before = *salt;

    while (*salt == before || *salt == other || *salt == 0) {
        if (getrandom(salt, sizeof(*salt), 0) != sizeof(*salt))
            return error_set_errno(err, ST_IO, "getrandom");
    }
    return ST_OK;
}

static enum status write_header(struct segment_writer *writer, uint64_t previous_sequence,
                                struct error *err)
{
    uint8_t bytes[SEGMENT_HEADER_SIZE + FRAME_HEADER_SIZE];
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
    frame_put_empty(bytes + SEGMENT_HEADER_SIZE, writer->salt, FRAME_END, writer->first_sequence);
    return disk_write(writer->dir->io, writer->fd, &part, 1, 0, err);
}

static enum status make_visible(struct segment_writer *writer, const char *made_name,
                                struct error *err)
{
    char name[SEGMENT_NAME_SIZE];
    const struct journal_dir *dir = writer->dir;

    segment_name(name, writer->first_sequence);
    if (dir->io->rename_at(dir->fd, made_name, dir->fd, name) < 0)
        return error_set_errno(err, ST_IO, "rename '%s'", made_name);
    return disk_sync_dir(dir->io, dir->fd, err);
}

static void forget(struct segment_writer *writer)
{
    (void)close(writer->fd); /* synced, or given up */
    writer->fd = -1;
}

/* A new file that came to nothing gives its room back.  After the rename there is none. */
static void give_up(struct segment_writer *writer, const struct spare_file *spare)
{
    forget(writer);
    if (spare == NULL)
        (void)writer->dir->io->unlink_at(writer->dir->fd, temp_name);
}

static enum status open_spare(struct segment_writer *writer, const struct spare_file *spare,
                              struct error *err)
{
    writer->fd = writer->dir->io->open_at(writer->dir->fd, spare->name, O_RDWR | O_CLOEXEC, 0);
    if (writer->fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", spare->name);
    writer->file_size = spare->size;
    return ST_OK;
}

static enum status open_new(struct segment_writer *writer, uint64_t preallocate, struct error *err)
{
    const struct disk_io *io = writer->dir->io;

    writer->fd =
        io->open_at(writer->dir->fd, temp_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (writer->fd < 0)
        return error_set_errno(err, ST_IO, "create '%s'", temp_name);
    writer->file_size = SEGMENT_HEADER_SIZE + FRAME_HEADER_SIZE;
    if (preallocate > writer->file_size && io->fallocate(writer->fd, 0, 0, (off_t)preallocate) == 0)
        writer->file_size = preallocate;
    return ST_OK;
}

enum status segment_writer_create(struct segment_writer *writer, uint64_t first_sequence,
                                  uint64_t previous_sequence, const struct spare_file *spare,
                                  uint64_t preallocate, struct error *err)
{
    ASSERT(!segment_writer_is_open(writer));
    writer->first_sequence = first_sequence;
    writer->position = writer->committed = SEGMENT_HEADER_SIZE;
    writer->known_base = 0;
    group_table_clear(&writer->known, KNOWN_BYTES_KEEP);
    enum status st = choose_salt(&writer->salt, spare != NULL ? spare->salt : 0, err);
    if (st == ST_OK)
        st = spare != NULL ? open_spare(writer, spare, err) : open_new(writer, preallocate, err);
    if (st != ST_OK)
        goto out;
    st = write_header(writer, previous_sequence, err);
    if (st == ST_OK)
        st = disk_sync(writer->dir->io, writer->fd, err);
    if (st == ST_OK)
        st = make_visible(writer, spare != NULL ? spare->name : temp_name, err);
    if (st != ST_OK)
        give_up(writer, spare);
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
            .type = frame_type_of(record->signal),
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

/* The end mark, and zeros up to the end of the page if the file has room for them.  `*position` is
 * where the mark is to stand, and then where it does. */
static size_t add_end(struct segment_writer *writer, size_t parts, uint64_t *position,
                      uint64_t sequence)
{
    if (*position % SECTOR > SECTOR - FRAME_HEADER_SIZE) {
        frame_put_empty(writer->filler, writer->salt, FRAME_FILLER, sequence);
        parts = add_part(writer, parts, writer->filler, sizeof(writer->filler));
        *position += FRAME_HEADER_SIZE;
    }
    uint64_t end = *position + FRAME_HEADER_SIZE;
    uint64_t rest = -end % PAGE;

    frame_put_empty(writer->mark, writer->salt, FRAME_END, sequence);
    parts = add_part(writer, parts, writer->mark, sizeof(writer->mark));
    if (end + rest <= writer->file_size)
        parts = add_part(writer, parts, zeros, rest);
    return parts;
}

static uint64_t size_of_parts(const struct segment_writer *writer, size_t parts)
{
    uint64_t size = 0;

    for (size_t i = 0; i < parts; i++)
        size += writer->parts[i].iov_len;
    return size;
}

/* Takes the head of the first frame off: it is written last. */
static void take_head(struct segment_writer *writer, uint8_t head[FRAME_HEADER_SIZE])
{
    struct iovec *part = writer->parts;

    while (part->iov_len == 0)
        part++;
    ASSERT(part->iov_len >= FRAME_HEADER_SIZE);
    memcpy(head, part->iov_base, FRAME_HEADER_SIZE);
    part->iov_base = (uint8_t *)part->iov_base + FRAME_HEADER_SIZE;
    part->iov_len -= FRAME_HEADER_SIZE;
}

/* The pieces of one write, one after the other, but for the first head. */
static enum status write_pieces(struct segment_writer *writer, struct append_batch *first,
                                const struct append_batch *stop, uint64_t *sequence,
                                uint64_t *position, uint8_t head[FRAME_HEADER_SIZE],
                                struct error *err)
{
    bool has_head = false;

    while (first != stop) {
        size_t parts;
        enum status st = frame_some(writer, &first, stop, sequence, &parts, err);
        if (st != ST_OK)
            return st;
        uint64_t at = *position;
        *position += size_of_parts(writer, parts);
        if (first == stop)
            parts = add_end(writer, parts, position, *sequence);
        if (!has_head && size_of_parts(writer, parts) > 0) {
            take_head(writer, head);
            at += FRAME_HEADER_SIZE;
            has_head = true;
        }
        st = disk_write(writer->dir->io, writer->fd, writer->parts, parts, at, err);
        if (st != ST_OK)
            return st;
    }
    ASSERT(has_head);
    return ST_OK;
}

enum status segment_writer_write(struct segment_writer *writer, struct append_batch *first,
                                 const struct append_batch *stop, uint64_t sequence,
                                 uint64_t *ret_next, struct error *err)
{
    uint64_t end = writer->position;
    uint8_t head[FRAME_HEADER_SIZE];
    struct iovec part = {.iov_base = head, .iov_len = sizeof(head)};

    ASSERT(segment_writer_is_open(writer));
    enum status st = write_pieces(writer, first, stop, &sequence, &end, head, err);
    if (st == ST_OK)
        st = disk_write(writer->dir->io, writer->fd, &part, 1, writer->position, err);
    if (st != ST_OK)
        return error_context(err, "segment %020" PRIu64, writer->first_sequence);
    writer->position = end;
    if (writer->file_size < segment_writer_used(writer))
        writer->file_size = segment_writer_used(writer);
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

/* Behind the end mark of the last write that was whole nothing is wanted.  What a failed one has
 * written there is cut too, so the file may be longer than file_size said. */
void segment_writer_close(struct segment_writer *writer, bool cut)
{
    if (!segment_writer_is_open(writer))
        return;
    uint64_t used = segment_writer_used(writer);
    if (cut && writer->dir->io->ftruncate(writer->fd, (off_t)used) == 0)
        writer->file_size = used;
    forget(writer);
}
