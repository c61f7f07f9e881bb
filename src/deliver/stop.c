/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/stop.h"

#include <time.h>

#include "util/clock.h"

void stop_init(struct stop *stop)
{
    pthread_condattr_t attributes;

    atomic_init(&stop->deadline_ns, STOP_NEVER);
    /* None of these can fail with these arguments. */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&stop->wakeup, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&stop->lock, NULL);
}

void stop_fini(struct stop *stop)
{
    (void)pthread_cond_destroy(&stop->wakeup); /* nobody waits */
    (void)pthread_mutex_destroy(&stop->lock);  /* nobody holds it */
}

void stop_ask(struct stop *stop, uint64_t deadline_ns)
{
    uint64_t nobody_asked = STOP_NEVER;

    if (deadline_ns == STOP_NEVER)
        deadline_ns--;                     /* as good, and not the mark of nobody */
    (void)pthread_mutex_lock(&stop->lock); /* fails only if we hold it */
    (void)atomic_compare_exchange_strong(&stop->deadline_ns, &nobody_asked, deadline_ns);
    (void)pthread_cond_broadcast(&stop->wakeup);
    (void)pthread_mutex_unlock(&stop->lock);
}

uint64_t stop_deadline(const struct stop *stop)
{
    return atomic_load_explicit(&stop->deadline_ns, memory_order_acquire);
}

bool stop_is_overdue(const struct stop *stop)
{
    return clock_monotonic_ns() >= stop_deadline(stop);
}

void stop_sleep(struct stop *stop, uint64_t delay_ns)
{
    uint64_t until_ns = clock_monotonic_ns() + delay_ns;
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};
    int failed = 0;

    (void)pthread_mutex_lock(&stop->lock); /* fails only if we hold it */
    while (!stop_is_asked(stop) && failed == 0)
        failed = pthread_cond_timedwait(&stop->wakeup, &stop->lock, &until);
    (void)pthread_mutex_unlock(&stop->lock); /* fails only if we do not hold it */
}
