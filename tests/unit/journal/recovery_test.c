/* SPDX-License-Identifier: Apache-2.0 */
/* recovery_test.c -- damage of every kind: the journal opens, whole records are read, and what is
 * gone is counted and kept aside.
 *
 * The loops below write no syncs to the disk: what they ask is what recovery makes of bytes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/frame.h"
#include "support/journal_fixture.h"
#include "telltale/disk_io.h"
#include "util/fd.h"

enum { IMAGE_MAX = 64 << 10 };

/* A file as it was. */
struct image {
    char path[256];
    uint8_t bytes[IMAGE_MAX];
    size_t size;
};

static struct disk_io no_sync_io;

static int sync_nothing(int fd)
{
    (void)fd;
    return 0;
}

static int set_up(void **state)
{
    (void)journal_fixture_set_up(state);
    struct journal_fixture *fixture = *state;
    no_sync_io = disk_io_system;
    no_sync_io.fdatasync = sync_nothing;
    no_sync_io.fsync_dir = sync_nothing;
    fixture->settings.io = &no_sync_io;
    fixture->settings.segment_size = IMAGE_MAX / 2;
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
    return 0;
}

static void load(struct image *image, const char *path)
{
    struct error err;

    snprintf(image->path, sizeof(image->path), "%s", path);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fd_read_up_to(fd, image->bytes, IMAGE_MAX, &image->size, &err), ST_OK);
    assert_true(image->size < IMAGE_MAX);
    close(fd);
}

static void store(const struct image *image)
{
    struct error err;

    int fd = open(image->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, image->bytes, image->size, &err), ST_OK);
    close(fd);
}

static void remove_files(const struct journal_fixture *fixture, const char *folder)
{
    char path[512];

    snprintf(path, sizeof(path), "%s%s", fixture->path, folder);
    DIR *stream = opendir(path);
    assert_non_null(stream);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        (void)unlinkat(dirfd(stream), entry->d_name, 0); /* folders stay */
    closedir(stream);
}

/* Puts the directory back to just these files. */
static void restore(struct journal_fixture *fixture, const struct image *images, size_t count)
{
    journal_fixture_close(fixture);
    remove_files(fixture, "");
    remove_files(fixture, "/quarantine");
    for (size_t i = 0; i < count; i++)
        store(&images[i]);
}

/* What stands at a place of a sound segment. */
struct stands {
    bool is_frame;     /* else: the header of the segment */
    bool is_padding;   /* behind the payload: of no meaning */
    uint8_t type;      /* of the frame */
    uint64_t sequence; /* of the frame */
    size_t end;        /* of the frame */
};

static struct stands what_stands_at(const struct image *image, size_t offset)
{
    size_t at = SEGMENT_HEADER_SIZE;
    struct segment_header segment;
    struct frame_header frame = {0};

    if (offset < SEGMENT_HEADER_SIZE)
        return (struct stands){0};
    assert_true(segment_header_get(image->bytes, &segment));
    for (;;) {
        assert_true(frame_header_get(image->bytes + at, segment.salt, &frame));
        size_t size = (size_t)frame_size(frame.payload_size);
        if (offset < at + size) {
            return (struct stands){
                .is_frame = true,
                .is_padding = offset >= at + FRAME_HEADER_SIZE + frame.payload_size,
                .type = frame.type,
                .sequence = frame.sequence,
                .end = at + size,
            };
        }
        at += size;
    }
}

/* Two sessions with two segments: 1..6 and 7..12, in two groups. */
static void make_two_segments(struct journal_fixture *fixture, struct image images[2])
{
    char path[256];

    fixture->group_count = 2;
    assert_int_equal(journal_fixture_append(fixture, 4, 21), ST_OK);
    assert_int_equal(journal_fixture_append(fixture, 2, 40), ST_OK);
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
    assert_int_equal(journal_fixture_append(fixture, 2, 21), ST_OK);
    assert_int_equal(journal_fixture_append(fixture, 4, 40), ST_OK);
    journal_fixture_close(fixture);
    journal_fixture_segment(fixture, 1, path);
    load(&images[0], path);
    journal_fixture_segment(fixture, 7, path);
    load(&images[1], path);
}

static unsigned kept_aside(const struct journal_fixture *fixture)
{
    return journal_fixture_count_files(fixture, "quarantine", ".txt");
}

/* --- A large backlog ---------------------------------------------------------------------- */

static uint64_t bytes_read;

static ssize_t counted_pread(int fd, void *data, size_t size, off_t offset)
{
    ssize_t n = pread(fd, data, size, offset);
    bytes_read += n > 0 ? (uint64_t)n : 0;
    return n;
}

/* Of closed segments a start reads the headers, however many there are and however full. */
static void test_start_reads_a_header_of_each_segment_and_the_last_one(void **state)
{
    enum { BATCHES = 8, BATCH = 20, SIZE = 1000, NEWEST_MAX = IMAGE_MAX / 2 };
    struct journal_fixture *fixture = *state;
    struct disk_io io = no_sync_io;

    io.pread = counted_pread;
    fixture->settings.io = &io;
    for (unsigned round = 1; round <= 6; round++) {
        for (int i = 0; i < BATCHES; i++)
            assert_int_equal(journal_fixture_append(fixture, BATCH, SIZE), ST_OK);
        journal_fixture_close(fixture);
        bytes_read = 0;
        journal_fixture_open(fixture);
        assert_true(fixture->recovery.segments >= round * BATCHES / 2);
        assert_true(bytes_read <=
                    fixture->recovery.segments * SEGMENT_HEADER_SIZE + NEWEST_MAX + 100);
        assert_int_equal(fixture->recovery.records, round * BATCHES * BATCH);
    }
    journal_fixture_close(fixture);
}

/* --- Torn tails --------------------------------------------------------------------------- */

static void test_tail_cut_at_any_byte_loses_cut_records_only(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));

    make_two_segments(fixture, images);
    size_t whole = images[1].size;
    for (size_t size = SEGMENT_HEADER_SIZE; size < whole; size++) {
        struct stands cut = what_stands_at(&images[1], size);
        uint64_t records = cut.sequence - 1 + (cut.is_padding && frame_is_record(cut.type));
        struct journal_seen seen;

        images[1].size = size;
        restore(fixture, images, 2);
        journal_fixture_open(fixture);
        assert_int_equal(fixture->recovery.records, records);
        assert_int_equal(fixture->recovery.missing_records, 0);
        assert_int_equal(fixture->recovery.quarantined_ranges, 0);
        assert_int_equal(journal_committed(fixture->journal), records + 1);
        fixture->next_record = 100;
        assert_int_equal(journal_fixture_append(fixture, 1, 30), ST_OK);
        journal_fixture_read(fixture, 1, NULL, &seen);
        assert_int_equal(seen.records, records + 1);
        assert_int_equal(seen.missing, 0);
        assert_int_equal(seen.lost_groups, 0);
        assert_int_equal(seen.times[100], 1);
        for (uint64_t number = 1; number <= records; number++)
            assert_int_equal(seen.times[number], 1);
        journal_seen_fini(&seen);
        images[1].size = whole;
    }
    free(images);
}

static void test_segment_shorter_than_its_header_is_put_aside(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    struct journal_seen seen;

    make_two_segments(fixture, images);
    for (size_t size = 0; size < SEGMENT_HEADER_SIZE; size += 21) {
        images[1].size = size;
        restore(fixture, images, 2);
        journal_fixture_open(fixture);
        assert_int_equal(fixture->recovery.quarantined_ranges, 1);
        assert_int_equal(journal_committed(fixture->journal), 7);
        journal_fixture_read(fixture, 1, NULL, &seen);
        assert_int_equal(seen.records, 6);
        journal_seen_fini(&seen);
        assert_int_equal(kept_aside(fixture), 1);
    }
    free(images);
}

static void test_what_is_behind_the_end_mark_is_cut_without_a_trace(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    struct image cut;
    struct journal_seen seen;

    make_two_segments(fixture, images);
    for (int byte = 0; byte < 256; byte += 85) {
        size_t size = images[1].size;
        memset(images[1].bytes + size, byte, 10001);
        images[1].size += 10001;
        restore(fixture, images, 2);
        journal_fixture_open(fixture);
        assert_int_equal(fixture->recovery.torn_bytes, 0);
        assert_int_equal(fixture->recovery.quarantined_ranges, 0);
        assert_int_equal(kept_aside(fixture), 0);
        journal_fixture_read(fixture, 1, NULL, &seen);
        assert_int_equal(seen.records, 12);
        assert_int_equal(seen.missing, 0);
        journal_seen_fini(&seen);
        load(&cut, images[1].path);
        assert_int_equal(cut.size, size);
        images[1].size = size;
    }
    free(images);
}

/* The bytes of the tail that were put aside, which begin with the end mark that is damaged. */
static void expect_kept_tail(const struct journal_fixture *fixture, const struct image *image,
                             size_t start, size_t size)
{
    struct image kept;
    char path[512];

    snprintf(path, sizeof(path), "%s/quarantine/%020d-%012zu-%zu", fixture->path, 7, start, size);
    load(&kept, path);
    assert_int_equal(kept.size, size);
    assert_memory_equal(kept.bytes, image->bytes + start, size);
}

static void test_torn_tail_is_kept_aside_before_it_is_cut(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    struct image cut;

    make_two_segments(fixture, images);
    size_t start = images[1].size - FRAME_HEADER_SIZE;
    memset(images[1].bytes + start, 0xa5, 500);
    images[1].size = start + 500;
    restore(fixture, images, 2);
    journal_fixture_open(fixture);
    assert_int_equal(fixture->recovery.torn_bytes, 500);
    assert_int_equal(fixture->recovery.records, 12);
    assert_int_equal(kept_aside(fixture), 1);
    expect_kept_tail(fixture, &images[1], start, 500);
    load(&cut, images[1].path); /* the end mark is put anew */
    assert_int_equal(cut.size, start + FRAME_HEADER_SIZE);
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
    assert_int_equal(fixture->recovery.torn_bytes, 0);
    assert_int_equal(fixture->recovery.records, 12);
    free(images);
}

/* In a recycled file most of what follows a torn tail is of another life. */
static void test_stale_bytes_do_not_fill_the_quarantine(void **state)
{
    enum { STALE = 5 << 20, KEPT = 1 << 20 };
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    uint8_t *stale = malloc(STALE);
    char path[512];
    struct error err;

    make_two_segments(fixture, images);
    size_t start = images[1].size - FRAME_HEADER_SIZE;
    images[1].size = start;
    restore(fixture, images, 2);
    memset(stale, 0x5a, STALE);
    int fd = open(images[1].path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, stale, STALE, &err), ST_OK);
    close(fd);
    for (int i = 0; i < 3; i++) {
        journal_fixture_open(fixture);
        assert_int_equal(fixture->recovery.torn_bytes, i == 0 ? KEPT : 0);
        assert_int_equal(kept_aside(fixture), 1);
        journal_fixture_close(fixture);
    }
    snprintf(path, sizeof(path), "%s/quarantine/%020d-%012zu-%d", fixture->path, 7, start, KEPT);
    assert_int_equal(access(path, F_OK), 0);
    free(stale);
    free(images);
}

/* --- Damage ------------------------------------------------------------------------------- */

/* Expects that a flipped byte at `offset` of images[which] costs what stands there, no more. */
static void expect_damage(struct journal_fixture *fixture, const struct image *pristine,
                          size_t which, size_t offset)
{
    struct stands stands = what_stands_at(&pristine[which], offset);
    bool is_record = stands.is_frame && !stands.is_padding && frame_is_record(stands.type);
    bool is_mark = stands.is_frame && stands.type == FRAME_END;
    bool is_behind_all = stands.is_frame && stands.sequence == 7 &&
                         (stands.type == FRAME_END || stands.type == FRAME_FILLER);
    bool is_seen = !stands.is_padding && (which == 1 || !is_behind_all);
    struct journal_seen seen;

    journal_fixture_open(fixture);
    journal_fixture_read(fixture, 1, NULL, &seen);
    assert_int_equal(seen.records, is_record ? 11 : 12);
    assert_int_equal(seen.missing, is_record ? 1 : 0);
    for (uint64_t number = 1; number <= 12; number++)
        assert_int_equal(seen.times[number], is_record && number == stands.sequence ? 0 : 1);
    assert_int_equal(seen.lost_groups > 0,
                     stands.is_frame && !stands.is_padding && stands.type == FRAME_GROUP);
    journal_seen_fini(&seen);
    assert_int_equal(fixture->recovery.torn_bytes, is_mark && which == 1 ? FRAME_HEADER_SIZE : 0);
    assert_int_equal(kept_aside(fixture), is_seen ? 1 : 0);
    if (which == 1 && is_record)
        assert_int_equal(fixture->recovery.missing_records, 1);
}

static void test_each_flipped_byte_costs_what_it_hits_and_no_more(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    struct image *pristine = calloc(2, sizeof(*pristine));

    make_two_segments(fixture, images);
    memcpy(pristine, images, 2 * sizeof(*images));
    for (size_t which = 0; which < 2; which++) {
        for (size_t offset = 0; offset < images[which].size; offset++) {
            images[which].bytes[offset] ^= 0xff;
            restore(fixture, images, 2);
            expect_damage(fixture, pristine, which, offset);
            images[which].bytes[offset] ^= 0xff;
        }
    }
    free(pristine);
    free(images);
}

/* A hole over several frames, as when pages of a write reached the disk out of order. */
static void test_hole_of_zeros_is_counted_and_crossed(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    struct journal_seen seen;

    make_two_segments(fixture, images);
    for (size_t which = 0; which < 2; which++) {
        struct image saved = images[which];
        uint64_t first = which == 0 ? 2 : 8;
        size_t start = 0;
        while (what_stands_at(&saved, start).sequence < first)
            start++;
        size_t end = start;
        while (what_stands_at(&saved, end).sequence < first + 3)
            end++;
        memset(images[which].bytes + start, 0, end - start);
        restore(fixture, images, 2);
        journal_fixture_open(fixture);
        journal_fixture_read(fixture, 1, NULL, &seen);
        assert_int_equal(seen.records, 9);
        assert_int_equal(seen.missing, 3);
        assert_int_equal(seen.next, 13);
        journal_seen_fini(&seen);
        assert_int_equal(fixture->recovery.missing_records, which == 1 ? 3 : 0);
        assert_int_equal(fixture->recovery.quarantined_bytes, which == 1 ? end - start : 0);
        assert_int_equal(kept_aside(fixture), 1);
        images[which] = saved;
    }
    free(images);
}

/* A reader that goes over damage again counts its records once, and keeps them aside once. */
static void test_damage_is_counted_once_by_a_reader(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    struct batch_limits limits = {.size_max = 1000, .count_max = 100};
    struct journal_reader *reader;
    struct error err;
    uint64_t total = 0;

    make_two_segments(fixture, images);
    size_t hit = 0;
    while (what_stands_at(&images[0], hit).sequence < 3)
        hit++;
    images[0].bytes[hit + FRAME_HEADER_SIZE] ^= 1;
    restore(fixture, images, 2);
    journal_fixture_open(fixture);
    assert_int_equal(journal_reader_open(fixture->journal, 1, &reader, &err), ST_OK);
    for (int round = 0; round < 3; round++) {
        uint64_t next = 1;
        journal_reader_seek(reader, 1);
        while (next < 13) {
            struct batch batch;
            uint64_t missing;
            assert_int_equal(journal_reader_next(reader, &limits, &batch, &next, &missing, &err),
                             ST_OK);
            total += missing;
        }
    }
    assert_int_equal(total, 1);
    assert_int_equal(kept_aside(fixture), 1);
    journal_reader_close(reader);
    free(images);
}

/* An agent that knows the bytes of a frame puts them into an event.  When the frame around it
 * is damaged, the search for the next one must not take the copy for a record. */
static void test_frame_inside_a_record_is_never_taken_for_one(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *image = calloc(1, sizeof(*image));
    struct journal_seen seen;
    struct append_batch *batch;
    struct error err;
    struct buf *buf;
    char path[256];

    assert_int_equal(journal_fixture_append(fixture, 3, 40), ST_OK);
    journal_fixture_segment(fixture, 1, path);
    load(image, path);
    size_t start = 0;
    while (what_stands_at(image, start).sequence < 2)
        start++;
    assert_int_equal(append_batch_create(1 << 20, &batch, &err), ST_OK);
    assert_int_equal(append_batch_set_group(batch, &(struct record_group){0}, &err), ST_OK);
    assert_int_equal(append_batch_begin(batch, &buf, &err), ST_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(buf_append(buf, image->bytes + start, 64, &err), ST_OK);
    append_batch_end(batch);
    assert_int_equal(journal_commit(fixture->journal, batch, &err), ST_OK);
    fixture->next_record = 5;
    assert_int_equal(journal_fixture_append(fixture, 3, 40), ST_OK);
    journal_fixture_close(fixture);

    load(image, path);
    size_t hit = 0;
    while (what_stands_at(image, hit).sequence < 4 || what_stands_at(image, hit).type != 2)
        hit++;
    image->bytes[hit + 17] ^= 1; /* its sequence number: the header no longer validates */
    restore(fixture, image, 1);
    journal_fixture_open(fixture);
    journal_fixture_read(fixture, 1, NULL, &seen);
    assert_int_equal(seen.records, 6);
    assert_int_equal(seen.times[2], 1);
    assert_int_equal(seen.missing, 1);
    assert_int_equal(fixture->recovery.missing_records, 1);
    journal_seen_fini(&seen);
    free(image);
}

/* --- Whole files -------------------------------------------------------------------------- */

static void test_header_beyond_repair_puts_the_segment_aside(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    struct journal_seen seen;

    make_two_segments(fixture, images);
    for (size_t which = 0; which < 2; which++) {
        struct image saved = images[which];
        memset(images[which].bytes, 0x5a, SEGMENT_HEADER_SIZE);
        restore(fixture, images, 2);
        journal_fixture_open(fixture);
        assert_int_equal(fixture->recovery.quarantined_ranges, 1);
        assert_int_equal(fixture->recovery.quarantined_bytes, images[which].size);
        assert_int_equal(journal_committed(fixture->journal), which == 0 ? 13 : 7);
        journal_fixture_read(fixture, 1, NULL, &seen);
        assert_int_equal(seen.records, 6);
        assert_int_equal(seen.missing, which == 0 ? 6 : 0);
        journal_seen_fini(&seen);
        assert_int_equal(kept_aside(fixture), 1);
        images[which] = saved;
    }
    free(images);
}

static void test_segment_removed_from_the_middle_is_missed(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal_seen seen;
    char path[256];

    for (int i = 0; i < 3; i++) {
        assert_int_equal(journal_fixture_append(fixture, 5, 20), ST_OK);
        journal_fixture_close(fixture);
        journal_fixture_open(fixture);
    }
    journal_fixture_close(fixture);
    journal_fixture_segment(fixture, 6, path);
    assert_int_equal(unlink(path), 0);
    journal_fixture_open(fixture);
    assert_int_equal(fixture->recovery.missing_records, 5);
    assert_int_equal(fixture->recovery.records, 10);
    journal_fixture_read(fixture, 1, NULL, &seen);
    assert_int_equal(seen.records, 10);
    assert_int_equal(seen.missing, 5);
    journal_seen_fini(&seen);
}

static void test_segment_of_another_journal_is_put_aside(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal_fixture other;
    struct image *image = calloc(1, sizeof(*image));
    char path[256];

    journal_fixture_init(&other);
    assert_int_equal(journal_fixture_append(&other, 5, 20), ST_OK);
    journal_fixture_close(&other);
    journal_fixture_segment(&other, 1, path);
    load(image, path);
    journal_fixture_fini(&other);

    assert_int_equal(journal_fixture_append(fixture, 2, 20), ST_OK);
    journal_fixture_close(fixture);
    struct segment_header header;
    assert_true(segment_header_get(image->bytes, &header));
    header.first_sequence = 50;
    segment_header_put(image->bytes, &header);
    journal_fixture_segment(fixture, 50, image->path);
    store(image);
    journal_fixture_open(fixture);
    assert_int_equal(fixture->recovery.quarantined_ranges, 1);
    assert_int_equal(journal_committed(fixture->journal), 3);
    free(image);
}

static void test_lost_identity_comes_back_from_the_segments(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *image = calloc(1, sizeof(*image));
    uint8_t id[JOURNAL_ID_SIZE];
    char path[256];

    assert_int_equal(journal_fixture_append(fixture, 2, 20), ST_OK);
    memcpy(id, journal_id(fixture->journal), sizeof(id));
    journal_fixture_close(fixture);
    snprintf(path, sizeof(path), "%s/journal.id", fixture->path);
    load(image, path);
    for (size_t i = 0; i <= image->size; i++) {
        struct image damaged = *image;
        if (i < image->size)
            damaged.bytes[i] ^= 1;
        else
            damaged.size--;
        store(&damaged);
        journal_fixture_open(fixture);
        assert_memory_equal(id, journal_id(fixture->journal), sizeof(id));
        assert_int_equal(fixture->recovery.quarantined_ranges, 1);
        assert_int_equal(fixture->recovery.records, 2);
        journal_fixture_close(fixture);
    }
    assert_int_equal(unlink(path), 0);
    journal_fixture_open(fixture);
    assert_memory_equal(id, journal_id(fixture->journal), sizeof(id));
    free(image);
}

static void expect_unchanged(const struct image *image)
{
    struct image now;

    load(&now, image->path);
    assert_int_equal(now.size, image->size);
    assert_memory_equal(now.bytes, image->bytes, now.size);
}

/* Wherever it stands, and whatever else there would be to do. */
static void test_newer_format_refuses_the_start_and_is_left_alone(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(3, sizeof(*images));
    struct segment_header header;
    struct error err;

    make_two_segments(fixture, images);
    snprintf(images[2].path, sizeof(images[2].path), "%s/newer.tmp", fixture->path);
    for (size_t which = 0; which < 2; which++) {
        struct image saved[2] = {images[0], images[1]};
        struct journal *journal = NULL;
        assert_true(segment_header_get(images[which].bytes, &header));
        header.version = SEGMENT_FORMAT_VERSION + 1;
        segment_header_put(images[which].bytes, &header);
        memset(images[1 - which].bytes, 0, SEGMENT_HEADER_SIZE); /* else put aside */
        restore(fixture, images, 3);
        assert_int_equal(journal_open(&fixture->settings, &journal, NULL, &err), ST_INVALID);
        assert_non_null(strstr(err.text, strrchr(images[which].path, '/') + 1));
        assert_non_null(strstr(err.text, "version 4"));
        assert_int_equal(kept_aside(fixture), 0);
        for (size_t i = 0; i < 3; i++)
            expect_unchanged(&images[i]);
        memcpy(images, saved, sizeof(saved));
    }
    free(images);
}

static void test_format_version_that_never_was_is_put_aside_whole(void **state)
{
    struct journal_fixture *fixture = *state;
    struct image *images = calloc(2, sizeof(*images));
    struct segment_header header;

    make_two_segments(fixture, images);
    assert_true(segment_header_get(images[1].bytes, &header));
    header.version = 0;
    segment_header_put(images[1].bytes, &header);
    restore(fixture, images, 2);
    journal_fixture_open(fixture);
    assert_int_equal(fixture->recovery.quarantined_bytes, images[1].size);
    assert_int_equal(journal_fixture_count_files(fixture, "quarantine", ".seg"), 1);
    free(images);
}

static void test_other_files_are_left_alone_and_half_written_ones_removed(void **state)
{
    struct journal_fixture *fixture = *state;
    const char *names[] = {"segment.tmp", "note", "1.seg", "99999999999999999999.seg", "cursor"};
    char path[256];

    assert_int_equal(journal_fixture_append(fixture, 2, 20), ST_OK);
    journal_fixture_close(fixture);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", fixture->path, names[i]);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    journal_fixture_open(fixture);
    assert_int_equal(fixture->recovery.segments, 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", fixture->path, names[i]);
        assert_int_equal(access(path, F_OK), i == 0 ? -1 : 0);
    }
}

#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, set_up, journal_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_JOURNAL(test_start_reads_a_header_of_each_segment_and_the_last_one),
        WITH_JOURNAL(test_tail_cut_at_any_byte_loses_cut_records_only),
        WITH_JOURNAL(test_segment_shorter_than_its_header_is_put_aside),
        WITH_JOURNAL(test_what_is_behind_the_end_mark_is_cut_without_a_trace),
        WITH_JOURNAL(test_torn_tail_is_kept_aside_before_it_is_cut),
        WITH_JOURNAL(test_stale_bytes_do_not_fill_the_quarantine),
        WITH_JOURNAL(test_each_flipped_byte_costs_what_it_hits_and_no_more),
        WITH_JOURNAL(test_hole_of_zeros_is_counted_and_crossed),
        WITH_JOURNAL(test_damage_is_counted_once_by_a_reader),
        WITH_JOURNAL(test_frame_inside_a_record_is_never_taken_for_one),
        WITH_JOURNAL(test_header_beyond_repair_puts_the_segment_aside),
        WITH_JOURNAL(test_segment_removed_from_the_middle_is_missed),
        WITH_JOURNAL(test_segment_of_another_journal_is_put_aside),
        WITH_JOURNAL(test_lost_identity_comes_back_from_the_segments),
        WITH_JOURNAL(test_newer_format_refuses_the_start_and_is_left_alone),
        WITH_JOURNAL(test_format_version_that_never_was_is_put_aside_whole),
        WITH_JOURNAL(test_other_files_are_left_alone_and_half_written_ones_removed),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
