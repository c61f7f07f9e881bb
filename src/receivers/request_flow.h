/* SPDX-License-Identifier: Apache-2.0 */
/* request_flow.h -- the way of requests into the journal and back, for receivers whose batches are
 * their requests: those that came before (request_copies.h), turns (request_turns.h), waiting while
 * the queue is full, the landing.
 *
 *     COPY --resumed--+
 *       ^             v
 *       +--its first-- NEW --submit--> IN_JOURNAL --done--> LANDED
 *          is under way     |   ^          |                   ^
 *                   others  |   | resumed, | the queue is full | refused
 *                   before  v   | submit   v                   |
 *                         WAITING <--------+-------------------+
 *
 * Agents do not send again what is refused, so a full queue is waited for as long as something of
 * ours is on its way out of it.
 *
 * Threads: a request has one owner at a time, the journal while IN_JOURNAL.  What is shared is
 * under the flow's lock.
 */
#pragma once

#include <pthread.h>

#include "journal/journal.h"
#include "receivers/admission.h"
#include "receivers/recent_bytes.h"
#include "receivers/refusal.h"
#include "receivers/request_copies.h"
#include "receivers/request_turns.h"

enum request_state {
    REQUEST_NEW,
    REQUEST_COPY,
    REQUEST_IN_JOURNAL,
    REQUEST_WAITING,
    REQUEST_LANDED
};

/* Part of a request.  Zeroes at first. */
struct flow_request {
    struct request_flow *flow;  /* borrowed */
    struct append_batch *batch; /* owned, but by the journal while IN_JOURNAL */
    struct request_turn turn;   /* its bytes are in the admission; under the flow's lock */
    struct request_copy copy;   /* under the flow's lock */
    bool is_marked;             /* its copies are to be known when it is durable */
    enum request_state state;
    enum status journal_status; /* once it has LANDED, but not before */
};

struct request_flow_settings {
    struct journal *journal;     /* borrowed */
    struct admission *admission; /* borrowed */
    uint64_t journal_size_max;   /* whose last quarter is shared (recent_bytes.h); 0: it is not */
    const char *metric_labels;   /* receiver="..." */
    /* Under the lock: the request may be gone from here on.  It has its turn when it is WAITING,
     * and is to be submitted again; is a COPY, and to be met again; or has LANDED. */
    void (*resume)(struct flow_request *request);
    /* journal thread, before `resume`: what became of the batch. */
    void (*on_landed)(struct flow_request *request, enum status status, const struct error *err);
};

struct request_flow {
    struct request_flow_settings settings;
    struct metric *waited_requests;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* shared, under lock */
    size_t open_requests, open_connections;
    struct request_turns turns;
    struct request_copies copies;
    bool stopping;
};

/* `flow` is all zeroes.  ST_IO: the kernel gives no random bytes; request_flow_fini() is to be
 * called all the same. */
MUST_CHECK enum status request_flow_init(struct request_flow *flow,
                                         const struct request_flow_settings *settings,
                                         struct error *err);
void request_flow_fini(struct request_flow *flow);

/* A request has begun; true: but the daemon stops, and nothing is taken any more. */
MUST_CHECK bool request_flow_open(struct request_flow *flow, struct flow_request *request);
/* It has ended, or its sender has gone, in any state but IN_JOURNAL.  The batch is destroyed; free
 * what the request is a part of before the unlock: request_flow_wait() waits for the last. */
void request_flow_lock_and_forget(struct flow_request *request);
void request_flow_unlock_closed(struct request_flow *flow);

/* Whether it came before, by its parts, as recent_requests.h says.  MEETING_COPY: wait, and then
 * ask again. */
MUST_CHECK enum request_meeting request_flow_meet(struct flow_request *request,
                                                  const struct slice *parts, size_t count);
/* Until its first is settled: it is resumed then, or at once. */
void request_flow_wait_as_copy(struct flow_request *request);
/* What was met has been converted, or was not.  `is_marked`: another with the same parts will be
 * this one come again, and nothing else. */
void request_flow_note_converted(struct flow_request *request, bool is_marked);

/* Gives the batch to the journal, or lets it wait.  ST_OK: it is the journal's, or may be resumed
 * already.  Otherwise it has LANDED: nothing is kept, and `err` says why. */
MUST_CHECK enum status request_flow_submit(struct flow_request *request, struct error *err);

/* While little of the journal is free, who has sent much lately has to wait: false then.
 * Otherwise the `bytes` are counted. */
MUST_CHECK bool request_flow_has_share(struct request_flow *flow, struct recent_bytes *recent,
                                       uint64_t bytes);

/* Connections come and go; gives how many there are. */
size_t request_flow_count_connection(struct request_flow *flow, bool is_new);

/* Nobody waits for his turn any more.  Waits until the journal is done with all requests, however
 * long, and then until they have ended, but only `patience_s`: senders may not read. */
void request_flow_stop(struct request_flow *flow, unsigned int patience_s);
