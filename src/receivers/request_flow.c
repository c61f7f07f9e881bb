/* SPDX-License-Identifier: Apache-2.0 */
/* request_flow.c -- see request_flow.h.
 *
 * The journal may be done before journal_submit() returns, so whoever submits must be ready to be
 * resumed before that.  Of all requests together as many bytes are in the journal as it makes
 * durable in a few milliseconds (flight_limit.h); the others wait in the order in which they came.
 */
#include "receivers/request_flow.h"

#include <stddef.h>

#include "util/clock.h"

static void resume_turn(struct request_turn *turn)
{
    struct flow_request *request =
        (struct flow_request *)((char *)turn - offsetof(struct flow_request, turn));

    request->flow->settings.resume(request);
}

static void resume_copy(struct request_copy *copy)
{
    struct flow_request *request =
        (struct flow_request *)((char *)copy - offsetof(struct flow_request, copy));

    request->flow->settings.resume(request);
}

enum status request_flow_init(struct request_flow *flow,
                              const struct request_flow_settings *settings, struct error *err)
{
    pthread_condattr_t monotonic;

    flow->settings = *settings;
    request_turns_init(&flow->turns, resume_turn);
    /* None of these fails on Linux. */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&flow->lock, NULL);
    (void)pthread_cond_init(&flow->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    flow->waited_requests =
        metric_register(METRIC_COUNTER, "telltale_receiver_waited_requests_total",
                        "Times that a request waited because the journal's queue was full.",
                        settings->metric_labels);
    return request_copies_init(&flow->copies, settings->metric_labels, resume_copy, err);
}

void request_flow_fini(struct request_flow *flow)
{
    (void)pthread_cond_destroy(&flow->changed);
    (void)pthread_mutex_destroy(&flow->lock);
}

bool request_flow_open(struct request_flow *flow, struct flow_request *request)
{
    *request = (struct flow_request){.flow = flow};
    (void)pthread_mutex_lock(&flow->lock);
    flow->open_requests++;
    bool stopping = flow->stopping;
    (void)pthread_mutex_unlock(&flow->lock);
    return stopping;
}

/* Under lock: nothing of it is in the journal, or will be. */
static void forget_batch(struct flow_request *request)
{
    struct request_flow *flow = request->flow;

    request_turns_leave(&flow->turns, &request->turn);
    (void)pthread_cond_broadcast(&flow->changed);
    admission_give(flow->settings.admission, request->turn.bytes);
    request->turn.bytes = 0;
}

void request_flow_lock_and_forget(struct flow_request *request)
{
    append_batch_destroy(request->batch);
    request->batch = NULL;
    (void)pthread_mutex_lock(&request->flow->lock);
    forget_batch(request); /* its sender may have gone when it was its turn */
    request_copies_settle(&request->flow->copies, &request->copy, REQUEST_UNKNOWN, 0);
}

/* Under lock. */
static void settle(struct flow_request *request, enum request_fate fate)
{
    request_copies_settle(&request->flow->copies, &request->copy,
                          request->is_marked ? fate : REQUEST_UNKNOWN, clock_monotonic_ns());
}

enum request_meeting request_flow_meet(struct flow_request *request, const struct slice *parts,
                                       size_t count)
{
    struct request_flow *flow = request->flow;
    const struct request_mark mark = recent_requests_mark(&flow->copies.recent, parts, count);

    request->state = REQUEST_NEW;
    (void)pthread_mutex_lock(&flow->lock);
    enum request_meeting meeting =
        request_copies_meet(&flow->copies, &request->copy, mark, clock_monotonic_ns());
    if (meeting == MEETING_COPY && flow->stopping)
        meeting = MEETING_FIRST; /* nobody waits any more: the journal takes it no more either */
    (void)pthread_mutex_unlock(&flow->lock);
    return meeting;
}

void request_flow_wait_as_copy(struct flow_request *request)
{
    struct request_flow *flow = request->flow;

    (void)pthread_mutex_lock(&flow->lock);
    request->state = REQUEST_COPY;
    if (!request_copies_wait(&flow->copies, &request->copy))
        flow->settings.resume(request);
    (void)pthread_mutex_unlock(&flow->lock);
}

void request_flow_note_converted(struct flow_request *request, bool is_marked)
{
    request->is_marked = is_marked;
    if (is_marked)
        return; /* it is settled when it lands */
    (void)pthread_mutex_lock(&request->flow->lock);
    settle(request, REQUEST_UNKNOWN);
    (void)pthread_mutex_unlock(&request->flow->lock);
}

void request_flow_unlock_closed(struct request_flow *flow)
{
    flow->open_requests--;
    (void)pthread_cond_broadcast(&flow->changed);
    (void)pthread_mutex_unlock(&flow->lock);
}

/* Who waits is counted as long, for its memory is there. */
static void count_batch(struct flow_request *request)
{
    if (request->turn.bytes > 0)
        return;
    request->turn.bytes = append_batch_size(request->batch);
    admission_force(request->flow->settings.admission, request->turn.bytes);
}

/* journal thread */
static void on_done(void *context, struct append_batch *batch, enum status status,
                    const struct error *err)
{
    struct flow_request *request = context;
    struct request_flow *flow = request->flow;
    uint64_t now_ns = clock_monotonic_ns();

    request->batch = batch;
    request->journal_status = status;
    flow->settings.on_landed(request, status, err);
    request->state = REQUEST_LANDED;
    (void)pthread_mutex_lock(&flow->lock);
    request_turns_landed(&flow->turns, append_batch_commit(batch),
                         admission_is_shared(flow->settings.admission, now_ns), now_ns);
    forget_batch(request);
    settle(request, status == ST_OK ? REQUEST_DURABLE : REQUEST_REFUSED);
    flow->settings.resume(request); /* it is the other thread's from here on */
    (void)pthread_mutex_unlock(&flow->lock);
}

/* False: it waits, and may be resumed already. */
static bool enter_journal(struct flow_request *request)
{
    struct request_flow *flow = request->flow;

    (void)pthread_mutex_lock(&flow->lock);
    request->state = REQUEST_WAITING;
    bool may = request_turns_enter(&flow->turns, &request->turn);
    if (may)
        request->state = REQUEST_IN_JOURNAL;
    (void)pthread_mutex_unlock(&flow->lock);
    if (!may)
        metric_add(flow->waited_requests, 1);
    return may;
}

/* The journal has refused the batch.  True: it waits, and may be resumed already. */
static bool wait_for_journal(struct flow_request *request, enum status status)
{
    struct request_flow *flow = request->flow;

    if (status != ST_AGAIN)
        return false;
    (void)pthread_mutex_lock(&flow->lock);
    request->state = REQUEST_WAITING;
    bool waits = request_turns_wait(&flow->turns, &request->turn);
    (void)pthread_cond_broadcast(&flow->changed);
    (void)pthread_mutex_unlock(&flow->lock);
    if (waits)
        metric_add(flow->waited_requests, 1);
    return waits;
}

static enum status try_journal(struct flow_request *request, struct error *err)
{
    struct request_flow *flow = request->flow;

    (void)pthread_mutex_lock(&flow->lock);
    bool stopping = flow->stopping;
    (void)pthread_mutex_unlock(&flow->lock);
    if (stopping)
        return error_set(err, ST_STOPPING, "the daemon stops");
    if (append_batch_size(request->batch) <= FLIGHT_LIMIT_SMALL)
        append_batch_set_urgent(request->batch);
    return journal_submit(flow->settings.journal, &request->batch, on_done, request, err);
}

enum status request_flow_submit(struct flow_request *request, struct error *err)
{
    count_batch(request);
    if (!enter_journal(request))
        return ST_OK;
    enum status st = try_journal(request, err);
    if (st == ST_OK || wait_for_journal(request, st))
        return ST_OK;
    (void)pthread_mutex_lock(&request->flow->lock);
    forget_batch(request);
    settle(request, REQUEST_REFUSED);
    (void)pthread_mutex_unlock(&request->flow->lock);
    request->state = REQUEST_LANDED;
    return st;
}

/* There is nobody to leave room for, as far as is known. */
static bool is_alone(struct request_flow *flow, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&flow->lock);
    bool is_only = flow->open_connections <= 1;
    (void)pthread_mutex_unlock(&flow->lock);
    return is_only && !admission_is_shared(flow->settings.admission, now_ns);
}

bool request_flow_has_share(struct request_flow *flow, struct recent_bytes *recent, uint64_t bytes)
{
    const struct journal *journal = flow->settings.journal;
    uint64_t size_max = flow->settings.journal_size_max;
    uint64_t now_ns = clock_monotonic_ns();

    if (size_max == 0)
        return true;
    uint64_t size = journal_size(journal);
    uint64_t room = size < size_max ? size_max - size : 0;
    recent_bytes_add(recent, 0, now_ns);
    if (!is_alone(flow, now_ns) && !journal_drops_for_room(journal) &&
        recent_bytes_is_too_much(recent, room, size_max))
        return false;
    recent_bytes_add(recent, bytes, now_ns);
    return true;
}

size_t request_flow_count_connection(struct request_flow *flow, bool is_new)
{
    (void)pthread_mutex_lock(&flow->lock);
    flow->open_connections += is_new ? 1 : (size_t)-1;
    size_t count = flow->open_connections;
    (void)pthread_mutex_unlock(&flow->lock);
    return count;
}

void request_flow_stop(struct request_flow *flow, unsigned int patience_s)
{
    struct timespec deadline;

    (void)clock_gettime(CLOCK_MONOTONIC, &deadline); /* cannot fail for this clock */
    deadline.tv_sec += patience_s;
    (void)pthread_mutex_lock(&flow->lock);
    flow->stopping = true;
    request_turns_stop(&flow->turns);
    while (flow->turns.count > 0)
        (void)pthread_cond_wait(&flow->changed, &flow->lock);
    int result = 0;
    while (flow->open_requests > 0 && result == 0)
        result = pthread_cond_timedwait(&flow->changed, &flow->lock, &deadline);
    (void)pthread_mutex_unlock(&flow->lock);
}
