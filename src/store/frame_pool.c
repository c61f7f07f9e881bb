/* SPDX-License-Identifier: Apache-2.0 */
/* frame_pool.c -- see frame_pool.h.
 *
 * A ring of slots.  The owner fills the one behind the last and takes the first; who has time takes
 * the first that waits: the workers, and the owner while what it wants is not done.
 *
 *     FREE --(put)--> WAITING --(claim)--> BUSY --> DONE --(take, and the next call)--> FREE
 *
 * While a slot is BUSY only the thread that claimed it touches it, else only the owner; `state`
 * alone is shared.  A frame is decompressed where the thread did the last one, which its cache
 * still holds, and only the lines that are wanted, often one of hundreds, are copied into the slot.
 * So slots are cheap, there are many, and nobody is woken for each frame.
 */
#include "store/frame_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <zstd.h>

#include "telltale/buf.h"

enum { SLOT_COUNT = 64, COMPRESSED_MAX = FRAME_POOL_SIZE_MAX + (1 << 16) };

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_BUSY, SLOT_DONE };

struct slot {
    enum slot_state state; /* shared, under lock */
    struct frame_job job;
    bool is_good;
    struct buf text;          /* of the lines, one behind the other */
    struct frame_line *lines; /* owned */
    size_t line_count, line_capacity;
};

/* What a thread decompresses with; its own. */
struct decoder {
    ZSTD_DCtx *context; /* owned; NULL: there was no memory */
    struct buf input, text;
};

struct frame_pool {
    const struct store_plan *plan;
    unsigned thread_count;
    pthread_t threads[FRAME_POOL_THREADS_MAX];

    pthread_mutex_t lock;
    pthread_cond_t is_put, is_done;
    /* shared, under lock */
    bool is_ending;
    size_t next;                /* the first slot that may be WAITING, counted on without end */
    const struct slot *awaited; /* by the owner, which sleeps; NULL: it does not */

    /* owner's thread */
    size_t first, end;   /* of the slots in use, counted on without end */
    uint64_t held_bytes; /* of the frames in them */
    bool has_taken;      /* the first one is still borrowed */
    struct decoder decoder;
    struct slot slots[SLOT_COUNT];
};

static struct slot *slot_at(struct frame_pool *pool, size_t number)
{
    return &pool->slots[number % SLOT_COUNT];
}

/* --- Working --------------------------------------------------------------------------------- */

static void decoder_init(struct decoder *decoder)
{
    decoder->context = ZSTD_createDCtx();
    buf_init(&decoder->input, COMPRESSED_MAX);
    buf_init(&decoder->text, FRAME_POOL_SIZE_MAX);
}

static void decoder_fini(struct decoder *decoder)
{
    ZSTD_freeDCtx(decoder->context);
    buf_fini(&decoder->input);
    buf_fini(&decoder->text);
}

static bool add_line(struct slot *slot, struct slice line, size_t number)
{
    enum { CAPACITY_FIRST = 64 };
    struct error ignored; /* the frame is read in another way */

    if (slot->line_count == slot->line_capacity) {
        size_t capacity = slot->line_capacity > 0 ? 2 * slot->line_capacity : CAPACITY_FIRST;
        struct frame_line *lines = reallocarray(slot->lines, capacity, sizeof(*lines));
        if (lines == NULL)
            return false;
        slot->lines = lines;
        slot->line_capacity = capacity;
    }
    size_t start = slot->text.size;
    if (buf_append(&slot->text, line.data, line.size, &ignored) != ST_OK)
        return false;
    slot->lines[slot->line_count++] = (struct frame_line){
        .start = (uint32_t)start, .size = (uint32_t)line.size, .number = (uint32_t)number};
    return true;
}

/* False: it does not end with a line, or there is no memory. */
static bool split(const struct store_plan *plan, struct slice text, struct slot *slot)
{
    size_t start = 0;

    for (size_t number = 0; start < text.size; number++) {
        const uint8_t *newline = memchr(text.data + start, '\n', text.size - start);
        if (newline == NULL)
            return false;
        struct slice line = slice_of(text.data + start, (size_t)(newline - text.data) - start);
        if (store_plan_takes_line(plan, line) && !add_line(slot, line, number))
            return false;
        start += line.size + 1;
    }
    return true;
}

static bool decode(struct decoder *decoder, const struct frame_job *job)
{
    struct buf *input = &decoder->input, *text = &decoder->text;
    struct error ignored; /* the frame is read in another way, which says what is wrong */

    buf_clear(input);
    buf_clear(text);
    if (decoder->context == NULL || job->size > FRAME_POOL_SIZE_MAX ||
        job->compressed_size > COMPRESSED_MAX ||
        buf_reserve(input, job->compressed_size, &ignored) != ST_OK ||
        buf_reserve(text, job->size, &ignored) != ST_OK ||
        pread(job->fd, input->data, job->compressed_size, (off_t)job->offset) !=
            (ssize_t)job->compressed_size)
        return false;
    size_t size = ZSTD_decompressDCtx(decoder->context, text->data, job->size, input->data,
                                      job->compressed_size);
    if (ZSTD_isError(size) || size != job->size)
        return false;
    text->size = size;
    return true;
}

/* The first slot that waits; it is the caller's then.  NULL: none does.  The lock is held. */
static struct slot *claim(struct frame_pool *pool)
{
    struct slot *slot = slot_at(pool, pool->next);

    if (slot->state != SLOT_WAITING)
        return NULL;
    pool->next++;
    slot->state = SLOT_BUSY;
    return slot;
}

/* Does the claimed slot.  The lock is held, but not while it works. */
static void do_slot(struct frame_pool *pool, struct slot *slot, struct decoder *decoder)
{
    pthread_mutex_unlock(&pool->lock);
    slot->line_count = 0;
    buf_clear(&slot->text);
    slot->is_good =
        decode(decoder, &slot->job) && split(pool->plan, buf_slice(&decoder->text), slot);
    pthread_mutex_lock(&pool->lock);
    slot->state = SLOT_DONE;
    if (pool->awaited == slot)
        pthread_cond_signal(&pool->is_done);
}

static void *work(void *context)
{
    struct frame_pool *pool = context;
    struct decoder decoder;

    decoder_init(&decoder);
    pthread_mutex_lock(&pool->lock);
    while (!pool->is_ending) {
        struct slot *slot = claim(pool);
        if (slot != NULL)
            do_slot(pool, slot, &decoder);
        else
            pthread_cond_wait(&pool->is_put, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    decoder_fini(&decoder);
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
    decoder_init(&pool->decoder);
    for (size_t i = 0; i < SLOT_COUNT; i++)
        buf_init(&pool->slots[i].text, FRAME_POOL_SIZE_MAX);
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
    decoder_fini(&pool->decoder);
    for (size_t i = 0; i < SLOT_COUNT; i++) {
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

/* What a job counts for; one that is larger is not done here. */
static uint64_t held_size(const struct frame_job *job)
{
    return job->size < FRAME_POOL_SIZE_MAX ? job->size : FRAME_POOL_SIZE_MAX;
}

/* What was taken last is not borrowed any more. */
static void give_back(struct frame_pool *pool)
{
    if (pool->has_taken) {
        struct slot *slot = slot_at(pool, pool->first++);
        pool->held_bytes -= held_size(&slot->job);
        set_state(pool, slot, SLOT_FREE);
    }
    pool->has_taken = false;
}

bool frame_pool_has_room(const struct frame_pool *pool)
{
    return pool->end - pool->first < SLOT_COUNT && pool->held_bytes < FRAME_POOL_HELD_MAX;
}

void frame_pool_put(struct frame_pool *pool, const struct frame_job *job)
{
    ASSERT(frame_pool_has_room(pool));
    struct slot *slot = slot_at(pool, pool->end++);
    slot->job = *job;
    pool->held_bytes += held_size(job);
    set_state(pool, slot, SLOT_WAITING);
}

bool frame_pool_take(struct frame_pool *pool, struct frame_done *ret)
{
    give_back(pool);
    if (pool->first == pool->end)
        return false;
    struct slot *slot = slot_at(pool, pool->first);
    pthread_mutex_lock(&pool->lock);
    while (slot->state != SLOT_DONE) {
        struct slot *other = claim(pool);
        if (other != NULL) {
            do_slot(pool, other, &pool->decoder);
            continue;
        }
        pool->awaited = slot;
        pthread_cond_wait(&pool->is_done, &pool->lock);
        pool->awaited = NULL;
    }
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

    pthread_mutex_lock(&pool->lock);
    while (pool->end > pool->next) {
        struct slot *slot = slot_at(pool, --pool->end);
        slot->state = SLOT_FREE;
        pool->held_bytes -= held_size(&slot->job);
    }
    pthread_mutex_unlock(&pool->lock);
    /* What is being worked at is little: to wait for it is simplest. */
    while (frame_pool_take(pool, &ignored))
        ;
}
