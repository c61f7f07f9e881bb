/* SPDX-License-Identifier: Apache-2.0 */
/* store_frames.c -- see store_frames.h. */
#include "store/store_frames.h"

#include <sched.h>

void store_frames_close(struct store_frames *frames)
{
    struct frame_pool *pool = frames->pool;

    if (frames->is_pooled)
        frame_pool_drop(pool);
    store_index_close(frames->index);
    frame_set_fini(&frames->set);
    *frames = (struct store_frames){.pool = pool};
}

void store_frames_fini(struct store_frames *frames)
{
    store_frames_close(frames);
    frame_pool_destroy(frames->pool);
    frames->pool = NULL;
}

bool store_frames_open(struct store_frames *frames, const struct store_plan *plan, int dir_fd,
                       const struct store_file_name *name, int data_fd)
{
    struct error ignored; /* the file is read whole then */

    ASSERT(frames->index == NULL);
    if (store_index_open(dir_fd, name, data_fd, &frames->index, &ignored) != ST_OK)
        return false;
    if (store_plan_find_frames(plan, frames->index, &frames->set, &ignored) == ST_OK)
        return true;
    store_frames_close(frames);
    return false;
}

bool store_frames_next(struct store_frames *frames, struct store_frame_run *ret)
{
    size_t first = frame_set_next(&frames->set, frames->next);
    struct store_index_frame frame;

    frames->next = first;
    if (first == frames->set.count)
        return false;
    store_index_frame(frames->index, first, &frame);
    *ret = (struct store_frame_run){
        .offset = frame.offset,
        .end = frame.offset + frame.compressed_size,
        .first_line = frame.first_line,
    };
    while (++frames->next < frames->set.count && frame_set_has(&frames->set, frames->next)) {
        store_index_frame(frames->index, frames->next, &frame);
        ret->end = frame.offset + frame.compressed_size;
    }
    return true;
}

/* --- With several threads -------------------------------------------------------------------- */

bool store_frames_use_pool(struct store_frames *frames, const struct store_plan *plan,
                           unsigned thread_count)
{
    enum { FRAMES_MIN = 16 };
    struct error ignored; /* the owner can do it alone */
    cpu_set_t cpus;

    if (thread_count == 0 && sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
        thread_count = (unsigned)CPU_COUNT(&cpus);
    if (thread_count > FRAME_POOL_THREADS_MAX)
        thread_count = FRAME_POOL_THREADS_MAX;
    if (thread_count < 2 || frame_set_size(&frames->set) < FRAMES_MIN)
        return false;
    if (frames->pool == NULL &&
        frame_pool_create(plan, thread_count - 1, &frames->pool, &ignored) != ST_OK)
        return false;
    frames->is_pooled = true;
    return true;
}

/* The next frame that has to be read, into the job but for its `fd`. */
static bool next_job(struct store_frames *frames, struct frame_job *ret)
{
    size_t number = frame_set_next(&frames->set, frames->next);
    struct store_index_frame frame;

    frames->next = number;
    if (number == frames->set.count)
        return false;
    frames->next++;
    store_index_frame(frames->index, number, &frame);
    ret->offset = frame.offset;
    ret->compressed_size = frame.compressed_size;
    ret->size = frame.size;
    ret->first_line = frame.first_line;
    return true;
}

enum status store_frames_next_line(struct store_frames *frames, int data_fd, struct slice *ret,
                                   uint64_t *ret_number, struct frame_job *ret_job)
{
    struct frame_job job = {.fd = data_fd};
    struct frame_done *done = &frames->done;

    ASSERT(frames->is_pooled);
    if (frames->done_next < done->line_count) {
        const struct frame_line *line = &done->lines[frames->done_next++];
        *ret = slice_of(done->text + line->start, line->size);
        *ret_number = done->job.first_line + line->number;
        return ST_OK;
    }
    while (frame_pool_has_room(frames->pool) && next_job(frames, &job))
        frame_pool_put(frames->pool, &job);
    frames->done_next = 0;
    *done = (struct frame_done){.is_good = false};
    if (!frame_pool_take(frames->pool, done))
        return ST_NOT_FOUND;
    if (!done->is_good) {
        *ret_job = done->job;
        return ST_AGAIN;
    }
    frames->pooled_bytes += done->job.compressed_size;
    return ST_LIMIT;
}
