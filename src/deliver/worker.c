/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c -- see worker.h: the life of a worker, and how far it has come.
 *
 * The lanes do the work (lane.c): they claim ranges of the journal in its order (lane_claim.c),
 * send them side by side (lane_send.c), and settle them in any order; window.h says where the
 * cursor may stand then, gate.h who may send when the destination fails.
 *
 * Saving.  The cursor goes to what the window has settled, and before that the dead letters are
 * synced: a letter is put before its record is settled, so those below the cursor are among them.
 * One lane saves at a time; another that finds it due meanwhile leaves that to the next.
 *
 * Stopping.  The request (stop.h) ends every wait, and the journal's waiters are woken.  A send
 * that is still under way at the deadline is cancelled where the exporter can do that. */
#include "deliver/worker.h"

#include <inttypes.h>
#include <stdlib.h>

#include "deliver/worker_internal.h"
#include "deliver/write_off.h"
#include "util/clock.h"

enum {
    CLAIMS_PER_LANE = 2,   /* a lane that is slow does not stop the others at once */
    DEAD_LETTER_FILES = 4, /* at least, when they are full: the oldest must be one of several */
};

#define DEAD_LETTER_FILE  (UINT64_C(64) << 20)
#define DEAD_LETTER_TOTAL (UINT64_C(1) << 30)

/* --- Waiting ---------------------------------------------------------------------------------- */

void worker_await(struct worker *worker, pthread_cond_t *condition, uint64_t until_ns)
{
    uint64_t latest_ns = clock_monotonic_ns() + 3600 * NS_PER_S;
    uint64_t stop_ns = stop_deadline(&worker->stop);

    if (until_ns > stop_ns)
        until_ns = stop_ns;
    if (until_ns > latest_ns)
        until_ns = latest_ns;
    const struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                                   .tv_nsec = (long)(until_ns % NS_PER_S)};
    (void)pthread_cond_timedwait(condition, &worker->lock, &until); /* the caller looks again */
}

bool worker_must_end(const struct worker *worker)
{
    return worker->given_up || stop_is_overdue(&worker->stop);
}

/* --- The cursor ------------------------------------------------------------------------------- */

/* Progress hears what is settled, with `disk` held. */
static void tell_progress(struct worker *worker)
{
    worker_lock(worker);
    uint64_t settled = window_settled(&worker->window);
    uint64_t size = worker->unsaved_size;
    worker->unsaved_size = 0;
    worker_unlock(worker);
    progress_settle(worker->progress, settled, size);
}

static void show_position(struct worker *worker)
{
    account_set_position(&worker->account, progress_durable(worker->progress),
                         progress_next(worker->progress), journal_committed(worker->journal));
}

/* With `disk` held.  Dead letters first: the cursor may not pass a record that a crash could
 * still lose. */
static void save(struct worker *worker)
{
    struct error err;

    enum status st = dead_letter_sync(worker->letters, &err);
    if (st == ST_OK)
        st = progress_save(worker->progress, clock_monotonic_ns(), &err);
    if (st != ST_OK) /* delivery goes on; a crash would repeat more */
        account_note_error(&worker->account, "export.cursor", &err);
    show_position(worker);
}

void worker_save(struct worker *worker)
{
    (void)pthread_mutex_lock(&worker->disk); /* fails only if we hold it */
    tell_progress(worker);
    save(worker);
    (void)pthread_mutex_unlock(&worker->disk); /* fails only if we do not hold it */
}

void worker_save_skipped(struct worker *worker)
{
    worker_save(worker);
    if (worker->settings.on_room != NULL)
        worker->settings.on_room(worker->settings.context);
}

void worker_save_if_due(struct worker *worker)
{
    if (pthread_mutex_trylock(&worker->disk) != 0)
        return; /* somebody saves, or writes a letter: it is still due the next time */
    tell_progress(worker);
    if (progress_is_due(worker->progress, clock_monotonic_ns()))
        save(worker);
    (void)pthread_mutex_unlock(&worker->disk); /* fails only if we do not hold it */
}

/* --- Starting and stopping -------------------------------------------------------------------- */

static void report_start(struct worker *worker, const struct progress_start *start)
{
    static const char *const findings[] = {
        [PROGRESS_CORRUPT] = "the cursor is damaged",
        [PROGRESS_BEYOND_JOURNAL] = "the cursor is not of this journal",
    };
    struct error err;

    if (start->finding != PROGRESS_SOUND) {
        (void)error_set(&err, ST_CORRUPT,
                        "%s; it was put aside, delivery begins again at record %" PRIu64,
                        findings[start->finding], progress_next(worker->progress));
        account_note_error(&worker->account, "export.cursor", &err);
    }
    if (start->missing_records > 0)
        account_missing(&worker->account, start->missing_records);
    show_position(worker);
}

static enum status open_replay(struct worker *worker, const char *file_name, struct error *err)
{
    const struct replay_settings settings = {
        .dir = worker->settings.dead_letter_dir,
        .name = file_name,
        .exporter = worker->account.name,
        .letters = worker->letters,
        .io = worker->settings.io,
    };

    return replay_open(&settings, &worker->replay, err);
}

static size_t window_capacity(const struct worker *worker)
{
    return worker->settings.lanes_max == 1 ? 1 : worker->settings.lanes_max * CLAIMS_PER_LANE;
}

static enum status open_state(struct worker *worker, struct error *err)
{
    char file_name[DEAD_LETTER_NAME_SIZE];
    struct progress_start start;

    enum status st = dead_letter_file_name(worker->account.name, file_name, err);
    if (st != ST_OK)
        return st;
    const struct progress_settings progress = {
        .dir = worker->settings.cursor_dir,
        .name = file_name,
        .oldest = journal_oldest(worker->journal),
        .committed = journal_committed(worker->journal),
        .io = worker->settings.io,
    };
    uint64_t letters_size = worker->settings.dead_letter_size_max != 0
                                ? worker->settings.dead_letter_size_max
                                : DEAD_LETTER_TOTAL;
    const struct dead_letter_settings letters = {
        .dir = worker->settings.dead_letter_dir,
        .name = file_name,
        .exporter = worker->account.name,
        .file_size = letters_size / DEAD_LETTER_FILES < DEAD_LETTER_FILE
                         ? letters_size / DEAD_LETTER_FILES
                         : DEAD_LETTER_FILE,
        .total_size = letters_size,
        .drop_oldest = worker->settings.dead_letters_drop_oldest,
        .ledger = worker->settings.ledger,
        .io = worker->settings.io,
    };
    st = progress_open(&progress, &worker->progress, &start, err);
    if (st == ST_OK)
        st = dead_letter_open(&letters, &worker->letters, err);
    if (st == ST_OK && !worker->settings.ops->in_order_only)
        st = open_replay(worker, file_name, err);
    if (st != ST_OK)
        return st;
    write_off_at_start(worker, &start);
    uint64_t next = progress_next(worker->progress);
    st = journal_reader_open(worker->journal, next, &worker->reader, err);
    if (st != ST_OK)
        return st;
    worker->reader_at = next;
    window_init(&worker->window, window_capacity(worker), next);
    report_start(worker, &start);
    return ST_OK;
}

/* Every lane's thread has ended, or none was started. */
static void destroy(struct worker *worker)
{
    if (worker->lanes != NULL && worker->lanes[0].created)
        worker->settings.ops->destroy(worker->lanes[0].exporter);
    free(worker->lanes);
    journal_reader_close(worker->reader);
    replay_close(worker->replay);
    dead_letter_close(worker->letters);
    progress_close(worker->progress);
    account_fini(&worker->account);
    stop_fini(&worker->stop);
    (void)pthread_cond_destroy(&worker->moved); /* nobody waits, nobody holds them */
    (void)pthread_cond_destroy(&worker->turn);
    (void)pthread_mutex_destroy(&worker->lock);
    (void)pthread_mutex_destroy(&worker->disk);
    free(worker);
}

static void init_locks(struct worker *worker)
{
    pthread_condattr_t attributes;

    /* None of these can fail with these arguments. */
    (void)pthread_mutex_init(&worker->disk, NULL);
    (void)pthread_mutex_init(&worker->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&worker->turn, &attributes);
    (void)pthread_cond_init(&worker->moved, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static enum status make_lanes(struct worker *worker, struct error *err)
{
    size_t count = worker->settings.lanes_max;

    worker->lanes = calloc(count, sizeof(*worker->lanes));
    if (worker->lanes == NULL)
        return error_set(err, ST_NO_MEMORY, "make %zu lanes", count);
    for (size_t i = 0; i < count; i++) {
        worker->lanes[i].worker = worker;
        worker->lanes[i].index = (unsigned)i;
        item_report_init(&worker->lanes[i].items);
        omission_init(&worker->lanes[i].omission);
    }
    worker->first_new_sequence = journal_committed(worker->journal);
    return lane_create_exporter(&worker->lanes[0], err);
}

static enum status start_first_lane(struct worker *worker, struct error *err)
{
    worker->running = 1;
    return lane_start(&worker->lanes[0], err);
}

enum status worker_start(const struct worker_settings *settings, struct journal *journal,
                         struct worker **ret, struct error *err)
{
    ASSERT(settings->batch_size_max > 0 && settings->batch_count_max > 0);
    ASSERT(settings->timeout_ns > 0);
    ASSERT(settings->retry_initial_ns > 0 && settings->retry_initial_ns <= settings->retry_max_ns);
    ASSERT(settings->lanes_max > 0 && settings->lanes_max <= WORKER_LANES_MAX);

    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL)
        return error_set(err, ST_NO_MEMORY, "start exporter '%s'", settings->name);
    enum status st = account_init(&worker->account, settings->name, err);
    if (st != ST_OK) {
        free(worker);
        return st;
    }
    const struct backoff backoff = {settings->retry_initial_ns, settings->retry_max_ns};
    worker->settings = *settings;
    if (settings->ops->in_order_only)
        worker->settings.lanes_max = 1;
    worker->journal = journal;
    worker->signals = exporter_signals(settings->ops, settings->config);
    ASSERT(worker->signals != 0); /* its check() sees to that */
    worker->full_count = 1;
    request_size_init(&worker->request_size, settings->batch_size_max);
    gate_init(&worker->gate, &backoff);
    atomic_init(&worker->has_ended, false);
    stop_init(&worker->stop);
    init_locks(worker);

    st = open_state(worker, err);
    if (st == ST_OK)
        st = make_lanes(worker, err);
    if (st == ST_OK)
        st = start_first_lane(worker, err);
    if (st != ST_OK) {
        destroy(worker);
        return error_context(err, "start exporter '%s'", settings->name);
    }
    *ret = worker;
    return ST_OK;
}

/* Nothing waits any more without looking. */
static void wake_all(struct worker *worker)
{
    worker_lock(worker);
    (void)pthread_cond_broadcast(&worker->turn);
    (void)pthread_cond_broadcast(&worker->moved);
    worker_unlock(worker);
    journal_wake(worker->journal);
}

void worker_skip_to(struct worker *worker, uint64_t sequence)
{
    uint64_t committed = journal_committed(worker->journal);

    if (sequence > committed)
        sequence = committed;
    worker_lock(worker);
    if (sequence > worker->skip_to)
        worker->skip_to = sequence;
    worker_unlock(worker);
    wake_all(worker);
}

void worker_ask_for_room(struct worker *worker, const struct worker_room *room)
{
    if (worker->settings.ops->make_room == NULL)
        return;
    worker_lock(worker);
    worker->room = *room;
    worker->wants_room = true;
    worker_unlock(worker);
    wake_all(worker);
}

void worker_ask_to_stop(struct worker *worker, uint64_t deadline_ns)
{
    if (worker == NULL)
        return;
    stop_ask(&worker->stop, deadline_ns);
    wake_all(worker);
}

/* `lock` is held: an exporter lives as long as its lane says so under it. */
static void cancel_sends(struct worker *worker)
{
    if (worker->settings.ops->cancel == NULL)
        return;
    for (size_t i = 0; i < worker->settings.lanes_max; i++) {
        if (worker->lanes[i].created)
            worker->settings.ops->cancel(worker->lanes[i].exporter);
    }
}

/* Until the last lane has ended; those that are not done at the deadline are hurried. */
static void wait_for_lanes(struct worker *worker)
{
    worker_lock(worker);
    while (worker->running > 0 && !stop_is_overdue(&worker->stop))
        worker_await(worker, &worker->turn, GATE_NO_TIME);
    if (worker->running > 0)
        cancel_sends(worker);
    while (worker->running > 0)
        (void)pthread_cond_wait(&worker->turn, &worker->lock);
    worker_unlock(worker);
}

void worker_stop(struct worker *worker, uint64_t deadline_ns)
{
    if (worker == NULL)
        return;
    worker_ask_to_stop(worker, deadline_ns);
    wait_for_lanes(worker);
    for (size_t i = 0; i < worker->settings.lanes_max; i++) {
        if (worker->lanes[i].life == LANE_ENDED)
            (void)pthread_join(worker->lanes[i].thread, NULL); /* nobody else joins it */
    }
    destroy(worker);
}

bool worker_has_ended(const struct worker *worker)
{
    return atomic_load(&worker->has_ended);
}

uint64_t worker_durable_sequence(const struct worker *worker)
{
    return progress_durable(worker->progress);
}

void worker_read_status(struct worker *worker, struct worker_status *ret)
{
    account_read(&worker->account, ret);
}

const char *worker_name(const struct worker *worker)
{
    return worker->account.name;
}
