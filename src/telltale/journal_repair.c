/* SPDX-License-Identifier: Apache-2.0 */
/* journal_repair.c -- see journal_repair.h.
 *
 * The journal is opened and closed, no more: opening is what repairs.  What went to the quarantine
 * is told by the notes there, those that were not there before. */
#include "telltale/journal_repair.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "journal/journal.h"
#include "query/safe_text.h"
#include "telltale/buf.h"
#include "util/fd.h"

enum { NOTE_SIZE_MAX = 1024, SHOWN_SIZE_MAX = 8 << 10 /* with escapes */ };

struct notes {
    int dir_fd;
    struct timespec since;
    struct buf text;
};

/* Files that are made by another user than the daemon's would stop the daemon. */
static enum status check_owner(const struct journal_place *place, struct error *err)
{
    struct stat info;

    if (fstat(place->fd, &info) < 0)
        return error_set_errno(err, ST_IO, "stat");
    if (info.st_uid != geteuid())
        return error_set(err, ST_INVALID,
                         "it belongs to user %u: run this as that user, as 'sudo -u' does",
                         (unsigned)info.st_uid);
    return ST_OK;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Writes a note out if it is new.  One that cannot be read is passed over: it stays there. */
static void tell_note(void *context, const char *name, uint64_t size)
{
    struct notes *notes = context;
    char text[NOTE_SIZE_MAX];
    struct stat info;
    struct error ignored;
    size_t got;

    (void)size;
    size_t name_size = strlen(name);
    if (name_size < 4 || strcmp(name + name_size - 4, ".txt") != 0)
        return;
    int fd = openat(notes->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return;
    buf_clear(&notes->text);
    if (fstat(fd, &info) == 0 && !is_before(&info.st_ctim, &notes->since) &&
        fd_read_up_to(fd, text, sizeof(text), &got, &ignored) == ST_OK &&
        safe_text_append(&notes->text, slice_of(text, got), 0, NEWLINES_KEPT, &ignored) == ST_OK)
        (void)fwrite(notes->text.data, 1, notes->text.size, stdout); /* ferror() tells */
    (void)close(fd);                                                 /* was only read */
}

static void tell_notes(const struct journal_place *place, const struct timespec *since)
{
    struct notes notes = {.since = *since};

    notes.dir_fd = openat(place->fd, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (notes.dir_fd < 0)
        return;
    buf_init(&notes.text, SHOWN_SIZE_MAX);
    journal_place_quarantine(place, tell_note, &notes);
    buf_fini(&notes.text);
    (void)close(notes.dir_fd); /* was only read */
}

enum status journal_repair(const struct journal_place *place, struct error *err)
{
    struct journal_recovery found;
    struct journal *journal = NULL;
    struct timespec since;
    const struct journal_settings settings = {
        .dir = place->path,
        .size_max = UINT64_MAX / 2, /* nothing is written: no limit matters */
        .segment_size = 1 << 20,
        .pending_bytes_max = 1 << 20,
        .sequence_floor = place->largest_cursor,
    };

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &since); /* the clock of files */
    enum status st = check_owner(place, err);
    if (st == ST_OK)
        st = journal_open(&settings, &journal, &found, err);
    if (st != ST_OK)
        return st;
    journal_close(journal);
    tell_notes(place, &since);
    printf("put aside:       %" PRIu64 " places or files, %" PRIu64 " bytes, in 'quarantine'\n"
           "cut at the end:  %" PRIu64 " bytes\n"
           "missing records: %" PRIu64 "\n"
           "good:            %" PRIu64 " records in %" PRIu64
           " segments, as far as a start looks\n",
           found.quarantined_ranges, found.quarantined_bytes, found.torn_bytes,
           found.missing_records, found.records, found.segments);
    return ST_OK;
}
