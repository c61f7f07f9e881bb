/* SPDX-License-Identifier: Apache-2.0 */
/* recover.c -- see recover.h.
 *
 *     names -> sorted -> headers -> identity -> last segment -> list
 *                          |                        |
 *                     newer: refuse          behind the end mark: cut
 *                     salvage by salt        torn tail: kept aside, cut, end mark put anew
 *                     or quarantine          damage: kept aside, skipped by readers
 *
 * Nothing is changed before all headers were looked at: a directory in which a newer version has
 * been at work is left as it is.
 *
 * A damaged range stays where it is as well: readers step over it by the same rule, and nothing
 * is ever edited in place.  Only the tail is cut, and only after its bytes, unless they are all
 * zero, were copied to the quarantine; cutting is for tidiness, since the next segment
 * supersedes the tail anyway.
 *
 * In a file that was written over, what follows a torn tail is of another life, and where it begins
 * cannot be told.  So of a tail without an end mark no more is kept than TAIL_KEEP_MAX, which one
 * commit seldom exceeds: stale bytes must not fill the quarantine. */
#include "journal/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "journal/segment_probe.h"
#include "journal/segment_tail.h"

enum { TAIL_KEEP_MAX = 1 << 20 };

struct recovery {
    struct journal_dir *dir;
    struct journal_recovery *report;
    struct segment_probe *found; /* owned; in order */
    size_t count;
    size_t capacity;
    struct segment_scan scan;
    uint64_t lost_first; /* the largest name of a file of ours that had to go */
};

/* --- Names ------------------------------------------------------------------------------- */

static enum status add_name(struct recovery *rec, uint64_t first, struct error *err)
{
    if (rec->count == rec->capacity) {
        size_t capacity = rec->capacity > 0 ? rec->capacity * 2 : 32;
        struct segment_probe *found = realloc(rec->found, capacity * sizeof(*found));
        if (found == NULL)
            return error_set(err, ST_NO_MEMORY, "list %zu segments", capacity);
        rec->found = found;
        rec->capacity = capacity;
    }
    rec->found[rec->count++] = (struct segment_probe){.segment = {.first = first}};
    return ST_OK;
}

static int by_first(const void *a, const void *b)
{
    uint64_t first_a = ((const struct segment_probe *)a)->segment.first;
    uint64_t first_b = ((const struct segment_probe *)b)->segment.first;
    return (first_a > first_b) - (first_a < first_b);
}

static bool is_temporary(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".tmp") == 0;
}

static enum status open_listing(struct recovery *rec, DIR **ret, struct error *err)
{
    int fd = openat(rec->dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *ret = fd >= 0 ? fdopendir(fd) : NULL;
    return *ret != NULL ? ST_OK : error_set_errno(err, ST_IO, "list the directory");
}

static enum status list_names(struct recovery *rec, struct error *err)
{
    DIR *stream;

    enum status st = open_listing(rec, &stream, err);
    if (st != ST_OK)
        return st;
    for (struct dirent *entry = readdir(stream); st == ST_OK && entry != NULL;
         entry = readdir(stream)) {
        uint64_t first;
        if (segment_name_parse(entry->d_name, &first))
            st = add_name(rec, first, err);
    }
    (void)closedir(stream); /* was only read */
    if (rec->count > 0)
        qsort(rec->found, rec->count, sizeof(*rec->found), by_first);
    return st;
}

/* Files that were being written, and spares, which a start does not keep: what stays is written
 * over when its name is used again. */
static enum status remove_temporaries(struct recovery *rec, struct error *err)
{
    DIR *stream;

    enum status st = open_listing(rec, &stream, err);
    if (st != ST_OK)
        return st;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (is_temporary(entry->d_name))
            (void)rec->dir->io->unlink_at(rec->dir->fd, entry->d_name);
    }
    (void)closedir(stream); /* was only read */
    return ST_OK;
}

/* --- Headers ----------------------------------------------------------------------------- */

static enum status open_segment(struct recovery *rec, uint64_t first, int *ret_fd,
                                struct error *err)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, first);
    *ret_fd = rec->dir->io->open_at(rec->dir->fd, name, O_RDWR | O_CLOEXEC, 0);
    if (*ret_fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", name);
    return ST_OK;
}

/* Counts a damaged range and keeps its bytes aside.  The journal goes on when that fails: the
 * bytes also stay where they are. */
static bool note_damage(struct recovery *rec, int fd, uint64_t first, uint64_t start, uint64_t end)
{
    struct error err;

    rec->report->quarantined_ranges++;
    rec->report->quarantined_bytes += end - start;
    return quarantine_range(rec->dir, fd, first, start, end, "found damaged at start", &err) ==
           ST_OK;
}

static enum status read_headers(struct recovery *rec, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < rec->count && st == ST_OK; i++) {
        struct segment_probe *found = &rec->found[i];
        uint64_t first = found->segment.first;
        int fd;
        st = open_segment(rec, first, &fd, err);
        if (st != ST_OK)
            return st;
        st = segment_probe(&rec->scan, fd, first, found, err);
        (void)close(fd); /* was only read */
        if (st != ST_OK)
            return error_context(err, "segment %020" PRIu64, first);
        if (found->is_newer)
            return error_set(err, ST_INVALID,
                             "%020" PRIu64 ".seg has format version %" PRIu32 ", and this program "
                             "knows versions up to %d: start the newer program again, or move the "
                             "directory away",
                             first, found->header.version, SEGMENT_FORMAT_VERSION);
    }
    return ST_OK;
}

/* A file that cannot be used leaves the directory of segments. */
static enum status reject(struct recovery *rec, const struct segment_probe *found,
                          const char *fault, struct error *err)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, found->segment.first);
    rec->report->quarantined_ranges++;
    rec->report->quarantined_bytes += found->segment.end;
    return quarantine_file(rec->dir, name, fault, err);
}

/* Puts aside what cannot be used. */
static enum status sort_out(struct recovery *rec, struct error *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < rec->count; i++) {
        const struct segment_probe *found = &rec->found[i];
        uint64_t first = found->segment.first;
        enum status st = ST_OK;
        int fd;
        if (found->fault != NULL) {
            rec->lost_first = first;
            st = reject(rec, found, found->fault, err);
        } else if (!found->header_is_valid) {
            st = open_segment(rec, first, &fd, err);
            if (st == ST_OK) {
                (void)note_damage(rec, fd, first, 0, SEGMENT_HEADER_SIZE);
                (void)close(fd); /* was only read */
            }
        }
        if (st != ST_OK)
            return error_context(err, "segment %020" PRIu64, first);
        if (found->fault == NULL)
            rec->found[kept++] = *found;
    }
    rec->count = kept;
    return ST_OK;
}

/* --- Identity ---------------------------------------------------------------------------- */

/* *ret_found is false if there is no file, or it is damaged. */
static enum status read_id(struct recovery *rec, bool *ret_found, struct error *err)
{
    size_t size;

    enum status st =
        journal_id_read(rec->dir->io, rec->dir->fd, rec->dir->id, ret_found, &size, err);
    if (st != ST_CORRUPT)
        return st;
    rec->report->quarantined_ranges++;
    rec->report->quarantined_bytes += size;
    return quarantine_file(rec->dir, "journal.id", "damaged", err);
}

/* A lost id comes back from the newest segment that has a sound header. */
static enum status restore_id(struct recovery *rec, struct error *err)
{
    uint8_t bytes[JOURNAL_ID_FILE_SIZE];
    size_t i = rec->count;

    while (i > 0 && !rec->found[i - 1].header_is_valid)
        i--;
    if (i > 0)
        memcpy(rec->dir->id, rec->found[i - 1].header.journal_id, JOURNAL_ID_SIZE);
    else if (getrandom(rec->dir->id, JOURNAL_ID_SIZE, 0) != JOURNAL_ID_SIZE)
        return error_set_errno(err, ST_IO, "getrandom");
    journal_id_put(bytes, rec->dir->id);
    return disk_publish(rec->dir->io, rec->dir->fd, "journal.id", bytes, sizeof(bytes), err);
}

/* Segments of another journal are not ours to number. */
static enum status reject_strangers(struct recovery *rec, struct error *err)
{
    enum status st = ST_OK;
    size_t kept = 0;

    for (size_t i = 0; i < rec->count && st == ST_OK; i++) {
        const struct segment_probe *found = &rec->found[i];
        if (segment_probe_is_strange(found, rec->dir->id))
            st = reject(rec, found, "it belongs to another journal", err);
        else
            rec->found[kept++] = *found;
    }
    if (st == ST_OK)
        rec->count = kept;
    return st;
}

/* --- The last segment -------------------------------------------------------------------- */

static void cut(struct recovery *rec, int fd, struct segment *segment, uint64_t size)
{
    if (segment->size > size && rec->dir->io->ftruncate(fd, (off_t)size) == 0)
        segment->size = size; /* else the next segment supersedes the rest all the same */
}

/* What is behind the last frame is said to be over: so that a check finds the segment in order. */
static void put_end_mark(struct recovery *rec, int fd, struct segment *segment)
{
    uint8_t mark[FRAME_HEADER_SIZE];
    struct iovec part = {.iov_base = mark, .iov_len = sizeof(mark)};
    uint64_t at = (segment->end + FRAME_ALIGNMENT - 1) & ~(uint64_t)(FRAME_ALIGNMENT - 1);
    struct error ignored;

    frame_put_empty(mark, segment->salt, FRAME_END, rec->scan.expected);
    if (disk_write(rec->dir->io, fd, &part, 1, at, &ignored) == ST_OK)
        segment->size = at + sizeof(mark);
}

/* The last segment has no end mark: it is of version 1, or its end is damaged or torn. */
static enum status cut_tail(struct recovery *rec, int fd, struct segment_probe *found,
                            struct error *err)
{
    struct segment *segment = &found->segment;
    bool has_marks = !found->header_is_valid || found->header.version > 1;
    uint64_t start = rec->scan.good_end;
    uint64_t end = segment->end;
    struct error ignored;
    bool is_zero;

    if (has_marks && end - start > TAIL_KEEP_MAX)
        end = start + TAIL_KEEP_MAX;
    enum status st = segment_tail_is_zero(rec->dir->io, fd, start, end, &is_zero, err);
    if (st != ST_OK)
        return st;
    rec->report->torn_bytes += end - start;
    bool may_cut = is_zero || quarantine_range(rec->dir, fd, segment->first, start, end,
                                               "torn tail, cut at start", &ignored) == ST_OK;
    segment->end = start;
    if (may_cut)
        cut(rec, fd, segment, start);
    if (may_cut && has_marks)
        put_end_mark(rec, fd, segment);
    return ST_OK;
}

/* The walk has met the end mark: it says how many records should stand before it. */
static void take_end_mark(struct recovery *rec, int fd, struct segment *segment)
{
    struct segment_scan *scan = &rec->scan;

    if (scan->good_end < scan->end)
        (void)note_damage(rec, fd, segment->first, scan->good_end, scan->end);
    rec->report->missing_records += scan->mark - scan->expected;
    scan->expected = scan->mark;
    segment->end = scan->end;
    cut(rec, fd, segment, scan->end + FRAME_HEADER_SIZE);
}

static enum status walk_last(struct recovery *rec, int fd, const struct segment *segment,
                             struct error *err)
{
    struct segment_scan *scan = &rec->scan;
    enum scan_result result = SCAN_DAMAGE;

    segment_scan_begin(scan, fd, segment->salt, segment->first);
    scan->end = segment->end;
    scan->takes_bad_sectors = true;
    while (result != SCAN_END) {
        struct scan_frame frame;
        enum status st = segment_scan_next(scan, &result, &frame, err);
        if (st == ST_OK && result == SCAN_DAMAGE)
            st = segment_scan_skip(scan, err);
        if (st != ST_OK)
            return st;
        if (result != SCAN_FRAME)
            continue;
        if (frame.damage_start < frame.start)
            (void)note_damage(rec, fd, segment->first, frame.damage_start, frame.start);
        rec->report->missing_records += frame.missing;
        rec->report->records += frame_is_record(frame.type);
    }
    return ST_OK;
}

/* A tail that cannot be read may hold records, now or when the disk has recovered: it stays, and
 * the next number is beyond any that it can have room for, so that nothing supersedes it.  Such
 * records begin before the last byte that cannot be read: behind it they would have been found. */
static enum status scan_last(struct recovery *rec, int fd, struct segment_probe *found,
                             struct error *err)
{
    struct segment_scan *scan = &rec->scan;

    enum status st = walk_last(rec, fd, &found->segment, err);
    if (st != ST_OK)
        return st;
    if (scan->mark > 0)
        take_end_mark(rec, fd, &found->segment);
    else if (scan->unreadable > 0 && scan->unreadable_end > scan->good_end)
        scan->expected +=
            (scan->unreadable_end - scan->good_end + FRAME_HEADER_SIZE - 1) / FRAME_HEADER_SIZE;
    else
        return cut_tail(rec, fd, found, err);
    return ST_OK;
}

/* Also makes durable what the process before wrote and perhaps did not sync: readers will be
 * shown it. */
static enum status recover_last(struct recovery *rec, uint64_t *ret_next, struct error *err)
{
    struct segment_probe *found = &rec->found[rec->count - 1];
    struct segment *segment = &found->segment;
    int fd;

    enum status st = open_segment(rec, segment->first, &fd, err);
    if (st != ST_OK)
        return st;
    st = scan_last(rec, fd, found, err);
    if (st == ST_OK)
        st = disk_sync(rec->dir->io, fd, err);
    (void)close(fd); /* synced, or failing anyway */
    if (st != ST_OK)
        return error_context(err, "segment %020" PRIu64, segment->first);
    *ret_next = rec->scan.expected;
    return ST_OK;
}

/* --- The list ---------------------------------------------------------------------------- */

/* A header names the segment before: so a file that somebody removed from the middle shows. */
static uint64_t missing_before(const struct recovery *rec, size_t i)
{
    const struct segment_probe *found = &rec->found[i];

    if (i == 0 || !found->header_is_valid)
        return 0;
    uint64_t expected = found->header.previous_sequence;
    uint64_t present = rec->found[i - 1].segment.first;
    return expected > present && expected < found->segment.first ? found->segment.first - expected
                                                                 : 0;
}

static enum status fill_list(struct recovery *rec, struct segment_list *list, struct error *err)
{
    for (size_t i = 0; i < rec->count; i++) {
        enum status st = segment_list_reserve(list, err);
        if (st != ST_OK)
            return st;
        segment_list_add(list, &rec->found[i].segment);
        uint64_t missing = missing_before(rec, i);
        rec->report->missing_records += missing;
        if (i > 0) {
            rec->report->records +=
                rec->found[i].segment.first - rec->found[i - 1].segment.first - missing;
        }
    }
    rec->report->segments = rec->count;
    return ST_OK;
}

enum status recover(struct journal_dir *dir, struct segment_list *list, uint64_t *ret_next,
                    struct journal_recovery *ret, struct error *err)
{
    struct recovery rec = {.dir = dir, .report = ret};
    bool has_id = false;
    uint64_t next = 1;

    *ret = (struct journal_recovery){0};
    segment_scan_init(&rec.scan, dir->io);
    enum status st = list_names(&rec, err);
    if (st == ST_OK)
        st = read_headers(&rec, err);
    if (st == ST_OK)
        st = remove_temporaries(&rec, err);
    if (st == ST_OK)
        st = sort_out(&rec, err);
    if (st == ST_OK)
        st = read_id(&rec, &has_id, err);
    if (st == ST_OK && !has_id)
        st = restore_id(&rec, err);
    if (st == ST_OK)
        st = reject_strangers(&rec, err);
    if (st == ST_OK && rec.count > 0)
        st = recover_last(&rec, &next, err);
    if (st == ST_OK)
        st = disk_sync_dir(dir->io, dir->fd, err);
    if (st == ST_OK)
        st = fill_list(&rec, list, err);
    if (st == ST_OK)
        *ret_next = next > rec.lost_first ? next : rec.lost_first;
    segment_scan_fini(&rec.scan);
    free(rec.found);
    return st;
}
