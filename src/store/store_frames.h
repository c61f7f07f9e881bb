/* SPDX-License-Identifier: Apache-2.0 */
/* store_frames.h -- which frames of a compressed file have to be read, by its index.
 *
 * Threads: those of its pool; one owner.
 */
#pragma once

#include "store/frame_pool.h"
#include "telltale/store_index.h"

struct store_frames {
    struct store_index *index; /* owned; NULL: all frames have to be read */
    struct frame_set set;
    size_t next;
    struct frame_pool *pool; /* owned; kept for the next file; NULL: not needed so far */
    bool is_pooled;          /* the frames of this file go through the pool */
    struct frame_done done;  /* the frame out of it that is being given */
    size_t done_next;        /* the next of its lines */
    uint64_t pooled_bytes;   /* compressed, of this file, that came out of it */
};

/* A part of the file without a gap. */
struct store_frame_run {
    uint64_t offset, end; /* in the file */
    uint64_t first_line;
};

/* Opens the index of the open file `data_fd`, which is `name` in directory `dir_fd`.  False: there
 * is none that can be used; nothing has to be closed. */
bool store_frames_open(struct store_frames *frames, const struct store_plan *plan, int dir_fd,
                       const struct store_file_name *name, int data_fd);
void store_frames_close(struct store_frames *frames); /* accepts one that is zeroed */
void store_frames_fini(struct store_frames *frames);  /* closed or not */

/* The next frames to read, those without others between them together.  False: there are no more.
 */
bool store_frames_next(struct store_frames *frames, struct store_frame_run *ret);

/* --- With several threads -------------------------------------------------------------------- */

/* Lets a pool take the frames of the open file apart, in place of store_frames_next().
 * `thread_count` 0: as many as there are processors.  False: it is not worth it. */
bool store_frames_use_pool(struct store_frames *frames, const struct store_plan *plan,
                           unsigned thread_count);

/* The next line that the plan takes, borrowed until the next call, and its number in the file.
 *
 *   ST_LIMIT      a frame has come, and there is more to do: call again
 *   ST_AGAIN      the frame of *ret_job has to be read in another way
 *   ST_NOT_FOUND  that was all */
enum status store_frames_next_line(struct store_frames *frames, int data_fd, struct slice *ret,
                                   uint64_t *ret_number, struct frame_job *ret_job);
