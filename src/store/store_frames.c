/* SPDX-License-Identifier: Apache-2.0 */
/* store_frames.c -- see store_frames.h. */
#include "store/store_frames.h"

void store_frames_close(struct store_frames *frames)
{
    store_index_close(frames->index);
    frame_set_fini(&frames->set);
    *frames = (struct store_frames){.index = NULL};
}

bool store_frames_open(struct store_frames *frames, const struct store_plan *plan, int dir_fd,
                       const struct store_file_name *name, int data_fd)
{
    struct error ignored; /* the file is read whole then */

    *frames = (struct store_frames){.index = NULL};
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
