/* SPDX-License-Identifier: Apache-2.0 */
/* lane_claim.c -- how lanes take ranges of the journal and give them back settled.
 *
 * One reader for all lanes.  The lane that has its token reads a batch, copies it, and passes the
 * token on before it sends.  A reader for each lane would walk and check every frame as many times
 * as there are lanes, and could not let the pages go that the others have yet to read; the
 * copy costs less.  While a lane is alone and wants no help, it sends from the reader's memory and
 * keeps the token: the usual case, without a copy and without its memory.
 *
 * The window gives a claim its place before the token goes on, so claims follow each other in
 * the order of the journal, and each sequence number is read, and counted when it is missing,
 * by one lane. */
#include <inttypes.h>

#include "deliver/worker_internal.h"
#include "deliver/write_off.h"
#include "util/clock.h"
#include "util/random.h"

uint64_t worker_backlog(const struct worker *worker)
{
    uint64_t committed = journal_committed(worker->journal);
    uint64_t next = window_next(&worker->window);

    return committed > next ? committed - next : 0;
}

/* --- The token -------------------------------------------------------------------------------- */

/* `lock` is held. */
static void pass_token(struct worker *worker)
{
    worker->reading = false;
    (void)pthread_cond_broadcast(&worker->turn);
}

static enum claim_result take_token(struct worker *worker, uint64_t least)
{
    enum claim_result result = CLAIM_NOTHING;

    worker_lock(worker);
    for (;;) {
        if (worker_must_end(worker)) {
            result = CLAIM_END;
            break;
        }
        if (worker_backlog(worker) < least)
            break;
        if (!worker->reading && window_has_room(&worker->window)) {
            worker->reading = true;
            result = CLAIM_TAKEN;
            break;
        }
        worker_await(worker, &worker->turn, GATE_NO_TIME);
    }
    worker_unlock(worker);
    return result;
}

/* --- Settling --------------------------------------------------------------------------------- */

/* `lock` is held. */
static void settle(struct worker *worker, uint64_t ticket, uint64_t next, size_t size)
{
    bool had_room = window_has_room(&worker->window);

    window_settle(&worker->window, ticket, next);
    worker->unsaved_size += size;
    if (!had_room && window_has_room(&worker->window))
        (void)pthread_cond_broadcast(&worker->turn);
}

void lane_settle(struct lane *lane, const struct claim *claim, uint64_t next, size_t size)
{
    worker_lock(lane->worker);
    settle(lane->worker, claim->ticket, next, size);
    worker_unlock(lane->worker);
    worker_save_if_due(lane->worker);
}

void lane_release(struct lane *lane, struct claim *claim)
{
    if (!claim->is_borrowed)
        return;
    claim->is_borrowed = false;
    worker_lock(lane->worker);
    pass_token(lane->worker);
    worker_unlock(lane->worker);
}

/* --- Reading: with the token ------------------------------------------------------------------ */

/* What nobody is to have is written off, claimed and settled in one; gives where to read, or
 * CLAIM_NOTHING: that took the last place of the window, and the token is passed on. */
static enum status pass_over_skipped(struct worker *worker, uint64_t *ret_next,
                                     enum claim_result *ret_result, struct error *err)
{
    worker_lock(worker);
    uint64_t next = window_next(&worker->window); /* nobody else claims: the token is ours */
    uint64_t skip_to = worker->skip_to;
    worker_unlock(worker);
    *ret_result = CLAIM_TAKEN;
    *ret_next = next;
    if (skip_to <= next)
        return ST_OK;
    enum status st = write_off_range(worker, next, skip_to, err);
    if (st != ST_OK)
        return st;
    worker_lock(worker);
    settle(worker, window_claim(&worker->window, skip_to), skip_to, 0);
    if (!window_has_room(&worker->window)) {
        pass_token(worker);
        *ret_result = CLAIM_NOTHING;
    }
    worker_unlock(worker);
    worker_save_skipped(worker);
    *ret_next = skip_to;
    return ST_OK;
}

void lane_skip(struct lane *lane)
{
    struct worker *worker = lane->worker;
    enum claim_result result;
    struct error err;
    uint64_t next;

    worker_lock(worker);
    bool can = !worker->reading && window_has_room(&worker->window) &&
               worker->skip_to > window_next(&worker->window);
    worker->reading = worker->reading || can;
    worker_unlock(worker);
    if (!can)
        return;
    enum status st = pass_over_skipped(worker, &next, &result, &err);
    if (st != ST_OK) { /* the next look tries again */
        account_note_error(&worker->account, "export.loss", &err);
        stop_sleep(&worker->stop, worker->settings.retry_max_ns);
    } else if (result != CLAIM_TAKEN) {
        return;
    }
    worker_lock(worker);
    pass_token(worker);
    worker_unlock(worker);
}

static bool is_wanted(const void *context, enum signal signal, struct slice record)
{
    return record_filter_passes(context, signal, record);
}

static enum status read_batch(struct lane *lane, uint64_t from, struct claim *ret,
                              struct error *err)
{
    struct worker *worker = lane->worker;
    uint64_t missing = 0;

    worker_lock(worker);
    const struct batch_limits limits = {
        .size_max = worker->request_size.present,
        .count_max = worker->settings.batch_count_max,
        .signals = worker->signals,
        .wants = record_filter_is_open(&worker->settings.filter) ? NULL : is_wanted,
        .context = &worker->settings.filter,
    };
    worker_unlock(worker);
    if (worker->reader_at != from)
        journal_reader_seek(worker->reader, from);
    worker->reader_at = from;
    enum status st =
        journal_reader_next(worker->reader, &limits, &ret->batch, &ret->next, &missing, err);
    if (st != ST_OK)
        return st;
    worker->reader_at = ret->next;
    const struct reader_passage passage = journal_reader_passage(worker->reader);
    st = write_off_gap(worker, from, passage.present, err);
    if (st != ST_OK)
        worker->reader_at = UINT64_MAX; /* it has to go back */
    ret->passed = passage.passed;
    ret->filtered = passage.filtered;
    if (missing > 0)
        account_missing(&worker->account, missing);
    return st;
}

/* `lock` is held. */
static void learn_full_count(struct worker *worker, const struct batch *batch)
{
    size_t record_size = batch->size_bytes / batch->record_count + 1;
    size_t count = worker->request_size.present / record_size;

    if (count > worker->settings.batch_count_max)
        count = worker->settings.batch_count_max;
    worker->full_count = count > 0 ? count : 1;
}

/* Decides whether the lane may keep the reader while it sends. */
static void look_around(struct worker *worker, struct claim *claim)
{
    worker_lock(worker);
    learn_full_count(worker, &claim->batch);
    claim->wants_help = worker->settings.lanes_max > 1 &&
                        worker->wait_ns >= worker->settings.helper_wait_ns &&
                        journal_committed(worker->journal) >= claim->next + worker->full_count;
    claim->is_borrowed = worker->running == 1 && !claim->wants_help;
    worker_unlock(worker);
}

/* Reads a batch that is the lane's for as long as it needs it. */
static enum status read_claim(struct lane *lane, uint64_t from, struct claim *ret,
                              struct error *err)
{
    struct worker *worker = lane->worker;

    *ret = (struct claim){.is_borrowed = false};
    enum status st = read_batch(lane, from, ret, err);
    if (st != ST_OK || ret->batch.record_count == 0)
        return st;
    look_around(worker, ret);
    if (ret->is_borrowed)
        return ST_OK;
    st = batch_copy_fill(&lane->copy, &ret->batch, &ret->batch, err);
    if (st != ST_OK)
        worker->reader_at = UINT64_MAX; /* it has to go back */
    return st;
}

/* A disk that fails gets the longest wait, with the token: the others need not try either. */
static enum claim_result wait_for_disk(struct lane *lane, const struct error *err)
{
    struct worker *worker = lane->worker;
    bool last = stop_is_asked(&worker->stop);
    const struct backoff backoff = {worker->settings.retry_initial_ns,
                                    worker->settings.retry_max_ns};

    uint64_t delay_ns = backoff_delay_ns(&backoff, UINT32_MAX, 0, random_bits());
    account_retry(&worker->account, err, delay_ns);
    lane_set_state(lane, WORKER_FAILED);
    stop_sleep(&worker->stop, delay_ns);
    worker_lock(worker);
    worker->given_up = worker->given_up || last;
    pass_token(worker);
    worker_unlock(worker);
    return last ? CLAIM_END : CLAIM_NOTHING;
}

enum claim_result lane_claim(struct lane *lane, uint64_t least, struct claim *ret)
{
    struct worker *worker = lane->worker;
    struct error err;
    uint64_t from;

    enum claim_result result = take_token(worker, least);
    if (result != CLAIM_TAKEN)
        return result;
    enum status st = pass_over_skipped(worker, &from, &result, &err);
    if (st == ST_OK && result != CLAIM_TAKEN)
        return result;
    if (st == ST_OK)
        st = read_claim(lane, from, ret, &err);
    if (st != ST_OK)
        return wait_for_disk(lane, &err);

    bool is_empty = ret->batch.record_count == 0;
    worker_lock(worker);
    if (ret->next > from) { /* else the skip was all there was */
        ret->ticket = window_claim(&worker->window, ret->next);
        if (is_empty) /* over damage, or over what the destination does not take */
            settle(worker, ret->ticket, ret->next, 0);
    }
    if (!ret->is_borrowed)
        pass_token(worker);
    worker_unlock(worker);
    if (ret->passed > 0)
        account_passed(&worker->account, ret->passed);
    if (ret->filtered > 0)
        account_filtered(&worker->account, ret->filtered);
    return is_empty ? CLAIM_NOTHING : CLAIM_TAKEN;
}
