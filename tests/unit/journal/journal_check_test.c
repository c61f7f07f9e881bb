/* SPDX-License-Identifier: Apache-2.0 */
/* journal_check_test.c -- the check never calls a journal sound of which a record is lost, names
 * the place, and takes nothing for damage that is none. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/frame.h"
#include "journal/journal_check.h"
#include "support/journal_fixture.h"

enum {
    FINDINGS_MAX = 64,
    RECORDS = 12,
    RECORD_SIZE = 41,
    RECORD_FRAME = 72, /* with its padding */
    RECORD_PADDING = 7,
    GROUP_PADDING = 5, /* of a group of the fixture: 27 bytes */
    GROUP_FRAME = 56,
    SEGMENT_SIZE = 400,
};

/* What one check said. */
struct outcome {
    enum status status;
    struct journal_check_report report;
    struct journal_finding findings[FINDINGS_MAX];
    size_t finding_count;
    uint64_t shown;     /* records */
    uint64_t last;      /* the last one of them */
    uint64_t groupless; /* of those shown */
    unsigned segments;
    uint64_t segment_firsts[FINDINGS_MAX];
};

static enum status on_finding(void *context, const struct journal_finding *finding,
                              struct error *err)
{
    struct outcome *outcome = context;

    (void)err;
    assert_true(outcome->finding_count < FINDINGS_MAX);
    outcome->findings[outcome->finding_count++] = *finding;
    assert_non_null(journal_finding_name(finding->kind));
    assert_non_null(journal_finding_text(finding->kind));
    return ST_OK;
}

static enum status on_segment(void *context, const struct journal_segment_report *segment,
                              struct error *err)
{
    struct outcome *outcome = context;

    (void)err;
    assert_true(outcome->segments < FINDINGS_MAX);
    outcome->segment_firsts[outcome->segments++] = segment->first;
    return ST_OK;
}

/* Record n of the fixture has number n in all journals of this test. */
static enum status on_record(void *context, uint64_t sequence, const struct record_group *group,
                             struct slice record, struct error *err)
{
    struct outcome *outcome = context;

    (void)err;
    assert_true(sequence > outcome->last);
    assert_int_equal(journal_record_number(record), sequence);
    outcome->last = sequence;
    outcome->shown++;
    outcome->groupless += group->resource_logs_fields.size == 0;
    return ST_OK;
}

/* A disk that can only be read: anything else is a call of NULL. */
static const struct disk_io *read_only(void)
{
    static struct disk_io io;

    io = (struct disk_io){.open_at = disk_io_system.open_at, .pread = pread};
    return &io;
}

static void check_with(const char *path, const struct journal_check_options *options,
                       struct outcome *ret)
{
    const struct journal_check_handler handler = {
        .context = ret, .on_finding = on_finding, .on_segment = on_segment, .on_record = on_record};
    struct journal_check *check;
    struct error err;

    *ret = (struct outcome){0};
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    ret->status = journal_check_open(fd, options, &check, &err);
    if (ret->status == ST_OK) {
        ret->status = journal_check_run(check, &handler, &ret->report, &err);
        journal_check_close(check);
    }
    (void)close(fd);
}

static void check_knowing(const struct journal_fixture *fixture, uint64_t committed,
                          struct outcome *ret)
{
    const struct journal_check_options options = {
        .committed = committed, .to = UINT64_MAX, .io = read_only()};

    check_with(fixture->path, &options, ret);
    assert_int_equal(ret->status, ST_OK);
}

static void check(const struct journal_fixture *fixture, struct outcome *ret)
{
    check_knowing(fixture, 0, ret);
}

static const struct journal_finding *find(const struct outcome *outcome,
                                          enum journal_finding_kind kind)
{
    for (size_t i = 0; i < outcome->finding_count; i++) {
        if (outcome->findings[i].kind == kind)
            return &outcome->findings[i];
    }
    return NULL;
}

/* RECORDS records, one a batch, in two groups and several segments; closed. */
static void prepare(struct journal_fixture *fixture)
{
    temp_dir_prefer_memory();
    journal_fixture_init(fixture);
    journal_fixture_close(fixture);
    fixture->settings.segment_size = SEGMENT_SIZE;
    fixture->group_count = 2;
    journal_fixture_open(fixture);
    for (unsigned i = 0; i < RECORDS; i++)
        assert_int_equal(journal_fixture_append(fixture, 1, RECORD_SIZE), ST_OK);
    journal_fixture_close(fixture);
}

static uint64_t size_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}

static void flip(const char *path, uint64_t at, uint8_t bits)
{
    uint8_t byte;

    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= bits;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    (void)close(fd);
}

static void append_bytes(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    (void)close(fd);
}

/* Where the end mark of a sound segment stands. */
static uint64_t mark_of(const char *path)
{
    uint8_t bytes[4 * SEGMENT_SIZE];
    struct segment_header segment;
    struct frame_header frame;
    uint64_t at = SEGMENT_HEADER_SIZE;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, bytes, sizeof(bytes)) > SEGMENT_HEADER_SIZE);
    (void)close(fd);
    assert_true(segment_header_get(bytes, &segment));
    for (;; at += frame_size(frame.payload_size)) {
        assert_true(at < sizeof(bytes) - FRAME_HEADER_SIZE);
        assert_true(frame_header_get(bytes + at, segment.salt, &frame));
        if (frame.type == FRAME_END)
            return at;
    }
}

/* --- Sound -------------------------------------------------------------------------------- */

static void test_a_sound_journal_is_sound(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct outcome outcome;

    prepare(&fixture);
    check_knowing(&fixture, RECORDS + 1, &outcome);
    assert_int_equal(outcome.finding_count, 0);
    assert_int_equal(outcome.report.damages, 0);
    assert_int_equal(outcome.report.records, RECORDS);
    assert_int_equal(outcome.report.oldest, 1);
    assert_int_equal(outcome.report.next, RECORDS + 1);
    assert_true(outcome.segments > 2);
    assert_int_equal(outcome.report.segments, outcome.segments);
    assert_int_equal(outcome.shown, RECORDS);
    assert_int_equal(outcome.groupless, 0);
    journal_fixture_fini(&fixture);
}

static void test_a_directory_without_a_journal_is_told(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct outcome outcome;
    const struct journal_check_options options = {.to = UINT64_MAX};

    temp_dir_make(&dir);
    check_with(dir.path, &options, &outcome);
    assert_int_equal(outcome.status, ST_NOT_FOUND);
    temp_dir_remove(&dir);
}

static void test_a_range_of_records_is_shown_and_no_other(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct outcome outcome;

    prepare(&fixture);
    for (uint64_t from = 0; from <= RECORDS + 1; from++) {
        for (uint64_t to = from; to <= RECORDS + 1; to++) {
            const struct journal_check_options options = {.from = from, .to = to};
            uint64_t first = from > 0 ? from : 1;
            uint64_t last = to < RECORDS ? to : RECORDS;
            check_with(fixture.path, &options, &outcome);
            assert_int_equal(outcome.status, ST_OK);
            assert_int_equal(outcome.shown, last >= first ? last - first + 1 : 0);
            assert_int_equal(outcome.report.damages, 0);
        }
    }
    journal_fixture_fini(&fixture);
}

/* --- Flipped bits ------------------------------------------------------------------------- */

struct flips {
    uint64_t records; /* of the sound journal */
    unsigned harmless, marks, named;
};

/* Byte `at` of the file is damaged: either nothing is lost, or the finding covers it. */
static void judge_flip(const struct outcome *outcome, const char *file, uint64_t at,
                       struct flips *flips)
{
    bool is_covered = false;

    if (outcome->report.damages == 0) {
        bool is_mark = outcome->finding_count == 1 && find(outcome, FINDING_END_MARK) != NULL;
        if (outcome->shown != flips->records || outcome->groupless != 0 ||
            (outcome->finding_count != 0 && !is_mark))
            fail_msg("%s at %u: called sound", file, (unsigned)at);
        flips->harmless++;
        flips->marks += is_mark;
        return;
    }
    for (size_t i = 0; i < outcome->finding_count; i++) {
        const struct journal_finding *finding = &outcome->findings[i];
        is_covered |= finding->is_damage && strcmp(finding->file, file) == 0 &&
                      finding->offset <= at && at - finding->offset < finding->size;
    }
    if (!is_covered)
        fail_msg("%s at %u: not named", file, (unsigned)at);
    assert_int_equal(outcome->groupless, outcome->report.groupless);
    assert_int_equal(outcome->shown + outcome->report.missing, flips->records);
    flips->named++;
}

static void flip_everywhere(const struct journal_fixture *fixture, const char *path,
                            struct flips *flips)
{
    const char *file = strrchr(path, '/') + 1;
    uint64_t size = size_of(path);

    for (uint64_t at = 0; at < size; at++) {
        struct outcome outcome;
        uint8_t bits = (uint8_t)(1u << at % 8);
        flip(path, at, bits);
        check(fixture, &outcome);
        judge_flip(&outcome, file, at, flips);
        flip(path, at, bits);
    }
}

/* Flips every byte of every segment.  Harmless are the padding, and what stands from the end mark
 * on. */
static void flip_all_segments(const struct journal_fixture *fixture)
{
    struct outcome outcome;
    struct flips flips = {0};
    uint64_t unused = 0;
    char path[256];

    check(fixture, &outcome);
    assert_int_equal(outcome.report.damages, 0);
    flips.records = outcome.shown;
    for (unsigned i = 0; i < outcome.segments; i++) {
        journal_fixture_segment(fixture, outcome.segment_firsts[i], path);
        unused += size_of(path) - mark_of(path);
        flip_everywhere(fixture, path, &flips);
    }
    assert_int_equal(flips.harmless, outcome.shown * RECORD_PADDING +
                                         outcome.report.groups * GROUP_PADDING + unused);
    assert_int_equal(flips.marks, outcome.segments * FRAME_HEADER_SIZE);
    assert_int_equal(flips.named, outcome.report.size_bytes - flips.harmless);
}

static void test_any_flipped_bit_is_named_or_is_harmless(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct flips flips = {.records = RECORDS};
    char path[256];

    prepare(&fixture);
    flip_all_segments(&fixture);
    snprintf(path, sizeof(path), "%s/journal.id", fixture.path);
    flip_everywhere(&fixture, path, &flips);
    assert_int_equal(flips.harmless, 0);
    journal_fixture_fini(&fixture);
}

/* The files of retired segments are written over: behind the end marks stand frames of before,
 * since those segments had one group and so were fuller. */
static void prepare_recycled(struct journal_fixture *fixture)
{
    prepare(fixture);
    fixture->settings.segment_size = 600; /* so that a full one is nearly full in both cases */
    journal_fixture_open(fixture);
    for (unsigned i = 0; i < 3 * RECORDS; i++) {
        fixture->group_count = i < 2 * RECORDS ? 1 : 2;
        assert_int_equal(journal_fixture_append(fixture, 1, RECORD_SIZE), ST_OK);
        if (i < 3 * RECORDS - 4)
            journal_retire(fixture->journal, journal_committed(fixture->journal));
    }
}

static void test_any_flipped_bit_of_a_recycled_segment_is_named_or_is_harmless(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct outcome outcome;
    char path[256];
    unsigned stale = 0;

    prepare_recycled(&fixture); /* it is at work: nothing is cut */
    check(&fixture, &outcome);
    assert_true(outcome.segments > 1);
    for (unsigned i = 0; i < outcome.segments; i++) {
        uint8_t byte = 0;
        journal_fixture_segment(&fixture, outcome.segment_firsts[i], path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        for (off_t at = (off_t)mark_of(path) + FRAME_HEADER_SIZE;
             byte == 0 && pread(fd, &byte, 1, at) == 1;)
            at++;
        stale += byte != 0;
        (void)close(fd);
    }
    assert_true(stale > 0);
    flip_all_segments(&fixture);
    journal_fixture_fini(&fixture);
}

static void test_a_damaged_group_is_told_with_its_records(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct outcome outcome;
    char path[256];

    prepare(&fixture);
    journal_fixture_segment(&fixture, 1, path);
    flip(path, SEGMENT_HEADER_SIZE + FRAME_HEADER_SIZE, 1);
    check(&fixture, &outcome);
    const struct journal_finding *groups = find(&outcome, FINDING_GROUPS);
    assert_non_null(groups);
    assert_int_equal(groups->first_sequence, 1);
    assert_true(groups->count > 0);
    assert_int_equal(groups->count, outcome.groupless);
    const struct journal_finding *range = find(&outcome, FINDING_RANGE);
    assert_non_null(range);
    assert_int_equal(range->offset, SEGMENT_HEADER_SIZE);
    assert_int_equal(range->count, 0);
    assert_int_equal(outcome.shown, RECORDS);
    journal_fixture_fini(&fixture);
}

/* --- Files that are cut, gone or exchanged ------------------------------------------------- */

static void test_a_closed_segment_that_is_cut_is_damage(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct outcome outcome;
    char path[256];

    prepare(&fixture);
    check(&fixture, &outcome);
    uint64_t records_of_first = outcome.segment_firsts[1] - 1;
    journal_fixture_segment(&fixture, 1, path);
    uint64_t needed = mark_of(path) - RECORD_PADDING;
    for (uint64_t size = size_of(path); size-- > needed;) {
        assert_int_equal(truncate(path, (off_t)size), 0);
        check(&fixture, &outcome);
        assert_int_equal(outcome.report.damages, 0);
        assert_int_equal(outcome.shown, RECORDS);
    }
    for (uint64_t size = needed; size-- > 0;) {
        assert_int_equal(truncate(path, (off_t)size), 0);
        check(&fixture, &outcome);
        assert_int_equal(outcome.report.damages, 1);
        assert_true(outcome.report.missing > 0 && outcome.report.missing <= records_of_first);
        assert_int_equal(outcome.shown + outcome.report.missing, RECORDS);
        assert_int_equal(outcome.findings[0].count, outcome.report.missing);
        assert_false(outcome.findings[0].count_is_unknown);
    }
    journal_fixture_fini(&fixture);
}

/* A process that dies leaves an end mark: where it is not, somebody or something has cut. */
static void test_a_newest_segment_without_its_end_mark_is_damage(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct outcome outcome;
    char path[256];

    prepare(&fixture);
    check(&fixture, &outcome);
    journal_fixture_segment(&fixture, outcome.segment_firsts[outcome.segments - 1], path);
    uint64_t whole = mark_of(path) + FRAME_HEADER_SIZE;
    assert_int_equal(truncate(path, (off_t)whole), 0);
    check(&fixture, &outcome);
    assert_int_equal(outcome.report.damages, 0);
    for (uint64_t size = whole - 1; size > SEGMENT_HEADER_SIZE; size -= 5) {
        assert_int_equal(truncate(path, (off_t)size), 0);
        check(&fixture, &outcome);
        assert_int_equal(outcome.report.damages, 1);
        assert_int_equal(outcome.findings[0].kind, FINDING_TAIL);
        assert_true(outcome.findings[0].count_is_unknown);
        assert_int_equal(outcome.findings[0].first_sequence, outcome.shown + 1);
        assert_int_equal(outcome.report.next, outcome.shown + 1);

        /* A destination that has confirmed the last record proves that it was there. */
        check_knowing(&fixture, RECORDS + 1, &outcome);
        assert_int_equal(outcome.report.damages, 1);
        assert_int_equal(outcome.report.missing, RECORDS - outcome.shown);
    }
    journal_fixture_fini(&fixture);
}

static void test_a_segment_that_was_removed_from_the_middle_is_missed(void **state)
{
    (void)state;
    struct outcome outcome;
    unsigned segments = 3;

    for (unsigned i = 0; i < segments; i++) {
        struct journal_fixture fixture;
        char path[256];
        prepare(&fixture);
        check(&fixture, &outcome);
        segments = outcome.segments;
        uint64_t first = outcome.segment_firsts[i];
        uint64_t next = i + 1 < segments ? outcome.segment_firsts[i + 1] : RECORDS + 1;
        journal_fixture_segment(&fixture, first, path);
        assert_int_equal(unlink(path), 0);
        check_knowing(&fixture, RECORDS + 1, &outcome);
        assert_int_equal(outcome.shown, RECORDS - (next - first));
        /* The oldest one goes when it is retired. */
        assert_int_equal(outcome.report.damages, i > 0);
        assert_int_equal(outcome.report.missing, i > 0 ? next - first : 0);
        if (i > 0) {
            bool is_last = i + 1 == segments;
            const struct journal_finding *finding =
                find(&outcome, is_last ? FINDING_GAP : FINDING_REMOVED);
            assert_non_null(finding);
            assert_int_equal(finding->first_sequence, first);
            assert_int_equal(finding->count_is_unknown, is_last);
        }
        journal_fixture_fini(&fixture);
    }
}

static void test_segments_that_were_exchanged_are_refused(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct outcome outcome;
    char one[256];
    char other[256];
    char aside[300];

    prepare(&fixture);
    check(&fixture, &outcome);
    journal_fixture_segment(&fixture, outcome.segment_firsts[0], one);
    journal_fixture_segment(&fixture, outcome.segment_firsts[1], other);
    snprintf(aside, sizeof(aside), "%s.aside", one);
    uint64_t lost = outcome.segment_firsts[2] - 1;
    assert_int_equal(rename(one, aside), 0);
    assert_int_equal(rename(other, one), 0);
    assert_int_equal(rename(aside, other), 0);
    check(&fixture, &outcome);
    assert_int_equal(outcome.report.damages, 2);
    assert_int_equal(outcome.findings[0].kind, FINDING_UNUSABLE);
    assert_non_null(outcome.findings[0].reason);
    assert_int_equal(outcome.report.missing, lost);
    assert_int_equal(outcome.shown, RECORDS - lost);
    journal_fixture_fini(&fixture);
}

static void test_a_segment_of_another_journal_is_refused(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct journal_fixture stranger;
    struct outcome outcome;
    char one[256];
    char other[256];

    prepare(&fixture);
    prepare(&stranger);
    check(&fixture, &outcome);
    journal_fixture_segment(&fixture, outcome.segment_firsts[1], one);
    journal_fixture_segment(&stranger, outcome.segment_firsts[1], other);
    assert_int_equal(rename(other, one), 0);
    check(&fixture, &outcome);
    assert_int_equal(outcome.report.damages, 1);
    assert_int_equal(outcome.findings[0].kind, FINDING_UNUSABLE);
    assert_int_equal(outcome.shown + outcome.report.missing, RECORDS);
    journal_fixture_fini(&stranger);
    journal_fixture_fini(&fixture);
}

/* A file that never belonged here hides nothing of the segment before it. */
static void test_an_empty_file_between_two_records_hides_none(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct outcome outcome;
    char path[256];

    prepare(&fixture);
    journal_fixture_segment(&fixture, 2, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    check(&fixture, &outcome);
    assert_int_equal(outcome.report.damages, 1);
    assert_int_equal(outcome.report.missing, 0);
    assert_int_equal(outcome.shown, RECORDS);
    journal_fixture_fini(&fixture);
}

/* --- The end of the newest segment --------------------------------------------------------- */

static void test_what_stands_behind_the_end_mark_is_nobodys(void **state)
{
    (void)state;
    static const uint8_t zeros[FRAME_HEADER_SIZE];
    static const char garbage[] = "what another life of the file has left";
    struct journal_fixture fixture;
    struct outcome outcome;
    char path[256];

    prepare(&fixture);
    check(&fixture, &outcome);
    journal_fixture_segment(&fixture, outcome.segment_firsts[outcome.segments - 1], path);
    uint64_t mark = mark_of(path);
    append_bytes(path, garbage, sizeof(garbage));
    check(&fixture, &outcome);
    assert_int_equal(outcome.finding_count, 0);
    assert_int_equal(outcome.shown, RECORDS);

    /* Without the mark nobody can say what it is. */
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (off_t)mark), sizeof(zeros));
    (void)close(fd);
    check(&fixture, &outcome);
    assert_int_equal(outcome.report.damages, 1);
    assert_int_equal(outcome.findings[0].kind, FINDING_TAIL);
    assert_int_equal(outcome.findings[0].offset, mark);
    assert_int_equal(outcome.findings[0].first_sequence, RECORDS + 1);
    assert_int_equal(outcome.shown, RECORDS);
    journal_fixture_fini(&fixture);
}

/* --- Failed writes ------------------------------------------------------------------------- */

static unsigned syncs_until_failure; /* 0: none fails */

static int failing_fdatasync(int fd)
{
    if (syncs_until_failure > 0 && --syncs_until_failure == 0) {
        errno = EIO;
        return -1;
    }
    return fdatasync(fd);
}

static int idle_ftruncate(int fd, off_t size)
{
    (void)fd;
    (void)size;
    return 0;
}

static void test_what_a_failed_write_left_is_superseded(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct disk_io io = disk_io_system;
    struct outcome outcome;
    char path[256];

    io.fdatasync = failing_fdatasync;
    io.ftruncate = idle_ftruncate;
    journal_fixture_init(&fixture);
    journal_fixture_close(&fixture);
    fixture.settings.io = &io;
    fixture.settings.segment_size = 2000;
    journal_fixture_open(&fixture);
    assert_int_equal(journal_fixture_append(&fixture, 3, RECORD_SIZE), ST_OK);
    syncs_until_failure = 1;
    assert_int_equal(journal_fixture_append(&fixture, RECORDS - 3, RECORD_SIZE), ST_OK);
    journal_fixture_close(&fixture);

    check(&fixture, &outcome);
    assert_int_equal(outcome.segments, 2);
    assert_int_equal(outcome.segment_firsts[1], 4);
    assert_int_equal(outcome.report.damages, 0);
    assert_int_equal(outcome.finding_count, 1);
    assert_int_equal(outcome.findings[0].kind, FINDING_SUPERSEDED);
    assert_int_equal(outcome.shown, RECORDS);

    uint64_t end = outcome.findings[0].offset;
    journal_fixture_segment(&fixture, 1, path);
    assert_int_equal(end, SEGMENT_HEADER_SIZE + GROUP_FRAME + 3 * RECORD_FRAME);
    assert_int_equal(outcome.findings[0].size, size_of(path) - end);
    for (uint64_t at = end; at < size_of(path); at++) {
        flip(path, at, 0x10);
        check(&fixture, &outcome);
        assert_int_equal(outcome.report.damages, 0);
        assert_int_equal(outcome.shown, RECORDS);
    }
    flip(path, end - RECORD_FRAME, 1);
    check(&fixture, &outcome);
    assert_int_equal(outcome.report.damages, 1);
    assert_int_equal(outcome.report.missing, 1);
    assert_int_equal(outcome.findings[0].first_sequence, 3);
    journal_fixture_fini(&fixture);
}

/* --- Disks that cannot read ---------------------------------------------------------------- */

enum { BAD_FROM = 128, BAD_TO = 256 };

static ssize_t pread_around_the_sector(int fd, void *data, size_t size, off_t offset)
{
    if (offset < BAD_TO && offset + (off_t)size > BAD_FROM) {
        errno = EIO;
        return -1;
    }
    return pread(fd, data, size, offset);
}

static void test_bytes_that_cannot_be_read_are_damage(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct disk_io io = disk_io_system;
    const struct journal_check_options options = {.to = UINT64_MAX, .io = &io};
    struct outcome outcome;

    prepare(&fixture);
    io.pread = pread_around_the_sector;
    check_with(fixture.path, &options, &outcome);
    assert_int_equal(outcome.status, ST_OK);
    assert_true(outcome.report.damages >= outcome.segments);
    assert_int_equal(outcome.shown, 0); /* none is longer than the block that is given up */
    journal_fixture_fini(&fixture);
}

/* --- At work ------------------------------------------------------------------------------- */

enum { LIVE_BATCHES = 800, LIVE_RECORDS = 3 };

struct live {
    struct journal_fixture *fixture;
    atomic_uint_fast64_t committed;
    atomic_uint_fast64_t retired; /* the check at hand sees the record of this number */
    atomic_bool has_ended;
};

static void *append_all(void *context)
{
    struct live *live = context;

    for (unsigned i = 0; i < LIVE_BATCHES; i++) {
        ASSERT(journal_fixture_append(live->fixture, LIVE_RECORDS, 20 + i % 3000) == ST_OK);
        atomic_store(&live->committed, journal_committed(live->fixture->journal));
        journal_retire(live->fixture->journal, atomic_load(&live->retired));
    }
    atomic_store(&live->has_ended, true);
    return NULL;
}

/* While segments are made, filled and retired, nothing looks like damage. */
static void test_a_journal_at_work_is_sound(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    struct live live = {.fixture = &fixture};
    struct outcome outcome;
    pthread_t thread;
    bool is_last = false;

    journal_fixture_init(&fixture);
    journal_fixture_close(&fixture);
    fixture.settings.segment_size = 30000;
    journal_fixture_open(&fixture);
    assert_int_equal(pthread_create(&thread, NULL, append_all, &live), 0);
    while (!is_last) {
        is_last = atomic_load(&live.has_ended);
        uint64_t committed = atomic_load(&live.committed);
        atomic_store(&live.retired, committed > 0 ? committed - 1 : 0);
        check_knowing(&fixture, committed, &outcome);
        if (outcome.report.damages > 0)
            fail_msg("%s at %u, committed %u: %s", outcome.findings[0].file,
                     (unsigned)outcome.findings[0].offset, (unsigned)committed,
                     journal_finding_text(outcome.findings[0].kind));
        assert_true(outcome.report.next >= committed);
    }
    assert_int_equal(outcome.report.next, LIVE_BATCHES * LIVE_RECORDS + 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    journal_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_journal_is_sound),
        cmocka_unit_test(test_a_directory_without_a_journal_is_told),
        cmocka_unit_test(test_a_range_of_records_is_shown_and_no_other),
        cmocka_unit_test(test_any_flipped_bit_is_named_or_is_harmless),
        cmocka_unit_test(test_any_flipped_bit_of_a_recycled_segment_is_named_or_is_harmless),
        cmocka_unit_test(test_a_damaged_group_is_told_with_its_records),
        cmocka_unit_test(test_a_closed_segment_that_is_cut_is_damage),
        cmocka_unit_test(test_a_newest_segment_without_its_end_mark_is_damage),
        cmocka_unit_test(test_a_segment_that_was_removed_from_the_middle_is_missed),
        cmocka_unit_test(test_segments_that_were_exchanged_are_refused),
        cmocka_unit_test(test_a_segment_of_another_journal_is_refused),
        cmocka_unit_test(test_an_empty_file_between_two_records_hides_none),
        cmocka_unit_test(test_what_stands_behind_the_end_mark_is_nobodys),
        cmocka_unit_test(test_what_a_failed_write_left_is_superseded),
        cmocka_unit_test(test_bytes_that_cannot_be_read_are_damage),
        cmocka_unit_test(test_a_journal_at_work_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
