/* SPDX-License-Identifier: Apache-2.0 */
/* journal_recovery_fuzz.c -- any bytes as the last segment, or as one before it: the journal opens,
 * readers come to the end, and it goes on.  Every record that is shown stands in those bytes, in a
 * frame whose checksums are right.
 *
 * The first byte chooses how much is made valid, so that the search gets past the checksums: bit 0
 * the segment's header, bit 1 the headers of frames, bit 2 their payloads, bit 3 puts a segment
 * behind it; bit 4 chooses format version 1, bit 5 puts an end mark where the input ends. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/frame.h"
#include "support/journal_fixture.h"
#include "telltale/disk_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    FIX_HEADER = 1,
    FIX_FRAMES = 2,
    FIX_PAYLOADS = 4,
    HAS_SUCCESSOR = 8,
    OLD_VERSION = 16,
    HAS_END_MARK = 32,
    SALT = 0x1234567,
    SUCCESSOR_FIRST = 20,
    SIZE_MAX_OF_INPUT = 64 << 10,
};

static const uint8_t fixed_id[JOURNAL_ID_SIZE] = "the fuzzed one ";
static struct disk_io io;
static struct temp_dir dir;

static int sync_nothing(int fd)
{
    (void)fd;
    return 0;
}

static void set_up(void)
{
    temp_dir_prefer_memory();
    temp_dir_make(&dir);
    io = disk_io_system;
    io.fdatasync = sync_nothing;
    io.fsync_dir = sync_nothing;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    int fd = openat(dir.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0);
    ASSERT(write(fd, bytes, size) == (ssize_t)size);
    (void)close(fd);
}

static void remove_all(const char *folder)
{
    int fd = openat(dir.fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL)
        return;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        (void)unlinkat(dirfd(stream), entry->d_name, 0);
    (void)closedir(stream);
}

static void put_header(uint8_t *out, uint32_t version, uint64_t first, uint64_t previous)
{
    struct segment_header header = {
        .version = version,
        .salt = SALT,
        .first_sequence = first,
        .previous_sequence = previous,
    };
    memcpy(header.journal_id, fixed_id, sizeof(fixed_id));
    segment_header_put(out, &header);
}

/* Makes the checksums of frames right, as far as they follow each other. */
static void fix_frames(uint8_t *bytes, size_t size, bool payloads_too)
{
    for (size_t at = SEGMENT_HEADER_SIZE; at + FRAME_HEADER_SIZE <= size;) {
        uint32_t payload = le32_get(bytes + at + 8) % 4096;
        le32_put(bytes + at + 8, payload);
        uint64_t frame = frame_size(payload);
        if (payloads_too && payload <= size - at - FRAME_HEADER_SIZE)
            le32_put(bytes + at + 4, crc32c(SALT, bytes + at + FRAME_HEADER_SIZE, payload));
        le32_put(bytes + at, crc32c(SALT, bytes + at + 4, FRAME_HEADER_SIZE - 4));
        at += (size_t)frame;
    }
}

static void append_one(struct journal *journal)
{
    struct append_batch *batch;
    struct error err;
    struct buf *buf;

    ASSERT(append_batch_create(1 << 10, &batch, &err) == ST_OK);
    ASSERT(append_batch_set_group(batch, &(struct record_group){0}, &err) == ST_OK);
    ASSERT(append_batch_begin(batch, &buf, &err) == ST_OK);
    ASSERT(buf_append(buf, "last", 4, &err) == ST_OK);
    append_batch_end(batch);
    ASSERT(journal_commit(journal, batch, &err) == ST_OK);
}

static bool is_frame_of(const struct record *record, struct slice at, uint32_t salt)
{
    struct frame_header header;

    return at.size >= FRAME_HEADER_SIZE && frame_header_get(at.data, salt, &header) &&
           frame_is_record(header.type) && header.sequence == record->sequence &&
           header.payload_size == record->bytes.size &&
           slice_starts_with(slice_from(at, FRAME_HEADER_SIZE), record->bytes) &&
           header.payload_crc == crc32c(salt, record->bytes.data, record->bytes.size);
}

/* Whether the record's frame stands at `*at` in the segment or behind it; then moves `*at`. */
static bool stands_in(struct slice segment, size_t *at, const struct record *record)
{
    uint32_t salts[2];

    if (segment.size < SEGMENT_HEADER_SIZE)
        return false;
    segment_header_salts(segment.data, salts);
    for (; *at < segment.size; *at += FRAME_ALIGNMENT) {
        struct slice rest = slice_from(segment, *at);
        if (is_frame_of(record, rest, salts[0]) || is_frame_of(record, rest, salts[1]))
            return true;
    }
    return false;
}

/* Sequence numbers rise, and records and missing ones together are all there are. */
static void read_all(struct journal *journal, struct slice segment)
{
    size_t at = SEGMENT_HEADER_SIZE;
    struct batch_limits limits = {.size_max = 1000, .count_max = 5};
    struct journal_reader *reader;
    struct error err;
    uint64_t position = 1;
    bool has_last = false;

    ASSERT(journal_reader_open(journal, 1, &reader, &err) == ST_OK);
    while (position < journal_committed(journal)) {
        struct batch batch;
        uint64_t next;
        uint64_t missing;
        ASSERT(journal_reader_next(reader, &limits, &batch, &next, &missing, &err) == ST_OK);
        ASSERT(next > position);
        ASSERT(batch.record_count + missing == next - position);
        for (size_t i = 0; i < batch.record_count; i++) {
            ASSERT(batch.records[i].sequence >= position && batch.records[i].sequence < next);
            ASSERT(batch.records[i].group_index < batch.group_count);
            ASSERT(!has_last);
            has_last = !stands_in(segment, &at, &batch.records[i]);
            ASSERT(!has_last || slice_equal(batch.records[i].bytes, SLICE("last")));
        }
        position = next;
    }
    ASSERT(has_last);
    journal_reader_close(reader);
}

static bool is_newer(const uint8_t *bytes, size_t size)
{
    struct segment_header header;

    return size >= SEGMENT_HEADER_SIZE && segment_header_get(bytes, &header) &&
           header.version > SEGMENT_FORMAT_VERSION;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[SIZE_MAX_OF_INPUT];
    struct journal *journal;
    struct error err = {0};
    char name[64];

    if (size < 1 || size > sizeof(bytes))
        return 0;
    if (io.pread == NULL)
        set_up();
    unsigned choice = data[0];
    memcpy(bytes, data + 1, --size);
    if ((choice & FIX_HEADER) != 0 && size >= SEGMENT_HEADER_SIZE)
        put_header(bytes, (choice & OLD_VERSION) != 0 ? 1 : SEGMENT_FORMAT_VERSION, 1, 0);
    if ((choice & FIX_FRAMES) != 0)
        fix_frames(bytes, size, (choice & FIX_PAYLOADS) != 0);
    if ((choice & HAS_END_MARK) != 0 && size >= SEGMENT_HEADER_SIZE + 2 * FRAME_HEADER_SIZE)
        frame_put_empty(bytes + (size - FRAME_HEADER_SIZE) / FRAME_ALIGNMENT * FRAME_ALIGNMENT,
                        SALT, FRAME_END, bytes[size - 1]);
    remove_all(".");
    remove_all("quarantine");
    snprintf(name, sizeof(name), "%020d.seg", 1);
    write_file(name, bytes, size);
    if ((choice & HAS_SUCCESSOR) != 0) {
        uint8_t header[SEGMENT_HEADER_SIZE];
        put_header(header, SEGMENT_FORMAT_VERSION, SUCCESSOR_FIRST, 1);
        snprintf(name, sizeof(name), "%020d.seg", SUCCESSOR_FIRST);
        write_file(name, header, sizeof(header));
    }
    struct journal_settings settings = {
        .dir = dir.path,
        .size_max = UINT64_C(1) << 30,
        .segment_size = 64 << 10,
        .pending_bytes_max = 1 << 20,
        .io = &io,
    };
    enum status st = journal_open(&settings, &journal, NULL, &err);
    if (is_newer(bytes, size)) {
        ASSERT(st == ST_INVALID);
        return 0;
    }
    ASSERT(st == ST_OK);
    append_one(journal);
    read_all(journal, slice_of(bytes, size));
    journal_close(journal);
    return 0;
}
