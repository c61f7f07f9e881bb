/* SPDX-License-Identifier: Apache-2.0 */
/* retirement.c -- limits, the removal of segments that nobody needs, and what becomes of their
 * files.
 *
 *     segment ─ retired ─► spare-N.tmp ─ directory synced ─► ready ─ taken ─► segment
 *        │                      └ the disk is low, room is wanted, an error ─► unlinked
 *        └ not reusable, two spares are there ─► unlinked
 *
 * A spare is written over, so two things must be true of it.  Its old name must not come back after
 * a crash: hence the sync of the directory before it is ready.  And nobody may be reading it: a
 * reader that was overtaken by retirement may have it open until its next call, and tells the
 * journal so (struct reader_place).  Readers of other processes look whether the salt is still the
 * same before they believe in damage.
 *
 * Spares are a luxury: they count against size_max and disk_reserve and go first.
 *
 * Segments are kept to a quarter of size_max at most: the newest one cannot be retired, and a
 * full journal must find room when its readers catch up. */
#include <errno.h>
#include <stdio.h>

#include "journal/journal_state.h"

/* --- Spares ------------------------------------------------------------------------------ */

static void spare_name(const struct journal *journal, const struct spare *spare,
                       char out[SPARE_NAME_SIZE])
{
    snprintf(out, SPARE_NAME_SIZE, "spare-%u.tmp",
             (unsigned)(spare - journal->spares) % SPARES_MAX);
}

static void set_state(struct journal *journal, struct spare *spare, enum spare_state state)
{
    (void)pthread_mutex_lock(&journal->lock);
    ASSERT(spare->state == SPARE_AT_WORK);
    spare->state = state;
    if (state == SPARE_NONE)
        spare->was = (struct segment){0};
    (void)pthread_mutex_unlock(&journal->lock);
}

/* Under the lock. */
static bool is_open_somewhere(const struct journal *journal, const struct segment *segment)
{
    for (const struct reader_place *place = journal->readers; place != NULL; place = place->next) {
        if (place->first == segment->first && place->salt == segment->salt)
            return true;
    }
    return false;
}

/* A spare in this state, one that nobody reads if it must be so, which is then at work; NULL: there
 * is none. */
static struct spare *claim(struct journal *journal, enum spare_state state, bool may_be_read)
{
    struct spare *found = NULL;

    (void)pthread_mutex_lock(&journal->lock);
    for (size_t i = 0; i < SPARES_MAX && found == NULL; i++) {
        struct spare *spare = &journal->spares[i];
        if (spare->state == state && (may_be_read || !is_open_somewhere(journal, &spare->was)))
            found = spare;
    }
    if (found != NULL)
        found->state = SPARE_AT_WORK;
    (void)pthread_mutex_unlock(&journal->lock);
    return found;
}

struct spare *journal_take_spare(struct journal *journal, char ret_name[SPARE_NAME_SIZE])
{
    struct spare *spare = claim(journal, SPARE_READY, false);

    if (spare != NULL)
        spare_name(journal, spare, ret_name);
    return spare;
}

void journal_forget_spare(struct journal *journal, struct spare *spare)
{
    set_state(journal, spare, SPARE_NONE);
}

/* A name that cannot be removed now is taken again by the next spare, or removed by the next
 * start. */
void journal_drop_spare(struct journal *journal, struct spare *spare)
{
    char name[SPARE_NAME_SIZE];

    spare_name(journal, spare, name);
    (void)journal->settings.io->unlink_at(journal->dir.fd, name);
    set_state(journal, spare, SPARE_NONE);
}

/* false: there is none to drop. */
static bool drop_any(struct journal *journal)
{
    struct spare *spare = claim(journal, SPARE_READY, true);

    if (spare != NULL)
        journal_drop_spare(journal, spare);
    return spare != NULL;
}

/* --- Limits ------------------------------------------------------------------------------ */

bool journal_disk_is_low(const struct journal *journal)
{
    uint64_t free_bytes;

    if (journal->settings.disk_reserve == 0)
        return false;
    if (journal->settings.io->free_bytes(journal->dir.fd, &free_bytes) < 0)
        return false; /* a write will tell */
    return free_bytes < journal->settings.disk_reserve;
}

void journal_check_disk(struct journal *journal)
{
    bool is_low = journal_disk_is_low(journal);

    journal->unchecked_bytes = 0;
    while (is_low && drop_any(journal))
        is_low = journal_disk_is_low(journal);
    atomic_store(&journal->disk_is_low, is_low);
}

/* What the files take, the room of the open one included. */
static uint64_t held_on_disk(struct journal *journal)
{
    const struct segment_writer *writer = &journal->writer;
    uint64_t held = segment_writer_is_open(writer) ? writer->file_size - writer->committed : 0;

    (void)pthread_mutex_lock(&journal->lock);
    held += journal->segments.size;
    for (size_t i = 0; i < SPARES_MAX; i++)
        held += journal->spares[i].state != SPARE_NONE ? journal->spares[i].was.size : 0;
    (void)pthread_mutex_unlock(&journal->lock);
    return held;
}

bool journal_make_room(struct journal *journal, uint64_t growth)
{
    uint64_t size_max = journal->settings.size_max;
    bool has_room;

    do {
        uint64_t held = held_on_disk(journal);
        has_room = held <= size_max && growth <= size_max - held;
    } while (!has_room && drop_any(journal));
    return has_room;
}

uint64_t journal_preallocation(struct journal *journal)
{
    const struct journal_settings *settings = &journal->settings;
    uint64_t size = settings->segment_size;
    uint64_t free_bytes;

    if (!journal_make_room(journal, size) ||
        settings->io->free_bytes(journal->dir.fd, &free_bytes) < 0)
        return 0;
    return free_bytes >= size && free_bytes - size >= settings->disk_reserve ? size : 0;
}

/* --- Retirement -------------------------------------------------------------------------- */

/* A place for the file of `segment`; NULL: it is not worth keeping. */
static struct spare *place_for(struct journal *journal, const struct segment *segment)
{
    if (!segment->is_reusable || atomic_load(&journal->disk_is_low))
        return NULL;
    struct spare *spare = claim(journal, SPARE_NONE, true);
    if (spare != NULL) {
        (void)pthread_mutex_lock(&journal->lock);
        spare->was = *segment;
        (void)pthread_mutex_unlock(&journal->lock);
    }
    return spare;
}

/* Removes the oldest segment, and syncs the directory, so that a crash leaves no gap that would
 * look like loss.  false: it did not work; what is still there is tried again next time. */
static bool remove_oldest(struct journal *journal, const struct segment *segment)
{
    const struct disk_io *io = journal->settings.io;
    int dir_fd = journal->dir.fd;
    char name[SEGMENT_NAME_SIZE];
    char spare_is[SPARE_NAME_SIZE];
    struct error ignored;
    int result;

    segment_name(name, segment->first);
    struct spare *spare = place_for(journal, segment);
    if (spare != NULL) {
        spare_name(journal, spare, spare_is);
        result = io->rename_at(dir_fd, name, dir_fd, spare_is);
    } else {
        result = io->unlink_at(dir_fd, name);
    }
    bool is_gone = result == 0 || errno == ENOENT;
    if (result < 0 && spare != NULL)
        set_state(journal, spare, SPARE_NONE);
    if (!is_gone)
        return false;
    (void)pthread_mutex_lock(&journal->lock);
    segment_list_retire(&journal->segments, segment->first);
    (void)pthread_mutex_unlock(&journal->lock);
    bool is_durable = disk_sync_dir(io, dir_fd, &ignored) == ST_OK;
    if (result == 0 && spare != NULL && is_durable)
        set_state(journal, spare, SPARE_READY);
    else if (result == 0 && spare != NULL)
        journal_drop_spare(journal, spare);
    return is_durable;
}

/* One thread does it at a time; it goes on for those who come meanwhile. */
void journal_retire(struct journal *journal, uint64_t sequence)
{
    (void)pthread_mutex_lock(&journal->lock);
    bool is_first = !journal->is_retiring;
    bool goes_on = is_first;
    journal->is_retiring = true;
    if (journal->retire_below < sequence)
        journal->retire_below = sequence;
    while (goes_on && segment_list_may_retire(&journal->segments, journal->retire_below)) {
        struct segment oldest = journal->segments.items[0];
        (void)pthread_mutex_unlock(&journal->lock);
        goes_on = remove_oldest(journal, &oldest);
        (void)pthread_mutex_lock(&journal->lock);
    }
    if (is_first) {
        journal->is_retiring = false;
        journal->retire_below = 0;
    }
    (void)pthread_mutex_unlock(&journal->lock);
}
