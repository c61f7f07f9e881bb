/* SPDX-License-Identifier: Apache-2.0 */
/* stop.h -- the request to stop: when a worker is to be done, and sleeping until it is made.
 *
 * Threads: any; one thread sleeps.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STOP_NEVER UINT64_MAX

struct stop {
    _Atomic uint64_t deadline_ns; /* monotonic; STOP_NEVER while nobody has asked */
    pthread_mutex_t lock;         /* only so that a wakeup is not missed */
    pthread_cond_t wakeup;
};

void stop_init(struct stop *stop);
void stop_fini(struct stop *stop);

/* The first deadline counts. */
void stop_ask(struct stop *stop, uint64_t deadline_ns);

uint64_t stop_deadline(const struct stop *stop);

static inline bool stop_is_asked(const struct stop *stop)
{
    return stop_deadline(stop) != STOP_NEVER;
}

bool stop_is_overdue(const struct stop *stop);

/* Sleeps for `delay_ns`, or until somebody asks. */
void stop_sleep(struct stop *stop, uint64_t delay_ns);
