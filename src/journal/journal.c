/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c -- see journal.h: opening, the mailbox, and what readers see.  The thread behind the
 * mailbox is in commit.c, what goes again in retirement.c. */
#include "journal/journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "journal/journal_state.h"
#include "journal/recover.h"
#include "util/clock.h"

enum { SEGMENTS_PER_JOURNAL = 4 /* at least, when it is full */ };

/* --- Opening and closing ----------------------------------------------------------------- */

static void init_shared(struct journal *journal)
{
    pthread_condattr_t monotonic;

    /* None of these fails on Linux. */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&journal->lock, NULL);
    (void)pthread_cond_init(&journal->submitted, &monotonic);
    (void)pthread_cond_init(&journal->progress, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    journal->queue_end = &journal->queue;
    journal->awaited = UINT64_MAX;
}

static void free_journal(struct journal *journal)
{
    segment_writer_fini(&journal->writer);
    segment_list_fini(&journal->segments);
    journal_dir_close(&journal->dir);
    (void)pthread_cond_destroy(&journal->progress);
    (void)pthread_cond_destroy(&journal->submitted);
    (void)pthread_mutex_destroy(&journal->lock);
    free(journal);
}

static void copy_settings(struct journal *journal, const struct journal_settings *settings)
{
    uint64_t share = settings->size_max / SEGMENTS_PER_JOURNAL;

    journal->settings = *settings;
    journal->settings.dir = NULL;
    if (journal->settings.segment_size > share)
        journal->settings.segment_size = share;
    if (journal->settings.io == NULL)
        journal->settings.io = &disk_io_system;
}

static enum status start(struct journal *journal, const struct journal_settings *settings,
                         struct journal_recovery *ret_recovery, struct error *err)
{
    enum status st =
        recover(&journal->dir, &journal->segments, &journal->next_sequence, ret_recovery, err);
    if (st != ST_OK)
        return error_context(err, "recover journal '%s'", settings->dir);
    if (journal->next_sequence < settings->sequence_floor)
        journal->next_sequence = settings->sequence_floor;
    atomic_init(&journal->committed, journal->next_sequence);
    atomic_init(&journal->promised_until_ns, 0);
    atomic_init(&journal->drops_until_ns, 0);
    journal_check_disk(journal);
    int result = pthread_create(&journal->thread, NULL, journal_run, journal);
    if (result != 0)
        return error_set(err, ST_NO_MEMORY, "start the journal's thread: error %d", result);
    (void)pthread_setname_np(journal->thread, "journal"); /* for people only */
    return ST_OK;
}

enum status journal_open(const struct journal_settings *settings, struct journal **ret,
                         struct journal_recovery *ret_recovery, struct error *err)
{
    struct journal_recovery ignored;
    struct journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL)
        return error_set(err, ST_NO_MEMORY, "open journal '%s'", settings->dir);

    copy_settings(journal, settings);
    init_shared(journal);
    segment_writer_init(&journal->writer, &journal->dir);
    enum status st = journal_dir_open(&journal->dir, settings->dir, journal->settings.io, err);
    if (st == ST_OK)
        st = start(journal, settings, ret_recovery != NULL ? ret_recovery : &ignored, err);
    if (st != ST_OK) {
        free_journal(journal);
        return st;
    }
    *ret = journal;
    return ST_OK;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    (void)pthread_mutex_lock(&journal->lock);
    journal->is_stopping = true;
    (void)pthread_cond_signal(&journal->submitted);
    (void)pthread_mutex_unlock(&journal->lock);
    (void)pthread_join(journal->thread, NULL);
    free_journal(journal);
}

/* --- Submitting -------------------------------------------------------------------------- */

/* Under the lock: why a batch of `size` bytes cannot be taken now. */
static enum status refuse(const struct journal *journal, uint64_t size, struct error *err)
{
    const struct journal_settings *settings = &journal->settings;

    if (journal->is_stopping)
        return error_set(err, ST_STOPPING, "the journal is closing");
    if (journal->pending_bytes > 0 && (size > settings->pending_bytes_max ||
                                       journal->pending_bytes > settings->pending_bytes_max - size))
        return error_set(err, ST_AGAIN, "%" PRIu64 " bytes wait for the disk, limit %" PRIu64,
                         journal->pending_bytes, settings->pending_bytes_max);
    uint64_t held = journal->segments.size + journal->pending_bytes;
    if (size <= settings->size_max && held <= settings->size_max - size)
        return ST_OK;
    if (size <= settings->size_max &&
        clock_monotonic_ns() < atomic_load(&journal->promised_until_ns))
        return error_set(err, ST_AGAIN, "room is being made in the journal");
    return error_set(err, ST_LIMIT,
                     "the journal is full: it holds %" PRIu64 " bytes of at most %" PRIu64
                     "; bring its destinations back, or raise journal.max_size",
                     held, settings->size_max);
}

/* Under the lock: less than a segment's room is left. */
static bool is_short(const struct journal *journal)
{
    const struct journal_settings *settings = &journal->settings;
    uint64_t held = journal->segments.size + journal->pending_bytes;

    return held > settings->size_max || settings->size_max - held < settings->segment_size;
}

static void tell_pressure(const struct journal *journal)
{
    if (journal->settings.on_pressure != NULL)
        journal->settings.on_pressure(journal->settings.context);
}

static enum status refuse_low_disk(const struct journal *journal, struct error *err)
{
    return error_set(err, ST_LIMIT,
                     "the disk is nearly full: less than %" PRIu64
                     " bytes are free; make room, or lower journal.disk_reserve",
                     journal->settings.disk_reserve);
}

enum status journal_submit(struct journal *journal, struct append_batch **batch,
                           append_done_function *done, void *context, struct error *err)
{
    struct append_batch *taken = *batch;
    uint64_t size = append_batch_size(taken);

    ASSERT(!taken->record_is_open);
    if (atomic_load(&journal->disk_is_low)) {
        if (journal_disk_is_low(journal)) {
            tell_pressure(journal);
            return refuse_low_disk(journal, err);
        }
        atomic_store(&journal->disk_is_low, false);
    }
    taken->next = NULL;
    taken->done = done;
    taken->context = context;

    (void)pthread_mutex_lock(&journal->lock);
    enum status st = refuse(journal, size, err);
    if (st == ST_OK) {
        bool was_empty = journal->queue == NULL;
        bool was_due = journal->queue_bytes >= GROUP_BYTES_ENOUGH || journal->queue_is_urgent;
        *journal->queue_end = taken;
        journal->queue_end = &taken->next;
        journal->queue_bytes += size;
        journal->queue_is_urgent |= taken->is_urgent;
        journal->pending_bytes += size;
        bool is_due = journal->queue_bytes >= GROUP_BYTES_ENOUGH || journal->queue_is_urgent;
        if (was_empty || (is_due && !was_due))
            (void)pthread_cond_signal(&journal->submitted);
        *batch = NULL;
    }
    bool was_short = st == ST_LIMIT || is_short(journal);
    (void)pthread_mutex_unlock(&journal->lock);
    if (was_short)
        tell_pressure(journal);
    return st;
}

/* --- Asking and waiting ------------------------------------------------------------------ */

enum status journal_check_health(struct journal *journal, struct error *err)
{
    (void)pthread_mutex_lock(&journal->lock);
    struct error failure = journal->failure;
    (void)pthread_mutex_unlock(&journal->lock);
    if (failure.status != ST_OK) {
        *err = failure;
        return failure.status;
    }
    return journal_disk_is_low(journal) ? refuse_low_disk(journal, err) : ST_OK;
}

uint64_t journal_committed(const struct journal *journal)
{
    return atomic_load(&journal->committed);
}

uint64_t journal_oldest(const struct journal *journal)
{
    struct journal *mutable = (struct journal *)journal; /* for its lock */

    (void)pthread_mutex_lock(&mutable->lock);
    uint64_t oldest = journal->segments.count > 0 ? journal->segments.items[0].first
                                                  : atomic_load(&journal->committed);
    (void)pthread_mutex_unlock(&mutable->lock);
    return oldest;
}

/* A call of journal_wake() that came just before is not lost: each thread remembers how many it
 * has seen.  At worst a thread's first wait returns early. */
void journal_wait(struct journal *journal, uint64_t sequence, uint64_t deadline_ns)
{
    static _Thread_local struct {
        const struct journal *journal;
        uint64_t wakes;
    } seen;

    (void)pthread_mutex_lock(&journal->lock);
    if (seen.journal != journal) {
        seen.journal = journal;
        seen.wakes = 0;
    }
    while (atomic_load(&journal->committed) <= sequence && journal->wakes == seen.wakes &&
           clock_monotonic_ns() < deadline_ns) {
        if (sequence < journal->awaited)
            journal->awaited = sequence;
        journal_wait_until(&journal->progress, &journal->lock, deadline_ns);
    }
    seen.wakes = journal->wakes;
    (void)pthread_mutex_unlock(&journal->lock);
}

void journal_wake(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->lock);
    journal->wakes++;
    (void)pthread_cond_broadcast(&journal->progress);
    (void)pthread_mutex_unlock(&journal->lock);
}

void journal_read_room(struct journal *journal, struct journal_room *ret)
{
    *ret = (struct journal_room){
        .size_max = journal->settings.size_max,
        .segment_size = journal->settings.segment_size,
        .disk_reserve = journal->settings.disk_reserve,
    };
    if (journal->settings.io->free_bytes(journal->dir.fd, &ret->disk_free) < 0)
        ret->disk_free = UINT64_MAX;
    (void)pthread_mutex_lock(&journal->lock);
    const struct segment_list *list = &journal->segments;
    ret->held = list->size + journal->pending_bytes;
    ret->oldest = list->count > 0 ? list->items[0].first : atomic_load(&journal->committed);
    ret->second = list->count > 1 ? list->items[1].first : 0;
    (void)pthread_mutex_unlock(&journal->lock);
}

void journal_promise_room(struct journal *journal, uint64_t deadline_ns)
{
    atomic_store(&journal->promised_until_ns, deadline_ns);
}

void journal_promise_drops(struct journal *journal, uint64_t deadline_ns)
{
    atomic_store(&journal->drops_until_ns, deadline_ns);
}

bool journal_drops_for_room(const struct journal *journal)
{
    return clock_monotonic_ns() < atomic_load(&journal->drops_until_ns);
}

dev_t journal_device(const struct journal *journal)
{
    struct stat info;

    return fstat(journal->dir.fd, &info) == 0 ? info.st_dev : 0;
}

const uint8_t *journal_id(const struct journal *journal)
{
    return journal->dir.id;
}

uint64_t journal_size(const struct journal *journal)
{
    struct journal *mutable = (struct journal *)journal; /* for its lock */

    (void)pthread_mutex_lock(&mutable->lock);
    uint64_t size = journal->segments.size;
    (void)pthread_mutex_unlock(&mutable->lock);
    return size;
}

/* --- For readers ------------------------------------------------------------------------- */

void journal_enter(struct journal *journal, struct reader_place *place)
{
    (void)pthread_mutex_lock(&journal->lock);
    place->next = journal->readers;
    journal->readers = place;
    (void)pthread_mutex_unlock(&journal->lock);
}

void journal_leave(struct journal *journal, struct reader_place *place)
{
    (void)pthread_mutex_lock(&journal->lock);
    struct reader_place **link = &journal->readers;
    while (*link != place)
        link = &(*link)->next;
    *link = place->next;
    (void)pthread_mutex_unlock(&journal->lock);
}

static bool is_last_reader(const struct journal *journal, uint64_t position)
{
    for (const struct reader_place *place = journal->readers; place != NULL; place = place->next) {
        if (place->position < position)
            return false;
    }
    return true;
}

bool journal_view(struct journal *journal, struct reader_place *place, uint64_t sequence,
                  struct segment_view *ret)
{
    (void)pthread_mutex_lock(&journal->lock);
    place->position = sequence;
    place->salt = 0;
    const struct segment_list *list = &journal->segments;
    bool has_any = list->count > 0;
    if (has_any) {
        size_t i = segment_list_find(list, sequence);
        ret->segment = list->items[i];
        place->first = ret->segment.first;
        place->salt = ret->segment.salt;
        ret->committed = atomic_load(&journal->committed);
        ret->limit_sequence = i + 1 < list->count ? list->items[i + 1].first : ret->committed;
        ret->is_last_reader = is_last_reader(journal, sequence);
    }
    (void)pthread_mutex_unlock(&journal->lock);
    return has_any;
}

struct journal_dir *journal_directory(struct journal *journal)
{
    return &journal->dir;
}
