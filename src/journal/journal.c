/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c -- the mailbox, the thread that commits, and the limits.
 *
 *     submit ─► queue ─► [thread] frame, write ─► fdatasync ─► publish ─► done
 *                                      │ failure
 *                                      ▼
 *                        give the segment up, write the same to a fresh one;
 *                        fails again: the batches hear ST_IO, the next ones try anew
 *
 * The numbers of a batch that failed are used again.  That is sound, because a segment ends
 * where the next one begins: nothing is acknowledged in the fresh segment before it is durable
 * under its name, and from then on it supersedes whatever the failed write left behind
 * (docs/JOURNAL_FORMAT.md, "Failures", has the argument).
 *
 * A commit starts at once unless the one before it began less than group_delay_ns ago; then it
 * waits for company.  So a lone event is never delayed, and a stream of them is grouped.
 *
 * Segments are kept to a quarter of size_max at most: the newest one cannot be retired, and a
 * full journal must find room when its readers catch up. */
#include "journal/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal_internal.h"
#include "journal/recover.h"
#include "journal/segment_writer.h"
#include "util/clock.h"

enum {
    GROUP_BYTES_ENOUGH = 1 << 20, /* do not wait for more company than this */
    DISK_CHECK_BYTES = 4 << 20,   /* look at the disk's free room this often */
    SEGMENTS_PER_JOURNAL = 4,     /* at least, when it is full */
};

struct journal {
    struct journal_settings settings; /* `dir` is not kept */
    struct journal_dir dir;
    pthread_t thread;

    /* shared, under lock */
    pthread_mutex_t lock;
    pthread_cond_t submitted; /* the thread waits for batches */
    pthread_cond_t progress;  /* readers wait for records */
    struct segment_list segments;
    struct reader_place *readers;
    struct append_batch *queue; /* oldest first */
    struct append_batch **queue_end;
    uint64_t queue_bytes;
    uint64_t pending_bytes; /* queued, or being written */
    uint64_t wakes;         /* calls of journal_wake() */
    uint64_t awaited;       /* the lowest number that a waiting thread wants to see committed */
    bool is_stopping;
    struct error failure; /* of the last commit; its status is ST_OK when there was none */

    /* shared, atomic; written under the lock or by the journal thread */
    atomic_uint_fast64_t committed;
    atomic_bool disk_is_low;
    atomic_uint_fast64_t promised_until_ns; /* monotonic; any thread */

    /* journal thread */
    struct segment_writer writer;
    uint64_t next_sequence;
    uint64_t commit_started_ns; /* the last one */
    uint64_t unchecked_bytes;   /* written since the disk's free room was looked at */
};

/* --- Limits ------------------------------------------------------------------------------ */

static bool disk_is_low(const struct journal *journal)
{
    uint64_t free_bytes;

    if (journal->settings.disk_reserve == 0)
        return false;
    if (journal->settings.io->free_bytes(journal->dir.fd, &free_bytes) < 0)
        return false; /* a write will tell */
    return free_bytes < journal->settings.disk_reserve;
}

static void check_disk(struct journal *journal)
{
    journal->unchecked_bytes = 0;
    atomic_store(&journal->disk_is_low, disk_is_low(journal));
}

/* What to ask for in advance: within every limit, or nothing. */
static uint64_t preallocation(struct journal *journal)
{
    const struct journal_settings *settings = &journal->settings;
    uint64_t size = settings->segment_size;
    uint64_t free_bytes;

    if (settings->io->free_bytes(journal->dir.fd, &free_bytes) < 0)
        return 0;
    (void)pthread_mutex_lock(&journal->lock);
    uint64_t held = journal->segments.size;
    (void)pthread_mutex_unlock(&journal->lock);
    if (held > settings->size_max || size > settings->size_max - held)
        return 0;
    return free_bytes >= size && free_bytes - size >= settings->disk_reserve ? size : 0;
}

/* --- The journal thread ------------------------------------------------------------------ */

static void wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ns)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_ns / NS_PER_S),
        .tv_nsec = (long)(deadline_ns % NS_PER_S),
    };
    (void)pthread_cond_timedwait(cond, lock, &deadline); /* the caller looks again */
}

/* Waits for work; NULL: the journal stops and everything is written. */
static struct append_batch *take_waiting(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->lock);
    while (journal->queue == NULL && !journal->is_stopping)
        (void)pthread_cond_wait(&journal->submitted, &journal->lock);

    uint64_t start_ns = journal->commit_started_ns + journal->settings.group_delay_ns;
    while (journal->queue != NULL && !journal->is_stopping &&
           journal->queue_bytes < GROUP_BYTES_ENOUGH && clock_monotonic_ns() < start_ns)
        wait_until(&journal->submitted, &journal->lock, start_ns);

    struct append_batch *taken = journal->queue;
    journal->queue = NULL;
    journal->queue_end = &journal->queue;
    journal->queue_bytes = 0;
    (void)pthread_mutex_unlock(&journal->lock);
    return taken;
}

/* The segment before the one that begins with next_sequence; 0: there is none. */
static uint64_t previous_segment(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->lock);
    const struct segment_list *list = &journal->segments;
    size_t count = list->count;
    if (count > 0 && list->items[count - 1].first == journal->next_sequence)
        count--; /* it is about to be replaced */
    uint64_t first = count > 0 ? list->items[count - 1].first : 0;
    (void)pthread_mutex_unlock(&journal->lock);
    return first;
}

static enum status open_segment(struct journal *journal, struct error *err)
{
    struct segment_writer *writer = &journal->writer;

    if (segment_writer_is_open(writer))
        return ST_OK;
    (void)pthread_mutex_lock(&journal->lock);
    enum status st = segment_list_reserve(&journal->segments, err);
    (void)pthread_mutex_unlock(&journal->lock);
    if (st != ST_OK)
        return st;
    check_disk(journal);
    st = segment_writer_create(writer, journal->next_sequence, previous_segment(journal),
                               preallocation(journal), err);
    if (st != ST_OK)
        return st;
    struct segment segment = {
        .first = writer->first_sequence, .salt = writer->salt, .end = writer->committed};
    (void)pthread_mutex_lock(&journal->lock);
    segment_list_add(&journal->segments, &segment);
    (void)pthread_mutex_unlock(&journal->lock);
    return ST_OK;
}

/* The batches from `first` on that go into one segment together; at least one.  Closes the
 * segment at hand when not even the first has room in it. */
static struct append_batch *choose_span(struct journal *journal, struct append_batch *first)
{
    struct segment_writer *writer = &journal->writer;
    uint64_t position = SEGMENT_HEADER_SIZE;
    size_t groups = 0;

    if (segment_writer_is_open(writer) && writer->position > SEGMENT_HEADER_SIZE) {
        position = writer->position;
        groups = segment_writer_groups(writer);
        if (position + append_batch_size(first) > journal->settings.segment_size ||
            groups + first->groups.count > SEGMENT_GROUPS_MAX) {
            segment_writer_close(writer);
            position = SEGMENT_HEADER_SIZE;
            groups = 0;
        }
    }
    struct append_batch *stop = first;
    do {
        position += append_batch_size(stop);
        groups += stop->groups.count;
        stop = stop->next;
    } while (stop != NULL && position + append_batch_size(stop) <= journal->settings.segment_size &&
             groups + stop->groups.count <= SEGMENT_GROUPS_MAX);
    return stop;
}

static enum status write_and_sync(struct journal *journal, struct append_batch *first,
                                  const struct append_batch *stop, uint64_t *ret_next,
                                  struct error *err)
{
    struct segment_writer *writer = &journal->writer;

    enum status st = open_segment(journal, err);
    if (st == ST_OK)
        st = segment_writer_write(writer, first, stop, journal->next_sequence, ret_next, err);
    if (st == ST_OK)
        st = segment_writer_sync(writer, err);
    if (st != ST_OK)
        segment_writer_close(writer);
    return st;
}

/* Shows readers what is durable now. */
static void publish(struct journal *journal, uint64_t next)
{
    uint64_t end = journal->writer.committed;

    (void)pthread_mutex_lock(&journal->lock);
    struct segment *newest = &journal->segments.items[journal->segments.count - 1];
    ASSERT(newest->first == journal->writer.first_sequence);
    journal->unchecked_bytes += end - newest->end;
    segment_list_extend(&journal->segments, end);
    journal->next_sequence = next;
    journal->failure.status = ST_OK;
    atomic_store(&journal->committed, next);
    if (next > journal->awaited) {
        journal->awaited = UINT64_MAX; /* those who go on waiting say so again */
        (void)pthread_cond_broadcast(&journal->progress);
    }
    (void)pthread_mutex_unlock(&journal->lock);
}

static void note_failure(struct journal *journal, const struct error *err)
{
    (void)pthread_mutex_lock(&journal->lock);
    journal->failure = *err;
    (void)pthread_mutex_unlock(&journal->lock);
}

/* `done` may free the batch or submit it again, so it is let go of first. */
static void hand_back(struct journal *journal, struct append_batch *first,
                      const struct append_batch *stop, enum status status, const struct error *err)
{
    while (first != stop) {
        struct append_batch *batch = first;
        first = batch->next;
        (void)pthread_mutex_lock(&journal->lock);
        journal->pending_bytes -= append_batch_size(batch);
        (void)pthread_mutex_unlock(&journal->lock);
        batch->next = NULL;
        batch->done(batch->context, batch, status, err);
    }
}

static void commit_span(struct journal *journal, struct append_batch *first,
                        const struct append_batch *stop)
{
    struct error err = {0};
    uint64_t next = journal->next_sequence;

    enum status st = write_and_sync(journal, first, stop, &next, &err);
    if (st != ST_OK)
        st = write_and_sync(journal, first, stop, &next, &err); /* in a fresh segment */
    if (st == ST_OK) {
        publish(journal, next);
    } else {
        st = err.status = ST_IO;
        note_failure(journal, &err);
    }
    hand_back(journal, first, stop, st, &err);
}

static void *run(void *context)
{
    struct journal *journal = context;

    for (;;) {
        struct append_batch *batch = take_waiting(journal);
        if (batch == NULL)
            break;
        journal->commit_started_ns = clock_monotonic_ns();
        while (batch != NULL) {
            struct append_batch *stop = choose_span(journal, batch);
            commit_span(journal, batch, stop);
            batch = stop;
        }
        if (journal->unchecked_bytes >= DISK_CHECK_BYTES)
            check_disk(journal);
        if (journal->writer.position >= journal->settings.segment_size) {
            struct error ignored; /* the next commit tries again and has somebody to tell */
            segment_writer_close(&journal->writer);
            (void)(open_segment(journal, &ignored) == ST_OK);
        }
    }
    segment_writer_close(&journal->writer);
    return NULL;
}

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
    check_disk(journal);
    int result = pthread_create(&journal->thread, NULL, run, journal);
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
        if (disk_is_low(journal)) {
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
        bool was_enough = journal->queue_bytes >= GROUP_BYTES_ENOUGH;
        *journal->queue_end = taken;
        journal->queue_end = &taken->next;
        journal->queue_bytes += size;
        journal->pending_bytes += size;
        if (was_empty || (!was_enough && journal->queue_bytes >= GROUP_BYTES_ENOUGH))
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
    return disk_is_low(journal) ? refuse_low_disk(journal, err) : ST_OK;
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
        wait_until(&journal->progress, &journal->lock, deadline_ns);
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

/* Removes the oldest segment; false: it stays. */
static bool remove_oldest(struct journal *journal, uint64_t first)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, first);
    if (journal->settings.io->unlink_at(journal->dir.fd, name) < 0 && errno != ENOENT)
        return false;
    (void)pthread_mutex_lock(&journal->lock);
    segment_list_retire(&journal->segments, first);
    (void)pthread_mutex_unlock(&journal->lock);
    return true;
}

/* One after the other, oldest first, each synced: after a crash the rest has no gap that would
 * look like loss.  What cannot be removed now is tried again next time. */
void journal_retire(struct journal *journal, uint64_t sequence)
{
    bool goes_on = true;

    while (goes_on) {
        struct error ignored;
        (void)pthread_mutex_lock(&journal->lock);
        const struct segment_list *list = &journal->segments;
        bool may_retire = segment_list_may_retire(list, sequence);
        uint64_t first = may_retire ? list->items[0].first : 0;
        (void)pthread_mutex_unlock(&journal->lock);
        goes_on = may_retire && remove_oldest(journal, first) &&
                  disk_sync_dir(journal->settings.io, journal->dir.fd, &ignored) == ST_OK;
    }
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
    const struct segment_list *list = &journal->segments;
    bool has_any = list->count > 0;
    if (has_any) {
        size_t i = segment_list_find(list, sequence);
        ret->segment = list->items[i];
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
