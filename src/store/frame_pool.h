/* SPDX-License-Identifier: Apache-2.0 */
/* frame_pool.h -- frames of compressed files, taken apart by several threads and given in order.
 *
 * Memory: a frame, compressed and not, for each thread, and of the frames ahead the lines that are
 * wanted, FRAME_POOL_HELD_MAX and one frame at most.
 *
 * Threads: a pool has its own; all functions are for the one that made it, which takes frames apart
 * too where it would have to wait.
 */
#pragma once

#include "store/store_plan.h"

enum {
    FRAME_POOL_THREADS_MAX = 8,
    FRAME_POOL_SIZE_MAX = 8 << 20, /* of a frame */
    FRAME_POOL_HELD_MAX = 64 << 20,
};

struct frame_pool;

struct frame_job {
    int fd; /* borrowed until the frame was taken, or all were dropped */
    uint64_t offset, compressed_size;
    uint64_t size; /* decompressed, as the index says */
    uint64_t first_line;
};

struct frame_line {
    uint32_t start, size; /* in `text`; without '\n' */
    uint32_t number;      /* in the frame, from 0 */
};

/* A frame that was taken apart; borrowed until the next call. */
struct frame_done {
    struct frame_job job;
    bool is_good; /* false: it is too large or damaged, and must be read in another way */
    const uint8_t *text;
    const struct frame_line *lines; /* those that the plan takes */
    size_t line_count;
};

/* `thread_count` comes to the caller's own.  `plan` is borrowed.  ST_NO_MEMORY; ST_IO: no thread
 * could be made. */
MUST_CHECK enum status frame_pool_create(const struct store_plan *plan, unsigned thread_count,
                                         struct frame_pool **ret, struct error *err);
void frame_pool_destroy(struct frame_pool *pool); /* accepts NULL */

bool frame_pool_has_room(const struct frame_pool *pool);

/* The pool has room. */
void frame_pool_put(struct frame_pool *pool, const struct frame_job *job);

/* Waits for the one that was put first.  False: there is none. */
bool frame_pool_take(struct frame_pool *pool, struct frame_done *ret);

/* Forgets all that were put, and waits until none is being worked at. */
void frame_pool_drop(struct frame_pool *pool);
