/* SPDX-License-Identifier: Apache-2.0 */
/* tsan_threads.c -- C11's threads, mutexes and conditions by way of POSIX, for the thread sanitizer
 * only, which knows no others.
 *
 * librdkafka has them: the first allocation in a thread that the sanitizer has not seen begin ends
 * the process, and what it does not see locked it calls a race.  In glibc both are the same things,
 * which is checked below.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a mutex is a mutex");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a condition is a condition");

#define FOR_LIBRARIES __attribute__((visibility("default")))

struct start {
    thrd_start_t function;
    void *argument;
};

static void *run(void *context)
{
    struct start start = *(struct start *)context;

    free(context);
    return (void *)(intptr_t)start.function(start.argument);
}

FOR_LIBRARIES int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    struct start *start = malloc(sizeof(*start));

    if (start == NULL)
        return thrd_nomem;
    *start = (struct start){function, argument};
    if (pthread_create(thread, NULL, run, start) == 0)
        return thrd_success;
    free(start);
    return thrd_error;
}

FOR_LIBRARIES int thrd_join(thrd_t thread, int *result)
{
    void *value = NULL;

    if (pthread_join(thread, &value) != 0)
        return thrd_error;
    if (result != NULL)
        *result = (int)(intptr_t)value;
    return thrd_success;
}

static int answer_of(int error)
{
    return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

static pthread_mutex_t *mutex_of(mtx_t *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *condition_of(cnd_t *condition)
{
    return (pthread_cond_t *)(void *)condition;
}

FOR_LIBRARIES int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t attributes;

    (void)pthread_mutexattr_init(&attributes); /* cannot fail */
    (void)pthread_mutexattr_settype(&attributes, (type & mtx_recursive) != 0
                                                     ? PTHREAD_MUTEX_RECURSIVE
                                                     : PTHREAD_MUTEX_NORMAL); /* cannot fail */
    int error = pthread_mutex_init(mutex_of(mutex), &attributes);
    (void)pthread_mutexattr_destroy(&attributes); /* cannot fail */
    return answer_of(error);
}

FOR_LIBRARIES int mtx_lock(mtx_t *mutex)
{
    return answer_of(pthread_mutex_lock(mutex_of(mutex)));
}

FOR_LIBRARIES int mtx_unlock(mtx_t *mutex)
{
    return answer_of(pthread_mutex_unlock(mutex_of(mutex)));
}

FOR_LIBRARIES void mtx_destroy(mtx_t *mutex)
{
    (void)pthread_mutex_destroy(mutex_of(mutex)); /* it cannot say so */
}

FOR_LIBRARIES int cnd_init(cnd_t *condition)
{
    return answer_of(pthread_cond_init(condition_of(condition), NULL));
}

FOR_LIBRARIES int cnd_signal(cnd_t *condition)
{
    return answer_of(pthread_cond_signal(condition_of(condition)));
}

FOR_LIBRARIES int cnd_broadcast(cnd_t *condition)
{
    return answer_of(pthread_cond_broadcast(condition_of(condition)));
}

FOR_LIBRARIES int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return answer_of(pthread_cond_wait(condition_of(condition), mutex_of(mutex)));
}

FOR_LIBRARIES int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                                const struct timespec *restrict end)
{
    return answer_of(pthread_cond_timedwait(condition_of(condition), mutex_of(mutex), end));
}

FOR_LIBRARIES void cnd_destroy(cnd_t *condition)
{
    (void)pthread_cond_destroy(condition_of(condition)); /* it cannot say so */
}
