/* SPDX-License-Identifier: Apache-2.0 */
/* account.h -- what a worker says about itself: its status, its metrics, its log lines.
 *
 * A failure is logged when it begins and once a minute while it lasts; its end is logged too.
 *
 * Threads: any.
 */
#pragma once

#include <pthread.h>

#include "deliver/worker.h"
#include "metrics/metrics.h"

enum { ACCOUNT_NAME_MAX = 128 };

struct account_metrics {
    struct metric *sent_records;
    struct metric *sent_bytes;
    struct metric *batches;
    struct metric *retries;
    struct metric *rejected_records;
    struct metric *put_aside_records;
    struct metric *dead_letter_records;
    struct metric *replayed_records;
    struct metric *missing_records;
    struct metric *skipped_records;
    struct metric *passed_records;
    struct metric *upkeep_failures;
    struct metric *filtered_records;
    struct metric *cursor_sequence;
    struct metric *lag_records;
};

/* Things of one kind that are logged together. */
struct account_crowd {
    uint64_t said_ns; /* monotonic: when it was last logged; 0: never */
    uint64_t since;   /* records since then */
};

struct account {
    char name[ACCOUNT_NAME_MAX]; /* "type/name" */
    struct account_metrics metrics;
    /* shared, under lock */
    pthread_mutex_t lock;
    bool failing;                 /* the last attempt went wrong */
    uint64_t attempts;            /* failed ones since it began */
    uint64_t failure_said_ns;     /* monotonic: when it was last logged */
    struct account_crowd refused; /* for ever */
    struct account_crowd put_aside;
    const char *notice;                 /* the last one; static; NULL: none yet */
    unsigned lanes[WORKER_STATE_COUNT]; /* how many are in each state */
    struct worker_status status;
};

/* ST_LIMIT: the name is too long. */
MUST_CHECK enum status account_init(struct account *account, const char *name, struct error *err);
void account_fini(struct account *account);

/* A lane leaves one state for another; each begins as WORKER_IDLE.  The worker's own is the worst
 * that a lane is in. */
void account_change_state(struct account *account, enum worker_state from, enum worker_state to);
void account_set_position(struct account *account, uint64_t durable, uint64_t next,
                          uint64_t committed);

/* A send was answered: `records` of it are with the destination.  `partly`: others are to be sent
 * again, so a failure has not come to its end. */
void account_delivered(struct account *account, uint64_t records, uint64_t wire_bytes, bool partly);

/* Something went wrong and will be tried again in `delay_ns`. */
void account_retry(struct account *account, const struct error *err, uint64_t delay_ns);

/* Delivered, and counted so, but the destination keeps them in another place than it should. */
void account_put_aside(struct account *account, uint64_t records, const char *words);
/* What an exporter has to say beside the outcome: export_report.notice. */
void account_notice(struct account *account, const char *notice);

/* Refused for ever: inside a request that was accepted, or to the dead letters. */
void account_refused_within(struct account *account, uint64_t records, const char *words);
void account_dead(struct account *account, const char *reason, const char *words);

/* A dead letter was sent again and has its outcome, which was accounted for as every other. */
void account_replayed(struct account *account);

void account_missing(struct account *account, uint64_t records);

/* Nobody wants them delivered any more: worker_skip_to(). */
void account_skipped(struct account *account, uint64_t records);

/* They are of a signal that the destination does not take. */
void account_passed(struct account *account, uint64_t records);

/* The destination's filter holds them back. */
void account_filtered(struct account *account, uint64_t records);

/* Something that did not stop delivery but must be seen. */
void account_note_error(struct account *account, const char *event, const struct error *err);

/* What an exporter does beside sending failed, in tick() or along with a send(). */
void account_upkeep_failed(struct account *account, const struct error *err);

void account_read(struct account *account, struct worker_status *ret);
