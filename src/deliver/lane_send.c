/* SPDX-License-Identifier: Apache-2.0 */
/* lane_send.c -- what becomes of a part of a batch: the exporter's answer, and what follows.
 *
 * Mixed answers.  Records that have an outcome are settled at once; those that are left come again
 * as a part of their own, behind the gate if one of them is to wait.  An answer that settles
 * nothing is a failure, whatever it calls itself, so each round ends with fewer records or behind
 * the gate. One that refuses a long part whole is looked at more closely, in halves: a destination
 * that has broken down must meet the brake before the backlog is among the dead letters.
 *
 * Stopping.  A worker that has been asked to stop sends what is committed, and gives up at the
 * first failure, that of a request that was under way excepted: one attempt more must do.  A
 * destination that is down must not hold the shutdown up, whether by one lane or by all. */
#include <stdio.h>
#include <stdlib.h>

#include "deliver/worker_internal.h"
#include "util/clock.h"
#include "util/random.h"

/* --- Outcomes --------------------------------------------------------------------------------- */

static enum status put_letter(struct worker *worker, const struct batch *part, size_t index,
                              const struct dead_letter_reason *why, struct error *err)
{
    (void)pthread_mutex_lock(&worker->disk); /* fails only if we hold it */
    enum status st = dead_letter_put(worker->letters, part, index, why, err);
    (void)pthread_mutex_unlock(&worker->disk); /* fails only if we do not hold it */
    return st;
}

static enum status bury_one(struct worker *worker, const struct batch *part, size_t index,
                            const struct dead_letter_reason *why, struct error *err)
{
    enum status st = put_letter(worker, part, index, why, err);
    if (st != ST_OK)
        return st;
    account_dead(&worker->account, why->reason, why->message);
    worker_lock(worker);
    gate_count_dead(&worker->gate);
    worker_unlock(worker);
    return ST_OK;
}

/* Puts every record of `part` among the dead letters; all or, on failure, to be repeated. */
static enum fate bury(struct worker *worker, const struct batch *part, const char *reason,
                      const char *words, uint64_t attempts, struct error *err)
{
    const struct dead_letter_reason why = {reason, words, attempts, clock_unix_ns()};

    for (size_t i = 0; i < part->record_count; i++) {
        if (bury_one(worker, part, i, &why, err) != ST_OK)
            return FATE_AGAIN;
    }
    return FATE_SETTLED;
}

/* Before the records count as delivered, of which they are some: who sees these sees those. */
static void note_put_aside(struct worker *worker, const struct export_report *report)
{
    if (report->put_aside_count > 0)
        account_put_aside(&worker->account, report->put_aside_count, report->message);
}

/* The request was accepted, perhaps not all of it.  Which records were refused is not said, so
 * only when it is all of them can they be kept. */
static enum fate accept_part(struct worker *worker, const struct batch *part,
                             const struct export_report *report, uint64_t attempts,
                             struct error *err)
{
    uint64_t refused =
        report->rejected_count < part->record_count ? report->rejected_count : part->record_count;

    note_put_aside(worker, report);
    account_delivered(&worker->account, part->record_count - refused, report->sent_bytes, false);
    worker_lock(worker);
    request_size_accept(&worker->request_size, part->size_bytes);
    if (refused < part->record_count)
        gate_count_accepted(&worker->gate);
    worker_unlock(worker);
    if (refused == part->record_count)
        return bury(worker, part, "rejected", report->message, attempts, err);
    if (refused > 0)
        account_refused_within(&worker->account, refused, report->message);
    return FATE_SETTLED;
}

static enum fate refuse_part(struct worker *worker, const struct batch *part, bool too_large,
                             uint64_t attempts, struct error *err)
{
    char words[sizeof(err->text)];

    if (part->record_count > 1) {
        worker_lock(worker);
        if (too_large)
            request_size_refuse(&worker->request_size, part->size_bytes);
        worker_unlock(worker);
        return FATE_HALVE;
    }
    snprintf(words, sizeof(words), "%s", err->text);
    return bury(worker, part, too_large ? "too_large" : "rejected", words, attempts, err);
}

/* How many records have which outcome. */
struct tally {
    size_t done, refused, again, retry;
};

static struct tally count_items(const struct item_report *items)
{
    struct tally tally = {.done = 0};

    for (size_t i = 0; i < items->count; i++) {
        enum item_outcome outcome = item_report_outcome(items, i);
        tally.done += outcome == ITEM_DONE;
        tally.again += outcome == ITEM_AGAIN;
        tally.retry += outcome == ITEM_RETRY;
        tally.refused += outcome == ITEM_REJECTED || outcome == ITEM_TOO_LARGE;
    }
    return tally;
}

/* Puts the refused ones among the dead letters.  From the first one on that cannot be written they
 * are to come again. */
static void bury_items(struct lane *lane, const struct batch *part, uint64_t attempts,
                       struct tally *tally, struct error *err)
{
    struct item_report *items = &lane->items;
    enum status st = ST_OK;
    char words[sizeof(err->text)];

    snprintf(words, sizeof(words), "%s", err->text);
    for (size_t i = 0; i < items->count; i++) {
        enum item_outcome outcome = item_report_outcome(items, i);
        if (outcome != ITEM_REJECTED && outcome != ITEM_TOO_LARGE)
            continue;
        const char *own = item_report_words(items, i);
        const struct dead_letter_reason why = {outcome == ITEM_TOO_LARGE ? "too_large" : "rejected",
                                               own[0] != 0 ? own : words, attempts,
                                               clock_unix_ns()};
        if (st == ST_OK)
            st = bury_one(lane->worker, part, i, &why, err);
        if (st == ST_OK)
            continue;
        item_report_keep(items, i);
        tally->refused--;
        tally->retry++;
    }
}

static enum status make_left(struct lane *lane, struct error *err)
{
    size_t count = lane->worker->settings.batch_count_max;

    if (lane->left == NULL)
        lane->left = calloc(count, sizeof(*lane->left));
    if (lane->left == NULL)
        return error_set(err, ST_NO_MEMORY, "keep a list of %zu records", count);
    return ST_OK;
}

void lane_trim(struct lane *lane)
{
    batch_copy_clear(&lane->copy);
    item_report_fini(&lane->items);
    item_report_init(&lane->items);
    omission_fini(&lane->omission);
    omission_init(&lane->omission);
    free(lane->left);
    lane->left = NULL;
}

/* Each record has an outcome of its own. */
static enum fate sort_part(struct lane *lane, const struct batch *part, uint64_t attempts,
                           bool *ret_failed, struct error *err)
{
    struct worker *worker = lane->worker;
    const struct export_report *report = &lane->items.report;
    struct tally tally = count_items(&lane->items);

    if (tally.refused == part->record_count && tally.refused > GATE_DEAD_STREAK_MAX)
        return FATE_HALVE;
    if (make_left(lane, err) != ST_OK)
        return FATE_AGAIN;
    note_put_aside(worker, report);
    if (tally.done > 0)
        account_delivered(&worker->account, tally.done, report->sent_bytes, tally.retry > 0);
    if (tally.refused > 0)
        bury_items(lane, part, attempts, &tally, err);
    if (tally.done + tally.refused == 0) {
        if (err->status == ST_OK)
            (void)error_set(err, ST_IO, "the destination took none of %zu records",
                            part->record_count);
        return FATE_AGAIN;
    }
    *ret_failed = tally.retry > 0;
    if (tally.done == 0)
        account_delivered(&worker->account, 0, report->sent_bytes, *ret_failed);
    worker_lock(worker);
    if (tally.again == 0)
        request_size_accept(&worker->request_size, part->size_bytes);
    if (tally.done > 0)
        gate_count_accepted(&worker->gate);
    worker_unlock(worker);
    return tally.again + tally.retry > 0 ? FATE_PARTLY : FATE_SETTLED;
}

/* Processor time of this thread: what a request took and this does not have was spent waiting. */
static uint64_t busy_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void learn_wait(struct worker *worker, uint64_t took_ns, uint64_t worked_ns)
{
    uint64_t waited_ns = took_ns > worked_ns ? took_ns - worked_ns : 0;

    worker_lock(worker);
    worker->wait_ns = worker->wait_ns - worker->wait_ns / 4 + waited_ns / 4;
    worker_unlock(worker);
}

/* The exporter's answer.  What may not leave goes no further than here: whatever is sent, a dead
 * letter too, comes this way. */
static enum export_result call_exporter(struct lane *lane, const struct batch *part,
                                        struct error *err)
{
    const struct worker_settings *settings = &lane->worker->settings;
    uint64_t deadline_ns = clock_monotonic_ns() + settings->timeout_ns;
    uint64_t stop_ns = stop_deadline(&lane->worker->stop);
    struct batch without = *part;

    item_report_begin(&lane->items, part->record_count);
    if (settings->is_content != NULL &&
        omission_apply(&lane->omission, settings->is_content, part, &without, err) != ST_OK)
        return EXPORT_RETRY;
    return settings->ops->send(lane->exporter, &without,
                               deadline_ns < stop_ns ? deadline_ns : stop_ns, &lane->items.report,
                               err);
}

/* What came of one send(). */
struct answer {
    enum fate fate;
    bool failed; /* something is to come again behind the gate */
    uint32_t asked_ms;
};

/* Sends a part once. */
static struct answer send_once(struct lane *lane, const struct batch *part, uint64_t attempts,
                               struct error *err)
{
    struct worker *worker = lane->worker;
    const struct export_report *report = &lane->items.report;
    uint64_t start_ns = clock_monotonic_ns();
    uint64_t start_busy_ns = busy_ns();
    struct answer answer = {.fate = FATE_AGAIN};

    lane_set_state(lane, WORKER_SENDING);
    *err = (struct error){.status = ST_OK};
    enum export_result result = call_exporter(lane, part, err);
    if (result != EXPORT_RETRY)
        learn_wait(worker, clock_monotonic_ns() - start_ns, busy_ns() - start_busy_ns);
    if (report->notice != NULL)
        account_notice(&worker->account, report->notice);
    switch (result) {
    case EXPORT_DONE:
        answer.fate = accept_part(worker, part, report, attempts, err);
        break;
    case EXPORT_REJECTED:
        answer.fate = refuse_part(worker, part, false, attempts, err);
        break;
    case EXPORT_TOO_LARGE:
        answer.fate = refuse_part(worker, part, true, attempts, err);
        break;
    case EXPORT_MIXED:
        answer.fate = sort_part(lane, part, attempts, &answer.failed, err);
        break;
    case EXPORT_RETRY:
        break;
    }
    answer.failed = answer.failed || answer.fate == FATE_AGAIN;
    answer.asked_ms = report->retry_after_ms;
    return answer;
}

/* --- Passing the gate ------------------------------------------------------------------------- */

/* How an attempt is made. */
struct attempt {
    bool last;  /* the worker is stopping */
    bool alone; /* no other lane goes in meanwhile */
};

/* Who waits may wait for long: what is settled is saved, and a skip that was asked for must not
 * wait for a dead letter, which has no part in it. */
static void wait_at_gate(struct lane *lane, uint64_t until_ns, uint64_t *skipped_to)
{
    struct worker *worker = lane->worker;

    if (*skipped_to != worker->skip_to) { /* there is time; then it has to look again */
        *skipped_to = worker->skip_to;
        worker_unlock(worker);
        lane_skip(lane);
        worker_save(worker);
        lane_set_state(lane, WORKER_WAITING_TO_RETRY);
        worker_lock(worker);
        return;
    }
    if (worker->wants_room && lane->index == 0) {
        worker_unlock(worker);
        lane_make_room(lane);
        worker_lock(worker);
        return;
    }
    worker_await(worker, &worker->moved, until_ns);
}

/* What is below the mark is skipped, and a part that lies across it goes in halves. */
static enum fate look_for_skip(const struct worker *worker, const struct batch *part)
{
    if (part->records[part->record_count - 1].sequence < worker->skip_to)
        return FATE_SKIPPED;
    if (part->records[0].sequence < worker->skip_to)
        return FATE_HALVE;
    return FATE_AGAIN;
}

/* FATE_AGAIN: the lane may send; every other fate is the part's. */
static enum fate pass_gate(struct lane *lane, const struct batch *part, bool is_new,
                           struct attempt *ret)
{
    struct worker *worker = lane->worker;
    enum fate fate = FATE_AGAIN;
    uint64_t skipped_to = UINT64_MAX; /* no mark: it has not waited yet */
    uint64_t until_ns;

    worker_lock(worker);
    for (;;) {
        ret->last = stop_is_asked(&worker->stop);
        if (worker_must_end(worker) || (ret->last && gate_is_braking(&worker->gate)))
            fate = FATE_STOPPED;
        else if (is_new)
            fate = look_for_skip(worker, part);
        if (fate != FATE_AGAIN)
            break;
        if (gate_is_braking(&worker->gate) && part->record_count > GATE_DEAD_STREAK_MAX) {
            fate = FATE_HALVE; /* it may take records one by one, and refuse all of them at once */
            break;
        }
        if (gate_enter(&worker->gate, clock_monotonic_ns(), ret->last, &ret->alone, &until_ns))
            break;
        wait_at_gate(lane, until_ns, &skipped_to);
    }
    worker_unlock(worker);
    return fate;
}

/* Tells the others how it went. */
static enum fate leave_gate(struct lane *lane, const struct attempt *attempt,
                            const struct answer *answer, const struct error *err)
{
    struct worker *worker = lane->worker;
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t delay_ns = 0;

    worker_lock(worker);
    if (answer->failed) {
        delay_ns =
            gate_failed(&worker->gate, attempt->alone, answer->asked_ms, now_ns, random_bits());
        worker->given_up = worker->given_up || attempt->last;
    } else {
        gate_answered(&worker->gate, attempt->alone, now_ns, random_bits());
    }
    (void)pthread_cond_broadcast(&worker->moved);
    if (worker->given_up)
        (void)pthread_cond_broadcast(&worker->turn);
    worker_unlock(worker);
    if (answer->failed)
        account_retry(&worker->account, err, attempt->last ? 0 : delay_ns);
    return answer->fate == FATE_AGAIN && attempt->last ? FATE_STOPPED : answer->fate;
}

enum fate lane_send(struct lane *lane, const struct batch *part, bool is_new)
{
    struct attempt attempt;
    struct error err;

    for (uint64_t attempts = 1;; attempts++) {
        enum fate fate = pass_gate(lane, part, is_new, &attempt);
        if (fate != FATE_AGAIN)
            return fate;
        const struct answer answer = send_once(lane, part, attempts, &err);
        fate = leave_gate(lane, &attempt, &answer, &err);
        if (fate != FATE_AGAIN)
            return fate;
    }
}
