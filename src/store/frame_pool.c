/* SPDX-License-Identifier: Apache-2.0 */
/* frame_pool.c -- see frame_pool.h.
 *
 * A ring of slots.  The owner fills the one behind the last and takes the first; a worker takes the
 * first that waits.
 *
 *     FREE --(put)--> WAITING --(a worker)--> BUSY --> DONE --(take, and the next call)--> FREE
 *
 * While a slot is BUSY only that worker touches it, else only the owner; `state` alone is shared.
 */
#include "store/frame_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <zstd.h>

#include "telltale/buf.h"

enum { SLOTS_MAX = 2 * FRAME_POOL_THREADS_MAX, COMPRESSED_MAX = FRAME_POOL_SIZE_MAX + (1 << 16) };

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_BUSY, SLOT_DONE };

struct slot {
    enum slot_state state; /* shared, under lock */
    struct frame_job job;
    bool is_good;
    struct buf input, text;
    struct frame_line *lines; /* owned */
    size_t line_count, line_capacity;
};

struct frame_pool {
    const struct store_plan *plan;
    unsigned thread_count;
    pthread_t threads[FRAME_POOL_THREADS_MAX];
    size_t slot_count;

    pthread_mutex_t lock;
    pthread_cond_t is_put, is_done;
    /* shared, under lock */
    bool is_ending;
    size_t next; /* the first slot that may be WAITING, counted on without end */

    /* owner's thread */
    size_t first, end; /* of the slots in use, counted on without end */
    bool has_taken;    /* the one before `first` is still borrowed */
    struct slot slots[SLOTS_MAX];
};

static struct slot *slot_at(struct frame_pool *pool, size_t number)
{
    return &pool->slots[number % pool->slot_count];
}

/* --- Working --------------------------------------------------------------------------------- */

static bool add_line(struct slot *slot, size_t start, size_t size, size_t number)
{
    enum { CAPACITY_FIRST = 64 };

    if (slot->line_count == slot->line_capacity) {
        size_t capacity = slot->line_capacity > 0 ? 2 * slot->line_capacity : CAPACITY_FIRST;
        struct frame_line *lines = reallocarray(slot->lines, capacity, sizeof(*lines));
        if (lines == NULL)
            return false;
        slot->lines = lines;
        slot->line_capacity = capacity;
    }
    slot->lines[slot->line_count++] = (struct frame_line){
        .start = (uint32_t)start, .size = (uint32_t)size, .number = (uint32_t)number};
    return true;
}

/* False: it does not end with a line, or there is no memory. */
static bool split(const struct frame_pool *pool, struct slot *slot)
{
    struct slice text = buf_slice(&slot->text);
    size_t start = 0;

    slot->line_count = 0;
    for (size_t number = 0; start < text.size; number++) {
        const uint8_t *newline = memchr(text.data + start, '\n', text.size - start);
        if (newline == NULL)
            return false;
        struct slice line = slice_of(text.data + start, (size_t)(newline - text.data) - start);
        if (store_plan_takes_line(pool->plan, line) && !add_line(slot, start, line.size, number))
            return false;
        start += line.size + 1;
    }
    return true;
}

static bool decode(struct slot *slot, ZSTD_DCtx *context)
{
    const struct frame_job *job = &slot->job;
    struct error ignored; /* the frame is read in another way, which says what is wrong */

    buf_clear(&slot->input);
    buf_clear(&slot->text);
    if (job->size > FRAME_POOL_SIZE_MAX || job->compressed_size > COMPRESSED_MAX ||
        buf_reserve(&slot->input, job->compressed_size, &ignored) != ST_OK ||
        buf_reserve(&slot->text, job->size, &ignored) != ST_OK ||
        pread(job->fd, slot->input.data, job->compressed_size, (off_t)job->offset) !=
            (ssize_t)job->compressed_size)
        return false;
    size_t size = ZSTD_decompressDCtx(context, slot->text.data, job->size, slot->input.data,
                                      job->compressed_size);
    if (ZSTD_isError(size) || size != job->size)
        return false;
    slot->text.size = size;
    return true;
}

/* Waits for something to do.  NULL: the pool ends. */
static struct slot *next_job(struct frame_pool *pool)
{
    struct slot *slot = NULL;

    pthread_mutex_lock(&pool->lock);
    while (!pool->is_ending && slot_at(pool, pool->next)->state != SLOT_WAITING)
        pthread_cond_wait(&pool->is_put, &pool->lock);
    if (!pool->is_ending) {
        slot = slot_at(pool, pool->next++);
        slot->state = SLOT_BUSY;
    }
    pthread_mutex_unlock(&pool->lock);
    return slot;
}

static void *work(void *context)
{
    struct frame_pool *pool = context;
    ZSTD_DCtx *decoder = ZSTD_createDCtx();
    struct slot *slot;

    while ((slot = next_job(pool)) != NULL) {
        slot->is_good = decoder != NULL && decode(slot, decoder) && split(pool, slot);
        pthread_mutex_lock(&pool->lock);
        slot->state = SLOT_DONE;
        pthread_cond_signal(&pool->is_done);
        pthread_mutex_unlock(&pool->lock);
    }
    ZSTD_freeDCtx(decoder);
    return NULL;
}

/* --- Owner's --------------------------------------------------------------------------------- */

enum status frame_pool_create(const struct store_plan *plan, unsigned thread_count,
                              struct frame_pool **ret, struct error *err)
{
    struct frame_pool *pool = calloc(1, sizeof(*pool));
    sigset_t all, before;

    ASSERT(thread_count > 0 && thread_count <= FRAME_POOL_THREADS_MAX);
    if (pool == NULL)
        return error_set(err, ST_NO_MEMORY, "a pool of threads");
    pool->plan = plan;
    pool->slot_count = (size_t)2 * thread_count;
    for (size_t i = 0; i < pool->slot_count; i++) {
        buf_init(&pool->slots[i].input, COMPRESSED_MAX);
        buf_init(&pool->slots[i].text, FRAME_POOL_SIZE_MAX);
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->is_put, NULL);
    pthread_cond_init(&pool->is_done, NULL);
    /* An interrupt is for the owner. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->thread_count < thread_count &&
           pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0)
        pool->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->thread_count == 0) {
        frame_pool_destroy(pool);
        return error_set(err, ST_IO, "no thread can be made");
    }
    *ret = pool;
    return ST_OK;
}

void frame_pool_destroy(struct frame_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->is_put);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    for (size_t i = 0; i < pool->slot_count; i++) {
        buf_fini(&pool->slots[i].input);
        buf_fini(&pool->slots[i].text);
        free(pool->slots[i].lines);
    }
    pthread_cond_destroy(&pool->is_put);
    pthread_cond_destroy(&pool->is_done);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static void set_state(struct frame_pool *pool, struct slot *slot, enum slot_state state)
{
    pthread_mutex_lock(&pool->lock);
    slot->state = state;
    if (state == SLOT_WAITING)
        pthread_cond_signal(&pool->is_put);
    pthread_mutex_unlock(&pool->lock);
}

/* What was taken last is not borrowed any more. */
static void give_back(struct frame_pool *pool)
{
    if (pool->has_taken)
        set_state(pool, slot_at(pool, pool->first++), SLOT_FREE);
    pool->has_taken = false;
}

bool frame_pool_has_room(const struct frame_pool *pool)
{
    return pool->end - pool->first < pool->slot_count;
}

void frame_pool_put(struct frame_pool *pool, const struct frame_job *job)
{
    ASSERT(frame_pool_has_room(pool));
    struct slot *slot = slot_at(pool, pool->end++);
    slot->job = *job;
    set_state(pool, slot, SLOT_WAITING);
}

bool frame_pool_take(struct frame_pool *pool, struct frame_done *ret)
{
    give_back(pool);
    if (pool->first == pool->end)
        return false;
    struct slot *slot = slot_at(pool, pool->first);
    pthread_mutex_lock(&pool->lock);
    while (slot->state != SLOT_DONE)
        pthread_cond_wait(&pool->is_done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pool->has_taken = true;
    *ret = (struct frame_done){
        .job = slot->job,
        .is_good = slot->is_good,
        .text = slot->text.data,
        .lines = slot->lines,
        .line_count = slot->is_good ? slot->line_count : 0,
    };
    return true;
}

void frame_pool_drop(struct frame_pool *pool)
{
    struct frame_done ignored;

    /* They are few: to wait for them is simpler than to take them back. */
    while (frame_pool_take(pool, &ignored))
        ;
}
