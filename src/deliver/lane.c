/* SPDX-License-Identifier: Apache-2.0 */
/* lane.c -- the thread of a lane: claim, send, settle, and again.
 *
 *            nothing to claim                 a batch
 *     IDLE <----------------- (claim) ------------------> SENDING <------.
 *       |                        ^                          |            |
 *       '------ something ------>'      settled, in parts   |            | let in
 *                                '<-------------------------+            |
 *                                                           | again      |
 *                                                           '-> WAITING -'
 *
 * The first lane is always there.  It waits for new records, lets them wait for company, calls the
 * exporter's tick() and sends dead letters again.  The others are helpers: a lane that claims a
 * batch calls one if the journal has another full request and requests spend their time waiting
 * for the destination; when it is our own processor that they wait for, another lane would only
 * cost memory.  Helpers claim full requests only, and one that has found nothing to do for
 * helper_idle_ns goes, and its exporter with it.  So what is left over is always the first lane's,
 * and an idle destination has one thread and one connection.
 *
 * Company.  When fewer records wait than a request may hold, the first lane gives others
 * batch_delay_ns to join.  What "full" is, in records, is learnt from the last batch. */
#include <stdio.h>

#include "deliver/split.h"
#include "deliver/worker_internal.h"
#include "deliver/write_off.h"
#include "util/clock.h"

enum { THREAD_NAME_MAX = 16 }; /* Linux' limit */

#define TICK_NS        NS_PER_S
#define HELPER_IDLE_NS (5 * NS_PER_S)
#define HELPER_FAILURE_NS                                                                          \
    (60 * NS_PER_S) /* before a lane is tried again that could not be made                         \
                     */

void lane_set_state(struct lane *lane, enum worker_state state)
{
    account_change_state(&lane->worker->account, lane->state, state);
    lane->state = state;
}

/* --- Delivering ------------------------------------------------------------------------------- */

/* Nobody wants the part any more: true when that is written down, false when the lane ends first,
 * and then the part is as it was. */
static bool give_up(struct lane *lane, const struct batch *part)
{
    struct worker *worker = lane->worker;
    struct error err;

    while (write_off_part(worker, part, &err) != ST_OK) {
        account_retry(&worker->account, &err, worker->settings.retry_max_ns);
        lane_set_state(lane, WORKER_FAILED);
        if (stop_is_asked(&worker->stop))
            return false;
        stop_sleep(&worker->stop, worker->settings.retry_max_ns);
    }
    return true;
}

/* Of the `count` records from `first` on some have their outcome: moves the others behind them, in
 * their order, in a list of the lane's own.  Gives how many have it. */
static size_t put_aside_settled(struct lane *lane, struct batch *batch, size_t first, size_t count)
{
    size_t to = first + count;

    if (batch->records != lane->left)
        memcpy(lane->left, batch->records, batch->record_count * sizeof(*lane->left));
    batch->records = lane->left;
    for (size_t i = count; i-- > 0;) {
        if (!item_is_settled(&lane->items, i))
            lane->left[--to] = lane->left[first + i];
    }
    return to - first;
}

/* Delivers a claim, whole or in parts; false: the lane is to end with some of it unsettled. */
static bool deliver(struct lane *lane, const struct claim *claim)
{
    struct batch batch = claim->batch;
    struct split split;
    size_t first;
    size_t count;

    split_init(&split, batch.record_count);
    while (split_next(&split, &first, &count)) {
        struct batch part = split_cut(&batch, first, count);
        size_t size = part.size_bytes;
        enum fate fate = lane_send(lane, &part, true);
        if (fate == FATE_STOPPED)
            return false;
        if (fate == FATE_HALVE) {
            split_halve(&split);
            continue;
        }
        if (fate == FATE_SKIPPED && !give_up(lane, &part))
            return false;
        if (fate == FATE_PARTLY) {
            size_t settled = put_aside_settled(lane, &batch, first, count);
            size -= split_cut(&batch, first + settled, count - settled).size_bytes;
            count = settled;
        }
        split_settle(&split, count);
        /* Behind the last record there may be damage, which `next` has passed. */
        bool all = first + count == batch.record_count;
        lane_settle(lane, claim, all ? claim->next : batch.records[first + count].sequence, size);
        if (fate == FATE_SKIPPED)
            worker_save_skipped(lane->worker);
    }
    return true;
}

/* --- Helpers ---------------------------------------------------------------------------------- */

/* A lane without a thread becomes LANE_BEGINNING; NULL: there is none, or it is not the time. */
static struct lane *reserve_helper(struct worker *worker)
{
    struct lane *found = NULL;

    if (stop_is_asked(&worker->stop) || worker->gate.failures > 0 ||
        clock_monotonic_ns() < worker->helper_not_before_ns)
        return NULL;
    for (size_t i = 0; i < worker->settings.lanes_max && found == NULL; i++) {
        struct lane *lane = &worker->lanes[i];
        if (lane->life == LANE_ENDED)
            (void)pthread_join(lane->thread, NULL); /* it has nothing left to do */
        if (lane->life == LANE_ENDED || lane->life == LANE_NONE)
            found = lane;
    }
    if (found == NULL)
        return NULL;
    found->life = LANE_BEGINNING;
    worker->running++;
    return found;
}

static void begin_helper(struct lane *lane)
{
    struct worker *worker = lane->worker;
    struct error err;

    enum status st = lane_create_exporter(lane, &err);
    if (st == ST_OK)
        st = lane_start(lane, &err);
    if (st == ST_OK)
        return;
    if (lane->created)
        worker->settings.ops->destroy(lane->exporter);
    worker_lock(worker);
    lane->created = false;
    lane->life = LANE_NONE;
    worker->running--;
    worker->helper_not_before_ns = clock_monotonic_ns() + HELPER_FAILURE_NS;
    (void)pthread_cond_broadcast(&worker->turn);
    worker_unlock(worker);
    account_note_error(&worker->account, "export.lane", &err); /* with fewer, it goes on */
}

/* There is more than this lane can take: wakes a helper, or makes one. */
static void call_helper(struct worker *worker)
{
    worker_lock(worker);
    struct lane *helper = worker->idle_helpers == 0 ? reserve_helper(worker) : NULL;
    if (helper == NULL)
        (void)pthread_cond_broadcast(&worker->turn);
    worker_unlock(worker);
    if (helper != NULL)
        begin_helper(helper);
}

/* False: it has been idle for long enough, or the worker is stopping and leaves the rest to the
 * first lane. */
static bool wait_for_call(struct lane *lane)
{
    struct worker *worker = lane->worker;
    uint64_t until_ns = clock_monotonic_ns() + worker->settings.helper_idle_ns;
    bool called = false;

    worker_save(worker);
    lane_set_state(lane, WORKER_IDLE);
    worker_lock(worker);
    worker->idle_helpers++;
    for (;;) {
        called = worker_backlog(worker) >= worker->full_count;
        if (called || stop_is_asked(&worker->stop) || clock_monotonic_ns() >= until_ns)
            break;
        worker_await(worker, &worker->turn, until_ns);
    }
    worker->idle_helpers--;
    worker_unlock(worker);
    return called;
}

static uint64_t full_request(struct worker *worker)
{
    worker_lock(worker);
    uint64_t count = worker->full_count;
    worker_unlock(worker);
    return count;
}

/* Claims and delivers one batch of at least `least` records; false: the lane is to end. */
static bool work(struct lane *lane, uint64_t least, bool *ret_claimed)
{
    struct claim claim;

    enum claim_result result = lane_claim(lane, least, &claim);
    *ret_claimed = result == CLAIM_TAKEN;
    if (result != CLAIM_TAKEN)
        return result != CLAIM_END;
    if (claim.wants_help)
        call_helper(lane->worker);
    bool done = deliver(lane, &claim);
    lane_release(lane, &claim);
    return done;
}

static void run_helper(struct lane *lane)
{
    bool goes_on = true;

    while (goes_on) {
        bool claimed;
        goes_on = work(lane, full_request(lane->worker), &claimed);
        if (goes_on && !claimed)
            goes_on = wait_for_call(lane);
    }
}

/* --- Room on the disk ------------------------------------------------------------------------- */

void lane_make_room(struct lane *lane)
{
    struct worker *worker = lane->worker;
    uint64_t freed = 0;
    struct error err;

    if (lane->index != 0)
        return;
    worker_lock(worker);
    struct worker_room wanted = worker->room;
    bool is_wanted = worker->wants_room;
    worker->wants_room = false;
    worker_unlock(worker);
    if (!is_wanted)
        return;
    struct exporter_room room = {
        .wanted_bytes = wanted.wanted_bytes,
        .device = wanted.device,
        .delivered_below = wanted.delivered_below,
        .context = worker,
        .before_deletion = write_off_file,
    };
    memcpy(room.journal_id, journal_id(worker->journal), JOURNAL_ID_SIZE);
    if (worker->settings.ops->make_room(lane->exporter, &room, &freed, &err) != ST_OK)
        account_note_error(&worker->account, "export.make_room", &err);
    if (worker->settings.on_room != NULL)
        worker->settings.on_room(worker->settings.context);
}

/* --- The first lane --------------------------------------------------------------------------- */

static void tick(struct lane *lane)
{
    const struct exporter_ops *ops = lane->worker->settings.ops;
    uint64_t now_ns = clock_monotonic_ns();
    struct error err;

    if (now_ns - lane->last_tick_ns < TICK_NS)
        return;
    lane->last_tick_ns = now_ns;
    lane_trim(lane);
    if (ops->tick == NULL)
        return;
    if (ops->tick(lane->exporter, clock_unix_ns(), &err) != ST_OK)
        account_upkeep_failed(&lane->worker->account, &err);
}

/* What waits for a lane, and where it begins. */
static uint64_t look_at_backlog(struct worker *worker, uint64_t *ret_next, uint64_t *ret_full)
{
    worker_lock(worker);
    uint64_t backlog = worker_backlog(worker);
    *ret_next = window_next(&worker->window);
    *ret_full = *ret_next + worker->full_count;
    worker_unlock(worker);
    return backlog;
}

static void wait_for_records(struct lane *lane, uint64_t next)
{
    struct worker *worker = lane->worker;

    lane_set_state(lane, WORKER_IDLE);
    tick(lane);
    if (!stop_is_asked(&worker->stop))
        journal_wait(worker->journal, next, clock_monotonic_ns() + TICK_NS);
}

/* Lets records wait for company, but not longer than they may. */
static void wait_for_company(struct worker *worker, uint64_t full)
{
    if (worker->settings.batch_delay_ns == 0 || stop_is_asked(&worker->stop) ||
        journal_committed(worker->journal) >= full)
        return;
    journal_wait(worker->journal, full - 1, clock_monotonic_ns() + worker->settings.batch_delay_ns);
}

/* Replaying writes, renames and syncs files of the dead letters. */
static enum status next_letter(struct worker *worker, struct batch *ret, struct error *err)
{
    (void)pthread_mutex_lock(&worker->disk); /* fails only if we hold it */
    enum status st = replay_next(worker->replay, clock_monotonic_ns(), ret, err);
    (void)pthread_mutex_unlock(&worker->disk); /* fails only if we do not hold it */
    return st;
}

/* Sends one dead letter again, if somebody has asked for that; false: the lane is to end. */
static bool replay_one(struct lane *lane)
{
    struct worker *worker = lane->worker;
    struct batch batch;
    struct error err;

    if (next_letter(worker, &batch, &err) != ST_OK) {
        account_note_error(&worker->account, "export.replay", &err);
        return true;
    }
    if (batch.record_count == 0)
        return true;
    if (lane_send(lane, &batch, false) == FATE_STOPPED)
        return false;
    replay_settle(worker->replay);
    account_replayed(&worker->account);
    return true;
}

static void save_replay(struct worker *worker)
{
    struct error err;

    (void)pthread_mutex_lock(&worker->disk); /* fails only if we hold it */
    enum status st = replay_save(worker->replay, &err);
    (void)pthread_mutex_unlock(&worker->disk); /* fails only if we do not hold it */
    if (st != ST_OK)                           /* more is sent again */
        account_note_error(&worker->account, "export.replay", &err);
}

/* One letter, then what is new, in turns; false: the lane is to end. */
static bool take_turns(struct lane *lane)
{
    struct worker *worker = lane->worker;
    uint64_t next;
    uint64_t full;
    bool claimed;

    lane_make_room(lane);
    /* Asked before looking: what was committed before the request to stop is seen below. */
    bool stopping = stop_is_asked(&worker->stop);
    if (stopping && stop_is_overdue(&worker->stop))
        return false;
    if (!stopping && replay_is_due(worker->replay, clock_monotonic_ns()) && !replay_one(lane))
        return false;
    if (look_at_backlog(worker, &next, &full) > 0) {
        wait_for_company(worker, full);
        return work(lane, 1, &claimed);
    }
    worker_save(worker);
    if (stopping)
        return false;
    if (!replay_is_due(worker->replay, clock_monotonic_ns()))
        wait_for_records(lane, next);
    return true;
}

static void run_first(struct lane *lane)
{
    lane->last_tick_ns = clock_monotonic_ns();
    while (take_turns(lane))
        ;
    save_replay(lane->worker);
}

/* --- The thread ------------------------------------------------------------------------------- */

/* A helper takes its exporter along; the first lane's is the worker's owner's to destroy. */
static void drop_exporter(struct lane *lane)
{
    worker_lock(lane->worker);
    lane->created = false; /* nobody cancels it from here on */
    worker_unlock(lane->worker);
    lane->worker->settings.ops->destroy(lane->exporter);
}

static void *run(void *context)
{
    struct lane *lane = context;
    struct worker *worker = lane->worker;

    if (lane->index == 0)
        run_first(lane);
    else
        run_helper(lane);
    worker_save(worker);
    lane_set_state(lane, WORKER_IDLE);
    lane_trim(lane);
    if (lane->index > 0)
        drop_exporter(lane);

    worker_lock(worker);
    lane->life = LANE_ENDED;
    worker->running--;
    if (worker->running == 0)
        atomic_store(&worker->has_ended, true);
    (void)pthread_cond_broadcast(&worker->turn);
    worker_unlock(worker);
    return NULL;
}

enum status lane_create_exporter(struct lane *lane, struct error *err)
{
    struct worker *worker = lane->worker;
    const struct exporter_context context = {
        .name = worker->account.name,
        .state_dir = worker->settings.state_dir,
        .first_new_sequence = worker->first_new_sequence,
        .io = worker->settings.io,
        .notes = worker->settings.notes,
    };

    enum status st =
        worker->settings.ops->create(worker->settings.config, &context, &lane->exporter, err);
    worker_lock(worker);
    lane->created = st == ST_OK;
    worker_unlock(worker);
    return st;
}

enum status lane_start(struct lane *lane, struct error *err)
{
    char name[THREAD_NAME_MAX];

    snprintf(name, sizeof(name), "%.15s", lane->worker->account.name);
    worker_lock(lane->worker); /* it ends no sooner than its thread is known here */
    int failed = pthread_create(&lane->thread, NULL, run, lane);
    if (failed == 0) {
        lane->life = LANE_RUNNING;
        (void)pthread_setname_np(lane->thread, name); /* only a help for people */
    }
    worker_unlock(lane->worker);
    if (failed != 0)
        return error_set(err, ST_IO, "start a thread: error %d", failed);
    return ST_OK;
}
