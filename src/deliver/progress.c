/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c -- see progress.h.  Invariant: durable <= next, and neither goes back. */
#include "deliver/progress.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/cursor.h"
#include "util/clock.h"

enum { ASIDE_NAME_MAX = 300 };

struct progress {
    const struct disk_io *io; /* borrowed */
    int dir_fd;               /* owned: the cursor borrows it */
    struct cursor *cursor;    /* owned */
    uint64_t next;
    uint64_t unsaved_size; /* bytes */
    uint64_t saved_ns;     /* monotonic; 0: not in this life */
    /* shared, atomic */
    _Atomic uint64_t durable;
};

/* Keeps an unusable cursor file for people to look at, and begins a new one. */
static enum status begin_anew(struct progress *progress, const char *name, struct error *err)
{
    char aside[ASIDE_NAME_MAX];

    cursor_close(progress->cursor);
    progress->cursor = NULL;
    snprintf(aside, sizeof(aside), "%s.corrupt", name);
    if (progress->io->rename_at(progress->dir_fd, name, progress->dir_fd, aside) < 0)
        return error_set_errno(err, ST_IO, "put cursor '%s' aside", name);
    enum status st = disk_sync_dir(progress->io, progress->dir_fd, err);
    if (st != ST_OK)
        return st;
    return cursor_open(progress->io, progress->dir_fd, name, &progress->cursor, err);
}

static enum status open_cursor(struct progress *progress, const struct progress_settings *settings,
                               struct progress_start *ret_start, struct error *err)
{
    enum status st =
        cursor_open(progress->io, progress->dir_fd, settings->name, &progress->cursor, err);

    if (st == ST_CORRUPT)
        ret_start->finding = PROGRESS_CORRUPT;
    else if (st == ST_OK && cursor_next(progress->cursor) > settings->committed)
        ret_start->finding = PROGRESS_BEYOND_JOURNAL;
    else
        return st;
    return begin_anew(progress, settings->name, err);
}

/* A new cursor stands at 0 and misses nothing. */
static void find_start(struct progress *progress, uint64_t oldest, struct progress_start *ret_start)
{
    uint64_t found = cursor_next(progress->cursor);

    if (found > 0 && found < oldest)
        ret_start->missing_records = oldest - found;
    progress->next = found > oldest ? found : oldest;
    atomic_init(&progress->durable, progress->next);
}

enum status progress_open(const struct progress_settings *settings, struct progress **ret,
                          struct progress_start *ret_start, struct error *err)
{
    struct progress_start start = {.finding = PROGRESS_SOUND};
    enum status st;

    struct progress *progress = calloc(1, sizeof(*progress));
    if (progress == NULL)
        return error_set(err, ST_NO_MEMORY, "open cursor '%s'", settings->name);
    progress->io = disk_io_or_system(settings->io);
    progress->dir_fd =
        progress->io->open_at(AT_FDCWD, settings->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (progress->dir_fd < 0) {
        st = error_set_errno(err, ST_IO, "open '%s'", settings->dir);
        goto fail;
    }
    st = open_cursor(progress, settings, &start, err);
    if (st != ST_OK)
        goto fail;
    find_start(progress, settings->oldest, &start);
    *ret_start = start;
    *ret = progress;
    return ST_OK;
fail:
    progress_close(progress);
    return st;
}

void progress_close(struct progress *progress)
{
    if (progress == NULL)
        return;
    cursor_close(progress->cursor);
    if (progress->dir_fd >= 0)
        (void)close(progress->dir_fd); /* nothing was written through it */
    free(progress);
}

uint64_t progress_next(const struct progress *progress)
{
    return progress->next;
}

void progress_settle(struct progress *progress, uint64_t next, size_t size)
{
    ASSERT(next >= progress->next);
    progress->next = next;
    progress->unsaved_size += size;
}

bool progress_is_due(const struct progress *progress, uint64_t now_ns)
{
    if (progress->next == progress_durable(progress))
        return false;
    return progress->saved_ns == 0 || progress->unsaved_size >= PROGRESS_SIZE ||
           now_ns - progress->saved_ns >= PROGRESS_DELAY_MS * NS_PER_MS;
}

enum status progress_save(struct progress *progress, uint64_t now_ns, struct error *err)
{
    if (progress->next == progress_durable(progress))
        return ST_OK;
    progress->saved_ns = now_ns; /* a failure is not tried again at once, either */
    enum status st = cursor_advance(progress->cursor, progress->next, err);
    if (st != ST_OK)
        return st;
    progress->unsaved_size = 0;
    atomic_store_explicit(&progress->durable, progress->next, memory_order_release);
    return ST_OK;
}

uint64_t progress_durable(const struct progress *progress)
{
    return atomic_load_explicit(&progress->durable, memory_order_acquire);
}
