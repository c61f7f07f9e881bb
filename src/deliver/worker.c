/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c -- see worker.h.
 *
 *            nothing new                    committed records
 *     IDLE <------------- (read a batch) ----------------> SENDING
 *       |  journal_wait()       ^                             |
 *       '---------------------->'   settled: cursor follows   |
 *                               '<----------------------------+ DONE, dead letter
 *                               ^                             |
 *                               |        the same part        v RETRY
 *                               '---------------- WAITING_TO_RETRY
 *
 * A batch borrows from the reader until the next read, so it is sent from the same bytes however
 * often that takes.  Parts of a batch (split.h) are settled from left to right, so that a stop in
 * the middle keeps what is done.
 *
 * Company.  When fewer records wait than a request may hold, the worker gives others
 * batch_delay_ns to join.  What "full" is, in records, it learns from the last batch.
 *
 * Brake.  A destination that refuses one record after the other has more likely broken down than
 * met so many bad ones.  Behind DEAD_STREAK_MAX dead letters without a record accepted in between,
 * every further send waits, up to BRAKE_MAX_NS: the destination is not hammered, the backlog
 * stays in the journal for somebody to notice, and yet a run of bad records comes to its end.
 *
 * Dead letters that somebody wants sent again (replay.h) go the same way, one at a time, in turns
 * with what is new.
 *
 * Stopping.  The request (stop.h) ends the sleep of the backoff, and the journal's waiters are
 * woken.  A worker that has been asked to stop drains what is committed
 * and gives up at the first failure: a destination that is down must not hold the shutdown up.
 */
#include "deliver/worker.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "deliver/account.h"
#include "deliver/backoff.h"
#include "deliver/dead_letter.h"
#include "deliver/progress.h"
#include "deliver/replay.h"
#include "deliver/split.h"
#include "deliver/stop.h"
#include "journal/reader.h"
#include "util/clock.h"
#include "util/random.h"

enum {
    THREAD_NAME_MAX = 16,         /* Linux' limit */
    SIZE_LEARNED_MIN = 64 * 1024, /* a destination's limit is not believed to be below this */
    DEAD_STREAK_MAX = 16,         /* dead letters in a row that are taken for granted */
};

#define TICK_NS           NS_PER_S
#define BRAKE_MAX_NS      NS_PER_S
#define DEAD_LETTER_FILE  (UINT64_C(64) << 20)
#define DEAD_LETTER_TOTAL (UINT64_C(1) << 30)

struct worker {
    struct worker_settings settings; /* its pointers: as worker.h says; not the directories */
    struct journal *journal;         /* borrowed */
    pthread_t thread;
    /* the worker's thread, once it runs */
    void *exporter;                /* owned */
    bool created;                  /* `exporter` may be NULL and yet be there */
    struct journal_reader *reader; /* owned */
    struct progress *progress;     /* owned */
    struct dead_letter *letters;   /* owned */
    struct replay *replay;         /* owned; NULL: letters cannot be sent again */
    struct batch_limits limits;
    size_t full_count;      /* about as many records fill a request */
    uint64_t last_tick_ns;  /* monotonic */
    uint32_t dead_streak;   /* dead letters since a record was accepted */
    struct account account; /* has its own rule */
    struct stop stop;       /* shared; likewise */
    atomic_bool has_ended;  /* shared, atomic */
};

/* What becomes of one part of a batch. */
enum fate { FATE_SETTLED, FATE_AGAIN, FATE_HALVE };

/* --- Waiting ---------------------------------------------------------------------------------- */

/* Waits, in `state`, before attempt number `attempt` + 1. */
static void back_off(struct worker *worker, enum worker_state state, uint32_t attempt,
                     uint32_t asked_ms, const struct error *err)
{
    const struct backoff backoff = {worker->settings.retry_initial_ns,
                                    worker->settings.retry_max_ns};

    uint64_t delay_ns = backoff_delay_ns(&backoff, attempt, asked_ms, random_bits());
    account_retry(&worker->account, err, delay_ns);
    account_set_state(&worker->account, state);
    stop_sleep(&worker->stop, delay_ns);
}

/* --- The cursor ------------------------------------------------------------------------------- */

static void show_position(struct worker *worker)
{
    account_set_position(&worker->account, progress_durable(worker->progress),
                         progress_next(worker->progress), journal_committed(worker->journal));
}

/* Dead letters first: the cursor may not pass a record that a crash could still lose. */
static void save_progress(struct worker *worker)
{
    struct error err;

    enum status st = dead_letter_sync(worker->letters, &err);
    if (st == ST_OK)
        st = progress_save(worker->progress, clock_monotonic_ns(), &err);
    if (st != ST_OK) /* delivery goes on; a crash would repeat more */
        account_note_error(&worker->account, "export.cursor", &err);
    show_position(worker);
}

static void settle(struct worker *worker, uint64_t next, size_t size)
{
    progress_settle(worker->progress, next, size);
    if (progress_is_due(worker->progress, clock_monotonic_ns()))
        save_progress(worker);
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* Puts every record of `part` among the dead letters; all or, on failure, to be repeated. */
static enum fate bury(struct worker *worker, const struct batch *part, const char *reason,
                      const char *words, uint64_t attempts, struct error *err)
{
    const struct dead_letter_reason why = {reason, words, attempts, clock_unix_ns()};

    for (size_t i = 0; i < part->record_count; i++) {
        if (dead_letter_put(worker->letters, part, i, &why, err) != ST_OK)
            return FATE_AGAIN;
        account_dead(&worker->account, reason, words);
        if (worker->dead_streak < UINT32_MAX)
            worker->dead_streak++;
    }
    return FATE_SETTLED;
}

/* The request was accepted, perhaps not all of it.  Which records were refused is not said, so
 * only when it is all of them can they be kept. */
static enum fate accept_part(struct worker *worker, const struct batch *part,
                             const struct export_report *report, uint64_t attempts,
                             struct error *err)
{
    uint64_t refused =
        report->rejected_count < part->record_count ? report->rejected_count : part->record_count;

    account_delivered(&worker->account, part->record_count - refused, report->sent_bytes);
    if (refused == part->record_count)
        return bury(worker, part, "rejected", report->message, attempts, err);
    worker->dead_streak = 0;
    if (refused > 0)
        account_refused_within(&worker->account, refused, report->message);
    return FATE_SETTLED;
}

/* A limit that the destination has shown is kept to from now on. */
static void learn_size(struct worker *worker, const struct batch *part)
{
    size_t half = part->size_bytes / 2;

    if (half < SIZE_LEARNED_MIN)
        half = SIZE_LEARNED_MIN;
    if (half < worker->limits.size_max)
        worker->limits.size_max = half;
}

static enum fate refuse_part(struct worker *worker, const struct batch *part, bool too_large,
                             uint64_t attempts, struct error *err)
{
    char words[sizeof(err->text)];

    if (part->record_count > 1) {
        if (too_large)
            learn_size(worker, part);
        return FATE_HALVE;
    }
    snprintf(words, sizeof(words), "%s", err->text);
    return bury(worker, part, too_large ? "too_large" : "rejected", words, attempts, err);
}

/* Sends a part once. */
static enum fate send_part(struct worker *worker, const struct batch *part, uint64_t attempts,
                           uint32_t *ret_asked_ms, struct error *err)
{
    struct export_report report = {.rejected_count = 0};
    uint64_t deadline_ns = clock_monotonic_ns() + worker->settings.timeout_ns;
    uint64_t stop_ns = stop_deadline(&worker->stop);

    account_set_state(&worker->account, WORKER_SENDING);
    *err = (struct error){.status = ST_OK};
    enum export_result result = worker->settings.ops->send(
        worker->exporter, part, deadline_ns < stop_ns ? deadline_ns : stop_ns, &report, err);
    *ret_asked_ms = report.retry_after_ms;
    switch (result) {
    case EXPORT_DONE:
        return accept_part(worker, part, &report, attempts, err);
    case EXPORT_REJECTED:
        return refuse_part(worker, part, false, attempts, err);
    case EXPORT_TOO_LARGE:
        return refuse_part(worker, part, true, attempts, err);
    case EXPORT_RETRY:
        break;
    }
    return FATE_AGAIN;
}

static void brake(struct worker *worker)
{
    uint64_t max_ns = worker->settings.retry_max_ns;
    const struct backoff backoff = {worker->settings.retry_initial_ns,
                                    max_ns < BRAKE_MAX_NS ? max_ns : BRAKE_MAX_NS};

    if (worker->dead_streak < DEAD_STREAK_MAX)
        return;
    save_progress(worker);
    account_set_state(&worker->account, WORKER_WAITING_TO_RETRY);
    stop_sleep(&worker->stop,
               backoff_delay_ns(&backoff, worker->dead_streak - DEAD_STREAK_MAX, 0, random_bits()));
}

/* Sends a part until it has its fate.  FATE_AGAIN: the worker is stopping and it has none. */
static enum fate send_until_settled(struct worker *worker, const struct batch *part)
{
    struct error err;
    uint32_t asked_ms;

    brake(worker);
    for (uint32_t attempt = 0;; attempt++) {
        /* Once it is to stop, one attempt must do, and there must be time and hope for it. */
        bool last = stop_is_asked(&worker->stop);
        if (last && (stop_is_overdue(&worker->stop) || worker->dead_streak >= DEAD_STREAK_MAX))
            return FATE_AGAIN;
        enum fate fate = send_part(worker, part, attempt + (uint64_t)1, &asked_ms, &err);
        if (fate != FATE_AGAIN)
            return fate;
        save_progress(worker); /* it may be a long wait */
        if (last) {
            account_retry(&worker->account, &err, 0);
            return FATE_AGAIN;
        }
        back_off(worker, WORKER_WAITING_TO_RETRY, attempt, asked_ms, &err);
    }
}

/* Delivers a batch, whole or in parts; false: the worker is stopping with some of it unsettled. */
static bool deliver(struct worker *worker, const struct batch *batch, uint64_t next)
{
    struct split split;
    size_t first;
    size_t count;

    split_init(&split, batch->record_count);
    while (split_next(&split, &first, &count)) {
        struct batch part = split_cut(batch, first, count);
        enum fate fate = send_until_settled(worker, &part);
        if (fate == FATE_AGAIN)
            return false;
        if (fate == FATE_HALVE) {
            split_halve(&split);
            continue;
        }
        split_settle(&split);
        /* Behind the last record there may be damage, which `next` has passed. */
        bool all = first + count == batch->record_count;
        settle(worker, all ? next : batch->records[first + count].sequence, part.size_bytes);
    }
    return true;
}

/* --- The thread ------------------------------------------------------------------------------- */

static void tick(struct worker *worker)
{
    uint64_t now_ns = clock_monotonic_ns();
    struct error err;

    if (now_ns - worker->last_tick_ns < TICK_NS)
        return;
    worker->last_tick_ns = now_ns;
    if (worker->settings.ops->tick == NULL)
        return;
    if (worker->settings.ops->tick(worker->exporter, clock_unix_ns(), &err) != ST_OK)
        account_note_error(&worker->account, "export.tick", &err);
}

static void wait_for_records(struct worker *worker)
{
    uint64_t next = progress_next(worker->progress);

    account_set_state(&worker->account, WORKER_IDLE);
    tick(worker);
    if (!stop_is_asked(&worker->stop))
        journal_wait(worker->journal, next, clock_monotonic_ns() + TICK_NS);
}

/* Lets records wait for company, but not longer than they may. */
static void wait_for_company(struct worker *worker)
{
    uint64_t full = progress_next(worker->progress) + worker->full_count;

    if (worker->settings.batch_delay_ns == 0 || stop_is_asked(&worker->stop) ||
        journal_committed(worker->journal) >= full)
        return;
    journal_wait(worker->journal, full - 1, clock_monotonic_ns() + worker->settings.batch_delay_ns);
}

static void learn_full_count(struct worker *worker, const struct batch *batch)
{
    size_t record_size = batch->size_bytes / batch->record_count + 1;
    size_t count = worker->limits.size_max / record_size;

    if (count > worker->limits.count_max)
        count = worker->limits.count_max;
    worker->full_count = count > 0 ? count : 1;
}

/* Reads and delivers one batch; false: the thread is to end. */
static bool work(struct worker *worker)
{
    struct batch batch;
    uint64_t next;
    uint64_t missing = 0;
    struct error err;

    wait_for_company(worker);
    enum status st =
        journal_reader_next(worker->reader, &worker->limits, &batch, &next, &missing, &err);
    if (st != ST_OK) {
        bool last = stop_is_asked(&worker->stop);
        /* A disk that fails gets the longest wait. */
        back_off(worker, WORKER_FAILED, UINT32_MAX, 0, &err);
        return !last;
    }
    if (missing > 0)
        account_missing(&worker->account, missing);
    if (batch.record_count == 0) {
        settle(worker, next, 0); /* over damage */
        return true;
    }
    learn_full_count(worker, &batch);
    return deliver(worker, &batch, next);
}

/* Sends one dead letter again, if somebody has asked for that; false: the thread is to end. */
static bool replay_one(struct worker *worker)
{
    struct batch batch;
    struct error err;

    if (replay_next(worker->replay, clock_monotonic_ns(), &batch, &err) != ST_OK) {
        account_note_error(&worker->account, "export.replay", &err);
        return true;
    }
    if (batch.record_count == 0)
        return true;
    if (send_until_settled(worker, &batch) == FATE_AGAIN)
        return false;
    replay_settle(worker->replay);
    account_replayed(&worker->account);
    return true;
}

static void save_at_end(struct worker *worker)
{
    struct error err;

    if (replay_save(worker->replay, &err) != ST_OK) /* more is sent again */
        account_note_error(&worker->account, "export.replay", &err);
    save_progress(worker);
}

static void *run(void *context)
{
    struct worker *worker = context;

    worker->last_tick_ns = clock_monotonic_ns();
    for (;;) {
        /* Asked before looking: what was committed before the request to stop is seen below. */
        bool stopping = stop_is_asked(&worker->stop);
        if (stopping && stop_is_overdue(&worker->stop))
            break;
        /* One letter, then what is new, in turns. */
        if (!stopping && replay_is_due(worker->replay, clock_monotonic_ns()) && !replay_one(worker))
            break;
        if (journal_committed(worker->journal) > progress_next(worker->progress)) {
            if (!work(worker))
                break;
            continue;
        }
        save_progress(worker);
        if (stopping)
            break;
        if (!replay_is_due(worker->replay, clock_monotonic_ns()))
            wait_for_records(worker);
    }
    save_at_end(worker);
    account_set_state(&worker->account, WORKER_IDLE);
    atomic_store(&worker->has_ended, true);
    return NULL;
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
    const struct dead_letter_settings letters = {
        .dir = worker->settings.dead_letter_dir,
        .name = file_name,
        .exporter = worker->account.name,
        .file_size = DEAD_LETTER_FILE,
        .total_size = DEAD_LETTER_TOTAL,
        .io = worker->settings.io,
    };
    st = progress_open(&progress, &worker->progress, &start, err);
    if (st == ST_OK)
        st = dead_letter_open(&letters, &worker->letters, err);
    if (st == ST_OK && !worker->settings.ops->in_order_only)
        st = open_replay(worker, file_name, err);
    if (st == ST_OK) {
        st = journal_reader_open(worker->journal, progress_next(worker->progress), &worker->reader,
                                 err);
    }
    if (st == ST_OK)
        report_start(worker, &start);
    return st;
}

static enum status create_exporter(struct worker *worker, struct error *err)
{
    const struct exporter_context context = {.name = worker->account.name,
                                             .state_dir = worker->settings.state_dir,
                                             .first_new_sequence =
                                                 journal_committed(worker->journal),
                                             .io = worker->settings.io};

    enum status st =
        worker->settings.ops->create(worker->settings.config, &context, &worker->exporter, err);
    worker->created = st == ST_OK;
    return st;
}

static enum status start_thread(struct worker *worker, struct error *err)
{
    char name[THREAD_NAME_MAX];

    int failed = pthread_create(&worker->thread, NULL, run, worker);
    if (failed != 0)
        return error_set(err, ST_IO, "start a thread: error %d", failed);
    snprintf(name, sizeof(name), "%.15s", worker->account.name);
    (void)pthread_setname_np(worker->thread, name); /* only a help for people */
    return ST_OK;
}

static void destroy(struct worker *worker)
{
    if (worker->created)
        worker->settings.ops->destroy(worker->exporter);
    journal_reader_close(worker->reader);
    replay_close(worker->replay);
    dead_letter_close(worker->letters);
    progress_close(worker->progress);
    account_fini(&worker->account);
    stop_fini(&worker->stop);
    free(worker);
}

enum status worker_start(const struct worker_settings *settings, struct journal *journal,
                         struct worker **ret, struct error *err)
{
    ASSERT(settings->batch_size_max > 0 && settings->batch_count_max > 0);
    ASSERT(settings->timeout_ns > 0);
    ASSERT(settings->retry_initial_ns > 0 && settings->retry_initial_ns <= settings->retry_max_ns);

    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL)
        return error_set(err, ST_NO_MEMORY, "start exporter '%s'", settings->name);
    enum status st = account_init(&worker->account, settings->name, err);
    if (st != ST_OK) {
        free(worker);
        return st;
    }
    worker->settings = *settings;
    worker->journal = journal;
    worker->limits = (struct batch_limits){settings->batch_size_max, settings->batch_count_max};
    worker->full_count = 1;
    atomic_init(&worker->has_ended, false);
    stop_init(&worker->stop);

    st = open_state(worker, err);
    if (st == ST_OK)
        st = create_exporter(worker, err);
    if (st == ST_OK)
        st = start_thread(worker, err);
    if (st != ST_OK) {
        destroy(worker);
        return error_context(err, "start exporter '%s'", settings->name);
    }
    *ret = worker;
    return ST_OK;
}

void worker_ask_to_stop(struct worker *worker, uint64_t deadline_ns)
{
    if (worker == NULL)
        return;
    stop_ask(&worker->stop, deadline_ns);
    journal_wake(worker->journal);
}

void worker_stop(struct worker *worker, uint64_t deadline_ns)
{
    if (worker == NULL)
        return;
    worker_ask_to_stop(worker, deadline_ns);
    (void)pthread_join(worker->thread, NULL); /* it was started, and nobody else joins it */
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
