/* SPDX-License-Identifier: Apache-2.0 */
/* check_pool.c -- see check_pool.h.
 *
 * A ring of slots.  [taken, begun) are with threads or done, [begun, filled) wait for one.
 */
#include "verify/check_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"

enum { SLOTS_MAX = 2 * VERIFY_THREADS_MAX };

struct slot {
    struct file_check_job job;
    struct file_check check;
    bool is_done; /* shared, under lock */
};

struct check_pool {
    pthread_t threads[VERIFY_THREADS_MAX];
    unsigned thread_count;
    size_t slot_count;
    size_t taken, filled; /* the caller's */

    pthread_mutex_t lock;
    pthread_cond_t has_job, has_result;
    /* shared, under lock */
    size_t begun, ready; /* jobs up to `ready` may be begun */
    bool is_stopping;
    struct slot slots[SLOTS_MAX];
};

static struct slot *slot_of(struct check_pool *pool, size_t number)
{
    return &pool->slots[number % pool->slot_count];
}

static void *work(void *context)
{
    struct check_pool *pool = context;
    struct file_checker checker;

    file_checker_init(&checker);
    (void)pthread_mutex_lock(&pool->lock); /* a default mutex that is ours */
    for (;;) {
        while (pool->begun == pool->ready && !pool->is_stopping)
            (void)pthread_cond_wait(&pool->has_job, &pool->lock); /* cannot fail */
        if (pool->is_stopping)
            break;
        struct slot *slot = slot_of(pool, pool->begun++);
        (void)pthread_mutex_unlock(&pool->lock); /* as above */
        file_check_run(&checker, &slot->job, &slot->check);
        (void)pthread_mutex_lock(&pool->lock); /* as above */
        slot->is_done = true;
        (void)pthread_cond_signal(&pool->has_result); /* cannot fail */
    }
    (void)pthread_mutex_unlock(&pool->lock); /* as above */
    file_checker_fini(&checker);
    return NULL;
}

enum status check_pool_create(unsigned threads, struct check_pool **ret, struct error *err)
{
    ASSERT(threads >= 1 && threads <= VERIFY_THREADS_MAX);
    struct check_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return error_set(err, ST_NO_MEMORY, "start %u threads", threads);
    pool->slot_count = (size_t)2 * threads;
    (void)pthread_mutex_init(&pool->lock, NULL);      /* cannot fail with these attributes */
    (void)pthread_cond_init(&pool->has_job, NULL);    /* likewise */
    (void)pthread_cond_init(&pool->has_result, NULL); /* likewise */
    while (pool->thread_count < threads &&
           pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0)
        pool->thread_count++;
    if (pool->thread_count == 0) {
        check_pool_destroy(pool);
        return error_set(err, ST_NO_MEMORY, "start a thread");
    }
    *ret = pool;
    return ST_OK;
}

void check_pool_destroy(struct check_pool *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_mutex_lock(&pool->lock); /* a default mutex that is ours */
    pool->is_stopping = true;
    (void)pthread_cond_broadcast(&pool->has_job); /* cannot fail */
    (void)pthread_mutex_unlock(&pool->lock);      /* as above */
    for (unsigned i = 0; i < pool->thread_count; i++)
        (void)pthread_join(pool->threads[i], NULL); /* ours, and joined once */
    for (size_t i = pool->taken; i < pool->filled; i++)
        file_check_fini(&slot_of(pool, i)->check);
    (void)pthread_cond_destroy(&pool->has_job);    /* nobody waits */
    (void)pthread_cond_destroy(&pool->has_result); /* likewise */
    (void)pthread_mutex_destroy(&pool->lock);      /* nobody has it */
    free(pool);
}

bool check_pool_has_room(const struct check_pool *pool)
{
    return pool->filled - pool->taken < pool->slot_count;
}

size_t check_pool_pending(const struct check_pool *pool)
{
    return pool->filled - pool->taken;
}

void check_pool_submit(struct check_pool *pool, const struct file_check_job *job)
{
    ASSERT(check_pool_has_room(pool));
    struct slot *slot = slot_of(pool, pool->filled);
    slot->job = *job;
    file_check_init(&slot->check);
    pool->filled++;
    (void)pthread_mutex_lock(&pool->lock); /* a default mutex that is ours */
    slot->is_done = false;
    pool->ready = pool->filled;
    (void)pthread_cond_signal(&pool->has_job); /* cannot fail */
    (void)pthread_mutex_unlock(&pool->lock);   /* as above */
}

struct file_check *check_pool_wait(struct check_pool *pool)
{
    ASSERT(pool->taken < pool->filled);
    struct slot *slot = slot_of(pool, pool->taken);
    (void)pthread_mutex_lock(&pool->lock); /* a default mutex that is ours */
    while (!slot->is_done)
        (void)pthread_cond_wait(&pool->has_result, &pool->lock); /* cannot fail */
    (void)pthread_mutex_unlock(&pool->lock);                     /* as above */
    return &slot->check;
}

void check_pool_release(struct check_pool *pool)
{
    ASSERT(pool->taken < pool->filled);
    file_check_fini(&slot_of(pool, pool->taken)->check);
    pool->taken++;
}

void check_pool_drop(struct check_pool *pool)
{
    while (check_pool_pending(pool) > 0) {
        (void)check_pool_wait(pool); /* its result is not wanted any more */
        check_pool_release(pool);
    }
}
